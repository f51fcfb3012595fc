//! Restore drills: proof that what is stored comes back, from nothing but the secret.
//!
//! A kind of backup says what there is and brings files back ([`Drillable`]);
//! everything else is the same for all kinds: what to ask for, where to put it,
//! how to look at it, and what it proves.
pub mod confine;
pub mod examine;
pub mod sandbox;
mod source;
mod tree;
pub mod worker;

pub use source::{BackupRuns, Drillable, Listed, Opened, PartRead, Restored, Room, Target, Wanted};

/// The name under which the drills of a check are kept as evidence.
pub fn name_of(check: &str) -> String {
    format!("{check}/drill")
}

/// What our program is when a drill starts it once more: `None` in ordinary life.
/// Both programs ask this before anything else, while they have one thread.
pub fn child() -> Option<std::process::ExitCode> {
    let command = std::env::args_os().nth(1)?;
    if command == examine::COMMAND {
        return Some(examine::main());
    }
    (command == worker::COMMAND).then(|| {
        worker::child(|job: serde_json::Value, _: worker::Emit<serde_json::Value>| async move {
            let _ = job;
            Err(worker::internal("this program knows no drill"))
        })
    })
}
