//! Evidence: observed facts with who saw them, when, for how long, with which version.
use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::copies::{CopyFacts, CopyState};
use super::drill::DrillFacts;
use super::finding::{Finding, Status};
use crate::id::Id;

/// The result of one run of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// See [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The host whose agent saw it.
    pub host: String,
    /// The configured check's name, unique on its host.
    pub check: String,
    /// The check's kind, such as `restic` or `certificate`.
    pub kind: String,
    /// The component on the map.
    pub component: Id,
    /// When the check started.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Version of the agent.
    pub agent_version: String,
    /// From when on the facts are too old to be judged.
    #[schemars(with = "String")]
    pub stale_after: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
    /// The judgement at the time of the run; re-judged when shown later.
    pub status: Status,
    /// The problems found.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// For backups: what holds of each group, how it is known and since when;
    /// kept through runs that could not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<CopyState>,
}

impl Evidence {
    /// The judgement at an instant: what was found then, or unknown once the
    /// facts are too old. A critical finding stays critical when it ages.
    pub fn status_at(&self, now: Timestamp) -> Status {
        if now < self.stale_after || self.status == Status::Critical {
            self.status
        } else {
            Status::Unknown
        }
    }

    /// The observations, if the check came to any.
    pub fn observations(&self) -> &[Observation] {
        match &self.outcome {
            Outcome::Observed { observations, .. } => observations,
            Outcome::Failed { .. } | Outcome::NotApplicable { .. } => &[],
        }
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Facts.
    Observed {
        /// Named facts, in the order the check documents.
        #[serde(default)]
        observations: Vec<Observation>,
        /// Facts about backup repositories, for the simulator.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        copies: Vec<CopyFacts>,
        /// Results of restore drills, for the simulator.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        drills: Vec<DrillFacts>,
    },
    /// No facts: the check could not tell, or found the thing broken.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// Nothing of this kind on this host.
    NotApplicable {
        /// Why not.
        reason: String,
    },
}

/// One measured fact; no verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// Name such as `not_after`; documented by the check's kind.
    pub name: String,
    /// What it is about within the component (endpoint, disk, mount, server).
    #[serde(default)]
    pub subject: String,
    /// The value.
    pub value: Value,
    /// Further stable labels, such as `role = "leaf"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// A fact's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// A number in base units (seconds, bytes, celsius, ratio).
    Number(f64),
    /// An instant.
    Time(#[schemars(with = "String")] Timestamp),
    /// Yes or no.
    Flag(bool),
    /// Words; never a label of a metric, only of an `_info`.
    Text(String),
}

impl Value {
    /// As a number: instants in seconds since 1970, flags as 0 or 1.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Time(time) => Some(time.as_millisecond() as f64 / 1e3),
            Self::Flag(flag) => Some(f64::from(u8::from(*flag))),
            Self::Text(_) => None,
        }
    }
}

/// Why a check came to no facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The typed reason.
    pub kind: FailureKind,
    /// One sentence; free of secrets.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

/// Typed reasons for having no facts. `is_unknown` tells "cannot tell" from "bad".
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The thing is not there.
    NotFound,
    /// Somebody else holds it.
    Locked,
    /// Our secret is refused.
    AuthFailed,
    /// The key material itself is gone.
    KeyMissing,
    /// Could not connect: refused, unreachable, name not resolved.
    NetworkDown,
    /// The tool is not installed.
    ToolMissing,
    /// The tool's version is not understood.
    ToolVersion,
    /// Took longer than its deadline.
    Timeout,
    /// Printed more than the cap.
    OutputTooLong,
    /// Its output cannot be read.
    Unreadable,
    /// The structure of the data is damaged.
    CorruptStructure,
    /// The content of the data is damaged.
    CorruptData,
    /// We may not look.
    PermissionDenied,
    /// No room.
    NoSpace,
    /// The check itself broke.
    Internal,
    /// Failed in a way we do not know.
    Other,
}

impl FailureKind {
    /// Whether it means "cannot tell" rather than "bad".
    pub fn is_unknown(self) -> bool {
        !matches!(
            self,
            Self::NotFound | Self::KeyMissing | Self::CorruptStructure | Self::CorruptData
        )
    }

    /// The snake-case name, as in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Locked => "locked",
            Self::AuthFailed => "auth_failed",
            Self::KeyMissing => "key_missing",
            Self::NetworkDown => "network_down",
            Self::ToolMissing => "tool_missing",
            Self::ToolVersion => "tool_version",
            Self::Timeout => "timeout",
            Self::OutputTooLong => "output_too_long",
            Self::Unreadable => "unreadable",
            Self::CorruptStructure => "corrupt_structure",
            Self::CorruptData => "corrupt_data",
            Self::PermissionDenied => "permission_denied",
            Self::NoSpace => "no_space",
            Self::Internal => "internal",
            Self::Other => "other",
        }
    }
}

/// A file of evidence: what an agent serves at `/evidence`, and what an example ships.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceSet {
    /// See [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// When the set was put together.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Latest evidence of each check, and all drills.
    pub evidence: Vec<Evidence>,
}
