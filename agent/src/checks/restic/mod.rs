//! Restic repositories: proves that each group of snapshots is fresh, readable
//! and of the usual size. Fooled by encrypted sources of equal size and by
//! damaged data; only a restore drill tells.
mod groups;
mod judgement;
mod sight;

use std::path::PathBuf;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Failure, Finding, Status};
use jiff::Timestamp;
use serde::Deserialize;

use super::{BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, place, settings};
use crate::probe::restic::Access;

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "restic",
    about: "A restic repository opens, and each group of snapshots in it is fresh, readable and \
            of the usual size",
    limits: "It reads lists, not data: damaged packs and a source encrypted in place stay unseen \
             until a restore drill.",
    example: r#"repository = "/srv/backup/restic"          # or sftp:..., rest:..., s3:...
password_file = "/etc/evenkeel/restic.pw"  # or RESTIC_PASSWORD in environment_file
environment_file = "/etc/evenkeel/s3.env"  # lines NAME=value, for cloud credentials
expect_every = "24h"                       # a snapshot of each group is due; a day unless stated
host = "srv-erp"                           # only snapshots of this host
paths = ["/srv"]                           # only snapshots of these paths
tags = ["nightly"]                         # only snapshots with all these tags
dataset = "erp-db"                         # the data set on the map that is in them
tool = "/usr/bin/restic"                   # if restic is not in the usual folders
"#,
    every: Span::from_hours(1),
    deadline: Span::from_secs(5 * 60),
    stale_after_intervals: 4,
    facts: FACTS,
    findings: FINDINGS,
    backup: Some(BackupKind { secret_key: "password_file" }),
    build,
};

const fn repository_fact(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "", labels: &[] }
}

const fn group_fact(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "group", labels: &[] }
}

const FACTS: &[FactKind] = &[
    repository_fact("version", "", "Version of restic."),
    repository_fact("repository_id", "", "Id of the repository, made with it."),
    repository_fact("snapshots", "restic_snapshots", "Snapshots that could be read."),
    repository_fact(
        "unreadable_snapshots",
        "restic_unreadable_snapshots",
        "Snapshots that are stored and cannot be read.",
    ),
    repository_fact("index_files", "restic_index_files", "Stored index files."),
    repository_fact("locks", "restic_locks", "Locks, held or left behind."),
    repository_fact(
        "oldest_lock",
        "restic_oldest_lock_timestamp_seconds",
        "Last renewal of the oldest lock.",
    ),
    repository_fact("lock_exclusive", "", "Whether the worst lock keeps everybody out."),
    repository_fact("lock_holder", "", "Who holds the worst lock."),
    repository_fact("lock_dead", "", "Whether the holder is a process of this host that ended."),
    repository_fact("said", "", "What restic said besides its answer."),
    repository_fact("stored_size", "restic_stored_bytes", "Bytes that all snapshots take."),
    repository_fact("groups_left_out", "", "Groups beyond the number that is looked at."),
    repository_fact("drilled", "", "Whether a restore was ever tried by this check; it never is."),
    group_fact("group", "", "Host, paths and tags of the group."),
    group_fact(
        "newest",
        "restic_newest_snapshot_timestamp_seconds",
        "Start of the newest snapshot of the group.",
    ),
    group_fact("group_snapshots", "restic_group_snapshots", "Snapshots in the group."),
    group_fact("files", "restic_newest_snapshot_files", "Files in the newest snapshot."),
    group_fact("bytes", "restic_newest_snapshot_bytes", "Bytes in the newest snapshot."),
    group_fact("size_unknown", "", "Whether the newest snapshot could not be counted in time."),
    group_fact("readable", "", "Whether the newest snapshot's list of files could be read."),
    group_fact(
        "changed_share",
        "restic_newest_snapshot_changed_ratio",
        "Share of files in the newest snapshot that are new or changed.",
    ),
    group_fact("changed_share_usual", "", "Median of that share in the snapshots before."),
];

