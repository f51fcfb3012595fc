//! Btrfs snapshots, made by snapper or anything else: proves that there is a
//! fresh one. Fooled by the loss of the disk, which takes all of them.
use std::path::PathBuf;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{CopyState, Evidence, Failure, FailureKind, Finding};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{BackupKind, Check, CheckKind, Facts, Look, Seen, place, settings};
use crate::backup::{self, GroupSight, Keys, Sight, SnapshotSight, subject};
use crate::probe::tool::{Output, Tool};

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "btrfs",
    about: "Btrfs snapshots are fresh: those of a snapper configuration, or of any tool on a mount",
    limits: "Snapshots go with their disk: on the same disk as the data they are no backup; \
             watch the disk that they are sent to.",
    example: r#"snapper = "root"                     # a configuration of snapper
# mount = "/srv"                     # or: every snapshot on the file system that is mounted there
# snapshots = "srv.*"                # with `mount`: only those whose path ends so
expect_every = "24h"                 # a day unless stated
dataset = "office-files"             # the data set on the map that is in it
"#,
    every: Span::from_hours(1),
    deadline: Span::from_secs(2 * 60),
    stale_after_intervals: 4,
    facts: &[],
    findings: &[],
    backup: Some(BackupKind { secret_key: "" }),
    build,
};

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    snapper: Option<String>,
    mount: Option<String>,
    snapshots: Option<String>,
    tool: Option<PathBuf>,
}

/// Who is asked.
enum Source {
    Snapper(String),
    Mount { path: String, pattern: Option<String> },
}

struct Btrfs {
    keys: Keys,
    source: Source,
    tool: Option<PathBuf>,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let (keys, own) = Keys::take(entry, problems)?;
    let settings: Settings = settings(&own, problems)?;
    let is_plain = |name: &String| !name.is_empty() && !name.starts_with('-');
    let source = match (settings.snapper.filter(is_plain), settings.mount) {
        (Some(config), None) => Source::Snapper(config),
        (None, Some(path)) if path.starts_with('/') => {
            Source::Mount { path, pattern: settings.snapshots }
        }
        _ => {
            let hint = "either `snapper = \"root\"` or `mount = \"/srv\"`, an absolute path";
            problems.error(place(entry, "snapper"), "nothing says whose snapshots", hint);
            return None;
        }
    };
    Some(Box::new(Btrfs { keys, source, tool: settings.tool }))
}

#[async_trait::async_trait]
impl Check for Btrfs {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let (name, arguments) = match &self.source {
            Source::Snapper(config) => {
                let words =
                    ["--no-dbus", "--utc", "--iso", "--jsonout", "-c", config.as_str(), "list"];
                ("snapper", words.to_vec())
            }
            Source::Mount { path, .. } => ("btrfs", vec!["subvolume", "list", "-s", path.as_str()]),
        };
        let tool = Tool::find(name, self.tool.as_deref())?;
        let output = tool.run(&arguments, look.deadline.mul_f64(0.9)).await?;
        if output.code != Some(0) {
            return Err(failure(name, &output));
        }
        let (words, mut times) = match &self.source {
            Source::Snapper(config) => {
                (format!("snapper {config}"), read_snapper(&output.stdout, config)?)
            }
            Source::Mount { path, pattern } => {
                let text = String::from_utf8_lossy(&output.stdout);
                (format!("snapshots on {path}"), read_subvolumes(&text, pattern.as_deref()))
            }
        };
        times.sort_unstable();
        let groups = if times.is_empty() {
            Vec::new()
        } else {
            vec![GroupSight {
                subject: subject(name, &[&words]),
                words,
                snapshots: times.iter().map(|time| SnapshotSight::new(*time)).collect(),
                ..GroupSight::default()
            }]
        };
        let snapshots = Some(times.len() as u64);
        Ok(Sight { snapshots, said: output.said, groups, ..Sight::default() }.facts(&self.keys))
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        backup::judge(&KIND, &self.keys, facts, past, now)
    }

    fn keys(&self) -> Option<&Keys> {
        Some(&self.keys)
    }

    fn states(&self, seen: &Seen<'_>) -> Vec<CopyState> {
        backup::states(&self.keys, seen)
    }
}

