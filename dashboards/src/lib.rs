//! Evenkeel's pages, report and all-in-one program.
pub mod html;
pub mod map_findings;
pub mod pages;
pub mod picture;
mod paths;