const FINDINGS: &[FindingKind] = &[
    FindingKind {
        id: "restic_no_snapshots",
        severity: Status::Critical,
        about: "The repository opens and holds no snapshot that the check asks for.",
        advice: "Run the backup job, and compare its host, paths and tags with the check's keys.",
    },
    FindingKind {
        id: "restic_stale",
        severity: Status::Warning,
        about: "A group got no snapshot when one was due; critical after three missed ones.",
        advice: "Look at the log of that host's backup job; forget the group if it is retired.",
    },
    FindingKind {
        id: "restic_future",
        severity: Status::Warning,
        about: "The newest snapshot carries a time in the future, so its age cannot be told.",
        advice: "Set the clock of the machine that makes the backup.",
    },
    FindingKind {
        id: "restic_empty",
        severity: Status::Critical,
        about: "The newest snapshot holds no data.",
        advice: "See whether the source is mounted, then run the backup again.",
    },
    FindingKind {
        id: "restic_size_unknown",
        severity: Status::Unknown,
        about: "The newest snapshot could not be counted, so nobody knows whether it is complete.",
        advice: "Raise the check's `deadline`; restic 0.17 and newer count while they back up.",
    },
    FindingKind {
        id: "restic_collapsed",
        severity: Status::Critical,
        about: "The newest snapshot has less than half the usual bytes or files.",
        advice: "Compare it with the one before (`restic diff`): a missing mount leaves this trace.",
    },
    FindingKind {
        id: "restic_grown",
        severity: Status::Warning,
        about: "The newest snapshot has more than three times the usual bytes or files.",
        advice: "Compare it with the one before (`restic diff`): a tree may be mounted twice.",
    },
    FindingKind {
        id: "restic_churn",
        severity: Status::Warning,
        about: "Far more of the source changed than usual, as when somebody encrypts it.",
        advice: "Look at the source now; keep the older snapshots until the reason is known.",
    },
    FindingKind {
        id: "restic_unreadable",
        severity: Status::Critical,
        about: "Stored snapshots, or the list of files of the newest one, cannot be read.",
        advice: "Copy the repository aside, then run `restic check --no-cache --no-lock`.",
    },
    FindingKind {
        id: "restic_index_missing",
        severity: Status::Critical,
        about: "There are snapshots and no index, so nothing can be restored as it is.",
        advice: "Copy the repository aside, then follow restic's guide to rebuild the index.",
    },
    FindingKind {
        id: "restic_history_lost",
        severity: Status::Critical,
        about: "The newest snapshot seen before is gone and none took its place, which retention \
                never does.",
        advice: "Find out who removed it; protect the repository against deletion.",
    },
    FindingKind {
        id: "restic_history_shrank",
        severity: Status::Warning,
        about: "Less than half the usual number of snapshots is left.",
        advice: "Compare with the retention rules; an attacker begins with the backups.",
    },
    FindingKind {
        id: "restic_replaced",
        severity: Status::Critical,
        about: "The repository has another id than before: it was made anew or swapped.",
        advice: "Find the old repository; if the change was meant, configure the check anew.",
    },
    FindingKind {
        id: "restic_lock_stale",
        severity: Status::Warning,
        about: "A lock was left behind; critical if it keeps the next backup out.",
        advice: "When no restic runs anywhere, remove it with `restic unlock`.",
    },
    FindingKind {
        id: "restic_complained",
        severity: Status::Warning,
        about: "Restic ended well and complained all the same.",
        advice: "Run `restic snapshots --no-cache --no-lock` by hand and read what it says.",
    },
];

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    repository: String,
    password_file: Option<String>,
    environment_file: Option<String>,
    expect_every: Option<Span>,
    host: Option<String>,
    paths: Vec<String>,
    tags: Vec<String>,
    dataset: Option<Id>,
    tool: Option<PathBuf>,
}

struct Restic {
    component: Id,
    access: Access,
    expect_every: Span,
    host: Option<String>,
    paths: Vec<String>,
    tags: Vec<String>,
    dataset: Option<Id>,
    version: tokio::sync::OnceCell<String>,
    memory: tokio::sync::Mutex<sight::Memory>,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let settings: Settings = settings(entry, problems)?;
    let has_secret = settings.password_file.is_some() || settings.environment_file.is_some();
    // A relative folder would depend on where the agent was started.
    let is_place = settings.repository.starts_with('/') || settings.repository.contains(':');
    if !settings.repository.is_empty() && !is_place {
        let what = "the repository is neither an absolute path nor a remote one";
        let hint = "for example `/srv/backup/restic` or `sftp:nas:/restic`";
        problems.error(place(entry, "repository"), what, hint);
        return None;
    }
    if settings.repository.is_empty() {
        let hint = "as after `restic -r`, for example `repository = \"/srv/backup/restic\"`";
        problems.error(place(entry, "repository"), "`repository` is missing", hint);
    }
    if !has_secret {
        problems.error(
            place(entry, "password_file"),
            "nothing says where the password is",
            "for example `password_file = \"/etc/evenkeel/restic.pw\"`, readable for the agent alone",
        );
    }
    if settings.repository.is_empty() || !has_secret {
        return None;
    }
    Some(Box::new(Restic {
        component: entry.component.clone(),
        access: Access {
            repository: settings.repository,
            password_file: settings.password_file,
            environment_file: settings.environment_file,
            tool: settings.tool,
        },
        expect_every: settings.expect_every.unwrap_or(Span::from_hours(24)),
        host: settings.host,
        paths: settings.paths,
        tags: settings.tags,
        dataset: settings.dataset,
        version: tokio::sync::OnceCell::new(),
        memory: tokio::sync::Mutex::default(),
    }))
}

#[async_trait::async_trait]
impl Check for Restic {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        self.look(look).await
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        judgement::judge(self, facts, past, now)
    }
}