/// Times of snapper's snapshots; number 0 is the living file system.
pub(crate) fn read_snapper(bytes: &[u8], config: &str) -> Result<Vec<Timestamp>, Failure> {
    #[derive(Deserialize)]
    struct One {
        number: u64,
        #[serde(default)]
        date: String,
    }
    let all: std::collections::BTreeMap<String, Vec<One>> =
        serde_json::from_slice(bytes).map_err(|error| Failure {
            kind: FailureKind::Unreadable,
            what: format!(
                "snapper's answer is no JSON of the expected form (line {}, column {})",
                error.line(),
                error.column()
            ),
            advice: "run `snapper --jsonout list` by hand; 0.10 or newer is needed".to_owned(),
        })?;
    let real = all.get(config).into_iter().flatten().filter(|one| one.number > 0);
    Ok(real.filter_map(|one| time_of(&one.date)).take(20_000).collect())
}

/// Times of the snapshots that `btrfs subvolume list -s` prints.
pub(crate) fn read_subvolumes(text: &str, pattern: Option<&str>) -> Vec<Timestamp> {
    let time = |line: &str| {
        let (_, rest) = line.split_once(" otime ")?;
        let (time, path) = rest.split_once(" path ")?;
        let name = path.rsplit('/').next().unwrap_or(path);
        let fits = |pattern: &str| super::files::matches(pattern.as_bytes(), name.as_bytes());
        pattern.is_none_or(fits).then(|| time_of(time)).flatten()
    };
    text.lines().filter_map(time).take(20_000).collect()
}

/// The tools run with UTC as their zone.
fn time_of(text: &str) -> Option<Timestamp> {
    let time: DateTime = text.trim().replacen(' ', "T", 1).parse().ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

fn failure(tool: &str, output: &Output) -> Failure {
    let said = output.said.to_lowercase();
    let kind = if said.contains("not found") || said.contains("no such file") {
        FailureKind::NotFound
    } else if said.contains("permission") || said.contains("not permitted") {
        FailureKind::PermissionDenied
    } else {
        FailureKind::Other
    };
    let advice = match kind {
        FailureKind::NotFound => "see whether the disk is mounted, or correct the check's keys",
        FailureKind::PermissionDenied => "let the agent's user list snapshots",
        _ => "see that the path is on Btrfs, and run the same command by hand",
    };
    let what = format!("{tool} could not list the snapshots: {}", output.said);
    Failure { kind, what, advice: advice.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::testing::{build as build_check, ids, observe};

    /// What snapper 0.10.4 prints.
    const SNAPPER: &str = r#"{"root": [
        {"subvolume": "/tmp/bm", "number": 0, "default": false, "type": "single",
         "pre-number": null, "date": "", "user": "root", "used-space": null},
        {"subvolume": "/tmp/bm", "number": 1, "default": false, "type": "single",
         "pre-number": null, "date": "2026-11-20 06:56:39", "user": "root"}]}"#;
    /// What btrfs-progs 6.2 prints.
    const BTRFS: &str =
        "ID 257 gen 7 cgen 7 top level 5 otime 2026-11-21 06:56:39 path snaps/srv.20261121
ID 258 gen 8 cgen 8 top level 5 otime 2026-11-18 06:56:39 path snaps/srv two
";

    #[tokio::test]
    async fn snapshots_of_both_tools_are_judged() {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let path = folder.path().join("tool");
        let tool = format!("tool = \"{}\"\n", path.display());
        for (answer, keys, expected) in [
            (SNAPPER, "snapper = \"root\"", vec![]),
            (SNAPPER, "snapper = \"root\"\nexpect_every = \"6h\"", vec!["backup_stale!"]),
            ("{\"root\": []}", "snapper = \"root\"", vec!["backup_none!"]),
            (BTRFS, "mount = \"/srv\"", vec![]),
            (BTRFS, "mount = \"/srv\"\nsnapshots = \"srv two\"", vec!["backup_stale!"]),
            (BTRFS, "mount = \"/srv\"\nsnapshots = \"home*\"", vec!["backup_none!"]),
        ] {
            std::fs::write(folder.path().join("answer"), answer).unwrap();
            let answer = folder.path().join("answer").display().to_string();
            std::fs::write(&path, format!("#!/bin/sh\ncat {answer}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            let check = build_check(&KIND, &format!("{tool}{keys}")).unwrap();
            let facts = observe(check.as_ref(), folder.path(), now).await.unwrap();
            assert_eq!(ids(&check.judge(&facts, &[], now)), expected, "{keys}");
        }
    }

    #[test]
    fn odd_answers_are_no_times() {
        assert_eq!(read_snapper(b"{", "root").unwrap_err().kind, FailureKind::Unreadable);
        assert_eq!(read_snapper(SNAPPER.as_bytes(), "other").unwrap(), []);
        assert_eq!(read_subvolumes("ID otime x path y\n otime  path \n", None), []);
        assert_eq!(read_subvolumes(BTRFS, None).len(), 2);
    }
}
