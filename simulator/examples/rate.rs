//! How fast trials run: prints trials a second on one thread, for whoever works on the kernel.
//!
//! `cargo run --release -p evenkeel-simulator --example rate -- city-hall ransomware 10000`
//! takes an example's name or the path of a map, a scenario of it, and a number
//! of trials. `tests/bench/instructions` counts this program's instructions.
use std::path::Path;
use std::time::Instant;

use evenkeel_config::library::{EXAMPLES, SCENARIOS};
use evenkeel_config::load::{Source, map_from, read_sources, scenario_from};
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::compile::{Inputs, compile};
use evenkeel_simulator::draw::Tables;
use evenkeel_simulator::{DEFAULT_SEED, run};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [map, scenario, trials] = words.as_slice() else {
        return Err(
            "say which map, scenario and how many trials: city-hall ransomware 10000".into()
        );
    };
    let trials: u64 = trials.parse()?;
    let begin = Instant::now();
    let (map, scenario) = (map_from(&sources(map)?)?.value, scenario_named(map, scenario)?);
    let loaded = begin.elapsed();
    let as_of = "2026-11-17T13:00:00Z".parse()?;
    let (modifiers, evidence) = (&[], &[]);
    let inputs =
        Inputs { map: &map, scenario: &scenario, modifiers, evidence, as_of, seen_on: None };
    let model = compile(&inputs, &mut Tables::default())?.model;
    let compiled = begin.elapsed() - loaded;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let runs = pool.install(|| run::run(&model, DEFAULT_SEED, trials, &|_| {}));
    let ran = begin.elapsed() - loaded - compiled;
    assert_eq!(runs.spent.len() as u64, trials, "every trial is kept");
    println!(
        "{} components: {} ms to load, {} ms to compile, {} ms for {trials} trials, {:.0} trials a second",
        map.components.len(),
        loaded.as_millis(),
        compiled.as_millis(),
        ran.as_millis(),
        trials as f64 / ran.as_secs_f64()
    );
    Ok(())
}

/// The documents of an example, or of a file or folder.
fn sources(map: &str) -> Result<Vec<Source>, Failure> {
    match EXAMPLES.iter().find(|example| example.name == map) {
        Some(example) => {
            Ok(example.map.iter().map(|(file, text)| Source::new(*file, *text)).collect())
        }
        None => Ok(read_sources(Path::new(map))?),
    }
}

/// A scenario of the example, of the shipped library, or of a file.
fn scenario_named(map: &str, name: &str) -> Result<Scenario, Failure> {
    let example = EXAMPLES.iter().find(|example| example.name == map);
    let own = format!("scenarios/{name}.toml");
    let mut shipped = example.map_or(SCENARIOS, |example| example.scenarios).iter();
    let source = match shipped.find(|(known, _)| *known == name || *known == own) {
        Some((_, text)) => Source::new(format!("{name}.toml"), *text),
        None => read_sources(Path::new(name))?.into_iter().next().ok_or("no such scenario")?,
    };
    Ok(scenario_from(&source)?.value)
}
