//! How much of the spread of an answer comes from our assumptions: the same nights with all other luck drawn anew.
//!
//! Two runs share the draws that rest on a default figure and nothing else. The
//! correlation of their times is the share of the variance that those draws
//! explain by themselves, the first-order index of Sobol (1993) in the
//! pick-freeze form. Ranks take the place of times, so that a night without end
//! weighs no more than a late one.
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::InputFigure;

use crate::key::Purpose;
use crate::model::{Draw, Model};
use crate::run;
use crate::tally::Gathered;

/// Trials that the estimate rests on: its standard error is then about 2 of 100.
const TRIALS: u64 = 2_000;

/// By function the share of the spread of its usable time that comes from
/// default figures, 0 to 1; absent where there is no spread.
pub(crate) fn from_defaults(
    model: &Model,
    figures: &[InputFigure],
    seed: u64,
    results: &Gathered,
) -> Vec<Option<f64>> {
    let trials = results.trials().min(TRIALS);
    // The first nights are known where they are kept one by one.
    let ran = match results.kept() {
        Some(_) => None,
        None => Some(run::run(model, seed, trials, &|_| {})),
    };
    let Some(once) = ran.as_ref().or(results.kept()) else { return Vec::new() };
    let mut other = model.clone();
    redraw_the_rest(&mut other, figures);
    let again = run::run(&other, seed, trials, &|_| {});
    let pairs = once.functions.iter().zip(&again.functions);
    let first = |runs: &run::FunctionRuns| runs.usable[..trials as usize].to_vec();
    pairs.map(|(one, other)| correlation(&first(one), &other.usable)).collect()
}

/// Gives everything that rests on no default figure another key, and so other luck.
fn redraw_the_rest(model: &mut Model, figures: &[InputFigure]) {
    let default = |key: &str| {
        figures.iter().any(|figure| figure.provenance == Provenance::Default && figure.key == key)
    };
    let anew = |purpose: &mut Purpose| *purpose = purpose.other();
    let draw = |draw: &mut Option<Draw>, keep: bool| {
        if let (Some(draw), false) = (draw, keep) {
            draw.purpose = draw.purpose.other();
        }
    };
    for node in &mut model.nodes {
        draw(&mut node.start, false);
        if let Some(failover) = &mut node.failover {
            anew(&mut failover.purpose);
        }
    }
    for step in &mut model.steps {
        let keep = step.provenance == Provenance::Default;
        for law in
            [&mut step.effort, &mut step.wait, &mut step.lead, &mut step.order, &mut step.reentry]
        {
            draw(law, keep);
        }
        if !keep {
            anew(&mut step.success_key);
        }
    }
    for person in &mut model.people {
        anew(&mut person.away_key);
        if person.away_for.is_some() {
            anew(&mut person.days_key);
        }
        draw(&mut person.away_for, false);
    }
    for vendor in &mut model.vendors {
        draw(&mut vendor.response, false);
    }
    for pool in &mut model.pools {
        if let Some(demand) = &mut pool.demand {
            anew(&mut demand.gap.purpose);
            anew(&mut demand.lead.purpose);
        }
    }
    let mut keeps_speed = vec![false; model.copies.len()];
    for (copy, keeps_speed) in model.copies.iter_mut().zip(&mut keeps_speed) {
        let id = &model.names.ids[copy.node as usize];
        *keeps_speed = default(&format!("copy.{id}.restore_speed"));
        draw(&mut copy.overhead, false);
        if !default(&format!("copy.{id}.restore_success")) {
            anew(&mut copy.chance_key);
            anew(&mut copy.works_key);
        }
    }
    for dataset in &mut model.datasets {
        draw(&mut dataset.reinfection, false);
        for chain in &mut dataset.chains {
            anew(&mut chain.job_key);
            anew(&mut chain.phase_key);
            anew(&mut chain.damage_key);
            if !keeps_speed[chain.copy as usize] {
                anew(&mut chain.speed_key);
            }
        }
    }
    for strike in &mut model.strikes {
        for target in &mut strike.targets {
            anew(&mut target.hit_key);
            anew(&mut target.lasts_key);
        }
        strike.together.iter_mut().for_each(anew);
        draw(&mut strike.after, false);
        for (_, _, open, hop) in strike.spread.iter_mut().flat_map(|spread| &mut spread.edges) {
            anew(open);
            anew(hop);
        }
    }
    anew(&mut model.start_key);
    anew(&mut model.bad_day_key);
    draw(&mut model.dwell, default("scenario.dwell"));
}

/// Spearman's correlation of ranks, not below 0; absent where all are equal.
fn correlation(one: &[i64], other: &[i64]) -> Option<f64> {
    let (one, other) = (ranks(one), ranks(other));
    let middle = (one.len() as f64 + 1.0) / 2.0;
    let sum = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum()
    };
    let (first, second) = (sum(&one, &one), sum(&other, &other));
    let spread = libm::sqrt(first) * libm::sqrt(second);
    (spread > 0.0).then(|| (sum(&one, &other) / spread).clamp(0.0, 1.0))
}

/// Ranks from 1; equal values share the middle of theirs.
fn ranks(values: &[i64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = |value: &i64| {
        let below = sorted.partition_point(|other| other < value);
        let through = sorted.partition_point(|other| other <= value);
        (below + through + 1) as f64 / 2.0
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_is_that_of_ranks() {
        let rising: Vec<i64> = (0..100).map(|k| k * k).collect();
        let falling: Vec<i64> = rising.iter().map(|k| -k).collect();
        assert_eq!(correlation(&rising, &rising), Some(1.0));
        assert_eq!(correlation(&rising, &falling), Some(0.0));
        assert_eq!(correlation(&[7; 9], &[7; 9]), None);
        assert_eq!(ranks(&[5, 1, 5, i64::MAX]), [2.5, 1.0, 2.5, 4.0]);
    }
}
