//! Files that something backs up into: proves that they are there, fresh and of
//! the usual size. Fooled by a file of the right size with the wrong content.
use std::path::{Path, PathBuf};
use std::time::Instant;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::{Size, Span};
use evenkeel_config::record::{CopyState, Evidence, Failure, FailureKind, Finding, Status, Value};
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, Seen, place, settings, since,
};
use crate::backup::{self, GroupSight, Keys, Sight, SnapshotSight};
use crate::drill::{BackupRuns, Drillable, Target};
use crate::probe::host::{Host, HostError};
use crate::probe::redact::plain;

const fn fact(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "", labels: &[] }
}

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "files",
    about: "Backup files (dumps, archives) are there, fresh, not empty and of the usual size",
    limits: "A file of the right age and size can still hold the wrong content; only a restore \
             drill tells.",
    example: r#"path = "/var/backups/erp-*.sql.gz"   # a folder, or a pattern in its last part
expect_every = "24h"                 # how often a new file should come; a day unless stated
min_size = "1 MB"                    # the newest file is at least this large
min_count = 7                        # at least so many files are kept
each = false                         # true: every file must be fresh, not only the newest
dataset = "erp-db"                   # the data set on the map that is in them
immutable = "the NAS locks files"    # why nobody can delete the backups
# opt-in, for `evenkeel-agent prove-immutable`: a canary there is tried to be deleted when it is 1 h old
prove_immutable = { folder = "/var/backups", after = "1h" }
"#,
    every: Span::from_secs(15 * 60),
    deadline: Span::from_secs(60),
    stale_after_intervals: 3,
    facts: &[
        fact("folder_exists", "files_folder_exists", "Whether the folder of the files is there."),
        fact(
            "unreadable",
            "files_unreadable",
            "Number of matching files of which not even the size can be read.",
        ),
        fact("empty", "files_empty", "Number of files without any content."),
        fact("total_size", "files_size_bytes", "Size of all files together."),
        fact("oldest", "files_oldest_timestamp_seconds", "Last change of the oldest file."),
        fact("newest_name", "", "Name of the newest file."),
        fact("oldest_name", "", "Name of the oldest file."),
    ],
    findings: &[
        FindingKind {
            id: "files_folder_missing",
            severity: Status::Critical,
            about: "The folder that the files should be in is not there.",
            advice: "See whether a disk or share is not mounted, or correct `path`.",
        },
        FindingKind {
            id: "files_too_few",
            severity: Status::Warning,
            about: "Fewer files are kept than `min_count`.",
            advice: "See what removes them: retention set too short, a full disk, or somebody.",
        },
        FindingKind {
            id: "files_old",
            severity: Status::Warning,
            about: "With `each`, a file was not renewed when it was due; critical after three.",
            advice: "Look at the log of the job that writes that file.",
        },
        FindingKind {
            id: "files_empty",
            severity: Status::Warning,
            about: "Earlier files have no content.",
            advice: "Look at the log of the backup job: the disk may be full or the dump refused.",
        },
        FindingKind {
            id: "files_too_small",
            severity: Status::Critical,
            about: "The newest file is smaller than `min_size`.",
            advice: "Open the newest file and see what is missing in it.",
        },
        FindingKind {
            id: "files_unreadable",
            severity: Status::Warning,
            about: "Some files cannot be looked at.",
            advice: "Let the agent's user read the folder, and check the disk for errors.",
        },
    ],
    backup: Some(BackupKind { secret_key: "" }),
    build,
};

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    path: Option<String>,
    min_size: Option<Size>,
    min_count: Option<u32>,
    each: bool,
}

struct Files {
    keys: Keys,
    folder: String,
    /// The last part of the path, if it is a pattern.
    pattern: Option<String>,
    min_size: Size,
    min_count: u32,
    each: bool,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let (keys, own) = Keys::take(entry, problems)?;
    let settings: Settings = settings(&own, problems)?;
    let (folder, pattern) = watched(entry, settings.path.as_deref(), problems)?;
    Some(Box::new(Files {
        keys,
        folder,
        pattern,
        min_size: settings.min_size.unwrap_or_default(),
        min_count: settings.min_count.unwrap_or(1),
        each: settings.each,
    }))
}

/// The folder of a check's `path`, and its last part if that is a pattern.
pub(super) fn watched(
    entry: &CheckEntry,
    path: Option<&str>,
    problems: &mut Problems,
) -> Option<(String, Option<String>)> {
    let hint = "an absolute path with `*` in its last part at most, as in `/var/backups/*.gz`";
    let Some(path) = path else {
        problems.error(place(entry, "path"), "`path` is missing", hint);
        return None;
    };
    let (folder, last) = path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", path));
    if !path.starts_with('/') || folder.contains(['*', '?']) {
        problems.error(place(entry, "path"), format!("`{path}` cannot be watched"), hint);
        return None;
    }
    if last.contains(['*', '?']) {
        return Some((format!("{folder}/"), Some(last.to_owned())));
    }
    Some((path.to_owned(), None))
}

