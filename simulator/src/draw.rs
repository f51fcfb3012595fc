//! Laws as inverse transforms: luck as a standard normal number in, one time span out, rising with it.
//!
//! Every law is a table of `F^-1(Phi(z))` at 1,025 equally spaced `z` from -8 to
//! 8, linear in between, then scaled and rounded to whole milliseconds. So a
//! bad day (rule 3) costs one multiplication and one addition of `z`, and one
//! definition serves all engines: it takes only operations that are exact or
//! correctly rounded (no fused multiply-add), lane by lane or alone.
//!
//! How good that is: the chord of a cell is off by at most a 32,768th of the
//! second derivative, so a lognormal of sigma 1 is 3e-5 too long at worst; luck
//! beyond 8 sigma, one draw in 10^15, counts as 8.
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use evenkeel_config::law::Law;
use evenkeel_config::quantity::Span;
use libm::{exp, fabs, log, log1p, pow, rint, sqrt};

use crate::special::{
    beta_density, beta_quantile, gamma_density, gamma_quantile, gamma_tail_quantile, normal_cdf,
    normal_density, normal_quantile,
};
use crate::student::Student;

/// Cells of a law's table.
pub(crate) const CELLS: usize = 1024;
/// The last `z` of a table, either way.
const REACH: f64 = 8.0;
/// Cells per sigma.
const PER_SIGMA: f64 = 64.0;
/// Longer than any span that is drawn: a thousand years, in milliseconds.
pub(crate) const LONGEST: f64 = 1000.0 * 8766.0 * 3.6e6;

/// A law ready to draw from, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Sampler {
    /// Always the same.
    Fixed(i64),
    /// `low + scale * table`.
    Scaled {
        /// Added.
        low: f64,
        /// Multiplied with.
        scale: f64,
        /// Quantiles of the law's shape.
        table: Arc<Table>,
    },
    /// One of these, sorted.
    Empirical(Vec<i64>),
}

/// Quantiles of one shape of law, by the normal number of the same rank.
#[derive(Debug, PartialEq)]
pub struct Table {
    points: [f64; CELLS + 1],
}

/// A law without its scale.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Uniform,
    /// On `[0, 1]`, by its mode.
    Triangular(f64),
    Beta(f64, f64),
    Exponential,
    Gamma(f64),
    Weibull(f64),
    /// By sigma, of median 1.
    Lognormal(f64),
}

impl Shape {
    /// What tells tables apart.
    fn key(self) -> (u8, u64, u64) {
        match self {
            Self::Uniform => (0, 0, 0),
            Self::Triangular(mode) => (1, mode.to_bits(), 0),
            Self::Beta(a, b) => (2, a.to_bits(), b.to_bits()),
            Self::Exponential => (3, 0, 0),
            Self::Gamma(a) => (4, a.to_bits(), 0),
            Self::Weibull(k) => (5, k.to_bits(), 0),
            Self::Lognormal(sigma) => (6, sigma.to_bits(), 0),
        }
    }

    /// The quantile that has the rank of `z`, for laws with a closed inverse.
    fn closed(self, z: f64) -> Option<f64> {
        let exponential = || if z < 0.0 { -log1p(-normal_cdf(z)) } else { -log(normal_cdf(-z)) };
        Some(match self {
            Self::Uniform => normal_cdf(z),
            Self::Triangular(mode) => {
                let u = normal_cdf(z);
                if u < mode { sqrt(u * mode) } else { 1.0 - sqrt(normal_cdf(-z) * (1.0 - mode)) }
            }
            Self::Exponential => exponential(),
            Self::Weibull(k) => pow(exponential(), 1.0 / k),
            Self::Lognormal(sigma) => exp(sigma * z),
            Self::Beta(..) | Self::Gamma(_) => return None,
        })
    }

    /// The quantile that has the rank of `z` by search from a guess, and its
    /// slope in `z`.
    fn searched(self, z: f64, guess: f64) -> (f64, f64) {
        let (value, density) = match self {
            // From the end that is near, where the digits are.
            Self::Beta(a, b) if z > 0.0 => {
                let x = 1.0 - beta_quantile(b, a, normal_cdf(-z), 1.0 - guess);
                (x, beta_density(a, b, x))
            }
            Self::Beta(a, b) => {
                let x = beta_quantile(a, b, normal_cdf(z), guess);
                (x, beta_density(a, b, x))
            }
            Self::Gamma(a) if z > 0.0 => {
                let x = gamma_tail_quantile(a, normal_cdf(-z), guess);
                (x, gamma_density(a, x))
            }
            Self::Gamma(a) => {
                let x = gamma_quantile(a, normal_cdf(z), guess);
                (x, gamma_density(a, x))
            }
            _ => (self.closed(z).unwrap_or(0.0), f64::INFINITY),
        };
        (value, normal_density(z) / density)
    }
}

