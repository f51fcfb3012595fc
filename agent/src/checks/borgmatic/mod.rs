//! borgmatic: looks at each repository of its configuration as a borg check does,
//! and at when borgmatic last verified it. Fooled as a borg check is.
mod drill;
mod import;
mod sight;

use std::path::PathBuf;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{CopyState, Evidence, Failure, Finding, Status, Value};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, Seen, borg, place, settings,
    since,
};
use crate::backup::{self, Keys};
use crate::drill::Drillable;

const fn fact(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "repository", labels: &[] }
}

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "borgmatic",
    about: "Every repository of a borgmatic configuration opens, holds fresh archives of the \
            usual size, and was verified as often as configured",
    limits: "It reads lists, not data, as the borg check does. That borgmatic ended well proves \
             nothing: it skips checks that are not due, and this looks at when they last ran.",
    example: r#"configuration = "/etc/borgmatic/config.yaml"
home = "/root"                             # of the user that borgmatic runs as
passphrase_file = "/etc/evenkeel/borg.pw"  # if the configuration does not hold the passphrase
key_file = "/etc/evenkeel/borg.key"        # for keyfile modes; else found below `home`
expect_every = "24h"                       # an archive in each repository is due; a day unless stated
dataset = "erp-db"                         # the data set on the map that is in them
escrow = "sealed envelope, bank safe"      # where passphrase and key are kept for a disaster
tool = "/usr/bin/borg"                     # if borg is not in the usual folders
"#,
    every: Span::from_hours(1),
    deadline: Span::from_secs(10 * 60),
    stale_after_intervals: 4,
    facts: &[
        borg::MISSING_SEGMENTS,
        borg::ZERO_FILLED,
        fact("repository", "", "The repository, by its label or place."),
        fact("own_id", "", "Id of that repository, made with it."),
        fact("archives", "borgmatic_archives", "Archives in the repository."),
        fact("failure", "", "Why the repository could not be looked at."),
        fact("failure_unknown", "", "Whether that leaves open how it is."),
        fact("checks_off", "", "Whether borgmatic is told to verify nothing."),
        FactKind {
            name: "verified",
            metric: "borgmatic_last_verified_timestamp_seconds",
            help: "When borgmatic last ran a check of a repository.",
            subject: "verification",
            labels: &[],
        },
        FactKind {
            name: "verify_every",
            metric: "borgmatic_verification_interval_seconds",
            help: "How often borgmatic is to run a check of a repository.",
            subject: "verification",
            labels: &[],
        },
        FactKind {
            name: "oldest",
            metric: "",
            help: "Start of the oldest archive in the repository of a verification.",
            subject: "verification",
            labels: &[],
        },
    ],
    findings: FINDINGS,
    backup: Some(BackupKind { secret_key: "passphrase_file" }),
    build,
};

const FINDINGS: &[FindingKind] = &[
    borg::SEGMENTS_MISSING,
    borg::NOT_WHOLE,
    FindingKind {
        id: "borgmatic_repository_failed",
        severity: Status::Critical,
        about: "One of the repositories cannot be looked at; unknown if that may be for the \
                moment, such as a server that does not answer.",
        advice: "Run `borgmatic list` by hand and see what it says about that repository.",
    },
    FindingKind {
        id: "borgmatic_repository_empty",
        severity: Status::Critical,
        about: "One of the repositories holds no archive of this configuration.",
        advice: "Run `borgmatic create` and see where it writes to.",
    },
    FindingKind {
        id: "borgmatic_repository_replaced",
        severity: Status::Critical,
        about: "One of the repositories has another id than before.",
        advice: "Find the old repository; if the change was meant, configure the check anew.",
    },
    FindingKind {
        id: "borgmatic_unverified",
        severity: Status::Warning,
        about: "borgmatic has not verified a repository for twice as long as configured, or is \
                told not to.",
        advice: "Run `borgmatic check --force` and see why it does not run by itself.",
    },
];

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    configuration: Option<String>,
    home: Option<String>,
    passphrase_file: Option<String>,
    key_file: Option<String>,
    tool: Option<PathBuf>,
}

