//! What a user's own script prints about a backup that we cannot look at ourselves.
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer of a script of the check kind `command`, as JSON on standard output.
///
/// ```json
/// {"groups": [{"name": "vm-files", "snapshots": [
///    {"start": "2026-11-20T22:00:00Z", "end": "2026-11-20T22:41:00Z",
///     "bytes": 812000000000, "complete": true}]}],
///  "locked_by": null, "problems": []}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScriptReport {
    /// What is backed up, each job or machine by itself.
    pub groups: Vec<ScriptGroup>,
    /// Version of the product that the script asked.
    #[serde(default)]
    pub version: Option<String>,
    /// A stable id of the repository, so that a swapped one is noticed.
    #[serde(default)]
    pub repository_id: Option<String>,
    /// Bytes that all snapshots take.
    #[serde(default)]
    pub stored_bytes: Option<u64>,
    /// Whether the storage refuses to delete, by its settings.
    #[serde(default)]
    pub append_only: Option<bool>,
    /// Anything that the product itself finds wrong, one sentence each.
    #[serde(default)]
    pub problems: Vec<String>,
}

/// One job or machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScriptGroup {
    /// Its name, stable from run to run.
    pub name: String,
    /// Its snapshots (restore points) in any order.
    #[serde(default)]
    pub snapshots: Vec<ScriptSnapshot>,
}

/// One snapshot (restore point).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScriptSnapshot {
    /// When the backup began to read.
    #[schemars(with = "String")]
    pub start: Timestamp,
    /// When it ended.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub end: Option<Timestamp>,
    /// Files in it.
    #[serde(default)]
    pub files: Option<u64>,
    /// Bytes in it.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Whether the product says that it is whole.
    #[serde(default)]
    pub complete: Option<bool>,
    /// Why it is not, in words.
    #[serde(default)]
    pub why: Option<String>,
}
