//! How long a restore takes, learned from timed drills: one law for the agent's verdict and the simulator.
//!
//! A restore of `f` files and `n` bytes takes `t = a + b f + c n` seconds, and
//! `log t` is normal around the logarithm of that. The logarithms of `a`, `b`
//! and `c` are what is estimated, so that none can fall below 0:
//!
//! - Each has a normal prior ([`Belief`]). It decides where the drills cannot:
//!   while there are few, or when all restored the same mix of files and bytes.
//! - Drills count half per half-life, and all rows of one day share the luck of
//!   that day (load, line): their residuals are correlated by `r`, so that a
//!   hundred restores of one afternoon are not a hundred drills. `r` comes from
//!   the spread within days and between them, and from the prior of [`SAME_DAY`].
//! - Residuals beyond [`HUBER`] standard deviations count by their first power
//!   alone (Huber, Annals of Mathematical Statistics 35, 1964). When the last
//!   drills, two at least, all lie off what the ones before them say, and to the
//!   same side, the world changed, and those before are left out.
//! - The maximum of the posterior is found by Gauss-Newton steps, its covariance
//!   is `S = (J' W J + P)^-1` (Laplace). A prediction's share of `a`, `b` and
//!   `c` in its time is its gradient `g`; its variance is `V + g' S g + x^2`,
//!   where `V` is the variance of one restore, a scaled inverse chi-square
//!   posterior (Gelman and others, Bayesian Data Analysis, 2013, section 3.3):
//!   the spread that is believed beforehand counts as one drill, so drills that
//!   agree narrow the law and drills that do not widen it. `x` is [`BEYOND`] for
//!   each factor e by which more is restored than in any drill. The law is
//!   Student's; its degrees of freedom are those of `V`, raised where the variance
//!   rests on the belief and not on `V` (Satterthwaite, Biometrics Bulletin 2, 1946).
//!
//! Medians before any drill are of our measurement of 2026: restic 0.14 on two
//! cores, 16 sampled restores, 1.65 s and 1.9 ms a file.
use libm::{exp, fabs, log, pow, sqrt};

use crate::law::normal_quantile;
use crate::map::Calibration;
use crate::record::DrillFacts;

/// Seconds before the first file where nobody measured (ours, 2026), and the spread of its logarithm.
pub const OVERHEAD: (f64, f64) = (1.65, 1.2);
/// Seconds that a file adds where nobody measured (ours, 2026), and the spread of its logarithm.
pub const PER_FILE: (f64, f64) = (1.9e-3, 1.2);
/// Bytes a second of the disk behind a repository where nobody stated it: one
/// that turns, reading here and there (our assumption, 2026).
pub const DISK: f64 = 80e6;
/// Restores get so much of the slower of disk and line.
pub const OF_THE_LINE: f64 = 0.5;
/// Spread of the logarithm of that.
pub const SPEED_SPREAD: f64 = 0.7;
/// From so many drills on, the speed believed beforehand counts little.
pub const ENOUGH_DRILLS: f64 = 5.0;
/// Correlation of restores of one day before it is measured (our assumption, 2026).
pub const SAME_DAY: f64 = 0.5;
/// Residuals beyond so many standard deviations are outliers.
pub const HUBER: f64 = 2.0;
/// Spread of the logarithm for each factor e beyond what was drilled (our assumption, 2026).
pub const BEYOND: f64 = 0.1;
/// The widest spread of the logarithm of a prediction.
pub const WIDEST: f64 = 1.5;
/// Bytes of a file where the number of files is unknown: only for the spread.
const FILE: f64 = 1e6;
/// Off by so many standard deviations, and by [`CHANGED_BY`], is a changed world.
const CHANGED: f64 = 2.0;
/// Logarithm of the least factor that is one: half as long again.
const CHANGED_BY: f64 = 0.405;
/// Older rows than these newest are not read.
const MOST_ROWS: usize = 240;
/// Not more drills back than this is a change looked for.
const MOST_BACK: usize = 24;
const DAY_MS: i64 = 86_400_000;

