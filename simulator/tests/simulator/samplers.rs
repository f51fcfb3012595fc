//! Each law against independent implementations: statrs' distribution functions, rand_distr's samplers.
//!
//! Kolmogorov-Smirnov, chi-square, moments and both tails, with efforts on
//! their own (r = 0) and on nights of their own luck (r = 0.5); and the lanes
//! of the fast paths against one trial at a time, on all this processor can run.
use evenkeel_config::law::Law;
use evenkeel_config::quantity::Span;
use evenkeel_simulator::draw::{BadDay, Sampler, Tables, normal};
use evenkeel_simulator::fast::{Batch, Block, LANES, Level, Trials};
use evenkeel_simulator::key::{Luck, Purpose, Purposes};
use evenkeel_simulator::model::Draw;
use rand::RngExt;
use rand_distr::Distribution;
use statrs::distribution::{
    Beta, ContinuousCDF, Exp, Gamma, LogNormal, Normal, Triangular, Uniform, Weibull,
};

const N: u32 = 100_000;
/// Kolmogorov's 99.99 % point, one sample and exact law.
const KOLMOGOROV: f64 = 2.23;

fn hours(hours: f64) -> f64 {
    hours * 3.6e6
}

fn span(hours: i64) -> Span {
    Span::from_ms(hours * 3_600_000)
}

/// A law, its exact distribution function in milliseconds, and rand_distr's
/// sampler of the same law.
struct Case {
    law: Law,
    exact: Box<dyn Fn(f64) -> f64>,
    peer: Box<dyn Fn(&mut rand::rngs::Xoshiro256PlusPlus) -> f64>,
}

fn case(
    law: Law,
    exact: impl ContinuousCDF<f64, f64> + 'static,
    peer: impl Distribution<f64> + 'static,
) -> Case {
    Case {
        law,
        exact: Box::new(move |x| exact.cdf(x)),
        peer: Box::new(move |rng| peer.sample(rng)),
    }
}

fn cases() -> Vec<Case> {
    let (low, likely, high) = (span(2), span(4), span(12));
    let mut all = vec![
        case(
            Law::Uniform { low, high },
            Uniform::new(hours(2.0), hours(12.0)).expect("a law"),
            rand_distr::Uniform::new(hours(2.0), hours(12.0)).expect("a law"),
        ),
        case(
            Law::Triangular { low, likely, high },
            Triangular::new(hours(2.0), hours(12.0), hours(4.0)).expect("a law"),
            rand_distr::Triangular::new(hours(2.0), hours(12.0), hours(4.0)).expect("a law"),
        ),
        case(
            Law::Exponential { mean: span(8) },
            Exp::new(1.0 / hours(8.0)).expect("a law"),
            rand_distr::Exp::new(1.0 / hours(8.0)).expect("a law"),
        ),
    ];
    for sigma in [0.2, 0.667_908_8, 1.5] {
        all.push(case(
            Law::Lognormal { median_ms: hours(12.0), sigma },
            LogNormal::new(hours(12.0).ln(), sigma).expect("a law"),
            rand_distr::LogNormal::new(hours(12.0).ln(), sigma).expect("a law"),
        ));
    }
    for shape in [0.5, 1.5, 2.5, 30.0] {
        all.push(case(
            Law::Gamma { shape, mean: span(8) },
            Gamma::new(shape, shape / hours(8.0)).expect("a law"),
            rand_distr::Gamma::new(shape, hours(8.0) / shape).expect("a law"),
        ));
        all.push(case(
            Law::Weibull { shape, scale: span(8) },
            Weibull::new(shape, hours(8.0)).expect("a law"),
            rand_distr::Weibull::new(hours(8.0), shape).expect("a law"),
        ));
    }
    for (likely, alpha) in [(2, 1.0), (4, 1.8), (7, 3.0), (12, 5.0)] {
        let beta = Beta::new(alpha, 6.0 - alpha).expect("a law");
        let peer = rand_distr::Pert::new(hours(2.0), hours(12.0)).with_mode(hours(likely as f64));
        let peer = peer.expect("a law");
        all.push(Case {
            law: Law::Pert { low, likely: span(likely), high },
            exact: Box::new(move |x| beta.cdf((x - hours(2.0)) / hours(10.0))),
            peer: Box::new(move |rng| peer.sample(rng)),
        });
    }
    all
}

