//! Dumps of PostgreSQL databases: proves that each database has a fresh one of the usual
//! size that ends as a whole dump does. Fooled by what is wrong within; only a drill tells.
mod drill;
mod sight;

use std::collections::BTreeMap;
use std::path::PathBuf;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::{Size, Span};
use evenkeel_config::record::{CopyState, Evidence, Failure, Finding, Status};
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, Seen, settings, since,
};
use crate::backup::{self, Keys};
use crate::checks::files::watched;
use crate::drill::Drillable;
use crate::probe::postgres::Expected;
use crate::probe::redact::plain;

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "pg_dump",
    about: "Dumps of PostgreSQL (plain, also by gzip, custom, directory, tar) are there, fresh, \
            whole and of the usual size",
    limits: "Of a custom, directory or tar dump only the header and the list are read, which stay \
             sound when the data behind them are cut off; only a restore drill tells.",
    example: r#"path = "/var/backups/erp-*.sql.gz"   # a folder, or a pattern in its last part
expect_every = "24h"                 # a dump of each database is due; a day unless stated
min_size = "1 MB"                    # the newest dump is at least this large
dataset = "erp-db"                   # the data set on the map that is in it
tables = { "public.invoices" = 1000 }           # a drill counts at least so many rows
newest = "select max(created) from invoices"    # asked by a drill
max_age = "26h"                      # how old that may be
superuser = false                    # true: a drill loads it with all rights in its cluster
bin = "/usr/lib/postgresql/15/bin"   # if PostgreSQL's programs are not in the usual folders
"#,
    every: Span::from_secs(30 * 60),
    deadline: Span::from_secs(5 * 60),
    stale_after_intervals: 4,
    facts: FACTS,
    findings: FINDINGS,
    backup: Some(BackupKind { secret_key: "" }),
    build,
};

const FACTS: &[FactKind] = &[
    FactKind {
        name: "folder_exists",
        metric: "pg_dump_folder_exists",
        help: "Whether the folder of the dumps is there.",
        subject: "",
        labels: &[],
    },
    FactKind {
        name: "unreadable",
        metric: "pg_dump_unreadable_files",
        help: "Number of matching files that cannot be read.",
        subject: "",
        labels: &[],
    },
    FactKind {
        name: "newest_name",
        metric: "",
        help: "Name of the newest dump.",
        subject: "group",
        labels: &[],
    },
    FactKind {
        name: "format",
        metric: "",
        help: "Form of the newest dump.",
        subject: "group",
        labels: &[],
    },
    FactKind {
        name: "server_version",
        metric: "",
        help: "Version of the server that the newest dump is of.",
        subject: "group",
        labels: &[],
    },
    FactKind {
        name: "unknown_why",
        metric: "",
        help: "Why nobody can tell whether the newest dump is one.",
        subject: "group",
        labels: &[],
    },
];

const FINDINGS: &[FindingKind] = &[
    FindingKind {
        id: "pg_dump_folder_missing",
        severity: Status::Critical,
        about: "The folder that the dumps should be in is not there.",
        advice: "See whether a disk or share is not mounted, or correct `path`.",
    },
    FindingKind {
        id: "pg_dump_unknown",
        severity: Status::Unknown,
        about: "The newest file cannot be read as a dump, so nobody knows whether it is one.",
        advice: "Write dumps plain, by gzip, or in a format of pg_dump's own; for others use the \
                 kind `files`.",
    },
    FindingKind {
        id: "pg_dump_too_small",
        severity: Status::Critical,
        about: "The newest dump is smaller than `min_size`.",
        advice: "Open the newest dump and see what is missing in it.",
    },
    FindingKind {
        id: "pg_dump_unreadable",
        severity: Status::Warning,
        about: "Some files cannot be read.",
        advice: "Let the agent's user read the folder, and check the disk for errors.",
    },
];

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    path: Option<String>,
    min_size: Option<Size>,
    bin: Option<PathBuf>,
    superuser: bool,
    tables: BTreeMap<String, u64>,
    newest: Option<String>,
    max_age: Option<Span>,
}

struct PgDump {
    keys: Keys,
    folder: String,
    pattern: Option<String>,
    min_size: Size,
    bin: Option<PathBuf>,
    superuser: bool,
    expected: Expected,
    memory: tokio::sync::Mutex<sight::Memory>,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let (keys, own) = Keys::take(entry, problems)?;
    let settings: Settings = settings(&own, problems)?;
    let (folder, pattern) = watched(entry, settings.path.as_deref(), problems)?;
    Some(Box::new(PgDump {
        keys,
        folder,
        pattern,
        min_size: settings.min_size.unwrap_or_default(),
        bin: settings.bin,
        superuser: settings.superuser,
        expected: Expected {
            tables: settings.tables,
            newest: settings.newest,
            max_age: settings.max_age,
        },
        memory: tokio::sync::Mutex::default(),
    }))
}

#[async_trait::async_trait]
impl Check for PgDump {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        self.look(look).await
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        if facts.not_applicable.is_some() {
            return Vec::new();
        }
        let finding = |id: &str, subject: &str, what: String| {
            let since = since(past, id, subject, now);
            KIND.finding(id, &self.keys.component, subject, what, since)
        };
        if !facts.flag("folder_exists", "") {
            let what = format!("{} does not exist", plain(&self.folder));
            return vec![finding("pg_dump_folder_missing", "", what)];
        }
        let mut found = backup::judge(&KIND, &self.keys, facts, past, now);
        let unreadable = facts.number("unreadable", "").unwrap_or(0.0);
        if unreadable > 0.0 {
            let what = format!("{unreadable} of the files cannot be read");
            found.push(finding("pg_dump_unreadable", "", what));
        }
        for fact in facts.observations.iter().filter(|fact| fact.name == "newest_name") {
            let group = fact.subject.as_str();
            let name = facts.text("newest_name", group).unwrap_or_default();
            if let Some(why) = facts.text("unknown_why", group) {
                found.push(finding("pg_dump_unknown", group, format!("{name} is {why}")));
            }
            let least = self.min_size.as_bytes() as f64;
            let size = facts.number("bytes", group);
            if let Some(size) = size.filter(|size| *size > 0.0 && *size < least) {
                let what = format!("{name} has {size} bytes, at least {} are due", self.min_size);
                found.push(finding("pg_dump_too_small", group, what));
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