/// One timed restore.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Files restored.
    pub files: f64,
    /// Bytes restored.
    pub bytes: f64,
    /// Seconds it took.
    pub seconds: f64,
    /// Milliseconds since 1970 at which its drill began: rows of one instant are one drill.
    pub started: i64,
}

impl Row {
    fn day(&self) -> i64 {
        self.started.div_euclid(DAY_MS)
    }
}

/// The timed restores of drills that worked and restored something.
pub fn rows<'a>(drills: impl IntoIterator<Item = &'a DrillFacts>) -> Vec<Row> {
    let mut rows = Vec::new();
    for drill in drills.into_iter().filter(|drill| drill.worked && drill.is_restore()) {
        let timed = drill.timed().into_iter().filter(|row| {
            row.seconds.is_finite() && row.seconds > 0.0 && (row.files > 0 || row.bytes > 0)
        });
        rows.extend(timed.map(|row| Row {
            files: row.files as f64,
            bytes: row.bytes as f64,
            seconds: row.seconds,
            started: drill.started.as_millisecond(),
        }));
    }
    rows
}

/// What is believed of a repository's restores before any drill.
#[derive(Debug, Clone, PartialEq)]
pub struct Belief {
    /// Median and spread of the logarithm of `a`, seconds.
    pub overhead: (f64, f64),
    /// Of `b`, seconds a file.
    pub per_file: (f64, f64),
    /// Of the speed `1 / c`, bytes a second.
    pub speed: (f64, f64),
    /// Spread of the logarithm of one restore's time.
    pub sigma: f64,
    /// How many drills that is worth; at 0 the drills speak alone.
    pub weight: f64,
    /// Milliseconds in which a drill loses half its weight.
    pub half_life: f64,
}

impl Belief {
    /// Of a repository behind a line of so many bytes a second, if that is known.
    pub fn new(settings: &Calibration, line: Option<f64>) -> Self {
        let slower = line.filter(|line| *line > 0.0).map_or(DISK, |line| line.min(DISK));
        Self {
            overhead: OVERHEAD,
            per_file: PER_FILE,
            speed: (slower * OF_THE_LINE, SPEED_SPREAD),
            sigma: settings.speed_sigma,
            weight: settings.speed_weight.max(0.0),
            half_life: settings.speed_half_life.as_ms().max(1) as f64,
        }
    }

    /// With a speed and a time for each file that somebody states.
    #[must_use]
    pub fn stated(mut self, speed: Option<f64>, per_file: Option<f64>) -> Self {
        if let Some(speed) = speed.filter(|speed| *speed > 0.0) {
            self.speed.0 = speed;
        }
        if let Some(seconds) = per_file.filter(|seconds| *seconds > 0.0) {
            self.per_file.0 = seconds;
        }
        self
    }

    /// Logarithms of the medians of `a`, `b` and `c`.
    fn middle(&self) -> [f64; 3] {
        [log(self.overhead.0), log(self.per_file.0), -log(self.speed.0)]
    }

    /// What the prior weighs on each, after so many drills.
    fn precision(&self, drills: f64) -> [f64; 3] {
        // Without weight the drills alone say how fast bytes come.
        let left = if self.weight > 0.0 { (1.0 - drills / ENOUGH_DRILLS).max(0.3) } else { 1e-3 };
        let [a, b, c] = [self.overhead.1, self.per_file.1, self.speed.1].map(|sd| 1.0 / (sd * sd));
        [a, b, c * left]
    }
}

/// The law of the restores of one repository.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreLaw {
    /// Logarithms of `a`, `b` and `c`.
    theta: [f64; 3],
    /// Their covariance.
    covariance: [[f64; 3]; 3],
    /// The part of it that the spread of the rows decided, and not the belief.
    learned: [[f64; 3]; 3],
    /// Variance of the logarithm of one restore.
    variance: f64,
    df: f64,
    rows: usize,
    drills: usize,
    largest: (f64, f64),
    since: Option<i64>,
}

