//! Cases with exact answers, each at its published figures for three seeds, at
//! three more sets of figures against a closed form, and shuffled and renamed.
use statrs::distribution::{Beta, ContinuousCDF, Erlang, LogNormal};

use crate::support::{FEWER, HOUR, MANY, SEEDS, Sample, Trials, shuffled};

const O4: &str = include_str!("../cases/o04-six-repairs.map.toml");
const O5: &str = include_str!("../cases/o05-two-crews.map.toml");
const O6: &str = include_str!("../cases/o06-key-person.map.toml");
const O8: &str = include_str!("../cases/o08-backup-age.map.toml");
const O10: &str = include_str!("../cases/o10-shared-link.map.toml");
const O12: &str = include_str!("../cases/o12-failover.map.toml");
const O14: &str = include_str!("../cases/o14-office-hours.map.toml");
const O17: &str = include_str!("../cases/o17-pert.map.toml");
const DOWN: &str = include_str!("../cases/services-down.scenario.toml");
const LOST: &str = include_str!("../cases/data-lost.scenario.toml");
const FAILOVER: &str = include_str!("../cases/o12-failover.scenario.toml");
const FRIDAY: &str = include_str!("../cases/o14-friday.scenario.toml");
const WEEK: &str = include_str!("../cases/o14-week.scenario.toml");

/// Other names for the repairs of O4 to O6, in another order.
const RENAMED: [(&str, &str); 6] = [
    ("s1", "zeta"),
    ("s2", "alpha"),
    ("s3", "mill"),
    ("s4", "beam"),
    ("s5", "yard"),
    ("s6", "core"),
];

fn usable(map: &str, scenario: &str, seed: u64, trials: u64) -> Sample {
    Sample::new(&Trials::of(map, scenario, seed, trials).function("f").usable)
}

fn loss(map: &str, scenario: &str, seed: u64, trials: u64) -> Sample {
    Sample::new(&Trials::of(map, scenario, seed, trials).function("f").data_loss)
}

#[test]
fn o4_six_repairs_with_unlimited_crews() {
    for seed in SEEDS {
        let sample = usable(O4, DOWN, seed, MANY);
        sample.mean(19.6, 9.769_793, 0.0);
        sample.quantile(0.5, 17.723_83);
        sample.quantile(0.95, 38.129_81);
    }
    // The maximum of six: F(t) = (1 - exp(-t / m))^6.
    for mean in [1.0, 20.0, 300.0_f64] {
        let map = O4.replace("\"8h\"", &format!("\"{mean}h\""));
        let sample = usable(&map, DOWN, 4, FEWER);
        sample.mean(mean * 2.45, mean * 1.221_224, 0.0);
        for p in [0.05, 0.5, 0.9, 0.99_f64] {
            sample.quantile(p, -mean * (1.0 - p.powf(1.0 / 6.0)).ln());
        }
    }
    usable(&shuffled(O4, &RENAMED), DOWN, 1, MANY).quantile(0.5, 17.723_83);
}

#[test]
fn o5_two_crews_and_one() {
    let one = O5.replace("[person.two]\nskills = [\"repair\"]\nhours = \"24x7\"\n", "");
    assert_ne!(one, O5);
    for seed in SEEDS {
        let sample = usable(O5, DOWN, seed, MANY);
        sample.mean(28.0, 12.0, 0.0);
        sample.quantile(0.5, 26.198_13);
        sample.quantile(0.95, 50.262_22);
        sample.share(24.0, 0.420_623_5);
        let sample = usable(&one, DOWN, seed, MANY);
        sample.mean(48.0, 19.595_92, 0.0);
        sample.quantile(0.5, 45.361_29);
        sample.quantile(0.95, 84.104_28);
    }
    // One crew: the sum of six. Two crews: five times the next of two, then the last.
    for mean in [2.0, 16.0, 64.0] {
        let scale = |text: &str| text.replace("\"8h\"", &format!("\"{mean}h\""));
        let erlang = Erlang::new(6, 1.0 / mean).expect("a law");
        let sample = usable(&scale(&one), DOWN, 5, FEWER);
        for p in [0.1, 0.5, 0.9] {
            sample.quantile(p, erlang.inverse_cdf(p));
        }
        let sample = usable(&scale(O5), DOWN, 5, FEWER);
        sample.mean(3.5 * mean, 1.5 * mean, 0.0);
    }
    usable(&shuffled(O5, &RENAMED), DOWN, 1, MANY).quantile(0.95, 50.262_22);
}

