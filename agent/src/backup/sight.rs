//! What was seen of a repository, the same for every tool, and its way into facts.
use evenkeel_config::record::{CopyFacts, SnapshotFact, Value};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Keys;
use super::plausible::bounds;
use crate::checks::Facts;
use crate::probe::redact::plain;

/// Of a group only the latest snapshots are handed on as copies.
const MOST_COPIES: usize = 120;

/// With fewer earlier snapshots nothing is called usual.
pub(super) const FEWEST: usize = 7;

/// More groups of one repository are not looked at one by one.
pub const MOST_GROUPS: usize = 24;

/// A repository as one run saw it.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// Version of the tool, if there is one.
    pub version: Option<String>,
    /// The repository's own id, made with it.
    pub repository_id: Option<String>,
    /// Snapshots that could be read, in all groups, also those not asked for.
    pub snapshots: Option<u64>,
    /// Snapshots that are stored and cannot be read.
    pub unreadable_snapshots: Option<u64>,
    /// Locks, where the tool has them.
    pub locks: Option<LocksSeen>,
    /// What the tool said besides its answer.
    pub said: String,
    /// Bytes that all snapshots take.
    pub stored_bytes: Option<u64>,
    /// The groups that the check asks for.
    pub groups: Vec<GroupSight>,
    /// What keeps the backups from being deleted by the settings of the tool or
    /// its storage; `Some(false)` where those settings say that nothing does.
    pub append_only: Option<bool>,
}

/// The locks of a repository.
#[derive(Debug, Clone, PartialEq)]
pub struct LocksSeen {
    /// How many.
    pub count: u64,
    /// The worst one.
    pub worst: Option<LockSeen>,
}

/// A lock that somebody holds or left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct LockSeen {
    /// Last renewal.
    pub renewed: Timestamp,
    /// Keeps everybody else out.
    pub exclusive: bool,
    /// Who holds it, in words.
    pub holder: String,
    /// Whether the holder is a process of this host that has ended.
    pub is_dead: bool,
    /// Whether the holder is a process of this host that runs.
    pub is_alive: bool,
}

/// One group of snapshots: what one job backs up again and again.
#[derive(Debug, Clone, Default)]
pub struct GroupSight {
    /// Short and stable, a label of metrics; empty where there is but one group.
    pub subject: String,
    /// The group in words.
    pub words: String,
    /// Its snapshots, oldest first.
    pub snapshots: Vec<SnapshotSight>,
    /// Whether the lists of the newest snapshot could be read through.
    pub readable: Option<bool>,
    /// Whether the newest snapshot could not be counted in time.
    pub size_unknown: bool,
    /// Endings of the names that came with the newest snapshot, if looked at.
    pub names: Option<NamesSight>,
}

/// Names that came and went between the two newest snapshots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamesSight {
    /// Files that came.
    pub came: u64,
    /// The ending that most of them have.
    pub ending: String,
    /// How many have it.
    pub came_alike: u64,
    /// How many of the files that went had it.
    pub went_alike: u64,
}

/// One snapshot; what the tool does not tell stays open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SnapshotSight {
    /// Start of the backup.
    pub start: Timestamp,
    /// End of the backup.
    pub end: Option<Timestamp>,
    /// Files in it.
    pub files: Option<u64>,
    /// Bytes in it.
    pub bytes: Option<u64>,
    /// Files that are new or changed against the one before.
    pub changed: Option<u64>,
    /// Files of the one before that are not in it.
    pub removed: Option<u64>,
    /// Bytes that were new to the repository.
    pub added_bytes: Option<u64>,
    /// Bytes of the one before that are not in it.
    pub removed_bytes: Option<u64>,
    /// Bytes that came into files that stayed, and bytes that went out of them, where the
    /// tool tells these apart.
    pub rewritten: Option<[u64; 2]>,
    /// Whether everything that was to be in it is, where the tool records that;
    /// if not, what is missing.
    pub complete: Option<Result<(), String>>,
}

impl SnapshotSight {
    /// A snapshot of which only the start is known.
    pub fn new(start: Timestamp) -> Self {
        Self { start, ..Self::default() }
    }

    fn fact(&self) -> SnapshotFact {
        let is_whole = !matches!(self.complete, Some(Err(_)));
        SnapshotFact {
            start: self.start,
            end: self.end,
            files: self.files,
            bytes: self.bytes,
            complete: is_whole && self.bytes != Some(0),
        }
    }
}

