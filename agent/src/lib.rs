//! Evenkeel's agent: checks backups, certificates, DNS and ageing hardware on a
//! host, keeps the evidence, and serves it as metrics and documents.
pub mod accepted;
pub mod agent;
pub mod backup;
mod baseline;
pub mod checks;
mod cli;
pub mod discover;
pub mod drill;
pub mod fuzz;
pub mod heartbeats;
pub mod judge;
mod latest;
pub mod metrics;
pub mod plan;
pub mod planned;
pub mod probe;
pub mod proof;
mod replace;
mod schedule;
#[cfg(test)]
mod scripted;
pub mod serve;
pub mod store;
#[cfg(test)]
mod testing;

pub use cli::main;
