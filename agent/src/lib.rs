//! Evenkeel's agent: checks backups, certificates, DNS and ageing hardware on a
//! host, keeps the evidence, and serves it as metrics and documents.
mod baseline;
pub mod checks;
pub mod discover;
pub mod fuzz;
pub mod probe;
#[cfg(test)]
mod testing;
