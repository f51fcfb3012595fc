//! The year as a range: how often things happen, what they take and what they cost.
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::map::Objectives;
use crate::provenance::Provenance;

/// The answer of `annual`: never one number, always low, middle and high.
///
/// Low, middle and high are the ends and the middle of how often things happen;
/// the ends also hold the sampling error of the simulated nights, except where
/// a field says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnnualSummary {
    /// See [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the simulator.
    pub engine_version: String,
    /// The algorithm of the random keys.
    pub key_hash: String,
    /// The random generator.
    pub generator: String,
    /// Digest of everything that went in.
    #[serde(default)]
    pub inputs_digest: String,
    /// Whose map.
    pub organisation: String,
    /// ISO 4217 code of the money figures.
    pub currency: String,
    /// The moment of the facts.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Seed.
    pub seed: u64,
    /// Simulated nights of each event.
    pub trials: u64,
    /// Simulated years.
    pub years: u64,
    /// Ids of the modifiers laid over every scenario.
    #[serde(default)]
    pub with: Vec<String>,
    /// The fixes laid over the map.
    #[serde(default)]
    pub fixes: Vec<Id>,
    /// What can happen, in the order of ids.
    pub events: Vec<AnnualEvent>,
    /// What the year leaves out, and why.
    pub left_out: Vec<LeftOut>,
    /// Every function: life safety first, then by id.
    pub functions: Vec<AnnualFunction>,
    /// Chance of a year in which none of the events happens.
    pub quiet: Band,
    /// Money; absent when nothing on the map and in the events is priced.
    #[serde(default)]
    pub cost: Option<AnnualCost>,
    /// Functions that hang on components with `mtbf` and `mttr`, with failures
    /// and repairs going on all the time: life safety first, then by id.
    #[serde(default)]
    pub steady: Vec<SteadyFunction>,
    /// What the reader must know.
    pub notes: Vec<String>,
}

/// A figure as a range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Band {
    /// Lower end.
    pub low: f64,
    /// Middle.
    pub middle: f64,
    /// Upper end.
    pub high: f64,
}

/// Money in minor units (cents) as a range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MoneyBand {
    /// Lower end.
    pub low: i64,
    /// Middle.
    pub middle: i64,
    /// Upper end.
    pub high: i64,
}

/// One kind of event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnnualEvent {
    /// The scenario's id.
    pub id: String,
    /// Its short name.
    pub title: String,
    /// Events a year; of frequency alone.
    pub per_year: Band,
    /// Chance that it happens at least once in a year; of frequency alone.
    pub happens: Band,
    /// How the frequency is known.
    pub provenance: Provenance,
    /// Where from: which survey and year, whose count, which component's figures.
    pub source: String,
    /// Mean cost of one event in minor units; absent when nothing is priced.
    #[serde(default)]
    pub mean_cost: Option<i64>,
}

/// A scenario that the year does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// The scenario's id.
    pub id: String,
    /// Its short name.
    pub title: String,
    /// Why.
    pub why: String,
}

/// A year of one function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnnualFunction {
    /// Id on the map.
    pub id: Id,
    /// Name on pages.
    pub title: String,
    /// Lives hang on it: never weighed in money.
    pub life_safety: bool,
    /// Its objectives.
    pub objectives: Objectives,
    /// Events a year that touch it.
    pub touched: Band,
    /// Expected hours of missing work a year (missing capacity over time), of
    /// events from which it comes back.
    pub lost_hours: Band,
    /// Expected hours a year below its minimum capacity, of events from which it
    /// comes back; of frequency alone.
    pub hours_below_minimum: Band,
    /// Chance to miss its RTO at least once in a year; absent when none is set.
    #[serde(default)]
    pub rto_missed: Option<Band>,
    /// Chance that something happens in a year from which it does not come back
    /// within the horizon.
    pub never_back: Band,
    /// Why it could not be simulated, if so.
    #[serde(default)]
    pub cannot: Option<String>,
}

/// A year in money, all functions and events together, without life safety.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnnualCost {
    /// Expected cost of a year, exact for the simulated nights; of frequency alone.
    pub mean: MoneyBand,
    /// Standard deviation of a year's cost, exact for the simulated nights; of
    /// frequency alone.
    pub deviation: MoneyBand,
    /// Chance of a year that costs nothing; of frequency alone.
    pub nothing: Band,
    /// What 90, 95 and 99 of 100 years stay at or below.
    pub quantiles: Vec<AnnualQuantile>,
    /// The loss-exceedance curve: chance of losing more than a sum in a year,
    /// sums rising; at most 60 points.
    pub exceedance: Vec<Exceedance>,
}

/// What a share of years stays at or below.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnnualQuantile {
    /// 0.9, 0.95 or 0.99.
    pub p: f64,
    /// The sum.
    pub value: MoneyBand,
}

/// One point of the loss-exceedance curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exceedance {
    /// Minor units.
    pub above: i64,
    /// Chance of losing more than that in a year.
    pub chance: Band,
}

/// A function while the components behind it fail and are repaired, year in,
/// year out. An exact answer has equal ends; a simulated one its 95 % interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SteadyFunction {
    /// Id on the map.
    pub id: Id,
    /// Name on pages.
    pub title: String,
    /// Lives hang on it.
    pub life_safety: bool,
    /// Components behind it that fail and are repaired.
    pub components: u64,
    /// Computed exactly rather than simulated.
    pub exact: bool,
    /// Share of time in which it works.
    pub availability: Band,
    /// Hours a year (of 8,766) in which it does not.
    pub hours_down: Band,
    /// Mean number of those components that are down.
    pub failed: Band,
    /// Mean hours from all of them working to its first failure; absent when no
    /// simulated time held one.
    #[serde(default)]
    pub first_failure_hours: Option<Band>,
}
