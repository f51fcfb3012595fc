//! PostgreSQL: its programs by version, what its dumps and backups say of themselves.
pub mod dump;
mod programs;

pub use programs::{Programs, newest};
