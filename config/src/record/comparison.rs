//! Variants of a map side by side: what each makes better or worse, on the same nights.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::about::About;
use super::summary::{Chance, Elapsed};
use crate::id::Id;

/// The answer of `compare`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Version of this document.
    pub schema_version: u32,
    /// What it is about.
    pub about: About,
    /// Each variant against the map as it is, in the order asked for.
    pub variants: Vec<VariantEffect>,
    /// Warnings in words.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What one variant changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VariantEffect {
    /// Its name.
    pub name: String,
    /// The fixes that are laid over the map, in this order.
    pub fixes: Vec<Id>,
    /// What is done, fix by fix.
    pub titles: Vec<String>,
    /// One-off cost in minor units.
    pub once: i64,
    /// Cost a year in minor units.
    pub yearly: i64,
    /// Own staff's days.
    pub staff_days: f64,
    /// Each function, life safety first.
    pub functions: Vec<FunctionChange>,
    /// Mean cost of an event in minor units; absent when no loss is stated.
    #[serde(default)]
    pub cost: Option<MeanChange>,
    /// Mean hours lost in an event over all functions, in milliseconds.
    pub lost_hours: Option<MeanChange>,
    /// What it adds, in words, when it adds means and takes nothing away;
    /// else empty.
    #[serde(default)]
    pub only_adds: Vec<String>,
    /// Functions that come back later in some nights although the variant only
    /// adds means: Graham's anomaly of greedy dispatch.
    #[serde(default)]
    pub reversals: Vec<Reversal>,
    /// How that comes, in words.
    #[serde(default)]
    pub why_later: Option<String>,
    /// What gets better, in a sentence for each function.
    pub better: Vec<String>,
    /// What gets worse, in a sentence for each function.
    pub worse: Vec<String>,
    /// Warnings in words, such as two fixes that change the same key.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Why it could not be simulated, if so.
    #[serde(default)]
    pub cannot: Option<String>,
}

/// What a variant changes for one function. Changes are after minus before, so
/// that less than zero is sooner, cheaper, less lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionChange {
    /// The function.
    pub function: Id,
    /// Its name on pages.
    pub title: String,
    /// Lives hang on it.
    pub life_safety: bool,
    /// Usable again, likely (P50).
    pub likely: TimeChange,
    /// Usable again on a bad night (P90).
    pub bad_night: TimeChange,
    /// Mean time until usable, of the nights that end on both sides.
    #[serde(default)]
    pub mean: Option<MeanChange>,
    /// Nights that kept the RTO; absent when none is set.
    #[serde(default)]
    pub rto: Option<ChanceChange>,
    /// Nights that kept the RPO.
    #[serde(default)]
    pub rpo: Option<ChanceChange>,
    /// Nights that kept the MTD.
    #[serde(default)]
    pub mtd: Option<ChanceChange>,
    /// Nights in which it comes back at all.
    pub back: ChanceChange,
    /// Work lost on a bad night (P90); never = all of it.
    pub data_loss: TimeChange,
    /// Missing capacity over time, mean, in milliseconds; a night without an
    /// end counts up to the horizon.
    pub lost_hours: MeanChange,
    /// Mean cost in minor units; absent for life safety and without a loss.
    #[serde(default)]
    pub cost: Option<MeanChange>,
    /// Nights in which it is usable more than a minute sooner.
    pub sooner: Chance,
    /// Nights in which it is usable more than a minute later.
    pub later: Chance,
}

/// A difference, after minus before, with its 95 % interval from paired nights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// After minus before.
    pub value: i64,
    /// Lower end.
    pub low: i64,
    /// Upper end.
    pub high: i64,
}

impl Change {
    /// Whether the whole interval lies below zero.
    pub fn falls(self) -> bool {
        self.high < 0
    }

    /// Whether the whole interval lies above zero.
    pub fn rises(self) -> bool {
        self.low > 0
    }
}

/// A quantile before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeChange {
    /// On the map as it is.
    pub before: Elapsed,
    /// With the variant.
    pub after: Elapsed,
    /// The difference in milliseconds, its interval from resampling pairs of
    /// nights; absent where never is involved.
    #[serde(default)]
    pub change: Option<Change>,
}

/// A mean before and after, and the mean of the paired differences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MeanChange {
    /// On the map as it is.
    pub before: i64,
    /// With the variant.
    pub after: i64,
    /// The difference.
    pub change: Change,
    /// Pairs of nights it is taken from.
    pub nights: u64,
    /// How many times as many nights two separate runs would need for an
    /// interval as narrow; absent when nothing differs.
    #[serde(default)]
    pub sharper: Option<f64>,
}

/// A chance before and after.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChanceChange {
    /// On the map as it is.
    pub before: Chance,
    /// With the variant.
    pub after: Chance,
    /// The difference of the shares with its 95 % interval: value, low, high.
    pub change: [f64; 3],
    /// Nights in which it is kept only with the variant.
    pub gained: u64,
    /// Nights in which it is kept only without.
    pub lost: u64,
}

/// A function that comes back later in some nights though means were only added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reversal {
    /// The function.
    pub function: Id,
    /// In which share of the nights.
    pub later: Chance,
    /// By how much in these nights on average, in milliseconds; absent when it
    /// never comes back in any of them.
    #[serde(default)]
    pub mean_ms: Option<i64>,
    /// By how much at most; never = it comes back only without the variant.
    pub most: Elapsed,
    /// The same in a sentence fragment.
    pub words: String,
}
