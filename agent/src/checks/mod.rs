//! Every kind of check: the table that names, documents and builds it.
mod borg;
mod borgmatic;
mod btrfs;
mod certificate;
mod clock;
mod command;
mod dns;
mod files;
mod filesystem;
mod heartbeat;
mod kind;
mod mdraid;
mod os_support;
mod pg_basebackup;
mod pg_dump;
mod pgbackrest;
mod reboot;
mod restic;
mod rsnapshot;
mod smart;
mod table;
mod temperature;
mod zfs;

pub(crate) use borgmatic::fuzz as borgmatic_fuzz;
pub use kind::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, Seen, place, settings, since,
};
pub use table::table_markdown;

/// Every check kind, sorted by name. One file per kind; a test compares this
/// table with the folder.
pub const CHECKS: &[&CheckKind] = &[
    &borg::KIND,
    &borgmatic::KIND,
    &btrfs::KIND,
    &certificate::KIND,
    &clock::KIND,
    &command::KIND,
    &dns::KIND,
    &files::KIND,
    &filesystem::KIND,
    &heartbeat::KIND,
    &mdraid::KIND,
    &os_support::KIND,
    &pg_basebackup::KIND,
    &pg_dump::KIND,
    &pgbackrest::KIND,
    &reboot::KIND,
    &restic::KIND,
    &rsnapshot::KIND,
    &smart::KIND,
    &temperature::KIND,
    &zfs::KIND,
];

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static CheckKind> {
    CHECKS.iter().copied().find(|kind| kind.name == name)
}
