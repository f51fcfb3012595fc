//! The fast paths against the general kernel: the same trial, the same figures, to the millisecond.
use std::collections::BTreeMap;
use std::fmt::Write;

use evenkeel_simulator::fast::{LANES, Level, Path, Runner, Trials};
use evenkeel_simulator::kernel::Trial;
use evenkeel_simulator::model::Model;
use evenkeel_simulator::outcome::{Outcome, intervals, outcome};
use evenkeel_simulator::run::HoursKey;
use proptest::prelude::*;

use crate::support::{map, model, scenario};

const STOP: &str = include_str!("../cases/services-down.scenario.toml");

/// All that one trial says.
#[derive(Debug, PartialEq)]
struct Told {
    outcomes: Vec<(Outcome, BTreeMap<HoursKey, i64>)>,
    loss: Vec<i64>,
    hit: Vec<bool>,
    spent: i64,
}

fn by_kernel(model: &Model, seed: u64, number: u32) -> Told {
    let mut trial = Trial::new(model);
    trial.run(seed, number);
    let outcomes = (0..model.functions.len()).map(|function| {
        let outcome = outcome(model, &mut trial, function);
        let mut hours = BTreeMap::new();
        for (key, time) in intervals(&trial.chain, outcome.why) {
            *hours.entry(key).or_default() += time;
        }
        (Outcome { why: 0, ..outcome }, hours)
    });
    let outcomes = outcomes.collect();
    Told { outcomes, loss: trial.loss.clone(), hit: trial.hit.clone(), spent: trial.spent }
}

fn by_path(model: &Model, path: &Path, level: Level, seed: u64, trials: Trials) -> Vec<Told> {
    let mut all = Vec::new();
    Runner::new(model, path).at(level).run(seed, trials, LANES - 1, &mut |mut night| {
        let outcomes = (0..model.functions.len()).map(|function| {
            let outcome = night.outcome(function);
            let mut hours = BTreeMap::new();
            night.hours(function, &outcome, &mut |key, time| {
                *hours.entry(key).or_default() += time;
            });
            (Outcome { why: 0, ..outcome }, hours)
        });
        let outcomes = outcomes.collect();
        all.push(Told {
            outcomes,
            loss: night.loss().to_vec(),
            hit: night.hit().to_vec(),
            spent: night.spent(),
        });
    });
    all
}

/// Compares some trials on the model's own path, with all instructions of this
/// processor; gives the path's name.
pub(crate) fn same(model: &Model) -> &'static str {
    let path = Path::of(model);
    for trials in [Trials { first: 0, step: 1 }, Trials { first: 1_001, step: 3 }] {
        let kernel: Vec<Told> =
            (0..LANES - 1).map(|lane| by_kernel(model, 9, trials.of(lane))).collect();
        for level in Level::available() {
            let told = by_path(model, &path, level, 9, trials);
            for (number, (fast, kernel)) in told.iter().zip(&kernel).enumerate() {
                assert_eq!(fast, kernel, "{} {level:?} {trials:?} {number}", path.name());
            }
            assert_eq!(told.len(), kernel.len());
        }
    }
    path.name()
}

/// A component of a random map.
#[derive(Debug, Clone)]
struct Part {
    law: usize,
    minutes: u32,
    steps: usize,
    recover_needs: Vec<prop::sample::Index>,
    needs: Vec<prop::sample::Index>,
    start: bool,
    host: bool,
}

const LAWS: [&str; 7] = [
    "{ mean = \"{}min\" }",
    "{ median = \"{}min\", sigma = 0.7 }",
    "\"{}min\"",
    "{ weibull = { shape = 1.5, scale = \"{}min\" } }",
    "{ samples = [\"10min\", \"{}min\", \"3h\"] }",
    "{ between = [\"1min\", \"{}min\"] }",
    "{ gamma = { shape = 2.0, mean = \"{}min\" } }",
];

fn law(kind: usize, minutes: u32) -> String {
    LAWS[kind % LAWS.len()].replace("{}", &minutes.to_string())
}

fn part() -> impl Strategy<Value = Part> {
    let some = || prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    (0..LAWS.len(), 2..600_u32, 1..3_usize, some(), some(), any::<bool>(), any::<bool>()).prop_map(
        |(law, minutes, steps, recover_needs, needs, start, host)| Part {
            law,
            minutes,
            steps,
            recover_needs,
            needs,
            start,
            host,
        },
    )
}

