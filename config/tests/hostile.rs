//! Nothing panics: the committed corpus, arbitrary text, and valid maps with arbitrary damage.
use std::path::Path;

use evenkeel_config::fuzz;
use evenkeel_config::library::{EXAMPLES, SCENARIOS};
use proptest::prelude::*;

/// A door through which bytes come in.
type Door = fn(&[u8]);

/// The doors, each with the folder of its corpus.
const DOORS: [(&str, Door); 4] = [
    ("map", fuzz::map),
    ("scenario", fuzz::scenario),
    ("agent", fuzz::agent),
    ("evidence", fuzz::evidence),
];

#[test]
fn the_corpus_goes_through_every_door() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz-corpus");
    let mut count = 0;
    for (folder, _) in DOORS {
        for entry in std::fs::read_dir(corpus.join(folder)).expect("the corpus is there") {
            let bytes = std::fs::read(entry.expect("readable").path()).expect("readable");
            for (_, door) in DOORS {
                door(&bytes);
            }
            count += 1;
        }
    }
    assert!(count >= 20, "the corpus has shrunk to {count}");
}

#[test]
fn what_ships_goes_through_every_door() {
    for (_, text) in SCENARIOS {
        DOORS.iter().for_each(|(_, door)| door(text.as_bytes()));
    }
    for example in EXAMPLES {
        let map: Vec<&str> = example.map.iter().map(|(_, text)| *text).collect();
        DOORS.iter().for_each(|(_, door)| door(map.join("\n").as_bytes()));
        fuzz::evidence(example.evidence.as_bytes());
    }
}

/// A small map that uses most keys.
const EVERYTHING: &str = include_str!("maps/everything.toml");

/// Pieces that mean something in a document.
const PIECES: &[&str] = &[
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    "#",
    "-1",
    "1e999",
    "inf",
    "\"8h\"",
    "\"x\"",
    "\u{0}",
    "\u{202e}",
    "\u{feff}",
    "[host.a]",
    "[[person.p]]",
    "needs = [\"a\"]",
    "true",
    "2026-11-30",
    "{ any = [] }",
    "{ at_least = 99, of = [\"a\"] }",
    "\\u0000",
];

/// A valid map with some of its bytes cut out, doubled or replaced.
fn damaged() -> impl Strategy<Value = String> {
    let cut = (any::<prop::sample::Index>(), 0_usize..40, 0..PIECES.len(), any::<bool>());
    prop::collection::vec(cut, 1..6).prop_map(|cuts| {
        let mut text: Vec<char> = EVERYTHING.chars().collect();
        for (start, length, piece, insert) in cuts {
            let start = start.index(text.len().max(1)).min(text.len());
            let end = (start + length).min(text.len());
            let piece = if insert { PIECES[piece] } else { "" };
            text.splice(start..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

/// A valid map with the value of one line replaced by another one's.
fn swapped() -> impl Strategy<Value = String> {
    (any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(to, from)| {
        let mut lines: Vec<String> = EVERYTHING.lines().map(str::to_owned).collect();
        let values: Vec<String> =
            lines.iter().filter_map(|line| Some(line.split_once(" = ")?.1.to_owned())).collect();
        let to = to.index(lines.len());
        if let Some((key, _)) = lines[to].clone().split_once(" = ") {
            lines[to] = format!("{key} = {}", values[from.index(values.len())]);
        }
        lines.join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_does_not_panic(text in "\\PC{0,200}") {
        DOORS.iter().for_each(|(_, door)| door(text.as_bytes()));
    }

    #[test]
    fn text_of_pieces_does_not_panic(pieces in prop::collection::vec(0..PIECES.len(), 0..30)) {
        let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        DOORS.iter().for_each(|(_, door)| door(text.as_bytes()));
    }

    #[test]
    fn a_damaged_map_does_not_panic(text in damaged()) {
        fuzz::map(text.as_bytes());
    }

    #[test]
    fn a_map_with_a_value_in_the_wrong_place_does_not_panic(text in swapped()) {
        fuzz::map(text.as_bytes());
    }
}
