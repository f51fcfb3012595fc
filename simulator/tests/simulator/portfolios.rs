//! `optimise`: the best set, overlap counted once, lives first, several scenarios.
use evenkeel_config::id::Id;
use evenkeel_config::record::{Objective, Per, Portfolio, Search, SetWorth, WeightsFrom};
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::Job;
use evenkeel_simulator::portfolio::{Wish, optimise};

use crate::answers::{id, job};
use crate::support::{map, scenario, shuffled};

const KNAPSACK: &str = include_str!("../cases/portfolio-knapsack.map.toml");
const OVERLAP: &str = include_str!("../cases/portfolio-overlap.map.toml");
const DOWN: &str = include_str!("../cases/services-down.scenario.toml");

const WISH: Wish =
    Wish { objective: Objective::Money, budget: None, staff_days: None, years: 5.0, every: false };

fn chosen(
    text: &str,
    scenarios: &[Scenario],
    weights: Option<&[f64]>,
    wish: Wish,
    trials: u64,
) -> Portfolio {
    let map = map(text);
    let jobs: Vec<Job<'_>> = scenarios.iter().map(|s| job(&map, s, 1, trials)).collect();
    optimise(&jobs, weights, &wish, &|_, _| {}).unwrap_or_else(|p| panic!("{p}"))
}

fn down(text: &str, wish: Wish, trials: u64) -> Portfolio {
    chosen(text, &[scenario(DOWN)], None, wish, trials)
}

fn names(set: &SetWorth) -> Vec<&str> {
    set.fixes.iter().map(Id::as_str).collect()
}

#[test]
fn the_knapsack_is_solved_where_greed_fails() {
    let renamed = shuffled(KNAPSACK, &[("fa", "zeta"), ("sb", "beam")]);
    for text in [KNAPSACK, &renamed] {
        let wish = Wish { budget: Some(10.0), ..WISH };
        let answer = down(text, wish, 20);
        assert_eq!(names(&answer.best), ["b", "c"]);
        assert_eq!(answer.best.value, [9500.0; 3]);
        assert_eq!((answer.best.cost, answer.best.staff_days), (1000, 4.0));
        assert_eq!(names(&answer.one_by_one), ["a", "d"]);
        assert_eq!(answer.one_by_one.value[0], 6300.0);
        // 95 saved for 2 a year over five years: once in 47.5 years.
        assert_eq!(answer.best.break_even_years, Some(47.5));
        let parts: Vec<(&str, f64)> =
            answer.parts.iter().map(|part| (part.fix.as_str(), part.adds)).collect();
        assert_eq!(parts, [("b", 4800.0), ("c", 4700.0)]);
        // Every step of the frontier, by hand: the best of all sixteen sets at its cost.
        let steps: Vec<(i64, f64)> =
            answer.frontier.iter().map(|step| (step.cost / 100, step.value[0] / 100.0)).collect();
        let exact = [(0, 0.0), (1, 3.0), (5, 48.0), (6, 60.0), (7, 63.0), (10, 95.0)];
        let more = [(11, 108.0), (12, 111.0), (16, 155.0), (17, 158.0)];
        assert_eq!(steps, [&exact[..], &more].concat());
        assert_eq!(answer.stability.winners[0].wins, answer.stability.resamples);
        assert_eq!(answer.method.search, Search::Every);
        // Staff days bind: c takes three.
        let wish = Wish { staff_days: Some(2.0), ..wish };
        assert_eq!(names(&down(text, wish, 20).best), ["a", "d"]);
        // Yearly cost counts: with one year more a dollar a year matters.
        let dear = text.replace("once = 5\nstaff_days = 3", "once = 4\nyearly = 1\nstaff_days = 3");
        assert_ne!(dear, text);
        let one = Wish { years: 1.0, staff_days: None, ..wish };
        assert_eq!(names(&down(&dear, one, 20).best), ["b", "c"]);
        assert_eq!(names(&down(&dear, Wish { years: 2.0, ..one }, 20).best), ["a", "d"]);
    }
}

