//! Documents named on a command line: a map, scenarios and evidence, from files or from what ships.
use std::path::{Path, PathBuf};

use evenkeel_config::library::{Example, SCENARIOS};
use evenkeel_config::load::{
    Loaded, Source, check_scenario, evidence_from, map_from, read_sources, scenario_from,
};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::record::EvidenceSet;
use evenkeel_config::scenario::Scenario;
use jiff::Timestamp;

use crate::{DEFAULT_SEED, DEFAULT_TRIALS, Job};

/// The question that most commands answer: what happens, on which map, by which
/// facts, over how many nights.
#[derive(Debug, clap::Args)]
pub(super) struct Question {
    #[command(flatten)]
    facts: Facts,
    /// Scenario: a file or a name of the library, such as `ransomware`.
    #[arg(long)]
    scenario: String,
}

/// The same over several scenarios.
#[derive(Debug, clap::Args)]
pub(super) struct Questions {
    #[command(flatten)]
    facts: Facts,
    /// Scenario: a file or a name of the library, such as `ransomware`; repeat
    /// it to judge over several.
    #[arg(long, required = true)]
    scenario: Vec<String>,
}

/// What a question rests on beside what happens.
#[derive(Debug, clap::Args)]
struct Facts {
    /// Map: a file, a folder of files, or `example:NAME`.
    #[arg(long)]
    map: String,
    /// Modifier laid over the scenario, such as `key_person_away`.
    #[arg(long, value_name = "SCENARIO")]
    with: Vec<String>,
    /// Evidence written by an agent; an example brings its own.
    #[arg(long)]
    evidence: Vec<PathBuf>,
    /// How many nights.
    #[arg(long, default_value_t = DEFAULT_TRIALS)]
    trials: u64,
    /// Seed of all luck.
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,
    /// The moment of the facts, such as 2026-11-17T13:00:00Z.
    #[arg(long)]
    as_of: Option<Timestamp>,
    /// Threads; changes no result.
    #[arg(long)]
    threads: Option<usize>,
}

/// A question with its documents read.
pub(super) struct Asked {
    pub(super) map: DependencyMap,
    pub(super) scenario: Scenario,
    pub(super) modifiers: Vec<Scenario>,
    pub(super) evidence: Vec<EvidenceSet>,
    /// Warnings about the scenario on this map, in words.
    pub(super) warnings: Vec<String>,
    as_of: Option<Timestamp>,
    seed: u64,
    trials: u64,
    threads: Option<usize>,
}

/// Questions about the same map with their documents read: each scenario with
/// its weight, where one was given.
pub(super) struct AskedSeveral {
    pub(super) first: Asked,
    pub(super) scenarios: Vec<(Scenario, Option<f64>)>,
}

impl Question {
    /// Reads every document it names.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(super) fn read(&self) -> Result<Asked, Problems> {
        let scenario = load_scenario(&self.scenario, &self.facts.map)?;
        self.facts.read(&[scenario])
    }
}

impl Questions {
    /// Reads every document it names; `weighted`: a scenario may end in
    /// `=WEIGHT`.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(super) fn read(&self, weighted: bool) -> Result<AskedSeveral, Problems> {
        let mut scenarios: Vec<(Scenario, Option<f64>)> = Vec::new();
        for name in &self.scenario {
            let (name, weight) = match name.rsplit_once('=').filter(|_| weighted) {
                Some((name, weight)) => (name, Some(weight_of(weight)?)),
                None => (name.as_str(), None),
            };
            let scenario = load_scenario(name, &self.facts.map)?;
            if scenarios.iter().any(|(known, _)| known.id == scenario.id) {
                let what = format!("`{}` is asked for twice", scenario.id);
                return Err(crate::refusal(what, "name each scenario once"));
            }
            scenarios.push((scenario, weight));
        }
        let alone: Vec<Scenario> = scenarios.iter().map(|(scenario, _)| scenario.clone()).collect();
        Ok(AskedSeveral { first: self.facts.read(&alone)?, scenarios })
    }
}

fn weight_of(text: &str) -> Result<f64, Problems> {
    let weight = text.parse().ok().filter(|weight: &f64| weight.is_finite() && *weight > 0.0);
    weight.ok_or_else(|| {
        let what = format!("`{text}` is no weight");
        let hint = "give events a year, as in `--scenario ransomware=0.05`";
        crate::refusal(what, hint)
    })
}

