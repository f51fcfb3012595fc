//! What an answer is about: whose map, which scenarios, which facts, how many nights, by which engine.
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::summary::ScenarioName;
use crate::quantity::Span;

/// What an answer is about, so that it can be told apart and computed again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct About {
    /// Version of the engine.
    pub engine_version: String,
    /// The hash behind the keys of all luck.
    pub key_hash: String,
    /// The generator of all luck.
    pub generator: String,
    /// Digest of everything that went in.
    pub inputs_digest: String,
    /// Whose map it is.
    pub organisation: String,
    /// IANA time zone of all local times.
    pub timezone: String,
    /// ISO 4217 code; sums of money are in its minor units.
    pub currency: String,
    /// What happens; several are simulated over the same nights.
    pub scenarios: Vec<ScenarioName>,
    /// The moment of the facts.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Seed of all luck.
    pub seed: u64,
    /// Simulated nights of each scenario.
    pub trials: u64,
    /// Later than this is never.
    pub horizon: Span,
}