/// One matching file; the size of a folder is not known.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) modified: Timestamp,
    pub(super) size: Option<u64>,
}

#[async_trait::async_trait]
impl Check for Files {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let host = Host::new(&look.root);
        let (folder, pattern) = (self.folder.clone(), self.pattern.clone());
        // A dead network share blocks the thread, not the other checks.
        let found = tokio::task::spawn_blocking(move || find(&host, &folder, pattern.as_deref()))
            .await
            .map_err(|error| Failure {
                kind: FailureKind::Internal,
                what: format!("looking at the files broke off: {error}"),
                advice: "report this with the agent's version".to_owned(),
            })?;
        match found {
            Ok((files, unreadable)) => Ok(self.facts(&files, unreadable)),
            Err(HostError::NotFound { .. }) => {
                let mut facts = Facts::default();
                facts.push("folder_exists", "", Value::Flag(false));
                Ok(facts)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        if facts.not_applicable.is_some() {
            return Vec::new();
        }
        let mut own: Vec<(&str, Status, String)> = Vec::new();
        let mut shared = Vec::new();
        if facts.flag("folder_exists", "") {
            shared = backup::judge(&KIND, &self.keys, facts, past, now);
            self.judge_files(facts, now, &mut own);
        } else {
            let what = format!("{} does not exist", plain(&self.folder));
            own.push(("files_folder_missing", Status::Critical, what));
        }
        if self.each {
            // Different files of one set say nothing about each other's size.
            shared.retain(|one| !matches!(&*one.id, "backup_collapsed" | "backup_grown"));
        }
        let finding = |(id, severity, what): (&str, Status, String)| {
            let since = since(past, id, "", now);
            Finding { severity, ..KIND.finding(id, &self.keys.component, "", what, since) }
        };
        shared.extend(own.into_iter().map(finding));
        shared
    }

    fn drill(&self) -> Option<&dyn Drillable> {
        Some(self)
    }

    fn keys(&self) -> Option<&Keys> {
        Some(&self.keys)
    }

    fn states(&self, seen: &Seen<'_>) -> Vec<CopyState> {
        backup::states(&self.keys, seen)
    }
}

/// Files are brought back by copying the newest one, a file or a folder.
#[async_trait::async_trait]
impl Drillable for Files {
    async fn targets(&self, _: Instant) -> Result<Vec<Target>, Failure> {
        let host = Host::new(Path::new("/"));
        let (mut files, _) = find(&host, &self.folder, self.pattern.as_deref())?;
        let Some(newest) = files.pop() else { return Ok(Vec::new()) };
        let folder = self.folder.trim_end_matches('/');
        let is_one_file = self.pattern.is_none() && host.about(folder)?.is_file;
        let path =
            if is_one_file { folder.to_owned() } else { format!("{folder}/{}", newest.name) };
        Ok(vec![Target {
            subject: String::new(),
            group: plain(&newest.name),
            snapshot: path,
            start: newest.modified,
            files: newest.size.map(|_| 1),
            bytes: newest.size,
            // What it was made from is not known, so there is nothing to compare with.
            is_of_this_host: false,
        }])
    }

    async fn backup_runs(&self, _: Instant) -> Result<Option<BackupRuns>, Failure> {
        Ok(None)
    }

    fn own_folders(&self) -> Vec<PathBuf> {
        vec![PathBuf::from(&self.folder)]
    }
}

impl Files {
    fn facts(&self, files: &[Found], unreadable: usize) -> Facts {
        let snapshots: Vec<SnapshotSight> = files.iter().map(Found::snapshot).collect();
        let sizes = || files.iter().filter_map(|file| file.size);
        let sight = Sight {
            snapshots: Some(files.len() as u64),
            groups: if files.is_empty() {
                Vec::new()
            } else {
                vec![GroupSight { snapshots, ..GroupSight::default() }]
            },
            ..Sight::default()
        };
        let mut facts = sight.facts(&self.keys);
        facts.push("folder_exists", "", Value::Flag(true));
        facts.push("unreadable", "", Value::Number(unreadable as f64));
        facts.push("total_size", "", Value::Number(sizes().sum::<u64>() as f64));
        let empty = sizes().filter(|size| *size == 0).count();
        facts.push("empty", "", Value::Number(empty as f64));
        if let (Some(oldest), Some(newest)) = (files.first(), files.last()) {
            facts.push("oldest", "", Value::Time(oldest.modified));
            facts.push("newest_name", "", Value::Text(plain(&newest.name)));
            facts.push("oldest_name", "", Value::Text(plain(&oldest.name)));
        }
        facts
    }

