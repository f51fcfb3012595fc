//! rsnapshot: proves that each backup point has a fresh generation and that the
//! last run ended well. Fooled by one file overwritten in place, which all
//! generations share.
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Instant;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{CopyState, Evidence, Failure, FailureKind, Finding, Status, Value};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, Seen, place, settings, since,
};
use crate::backup::{self, GroupSight, Keys, LockSeen, LocksSeen, Sight, SnapshotSight, subject};
use crate::drill::{BackupRuns, Drillable, Target};
use crate::probe::host::Host;
use crate::probe::redact::plain;

/// Settings are not larger.
const LARGEST_FILE: usize = 1 << 20;

/// So much of the end of a log is read, in bytes.
const END_OF_LOG: u64 = 64 << 10;

/// Folders and files of one backup point are counted up to here.
const MOST_COUNTED: u64 = 300_000;

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "rsnapshot",
    about: "rsnapshot's newest generation is fresh, each backup point is in it, and the last run \
            ended well",
    limits: "Generations share unchanged files by hard links and carry no checksums: one file \
             damaged in place is damaged in all of them.",
    example: r#"config = "/etc/rsnapshot.conf"       # rsnapshot's own settings
expect_every = "24h"                 # rhythm of the shortest interval; a day unless stated
dataset = "office-files"             # the data set on the map that is in it
"#,
    every: Span::from_hours(1),
    deadline: Span::from_secs(5 * 60),
    stale_after_intervals: 4,
    facts: &[
        FactKind {
            name: "last_run_ok",
            metric: "rsnapshot_last_run_ok",
            help: "1 if the last run that ended said that it completed.",
            subject: "",
            labels: &[],
        },
        FactKind {
            name: "last_run",
            metric: "rsnapshot_last_run_timestamp_seconds",
            help: "When the last run that ended did so, as its log says.",
            subject: "",
            labels: &[],
        },
        FactKind {
            name: "last_run_said",
            metric: "",
            help: "What the last run's log says about its end.",
            subject: "",
            labels: &[],
        },
    ],
    findings: &[
        FindingKind {
            id: "rsnapshot_failed",
            severity: Status::Critical,
            about: "The last run of rsnapshot ended with an error.",
            advice: "Run `rsnapshot configtest`, then the interval by hand, and read its log.",
        },
        FindingKind {
            id: "rsnapshot_no_log",
            severity: Status::Unknown,
            about: "rsnapshot keeps no log, so nobody knows how its last run ended.",
            advice: "Set `logfile` in rsnapshot's settings.",
        },
    ],
    backup: Some(BackupKind { secret_key: "" }),
    build,
};

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    config: Option<String>,
}

struct Rsnapshot {
    keys: Keys,
    config: String,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let (keys, own) = Keys::take(entry, problems)?;
    let settings: Settings = settings(&own, problems)?;
    let config = settings.config.unwrap_or_else(|| "/etc/rsnapshot.conf".to_owned());
    if !config.starts_with('/') {
        let hint = "an absolute path, as in `config = \"/etc/rsnapshot.conf\"`";
        problems.error(place(entry, "config"), format!("`{config}` is no absolute path"), hint);
        return None;
    }
    Some(Box::new(Rsnapshot { keys, config }))
}

/// What rsnapshot's own settings say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Where the generations are.
    root: String,
    /// The first interval: the one that copies, the others rotate.
    interval: String,
    /// Source and folder within a generation, of each backup point.
    points: Vec<(String, String)>,
    logfile: Option<String>,
    lockfile: Option<String>,
}

/// Reads rsnapshot's settings: fields apart by tabs, comments by `#`.
pub(crate) fn read_settings(text: &str) -> Written {
    let mut written = Written::default();
    for line in text.lines().map(str::trim_end).filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t').map(str::trim).filter(|field| !field.is_empty());
        let (Some(key), Some(value)) = (fields.next(), fields.next()) else { continue };
        match key {
            "snapshot_root" => written.root = value.trim_end_matches('/').to_owned(),
            "retain" | "interval" if written.interval.is_empty() => {
                value.clone_into(&mut written.interval);
            }
            "backup" | "backup_script" | "backup_exec" => {
                if let Some(into) = fields.next().filter(|_| written.points.len() < 100) {
                    written.points.push((value.to_owned(), into.trim_matches('/').to_owned()));
                }
            }
            "logfile" => written.logfile = Some(value.to_owned()),
            "lockfile" => written.lockfile = Some(value.to_owned()),
            _ => {}
        }
    }
    written
}

