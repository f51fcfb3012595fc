//! What a check kind is: its documentation, its facts, its findings and its builder.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{
    CopyFacts, CopyState, DrillFacts, Evidence, Failure, Finding, Observation, Status, Value,
};
use jiff::Timestamp;

use crate::backup::{self, Keys};
use crate::drill::Drillable;
use crate::proof::Provable;

/// A kind of check: everything about it that is known before it is configured.
#[derive(Debug)]
pub struct CheckKind {
    /// Its table name in `agent.toml`, such as `restic`.
    pub name: &'static str,
    /// What it proves, one line.
    pub about: &'static str,
    /// How it can be fooled, one or two sentences.
    pub limits: &'static str,
    /// A commented example of its own keys, valid TOML.
    pub example: &'static str,
    /// How often it runs unless configured.
    pub every: Span,
    /// Its longest run unless configured.
    pub deadline: Span,
    /// Facts are too old to be judged after this many intervals.
    pub stale_after_intervals: u32,
    /// Its facts, and the metric each becomes.
    pub facts: &'static [FactKind],
    /// Its findings.
    pub findings: &'static [FindingKind],
    /// What it has beside other checks if it looks at backups.
    pub backup: Option<BackupKind>,
    /// Reads its own keys; reports every problem and returns nothing if any is an error.
    pub build: fn(&CheckEntry, &mut Problems) -> Option<Box<dyn Check>>,
}

/// What a kind of backup has beside other checks: the facts and findings that
/// all of them share, and a way to be drilled.
#[derive(Debug, Clone, Copy)]
pub struct BackupKind {
    /// The key that names the file with its secret, which a drill replaces by
    /// the secret that is kept for a disaster; empty where there is none.
    pub secret_key: &'static str,
}

/// A fact that a kind observes.
#[derive(Debug)]
pub struct FactKind {
    /// [`Observation::name`].
    pub name: &'static str,
    /// Metric family without the `evenkeel_` prefix, in base units, such as
    /// `certificate_not_after_timestamp_seconds`; empty for facts that are not exported.
    pub metric: &'static str,
    /// Help text of the metric.
    pub help: &'static str,
    /// Name of the label that carries [`Observation::subject`], such as
    /// `endpoint`; empty when there is one value per component.
    pub subject: &'static str,
    /// Further labels, taken from [`Observation::labels`].
    pub labels: &'static [&'static str],
}

/// A finding that a kind can come to.
#[derive(Debug)]
pub struct FindingKind {
    /// Stable snake-case name.
    pub id: &'static str,
    /// How grave unless the judgement says otherwise.
    pub severity: Status,
    /// What it means, one sentence.
    pub about: &'static str,
    /// What to do, one sentence.
    pub advice: &'static str,
}

/// The facts of one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Named facts.
    pub observations: Vec<Observation>,
    /// Snapshots of backup repositories.
    pub copies: Vec<CopyFacts>,
    /// Restore drills.
    pub drills: Vec<DrillFacts>,
    /// Why there is nothing of this kind on this host; then the lists are empty.
    pub not_applicable: Option<String>,
}

impl Facts {
    /// Says that there is nothing of this kind here, which is neither good nor bad.
    pub fn not_applicable(reason: impl Into<String>) -> Self {
        Self { not_applicable: Some(reason.into()), ..Self::default() }
    }

    /// Adds a fact about a subject; an empty subject means the component itself.
    pub fn push(&mut self, name: &str, subject: &str, value: Value) {
        self.observations.push(Observation {
            name: name.to_owned(),
            subject: subject.to_owned(),
            value,
            labels: BTreeMap::new(),
        });
    }

    /// The value of a fact about a subject.
    pub fn get(&self, name: &str, subject: &str) -> Option<&Value> {
        self.observations
            .iter()
            .find(|fact| fact.name == name && fact.subject == subject)
            .map(|fact| &fact.value)
    }

    /// The number of a fact about a subject, see [`Value::number`].
    pub fn number(&self, name: &str, subject: &str) -> Option<f64> {
        self.get(name, subject).and_then(Value::number)
    }

    /// Whether a flag about a subject is set; an absent one is not.
    pub fn flag(&self, name: &str, subject: &str) -> bool {
        matches!(self.get(name, subject), Some(Value::Flag(true)))
    }

