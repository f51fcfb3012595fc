//! Restore drills as facts: what was tried, what came back, and how long it took.
use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Id;

/// How deep a restore drill went.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DrillLevel {
    /// Listed only.
    List,
    /// A part of the stored data was read.
    ReadSubset,
    /// A sample was restored and compared.
    Sample,
    /// The application opened the restored data.
    Application,
    /// All of it was restored, timed.
    Full,
}

/// The way that restored data took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestorePath {
    /// Within the site, as in normal life.
    Lan,
    /// From the off-site copy, over the line that would be used after a disaster.
    Offsite,
}

/// One timed restore within a drill: files of one kind, restored in one go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimedRestore {
    /// Files restored.
    pub files: u64,
    /// Bytes restored.
    pub bytes: u64,
    /// Seconds it took.
    pub seconds: f64,
}

/// One restore drill that came to an answer. A drill that could not tell (no
/// network, locked, no room, deadline) leaves a failed outcome and none of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DrillFacts {
    /// The repository on the map.
    pub copy: Id,
    /// The data set on the map, if the check is told which.
    #[serde(default)]
    pub dataset: Option<Id>,
    /// Short stable name of the drilled group of snapshots; empty where there is but one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// When it started.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// How deep it went.
    pub level: DrillLevel,
    /// Whether the procedure worked.
    pub worked: bool,
    /// Why not, in words.
    #[serde(default)]
    pub why: String,
    /// Files restored.
    pub files: u64,
    /// Bytes restored.
    pub bytes: u64,
    /// Seconds that the restores took, without looking at what came back.
    pub seconds: f64,
    /// The restores one by one, for the law of restore times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restores: Vec<TimedRestore>,
    /// Files asked for.
    #[serde(default)]
    pub asked: u64,
    /// Files whose content was compared with what it should be.
    #[serde(default)]
    pub compared: u64,
    /// Files that their own format opened.
    #[serde(default)]
    pub opened: u64,
    /// Files that were missing, differed or did not open.
    #[serde(default)]
    pub damaged: u64,
    /// Seed of the sample: the same seed and snapshot give the same files.
    #[serde(default)]
    pub seed: u64,
    /// Start of the snapshot that was drilled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub snapshot: Option<Timestamp>,
    /// Files in that snapshot, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_files: Option<u64>,
    /// Bytes in that snapshot, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
    /// Which part of how many parts of the stored data was read, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subset: Option<[u32; 2]>,
    /// Whether it started from an empty cache.
    #[serde(default)]
    pub cold: bool,
    /// The way the data took, if stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<RestorePath>,
    /// Whether the secret came from where it is kept for a disaster.
    #[serde(default)]
    pub escrowed_secret: bool,
    /// How new the restored data is by its own word: newest row, or canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub data_as_of: Option<Timestamp>,
    /// Version of the tool.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tool_version: String,
}

impl DrillFacts {
    /// A drill that worked and restored nothing yet.
    pub fn new(copy: Id, dataset: Option<Id>, started: Timestamp, level: DrillLevel) -> Self {
        Self {
            copy,
            dataset,
            subject: String::new(),
            started,
            level,
            worked: true,
            why: String::new(),
            files: 0,
            bytes: 0,
            seconds: 0.0,
            restores: Vec::new(),
            asked: 0,
            compared: 0,
            opened: 0,
            damaged: 0,
            seed: 0,
            snapshot: None,
            total_files: None,
            total_bytes: None,
            subset: None,
            cold: false,
            path: None,
            escrowed_secret: false,
            data_as_of: None,
            tool_version: String::new(),
        }
    }

    /// Whether files came back: listing or reading a part proves no restore.
    pub fn is_restore(&self) -> bool {
        matches!(self.level, DrillLevel::Sample | DrillLevel::Application | DrillLevel::Full)
    }

    /// Its timed restores; of older records, which hold the sum alone, that sum.
    pub fn timed(&self) -> Vec<TimedRestore> {
        if self.restores.is_empty() && self.seconds > 0.0 {
            let Self { files, bytes, seconds, .. } = *self;
            vec![TimedRestore { files, bytes, seconds }]
        } else {
            self.restores.clone()
        }
    }
}
/// The part of the stored data that was damaged when it was last read: a later part that
/// is sound does not speak for it. It is cured once that part is read again and sound, or
/// once all was read anew, in the number of parts that it is divided into by then.
pub fn damaged_part<'a>(
    drills: impl IntoIterator<Item = &'a DrillFacts>,
) -> Option<([u32; 2], &'a DrillFacts)> {
    let mut last: BTreeMap<[u32; 2], &DrillFacts> = BTreeMap::new();
    for drill in drills {
        if let Some(part) = drill.subset {
            let known = last.entry(part).or_insert(drill);
            if known.started <= drill.started {
                *known = drill;
            }
        }
    }
    let newest = last.iter().max_by_key(|(_, drill)| drill.started).map(|([_, of], _)| *of)?;
    let is_read_anew_since = |since: Timestamp| {
        let of_now = last.iter().filter(|([_, of], drill)| *of == newest && drill.started > since);
        of_now.filter(|(_, drill)| drill.worked).count() == newest as usize
    };
    let damaged = last.iter().filter(|(_, drill)| !drill.worked);
    damaged.map(|(part, drill)| (*part, *drill)).find(|(_, one)| !is_read_anew_since(one.started))
}
