//! Evenkeel's pages, report and all-in-one program.
pub mod picture;
