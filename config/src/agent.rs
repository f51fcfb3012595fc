//! Settings of an agent; each check's own keys stay opaque until its kind reads them.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::quantity::Span;

/// Settings of one agent, as in `agent.toml`.
///
/// ```toml
/// [agent]
/// host = "srv-1"
/// listen = "127.0.0.1:8421"
///
/// [[check.certificate]]
/// component = "web"
/// every = "1h"
/// endpoint = "127.0.0.1:443"   # from here on the kind's own keys
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSettings {
    /// The `[agent]` table.
    pub agent: AgentTable,
    /// Every configured check, in the order of the file.
    pub checks: Vec<CheckEntry>,
}

/// The `[agent]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AgentTable {
    /// The name of this host on the map; the machine's own name unless given.
    pub host: Option<Id>,
    /// Address and port to serve on.
    pub listen: String,
    /// Folder of the evidence store.
    pub data: Option<String>,
    /// The map that declared dependencies are read from.
    pub map: Option<String>,
    /// Root of the file system that is looked at; another one only in tests.
    pub root: String,
    /// PEM files to serve TLS with; demanded off loopback.
    pub tls: Option<Tls>,
    /// File that holds the access token; made on first start unless given.
    pub token_file: Option<String>,
    /// Further names by which the agent may be asked (the `Host` header).
    pub names: Vec<String>,
    /// Serve off loopback without TLS all the same.
    pub insecure: bool,
    /// Most checks that run at the same time.
    pub concurrency: u8,
    /// How long evidence is kept.
    pub keep: Span,
    /// How often the host's own dependencies are sampled.
    pub discover_every: Span,
    /// Folder that restore drills restore to; `scratch` in the data folder unless given.
    pub scratch: Option<String>,
}

impl Default for AgentTable {
    fn default() -> Self {
        Self {
            host: None,
            listen: "127.0.0.1:8421".to_owned(),
            data: None,
            map: None,
            root: "/".to_owned(),
            tls: None,
            token_file: None,
            names: Vec::new(),
            insecure: false,
            concurrency: 4,
            keep: Span::from_hours(24 * 400),
            discover_every: Span::from_secs(30),
            scratch: None,
        }
    }
}

/// Certificate and key to serve with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM chain, leaf first.
    pub certificate: String,
    /// PEM private key.
    pub key: String,
}

/// One configured check: the keys all kinds share, and the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckEntry {
    /// The kind: the name of the table, such as `restic`.
    pub kind: String,
    /// Unique name; the kind and the component unless given.
    pub name: String,
    /// The component on the map that the facts are about.
    pub component: Id,
    /// How often; the kind's own rhythm unless given.
    pub every: Option<Span>,
    /// Longest run; the kind's own unless given.
    pub deadline: Option<Span>,
    /// The kind's own keys.
    pub settings: toml::Table,
    /// Where the entry stands in its file, for messages about its keys.
    pub place: crate::problem::Place,
    /// Places of the kind's own keys, by key path within the entry.
    pub places: std::collections::BTreeMap<String, crate::problem::Place>,
}
