//! How a borg repository is drilled: from an empty cache, without a lock, writing nothing there.
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use evenkeel_config::record::{Failure, FailureKind};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::sight::Eye;
use crate::drill::{BackupRuns, Drillable, Listed, PartRead, Restored, Room, Target, Wanted};
use crate::probe::borg::{LAST_PATTERN, Place, Repository, pattern_line};
use crate::probe::host::Host;

/// borg never renews a lock; one of another host counts as held for so long.
const HELD_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Files that came back are counted up to here.
const MOST_COUNTED: u64 = 1_000_000;

impl Eye {
    async fn open(&self, until: Instant, work: &Path) -> Result<Repository, Failure> {
        let place = Place {
            data: work.to_owned(),
            root: PathBuf::from("/"),
            now: Timestamp::now(),
            deadline: until.saturating_duration_since(Instant::now()),
        };
        let repository = Repository::open(&self.access, &place).await?;
        self.learn_version(&repository).await?;
        Ok(repository)
    }
}

#[async_trait::async_trait]
impl Drillable for Eye {
    async fn targets(&self, until: Instant) -> Result<Vec<Target>, Failure> {
        let repository = self.open(until, Path::new("")).await?;
        let newest = self.newest(&repository, Timestamp::now()).await?;
        let own =
            Host::new(Path::new("/")).text("/proc/sys/kernel/hostname", 1024).unwrap_or_default();
        let first = |name: &str| name.trim().split('.').next().unwrap_or_default().to_owned();
        let target = |(group, archive, contents): super::sight::Newest| Target {
            subject: group.subject(),
            group: group.words(),
            is_of_this_host: !own.trim().is_empty() && first(&group.host) == first(&own),
            snapshot: archive.name,
            start: archive.start,
            files: contents.map(|contents| contents.files),
            bytes: contents.map(|contents| contents.bytes),
        };
        Ok(newest.into_iter().map(target).collect())
    }

    /// Tells of repositories on this host alone: over a network, asking would
    /// mean to take a lock.
    async fn backup_runs(&self, until: Instant) -> Result<Option<BackupRuns>, Failure> {
        let repository = self.open(until, Path::new("")).await?;
        let lock = repository.on_disk().and_then(|on_disk| on_disk.at_work());
        let now = Timestamp::now();
        let held = lock.filter(|lock| lock.is_alive || now.duration_since(lock.renewed) < HELD_FOR);
        Ok(held.map(|lock| BackupRuns { holder: lock.holder.clone() }))
    }

    async fn list(
        &self,
        target: &Target,
        room: &Room,
        each: &mut (dyn FnMut(Listed) + Send),
    ) -> Result<(), Failure> {
        let repository = self.open(room.until, &room.cache).await?;
        repository
            .items(&target.snapshot, "{size}{mtime}", &mut |file| {
                if can_be_named(&file.path) {
                    let path = format!("/{}", file.path);
                    each(Listed { path, size: file.size, modified: file.modified });
                }
            })
            .await
    }

    async fn restore(
        &self,
        target: &Target,
        wanted: Wanted<'_>,
        room: &Room,
    ) -> Result<Restored, Failure> {
        let repository = self.open(room.until, &room.cache).await?;
        let paths: Option<Vec<&str>> = match wanted {
            Wanted::All => None,
            // Without any path borg restores everything.
            Wanted::Files([]) => {
                let (said, below) = (String::new(), PathBuf::new());
                return Ok(Restored { seconds: 0.0, worked: true, said, below });
            }
            Wanted::Files(files) => {
                Some(files.iter().map(|file| file.path.trim_start_matches('/')).collect())
            }
        };
        let ended = repository.extract(&target.snapshot, paths.as_deref(), &room.folder).await?;
        let mut said = ended.said;
        if !ended.well {
            let count = files_below(&room.folder);
            said = format!("{count} files came back before borg gave up; {said}");
        }
        Ok(Restored { seconds: ended.seconds, worked: ended.well, said, below: PathBuf::new() })
    }

