//! How often something happens, and what it costs where nothing has to be recovered.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::Span;

/// How often something happens in a year: always a range, and where it comes
/// from. Nothing is assumed where nothing is stated.
///
/// ```toml
/// frequency = { per_year = [0.01, 0.1], source = "UK survey 2025" }
/// # believed beforehand with the weight of so many years, and what was seen since:
/// frequency = { prior = { per_year = 0.1, weight = "5y" }, seen = { events = 1, during = "3y" }, source = "our log" }
/// # from the figures of what is struck, and where they state none, this:
/// frequency = { components = true, per_year = [0.05, 0.2], source = "our assumption" }
/// # by age (Weibull; a component with `bought`), for so many alike parts:
/// fails = { wear = { shape = 2, scale = "8y" }, count = 2, source = "our assumption" }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Frequency {
    /// In a scenario: as often as the struck components fail by their own `fails`
    /// or `mtbf`. `wear` then is for those that state neither but were `bought`;
    /// what else is stated counts only where no component tells.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub components: bool,
    /// Events a year, from and to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_year: Option<[f64; 2]>,
    /// What is believed before anything was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prior: Option<Belief>,
    /// What was seen since, with `prior`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenEvents>,
    /// Failure by age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wear: Option<Wear>,
    /// How many alike parts each fail so often; 1 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub count: Option<u32>,
    /// Where the figures come from, with year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A rate believed beforehand: a gamma law of so many events in so many years.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Belief {
    /// Events a year.
    pub per_year: f64,
    /// How much that belief weighs, as a time of watching.
    pub weight: Span,
}

/// Events that were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenEvents {
    /// How many.
    pub events: u32,
    /// In how long.
    pub during: Span,
}

/// Failure by age: a Weibull law of the age at which one fails.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wear {
    /// Above 1: the older, the likelier.
    #[schemars(range(min = 0.1, max = 50.0))]
    pub shape: f64,
    /// The age that 63 of 100 do not reach.
    pub scale: Span,
}

/// More events a year than this are no events but a way of life.
const MOST: f64 = 1000.0;

impl Frequency {
    /// What makes no sense: the key below, what is wrong, and what to write.
    pub(crate) fn faults(&self) -> Vec<(&'static str, String, &'static str)> {
        let mut faults = Vec::new();
        let forms = [self.per_year.is_some(), self.prior.is_some(), self.wear.is_some()];
        let forms = forms.into_iter().filter(|given| *given).count();
        if forms > 1 || forms == 0 && !self.components {
            faults.push((
                "",
                "how often is stated not at all, or twice".to_owned(),
                "give exactly one of `per_year = [0.01, 0.1]`, `prior = { per_year = 0.1, weight = \
                 \"5y\" }` or `wear = { shape = 2, scale = \"8y\" }`",
            ));
        }
        let right = |rate: f64| (0.0..=MOST).contains(&rate);
        if let Some([low, high]) = self.per_year
            && !(right(low) && right(high) && low <= high && high > 0.0)
        {
            let what = format!("{low} to {high} is no range of events a year");
            faults.push((
                "per_year",
                what,
                "the two rise and lie between 0 and 1000, as in `[0.01, 0.1]`",
            ));
        }
        if let Some(prior) = self.prior
            && !(right(prior.per_year) && prior.per_year > 0.0 && prior.weight > Span::ZERO)
        {
            faults.push((
                "prior",
                "a belief without a rate or without weight says nothing".to_owned(),
                "as in `prior = { per_year = 0.1, weight = \"5y\" }`",
            ));
        }
        if self.seen.is_some() && self.prior.is_none() {
            faults.push((
                "seen",
                "what was seen needs what was believed before".to_owned(),
                "add `prior = { per_year = 0.1, weight = \"5y\" }`",
            ));
        }
        if self.seen.is_some_and(|seen| seen.during == Span::ZERO) {
            faults.push((
                "seen.during",
                "events were seen in no time".to_owned(),
                "write how long somebody kept count, as in `during = \"3y\"`",
            ));
        }
        if self.wear.is_some_and(|wear| wear.scale < Span::from_hours(24)) {
            faults.push((
                "wear.scale",
                "everything would fail on its first day".to_owned(),
                "write an age, as in `scale = \"8y\"`",
            ));
        }
        faults
    }
}

/// A sum of money that an event costs by itself, in the organisation's currency.
///
/// ```toml
/// loss = { lognormal = [[0.05, 10000], [0.95, 500000]], at_most = 2000000 }
/// loss = { fixed = 5000 }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MoneyLaw {
    /// Always the same sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub fixed: Option<f64>,
    /// Lognormal by two quantiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lognormal: Option<[(f64, f64); 2]>,
    /// More than this cannot be lost: what is insured, owned or owed. Published
    /// laws of cyber losses have tails that no small office could pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub at_most: Option<f64>,
}

/// The largest sum of money that is accepted: what fits a cent's worth exactly.
const MOST_MONEY: f64 = 1e12;

impl MoneyLaw {
    /// What makes no sense: what is wrong, and what to write.
    pub(crate) fn fault(&self) -> Option<(&'static str, &'static str)> {
        const EXAMPLE: &str = "as in `loss = { lognormal = [[0.05, 10000], [0.95, 500000]] }` or \
                               `loss = { fixed = 5000 }`";
        if self.fixed.is_some() == self.lognormal.is_some() {
            return Some(("the loss needs exactly one of `fixed` and `lognormal`", EXAMPLE));
        }
        let sum = |sum: f64| (0.0..=MOST_MONEY).contains(&sum);
        if self.fixed.is_some_and(|fixed| !sum(fixed))
            || self.at_most.is_some_and(|most| !sum(most))
        {
            return Some(("the sum lies outside of what can be counted", EXAMPLE));
        }
        let [(p, low), (q, high)] = self.lognormal?;
        if !(0.0 < p && p < q && q < 1.0) {
            return Some(("the two shares of the loss must rise between 0 and 1", EXAMPLE));
        }
        if !(1.0 <= low && low < high && high <= MOST_MONEY) {
            return Some(("the two sums of the loss must be at least 1 and rise", EXAMPLE));
        }
        None
    }
}
