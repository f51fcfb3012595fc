//! Student's t law: what is to be expected of the next value when few were seen.
//!
//! The next of normal values whose mean and spread are known from few of them
//! follows Student's law (Student, Biometrika 6, 1908). Speeds of restores are
//! lognormal, so it is the logarithm of the speed that follows it here.
use libm::{exp, lgamma, pow, sqrt};

use crate::special::{beta_cdf, invert, normal_quantile};

/// Luck beyond one night in a thousand on either side is taken as that night:
/// with few degrees of freedom the law has tails in which a restore of hours
/// would take centuries, and its exponential has no mean.
const OUTERMOST: f64 = 0.001;
/// Cells of a table, over the standard normal quantile of the luck.
const CELLS: usize = 128;
/// More degrees of freedom than this are taken as the normal law.
const NORMAL_FROM: f64 = 1e6;

/// The chance of exceeding `t`, at least 0, with `df` degrees of freedom.
pub fn student_tail(df: f64, t: f64) -> f64 {
    0.5 * beta_cdf(0.5 * df, 0.5, df / (df + t * t))
}

/// The density of Student's law.
pub fn student_density(df: f64, t: f64) -> f64 {
    let norm = exp(lgamma(0.5 * (df + 1.0)) - lgamma(0.5 * df)) / sqrt(df * std::f64::consts::PI);
    norm * pow(1.0 + t * t / df, -0.5 * (df + 1.0))
}

/// The quantile of Student's law with `df` degrees of freedom, above 0.
pub fn student_quantile(df: f64, u: f64) -> f64 {
    if df >= NORMAL_FROM {
        return normal_quantile(u);
    }
    let tail = u.min(1.0 - u);
    let mut high = 2.0;
    while student_tail(df, high) > tail && high < 1e150 {
        high *= 2.0;
    }
    let guess = -normal_quantile(tail);
    let t = invert(|t| -student_tail(df, t), |t| student_density(df, t), -tail, guess, (0.0, high));
    if u < 0.5 { -t } else { t }
}

/// Student's law made ready to draw from: its quantile as a function of the
/// standard normal quantile, by cubic pieces, exact to one in a million.
#[derive(Debug, Clone, PartialEq)]
pub struct Student {
    df: f64,
    /// Distance of the points.
    step: f64,
    /// Value and slope at each point.
    points: Vec<(f64, f64)>,
}

impl Student {
    /// The law with so many degrees of freedom.
    pub fn new(df: f64) -> Self {
        let step = -normal_quantile(OUTERMOST) / CELLS as f64;
        let points = (0..=CELLS)
            .map(|index| {
                let z = index as f64 * step;
                let upper = 0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2);
                let t = -student_quantile(df, upper);
                let normal = exp(-0.5 * z * z) / sqrt(2.0 * std::f64::consts::PI);
                (t, normal / student_density(df, t))
            })
            .collect();
        Self { df, step, points }
    }

    /// Degrees of freedom.
    pub fn df(&self) -> f64 {
        self.df
    }

    /// The quantile at the same share as the standard normal `z`; the outermost
    /// thousandth on either side is one value.
    pub fn at(&self, z: f64) -> f64 {
        let place = (libm::fabs(z) / self.step).min(CELLS as f64);
        let cell = (place as usize).min(CELLS - 1);
        let x = place - cell as f64;
        let ((from, rise), (to, next)) = (self.points[cell], self.points[cell + 1]);
        let (rise, next) = (rise * self.step, next * self.step);
        let bend = 3.0 * (to - from) - 2.0 * rise - next;
        let twist = rise + next - 2.0 * (to - from);
        let t = from + x * (rise + x * (bend + x * twist));
        if z < 0.0 { -t } else { t }
    }
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, StudentsT};

    use super::*;

    #[test]
    fn quantiles_agree_with_statrs_and_with_the_table() {
        for df in [1.0, 2.5, 4.0, 30.0, 1000.0] {
            let law = StudentsT::new(0.0, 1.0, df).expect("a law");
            let table = Student::new(df);
            for u in [1e-6, 0.002, 0.05, 0.3, 0.4999, 0.5, 0.7, 0.95, 0.998, 1.0 - 1e-6] {
                let t = student_quantile(df, u);
                assert!((law.cdf(t) - u).abs() < 1e-10, "{df} {u} {t}");
                if (OUTERMOST..=1.0 - OUTERMOST).contains(&u) {
                    assert!(
                        (table.at(normal_quantile(u)) - t).abs() < 1e-6 * (1.0 + t.abs()),
                        "{df} {u} {t}"
                    );
                }
            }
            assert!((table.at(-9.0) - student_quantile(df, OUTERMOST)).abs() < 1e-9);
        }
        assert!((student_quantile(4.0, 0.95) - 2.131_846_786_326_649).abs() < 1e-12);
    }
}