#[test]
fn o6_the_second_person_is_sometimes_away() {
    let deviation = (0.7 * 144.0 + 0.3 * 384.0 + 0.7 * 36.0 + 0.3 * 196.0_f64).sqrt();
    for seed in SEEDS {
        let sample = usable(O6, DOWN, seed, MANY);
        sample.mean(34.0, deviation, 0.0);
        sample.share(48.0, 0.821_279_3);
        sample.quantile(0.95, 67.770_87);
    }
    for away in [0.0, 0.5, 1.0] {
        let map = O6.replace("away = 0.3", &format!("away = {away}"));
        let sample = usable(&map, DOWN, 6, FEWER);
        sample.mean(28.0 + 20.0 * away, 20.0, 0.0);
    }
    usable(&shuffled(O6, &RENAMED), DOWN, 1, MANY).quantile(0.95, 67.770_87);
}

#[test]
fn o8_the_age_of_the_last_good_backup() {
    let sure = O8.replace(", job_success = 0.8", "");
    assert_ne!(sure, O8);
    let weekdays = sure.replace("every = \"24h\"", "every = \"24h\", at = \"Mon-Fri 22:00\"");
    for seed in SEEDS {
        let sample = loss(&sure, LOST, seed, MANY);
        sample.mean(12.0, 6.928_203, 0.0);
        sample.quantile(0.95, 22.8);
        let sample = loss(O8, LOST, seed, MANY);
        sample.mean(18.0, 15.1, 0.0);
        sample.quantile(0.5, 15.0);
        sample.quantile(0.95, 46.5);
        sample.share(24.0, 0.8);
        sample.share(48.0, 0.96);
        let sample = loss(&weekdays, LOST, seed, MANY);
        sample.mean(22.285_714, 18.5, 0.0);
        sample.quantile(0.5, 16.8);
        sample.quantile(0.95, 63.6);
        sample.share(24.0, 1.0 - 0.285_714_3);
    }
    // The same with jobs at a known time of day.
    let nightly = O8.replace("every = \"24h\"", "every = \"24h\", at = \"22:00\"");
    let sample = loss(&nightly, LOST, 1, MANY);
    sample.mean(18.0, 15.1, 0.0);
    sample.share(24.0, 0.8);
    // A uniform part of a period, and one more period for each failure in a row.
    for (every, success) in [(1.0, 0.9), (12.0, 0.5), (168.0, 0.95_f64)] {
        let map = O8.replace("every = \"24h\"", &format!("every = \"{every}h\""));
        let map = map.replace("job_success = 0.8", &format!("job_success = {success}"));
        let sample = loss(&map, LOST, 7, FEWER);
        let failure = 1.0 - success;
        let variance = 1.0 / 12.0 + failure / (success * success);
        sample.mean(every * (0.5 + failure / success), every * variance.sqrt(), 0.0);
        for whole in 0..3 {
            let below = 1.0 - failure.powi(whole);
            sample.quantile(
                below + success * failure.powi(whole) / 2.0,
                every * (f64::from(whole) + 0.5),
            );
        }
    }
    loss(&shuffled(O8, &[("data", "books"), ("nas", "box")]), LOST, 1, MANY).quantile(0.95, 46.5);
}

