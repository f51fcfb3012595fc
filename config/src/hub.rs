//! Settings of the hub: which map it shows, which agents it asks, where it serves.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::Tls;
use crate::quantity::Span;

/// Settings of `evenkeel serve`, as in `hub.toml`.
///
/// ```toml
/// [hub]
/// map = "map.toml"
/// listen = "127.0.0.1:8420"
///
/// [[agent]]
/// name = "srv-1"
/// url = "http://127.0.0.1:8421"
/// token_file = "/etc/evenkeel/srv-1.token"
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HubSettings {
    /// The `[hub]` table.
    pub hub: HubTable,
    /// Agents that are asked for evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agent: Vec<AgentAddress>,
}

/// The `[hub]` table. Paths are relative to the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HubTable {
    /// The map: a file, or a folder of files.
    pub map: String,
    /// A folder of own scenarios; the shipped library unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenarios: Option<String>,
    /// Address and port to serve on.
    #[serde(default = "listen")]
    pub listen: String,
    /// Folder of the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Further names under which the pages may be asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Certificate and key to serve with; demanded off loopback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Serve off loopback without TLS all the same.
    #[serde(default)]
    pub insecure: bool,
    /// How often agents are asked.
    #[serde(default = "minute")]
    pub collect_every: Span,
    /// How old a prediction may grow before it is made anew.
    #[serde(default = "hour")]
    pub simulate_every: Span,
    /// Simulated nights of each scenario.
    #[serde(default = "trials")]
    pub trials: u64,
}

/// Where an agent is, and what lets us in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentAddress {
    /// Its name in messages until it names itself.
    pub name: String,
    /// Such as `https://srv-1.example:8421`.
    pub url: String,
    /// File that holds its token.
    pub token_file: String,
}

fn listen() -> String {
    "127.0.0.1:8420".to_owned()
}

fn minute() -> Span {
    Span::from_secs(60)
}

fn hour() -> Span {
    Span::from_hours(1)
}

fn trials() -> u64 {
    10_000
}
