//! The same loops compiled for several processors, chosen when the program runs.
//!
//! Results do not depend on the choice: the code is the same, and it holds no
//! operation that a wider processor does differently (multiplications and
//! additions are never fused).
use super::lanes::{self, Batch, LANES};
use crate::key::Purpose;
use crate::model::Draw;

/// What the processor offers beyond the plain instruction set. Only made by
/// asking the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(Width);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    /// Nothing that every 64-bit processor does not have.
    Plain,
    /// AVX2: four 64-bit lanes.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512: eight 64-bit lanes.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// All that this processor can run, the plain one first.
    pub fn available() -> Vec<Self> {
        let mut levels = vec![Self(Width::Plain)];
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2") {
                levels.push(Self(Width::Avx2));
            }
            if std::arch::is_x86_feature_detected!("avx512f")
                && std::arch::is_x86_feature_detected!("avx512dq")
                && std::arch::is_x86_feature_detected!("avx512vl")
            {
                levels.push(Self(Width::Avx512));
            }
        }
        levels
    }

    /// The widest that this processor can run.
    pub fn best() -> Self {
        Self::available().last().copied().unwrap_or(Self(Width::Plain))
    }

    /// Draws of each law at an attempt: one row of lanes for each.
    pub fn fill(self, batch: &Batch, draws: &[Draw], attempt: u32, rows: &mut [[i64; LANES]]) {
        match self.0 {
            Width::Plain => lanes::fill(batch, draws, attempt, rows),
            #[cfg(target_arch = "x86_64")]
            wide => processor::fill(wide, batch, draws, attempt, rows),
        }
    }

    /// Uniform numbers of one purpose: one row of lanes.
    pub fn uniform(self, batch: &Batch, purpose: Purpose, attempt: u32) -> [f64; LANES] {
        match self.0 {
            Width::Plain => lanes::uniform_row(batch, purpose, attempt),
            #[cfg(target_arch = "x86_64")]
            wide => processor::uniform(wide, batch, purpose, attempt),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "calls of code built for a processor that was detected before")]
mod processor {
    use super::{Batch, Draw, LANES, Purpose, Width, lanes};

    pub(super) fn fill(
        width: Width,
        batch: &Batch,
        draws: &[Draw],
        attempt: u32,
        rows: &mut [[i64; LANES]],
    ) {
        // SAFETY: a `Level` is only made by `Level::available`, which asked the processor.
        match width {
            Width::Plain => lanes::fill(batch, draws, attempt, rows),
            Width::Avx2 => unsafe { fill_avx2(batch, draws, attempt, rows) },
            Width::Avx512 => unsafe { fill_avx512(batch, draws, attempt, rows) },
        }
    }

    pub(super) fn uniform(
        width: Width,
        batch: &Batch,
        purpose: Purpose,
        attempt: u32,
    ) -> [f64; LANES] {
        // SAFETY: as in `fill`.
        match width {
            Width::Plain => lanes::uniform_row(batch, purpose, attempt),
            Width::Avx2 => unsafe { uniform_avx2(batch, purpose, attempt) },
            Width::Avx512 => unsafe { uniform_avx512(batch, purpose, attempt) },
        }
    }

    #[target_feature(enable = "avx2")]
    fn fill_avx2(batch: &Batch, draws: &[Draw], attempt: u32, rows: &mut [[i64; LANES]]) {
        lanes::fill(batch, draws, attempt, rows);
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    fn fill_avx512(batch: &Batch, draws: &[Draw], attempt: u32, rows: &mut [[i64; LANES]]) {
        lanes::fill(batch, draws, attempt, rows);
    }

    #[target_feature(enable = "avx2")]
    fn uniform_avx2(batch: &Batch, purpose: Purpose, attempt: u32) -> [f64; LANES] {
        lanes::uniform_row(batch, purpose, attempt)
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    fn uniform_avx512(batch: &Batch, purpose: Purpose, attempt: u32) -> [f64; LANES] {
        lanes::uniform_row(batch, purpose, attempt)
    }
}
