//! More trials than are kept one by one, and as many as the asked precision needs.
use evenkeel_config::library::{Example, SCENARIOS};
use evenkeel_config::load::{Source, map_from, scenario_from};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::record::{Elapsed, Summary};
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::run::Numbers;
use evenkeel_simulator::tally::{Figure, Gathered, Ground, MOST_KEPT, Promised};
use evenkeel_simulator::{Job, nights, simulate, simulate_until};

use super::support::{HEAD, as_of, blow, map, model, scenario};

/// One machine that takes a lognormal time, and a second that is never lost.
const TINY: &str = "[function.f]\nneeds = [\"s\"]\nobjectives = { rto = \"5h\" }\n\
                    [service.s]\nrecover = [{ step = \"r\", effort = { lognormal = [[0.5, \"4h\"], [0.9, \"9h\"]] } }]\n";

fn tiny() -> (DependencyMap, Scenario) {
    (map(&format!("{HEAD}{TINY}")), scenario(&blow("\"s\"", "down", "")))
}

fn job<'a>(map: &'a DependencyMap, scenario: &'a Scenario, trials: u64) -> Job<'a> {
    Job {
        map,
        scenario,
        modifiers: &[],
        evidence: &[],
        as_of: Some(as_of()),
        seed: 11,
        trials,
        threads: None,
        fixes: false,
    }
}

/// Bytes that grow with the number of trials or of distinct results.
fn size(results: &Gathered) -> usize {
    let Gathered::Counted(tally) = results else { return usize::MAX };
    let lists: usize = tally
        .sums
        .functions
        .iter()
        .flat_map(|runs| Figure::ALL.map(|figure| figure.of(runs).capacity()))
        .chain(tally.sums.functions.iter().map(|runs| runs.missing.capacity()))
        .chain([tally.sums.spent.capacity()])
        .sum();
    let figures = tally.functions.iter().flat_map(|function| &function.figures);
    figures.chain(&tally.data).chain([&tally.cost]).map(|h| h.bytes()).sum::<usize>() + 8 * lists
}

#[test]
fn memory_is_flat_beyond_a_million_trials() {
    let (map, scenario) = tiny();
    let model = model(&map, &scenario);
    let promised = Promised::on(&map, &model);
    let ground = Ground { model: &model, promised: &promised, seed: 11 };
    let all = 3_000_000;
    let numbers = Numbers { first: 0, step: 1, count: all };
    let mut results = Gathered::run(ground, numbers.part(0, MOST_KEPT), all, &|_| {});
    let at_a_million = size(&results);
    results.extend(ground, numbers.part(MOST_KEPT, all), all, &|_| {});
    let at_three = size(&results);
    assert_eq!(results.trials(), all);
    // Two more powers of two in the far tails is all that may come, in each figure.
    assert!(at_three <= at_a_million + 8 * (64 << 10), "{at_a_million} grew to {at_three}");
    assert!(at_three < 4_000_000, "{at_three} bytes");
    // P90 and the share within 5 h, by the law itself: log(9/4) / 1.2816 = 0.6328.
    let [value, low, high] =
        results.spread(0, Figure::Usable).quantile(0.9).expect("trials were run");
    let goal = 9 * 3_600_000;
    assert!((low..=high).contains(&goal) && high - low < goal / 100, "{low} {value} {high}");
    let [rto, ..] = results.promises(0, &promised[0]);
    let share = rto as f64 / all as f64;
    assert!((share - 0.637_811).abs() < 0.001, "{share}");
}

#[test]
fn a_million_are_kept_and_one_more_is_counted() {
    let (map, scenario) = tiny();
    let kept = simulate(&job(&map, &scenario, MOST_KEPT), &|_, _| {}).expect("simulates");
    let counted = simulate(&job(&map, &scenario, MOST_KEPT + 1), &|_, _| {}).expect("simulates");
    let ms = |e: Elapsed| e.ms().expect("always back");
    for (one, other) in kept.functions[0].usable.iter().zip(&counted.functions[0].usable) {
        let off = (ms(one.value) - ms(other.value)).abs();
        assert!(off <= ms(one.value) / 500, "{one:?} {other:?}");
    }
    let [one, other] = [&kept, &counted].map(|s| s.functions[0].rto.expect("an RTO is set"));
    assert!(one.count == other.count || one.count + 1 == other.count, "counted one by one");
    let night = counted.functions[0].bad_night.as_ref().expect("it was hit");
    let total: i64 = night.segments.iter().map(|part| part.to_ms - part.from_ms).sum();
    assert_eq!(Elapsed::Ms(total), night.usable, "a night told again adds up");
    let bad = ms(counted.functions[0].usable[2].value);
    assert!((ms(night.usable) - bad).abs() <= bad >> 10, "it lies in the bucket of P90");
    // Answers that look into every night cannot be given of more.
    assert!(nights(&job(&map, &scenario, MOST_KEPT + 1), &|_, _| {}).is_err());
    assert!(simulate(&job(&map, &scenario, 1_000_000_001), &|_, _| {}).is_err());
}

#[test]
fn fixes_are_compared_over_kept_nights_alone() {
    let (_, scenario) = tiny();
    let fix = "[fix.x]\ntitle = \"x\"\nonce = 0\n[fix.x.set.service.s]\nrecover = [{ step = \"r\", effort = \"1h\" }]\n";
    let map = map(&format!("{HEAD}{TINY}{fix}"));
    let with_fixes = Job { fixes: true, ..job(&map, &scenario, MOST_KEPT + 1) };
    let problems = simulate(&with_fixes, &|_, _| {}).expect_err("refused").to_string();
    assert!(problems.contains("--no-fixes"), "{problems}");
}

