//! Everything that ships reads without a single problem, and the tables match the folders.
use std::collections::BTreeSet;
use std::path::Path;

use evenkeel_config::library::SCENARIOS;
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
