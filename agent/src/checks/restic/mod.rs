//! Restic repositories: proves that each group of snapshots is fresh, readable
//! and of the usual size. Fooled by encrypted sources of equal size and by
//! damaged data; only a restore drill tells.
mod drill;
mod groups;
mod prove;
mod sight;

use std::path::PathBuf;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{CopyState, Evidence, Failure, Finding, Status};
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, Seen, place, settings, since,
};
use crate::backup::{self, Keys};
use crate::drill::Drillable;
use crate::probe::restic::Access;
use crate::proof::Provable;

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "restic",
    about: "A restic repository opens, and each group of snapshots in it is fresh, readable and \
            of the usual size",
    limits: "It reads lists, not data: damaged packs stay unseen until a restore drill, and encryption \
             shows only against a week of snapshots, or by a canary.",
    example: r#"repository = "rest:https://nas:8000/erp"   # or /srv/backup/restic, sftp:..., s3:...
password_file = "/etc/evenkeel/restic.pw"  # or RESTIC_PASSWORD in environment_file
environment_file = "/etc/evenkeel/s3.env"  # lines NAME=value, for cloud credentials
expect_every = "24h"                       # a snapshot of each group is due; a day unless stated
host = "srv-erp"                           # only snapshots of this host
paths = ["/srv"]                           # only snapshots of these paths
tags = ["nightly"]                         # only snapshots with all these tags
dataset = "erp-db"                         # the data set on the map that is in them
canary = "/srv/.evenkeel-canary"           # opt-in: a small signed file that is kept fresh there
escrow = "sealed envelope, bank safe"      # where the password is kept for a disaster
immutable = "object lock, 90 days"          # why nobody can delete the backups
prove_immutable = { snapshot = true }      # opt-in, for `prove-immutable`; or { folder = "/srv/backup" }
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

const FACTS: &[FactKind] = &[FactKind {
    name: "index_files",
    metric: "restic_index_files",
    help: "Stored index files.",
    subject: "",
    labels: &[],
}];

const FINDINGS: &[FindingKind] = &[FindingKind {
    id: "restic_index_missing",
    severity: Status::Critical,
    about: "There are snapshots and no index, so nothing can be restored as it is.",
    advice: "Copy the repository aside, then follow restic's guide to rebuild the index.",
}];

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    repository: String,
    password_file: Option<String>,
    environment_file: Option<String>,
    host: Option<String>,
    paths: Vec<String>,
    tags: Vec<String>,
    tool: Option<PathBuf>,
}

struct Restic {
    keys: Keys,
    access: Access,
    host: Option<String>,
    paths: Vec<String>,
    tags: Vec<String>,
    version: tokio::sync::OnceCell<String>,
    memory: tokio::sync::Mutex<sight::Memory>,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let (keys, own) = Keys::take(entry, problems)?;
    let settings: Settings = settings(&own, problems)?;
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
        keys,
        access: Access {
            repository: settings.repository,
            password_file: settings.password_file,
            environment_file: settings.environment_file,
            tool: settings.tool,
        },
        host: settings.host,
        paths: settings.paths,
        tags: settings.tags,
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
        let mut found = backup::judge(&KIND, &self.keys, facts, past, now);
        let snapshots = facts.number("snapshots", "").unwrap_or(0.0);
        if snapshots > 0.0 && facts.number("index_files", "") == Some(0.0) {
            let id = "restic_index_missing";
            let what = format!("there are {snapshots} snapshots and no index");
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

    fn drill(&self) -> Option<&dyn Drillable> {
        Some(self)
    }

    fn provable(&self) -> Option<&dyn Provable> {
        // In a folder, more can be tried than restic does.
        (!self.access.repository.starts_with('/')).then_some(self)
    }
}
