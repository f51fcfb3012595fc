//! The shipped ransomware scenario on a small office, against what organisations report.
//!
//! Sophos, State of Ransomware, "fully recovered within a week" and "took over a month":
//! 52 and 20 % (2022), 47 and 24 % (2023), 35 and 34 % (2024), 53 and 18 % (2025). Two
//! figures of the office are fitted to the mean of the first three years; 2025 is held back.
use evenkeel_config::library::SCENARIOS;
use evenkeel_config::load::{Source, map_from, scenario_from};
use evenkeel_simulator::{DEFAULT_SEED, Job, nights};

const OFFICE: &str = include_str!("cases/b1-small-office.map.toml");
const DAY: i64 = 86_400_000;

/// Shares of nights in which everything is fully recovered within a week, and
/// only after a month of 30.4 days.
fn week_and_month(map: &str) -> (f64, f64) {
    let map = map_from(&[Source::new("map.toml", map)]).unwrap_or_else(|e| panic!("{e}")).value;
    let (_, text) = SCENARIOS.iter().find(|(id, _)| *id == "ransomware").expect("it ships");
    let scenario = scenario_from(&Source::new("ransomware.toml", *text)).expect("it loads").value;
    let job = Job {
        map: &map,
        scenario: &scenario,
        modifiers: &[],
        evidence: &[],
        as_of: "2026-11-17T13:00:00Z".parse().ok(),
        seed: DEFAULT_SEED,
        trials: 20_000,
        threads: None,
        fixes: false,
    };
    let runs = nights(&job, &|_, _| ()).expect("it runs").runs;
    let trials = runs.functions[0].recovered.len();
    let last: Vec<i64> = (0..trials)
        .map(|trial| runs.functions.iter().map(|f| f.recovered[trial]).max().unwrap_or(0))
        .collect();
    let share = |good: &dyn Fn(i64) -> bool| {
        last.iter().filter(|ms| good(**ms)).count() as f64 / trials as f64
    };
    (share(&|ms| ms <= 7 * DAY), share(&|ms| ms as f64 > 30.4 * DAY as f64))
}

#[test]
fn a_small_office_recovers_as_surveys_report() {
    let (week, month) = week_and_month(OFFICE);
    let mean = |years: [f64; 3]| years.iter().sum::<f64>() / 3.0;
    let (fit_week, fit_month) = (mean([0.52, 0.47, 0.35]), mean([0.20, 0.24, 0.34]));
    assert!((week - fit_week).abs() < 0.04, "within a week {week}, fitted to {fit_week}");
    assert!((month - fit_month).abs() < 0.04, "over a month {month}, fitted to {fit_month}");
    // Held back: 2025 is no further off than the fitted years are from each other.
    assert!((week - 0.53).abs() < 0.52 - 0.35, "within a week {week}, 2025 says 0.53");
    assert!((month - 0.18).abs() < 0.34 - 0.20, "over a month {month}, 2025 says 0.18");
}

#[test]
fn proven_copies_that_nobody_can_delete_shift_it_left() {
    let (week, month) = week_and_month(OFFICE);
    let kept = "{ copy = \"cloud\", every = \"24h\", keep = \"21d\" }";
    let proven = OFFICE
        .replace(kept, &kept.replace("21d\"", "90d\", immutable = true"))
        .replace("[copy.cloud]\n", "[copy.cloud]\nrestore_success = 0.98\n");
    assert_ne!(proven, OFFICE);
    let (better_week, better_month) = week_and_month(&proven);
    assert!(better_week > week + 0.08, "{week} to {better_week} within a week");
    assert!(better_month < 0.4 * month, "{month} to {better_month} over a month");
}
