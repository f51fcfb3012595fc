//! Judgements: a status, and the named problems behind it.
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Id;

/// A judgement. The order is that of urgency: maintenance and ok are quiet,
/// unknown is never ok.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Fine, and known to be.
    Ok,
    /// In declared planned work; not judged.
    Maintenance,
    /// Not known: never measured, too old, or the check could not tell.
    Unknown,
    /// Needs attention.
    Warning,
    /// Broken or about to break.
    Critical,
}

impl Status {
    /// The value in metrics: 0 ok, 1 warning, 2 critical, 3 unknown, 4 maintenance.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
            Self::Maintenance => 4,
        }
    }

    /// The word on pages and terminals.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Maintenance => "planned work",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// A named, explained problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Stable name such as `backup_stale`; documented in the check's table.
    pub id: String,
    /// How grave.
    pub severity: Status,
    /// The component on the map.
    pub component: Id,
    /// Which endpoint, disk, file or group it is about; empty when the component says it.
    #[serde(default)]
    pub subject: String,
    /// What is wrong, one sentence with the measured figure.
    pub what: String,
    /// What to do about it, one sentence.
    pub advice: String,
    /// Since when the facts behind it say so.
    #[schemars(with = "String")]
    pub since: Timestamp,
}
