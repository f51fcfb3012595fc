//! A year of each function, from the nights of each event.
use std::collections::BTreeMap;

use evenkeel_config::id::Id;
use evenkeel_config::map::{DependencyMap, Details};
use evenkeel_config::record::{AnnualFunction, Band, Chance};
use libm::sqrt;

use super::rate::at_least_one;
use crate::Nights;
use crate::model::NEVER;
use crate::run::FunctionRuns;
use crate::statistics::chance;

/// The 97.5 % quantile of the standard normal law.
const Z: f64 = 1.959_963_984_540_054;
const HOUR: f64 = 3.6e6;

/// What is to be expected of one function in a year.
#[derive(Debug, Clone, Default)]
struct Expected {
    touched: Band,
    lost_hours: Band,
    below: Band,
    missed: Band,
    never: Band,
    cannot: Option<String>,
}

/// What is to be expected of every function.
pub(super) struct Functions(BTreeMap<Id, Expected>);

impl Functions {
    pub(super) fn new(map: &DependencyMap) -> Self {
        let is_function = |details: &Details| matches!(details, Details::Function(_));
        let all = map.components.iter().filter(|(_, component)| is_function(&component.details));
        Self(all.map(|(id, _)| (id.clone(), Expected::default())).collect())
    }

    /// Adds one kind of event.
    pub(super) fn add(&mut self, per_year: Band, nights: &Nights) {
        let of = nights.runs.spent.len() as u64;
        for (function, runs) in nights.model.functions.iter().zip(&nights.runs.functions) {
            let id = &nights.model.names.ids[function.node as usize];
            let Some(expected) = self.0.get_mut(id) else { continue };
            if function.cannot.is_some() {
                expected.cannot.clone_from(&function.cannot);
                continue;
            }
            let count = |late: &dyn Fn(i64) -> bool| {
                chance(runs.usable.iter().filter(|usable| late(**usable)).count() as u64, of)
            };
            add(&mut expected.touched, per_year, of_chance(chance(runs.touched, of)));
            add(&mut expected.lost_hours, per_year, lost_hours(runs));
            let below = runs.below_minimum as f64 / of as f64 / HOUR;
            add(&mut expected.below, per_year, Band { low: below, middle: below, high: below });
            if let Some(rto) = function.rto {
                add(&mut expected.missed, per_year, of_chance(count(&|usable| usable > rto)));
            }
            add(&mut expected.never, per_year, of_chance(count(&|usable| usable == NEVER)));
        }
    }

    /// The answer: life safety first.
    pub(super) fn finish(self, map: &DependencyMap) -> Vec<AnnualFunction> {
        let mut all: Vec<AnnualFunction> = self
            .0
            .into_iter()
            .filter_map(|(id, expected)| {
                let component = map.components.get(&id)?;
                let Details::Function(function) = &component.details else { return None };
                let missed = function.objectives.rto.map(|_| once(expected.missed));
                Some(AnnualFunction {
                    title: component.title(),
                    life_safety: function.life_safety,
                    objectives: function.objectives,
                    touched: expected.touched,
                    lost_hours: expected.lost_hours,
                    hours_below_minimum: expected.below,
                    rto_missed: missed,
                    never_back: once(expected.never),
                    cannot: expected.cannot,
                    id,
                })
            })
            .collect();
        all.sort_by_key(|function| !function.life_safety);
        all
    }
}

/// Adds what one event takes, as often as it happens.
fn add(total: &mut Band, per_year: Band, each: Band) {
    total.low += per_year.low * each.low;
    total.middle += per_year.middle * each.middle;
    total.high += per_year.high * each.high;
}

fn of_chance(chance: Chance) -> Band {
    Band { low: chance.low, middle: chance.share, high: chance.high }
}

/// So many expected, as the chance of at least one.
fn once(expected: Band) -> Band {
    Band {
        low: at_least_one(expected.low),
        middle: at_least_one(expected.middle),
        high: at_least_one(expected.high),
    }
}

/// Mean hours lost in an event, with its 95 % interval; a night from which the
/// function does not recover counts nothing here.
fn lost_hours(runs: &FunctionRuns) -> Band {
    let of = runs.missing.len().max(1) as f64;
    let ended = runs.missing.iter().zip(&runs.recovered).filter(|(_, back)| **back < NEVER);
    let (mut sum, mut squares) = (0_i128, 0_i128);
    for (missing, _) in ended {
        sum += i128::from(*missing);
        squares += i128::from(*missing) * i128::from(*missing);
    }
    let mean = sum as f64 / of;
    let variance = (squares as f64 / of - mean * mean).max(0.0);
    let half = Z * sqrt(variance / of);
    Band { low: (mean - half).max(0.0) / HOUR, middle: mean / HOUR, high: (mean + half) / HOUR }
}
