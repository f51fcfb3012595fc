//! The dependency map: what hangs on what, who can bring it back, and how.
mod component;
mod document;
mod fix;
mod need;
mod patch;
mod people;
mod reference;
mod step;

pub use component::{
    Alternative, Backup, Common, Component, Copy, Dataset, DependencyMap, Details, Dns, Fleet,
    Function, Hardware, Kind, Leave, Link, LossStep, MaintenanceWindow, Objectives, Organisation,
    PathStep, Person, Power, Sharing, Spare, Team, Vendor, Workaround,
};
pub use document::MapDocument;
pub use fix::Fix;
pub use need::{AllOf, AnyOf, AtLeast, Edge, Need};
pub use reference::{Reference, Role};
pub use step::{OnFailure, RecoveryStep};
