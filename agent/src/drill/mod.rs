//! Restore drills: proof that what is stored comes back, from nothing but the secret.
//!
//! A kind of backup says what there is and brings files back ([`Drillable`]);
//! everything else is the same for all kinds: what to ask for, where to put it,
//! how to look at it, and what it proves.
mod source;

pub use source::{BackupRuns, Drillable, Listed, Opened, PartRead, Restored, Room, Target, Wanted};

/// The name under which the drills of a check are kept as evidence.
pub fn name_of(check: &str) -> String {
    format!("{check}/drill")
}