    /// borg cannot read a part of what is stored without a lock, so a share of
    /// the files in the newest archives is read through: by the hash of their
    /// path, so that each file's turn comes once a cycle.
    async fn read_part(&self, part: [u32; 2], room: &Room) -> Result<Option<PartRead>, Failure> {
        let repository = self.open(room.until, &room.cache).await?;
        let file = room.cache.join("patterns");
        let mut read = PartRead { sound: true, said: String::new(), part };
        for (group, archive, _) in self.newest(&repository, Timestamp::now()).await? {
            let mut share = Share::begin(&file, part)?;
            repository.items(&archive.name, "{size}", &mut |item| share.add(&item)).await?;
            let (files, zero_filled) = share.end()?;
            if zero_filled > 0 {
                read.sound = false;
                read.say(&format!(
                    "{}: a repair filled {zero_filled} files with zeroes",
                    group.words()
                ));
            }
            if files == 0 {
                continue;
            }
            let ended = repository.read_through(&archive.name, &file).await?;
            if !ended.well {
                read.sound = false;
                read.say(&format!("{}: {}", group.words(), ended.said));
            }
        }
        Ok(Some(read))
    }

    fn needs_network(&self) -> bool {
        !self.access.is_local()
    }

    fn own_folders(&self) -> Vec<PathBuf> {
        if self.access.is_local() {
            vec![PathBuf::from(&self.access.repository)]
        } else {
            Vec::new()
        }
    }

    fn tool_version(&self) -> String {
        self.version()
    }
}

/// borg writes a question mark for each byte of a name that is no UTF-8, and no
/// pattern finds such a name.
fn can_be_named(path: &str) -> bool {
    !path.contains(['?', '\u{fffd}'])
}

/// The files of one part, written down as patterns while they are listed.
struct Share {
    part: [u32; 2],
    out: BufWriter<std::fs::File>,
    broken: Option<std::io::Error>,
    files: u64,
    zero_filled: u64,
}

impl Share {
    fn begin(file: &Path, part: [u32; 2]) -> Result<Self, Failure> {
        let out = std::fs::File::create(file).map_err(|error| no_room(&error))?;
        Ok(Self { part, out: BufWriter::new(out), broken: None, files: 0, zero_filled: 0 })
    }

    fn add(&mut self, file: &crate::probe::borg::File) {
        if !is_in_part(&file.path, self.part) || !can_be_named(&file.path) {
            return;
        }
        let Some(line) = pattern_line(&file.path) else { return };
        self.files += 1;
        self.zero_filled += u64::from(!file.healthy);
        if let Err(error) = self.out.write_all(line.as_bytes()) {
            self.broken.get_or_insert(error);
        }
    }

    fn end(mut self) -> Result<(u64, u64), Failure> {
        let last = self.out.write_all(LAST_PATTERN.as_bytes()).and_then(|()| self.out.flush());
        match self.broken.or(last.err()) {
            Some(error) => Err(no_room(&error)),
            None => Ok((self.files, self.zero_filled)),
        }
    }
}

fn no_room(error: &std::io::Error) -> Failure {
    Failure {
        kind: FailureKind::NoSpace,
        what: format!("the list of files to read could not be written: {error}"),
        advice: "see whether the scratch folder has room".to_owned(),
    }
}

/// Whether it is a path's turn in part `n` of `t`.
fn is_in_part(path: &str, [n, t]: [u32; 2]) -> bool {
    let hash = Sha256::digest(path);
    let number = u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]);
    number % t.max(1) == n.saturating_sub(1) % t.max(1)
}

/// How many files there are below a folder; links are not followed.
fn files_below(folder: &Path) -> u64 {
    let mut count = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => count += 1,
                _ => {}
            }
            if count >= MOST_COUNTED {
                return count;
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_turn_once_a_cycle() {
        for at in 0..200 {
            let path = format!("srv/{at}");
            let turns = (1..=7).filter(|n| is_in_part(&path, [*n, 7])).count();
            assert_eq!(turns, 1, "{path}");
        }
        assert!(is_in_part("x", [1, 1]) && is_in_part("x", [1, 0]));
    }
}
