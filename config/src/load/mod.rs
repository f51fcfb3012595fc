//! Reading documents: files or text in, resolved types out, or every problem at once.
mod agent;
mod document;
mod formats;
mod hub;
mod map;
mod nearest;
mod patch;
mod places;
mod scenario;
mod semantic;
mod shape;
mod source;
mod tree;
mod walk;

pub use agent::agent_from;
pub use hub::hub_from;
pub(crate) use map::resolve_patched;
pub use map::{map_from, map_from_document, resolve};
pub use patch::lay_patch;
pub use scenario::{check_scenario, reaches_anything, scenario_from};
pub use source::{Source, read_sources};

use crate::problem::{Place, Problems};
use crate::record::EvidenceSet;

/// A value that was read, and what is worth saying about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded<T> {
    /// The resolved value.
    pub value: T,
    /// Warnings; never errors.
    pub warnings: Problems,
}

/// Reads an evidence set that a program wrote; unknown fields are ignored.
///
/// # Errors
/// The one place where the text is not such a document.
pub fn evidence_from(source: &Source) -> Result<EvidenceSet, Problems> {
    serde_json::from_str(&source.text).map_err(|error| {
        let mut problems = Problems::default();
        let place = Place { line: error.line(), column: error.column(), ..source.place() };
        let hint = "it must be what an agent serves at `/evidence`";
        problems.error(place, format!("this is no evidence set: {error}"), hint);
        problems
    })
}

impl Problems {
    /// The value with the warnings, or all problems in order when one is an error.
    pub(crate) fn settle<T>(mut self, value: T) -> Result<Loaded<T>, Self> {
        self.sort();
        if self.is_fatal() { Err(self) } else { Ok(Loaded { value, warnings: self }) }
    }

    /// All problems in order.
    pub(crate) fn refuse<T>(mut self) -> Result<T, Self> {
        self.sort();
        Err(self)
    }
}
