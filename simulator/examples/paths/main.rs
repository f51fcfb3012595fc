//! How fast trials run on one core: the general kernel, the fast path, a plain event loop, the bare draws.
//!
//! The model is a normal document that goes through the normal load and
//! compile. Every engine runs the same thousands of distinct trials; one line of
//! JSON for each. `--dump` prints the model for peers written in other languages.
mod document;
mod plain;

use std::time::{Duration, Instant};

use clap::Parser;
use evenkeel_config::load::{Source, map_from, scenario_from};
use evenkeel_simulator::compile::{Inputs, compile};
use evenkeel_simulator::draw::Tables;
use evenkeel_simulator::fast::{Batch, LANES, Level, Path, Runner, Trials};
use evenkeel_simulator::kernel::Trial;
use evenkeel_simulator::model::{Draw, Model};
use evenkeel_simulator::outcome::outcome;

/// Which model, and what to do with it.
#[derive(Debug, Parser)]
pub(crate) struct Asked {
    /// Components that stop.
    #[arg(long, default_value_t = 200)]
    components: usize,
    /// Dependencies between them.
    #[arg(long, default_value_t = 600)]
    edges: usize,
    /// People who repair; 0: nobody is waited for.
    #[arg(long, default_value_t = 3)]
    crew: usize,
    /// Correlation of efforts within one night.
    #[arg(long, default_value_t = 0.5)]
    r: f64,
    /// Which laws the efforts have.
    #[arg(long, value_enum, default_value_t = document::Laws::Mixed)]
    laws: document::Laws,
    /// Names in another order than the dependencies.
    #[arg(long)]
    shuffled: bool,
    /// Trials of each engine.
    #[arg(long, default_value_t = 20_000)]
    trials: u32,
    /// One pass over just so many trials, for whoever counts instructions.
    #[arg(long)]
    once: bool,
    /// Only this engine.
    #[arg(long)]
    engine: Option<String>,
    /// Print the model as JSON instead.
    #[arg(long)]
    dump: bool,
    /// Write `map.toml` and `scenario.toml` here instead.
    #[arg(long)]
    write: Option<std::path::PathBuf>,
}

/// Runs trials from one number to another; the sum of what they say.
type Engine<'a> = &'a dyn Fn(u32, u32) -> i64;
type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let asked = Asked::parse();
    let documents = document::documents(&asked);
    if asked.dump {
        println!("{}", documents.peers);
        return Ok(());
    }
    if let Some(folder) = &asked.write {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("map.toml"), &documents.map)?;
        std::fs::write(folder.join("scenario.toml"), &documents.scenario)?;
        return Ok(());
    }
    let model = model(&documents)?;
    let general = |from: u32, to: u32| general(&model, from, to);
    let draws = efforts(&model);
    let plain = plain::Plain::new(&model, asked.crew);
    let path = Path::of(&model);
    let engines: [(&str, Engine<'_>); 5] = [
        ("general kernel", &general),
        ("fast path", &|from, to| fast(&model, &path, from, to, false)),
        ("fast path, with hours", &|from, to| fast(&model, &path, from, to, true)),
        ("plain event loop", &|from, to| plain.run(from, to)),
        ("keyed draws", &|from, to| keyed(&model, &draws, from, to)),
    ];
    for (name, engine) in engines {
        if asked.engine.as_ref().is_none_or(|only| only == name) {
            report(&asked, name, engine);
        }
    }
    Ok(())
}

const SEED: u64 = 1;

fn model(documents: &document::Documents) -> Result<Model, Failure> {
    let map = map_from(&[Source::new("map.toml", &documents.map)])?.value;
    let scenario = scenario_from(&Source::new("scenario.toml", &documents.scenario))?.value;
    let inputs = Inputs {
        map: &map,
        scenario: &scenario,
        modifiers: &[],
        evidence: &[],
        as_of: "2026-11-17T13:00:00Z".parse()?,
        seen_on: None,
    };
    Ok(compile(&inputs, &mut Tables::default())?.model)
}

/// The efforts of all components, in the order of ids.
fn efforts(model: &Model) -> Vec<Draw> {
    model.steps.iter().filter_map(|step| step.effort.clone()).collect()
}

fn general(model: &Model, from: u32, to: u32) -> i64 {
    let mut trial = Trial::new(model);
    let mut total = 0;
    for number in from..to {
        trial.run(SEED, number);
        total += outcome(model, &mut trial, 0).usable;
    }
    total
}

/// Outcome of the one function in each trial; `hours`: and where its hours go.
fn fast(model: &Model, path: &Path, from: u32, to: u32, hours: bool) -> i64 {
    let mut runner = Runner::new(model, path);
    let (mut total, mut parts) = (0, 0);
    for first in (from..to).step_by(LANES) {
        runner.run(SEED, Trials { first, step: 1 }, LANES, &mut |mut night| {
            let outcome = night.outcome(0);
            total += outcome.usable;
            if hours {
                night.hours(0, &outcome, &mut |_, time| parts += time);
            }
        });
    }
    assert!(!hours || parts == total, "the parts add up to the whole");
    total
}

fn keyed(model: &Model, draws: &[Draw], from: u32, to: u32) -> i64 {
    let level = Level::best();
    let mut rows = vec![[0; LANES]; draws.len()];
    let mut total = 0;
    for first in (from..to).step_by(LANES) {
        let trials = Trials { first, step: 1 };
        let batch = Batch::new(SEED, trials, model.bad_day, model.bad_day_key);
        level.fill(&batch, draws, 0, &mut rows);
        for row in &rows {
            total += row.iter().sum::<i64>();
        }
    }
    total
}

/// The best of the passes, each over trials of its own.
fn report(asked: &Asked, name: &str, engine: Engine<'_>) {
    let passes = if asked.once { 1 } else { 5 };
    let part = (asked.trials / passes).max(1);
    let part = if asked.once { part } else { part.next_multiple_of(LANES as u32) };
    let mut total = 0_i128;
    let mut best = Duration::MAX;
    for pass in 0..passes {
        let start = Instant::now();
        total += i128::from(engine(pass * part, (pass + 1) * part));
        best = best.min(start.elapsed());
    }
    let trials = u64::from(passes * part);
    let line = serde_json::json!({
        "engine": name,
        "model": if asked.crew == 0 { "no contention".to_owned() } else { crew_words(asked.crew) },
        "shuffled": asked.shuffled,
        "laws": asked.laws.word(),
        "r": asked.r,
        "components": asked.components,
        "edges": asked.edges,
        "trials": trials,
        "trials_per_second": (f64::from(part) / best.as_secs_f64()).round(),
        "mean_hours": (total as f64 / trials as f64 / 3.6e6 * 1e4).round() / 1e4,
    });
    println!("{line}");
}

fn crew_words(crew: usize) -> String {
    if crew == 3 { "crew of three".to_owned() } else { format!("crew of {crew}") }
}
