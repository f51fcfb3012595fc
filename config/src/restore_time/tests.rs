//! The law of restore times: against exact answers, and where worlds change.
use super::*;

const DAY: i64 = DAY_MS;
const MB: f64 = 1e6;

/// Drills a week apart, the last a day ago: many small files, then a large one.
fn weekly(count: i64, seconds: impl Fn(i64, f64, f64) -> f64) -> Vec<Row> {
    let mut rows = Vec::new();
    for drill in 0..count {
        let started = -DAY - (count - 1 - drill) * 7 * DAY;
        for (files, bytes) in [(200.0 + 10.0 * drill as f64, 10.0 * MB), (2.0, 200.0 * MB)] {
            rows.push(Row { files, bytes, seconds: seconds(drill, files, bytes), started });
        }
    }
    rows
}

fn law(a: f64, b: f64, c: f64) -> impl Fn(f64, f64) -> f64 {
    move |files, bytes| a + b * files + c * bytes
}

fn belief() -> Belief {
    Belief::new(&Calibration::default(), None)
}

fn wiggle(drill: i64, by: f64) -> f64 {
    exp(by * [0.7, -1.1, 0.2, 1.3, -0.8, -0.3][drill as usize % 6])
}

#[test]
fn quantiles_of_student() {
    for (df, p, exact) in [
        (1.0, 0.9, 3.077_683_5),
        (2.0, 0.9, 1.885_618_1),
        (3.0, 0.9, 1.637_744_4),
        (4.0, 0.95, 2.131_846_8),
        (4.0, 0.1, -1.533_206_3),
        (10.0, 0.975, 2.228_138_9),
        (120.0, 0.95, 1.657_650_9),
        (1e9, 0.9, 1.281_551_6),
        (7.0, 0.5, 0.0),
    ] {
        let got = student_quantile(df, p);
        assert!((got - exact).abs() < 2e-3, "df {df}, p {p}: {got} is not {exact}");
    }
}

#[test]
fn without_drills_it_is_the_belief() {
    let time = RestoreLaw::fit(&[], &belief(), 0).time(Some(1000), 1_000_000_000);
    assert!((time.median - (1.65 + 1.9 + 25.0)).abs() < 1e-9);
    assert!(time.sigma > 0.6 && time.sigma < 0.7 && time.rows == 0, "{time:?}");
    // Almost all of that is belief, which has no thick tails.
    let ratio = time.quantile(0.9) / time.median;
    assert!((ratio.ln() / time.sigma - 1.2816).abs() < 0.01, "{time:?}");
    // A line of 20 MB a second gives 10.
    let slow = RestoreLaw::fit(&[], &Belief::new(&Calibration::default(), Some(20e6)), 0);
    assert!((slow.time(Some(0), 1_000_000_000).median - 101.65).abs() < 1e-9);
}

#[test]
fn drills_of_one_mix_alone_give_the_law_of_the_next_value() {
    // Mean and variance of five logarithms, prior off: Student's with four degrees.
    let settings = Calibration { speed_weight: 0.0, ..Calibration::default() };
    let mut belief = Belief::new(&settings, None);
    belief.half_life = 1e30;
    let logs: Vec<f64> = [82.0_f64, 95.0, 74.0, 101.0, 88.0].iter().map(|x| -x.ln()).collect();
    let rows: Vec<Row> = (0..5)
        .map(|k| Row {
            files: 1.0,
            bytes: 1.2e12,
            seconds: 1.2e6 * logs[k].exp(),
            started: -60_000 * k as i64,
        })
        .collect();
    let time = RestoreLaw::fit(&rows, &belief, 0).time(Some(1), 1_200_000_000_000);
    let mean = logs.iter().sum::<f64>() / 5.0;
    let variance = logs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 4.0;
    assert!((time.median / (1.2e6 * mean.exp()) - 1.0).abs() < 1e-4, "{time:?}");
    assert!((time.sigma / (variance * 1.2).sqrt() - 1.0).abs() < 1e-3, "{time:?} {variance}");
    assert!((time.df - 4.0).abs() < 1e-3, "{time:?}");
}

