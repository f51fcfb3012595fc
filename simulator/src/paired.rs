//! Differences between two sides of the same nights, with intervals that use the pairing.
use evenkeel_config::record::{Chance, ChanceChange, Change, MeanChange, TimeChange};
use libm::{rint, sqrt};

use crate::key::{Luck, Purposes};
use crate::model::NEVER;
use crate::statistics::{chance, elapsed, ranks, sorted};

/// The 97.5 % quantile of the standard normal law.
pub(crate) const Z: f64 = 1.959_963_984_540_054;
/// Resamples for the interval of a difference of quantiles.
const RESAMPLES: u32 = 200;

/// The mean of the paired differences, after minus before, and its 95 %
/// interval by the central limit theorem. Pairs with "never" on either side
/// are left out; `None` when nothing is left.
pub fn mean_change(before: &[i64], after: &[i64]) -> Option<MeanChange> {
    let pairs = || {
        before
            .iter()
            .zip(after)
            .filter(|(before, after)| **before != NEVER && **after != NEVER)
            .map(|(before, after)| (*before, *after))
    };
    let mut count = 0_u64;
    let mut sums = [0_i128; 3];
    for (before, after) in pairs() {
        count += 1;
        let gap = i128::from(after) - i128::from(before);
        for (sum, value) in sums.iter_mut().zip([before.into(), after.into(), gap]) {
            *sum += value;
        }
    }
    if count == 0 {
        return None;
    }
    let n = count as f64;
    let means = sums.map(|sum| sum as f64 / n);
    let mut squares = [0.0; 3];
    for (before, after) in pairs() {
        let values = [before as f64, after as f64, (i128::from(after) - i128::from(before)) as f64];
        for ((square, value), mean) in squares.iter_mut().zip(values).zip(means) {
            *square += (value - mean) * (value - mean);
        }
    }
    let half = Z * sqrt(squares[2] / n / (n - 1.0).max(1.0));
    let sharper = (squares[2] > 0.0).then(|| (squares[0] + squares[1]) / squares[2]);
    let whole = |value: f64| rint(value) as i64;
    Some(MeanChange {
        before: whole(means[0]),
        after: whole(means[1]),
        change: Change {
            value: whole(means[2]),
            low: whole(means[2] - half),
            high: whole(means[2] + half),
        },
        nights: count,
        sharper,
    })
}

/// A chance before and after, from whether it is kept in each night; the
/// interval of the difference after Bonett and Price, "Adjusted Wald confidence
/// interval for a difference of binomial proportions based on paired data"
/// (2012), and exactly zero when no night differs.
pub fn chance_change(before: &[bool], after: &[bool]) -> ChanceChange {
    let of = before.len() as u64;
    let count = |kept: &[bool]| kept.iter().filter(|kept| **kept).count() as u64;
    let moved = |from: bool| {
        let pairs = before.iter().zip(after);
        pairs.filter(|(before, after)| **before == from && **after != from).count() as u64
    };
    let (gained, lost) = (moved(false), moved(true));
    let value = (gained as f64 - lost as f64) / (of as f64).max(1.0);
    let change = if gained + lost == 0 {
        [0.0; 3]
    } else {
        let n = of as f64 + 2.0;
        let (up, down) = ((gained as f64 + 1.0) / n, (lost as f64 + 1.0) / n);
        let half = Z * sqrt((up + down - (up - down) * (up - down)) / n);
        let (low, high) = ((up - down - half).max(-1.0), (up - down + half).min(1.0));
        [value, low.min(value), high.max(value)]
    };
    ChanceChange {
        before: chance(count(before), of),
        after: chance(count(after), of),
        change,
        gained,
        lost,
    }
}

