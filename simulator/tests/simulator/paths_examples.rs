//! The fast paths against the general kernel on the shipped organisations, as they are and calmed.
use evenkeel_config::library::{EXAMPLES, Example};
use evenkeel_config::load::{Source, evidence_from, map_from, scenario_from};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::record::EvidenceSet;
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::compile::{Inputs, compile};
use evenkeel_simulator::draw::Tables;
use evenkeel_simulator::model::Model;

use crate::paths::same;
use crate::support::as_of;

/// Lines that make people or their work a matter of more than who is free.
const CONTENDED: [&str; 8] = [
    "workaround =",
    "away",
    "fatigue =",
    "overtime",
    "deputy =",
    "per_hour =",
    "leave =",
    "at_least =",
];

/// The map of an example; calm: everybody is always there, and nothing stands in.
fn map(example: &Example, calm: bool) -> DependencyMap {
    let text = |text: &str| {
        let kept = text.lines().filter(|line| !CONTENDED.iter().any(|key| line.starts_with(key)));
        let always = |line: &str| {
            if line.starts_with("hours =") {
                "hours = \"24x7\"".to_owned()
            } else {
                line.to_owned()
            }
        };
        kept.map(always).collect::<Vec<_>>().join("\n")
    };
    let sources: Vec<Source> = example
        .map
        .iter()
        .map(|(file, body)| Source::new(*file, if calm { text(body) } else { (*body).to_owned() }))
        .collect();
    map_from(&sources).unwrap_or_else(|p| panic!("{}: {p}", example.name)).value
}

fn model(map: &DependencyMap, scenario: &Scenario, evidence: &[EvidenceSet]) -> Option<Model> {
    let inputs = Inputs { map, scenario, modifiers: &[], evidence, as_of: as_of(), seen_on: None };
    compile(&inputs, &mut Tables::default()).ok().map(|compiled| compiled.model)
}

#[test]
fn every_scenario_of_every_example_is_the_same_on_its_path() {
    for example in EXAMPLES {
        let evidence =
            [evidence_from(&Source::new("evidence.json", example.evidence)).expect("ok")];
        for calm in [false, true] {
            let map = map(example, calm);
            for (file, text) in example.scenarios {
                let scenario = scenario_from(&Source::new(*file, *text)).expect("it loads").value;
                if scenario.modifier {
                    continue;
                }
                let Some(model) = model(&map, &scenario, &evidence) else {
                    assert!(calm, "{} {file} compiles", example.name);
                    continue;
                };
                same(&model);
            }
        }
    }
}
