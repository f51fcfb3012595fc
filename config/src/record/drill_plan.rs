//! Which drill or measurement to do next: by how much each could move a promise.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{About, Elapsed};
use crate::id::Id;
use crate::provenance::Provenance;

/// Drills and measurements, the most telling first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DrillPlan {
    /// See [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The question and how it was answered.
    pub about: About,
    /// The share of nights in which a promise is to be kept: 0.9.
    pub promise_at: f64,
    /// The most telling drills.
    pub drills: Vec<DrillValue>,
    /// How many drills and measurements were looked at.
    pub considered: u64,
    /// What the reader must know.
    pub notes: Vec<String>,
}

/// What is drilled or measured.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DrillKind {
    /// Restoring from a repository: does it work?
    Restore,
    /// The speed of a restore.
    Speed,
    /// The time a step or a phase takes.
    StepTime,
    /// The time until something ordered is at hand.
    LeadTime,
    /// The time until a vendor works on it.
    Response,
    /// Whether a person is there.
    Absence,
}

/// The value of one drill or measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DrillValue {
    /// What kind.
    pub kind: DrillKind,
    /// The component it is about; absent for a phase, and for a person unless
    /// the map shows names.
    #[serde(default)]
    pub component: Option<Id>,
    /// What is to be done, as a sentence fragment.
    pub what: String,
    /// What is believed today.
    pub today: String,
    /// How that is known.
    pub provenance: Provenance,
    /// True where one drill is taken for one drill; false where the measurement
    /// is taken to tell all, so that its value is at most this.
    pub exact: bool,
    /// The function whose promise it moves most.
    pub function: Id,
    /// Its name on pages.
    pub title: String,
    /// What can be promised today.
    pub promise: Elapsed,
    /// The chance of the RTO today, if one is set.
    #[serde(default)]
    pub rto: Option<f64>,
    /// What may come out.
    pub outcomes: Vec<DrillOutcome>,
    /// Mean distance by which the promise moves, in milliseconds; never counts as
    /// the horizon.
    pub expected_change_ms: i64,
    /// Mean distance by which the chance of the RTO moves, 0 to 1, if one is set.
    #[serde(default)]
    pub expected_rto_change: Option<f64>,
    /// Whether some outcome changes if the RTO can be promised.
    pub decides: bool,
    /// The share of the spread of nights (P10 to P90) that would vanish; below 0
    /// where knowing more shows a wider one.
    pub band_gone: f64,
    /// Other functions whose promise it moves, most first.
    pub others: Vec<DrillEffect>,
}

/// One outcome of a drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DrillOutcome {
    /// The outcome, as the beginning of a sentence.
    pub result: String,
    /// Its predictive chance (or weight), 0 to 1.
    pub chance: f64,
    /// What could be promised then.
    pub promise: Elapsed,
    /// The chance of the RTO then, if one is set.
    #[serde(default)]
    pub rto: Option<f64>,
}

/// How far a drill moves the promise of another function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DrillEffect {
    /// The function.
    pub function: Id,
    /// Its name on pages.
    pub title: String,
    /// Mean distance in milliseconds; never counts as the horizon.
    pub expected_change_ms: i64,
}
