//! Many trials at once: draws in lanes, and the paths for models where little is contended.
mod block;
mod crew;
pub mod lanes;
mod level;
mod path;
mod plan;
mod queue;
mod through;

pub use block::Block;
pub use lanes::{Batch, LANES, Trials};
pub use level::Level;
pub use path::{Night, Path, Runner};
