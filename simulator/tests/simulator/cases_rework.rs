//! Cases with exact answers about what has to be done twice: failed tests, spoilt snapshots.
use evenkeel_simulator::model::NEVER;
use statrs::distribution::{ContinuousCDF, Exp, Normal};

use crate::support::{FEWER, HOUR, MANY, SEEDS, Sample, Trials, shuffled};

const O13: &str = include_str!("../cases/o13-rework.map.toml");
const O9: &str = include_str!("../cases/o09-dwell.map.toml");
const DOWN: &str = include_str!("../cases/services-down.scenario.toml");
const INTRUDER: &str = include_str!("../cases/o09-intruder.scenario.toml");

fn usable(map: &str, seed: u64, trials: u64) -> Sample {
    Sample::new(&Trials::of(map, DOWN, seed, trials).function("f").usable)
}

#[test]
fn o13_attempts_until_one_passes() {
    let fixed = O13.replace("{ mean = \"10h\" }", "\"10h\"");
    for seed in SEEDS {
        let sample = usable(O13, seed, MANY);
        sample.mean(14.285_714, 14.285_714, 0.0);
        sample.quantile(0.95, 42.796_175);
        let sample = usable(&fixed, seed, MANY);
        sample.mean(14.285_714, 7.824_608, 0.0);
        assert!((sample.deviation() - 7.824_608).abs() < 0.1, "{}", sample.deviation());
        sample.quantile(0.5, 10.0);
        sample.quantile(0.95, 30.0);
        sample.share(10.0, 0.7);
        sample.share(20.0, 0.91);
    }
    // A geometric sum of exponential attempts is exponential again.
    for (mean, pass) in [(2.0, 0.9), (10.0, 0.25), (50.0, 0.5)] {
        let text = O13.replace("\"10h\"", &format!("\"{mean}h\""));
        let text = text.replace("success = 0.7", &format!("success = {pass}"));
        let law = Exp::new(pass / mean).expect("a law");
        let sample = usable(&text, 5, FEWER);
        for p in [0.1, 0.5, 0.9] {
            sample.quantile(p, law.inverse_cdf(p));
        }
    }
    usable(&shuffled(O13, &[("s", "till")]), 1, MANY).quantile(0.95, 42.796_175);
}

/// P(no clean copy): the intruder stayed so long that the newest snapshot from
/// before him is no longer kept, at a uniform age of the newest one.
fn none_clean(keep: f64, median: f64, sigma: f64) -> f64 {
    let law = Normal::new(0.0, 1.0).expect("a law");
    // With phase u the snapshots are u, u + 1, ... days old; the oldest kept is
    // the last of them up to `keep`.
    const STEPS: usize = 10_000;
    let shares = (0..STEPS).map(|step| {
        let phase = (step as f64 + 0.5) / STEPS as f64;
        let oldest = phase + (keep - phase).floor();
        1.0 - law.cdf((oldest / median).ln() / sigma)
    });
    shares.sum::<f64>() / STEPS as f64
}

#[test]
fn o9_an_intruder_spoils_young_snapshots_and_retention_drops_old_ones() {
    let all_lost = |map: &str, scenario: &str, seed: u64, trials: u64| {
        let losses = Trials::of(map, scenario, seed, trials).function("f").data_loss.clone();
        losses.iter().filter(|ms| **ms == NEVER).count() as f64 / trials as f64
    };
    let near = |got: f64, exact: f64, trials: u64| {
        let error = (exact * (1.0 - exact) / trials as f64).sqrt();
        assert!((got - exact).abs() < 3.89 * error, "{got} is not {exact}");
    };
    let kept = |days: f64| O9.replace("\"30d\"", &format!("\"{days}d\""));
    for seed in SEEDS {
        near(all_lost(O9, INTRUDER, seed, MANY), 0.037_963_8, MANY);
        near(all_lost(&kept(14.0), INTRUDER, seed, MANY), 0.160_404_7, MANY);
        // Retention ignored: mean of the lognormal dwell and half a day.
        let ever = Trials::of(&kept(36_500.0), INTRUDER, seed, MANY);
        let sample = Sample::new(&ever.function("f").data_loss);
        sample.mean(8.743_606 * 24.0, 10.81 * 24.0, 0.05);
        assert!(sample.max() < 36_500.0 * 24.0 && sample.min() > 0.0, "{HOUR}");
    }
    assert!((none_clean(30.0, 5.0, 1.0) - 0.037_963_8).abs() < 1e-5);
    assert!((none_clean(14.0, 5.0, 1.0) - 0.160_404_7).abs() < 1e-5);
    for (keep, median, sigma) in [(7.0, 3.0, 0.5), (30.5, 20.0, 1.0), (90.25, 11.0, 1.5)] {
        let scenario = INTRUDER.replace("median = \"5d\"", &format!("median = \"{median}d\""));
        let scenario = scenario.replace("sigma = 1.0", &format!("sigma = {sigma}"));
        let exact = none_clean(keep, median, sigma);
        near(all_lost(&kept(keep), &scenario, 6, FEWER), exact, FEWER);
    }
    let renamed = shuffled(O9, &[("data", "books"), ("nas", "box")]);
    near(all_lost(&renamed, INTRUDER, 1, MANY), 0.037_963_8, MANY);
}
