//! Hostile documents: whatever a map and a scenario say, the question is refused or answered.
use std::path::Path;

use evenkeel_config::library::EXAMPLES;
use evenkeel_simulator::fuzz::{CUT, Reached, question};
use proptest::prelude::*;

#[test]
fn the_corpus_is_refused_or_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz-corpus/question");
    let mut ran = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("readable").path();
        let bytes = std::fs::read(&path).expect("readable");
        ran += u32::from(question(&bytes) == Reached::Ran);
        // Cut short anywhere, it is refused or answered as well.
        for end in (0..bytes.len()).step_by(97) {
            question(&bytes[..end]);
        }
    }
    assert!(ran >= 7, "only {ran} documents of the corpus get as far as a trial");
}

/// The maps of the examples, each in one text.
fn maps() -> Vec<String> {
    let whole = |parts: &[(&str, &str)]| parts.iter().map(|part| part.1).collect::<String>();
    EXAMPLES.iter().map(|example| whole(example.map)).collect()
}

/// Values that are right in form and wrong in sense.
const VALUES: [&str; 14] = [
    "\"0s\"",
    "\"1ms\"",
    "\"1000y\"",
    "0",
    "1",
    "0.000001",
    "4000000000",
    "\"1 B/s\"",
    "\"900 PB\"",
    "\"24x7\"",
    "\"Mon 00:00-00:01\"",
    "{ mean = \"1ms\" }",
    "[]",
    "{ median = \"1y\", sigma = 9.0 }",
];

/// What is done to a line.
#[derive(Debug, Clone)]
enum Harm {
    Delete,
    Double,
    Value(usize),
    /// The value of another line with the same key.
    Swap(prop::sample::Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        Just(Harm::Delete),
        Just(Harm::Double),
        (0..VALUES.len()).prop_map(Harm::Value),
        any::<prop::sample::Index>().prop_map(Harm::Swap),
    ]
}

/// A map of an example with some of its lines deleted, doubled or altered.
fn harmed(text: &str, harms: &[(prop::sample::Index, Harm)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (at, harm) in harms {
        let at = at.index(lines.len());
        let line = lines[at].clone();
        let key = line.split_once(" = ").map(|(key, _)| key.to_owned());
        match (harm, key) {
            (Harm::Delete, _) => lines[at] = String::new(),
            (Harm::Double, _) => lines.insert(at, line),
            (Harm::Value(value), Some(key)) => lines[at] = format!("{key} = {}", VALUES[*value]),
            (Harm::Swap(other), Some(key)) => {
                let same: Vec<&String> =
                    lines.iter().filter(|line| line.starts_with(&format!("{key} = "))).collect();
                lines[at] = same[other.index(same.len())].clone();
            }
            _ => {}
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_harmed_map_is_refused_or_answered(
        which in any::<prop::sample::Index>(),
        harms in prop::collection::vec((any::<prop::sample::Index>(), harm()), 1..4),
    ) {
        let maps = maps();
        question(harmed(&maps[which.index(maps.len())], &harms).as_bytes());
    }

    #[test]
    fn any_bytes_are_refused(text in "\\PC{0,100}", more in "\\PC{0,100}") {
        prop_assert_eq!(question(format!("{text}\n{CUT}\n{more}").as_bytes()), Reached::Refused);
    }
}

#[test]
fn the_examples_themselves_are_answered() {
    for map in maps() {
        assert_eq!(question(map.as_bytes()), Reached::Ran);
    }
}