    fn judge_files(&self, facts: &Facts, now: Timestamp, found: &mut Vec<(&str, Status, String)>) {
        let count = facts.number("snapshots", "").unwrap_or(0.0);
        if count > 0.0 && count < f64::from(self.min_count) {
            let what = format!("{count} files are kept, {} are expected", self.min_count);
            found.push(("files_too_few", Status::Warning, what));
        }
        let unreadable = facts.number("unreadable", "").unwrap_or(0.0);
        if unreadable > 0.0 {
            let what = format!("{unreadable} of the files cannot be looked at");
            found.push(("files_unreadable", Status::Warning, what));
        }
        let size = facts.number("bytes", "");
        let empty = facts.number("empty", "").unwrap_or(0.0);
        let newest_is_empty = if size == Some(0.0) { 1.0 } else { 0.0 };
        if empty > newest_is_empty {
            let what = format!("{empty} files have no content");
            found.push(("files_empty", Status::Warning, what));
        }
        let name = facts.text("newest_name", "").unwrap_or("the newest file");
        let least = self.min_size.as_bytes() as f64;
        if let Some(size) = size.filter(|size| *size > 0.0 && *size < least) {
            let what = format!("{name} has {size} bytes, at least {} are due", self.min_size);
            found.push(("files_too_small", Status::Critical, what));
        }
        if let (true, Some(Value::Time(written))) = (self.each, facts.get("oldest", "")) {
            let expect = self.keys.expect_every;
            let late = now.duration_since(*written).as_secs_f64() / expect.as_secs().max(1.0);
            // A quarter of the rhythm more is granted: jobs do not end on the minute.
            if late > 1.25 {
                let severity = if late > 3.0 { Status::Critical } else { Status::Warning };
                let name = facts.text("oldest_name", "").unwrap_or("a file");
                let what = format!("{name} was written at {written:.0}, one is due every {expect}");
                found.push(("files_old", severity, what));
            }
        }
    }
}

impl Found {
    fn snapshot(&self) -> SnapshotSight {
        SnapshotSight { bytes: self.size, files: Some(1), ..SnapshotSight::new(self.modified) }
    }
}

/// Matching files, oldest first, and how many could not be looked at.
pub(super) fn find(
    host: &Host,
    folder: &str,
    pattern: Option<&str>,
) -> Result<(Vec<Found>, usize), HostError> {
    let names = match host.list(folder) {
        // A single file is a set of one.
        Err(HostError::WrongKind { .. }) if pattern.is_none() => {
            let about = host.about(folder)?;
            let name = Path::new(folder).file_name().unwrap_or_default().to_string_lossy();
            let size = about.is_file.then_some(about.size);
            return Ok((
                vec![Found { name: name.into_owned(), modified: about.modified, size }],
                0,
            ));
        }
        names => names?,
    };
    let mut files = Vec::new();
    let mut unreadable = 0;
    for name in names {
        if !pattern.is_none_or(|pattern| matches(pattern.as_bytes(), name.as_bytes())) {
            continue;
        }
        match host.about(&format!("{}/{name}", folder.trim_end_matches('/'))) {
            Ok(about) if about.is_file => {
                files.push(Found { name, modified: about.modified, size: Some(about.size) });
            }
            Ok(about) if about.is_folder && pattern.is_some() => {
                files.push(Found { name, modified: about.modified, size: None });
            }
            Ok(_) => {}
            Err(_) => unreadable += 1,
        }
    }
    files.sort_by(|a, b| (a.modified, &a.name).cmp(&(b.modified, &b.name)));
    Ok((files, unreadable))
}

/// Whether a name fits a pattern with `*` (any letters) and `?` (any one byte).
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, seen));
                at += 1;
            }
            Some(b'?') => (at, seen) = (at + 1, seen + 1),
            Some(letter) if *letter == name[seen] => (at, seen) = (at + 1, seen + 1),
            _ => match star {
                // The last star takes one letter more, and the rest is tried again.
                Some((after, taken)) => {
                    star = Some((after, taken + 1));
                    (at, seen) = (after, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::testing::{build, evidence, ids, observe};

    /// Ages in hours and sizes in bytes of the files that are there.
    async fn judged(keys: &str, files: &[(&str, i64, usize)]) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let folder = root.path().join("dumps");
        std::fs::create_dir(&folder).unwrap();
        for (name, hours, size) in files {
            let path = folder.join(name);
            std::fs::write(&path, vec![b'x'; *size]).unwrap();
            let written = std::time::SystemTime::from(now - SignedDuration::from_hours(*hours));
            std::fs::File::open(&path).unwrap().set_modified(written).unwrap();
        }
        let check = build(&KIND, keys).unwrap();
        let facts = observe(check.as_ref(), root.path(), now).await.unwrap();
        ids(&check.judge(&facts, &[], now))
    }

    const DAILY: &str = "path = \"/dumps/*.gz\"\nexpect_every = \"24h\"";

    #[tokio::test]
    async fn each_situation_has_its_finding() {
        let fine = [("a.gz", 26, 900), ("b.gz", 2, 1000), ("c.txt", 500, 0)];
        assert_eq!(judged(DAILY, &fine).await, Vec::<String>::new());
        assert_eq!(judged("path = \"/other\"", &fine).await, ["files_folder_missing!"]);
        assert_eq!(judged(DAILY, &[]).await, ["backup_none!"]);
        assert_eq!(judged(DAILY, &[("a.gz", 31, 9)]).await, ["backup_stale"]);
        assert_eq!(judged(DAILY, &[("a.gz", 80, 9)]).await, ["backup_stale!"]);
        assert_eq!(judged(DAILY, &[("a.gz", -1, 9)]).await, ["backup_future"]);
        assert_eq!(judged(DAILY, &[("a.gz", 2, 0)]).await, ["backup_empty!"]);
        assert_eq!(judged(DAILY, &[("a.gz", 5, 0), ("b.gz", 2, 9)]).await, ["files_empty"]);
        let small = format!("{DAILY}\nmin_size = \"1 kB\"\nmin_count = 2");
        let found = judged(&small, &[("a.gz", 2, 9)]).await;
        assert_eq!(found, ["files_too_few", "files_too_small!"]);
        let each = format!("{DAILY}\neach = true");
        assert_eq!(judged(&each, &[("a.gz", 90, 9), ("b.gz", 2, 9)]).await, ["files_old!"]);
        let file = "path = \"/dumps/a.gz\"\nexpect_every = \"24h\"";
        assert_eq!(judged(file, &[("a.gz", 90, 9), ("b.gz", 2, 9)]).await, ["backup_stale!"]);
    }

    #[tokio::test]
    async fn size_is_held_against_the_files_before() {
        let names: Vec<String> = (0..8).map(|day| format!("{day}.gz")).collect();
        let mut files: Vec<_> =
            names.iter().zip(1..).map(|(name, day)| (name.as_str(), day * 24, 1000)).collect();
        files.push(("new.gz", 1, 400));
        assert_eq!(judged(DAILY, &files).await, ["backup_collapsed!"]);
        files[8].2 = 4000;
        assert_eq!(judged(DAILY, &files).await, ["backup_grown"]);
        files[8].2 = 600;
        assert_eq!(judged(DAILY, &files).await, Vec::<String>::new());
    }

    #[test]
    fn an_overwritten_file_is_held_against_earlier_runs() {
        let check = build(&KIND, "path = \"/dumps/a.gz\"").unwrap();
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let facts = |day: i64, size: f64, count: f64| {
            let mut facts = Facts::default();
            facts.push("folder_exists", "", Value::Flag(true));
            facts.push("snapshots", "", Value::Number(count));
            facts.push("group_snapshots", "", Value::Number(count));
            facts.push("newest", "", Value::Time(now - SignedDuration::from_hours(24 * day)));
            facts.push("bytes", "", Value::Number(size));
            facts
        };
        let past: Vec<Evidence> = (1..=8)
            .rev()
            .map(|day| {
                evidence(&facts(day, 100.0, 9.0), vec![], now - SignedDuration::from_hours(day))
            })
            .collect();
        assert_eq!(ids(&check.judge(&facts(0, 90.0, 9.0), &past, now)), Vec::<String>::new());
        assert_eq!(ids(&check.judge(&facts(0, 10.0, 9.0), &past, now)), ["backup_collapsed!"]);
        assert_eq!(ids(&check.judge(&facts(0, 90.0, 2.0), &past, now)), ["backup_history_shrank"]);
        // The same file seen often is one value of history only.
        let same = vec![past[0].clone(); 9];
        assert_eq!(ids(&check.judge(&facts(0, 10.0, 9.0), &same, now)), Vec::<String>::new());
    }

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("erp-*.gz", "erp-1.gz", true),
            ("erp-*.gz", "erp-1.gz.tmp", false),
            ("*a*b", "xaxxaxb", true),
            ("?.gz", "ab.gz", false),
            ("a", "ab", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn wrong_keys_are_refused() {
        for keys in ["", "path = \"relative\"", "path = \"/a*/b\"", "path = \"/a\"\nexpect = 5"] {
            assert!(build(&KIND, keys).is_err(), "{keys}");
        }
    }
}
