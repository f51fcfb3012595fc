//! What is there: facts of a repository and of each group of its archives.
use std::collections::BTreeMap;

use evenkeel_config::record::{Failure, FailureKind};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, OnceCell};

use super::groups::{Group, grouped};
use crate::backup::{GroupSight, MOST_GROUPS, NamesSight, Sight, SnapshotSight};
use crate::checks::Look;
use crate::probe::borg::{Access, Archive, Changes, Contents, Place, Repository};

/// An archive is counted again after so long.
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_hours(20);

/// So many latest archives of a group are compared with the one before, where it matters.
const MOST_COMPARED: usize = 9;

/// Above this share of files it matters whether so many changes are usual.
const MUCH: f64 = 0.3;

/// When descriptions are damaged, so many are read one by one, newest first.
const MOST_ALONE: usize = 40;

/// A repository that is looked at again and again.
pub(in crate::checks) struct Eye {
    /// Where it is and what opens it.
    pub(super) access: Access,
    /// Only archives whose name matches; `*` and `?` stand for anything.
    archives: Option<String>,
    /// Only archives that were made there.
    host: Option<String>,
    version: OnceCell<String>,
    memory: Mutex<Memory>,
}

/// The newest archive of a group, with what is in it where that is known.
pub(super) type Newest = (Group, Archive, Option<Contents>);

/// What one look at a repository came to.
#[derive(Debug, Clone, Default)]
pub(in crate::checks) struct Seen {
    /// What all kinds of backups share.
    pub(in crate::checks) sight: Sight,
    /// Segments that borg counts on and that are gone.
    pub(in crate::checks) missing_segments: Option<u64>,
    /// Files of each group's newest archive that a repair filled with zeroes.
    pub(in crate::checks) zero_filled: Vec<(String, u64)>,
}

impl Eye {
    pub(in crate::checks) fn new(
        access: Access,
        archives: Option<String>,
        host: Option<String>,
    ) -> Self {
        let (version, memory) = (OnceCell::new(), Mutex::default());
        Self { access, archives, host, version, memory }
    }

    /// The tool's version, if asked already.
    pub(super) fn version(&self) -> String {
        self.version.get().cloned().unwrap_or_default()
    }

    /// Asks the tool for its version once.
    pub(super) async fn learn_version(&self, repository: &Repository) -> Result<String, Failure> {
        self.version.get_or_try_init(|| repository.version()).await.cloned()
    }

    /// Asks the repository for everything that the facts are made of.
    pub(in crate::checks) async fn look(&self, look: &Look) -> Result<Seen, Failure> {
        let place = Place {
            data: look.data.clone(),
            root: look.root.clone(),
            now: look.now,
            // A little less than the schedule grants, so that the reason is ours to tell.
            deadline: look.deadline.mul_f64(0.9),
        };
        let repository = Repository::open(&self.access, &place).await?;
        let mut seen = Seen::default();
        seen.sight.version = Some(self.learn_version(&repository).await?);
        if let Some(on_disk) = repository.on_disk() {
            seen.sight.locks.clone_from(&on_disk.locks);
            seen.sight.append_only = Some(on_disk.append_only);
            seen.sight.stored_bytes = Some(on_disk.bytes);
            seen.missing_segments = Some(on_disk.missing_segments);
        }
        let (archives, id, said) = repository.archives().await?;
        seen.sight.repository_id = Some(id);
        seen.sight.said = said;
        seen.sight.snapshots = Some(archives.len() as u64);
        let mut memory = self.memory.lock().await;
        seen.sight.unreadable_snapshots =
            Some(memory.describe(&repository, &archives, look.now).await?);
        let wanted: Vec<Archive> = archives
            .into_iter()
            .map(|archive| memory.described(archive))
            .filter(|archive| self.wants(archive))
            .collect();
        for (at, (group, members)) in grouped(&wanted).into_iter().enumerate() {
            let mut one = group_seen(&group, &members, &memory);
            // Groups beyond the cap are counted as left out, not looked at.
            if at < MOST_GROUPS {
                let zeroes = memory.count(&repository, &members, &mut one, look.now).await;
                seen.zero_filled.push((one.subject.clone(), zeroes));
            }
            seen.sight.groups.push(one);
        }
        Ok(seen)
    }