/// How the last run that ended did: when by the log's clock, and in its words.
pub(crate) fn last_end(log: &str, zone: &TimeZone) -> Option<(Timestamp, String, bool)> {
    let line = log
        .lines()
        .rev()
        .find(|line| ["completed", "ERROR", "WARNING"].iter().any(|word| line.contains(word)))?;
    let (time, said) = line.strip_prefix('[')?.split_once(']')?;
    let time: DateTime = time.parse().ok()?;
    let time = zone.to_timestamp(time).ok()?;
    let said = said.trim().trim_start_matches(':').trim();
    let short = said.rsplit_once(": ").map_or(said, |(_, short)| short);
    Some((time, short.chars().take(200).collect(), said.ends_with("completed successfully")))
}

#[async_trait::async_trait]
impl Check for Rsnapshot {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let (keys, config, host) = (self.keys.clone(), self.config.clone(), Host::new(&look.root));
        let root = look.root.clone();
        // A dead network share blocks the thread, not the other checks.
        tokio::task::spawn_blocking(move || sight(&keys, &config, &host, &root))
            .await
            .unwrap_or_else(|error| {
                Err(Failure {
                    kind: FailureKind::Internal,
                    what: format!("looking at the generations broke off: {error}"),
                    advice: "report this with the agent's version".to_owned(),
                })
            })
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut found = backup::judge(&KIND, &self.keys, facts, past, now);
        let mut add = |id: &str, what: String| {
            let since = since(past, id, "", now);
            found.push(KIND.finding(id, &self.keys.component, "", what, since));
        };
        match facts.get("last_run_ok", "") {
            Some(Value::Flag(true)) => {}
            Some(_) => {
                let said = facts.text("last_run_said", "").unwrap_or("nothing");
                add("rsnapshot_failed", format!("the last run's log ends with: {said}"));
            }
            None => add("rsnapshot_no_log", "the end of the last run is in no log".to_owned()),
        }
        found
    }

    fn drill(&self) -> Option<&dyn Drillable> {
        Some(self)
    }

    fn keys(&self) -> Option<&Keys> {
        Some(&self.keys)
    }

    fn states(&self, seen: &Seen<'_>) -> Vec<CopyState> {
        backup::states(&self.keys, seen)
    }
}

/// The newest generation is brought back by copying, each backup point by itself.
#[async_trait::async_trait]
impl Drillable for Rsnapshot {
    async fn targets(&self, _: Instant) -> Result<Vec<Target>, Failure> {
        let host = Host::new(Path::new("/"));
        let written = read_settings(&host.text(&self.config, LARGEST_FILE)?);
        let generation = format!("{}/{}.0", written.root, written.interval);
        let ended = host.about(&generation)?.modified;
        let target = |(source, into): &(String, String)| Target {
            subject: subject(&written.interval, &[source, into]),
            group: plain(&format!("{source} in {into}")),
            snapshot: format!("{generation}/{into}"),
            start: ended,
            files: None,
            bytes: None,
            is_of_this_host: false,
        };
        let is_there = |target: &Target| host.exists(&target.snapshot);
        Ok(written.points.iter().map(target).filter(is_there).collect())
    }

    async fn backup_runs(&self, _: Instant) -> Result<Option<BackupRuns>, Failure> {
        let host = Host::new(Path::new("/"));
        let written = read_settings(&host.text(&self.config, LARGEST_FILE)?);
        let held = lock(&host, written.lockfile.as_deref()).worst.filter(|lock| !lock.is_dead);
        Ok(held.map(|lock| BackupRuns { holder: lock.holder }))
    }

    fn own_folders(&self) -> Vec<PathBuf> {
        let host = Host::new(Path::new("/"));
        let text = host.text(&self.config, LARGEST_FILE).unwrap_or_default();
        let written = read_settings(&text);
        let local = written.points.into_iter().map(|(source, _)| source);
        let local = local.filter(|source| source.starts_with('/')).map(PathBuf::from);
        local.chain((!written.root.is_empty()).then(|| PathBuf::from(written.root))).collect()
    }
}

