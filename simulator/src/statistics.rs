//! Order statistics with distribution-free intervals, chances, curves.
use evenkeel_config::record::{Chance, CurvePoint, Elapsed, MoneyQuantile, Quantile};
use libm::{ceil, floor, sqrt};

use crate::model::NEVER;

/// The quantiles that are printed.
pub const SHARES: [f64; 4] = [0.5, 0.8, 0.9, 0.95];
/// The 97.5 % quantile of the standard normal law.
const Z: f64 = 1.959_963_984_540_054;
/// The most points of a curve.
const MOST_POINTS: u64 = 200;

/// The rank (from 0) of the p-quantile of n values, and of its 95 % interval:
/// the smallest value that at least a share p stays at or below.
pub fn ranks(n: usize, p: f64) -> (usize, usize, usize) {
    let wanted = p * n as f64;
    let spread = Z * sqrt(wanted * (1.0 - p));
    let last = n.saturating_sub(1);
    let rank = |place: f64| (place.max(1.0) as usize - 1).min(last);
    (rank(ceil(wanted - 1e-9)), rank(floor(wanted - spread)), rank(ceil(wanted + spread)))
}

/// A count as a share with its Wilson interval.
pub fn chance(count: u64, of: u64) -> Chance {
    let n = (of as f64).max(1.0);
    let share = count as f64 / n;
    let centre = share + Z * Z / (2.0 * n);
    let half = Z * sqrt(share * (1.0 - share) / n + Z * Z / (4.0 * n * n));
    let scale = 1.0 + Z * Z / n;
    let low = if count == 0 { 0.0 } else { ((centre - half) / scale).max(0.0) };
    let high = if count == of { 1.0 } else { ((centre + half) / scale).min(1.0) };
    Chance { share, low, high, count, of }
}

/// Milliseconds or never.
pub fn elapsed(ms: i64) -> Elapsed {
    if ms == NEVER { Elapsed::Never } else { Elapsed::Ms(ms) }
}

/// The printed quantiles of sorted values.
pub fn quantiles(sorted: &[i64]) -> Vec<Quantile> {
    quantiles_at(sorted, &SHARES)
}

/// Quantiles of sorted values at given shares, with their intervals.
pub fn quantiles_at(sorted: &[i64], shares: &[f64]) -> Vec<Quantile> {
    let quantile = |p: &f64| {
        let (value, low, high) = ranks(sorted.len(), *p);
        Quantile {
            p: *p,
            value: elapsed(sorted[value]),
            low: elapsed(sorted[low]),
            high: elapsed(sorted[high]),
        }
    };
    if sorted.is_empty() { Vec::new() } else { shares.iter().map(quantile).collect() }
}

/// The printed quantiles of money.
pub fn money(values: &[i64]) -> Vec<MoneyQuantile> {
    let sorted = sorted(values);
    let quantile = |p: f64| {
        let (value, low, high) = ranks(sorted.len(), p);
        MoneyQuantile { p, value: sorted[value], low: sorted[low], high: sorted[high] }
    };
    if sorted.is_empty() { Vec::new() } else { SHARES.map(quantile).to_vec() }
}

/// A sorted copy.
pub fn sorted(values: &[i64]) -> Vec<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted
}

/// The curve "usable by t", at the steps of the sorted times.
pub fn curve(sorted: &[i64]) -> Vec<CurvePoint> {
    let finite = sorted.partition_point(|ms| *ms < NEVER) as u64;
    let at_most = |ms: i64| sorted.partition_point(|other| *other <= ms) as u64;
    curve_of(sorted.len() as u64, finite, |rank| sorted[rank as usize], at_most)
}

/// The same of `count` results of which `finite` are times: `at` gives the one at
/// a rank, `at_most` how many are no later.
pub(crate) fn curve_of(
    count: u64,
    finite: u64,
    at: impl Fn(u64) -> i64,
    at_most: impl Fn(i64) -> u64,
) -> Vec<CurvePoint> {
    let mut ranks: Vec<u64> = if finite <= MOST_POINTS {
        (0..finite).collect()
    } else {
        (0..MOST_POINTS).map(|k| (k * (finite - 1)) / (MOST_POINTS - 1)).collect()
    };
    ranks.dedup();
    let mut points: Vec<CurvePoint> = Vec::new();
    for rank in ranks {
        let at_ms = at(rank);
        if points.last().is_some_and(|last| last.at_ms == at_ms) {
            continue;
        }
        let Chance { share, low, high, .. } = chance(at_most(at_ms), count);
        points.push(CurvePoint { at_ms, share, low, high });
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 95 % intervals of order statistics, computed exactly elsewhere.
    #[test]
    fn ranks_agree_with_exact_intervals() {
        // One-based: P95 of 1,000 lies between the 936th and the 964th.
        let one_based = |n, p| {
            let (value, low, high) = ranks(n, p);
            (value + 1, low + 1, high + 1)
        };
        assert_eq!(one_based(1000, 0.95), (950, 936, 964));
        assert_eq!(one_based(10_000, 0.95), (9500, 9457, 9543));
        assert_eq!(one_based(10_000, 0.99), (9900, 9880, 9920));
        assert_eq!(one_based(1, 0.5), (1, 1, 1));
    }

    #[test]
    fn chances_have_wilson_intervals() {
        let none = chance(0, 100);
        assert!(none.low == 0.0 && (none.high - 0.036_994).abs() < 1e-5, "{none:?}");
        let half = chance(50, 100);
        assert!((half.low - 0.403_832).abs() < 1e-5 && (half.high - 0.596_168).abs() < 1e-5);
        assert!(chance(100, 100).high == 1.0);
    }

    #[test]
    fn curves_rise_and_never_is_left_out() {
        let values: Vec<i64> = (0..1000).map(|x| x / 2).chain([NEVER; 250]).collect();
        let curve = curve(&values);
        assert!(curve.len() as u64 <= MOST_POINTS && curve.len() > 100);
        assert!(curve.is_sorted_by(|a, b| a.at_ms < b.at_ms && a.share < b.share));
        assert!((curve.last().map_or(0.0, |point| point.share) - 0.8).abs() < 1e-12);
    }
}