/// How long one restore takes: its logarithm follows Student's law.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreTime {
    /// Median, seconds.
    pub median: f64,
    /// Scale of the logarithm.
    pub sigma: f64,
    /// Degrees of freedom of Student's law.
    pub df: f64,
    /// Timed restores that it rests on.
    pub rows: usize,
    /// Drills that it rests on.
    pub drills: usize,
    /// Most files restored in one go by a drill.
    pub largest_files: u64,
    /// Most bytes restored in one go by a drill.
    pub largest_bytes: u64,
    /// Where the number comes from, in words.
    pub from: String,
}

impl RestoreTime {
    /// The time that a share `p` of restores does not exceed, in seconds.
    pub fn quantile(&self, p: f64) -> f64 {
        self.median * exp(self.sigma * student_quantile(self.df, p))
    }
}

impl RestoreLaw {
    /// The law from timed restores as of an instant, in milliseconds since
    /// 1970. Without rows it is the belief alone.
    pub fn fit(rows: &[Row], belief: &Belief, as_of: i64) -> Self {
        let mut rows: Vec<Row> = rows.iter().filter(|row| row.started <= as_of).copied().collect();
        rows.sort_by(|x, y| {
            x.started
                .cmp(&y.started)
                .then(x.bytes.total_cmp(&y.bytes))
                .then(x.files.total_cmp(&y.files))
        });
        let skip = rows.len().saturating_sub(MOST_ROWS);
        let rows = &rows[skip..];
        let change = change(rows, belief, as_of);
        let kept = &rows[change.unwrap_or(0)..];
        let fit = Fit::of(kept, belief, as_of);
        let most = |of: fn(&Row) -> f64| kept.iter().map(of).fold(0.0, f64::max);
        Self {
            theta: fit.theta,
            covariance: fit.covariance,
            learned: fit.learned,
            variance: fit.variance,
            df: fit.df,
            rows: kept.len(),
            drills: starts(kept).len(),
            largest: (most(|row| row.files), most(|row| row.bytes)),
            since: change.map(|from| rows[from].started),
        }
    }

    /// Seconds of overhead, for each file and for each byte.
    pub fn coefficients(&self) -> [f64; 3] {
        self.theta.map(exp)
    }

    /// Timed restores that it rests on.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// When restores began to take as long as they do now, in milliseconds since
    /// 1970, if drills before say otherwise: those are left out.
    pub fn changed(&self) -> Option<i64> {
        self.since
    }

    /// The time of a restore of so many files and bytes. Files that nobody
    /// counted are left out of the median and widen it.
    pub fn time(&self, files: Option<u64>, bytes: u64) -> RestoreTime {
        let bytes = bytes as f64;
        let counted = files.map_or(0.0, |files| files as f64);
        let (seconds, share) = predict(&self.theta, counted, bytes);
        let mut variance = self.variance + form(&self.covariance, &share);
        let estimated = self.variance + form(&self.learned, &share);
        if files.is_none() {
            let with = predict(&self.theta, bytes / FILE, bytes).0;
            let unknown = log(with / seconds);
            variance += unknown * unknown;
        }
        if self.rows > 0 {
            let over = |asked: f64, most: f64| log((asked / most.max(1.0)).max(1.0));
            let beyond = over(bytes, self.largest.1).max(over(counted, self.largest.0));
            variance += BEYOND * BEYOND * beyond * beyond;
        }
        RestoreTime {
            median: seconds,
            sigma: sqrt(variance).min(WIDEST),
            // What was estimated from few rows has thick tails, what is believed has not.
            df: self.df * pow((variance / estimated).max(1.0), 2.0),
            rows: self.rows,
            drills: self.drills,
            largest_files: self.largest.0 as u64,
            largest_bytes: self.largest.1 as u64,
            from: self.words(files.is_none()),
        }
    }

    fn words(&self, uncounted: bool) -> String {
        let mut words = match (self.rows, self.drills) {
            (0, _) => "never drilled; our measurement of 2026 and half the slower of disk and line"
                .to_owned(),
            (1, _) => "1 timed restore of 1 drill".to_owned(),
            (rows, 1) => format!("{rows} timed restores of 1 drill"),
            (rows, drills) => format!("{rows} timed restores of {drills} drills"),
        };
        if let Some(day) = self.since.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()) {
            let day: String = day.to_string().chars().take(10).collect();
            words.push_str(&format!(" since {day}, when their speed changed"));
        }
        if uncounted {
            words.push_str("; the number of files is unknown");
        }
        words
    }
}

