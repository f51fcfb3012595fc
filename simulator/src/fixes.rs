//! Priced fixes: the same nights on a patched map, compared trial by trial.
use evenkeel_config::id::Id;
use evenkeel_config::map::Fix;
use evenkeel_config::record::{Elapsed, FixEffect, FixSummary};

use crate::compile::{Compiled, minor};
use crate::key::{Luck, Purposes};
use crate::model::{Model, NEVER};
use crate::run::{FunctionRuns, Runs};
use crate::statistics::{curve, elapsed, ranks, sorted};
use crate::summary::total_costs;

/// Resamples for the interval of a difference of quantiles.
const RESAMPLES: u32 = 200;
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
    let before = total_costs(before.model, before.runs);
    let after = total_costs(after.model, after.runs);
    let n = before.len().max(1) as i128;
    let (mut sum, mut squares) = (0_i128, 0.0);
    for (before, after) in before.iter().zip(&after) {
        sum += i128::from(before - after);
    }
    let mean = sum / n;
    for (before, after) in before.iter().zip(&after) {
        let gap = (i128::from(before - after) - mean) as f64;
        squares += gap * gap;
    }
    let error = libm::sqrt(squares / n as f64 / n as f64) * 1.959_963_984_540_054;
    let mean = i64::try_from(mean).unwrap_or(i64::MAX);
    let half = libm::rint(error) as i64;
    [mean, mean.saturating_sub(half), mean.saturating_add(half)]
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
    let usable = pair.map(|runs| sorted(&runs.usable));
    let at = |values: &[Vec<i64>; 2], p: f64| -> [Elapsed; 2] {
        [0, 1].map(|side| {
            let values = &values[side];
            values.get(ranks(values.len(), p).0).map_or(Elapsed::Never, |ms| elapsed(*ms))
        })
    };
    let losses = pair.map(|runs| sorted(&runs.data_loss));
    FixEffect {
        function: id.clone(),
        likely: at(&usable, 0.5),
        bad_night: at(&usable, 0.9),
        won_ms: won(pair.map(|runs| runs.usable.as_slice()), &usable, seed),
        rto: rto.map(|rto| {
            [0, 1].map(|side| {
                let values = &usable[side];
                values.partition_point(|ms| *ms <= rto) as f64 / values.len().max(1) as f64
            })
        }),
        data_loss: at(&losses, 0.9),
        curve: curve(&usable[1]),
    }
}

/// P90 before less P90 after, with the 95 % interval from resampled pairs.
fn won(pair: [&[i64]; 2], sorted: &[Vec<i64>; 2], seed: u64) -> Option<[i64; 3]> {
    let n = pair[0].len();
    let rank = ranks(n, 0.9).0;
    let value = [0, 1].map(|side| sorted[side].get(rank).copied().unwrap_or(NEVER));
    if value.contains(&NEVER) || n != pair[1].len() {
        return None;
    }
    let point = value[0] - value[1];
    if pair[0] == pair[1] {
        return Some([0; 3]);
    }
    let places = [0, 1].map(|side| places(pair[side], &sorted[side]));
    let purpose = Purposes::default().of("", "fixes", "resample");
    let gaps: Option<Vec<i64>> = (0..RESAMPLES)
        .map(|round| {
            let mut counts = [vec![0_u32; n], vec![0_u32; n]];
            let mut state = Luck::new(seed, round).bits(purpose, 0);
            for _ in 0..n {
                // A splitmix step: enough for picking rows.
                state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut z = state;
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                let row = ((u128::from(z ^ (z >> 31)) * n as u128) >> 64) as usize;
                counts[0][places[0][row] as usize] += 1;
                counts[1][places[1][row] as usize] += 1;
            }
            let at = [0, 1].map(|side| walk(&counts[side], rank, &sorted[side]));
            (!at.contains(&NEVER)).then(|| at[0] - at[1])
        })
        .collect();
    // An interval that reaches never is no interval.
    let mut gaps = gaps?;
    gaps.sort_unstable();
    let edge = (RESAMPLES as usize) / 40;
    let (low, high) = (gaps[edge], gaps[RESAMPLES as usize - 1 - edge]);
    Some([point, low.min(point), high.max(point)])
}

/// The rank of each trial among the sorted values.
fn places(values: &[i64], sorted: &[i64]) -> Vec<u32> {
    values.iter().map(|value| sorted.partition_point(|other| other < value) as u32).collect()
}

/// The value at a rank of a resample given by how often each rank was drawn.
fn walk(counts: &[u32], rank: usize, sorted: &[i64]) -> i64 {
    // From above: the rank lies in the upper part.
    let mut above = counts.len() - rank;
    for (place, count) in counts.iter().enumerate().rev() {
        let count = *count as usize;
        if count >= above {
            return sorted[place];
        }
        above -= count;
    }
    0
}
