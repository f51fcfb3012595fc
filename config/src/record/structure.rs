//! The answer of `structure`: what each function hangs on, counted exactly.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Id;

/// What a map says about each function before anything happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Structure {
    /// See [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the simulator.
    pub engine_version: String,
    /// Digest of the map.
    pub inputs_digest: String,
    /// Whose map.
    pub organisation: String,
    /// Hours of a year, in which hours down are given.
    pub hours_a_year: f64,
    /// The most failures at a time that were looked at.
    pub order: u32,
    /// The functions asked for: life safety first, then by id.
    pub functions: Vec<FunctionStructure>,
    /// Components that need each other to be brought back, none of which has a
    /// step marked `break_glass`.
    pub recovery_cycles: Vec<Vec<Named>>,
    /// Components that need each other to run: after everything went down none
    /// of them starts first.
    pub run_cycles: Vec<Vec<Named>>,
    /// Components needed by a function asked for that state neither
    /// `availability` nor `mtbf` and `mttr`: they count as always up.
    pub unstated: Vec<Named>,
    /// What was left out of the figures, in words.
    pub notes: Vec<String>,
}

/// A component with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// Its id.
    pub id: Id,
    /// Its name, or the role of a person where names are not shown.
    pub title: String,
}

/// One function: how often it is down, and because of what.
///
/// A function is up when it carries at least its `minimum`. Figures are of the
/// long run: every component fails and is repaired by itself, over and over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionStructure {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub title: String,
    /// Whether lives hang on it.
    pub life_safety: bool,
    /// Share of normal work from which it counts as up.
    pub minimum: f64,
    /// How many components it needs, directly or through others.
    pub needs: usize,
    /// How many of them state how often they fail.
    pub stated: usize,
    /// What takes it down alone.
    pub single_points: Vec<Part>,
    /// People and outside parties without whom something that it needs cannot
    /// be brought back.
    pub single_persons: Vec<SinglePerson>,
    /// Why there are no figures, if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cannot: Option<String>,
    /// The figures; absent when the needs are too entangled to be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<StructureFigures>,
}

/// How often a function is down, by which combinations, and what each part matters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StructureFigures {
    /// Share of time in which it is up.
    pub availability: f64,
    /// Share of time in which it is down; precise where `availability` is
    /// close to 1.
    pub unavailability: f64,
    /// Expected hours down in a year.
    pub hours_down: f64,
    /// Expected hours in a year below full capacity, down or not, where less
    /// than all counts as up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours_reduced: Option<f64>,
    /// The least number of failures at one time that takes it down; absent
    /// when none can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fewest_failures: Option<u32>,
    /// Every smallest combination of failures that takes it down, to the order
    /// asked for: by number of failures, then the likeliest first.
    pub cut_sets: Vec<CutSet>,
    /// From this order on there are too many combinations to list, and
    /// `cut_sets` holds those of lower orders alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub too_many_of_order: Option<u32>,
    /// The Fussell-Vesely importance of some parts was too much to be counted
    /// and is absent there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fussell_vesely_refused: bool,
    /// What each part matters; the greatest share of the downtime first, then
    /// the greatest Birnbaum importance.
    pub importance: Vec<Importance>,
}

/// What can fail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Failing {
    /// A component, by itself.
    Component(Id),
    /// All members of a group with a common cause, at once.
    CommonCause(String),
}

/// Something that can fail, with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// What it is.
    #[serde(flatten)]
    pub failing: Failing,
    /// Its name.
    pub title: String,
}

/// Failures that together take a function down, none of which can be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CutSet {
    /// What fails.
    pub parts: Vec<Part>,
    /// Chance that all of them are down at some instant.
    pub chance: f64,
}

/// What one part matters to one function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Importance {
    /// The part.
    #[serde(flatten)]
    pub part: Part,
    /// Share of time in which it is down by itself.
    pub unavailability: f64,
    /// Birnbaum importance: the chance that the function is up if this part is
    /// and down if it is not.
    pub birnbaum: f64,
    /// Criticality: the chance that this part is the one that keeps it down,
    /// given that the function is down. Absent when it never is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<f64>,
    /// Fussell-Vesely importance: the chance that all of some smallest
    /// combination with this part is down, given that the function is down.
    /// Absent when it never is, or when it was too much to be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fussell_vesely: Option<f64>,
    /// Risk achievement worth: so many times the downtime if the part never
    /// worked. Absent when the function is never down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<f64>,
    /// Risk reduction worth: the downtime divided by what it would be if the
    /// part never failed. Absent when it would be nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rrw: Option<f64>,
}

/// Somebody whom recovery cannot do without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SinglePerson {
    /// The person, the team of one, or the outside party.
    #[serde(flatten)]
    pub who: Named,
    /// Whether it is an outside party.
    pub vendor: bool,
    /// What nobody else can do.
    pub steps: Vec<SingleStep>,
}

/// A recovery step that only one can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SingleStep {
    /// What it brings back.
    pub component: Named,
    /// What is done.
    pub step: String,
}
