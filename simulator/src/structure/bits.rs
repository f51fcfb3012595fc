//! Sets of small numbers as bits, many at a time.

/// A set of numbers below a bound that all sets of one kind share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// The empty set of numbers below `bound`.
    pub(super) fn none(bound: usize) -> Self {
        Self(vec![0; bound.div_ceil(64)])
    }

    /// Every number below the bound, and a few above that mean nothing.
    fn all(bound: usize) -> Self {
        Self(vec![u64::MAX; bound.div_ceil(64)])
    }

    pub(super) fn add(&mut self, number: u32) {
        self.0[number as usize / 64] |= 1 << (number % 64);
    }

    /// Adds all of another set; whether that was any more.
    pub(super) fn join(&mut self, other: &Self) -> bool {
        let mut more = false;
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            more |= *theirs & !*mine != 0;
            *mine |= theirs;
        }
        more
    }

    /// The numbers that are in at least `least` of the sets; `least` is at
    /// least 1.
    pub(super) fn in_at_least(least: usize, sets: &[Self], bound: usize) -> Self {
        // `reached[j]`: those in at least j of the sets seen so far.
        let mut reached = vec![Self::none(bound); least + 1];
        reached[0] = Self::all(bound);
        for set in sets {
            for count in (1..=least).rev() {
                let (before, after) = reached.split_at_mut(count);
                let words = after[0].0.iter_mut().zip(&before[count - 1].0).zip(&set.0);
                for ((word, fewer), member) in words {
                    *word |= fewer & member;
                }
            }
        }
        reached.swap_remove(least)
    }

    /// The members without those of another set, in rising order.
    pub(super) fn without(&self, other: &Self) -> Vec<u32> {
        let mut members = Vec::new();
        for (index, (mine, theirs)) in self.0.iter().zip(&other.0).enumerate() {
            let mut word = mine & !theirs;
            while word != 0 {
                members.push(index as u32 * 64 + word.trailing_zeros());
                word &= word - 1;
            }
        }
        members
    }
}
