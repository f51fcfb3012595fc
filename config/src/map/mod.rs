//! The dependency map: what hangs on what, who can bring it back, and how.
mod calibration;
mod component;
mod details;
mod document;
mod fix;
mod kind;
mod need;
mod patch;
mod people;
mod reference;
mod reliability;
mod step;

pub use calibration::Calibration;
pub use component::{
    Alternative, Common, Component, DependencyMap, Dispatch, MaintenanceWindow, Organisation,
};
pub use details::{
    Backup, Copy, Dataset, Details, Dns, Fleet, Function, Hardware, Leave, Link, LossStep, Medium,
    Objectives, PathStep, Person, Power, Sharing, Spare, Team, Vendor, Workaround,
};
pub use document::MapDocument;
pub use fix::{Fix, Patch};
pub use kind::Kind;
pub use need::{AllOf, AnyOf, AtLeast, Edge, Need};
pub use reference::{Reference, Role};
pub use reliability::{CommonCause, RepairTimes};
pub use step::{OnFailure, RecoveryStep};
