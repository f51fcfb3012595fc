//! Whose map is shown: this host's own, or an organisation that ships as an example.
use std::path::{Path, PathBuf};

use evenkeel_config::library;
use evenkeel_config::load::{self, Source};
use evenkeel_config::scenario::Scenario;

use crate::cli::{Failure, What};
use crate::hub::{AgentSource, HubStore};
use crate::keeper::{Effort, Keeper, KeeperError, MapSource, Sources};

/// The folder of an organisation inside the data folder; examples keep their
/// history apart.
pub(crate) fn folder(data: &Path, what: &What) -> PathBuf {
    match &what.example {
        Some(name) => data.join("examples").join(name),
        None => data.to_owned(),
    }
}

/// Opens map and history of the organisation asked for.
///
/// # Errors
/// The map has problems, or the folder cannot be used.
pub(crate) fn open(data: &Path, what: &What, agents: Vec<AgentSource>) -> Result<Keeper, Failure> {
    let folder = folder(data, what);
    let sources = match &what.example {
        Some(name) => example(name)?,
        None => Sources {
            map: MapSource::Path(own_map(&folder)),
            scenarios: library_scenarios()?,
            agents,
            shipped: None,
        },
    };
    let effort = Effort { trials: what.trials, seed: what.seed, ..Effort::default() };
    let store = HubStore::open(&folder)?;
    Keeper::open(store, sources, effort, jiff::Timestamp::now()).map_err(|error| match error {
        KeeperError::Map(problems) => Failure::document(&problems),
        KeeperError::Store(error) => error.into(),
    })
}

/// The map of this host: `DATA/map`, a folder, if it is there, else `DATA/map.toml`.
pub(crate) fn own_map(folder: &Path) -> PathBuf {
    let several = folder.join("map");
    if several.is_dir() { several } else { folder.join("map.toml") }
}

/// The shipped scenarios.
///
/// # Errors
/// One of them has a problem, which our tests rule out.
pub(crate) fn library_scenarios() -> Result<Vec<Scenario>, Failure> {
    let sources =
        library::SCENARIOS.iter().map(|(id, text)| Source::new(format!("{id}.toml"), *text));
    scenarios(sources)
}

fn scenarios(sources: impl Iterator<Item = Source>) -> Result<Vec<Scenario>, Failure> {
    let read = sources.map(|source| load::scenario_from(&source).map(|loaded| loaded.value));
    read.collect::<Result<_, _>>().map_err(|problems| Failure::document(&problems))
}

fn example(name: &str) -> Result<Sources, Failure> {
    let known = library::EXAMPLES.iter().find(|example| example.name == name);
    let example = known.ok_or_else(|| Failure::other(format!("there is no example {name}")))?;
    let evidence = Source::new("evidence.json", example.evidence);
    let shipped = load::evidence_from(&evidence).map_err(|error| Failure::document(&error))?;
    let texts = example.map.iter().map(|(file, text)| Source::new(*file, *text));
    Ok(Sources {
        map: MapSource::Shipped(texts.collect()),
        scenarios: scenarios(
            example.scenarios.iter().map(|(file, text)| Source::new(*file, *text)),
        )?,
        agents: Vec::new(),
        shipped: Some(shipped),
    })
}