/// A map of such parts; each may need earlier ones alone. Ids run against the
/// order of dependencies where `backwards`.
fn document(parts: &[Part], crew: usize, r: f64, backwards: bool, whole: bool) -> String {
    let name = |number: usize| {
        let number = if backwards { 9_999 - number } else { number };
        format!("s{number:04}")
    };
    let earlier = |list: &[prop::sample::Index], number: usize| {
        let mut names: Vec<String> = list
            .iter()
            .filter(|_| number > 0)
            .map(|index| format!("\"{}\"", name(index.index(number))))
            .collect();
        names.sort();
        names.dedup();
        names.join(", ")
    };
    let mut text = format!(
        "[organisation]\nname = \"X\"\nbad_day = {r}\n[function.last]\nneeds = [\"{}\"]\n\
         loss = [{{ after = \"0h\", per_hour = 100 }}]\n[function.first]\nneeds = [\"{}\"]\n",
        name(parts.len() - 1),
        name(0)
    );
    let all: Vec<String> = (0..parts.len()).map(|n| format!("\"{}\"", name(n))).collect();
    let _ = writeln!(text, "[function.all]\nneeds = [{}]", all.join(", "));
    if crew > 0 {
        let _ = writeln!(text, "[team.crew]\nskills = [\"fix\"]\ncount = {crew}\nhours = \"24x7\"");
    }
    for (number, part) in parts.iter().enumerate() {
        let skill = if crew > 0 { ", skill = \"fix\"" } else { "" };
        let plus = if crew > 0 || !whole {
            String::new()
        } else {
            format!(
                ", lead_time = {}, wait = {}, cost = 7",
                law(part.law + 2, part.minutes),
                law(part.law + 1, part.minutes / 2)
            )
        };
        let steps: Vec<String> = (0..part.steps)
            .map(|step| {
                let takes = law(part.law + step, part.minutes);
                format!("{{ step = \"step {step}\", effort = {takes}{skill}{plus} }}")
            })
            .collect();
        let _ = writeln!(
            text,
            "[service.{}]\nrepair = [{}]\nrecover_needs = [{}]\nneeds = [{}]",
            name(number),
            steps.join(", "),
            earlier(&part.recover_needs, number),
            earlier(&part.needs, number)
        );
        if part.start && whole && crew == 0 {
            let _ = writeln!(text, "start = {}", law(part.law + 3, part.minutes));
        }
        if part.host && number > 0 {
            let _ = writeln!(text, "runs_on = [\"{}\"]", name(number / 2));
        }
    }
    text
}

fn phases(with: bool) -> String {
    let phases = "\n[[phase]]\nname = \"notice\"\nphase = \"detect\"\ntakes = { mean = \"2h\" }\n\
                  [[phase]]\nname = \"hold\"\nphase = \"hold\"\ntakes = { mean = \"9h\" }\nprobability = 0.4\n";
    format!("{STOP}{}", if with { phases } else { "" })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, failure_persistence: None, ..ProptestConfig::default() })]

    /// Beyond what a few words of bits hold: tasks, people, and tasks waited for.
    #[test]
    fn one_crew_of_any_size_equals_the_kernel(
        parts in prop::collection::vec(part(), 1_050..1_100),
        crew in prop::sample::select(vec![3_usize, 40]),
        r in prop::sample::select(vec![0.0, 0.5]),
        backwards: bool,
    ) {
        let map = map(&document(&parts, crew, r, backwards, true));
        let model = model(&map, &scenario(&phases(true)));
        prop_assert_eq!(same(&model), "one crew contended");
    }

    #[test]
    fn a_crew_whose_work_waits_for_much_equals_the_kernel(
        mut parts in prop::collection::vec(part(), 40..60),
        crew in prop::sample::select(vec![2_usize, 35]),
    ) {
        let some = parts[0].recover_needs.clone();
        let all = parts.iter().flat_map(|part| part.needs.clone()).collect();
        let last = parts.last_mut().expect("there are some");
        last.recover_needs = [some, all].concat();
        let map = map(&document(&parts, crew, 0.5, false, true));
        let model = model(&map, &scenario(&phases(true)));
        prop_assert_eq!(same(&model), "one crew contended");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_contended_equals_the_kernel(
        parts in prop::collection::vec(part(), 1..24),
        r in prop::sample::select(vec![0.0, 0.5, 1.0]),
        backwards: bool,
        with_phases: bool,
        whole: bool,
    ) {
        let map = map(&document(&parts, 0, r, backwards, whole));
        let model = model(&map, &scenario(&phases(with_phases)));
        prop_assert_eq!(same(&model), "nothing contended");
    }

    #[test]
    fn one_crew_contended_equals_the_kernel(
        parts in prop::collection::vec(part(), 12..40),
        crew in prop::sample::select(vec![1_usize, 2, 3, 4, 6, 11]),
        r in prop::sample::select(vec![0.0, 0.5]),
        backwards: bool,
        with_phases: bool,
    ) {
        let map = map(&document(&parts, crew, r, backwards, true));
        let model = model(&map, &scenario(&phases(with_phases)));
        prop_assert_eq!(same(&model), "one crew contended");
    }
}
