//! Monte Carlo over a dependency map: when is each business function back, what
//! is lost, what does it cost and what holds it up?
//!
//! ```text
//!  map + scenario + evidence
//!            | compile      names become numbers, evidence becomes figures
//!            v
//!          Model
//!            | kernel       one trial: blows, steps, people, links, restores
//!            v
//!         Outcomes          usable, recovered, lost, cost, blocking chain
//!            | summary      quantiles with intervals, chances, nights told again
//!            v
//!         Summary
//! ```
//!
//! A result is a pure function of its inputs: no clock, no network, no global
//! state; the same bytes for any number of threads and on any processor. Luck
//! is keyed by (seed, trial, component, step, law, attempt), see [`key`], so two
//! variants of a map meet the same nights, and a component more changes nobody
//! else's draws.
pub mod additions;
pub mod annual;
mod answer;
pub mod calendar;
pub mod calibrate;
pub mod cli;
pub mod compare;
pub mod compile;
pub mod draw;
pub mod drills;
pub mod exercise;
pub mod fast;
pub mod fixes;
pub mod fuzz;
pub mod histogram;
pub mod hours;
pub mod kernel;
pub mod key;
pub mod model;
pub mod night;
pub mod outcome;
pub mod paired;
pub mod portfolio;
mod precise;
pub mod promise;
pub mod rows;
pub mod run;
pub mod shard;
mod shares;
pub mod sides;
pub mod special;
pub mod spread;
pub mod statistics;
pub mod steady;
pub mod structure;
pub mod student;
pub mod summary;
mod table;
pub mod tally;
pub mod words;

use evenkeel_config::map::DependencyMap;
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::record::{EvidenceSet, InputFigure, ScenarioName, Summary};
use evenkeel_config::scenario::Scenario;
use jiff::Timestamp;
use xxhash_rust::xxh3::Xxh3;

use crate::answer::{Ready, Source, answer};
use crate::compile::{Inputs, compile};
use crate::draw::Tables;
use crate::run::Runs;

/// Trials unless stated.
pub const DEFAULT_TRIALS: u64 = 10_000;
/// The seed unless stated.
pub const DEFAULT_SEED: u64 = 20_260_101;
/// More trials than this are refused. Above [`tally::MOST_KEPT`] results are
/// counted in histograms, and only summaries are made of them.
pub const MOST_TRIALS: u64 = 1_000_000_000;

/// One question: this map, this scenario, these facts.
pub struct Job<'a> {
    /// The map.
    pub map: &'a DependencyMap,
    /// What happens.
    pub scenario: &'a Scenario,
    /// What changes it, such as a key person away.
    pub modifiers: &'a [Scenario],
    /// Observed facts.
    pub evidence: &'a [EvidenceSet],
    /// The moment of the facts; the newest in evidence or map unless given.
    pub as_of: Option<Timestamp>,
    /// Seed of all luck.
    pub seed: u64,
    /// How many nights.
    pub trials: u64,
    /// How many threads; all processors unless given. Changes no result.
    pub threads: Option<usize>,
    /// Whether the map's priced fixes are simulated too.
    pub fixes: bool,
}

/// The nights of one question: what a trial runs on, and what came of each.
pub struct Nights {
    /// The compiled question.
    pub model: model::Model,
    /// The results, trial by trial.
    pub runs: Runs,
    /// Every figure it rests on.
    pub inputs: Vec<InputFigure>,
    /// Warnings in words.
    pub notes: Vec<String>,
    /// The moment of the facts.
    pub as_of: Timestamp,
}

/// Simulates and summarises. `progress` hears (trials done, trials in all),
/// from any thread.
///
/// # Errors
/// Everything that makes the question meaningless on this map, see
/// [`compile::compile`]; too many or no trials; threads that cannot be started.
pub fn simulate(job: &Job<'_>, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Summary, Problems> {
    in_pool_up_to(MOST_TRIALS, job, || answer(job, Source::Run, progress))
}

/// Simulates until the 95 % interval around the bad night (P90) of each function
/// is at most `precision` of it wide, over at most the job's trials. The summary
/// says how many were run and how it ended.
///
/// # Errors
/// See [`simulate`]; a precision that is not a share between 0 and 1.
pub fn simulate_until(
    job: &Job<'_>,
    precision: f64,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Summary, Problems> {
    if !(precision > 0.0 && precision < 1.0) {
        let what = format!("no answer can be precise to {precision} of itself");
        return Err(refusal(what, "name a share between 0 and 1, as in `--precision 0.05`"));
    }
    in_pool_up_to(MOST_TRIALS, job, || answer(job, Source::Precise(precision), progress))
}

/// Simulates without summarising, for answers that compare or look into nights.
///
/// # Errors
/// See [`simulate`]; more trials than can be kept one by one.
pub fn nights(job: &Job<'_>, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Nights, Problems> {
    in_pool(job, || {
        run_nights(job, None, &mut Tables::default(), &|done| progress(done, job.trials))
    })
}

/// Checks a job of which every night is kept, and does its work on as many
/// threads as it asks for.
pub(crate) fn in_pool<T: Send>(
    job: &Job<'_>,
    work: impl FnOnce() -> Result<T, Problems> + Send,
) -> Result<T, Problems> {
    check(job)?;
    in_pool_up_to(tally::MOST_KEPT, job, work)
}

/// Checks a job of at most so many trials, and does its work on as many threads
/// as it asks for.
fn in_pool_up_to<T: Send>(
    most: u64,
    job: &Job<'_>,
    work: impl FnOnce() -> Result<T, Problems> + Send,
) -> Result<T, Problems> {
    check_up_to(most, job)?;
    match job.threads {
        None => work(),
        Some(threads) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let pool = pool.map_err(|error| {
                refusal(
                    format!("threads cannot be started: {error}"),
                    "try fewer, as in `--threads 2`",
                )
            })?;
            pool.install(work)
        }
    }
}

