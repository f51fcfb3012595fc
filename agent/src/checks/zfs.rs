//! ZFS snapshots: proves that each dataset has a fresh one. Fooled by the loss of
//! the pool, which takes all of them: a snapshot on the same disks is no backup.
use std::collections::BTreeMap;
use std::path::PathBuf;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{CopyState, Evidence, Failure, FailureKind, Finding, Status, Value};
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, Seen, place, settings, since,
};
use crate::backup::{self, GroupSight, Keys, Sight, SnapshotSight, subject};
use crate::probe::tool::{Output, Tool};

/// More snapshots of one dataset are not kept in mind.
const MOST_SNAPSHOTS: usize = 2_000;

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "zfs",
    about: "Each ZFS dataset that is named has a fresh snapshot (sanoid, zfs-auto-snapshot or any)",
    limits: "Snapshots go with their pool: on the same disks as the data they are no backup; \
             watch the pool that they are sent to.",
    example: r#"datasets = ["tank/srv", "tank/home"]  # each needs a fresh snapshot; below it, too
snapshots = "autosnap_*_daily"        # only snapshots so named; every one unless stated
expect_every = "24h"                  # a day unless stated
dataset = "office-files"              # the data set on the map that is in it
tool = "/usr/sbin/zfs"                # if zfs is not in the usual folders
"#,
    every: Span::from_hours(1),
    deadline: Span::from_secs(2 * 60),
    stale_after_intervals: 4,
    facts: &[FactKind {
        name: "held",
        metric: "zfs_held_snapshots",
        help: "Snapshots with a hold, which `zfs destroy` refuses to remove.",
        subject: "group",
        labels: &[],
    }],
    findings: &[FindingKind {
        id: "zfs_no_snapshot",
        severity: Status::Critical,
        about: "A dataset that is named has no snapshot at all.",
        advice: "Add it to the settings of sanoid, or of what else makes snapshots.",
    }],
    backup: Some(BackupKind { secret_key: "" }),
    build,
};

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    datasets: Vec<String>,
    snapshots: Option<String>,
    tool: Option<PathBuf>,
}

struct Zfs {
    keys: Keys,
    settings: Settings,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let (keys, own) = Keys::take(entry, problems)?;
    let settings: Settings = settings(&own, problems)?;
    let is_name = |name: &String| {
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"/_-.: ".contains(&b);
        !name.is_empty() && !name.starts_with(['-', '/']) && name.bytes().all(ok)
    };
    if settings.datasets.is_empty() || !settings.datasets.iter().all(is_name) {
        let hint = "names as `zfs list` prints them, as in `datasets = [\"tank/srv\"]`";
        problems.error(place(entry, "datasets"), "`datasets` names no dataset", hint);
        return None;
    }
    Some(Box::new(Zfs { keys, settings }))
}

/// Snapshots by dataset, oldest first, each with whether it is held, from
/// `zfs list -Hp -t snapshot -o name,creation,userrefs`.
pub(crate) fn read_list(text: &str) -> BTreeMap<String, Vec<(String, Timestamp, bool)>> {
    let mut all: BTreeMap<String, Vec<(String, Timestamp, bool)>> = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        let (Some(name), Some(creation), held) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let Some((dataset, snapshot)) = name.split_once('@') else { continue };
        let Some(time) = creation.parse().ok().and_then(|s| Timestamp::from_second(s).ok()) else {
            continue;
        };
        let is_held = held.and_then(|held| held.parse::<u64>().ok()).is_some_and(|held| held > 0);
        let known = all.entry(dataset.to_owned()).or_default();
        if known.len() < MOST_SNAPSHOTS {
            known.push((snapshot.to_owned(), time, is_held));
        }
    }
    for snapshots in all.values_mut() {
        snapshots.sort_by_key(|(_, time, _)| *time);
    }
    all
}

