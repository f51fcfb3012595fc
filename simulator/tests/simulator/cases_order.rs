//! Cases with exact answers about the order of work: dispatch rules, networks, fleets.
use std::collections::BTreeSet;

use evenkeel_simulator::kernel::Trial;
use evenkeel_simulator::outcome::{intervals, outcome};
use statrs::distribution::{ContinuousCDF, Exp};

use crate::support::{FEWER, HOUR, MANY, SEEDS, Sample, Trials, map, model, scenario, shuffled};

const O11: &str = include_str!("../cases/o11-five-tasks.map.toml");
const GRAHAM: &str = include_str!("../cases/o11-listed.map.toml");
const BRIDGE: &str = include_str!("../cases/o20-activities.map.toml");
const FLEET: &str = include_str!("../cases/o20-fleet.map.toml");
const DOWN: &str = include_str!("../cases/services-down.scenario.toml");
const SUSPECT: &str = include_str!("../cases/o20-fleet.scenario.toml");

/// Hours of a map without chance.
fn ends(map: &str, scenario: &str) -> f64 {
    Trials::of(map, scenario, 1, 1).function("f").usable[0] as f64 / HOUR
}

fn crews(map: &str, count: usize) -> String {
    let at = map.find("count = ").expect("a team");
    let mut text = map.to_owned();
    text.replace_range(at..at + 9, &format!("count = {count}"));
    text
}

#[test]
fn o11_dispatch_of_five_tasks() {
    for rule in ["business", "shortest-first", "critical-path"] {
        let map = O11.replace("bad_day = 0", &format!("bad_day = 0\ndispatch = \"{rule}\""));
        assert_eq!(ends(&crews(&map, 1), DOWN), 15.0, "{rule}");
        assert_eq!(ends(&crews(&map, 5), DOWN), 9.0, "{rule}");
    }
    assert_eq!(ends(O11, DOWN), 9.0);
    let names = [("a", "zoe"), ("b", "yan"), ("c", "xia"), ("d", "will"), ("e", "vera")];
    let critical = O11.replace("bad_day = 0", "bad_day = 0\ndispatch = \"critical-path\"");
    assert_eq!(ends(&critical, DOWN), 9.0);
    assert_eq!(ends(&shuffled(&critical, &names), DOWN), 9.0);
    // Shortest first leaves the long chain for last: C, B at once, then A and E, then D.
    let shortest = O11.replace("bad_day = 0", "bad_day = 0\ndispatch = \"shortest-first\"");
    assert_eq!(ends(&shortest, DOWN), 2.0 + 4.0 + 5.0);
}

/// What a greedy list gives: an event loop of its own over whole hours.
fn greedy(durations: &[u32], after: &[(usize, usize)], crews: usize) -> u32 {
    let mut ends: Vec<Option<u32>> = vec![None; durations.len()];
    for now in 0.. {
        let ended = |end: Option<u32>| end.is_some_and(|end| end <= now);
        if ends.iter().all(|end| ended(*end)) {
            return now;
        }
        for task in 0..durations.len() {
            let busy = ends.iter().filter(|end| end.is_some() && !ended(**end)).count();
            let ready = after.iter().filter(|(_, t)| *t == task).all(|(f, _)| ended(ends[*f]));
            if ends[task].is_none() && ready && busy < crews {
                ends[task] = Some(now + durations[task]);
            }
        }
    }
    0
}

#[test]
fn o11_grahams_anomalies() {
    assert_eq!(ends(GRAHAM, DOWN), 12.0);
    assert_eq!(ends(&crews(GRAHAM, 4), DOWN), 15.0);
    let mut shorter = GRAHAM.to_owned();
    for hours in [2, 3, 4, 9] {
        shorter = shorter.replace(&format!("\"{hours}h\""), &format!("\"{}h\"", hours - 1));
    }
    assert_eq!(ends(&shorter, DOWN), 13.0);
    let looser = GRAHAM
        .replace("[service.t5]\nrecover_needs = [\"t4\"]", "[service.t5]")
        .replace("[service.t6]\nrecover_needs = [\"t4\"]", "[service.t6]");
    assert_eq!(ends(&looser, DOWN), 16.0);
    let after = [(0, 8), (3, 4), (3, 5), (3, 6), (3, 7)];
    for (number, durations) in
        [[5, 1, 7, 2, 3, 3, 8, 1, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9], [6, 6, 2, 9, 1, 1, 3, 2, 2]]
            .iter()
            .enumerate()
    {
        let mut text = GRAHAM.to_owned();
        for (task, hours) in (1..).zip(durations) {
            let at = text.find(&format!("[service.t{task}]")).expect("a task");
            let effort = at + text[at..].find("effort = \"").expect("a step") + 10;
            text.replace_range(effort..effort + 2, &format!("{hours}h"));
        }
        let text = crews(&text, 2 + number);
        assert_eq!(ends(&text, DOWN), f64::from(greedy(durations, &after, 2 + number)));
    }
    let names: Vec<(String, String)> =
        (1..10).map(|n| (format!("t{n}"), format!("task-{}", 10 - n))).collect();
    let names: Vec<(&str, &str)> = names.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(ends(&shuffled(GRAHAM, &names), DOWN), 12.0);
}