/// A fit of some rows.
struct Fit {
    theta: [f64; 3],
    covariance: [[f64; 3]; 3],
    learned: [[f64; 3]; 3],
    variance: f64,
    df: f64,
}

impl Fit {
    /// The maximum of the posterior, with variance, correlation within days and
    /// weights of outliers brought into line with it a few times over.
    fn of(rows: &[Row], belief: &Belief, as_of: i64) -> Self {
        const ROUNDS: usize = 12;
        let age = |row: &Row| (as_of - row.started).max(0) as f64;
        let recent: Vec<f64> =
            rows.iter().map(|row| libm::exp2(-age(row) / belief.half_life)).collect();
        let precision = belief.precision(starts(rows).len() as f64);
        let middle = belief.middle();
        let prior = belief.sigma * belief.sigma;
        let mut fit = Self {
            theta: middle,
            covariance: inverse(&diagonal(&precision)),
            learned: [[0.0; 3]; 3],
            variance: prior.max(1e-4),
            df: belief.weight.max(1.0),
        };
        let mut same_day = if belief.weight > 0.0 { SAME_DAY } else { 0.0 };
        for _ in 0..ROUNDS {
            if rows.is_empty() {
                break;
            }
            let spread = sqrt(fit.variance);
            let weights: Vec<f64> = rows
                .iter()
                .zip(&recent)
                .map(|(row, recent)| {
                    let off = fabs(residual(&fit.theta, row)) / spread;
                    recent * if off > HUBER { HUBER / off } else { 1.0 }
                })
                .collect();
            for _ in 0..4 {
                let (normal, pull) = normal_equations(rows, &weights, &fit, same_day);
                let mut sum = normal;
                let mut right = pull;
                for k in 0..3 {
                    sum[k][k] += precision[k];
                    right[k] += precision[k] * (middle[k] - fit.theta[k]);
                }
                fit.covariance = inverse(&sum);
                for (theta, row) in fit.theta.iter_mut().zip(&fit.covariance) {
                    let step: f64 = row.iter().zip(&right).map(|(x, y)| x * y).sum();
                    *theta += step.clamp(-1.5, 1.5);
                }
            }
            let (normal, _) = normal_equations(rows, &weights, &fit, same_day);
            let decided = product(&fit.covariance, &normal);
            let used: f64 = (0..3).map(|k| decided[k][k]).sum();
            fit.learned = product(&decided, &fit.covariance);
            same_day = fit.spread(rows, &weights, used, same_day, belief);
        }
        fit
    }

    /// Brings the variance up to date, given how many parameters the rows
    /// decided; the new correlation within days.
    fn spread(
        &mut self,
        rows: &[Row],
        weights: &[f64],
        used: f64,
        same_day: f64,
        belief: &Belief,
    ) -> f64 {
        let total: f64 = weights.iter().sum();
        let off: Vec<f64> = rows.iter().map(|row| residual(&self.theta, row)).collect();
        let squares: f64 = off.iter().zip(weights).map(|(off, w)| w * off * off).sum();
        // What the rows of each day say: sum of weights, of residuals, of squares.
        let mut units = 0.0;
        let (mut within, mut pairs, mut days) = (0.0, 0.0, 0.0);
        for day in days_of(rows) {
            let weight: f64 = weights[day.clone()].iter().sum();
            let count = day.len() as f64;
            units += weight / (1.0 + (count - 1.0) * same_day);
            let mean = day.clone().map(|i| weights[i] * off[i]).sum::<f64>() / weight.max(1e-300);
            within +=
                day.clone().map(|i| weights[i] * (off[i] - mean) * (off[i] - mean)).sum::<f64>();
            pairs += weight * (count - 1.0) / count;
            days += weight / count;
        }
        let spare = total - used;
        let own = if spare > 0.05 * total { units * spare / total } else { 0.0 };
        let seen = if own > 0.0 { squares / spare } else { 0.0 };
        // One drill alone shows no spread, whatever weight the settings give.
        let believed = if own > 0.0 { belief.weight } else { belief.weight.max(1.0) };
        let prior = belief.sigma * belief.sigma;
        self.variance = ((own * seen + believed * prior) / (own + believed)).max(1e-8);
        self.df = (own + believed).max(1.0);
        let several = days_of(rows).len() > 1 && pairs > 0.0 && seen > 0.0;
        let measured = if several { (1.0 - within / pairs / seen).clamp(0.0, 0.95) } else { 0.0 };
        let counted = if several { days } else { 0.0 };
        let scale = belief.weight + counted;
        if scale > 0.0 { (belief.weight * SAME_DAY + counted * measured) / scale } else { 0.0 }
    }

