//! The model's figures that every trial walks over, packed for the cache.
use super::Expr;
use crate::rows::Rows;

/// Properties of a component that a trial asks for all the time, as bits.
pub mod flag {
    /// Taken away by the scenario.
    pub const ABSENT: u8 = 1;
    /// A fleet, which can be ready in part.
    pub const FLEET: u8 = 2;
    /// Has a fail-over.
    pub const FAILOVER: u8 = 4;
    /// Takes time to start.
    pub const START: u8 = 8;
    /// Somebody notices its loss late.
    pub const HELD: u8 = 16;
}

/// What a trial asks at a step's gate, as bits.
pub mod step_flag {
    /// A vendor must be up.
    pub const VENDOR: u8 = 1;
    /// Some of its gates are more than plain edges.
    pub const MIXED: u8 = 2;
}

/// What trials walk over most, by component: the same facts as in [`super::Node`],
/// side by side in memory.
#[derive(Debug, Clone, Default)]
pub struct Lean {
    /// Foundations; whether it is their capacity that must stand (power, site).
    pub below: Rows<(u32, bool)>,
    /// Suppliers over plain edges, all of which are needed.
    pub plain: Rows<u32>,
    /// All other needs.
    pub rest: Rows<Expr>,
    /// Who is looked at again when it changes.
    pub above: Rows<u32>,
    /// Components that the scenario takes away.
    pub absent: Vec<u32>,
    /// Bits of [`flag`].
    pub flags: Vec<u8>,
    /// By person, the crews they are in, and their places in [`Lean::places`].
    pub crews_of: Rows<(u32, u32)>,
    /// By crew, the place of its first candidate among all places: the others
    /// and the deputies follow. Each begins at a multiple of 64.
    pub places: Vec<u32>,
    /// By step, what must physically stand.
    pub ground: Rows<u32>,
    /// By step, the suppliers that must be up, where all its gates are plain edges.
    pub gates: Rows<u32>,
    /// By step, bits of [`step_flag`].
    pub step_flags: Vec<u8>,
}
