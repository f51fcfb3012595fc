//! Which fixes together are worth most under a budget.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::about::About;
use crate::id::Id;

/// The answer of `optimise`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Portfolio {
    /// Version of this document.
    pub schema_version: u32,
    /// What it is about.
    pub about: About,
    /// Weight of each scenario, in the order of `about.scenarios`.
    pub weights: Vec<f64>,
    /// Where the weights come from.
    #[serde(default)]
    pub weights_from: WeightsFrom,
    /// What is made as large as possible.
    pub objective: Objective,
    /// What values are counted over.
    pub per: Per,
    /// Years over which a fix is paid: its one-off cost and so many yearly ones.
    pub years: f64,
    /// The most that may be spent over these years, in minor units.
    #[serde(default)]
    pub budget: Option<i64>,
    /// The most days that own staff can give.
    #[serde(default)]
    pub staff_days: Option<f64>,
    /// How it was searched.
    pub method: SearchMethod,
    /// Each fix alone, best first.
    pub fixes: Vec<FixWorth>,
    /// The best set within budget and staff days.
    pub best: SetWorth,
    /// What each fix adds to the others of the best set, most first.
    pub parts: Vec<Contribution>,
    /// What taking fixes one by one, most value for money first, would give.
    pub one_by_one: SetWorth,
    /// The most value at each cost, cheapest first; staff days are kept, the
    /// budget is not.
    pub frontier: Vec<SetWorth>,
    /// In how many resamples of the nights which set wins.
    pub stability: Stability,
    /// Sets that would be worth more and are not proposed.
    #[serde(default)]
    pub set_aside: Vec<SetAside>,
    /// Warnings in words.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What a portfolio is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Mean cost saved, in minor units.
    Money,
    /// Mean lost hours won, over all functions.
    Hours,
    /// Mean number of RTOs kept that were not kept before.
    Rto,
}

/// Where the weights of scenarios come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WeightsFrom {
    /// Nobody says how often: all are equally likely.
    #[default]
    Equal,
    /// Given with the question.
    Given,
    /// Each scenario's `frequency`, the middle of its range.
    Frequency,
}

/// What values are counted over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// One event; several scenarios without weights are equally likely.
    Event,
    /// A year: the weights are events a year.
    Year,
}

/// How the best set was searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchMethod {
    /// Which way.
    pub search: Search,
    /// Sets of fixes that were simulated.
    pub simulated: u64,
    /// Sets that keep budget and staff days, where they were counted.
    #[serde(default)]
    pub affordable: Option<u64>,
    /// The same in words, with what it assumes.
    pub words: String,
}

/// Ways to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// Every affordable set was simulated.
    Every,
    /// Sets were simulated until no other could be better by what singles and
    /// pairs allow.
    Bounded,
    /// Fixes were added and swapped as long as that helped.
    Greedy,
}

/// One fix alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FixWorth {
    /// Id on the map.
    pub id: Id,
    /// What is done.
    pub title: String,
    /// One-off cost in minor units.
    pub once: i64,
    /// Cost a year in minor units.
    pub yearly: i64,
    /// Alone.
    pub alone: SetWorth,
    /// Why it can be in no set, if so.
    #[serde(default)]
    pub cannot: Option<String>,
}

/// A set of fixes and what it is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetWorth {
    /// The fixes.
    pub fixes: Vec<Id>,
    /// Cost over the years asked for, in minor units.
    pub cost: i64,
    /// Own staff's days.
    pub staff_days: f64,
    /// Simulated value of the set with its 95 % interval, in the objective's unit.
    pub value: [f64; 3],
    /// The values of its fixes alone, added up: more than `value` where they overlap.
    pub sum_of_singles: f64,
    /// Mean cost saved in one event, in minor units.
    pub saved: f64,
    /// Pays for itself if such an event comes more often than once in this
    /// many years; absent when it saves no money or costs none.
    #[serde(default)]
    pub break_even_years: Option<f64>,
}

/// One fix of the best set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contribution {
    /// The fix.
    pub fix: Id,
    /// What the set would lose without it, in the objective's unit.
    pub adds: f64,
    /// What it adds pays for it if such an event comes more often than once in
    /// this many years; absent when it saves no money or costs none.
    #[serde(default)]
    pub break_even_years: Option<f64>,
}

/// How sure the choice is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stability {
    /// How often the nights were resampled.
    pub resamples: u32,
    /// Sets that won at least once, most often first.
    pub winners: Vec<Winner>,
}

/// A set that won.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Winner {
    /// The fixes.
    pub fixes: Vec<Id>,
    /// In how many resamples.
    pub wins: u32,
}

/// A set that is not proposed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetAside {
    /// The fixes.
    pub fixes: Vec<Id>,
    /// What it would be worth.
    pub value: f64,
    /// Why it is not proposed.
    pub why: String,
}