    /// How far a row lies from what this says, in its own standard deviations and in logarithms.
    fn off(&self, row: &Row) -> (f64, f64) {
        let share = predict(&self.theta, row.files, row.bytes).1;
        let off = residual(&self.theta, row);
        (off / sqrt(self.variance + form(&self.covariance, &share)), off)
    }
}

/// The first row of a changed world: the longest run of last drills, two at
/// least, in each of which some restore is off what the rows before say, all to
/// the same side.
fn change(rows: &[Row], belief: &Belief, as_of: i64) -> Option<usize> {
    let starts = starts(rows);
    let most = starts.len().saturating_sub(1).min(MOST_BACK);
    for back in (2..=most).rev() {
        let from = starts[starts.len() - back];
        let before = Fit::of(&rows[..from], belief, as_of);
        let mut ends = starts[starts.len() - back + 1..].to_vec();
        ends.push(rows.len());
        let mut begin = from;
        let (mut slower, mut faster) = (true, true);
        for end in ends {
            let off: Vec<(f64, f64)> = rows[begin..end].iter().map(|row| before.off(row)).collect();
            slower &= off.iter().any(|(z, by)| *z > CHANGED && *by > CHANGED_BY);
            faster &= off.iter().any(|(z, by)| *z < -CHANGED && *by < -CHANGED_BY);
            begin = end;
        }
        if slower != faster {
            return Some(from);
        }
    }
    None
}

/// Where each drill begins in rows sorted by time.
fn starts(rows: &[Row]) -> Vec<usize> {
    (0..rows.len()).filter(|i| *i == 0 || rows[*i].started != rows[*i - 1].started).collect()
}

/// The rows of each day, in rows sorted by time.
fn days_of(rows: &[Row]) -> Vec<std::ops::Range<usize>> {
    let mut days = Vec::new();
    let mut begin = 0;
    for end in 1..=rows.len() {
        if end == rows.len() || rows[end].day() != rows[begin].day() {
            days.push(begin..end);
            begin = end;
        }
    }
    days
}

/// Seconds, and the share of overhead, files and bytes in them.
fn predict(theta: &[f64; 3], files: f64, bytes: f64) -> (f64, [f64; 3]) {
    let parts = [exp(theta[0]), exp(theta[1]) * files, exp(theta[2]) * bytes];
    let seconds = parts[0] + parts[1] + parts[2];
    (seconds, parts.map(|part| part / seconds))
}

fn residual(theta: &[f64; 3], row: &Row) -> f64 {
    log(row.seconds / predict(theta, row.files, row.bytes).0)
}