impl Table {
    fn new(shape: Shape) -> Self {
        let at = |index: usize| index as f64 / PER_SIGMA - REACH;
        let mut points = [0.0; CELLS + 1];
        if shape.closed(0.0).is_some() {
            for (index, point) in points.iter_mut().enumerate() {
                *point = shape.closed(at(index)).unwrap_or(0.0);
            }
        } else {
            search(shape, &mut points);
        }
        // Rounding must not make a table fall.
        let mut highest = points[0].max(0.0);
        for point in &mut points {
            highest = point.max(highest);
            *point = highest;
        }
        Self { points }
    }

    /// The points.
    pub(crate) fn points(&self) -> &[f64; CELLS + 1] {
        &self.points
    }

    /// The quantile that has the rank of `z`.
    pub fn at(&self, z: f64) -> f64 {
        interpolate(&self.points, z)
    }
}

/// Fills a table whose law has no closed inverse: searched at every fourth
/// point, a cubic through values and slopes in between (relative error below
/// 1e-6 wherever the law has weight).
fn search(shape: Shape, points: &mut [f64; CELLS + 1]) {
    const STRIDE: usize = 4;
    let width = STRIDE as f64 / PER_SIGMA;
    let knots = CELLS / STRIDE;
    let at = |knot: usize| knot as f64 * width - REACH;
    // From the middle outwards: each value is the next one's guess.
    let mut found = vec![(0.0, 0.0); knots + 1];
    let first_guess = match shape {
        Shape::Beta(a, b) => a / (a + b),
        Shape::Gamma(a) => a,
        _ => 1.0,
    };
    let middle = knots / 2;
    found[middle] = shape.searched(at(middle), first_guess);
    for knot in middle + 1..=knots {
        let (value, slope) = found[knot - 1];
        found[knot] = shape.searched(at(knot), value + slope * width);
    }
    for knot in (0..middle).rev() {
        let (value, slope) = found[knot + 1];
        let guess = value - slope * width;
        found[knot] = shape.searched(at(knot), if guess > 0.0 { guess } else { 0.5 * value });
    }
    for knot in 0..knots {
        let ((low, rise), (high, other_rise)) = (found[knot], found[knot + 1]);
        let smooth = rise.is_finite() && other_rise.is_finite();
        for step in 0..STRIDE {
            let t = step as f64 / STRIDE as f64;
            let (t2, t3) = (t * t, t * t * t);
            let straight = low + (high - low) * t;
            let bent = (2.0 * t3 - 3.0 * t2 + 1.0) * low
                + (t3 - 2.0 * t2 + t) * width * rise
                + (3.0 * t2 - 2.0 * t3) * high
                + (t3 - t2) * width * other_rise;
            let value = if smooth { bent.max(low) } else { straight };
            points[STRIDE * knot + step] = if value < high { value } else { high };
        }
    }
    points[CELLS] = found[knots].0;
}

/// The value at `z` of a table over -8 to 8: linear within a cell. `z + 24`
/// lies in [16, 32), so the cell is in the upper ten bits of its mantissa and
/// the place within the cell in the others: no rounding, no branch.
#[inline(always)]
pub(crate) fn interpolate(points: &[f64; CELLS + 1], z: f64) -> f64 {
    const LOWEST: f64 = 2.0 * REACH;
    const HIGHEST: f64 = 4.0 * REACH - 1.0 / 281_474_976_710_656.0;
    let place = z + 3.0 * REACH;
    let place = if place > LOWEST { place } else { LOWEST };
    let place = if place < HIGHEST { place } else { HIGHEST };
    let bits = place.to_bits();
    let cell = (bits >> 42) as usize & (CELLS - 1);
    chord(points[cell], points[cell + 1], mantissa(bits << 10))
}

/// Between two points; never above the second, whatever the rounding, so that
/// tables rise across cells too.
#[inline(always)]
fn chord(low: f64, high: f64, share: f64) -> f64 {
    let value = low + (high - low) * share;
    if value < high { value } else { high }
}

