//! Many trials at once: draws in lanes, for the fast paths and for the general kernel.
mod block;
pub mod lanes;
mod level;

pub use block::Block;
pub use lanes::{Batch, LANES, Trials};
pub use level::Level;
