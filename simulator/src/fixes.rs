//! Priced fixes: the same nights on a patched map, compared trial by trial.
use evenkeel_config::id::Id;
use evenkeel_config::map::Fix;
use evenkeel_config::record::{Elapsed, FixEffect, FixSummary};

use crate::compile::{Compiled, minor};
use crate::model::Model;
use crate::paired::{mean_change, quantile_changes};
use crate::run::{FunctionRuns, Runs};
use crate::statistics::{curve, elapsed, ranks, sorted};
use crate::summary::total_costs;

/// Years over which a one-off cost is taken.
const YEARS: f64 = 5.0;

/// One side of a comparison.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its runs.
    pub runs: &'a Runs,
}

/// A fix that could not be simulated.
pub fn impossible(id: &Id, fix: &Fix, why: String) -> FixSummary {
    FixSummary {
        id: id.clone(),
        title: fix.title.clone(),
        once: minor(fix.once),
        yearly: minor(fix.yearly),
        staff_days: fix.staff_days,
        effects: Vec::new(),
        saved: [0; 3],
        break_even_years: None,
        cannot: Some(why),
    }
}

/// The effect of a fix.
pub fn compare(id: &Id, fix: &Fix, before: Side<'_>, after: Side<'_>, seed: u64) -> FixSummary {
    let saved = saved(before, after);
    let yearly = fix.once * 100.0 / YEARS + fix.yearly * 100.0;
    FixSummary {
        effects: effects(before, after, seed),
        saved,
        break_even_years: (saved[0] > 0 && yearly > 0.0).then(|| saved[0] as f64 / yearly),
        cannot: None,
        ..impossible(id, fix, String::new())
    }
}

/// Best first: most money saved, then most hours won on bad nights.
pub fn order(fixes: &mut [FixSummary]) {
    let won = |fix: &FixSummary| -> i64 {
        fix.effects.iter().filter_map(|effect| effect.won_ms).map(|won| won[0]).sum()
    };
    fixes.sort_by(|a, b| {
        b.saved[0].cmp(&a.saved[0]).then(won(b).cmp(&won(a))).then_with(|| a.id.cmp(&b.id))
    });
}

/// Compiles a fix's map, or says why it cannot be.
pub fn patched(
    compiled: Result<Compiled, evenkeel_config::problem::Problems>,
) -> Result<Model, String> {
    match compiled {
        Ok(compiled) => Ok(compiled.model),
        Err(problems) => Err(problems
            .list
            .iter()
            .map(|problem| problem.what.clone())
            .collect::<Vec<_>>()
            .join("; ")),
    }
}

/// Mean money saved in an event and its 95 % interval, from paired differences.
fn saved(before: Side<'_>, after: Side<'_>) -> [i64; 3] {
    let [before, after] = [before, after].map(|side| total_costs(side.model, side.runs));
    let change = mean_change(&before, &after).map(|mean| mean.change);
    change.map_or([0; 3], |change| [-change.value, -change.high, -change.low])
}

fn effects(before: Side<'_>, after: Side<'_>, seed: u64) -> Vec<FixEffect> {
    let mut effects = Vec::new();
    for (number, function) in before.model.functions.iter().enumerate() {
        let id = &before.model.names.ids[function.node as usize];
        let twin = after
            .model
            .functions
            .iter()
            .position(|other| after.model.names.ids[other.node as usize] == *id);
        let Some(twin) = twin else { continue };
        if function.cannot.is_some() || after.model.functions[twin].cannot.is_some() {
            continue;
        }
        let pair = [&before.runs.functions[number], &after.runs.functions[twin]];
        effects.push(effect(id, pair, function.rto, seed));
    }
    effects
}

fn effect(id: &Id, pair: [&FunctionRuns; 2], rto: Option<i64>, seed: u64) -> FixEffect {
    let [likely, bad_night] = quantile_changes(&pair[0].usable, &pair[1].usable, [0.5, 0.9], seed);
    let losses = pair.map(|runs| sorted(&runs.data_loss));
    FixEffect {
        function: id.clone(),
        likely: [likely.before, likely.after],
        bad_night: [bad_night.before, bad_night.after],
        won_ms: bad_night.change.map(|change| [-change.value, -change.high, -change.low]),
        rto: rto.map(|rto| {
            pair.map(|runs| {
                let kept = runs.usable.iter().filter(|ms| **ms <= rto).count();
                kept as f64 / runs.usable.len().max(1) as f64
            })
        }),
        data_loss: [0, 1].map(|side| {
            let values = &losses[side];
            values.get(ranks(values.len(), 0.9).0).map_or(Elapsed::Never, |ms| elapsed(*ms))
        }),
        curve: curve(&sorted(&pair[1].usable)),
    }
}
