//! The value of one more drill: by how much its outcome could move a promise.
//!
//! Preposterior analysis: for a restore drill the two outcomes have their
//! predictive chances under the Beta law of the repository, and the nights are
//! simulated again, with the same luck, under the law after each. A measured
//! speed, time or absence is taken to be known afterwards, so its value is an
//! upper bound (the expected value of perfect information about it).
mod candidates;
mod each;
mod table;

use evenkeel_config::id::Id;
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::record::{DrillEffect, DrillOutcome, DrillPlan, DrillValue, SCHEMA_VERSION};

pub use each::drill_next_each;
pub(crate) use table::render;

use crate::draw::Tables;
use crate::model::{Model, NEVER};
use crate::run::{Runs, run};
use crate::sides::about;
use crate::statistics::{elapsed, ranks, sorted};
use crate::{Job, Nights, in_pool, run_nights};
use candidates::{Candidate, Search};

/// The share of nights in which a promise is to be kept.
const PROMISE: f64 = 0.9;
/// Nights of the first look at every candidate.
const FIRST_LOOK: u64 = 1_000;
/// Candidates that pass it for each one that is asked for.
const PASS: usize = 2;
/// A promise that moves by less, in milliseconds, is not moved.
const LEAST: i64 = 60_000;
/// Nor is a chance of the RTO that moves by less, in millionths.
const LEAST_CHANCE: i64 = 10_000;

/// The `top` most telling drills for one function, or for all of them.
/// `progress` hears (nights done, nights in all), from any thread.
///
/// # Errors
/// See [`crate::simulate`]; no such function.
pub fn drill_next(
    job: &Job<'_>,
    function: Option<&Id>,
    top: usize,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<DrillPlan, Problems> {
    in_pool(job, || {
        let mut tables = Tables::default();
        let nights = run_nights(job, None, &mut tables, &|done| progress(done, 4 * job.trials))?;
        let functions = asked(&nights.model, function)?;
        let search = search(job, &nights, &functions);
        let mut candidates = search.candidates();
        let considered = candidates.len() as u64;
        let first = job.trials.min(FIRST_LOOK);
        let work = |list: &[Candidate], trials: u64| {
            list.iter().map(|candidate| candidate.outcomes.len() as u64 * trials).sum::<u64>()
        };
        let pass = top.saturating_mul(PASS).max(1);
        let mut done = job.trials;
        if candidates.len() > pass && first < job.trials {
            let of = job.trials + first + work(&candidates, first) + pass as u64 * 3 * job.trials;
            let runs = run(&nights.model, job.seed, first, &|_| {});
            let base =
                Base { job, nights: &nights, runs: &runs, functions: &functions, trials: first };
            let mut looked: Vec<((i64, i64), Candidate)> = candidates
                .into_iter()
                .map(|candidate| {
                    let value =
                        base.value(&candidate, &mut tables, &|more| progress(done + more, of));
                    done += candidate.outcomes.len() as u64 * first;
                    (value.as_ref().map_or((0, 0), rank), candidate)
                })
                .collect();
            looked.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
            candidates = looked.into_iter().take(pass).map(|(_, candidate)| candidate).collect();
        }
        let of = done + work(&candidates, job.trials);
        let base = Base {
            job,
            nights: &nights,
            runs: &nights.runs,
            functions: &functions,
            trials: job.trials,
        };
        let mut drills = Vec::new();
        for candidate in &candidates {
            drills.extend(base.value(candidate, &mut tables, &|more| progress(done + more, of)));
            done += candidate.outcomes.len() as u64 * job.trials;
        }
        progress(of, of);
        drills.retain(|drill| drill.decides || rank(drill) > (0, 0));
        drills.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.what.cmp(&b.what)));
        drills.truncate(top);
        let mut notes = nights.notes.clone();
        if search.restores_decided {
            notes.push(
                "this scenario says itself whether restores work, so no restore drill changes it"
                    .to_owned(),
            );
        }
        Ok(DrillPlan {
            schema_version: SCHEMA_VERSION,
            about: about(std::slice::from_ref(job), nights.as_of, nights.model.horizon),
            promise_at: PROMISE,
            drills,
            considered,
            notes,
        })
    })
}

/// What can be drilled on these nights.
fn search<'a>(job: &Job<'_>, nights: &'a Nights, functions: &'a [usize]) -> Search<'a> {
    let scenarios = job.modifiers.iter().chain([job.scenario]);
    Search {
        model: &nights.model,
        runs: &nights.runs,
        inputs: &nights.inputs,
        functions,
        show_names: job.map.organisation.show_names,
        restores_decided: scenarios.into_iter().any(|scenario| scenario.restore_success.is_some()),
    }
}

/// What drills are ordered by: how far the promise moves, then the chance of
/// the RTO in millionths; 0 where it is too little to speak of.
fn rank(drill: &DrillValue) -> (i64, i64) {
    let chance = millionths(drill.expected_rto_change);
    let enough = |value: i64, least: i64| if value >= least { value } else { 0 };
    (enough(drill.expected_change_ms, LEAST), enough(chance, LEAST_CHANCE))
}

fn millionths(chance: Option<f64>) -> i64 {
    crate::draw::to_ms(chance.unwrap_or(0.0) * 1e6)
}

/// The numbers of the functions in question.
fn asked(model: &Model, function: Option<&Id>) -> Result<Vec<usize>, Problems> {
    let id = |number: &usize| &model.names.ids[model.functions[*number].node as usize];
    let all: Vec<usize> =
        (0..model.functions.len()).filter(|n| model.functions[*n].cannot.is_none()).collect();
    let Some(function) = function else { return Ok(all) };
    let found: Vec<usize> = all.iter().copied().filter(|number| id(number) == function).collect();
    if found.is_empty() {
        let known: Vec<&str> = all.iter().map(|number| id(number).as_str()).collect();
        let mut problems = Problems::default();
        problems.error(
            Place { key: "--function".into(), ..Place::default() },
            format!("`{function}` is no function of this map that can be simulated"),
            format!("one of {}", known.join(", ")),
        );
        return Err(problems);
    }
    Ok(found)
}