struct Borgmatic {
    keys: Keys,
    configuration: String,
    home: String,
    passphrase_file: Option<String>,
    key_file: Option<String>,
    tool: Option<PathBuf>,
    repositories: tokio::sync::Mutex<sight::Known>,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let (keys, own) = Keys::take(entry, problems)?;
    let Settings { configuration, home, passphrase_file, key_file, tool } =
        settings(&own, problems)?;
    let configuration = configuration.unwrap_or_else(|| "/etc/borgmatic/config.yaml".to_owned());
    let home = home.unwrap_or_else(|| "/root".to_owned());
    let mut is_sound = true;
    for (key, path) in [("configuration", &configuration), ("home", &home)] {
        if !path.starts_with('/') {
            let hint = "an absolute path, such as `/etc/borgmatic/config.yaml` or `/root`";
            problems.error(place(entry, key), format!("`{path}` is no absolute path"), hint);
            is_sound = false;
        }
    }
    is_sound.then(|| {
        let repositories = tokio::sync::Mutex::default();
        let check: Box<dyn Check> = Box::new(Borgmatic {
            keys,
            configuration,
            home,
            passphrase_file,
            key_file,
            tool,
            repositories,
        });
        check
    })
}

#[async_trait::async_trait]
impl Check for Borgmatic {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        self.look(look).await
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut found = backup::judge(&KIND, &self.keys, facts, past, now);
        found.extend(borg::own_findings(&KIND, &self.keys, facts, past, now));
        let mut add = |id: &str, subject: &str, what: String, severity: Option<Status>| {
            let since = since(past, id, subject, now);
            let mut finding = KIND.finding(id, &self.keys.component, subject, what, since);
            finding.severity = severity.unwrap_or(finding.severity);
            found.push(finding);
        };
        for subject in facts.subjects() {
            let name = facts.text("repository", subject).unwrap_or(subject);
            if let Some(why) = facts.text("failure", subject) {
                let is_unknown = facts.flag("failure_unknown", subject);
                let severity = is_unknown.then_some(Status::Unknown);
                add("borgmatic_repository_failed", subject, format!("{name}: {why}"), severity);
            }
            if facts.number("archives", subject) == Some(0.0) {
                let what = format!("{name} holds no archive");
                add("borgmatic_repository_empty", subject, what, None);
            }
            let before = past.iter().rev().find_map(|one| id_before(one, subject));
            if let (Some(before), Some(id)) = (before, facts.text("own_id", subject))
                && before != id
            {
                let what = format!("{name} has another id than before");
                add("borgmatic_repository_replaced", subject, what, None);
            }
            if let Some(what) = unverified(facts, subject, name, now) {
                add("borgmatic_unverified", subject, what, None);
            }
        }
        found
    }

    fn keys(&self) -> Option<&Keys> {
        Some(&self.keys)
    }

    fn states(&self, seen: &Seen<'_>) -> Vec<CopyState> {
        backup::states(&self.keys, seen)
    }

    fn drill(&self) -> Option<&dyn Drillable> {
        Some(self)
    }
}

fn id_before<'a>(evidence: &'a Evidence, subject: &str) -> Option<&'a str> {
    let evenkeel_config::record::Outcome::Observed { observations, .. } = &evidence.outcome else {
        return None;
    };
    let fact = observations.iter().find(|fact| fact.name == "own_id" && fact.subject == subject)?;
    match &fact.value {
        Value::Text(id) => Some(id),
        _ => None,
    }
}

/// Why nobody can count on a verification, if so.
fn unverified(facts: &Facts, subject: &str, name: &str, now: Timestamp) -> Option<String> {
    if facts.flag("checks_off", subject) {
        return Some(format!("{name} is never verified: borgmatic's checks are switched off"));
    }
    let every = facts.number("verify_every", subject)?;
    let twice = SignedDuration::try_from_secs_f64(2.0 * every).ok()?;
    if let Some(Value::Time(last)) = facts.get("verified", subject) {
        let is_late = now.duration_since(*last) > twice;
        return is_late.then(|| format!("{subject} was last verified on {last:.0}"));
    }
    // A repository that is younger has not had its turn.
    let Some(Value::Time(oldest)) = facts.get("oldest", subject) else { return None };
    let is_late = now.duration_since(*oldest) > twice;
    is_late.then(|| format!("{subject} was never verified"))
}

/// A configuration of borgmatic's, for fuzzers.
pub(crate) fn fuzz(bytes: &[u8]) {
    import::fuzz(bytes);
}
