//! How a dump is drilled: copied, read to its end, and loaded into a throw-away cluster.
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evenkeel_config::record::{Failure, FailureKind};
use jiff::{SignedDuration, Timestamp};

use super::PgDump;
use super::sight::{Dump, Whole};
use crate::backup::subject;
use crate::drill::{BackupRuns, Drillable, Opened, PartRead, Room, Target};
use crate::probe::host::Host;
use crate::probe::postgres::{Load, load, newest};
use crate::probe::redact::plain;

/// A dump that was written to its end does not change any more.
const AT_REST: SignedDuration = SignedDuration::from_secs(60);

impl PgDump {
    /// The newest dump of each database.
    async fn newest_dumps(&self) -> Result<Vec<(String, Dump)>, Failure> {
        let dumps = self.dumps(Path::new("/")).await?.ok_or_else(|| Failure {
            kind: FailureKind::NotFound,
            what: format!("{} does not exist", plain(&self.folder)),
            advice: "see whether a disk or share is not mounted, or correct `path`".to_owned(),
        })?;
        let last = |(name, mut list): (String, Vec<Dump>)| Some((name, list.pop()?));
        Ok(dumps.groups.into_iter().filter_map(last).collect())
    }
}

#[async_trait::async_trait]
impl Drillable for PgDump {
    async fn targets(&self, _: Instant) -> Result<Vec<Target>, Failure> {
        let host = Host::new(Path::new("/"));
        let target = |(database, dump): (String, Dump)| {
            let named = !database.is_empty();
            let files = host.list(&dump.path).map_or(1, |names| names.len() as u64);
            Target {
                subject: if named { subject(&database, &[&database]) } else { String::new() },
                group: if named { format!("database {}", plain(&database)) } else { dump.name },
                snapshot: dump.path,
                start: dump.modified,
                files: Some(files),
                bytes: Some(dump.size),
                is_of_this_host: false,
            }
        };
        Ok(self.newest_dumps().await?.into_iter().map(target).collect())
    }

    async fn backup_runs(&self, _: Instant) -> Result<Option<BackupRuns>, Failure> {
        let now = Timestamp::now();
        let is_written = |dump: &Dump| {
            let age = now.duration_since(dump.modified);
            age >= SignedDuration::ZERO && age < AT_REST
        };
        let newest = self.newest_dumps().await?;
        let written = newest.into_iter().find(|(_, dump)| is_written(dump));
        Ok(written.map(|(_, dump)| BackupRuns {
            holder: format!("whoever writes {}", plain(&dump.name)),
        }))
    }

    async fn read_part(&self, part: [u32; 2], room: &Room) -> Result<Option<PartRead>, Failure> {
        let mut broken = Vec::new();
        for (_, dump) in self.newest_dumps().await? {
            match self.whole(&dump, Path::new("/"), room.until).await? {
                Whole::No(why) => broken.push(format!("{}: {why}", plain(&dump.name))),
                Whole::Unknown(_) | Whole::Yes | Whole::Late => {}
                Whole::Listed => {
                    let Some(programs) = newest("pg_restore", self.bin.as_deref()) else {
                        continue;
                    };
                    let left = room.until.saturating_duration_since(Instant::now());
                    let arguments =
                        ["--file=/dev/null".as_ref(), Path::new(&dump.path).as_os_str()];
                    let tool = programs.tool("pg_restore")?;
                    let output = tool.run(&arguments, left.max(Duration::from_millis(1))).await?;
                    if output.code != Some(0) {
                        broken.push(format!("{}: {}", plain(&dump.name), output.said));
                    }
                }
            }
        }
        Ok(Some(PartRead { sound: broken.is_empty(), said: broken.join("; "), part }))
    }

    async fn open(&self, restored: &Path, room: &Room) -> Result<Option<Opened>, Failure> {
        let Some(path) = only_dump(restored.to_owned()) else {
            let what = "no dump came back".to_owned();
            return Ok(Some(Opened { works: false, what, seconds: 0.0, data_as_of: None }));
        };
        let how =
            Load { bin: self.bin.as_deref(), superuser: self.superuser, expected: &self.expected };
        load(&path, how, room).await.map(Some)
    }

    fn opens_applications(&self) -> bool {
        true
    }

    fn own_folders(&self) -> Vec<PathBuf> {
        vec![PathBuf::from(&self.folder)]
    }

    fn tool_version(&self) -> String {
        let programs = newest("pg_restore", self.bin.as_deref());
        programs.map_or_else(String::new, |programs| format!("PostgreSQL {}", programs.major))
    }
}

/// The one dump below a folder: a file, or a folder with a table of contents.
fn only_dump(mut at: PathBuf) -> Option<PathBuf> {
    loop {
        let kind = std::fs::symlink_metadata(&at).ok()?.file_type();
        if kind.is_file() || (kind.is_dir() && at.join("toc.dat").is_file()) {
            return Some(at);
        }
        let mut entries = std::fs::read_dir(&at).ok()?;
        let only = entries.next()?.ok()?.path();
        if entries.next().is_some() {
            return None;
        }
        at = only;
    }
}
