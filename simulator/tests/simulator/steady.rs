//! O7: failures and repairs going on, exact and simulated.
use evenkeel_config::record::{Band, SteadyFunction};
use evenkeel_simulator::annual::{AnnualJob, annual};
use evenkeel_simulator::steady::Plant;

use crate::support::{map, scenario, shuffled};

const HOSTS: &str = include_str!("../cases/o07-five-hosts.map.toml");
const CLAIM: &str = include_str!("../cases/o18-claim.scenario.toml");
const NAMES: [(&str, &str); 5] =
    [("h1", "zeta"), ("h2", "mill"), ("h3", "alpha"), ("h4", "beam"), ("h5", "core")];

fn exact(got: f64, exact: f64) {
    assert!((got / exact - 1.0).abs() <= 1e-6, "{got} is not {exact}");
}

fn crews(text: &str, crews: usize) -> String {
    text.replace("count = 1", &format!("count = {crews}"))
}

/// The answer of `annual`, which holds the steady state.
fn answer(text: &str) -> SteadyFunction {
    let (map, claim) = (map(text), [scenario(CLAIM)]);
    let question = AnnualJob {
        map: &map,
        modifiers: &[],
        fixes: &[],
        scenarios: &claim,
        evidence: &[],
        as_of: None,
        seed: 1,
        trials: 100,
        years: 100,
        threads: None,
        strict: true,
    };
    annual(&question, &|_, _| {}).unwrap_or_else(|p| panic!("{p}")).steady.remove(0)
}

#[test]
fn o7_five_hosts_of_which_three_must_work() {
    for text in [HOSTS.to_owned(), shuffled(HOSTS, &NAMES)] {
        let one = answer(&text);
        assert!(one.exact && one.components == 5);
        exact(one.availability.middle, 0.999_231_529_4);
        exact(one.failed.middle, 0.128_659_1);
        exact(one.first_failure_hours.expect("a time").middle, 35_274.07);
        let two = answer(&crews(&text, 2));
        exact(two.availability.middle, 0.999_811_366_3);
        exact(two.first_failure_hours.expect("a time").middle, 67_681.48);
        exact(answer(&crews(&text, 5)).availability.middle, 0.999_875_737_6);
        // Nobody in particular repairs: each machine by itself.
        let nobody = answer(&text.replace(", skill = \"hardware\"", ""));
        exact(nobody.availability.middle, 0.999_875_737_6);
    }
    for (needed, mtbf, mttr, repairers) in
        [(1, 50.0, 40.0, 1), (5, 8000.0, 300.0, 2), (4, 200.0, 90.0, 3)]
    {
        let text = crews(HOSTS, repairers)
            .replace("at_least = 3", &format!("at_least = {needed}"))
            .replace("\"1000h\"", &format!("\"{mtbf}h\""))
            .replace("mttr = \"24h\"", &format!("mttr = \"{mttr}h\""));
        let got = answer(&text);
        let (availability, failed, first) = solved(needed, mtbf, mttr, repairers);
        exact(got.availability.middle, availability);
        exact(got.failed.middle, failed);
        exact(got.first_failure_hours.expect("a time").middle, first);
    }
}

/// The same from the generator of the Markov chain: balance and mean times to
/// absorption as linear equations, which shares nothing with the recursion.
fn solved(needed: usize, mtbf: f64, mttr: f64, crews: usize) -> (f64, f64, f64) {
    const N: usize = 5;
    let fail = |down: usize| (N - down) as f64 / mtbf;
    let back = |down: usize| down.min(crews) as f64 / mttr;
    let mut balance = vec![vec![0.0; N + 2]; N + 1];
    for down in 0..N {
        // Into each state as much as out of it; the last equation is the sum.
        balance[down][down] = fail(down) + back(down);
        balance[down][down + 1] -= back(down + 1);
        if down > 0 {
            balance[down][down - 1] -= fail(down - 1);
        }
    }
    balance[N] = vec![1.0; N + 2];
    let shares = eliminate(balance);
    let availability = shares[..=N - needed].iter().sum();
    let failed = shares.iter().enumerate().map(|(down, share)| down as f64 * share).sum();
    let states = N - needed + 1;
    let mut times = vec![vec![0.0; states + 1]; states];
    for (down, row) in times.iter_mut().enumerate() {
        row[down] = fail(down) + back(down);
        row[states] = 1.0;
        if down + 1 < states {
            row[down + 1] -= fail(down);
        }
        if down > 0 {
            row[down - 1] -= back(down);
        }
    }
    (availability, failed, eliminate(times)[0])
}

