//! Declared and seen together: the recorded map, with provenance for each node and edge.
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use evenkeel_config::id::Id;
use evenkeel_config::map::{DependencyMap, Kind};
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{
    RecordedEdge, RecordedMap, RecordedNode, Relation, SCHEMA_VERSION, Seen,
};
use jiff::Timestamp;

use super::{End, Sample, read};

/// Most edges that are kept without being declared; the rest is counted.
pub const MOST_EDGES: usize = 500;

/// An undeclared edge that was not seen for so long is forgotten.
const FORGOTTEN_AFTER: Span = Span::from_hours(90 * 24);

/// Lays a sample over the declared map and what was seen earlier.
///
/// Declared edges are always kept. Of the others the last [`MOST_EDGES`] are,
/// those of what this host needs before those of who needs this host.
pub fn join(
    host: &Id,
    declared: Option<&DependencyMap>,
    earlier: Option<&RecordedMap>,
    sample: &Sample,
    now: Timestamp,
) -> RecordedMap {
    let mut joined = Joined { host: host.clone(), ..Joined::default() };
    if let Some(map) = declared {
        joined.declare(map);
    }
    if let Some(earlier) = earlier {
        joined.remember(earlier, now);
    }
    joined.node(host.clone(), Kind::Host, "this host".to_owned());
    joined.see(sample);
    let dropped_edges = joined.cap();
    RecordedMap {
        schema_version: SCHEMA_VERSION,
        host: host.to_string(),
        as_of: now,
        nodes: joined.nodes,
        edges: joined.edges.into_values().collect(),
        dropped_edges,
    }
}

type Key = (Id, Id, Relation);

struct Joined {
    host: Id,
    nodes: BTreeMap<Id, RecordedNode>,
    edges: BTreeMap<Key, RecordedEdge>,
}

impl Default for Joined {
    fn default() -> Self {
        let host = Id::slug("this-host").expect("the text is a valid id");
        Self { host, nodes: BTreeMap::new(), edges: BTreeMap::new() }
    }
}

impl Joined {
    fn declare(&mut self, map: &DependencyMap) {
        for component in map.components.values() {
            let detail = read::plain(&component.title());
            let node = RecordedNode { kind: component.kind, detail, seen: Seen::Declared };
            self.nodes.insert(component.id.clone(), node);
        }
        for component in map.components.values() {
            let common = &component.common;
            let to_run = common.needs.iter().flat_map(|need| need.ids());
            for to in component.foundations().chain(to_run) {
                self.declare_edge(&component.id, to, Relation::ToRun);
            }
            for to in common.recover_needs.iter().flat_map(|need| need.ids()) {
                self.declare_edge(&component.id, to, Relation::ToRecover);
            }
        }
    }

    fn declare_edge(&mut self, from: &Id, to: &Id, relation: Relation) {
        let edge = RecordedEdge {
            from: from.clone(),
            to: to.clone(),
            relation,
            via: String::new(),
            seen: Seen::Declared,
            first_seen: None,
            last_seen: None,
            samples: 0,
        };
        self.edges.insert((from.clone(), to.clone(), relation), edge);
    }

    /// Takes over what was seen before; what was only declared then may be gone from the map.
    fn remember(&mut self, earlier: &RecordedMap, now: Timestamp) {
        for edge in earlier.edges.iter().filter(|edge| edge.samples > 0) {
            let key = (edge.from.clone(), edge.to.clone(), edge.relation);
            if let Some(declared) = self.edges.get_mut(&key) {
                let seen = Seen::DeclaredAndSeen;
                *declared = RecordedEdge { seen, ..edge.clone() };
                continue;
            }
            let age = edge.last_seen.map_or(i64::MAX, |seen| {
                now.as_millisecond().saturating_sub(seen.as_millisecond())
            });
            if age <= FORGOTTEN_AFTER.as_ms() {
                self.edges.insert(key, RecordedEdge { seen: Seen::Seen, ..edge.clone() });
            }
        }
        let named: BTreeSet<&Id> = self.edges.keys().flat_map(|(from, to, _)| [from, to]).collect();
        for (id, node) in &earlier.nodes {
            let is_known = self.nodes.contains_key(id);
            if node.seen != Seen::Declared && named.contains(id) && !is_known {
                self.nodes.insert(id.clone(), RecordedNode { seen: Seen::Seen, ..node.clone() });
            }
        }
    }

    fn see(&mut self, sample: &Sample) {
        for listener in &sample.listeners {
            let detail = format!("{} listening on port {}", listener.name(), listener.port);
            if let Some(service) = self.service(&listener.name(), &detail) {
                let host = self.host.clone();
                self.edge(service, host, "unit", sample.taken);
            }
        }
        for mount in &sample.mounts {
            let detail = format!("serves {} as {}", mount.point, mount.kind);
            if let Some(server) = self.server(&mount.server, &detail, sample) {
                let host = self.host.clone();
                self.edge(host, server, "mount", sample.taken);
            }
        }
        for resolver in &sample.resolvers {
            let (host, peer) = (self.host.clone(), self.peer(*resolver, sample));
            self.edge(host, peer, "dns", sample.taken);
        }
        for flow in &sample.flows {
            let (Some(from), Some(to)) = (self.end(&flow.from, sample), self.end(&flow.to, sample))
            else {
                continue;
            };
            self.edge(from, to, "tcp", sample.taken);
        }
    }

