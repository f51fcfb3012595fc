//! Where a number comes from: measured, declared or default.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The origin of a figure; every figure that reaches a person carries one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// Observed on a host or in a drill.
    Measured,
    /// Told by a person, in the map or in an exercise.
    Declared,
    /// Our assumption, with source and year.
    Default,
}

impl Provenance {
    /// The word of the pages: measured, told to us, assumed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Declared => "told to us",
            Self::Default => "assumed",
        }
    }
}
