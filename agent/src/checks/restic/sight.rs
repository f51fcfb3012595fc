//! What is there: facts of a repository and of each group of its snapshots.
use std::collections::BTreeMap;

use evenkeel_config::record::{CopyFacts, Failure, FailureKind, SnapshotFact, Value};

use jiff::{SignedDuration, Timestamp};

use super::Restic;
use super::groups::{Group, grouped};
use crate::checks::{Facts, Look};
use crate::probe::redact::plain;
use crate::probe::restic::{Locks, Repository, Snapshot, Stored};

/// More groups of one repository are not looked at one by one.
const MOST_GROUPS: usize = 24;

/// A snapshot is counted again after so long.
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_hours(20);

/// Of a group only the latest snapshots are handed on as copies.
const MOST_COPIES: usize = 120;

impl Restic {
    /// Asks the repository for everything that the facts are made of.
    pub(super) async fn look(&self, look: &Look) -> Result<Facts, Failure> {
        // A little less than the schedule grants, so that the reason is ours to tell.
        let repository = Repository::open(&self.access, look.deadline.mul_f64(0.9))?;
        let version = self.version.get_or_try_init(|| repository.version()).await?;
        let mut facts = Facts::default();
        facts.push("version", "", Value::Text(version.clone()));
        facts.push("repository_id", "", Value::Text(plain(&repository.id().await?)));
        let (snapshots, said) = repository.snapshots().await?;
        let stored = repository.list(Stored::Snapshots).await?.len();
        facts.push("snapshots", "", Value::Number(snapshots.len() as f64));
        let unreadable = stored.saturating_sub(snapshots.len());
        facts.push("unreadable_snapshots", "", Value::Number(unreadable as f64));
        facts.push("said", "", Value::Text(said));
        let index = repository.list(Stored::Index).await?.len();
        facts.push("index_files", "", Value::Number(index as f64));
        facts.push("drilled", "", Value::Flag(false));
        push_locks(&repository.locks(&look.root).await?, &mut facts);
        let wanted: Vec<Snapshot> =
            snapshots.into_iter().filter(|snapshot| self.wants(snapshot)).collect();
        self.observe_groups(&repository, &wanted, look.now, &mut facts).await;
        Ok(facts)
    }

    fn wants(&self, snapshot: &Snapshot) -> bool {
        self.host.as_ref().is_none_or(|host| *host == snapshot.hostname)
            && self.paths.iter().all(|path| snapshot.paths.contains(path))
            && self.tags.iter().all(|tag| snapshot.tags.contains(tag))
    }

    async fn observe_groups(
        &self,
        repository: &Repository,
        snapshots: &[Snapshot],
        now: Timestamp,
        facts: &mut Facts,
    ) {
        let groups = grouped(snapshots);
        if groups.len() > MOST_GROUPS {
            let rest = groups.len() - MOST_GROUPS;
            facts.push("groups_left_out", "", Value::Number(rest as f64));
        }
        let mut memory = self.memory.lock().await;
        let mut has_counts = true;
        let mut is_news = false;
        for (group, members) in groups.iter().take(MOST_GROUPS) {
            let Some(newest) = members.last() else { continue };
            let subject = group.subject();
            facts.push("group", &subject, Value::Text(group.words()));
            facts.push("newest", &subject, Value::Time(newest.time));
            facts.push("group_snapshots", &subject, Value::Number(members.len() as f64));
            let size = match newest.summary {
                Some(summary) => {
                    Some((summary.total_files_processed, summary.total_bytes_processed))
                }
                None => {
                    has_counts = false;
                    let known = memory.size(&newest.id, now);
                    is_news |= known.is_none();
                    let size = match known {
                        None => size_of(repository, newest, &subject, facts).await,
                        known => known,
                    };
                    memory.keep(&newest.id, size, now);
                    size
                }
            };
            if let Some((files, bytes)) = size {
                facts.push("files", &subject, Value::Number(files as f64));
                facts.push("bytes", &subject, Value::Number(bytes as f64));
            }
            push_changes(members, &subject, facts);
            facts.copies.push(self.copy(group, members, size));
        }
        // Where runs have no counts, the growth of the whole shows an upheaval.
        if has_counts {
            return;
        }
        if is_news || memory.stored.is_none() {
            memory.stored = repository.stored().await.ok().map(|stored| stored.total_size);
        }
        if let Some(stored) = memory.stored {
            facts.push("stored_size", "", Value::Number(stored as f64));
        }
    }