/// Quantiles before and after, one for each share, with the 95 % interval of
/// their difference from resampled pairs of nights.
pub fn quantile_changes<const P: usize>(
    before: &[i64],
    after: &[i64],
    shares: [f64; P],
    seed: u64,
) -> [TimeChange; P] {
    let pair = [before, after];
    let sorted = pair.map(sorted);
    let n = before.len();
    let rank = shares.map(|p| ranks(n, p).0);
    let at = |side: usize, rank: usize| sorted[side].get(rank).copied().unwrap_or(NEVER);
    let differ = before != after;
    let bounds = if differ && n == after.len() {
        resampled(pair, &sorted, rank, seed)
    } else {
        [Some([0, 0]); P]
    };
    let mut number = 0;
    rank.map(|rank| {
        let (before, after) = (at(0, rank), at(1, rank));
        let bounds = bounds[number];
        number += 1;
        // An interval that reaches never is no interval.
        let change = bounds.filter(|_| before != NEVER && after != NEVER).map(|[low, high]| {
            let value = after - before;
            Change { value, low: low.min(value), high: high.max(value) }
        });
        TimeChange { before: elapsed(before), after: elapsed(after), change }
    })
}

/// For each rank the 2.5 % and 97.5 % points of the difference over resamples;
/// `None` where one of them meets never.
fn resampled<const P: usize>(
    pair: [&[i64]; 2],
    sorted: &[Vec<i64>; 2],
    rank: [usize; P],
    seed: u64,
) -> [Option<[i64; 2]>; P] {
    let n = pair[0].len();
    let places = [0, 1].map(|side| places(pair[side], &sorted[side]));
    let mut gaps: [Option<Vec<i64>>; P] = std::array::from_fn(|_| Some(Vec::new()));
    for round in 0..RESAMPLES {
        let mut counts = [vec![0_u32; n], vec![0_u32; n]];
        for row in rows(seed, round, n) {
            counts[0][places[0][row] as usize] += 1;
            counts[1][places[1][row] as usize] += 1;
        }
        for (gaps, rank) in gaps.iter_mut().zip(rank) {
            let at = [0, 1].map(|side| walk(&counts[side], rank, &sorted[side]));
            match gaps {
                Some(gaps) if !at.contains(&NEVER) => gaps.push(at[1] - at[0]),
                _ => *gaps = None,
            }
        }
    }
    gaps.map(|gaps| {
        let mut gaps = gaps?;
        gaps.sort_unstable();
        let edge = (RESAMPLES as usize) / 40;
        Some([gaps[edge], gaps[RESAMPLES as usize - 1 - edge]])
    })
}

/// The rows of one resample of `n` nights, drawn with replacement.
pub fn rows(seed: u64, round: u32, n: usize) -> impl Iterator<Item = usize> {
    let purpose = Purposes::default().of("", "fixes", "resample");
    let mut state = Luck::new(seed, round).bits(purpose, 0);
    (0..n).map(move |_| {
        // A splitmix step: enough for picking rows.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((u128::from(z ^ (z >> 31)) * n as u128) >> 64) as usize
    })
}

/// The rank of each night among the sorted values.
fn places(values: &[i64], sorted: &[i64]) -> Vec<u32> {
    values.iter().map(|value| sorted.partition_point(|other| other < value) as u32).collect()
}

/// The value at a rank of a resample given by how often each rank was drawn.
fn walk(counts: &[u32], rank: usize, sorted: &[i64]) -> i64 {
    // From above: most ranks asked for lie in the upper part.
    let mut above = counts.len() - rank;
    for (place, count) in counts.iter().enumerate().rev() {
        let count = *count as usize;
        if count >= above {
            return sorted[place];
        }
        above -= count;
    }
    0
}

/// Nights in which the value is larger than before by more than `slack`, and
/// by how much: the count, the sum of the finite gaps, how many are finite, and
/// the largest.
pub fn larger(before: &[i64], after: &[i64], slack: i64) -> (Chance, Option<i64>, i64) {
    let (mut count, mut finite, mut sum, mut most) = (0_u64, 0_i128, 0_i128, 0_i64);
    for (before, after) in before.iter().zip(after) {
        if *after <= before.saturating_add(slack) {
            continue;
        }
        count += 1;
        if *after == NEVER {
            most = NEVER;
        } else {
            let gap = after - before;
            sum += i128::from(gap);
            finite += 1;
            most = most.max(gap);
        }
    }
    let mean = (finite > 0).then(|| (sum / finite.max(1)) as i64);
    (chance(count, before.len() as u64), mean, most)
}
