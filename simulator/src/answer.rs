//! From a question to its summary: the nights of the map as it is, then those of each priced fix.
use evenkeel_config::map::DependencyMap;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{FixSummary, InputFigure, Precision, SCHEMA_VERSION, Summary};
use jiff::Timestamp;

use crate::compile::{Compiled, Inputs, compile};
use crate::draw::Tables;
use crate::model::Model;
use crate::run::{Numbers, Runs};
use crate::summary::Material;
use crate::tally::{Gathered, Ground, MOST_KEPT, Promised};
use crate::{Job, digest, fixes, inputs_of, key, moment, precise, refusal, scenario_name, shares};

/// Where results come from.
pub(crate) enum Source {
    /// All trials are run here.
    Run,
    /// Trials are run here until the answer is precise enough, see [`precise`].
    Precise(f64),
    /// The results of each side are given; absent where a fix could not be simulated.
    Given(Vec<Option<Gathered>>),
}

/// A compiled question.
pub(crate) struct Ready {
    pub(crate) model: Model,
    pub(crate) promised: Vec<Promised>,
    pub(crate) figures: Vec<InputFigure>,
    pub(crate) notes: Vec<String>,
    pub(crate) as_of: Timestamp,
}

/// Compiles the question of a job, see [`crate::run_nights`].
pub(crate) fn ready(
    job: &Job<'_>,
    seen_on: Option<&DependencyMap>,
    tables: &mut Tables,
) -> Result<Ready, Problems> {
    let (as_of, assumed) = moment(job);
    let inputs = Inputs { seen_on, ..inputs_of(job, as_of) };
    let Compiled { model, inputs: figures, mut notes } = compile(&inputs, tables)?;
    if assumed {
        notes.push(format!("no date is known; the facts are taken to be of {as_of}"));
    }
    let promised = Promised::on(job.map, &model);
    Ok(Ready { model, promised, figures, notes, as_of })
}

/// How many times the nights are simulated: for the map, and for each fix.
pub(crate) fn sides(job: &Job<'_>) -> u64 {
    1 + if job.fixes { job.map.fixes.len() as u64 } else { 0 }
}

/// Fixes are compared night by night, for which every result must be kept.
pub(crate) fn check_fixes(job: &Job<'_>) -> Result<(), Problems> {
    if sides(job) > 1 && job.trials > MOST_KEPT {
        let what = format!("fixes cannot be compared over {} trials", job.trials);
        return Err(refusal(
            what,
            "leave them out with `--no-fixes`, or choose up to 1,000,000 trials",
        ));
    }
    Ok(())
}

/// Answers a job.
pub(crate) fn answer(
    job: &Job<'_>,
    mut source: Source,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Summary, Problems> {
    check_fixes(job)?;
    let mut tables = Tables::default();
    let Ready { model, promised, figures, notes, as_of } = ready(job, None, &mut tables)?;
    let of = job.trials * sides(job);
    let ground = Ground { model: &model, promised: &promised, seed: job.seed };
    let (results, precision) = base(ground, job.trials, &mut source, &|done| progress(done, of));
    let from_defaults = shares::from_defaults(&model, &figures, job.seed, &results);
    let material = Material {
        map: job.map,
        model: &model,
        results: &results,
        promised: &promised,
        from_defaults: &from_defaults,
        evidence: job.evidence,
        as_of,
        seed: job.seed,
    };
    let fixes = match results.kept() {
        Some(runs) if job.fixes => {
            let base = fixes::Side { model: &model, runs };
            simulate_fixes(job, &inputs_of(job, as_of), &mut tables, (base, source), progress)
        }
        _ => Vec::new(),
    };
    progress(of, of);
    Ok(Summary {
        schema_version: SCHEMA_VERSION,
        engine_version: env!("CARGO_PKG_VERSION").to_owned(),
        key_hash: key::HASH.to_owned(),
        generator: key::GENERATOR.to_owned(),
        inputs_digest: digest(job),
        organisation: job.map.organisation.name.clone(),
        timezone: job.map.organisation.timezone.clone(),
        currency: job.map.organisation.currency.clone(),
        scenario: scenario_name(job),
        as_of,
        seed: job.seed,
        trials: results.trials(),
        precision,
        horizon: Span::from_ms(model.horizon),
        functions: material.functions(),
        datasets: material.datasets(),
        cost: if material.is_priced() { results.costs(&model).money() } else { Vec::new() },
        fixes,
        inputs: figures,
        notes,
    })
}

fn base(
    ground: Ground<'_>,
    trials: u64,
    source: &mut Source,
    done: &(dyn Fn(u64) + Sync),
) -> (Gathered, Option<Precision>) {
    let all = Numbers { first: 0, step: 1, count: trials };
    match source {
        Source::Run => (Gathered::run(ground, all, trials, done), None),
        Source::Precise(asked) => {
            let (results, precision) = precise::until_precise(ground, *asked, trials, done);
            (results, Some(precision))
        }
        Source::Given(sides) => {
            let base = sides.first_mut().and_then(Option::take);
            (base.unwrap_or_else(|| Gathered::Kept(Runs::new(ground.model))), None)
        }
    }
}

fn simulate_fixes(
    job: &Job<'_>,
    inputs: &Inputs<'_>,
    tables: &mut Tables,
    (base, mut source): (fixes::Side<'_>, Source),
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Vec<FixSummary> {
    let trials = base.runs.spent.len() as u64;
    let of = job.trials * sides(job);
    let mut all = Vec::new();
    for (number, (id, fix)) in (1_u64..).zip(&job.map.fixes) {
        let before = number * job.trials;
        let summary = match patched(job, id, inputs, tables) {
            Err(why) => fixes::impossible(id, fix, why),
            Ok((map, model)) => {
                let promised = Promised::on(&map, &model);
                let ground = Ground { model: &model, promised: &promised, seed: job.seed };
                let count = Numbers { first: 0, step: 1, count: trials };
                let tell = |done| progress(before + done, of);
                let given = match &mut source {
                    Source::Given(sides) => sides.get_mut(number as usize).and_then(Option::take),
                    Source::Run | Source::Precise(_) => None,
                };
                let results = given.unwrap_or_else(|| Gathered::run(ground, count, trials, &tell));
                let runs = results.kept().unwrap_or(base.runs);
                fixes::compare(id, fix, base, fixes::Side { model: &model, runs }, job.seed)
            }
        };
        all.push(summary);
    }
    fixes::order(&mut all);
    all
}

/// The map with a fix and its model, or why it cannot be simulated.
pub(crate) fn patched(
    job: &Job<'_>,
    id: &evenkeel_config::id::Id,
    inputs: &Inputs<'_>,
    tables: &mut Tables,
) -> Result<(DependencyMap, Model), String> {
    let map = job.map.with_fix(id).map_err(|problems| problems.to_string())?;
    let inputs = Inputs { map: &map, seen_on: Some(inputs.map), ..*inputs };
    let model = fixes::patched(compile(&inputs, tables))?;
    Ok((map, model))
}
