//! What is there: base backups with their files, and the archive behind them.
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use evenkeel_config::record::{Failure, FailureKind, Value};
use jiff::{SignedDuration, Timestamp};

use super::BaseBackups;
use crate::backup::{GroupSight, Sight, SnapshotSight};
use crate::checks::files::find;
use crate::checks::{Facts, Look};
use crate::probe::host::{Host, HostError};
use crate::probe::postgres::base::{self, Segment};
use crate::probe::redact::plain;

/// The largest manifest that is read, in bytes: about a million files.
const LARGEST_MANIFEST: usize = 256 << 20;

/// The largest label, in bytes.
const LARGEST_LABEL: usize = 64 << 10;

/// Bytes of a segment unless the cluster was made otherwise, for archives whose files do
/// not tell.
const SEGMENT: u64 = 16 << 20;

/// So many bytes of a segment tell how large all are, also compressed.
const SEGMENT_HEAD: u64 = 4096;

/// A backup that has no manifest after so long was not finished.
const IN_THE_MAKING: SignedDuration = SignedDuration::from_hours(1);

/// One of these files is in every base backup in plain format, or in what is left of it.
const OF_A_BACKUP: &[&str] = &["backup_manifest", "backup_label", "PG_VERSION"];

/// One of these is in every base backup in tar format.
const TARS: &[&str] = &["base.tar", "base.tar.gz", "base.tar.zst", "base.tar.lz4"];

/// One base backup.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) path: String,
    pub(super) start: Timestamp,
    label: String,
    has_manifest: bool,
    is_tar: bool,
}

/// The archive of WAL.
#[derive(Debug, Default)]
pub(super) struct Archive {
    segments: BTreeSet<Segment>,
    newest: Option<Timestamp>,
    /// Bytes of a segment, where the newest one tells.
    segment_bytes: Option<u64>,
}

impl BaseBackups {
    pub(super) async fn look(&self, look: &Look) -> Result<Facts, Failure> {
        let host = Host::new(&look.root);
        let (folder, pattern) = (self.folder.clone(), self.pattern.clone());
        let (archive, now) = (self.archive.clone(), look.now);
        let looking = tokio::task::spawn_blocking(move || {
            let bases = bases(&host, &folder, pattern.as_deref())?;
            let archive = archive.map(|folder| self::archive(&host, &folder)).transpose()?;
            Ok(seen(&host, bases, archive.as_ref(), now))
        });
        let seen: Result<_, HostError> = looking.await.map_err(|error| Failure {
            kind: FailureKind::Internal,
            what: format!("looking at the base backups broke off: {error}"),
            advice: "report this with the agent's version".to_owned(),
        })?;
        let (sight, own) = match seen {
            Err(HostError::NotFound { .. }) => {
                let mut facts = Facts::default();
                facts.push("folder_exists", "", Value::Flag(false));
                return Ok(facts);
            }
            seen => seen?,
        };
        let mut facts = sight.facts(&self.keys);
        facts.push("folder_exists", "", Value::Flag(true));
        facts.observations.extend(own.observations);
        Ok(facts)
    }

    /// The newest finished backup, and the first segment that lacks behind it.
    pub(super) fn newest(&self) -> Result<Option<(Base, Option<Segment>)>, Failure> {
        let host = Host::new(Path::new("/"));
        let mut bases = bases(&host, &self.folder, self.pattern.as_deref())?;
        bases.retain(|base| base.has_manifest);
        let Some(newest) = bases.pop() else { return Ok(None) };
        let archive = self.archive.as_ref().map(|folder| archive(&host, folder)).transpose()?;
        let gap = archive.and_then(|archive| archive.gap(&host, &newest));
        Ok(Some((newest, gap)))
    }
}

impl Archive {
    fn gap(&self, host: &Host, base: &Base) -> Option<Segment> {
        let bytes = self.segment_bytes.unwrap_or(SEGMENT);
        // The label of a backup in tar format lies within it; the manifest tells the same.
        let of_manifest = || {
            let read = host.read(&format!("{}/backup_manifest", base.path), LARGEST_MANIFEST);
            base::manifest(&read.ok()?).ok()?.wal.first()?.first_segment(bytes)
        };
        let first = base::first_segment(&base.label).or_else(of_manifest)?;
        base::gap(first, &self.segments, bytes)
    }
}

impl Base {
    /// Whether it is one of `pg_basebackup --format=tar`.
    pub(super) fn is_tar(&self) -> bool {
        self.is_tar
    }
}