/// A subject from what a group is made of, short, stable, and without paths.
pub fn subject(readable: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let readable: String = plain(readable).chars().take(60).collect();
    let hash = hash.finalize();
    format!("{readable}-{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2])
}

impl Sight {
    /// The sight as facts, with the snapshots for the simulator.
    pub fn facts(self, keys: &Keys) -> Facts {
        let mut facts = Facts::default();
        let mut count = |name: &str, value: Option<u64>| {
            if let Some(value) = value {
                facts.push(name, "", Value::Number(value as f64));
            }
        };
        count("snapshots", self.snapshots);
        count("unreadable_snapshots", self.unreadable_snapshots);
        count("stored_size", self.stored_bytes);
        count("locks", self.locks.as_ref().map(|locks| locks.count));
        let left_out = self.groups.len().saturating_sub(MOST_GROUPS);
        count("groups_left_out", (left_out > 0).then_some(left_out as u64));
        for (name, value) in [("version", self.version), ("repository_id", self.repository_id)] {
            if let Some(value) = value {
                facts.push(name, "", Value::Text(plain(&value)));
            }
        }
        facts.push("said", "", Value::Text(self.said));
        if let Some(append_only) = self.append_only {
            facts.push("append_only", "", Value::Flag(append_only));
        }
        if let Some(lock) = self.locks.and_then(|locks| locks.worst) {
            facts.push("oldest_lock", "", Value::Time(lock.renewed));
            facts.push("lock_exclusive", "", Value::Flag(lock.exclusive));
            facts.push("lock_holder", "", Value::Text(plain(&lock.holder)));
            facts.push("lock_dead", "", Value::Flag(lock.is_dead));
            facts.push("lock_alive", "", Value::Flag(lock.is_alive));
        }
        for group in self.groups.iter().take(MOST_GROUPS) {
            group.push(keys, &mut facts);
        }
        facts
    }
}

/// One share of a snapshot, where it is known.
type ShareOf<'a> = &'a dyn Fn(&SnapshotSight) -> Option<f64>;

impl GroupSight {
    fn push(&self, keys: &Keys, facts: &mut Facts) {
        let subject = &self.subject;
        facts.push("group", subject, Value::Text(plain(&self.words)));
        let count = self.snapshots.len() as f64;
        facts.push("group_snapshots", subject, Value::Number(count));
        if let Some(newest) = self.snapshots.last() {
            facts.push("newest", subject, Value::Time(newest.start));
            if let Some(end) = newest.end {
                facts.push("newest_end", subject, Value::Time(end));
            }
            for (name, value) in [
                ("files", newest.files),
                ("bytes", newest.bytes),
                ("changed", newest.changed),
                ("removed", newest.removed),
                ("added_bytes", newest.added_bytes),
                ("removed_bytes", newest.removed_bytes),
                ("rewritten_bytes", newest.rewritten.map(|[came, _]| came)),
                ("replaced_bytes", newest.rewritten.map(|[_, went]| went)),
            ] {
                if let Some(value) = value {
                    facts.push(name, subject, Value::Number(value as f64));
                }
            }
            match &newest.complete {
                Some(Ok(())) => facts.push("complete", subject, Value::Flag(true)),
                Some(Err(why)) => {
                    facts.push("complete", subject, Value::Flag(false));
                    facts.push("incomplete_why", subject, Value::Text(plain(why)));
                }
                None => {}
            }
        }
        if let Some(readable) = self.readable {
            facts.push("readable", subject, Value::Flag(readable));
        }
        if self.size_unknown {
            facts.push("size_unknown", subject, Value::Flag(true));
        }
        self.push_changes(facts);
        let latest = &self.snapshots[self.snapshots.len().saturating_sub(MOST_COPIES)..];
        facts.copies.push(CopyFacts {
            copy: keys.component.clone(),
            dataset: keys.dataset.clone(),
            group: plain(&self.words),
            snapshots: latest.iter().map(SnapshotSight::fact).collect(),
        });
    }

    /// Shares of files and bytes that came and went, with what is usual. Where
    /// the tool does not count each snapshot, the newest one's size stands for all.
    fn push_changes(&self, facts: &mut Facts) {
        let Some(newest) = self.snapshots.last() else { return };
        let share = |part: Option<u64>, own: Option<u64>, newest: Option<u64>| {
            let whole = own.or(newest).filter(|whole| *whole > 0)?;
            Some((part? as f64 / whole as f64).min(1.0))
        };
        let changed = |one: &SnapshotSight| share(one.changed, one.files, newest.files);
        let removed = |one: &SnapshotSight| share(one.removed, one.files, newest.files);
        let added = |one: &SnapshotSight| share(one.added_bytes, one.bytes, newest.bytes);
        let rewritten = |one: &SnapshotSight| {
            share(one.rewritten.map(|[came, _]| came), one.bytes, newest.bytes)
        };
        let all: [(&str, ShareOf<'_>); 4] = [
            ("changed_share", &changed),
            ("removed_share", &removed),
            ("added_share", &added),
            ("rewritten_share", &rewritten),
        ];
        for (name, share) in all {
            let Some(value) = share(newest) else { continue };
            facts.push(name, &self.subject, Value::Number(value));
            // The first snapshot of a group is new as a whole.
            let before = &self.snapshots[..self.snapshots.len() - 1];
            let earlier: Vec<f64> = before.iter().skip(1).filter_map(share).collect();
            if let Some((usual, most)) = bounds(&earlier) {
                facts.push(&format!("{name}_usual"), &self.subject, Value::Number(usual));
                facts.push(&format!("{name}_most"), &self.subject, Value::Number(most));
            }
        }
        if let Some(names) = &self.names {
            let ending = Value::Text(plain(&names.ending));
            facts.push("came_ending", &self.subject, ending);
            for (name, count) in [
                ("came", names.came),
                ("came_alike", names.came_alike),
                ("went_alike", names.went_alike),
            ] {
                facts.push(name, &self.subject, Value::Number(count as f64));
            }
        }
    }
}