#[test]
fn small_and_large_batches_tell_files_from_bytes() {
    let truth = law(0.8, 0.012, 1.0 / 150e6);
    let rows = weekly(8, |drill, files, bytes| truth(files, bytes) * wiggle(drill, 0.05));
    let fit = RestoreLaw::fit(&rows, &belief(), 0);
    for (files, bytes) in [(3_603, 847_000_000_u64), (250, 50_000_000), (3, 900_000_000)] {
        let exact = truth(f64::from(files), bytes as f64);
        let time = fit.time(Some(files as u64), bytes);
        let far = files > 300 || bytes > 200_000_000;
        let near = if far { 0.5 } else { 0.2 };
        assert!((time.median / exact).ln().abs() < near, "{files} {bytes}: {exact} {time:?}");
        assert!(time.quantile(0.1) < exact && exact < time.quantile(0.9), "{exact} {time:?}");
        // Wider where many times as much as in any drill is asked for.
        let widest = if far { 8.0 } else { 3.0 };
        assert!(time.quantile(0.9) / time.quantile(0.1) < widest, "{time:?}");
    }
    assert!(fit.coefficients().iter().all(|x| *x > 0.0));
    assert!(fit.changed().is_none());
}

#[test]
fn coefficients_stay_above_nothing_where_the_rows_ask_for_less() {
    // More files, less time: a plain fit would take time off for each file.
    let rows = weekly(6, |_, files, bytes| 5.0 - files / 100.0 + bytes / 100e6);
    let fit = RestoreLaw::fit(&rows, &belief(), 0);
    assert!(fit.coefficients().iter().all(|x| *x > 0.0 && x.is_finite()), "{fit:?}");
}

#[test]
fn beyond_what_was_drilled_it_widens_and_more_drills_narrow_it() {
    let truth = law(1.0, 0.002, 1.0 / 100e6);
    let fit = |count| {
        let rows = weekly(count, |drill, files, bytes| truth(files, bytes) * wiggle(drill, 0.1));
        RestoreLaw::fit(&rows, &belief(), 0)
    };
    let (few, many) = (fit(2), fit(12));
    let near = |law: &RestoreLaw| law.time(Some(300), 200_000_000).sigma;
    let far = many.time(Some(30_000), 20_000_000_000);
    assert!(near(&many) < near(&few), "{} {}", near(&many), near(&few));
    assert!(far.sigma > 1.5 * near(&many), "{far:?} {}", near(&many));
    assert!(few.df < many.df);
    let uncounted = many.time(None, 200_000_000);
    assert!(uncounted.sigma > near(&many) && uncounted.from.contains("unknown"), "{uncounted:?}");
    // Ten restores of one afternoon say less than ten on ten days.
    let mut rows = weekly(5, |drill, files, bytes| truth(files, bytes) * wiggle(drill, 0.1));
    let apart = RestoreLaw::fit(&rows, &belief(), 0).time(Some(300), 200_000_000);
    for (k, row) in (0..).zip(&mut rows) {
        row.started = -DAY / 2 - k / 2 * 60_000;
    }
    let once = RestoreLaw::fit(&rows, &belief(), 0).time(Some(300), 200_000_000);
    assert!(once.df < apart.df && once.sigma > apart.sigma, "{once:?} {apart:?}");
}

#[test]
fn drills_that_agree_narrow_it_and_drills_that_do_not_widen_it() {
    let truth = law(1.0, 0.002, 1.0 / 100e6);
    let width = |count, by| {
        let rows = weekly(count, |drill, files, bytes| truth(files, bytes) * wiggle(drill, by));
        let time = RestoreLaw::fit(&rows, &belief(), 0).time(Some(250), 200_000_000);
        (time.quantile(0.9) / time.quantile(0.1)).ln()
    };
    // Twice 1.28 spreads of the rows, and a tenth for what is believed besides.
    for (by, spread) in [(0.02, 0.017), (0.4, 0.34)] {
        let (got, exact) = (width(12, by), 2.0 * 1.2816 * spread);
        assert!(got < exact * 1.4 + 0.25, "{by}: {got} {exact}");
        assert!(got > exact * 0.7, "{by}: {got} {exact}");
    }
    assert!(width(12, 0.02) < width(3, 0.02), "more that agree narrow it");
    assert!(width(6, 0.4) > 2.0 * width(6, 0.02), "{} {}", width(6, 0.4), width(6, 0.02));
}

