//! Laws as inverse transforms: one uniform number in, one time span out, rising with it.
use std::collections::HashMap;
use std::sync::Arc;

use evenkeel_config::law::Law;
use evenkeel_config::quantity::Span;
use libm::{exp, rint, sqrt};

use crate::special::{
    beta_quantile, exponential_quantile, gamma_quantile, normal_cdf, normal_quantile,
    weibull_quantile,
};

/// Cells of a quantile table; the first and last are computed exactly.
const CELLS: usize = 1024;

/// A law ready to draw from, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Sampler {
    /// Always the same.
    Fixed(i64),
    /// Uniform on `[low, low + width]`.
    Uniform {
        /// Shortest.
        low: f64,
        /// Longest less shortest.
        width: f64,
    },
    /// Triangular.
    Triangular {
        /// Shortest.
        low: f64,
        /// Likeliest.
        mode: f64,
        /// Longest.
        high: f64,
    },
    /// PERT: a scaled beta law, tabulated.
    Pert {
        /// Shortest.
        low: f64,
        /// Longest less shortest.
        width: f64,
        /// Quantiles of the beta law.
        table: Arc<Table>,
    },
    /// Exponential by mean.
    Exponential(f64),
    /// Gamma, tabulated.
    Gamma {
        /// Mean over shape.
        scale: f64,
        /// Quantiles at scale 1.
        table: Arc<Table>,
    },
    /// Weibull.
    Weibull {
        /// Shape.
        shape: f64,
        /// Scale.
        scale: f64,
    },
    /// Lognormal.
    Lognormal {
        /// Median.
        median: f64,
        /// Sigma of the logarithm.
        sigma: f64,
    },
    /// One of these, sorted.
    Empirical(Vec<i64>),
}

/// Quantiles of a law without a closed inverse, at equal steps of `u`.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    shape: Shape,
    points: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Beta(f64, f64),
    Gamma(f64),
}

impl Shape {
    fn quantile(self, u: f64, guess: f64) -> f64 {
        match self {
            Self::Beta(a, b) => beta_quantile(a, b, u, guess),
            Self::Gamma(a) => gamma_quantile(a, u, guess),
        }
    }
}

impl Table {
    fn new(shape: Shape) -> Self {
        let mut points = vec![0.0; CELLS + 1];
        let mut guess = match shape {
            Shape::Beta(..) => 0.01,
            Shape::Gamma(a) => a * 0.1,
        };
        for (index, point) in points.iter_mut().enumerate().take(CELLS).skip(1) {
            guess = shape.quantile(index as f64 / CELLS as f64, guess);
            *point = guess;
        }
        Self { shape, points }
    }

    /// The quantile: linear within a cell, exact in the two tails, where the
    /// law bends most.
    pub fn at(&self, u: f64) -> f64 {
        let place = u * CELLS as f64;
        let cell = place as usize;
        if !(4..CELLS - 4).contains(&cell) {
            let near = cell.clamp(1, CELLS - 1);
            return self.shape.quantile(u, self.points[near]);
        }
        let (low, high) = (self.points[cell], self.points[cell + 1]);
        low + (high - low) * (place - cell as f64)
    }
}

/// Tables that laws of one shape share; kept over several compilations.
#[derive(Debug, Default)]
pub struct Tables {
    known: HashMap<(u64, u64), Arc<Table>>,
}

impl Tables {
    fn get(&mut self, shape: Shape) -> Arc<Table> {
        let key = match shape {
            Shape::Beta(a, b) => (a.to_bits(), b.to_bits()),
            Shape::Gamma(a) => (a.to_bits(), 0),
        };
        self.known.entry(key).or_insert_with(|| Arc::new(Table::new(shape))).clone()
    }

    /// Quantiles of Beta(a, b), both weights above 0: what is known of a chance.
    pub fn beta(&mut self, a: f64, b: f64) -> Arc<Table> {
        self.get(Shape::Beta(a, b))
    }

