//! Evenkeel's pages, report and all-in-one program.
//!
//! Pages are pure functions of a [`picture::Picture`]. The hub ([`hub`],
//! [`keeper`]) makes pictures from a map, from what agents report and from what
//! the simulator answers; [`serve`] shows them. Only the composition root
//! (`own_agent`, `simulate`) uses the agent's and the simulator's libraries.
pub mod access;
pub mod cli;
pub mod export;
pub mod html;
pub mod hub;
pub mod keeper;
pub mod map_findings;
mod offline;
mod online;
mod organisation;
mod own_agent;
pub mod pages;
mod paths;
pub mod picture;
pub mod serve;
mod simulate;
mod terminal;
mod tls;