/// The number in [0, 1) whose binary digits are the lower 52 bits.
#[inline(always)]
fn mantissa(bits: u64) -> f64 {
    f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 1.0_f64.to_bits()) - 1.0
}

/// Cells for each halving of the tail in the table of normal quantiles.
const PER_OCTAVE: usize = 128;
/// From 2^-53, below the smallest uniform number, to 1/2.
const OCTAVES: usize = 52;
/// The table's length: a power of two, so that an index can be masked.
pub(crate) const NORMAL_POINTS: usize = 8192;
/// The cell of 2^-53.
const FIRST_CELL: u64 = (1023 - 53) << PER_OCTAVE.trailing_zeros();

/// Normal quantiles of the lower half, at points that get closer with the tail:
/// the error stays below 8e-6 out to the last uniform number. A constant of
/// mathematics, computed once.
static NORMAL: LazyLock<Box<[f64; NORMAL_POINTS]>> = LazyLock::new(|| {
    let mut points = Box::new([0.0; NORMAL_POINTS]);
    for (index, point) in points.iter_mut().enumerate().take(OCTAVES * PER_OCTAVE) {
        let bits = (FIRST_CELL + index as u64) << (52 - PER_OCTAVE.trailing_zeros());
        *point = normal_quantile(f64::from_bits(bits));
    }
    points
});

/// The distribution function of the normal law as a table, for empirical laws.
static SHARE: LazyLock<Table> = LazyLock::new(|| Table::new(Shape::Uniform));

/// The table of normal quantiles, for many at once.
pub(crate) fn normal_points() -> &'static [f64; NORMAL_POINTS] {
    &NORMAL
}

/// The standard normal number of the same rank as `u` strictly between 0 and 1.
pub fn normal(u: f64) -> f64 {
    normal_by(&NORMAL, u)
}

/// [`normal`] by a table at hand. The tail `min(u, 1 - u)` is exact, its
/// exponent and first seven binary digits are the cell.
#[inline(always)]
pub(crate) fn normal_by(points: &[f64; NORMAL_POINTS], u: f64) -> f64 {
    let (lower, upper) = (u, 1.0 - u);
    let tail = if lower < upper { lower } else { upper };
    let bits = tail.to_bits();
    let cell = (bits >> (52 - PER_OCTAVE.trailing_zeros())).wrapping_sub(FIRST_CELL) as usize;
    let (low, high) =
        (points[cell & (NORMAL_POINTS - 1)], points[(cell + 1) & (NORMAL_POINTS - 1)]);
    let value = chord(low, high, mantissa(bits << PER_OCTAVE.trailing_zeros()));
    if lower < upper { value } else { -value }
}

/// Tables that laws of one shape share; kept over several compilations.
#[derive(Debug, Default)]
pub struct Tables {
    known: HashMap<(u8, u64, u64), Arc<Table>>,
    students: HashMap<u64, Arc<Student>>,
}

impl Tables {
    fn get(&mut self, shape: Shape) -> Arc<Table> {
        self.known.entry(shape.key()).or_insert_with(|| Arc::new(Table::new(shape))).clone()
    }

    fn scaled(&mut self, low: f64, scale: f64, shape: Shape) -> Sampler {
        Sampler::Scaled { low, scale, table: self.get(shape) }
    }

    /// Quantiles of Beta(a, b), both weights above 0: what is known of a chance.
    pub fn beta(&mut self, a: f64, b: f64) -> Arc<Table> {
        self.get(Shape::Beta(a, b))
    }

    /// Student's law with so many degrees of freedom.
    pub fn student(&mut self, df: f64) -> Arc<Student> {
        self.students.entry(df.to_bits()).or_insert_with(|| Arc::new(Student::new(df))).clone()
    }

