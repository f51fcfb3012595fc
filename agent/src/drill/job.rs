//! What the agent and the worker of a drill say to each other: the job, and what came of it.
use std::collections::BTreeMap;
use std::path::PathBuf;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::quantity::Rate;
use evenkeel_config::record::{DrillFacts, DrillLevel, Failure, FailureKind, RestorePath};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sample::{Caps, Sample};
use super::{Room, Target};
use crate::checks::{self, Check};

/// The check whose backups are drilled, as the worker builds it anew.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Drilled {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The repository on the map.
    pub component: Id,
    /// The data set on the map, if the check is told which.
    pub dataset: Option<Id>,
    /// Its own keys, with the secret that the drill uses.
    pub settings: toml::Table,
}

/// One job of a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Job {
    /// What is drilled.
    pub drilled: Drilled,
    /// Empty folder for what comes back.
    pub folder: PathBuf,
    /// Empty folder for caches and temporary files.
    pub cache: PathBuf,
    /// Milliseconds that it may take.
    pub within_ms: u64,
    /// Most bytes a second over the line.
    pub bandwidth: Option<Rate>,
    /// Seed of the samples.
    pub seed: u64,
    /// The way the data takes, if stated.
    pub path: Option<RestorePath>,
    /// The agent's own folder, where what signs the canary is kept.
    pub data: PathBuf,
    /// Whether the secret comes from where it is kept for a disaster.
    pub escrowed: bool,
    /// What to do.
    pub task: Task,
}

/// What a worker does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Task {
    /// List the newest snapshots and choose a sample of each.
    Plan {
        /// What a sample may take.
        caps: Caps,
        /// When each group was drilled last, by its subject.
        last: BTreeMap<String, Timestamp>,
        /// Most groups.
        groups: usize,
    },
    /// Read parts, restore and look at what came back.
    Restore {
        /// The groups, as planned.
        plans: Vec<GroupPlan>,
        /// Parts to read, and how many there are.
        parts: Vec<[u32; 2]>,
        /// How deep.
        level: DrillLevel,
        /// Whether all of each group is restored.
        whole: bool,
    },
}

/// What is to be restored of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupPlan {
    /// The snapshot.
    pub target: Target,
    /// The sample.
    pub sample: Sample,
}

/// A file that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damaged {
    /// Path within the snapshot.
    pub path: String,
    /// What is wrong with it.
    pub why: String,
}

/// What was seen in files that came back, beside what the facts of a drill hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The first files that are not as they should be.
    pub damaged: Vec<Damaged>,
    /// Files whose only fault is that their own format does not open.
    pub unopened: u64,
    /// Files that look encrypted in place.
    pub suspicious: u64,
    /// The first of them.
    pub suspects: Vec<Damaged>,
}

/// What a worker tells, one by one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// It begins a step.
    Step {
        /// Which, from 1.
        at: u32,
        /// Of how many; 0 if that is not known.
        of: u32,
        /// In words.
        what: String,
    },
    /// A group was found, whether or not it is drilled now.
    Group {
        /// Its subject.
        subject: String,
        /// In words.
        group: String,
    },
    /// What would be restored of a group.
    Planned(Box<GroupPlan>),
    /// A drill of a group, or the reading of a part, came to an answer.
    Answer {
        /// The answer.
        drill: Box<DrillFacts>,
        /// What was seen besides.
        looked: Looked,
    },
    /// It cannot be told about one group or part.
    CannotTell {
        /// The group's subject; empty for the repository.
        subject: String,
        /// What was to be done, in words.
        what: String,
        /// Why not.
        failure: Failure,
    },
}

impl Drilled {
    /// What is drilled by the check of an entry; `secret` replaces its own.
    pub(super) fn of(entry: &CheckEntry, secret: Option<(&str, &str)>) -> Self {
        let mut settings = entry.settings.clone();
        if let Some((key, file)) = secret {
            settings.insert(key.to_owned(), toml::Value::String(file.to_owned()));
        }
        let dataset = settings.get("dataset").and_then(toml::Value::as_str);
        Self {
            kind: entry.kind.clone(),
            name: entry.name.clone(),
            component: entry.component.clone(),
            dataset: dataset.and_then(|dataset| dataset.parse().ok()),
            settings,
        }
    }

    /// The check, built anew.
    ///
    /// # Errors
    /// [`FailureKind::Internal`] when this program does not know such a check.
    pub(super) fn build(&self) -> Result<Box<dyn Check>, Failure> {
        let entry = CheckEntry {
            kind: self.kind.clone(),
            name: self.name.clone(),
            component: self.component.clone(),
            every: None,
            deadline: None,
            settings: self.settings.clone(),
            place: Place::default(),
            places: BTreeMap::new(),
        };
        let mut problems = Problems::default();
        let built = checks::kind(&self.kind).and_then(|kind| (kind.build)(&entry, &mut problems));
        built.ok_or_else(|| Failure {
            kind: FailureKind::Internal,
            what: format!("the worker of a drill cannot build the check: {problems}"),
            advice: "restart the agent, if its program was replaced meanwhile".to_owned(),
        })
    }
}

impl Job {
    /// The room it works in, from now on.
    pub(super) fn room(&self) -> Room {
        let within = std::time::Duration::from_millis(self.within_ms);
        Room {
            folder: self.folder.clone(),
            cache: self.cache.clone(),
            until: std::time::Instant::now() + within,
            bandwidth: self.bandwidth,
        }
    }
}

/// Whether a failure means that the way back is broken, as a failed drill
/// does, and not that nobody can tell just now. A secret that is refused or
/// not there is such: with it no restore works.
pub(super) fn is_broken(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::NotFound
            | FailureKind::AuthFailed
            | FailureKind::KeyMissing
            | FailureKind::CorruptStructure
            | FailureKind::CorruptData
    )
}
