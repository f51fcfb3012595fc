//! Backups as facts: the snapshots of a repository, and what holds of each group of them.
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Id;

/// What a backup check knows about one group of snapshots in a repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CopyFacts {
    /// The repository on the map, a component of kind `copy`.
    pub copy: Id,
    /// The data set on the map, if the check is told which.
    #[serde(default)]
    pub dataset: Option<Id>,
    /// Host, paths and tags of the group, joined.
    #[serde(default)]
    pub group: String,
    /// Snapshots, oldest first.
    pub snapshots: Vec<SnapshotFact>,
}

/// One snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotFact {
    /// Start of the backup: files are read from then on.
    #[schemars(with = "String")]
    pub start: Timestamp,
    /// End of the backup, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub end: Option<Timestamp>,
    /// Files in it, if known.
    #[serde(default)]
    pub files: Option<u64>,
    /// Bytes in it, if known.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Whether it is whole, as far as known.
    pub complete: bool,
}

impl SnapshotFact {
    /// A whole snapshot of which only the start is known.
    pub fn new(start: Timestamp) -> Self {
        Self { start, end: None, files: None, bytes: None, complete: true }
    }
}

/// What has to hold of a backup before anyone may rely on it. The order is
/// that of proof: each says more than the one before, up to `Opens`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Where it is stored answers.
    Reachable,
    /// Nobody else keeps us out.
    Unlocked,
    /// Our secret opens it.
    Authenticated,
    /// The newest snapshot is as young as its rhythm asks.
    Fresh,
    /// The newest snapshot holds everything that was to be in it.
    Complete,
    /// Its size and what changed in it are as usual.
    Plausible,
    /// Its structure (lists, indexes) is sound.
    Intact,
    /// Stored data was read back and is sound.
    DataSampled,
    /// A restore from nothing but the secret worked.
    Restorable,
    /// The application, or the file's own format, opens what was restored.
    Opens,
    /// Nobody who holds our credentials can delete it.
    Immutable,
    /// The secret that opens it is kept somewhere that survives the site.
    KeyEscrowed,
}

impl Aspect {
    /// Every aspect in order.
    pub const ALL: [Self; 12] = [
        Self::Reachable,
        Self::Unlocked,
        Self::Authenticated,
        Self::Fresh,
        Self::Complete,
        Self::Plausible,
        Self::Intact,
        Self::DataSampled,
        Self::Restorable,
        Self::Opens,
        Self::Immutable,
        Self::KeyEscrowed,
    ];

    /// The snake-case name, as in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Unlocked => "unlocked",
            Self::Authenticated => "authenticated",
            Self::Fresh => "fresh",
            Self::Complete => "complete",
            Self::Plausible => "plausible",
            Self::Intact => "intact",
            Self::DataSampled => "data_sampled",
            Self::Restorable => "restorable",
            Self::Opens => "opens",
            Self::Immutable => "immutable",
            Self::KeyEscrowed => "key_escrowed",
        }
    }
}

/// Whether an aspect holds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It held when it was last looked at.
    Holds,
    /// Nobody ever looked.
    NeverTested,
    /// Somebody looked and could not tell, or it was too long ago.
    CannotTell,
    /// It did not hold.
    Fails,
}

impl Verdict {
    /// As in the metric `backup_state`: 1 holds, 0 fails, -1 cannot tell, -2 never tested.
    pub fn code(self) -> i8 {
        match self {
            Self::Holds => 1,
            Self::Fails => 0,
            Self::CannotTell => -1,
            Self::NeverTested => -2,
        }
    }
}

/// How well something is known, from hearsay to proof.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// A person, a job or a script said so.
    Declared,
    /// The settings of the tool or of its storage say so.
    Configured,
    /// The tool's own lists say so.
    Listed,
    /// Stored data was read.
    Read,
    /// It was done: restored, opened, or refused.
    Proven,
}

impl Grade {
    /// As in the metric `backup_state_grade`: 0 declared to 4 proven.
    pub fn code(self) -> u8 {
        match self {
            Self::Declared => 0,
            Self::Configured => 1,
            Self::Listed => 2,
            Self::Read => 3,
            Self::Proven => 4,
        }
    }
}

/// One aspect of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AspectState {
    /// Which.
    pub aspect: Aspect,
    /// Whether it holds.
    pub verdict: Verdict,
    /// How well that is known; nothing for what was never tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
    /// When it was last told; while nobody can tell, this stays and grows old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub as_of: Option<Timestamp>,
    /// Why, in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// What holds of one group of snapshots: every aspect, in the order of [`Aspect::ALL`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CopyState {
    /// The repository on the map.
    pub copy: Id,
    /// The data set on the map, if the check is told which.
    #[serde(default)]
    pub dataset: Option<Id>,
    /// Short stable name of the group, a label of metrics; empty where there is but one.
    #[serde(default)]
    pub subject: String,
    /// Host, paths and tags of the group, in words.
    #[serde(default)]
    pub group: String,
    /// Each aspect once.
    pub aspects: Vec<AspectState>,
}

impl CopyState {
    /// The state of one aspect.
    pub fn aspect(&self, aspect: Aspect) -> Option<&AspectState> {
        self.aspects.iter().find(|state| state.aspect == aspect)
    }
}
