//! Documents in, trials out, and what "equal to the exact answer" means.
use evenkeel_config::load::{Source, map_from, scenario_from};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::compile::{Inputs, compile};
use evenkeel_simulator::draw::Tables;
use evenkeel_simulator::model::{Model, NEVER};
use evenkeel_simulator::run::{FunctionRuns, Runs, run};
use jiff::Timestamp;

/// Standard errors that a share may be off: 99.99 % of runs stay within.
const SIGMAS: f64 = 3.89;
pub(crate) const HOUR: f64 = 3.6e6;
/// Each exact case passes for each of these.
pub(crate) const SEEDS: [u64; 3] = [1, 2, 3];
/// Trials of a case at its published figures.
pub(crate) const MANY: u64 = 200_000;
/// Trials of a case at other figures.
pub(crate) const FEWER: u64 = 40_000;

pub(crate) fn map(text: &str) -> DependencyMap {
    map_from(&[Source::new("map.toml", text)]).unwrap_or_else(|p| panic!("{p}\n{text}")).value
}

pub(crate) fn scenario(text: &str) -> Scenario {
    scenario_from(&Source::new("scenario.toml", text)).unwrap_or_else(|p| panic!("{p}")).value
}

pub(crate) fn as_of() -> Timestamp {
    "2026-11-17T13:00:00Z".parse().expect("an instant")
}

pub(crate) fn model(map: &DependencyMap, scenario: &Scenario) -> Model {
    let inputs =
        Inputs { map, scenario, modifiers: &[], evidence: &[], as_of: as_of(), seen_on: None };
    compile(&inputs, &mut Tables::default()).unwrap_or_else(|p| panic!("{p}")).model
}

/// The trials of one map and scenario.
pub(crate) struct Trials {
    pub(crate) model: Model,
    pub(crate) runs: Runs,
}

impl Trials {
    pub(crate) fn of(map_text: &str, scenario_text: &str, seed: u64, trials: u64) -> Self {
        let model = model(&map(map_text), &scenario(scenario_text));
        let runs = run(&model, seed, trials, &|_| {});
        Self { model, runs }
    }

    pub(crate) fn function(&self, id: &str) -> &FunctionRuns {
        let number = self
            .model
            .functions
            .iter()
            .position(|f| self.model.names.ids[f.node as usize].as_str() == id)
            .expect("the function is on the map");
        &self.runs.functions[number]
    }
}

/// The head of small maps without correlation.
pub(crate) const HEAD: &str = "[organisation]\nname = \"o\"\nbad_day = 0\n";

/// A scenario that begins on Monday 16 November 2026 at 09:00 UTC.
pub(crate) fn blow(ids: &str, effect: &str, more: &str) -> String {
    format!(
        "title = \"t\"\nquestion = \"q\"\nstory = \"s\"\nwhen = \"2026-11-16 09:00\"\n\
         [[strike]]\nname = \"blow\"\nreach = {{ ids = [{ids}] }}\neffect = \"{effect}\"\n{more}"
    )
}

/// Hours until a function is usable in the first night, if ever.
pub(crate) fn hours(map: &str, scenario: &str, function: &str) -> Option<f64> {
    let usable = Trials::of(&format!("{HEAD}{map}"), scenario, 1, 1).function(function).usable[0];
    (usable != NEVER).then_some(usable as f64 / HOUR)
}

/// Hours of each trial, sorted; the exact answers are in hours.
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn new(values: &[i64]) -> Self {
        let mut hours: Vec<f64> = values.iter().map(|ms| *ms as f64 / HOUR).collect();
        hours.sort_by(f64::total_cmp);
        Self(hours)
    }

    pub(crate) fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(0.0)
    }

    pub(crate) fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(0.0)
    }

    /// The standard deviation.
    pub(crate) fn deviation(&self) -> f64 {
        let n = self.0.len() as f64;
        let mean = self.0.iter().sum::<f64>() / n;
        (self.0.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt()
    }

    /// The exact quantile lies within its 99.99 % interval of order statistics.
    pub(crate) fn quantile(&self, p: f64, exact: f64) {
        let n = self.0.len() as f64;
        let spread = SIGMAS * (n * p * (1.0 - p)).sqrt();
        let low = self.0[((n * p - spread).floor().max(1.0) as usize) - 1];
        let high = self.0[((n * p + spread).ceil() as usize).min(self.0.len()) - 1];
        let slack = 2.0 / HOUR;
        assert!(
            low - slack <= exact && exact <= high + slack,
            "P{} is {exact}, simulated {low} to {high}",
            p * 100.0
        );
    }

    /// A share agrees within as many standard errors.
    pub(crate) fn share(&self, below: f64, exact: f64) {
        let n = self.0.len() as f64;
        let share = self.0.partition_point(|x| *x <= below) as f64 / n;
        let error = (exact * (1.0 - exact) / n).sqrt();
        assert!(
            (share - exact).abs() <= SIGMAS * error + 1e-9,
            "P(<= {below}) is {exact}, simulated {share}"
        );
    }

    /// The mean agrees within four standard errors, and a slack for answers
    /// that were rounded.
    pub(crate) fn mean(&self, exact: f64, deviation: f64, slack: f64) {
        let n = self.0.len() as f64;
        let mean = self.0.iter().sum::<f64>() / n;
        let error = deviation / n.sqrt();
        assert!((mean - exact).abs() <= 4.0 * error + slack, "mean is {exact}, simulated {mean}");
    }
}

/// The same map with its tables in reverse order and other names.
pub(crate) fn shuffled(text: &str, names: &[(&str, &str)]) -> String {
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') || blocks.is_empty() {
            blocks.push(String::new());
        }
        let block = blocks.last_mut().expect("a block was just begun");
        block.push_str(line);
        block.push('\n');
    }
    blocks.reverse();
    let mut text = blocks.concat();
    for (old, new) in names {
        for (before, after) in [("\"", "\""), (".", "]")] {
            text = text.replace(&format!("{before}{old}{after}"), &format!("{before}{new}{after}"));
        }
    }
    text
}
