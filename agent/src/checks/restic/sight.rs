//! What is there: facts of a repository and of each group of its snapshots.
use std::collections::{BTreeMap, BTreeSet};

use evenkeel_config::record::{Failure, FailureKind, Value};
use jiff::{SignedDuration, Timestamp};

use super::Restic;
use super::groups::grouped;
use crate::backup::{
    GroupSight, LockSeen, LocksSeen, MOST_GROUPS, NamesSight, Sight, SnapshotSight,
};
use crate::checks::{Facts, Look};
use crate::probe::restic::{Difference, Locks, Repository, Snapshot, Stored};
use crate::proof;

/// So many latest snapshots of a group are compared with the one before.
const MOST_COMPARED: usize = 9;

/// A snapshot is counted again after so long.
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_hours(20);

impl Restic {
    /// Asks the repository for everything that the facts are made of.
    pub(super) async fn look(&self, look: &Look) -> Result<Facts, Failure> {
        // A little less than the schedule grants, so that the reason is ours to tell.
        let repository = Repository::open(&self.access, look.deadline.mul_f64(0.9))?;
        let version = self.version.get_or_try_init(|| repository.version()).await?;
        let mut sight = Sight { version: Some(version.clone()), ..Sight::default() };
        sight.repository_id = Some(repository.id().await?);
        let (snapshots, said) = repository.snapshots().await?;
        sight.said = said;
        let stored = repository.list(Stored::Snapshots).await?.len();
        sight.snapshots = Some(snapshots.len() as u64);
        sight.unreadable_snapshots = Some(stored.saturating_sub(snapshots.len()) as u64);
        let index = repository.list(Stored::Index).await?.len();
        sight.locks = Some(locks_seen(repository.locks(&look.root).await?));
        let wanted: Vec<Snapshot> =
            snapshots.into_iter().filter(|snapshot| self.wants(snapshot)).collect();
        self.observe_groups(&repository, &wanted, look.now, &mut sight).await;
        let mut facts = sight.facts(&self.keys);
        facts.push("index_files", "", Value::Number(index as f64));
        Ok(facts)
    }

    pub(super) fn wants(&self, snapshot: &Snapshot) -> bool {
        !proof::is_own(&snapshot.hostname, &snapshot.tags)
            && self.host.as_ref().is_none_or(|host| *host == snapshot.hostname)
            && self.paths.iter().all(|path| snapshot.paths.contains(path))
            && self.tags.iter().all(|tag| snapshot.tags.contains(tag))
    }

    async fn observe_groups(
        &self,
        repository: &Repository,
        snapshots: &[Snapshot],
        now: Timestamp,
        sight: &mut Sight,
    ) {
        let mut memory = self.memory.lock().await;
        let present: BTreeSet<&str> = snapshots.iter().map(|one| one.id.as_str()).collect();
        memory.differences.retain(|(before, after), _| {
            present.contains(before.as_str()) && present.contains(after.as_str())
        });
        let mut has_counts = true;
        let mut is_news = false;
        for (at, (group, members)) in grouped(snapshots).iter().enumerate() {
            let Some(newest) = members.last() else { continue };
            let mut seen = GroupSight {
                subject: group.subject(),
                words: group.words(),
                snapshots: members.iter().map(|member| snapshot_seen(member)).collect(),
                ..GroupSight::default()
            };
            // Groups beyond the cap are counted as left out, not looked at.
            if newest.summary.is_none() && at < MOST_GROUPS {
                has_counts = false;
                let known = memory.size(&newest.id, now);
                is_news |= known.is_none();
                let size = match known {
                    None => size_of(repository, newest, &mut seen).await,
                    known => {
                        seen.readable = Some(true);
                        known
                    }
                };
                memory.keep(&newest.id, size, now);
                if let (Some(last), Some((files, bytes))) = (seen.snapshots.last_mut(), size) {
                    last.files = Some(files);
                    last.bytes = Some(bytes);
                }
            }
            if at < MOST_GROUPS {
                compare(repository, members, &mut memory, &mut seen).await;
            }
            sight.groups.push(seen);
        }
        // Where runs have no counts, the growth of the whole shows an upheaval.
        if has_counts {
            return;
        }
        if is_news || memory.stored.is_none() {
            memory.stored = repository.stored().await.ok().map(|stored| stored.total_size);
        }
        sight.stored_bytes = memory.stored;
    }
}

