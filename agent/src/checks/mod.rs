//! Every kind of check: the table that names, documents and builds it.
mod files;
mod kind;
mod restic;

pub use kind::{Check, CheckKind, FactKind, Facts, FindingKind, Look, place, settings, since};

/// Every check kind, sorted by name. One file per kind; a test compares this
/// table with the folder.
pub const CHECKS: &[&CheckKind] = &[&files::KIND, &restic::KIND];

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static CheckKind> {
    CHECKS.iter().copied().find(|kind| kind.name == name)
}
