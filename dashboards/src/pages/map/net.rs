//! All that one component rests on, as nodes and edges; nothing folded yet.
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use evenkeel_config::id::Id;
use evenkeel_config::map::{Component, Details, Kind, Need, RecoveryStep};
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{Relation, Seen, Status};

use super::detail;
use crate::html::names::Names;
use crate::html::words;
use crate::picture::Picture;

/// Deeper groups inside groups than this are drawn as their members.
const DEEPEST_GROUP: usize = 8;

/// Everything reachable from one component, which is node 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Net {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

/// One mark of the picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub what: What,
    /// Name on the page, harmless but not shortened.
    pub title: String,
    /// A few words under the name.
    pub detail: String,
    /// A state shown beside the mark, if it is an exception.
    pub mark: Option<Status>,
    /// What findings say about it, in a few words each.
    pub notes: Vec<String>,
}

/// What a mark stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// A component of the map.
    Component(Id, Kind),
    /// Something that only a host showed.
    Stranger(Id, Kind),
    /// A choice: any of, or so many of, those below.
    Group,
    /// Several components that need and are needed by the same others.
    Alike(Kind, usize),
}

/// One line of the picture, and one row of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub from: usize,
    pub relation: Relation,
    pub to: usize,
    /// Whether a host showed it.
    pub seen: bool,
    /// The finding it is part of, as an index into the picture's findings.
    pub finding: Option<usize>,
}

impl Net {
    /// The net below a component.
    pub(super) fn below(start: &Id, picture: &Picture) -> Self {
        let mut build = Build::new(picture);
        build.node(start);
        while let Some((node, id)) = build.queue.pop_front() {
            build.follow(node, &id);
        }
        build.net
    }

    /// How many components it has beside the first, groups not counted.
    pub(super) fn components(&self) -> usize {
        let one = |node: &&Node| node.what != What::Group;
        self.nodes.iter().filter(one).count().saturating_sub(1)
    }
}

/// The state of [`Net::below`].
struct Build<'a> {
    picture: &'a Picture,
    names: Names<'a>,
    net: Net,
    by_id: BTreeMap<Id, usize>,
    groups: BTreeMap<String, usize>,
    known: BTreeSet<(usize, usize, Relation)>,
    queue: VecDeque<(usize, Id)>,
    seen: BTreeMap<(Id, Id), Seen>,
    findings: BTreeMap<(Id, Id), usize>,
    alone: BTreeMap<String, Id>,
}

impl<'a> Build<'a> {
    fn new(picture: &'a Picture) -> Self {
        let mut seen = BTreeMap::new();
        let edges = picture.recorded.values().flat_map(|recorded| &recorded.edges);
        for edge in edges.filter(|edge| edge.relation == Relation::ToRun) {
            let known = seen.entry((edge.from.clone(), edge.to.clone())).or_insert(edge.seen);
            if *known == Seen::Declared {
                *known = edge.seen;
            }
        }
        let mut findings = BTreeMap::new();
        for (index, finding) in picture.map_findings.iter().enumerate() {
            for pair in &finding.edges {
                findings.entry(pair.clone()).or_insert(index);
            }
        }
        Self {
            picture,
            names: Names::new(&picture.map),
            net: Net::default(),
            by_id: BTreeMap::new(),
            groups: BTreeMap::new(),
            known: BTreeSet::new(),
            queue: VecDeque::new(),
            seen,
            findings,
            alone: only_holders(picture),
        }
    }

    fn follow(&mut self, node: usize, id: &Id) {
        if let Some(component) = self.picture.map.components.get(id) {
            let measured = component.provenance == Provenance::Measured;
            for (relation, need) in needs(component, &self.alone) {
                self.attach(node, component, relation, &need, measured, 0);
            }
        }
        let shown: Vec<Id> = self
            .seen
            .iter()
            .filter(|((from, _), seen)| from == id && **seen == Seen::Seen)
            .map(|((_, to), _)| to.clone())
            .collect();
        for to in shown {
            let to_node = self.node(&to);
            self.join(node, to_node, Relation::ToRun, true, None);
        }
        let in_findings: Vec<(Id, usize)> = self
            .findings
            .iter()
            .filter(|((from, _), _)| from == id)
            .map(|((_, to), index)| (to.clone(), *index))
            .collect();
        for (to, index) in in_findings {
            let to_node = self.node(&to);
            let drawn =
                self.net.edges.iter().any(|edge| (edge.from, edge.finding) == (node, Some(index)));
            if !drawn && !self.is_joined(node, to_node) {
                self.join(node, to_node, Relation::ToRun, false, Some(index));
            }
        }
    }

