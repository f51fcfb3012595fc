//! A user's own script about a backup that only its product can look at (Veeam,
//! Proxmox Backup Server, a NAS): evidence of what was said, never green alone.
use std::path::{Component, Path, PathBuf};

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{
    CopyState, Evidence, Failure, FailureKind, Finding, ScriptGroup, ScriptReport, Status, Value,
};
use jiff::Timestamp;
use rustix::fs::Mode;
use serde::Deserialize;

use super::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, Seen, place, settings, since,
};
use crate::backup::{self, GroupSight, Keys, Sight, SnapshotSight, subject};
use crate::probe::redact::plain;
use crate::probe::tool::{OUTPUT_CAP, Tool};

/// A script may print so many bytes.
const LARGEST_REPORT: usize = OUTPUT_CAP / 8;
/// More groups, snapshots of a group, or problems are not taken.
const MOST: usize = 2_000;

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "command",
    about: "What your own script says about a backup (Veeam, Proxmox Backup Server, a NAS)",
    limits: "It is what a script said, not what we saw: it stays unknown until a restore drill is \
             recorded, and a wrong script is believed.",
    example: r#"command = ["/usr/local/lib/evenkeel/veeam-report", "--job", "nightly"]
expect_every = "24h"                 # a day unless stated
dataset = "vm-files"                 # the data set on the map that is in it
"#,
    every: Span::from_hours(1),
    deadline: Span::from_secs(2 * 60),
    stale_after_intervals: 4,
    facts: &[
        FactKind {
            name: "problems",
            metric: "command_problems",
            help: "Problems that the script named.",
            subject: "",
            labels: &[],
        },
        FactKind {
            name: "problem_words",
            metric: "",
            help: "The problems that the script named, in its words.",
            subject: "",
            labels: &[],
        },
    ],
    findings: &[FindingKind {
        id: "command_problem",
        severity: Status::Critical,
        about: "The script itself names a problem of the backup.",
        advice: "Look into the product that the script asks.",
    }],
    backup: Some(BackupKind { secret_key: "" }),
    build,
};

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    command: Vec<String>,
}

struct Command {
    keys: Keys,
    program: PathBuf,
    arguments: Vec<String>,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let (keys, own) = Keys::take(entry, problems)?;
    let settings: Settings = settings(&own, problems)?;
    let hint = "the script's absolute path and its arguments, no shell, as in \
                `command = [\"/usr/local/lib/evenkeel/report\", \"--job\", \"nightly\"]`";
    let Some((program, arguments)) = settings.command.split_first() else {
        problems.error(place(entry, "command"), "`command` is missing", hint);
        return None;
    };
    let program = PathBuf::from(program);
    if !program.is_absolute() || program.components().any(|part| part == Component::ParentDir) {
        let what = format!("`{}` is no absolute path", program.display());
        problems.error(place(entry, "command"), what, hint);
        return None;
    }
    Some(Box::new(Command { keys, program, arguments: arguments.to_vec() }))
}

/// A script that others can change would run their code with our rights.
///
/// # Errors
/// The first file or folder on the way that somebody else owns or may write to.
pub(crate) fn is_ours(program: &Path) -> Result<PathBuf, Failure> {
    let refuse = |path: &Path, why: &str| Failure {
        kind: FailureKind::PermissionDenied,
        what: format!("{} is not run: {why}", plain(&path.display().to_string())),
        advice: "give the script and each folder above it to root, writable by root alone"
            .to_owned(),
    };
    let missing = |error: &std::io::Error| Failure {
        kind: FailureKind::ToolMissing,
        what: format!("{} cannot be run: {error}", plain(&program.display().to_string())),
        advice: "correct `command`, or put the script there".to_owned(),
    };
    // A link is as trustworthy as what it stands in and what it leads to.
    let real = program.canonicalize().map_err(|error| missing(&error))?;
    let own = rustix::process::geteuid().as_raw();
    for path in program.ancestors().chain(real.ancestors()) {
        let about = rustix::fs::lstat(path).map_err(|error| missing(&error.into()))?;
        if about.st_uid != 0 && about.st_uid != own {
            return Err(refuse(path, "it belongs to another user"));
        }
        let is_link = rustix::fs::FileType::from_raw_mode(about.st_mode).is_symlink();
        let mode = Mode::from_raw_mode(about.st_mode);
        if !is_link && mode.intersects(Mode::WGRP | Mode::WOTH) {
            return Err(refuse(path, "others may write to it"));
        }
    }
    Ok(real)
}

