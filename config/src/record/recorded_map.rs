//! The recorded map: declared and discovered components and dependencies, with provenance.
use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::map::Kind;

/// What an agent found on its host, and what the map says about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedMap {
    /// See [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The host.
    pub host: String,
    /// When it was put together.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Components, by id.
    pub nodes: BTreeMap<Id, RecordedNode>,
    /// Dependencies, sorted by from, to and relation.
    pub edges: Vec<RecordedEdge>,
    /// Edges left out because there were more than the cap.
    #[serde(default)]
    pub dropped_edges: u64,
}

/// A component of the recorded map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedNode {
    /// Kind.
    pub kind: Kind,
    /// Words about it, such as the unit or the address.
    #[serde(default)]
    pub detail: String,
    /// Declared, seen, or both.
    pub seen: Seen,
}

/// A dependency of the recorded map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedEdge {
    /// Who needs.
    pub from: Id,
    /// Who is needed.
    pub to: Id,
    /// In what way.
    pub relation: Relation,
    /// How it was seen: `tcp`, `mount`, `dns`, `unit`; empty when only declared.
    #[serde(default)]
    pub via: String,
    /// Declared, seen, or both.
    pub seen: Seen,
    /// First time seen.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub first_seen: Option<Timestamp>,
    /// Last time seen.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub last_seen: Option<Timestamp>,
    /// In how many samples it was seen.
    #[serde(default)]
    pub samples: u64,
}

/// In what way one component needs another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// Needed to run.
    ToRun,
    /// Needed to recover.
    ToRecover,
}

/// Whether people said it, hosts showed it, or both.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// Declared, and seen on a host.
    DeclaredAndSeen,
    /// Declared, not seen.
    Declared,
    /// Seen, not declared.
    Seen,
}