    fn end(&mut self, end: &End, sample: &Sample) -> Option<Id> {
        match end {
            End::Host => Some(self.host.clone()),
            End::Program(name) => self.service(name, name),
            End::Peer(address) => Some(self.peer(*address, sample)),
        }
    }

    /// The node of a program; its own name may be that of the host or of
    /// something else that is declared.
    fn service(&mut self, name: &str, detail: &str) -> Option<Id> {
        let id = service_id(name, &self.host)?;
        let id = match self.nodes.get(&id) {
            Some(node) if node.kind != Kind::Service => Id::slug(&format!("service-{id}"))?,
            _ => id,
        };
        self.node(id.clone(), Kind::Service, read::plain(detail));
        Some(id)
    }

    fn peer(&mut self, address: IpAddr, sample: &Sample) -> Id {
        let known = sample.names.get(&address).and_then(|name| self.declared_name(name));
        let id = known.unwrap_or_else(|| peer_id(address));
        self.node(id.clone(), Kind::Host, address.to_string());
        id
    }

    fn server(&mut self, server: &str, detail: &str, sample: &Sample) -> Option<Id> {
        if let Ok(address) = server.parse::<IpAddr>() {
            return Some(self.peer(address, sample));
        }
        let id = self.declared_name(server).or_else(|| Id::slug(first_label(server)))?;
        self.node(id.clone(), Kind::Storage, read::plain(detail));
        Some(id)
    }

    /// A declared component that bears a host name or its first part.
    fn declared_name(&self, name: &str) -> Option<Id> {
        [name, first_label(name)]
            .iter()
            .filter_map(|name| Id::slug(name))
            .find(|id| self.nodes.contains_key(id))
    }

    /// Marks a node as seen; a declared one keeps its own kind and words.
    fn node(&mut self, id: Id, kind: Kind, detail: String) {
        match self.nodes.get_mut(&id) {
            Some(node) if node.seen == Seen::Declared => node.seen = Seen::DeclaredAndSeen,
            Some(_) => {}
            None => {
                self.nodes.insert(id, RecordedNode { kind, detail, seen: Seen::Seen });
            }
        }
    }

    fn edge(&mut self, from: Id, to: Id, via: &str, taken: Timestamp) {
        if from == to {
            return;
        }
        let key = (from.clone(), to.clone(), Relation::ToRun);
        let edge = self.edges.entry(key).or_insert_with(|| RecordedEdge {
            from,
            to,
            relation: Relation::ToRun,
            via: String::new(),
            seen: Seen::Seen,
            first_seen: None,
            last_seen: None,
            samples: 0,
        });
        if edge.seen == Seen::Declared {
            edge.seen = Seen::DeclaredAndSeen;
        }
        if !edge.via.split(", ").any(|known| known == via) {
            edge.via =
                if edge.via.is_empty() { via.to_owned() } else { format!("{}, {via}", edge.via) };
        }
        // Several flows of one sample make one edge, and count once.
        if edge.last_seen != Some(taken) {
            edge.samples += 1;
        }
        edge.first_seen = Some(edge.first_seen.map_or(taken, |first| first.min(taken)));
        edge.last_seen = Some(edge.last_seen.map_or(taken, |last| last.max(taken)));
    }

    /// Leaves out undeclared edges above the cap, and nodes that only they named.
    fn cap(&mut self) -> u64 {
        let mut seen: Vec<(bool, Option<Timestamp>, Key)> = self
            .edges
            .iter()
            .filter(|(_, edge)| edge.seen == Seen::Seen)
            .map(|(key, edge)| (self.is_ours(&key.0), edge.last_seen, key.clone()))
            .collect();
        let too_many = seen.len().saturating_sub(MOST_EDGES);
        if too_many == 0 {
            return 0;
        }
        seen.sort();
        for (_, _, key) in seen.iter().take(too_many) {
            self.edges.remove(key);
        }
        let mut named: BTreeSet<&Id> =
            self.edges.keys().flat_map(|(from, to, _)| [from, to]).collect();
        named.insert(&self.host);
        self.nodes.retain(|id, node| node.seen != Seen::Seen || named.contains(id));
        too_many as u64
    }

    /// Whether the needing end is this host or a program of it.
    fn is_ours(&self, from: &Id) -> bool {
        *from == self.host || self.nodes.get(from).is_some_and(|node| node.kind == Kind::Service)
    }
}

/// The id of a program on a host; never that of the host itself.
pub(crate) fn service_id(name: &str, host: &Id) -> Option<Id> {
    let id = Id::slug(name)?;
    if id == *host { Id::slug(&format!("service-{id}")) } else { Some(id) }
}

/// The id of a host that is known by its address alone, such as `peer-192-0-2-10`.
pub(crate) fn peer_id(address: IpAddr) -> Id {
    let text = match address {
        IpAddr::V4(address) => address.to_string(),
        // Written out, since `::` is lost in an id.
        IpAddr::V6(address) => address.segments().map(|part| format!("{part:x}")).join("-"),
    };
    Id::slug(&format!("peer-{text}")).expect("it begins with a letter and is short")
}

/// `nas-2` of `nas-2.example.org`.
pub(crate) fn first_label(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}
