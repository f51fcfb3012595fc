//! Pure questions about a map: what hangs on what, what cannot be lost, what goes in circles.
mod dense;
mod edges;
mod loops;
mod reach;
mod running;

pub use edges::{GraphEdge, to_recover_edges, to_run_edges};
pub use loops::{recovery_cycles, run_cycles};
pub use reach::{dependents, needed_by, single_points};
pub use running::Running;