#[async_trait::async_trait]
impl Check for Zfs {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let tool = Tool::find("zfs", self.settings.tool.as_deref())?;
        let mut arguments =
            vec!["list", "-Hp", "-r", "-t", "snapshot", "-o", "name,creation,userrefs"];
        arguments.extend(self.settings.datasets.iter().map(String::as_str));
        let output = tool.run(&arguments, look.deadline.mul_f64(0.9)).await?;
        if output.code != Some(0) {
            return Err(failure(&output));
        }
        let all = read_list(&String::from_utf8_lossy(&output.stdout));
        let mut sight = Sight { said: output.said, ..Sight::default() };
        let mut held = Vec::new();
        let mut empty = Vec::new();
        for dataset in &self.settings.datasets {
            let below = format!("{dataset}/");
            let is_of_it = |name: &&String| **name == *dataset || name.starts_with(&below);
            let mut is_any = false;
            for name in all.keys().filter(is_of_it) {
                let fits = |snapshot: &&(String, Timestamp, bool)| {
                    let pattern = self.settings.snapshots.as_deref().unwrap_or("*");
                    super::files::matches(pattern.as_bytes(), snapshot.0.as_bytes())
                };
                let fitting: Vec<_> = all[name].iter().filter(fits).collect();
                if fitting.is_empty() {
                    continue;
                }
                is_any |= name == dataset;
                let subject = subject(name.rsplit('/').next().unwrap_or(name), &[name]);
                held.push((subject.clone(), fitting.iter().filter(|one| one.2).count()));
                sight.groups.push(GroupSight {
                    subject,
                    words: name.clone(),
                    snapshots: fitting.iter().map(|one| SnapshotSight::new(one.1)).collect(),
                    ..GroupSight::default()
                });
            }
            if !is_any {
                empty.push(dataset.clone());
            }
        }
        sight.snapshots = Some(sight.groups.iter().map(|one| one.snapshots.len() as u64).sum());
        let mut facts = sight.facts(&self.keys);
        for (subject, count) in held {
            facts.push("held", &subject, Value::Number(count as f64));
        }
        facts.push("without", "", Value::Text(empty.join(", ")));
        Ok(facts)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut found = backup::judge(&KIND, &self.keys, facts, past, now);
        if let Some(without) = facts.text("without", "").filter(|without| !without.is_empty()) {
            let id = "zfs_no_snapshot";
            let what = format!("no fitting snapshot of {without}");
            found.push(KIND.finding(id, &self.keys.component, "", what, since(past, id, "", now)));
        }
        found
    }

    fn keys(&self) -> Option<&Keys> {
        Some(&self.keys)
    }

    fn states(&self, seen: &Seen<'_>) -> Vec<CopyState> {
        backup::states(&self.keys, seen)
    }
}

fn failure(output: &Output) -> Failure {
    let said = output.said.to_lowercase();
    let kind = if said.contains("does not exist") {
        FailureKind::NotFound
    } else if said.contains("permission denied") {
        FailureKind::PermissionDenied
    } else {
        FailureKind::Other
    };
    let advice = match kind {
        FailureKind::NotFound => "see whether the pool is imported, or correct `datasets`",
        FailureKind::PermissionDenied => "let the agent's user list snapshots (`/dev/zfs`)",
        _ => "run `zfs list -t snapshot` by hand",
    };
    let what = format!("zfs could not list the snapshots: {}", output.said);
    Failure { kind, what, advice: advice.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::testing::{build as build_check, ids, observe};

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    /// A program in the place of zfs, which prints a list as zfs 2.1 does.
    fn tool(folder: &std::path::Path, script: &str) -> String {
        let path = folder.join("zfs");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        format!("datasets = [\"tank/srv\", \"tank/home\"]\ntool = \"{}\"\n", path.display())
    }

    fn line(name: &str, hours_ago: i64, held: u64) -> String {
        format!("{name}\\t{}\\t{held}\\n", now().as_second() - hours_ago * 3600)
    }

    #[tokio::test]
    async fn each_dataset_needs_a_fresh_snapshot_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let srv =
            line("tank/srv@autosnap_1_daily", 3, 1) + &line("tank/srv@autosnap_0_daily", 27, 0);
        let home = line("tank/home@autosnap_1_daily", 3, 0);
        let child = line("tank/home/old@autosnap_1_daily", 90, 0);
        for (list, keys, expected) in [
            (srv.clone() + &home, "", vec![]),
            (srv.clone() + &home + &child, "", vec!["backup_stale!"]),
            (srv.clone(), "", vec!["zfs_no_snapshot!"]),
            (
                srv.clone() + &home,
                "snapshots = \"*_hourly\"",
                vec!["backup_none!", "zfs_no_snapshot!"],
            ),
        ] {
            let tool = tool(folder.path(), &format!("printf '{list}'"));
            let check = build_check(&KIND, &format!("{tool}{keys}")).unwrap();
            let facts = observe(check.as_ref(), folder.path(), now()).await.unwrap();
            assert_eq!(ids(&check.judge(&facts, &[], now())), expected, "{list}");
        }
    }

    #[tokio::test]
    async fn a_missing_pool_is_not_a_missing_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        for (said, kind) in [
            ("cannot open 'tank/srv': dataset does not exist", FailureKind::NotFound),
            (
                "Permission denied the ZFS utilities must be run as root.",
                FailureKind::PermissionDenied,
            ),
            ("internal error", FailureKind::Other),
        ] {
            let keys = tool(folder.path(), &format!("echo \"{said}\" >&2; exit 1"));
            let check = build_check(&KIND, &keys).unwrap();
            let failure = observe(check.as_ref(), folder.path(), now()).await.unwrap_err();
            assert_eq!(failure.kind, kind, "{said}");
        }
    }

    #[test]
    fn odd_lines_are_left_out() {
        let text = "tank@a\t1\t0\ntank\t5\t0\ntank@b\tx\t0\ntank@c\n@\t3\t1\ntank@d\t2\t9\textra";
        let all = read_list(text);
        assert_eq!(all["tank"].len(), 2);
        assert!(all["tank"][1].2);
    }
}