    /// The words of a fact about a subject.
    pub fn text(&self, name: &str, subject: &str) -> Option<&str> {
        match self.get(name, subject) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Every subject that has a fact, sorted, without the empty one.
    pub fn subjects(&self) -> BTreeSet<&str> {
        self.observations
            .iter()
            .map(|fact| fact.subject.as_str())
            .filter(|subject| !subject.is_empty())
            .collect()
    }
}

/// Reads a check's own keys one by one, so that every wrong one is reported
/// with its place; `None` if any is.
pub fn settings<T>(entry: &CheckEntry, problems: &mut Problems) -> Option<T>
where
    T: serde::de::DeserializeOwned + Default,
{
    let mut sound = true;
    for (key, value) in &entry.settings {
        let one = toml::Table::from_iter([(key.clone(), value.clone())]);
        if let Err(error) = one.try_into::<T>() {
            let message = error.message();
            let (what, hint) = message.split_once(", expected").map_or_else(
                || (format!("`{key}`: {message}"), String::new()),
                |(what, expected)| (what.to_owned(), format!("expected{expected}")),
            );
            problems.error(place(entry, key), what, hint);
            sound = false;
        }
    }
    if !sound {
        return None;
    }
    entry.settings.clone().try_into().ok()
}

/// Where a key of a check stands: its own place if known, else that of the check.
pub fn place(entry: &CheckEntry, key: &str) -> Place {
    entry.places.get(key).cloned().unwrap_or_else(|| {
        let mut place = entry.place.clone();
        place.key = if place.key.is_empty() {
            format!("check.{}.{key}", entry.kind)
        } else {
            format!("{}.{key}", place.key)
        };
        place
    })
}

/// Since when earlier evidence has had this finding without a break; `now` if
/// the latest has not.
pub fn since(past: &[Evidence], id: &str, subject: &str, now: Timestamp) -> Timestamp {
    past.iter()
        .rev()
        .take_while(|evidence| {
            evidence.findings.iter().any(|finding| finding.id == id && finding.subject == subject)
        })
        .last()
        .map_or(now, |evidence| evidence.started.min(now))
}

impl CheckKind {
    /// Its own facts, and those that all backups share if it is one.
    pub fn all_facts(&self) -> impl Iterator<Item = &'static FactKind> {
        let shared: &[FactKind] = if self.backup.is_some() { backup::FACTS } else { &[] };
        self.facts.iter().chain(shared)
    }

    /// Its own findings, and those that all backups share if it is one.
    pub fn all_findings(&self) -> impl Iterator<Item = &'static FindingKind> {
        let shared: &[FindingKind] = if self.backup.is_some() { backup::FINDINGS } else { &[] };
        self.findings.iter().chain(shared)
    }

    /// A finding of this kind by its id, with its documented severity and advice.
    ///
    /// # Panics
    /// If the id is not in [`CheckKind::findings`]; the tests of each check reach each.
    pub fn finding(
        &self,
        id: &str,
        component: &Id,
        subject: &str,
        what: impl Into<String>,
        since: Timestamp,
    ) -> Finding {
        let kind = self
            .all_findings()
            .find(|kind| kind.id == id)
            .expect("a check names only findings of its own table");
        Finding {
            id: kind.id.to_owned(),
            severity: kind.severity,
            component: component.clone(),
            subject: subject.to_owned(),
            what: what.into(),
            advice: kind.advice.to_owned(),
            since,
        }
    }
}

/// What a check is given to look with.
#[derive(Debug, Clone)]
pub struct Look {
    /// Root of the file system that is looked at; `/` outside tests.
    pub root: PathBuf,
    /// The time of the run.
    pub now: Timestamp,
    /// How long the run may take; the schedule ends it then.
    pub deadline: Duration,
    /// The agent's own folder.
    pub data: PathBuf,
    /// For a drill: the drills before, oldest first.
    pub drills: Vec<DrillFacts>,
}

impl Look {
    /// A look at the file system below `root`, without a folder of its own.
    pub fn new(root: impl Into<PathBuf>, now: Timestamp, deadline: Duration) -> Self {
        Self { root: root.into(), now, deadline, data: PathBuf::new(), drills: Vec::new() }
    }
}

/// A configured check.
///
/// Observing and judging are apart: `observe` touches the world and says what
/// is there, `judge` is pure and is asked again whenever the facts are shown.
#[async_trait::async_trait]
pub trait Check: Send + Sync {
    /// Looks, and says what is there.
    ///
    /// # Errors
    /// A typed failure when there are no facts.
    async fn observe(&self, look: &Look) -> Result<Facts, Failure>;

    /// Judges facts. `past` holds this check's earlier evidence, oldest first.
    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding>;

    /// The shared keys, for checks of backups.
    fn keys(&self) -> Option<&Keys> {
        None
    }

    /// What holds of each group of snapshots, for checks of backups. Pure; asked
    /// after [`Check::judge`], also when a run came to no facts.
    fn states(&self, seen: &Seen<'_>) -> Vec<CopyState> {
        let _ = seen;
        Vec::new()
    }

    /// How to drill it, for checks of backups.
    fn drill(&self) -> Option<&dyn Drillable> {
        None
    }

    /// How to try a snapshot of the agent's own, for checks of repositories that can
    /// refuse to delete one.
    fn provable(&self) -> Option<&dyn Provable> {
        None
    }
}

/// Everything that is known of a backup after a run.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The facts of the run, or why there are none.
    pub result: Result<&'a Facts, &'a Failure>,
    /// The findings of the run.
    pub findings: &'a [Finding],
    /// Earlier evidence of the check, oldest first.
    pub past: &'a [Evidence],
    /// Every drill of this check, oldest first.
    pub drills: &'a [DrillFacts],
    /// The last try at deletion that came to an answer.
    pub proof: Option<&'a Evidence>,
    /// When the run started.
    pub now: Timestamp,
}