#[test]
fn o10_restores_share_a_link_or_queue_for_it() {
    let ends = |map: &str, names: [&str; 5]| {
        let trials = Trials::of(map, LOST, 1, 3);
        names.map(|name| {
            let usable = &trials.function(name).usable;
            assert!(usable.iter().all(|ms| *ms == usable[0]), "nothing is random here");
            usable[0] as f64 / HOUR
        })
    };
    let near = |got: [f64; 5], exact: [f64; 5]| {
        for (got, exact) in got.iter().zip(exact) {
            assert!((got - exact).abs() < 1e-6, "{got} is not {exact}");
        }
    };
    const NAMES: [&str; 5] = ["fa", "fb", "fc", "fd", "all"];
    let fifo = O10.replace("\"fair\"", "\"fifo\"");
    let hours = |tb: f64| tb * 1e12 / 1e8 / 3600.0;
    near(ends(&fifo, NAMES), [2.0, 3.0, 3.5, 4.5, 3.5].map(hours));
    near(ends(O10, NAMES), [4.5, 3.5, 2.0, 3.5, 4.5].map(hours));
    // Equal sharing: between two ends each of the n left gets an n-th.
    for rate in [25.0, 400.0, 1000.0] {
        let map = O10.replace("\"100 MB/s\"", &format!("\"{rate} MB/s\""));
        near(ends(&map, NAMES), [4.5, 3.5, 2.0, 3.5, 4.5].map(|tb| hours(tb) * 100.0 / rate));
    }
    let names = [("a", "tar"), ("b", "reed"), ("c", "oak"), ("d", "elm"), ("nas", "box")];
    near(ends(&shuffled(O10, &names), NAMES), [4.5, 3.5, 2.0, 3.5, 4.5].map(hours));
}

#[test]
fn o12_a_failover_that_sometimes_fails() {
    for seed in SEEDS {
        let sample = usable(O12, FAILOVER, seed, MANY);
        sample.mean(6.499_723, 8.6, 0.0);
        sample.share(4.0, 0.621_532_0);
        sample.share(8.0, 0.812_213_7);
        sample.share(24.0, 0.957_488_1);
        sample.quantile(0.5, 3.480_822);
        sample.quantile(0.9, 15.538_941);
        sample.quantile(0.95, 22.386_017);
    }
    for (works, median) in [(0.5, 12.0), (0.0, 6.0), (0.95, 48.0)] {
        let map = O12.replace("success = 0.8", &format!("success = {works}"));
        let map = map.replace("\"12h\"", &format!("\"{median}h\""));
        let map = map.replace("\"36h\"", &format!("\"{}h\"", median * 3.0));
        let sample = usable(&map, FAILOVER, 8, FEWER);
        for at in [4.0, 8.0, 24.0] {
            sample.share(at, failover_share(works, median, at));
        }
    }
    let renamed = shuffled(O12, &[("s", "till")]);
    usable(&renamed, &FAILOVER.replace("\"s\"", "\"till\""), 1, MANY).quantile(0.9, 15.538_941);
}

/// P(usable by t): noticed after an exponential hour, then 2.5 h, then with
/// chance 1 - `works` a lognormal restore; the sum by quadrature.
fn failover_share(works: f64, median: f64, at: f64) -> f64 {
    let left = at - 2.5;
    let restore =
        LogNormal::new(median.ln(), 3.0_f64.ln() / 1.644_853_626_951_472_2).expect("a law");
    const STEPS: usize = 20_000;
    let width = left / STEPS as f64;
    let both: f64 = (0..STEPS)
        .map(|step| {
            let x = (step as f64 + 0.5) * width;
            (-x).exp() * restore.cdf(left - x) * width
        })
        .sum();
    works * (1.0 - (-left).exp()) + (1.0 - works) * both
}