#[test]
fn overlap_is_counted_once() {
    for text in [OVERLAP.to_owned(), shuffled(OVERLAP, &[("shop", "store"), ("till", "desk")])] {
        let answer = down(&text, WISH, 20);
        assert_eq!(names(&answer.best), ["paper", "sooner"]);
        assert_eq!(answer.best.value, [7_000_000.0; 3]);
        assert_eq!(answer.best.sum_of_singles, 9_000_000.0);
        let alone: Vec<f64> = answer.fixes.iter().map(|fix| fix.alone.value[0]).collect();
        assert_eq!(alone, [5_000_000.0, 4_000_000.0]);
    }
    // The loss that is left is the product of what each leaves.
    for (hours, capacity) in [(1, 0.9), (8, 0.25), (9, 0.01_f64)] {
        let text = OVERLAP.replace("\"5h\"", &format!("\"{hours}h\""));
        let text = text.replace("capacity = 0.4", &format!("capacity = {capacity}"));
        let left = f64::from(hours) / 10.0 * (1.0 - capacity);
        let value = down(&text, WISH, 10).best.value[0];
        assert!((value - 1e7 * (1.0 - left)).abs() < 1.0, "{value}");
    }
}

#[test]
fn hours_and_objectives_can_be_what_counts() {
    let wish = Wish { budget: Some(6.0), objective: Objective::Hours, ..WISH };
    // Each fix wins 1.5 h for one function: three would be 11, two are affordable.
    let answer = down(KNAPSACK, wish, 20);
    assert_eq!((names(&answer.best), answer.best.value[0]), (vec!["b", "d"], 3.0));
    let text = KNAPSACK.replace("[function.fd]", "[function.fd]\nobjectives = { rto = \"1h\" }");
    let answer = down(&text, Wish { objective: Objective::Rto, ..wish }, 20);
    assert_eq!((names(&answer.best), answer.best.value[0]), (vec!["d"], 1.0));
    assert!(answer.best.saved > 0.0);
}

/// A shop and an ambulance that share one person: the fix that hands the shop's
/// work to that person saves money and costs the ambulance time.
const LIVES: &str = r#"
[organisation]
name = "Lives"
bad_day = 0
[function.ambulance]
life_safety = true
objectives = { rto = "5h" }
needs = ["radio"]
[function.shop]
objectives = { rto = "1h" }
loss = [{ after = "0h", per_hour = 100 }]
needs = ["till"]
[service.radio]
repair = [{ step = "mend", effort = "4h", skill = "mend" }]
[service.till]
repair = [{ step = "wait", wait = "40h" }]
[person.one]
skills = ["mend"]
hours = "24x7"
[fix.hand-over]
title = "The technician mends the till, too"
once = 10
[fix.hand-over.set.service.till]
repair = [{ step = "mend", effort = "2h", skill = "mend" }]
[fix.somebody]
title = "A second technician"
once = 500
[fix.somebody.set.person.two]
skills = ["mend"]
hours = "24x7"
"#;

#[test]
fn no_set_that_costs_lives_is_proposed() {
    let answer = down(LIVES, Wish { budget: Some(100.0), ..WISH }, 20);
    assert!(answer.best.fixes.is_empty(), "{:?}", answer.best);
    assert!(answer.one_by_one.fixes.is_empty());
    let aside = &answer.set_aside[0];
    assert_eq!((aside.fixes.len(), aside.value), (1, 380_000.0));
    assert!(aside.why.contains("ambulance would keep its RTO in 0 nights of 20"), "{}", aside.why);
    assert!(answer.frontier.iter().all(|step| step.fixes != [id("hand-over")]));
    // With a second technician nobody waits.
    let answer = down(LIVES, WISH, 20);
    assert_eq!(names(&answer.best), ["hand-over", "somebody"]);
}