fn example() -> (DependencyMap, Scenario) {
    let example = Example::named("city-hall").expect("shipped");
    let files: Vec<Source> =
        example.map.iter().map(|(file, text)| Source::new(*file, *text)).collect();
    let (id, text) = SCENARIOS.iter().find(|(id, _)| *id == "host_failure").expect("shipped");
    let scenario = scenario_from(&Source::new(format!("{id}.toml"), *text)).expect("loads");
    (map_from(&files).expect("loads").value, scenario.value)
}

#[test]
fn a_run_stops_at_the_precision_asked_for() {
    let (map, scenario) = tiny();
    let until = |precision: f64, trials: u64, threads: usize| -> Summary {
        let job = Job { threads: Some(threads), ..job(&map, &scenario, trials) };
        simulate_until(&job, precision, &|_, _| {}).expect("simulates")
    };
    let wide = |summary: &Summary| {
        let bad = summary.functions[0].usable[2];
        let [value, low, high] = [bad.value, bad.low, bad.high].map(|e| e.ms().expect("back"));
        (high - low) as f64 / value as f64
    };
    let stopped = until(0.05, 500_000, 1);
    let precision = stopped.precision.clone().expect("said");
    assert!(precision.reached && precision.most == 500_000);
    assert!(
        wide(&stopped) <= 0.05 && (precision.width.expect("finite") - wide(&stopped)).abs() < 1e-12
    );
    let factor = stopped.trials / 1000;
    assert!(stopped.trials == 1000 * factor && factor.is_power_of_two() && factor > 1);
    // The number before would not have done, and a run of that fixed number says the same.
    let half = simulate(&job(&map, &scenario, stopped.trials / 2), &|_, _| {}).expect("simulates");
    assert!(wide(&half) > 0.05);
    let fixed = simulate(&job(&map, &scenario, stopped.trials), &|_, _| {}).expect("simulates");
    assert_eq!(Summary { precision: None, ..stopped.clone() }, fixed);
    for threads in [2, 16] {
        assert_eq!(until(0.05, 500_000, threads), stopped);
    }
    // Too few allowed: all are run, and that is said.
    let short = until(0.001, 3_500, 2);
    let precision = short.precision.clone().expect("said");
    assert!(
        !precision.reached && short.trials == 3_500 && precision.width.expect("finite") > 0.001
    );
    // Beyond what is kept.
    let long = until(0.003, 1_100_000, 2);
    assert!(long.trials > MOST_KEPT && long.precision.expect("said").function.is_some());
    for wrong in [0.0, -0.1, 1.0, f64::NAN] {
        assert!(simulate_until(&job(&map, &scenario, 10), wrong, &|_, _| {}).is_err());
    }
}

#[test]
fn width_zero_stops_and_never_does_not() {
    let fixed = map(&format!(
        "{HEAD}[function.f]\nneeds = [\"s\"]\n[service.s]\nrecover = [{{ step = \"r\", wait = \"1h\" }}]\n"
    ));
    let steps =
        "recover = [{ step = \"r\", wait = \"1h\", success = 0.5, on_failure = \"give-up\" }]";
    let lost = map(&format!("{HEAD}[function.f]\nneeds = [\"s\"]\n[service.s]\n{steps}\n"));
    let until = |map: &DependencyMap, effect: &str| {
        let scenario = scenario(&blow("\"s\"", effect, ""));
        simulate_until(&job(map, &scenario, 5_000), 0.1, &|_, _| {}).expect("simulates")
    };
    let summary = until(&fixed, "down");
    assert!(summary.trials == 1_000 && summary.precision.expect("said").reached);
    let summary = until(&lost, "down");
    let precision = summary.precision.expect("said");
    assert!(summary.trials == 5_000 && !precision.reached && precision.width.is_none());
}

#[test]
fn an_example_is_precise_function_by_function() {
    let (map, scenario) = example();
    let asked = job(&map, &scenario, 16_000);
    let summary = simulate_until(&asked, 0.2, &|_, _| {}).expect("simulates");
    let precision = summary.precision.as_ref().expect("said");
    for function in &summary.functions {
        let bad = function.usable_at(0.9).expect("simulated");
        if let [Elapsed::Ms(value), Elapsed::Ms(low), Elapsed::Ms(high)] =
            [bad.value, bad.low, bad.high]
        {
            assert!(
                !precision.reached || (high - low) as f64 <= 0.2 * value as f64,
                "{function:?}"
            );
        }
    }
}

#[test]
fn the_share_of_spread_from_assumptions_is_stated() {
    let body = "[function.f]\nneeds = [\"s\"]\n[service.s]\n\
                recover = [{ step = \"r\", wait = { between = [\"0h\", \"10h\"] } }]\n";
    let map = map(&format!("{HEAD}{body}"));
    let share = |hours: u32, source: &str| {
        let phase = format!(
            "[[phase]]\nphase = \"detect\"\nname = \"n\"\ntakes = {{ between = [\"0h\", \"{hours}h\"] }}\n{source}"
        );
        let scenario = scenario(&(blow("\"s\"", "down", "") + &phase));
        let summary = simulate(&job(&map, &scenario, 2_000), &|_, _| {}).expect("simulates");
        summary.functions[0].spread_from_defaults.expect("it is spread")
    };
    // Two uniform times: the share of the variance is that of the squares of their widths.
    for (hours, exact) in [(10, 0.5), (5, 0.2), (20, 0.8)] {
        let got = share(hours, "source = \"our assumption\"\n");
        assert!((got - exact).abs() < 0.08, "{hours} h: {got}, not {exact}");
    }
    assert!(share(10, "") < 0.08, "what was told to us is no assumption of ours");
}
