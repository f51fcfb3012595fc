//! How a stanza is drilled: restored to a folder of its own, brought up, and asked.
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evenkeel_config::record::{Failure, FailureKind};
use jiff::Timestamp;

use super::PgBackRest;
use super::sight::{repositories, subject};
use crate::drill::{
    BackupRuns, Drillable, Listed, Opened, PartRead, Restored, Room, Target, Wanted,
};
use crate::probe::pgbackrest::{manifest_file, verify_is_sound};
use crate::probe::postgres::{Recover, recover, shell_quoted};
use crate::probe::tool::Tool;

/// The folder below the room that the data come back to, as manifests call it.
const DATA: &str = "pg_data";

/// One line of a manifest is not longer, in bytes.
const LONGEST_LINE: usize = 256 << 10;

/// Written anew by every restore, so no longer as it was.
const REWRITTEN: &str = "pg_data/postgresql.auto.conf";

#[async_trait::async_trait]
impl Drillable for PgBackRest {
    async fn targets(&self, until: Instant) -> Result<Vec<Target>, Failure> {
        self.version(until).await?;
        let (stanza, _) = self.info(until).await?;
        let newest = |repo: u64| {
            let backup = stanza.backup.iter().rfind(|one| one.database.repo == repo)?;
            Some(Target {
                subject: subject(&stanza, repo),
                group: format!("stanza {} in repository {repo}", self.stanza),
                snapshot: format!("{repo}/{}", backup.label),
                start: Timestamp::from_second(backup.timestamp.start).ok()?,
                files: None,
                bytes: Some(backup.info.size),
                is_of_this_host: false,
            })
        };
        Ok(repositories(&stanza).into_iter().filter_map(newest).collect())
    }

    async fn backup_runs(&self, until: Instant) -> Result<Option<BackupRuns>, Failure> {
        let (stanza, _) = self.info(until).await?;
        let held = stanza.status.lock.backup.held;
        Ok(held.then(|| BackupRuns { holder: format!("a backup of {}", self.stanza) }))
    }

    async fn list(
        &self,
        target: &Target,
        room: &Room,
        each: &mut (dyn FnMut(Listed) + Send),
    ) -> Result<(), Failure> {
        let (repo, label) = parts(target)?;
        let tool = Tool::find("pgbackrest", self.tool.as_deref())?;
        let mut arguments = self.common();
        arguments.retain(|argument| !argument.starts_with("--stanza="));
        arguments.push(format!("--repo={repo}"));
        arguments.push("repo-get".to_owned());
        arguments.push(format!("backup/{}/{label}/backup.manifest", self.stanza));
        let mut is_of_files = false;
        let mut take = |line: &[u8]| {
            // Folders and links stand in sections of their own, in the same form.
            if line.starts_with(b"[") {
                is_of_files = line == b"[target:file]";
            } else if is_of_files
                && let Some((path, size)) = manifest_file(line)
                && path.starts_with("pg_data/")
                && path != REWRITTEN
            {
                each(Listed { path: format!("/{path}"), size, modified: None });
            }
        };
        let output = tool.run_lines(&arguments, left(room), LONGEST_LINE, &mut take).await?;
        if output.code == Some(0) { Ok(()) } else { Err(self.failure(&output)) }
    }

    async fn restore(
        &self,
        target: &Target,
        _: Wanted<'_>,
        room: &Room,
    ) -> Result<Restored, Failure> {
        let (repo, label) = parts(target)?;
        let data = room.folder.join(DATA);
        let is_again = data.is_dir();
        std::fs::create_dir_all(&data).map_err(|error| Failure {
            kind: FailureKind::PermissionDenied,
            what: format!("the scratch folder cannot be used: {error}"),
            advice: "let the agent's user write to `scratch`".to_owned(),
        })?;
        let mut arguments = vec![
            format!("--pg1-path={}", data.display()),
            format!("--repo={repo}"),
            format!("--set={label}"),
            format!("--lock-path={}", room.cache.join("lock").display()),
            format!("--spool-path={}", room.cache.join("spool").display()),
            format!("--tablespace-map-all={}", room.folder.join("tablespaces").display()),
        ];
        let fixed = ["--archive-mode=off", "--type=default", "--reset-pg1-host"];
        arguments.extend(fixed.map(str::to_owned));
        // It restores all or nothing; a second time only what differs.
        if is_again {
            arguments.push("--delta".to_owned());
        }
        arguments.push("restore".to_owned());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let started = Instant::now();
        let output = self.run(&arguments, room.until).await?;
        let seconds = started.elapsed().as_secs_f64();
        let worked = output.code == Some(0);
        // It mends what it can by reading again, and says so: that is damage.
        let sound = !output.said.contains("[FormatError]") && !output.said.contains("ERROR");
        Ok(Restored { seconds, worked: worked && sound, said: output.said, below: PathBuf::new() })
    }

    async fn read_part(&self, part: [u32; 2], room: &Room) -> Result<Option<PartRead>, Failure> {
        let output = self.run(&["--output=text", "verify"], room.until).await?;
        if output.said.contains("[031]") || output.said.contains("[032]") {
            // Older versions cannot verify, or not in this way.
            return Ok(None);
        }
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        Ok(Some(match verify_is_sound(output.code, &text) {
            Ok(()) => PartRead { sound: true, said: String::new(), part },
            Err(said) => {
                let said = crate::probe::redact::plain(&said).chars().take(400).collect();
                PartRead { sound: false, said, part }
            }
        }))
    }

    async fn open(&self, restored: &Path, room: &Room) -> Result<Option<Opened>, Failure> {
        let tool = Tool::find("pgbackrest", self.tool.as_deref())?;
        let mut command = vec![shell_quoted(tool.path())];
        command.extend(self.common().iter().map(|one| shell_quoted(Path::new(one))));
        command.push("--reset-pg1-host --pg1-path={data} archive-get %f \"%p\"".to_owned());
        let how = Recover {
            bin: self.bin.as_deref(),
            user: &self.user,
            database: &self.database,
            restore_command: &command.join(" "),
            expected: &self.expected,
        };
        recover(&restored.join(DATA), how, room).await.map(Some)
    }

    fn opens_applications(&self) -> bool {
        true
    }

    fn needs_network(&self) -> bool {
        self.places().is_none_or(|places| places.is_remote)
    }

    fn own_folders(&self) -> Vec<PathBuf> {
        let places = self.places().unwrap_or_default();
        places.folders.into_iter().map(PathBuf::from).collect()
    }

    fn tool_version(&self) -> String {
        self.version.get().cloned().unwrap_or_default()
    }
}

/// Repository and label of a target.
fn parts(target: &Target) -> Result<(u64, &str), Failure> {
    let parts = target.snapshot.split_once('/');
    let parts = parts.and_then(|(repo, label)| Some((repo.parse().ok()?, label)));
    parts.ok_or_else(|| Failure {
        kind: FailureKind::Internal,
        what: format!("`{}` is no backup of pgBackRest", target.snapshot),
        advice: "report this with the agent's version".to_owned(),
    })
}

fn left(room: &Room) -> Duration {
    room.until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}
