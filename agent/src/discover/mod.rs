//! What this host depends on, by looking at the host alone: who listens, who
//! talks to whom, what is mounted from elsewhere, who answers for names.
//!
//! Nothing here sends a packet. [`sample`] looks once, [`join`] lays samples
//! over the declared map, [`propose()`] writes the first settings and draft map.
mod certificates;
mod jobs;
pub(crate) mod mounts;
mod propose;
mod purpose;
pub(crate) mod read;
mod recorded;
mod resolvers;
mod sockets;
mod units;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use jiff::Timestamp;

use self::sockets::{Socket, State};
use self::units::Owners;
use crate::probe::host::Host;

pub use self::mounts::RemoteMount;
pub use self::propose::{Proposal, propose};
pub use self::recorded::{MOST_EDGES, join};

/// What was seen at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// When; the epoch in an empty sample.
    pub taken: Timestamp,
    /// Programs that wait for connections.
    pub listeners: Vec<Listener>,
    /// Who talks to whom, each pair and port once.
    pub flows: BTreeSet<Flow>,
    /// File systems that other hosts serve.
    pub mounts: Vec<RemoteMount>,
    /// Name servers.
    pub resolvers: Vec<IpAddr>,
    /// Names that this host itself gives to addresses.
    pub names: BTreeMap<IpAddr, String>,
    /// What could not be seen, in words.
    pub gaps: Vec<String>,
}

/// A program that waits for connections on one port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// TCP port.
    pub port: u16,
    /// Unit, container or process; `None` if we may not see it.
    pub program: Option<String>,
    /// Addresses it listens on.
    pub addresses: BTreeSet<IpAddr>,
}

impl Listener {
    /// Whether only programs of this host can reach it.
    pub fn is_local(&self) -> bool {
        self.addresses.iter().all(IpAddr::is_loopback)
    }

    /// The name of its program, else what usually listens there, else the port.
    pub fn name(&self) -> String {
        let usual = || purpose::of_port(self.port).map(|purpose| purpose.service.to_owned());
        self.program.clone().or_else(usual).unwrap_or_else(|| format!("port-{}", self.port))
    }
}

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// This host, program unknown.
    Host,
    /// A program of this host, by [`Listener::name`] or its unit.
    Program(String),
    /// Another host.
    Peer(IpAddr),
}

/// Somebody who uses somebody else's port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// Who connects, and so needs the other.
    pub from: End,
    /// Who listens.
    pub to: End,
    /// The port that is listened on.
    pub port: u16,
}

/// Most bytes of a kernel table: about 100,000 connections.
const LARGEST_TABLE: usize = 16 << 20;

/// Looks at the host below `root` once.
pub fn sample(root: &Path, now: Timestamp) -> Sample {
    let host = Host::new(root);
    let mut gaps = Vec::new();
    let mut sockets = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        match host.text(table, LARGEST_TABLE) {
            Ok(text) => sockets.extend(sockets::parse(&text)),
            Err(error) => gaps.push(error.to_string()),
        }
    }
    let owners = Owners::read(root);
    if owners.hidden > 0 {
        gaps.push(format!(
            "the open files of {} processes may not be seen, so some connections have no program",
            owners.hidden
        ));
    }
    let mounts = match host.text("/proc/self/mountinfo", LARGEST_TABLE) {
        Ok(text) => mounts::remote(&mounts::parse(&text).0),
        Err(error) => {
            gaps.push(error.to_string());
            Vec::new()
        }
    };
    let listeners = listeners(&sockets, &owners);
    let flows = flows(&sockets, &owners, &listeners);
    let resolvers = resolvers::read(&host);
    let names = resolvers::names(&host);
    Sample { taken: now, listeners, flows, mounts, resolvers, names, gaps }
}

fn listeners(sockets: &[Socket], owners: &Owners) -> Vec<Listener> {
    let mut found: BTreeMap<(u16, Option<String>), BTreeSet<IpAddr>> = BTreeMap::new();
    for socket in sockets.iter().filter(|socket| socket.state == State::Listening) {
        let program = owners.of(socket).map(str::to_owned);
        found.entry((socket.local.port(), program)).or_default().insert(socket.local.ip());
    }
    found
        .into_iter()
        .map(|((port, program), addresses)| Listener { port, program, addresses })
        .collect()
}

fn flows(sockets: &[Socket], owners: &Owners, listeners: &[Listener]) -> BTreeSet<Flow> {
    let listening: HashMap<u16, String> =
        listeners.iter().map(|listener| (listener.port, listener.name())).collect();
    let ours: BTreeSet<IpAddr> = sockets.iter().map(|socket| socket.local.ip()).collect();
    let last_user = last_users(sockets, owners);
    let mut flows = BTreeSet::new();
    for socket in sockets.iter().filter(|socket| socket.state != State::Listening) {
        let peer_is_us = socket.remote.ip().is_loopback() || ours.contains(&socket.remote.ip());
        if let Some(listener) = listening.get(&socket.local.port()) {
            // The row of our own client end tells the same with its program.
            if !peer_is_us {
                let from = End::Peer(socket.remote.ip());
                let to = End::Program(listener.clone());
                flows.insert(Flow { from, to, port: socket.local.port() });
            }
            continue;
        }
        let program = owners.of(socket).or_else(|| last_user.get(&socket.remote).copied());
        let from = program.map_or(End::Host, |program| End::Program(program.to_owned()));
        let port = socket.remote.port();
        let to = match (peer_is_us, listening.get(&port)) {
            (false, _) => End::Peer(socket.remote.ip()),
            (true, Some(listener)) => End::Program(listener.clone()),
            (true, None) => continue,
        };
        if from != to && !(peer_is_us && from == End::Host) {
            flows.insert(Flow { from, to, port });
        }
    }
    flows
}

/// Closed sockets have no owner any more: the program that is connected to the
/// same end right now stands in.
fn last_users<'a>(sockets: &[Socket], owners: &'a Owners) -> HashMap<SocketAddr, &'a str> {
    sockets
        .iter()
        .filter(|socket| socket.state == State::Established)
        .filter_map(|socket| Some((socket.remote, owners.of(socket)?)))
        .collect()
}

#[cfg(test)]
mod tests;
