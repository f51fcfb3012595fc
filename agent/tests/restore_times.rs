//! The law of restore times, scored against recorded restores of sets that no drill touched.
//!
//! Each file holds what `examples/restore_times.rs` measured, every row of its runs: on a
//! quiet machine, while others built programs, and with 6 to 12 waiting for two cores. A whole
//! restore is forecast from the drills before it in its run alone; the sets restored whole have
//! no file in common with what is drilled. A run squeezes months into minutes: the time from one
//! step in its order to the next counts as 34 hours, so that its drills lie a week apart as they
//! do by themselves. The script `tests/bench/restore-times` records new runs and has them scored
//! here.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use evenkeel_config::map::Calibration;
use evenkeel_config::restore_time::{Belief, RestoreLaw, Row};

/// Milliseconds that a step in the order of a run stands for.
const STEP: i64 = 34 * 3_600_000;

/// The recordings.
const RECORDINGS: [&str; 3] =
    ["restore_times_quiet.csv", "restore_times_builds.csv", "restore_times_busy.csv"];

/// What was measured: a row, and whether a drill made it.
struct Measured {
    row: Row,
    is_drill: bool,
}

/// The rows of each run in the order in which they were measured.
fn runs(table: &str) -> BTreeMap<u64, Vec<Measured>> {
    let mut runs: BTreeMap<u64, Vec<Measured>> = BTreeMap::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [run, order, kind, files, bytes, seconds] = cells[..] else { panic!("{line}") };
        let number = |cell: &str| cell.parse::<f64>().unwrap();
        let started = order.parse::<i64>().unwrap() * STEP;
        let row =
            Row { files: number(files), bytes: number(bytes), seconds: number(seconds), started };
        assert!(row.files > 0.0 && row.bytes > 0.0 && row.seconds > 0.0, "{line}");
        assert!(["drill", "full"].contains(&kind), "{line}");
        let of_run = runs.entry(run.parse().unwrap()).or_default();
        of_run.push(Measured { row, is_drill: kind == "drill" });
    }
    runs
}

/// The interval score of an 80 % band in logarithms of seconds: its width, and
/// ten times by how much the truth lies outside (Gneiting and Raftery, Journal
/// of the American Statistical Association 102, 2007).
fn interval_score((low, high): (f64, f64), truth: f64) -> f64 {
    let [low, high, truth] = [low, high, truth].map(f64::ln);
    high - low + 10.0 * ((low - truth).max(0.0) + (truth - high).max(0.0))
}

/// What everybody does: bytes by the bytes a second of the drills, with the
/// spread of the drills as its band.
fn naive_rate(rows: &[Row], bytes: f64) -> (f64, f64) {
    let logs: Vec<f64> = rows.iter().map(|row| (row.bytes / row.seconds).ln()).collect();
    let n = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let sd = (logs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)).sqrt();
    let median = bytes / mean.exp();
    (median * (-1.2816 * sd).exp(), median * (1.2816 * sd).exp())
}

/// How well whole restores were forecast.
#[derive(Debug, Default)]
struct Score {
    covered: usize,
    below: usize,
    widths: Vec<f64>,
    /// Sums of interval scores: the law, the naive rate, the law without drills.
    sums: [f64; 3],
}

impl Score {
    fn add(&mut self, measured: &[Measured]) {
        let belief = Belief::new(&Calibration::default(), None);
        let mut drilled: Vec<Row> = Vec::new();
        for Measured { row, is_drill } in measured {
            if *is_drill {
                drilled.push(*row);
                continue;
            }
            let band = |law: &RestoreLaw| {
                let time = law.time(Some(row.files as u64), row.bytes as u64);
                (time.quantile(0.1), time.quantile(0.9))
            };
            let (low, high) = band(&RestoreLaw::fit(&drilled, &belief, row.started));
            let alone = band(&RestoreLaw::fit(&[], &belief, row.started));
            self.covered += usize::from(low <= row.seconds && row.seconds <= high);
            self.below += usize::from(row.seconds < low);
            self.widths.push(high / low);
            let bands = [(low, high), naive_rate(&drilled, row.bytes), alone];
            for (sum, band) in self.sums.iter_mut().zip(bands) {
                *sum += interval_score(band, row.seconds);
            }
        }
        self.widths.sort_by(f64::total_cmp);
    }

    fn coverage(&self) -> f64 {
        self.covered as f64 / self.widths.len() as f64
    }

    fn median_width(&self) -> f64 {
        self.widths[self.widths.len() / 2]
    }

    fn means(&self) -> [f64; 3] {
        self.sums.map(|sum| sum / self.widths.len() as f64)
    }

    fn words(&self) -> String {
        let [law, rate, alone] = self.means();
        format!(
            "{} of {} covered ({:.0} %), {} below the band; median P90/P10 {:.2}; \
             mean interval score {law:.2}, naive rate {rate:.2}, prior alone {alone:.2}",
            self.covered,
            self.widths.len(),
            100.0 * self.coverage(),
            self.below,
            self.median_width(),
        )
    }
}

#[test]
fn the_band_covers_whole_restores_of_sets_that_were_never_drilled() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/");
    let tables = match std::env::var("EVENKEEL_RESTORE_TIMES") {
        Ok(table) => vec![table],
        Err(_) => RECORDINGS.iter().map(|name| format!("{fixtures}{name}")).collect(),
    };
    for table in tables {
        let runs = runs(&std::fs::read_to_string(&table).unwrap());
        let mut all = Score::default();
        for (run, measured) in &runs {
            let mut score = Score::default();
            score.add(measured);
            println!("run {run}: {}", score.words());
            all.add(measured);
        }
        let words = format!("{table}: {}", all.words());
        println!("{words}");
        assert!(all.widths.len() >= 20, "{words}");
        assert!((0.65..=0.95).contains(&all.coverage()), "{words}");
        assert!(all.median_width() <= 4.0, "{words}");
        let [law, rate, alone] = all.means();
        assert!(law < rate && law < alone, "{words}");
    }
}