    /// The newest archive of each group.
    pub(super) async fn newest(
        &self,
        repository: &Repository,
        now: Timestamp,
    ) -> Result<Vec<Newest>, Failure> {
        let (archives, ..) = repository.archives().await?;
        let mut memory = self.memory.lock().await;
        memory.describe(repository, &archives, now).await?;
        let wanted: Vec<Archive> = archives
            .into_iter()
            .map(|archive| memory.described(archive))
            .filter(|archive| self.wants(archive))
            .collect();
        let newest = grouped(&wanted).into_iter().filter_map(|(group, members)| {
            let archive = members.last().map(|archive| (*archive).clone())?;
            let contents = memory.contents.get(&archive.id).map(|known| known.0);
            Some((group, archive, contents))
        });
        Ok(newest.collect())
    }

    fn wants(&self, archive: &Archive) -> bool {
        let fits_name = self.archives.as_ref().is_none_or(|glob| matches(glob, &archive.name));
        // An archive whose host cannot be told is not left out of sight.
        let fits_host = self.host.as_ref().is_none_or(|host| {
            archive.hostname.as_ref().is_none_or(|its| its.is_empty() || its == host)
        });
        fits_name && fits_host
    }
}

/// What was asked lately. An archive never changes, and counting it costs the
/// reading of its whole list of files.
#[derive(Debug, Default)]
struct Memory {
    /// Host and end by id.
    descriptions: BTreeMap<String, (Archive, Timestamp)>,
    /// What is in an archive, by id.
    contents: BTreeMap<String, (Contents, Timestamp)>,
    /// What changed against the archive before, by both ids.
    changes: BTreeMap<(String, String), Changes>,
}

impl Memory {
    /// Learns host and end of every archive, and says how many descriptions cannot be read.
    async fn describe(
        &mut self,
        repository: &Repository,
        archives: &[Archive],
        now: Timestamp,
    ) -> Result<u64, Failure> {
        let is_there = |id: &String| archives.iter().any(|archive| archive.id == *id);
        self.descriptions.retain(|id, (_, asked)| is_there(id) && is_fresh(*asked, now));
        self.contents.retain(|id, (_, asked)| is_there(id) && is_fresh(*asked, now));
        self.changes.retain(|(before, after), _| is_there(before) && is_there(after));
        if archives.iter().all(|archive| self.descriptions.contains_key(&archive.id)) {
            return Ok(0);
        }
        match repository.described(None).await {
            Ok(described) => {
                self.learn(described, now);
                Ok(0)
            }
            // One damaged description spoils the whole answer, so each is asked for.
            Err(failure) if failure.kind == FailureKind::CorruptStructure => {
                let mut unreadable = 0;
                for archive in archives.iter().rev().take(MOST_ALONE) {
                    match repository.described(Some(&glob_of(&archive.name))).await {
                        Ok(described) => self.learn(described, now),
                        Err(one) if one.kind == FailureKind::CorruptStructure => unreadable += 1,
                        Err(other) => return Err(other),
                    }
                }
                // Where none of the newest is damaged, an older one is.
                Ok(unreadable.max(1))
            }
            Err(failure) => Err(failure),
        }
    }

    fn learn(&mut self, described: Vec<Archive>, now: Timestamp) {
        for archive in described {
            self.descriptions.insert(archive.id.clone(), (archive, now));
        }
    }

    fn described(&self, archive: Archive) -> Archive {
        self.descriptions.get(&archive.id).map_or(archive, |(known, _)| known.clone())
    }

    /// Counts the newest archive of a group and compares it with the one before;
    /// says how many of its files are filled with zeroes.
    async fn count(
        &mut self,
        repository: &Repository,
        members: &[&Archive],
        seen: &mut GroupSight,
        now: Timestamp,
    ) -> u64 {
        let [.., newest] = members else { return 0 };
        if !self.contents.contains_key(&newest.id) {
            match repository.contents(&newest.name).await {
                Ok(contents) => {
                    self.contents.insert(newest.id.clone(), (contents, now));
                }
                Err(failure) if is_unknown(failure.kind) => {
                    seen.size_unknown = true;
                    return 0;
                }
                Err(_) => {
                    seen.readable = Some(false);
                    return 0;
                }
            }
        }
        seen.readable = Some(true);
        self.compare(repository, members, seen).await;
        let contents = self.contents.get(&newest.id).map(|known| known.0).unwrap_or_default();
        for (snapshot, member) in seen.snapshots.iter_mut().zip(members) {
            *snapshot = snapshot_seen(member, self);
        }
        contents.zero_filled
    }

