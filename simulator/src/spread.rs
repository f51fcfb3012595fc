//! The results of one figure over all trials, in rising order, kept or counted.
use evenkeel_config::record::{CurvePoint, MoneyQuantile, Quantile};

use crate::histogram::Histogram;
use crate::model::NEVER;
use crate::statistics::{SHARES, curve_of, elapsed, ranks, sorted};

/// Results in rising order, of which any rank can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spread {
    /// Every single one.
    Kept(Vec<i64>),
    /// By bucket of a histogram. A rank is answered by the greatest value of its
    /// bucket, the low end of an interval by the least one, so that an interval
    /// holds the one that all values would give.
    Counted(Vec<Step>),
}

/// A bucket among its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    least: i64,
    most: i64,
    /// Values in this bucket and all below.
    through: u64,
}

impl Spread {
    /// Of values in any order.
    pub fn of(values: &[i64]) -> Self {
        Self::Kept(sorted(values))
    }

    /// Of a histogram.
    pub fn counted(histogram: &Histogram) -> Self {
        let mut through = 0;
        let step = |bucket: &crate::histogram::Bucket| {
            through += bucket.count;
            Step { least: bucket.least, most: bucket.most, through }
        };
        Self::Counted(histogram.buckets().map(step).collect())
    }

    /// How many.
    pub fn count(&self) -> u64 {
        match self {
            Self::Kept(values) => values.len() as u64,
            Self::Counted(steps) => steps.last().map_or(0, |step| step.through),
        }
    }

    /// The value at a rank from 0, from below and from above.
    fn at(&self, rank: u64) -> (i64, i64) {
        match self {
            Self::Kept(values) => {
                let value = values[(rank as usize).min(values.len() - 1)];
                (value, value)
            }
            Self::Counted(steps) => {
                let place = steps.partition_point(|step| step.through <= rank);
                let step = steps[place.min(steps.len() - 1)];
                (step.least, step.most)
            }
        }
    }

    /// How many are at most a value; of a histogram, those whose bucket is.
    pub fn at_most(&self, value: i64) -> u64 {
        match self {
            Self::Kept(values) => values.partition_point(|other| *other <= value) as u64,
            Self::Counted(steps) => {
                let place = steps.partition_point(|step| step.most <= value);
                place.checked_sub(1).map_or(0, |place| steps[place].through)
            }
        }
    }

    /// The p-quantile with its 95 % interval: value, low, high; absent of nothing.
    pub fn quantile(&self, p: f64) -> Option<[i64; 3]> {
        let n = self.count();
        let (value, low, high) = ranks(n as usize, p);
        let of = |rank: usize| self.at(rank as u64);
        (n > 0).then(|| [of(value).1, of(low).0, of(high).1])
    }

    /// The printed quantiles of times.
    pub fn quantiles(&self) -> Vec<Quantile> {
        let quantile = |p: f64| {
            let [value, low, high] = self.quantile(p)?.map(elapsed);
            Some(Quantile { p, value, low, high })
        };
        SHARES.into_iter().filter_map(quantile).collect()
    }

    /// The printed quantiles of money.
    pub fn money(&self) -> Vec<MoneyQuantile> {
        let quantile = |p: f64| {
            let [value, low, high] = self.quantile(p)?;
            Some(MoneyQuantile { p, value, low, high })
        };
        SHARES.into_iter().filter_map(quantile).collect()
    }

    /// The curve "usable by t".
    pub fn curve(&self) -> Vec<CurvePoint> {
        let finite = self.at_most(NEVER - 1);
        curve_of(self.count(), finite, |rank| self.at(rank).1, |ms| self.at_most(ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Intervals of a histogram hold those of all values, and are hardly wider.
    #[test]
    fn counted_answers_enclose_kept_ones() {
        let values: Vec<i64> = (0..40_000_i64)
            .map(|k| if k % 50 == 0 { NEVER } else { (k * 7919 % 40_009) * 977 })
            .collect();
        let mut histogram = Histogram::default();
        for (trial, value) in (0..).zip(&values) {
            histogram.add(*value, trial);
        }
        let (kept, counted) = (Spread::of(&values), Spread::counted(&histogram));
        assert_eq!(kept.count(), counted.count());
        assert_eq!(kept.at_most(NEVER - 1), counted.at_most(NEVER - 1));
        for p in [0.01, 0.5, 0.8, 0.9, 0.95, 0.999] {
            let [value, low, high] = kept.quantile(p).expect("values");
            let [counted_value, counted_low, counted_high] = counted.quantile(p).expect("values");
            assert!(counted_low <= low && high <= counted_high);
            assert!(Histogram::same_bucket(value, counted_value));
            assert!(counted_value >= value);
        }
        let curve = counted.curve();
        assert!(curve.is_sorted_by(|a, b| a.at_ms < b.at_ms && a.share < b.share));
        for point in curve {
            let exact = kept.at_most(point.at_ms) as f64 / values.len() as f64;
            assert!((point.share - exact).abs() < 1e-12, "a point says the exact share");
        }
    }

    #[test]
    fn a_time_that_many_share_is_told_exactly() {
        let mut histogram = Histogram::default();
        for trial in 0..1000 {
            histogram.add(28_800_123, trial);
        }
        assert_eq!(Spread::counted(&histogram).quantile(0.9), Some([28_800_123; 3]));
    }
}