    /// Makes a law ready to draw from.
    pub fn sampler(&mut self, law: &Law) -> Sampler {
        let ms = |span: &Span| span.as_ms() as f64;
        match law {
            Law::Fixed(span) => Sampler::Fixed(span.as_ms()),
            Law::Uniform { low, high } => {
                Sampler::Uniform { low: ms(low), width: ms(high) - ms(low) }
            }
            Law::Triangular { low, likely, high } => {
                Sampler::Triangular { low: ms(low), mode: ms(likely), high: ms(high) }
            }
            Law::Pert { low, high, .. } if low == high => Sampler::Fixed(low.as_ms()),
            Law::Pert { low, likely, high } => {
                let width = ms(high) - ms(low);
                let alpha = 1.0 + 4.0 * (ms(likely) - ms(low)) / width;
                let beta = 1.0 + 4.0 * (ms(high) - ms(likely)) / width;
                Sampler::Pert { low: ms(low), width, table: self.get(Shape::Beta(alpha, beta)) }
            }
            Law::Exponential { mean } => Sampler::Exponential(ms(mean)),
            Law::Gamma { shape, mean } => {
                Sampler::Gamma { scale: ms(mean) / shape, table: self.get(Shape::Gamma(*shape)) }
            }
            Law::Weibull { shape, scale } => Sampler::Weibull { shape: *shape, scale: ms(scale) },
            Law::Lognormal { median_ms, sigma } => {
                Sampler::Lognormal { median: *median_ms, sigma: *sigma }
            }
            Law::Empirical { samples } => {
                Sampler::Empirical(samples.iter().map(|span| span.as_ms()).collect())
            }
        }
    }
}

impl Sampler {
    /// The quantile at `u`, rounded to the nearest millisecond, ties to even,
    /// never below 0 and never above a thousand years.
    pub fn at(&self, u: f64) -> i64 {
        to_ms(match self {
            Self::Fixed(ms) => return *ms,
            Self::Uniform { low, width } => low + width * u,
            Self::Triangular { low, mode, high } => triangular(*low, *mode, *high, u),
            Self::Pert { low, width, table } => low + width * table.at(u),
            Self::Exponential(mean) => mean * exponential_quantile(u),
            Self::Gamma { scale, table } => scale * table.at(u),
            Self::Weibull { shape, scale } => scale * weibull_quantile(*shape, u),
            Self::Lognormal { median, sigma } => median * exp(sigma * normal_quantile(u)),
            Self::Empirical(samples) => {
                let index = (u * samples.len() as f64) as usize;
                return samples.get(index).or(samples.last()).copied().unwrap_or(0);
            }
        })
    }

    /// Whether every draw is the same, so that none needs to be made.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }
}

/// Rounds to whole milliseconds, ties to even; anything below 0 is 0.
pub fn to_ms(value: f64) -> i64 {
    const LONGEST: f64 = 1000.0 * 8766.0 * 3.6e6;
    rint(value.clamp(0.0, LONGEST)) as i64
}

fn triangular(low: f64, mode: f64, high: f64, u: f64) -> f64 {
    let width = high - low;
    if width <= 0.0 {
        return low;
    }
    let left = (mode - low) / width;
    if u < left {
        low + sqrt(u * width * (mode - low))
    } else {
        high - sqrt((1.0 - u) * width * (high - mode))
    }
}

/// How one night's efforts go together: the share `r` of each effort's luck
/// that is the night's own.
#[derive(Debug, Clone, Copy)]
pub struct BadDay {
    shared: f64,
    own: f64,
    z0: f64,
}

impl BadDay {
    /// A night with luck `u0` and correlation `r` between 0 and 1.
    pub fn new(r: f64, u0: f64) -> Self {
        let z0 = if r > 0.0 { normal_quantile(u0) } else { 0.0 };
        Self { shared: sqrt(r), own: sqrt(1.0 - r), z0 }
    }

    /// The uniform number of an effort whose own luck is `u`.
    pub fn mix(self, u: f64) -> f64 {
        if self.shared == 0.0 {
            return u;
        }
        let z = self.shared * self.z0 + self.own * normal_quantile(u);
        normal_cdf(z).clamp(1e-16, 1.0 - 1e-16)
    }
}