fn eliminate(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let n = rows.len();
    for column in 0..n {
        let pivot = (column..n)
            .max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))
            .expect("a row");
        rows.swap(column, pivot);
        let top = rows[column].clone();
        for (number, row) in rows.iter_mut().enumerate() {
            if number != column {
                let factor = row[column] / top[column];
                row.iter_mut().zip(&top).for_each(|(value, above)| *value -= factor * above);
            }
        }
    }
    (0..n).map(|row| rows[row][n] / rows[row][row]).collect()
}

/// Within half again as wide as its 95 % interval: three standard errors.
fn holds(band: Band, exact: f64) {
    let (below, above) = (band.middle - band.low, band.high - band.middle);
    assert!(
        band.middle - 1.6 * below <= exact && exact <= band.middle + 1.6 * above,
        "{band:?} does not hold {exact}"
    );
}

#[test]
fn the_simulation_agrees_with_the_exact_answer() {
    for (mtbf, mttr, repairers) in
        [(1000.0, 24.0, 1), (100.0, 30.0, 1), (100.0, 30.0, 2), (60.0, 40.0, 5)]
    {
        let text = crews(HOSTS, repairers)
            .replace("\"1000h\"", &format!("\"{mtbf}h\""))
            .replace("mttr = \"24h\"", &format!("mttr = \"{mttr}h\""));
        let known = answer(&text);
        let map = map(&text);
        let seen = Plant::of(&map).simulated(3, 5000).remove(0);
        holds(seen.availability, known.availability.middle);
        holds(seen.failed, known.failed.middle);
        holds(
            seen.first_failure.expect("failures"),
            known.first_failure_hours.expect("a time").middle,
        );
    }
}

#[test]
fn unlike_components_are_simulated_and_share_their_repairer() {
    // Both needed, one repairer, unlike times: both work a share of time that
    // follows from four states (both up; a or b down; both down, first come first served).
    let (a, b, ra, rb) = (1.0 / 100.0, 1.0 / 300.0, 1.0 / 40.0, 1.0 / 10.0);
    let text = "[organisation]\nname = \"two\"\n[function.f]\nneeds = [\"a\", \"b\"]\n\
                [host.a]\nmtbf = \"100h\"\nmttr = \"40h\"\n\
                repair = [{ step = \"r\", effort = \"1h\", who = \"ida\" }]\n\
                [host.b]\nmtbf = \"300h\"\nmttr = \"10h\"\n\
                repair = [{ step = \"r\", effort = \"1h\", who = \"ida\" }]\n[person.ida]\n";
    // States: 0 both up, 1 a in repair, 2 b in repair, 3 a in repair and b waits,
    // 4 b in repair and a waits. Into each as much as out of it; the last is the sum.
    let rows = vec![
        vec![a + b, -ra, -rb, 0.0, 0.0, 0.0],
        vec![-a, ra + b, 0.0, 0.0, -rb, 0.0],
        vec![-b, 0.0, rb + a, -ra, 0.0, 0.0],
        vec![0.0, -b, 0.0, ra, 0.0, 0.0],
        vec![1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    ];
    let both_up = eliminate(rows)[0];
    let map = map(text);
    let got = Plant::of(&map).functions(5, 5000).remove(0);
    assert!(!got.exact);
    holds(got.availability, both_up);
    assert_eq!(Plant::of(&map).functions(5, 5000).remove(0), got);
}
