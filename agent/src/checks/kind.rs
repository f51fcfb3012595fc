//! What a check kind is: its documentation, its facts, its findings and its builder.
use std::path::PathBuf;
use std::time::Duration;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{
    CopyFacts, DrillFacts, Evidence, Failure, Finding, Observation, Status,
};
use jiff::Timestamp;

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
    /// Reads its own keys; reports every problem and returns nothing if any is an error.
    pub build: fn(&CheckEntry, &mut Problems) -> Option<Box<dyn Check>>,
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
}
