//! A fixed log-linear histogram of integers: what is kept of more results than can be kept one by one.
//!
//! Values below 2^11 have a bucket each; above, every power of two is cut into
//! 1,024 buckets, so that a bucket is at most 2^-10 of its values wide. Which
//! bucket a value falls into depends on the value alone, so histograms of parts
//! add up to the histogram of the whole, in any order. Each bucket remembers the
//! least and the greatest value it saw: a time that many trials share exactly is
//! told exactly.
use std::collections::BTreeMap;

/// Buckets of one power of two, as a power of two.
const BITS: u32 = 10;
/// Buckets of one page.
const PAGE: usize = 1 << BITS;

/// What is known of the values in one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// How many values.
    pub count: u64,
    /// The least of them.
    pub least: i64,
    /// The greatest of them.
    pub most: i64,
    /// The first trial that fell into it.
    pub first: u64,
}

const EMPTY: Bucket = Bucket { count: 0, least: i64::MAX, most: i64::MIN, first: u64::MAX };

impl Bucket {
    fn join(&mut self, other: &Self) {
        self.count += other.count;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.first = self.first.min(other.first);
    }
}

/// Counts of values by bucket; grows with the powers of two seen, not with the
/// number of values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    pages: BTreeMap<u32, Box<[Bucket]>>,
    count: u64,
}

/// The page and the place on it of a value; values below zero count as zero,
/// though their bucket remembers them.
fn place(value: i64) -> (u32, usize) {
    let value = value.max(0).cast_unsigned();
    let length = u64::BITS - value.leading_zeros();
    let shift = length.saturating_sub(BITS + 1);
    let row = (value >> shift) as usize;
    // Rows 0 to 1,023 exist without a shift alone, and have the first page.
    if row < PAGE { (0, row) } else { (shift + 1, row - PAGE) }
}

impl Histogram {
    /// Counts the value of a trial.
    pub fn add(&mut self, value: i64, trial: u64) {
        self.join(&Bucket { count: 1, least: value, most: value, first: trial });
    }

    /// Counts a bucket of another histogram.
    pub fn join(&mut self, bucket: &Bucket) {
        let (page, row) = place(bucket.least);
        let page = self.pages.entry(page).or_insert_with(|| vec![EMPTY; PAGE].into_boxed_slice());
        page[row].join(bucket);
        self.count += bucket.count;
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The buckets that saw anything, in rising order.
    pub fn buckets(&self) -> impl Iterator<Item = &Bucket> {
        self.pages.values().flat_map(|page| page.iter()).filter(|bucket| bucket.count > 0)
    }

    /// The first trial of the bucket that holds a value.
    pub fn first(&self, value: i64) -> Option<u64> {
        let (page, row) = place(value);
        self.pages.get(&page).map(|page| page[row]).filter(|b| b.count > 0).map(|b| b.first)
    }

    /// Whether both values fall into one bucket.
    pub fn same_bucket(one: i64, other: i64) -> bool {
        place(one) == place(other)
    }

    /// Bytes it holds, for tests on its size.
    pub fn bytes(&self) -> usize {
        self.pages.len() * PAGE * size_of::<Bucket>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_at_most_a_1024th_of_its_values_wide() {
        let mut before = place(0);
        let mut from = 0_i64;
        let mut widest = 0.0_f64;
        for value in 1..5_000_000_i64 {
            let now = place(value);
            assert!(now >= before, "{value} falls behind");
            if now != before {
                let width = (value - from) as f64;
                assert!(from >= 2048 || width == 1.0, "{from} has a bucket of its own");
                if from >= 1024 {
                    widest = widest.max(width / from as f64);
                }
                (before, from) = (now, value);
            }
        }
        assert!(widest <= 1.0 / 1024.0, "{widest}");
        // The ends.
        assert!(!Histogram::same_bucket(i64::MAX, i64::MAX >> 1));
        assert!(Histogram::same_bucket(-5, 0));
    }

    #[test]
    fn parts_add_up_to_the_whole_in_any_order() {
        let value =
            |k: u64| (k.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (k % 64)).cast_signed().max(0);
        let of = |numbers: &mut dyn Iterator<Item = u64>| {
            let mut histogram = Histogram::default();
            numbers.for_each(|k| histogram.add(value(k), k));
            histogram
        };
        let whole = of(&mut (0..30_000));
        let mut parts = Histogram::default();
        for part in [2, 0, 1] {
            of(&mut (0..30_000).filter(|k| k % 3 == part)).buckets().for_each(|b| parts.join(b));
        }
        assert_eq!(whole, parts);
        assert_eq!(whole.count(), 30_000);
        assert!(whole.buckets().is_sorted_by(|a, b| a.most < b.least));
        let seen = whole.buckets().all(|b| value(b.first) >= b.least && value(b.first) <= b.most);
        assert!(seen, "each bucket's first trial lies within it");
    }
}