/// Reads a script's answer.
///
/// # Errors
/// [`FailureKind::Unreadable`].
pub(crate) fn read_report(bytes: &[u8]) -> Result<ScriptReport, Failure> {
    let report: ScriptReport = serde_json::from_slice(bytes).map_err(|error| Failure {
        kind: FailureKind::Unreadable,
        // The error's own words may quote the text, so only its place is given.
        what: format!(
            "the script's answer is no report (line {}, column {})",
            error.line(),
            error.column()
        ),
        advice: "let it print JSON as in `script-report.schema.json`, and nothing else".to_owned(),
    })?;
    let too_many = report.groups.len() > MOST
        || report.problems.len() > MOST
        || report.groups.iter().any(|group| group.snapshots.len() > 5 * MOST);
    if too_many {
        return Err(Failure {
            kind: FailureKind::OutputTooLong,
            what: "the script's answer has too many groups, snapshots or problems".to_owned(),
            advice: format!("let it print at most {MOST} groups, each with its latest snapshots"),
        });
    }
    Ok(report)
}

#[async_trait::async_trait]
impl Check for Command {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let program = is_ours(&self.program)?;
        let tool = Tool::find("script", Some(&program))?.output_cap(LARGEST_REPORT);
        let output = tool.run(&self.arguments, look.deadline.mul_f64(0.9)).await?;
        if output.code != Some(0) {
            let code = output.code.map_or("a signal".to_owned(), |code| format!("code {code}"));
            return Err(Failure {
                kind: FailureKind::Other,
                what: format!("the script ended with {code} and said: {}", output.said),
                advice: "run it by hand as the agent's user".to_owned(),
            });
        }
        let report = read_report(&output.stdout)?;
        let words: Vec<String> = report.problems.iter().map(|words| plain(words)).collect();
        let sight = Sight {
            version: report.version,
            repository_id: report.repository_id,
            stored_bytes: report.stored_bytes,
            append_only: report.append_only,
            snapshots: Some(report.groups.iter().map(|one| one.snapshots.len() as u64).sum()),
            said: output.said,
            groups: report
                .groups
                .into_iter()
                .filter(|one| !one.snapshots.is_empty())
                .map(group)
                .collect(),
            ..Sight::default()
        };
        let mut facts = sight.facts(&self.keys);
        facts.push("only_said", "", Value::Flag(true));
        facts.push("problems", "", Value::Number(words.len() as f64));
        facts.push("problem_words", "", Value::Text(words.join("; ")));
        Ok(facts)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut found = backup::judge(&KIND, &self.keys, facts, past, now);
        if facts.number("problems", "").unwrap_or(0.0) > 0.0 {
            let id = "command_problem";
            let words = facts.text("problem_words", "").unwrap_or_default();
            let what = format!("the script says: {words}");
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

fn group(said: ScriptGroup) -> GroupSight {
    let mut snapshots: Vec<SnapshotSight> = said
        .snapshots
        .into_iter()
        .map(|one| SnapshotSight {
            end: one.end,
            files: one.files,
            bytes: one.bytes,
            complete: one.complete.map(|whole| {
                let why = one.why.unwrap_or_else(|| "the product says so".to_owned());
                if whole { Ok(()) } else { Err(why) }
            }),
            ..SnapshotSight::new(one.start)
        })
        .collect();
    snapshots.sort_by_key(|one| one.start);
    let words: String = said.name.chars().take(200).collect();
    GroupSight { subject: subject("job", &[&words]), words, snapshots, ..GroupSight::default() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{build as build_check, ids, observe};

    /// A folder that nobody but its owner can write to, on the way to it, too.
    fn folder() -> tempfile::TempDir {
        let home = std::env::var("HOME").unwrap_or_default();
        let places = [env!("CARGO_MANIFEST_DIR"), &home, "/root", "/var/lib"].map(Path::new);
        let make = |base: &&Path| {
            is_ours(base).ok()?;
            tempfile::Builder::new().prefix(".script-").tempdir_in(base).ok()
        };
        places.iter().find_map(make).expect("a folder that nobody else can write to")
    }

    fn script(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("report");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[tokio::test]
    async fn what_a_script_says_is_judged_like_any_backup() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let group = |start: &str, rest: &str| {
            format!(
                "{{\"groups\":[{{\"name\":\"vm\",\"snapshots\":[{{\"start\":\"{start}\",\
                 \"bytes\":9{rest}}}]}}]}}"
            )
        };
        let fresh = "2026-11-21T02:00:00Z";
        let broken = group(fresh, ",\"complete\":false,\"why\":\"a disk was skipped\"");
        let problem = group(fresh, "").replacen('{', "{\"problems\":[\"verify failed\"],", 1);
        for (report, expected) in [
            (group(fresh, ""), vec![]),
            (group("2026-11-10T02:00:00Z", ""), vec!["backup_stale!"]),
            (group("2026-12-10T02:00:00Z", ""), vec!["backup_future"]),
            (broken, vec!["backup_incomplete!"]),
            (problem, vec!["command_problem!"]),
            ("{\"groups\":[]}".to_owned(), vec!["backup_none!"]),
        ] {
            let folder = folder();
            let path = script(folder.path(), &format!("echo '{report}'"));
            let keys = format!("command = [\"{}\"]", path.display());
            let check = build_check(&KIND, &keys).unwrap();
            let facts = observe(check.as_ref(), Path::new("/"), now).await.unwrap();
            assert!(facts.flag("only_said", ""));
            assert_eq!(ids(&check.judge(&facts, &[], now)), expected, "{report}");
        }
    }

    #[tokio::test]
    async fn odd_scripts_are_typed() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        for (text, kind) in [
            ("echo no json", FailureKind::Unreadable),
            (
                "echo '{\"groups\":[{\"name\":\"a\",\"snapshots\":[{\"start\":\"x'",
                FailureKind::Unreadable,
            ),
            ("head -c 100000000 /dev/zero", FailureKind::OutputTooLong),
            ("exit 3", FailureKind::Other),
        ] {
            let folder = folder();
            let path = script(folder.path(), text);
            let keys = format!("command = [\"{}\"]", path.display());
            let check = build_check(&KIND, &keys).unwrap();
            let failure = observe(check.as_ref(), Path::new("/"), now).await.unwrap_err();
            assert_eq!(failure.kind, kind, "{text}: {}", failure.what);
        }
    }

    #[test]
    fn a_script_that_others_can_change_is_not_run() {
        let folder = folder();
        let path = script(folder.path(), "echo");
        let mode = |path: &Path, mode: u32| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        assert!(is_ours(&path).is_ok(), "{:?}", is_ours(&path));
        for bad in [0o775, 0o757] {
            mode(&path, bad);
            assert_eq!(is_ours(&path).unwrap_err().kind, FailureKind::PermissionDenied, "{bad:o}");
        }
        mode(&path, 0o755);
        mode(folder.path(), 0o777);
        assert_eq!(is_ours(&path).unwrap_err().kind, FailureKind::PermissionDenied);
        mode(folder.path(), 0o755);
        // A link from a sound place into an unsound one.
        let open = tempfile::tempdir().unwrap();
        let real = script(open.path(), "echo");
        mode(open.path(), 0o777);
        std::os::unix::fs::symlink(&real, folder.path().join("link")).unwrap();
        let link = folder.path().join("link");
        assert_eq!(is_ours(&link).unwrap_err().kind, FailureKind::PermissionDenied);
        let missing = is_ours(&folder.path().join("none")).unwrap_err();
        assert_eq!(missing.kind, FailureKind::ToolMissing);
    }

    #[test]
    fn wrong_keys_are_refused() {
        for keys in ["", "command = []", "command = [\"relative\"]", "command = [\"/a/../b\"]"] {
            assert!(build_check(&KIND, keys).is_err(), "{keys}");
        }
    }

    proptest! {
        #[test]
        fn no_report_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_report(&bytes);
        }
    }
}
