//! One simulated night told as a timeline, with the chain that held one function up.
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Elapsed, HoursShare, ScenarioName, Segment};
use crate::id::Id;
use crate::map::Objectives;

/// One night, told for one function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// See [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the simulator.
    pub engine_version: String,
    /// Digest of map, scenario and evidence.
    pub inputs_digest: String,
    /// Whose map.
    pub organisation: String,
    /// IANA time zone of all local times.
    pub timezone: String,
    /// ISO 4217 code of the money figures.
    pub currency: String,
    /// The scenario.
    pub scenario: ScenarioName,
    /// The moment of the facts.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Seed.
    pub seed: u64,
    /// Number of nights among which this one was chosen.
    pub trials: u64,
    /// Which night: the number of its trial.
    pub night: u64,
    /// Why this one: `likely`, `bad` or `number`.
    pub chosen: String,
    /// Share of nights in which the function is usable sooner than in this one.
    pub sooner: f64,
    /// When it struck.
    #[schemars(with = "String")]
    pub strike: Timestamp,
    /// The same by the organisation's clocks.
    pub strike_local: String,
    /// Since when an intruder was inside, in milliseconds since the strike
    /// (below 0); absent when nobody was.
    #[serde(default)]
    pub intruder_since_ms: Option<i64>,
    /// The function it is told for.
    pub function: FunctionNight,
    /// How the same night went for the others: life safety first, then by id.
    pub others: Vec<FunctionNight>,
    /// Why the function was never usable again, if so.
    #[serde(default)]
    pub never: Option<String>,
    /// The blocking chain: each part begins where the one before ends, the first
    /// at 0, the last ends when the function is usable. Empty if it never is.
    pub chain: Vec<Segment>,
    /// The parts of the chain summed up, largest first.
    pub hours: Vec<HoursShare>,
    /// What happened, in order.
    pub timeline: Vec<TimelineEvent>,
    /// What the reader must know.
    pub notes: Vec<String>,
}

/// How one night went for one function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionNight {
    /// Id on the map.
    pub id: Id,
    /// Name on pages.
    pub title: String,
    /// Lives hang on it.
    pub life_safety: bool,
    /// Its objectives.
    pub objectives: Objectives,
    /// Usable again, by system or stopgap; 0 when never below its minimum.
    pub usable: Elapsed,
    /// The system alone is back at the minimum.
    pub system_back: Elapsed,
    /// Full capacity and no backlog.
    pub recovered: Elapsed,
    /// Work lost; never means all of it.
    pub data_loss: Elapsed,
    /// Cost in minor units; absent when it is not priced.
    #[serde(default)]
    pub cost: Option<i64>,
    /// Its system's capacity, from each instant on; 1 before the first.
    pub capacity: Vec<CapacityStep>,
    /// When its stopgap stands.
    pub stopgap: Vec<StopgapWindow>,
    /// Why it could not be simulated, if so.
    #[serde(default)]
    pub cannot: Option<String>,
}

/// Capacity from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityStep {
    /// Milliseconds since the strike.
    pub at_ms: i64,
    /// Share of normal work, 0 to 1.
    pub capacity: f64,
}

/// A time during which a stopgap stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StopgapWindow {
    /// What people do.
    pub name: String,
    /// Milliseconds since the strike.
    pub from_ms: i64,
    /// Milliseconds since the strike.
    pub to_ms: i64,
}

/// What kind of thing happened.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A blow fell, or an outage began.
    Strike,
    /// Something stopped working, or works in part.
    Fall,
    /// Something works again.
    Return,
    /// Somebody is away.
    Absence,
    /// A phase before recovery: noticing, telling, deciding.
    Phase,
    /// Recovery begins.
    Begin,
    /// A step that is ready waits for a person.
    WaitPerson,
    /// A step waits for a component to be up or at hand.
    WaitGate,
    /// A step waits for a delivery.
    WaitDelivery,
    /// A step waits for a vendor.
    WaitVendor,
    /// Work begins.
    Work,
    /// A step is done, or was not needed.
    Done,
    /// An attempt failed.
    Failed,
    /// A copy was passed over or did not do.
    CopyUnfit,
    /// Data begins to come back.
    Transfer,
    /// A shared link or a cut made a transfer longer.
    Contention,
    /// Data is back.
    Restored,
    /// Data is lost for good, or nobody knows how something comes back.
    Lost,
    /// A fail-over.
    Failover,
    /// A stopgap begins or ends.
    Stopgap,
    /// A promised time or a deadline passes.
    Objective,
    /// The function is usable, or fully recovered.
    Usable,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEvent {
    /// Milliseconds since the strike.
    pub at_ms: i64,
    /// The same by the organisation's clocks.
    pub local: String,
    /// What kind of thing.
    pub kind: EventKind,
    /// In words.
    pub text: String,
    /// The components it is about; people only where the map shows names.
    pub components: Vec<Id>,
    /// The step, in words.
    #[serde(default)]
    pub step: String,
    /// Until when, in milliseconds since the strike, if it lasts.
    #[serde(default)]
    pub until_ms: Option<Elapsed>,
    /// Whether the function waited for just this: it is part of the chain.
    pub blocking: bool,
    /// Whether it bears on the function at all.
    pub concerns: bool,
}
