//! The result of a simulation: distributions, chances, where the hours go, and how we know.
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::Id;
use crate::map::Objectives;
use crate::provenance::Provenance;
use crate::quantity::Span;

/// Milliseconds since the strike, or never. For data loss, never means all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Elapsed {
    /// So many milliseconds.
    Ms(i64),
    /// Not within the horizon; above all numbers.
    Never,
}

impl Elapsed {
    /// Milliseconds, if not never.
    pub fn ms(self) -> Option<i64> {
        match self {
            Self::Ms(ms) => Some(ms),
            Self::Never => None,
        }
    }
}

impl Serialize for Elapsed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Ms(ms) => serializer.serialize_i64(*ms),
            Self::Never => serializer.serialize_str("never"),
        }
    }
}

impl<'de> Deserialize<'de> for Elapsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Elapsed;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(out, "milliseconds or \"never\"")
            }

            fn visit_i64<E: serde::de::Error>(self, ms: i64) -> Result<Elapsed, E> {
                Ok(Elapsed::Ms(ms))
            }

            fn visit_u64<E: serde::de::Error>(self, ms: u64) -> Result<Elapsed, E> {
                i64::try_from(ms).map(Elapsed::Ms).map_err(E::custom)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Elapsed, E> {
                if text == "never" {
                    Ok(Elapsed::Never)
                } else {
                    Err(E::custom("expected milliseconds or \"never\""))
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Elapsed {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Elapsed".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Milliseconds since the strike, or \"never\"",
            "anyOf": [{ "type": "integer" }, { "const": "never" }],
        })
    }
}

/// The result of one scenario on one map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// See [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the simulator.
    pub engine_version: String,
    /// The algorithm of the random keys.
    pub key_hash: String,
    /// The random generator.
    pub generator: String,
    /// Digest of map, scenario and evidence.
    pub inputs_digest: String,
    /// Whose map.
    pub organisation: String,
    /// IANA time zone.
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
    /// Number of trials.
    pub trials: u64,
    /// How a run ended that was to be precise enough; absent when the number of
    /// trials was fixed.
    #[serde(default)]
    pub precision: Option<Precision>,
    /// Later than this is never.
    pub horizon: Span,
    /// Every function of the map: life safety first, then by id.
    pub functions: Vec<FunctionSummary>,
    /// Every data set that was lost or suspect in any trial.
    pub datasets: Vec<DatasetSummary>,
    /// Cost of all functions together, P50, P80, P90 and P95; empty when the
    /// map states no loss.
    pub cost: Vec<MoneyQuantile>,
    /// Effect of each priced fix, best first; empty when not asked for.
    pub fixes: Vec<FixSummary>,
    /// Every figure the answer rests on.
    pub inputs: Vec<InputFigure>,
    /// What the reader must know: findings, inputs that are missing or stale.
    pub notes: Vec<String>,
}

/// How a run ended that was to go on until the answer is precise enough: until
/// the 95 % interval around each function's bad night (P90) is narrow enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Precision {
    /// The widest interval that was asked for, as a share of the time itself.
    pub asked: f64,
    /// The most trials that were allowed.
    pub most: u64,
    /// Whether every function is that precise.
    pub reached: bool,
    /// The function with the widest interval.
    #[serde(default)]
    pub function: Option<Id>,
    /// How wide that is; absent when it reaches never.
    #[serde(default)]
    pub width: Option<f64>,
}

/// The name of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioName {
    /// Id, such as `ransomware`.
    pub id: String,
    /// Short name.
    pub title: String,
    /// Opening of a sentence.
    pub question: String,
    /// Modifiers applied, by id.
    #[serde(default)]
    pub with: Vec<String>,
}

/// A quantile with its 95 % interval from order statistics (distribution-free).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantile {
    /// 0.5, 0.8, 0.9 or 0.95.
    pub p: f64,
    /// The value.
    pub value: Elapsed,
    /// Lower end of the interval.
    pub low: Elapsed,
    /// Upper end of the interval.
    pub high: Elapsed,
}

/// A quantile of money, in minor units (cents).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MoneyQuantile {
    /// 0.5, 0.8, 0.9 or 0.95.
    pub p: f64,
    /// The value.
    pub value: i64,
    /// Lower end of the interval.
    pub low: i64,
    /// Upper end of the interval.
    pub high: i64,
}

/// A share of trials with its 95 % Wilson interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Chance {
    /// count / of.
    pub share: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Trials in which it held.
    pub count: u64,
    /// Trials.
    pub of: u64,
}