/// P(done by t) when all five have mean 1, by conditioning on the first
/// activity: the rest is a maximum of two independent parts.
fn bridge_share(t: f64, mean: f64) -> f64 {
    let law = Exp::new(1.0 / mean).expect("a law");
    const STEPS: usize = 400;
    let width = t / STEPS as f64;
    let mut total = 0.0;
    for first in 0..STEPS {
        let x = (first as f64 + 0.5) * width;
        let fourth = law.cdf(t - x);
        // Node b at the later of x + third and second; then the fifth.
        let inner: f64 = (0..STEPS)
            .map(|step| {
                let y = (step as f64 + 0.5) * width;
                let by = |y: f64| law.cdf(y) * if y > x { law.cdf(y - x) } else { 0.0 };
                (by(y + width / 2.0) - by(y - width / 2.0)) * law.cdf(t - y)
            })
            .sum();
        total += (law.cdf(x + width / 2.0) - law.cdf(x - width / 2.0)) * fourth * inner;
    }
    total
}

/// The share of trials in which each activity lies on the chain.
fn critical(text: &str, trials: u32) -> [f64; 5] {
    let (map, scenario) = (map(text), scenario(DOWN));
    let model = model(&map, &scenario);
    let mut trial = Trial::new(&model);
    let mut counts = [0.0; 5];
    for number in 0..trials {
        trial.run(1, number);
        let result = outcome(&model, &mut trial, 0);
        let on: BTreeSet<u32> = intervals(&trial.chain, result.why).map(|(key, _)| key.1).collect();
        for node in on {
            let id = model.names.ids[node as usize].as_str();
            let number: usize = id.trim_start_matches('s').parse().expect("an activity");
            counts[number - 1] += 1.0;
        }
    }
    counts.map(|count| count / f64::from(trials))
}

#[test]
fn o20_a_bridge_of_activities() {
    let usable = |text: &str, seed, trials| {
        Sample::new(&Trials::of(text, DOWN, seed, trials).function("f").usable)
    };
    for seed in SEEDS {
        let sample = usable(BRIDGE, seed, MANY);
        sample.mean(83.0 / 24.0, 1.699_162_4, 0.0);
        sample.quantile(0.95, 6.664_456_6);
        assert!((sample.deviation() - 1.699_162_4).abs() < 0.02, "{}", sample.deviation());
    }
    let exact = [0.791_666_7, 0.208_333_3, 0.583_333_3, 0.208_333_3, 0.791_666_7];
    for (share, exact) in critical(BRIDGE, 100_000).into_iter().zip(exact) {
        let error = (exact * (1.0 - exact) / 1e5_f64).sqrt();
        assert!((share - exact).abs() < 3.89 * error, "{share} is not {exact}");
    }
    assert!((bridge_share(6.664_456_6, 1.0) - 0.95).abs() < 1e-4);
    for mean in [0.5, 7.0, 30.0] {
        let map = BRIDGE.replace("\"1h\"", &format!("\"{mean}h\""));
        let sample = usable(&map, 4, FEWER);
        for at in [1.5, 3.0, 5.0] {
            sample.share(at * mean, bridge_share(at * mean, mean));
        }
    }
    let names = [("s1", "s9"), ("s2", "s8"), ("s3", "s7"), ("s4", "s6"), ("s5", "s0")];
    usable(&shuffled(BRIDGE, &names), 1, MANY).quantile(0.95, 6.664_456_6);
}

#[test]
fn o20_a_fleet_is_cleared_in_a_straight_line() {
    // 83 h 20 min each: nine days of 8.5 h, then 6 h 50 min on the second Friday,
    // 9.8 working days.
    let whole = 11.0 * 24.0 + 6.0 + 5.0 / 6.0;
    assert!((ends(FLEET, SUSPECT) - whole).abs() < 1e-3, "{}", ends(FLEET, SUSPECT));
    let working_days = 9.0 + (6.0 + 5.0 / 6.0) / 8.5;
    assert!((working_days - 9.8_f64).abs() < 0.01);
    // A straight line: half of them at half of the work, and so on.
    for (share, work) in [(0.5, 83.0 + 1.0 / 3.0), (0.25, 41.0 + 2.0 / 3.0), (0.75, 125.0)] {
        let map = FLEET.replace("usable_at = 1.0", &format!("usable_at = {share}"));
        let each = work / 2.0;
        let days = (each / 8.5_f64).floor();
        let (weeks, rest) = ((days / 5.0).floor(), days % 5.0);
        let exact = weeks * 168.0 + rest * 24.0 + (each - days * 8.5);
        assert!((ends(&map, SUSPECT) - exact).abs() < 1e-3, "{share}: {exact}");
    }
    let renamed = shuffled(FLEET, &[("pcs", "desks"), ("two", "crew")]);
    assert!((ends(&renamed, SUSPECT) - whole).abs() < 1e-3);
}
