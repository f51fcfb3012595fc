//! Every kind of check: the table that names, documents and builds it.
mod certificate;
mod clock;
mod dns;
mod files;
mod filesystem;
mod kind;
mod mdraid;
mod os_support;
mod reboot;
mod restic;
mod smart;
mod table;
mod temperature;

pub use kind::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, Seen, place, settings, since,
};
pub use table::table_markdown;

/// Every check kind, sorted by name. One file per kind; a test compares this
/// table with the folder.
pub const CHECKS: &[&CheckKind] = &[
    &certificate::KIND,
    &clock::KIND,
    &dns::KIND,
    &files::KIND,
    &filesystem::KIND,
    &mdraid::KIND,
    &os_support::KIND,
    &reboot::KIND,
    &restic::KIND,
    &smart::KIND,
    &temperature::KIND,
];

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static CheckKind> {
    CHECKS.iter().copied().find(|kind| kind.name == name)
}