    /// Compares the newest archive with the one before. Where much has changed, earlier
    /// pairs tell whether that is usual.
    async fn compare(
        &mut self,
        repository: &Repository,
        members: &[&Archive],
        seen: &mut GroupSight,
    ) {
        let [.., newest] = members else { return };
        let files = self.contents.get(&newest.id).map_or(0, |known| known.0.files).max(1);
        for (at, pair) in members.windows(2).rev().take(MOST_COMPARED).enumerate() {
            let [before, after] = pair else { continue };
            let key = (before.id.clone(), after.id.clone());
            let known = match self.changes.get(&key) {
                Some(known) => known.clone(),
                None => {
                    // Without it less is known of the archive, and nothing is wrong.
                    let asked = repository.changes(&before.name, &after.name).await;
                    let Ok(changes) = asked else { return };
                    self.changes.insert(key, changes.clone());
                    changes
                }
            };
            if at == 0 {
                let touched = known.came + known.modified + known.removed;
                seen.names = known.ending.map(|(ending, came_alike, went_alike)| NamesSight {
                    came: known.came,
                    ending,
                    came_alike,
                    went_alike,
                });
                if touched as f64 <= MUCH * files as f64 || !repository.has_time() {
                    return;
                }
            } else if !repository.has_time() {
                return;
            }
        }
    }
}

fn is_fresh(asked: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(asked);
    age >= SignedDuration::ZERO && age < REMEMBERED_FOR
}

fn is_unknown(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::Timeout
            | FailureKind::NetworkDown
            | FailureKind::OutputTooLong
            | FailureKind::Locked
            | FailureKind::NoSpace
    )
}

fn group_seen(group: &Group, members: &[&Archive], memory: &Memory) -> GroupSight {
    GroupSight {
        subject: group.subject(),
        words: group.words(),
        snapshots: members.iter().map(|member| snapshot_seen(member, memory)).collect(),
        ..GroupSight::default()
    }
}

fn snapshot_seen(archive: &Archive, memory: &Memory) -> SnapshotSight {
    let mut seen = SnapshotSight::new(archive.start);
    seen.end = archive.end;
    if let Some((contents, _)) = memory.contents.get(&archive.id) {
        seen.files = Some(contents.files);
        seen.bytes = Some(contents.bytes);
    }
    let changes = memory.changes.iter().find(|((_, after), _)| *after == archive.id);
    if let Some((_, changes)) = changes {
        seen.changed = Some(changes.came.saturating_add(changes.modified));
        seen.removed = Some(changes.removed);
        // What cannot be told is no small figure.
        let is_told = changes.unmeasured == 0;
        seen.rewritten = is_told.then_some([changes.rewritten, changes.replaced]);
    }
    seen
}

/// A pattern of borg's that the name matches, without letters that mean something.
fn glob_of(name: &str) -> String {
    name.chars().map(|letter| if "*?[]".contains(letter) { '?' } else { letter }).collect()
}

/// Whether a name matches a pattern, in which `*` stands for anything and `?`
/// for any one letter.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut read) = (0, 0);
    // Where the last star stands, and up to where of the name it reaches.
    let mut star: Option<(usize, usize)> = None;
    while read < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some('?') => {
                at += 1;
                read += 1;
            }
            Some(letter) if *letter == name[read] => {
                at += 1;
                read += 1;
            }
            _ => match &mut star {
                Some((place, reach)) => {
                    *reach += 1;
                    at = *place + 1;
                    read = *reach;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("srv-*", "srv-2026", true),
            ("srv-*", "web-2026", false),
            ("*-etc", "2026-etc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("exact", "exact", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
        assert_eq!(glob_of("a[1]*"), "a?1??");
    }
}
