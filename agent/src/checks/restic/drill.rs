//! How a restic repository is drilled: with an empty cache, without locks, one run for a batch.
use std::path::PathBuf;
use std::time::{Duration, Instant};

use evenkeel_config::record::{Failure, FailureKind};
use jiff::Timestamp;

use super::Restic;
use super::groups::grouped;
use crate::drill::{BackupRuns, Drillable, Listed, PartRead, Restored, Room, Target, Wanted};
use crate::probe::redact::plain;
use crate::probe::restic::{Repository, Snapshot};

impl Restic {
    /// The repository, and the version asked for once.
    async fn opened(&self, until: Instant) -> Result<Repository, Failure> {
        let left = until.saturating_duration_since(Instant::now());
        let repository = Repository::open(&self.access, left.max(Duration::from_millis(1)))?;
        self.version.get_or_try_init(|| repository.version()).await?;
        Ok(repository)
    }

    /// For a step of a drill, with the room's own folder for temporary files.
    async fn working(&self, room: &Room) -> Result<Repository, Failure> {
        Ok(self.opened(room.until).await?.working_in(&room.cache))
    }
}

#[async_trait::async_trait]
impl Drillable for Restic {
    async fn targets(&self, until: Instant) -> Result<Vec<Target>, Failure> {
        let (snapshots, _) = self.opened(until).await?.snapshots().await?;
        let wanted: Vec<Snapshot> =
            snapshots.into_iter().filter(|snapshot| self.wants(snapshot)).collect();
        let own_name = own_name();
        let groups = grouped(&wanted);
        let targets = groups.iter().filter_map(|(group, members)| {
            let newest = members.last()?;
            Some(Target {
                subject: group.subject(),
                group: group.words(),
                snapshot: newest.id.clone(),
                start: newest.time,
                files: newest.summary.map(|summary| summary.total_files_processed),
                bytes: newest.summary.map(|summary| summary.total_bytes_processed),
                is_of_this_host: newest.hostname == own_name,
            })
        });
        Ok(targets.collect())
    }

    async fn backup_runs(&self, until: Instant) -> Result<Option<BackupRuns>, Failure> {
        let locks = self.opened(until).await?.locks("/".as_ref()).await?;
        Ok(locks.held_now(Timestamp::now()).map(|lock| BackupRuns {
            holder: format!("process {} on {}", lock.pid, plain(&lock.hostname)),
        }))
    }

    async fn list(
        &self,
        target: &Target,
        room: &Room,
        each: &mut (dyn FnMut(Listed) + Send),
    ) -> Result<(), Failure> {
        let mut hand_over = |file: crate::probe::restic::File| {
            each(Listed { path: file.path, size: file.size, modified: file.modified });
        };
        self.working(room).await?.files(&target.snapshot, &mut hand_over).await
    }

    async fn restore(
        &self,
        target: &Target,
        wanted: Wanted<'_>,
        room: &Room,
    ) -> Result<Restored, Failure> {
        let paths: Option<Vec<&str>> = match wanted {
            Wanted::All => None,
            Wanted::Files(files) => Some(files.iter().map(|file| file.path.as_str()).collect()),
        };
        let repository = self.working(room).await?;
        let cache = empty_cache(room)?;
        let ended = repository
            .restore(&target.snapshot, paths.as_deref(), &room.folder, &cache, room.bandwidth)
            .await?;
        Ok(Restored {
            seconds: ended.seconds,
            worked: ended.well,
            said: ended.said,
            below: PathBuf::new(),
        })
    }

    async fn read_part(&self, part: [u32; 2], room: &Room) -> Result<Option<PartRead>, Failure> {
        let ended = self.working(room).await?.read_part(part, room.bandwidth).await?;
        Ok(Some(PartRead { sound: ended.well, said: ended.said, part }))
    }

    fn needs_network(&self) -> bool {
        !self.access.repository.starts_with('/')
    }

    fn keeps_bandwidth(&self) -> bool {
        true
    }

    fn own_folders(&self) -> Vec<PathBuf> {
        let repository = Some(self.access.repository.as_str()).filter(|one| one.starts_with('/'));
        repository
            .into_iter()
            .chain(self.paths.iter().map(String::as_str))
            .map(Into::into)
            .collect()
    }

    fn tool_version(&self) -> String {
        self.version.get().cloned().unwrap_or_default()
    }
}

/// A folder in the room that is empty: a cache that knows the repository would
/// answer for it.
fn empty_cache(room: &Room) -> Result<PathBuf, Failure> {
    let fail = |why: String| Failure {
        kind: FailureKind::PermissionDenied,
        what: format!("no folder for restic's cache can be made in the scratch folder: {why}"),
        advice: "let the agent's user write to `scratch`".to_owned(),
    };
    for number in 0..1000 {
        let folder = room.cache.join(format!("restic-{number}"));
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                return Err(Failure { kind: FailureKind::NoSpace, ..fail(error.to_string()) });
            }
            Err(error) => return Err(fail(error.to_string())),
        }
    }
    Err(fail("it is full of caches".to_owned()))
}

/// The machine's own name, as restic notes it.
fn own_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
