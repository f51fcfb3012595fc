//! The doors through which hostile text comes in, for fuzzers and the committed corpus.
//!
//! Each function takes any bytes, does all that the programs do with such a
//! document, and must return. A panic is a bug.
use std::sync::LazyLock;

use crate::graph;
use crate::library::SCENARIOS;
use crate::load::{self, Source};
use crate::map::Kind;
use crate::problem::Problems;
use crate::scenario::Scenario;

/// Larger inputs find nothing that smaller ones do not.
const LONGEST: usize = 1 << 16;

static LIBRARY: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
    let sources = SCENARIOS.iter().map(|(id, text)| Source::new(format!("{id}.toml"), *text));
    sources.filter_map(|source| Some(load::scenario_from(&source).ok()?.value)).collect()
});

/// A dependency map: read, asked, written, read again, held against the library.
pub fn map(bytes: &[u8]) {
    let Some(source) = source("map.toml", bytes) else { return };
    let map = match load::map_from(&[source]) {
        Ok(loaded) => loaded.value,
        Err(problems) => return drop(problems.to_string()),
    };
    for component in map.components.values() {
        if component.kind == Kind::Function {
            graph::single_points(&map, &component.id);
            graph::needed_by(&map, &component.id);
        }
        graph::dependents(&map, &component.id);
    }
    graph::run_cycles(&map);
    for scenario in LIBRARY.iter() {
        load::check_scenario(scenario, &map, &mut Problems::default());
    }
    let text = toml::to_string(&map.document).expect("a map that was read can be written");
    let again = load::map_from(&[Source::new("again.toml", text)]);
    let again = again.expect("what was written is read").value;
    assert!(again == map, "reading what was written gives the same map");
}

/// A scenario.
pub fn scenario(bytes: &[u8]) {
    if let Some(source) = source("scenario.toml", bytes)
        && let Err(problems) = load::scenario_from(&source)
    {
        drop(problems.to_string());
    }
}

/// Agent settings.
pub fn agent(bytes: &[u8]) {
    if let Some(source) = source("agent.toml", bytes)
        && let Err(problems) = load::agent_from(&source)
    {
        drop(problems.to_string());
    }
}

/// An evidence set.
pub fn evidence(bytes: &[u8]) {
    if let Some(source) = source("evidence.json", bytes)
        && let Ok(set) = load::evidence_from(&source)
    {
        for one in &set.evidence {
            one.status_at(set.as_of);
        }
    }
}

fn source(name: &str, bytes: &[u8]) -> Option<Source> {
    let text = std::str::from_utf8(bytes.get(..bytes.len().min(LONGEST))?).ok()?;
    Some(Source::new(name, text))
}