    /// Makes a law ready to draw from.
    pub fn sampler(&mut self, law: &Law) -> Sampler {
        let ms = |span: &Span| span.as_ms() as f64;
        match law {
            Law::Fixed(span) => Sampler::Fixed(span.as_ms()),
            Law::Uniform { low, high }
            | Law::Triangular { low, high, .. }
            | Law::Pert { low, high, .. }
                if low == high =>
            {
                Sampler::Fixed(low.as_ms())
            }
            Law::Uniform { low, high } => self.scaled(ms(low), ms(high) - ms(low), Shape::Uniform),
            Law::Triangular { low, likely, high } => {
                let width = ms(high) - ms(low);
                self.scaled(ms(low), width, Shape::Triangular((ms(likely) - ms(low)) / width))
            }
            Law::Pert { low, likely, high } => {
                let width = ms(high) - ms(low);
                let alpha = 1.0 + 4.0 * (ms(likely) - ms(low)) / width;
                let beta = 1.0 + 4.0 * (ms(high) - ms(likely)) / width;
                self.scaled(ms(low), width, Shape::Beta(alpha, beta))
            }
            Law::Exponential { mean } => self.scaled(0.0, ms(mean), Shape::Exponential),
            Law::Gamma { shape, mean } => self.scaled(0.0, ms(mean) / shape, Shape::Gamma(*shape)),
            Law::Weibull { shape, scale } => self.scaled(0.0, ms(scale), Shape::Weibull(*shape)),
            Law::Lognormal { median_ms, sigma } => {
                self.scaled(0.0, *median_ms, Shape::Lognormal(*sigma))
            }
            Law::Empirical { samples } => {
                Sampler::Empirical(samples.iter().map(|span| span.as_ms()).collect())
            }
        }
    }
}

impl Sampler {
    /// The quantile that has the rank of the standard normal number `z`,
    /// rounded to the nearest millisecond, ties to even, never below 0 and
    /// never above a thousand years.
    pub fn at(&self, z: f64) -> i64 {
        match self {
            Self::Fixed(ms) => *ms,
            Self::Scaled { low, scale, table } => scaled(table.points(), *low, *scale, z),
            Self::Empirical(samples) => {
                let index = (SHARE.at(z) * samples.len() as f64) as usize;
                samples.get(index).or(samples.last()).copied().unwrap_or(0)
            }
        }
    }

    /// Whether every draw is the same, so that none needs to be made.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }
}

/// The whole milliseconds of a scaled law at `z`.
#[inline(always)]
pub(crate) fn scaled(points: &[f64; CELLS + 1], low: f64, scale: f64, z: f64) -> i64 {
    // Between 0 and 2^52 the sum with 2^52 has no digits after the point, so
    // the addition itself rounds as `rint` does.
    const SHIFT: f64 = 4_503_599_627_370_496.0;
    let value = low + scale * interpolate(points, z);
    let value = if value > 0.0 { value } else { 0.0 };
    let value = if value < LONGEST { value } else { LONGEST };
    ((value + SHIFT).to_bits() - SHIFT.to_bits()) as i64
}

/// Rounds to whole milliseconds, ties to even; anything below 0 is 0.
pub fn to_ms(value: f64) -> i64 {
    rint(value.clamp(0.0, LONGEST)) as i64
}

/// How one night's efforts go together: the share `r` of each effort's luck
/// that is the night's own.
#[derive(Debug, Clone, Copy)]
pub struct BadDay {
    shared: f64,
    own: f64,
}

impl BadDay {
    /// A night whose own luck is the standard normal number `z0`, at
    /// correlation `r` between 0 and 1.
    pub fn new(r: f64, z0: f64) -> Self {
        let r = fabs(r).min(1.0);
        Self { shared: sqrt(r) * z0, own: sqrt(1.0 - r) }
    }

    /// The luck of an effort whose own luck is `z`.
    #[inline(always)]
    pub fn mix(self, z: f64) -> f64 {
        self.shared + self.own * z
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_are_close_to_the_exact_ones_out_to_the_ends() {
        let mut u = 1.0 / 9_007_199_254_740_992.0;
        let mut last = -9.0;
        while u < 1.0 {
            let (table, exact) = (normal(u), normal_quantile(u));
            assert!(fabs(table - exact) < 8e-6, "{u}: {table} is not {exact}");
            assert!(table >= last, "{u}");
            last = table;
            u = if u < 0.25 { u * 1.001 } else { u + 1e-5 };
        }
        let last = 1.0 - 1.0 / 9_007_199_254_740_992.0;
        assert_eq!(normal(last), -normal(1.0 - last));
    }

    #[test]
    fn rounding_by_addition_is_rint() {
        let table = Table { points: [1.0; CELLS + 1] };
        for value in [0.0, 0.4, 0.5, 1.5, 2.5, 2.500_001, 1e12 + 0.5, 3.1e13, 9e18, -3.0] {
            assert_eq!(scaled(table.points(), 0.0, value, 0.0), to_ms(value), "{value}");
        }
    }
}
