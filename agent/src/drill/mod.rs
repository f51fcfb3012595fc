//! Restore drills: proof that what is stored comes back, from nothing but the secret.
//!
//! A kind of backup says what there is and brings files back ([`Drillable`]);
//! everything else is the same for all kinds: what to ask for, where to put it,
//! how to look at it, and what it proves.
mod by_hand;
mod check;
pub mod confine;
mod engine;
mod estimate;
pub mod examine;
mod job;
mod live;
mod rotation;
mod run;
mod sample;
pub mod sandbox;
mod settings;
mod source;
mod tree;
pub mod worker;

pub use by_hand::by_hand;
pub use check::KIND;
use engine::run_job;
pub use estimate::{Range, full_restore, restore as restore_time};
pub use job::{Damaged, GroupPlan, Looked};
pub use run::{Around, Drill, Order, Plan, Report, Unknown, Watch};
pub use sample::{Caps, Sample, Sampler};
pub use settings::DrillSettings;
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
    (command == worker::COMMAND).then(|| worker::child(run_job))
}
