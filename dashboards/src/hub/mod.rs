//! The hub: collects from agents, keeps history, and puts the picture together.
mod assemble;
mod collect;
mod store;

pub use assemble::{Facts, assemble};
pub use collect::{AgentSource, CollectError, collect};
pub use store::{HubStore, StoreError};
