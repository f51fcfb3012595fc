//! pgBackRest: proves that each repository of a stanza has a fresh backup without page errors
//! whose WAL is archived. Fooled by damage in the repository; a drill or a read part tells.
mod configuration;
mod drill;
mod sight;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{CopyState, Evidence, Failure, FailureKind, Finding};
use jiff::Timestamp;
use serde::Deserialize;

use super::{BackupKind, Check, CheckKind, Facts, Look, Seen, place, settings};
use crate::backup::{self, Keys};
use crate::drill::Drillable;
use crate::probe::pgbackrest::{Stanza, info};
use crate::probe::postgres::Expected;
use crate::probe::tool::{Output, Tool};

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "pgbackrest",
    about: "Each repository of a pgBackRest stanza has a fresh backup without page errors, of the \
            usual size, with its WAL archived",
    limits: "pgBackRest's list says `ok` also when files in the repository are damaged; that shows \
             when a drill verifies or restores.",
    example: r#"stanza = "main"
config = "/etc/pgbackrest.conf"      # if it is not in pgBackRest's usual place
expect_every = "24h"                 # a backup is due so often; a day unless stated
dataset = "erp-db"                   # the data set on the map that is in it
user = "postgres"                    # who asks the database that a drill brings up
database = "erp"                     # which one it asks
tables = { "public.invoices" = 1000 }           # a drill counts at least so many rows
newest = "select max(created) from invoices"    # asked by a drill
max_age = "26h"                      # how old that may be
tool = "/usr/bin/pgbackrest"         # if it is not in the usual folders
bin = "/usr/lib/postgresql/15/bin"   # if PostgreSQL's programs are not in the usual folders
"#,
    every: Span::from_hours(1),
    deadline: Span::from_secs(5 * 60),
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
    stanza: Option<String>,
    config: Option<PathBuf>,
    tool: Option<PathBuf>,
    bin: Option<PathBuf>,
    user: Option<String>,
    database: Option<String>,
    tables: BTreeMap<String, u64>,
    newest: Option<String>,
    max_age: Option<Span>,
}

struct PgBackRest {
    keys: Keys,
    stanza: String,
    config: Option<PathBuf>,
    tool: Option<PathBuf>,
    bin: Option<PathBuf>,
    user: String,
    database: String,
    expected: Expected,
    version: tokio::sync::OnceCell<String>,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let (keys, own) = Keys::take(entry, problems)?;
    let settings: Settings = settings(&own, problems)?;
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|it| it.is_alphanumeric() || "_-.".contains(it))
    };
    let Some(stanza) = settings.stanza.filter(|name| is_name(name)) else {
        let hint = "as in pgBackRest's configuration, for example `stanza = \"main\"`";
        problems.error(place(entry, "stanza"), "`stanza` is missing or is no name", hint);
        return None;
    };
    if settings.config.as_ref().is_some_and(|path| !path.is_absolute()) {
        let hint = "an absolute path, for example `/etc/pgbackrest.conf`";
        problems.error(place(entry, "config"), "`config` is no absolute path", hint);
        return None;
    }
    Some(Box::new(PgBackRest {
        keys,
        stanza,
        config: settings.config,
        tool: settings.tool,
        bin: settings.bin,
        user: settings.user.unwrap_or_else(|| "postgres".to_owned()),
        database: settings.database.unwrap_or_else(|| "postgres".to_owned()),
        expected: Expected {
            tables: settings.tables,
            newest: settings.newest,
            max_age: settings.max_age,
        },
        version: tokio::sync::OnceCell::new(),
    }))
}

impl PgBackRest {
    /// Arguments that every command gets.
    fn common(&self) -> Vec<String> {
        let mut all = vec![format!("--stanza={}", self.stanza)];
        all.extend(self.config.iter().map(|path| format!("--config={}", path.display())));
        let logs = ["--log-level-file=off", "--log-level-console=off", "--log-level-stderr=warn"];
        all.extend(logs.map(str::to_owned));
        all
    }

    async fn run(&self, arguments: &[&str], until: Instant) -> Result<Output, Failure> {
        let tool = Tool::find("pgbackrest", self.tool.as_deref())?;
        let mut all = self.common();
        all.extend(arguments.iter().map(|&argument| argument.to_owned()));
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        Ok(tool.run(&all, left).await?)
    }

    async fn version(&self, until: Instant) -> Result<String, Failure> {
        let ask = || async {
            let tool = Tool::find("pgbackrest", self.tool.as_deref())?;
            let left = until.saturating_duration_since(Instant::now());
            let output = tool.run(&["version"], left.max(Duration::from_millis(1))).await?;
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Ok::<_, Failure>(text.trim_start_matches("pgBackRest ").to_owned())
        };
        self.version.get_or_try_init(ask).await.cloned()
    }

    /// The stanza with its list of backups.
    async fn info(&self, until: Instant) -> Result<(Stanza, String), Failure> {
        let output = self.run(&["info", "--output=json"], until).await?;
        if output.code != Some(0) {
            return Err(self.failure(&output));
        }
        let stanzas = info(&output.stdout)?;
        let stanza = stanzas.into_iter().find(|stanza| stanza.name == self.stanza);
        let stanza = stanza.ok_or_else(|| Failure {
            kind: FailureKind::NotFound,
            what: format!("pgBackRest knows no stanza {}", self.stanza),
            advice: "correct `stanza` or `config`, or see why the repository is empty".to_owned(),
        })?;
        match stanza.failure() {
            Some(failure) => Err(failure),
            None => Ok((stanza, output.said)),
        }
    }

    /// By the codes of pgBackRest's errors, which begin its messages.
    fn failure(&self, output: &Output) -> Failure {
        let says = |words: &str| output.said.contains(words);
        let kind = if says("[055]") || says("[073]") {
            FailureKind::NotFound
        } else if says("Permission denied") || says("[013]") {
            FailureKind::PermissionDenied
        } else if says("[050]") {
            FailureKind::Locked
        } else if says("[095]") || says("cipher") {
            FailureKind::AuthFailed
        } else if says("[049]") || says("[124]") || says("[122]") {
            FailureKind::NetworkDown
        } else {
            FailureKind::Other
        };
        Failure {
            kind,
            what: format!("pgBackRest failed: {}", output.said),
            advice: "run `pgbackrest info` by hand as the agent's user".to_owned(),
        }
    }
}

#[async_trait::async_trait]
impl Check for PgBackRest {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        self.look(look).await
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

    fn drill(&self) -> Option<&dyn Drillable> {
        Some(self)
    }
}
