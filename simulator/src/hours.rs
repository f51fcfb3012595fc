//! Where the hours of many trials go: sums by function and by what they went into.
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use crate::run::HoursKey;

/// Sums of milliseconds, gathered over a block of trials. A trial adds a
/// hundred intervals, so they go into hash tables first and into the sorted
/// maps of the results once in a block.
#[derive(Debug, Default)]
pub struct Hours {
    functions: Vec<HashMap<HoursKey, u128, BuildHasherDefault<Mix>>>,
}

impl Hours {
    /// Adds intervals of a function's chain.
    pub fn add(&mut self, function: usize, intervals: impl Iterator<Item = (HoursKey, i64)>) {
        if self.functions.len() <= function {
            self.functions.resize_with(function + 1, HashMap::default);
        }
        let sums = &mut self.functions[function];
        for (key, time) in intervals {
            *sums.entry(key).or_default() += u128::from(time.unsigned_abs());
        }
    }

    /// Moves a function's sums to where results are kept.
    pub fn move_to(&mut self, function: usize, all: &mut BTreeMap<HoursKey, u128>) {
        let Some(sums) = self.functions.get_mut(function) else { return };
        for (key, total) in sums.drain() {
            *all.entry(key).or_default() += total;
        }
    }
}

/// A hash for small keys of numbers: a multiplication for each, as in FxHash.
#[derive(Debug, Default)]
pub struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517C_C1B7_2722_0A95);
    }
}
