//! PostgreSQL: its programs by version, what its dumps and backups say of themselves, and a
//! throw-away cluster that opens them.
pub mod base;
mod cluster;
pub mod dump;
mod expect;
mod load;
mod programs;
mod recover;
pub mod script;

pub use cluster::Cluster;
pub use expect::{Expected, Found};
pub use load::{Load, Loaded, load};
pub use programs::{Programs, newest};
pub use recover::{Recover, recover, shell_quoted};