fn seen(
    host: &Host,
    mut bases: Vec<Base>,
    archive: Option<&Archive>,
    now: Timestamp,
) -> (Sight, Facts) {
    let mut own = Facts::default();
    // One that is being made has no manifest yet.
    bases.retain(|base| base.has_manifest || now.duration_since(base.start) >= IN_THE_MAKING);
    let mut snapshots: Vec<SnapshotSight> =
        bases.iter().map(|base| SnapshotSight::new(base.start)).collect();
    if let (Some(base), Some(newest)) = (bases.last(), snapshots.last_mut()) {
        look_at(host, base, newest);
        if let Some(gap) = archive.and_then(|archive| archive.gap(host, base)) {
            own.push("wal_gap", "", Value::Text(gap.name()));
        }
    }
    if let Some(newest) = archive.and_then(|archive| archive.newest) {
        own.push("wal_newest", "", Value::Time(newest));
    }
    let count = Some(snapshots.len() as u64);
    let group = GroupSight { snapshots, ..GroupSight::default() };
    let groups = if bases.is_empty() { Vec::new() } else { vec![group] };
    (Sight { snapshots: count, groups, ..Sight::default() }, own)
}

/// Holds the newest backup against its manifest.
fn look_at(host: &Host, base: &Base, newest: &mut SnapshotSight) {
    if !base.has_manifest {
        newest.complete = Some(Err("it has no backup_manifest, so it was not finished".to_owned()));
        return;
    }
    let bytes = host.read(&format!("{}/backup_manifest", base.path), LARGEST_MANIFEST);
    let manifest = bytes.map_err(Failure::from).and_then(|bytes| base::manifest(&bytes));
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(failure) => {
            newest.complete = Some(Err(failure.what));
            return;
        }
    };
    newest.files = Some(manifest.files.len() as u64);
    newest.bytes = Some(manifest.files.iter().fold(0, |sum, file| file.size.saturating_add(sum)));
    if base.is_tar {
        return;
    }
    let mut wrong = 0_u64;
    let mut first = String::new();
    for file in &manifest.files {
        let Some(path) = &file.path else { continue };
        let about = host.about(&format!("{}/{path}", base.path));
        if !about.is_ok_and(|about| about.is_file && about.size == file.size) {
            wrong += 1;
            if first.is_empty() {
                first = plain(path);
            }
        }
    }
    newest.complete = Some(if wrong == 0 {
        Ok(())
    } else {
        Err(format!("{wrong} files of its manifest are missing or of another size, as {first}"))
    });
}

/// Every base backup, oldest first.
fn bases(host: &Host, folder: &str, pattern: Option<&str>) -> Result<Vec<Base>, HostError> {
    let root = folder.trim_end_matches('/');
    let mut paths = Vec::new();
    let is_backup = |path: &str| {
        OF_A_BACKUP.iter().chain(TARS).any(|name| host.exists(&format!("{path}/{name}")))
    };
    if pattern.is_none() && is_backup(root) {
        paths.push(root.to_owned());
    } else {
        let (found, _) = find(host, folder, Some(pattern.unwrap_or("*")))?;
        let folders = found.into_iter().filter(|one| one.size.is_none());
        paths.extend(folders.map(|one| format!("{root}/{}", one.name)));
    }
    let mut bases = Vec::new();
    for path in paths {
        let manifest = host.about(&format!("{path}/backup_manifest"));
        let is_tar = TARS.iter().any(|name| host.exists(&format!("{path}/{name}")));
        if !is_backup(&path) {
            continue;
        }
        let label = host.text(&format!("{path}/backup_label"), LARGEST_LABEL).unwrap_or_default();
        let changed = manifest
            .as_ref()
            .map(|about| about.modified)
            .or_else(|_| host.about(&path).map(|about| about.modified))?;
        let start = base::start_time(&label).unwrap_or(changed);
        bases.push(Base { path, start, label, has_manifest: manifest.is_ok(), is_tar });
    }
    bases.sort_by(|a, b| (a.start, &a.path).cmp(&(b.start, &b.path)));
    Ok(bases)
}

fn archive(host: &Host, folder: &str) -> Result<Archive, HostError> {
    let mut archive = Archive::default();
    let mut last = None;
    for name in host.list(folder)? {
        if let Some(segment) = base::segment(&name) {
            // What a full disk left behind is no segment.
            if host.about(&format!("{folder}/{name}")).is_ok_and(|about| about.size == 0) {
                continue;
            }
            archive.segments.insert(segment);
            last = last.max(Some((segment, name)));
        }
    }
    if let Some((_, name)) = last {
        let path = format!("{folder}/{name}");
        archive.newest = host.about(&path).ok().map(|one| one.modified);
        let mut head = Vec::new();
        let read = host.stream(&path).map(|file| file.take(SEGMENT_HEAD).read_to_end(&mut head));
        archive.segment_bytes = read.ok().and_then(|_| base::segment_bytes(&head));
    }
    Ok(archive)
}