/// The answer for one function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionSummary {
    /// Id on the map.
    pub id: Id,
    /// Name on pages.
    pub title: String,
    /// Words under the name.
    #[serde(default)]
    pub summary: Option<String>,
    /// Lives hang on it.
    pub life_safety: bool,
    /// Its objectives.
    pub objectives: Objectives,
    /// Its stopgap.
    #[serde(default)]
    pub workaround: Option<WorkaroundSummary>,
    /// Trials in which it was touched at all.
    pub touched: Chance,
    /// Usable again: P50, P80, P90, P95.
    pub usable: Vec<Quantile>,
    /// System capacity back, without counting the stopgap: P50, P80, P90, P95.
    pub system_back: Vec<Quantile>,
    /// Fully recovered, backlog cleared: P50, P80, P90, P95.
    pub recovered: Vec<Quantile>,
    /// Chance to keep the RTO; absent when none is set.
    #[serde(default)]
    pub rto: Option<Chance>,
    /// Chance to keep the RPO.
    #[serde(default)]
    pub rpo: Option<Chance>,
    /// Chance to keep the MTD.
    #[serde(default)]
    pub mtd: Option<Chance>,
    /// Work lost: P50, P80, P90, P95; never = all of it.
    pub data_loss: Vec<Quantile>,
    /// Mean hours below the minimum capacity, of trials that recovered.
    pub mean_hours_below_minimum: f64,
    /// Mean of missing capacity integrated over time, in hours, of trials that recovered.
    pub mean_lost_hours: f64,
    /// Cost: P50, P80, P90, P95; empty for life safety and when no loss is stated.
    pub cost: Vec<MoneyQuantile>,
    /// Chance of being usable by a time, rising; at most 200 points.
    pub curve: Vec<CurvePoint>,
    /// Where the hours go, over all trials, largest first.
    pub hours: Vec<HoursShare>,
    /// The night nearest the median; absent when it was never touched.
    #[serde(default)]
    pub likely_night: Option<Night>,
    /// The night nearest P90.
    #[serde(default)]
    pub bad_night: Option<Night>,
    /// Why it was never usable again, with counts.
    #[serde(default)]
    pub never: Vec<NeverReason>,
    /// Share of the spread of its usable time that comes from figures which are
    /// our assumptions, 0 to 1, to about 0.02; absent when nothing is spread.
    #[serde(default)]
    pub spread_from_defaults: Option<f64>,
    /// Components behind it whose facts are stale or silent: the promise cannot be judged.
    #[serde(default)]
    pub stale: Vec<Id>,
    /// Why it could not be simulated, if so; then every list is empty.
    #[serde(default)]
    pub cannot: Option<String>,
}

impl FunctionSummary {
    /// The quantile of being usable again at p, if simulated.
    pub fn usable_at(&self, p: f64) -> Option<Quantile> {
        self.usable.iter().copied().find(|quantile| (quantile.p - p).abs() < 1e-9)
    }
}

/// A stopgap in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkaroundSummary {
    /// What people do.
    pub name: String,
    /// Share of normal work.
    pub capacity: f64,
    /// From the fall to its start.
    pub after: Span,
    /// How long it holds.
    pub lasts: Span,
    /// Whether its capacity reaches the function's minimum.
    pub counts_as_usable: bool,
}

/// One point of the curve "chance of being usable by t".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    /// Milliseconds since the strike.
    pub at_ms: i64,
    /// Share of trials that are usable by then.
    pub share: f64,
    /// Lower end of its band.
    pub low: f64,
    /// Upper end of its band.
    pub high: f64,
}

/// What the time of an interval is spent on; each instant of the blocking
/// chain has exactly one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Nobody has noticed yet.
    Detection,
    /// Telling, assessing and deciding.
    Declaration,
    /// Insurer or forensic hold.
    Hold,
    /// Hands-on work.
    Effort,
    /// The person is busy elsewhere.
    PersonBusy,
    /// The person is off shift.
    PersonOffShift,
    /// The person is away.
    PersonAway,
    /// A restore as long as it takes alone.
    Transfer,
    /// The extra time of a restore because a link is shared.
    LinkContention,
    /// Waiting for hardware or a licence.
    LeadTime,
    /// Waiting for a vendor.
    Vendor,
    /// Elapsed time that nobody works on.
    Wait,
    /// The outage lasts on by itself.
    Outage,
    /// Starting up.
    Start,
    /// Switching over.
    Failover,
}

