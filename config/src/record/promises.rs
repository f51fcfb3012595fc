//! What can be promised: the times that are kept in 80, 90 and 95 nights of 100.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::about::About;
use super::summary::{Chance, Quantile};
use crate::id::Id;
use crate::quantity::Span;

/// The answer of `promise`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Promises {
    /// Version of this document.
    pub schema_version: u32,
    /// What it is about.
    pub about: About,
    /// The fixes after which the promises of `then` could be made.
    #[serde(default)]
    pub fixes: Vec<Id>,
    /// Each function, life safety first.
    pub functions: Vec<FunctionPromise>,
    /// Warnings in words.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What can be promised for one function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionPromise {
    /// The function.
    pub function: Id,
    /// Its name on pages.
    pub title: String,
    /// Lives hang on it.
    pub life_safety: bool,
    /// The stated RTO.
    #[serde(default)]
    pub stated_rto: Option<Span>,
    /// The stated RPO.
    #[serde(default)]
    pub stated_rpo: Option<Span>,
    /// As things are.
    #[serde(default)]
    pub now: Option<Promise>,
    /// With the fixes asked for.
    #[serde(default)]
    pub then: Option<Promise>,
    /// Why it could not be simulated, if so.
    #[serde(default)]
    pub cannot: Option<String>,
}

/// What can be promised on one map, where the worst scenario counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Promise {
    /// How often the stated RTO is kept.
    #[serde(default)]
    pub rto_kept: Option<WorstChance>,
    /// How often the stated RPO is kept.
    #[serde(default)]
    pub rpo_kept: Option<WorstChance>,
    /// The RTO that is kept in 80, 90 and 95 nights of 100.
    pub rto: Vec<WorstQuantile>,
    /// The RPO that is kept in 80, 90 and 95 nights of 100; never = no promise.
    pub rpo: Vec<WorstQuantile>,
    /// The same for each scenario.
    pub scenarios: Vec<ScenarioPromise>,
}

/// A chance and the scenario in which it is lowest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorstChance {
    /// The chance.
    pub chance: Chance,
    /// The scenario.
    pub scenario: String,
}

/// A quantile and the scenario in which it is largest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorstQuantile {
    /// The quantile with its interval of order statistics.
    pub quantile: Quantile,
    /// The scenario; the first of those that are equally bad.
    pub scenario: String,
}

/// What can be promised in one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioPromise {
    /// The scenario.
    pub scenario: String,
    /// How often the stated RTO is kept.
    #[serde(default)]
    pub rto_kept: Option<Chance>,
    /// How often the stated RPO is kept.
    #[serde(default)]
    pub rpo_kept: Option<Chance>,
    /// The RTO that is kept in 80, 90 and 95 nights of 100.
    pub rto: Vec<Quantile>,
    /// The RPO that is kept in 80, 90 and 95 nights of 100.
    pub rpo: Vec<Quantile>,
}