/// `J' W J` and `J' W r`, where rows of one day are correlated: the inverse of a
/// matrix of ones and `r` beside the diagonal is known in closed form.
fn normal_equations(
    rows: &[Row],
    weights: &[f64],
    fit: &Fit,
    same_day: f64,
) -> ([[f64; 3]; 3], [f64; 3]) {
    let mut normal = [[0.0; 3]; 3];
    let mut pull = [0.0; 3];
    let mut add = |x: &[f64; 3], off: f64, scale: f64| {
        for j in 0..3 {
            pull[j] += scale * x[j] * off;
            for k in 0..3 {
                normal[j][k] += scale * x[j] * x[k];
            }
        }
    };
    for day in days_of(rows) {
        let own = 1.0 / (fit.variance * (1.0 - same_day));
        let count = day.len() as f64;
        let common = own * same_day / (1.0 + (count - 1.0) * same_day);
        let (mut sum, mut off_sum) = ([0.0; 3], 0.0);
        for i in day {
            let root = sqrt(weights[i]);
            let share = predict(&fit.theta, rows[i].files, rows[i].bytes).1.map(|x| x * root);
            let off = residual(&fit.theta, &rows[i]) * root;
            add(&share, off, own);
            for (sum, x) in sum.iter_mut().zip(&share) {
                *sum += x;
            }
            off_sum += off;
        }
        add(&sum, off_sum, -common);
    }
    (normal, pull)
}

/// `x' M x`.
fn form(matrix: &[[f64; 3]; 3], x: &[f64; 3]) -> f64 {
    let row = |row: &[f64; 3]| row.iter().zip(x).map(|(m, x)| m * x).sum::<f64>();
    matrix.iter().zip(x).map(|(line, x)| x * row(line)).sum::<f64>().max(0.0)
}

fn product(left: &[[f64; 3]; 3], right: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    left.map(|row| [0, 1, 2].map(|k| (0..3).map(|j| row[j] * right[j][k]).sum()))
}

fn diagonal(values: &[f64; 3]) -> [[f64; 3]; 3] {
    let [a, b, c] = *values;
    [[a, 0.0, 0.0], [0.0, b, 0.0], [0.0, 0.0, c]]
}

/// The inverse of a positive definite matrix, by cofactors.
fn inverse(m: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let cofactor = |j: usize, k: usize| {
        let (a, b, c, d) = ((j + 1) % 3, (j + 2) % 3, (k + 1) % 3, (k + 2) % 3);
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let determinant: f64 = (0..3).map(|k| m[0][k] * cofactor(0, k)).sum();
    let mut out = [[0.0; 3]; 3];
    for (j, line) in out.iter_mut().enumerate() {
        for (k, cell) in line.iter_mut().enumerate() {
            *cell = cofactor(k, j) / determinant;
        }
    }
    out
}

/// The quantile of Student's law, `df` at least 1, to some five digits (Hill,
/// Algorithm 396, Communications of the ACM 13, 1970).
fn student_quantile(df: f64, p: f64) -> f64 {
    let two = 2.0 * p.min(1.0 - p).max(1e-12);
    let pi = std::f64::consts::PI;
    let n = df.max(1.0);
    let size = if n > 1e6 {
        -normal_quantile(two / 2.0)
    } else if fabs(n - 1.0) < 1e-9 {
        1.0 / libm::tan(two * pi / 2.0)
    } else if fabs(n - 2.0) < 1e-9 {
        sqrt(2.0 / (two * (2.0 - two)) - 2.0)
    } else {
        let a = 1.0 / (n - 0.5);
        let b = 48.0 / (a * a);
        let mut c = ((20_700.0 * a / b - 98.0) * a - 16.0) * a + 96.36;
        let d = ((94.5 / (b + c) - 3.0) / b + 1.0) * sqrt(a * pi / 2.0) * n;
        let mut y = pow(d * two, 2.0 / n);
        if y > 0.05 + a {
            let x = normal_quantile(two / 2.0);
            y = x * x;
            if n < 5.0 {
                c += 0.3 * (n - 4.5) * (x + 0.6);
            }
            c += (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b;
            y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x;
            y = libm::expm1(a * y * y);
        } else {
            let inner = 1.0 / (((n + 6.0) / (n * y) - 0.089 * d - 0.822) * (n + 2.0) * 3.0);
            y = ((inner + 0.5 / (n + 4.0)) * y - 1.0) * (n + 1.0) / (n + 2.0) + 1.0 / y;
        }
        sqrt(n * y)
    };
    if p < 0.5 { -size } else { size }
}

#[cfg(test)]
mod tests;
