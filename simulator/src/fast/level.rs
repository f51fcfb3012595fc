//! The same loops compiled for several processors, chosen when the program runs.
//!
//! Results do not depend on the choice: the code is the same, and it holds no
//! operation that a wider processor does differently (multiplications and
//! additions are never fused).
use super::crew::{self, Schedule};
use super::lanes::{self, Batch, LANES};
use super::through::{self, Net};
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

/// Calls a loop as compiled for a level.
macro_rules! on {
    ($level:expr, $module:ident::$function:ident($($name:ident: $type:ty),*)) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        fn avx2($($name: $type),*) {
            $module::$function($($name),*);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
        fn avx512($($name: $type),*) {
            $module::$function($($name),*);
        }
        match $level.0 {
            Width::Plain => $module::$function($($name),*),
            // SAFETY: a `Level` is only made by `Level::available`, which asked
            // the processor whether it has these instructions.
            #[cfg(target_arch = "x86_64")]
            Width::Avx2 => unsafe { avx2($($name),*) },
            #[cfg(target_arch = "x86_64")]
            Width::Avx512 => unsafe { avx512($($name),*) },
        }
    }};
}

#[expect(unsafe_code, reason = "calls of code compiled for a processor that was asked before")]
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
        on!(self, lanes::fill(batch: &Batch, draws: &[Draw], attempt: u32, rows: &mut [[i64; LANES]]));
    }

    /// Uniform numbers of one purpose: one row of lanes.
    pub fn uniform(self, batch: &Batch, purpose: Purpose, attempt: u32) -> [f64; LANES] {
        let mut row = [0.0; LANES];
        let out = &mut row;
        on!(self, lanes::uniform(batch: &Batch, purpose: Purpose, attempt: u32, out: &mut [f64; LANES]));
        row
    }

    /// Spans into ends where nothing is contended.
    pub(super) fn pass(self, net: &Net, rows: &mut [[i64; LANES]]) {
        on!(self, through::pass(net: &Net, rows: &mut [[i64; LANES]]));
    }

    /// Spans into ends where a crew is, up to 256 tasks.
    pub(super) fn schedule(
        self,
        schedule: &Schedule<4>,
        spans: &[[i64; LANES]],
        ends: &mut [[i64; LANES]],
    ) {
        on!(self, crew::run(schedule: &Schedule<4>, spans: &[[i64; LANES]], ends: &mut [[i64; LANES]]));
    }

    /// The same up to 1,024 tasks.
    pub(super) fn schedule_large(
        self,
        schedule: &Schedule<16>,
        spans: &[[i64; LANES]],
        ends: &mut [[i64; LANES]],
    ) {
        on!(self, crew::run(schedule: &Schedule<16>, spans: &[[i64; LANES]], ends: &mut [[i64; LANES]]));
    }
}