/// Fills in what changed from snapshot to snapshot. Versions that count while
/// they back up are asked for names only when much has changed.
async fn compare(
    repository: &Repository,
    members: &[&Snapshot],
    memory: &mut Memory,
    seen: &mut GroupSight,
) {
    let newest = members.len().saturating_sub(1);
    for at in members.len().saturating_sub(MOST_COMPARED).max(1)..members.len() {
        let (before, after) = (members[at - 1], members[at]);
        let is_counted = after.summary.is_some();
        if let (Some(one), Some(other)) = (before.summary, after.summary) {
            let were = one.total_files_processed + other.files_new;
            seen.snapshots[at].removed = Some(were.saturating_sub(other.total_files_processed));
        }
        let much = |one: &SnapshotSight| {
            let files = one.files.unwrap_or(0).max(1);
            one.changed.is_some_and(|changed| changed as f64 > 0.3 * files as f64)
        };
        if is_counted && !(at == newest && much(&seen.snapshots[at])) {
            continue;
        }
        let key = (before.id.clone(), after.id.clone());
        let known = match memory.differences.get(&key) {
            Some(known) => known.clone(),
            None => {
                let asked = repository.diff(&before.id, &after.id, at == newest).await;
                let Ok(Some(difference)) = asked else { continue };
                memory.differences.insert(key, difference.clone());
                difference
            }
        };
        let snapshot = &mut seen.snapshots[at];
        if !is_counted {
            snapshot.changed = Some(known.added.saturating_add(known.modified));
            snapshot.removed = Some(known.removed);
            snapshot.added_bytes = Some(known.added_bytes);
            snapshot.removed_bytes = Some(known.removed_bytes);
        }
        if let (true, Some((ending, alike))) = (at == newest, known.came) {
            seen.names = Some(NamesSight {
                came: known.added,
                ending,
                came_alike: alike,
                went_alike: known.went_alike,
            });
        }
    }
}

/// Sizes that were asked for lately. A snapshot never changes, and counting it
/// costs the reading of all its folders, from a cloud perhaps.
#[derive(Debug, Default)]
pub(super) struct Memory {
    sizes: BTreeMap<String, Remembered>,
    stored: Option<u64>,
    /// A pair of snapshots never changes; they go when the repository's do.
    differences: BTreeMap<(String, String), Difference>,
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

fn snapshot_seen(snapshot: &Snapshot) -> SnapshotSight {
    let mut seen = SnapshotSight::new(snapshot.time);
    if let Some(summary) = snapshot.summary {
        seen.end = summary.backup_end;
        seen.files = Some(summary.total_files_processed);
        seen.bytes = Some(summary.total_bytes_processed);
        seen.changed = Some(summary.files_new.saturating_add(summary.files_changed));
        seen.added_bytes = Some(summary.data_added);
    }
    seen
}

/// Asks for the size of a snapshot; a list of files that cannot be read is a fact.
async fn size_of(
    repository: &Repository,
    snapshot: &Snapshot,
    seen: &mut GroupSight,
) -> Option<(u64, u64)> {
    match repository.stats(&snapshot.id).await {
        Ok(stats) => {
            seen.readable = Some(true);
            Some((stats.total_file_count, stats.total_size))
        }
        Err(failure) => {
            let is_unknown = matches!(
                failure.kind,
                FailureKind::Timeout | FailureKind::NetworkDown | FailureKind::OutputTooLong
            );
            if is_unknown {
                seen.size_unknown = true;
            } else {
                seen.readable = Some(false);
            }
            None
        }
    }
}

fn locks_seen(locks: Locks) -> LocksSeen {
    let worst = locks.worst.map(|lock| LockSeen {
        renewed: lock.time,
        exclusive: lock.exclusive,
        holder: format!("process {} on {}", lock.pid, lock.hostname),
        is_dead: locks.worst_is_dead,
        is_alive: false,
    });
    LocksSeen { count: locks.count as u64, worst }
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
