//! `drill-next` where the value of a drill is known in closed form, and what it is asked for.
use evenkeel_config::record::{DrillKind, DrillPlan, DrillValue, Elapsed};
use evenkeel_simulator::drills::{drill_next, drill_next_each};

use crate::answers::{id, job};
use crate::program::{program, text};
use crate::support::{FEWER, HOUR, SEEDS, map, scenario, shuffled};

const MAP: &str = include_str!("../cases/drill-value.map.toml");
const LOST: &str = include_str!("../cases/drill-value.scenario.toml");
/// Weight of what is believed of a restore before any drill: 1.4 + 0.6.
const WEIGHT: f64 = 2.0;

fn plan(map_text: &str, scenario_text: &str, seed: u64) -> DrillPlan {
    let (map, scenario) = (map(map_text), scenario(scenario_text));
    drill_next(&job(&map, &scenario, seed, FEWER), None, 9, &|_, _| {})
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn one(plan: &DrillPlan, kind: DrillKind) -> &DrillValue {
    let mut found = plan.drills.iter().filter(|drill| drill.kind == kind);
    let drill = found.next().unwrap_or_else(|| panic!("{kind:?} is missing"));
    assert!(found.next().is_none(), "{kind:?} stands twice");
    drill
}

fn hours(value: Elapsed) -> f64 {
    match value {
        Elapsed::Ms(ms) => ms as f64 / HOUR,
        Elapsed::Never => f64::INFINITY,
    }
}

/// Within four standard errors of so many nights.
fn near(share: Option<f64>, exact: f64) {
    let share = share.expect("an RTO is set");
    let error = (exact * (1.0 - exact) / FEWER as f64).sqrt();
    assert!((share - exact).abs() < 4.0 * error, "{share}, exactly {exact}");
}

/// A restore that works with Beta(2 p, 2 (1 - p)) is usable after 6 h, else after
/// `6 h + again`; p lies where success alone makes 9 nights of 10 work.
fn restore(plan: &DrillPlan, p: f64, again: f64) {
    let drill = one(plan, DrillKind::Restore);
    let good = (WEIGHT * p + 1.0) / (WEIGHT + 1.0);
    let bad = WEIGHT * p / (WEIGHT + 1.0);
    assert!(p < 0.9 && good > 0.9, "the figures decide");
    assert!(drill.exact && drill.decides);
    let chances: Vec<f64> = drill.outcomes.iter().map(|outcome| outcome.chance).collect();
    assert!((chances[0] - p).abs() < 1e-9 && (chances[1] - (1.0 - p)).abs() < 1e-9);
    let close = |value: Elapsed, exact: f64| {
        assert!((hours(value) - exact).abs() < 0.01, "{value:?}, exactly {exact} h");
    };
    close(drill.promise, 6.0 + again);
    close(drill.outcomes[0].promise, 6.0);
    close(drill.outcomes[1].promise, 6.0 + again);
    close(Elapsed::Ms(drill.expected_change_ms), p * again);
    near(drill.rto, p);
    near(drill.outcomes[0].rto, good);
    near(drill.outcomes[1].rto, bad);
    let moved = drill.expected_rto_change.expect("an RTO is set");
    let exact = p * (good - p) + (1.0 - p) * (p - bad);
    assert!((moved - exact).abs() < 0.01, "{moved}, exactly {exact}");
}

/// A step of `low` to `high` hours, all equally likely, and nothing beside it:
/// the promise becomes the figure that is measured, and all spread vanishes.
fn step(plan: &DrillPlan, low: f64, high: f64) {
    let drill = one(plan, DrillKind::StepTime);
    let at = |share: f64| low + share * (high - low);
    // Error of the 90 % quantile of a uniform law, four times.
    let error = 4.0 * (high - low) * 0.3 / (FEWER as f64).sqrt();
    assert!((hours(drill.promise) - at(0.9)).abs() < error, "{:?}", drill.promise);
    for (outcome, share) in drill.outcomes.iter().zip([0.1, 0.5, 0.9]) {
        assert!((hours(outcome.promise) - at(share)).abs() < 0.001, "{outcome:?}");
    }
    let exact = (0.3 * 0.8 + 0.4 * 0.4) * (high - low);
    assert!((drill.expected_change_ms as f64 / HOUR - exact).abs() < error);
    assert!((drill.band_gone - 1.0).abs() < 1e-9, "{}", drill.band_gone);
}

#[test]
fn one_restore_and_one_step_are_worth_what_the_closed_form_says() {
    for seed in SEEDS {
        let plan = plan(MAP, LOST, seed);
        restore(&plan, 0.88, 60.0);
        step(&plan, 2.0, 12.0);
        assert_eq!(plan.drills[0].kind, DrillKind::Restore, "the restore is worth more");
    }
    for (p, again, low, high) in [(0.87, 30, 1, 2), (0.89, 100, 10, 40), (0.86, 7, 3, 60)] {
        let text = MAP
            .replace("restore_success = 0.88", &format!("restore_success = {p}"))
            .replace("\"60h\"", &format!("\"{again}h\""))
            .replace("\"2h\", \"12h\"", &format!("\"{low}h\", \"{high}h\""));
        let plan = plan(&text, LOST, 1);
        restore(&plan, p, f64::from(again));
        step(&plan, f64::from(low), f64::from(high));
    }
    let names = [("s", "zs"), ("data", "aa"), ("nas", "other"), ("t", "bt")];
    let renamed = shuffled(MAP, &names);
    let scenario = LOST.replace("\"data\", \"s\", \"t\"", "\"aa\", \"zs\", \"bt\"");
    let plan = plan(&renamed, &scenario, 1);
    restore(&plan, 0.88, 60.0);
    step(&plan, 2.0, 12.0);
    assert_eq!(one(&plan, DrillKind::Restore).component, Some(id("other")));
}

fn drilled(map: &str, more: &[&str]) -> String {
    let args = ["drill-next", "--map", map, "--scenario", "ransomware", "--trials", "300"];
    let out = program(&[&args[..], more].concat());
    assert!(out.status.success(), "{map} {more:?}: {}", text(&out.stderr));
    text(&out.stdout)
}

#[test]
fn one_function_can_be_asked_for_and_no_other() {
    let more = ["--function", "payroll", "--format", "json"];
    let plan: DrillPlan =
        serde_json::from_str(&drilled("example:city-hall", &more)).expect("a plan");
    assert!(!plan.drills.is_empty());
    assert!(plan.drills.iter().all(|drill| drill.function == id("payroll")));
    assert!(plan.drills.iter().all(|drill| drill.others.is_empty()));
    let args = ["drill-next", "--map", "example:city-hall", "--scenario", "ransomware"];
    let wrong = program(&[&args[..], &["--trials", "20", "--function", "pay"]].concat());
    assert_eq!(wrong.status.code(), Some(78));
    assert!(text(&wrong.stderr).contains("one of accounts-payable"), "{}", text(&wrong.stderr));
    let none = program(&[&args[..], &["--top", "0"]].concat());
    assert_eq!(none.status.code(), Some(64));
}

#[test]
fn no_restore_drill_is_named_where_the_scenario_decides_restores() {
    let args = ["drill-next", "--map", "example:city-hall", "--scenario", "ransomware"];
    let modifier = ["--with", "backup_unusable"];
    let out = program(&[&args[..], &modifier, &["--trials", "200", "--format", "json"]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let plan: DrillPlan = serde_json::from_slice(&out.stdout).expect("a plan");
    assert!(plan.drills.iter().all(|drill| drill.kind != DrillKind::Restore), "{plan:?}");
    assert!(plan.notes.iter().any(|note| note.contains("no restore drill changes it")));
}

/// What is told of every function at once is what is told of it when it is asked for alone.
#[test]
fn every_function_is_told_as_when_asked_for_alone() {
    let (map, scenario) = (map(MAP), scenario(LOST));
    let job = job(&map, &scenario, SEEDS[0], 300);
    let each =
        drill_next_each(&job, 99, &|_, _| {}).unwrap_or_else(|problems| panic!("{problems}"));
    let mut told = 0;
    for drill in &each.drills {
        let alone = drill_next(&job, Some(&drill.function), 99, &|_, _| {});
        let alone = alone.unwrap_or_else(|problems| panic!("{problems}"));
        let same = alone.drills.iter().find(|one| one.what == drill.what);
        assert_eq!(Some(drill), same, "{}", drill.what);
        told += 1;
    }
    assert!(told > 1, "{told}");
    // Of one each, the one that moves most.
    let first =
        drill_next_each(&job, 1, &|_, _| {}).unwrap_or_else(|problems| panic!("{problems}"));
    let of = |id| each.drills.iter().find(|drill| drill.function == id);
    assert!(!first.drills.is_empty());
    for drill in &first.drills {
        assert_eq!(Some(drill), of(drill.function.clone()), "{}", drill.what);
    }
}