/// Checks a job of which every night is kept.
pub(crate) fn check(job: &Job<'_>) -> Result<(), Problems> {
    check_up_to(tally::MOST_KEPT, job)
}

fn check_up_to(most: u64, job: &Job<'_>) -> Result<(), Problems> {
    if job.trials == 0 || job.trials > most {
        let what = format!("{} trials cannot be run", job.trials);
        let most = if most == MOST_TRIALS { "1,000,000,000" } else { "1,000,000" };
        return Err(refusal(what, format!("choose from 1 to {most}, as in `--trials 10000`")));
    }
    if let Some(wrong) = job.modifiers.iter().find(|modifier| !modifier.modifier) {
        let what = format!("`{}` is no modifier: it strikes by itself", wrong.id);
        return Err(refusal(what, format!("ask for it with `--scenario {}`", wrong.id)));
    }
    Ok(())
}

pub(crate) fn refusal(what: String, hint: impl Into<String>) -> Problems {
    let mut problems = Problems::default();
    problems.error(Place::default(), what, hint);
    problems
}

/// What a job compiles from, at the moment of its facts.
pub(crate) fn inputs_of<'a>(job: &Job<'a>, as_of: Timestamp) -> Inputs<'a> {
    let Job { map, scenario, modifiers, evidence, .. } = *job;
    Inputs { map, scenario, modifiers, evidence, as_of, seen_on: None }
}

/// Compiles a job's question and runs its nights, keeping every one. `seen_on`:
/// the map on which the facts were seen, if it is not the job's own.
fn run_nights(
    job: &Job<'_>,
    seen_on: Option<&DependencyMap>,
    tables: &mut Tables,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Nights, Problems> {
    let Ready { model, figures: inputs, notes, as_of, .. } = answer::ready(job, seen_on, tables)?;
    let runs = run::run(&model, job.seed, job.trials, progress);
    Ok(Nights { model, runs, inputs, notes, as_of })
}

/// What running a scenario on a map would be refused for, or warned about:
/// everything that [`simulate`] finds before the first trial.
///
/// # Errors
/// See [`compile::compile`].
pub fn validate(map: &DependencyMap, scenario: &Scenario) -> Result<Vec<String>, Problems> {
    let as_of = Timestamp::constant(ASSUMED_SECOND, 0);
    let inputs = Inputs { map, scenario, modifiers: &[], evidence: &[], as_of, seen_on: None };
    compile(&inputs, &mut Tables::default()).map(|compiled| compiled.notes)
}

/// Monday 5 January 2026, 12:00 UTC: the moment of the facts where none is known.
const ASSUMED_SECOND: i64 = 1_767_614_400;

/// The moment of the facts: given, or the newest in the evidence, or the day
/// after the newest review on the map, or else a fixed Monday, which is said.
pub(crate) fn moment(job: &Job<'_>) -> (Timestamp, bool) {
    if let Some(as_of) = job.as_of {
        return (as_of, false);
    }
    if let Some(newest) = job.evidence.iter().map(|set| set.as_of).max() {
        return (newest, false);
    }
    let reviewed = job.map.components.values().filter_map(|c| c.common.reviewed).max();
    let zone = jiff::tz::TimeZone::get(&job.map.organisation.timezone);
    if let (Some(day), Ok(zone)) = (reviewed, zone) {
        let noon = calendar::local_instant(&zone, day, 12 * 3_600_000);
        if let Ok(noon) = Timestamp::from_millisecond(noon) {
            return (noon, false);
        }
    }
    (Timestamp::constant(ASSUMED_SECOND, 0), true)
}

/// What a job asks, by name.
pub fn scenario_name(job: &Job<'_>) -> ScenarioName {
    ScenarioName {
        id: job.scenario.id.clone(),
        title: job.scenario.title.clone(),
        question: job.scenario.question.clone(),
        with: job.modifiers.iter().map(|modifier| modifier.id.clone()).collect(),
    }
}

/// A digest of everything that goes in.
pub fn digest(job: &Job<'_>) -> String {
    digest_of(&[
        serde_json::to_vec(&job.map.document),
        serde_json::to_vec(job.scenario),
        serde_json::to_vec(job.modifiers),
        serde_json::to_vec(job.evidence),
    ])
}

/// A digest of a map, for answers that need nothing else.
fn digest_of_map(map: &DependencyMap) -> String {
    digest_of(&[serde_json::to_vec(&map.document)])
}

fn digest_of(parts: &[Result<Vec<u8>, serde_json::Error>]) -> String {
    let mut hash = Xxh3::new();
    for part in parts {
        let part = part.as_deref().unwrap_or_default();
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("{:032x}", hash.digest128())
}