#[test]
fn one_bad_day_is_an_outlier_and_two_last_ones_are_the_new_world() {
    let (fast, slow) = (law(1.0, 0.002, 1.0 / 100e6), law(1.0, 0.002, 1.0 / 10e6));
    let at = |slow_ones: &dyn Fn(i64) -> bool, count| {
        let rows = weekly(count, |drill, files, bytes| {
            let law: &dyn Fn(f64, f64) -> f64 = if slow_ones(drill) { &slow } else { &fast };
            law(files, bytes) * wiggle(drill, 0.08)
        });
        RestoreLaw::fit(&rows, &belief(), 0)
    };
    let time = |law: &RestoreLaw| law.time(Some(1000), 1_000_000_000).median;
    let (usual, throttled) = (1.0 + 2.0 + 10.0, 1.0 + 2.0 + 100.0);
    let once = at(&|drill| drill == 5, 12);
    assert!((time(&once) / usual).ln().abs() < 0.3 && once.changed().is_none(), "{once:?}");
    for last in 2..6 {
        let new = at(&|drill| drill >= 12 - last, 12);
        assert!((time(&new) / throttled).ln().abs() < 0.4, "{last}: {} {new:?}", time(&new));
        assert_eq!(new.changed(), Some(-DAY - (last - 1) * 7 * DAY), "{last}");
        assert!(new.time(None, 1).from.contains("when their speed changed"));
    }
    // The last one alone moves it and widens it, and does not win.
    let last = at(&|drill| drill == 11, 12);
    let (got, wide) = (time(&last), last.time(Some(1000), 1_000_000_000).sigma);
    let narrow = at(&|_| false, 12).time(Some(1000), 1_000_000_000);
    assert!(got > narrow.median && got < throttled / 2.0 && wide > narrow.sigma, "{last:?}");
    // Faster again counts as well.
    let mended = at(&|drill| drill < 8, 12);
    assert!((time(&mended) / usual).ln().abs() < 0.4, "{mended:?}");
}

#[test]
fn old_drills_fade() {
    let rows = |age: i64, seconds| Row { files: 1.0, bytes: 1e9, seconds, started: -age * DAY };
    let even = RestoreLaw::fit(&[rows(1, 10.0), rows(8, 14.0)], &belief(), 0);
    let old = RestoreLaw::fit(&[rows(1, 10.0), rows(400, 14.0)], &belief(), 0);
    let median = |law: &RestoreLaw| law.time(Some(1), 1_000_000_000).median;
    assert!(median(&old) < median(&even), "{old:?} {even:?}");
}

#[test]
fn whatever_the_rows_the_numbers_are_numbers() {
    let odd = [0.0, 1.0, 1e3, 1e19];
    for files in odd {
        for bytes in odd {
            for seconds in [1e-9, 1.0, 1e12] {
                for count in 1..5 {
                    let rows: Vec<Row> = (0..count)
                        .map(|k| Row {
                            files,
                            bytes,
                            seconds: seconds * (1.0 + k as f64),
                            started: -k * DAY,
                        })
                        .collect();
                    let law = RestoreLaw::fit(&rows, &belief(), 0);
                    for (files, bytes) in [(None, 0), (Some(u64::MAX), u64::MAX), (Some(0), 1)] {
                        let time = law.time(files, bytes);
                        assert!(
                            time.median.is_finite()
                                && time.median > 0.0
                                && time.sigma.is_finite()
                                && time.df >= 1.0,
                            "{rows:?}: {time:?}"
                        );
                        assert!(time.quantile(0.1) <= time.quantile(0.9));
                    }
                }
            }
        }
    }
}
