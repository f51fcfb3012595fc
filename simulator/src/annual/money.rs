//! What an event costs by itself, as a law of money.
use evenkeel_config::frequency::MoneyLaw;
use libm::{exp, log};

use crate::special::{normal_cdf, normal_quantile};

/// A law of money, in minor units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// Mean of the logarithm.
    mu: f64,
    /// Spread of the logarithm; 0 for a fixed sum.
    sigma: f64,
    /// Nothing costs more.
    at_most: f64,
}

impl Loss {
    /// The law as written, which a checked scenario states rightly.
    pub fn new(law: &MoneyLaw) -> Self {
        let at_most = law.at_most.map_or(f64::INFINITY, |most| most * 100.0);
        match (law.lognormal, law.fixed) {
            (Some([(p, low), (q, high)]), _) => {
                let (a, b) = (normal_quantile(p), normal_quantile(q));
                let (x, y) = (log(low * 100.0), log(high * 100.0));
                let sigma = (y - x) / (b - a);
                Self { mu: x - sigma * a, sigma, at_most }
            }
            (None, fixed) => Self { mu: log(fixed.unwrap_or(0.0) * 100.0), sigma: 0.0, at_most },
        }
    }

    /// Mean of the n-th power: of a lognormal law cut at `at_most`,
    /// `exp(n mu + n^2 sigma^2 / 2)` below the cut and the cut's power above.
    pub fn moment(&self, n: f64) -> f64 {
        let Self { mu, sigma, at_most } = *self;
        if sigma == 0.0 {
            return exp(n * mu.min(log(at_most)));
        }
        let whole = exp(n * mu + 0.5 * n * n * sigma * sigma);
        if at_most == f64::INFINITY {
            return whole;
        }
        let z = (log(at_most) - mu) / sigma;
        whole * normal_cdf(z - n * sigma) + exp(n * log(at_most)) * normal_cdf(-z)
    }

    /// The sum at a standard normal number, in whole minor units.
    pub fn at(&self, z: f64) -> i64 {
        libm::rint(exp(self.mu + self.sigma * z).min(self.at_most).min(1e17)) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_agree_with_sums_over_the_law() {
        let law = |at_most| MoneyLaw {
            lognormal: Some([(0.1, 2000.0), (0.9, 90_000.0)]),
            fixed: None,
            at_most,
        };
        for at_most in [None, Some(50_000.0), Some(1_000.0)] {
            let loss = Loss::new(&law(at_most));
            const STEPS: usize = 400_000;
            let at = |step: usize| normal_quantile((step as f64 + 0.5) / STEPS as f64);
            let mean = (0..STEPS).map(|step| loss.at(at(step)) as f64).sum::<f64>() / STEPS as f64;
            assert!((mean / loss.moment(1.0) - 1.0).abs() < 1e-3, "{at_most:?} {mean}");
        }
        let fixed = Loss::new(&MoneyLaw { fixed: Some(12.5), ..MoneyLaw::default() });
        assert_eq!((fixed.at(2.0), libm::rint(fixed.moment(2.0))), (1250, 1_562_500.0));
        let nothing = Loss::new(&MoneyLaw { fixed: Some(0.0), ..MoneyLaw::default() });
        assert_eq!((nothing.at(0.0), nothing.moment(1.0)), (0, 0.0));
    }
}
