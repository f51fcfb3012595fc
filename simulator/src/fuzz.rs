//! The door through which a hostile question comes in: a map and a scenario as bytes.
//!
//! It does all that the program does with such documents, up to two trials, and
//! must return. A panic or a hang is a bug.
use std::sync::LazyLock;

use evenkeel_config::library::SCENARIOS;
use evenkeel_config::load::{self, Source};
use evenkeel_config::problem::Problems;
use evenkeel_config::scenario::Scenario;
use jiff::Timestamp;

use crate::compile::{Inputs, compile};
use crate::draw::Tables;
use crate::kernel::Trial;
use crate::outcome::{intervals, outcome};

/// Larger inputs find nothing that smaller ones do not.
const LONGEST: usize = 1 << 16;
/// More events than any honest small map needs.
const MOST_EVENTS: u64 = 200_000;
/// What stands between the map and the scenario, on a line of its own.
pub const CUT: &str = "#### scenario";

/// A Monday in November 2026.
const AS_OF: i64 = 1_794_834_000;

static RANSOMWARE: LazyLock<Option<Scenario>> = LazyLock::new(|| {
    let (id, text) = SCENARIOS.iter().find(|(id, _)| *id == "ransomware")?;
    let source = Source::new(format!("{id}.toml"), *text);
    load::scenario_from(&source).ok().map(|loaded| loaded.value)
});

/// How far a question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// A document was refused.
    Refused,
    /// The documents make no sense together.
    NotCompiled,
    /// Trials were run.
    Ran,
}

/// A map, and after [`CUT`] a scenario; without one, the shipped ransomware.
pub fn question(bytes: &[u8]) -> Reached {
    let bytes = bytes.get(..bytes.len().min(LONGEST)).unwrap_or_default();
    let Ok(text) = std::str::from_utf8(bytes) else { return Reached::Refused };
    let (map, scenario) = match text.split_once(CUT) {
        Some((map, scenario)) => {
            let loaded = load::scenario_from(&Source::new("hostile.toml", scenario));
            (map, loaded.ok().map(|loaded| loaded.value))
        }
        None => (text, RANSOMWARE.clone()),
    };
    let map = load::map_from(&[Source::new("map.toml", map)]);
    let (Ok(map), Some(scenario)) = (map, scenario) else { return Reached::Refused };
    let mut problems = Problems::default();
    load::check_scenario(&scenario, &map.value, &mut problems);
    if problems.is_fatal() {
        return Reached::Refused;
    }
    let as_of = Timestamp::constant(AS_OF, 0);
    let inputs = Inputs {
        map: &map.value,
        scenario: &scenario,
        modifiers: &[],
        evidence: &[],
        as_of,
        seen_on: None,
    };
    let Ok(compiled) = compile(&inputs, &mut Tables::default()) else {
        return Reached::NotCompiled;
    };
    let mut trial = Trial::new(&compiled.model);
    trial.limit_events(MOST_EVENTS);
    for number in 0..2 {
        trial.run(1, number);
        for function in 0..compiled.model.functions.len() {
            let result = outcome(&compiled.model, &mut trial, function);
            let told: i64 = intervals(&trial.chain, result.why).map(|(_, time)| time).sum();
            let whole = if result.never.is_some() { 0 } else { result.usable };
            assert!(told == whole, "the parts of a night add up: {told} of {whole}");
        }
    }
    Reached::Ran
}