fn sampler(law: &Law) -> Sampler {
    Tables::default().sampler(law)
}

/// Sorted draws of trials 0 to N, each on its own night.
fn draws(law: &Law, r: f64, seed: u64) -> Vec<f64> {
    let sampler = sampler(law);
    let mut purposes = Purposes::default();
    let (night, own) = (purposes.of("", "bad-day", ""), purposes.of("component", "step", "law"));
    let mut all: Vec<f64> = (0..N)
        .map(|trial| {
            let luck = Luck::new(seed, trial);
            let bad_day = BadDay::new(r, luck.normal(night, 0));
            sampler.at(bad_day.mix(luck.normal(own, 0))) as f64
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let middle = mean(values);
    (values.iter().map(|x| (x - middle) * (x - middle)).sum::<f64>() / values.len() as f64).sqrt()
}

/// The largest distance between the drawn and the exact distribution function.
fn gap(sorted: &[f64], exact: impl Fn(f64) -> f64) -> f64 {
    let n = sorted.len() as f64;
    let distances = sorted.iter().zip(0..).map(|(x, rank)| {
        let f = exact(*x);
        (f - f64::from(rank) / n).abs().max((f - f64::from(rank + 1) / n).abs())
    });
    distances.fold(0.0, f64::max)
}

#[test]
fn every_law_agrees_with_statrs() {
    for r in [0.0, 0.5] {
        for case in cases() {
            let all = draws(&case.law, r, 11);
            let n = f64::from(N);
            let gap = gap(&all, &case.exact);
            assert!(gap < KOLMOGOROV / n.sqrt(), "{:?}, r = {r}: off by {gap}", case.law);
            // 50 cells of equal probability: chi-square with 49 degrees, 99.99 % point.
            let mut cells = [0.0_f64; 50];
            for x in &all {
                cells[(((case.exact)(*x) * 50.0) as usize).min(49)] += 1.0;
            }
            let expected = n / 50.0;
            let chi: f64 = cells.iter().map(|c| (c - expected) * (c - expected) / expected).sum();
            assert!(chi < 95.0, "{:?}, r = {r}: chi-square {chi}", case.law);
            // Both tails: as many below and above as there should be.
            for share in [1e-3, 1e-2, 0.99, 0.999] {
                let below = all.iter().filter(|x| (case.exact)(**x) < share).count() as f64;
                let error = (n * share * (1.0 - share)).sqrt();
                let off = (below - n * share) / error;
                assert!(off.abs() < 3.9, "{:?}, r = {r}: {off} errors off at {share}", case.law);
            }
        }
    }
}

#[test]
fn every_law_agrees_with_rand_distr() {
    for (number, case) in (0..).zip(cases()) {
        let ours = draws(&case.law, 0.5, 23);
        let mut rng: rand::rngs::Xoshiro256PlusPlus = rand::SeedableRng::seed_from_u64(number);
        let mut theirs: Vec<f64> = (0..N).map(|_| (case.peer)(&mut rng)).collect();
        theirs.sort_by(f64::total_cmp);
        // Two samples: the distance of their distribution functions.
        let n = theirs.len() as f64;
        let distance = gap(&ours, |x| theirs.partition_point(|y| *y <= x) as f64 / n);
        let limit = KOLMOGOROV * f64::sqrt(2.0 / n) + 1.0 / n;
        assert!(distance < limit, "{:?}: {distance} apart", case.law);
        let spread = deviation(&theirs);
        let apart = (mean(&ours) - mean(&theirs)) / (spread * f64::sqrt(2.0 / n));
        assert!(apart.abs() < 4.0, "{:?}: means {apart} errors apart", case.law);
    }
}

/// The keyed generator is a generator like any other: rand_distr's own
/// samplers give the right law from it.
#[test]
fn rand_distr_samples_from_the_keyed_generator() {
    let purpose = Purposes::default().of("component", "step", "law");
    let mut rng = Luck::new(5, 9).stream(purpose);
    for case in cases() {
        let mut all: Vec<f64> = match &case.law {
            Law::Exponential { .. } => {
                let law = rand_distr::Exp::new(1.0 / hours(8.0)).expect("a law");
                (0..N).map(|_| law.sample(&mut rng)).collect()
            }
            Law::Gamma { shape, .. } => {
                let law = rand_distr::Gamma::new(*shape, hours(8.0) / shape).expect("a law");
                (0..N).map(|_| law.sample(&mut rng)).collect()
            }
            Law::Uniform { .. } => {
                (0..N).map(|_| rng.random_range(hours(2.0)..hours(12.0))).collect()
            }
            _ => continue,
        };
        all.sort_by(f64::total_cmp);
        let gap = gap(&all, &case.exact);
        assert!(gap < KOLMOGOROV / f64::from(N).sqrt(), "{:?} is off by {gap}", case.law);
    }
}

/// Against the exact inverse at known ranks, far into both tails.
#[test]
fn quantiles_are_close_out_to_the_tails() {
    for case in cases() {
        let sampler = sampler(&case.law);
        for u in [1e-9, 1e-6, 1e-4, 0.01, 0.2, 0.5, 0.77, 0.95, 0.9999, 1.0 - 1e-6, 1.0 - 1e-9] {
            let drawn = sampler.at(normal(u)) as f64;
            // The rank of what was drawn, give or take the rounding to 1 ms.
            let (below, above) = ((case.exact)(drawn - 1.0), (case.exact)(drawn + 1.0));
            let slack = 1.002;
            let fits = if u < 0.5 {
                below <= u * slack && above * slack >= u
            } else {
                (1.0 - above) <= (1.0 - u) * slack + 1e-12
                    && (1.0 - below) * slack + 1e-12 >= 1.0 - u
            };
            assert!(fits, "{:?} at {u}: {drawn} has the ranks {below} to {above}", case.law);
        }
    }
}

#[test]
fn draws_rise_with_luck() {
    for case in cases() {
        let sampler = sampler(&case.law);
        let mut last = 0;
        for step in 0..400_000 {
            let drawn = sampler.at(f64::from(step) / 24_000.0 - 8.3);
            assert!(drawn >= last, "{:?} falls at step {step}", case.law);
            last = drawn;
        }
    }
}

#[test]
fn empirical_laws_give_each_sample_its_share() {
    let samples: Vec<Span> = [10, 20, 30, 40].map(Span::from_ms).to_vec();
    for r in [0.0, 0.5] {
        let all = draws(&Law::Empirical { samples: samples.clone() }, r, 11);
        for value in [10.0, 20.0, 30.0, 40.0] {
            let share = all.iter().filter(|x| **x == value).count() as f64 / f64::from(N);
            assert!((share - 0.25).abs() < 0.006, "{value}: {share}");
        }
    }
}

#[test]
fn fixed_laws_are_fixed() {
    assert!(draws(&Law::Fixed(span(3)), 0.5, 1).iter().all(|x| *x == hours(3.0)));
}

/// Five sequential lognormal steps (median 4 h, sigma 0.6): P95 is 36.9 h when
/// independent, 46.3 h at 0.5 and 53.7 h at 1.
#[test]
fn bad_days_go_together() {
    let law = Law::Lognormal { median_ms: 4.0 * 3.6e6, sigma: 0.6 };
    let sampler = sampler(&law);
    let mut purposes = Purposes::default();
    let night = purposes.of("", "bad-day", "");
    let steps: Vec<_> = (0..5).map(|step| purposes.of("c", &format!("{step}"), "effort")).collect();
    for (r, exact) in [(0.0, 36.9), (0.5, 46.3), (1.0, 53.7)] {
        let mut sums: Vec<f64> = (0..N)
            .map(|trial| {
                let luck = Luck::new(3, trial);
                let bad_day = BadDay::new(r, luck.normal(night, 0));
                let total: i64 =
                    steps.iter().map(|step| sampler.at(bad_day.mix(luck.normal(*step, 0)))).sum();
                total as f64 / 3.6e6
            })
            .collect();
        sums.sort_by(f64::total_cmp);
        let p95 = sums[(0.95 * f64::from(N)) as usize];
        assert!((p95 / exact - 1.0).abs() < 0.02, "r = {r}: {p95} is not {exact}");
    }
}

/// The mixed luck is still standard normal: single efforts keep their law.
#[test]
fn bad_days_leave_each_law_as_it_is() {
    let mut purposes = Purposes::default();
    let (night, own) = (purposes.of("", "bad-day", ""), purposes.of("c", "s", "effort"));
    let mut z: Vec<f64> = (0..N)
        .map(|trial| {
            let luck = Luck::new(5, trial);
            BadDay::new(0.5, luck.normal(night, 0)).mix(luck.normal(own, 0))
        })
        .collect();
    z.sort_by(f64::total_cmp);
    let exact = Normal::standard();
    assert!(mean(&z).abs() < 0.015 && (deviation(&z) - 1.0).abs() < 0.01);
    assert!(gap(&z, |x| exact.cdf(x)) < KOLMOGOROV / f64::from(N).sqrt());
}

fn all_draws() -> (Vec<Draw>, Purpose) {
    let mut purposes = Purposes::default();
    let mut tables = Tables::default();
    let fixed = [Law::Fixed(span(3)), Law::Empirical { samples: vec![span(1), span(2), span(9)] }];
    let laws: Vec<Law> = cases().into_iter().map(|case| case.law).chain(fixed).collect();
    let draws = (0..).zip(&laws).map(|(slot, law)| Draw {
        sampler: tables.sampler(law),
        purpose: purposes.of("c", &format!("{slot}"), "effort"),
        bad_day: slot % 3 != 0,
        slot,
    });
    (draws.collect(), purposes.of("", "bad-day", ""))
}

/// Lanes on every instruction set give what one trial at a time gives: aligned
/// batches, odd ones, and those of a shard.
#[test]
fn lanes_equal_single_trials_on_every_processor_level() {
    let (draws, night) = all_draws();
    for (first, step) in [(0, 1), (4096, 1), (7, 1), (3, 8), (5, 7), (u32::MAX - 15, 1)] {
        for r in [0.0, 0.5, 1.0] {
            let batch = Batch::new(99, Trials { first, step }, r, night);
            for level in Level::available() {
                let mut rows = vec![[0; LANES]; draws.len()];
                level.fill(&batch, &draws, 2, &mut rows);
                for (draw, row) in draws.iter().zip(&rows) {
                    let shares = level.uniform(&batch, draw.purpose, 2);
                    for lane in 0..LANES {
                        let luck = Luck::new(99, first.wrapping_add(step * lane as u32));
                        let z = luck.normal(draw.purpose, 2);
                        let night = BadDay::new(r, luck.normal(night, 0));
                        let z = if draw.bad_day { night.mix(z) } else { z };
                        assert_eq!(row[lane], draw.sampler.at(z), "{level:?} {draw:?} {lane}");
                        assert_eq!(shares[lane], luck.uniform(draw.purpose, 2));
                    }
                }
            }
        }
    }
}

#[test]
fn a_block_draws_once_and_forgets_with_its_batch() {
    let (draws, night) = all_draws();
    let batch = |first| Batch::new(4, Trials { first, step: 1 }, 0.5, night);
    let mut block = Block::new(Level::best(), batch(0), draws.len(), draws.len());
    for first in [0, 16, 160] {
        block.begin(batch(first));
        for lane in [3, 0, 15] {
            let luck = Luck::new(4, first + lane as u32);
            let bad_day = BadDay::new(0.5, luck.normal(night, 0));
            for (slot, draw) in draws.iter().enumerate() {
                let z = luck.normal(draw.purpose, 0);
                let z = if draw.bad_day { bad_day.mix(z) } else { z };
                assert_eq!(block.span(slot, draw, lane), draw.sampler.at(z));
                assert_eq!(block.share(slot, draw.purpose, lane), luck.uniform(draw.purpose, 0));
            }
        }
    }
}

/// What is known of a chance: weights of drills and of the prior, far below and
/// far above 1.
#[test]
fn chances_agree_with_statrs() {
    for (a, b) in [(1.4, 0.6), (0.5, 0.5), (9.5, 1.5), (0.05, 2.0), (60.0, 0.6)] {
        let exact = Beta::new(a, b).expect("a law");
        let table = Tables::default().beta(a, b);
        let n = 40_000;
        let all: Vec<f64> =
            (0..n).map(|k| table.at(normal((f64::from(k) + 0.5) / f64::from(n)))).collect();
        let gap = gap(&all, |x| exact.cdf(x));
        assert!(gap < if a < 0.1 { 5e-4 } else { 1e-4 }, "Beta({a}, {b}) is off by {gap}");
        assert!((mean(&all) - a / (a + b)).abs() < 1e-4, "Beta({a}, {b}): {}", mean(&all));
    }
}