/// How far a drill moves the promise of a function, and its chance of the RTO.
#[derive(Clone, Copy)]
struct Effect {
    change: i64,
    chance: Option<f64>,
    place: usize,
    today: View,
}

/// The nights as they are believed today.
struct Base<'a> {
    job: &'a Job<'a>,
    nights: &'a Nights,
    runs: &'a Runs,
    functions: &'a [usize],
    trials: u64,
}

/// What one set of nights means for one function.
#[derive(Clone, Copy)]
struct View {
    promise: i64,
    rto: Option<f64>,
    band: f64,
}

impl Base<'_> {
    fn view(&self, runs: &Runs, function: usize) -> View {
        let horizon = self.nights.model.horizon;
        let usable = sorted(&runs.functions[function].usable);
        let at = |p: f64| usable.get(ranks(usable.len(), p).0).copied().unwrap_or(NEVER);
        let rto = self.nights.model.functions[function].rto;
        View {
            promise: at(PROMISE),
            rto: rto.map(|rto| {
                usable.partition_point(|ms| *ms <= rto) as f64 / usable.len().max(1) as f64
            }),
            band: (at(0.9).min(horizon) - at(0.1).min(horizon)) as f64,
        }
    }

    /// What each function's nights are after each outcome of a drill.
    fn after(
        &self,
        candidate: &Candidate,
        tables: &mut Tables,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Vec<Vec<View>> {
        let model = &self.nights.model;
        (0..candidate.outcomes.len())
            .map(|outcome| {
                let model = candidate.after(model, outcome, tables);
                let before = outcome as u64 * self.trials;
                let runs = run(&model, self.job.seed, self.trials, &|done| progress(before + done));
                self.functions.iter().map(|function| self.view(&runs, *function)).collect()
            })
            .collect()
    }

    /// How far a drill moves each function's promise and its chance of the RTO.
    fn effects(&self, candidate: &Candidate, after: &[Vec<View>]) -> Vec<Effect> {
        let horizon = self.nights.model.horizon;
        let chances: Vec<f64> = candidate.outcomes.iter().map(|outcome| outcome.1).collect();
        self.functions
            .iter()
            .enumerate()
            .map(|(place, function)| {
                let today = self.view(self.runs, *function);
                let moved = |view: &View| {
                    let ms = |promise: i64| promise.min(horizon);
                    (ms(view.promise) - ms(today.promise)).abs() as f64
                };
                let change: f64 =
                    after.iter().zip(&chances).map(|(views, p)| p * moved(&views[place])).sum();
                let chance = today.rto.map(|now| {
                    let distance = |view: &View| (view.rto.unwrap_or(now) - now).abs();
                    after.iter().zip(&chances).map(|(views, p)| p * distance(&views[place])).sum()
                });
                Effect { change: crate::draw::to_ms(change), chance, place, today }
            })
            .collect()
    }

    /// The value of a drill for the function it helps most; nothing without functions.
    fn value(
        &self,
        candidate: &Candidate,
        tables: &mut Tables,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Option<DrillValue> {
        let after = self.after(candidate, tables, progress);
        let mut effects = self.effects(candidate, &after);
        effects.sort_by_key(|one| (-one.change, -millionths(one.chance), one.place));
        let first = effects.first()?;
        let others = effects
            .iter()
            .skip(1)
            .filter(|one| one.change >= LEAST)
            .map(|one| {
                let (function, title) = self.name(one.place);
                DrillEffect { function, title, expected_change_ms: one.change }
            })
            .collect();
        Some(self.told(candidate, &after, first, others))
    }

    fn name(&self, place: usize) -> (Id, String) {
        let model = &self.nights.model;
        let node = model.functions[self.functions[place]].node as usize;
        (model.names.ids[node].clone(), model.names.titles[node].clone())
    }

    /// The value of a drill for one function.
    fn told(
        &self,
        candidate: &Candidate,
        after: &[Vec<View>],
        effect: &Effect,
        others: Vec<DrillEffect>,
    ) -> DrillValue {
        let Effect { change, chance, place, today } = *effect;
        let (function, title) = self.name(place);
        let rto = self.nights.model.functions[self.functions[place]].rto;
        let kept = |view: &View| rto.is_some_and(|rto| view.promise <= rto);
        let chances = candidate.outcomes.iter().map(|outcome| outcome.1);
        let band: f64 = after.iter().zip(chances).map(|(views, p)| p * views[place].band).sum();
        DrillValue {
            kind: candidate.kind,
            component: candidate.component.clone(),
            what: candidate.what.clone(),
            today: candidate.today.clone(),
            provenance: candidate.provenance,
            exact: candidate.is_exact(),
            function,
            title,
            promise: elapsed(today.promise),
            rto: today.rto,
            outcomes: candidate
                .outcomes
                .iter()
                .zip(after)
                .map(|((result, chance), views)| DrillOutcome {
                    result: result.clone(),
                    chance: *chance,
                    promise: elapsed(views[place].promise),
                    rto: views[place].rto,
                })
                .collect(),
            expected_change_ms: change,
            expected_rto_change: chance,
            decides: after.iter().any(|views| kept(&views[place]) != kept(&today)),
            band_gone: if today.band > 0.0 { 1.0 - band / today.band } else { 0.0 },
            others,
        }
    }
}