#[test]
fn scenarios_count_by_their_weight() {
    let strike = |id: &str, what: &str| {
        let text = DOWN.replace("services_down", id);
        scenario(&text.replace("kinds = [\"service\"]", &format!("ids = [\"{what}\"]")))
    };
    let two = [strike("one", "sa"), strike("two", "sb")];
    let text = KNAPSACK.replace("sum = 48", "sum = 200");
    let wish = Wish { budget: Some(6.0), ..WISH };
    // Equally likely: 60 or 200 in half of the events.
    let answer = chosen(&text, &two, None, wish, 20);
    assert_eq!((names(&answer.best), answer.best.value[0]), (vec!["b"], 10_000.0));
    assert_eq!(answer.per, Per::Event);
    // The first comes ten times as often.
    let answer = chosen(&text, &two, Some(&[0.5, 0.05]), wish, 20);
    assert_eq!((names(&answer.best), answer.best.value[0]), (vec!["a"], 3000.0));
    assert_eq!((answer.per, answer.weights), (Per::Year, vec![0.5, 0.05]));
    // An event of this mix is the first in ten of eleven cases.
    assert!((answer.best.saved - 6000.0 * 10.0 / 11.0).abs() < 1e-6, "{}", answer.best.saved);
    assert_eq!(answer.weights_from, WeightsFrom::Given);
    // Both say how often: the middle of 0.25 to 1 is a half, that of 0.05 itself.
    let stated = |id, what, range: &str| {
        let mut scenario = strike(id, what);
        scenario.frequency = Some(frequency(range));
        scenario
    };
    let both = [stated("one", "sa", "[0.25, 1]"), stated("two", "sb", "[0.05, 0.05]")];
    let said = chosen(&text, &both, None, wish, 20);
    assert_eq!((said.per, said.weights), (Per::Year, vec![0.5, 0.05]));
    assert_eq!((said.best, said.weights_from), (answer.best, WeightsFrom::Frequency));
    // One does not: equally likely, as above.
    let answer = chosen(&text, &[both[0].clone(), two[1].clone()], None, wish, 20);
    assert_eq!((answer.per, answer.weights), (Per::Event, vec![0.5, 0.5]));
    assert_eq!(answer.weights_from, WeightsFrom::Equal);
}

/// What a scenario says that happens so often.
fn frequency(range: &str) -> evenkeel_config::frequency::Frequency {
    let text = format!("{DOWN}\n[frequency]\nper_year = {range}\n");
    scenario(&text).frequency.expect("it was written")
}

#[test]
fn fixes_that_change_the_same_key_exclude_each_other() {
    let text = KNAPSACK
        .replace("[fix.b.set.service.sb]", "[fix.b.set.service.sa]")
        .replace("[fix.b]", "[fix.bb]")
        .replace("fix.b.set", "fix.bb.set")
        .replacen("effort = \"30min\"", "effort = \"20min\"", 1);
    let answer = down(&text, WISH, 20);
    // Either would save 60: the cheaper one is taken.
    assert_eq!(names(&answer.best), ["bb", "c", "d"]);
    assert_eq!(answer.best.value[0], 11_000.0);
    assert!(
        answer.notes.iter().any(|note| note.contains("service.sa.repair")),
        "{:?}",
        answer.notes
    );
}

#[test]
fn bounds_and_every_set_agree_on_a_map() {
    // Ten exponential repairs of two functions in parallel, each with a fix.
    let mut text = String::from(
        "[organisation]\nname = \"Many\"\nbad_day = 0\n\
         [function.f]\nloss = [{ after = \"0h\", per_hour = 100 }]\n\
         needs = [\"s0\", \"s1\", \"s2\", \"s3\", \"s4\"]\n\
         [function.g]\nloss = [{ after = \"0h\", per_hour = 70 }]\n\
         needs = [\"s3\", \"s4\", \"s5\", \"s6\", \"s7\", \"s8\", \"s9\"]\n",
    );
    for n in 0..10 {
        let (mean, cost) = (3 + n * 7 % 10, 100 + n * 37 % 90);
        text += &format!(
            "[service.s{n}]\nrepair = [{{ step = \"mend\", effort = {{ mean = \"{mean}h\" }} }}]\n\
             [fix.x{n}]\ntitle = \"mend {n} sooner\"\nonce = {cost}\n[fix.x{n}.set.service.s{n}]\n\
             repair = [{{ step = \"mend\", effort = {{ mean = \"1h\" }} }}]\n"
        );
    }
    let wish = Wish { budget: Some(700.0), ..WISH };
    // 2,000 nights are too many to simulate every set unasked.
    let bounded = down(&text, wish, 2000);
    let every = down(&text, Wish { every: true, ..wish }, 2000);
    assert_eq!((bounded.method.search, every.method.search), (Search::Bounded, Search::Every));
    assert!(bounded.method.simulated < every.method.simulated / 2, "{:?}", bounded.method);
    assert_eq!(bounded.best, every.best);
    let wins: u32 = every.stability.winners.iter().map(|winner| winner.wins).sum();
    assert_eq!(wins, every.stability.resamples);
    assert_eq!(every.stability.winners[0].fixes, every.best.fixes);
    assert!(every.frontier.is_sorted_by(|a, b| a.cost < b.cost && a.value[0] < b.value[0]));
}