impl Facts {
    /// Reads everything, held against the map; the first scenario is the one asked about.
    fn read(&self, scenarios: &[Scenario]) -> Result<Asked, Problems> {
        let Loaded { value: map, .. } = load_map(&self.map)?;
        let modifiers: Vec<Scenario> = self
            .with
            .iter()
            .map(|name| load_scenario(name, &self.map))
            .collect::<Result<_, _>>()?;
        let mut problems = Problems::default();
        for scenario in modifiers.iter().chain(scenarios) {
            check_scenario(scenario, &map, &mut problems);
        }
        if problems.is_fatal() {
            return Err(problems);
        }
        let evidence = load_evidence(&self.evidence, &self.map)?;
        let warnings = problems.list.into_iter().map(|problem| problem.what).collect();
        let Self { as_of, seed, trials, threads, .. } = *self;
        let scenario = scenarios.first().cloned().expect("a question names a scenario");
        Ok(Asked { map, scenario, modifiers, evidence, warnings, as_of, seed, trials, threads })
    }
}

impl Asked {
    /// Adds what was noticed while reading to the notes of an answer.
    pub(super) fn warn(&self, notes: &mut Vec<String>) {
        for warning in &self.warnings {
            if !notes.contains(warning) {
                notes.push(warning.clone());
            }
        }
    }

    /// The question as a job of the library; `fixes`: with the map's priced fixes.
    pub(super) fn job(&self, fixes: bool) -> Job<'_> {
        Job {
            map: &self.map,
            scenario: &self.scenario,
            modifiers: &self.modifiers,
            evidence: &self.evidence,
            as_of: self.as_of,
            seed: self.seed,
            trials: self.trials,
            threads: self.threads,
            fixes,
        }
    }
}

impl AskedSeveral {
    /// One job for each scenario.
    pub(super) fn jobs(&self) -> Vec<Job<'_>> {
        let job = |scenario| Job { scenario, ..self.first.job(false) };
        self.scenarios.iter().map(|(scenario, _)| job(scenario)).collect()
    }
}

fn example(map: &str) -> Result<Option<&'static Example>, Problems> {
    let Some(name) = map.strip_prefix("example:") else { return Ok(None) };
    let found = Example::named(name);
    found.map(Some).ok_or_else(|| {
        let known: Vec<&str> =
            evenkeel_config::library::EXAMPLES.iter().map(|example| example.name).collect();
        unknown(map, "no example of that name is shipped", &known)
    })
}

fn unknown(name: &str, what: &str, known: &[&str]) -> Problems {
    let mut problems = Problems::default();
    let place = Place { file: name.to_owned(), ..Place::default() };
    problems.error(place, what, format!("choose one of {}, or name a file", known.join(", ")));
    problems
}

/// The map of that name: a file, a folder, or `example:NAME`.
pub(super) fn load_map(name: &str) -> Result<Loaded<DependencyMap>, Problems> {
    let sources = match example(name)? {
        Some(example) => example.map.iter().map(|(file, text)| Source::new(*file, *text)).collect(),
        None => read_sources(Path::new(name))?,
    };
    map_from(&sources)
}

/// The scenarios that ship for a map: an example's own, else the library's.
pub(super) fn shipped_scenarios(map: &str) -> Result<Vec<String>, Problems> {
    let own = example(map)?.map(|example| example.scenarios);
    let stem =
        |file: &str| file.trim_start_matches("scenarios/").trim_end_matches(".toml").to_owned();
    Ok(match own {
        Some(own) => own.iter().map(|(file, _)| stem(file)).collect(),
        None => SCENARIOS.iter().map(|(id, _)| (*id).to_owned()).collect(),
    })
}

/// A file, else the example's own scenario, else one of the library.
pub(super) fn load_scenario(name: &str, map: &str) -> Result<Scenario, Problems> {
    let path = Path::new(name);
    if path.extension().is_some() || path.components().count() > 1 {
        let mut all = read_sources(path)?;
        let source = all.pop().expect("a file that was read is one source");
        return scenario_from(&source).map(|loaded| loaded.value);
    }
    let id = name.replace('-', "_");
    let file = format!("scenarios/{id}.toml");
    let own = example(map)?.and_then(|e| e.scenarios.iter().find(|(name, _)| *name == file));
    let shipped = SCENARIOS.iter().find(|(known, _)| *known == id);
    let source = match (own, shipped) {
        (Some((file, text)), _) => Source::new(*file, *text),
        (None, Some((id, text))) => Source::new(format!("{id}.toml"), *text),
        (None, None) => {
            let known: Vec<&str> = SCENARIOS.iter().map(|(id, _)| *id).collect();
            return Err(unknown(name, "no scenario of that name is shipped", &known));
        }
    };
    scenario_from(&source).map(|loaded| loaded.value)
}

/// Evidence from files; an example brings its own.
pub(super) fn load_evidence(paths: &[PathBuf], map: &str) -> Result<Vec<EvidenceSet>, Problems> {
    let mut sources = Vec::new();
    for path in paths {
        sources.append(&mut read_sources(path)?);
    }
    if let (true, Some(example)) = (sources.is_empty(), example(map)?) {
        sources.push(Source::new("evidence.json", example.evidence));
    }
    sources.iter().map(evidence_from).collect()
}