    /// Draws one need of a component: a line, or lines to a group and on to its
    /// members.
    fn attach(
        &mut self,
        node: usize,
        owner: &Component,
        relation: Relation,
        need: &Need,
        measured: bool,
        depth: usize,
    ) {
        let (parts, label) = match need {
            Need::Id(id) | Need::Edge(evenkeel_config::map::Edge { id, .. }) => {
                let to = self.node(id);
                let pair = (owner.id.clone(), id.clone());
                let seen =
                    measured || self.seen.get(&pair).is_some_and(|seen| *seen != Seen::Declared);
                let finding = self.findings.get(&pair).copied();
                self.join(node, to, relation, seen, finding);
                return;
            }
            Need::All(all) => (&all.all, String::new()),
            Need::Any(any) => (&any.any, format!("any 1 of {}", any.any.len())),
            Need::AtLeast(some) => {
                (&some.of, format!("any {} of {}", some.at_least, some.of.len()))
            }
        };
        let flat = label.is_empty() && depth == 0;
        let into = if flat || parts.len() < 2 || depth >= DEEPEST_GROUP {
            node
        } else {
            let label = if label.is_empty() { format!("all of {}", parts.len()) } else { label };
            let group = self.group(label, need);
            let ids = need.ids();
            let seen = measured
                || ids.iter().any(|id| {
                    let pair = (owner.id.clone(), (*id).clone());
                    self.seen.get(&pair).is_some_and(|seen| *seen != Seen::Declared)
                });
            self.join(node, group, relation, seen, None);
            group
        };
        for part in parts {
            self.attach(into, owner, relation, part, measured, depth + 1);
        }
    }

    fn join(
        &mut self,
        from: usize,
        to: usize,
        relation: Relation,
        seen: bool,
        finding: Option<usize>,
    ) {
        if self.known.insert((from, to, relation)) {
            self.net.edges.push(Edge { from, relation, to, seen, finding });
        }
    }

    fn is_joined(&self, from: usize, to: usize) -> bool {
        [Relation::ToRun, Relation::ToRecover]
            .iter()
            .any(|way| self.known.contains(&(from, to, *way)))
    }

    /// The node of a component, made when it is first met.
    fn node(&mut self, id: &Id) -> usize {
        if let Some(node) = self.by_id.get(id) {
            return *node;
        }
        let node = self.net.nodes.len();
        self.net.nodes.push(match self.picture.map.components.get(id) {
            Some(component) => self.known_node(component),
            None => self.stranger(id),
        });
        self.by_id.insert(id.clone(), node);
        self.queue.push_back((node, id.clone()));
        node
    }

    fn known_node(&self, component: &Component) -> Node {
        let findings = &self.picture.map_findings;
        let about: Vec<_> =
            findings.iter().filter(|finding| finding.components.contains(&component.id)).collect();
        let mark = match about.iter().map(|finding| finding.critical).max() {
            Some(true) => Some(Status::Critical),
            _ if detail::is_silent(component, self.picture) => Some(Status::Unknown),
            Some(false) => Some(Status::Warning),
            None => None,
        };
        Node {
            what: What::Component(component.id.clone(), component.kind),
            title: match component.kind {
                Kind::Function => words::sentence_case(&self.names.component(&component.id)),
                _ => self.names.component(&component.id),
            },
            detail: self.names.text(&detail::of(component, self.picture)),
            mark,
            notes: about
                .iter()
                .filter(|finding| finding.critical)
                .map(|one| one.short.clone())
                .collect(),
        }
    }