    fn copy(&self, group: &Group, members: &[&Snapshot], size: Option<(u64, u64)>) -> CopyFacts {
        let latest = &members[members.len().saturating_sub(MOST_COPIES)..];
        let mut snapshots: Vec<SnapshotFact> = latest.iter().map(|one| fact_of(one)).collect();
        if let (Some(newest), Some((files, bytes))) = (snapshots.last_mut(), size) {
            newest.files = Some(files);
            newest.bytes = Some(bytes);
            newest.complete = bytes > 0;
        }
        CopyFacts {
            copy: self.component.clone(),
            dataset: self.dataset.clone(),
            group: group.words(),
            snapshots,
        }
    }
}

/// Sizes that were asked for lately. A snapshot never changes, and counting it
/// costs the reading of all its folders, from a cloud perhaps.
#[derive(Debug, Default)]
pub(super) struct Memory {
    sizes: BTreeMap<String, Remembered>,
    stored: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Remembered {
    files: u64,
    bytes: u64,
    asked: Timestamp,
}

impl Memory {
    /// The size, unless it should be asked for again: folders can be damaged later.
    fn size(&self, snapshot: &str, now: Timestamp) -> Option<(u64, u64)> {
        let known = self.sizes.get(snapshot)?;
        let age = now.duration_since(known.asked);
        let is_fresh = age >= SignedDuration::ZERO && age < REMEMBERED_FOR;
        is_fresh.then_some((known.files, known.bytes))
    }

    fn keep(&mut self, snapshot: &str, size: Option<(u64, u64)>, now: Timestamp) {
        if let (Some((files, bytes)), None) = (size, self.size(snapshot, now)) {
            self.sizes.retain(|_, one| now.duration_since(one.asked) < REMEMBERED_FOR);
            self.sizes.insert(snapshot.to_owned(), Remembered { files, bytes, asked: now });
        }
    }
}

fn fact_of(snapshot: &Snapshot) -> SnapshotFact {
    let files = snapshot.summary.map(|summary| summary.total_files_processed);
    let bytes = snapshot.summary.map(|summary| summary.total_bytes_processed);
    SnapshotFact { files, bytes, complete: bytes != Some(0), ..SnapshotFact::new(snapshot.time) }
}

/// Asks for the size of a snapshot; a list of files that cannot be read is a fact.
async fn size_of(
    repository: &Repository,
    snapshot: &Snapshot,
    subject: &str,
    facts: &mut Facts,
) -> Option<(u64, u64)> {
    match repository.stats(&snapshot.id).await {
        Ok(stats) => {
            facts.push("readable", subject, Value::Flag(true));
            Some((stats.total_file_count, stats.total_size))
        }
        Err(failure) => {
            let is_unknown = matches!(
                failure.kind,
                FailureKind::Timeout | FailureKind::NetworkDown | FailureKind::OutputTooLong
            );
            let name = if is_unknown { "size_unknown" } else { "readable" };
            facts.push(name, subject, Value::Flag(is_unknown));
            None
        }
    }
}

fn push_changes(members: &[&Snapshot], subject: &str, facts: &mut Facts) {
    let shares: Vec<f64> = members.iter().filter_map(|member| member.changed_share()).collect();
    let Some((newest, before)) = shares.split_last() else { return };
    facts.push("changed_share", subject, Value::Number(*newest));
    if before.len() >= 7 {
        let mut before = before.to_vec();
        before.sort_by(f64::total_cmp);
        facts.push("changed_share_usual", subject, Value::Number(before[before.len() / 2]));
    }
}

fn push_locks(locks: &Locks, facts: &mut Facts) {
    facts.push("locks", "", Value::Number(locks.count as f64));
    if let Some(worst) = &locks.worst {
        facts.push("oldest_lock", "", Value::Time(worst.time));
        facts.push("lock_exclusive", "", Value::Flag(worst.exclusive));
        let holder = format!("process {} on {}", worst.pid, plain(&worst.hostname));
        facts.push("lock_holder", "", Value::Text(holder));
        facts.push("lock_dead", "", Value::Flag(locks.worst_is_dead));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_remembered_for_a_while() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let after = |hours| now + SignedDuration::from_hours(hours);
        let mut memory = Memory::default();
        memory.keep("a", None, now);
        assert_eq!(memory.size("a", now), None);
        memory.keep("a", Some((1, 2)), now);
        memory.keep("a", Some((1, 2)), after(19));
        assert_eq!(memory.size("a", after(19)), Some((1, 2)));
        assert_eq!(memory.size("a", after(20)), None, "keeping does not make it fresher");
        assert_eq!(memory.size("a", after(-1)), None);
        memory.keep("b", Some((3, 4)), after(30));
        assert_eq!(memory.sizes.len(), 1);
    }
}