fn sight(keys: &Keys, config: &str, host: &Host, root: &Path) -> Result<Facts, Failure> {
    let written = read_settings(&host.text(config, LARGEST_FILE)?);
    if written.root.is_empty() || written.interval.is_empty() {
        return Err(Failure {
            kind: FailureKind::Unreadable,
            what: format!("{config} names no snapshot_root or no interval"),
            advice: "run `rsnapshot configtest`; fields are apart by tabs".to_owned(),
        });
    }
    host.list(&written.root)?;
    let mut sight = Sight::default();
    let mut generations = Vec::new();
    for number in 0..400 {
        let folder = format!("{}/{}.{number}", written.root, written.interval);
        match host.about(&folder) {
            // rsnapshot sets the time of a generation when its run ends.
            Ok(about) if about.is_folder => generations.push((folder, about.modified)),
            _ => break,
        }
    }
    let log = written.logfile.as_ref().and_then(|file| end_of(root, file));
    let last = log.and_then(|log| last_end(&log, &TimeZone::system()));
    for (source, into) in &written.points {
        let mut group = GroupSight {
            subject: subject(&written.interval, &[source, into]),
            words: format!("{source} in {into}"),
            ..GroupSight::default()
        };
        for (at, (folder, ended)) in generations.iter().enumerate().rev() {
            let folder = format!("{folder}/{into}");
            if !host.exists(&folder) {
                continue;
            }
            let mut snapshot = SnapshotSight::new(*ended);
            snapshot.end = Some(*ended);
            if at == 0 {
                let path = root.join(folder.trim_start_matches('/'));
                match counted(&path) {
                    Some((files, bytes)) => {
                        snapshot.files = Some(files);
                        snapshot.bytes = Some(bytes);
                        group.readable = Some(true);
                    }
                    None => group.size_unknown = true,
                }
                if let Some((time, said, is_ok)) = &last
                    && *time >= *ended
                    // A run that broke off says nothing about the generation before it.
                    && said.contains("completed")
                {
                    snapshot.complete = Some(if *is_ok { Ok(()) } else { Err(said.clone()) });
                }
            }
            group.snapshots.push(snapshot);
        }
        if !group.snapshots.is_empty() {
            sight.groups.push(group);
        }
    }
    sight.snapshots = Some(generations.len() as u64);
    sight.locks = Some(lock(host, written.lockfile.as_deref()));
    let mut facts = sight.facts(keys);
    if let Some((time, said, is_ok)) = last {
        facts.push("last_run", "", Value::Time(time));
        facts.push("last_run_ok", "", Value::Flag(is_ok));
        facts.push("last_run_said", "", Value::Text(plain(&said)));
    }
    Ok(facts)
}

/// The last lines of a log, which may have grown for years.
fn end_of(root: &Path, file: &str) -> Option<String> {
    let mut log = std::fs::File::open(root.join(file.trim_start_matches('/'))).ok()?;
    let size = log.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    log.seek(SeekFrom::Start(size.saturating_sub(END_OF_LOG))).ok()?;
    let mut bytes = Vec::new();
    log.take(END_OF_LOG).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn lock(host: &Host, file: Option<&str>) -> LocksSeen {
    let held = file.and_then(|file| {
        let pid: u32 = host.text(file, 64).ok()?.trim().parse().ok()?;
        let runs = host.process_runs(pid);
        Some(LockSeen {
            renewed: host.about(file).ok()?.modified,
            exclusive: true,
            holder: format!("process {pid} of this host"),
            is_dead: runs == Some(false),
            is_alive: runs == Some(true),
        })
    });
    LocksSeen { count: u64::from(held.is_some()), worst: held }
}

/// Files and bytes below a folder, not following links; `None` above the cap.
fn counted(folder: &Path) -> Option<(u64, u64)> {
    let (mut files, mut bytes, mut seen) = (0, 0, 0);
    let mut waiting: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            seen += 1;
            if seen > MOST_COUNTED {
                return None;
            }
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if kind.is_file() {
                files += 1;
                bytes += entry.metadata().map_or(0, |about| about.len());
            }
        }
    }
    Some((files, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_logs_are_read() {
        let written = read_settings(
            "# c\nsnapshot_root\t/b/\nretain\tdaily\t7\nretain\tweekly\t4\nlogfile\t/l\n\
             backup\t/etc/\t\tlocalhost/\nbackup\troot@db:/srv/\tdb/\nbackup\tbroken\n",
        );
        assert_eq!((written.root.as_str(), written.interval.as_str()), ("/b", "daily"));
        assert_eq!(written.points.len(), 2);
        assert_eq!(written.points[1], ("root@db:/srv/".to_owned(), "db".to_owned()));
        let log = "[2026-11-28T06:56:27] /usr/bin/rsnapshot daily: started\n\
                   [2026-11-28T06:56:29] /usr/bin/rsnapshot daily: completed successfully\n";
        let (time, said, ok) = last_end(log, &TimeZone::UTC).unwrap();
        assert_eq!((time.to_string().as_str(), ok), ("2026-11-28T06:56:29Z", true));
        assert_eq!(said, "completed successfully");
        for (line, is_ok) in [
            ("rsnapshot daily: completed, but with some warnings", false),
            ("rsnapshot daily: ERROR: Errors were found in /etc/rsnapshot.conf", false),
        ] {
            let log = format!("{log}[2026-11-29T06:56:29] {line}\n");
            assert_eq!(last_end(&log, &TimeZone::UTC).unwrap().2, is_ok, "{line}");
        }
        assert_eq!(last_end("ERROR\n[x] ERROR", &TimeZone::UTC), None);
    }
}
