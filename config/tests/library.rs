//! Everything that ships reads without a single problem, and the tables match the folders.
use std::collections::BTreeSet;
use std::path::Path;

use evenkeel_config::library::{EXAMPLES, SCENARIOS};
use evenkeel_config::load::{self, Source};

fn stems(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}

#[test]
fn the_table_of_scenarios_is_sorted_and_complete() {
    assert!(SCENARIOS.is_sorted_by_key(|(id, _)| *id));
    let table: BTreeSet<String> = SCENARIOS.iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(table, stems("scenarios"));
}

#[test]
fn every_shipped_scenario_reads_without_a_problem() {
    for (id, text) in SCENARIOS {
        let source = Source::new(format!("{id}.toml"), *text);
        let loaded = load::scenario_from(&source).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(loaded.value.id, *id);
        assert!(loaded.warnings.list.is_empty(), "{}", loaded.warnings);
    }
}

#[test]
fn the_table_of_examples_is_what_the_folders_hold() {
    assert!(EXAMPLES.is_sorted_by_key(|example| example.name));
    for example in EXAMPLES {
        let named = |files: &[(&str, &str)]| -> BTreeSet<String> {
            let stem = |file: &str| Some(Path::new(file).file_stem()?.to_str()?.to_owned());
            files.iter().filter_map(|(file, _)| stem(file)).collect()
        };
        let folder = format!("examples/{}", example.name);
        assert!(example.readme.starts_with("# "), "{folder}/README.md has a title");
        assert_eq!(named(example.scenarios), stems(&format!("{folder}/scenarios")), "{folder}");
        if example.map.len() > 1 {
            assert_eq!(named(example.map), stems(&format!("{folder}/map")), "{folder}");
        } else {
            assert_eq!(named(example.map), stems(&folder), "{folder}");
        }
    }
    let shipped: Vec<&str> = EXAMPLES.iter().map(|example| example.name).collect();
    let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"));
    assert_eq!(folders.expect("the folder is there").count(), shipped.len(), "{shipped:?}");
}

#[test]
fn every_example_reads_and_its_only_warnings_are_its_planted_weak_spots() {
    for example in EXAMPLES {
        let sources = |files: &[(&str, &str)]| -> Vec<Source> {
            files.iter().map(|(file, text)| Source::new(*file, *text)).collect()
        };
        let map = load::map_from(&sources(example.map)).unwrap_or_else(|error| panic!("{error}"));
        let loops = map.warnings.list.iter().filter(|one| one.what.contains("need each other"));
        assert_eq!(loops.count(), map.warnings.list.len(), "{}", map.warnings);
        for source in sources(example.scenarios) {
            let scenario = load::scenario_from(&source).unwrap_or_else(|error| panic!("{error}"));
            let mut problems = scenario.warnings;
            load::check_scenario(&scenario.value, &map.value, &mut problems);
            assert!(problems.list.is_empty(), "{}: {problems}", example.name);
        }
        let evidence = load::evidence_from(&Source::new("evidence.json", example.evidence));
        let evidence = evidence.unwrap_or_else(|problems| panic!("{problems}"));
        for one in &evidence.evidence {
            assert!(map.value.components.contains_key(&one.component), "{}", one.component);
        }
    }
}
