//! Each law against an independent implementation: Kolmogorov-Smirnov and moments.
use evenkeel_config::law::Law;
use evenkeel_config::quantity::Span;
use evenkeel_simulator::draw::{BadDay, Tables};
use evenkeel_simulator::key::{Luck, Purposes};
use statrs::distribution::{
    Beta, ContinuousCDF, Exp, Gamma, LogNormal, Normal, Triangular, Uniform, Weibull,
};

const N: u32 = 20_000;

fn draws(law: &Law) -> Vec<f64> {
    let sampler = Tables::default().sampler(law);
    let purpose = Purposes::default().of("component", "step", "law");
    let mut all: Vec<f64> =
        (0..N).map(|trial| sampler.at(Luck::new(11, trial).uniform(purpose, 0)) as f64).collect();
    all.sort_by(f64::total_cmp);
    all
}

/// The largest distance between the drawn and the exact distribution function
/// stays below the 99.99 % point of Kolmogorov's law.
fn agrees(law: &Law, exact: impl Fn(f64) -> f64) {
    let all = draws(law);
    let n = f64::from(N);
    let gap = all
        .iter()
        .zip(0..)
        .map(|(x, rank)| {
            let f = exact(*x);
            (f - f64::from(rank) / n).abs().max((f - f64::from(rank + 1) / n).abs())
        })
        .fold(0.0, f64::max);
    assert!(gap < 2.23 / n.sqrt(), "{law:?} is off by {gap}");
}

#[test]
fn every_law_agrees_with_statrs() {
    let span = |hours: i64| Span::from_ms(hours * 3_600_000);
    let ms = |hours: f64| hours * 3.6e6;
    let (low, likely, high) = (span(2), span(4), span(12));
    let uniform = Uniform::new(ms(2.0), ms(12.0)).expect("a law");
    agrees(&Law::Uniform { low, high }, |x| uniform.cdf(x));
    let triangular = Triangular::new(ms(2.0), ms(12.0), ms(4.0)).expect("a law");
    agrees(&Law::Triangular { low, likely, high }, |x| triangular.cdf(x));
    let beta = Beta::new(1.8, 4.2).expect("a law");
    agrees(&Law::Pert { low, likely, high }, |x| beta.cdf((x - ms(2.0)) / ms(10.0)));
    let exponential = Exp::new(1.0 / ms(8.0)).expect("a law");
    agrees(&Law::Exponential { mean: span(8) }, |x| exponential.cdf(x));
    for shape in [0.5, 2.5, 30.0] {
        let gamma = Gamma::new(shape, shape / ms(8.0)).expect("a law");
        agrees(&Law::Gamma { shape, mean: span(8) }, |x| gamma.cdf(x));
        let weibull = Weibull::new(shape, ms(8.0)).expect("a law");
        agrees(&Law::Weibull { shape, scale: span(8) }, |x| weibull.cdf(x));
    }
    let lognormal = LogNormal::new(ms(12.0).ln(), 0.667_908_8).expect("a law");
    let law = Law::Lognormal { median_ms: ms(12.0), sigma: 0.667_908_8 };
    agrees(&law, |x| lognormal.cdf(x));
}

#[test]
fn empirical_laws_give_each_sample_its_share() {
    let samples: Vec<Span> = [10, 20, 30, 40].map(Span::from_ms).to_vec();
    let all = draws(&Law::Empirical { samples });
    for value in [10.0, 20.0, 30.0, 40.0] {
        let share = all.iter().filter(|x| **x == value).count() as f64 / f64::from(N);
        assert!((share - 0.25).abs() < 0.015, "{value}: {share}");
    }
}

/// Five sequential lognormal steps (median 4 h, sigma 0.6): P95 is 36.9 h when
/// independent, 46.3 h at 0.5 and 53.7 h at 1.
#[test]
fn bad_days_go_together() {
    let law = Law::Lognormal { median_ms: 4.0 * 3.6e6, sigma: 0.6 };
    let sampler = Tables::default().sampler(&law);
    let mut purposes = Purposes::default();
    let night = purposes.of("", "bad-day", "");
    let steps: Vec<_> = (0..5).map(|step| purposes.of("c", &format!("{step}"), "effort")).collect();
    for (r, exact) in [(0.0, 36.9), (0.5, 46.3), (1.0, 53.7)] {
        let mut sums: Vec<f64> = (0..N)
            .map(|trial| {
                let luck = Luck::new(3, trial);
                let bad_day = BadDay::new(r, luck.uniform(night, 0));
                let total: i64 =
                    steps.iter().map(|step| sampler.at(bad_day.mix(luck.uniform(*step, 0)))).sum();
                total as f64 / 3.6e6
            })
            .collect();
        sums.sort_by(f64::total_cmp);
        let p95 = sums[(0.95 * f64::from(N)) as usize];
        assert!((p95 / exact - 1.0).abs() < 0.03, "r = {r}: {p95} is not {exact}");
    }
}

/// The mixed luck is still uniform: single efforts keep their law.
#[test]
fn bad_days_leave_each_law_as_it_is() {
    let mut purposes = Purposes::default();
    let (night, own) = (purposes.of("", "bad-day", ""), purposes.of("c", "s", "effort"));
    let mut z: Vec<f64> = (0..N)
        .map(|trial| {
            let luck = Luck::new(5, trial);
            BadDay::new(0.5, luck.uniform(night, 0)).mix(luck.uniform(own, 0))
        })
        .collect();
    z.sort_by(f64::total_cmp);
    let normal = Normal::standard();
    let mean = z.iter().map(|u| normal.inverse_cdf(*u)).sum::<f64>() / f64::from(N);
    assert!(mean.abs() < 0.03, "{mean}");
    let gap = z.iter().zip(0..).map(|(u, k)| (u - f64::from(k) / f64::from(N)).abs());
    assert!(gap.fold(0.0, f64::max) < 2.23 / f64::from(N).sqrt());
}
