//! Base backups of PostgreSQL with an archive of WAL: proves that the newest has all its files
//! and that the archive goes on from it. Fooled by damage within; only a drill reads it.
mod drill;
mod sight;

use std::collections::BTreeMap;
use std::path::PathBuf;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{CopyState, Evidence, Failure, Finding, Status, Value};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, Seen, place, settings, since,
};
use crate::backup::{self, Keys};
use crate::checks::files::watched;
use crate::drill::Drillable;
use crate::probe::postgres::Expected;
use crate::probe::redact::plain;

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "pg_basebackup",
    about: "Base backups of PostgreSQL are fresh, have every file of their manifest, and the \
            archive of WAL goes on from them without a gap",
    limits: "It compares sizes, not content, and backups in tar format are looked at from outside \
             alone; checksums are read by a drill.",
    example: r#"path = "/var/backups/base-*"         # folders with a backup_manifest
archive = "/var/backups/wal"         # where archive_command puts WAL segments
max_wal_age = "30m"                  # the newest segment is not older, if you say so
expect_every = "7d"                  # a base backup is due so often; a day unless stated
dataset = "erp-db"                   # the data set on the map that is in it
user = "postgres"                    # who asks the database that a drill brings up
database = "erp"                     # which one it asks
tables = { "public.invoices" = 1000 }           # a drill counts at least so many rows
newest = "select max(created) from invoices"    # asked by a drill
max_age = "1h"                       # how old that may be
bin = "/usr/lib/postgresql/15/bin"   # if PostgreSQL's programs are not in the usual folders
"#,
    every: Span::from_secs(15 * 60),
    deadline: Span::from_secs(2 * 60),
    stale_after_intervals: 4,
    facts: &[
        FactKind {
            name: "wal_newest",
            metric: "pg_basebackup_newest_wal_timestamp_seconds",
            help: "When the newest WAL segment came into the archive.",
            subject: "",
            labels: &[],
        },
        FactKind {
            name: "wal_gap",
            metric: "",
            help: "The first WAL segment that the archive lacks after the newest backup.",
            subject: "",
            labels: &[],
        },
        FactKind {
            name: "folder_exists",
            metric: "pg_basebackup_folder_exists",
            help: "Whether the folder of the base backups is there.",
            subject: "",
            labels: &[],
        },
    ],
    findings: &[
        FindingKind {
            id: "pg_basebackup_folder_missing",
            severity: Status::Critical,
            about: "The folder of the base backups, or the archive, is not there.",
            advice: "See whether a disk or share is not mounted, or correct `path` and `archive`.",
        },
        FindingKind {
            id: "pg_wal_gap",
            severity: Status::Critical,
            about: "A WAL segment is missing, so nothing after it can be brought back.",
            advice: "Take a new base backup now, and find out who removed the segment.",
        },
        FindingKind {
            id: "pg_wal_old",
            severity: Status::Critical,
            about: "The newest archived WAL segment is older than `max_wal_age`.",
            advice: "Look at `pg_stat_archiver` on the server: `archive_command` may be failing.",
        },
    ],
    backup: Some(BackupKind { secret_key: "" }),
    build,
};

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    path: Option<String>,
    archive: Option<String>,
    max_wal_age: Option<Span>,
    bin: Option<PathBuf>,
    user: Option<String>,
    database: Option<String>,
    tables: BTreeMap<String, u64>,
    newest: Option<String>,
    max_age: Option<Span>,
}

struct BaseBackups {
    keys: Keys,
    folder: String,
    pattern: Option<String>,
    archive: Option<String>,
    max_wal_age: Option<Span>,
    bin: Option<PathBuf>,
    user: String,
    database: String,
    expected: Expected,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let (keys, own) = Keys::take(entry, problems)?;
    let settings: Settings = settings(&own, problems)?;
    let (folder, pattern) = watched(entry, settings.path.as_deref(), problems)?;
    if settings.archive.as_ref().is_some_and(|path| !path.starts_with('/')) {
        let hint = "an absolute path, for example `/var/backups/wal`";
        problems.error(place(entry, "archive"), "`archive` is no absolute path", hint);
        return None;
    }
    Some(Box::new(BaseBackups {
        keys,
        folder,
        pattern,
        archive: settings.archive,
        max_wal_age: settings.max_wal_age,
        bin: settings.bin,
        user: settings.user.unwrap_or_else(|| "postgres".to_owned()),
        database: settings.database.unwrap_or_else(|| "postgres".to_owned()),
        expected: Expected {
            tables: settings.tables,
            newest: settings.newest,
            max_age: settings.max_age,
        },
    }))
}

#[async_trait::async_trait]
impl Check for BaseBackups {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        self.look(look).await
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        if facts.not_applicable.is_some() {
            return Vec::new();
        }
        let finding = |id: &str, what: String| {
            KIND.finding(id, &self.keys.component, "", what, since(past, id, "", now))
        };
        if !facts.flag("folder_exists", "") {
            let what = format!("{} or the archive does not exist", plain(&self.folder));
            return vec![finding("pg_basebackup_folder_missing", what)];
        }
        let mut found = backup::judge(&KIND, &self.keys, facts, past, now);
        if let Some(segment) = facts.text("wal_gap", "") {
            let what = format!("the WAL segment {segment} is not in the archive");
            found.push(finding("pg_wal_gap", what));
        }
        if let (Some(most), Some(Value::Time(newest))) =
            (self.max_wal_age, facts.get("wal_newest", ""))
            && now.duration_since(*newest) > SignedDuration::from_millis(most.as_ms())
        {
            let what = format!("the newest WAL segment is of {newest:.0}, older than {most}");
            found.push(finding("pg_wal_old", what));
        }
        found
    }

    fn states(&self, seen: &Seen<'_>) -> Vec<CopyState> {
        backup::states(&self.keys, seen)
    }

    fn keys(&self) -> Option<&Keys> {
        Some(&self.keys)
    }

    fn drill(&self) -> Option<&dyn Drillable> {
        Some(self)
    }
}