impl Cause {
    /// Whether it is waiting for a person.
    pub fn is_person(self) -> bool {
        matches!(self, Self::PersonBusy | Self::PersonOffShift | Self::PersonAway)
    }

    /// Whether it is work being done.
    pub fn is_work(self) -> bool {
        matches!(self, Self::Effort | Self::Transfer | Self::Start | Self::Failover)
    }
}

/// Where part of the hours goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoursShare {
    /// What the time is spent on.
    pub cause: Cause,
    /// The person, link, vendor or component waited for or worked on.
    #[serde(default)]
    pub component: Option<Id>,
    /// The name of that component on pages (a role for a person).
    pub who: String,
    /// The step or phase, in words; empty when it sums over several.
    #[serde(default)]
    pub step: String,
    /// Sum over all trials, in milliseconds, as a decimal string.
    pub total_ms: String,
    /// Share of all hours until usable, 0 to 1.
    pub share: f64,
}

/// One trial as a chain of intervals that add up to the whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Night {
    /// Which trial.
    pub trial: u64,
    /// When it struck.
    #[schemars(with = "String")]
    pub strike: Timestamp,
    /// Until usable.
    pub usable: Elapsed,
    /// In order; each begins where the one before ends, the first at 0.
    pub segments: Vec<Segment>,
}

/// One interval of a night.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// Milliseconds since the strike.
    pub from_ms: i64,
    /// Milliseconds since the strike.
    pub to_ms: i64,
    /// What the time is spent on.
    pub cause: Cause,
    /// The person, link, vendor or component.
    #[serde(default)]
    pub component: Option<Id>,
    /// Its name on pages.
    pub who: String,
    /// The step or phase in words.
    pub step: String,
    /// How the figure behind it is known.
    pub provenance: Provenance,
}

/// The loss of one data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DatasetSummary {
    /// Id on the map.
    pub id: Id,
    /// Name on pages.
    pub title: String,
    /// The strictest RPO of the functions that need it.
    #[serde(default)]
    pub rpo: Option<Span>,
    /// Work lost: P50, P80, P90, P95; never = all of it.
    pub loss: Vec<Quantile>,
    /// Trials in which no copy was usable.
    pub all_lost: Chance,
}

/// The effect of one fix, from paired trials with the same luck.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FixSummary {
    /// Id on the map.
    pub id: Id,
    /// What is done.
    pub title: String,
    /// One-off cost in minor units.
    pub once: i64,
    /// Cost a year in minor units.
    pub yearly: i64,
    /// Own staff's days.
    pub staff_days: f64,
    /// Effect on each function.
    pub effects: Vec<FixEffect>,
    /// Mean cost saved per event in minor units, with its 95 % interval.
    pub saved: [i64; 3],
    /// Worth it if such an event comes more often than once in this many
    /// years, taking the one-off cost over five years; absent when it saves no money.
    #[serde(default)]
    pub break_even_years: Option<f64>,
    /// Why it could not be simulated, if so.
    #[serde(default)]
    pub cannot: Option<String>,
}

/// The effect of a fix on one function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FixEffect {
    /// The function.
    pub function: Id,
    /// Likely (P50) before and after.
    pub likely: [Elapsed; 2],
    /// Bad night (P90) before and after.
    pub bad_night: [Elapsed; 2],
    /// Time won on a bad night: P90 before minus P90 after in milliseconds,
    /// with the 95 % interval from resampling paired trials; absent when never is involved.
    #[serde(default)]
    pub won_ms: Option<[i64; 3]>,
    /// Chance of the RTO before and after.
    #[serde(default)]
    pub rto: Option<[f64; 2]>,
    /// Work lost on a bad night (P90) before and after.
    pub data_loss: [Elapsed; 2],
    /// The curve after the fix, as in [`FunctionSummary::curve`].
    #[serde(default)]
    pub curve: Vec<CurvePoint>,
}

/// Why a function was never usable again, in some trials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeverReason {
    /// The reason, one sentence fragment.
    pub reason: String,
    /// The component it is about.
    #[serde(default)]
    pub component: Option<Id>,
    /// In how many trials.
    pub count: u64,
}

/// One figure that the answer rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InputFigure {
    /// Key such as `dataset.erp-db.restore_speed`.
    pub key: String,
    /// The component it belongs to.
    #[serde(default)]
    pub component: Option<Id>,
    /// The heading on the Evidence page, such as `Speed of restore`.
    pub group: String,
    /// The figure in words with unit.
    pub value: String,
    /// How it is known.
    pub provenance: Provenance,
    /// Where from: which drill, which person's word, which survey and year.
    pub source: String,
}
