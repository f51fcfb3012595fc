//! How a base backup is drilled: copied, verified by its checksums, and brought up with the WAL.
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evenkeel_config::record::{Failure, FailureKind};

use super::BaseBackups;
use super::sight::Base;
use crate::drill::{BackupRuns, Drillable, Opened, PartRead, Room, Target};
use crate::probe::postgres::{Programs, Recover, dump, recover, shell_quoted};

impl BaseBackups {
    /// Reads every file and compares it with its checksum; never without.
    async fn verified(&self, folder: &Path, room: &Room) -> Result<Result<(), String>, Failure> {
        let version = std::fs::read_to_string(folder.join("PG_VERSION")).unwrap_or_default();
        let Some(major) = dump::major(&version) else {
            return Ok(Err("it has no PG_VERSION".to_owned()));
        };
        let tool = Programs::of(major, self.bin.as_deref())?.tool("pg_verifybackup")?;
        let mut arguments = vec!["--quiet".as_ref()];
        if self.archive.is_some() {
            // The WAL is in the archive, where the drill replays it.
            arguments.push("--no-parse-wal".as_ref());
        }
        arguments.push(folder.as_os_str());
        let left = room.until.saturating_duration_since(Instant::now());
        let output = tool.run(&arguments, left.max(Duration::from_millis(1))).await?;
        Ok(if output.code == Some(0) { Ok(()) } else { Err(output.said) })
    }

    /// What a drill cannot bring up, and must not touch.
    fn bring_up(base: &Base) -> Result<(), Failure> {
        let fail = |what: &str| Failure {
            kind: FailureKind::Other,
            what: what.to_owned(),
            advice: "restore it by hand on another host, and record that drill".to_owned(),
        };
        if base.is_tar() {
            return Err(fail("the backup is in tar format, which a drill does not bring up"));
        }
        let tablespaces = std::fs::read_dir(Path::new(&base.path).join("pg_tblspc"));
        if tablespaces.is_ok_and(|mut list| list.next().is_some()) {
            return Err(fail("the backup has tablespaces, which a drill does not bring up"));
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Drillable for BaseBackups {
    async fn targets(&self, _: Instant) -> Result<Vec<Target>, Failure> {
        let Some((base, _)) = self.newest()? else { return Ok(Vec::new()) };
        let name = base.path.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(vec![Target {
            subject: String::new(),
            group: name,
            snapshot: base.path,
            start: base.start,
            files: None,
            bytes: None,
            is_of_this_host: false,
        }])
    }

    async fn backup_runs(&self, _: Instant) -> Result<Option<BackupRuns>, Failure> {
        // One that is being made has no manifest, and is no target.
        Ok(None)
    }

    async fn read_part(&self, part: [u32; 2], room: &Room) -> Result<Option<PartRead>, Failure> {
        let Some((base, _)) = self.newest()?.filter(|(base, _)| !base.is_tar()) else {
            return Ok(None);
        };
        let verified = self.verified(Path::new(&base.path), room).await?;
        let said = verified.err();
        Ok(Some(PartRead { sound: said.is_none(), said: said.unwrap_or_default(), part }))
    }

    async fn open(&self, restored: &Path, room: &Room) -> Result<Option<Opened>, Failure> {
        let failed = |what: String| Opened { works: false, what, seconds: 0.0, data_as_of: None };
        let Some((base, gap)) = self.newest()? else {
            return Ok(Some(failed("there is no finished base backup".to_owned())));
        };
        Self::bring_up(&base)?;
        let data = restored.join(base.path.trim_start_matches('/'));
        if let Err(said) = self.verified(&data, room).await? {
            return Ok(Some(failed(format!("pg_verifybackup refuses it: {said}"))));
        }
        let command = match &self.archive {
            None => "false".to_owned(),
            Some(archive) => {
                let from = shell_quoted(Path::new(archive));
                format!(
                    "cp {from}/%f \"%p\" 2>/dev/null || \
                     {{ test -f {from}/%f.gz && gzip -dc {from}/%f.gz >\"%p\"; }}"
                )
            }
        };
        let how = Recover {
            bin: self.bin.as_deref(),
            user: &self.user,
            database: &self.database,
            restore_command: &command,
            expected: &self.expected,
        };
        let mut opened = recover(&data, how, room).await?;
        if let (true, Some(gap)) = (opened.works, gap) {
            // The server stops at a gap without a word.
            opened.works = false;
            opened.what = format!("the archive lacks {}: all that came later is lost", gap.name());
        }
        Ok(Some(opened))
    }

    fn opens_applications(&self) -> bool {
        true
    }

    fn own_folders(&self) -> Vec<PathBuf> {
        [Some(&self.folder), self.archive.as_ref()].into_iter().flatten().map(Into::into).collect()
    }
}
