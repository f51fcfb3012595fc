//! What every kind of backup has in common: its facts, its findings, and what holds of it.
use crate::checks::{FactKind, FindingKind};

/// Facts that every kind of backup can come to.
pub const FACTS: &[FactKind] = &[];

/// Findings that every kind of backup can come to.
pub const FINDINGS: &[FindingKind] = &[];