    fn stranger(&self, id: &Id) -> Node {
        let nodes = self.picture.recorded.values().filter_map(|recorded| recorded.nodes.get(id));
        let kind = nodes.clone().next().map_or(Kind::Host, |node| node.kind);
        Node {
            what: What::Stranger(id.clone(), kind),
            title: self.names.component(id),
            detail: "seen, not on the map".to_owned(),
            mark: None,
            notes: Vec::new(),
        }
    }

    /// The node of a choice; the same choice made twice is drawn once.
    fn group(&mut self, label: String, need: &Need) -> usize {
        let ids: Vec<&str> = need.ids().iter().map(|id| id.as_str()).collect();
        let key = format!("{label} {}", ids.join(" "));
        if let Some(node) = self.groups.get(&key) {
            return *node;
        }
        let kinds: BTreeSet<Kind> = ids
            .iter()
            .filter_map(|id| self.picture.map.components.get(*id))
            .map(|component| component.kind)
            .collect();
        let detail = match kinds.first() {
            Some(kind) if kinds.len() == 1 => detail::plural(*kind).to_owned(),
            _ => String::new(),
        };
        let node = self.net.nodes.len();
        let title = label;
        self.net.nodes.push(Node {
            what: What::Group,
            title,
            detail,
            mark: None,
            notes: Vec::new(),
        });
        self.groups.insert(key, node);
        node
    }
}

/// The needs of a component, those to run first.
fn needs(component: &Component, alone: &BTreeMap<String, Id>) -> Vec<(Relation, Need)> {
    let common = &component.common;
    let mut to_run: Vec<Need> = Vec::new();
    let mut to_recover: Vec<Need> = Vec::new();
    if let Details::Function(function) = &component.details {
        for step in &function.path {
            to_run.extend(step.who.clone().map(Need::Id));
            to_run.extend(step.needs.iter().cloned());
        }
    }
    to_run.extend(common.needs.iter().cloned());
    to_run.extend(component.foundations().cloned().map(Need::Id));
    to_recover.extend(common.recover_needs.iter().cloned());
    match &component.details {
        Details::Dataset(data) => {
            to_recover.extend(data.backups.iter().map(|backup| Need::Id(backup.copy.clone())));
        }
        Details::Copy(copy) => to_recover.extend(copy.links.iter().cloned().map(Need::Id)),
        Details::DnsZone(zone) => to_recover.extend(zone.registrar.clone().map(Need::Id)),
        _ => {}
    }
    to_recover.extend(common.failover.iter().filter_map(|other| other.to.clone()).map(Need::Id));
    for step in common.recover.iter().chain(&common.repair).chain(&common.clear) {
        to_recover.extend(step_needs(step, alone));
    }
    let to_run = to_run.into_iter().map(|need| (Relation::ToRun, need));
    to_run.chain(to_recover.into_iter().map(|need| (Relation::ToRecover, need))).collect()
}

/// What one recovery step needs; a skill counts when one person alone has it.
fn step_needs(step: &RecoveryStep, alone: &BTreeMap<String, Id>) -> Vec<Need> {
    let holder =
        step.skill.as_ref().filter(|_| step.who.is_none()).and_then(|skill| alone.get(skill));
    let named = [&step.who, &step.vendor, &step.spare].into_iter().flatten();
    step.needs.iter().cloned().chain(named.chain(holder).cloned().map(Need::Id)).collect()
}

/// Skills that one person on the map has and nobody else.
fn only_holders(picture: &Picture) -> BTreeMap<String, Id> {
    let mut holders: BTreeMap<&str, BTreeSet<Option<&Id>>> = BTreeMap::new();
    for component in picture.map.components.values() {
        let (skills, who) = match &component.details {
            Details::Person(person) => (&person.skills, Some(&component.id)),
            Details::Team(team) if team.count == 1 => (&team.skills, Some(&component.id)),
            Details::Team(team) => (&team.skills, None),
            _ => continue,
        };
        for skill in skills {
            holders.entry(skill).or_default().insert(who);
        }
    }
    let only = |(skill, who): (&str, BTreeSet<Option<&Id>>)| match (who.len(), who.first()) {
        (1, Some(Some(id))) => Some((skill.to_owned(), (*id).clone())),
        _ => None,
    };
    holders.into_iter().filter_map(only).collect()
}
