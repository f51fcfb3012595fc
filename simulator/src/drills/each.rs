//! What would move the promise of each function by itself, from one look at every drill.
use std::collections::BTreeSet;

use evenkeel_config::problem::Problems;
use evenkeel_config::record::{DrillPlan, DrillValue, SCHEMA_VERSION};

use super::candidates::Candidate;
use super::{Base, Effect, PROMISE, View, asked, millionths, rank, search};
use crate::draw::Tables;
use crate::run::run;
use crate::sides::about;
use crate::{Job, in_pool, run_nights};

/// Nights of the first look at every candidate: enough to tell which matter.
const FIRST_LOOK: u64 = 300;

/// The `top` most telling drills and measurements of every function, the functions
/// in the order of the map; each drill is simulated once for all functions.
/// `progress` hears (nights done, nights in all), from any thread.
///
/// # Errors
/// See [`crate::simulate`].
pub fn drill_next_each(
    job: &Job<'_>,
    top: usize,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<DrillPlan, Problems> {
    in_pool(job, || {
        let mut tables = Tables::default();
        let nights = run_nights(job, None, &mut tables, &|done| progress(done, 4 * job.trials))?;
        let functions = asked(&nights.model, None)?;
        let candidates = search(job, &nights, &functions).candidates();
        let considered = candidates.len() as u64;
        let first = job.trials.min(FIRST_LOOK);
        let runs = run(&nights.model, job.seed, first, &|_| {});
        let quick =
            Base { job, nights: &nights, runs: &runs, functions: &functions, trials: first };
        let looked: Vec<Vec<Effect>> = candidates
            .iter()
            .map(|one| quick.effects(one, &quick.after(one, &mut tables, &|_| {})))
            .collect();
        let chosen = most_telling(&looked, functions.len(), top);
        let base = Base {
            job,
            nights: &nights,
            runs: &nights.runs,
            functions: &functions,
            trials: job.trials,
        };
        let whole: Vec<(&Candidate, Vec<Vec<View>>)> = chosen
            .into_iter()
            .map(|at| (&candidates[at], base.after(&candidates[at], &mut tables, &|_| {})))
            .collect();
        let mut drills = Vec::new();
        for place in 0..functions.len() {
            let of_it = whole.iter().map(|(candidate, after)| {
                base.told(candidate, after, &base.effects(candidate, after)[place], Vec::new())
            });
            let mut of_it: Vec<DrillValue> =
                of_it.filter(|drill| drill.decides || rank(drill) > (0, 0)).collect();
            of_it.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.what.cmp(&b.what)));
            of_it.truncate(top);
            drills.extend(of_it);
        }
        progress(4 * job.trials, 4 * job.trials);
        Ok(DrillPlan {
            schema_version: SCHEMA_VERSION,
            about: about(std::slice::from_ref(job), nights.as_of, nights.model.horizon),
            promise_at: PROMISE,
            drills,
            considered,
            notes: nights.notes.clone(),
        })
    })
}

/// The candidates that are among the `top` of any function.
fn most_telling(looked: &[Vec<Effect>], functions: usize, top: usize) -> BTreeSet<usize> {
    let mut chosen = BTreeSet::new();
    for place in 0..functions {
        let key = |at: usize| {
            let effect = &looked[at][place];
            (effect.change, millionths(effect.chance))
        };
        let mut moved: Vec<usize> = (0..looked.len()).filter(|at| key(*at) > (0, 0)).collect();
        moved.sort_by_key(|at| std::cmp::Reverse(key(*at)));
        chosen.extend(moved.into_iter().take(top));
    }
    chosen
}