#[test]
fn o14_work_waits_for_office_hours() {
    let friday = Trials::of(O14, FRIDAY, 1, 10);
    assert!(friday.function("f").usable.iter().all(|ms| *ms == (70.5 * HOUR) as i64));
    let long = O14.replace("\"6h\"", "\"12h\"");
    for seed in SEEDS {
        let sample = usable(O14, WEEK, seed, MANY);
        sample.mean(25.343, 20.0, 0.02);
        sample.share(8.0, 0.134);
        sample.share(24.0, 0.693);
        assert!(sample.max() <= 69.5 + 1e-6 && sample.max() > 69.4, "{}", sample.max());
        usable(&long, WEEK, seed, MANY).mean(51.83, 25.0, 0.02);
    }
    for (hours, effort) in
        [("Mon-Fri 08:30-17:00", 6.0), ("Mon-Thu 07:00-15:00", 5.0), ("Tue-Sat 10:00-12:00", 9.0)]
    {
        let map =
            O14.replace("Mon-Fri 08:30-17:00", hours).replace("\"6h\"", &format!("\"{effort}h\""));
        let exact = office_times(hours, effort);
        let sample = usable(&map, WEEK, 9, FEWER);
        for p in [0.1, 0.5, 0.9] {
            sample.quantile(p, exact[(p * exact.len() as f64) as usize]);
        }
        sample.mean(exact.iter().sum::<f64>() / exact.len() as f64, 45.0, 0.02);
    }
    let renamed = shuffled(O14, &[("s", "till"), ("one", "ida")]);
    usable(&renamed, &WEEK.replace("\"s\"", "\"till\""), 1, MANY).mean(25.343, 20.0, 0.02);
}

/// Elapsed hours for each start on a grid of half minutes, sorted: a walk over
/// a table of open half minutes, which shares nothing with the simulator.
fn office_times(hours: &str, effort: f64) -> Vec<f64> {
    const DAY: usize = 2880;
    let (days, times) = hours.split_once(' ').expect("days and times");
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let (first, last) = days.split_once('-').expect("a range of days");
    let day = |name| names.iter().position(|known| *known == name).expect("a day");
    let (from, to) = times.split_once('-').expect("a range of times");
    let clock = |text: &str| {
        let (h, m) = text.split_once(':').expect("a time");
        h.parse::<usize>().expect("hours") * 120 + m.parse::<usize>().expect("minutes") * 2
    };
    let open: Vec<bool> = (0..7 * DAY)
        .map(|slot| {
            (day(first)..=day(last)).contains(&(slot / DAY))
                && (clock(from)..clock(to)).contains(&(slot % DAY))
        })
        .collect();
    let need = (effort * 120.0) as usize;
    let mut all: Vec<f64> = (0..7 * DAY)
        .map(|start| {
            // On average a start lies in the middle of its slot.
            let (mut at, mut done) = (start, 0.0);
            let mut first = if open[start] { 0.5 } else { 0.0 };
            loop {
                if open[at % (7 * DAY)] {
                    let part = 1.0 - first;
                    if done + part >= need as f64 {
                        let end = at as f64 + first + (need as f64 - done);
                        return (end - start as f64 - 0.5) / 120.0;
                    }
                    done += part;
                }
                first = 0.0;
                at += 1;
            }
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all
}

#[test]
fn o17_pert_is_a_beta_law() {
    for seed in SEEDS {
        let sample = usable(O17, DOWN, seed, MANY);
        sample.mean(5.0, 1.732_050_8, 0.0);
        sample.quantile(0.5, 4.766_722_6);
        sample.quantile(0.95, 8.212_767_2);
    }
    for (low, likely, high) in [(2.0, 2.0, 12.0), (0.0, 9.0, 10.0), (1.0, 30.0, 400.0)] {
        let map = O17.replace("\"2h\"", &format!("\"{low}h\""));
        let map = map.replace("\"4h\"", &format!("\"{likely}h\""));
        let map = map.replace("\"12h\"", &format!("\"{high}h\""));
        let width = high - low;
        let beta =
            Beta::new(1.0 + 4.0 * (likely - low) / width, 1.0 + 4.0 * (high - likely) / width);
        let beta = beta.expect("a law");
        let sample = usable(&map, DOWN, 10, FEWER);
        for p in [0.001, 0.05, 0.5, 0.95, 0.999] {
            sample.quantile(p, low + width * beta.inverse_cdf(p));
        }
    }
    usable(&shuffled(O17, &[("s", "till")]), DOWN, 1, MANY).quantile(0.95, 8.212_767_2);
}
