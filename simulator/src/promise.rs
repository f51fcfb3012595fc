//! What can be promised: the times kept in 80, 90 and 95 nights of 100, the worst scenario counting.
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{
    Chance, FunctionPromise, Promise, Promises, Quantile, SCHEMA_VERSION, ScenarioPromise,
    WorstChance, WorstQuantile,
};

use crate::sides::{Nightly, Side, Stage, about, known};
use crate::statistics::{chance, quantiles_at, sorted};
use crate::{Job, in_pool, refusal};

/// The shares of nights in which a promise is to be kept.
pub const KEPT: [f64; 3] = [0.8, 0.9, 0.95];

/// What can be promised, over one job for each scenario, all on the same map:
/// as things are, and with fixes if any are named. `progress` hears (trials
/// done, trials in all), from any thread.
///
/// # Errors
/// What makes a question meaningless on the map; fixes that it does not have.
pub fn promise(
    jobs: &[Job<'_>],
    fixes: &[Id],
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Promises, Problems> {
    let Some(first) = jobs.first() else {
        let hint = "name what happens, as in `--scenario ransomware`";
        return Err(refusal("there is no scenario".to_owned(), hint));
    };
    known(first.map, fixes)?;
    let mut fixes = fixes.to_vec();
    fixes.sort();
    fixes.dedup();
    in_pool(first, || all(jobs, fixes, progress))
}

/// The nights of one scenario, as things are and with the fixes.
struct Played {
    scenario: String,
    now: Side,
    then: Option<Side>,
}

fn all(
    jobs: &[Job<'_>],
    fixes: Vec<Id>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Promises, Problems> {
    let sides = if fixes.is_empty() { 1 } else { 2 };
    let of = jobs.iter().map(|job| job.trials * sides).sum();
    let (mut played, mut before, mut notes) = (Vec::new(), 0, Vec::new());
    let mut as_of = None;
    for job in jobs {
        let mut stage = Stage::new(job)?;
        as_of.get_or_insert(stage.as_of());
        let now = stage.side(&[], &|done| progress(before + done, of))?;
        before += job.trials;
        let then = if fixes.is_empty() {
            None
        } else {
            let side = stage.side(&fixes, &|done| progress(before + done, of))?;
            before += job.trials;
            Some(side)
        };
        for note in &now.notes {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        played.push(Played { scenario: job.scenario.id.clone(), now, then });
    }
    progress(of, of);
    let horizon = played.iter().map(|played| played.now.horizon).max().unwrap_or(0);
    let mut functions: Vec<FunctionPromise> =
        played[0].now.functions.iter().map(|nightly| function(nightly, &played)).collect();
    functions.sort_by(|a, b| {
        b.life_safety.cmp(&a.life_safety).then_with(|| a.function.cmp(&b.function))
    });
    Ok(Promises {
        schema_version: SCHEMA_VERSION,
        about: about(jobs, as_of.unwrap_or_default(), horizon),
        fixes,
        functions,
        notes,
    })
}

fn function(nightly: &Nightly, played: &[Played]) -> FunctionPromise {
    let span = |ms: Option<i64>| ms.map(Span::from_ms);
    let of = |pick: &dyn Fn(&Played) -> Option<&Side>| {
        let mut scenarios = Vec::new();
        for one in played {
            let nightly = pick(one)?.function(&nightly.id).filter(|n| n.cannot.is_none())?;
            scenarios.push(scenario(&one.scenario, nightly));
        }
        worst(scenarios)
    };
    let cannot = played.iter().find_map(|one| one.now.function(&nightly.id)?.cannot.clone());
    FunctionPromise {
        function: nightly.id.clone(),
        title: nightly.title.clone(),
        life_safety: nightly.life_safety,
        stated_rto: span(nightly.rto),
        stated_rpo: span(nightly.rpo),
        now: of(&|one| Some(&one.now)),
        then: of(&|one| one.then.as_ref()),
        cannot,
    }
}

fn scenario(scenario: &str, nightly: &Nightly) -> ScenarioPromise {
    let kept = |values: &[i64], limit: Option<i64>| -> Option<Chance> {
        let limit = limit?;
        let kept = values.iter().filter(|ms| **ms <= limit).count();
        Some(chance(kept as u64, values.len() as u64))
    };
    ScenarioPromise {
        scenario: scenario.to_owned(),
        rto_kept: kept(&nightly.usable, nightly.rto),
        rpo_kept: kept(&nightly.data_loss, nightly.rpo),
        rto: quantiles_at(&sorted(&nightly.usable), &KEPT),
        rpo: quantiles_at(&sorted(&nightly.data_loss), &KEPT),
    }
}

/// The worst of several scenarios, figure by figure.
fn worst(scenarios: Vec<ScenarioPromise>) -> Option<Promise> {
    let lowest = |pick: fn(&ScenarioPromise) -> Option<Chance>| {
        let mut worst: Option<WorstChance> = None;
        for scenario in &scenarios {
            let Some(chance) = pick(scenario) else { continue };
            if worst.as_ref().is_none_or(|worst| chance.share < worst.chance.share) {
                worst = Some(WorstChance { chance, scenario: scenario.scenario.clone() });
            }
        }
        worst
    };
    let largest = |pick: fn(&ScenarioPromise) -> &Vec<Quantile>| {
        let mut worst: Vec<WorstQuantile> = Vec::new();
        for scenario in &scenarios {
            for (index, quantile) in pick(scenario).iter().enumerate() {
                let this =
                    WorstQuantile { quantile: *quantile, scenario: scenario.scenario.clone() };
                match worst.get_mut(index) {
                    None => worst.push(this),
                    Some(worst) if this.quantile.value > worst.quantile.value => *worst = this,
                    Some(_) => {}
                }
            }
        }
        worst
    };
    if scenarios.is_empty() {
        return None;
    }
    Some(Promise {
        rto_kept: lowest(|scenario| scenario.rto_kept),
        rpo_kept: lowest(|scenario| scenario.rpo_kept),
        rto: largest(|scenario| &scenario.rto),
        rpo: largest(|scenario| &scenario.rpo),
        scenarios,
    })
}
