//! Alike components that fail and are repaired, exactly: a birth-death process.

/// `members` alike components of which `needed` must work, each failing after an
/// exponential time and repaired in one, by `crews` of which each repairs one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// How many there are.
    pub members: usize,
    /// How many must work.
    pub needed: usize,
    /// How many are repaired at once; at least 1.
    pub crews: usize,
    /// Mean hours of work from a repair to the next failure.
    pub mtbf: f64,
    /// Mean hours of a repair.
    pub mttr: f64,
}

impl Group {
    /// Failures an hour while so many are down.
    fn failures(&self, down: usize) -> f64 {
        (self.members - down) as f64 / self.mtbf
    }

    /// Repairs an hour while so many are down.
    fn repairs(&self, down: usize) -> f64 {
        down.min(self.crews) as f64 / self.mttr
    }

    /// Share of time with 0, 1, ... components down: in balance, as many go from
    /// each state to the next as come back (finite-source queue with several servers).
    pub fn states(&self) -> Vec<f64> {
        let mut weights = vec![1.0];
        for down in 1..=self.members {
            let ratio = self.failures(down - 1) / self.repairs(down);
            weights.push(weights[down - 1] * ratio);
        }
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / total).collect()
    }

    /// Share of time in which enough work.
    pub fn availability(&self) -> f64 {
        // Summed from the rare end, so that little is lost to rounding.
        1.0 - self.states().iter().skip(self.members - self.needed + 1).rev().sum::<f64>()
    }

    /// Mean number of components down.
    pub fn failed(&self) -> f64 {
        self.states().iter().enumerate().map(|(down, share)| down as f64 * share).sum()
    }

    /// Mean hours from all working until first too few do: the mean time from
    /// each state to the next worse one, `(1 + repairs * time before) / failures`.
    pub fn first_failure(&self) -> f64 {
        let (mut step, mut total) = (0.0, 0.0);
        for down in 0..=self.members - self.needed {
            step = (1.0 + self.repairs(down) * step) / self.failures(down);
            total += step;
        }
        total
    }
}
