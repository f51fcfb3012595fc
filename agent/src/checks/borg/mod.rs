//! Borg repositories: proves that each group of archives is fresh, readable and
//! of the usual size. Fooled by damaged data; only a restore drill tells.
mod drill;
mod groups;
mod sight;

use std::path::PathBuf;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{CopyState, Evidence, Failure, Finding, Status, Value};
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, place, settings, since,
};
use crate::backup::{self, Keys};
use crate::drill::Drillable;
use crate::probe::borg::Access;

pub(super) use sight::{Eye, Seen};

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "borg",
    about: "A borg repository opens, and each group of archives in it is fresh, readable and of \
            the usual size",
    limits: "It reads lists, not data: damaged segments stay unseen until a restore drill, and \
             borg does not record which files a run could not read.",
    example: r#"repository = "/srv/backup/borg"            # or ssh://backup@nas/./srv, backup@nas:srv
passphrase_file = "/etc/evenkeel/borg.pw"  # or BORG_PASSPHRASE in environment_file
key_file = "/etc/evenkeel/borg.key"        # for keyfile modes: a copy made by `borg key export`
environment_file = "/etc/evenkeel/borg.env"  # lines NAME=value, such as BORG_RSH
archives = "srv-*"                         # only archives whose name fits
host = "srv-erp"                           # only archives made on this host
expect_every = "24h"                       # an archive of each group is due; a day unless stated
dataset = "erp-db"                         # the data set on the map that is in them
escrow = "sealed envelope, bank safe"      # where passphrase and key are kept for a disaster
prove_immutable = { folder = "/srv/backup" } # opt-in, for `prove-immutable`: a canary is tried there
tool = "/usr/bin/borg"                     # if borg is not in the usual folders
"#,
    every: Span::from_hours(1),
    deadline: Span::from_secs(5 * 60),
    stale_after_intervals: 4,
    facts: &[MISSING_SEGMENTS, ZERO_FILLED],
    findings: &[SEGMENTS_MISSING, NOT_WHOLE],
    backup: Some(BackupKind { secret_key: "passphrase_file" }),
    build,
};

/// How many segments of a repository are gone.
pub(super) const MISSING_SEGMENTS: FactKind = FactKind {
    name: "missing_segments",
    metric: "borg_missing_segments",
    help: "Segments that the repository counts on and that are gone.",
    subject: "",
    labels: &[],
};

/// How many files of a newest archive are not whole.
pub(super) const ZERO_FILLED: FactKind = FactKind {
    name: "zero_filled",
    metric: "borg_zero_filled_files",
    help: "Files of the newest archive that a repair filled with zeroes.",
    subject: "group",
    labels: &[],
};

/// See [`MISSING_SEGMENTS`].
pub(super) const SEGMENTS_MISSING: FindingKind = FindingKind {
    id: "borg_segments_missing",
    severity: Status::Critical,
    about: "Files of the repository are gone, and the data in them with it.",
    advice: "Copy the repository aside, bring back lost files from a copy of it, then let \
             `borg check` look at the copy.",
};

/// See [`ZERO_FILLED`].
pub(super) const NOT_WHOLE: FindingKind = FindingKind {
    id: "borg_zero_filled",
    severity: Status::Critical,
    about: "A repair replaced lost parts of files by zeroes.",
    advice: "Run the backup again: borg heals such files when it meets the lost parts.",
};

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    repository: String,
    passphrase_file: Option<String>,
    passcommand: Option<toml::Value>,
    environment_file: Option<String>,
    key_file: Option<String>,
    archives: Option<String>,
    host: Option<String>,
    tool: Option<PathBuf>,
}

struct Borg {
    keys: Keys,
    eye: Eye,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let (keys, own) = Keys::take(entry, problems)?;
    let settings: Settings = settings(&own, problems)?;
    let mut is_sound = true;
    let mut wrong = |key: &str, what: &str, hint: &str| {
        problems.error(place(entry, key), what, hint);
        is_sound = false;
    };
    if settings.passcommand.is_some() {
        let hint = "put the passphrase into a file of the agent's user and name it by \
                    `passphrase_file`";
        wrong("passcommand", "the agent runs no commands of others", hint);
    }
    if settings.repository.is_empty() {
        let hint = "as after `borg list`, for example `repository = \"/srv/backup/borg\"`";
        wrong("repository", "`repository` is missing", hint);
    } else if settings.repository.contains("::") {
        let hint = "leave out `::` and what follows; `archives` picks archives by name";
        wrong("repository", "the repository names an archive", hint);
    } else if !settings.repository.starts_with('/') && !settings.repository.contains(':') {
        // A relative folder would depend on where the agent was started.
        let hint = "for example `/srv/backup/borg` or `ssh://backup@nas/./srv`";
        wrong("repository", "the repository is neither an absolute path nor a remote one", hint);
    }
    if !is_sound {
        return None;
    }
    let access = Access {
        repository: settings.repository,
        passphrase_file: settings.passphrase_file,
        environment_file: settings.environment_file,
        key_file: settings.key_file,
        tool: settings.tool,
        ..Access::default()
    };
    Some(Box::new(Borg { keys, eye: Eye::new(access, settings.archives, settings.host) }))
}

#[async_trait::async_trait]
impl Check for Borg {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let Seen { sight, missing_segments, zero_filled } = self.eye.look(look).await?;
        let mut facts = sight.facts(&self.keys);
        if let Some(missing) = missing_segments {
            facts.push("missing_segments", "", Value::Number(missing as f64));
        }
        for (subject, files) in zero_filled {
            facts.push("zero_filled", &subject, Value::Number(files as f64));
        }
        Ok(facts)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut found = backup::judge(&KIND, &self.keys, facts, past, now);
        found.extend(own_findings(&KIND, &self.keys, facts, past, now));
        found
    }

    fn keys(&self) -> Option<&Keys> {
        Some(&self.keys)
    }

    fn states(&self, seen: &super::Seen<'_>) -> Vec<CopyState> {
        backup::states(&self.keys, seen)
    }

    fn drill(&self) -> Option<&dyn Drillable> {
        Some(&self.eye)
    }
}

/// The findings that only repositories of borg's have.
pub(super) fn own_findings(
    kind: &CheckKind,
    keys: &Keys,
    facts: &Facts,
    past: &[Evidence],
    now: Timestamp,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |id: &str, subject: &str, what: String| {
        let since = since(past, id, subject, now);
        found.push(kind.finding(id, &keys.component, subject, what, since));
    };
    for fact in &facts.observations {
        let count = fact.value.number().unwrap_or(0.0);
        if count <= 0.0 {
            continue;
        }
        let subject = fact.subject.as_str();
        match fact.name.as_str() {
            "missing_segments" => {
                let what = format!("{count} segments of the repository are gone");
                add("borg_segments_missing", subject, what);
            }
            "zero_filled" => {
                let name = facts.text("group", subject).unwrap_or(subject);
                let what = format!("{count} files in the newest archive of {name} are not whole");
                add("borg_zero_filled", subject, what);
            }
            _ => {}
        }
    }
    found
}
