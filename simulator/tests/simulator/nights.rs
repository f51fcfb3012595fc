//! Single nights through the program: timelines whose chains add up, for everything that ships.
use evenkeel_config::library::{EXAMPLES, Example, SCENARIOS};
use evenkeel_config::load::{Source, map_from};
use evenkeel_config::map::Kind;
use evenkeel_config::record::{Elapsed, EventKind, Explanation};

use crate::program::{program, text};
use crate::support::blow;

/// Names of every scenario that strikes by itself, of an example and of the library.
pub(crate) fn scenarios(example: &Example) -> Vec<String> {
    let own = example.scenarios.iter().map(|(file, text)| {
        let name = file.trim_start_matches("scenarios/").trim_end_matches(".toml");
        (name.to_owned(), *text)
    });
    let library = SCENARIOS.iter().map(|(id, text)| ((*id).to_owned(), *text));
    let mut all: Vec<String> = own
        .chain(library)
        .filter(|(_, text)| !text.contains("modifier = true"))
        .map(|(name, _)| name)
        .collect();
    all.sort();
    all.dedup();
    all
}

/// Ids of the functions of an example.
pub(crate) fn functions(example: &Example) -> Vec<String> {
    let sources: Vec<Source> =
        example.map.iter().map(|(file, text)| Source::new(*file, *text)).collect();
    let map = map_from(&sources).expect("an example loads").value;
    let all = map.components.values().filter(|c| c.kind == Kind::Function);
    all.map(|component| component.id.to_string()).collect()
}

fn explain(map: &str, more: &[&str]) -> Explanation {
    let args = ["explain", "--map", map, "--trials", "20", "--format", "json"];
    let out = program(&[&args[..], more].concat());
    assert!(out.status.success(), "{more:?}: {}", text(&out.stdout));
    serde_json::from_slice(&out.stdout).expect("an explanation")
}

/// The chain begins at the strike, has no gap, and ends when the function is usable.
fn chain_adds_up(night: &Explanation, what: &str) {
    let mut at = 0;
    for part in &night.chain {
        assert!(part.from_ms == at && part.to_ms > at, "{what}: gap at {at}");
        at = part.to_ms;
    }
    let sum: i64 = night.hours.iter().map(|share| share.total_ms.parse::<i64>().expect("ms")).sum();
    match night.function.usable {
        Elapsed::Never => {
            assert!(night.chain.is_empty() && night.never.is_some(), "{what}: never, but why?");
        }
        Elapsed::Ms(usable) => {
            assert_eq!((at, sum), (usable, usable), "{what}");
            assert!(night.never.is_none());
        }
    }
}

#[test]
fn every_night_of_every_example_adds_up() {
    for example in EXAMPLES {
        let map = format!("example:{}", example.name);
        for scenario in scenarios(example) {
            for (number, function) in functions(example).into_iter().enumerate() {
                let night = ["likely", "bad", "7"][number % 3];
                let what = format!("{map} {scenario} {function} {night}");
                let more = ["--scenario", &scenario, "--function", &function, "--night", night];
                let told = explain(&map, &more);
                chain_adds_up(&told, &what);
                let times: Vec<i64> = told.timeline.iter().map(|event| event.at_ms).collect();
                assert!(times.is_sorted(), "{what}: events out of order");
                if told.function.capacity.is_empty() {
                    continue;
                }
                assert!(told.timeline.iter().any(|event| event.concerns), "{what}: silent");
            }
        }
    }
}

#[test]
fn a_number_chooses_the_night_and_threads_change_nothing() {
    let more =
        ["--scenario", "ransomware", "--night", "17", "--function", "police-records", "--threads"];
    let one = explain("example:city-hall", &[&more[..], &["1"]].concat());
    let two = explain("example:city-hall", &[&more[..], &["2"]].concat());
    assert_eq!(one.night, 17);
    assert_eq!(one, two);
    assert!(one.chain.iter().any(|part| part.cause.is_person()), "nobody is waited for");
    assert!(one.timeline.iter().any(|event| event.blocking), "nothing is marked");
}

#[test]
fn a_night_is_told_in_words_with_local_times_and_roles() {
    let args = ["explain", "--map", "example:city-hall", "--scenario", "ransomware"];
    let out = program(&[&args[..], &["--trials", "200", "--night", "bad"]].concat());
    let words = text(&out.stdout);
    assert!(out.status.success(), "{}", text(&out.stderr));
    for expected in ["a bad night", "Timeline", ">> ", "recovery begins", "(America/New_York)"] {
        assert!(words.contains(expected), "{expected} is missing in\n{words}");
    }
    // Ids of people are first names in this example; only roles are shown.
    for name in ["dana", "Dana", "mara ", "Mara"] {
        assert!(!words.contains(name), "{name} is named in\n{words}");
    }
}

#[test]
fn a_wrong_function_or_night_is_said() {
    let args = ["explain", "--map", "example:city-hall", "--scenario", "ransomware"];
    let out = program(&[&args[..], &["--trials", "10", "--function", "payrol"]].concat());
    assert_eq!(out.status.code(), Some(78));
    assert!(text(&out.stderr).contains("is no function of this map"), "{}", text(&out.stderr));
    let out = program(&[&args[..], &["--night", "dark"]].concat());
    assert_eq!(out.status.code(), Some(64));
}

/// The system falls ten hours after the strike and is back two hours later.
const LATE: &str = "\
[organisation]\nname = \"late\"\nbad_day = 0\n\
[function.f]\nneeds = [\"a\"]\nobjectives = { rto = \"4h\", mtd = \"11h\" }\n\
deadline = \"every Monday 14:00\"\n\
[function.g]\nneeds = [\"a\"]\ndeadline = \"every Monday 20:00\"\n\
[service.a]\nrepair = [{ step = \"mend\", effort = \"2h\" }]\n\
[person.ada]\n";

#[test]
fn a_limit_that_passes_while_the_system_still_works_is_not_told_as_unmet_then() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    };
    let map = file("map.toml", LATE);
    let scenario = file("late.toml", &blow("\"a\"", "down", "after = \"10h\"\n"));
    let events = |function: &str| {
        let told = explain(&map, &["--scenario", &scenario, "--function", function]);
        let limits = told.timeline.into_iter().filter(|event| event.kind == EventKind::Objective);
        limits.map(|event| (event.at_ms / 3_600_000, event.text)).collect::<Vec<_>>()
    };
    // Up at hour 4 and at two in the afternoon; down at hour 11 and at eight.
    assert_eq!(
        events("f"),
        [
            (10, "f falls after its RTO (4 h), which is not kept thereby".to_owned()),
            (11, "the MTD of f passes unmet (11 h)".to_owned()),
        ]
    );
    let due = "a deadline of g falls due while its system is down".to_owned();
    assert_eq!(events("g"), [(11, due)]);
}
