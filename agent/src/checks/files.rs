//! Files that something backs up into: proves that they are there, fresh and of
//! the usual size. Fooled by a file of the right size with the wrong content.
use std::path::Path;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::{Size, Span};
use evenkeel_config::record::{
    CopyFacts, Evidence, Failure, FailureKind, Finding, SnapshotFact, Status, Value,
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, place, settings, since,
};
use crate::baseline::{Jump, jump};
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
"#,
    every: Span::from_secs(15 * 60),
    deadline: Span::from_secs(60),
    stale_after_intervals: 3,
    facts: &[
        fact("folder_exists", "files_folder_exists", "Whether the folder of the files is there."),
        fact("count", "files_matching", "Number of files that match."),
        fact(
            "unreadable",
            "files_unreadable",
            "Number of matching files of which not even the size can be read.",
        ),
        fact("empty", "files_empty", "Number of files without any content."),
        fact("newest", "files_newest_timestamp_seconds", "Last change of the newest file."),
        fact("oldest", "files_oldest_timestamp_seconds", "Last change of the oldest file."),
        fact("newest_size", "files_newest_size_bytes", "Size of the newest file."),
        fact("total_size", "files_size_bytes", "Size of all files together."),
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
            id: "files_none",
            severity: Status::Critical,
            about: "The folder is there and holds no matching file.",
            advice: "See whether the backup job runs and where it writes to.",
        },
        FindingKind {
            id: "files_too_few",
            severity: Status::Warning,
            about: "Fewer files are kept than `min_count`.",
            advice: "See what removes them: retention set too short, a full disk, or somebody.",
        },
        FindingKind {
            id: "files_stale",
            severity: Status::Warning,
            about: "No new file came when one was due; critical after three missed ones.",
            advice: "Look at the log of the backup job and run it by hand.",
        },
        FindingKind {
            id: "files_future",
            severity: Status::Warning,
            about: "A file carries a time in the future, so its age cannot be told.",
            advice: "Set the clock of the machine that writes the file.",
        },
        FindingKind {
            id: "files_empty",
            severity: Status::Warning,
            about: "Files without any content; critical if the newest is one of them.",
            advice: "Look at the log of the backup job: the disk may be full or the dump refused.",
        },
        FindingKind {
            id: "files_too_small",
            severity: Status::Critical,
            about: "The newest file is smaller than `min_size`.",
            advice: "Open the newest file and see what is missing in it.",
        },
        FindingKind {
            id: "files_collapsed",
            severity: Status::Critical,
            about: "The newest file is less than half as large as usual.",
            advice: "See whether the source is complete: a missing mount or table leaves this trace.",
        },
        FindingKind {
            id: "files_grown",
            severity: Status::Warning,
            about: "The newest file is more than three times as large as usual.",
            advice: "See what came into the source, and whether the disk has room for it.",
        },
        FindingKind {
            id: "files_history_shrank",
            severity: Status::Warning,
            about: "Far fewer files than usual are kept.",
            advice: "See what removed them: an attacker begins with the backups.",
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
    expect_every: Option<Span>,
    min_size: Option<Size>,
    min_count: Option<u32>,
    each: bool,
    dataset: Option<Id>,
}

struct Files {
    component: Id,
    folder: String,
    /// The last part of the path, if it is a pattern.
    pattern: Option<String>,
    expect_every: Span,
    min_size: Size,
    min_count: u32,
    each: bool,
    dataset: Option<Id>,
}

/// Of more files only the latest are handed on as copies.
const MOST_COPIES: usize = 120;

/// Clocks may differ by so much before a time counts as being in the future.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(5);

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let settings: Settings = settings(entry, problems)?;
    let hint = "an absolute path with `*` in its last part at most, as in `/var/backups/*.gz`";
    let Some(path) = settings.path else {
        problems.error(place(entry, "path"), "`path` is missing", hint);
        return None;
    };
    let (folder, last) = path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", &path));
    if !path.starts_with('/') || folder.contains(['*', '?']) {
        problems.error(place(entry, "path"), format!("`{path}` cannot be watched"), hint);
        return None;
    }
    let is_pattern = last.contains(['*', '?']);
    Some(Box::new(Files {
        component: entry.component.clone(),
        folder: if is_pattern { format!("{folder}/") } else { path.clone() },
        pattern: is_pattern.then(|| last.to_owned()),
        expect_every: settings.expect_every.unwrap_or(Span::from_hours(24)),
        min_size: settings.min_size.unwrap_or_default(),
        min_count: settings.min_count.unwrap_or(1),
        each: settings.each,
        dataset: settings.dataset,
    }))
}

/// One matching file; the size of a folder is not known.
struct Found {
    name: String,
    modified: Timestamp,
    size: Option<u64>,
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
        let mut found: Vec<(&str, Status, String)> = Vec::new();
        if facts.not_applicable.is_some() {
            return Vec::new();
        }
        let count = facts.number("count", "").unwrap_or(0.0);
        let newest = time(facts, "newest");
        if !facts.flag("folder_exists", "") {
            let what = format!("{} does not exist", plain(&self.folder));
            found.push(("files_folder_missing", Status::Critical, what));
        } else if count < 1.0 {
            let what = match &self.pattern {
                Some(pattern) => {
                    format!("no file in {} is named {}", plain(&self.folder), plain(pattern))
                }
                None => format!("{} holds no file", plain(&self.folder)),
            };
            found.push(("files_none", Status::Critical, what));
        } else {
            self.judge_count(facts, past, count, &mut found);
            self.judge_times(facts, newest, now, &mut found);
            self.judge_sizes(facts, past, &mut found);
        }
        found
            .into_iter()
            .map(|(id, severity, what)| {
                let since = since(past, id, "", now);
                Finding { severity, ..KIND.finding(id, &self.component, "", what, since) }
            })
            .collect()
    }
}

impl Files {
    fn facts(&self, files: &[Found], unreadable: usize) -> Facts {
        let mut facts = Facts::default();
        let sizes = || files.iter().filter_map(|file| file.size);
        facts.push("folder_exists", "", Value::Flag(true));
        facts.push("count", "", Value::Number(files.len() as f64));
        facts.push("unreadable", "", Value::Number(unreadable as f64));
        let empty = sizes().filter(|size| *size == 0).count();
        facts.push("empty", "", Value::Number(empty as f64));
        if let (Some(oldest), Some(newest)) = (files.first(), files.last()) {
            facts.push("newest", "", Value::Time(newest.modified));
            facts.push("oldest", "", Value::Time(oldest.modified));
            if let Some(size) = newest.size {
                facts.push("newest_size", "", Value::Number(size as f64));
            }
            facts.push("total_size", "", Value::Number(sizes().sum::<u64>() as f64));
            facts.push("newest_name", "", Value::Text(plain(&newest.name)));
            facts.push("oldest_name", "", Value::Text(plain(&oldest.name)));
        }
        let latest = &files[files.len().saturating_sub(MOST_COPIES)..];
        facts.copies.push(CopyFacts {
            copy: self.component.clone(),
            dataset: self.dataset.clone(),
            group: String::new(),
            snapshots: latest.iter().map(Found::snapshot).collect(),
        });
        facts
    }

    fn judge_count(
        &self,
        facts: &Facts,
        past: &[Evidence],
        count: f64,
        found: &mut Vec<(&str, Status, String)>,
    ) {
        if count < f64::from(self.min_count) {
            let what = format!("{count} files are kept, {} are expected", self.min_count);
            found.push(("files_too_few", Status::Warning, what));
        }
        if let Some(Jump::Collapsed { usual }) = jump(&history(past, "count"), count) {
            let what = format!("{count} files are kept, {usual} are usual");
            found.push(("files_history_shrank", Status::Warning, what));
        }
        let unreadable = facts.number("unreadable", "").unwrap_or(0.0);
        if unreadable > 0.0 {
            let what = format!("{unreadable} of the files cannot be looked at");
            found.push(("files_unreadable", Status::Warning, what));
        }
    }

    fn judge_times(
        &self,
        facts: &Facts,
        newest: Option<Timestamp>,
        now: Timestamp,
        found: &mut Vec<(&str, Status, String)>,
    ) {
        if let Some(newest) = newest.filter(|newest| *newest > now + CLOCK_SLACK) {
            let name = facts.text("newest_name", "").unwrap_or("a file");
            let what = format!("{name} says it was written at {newest:.0}, which is to come");
            found.push(("files_future", Status::Warning, what));
        }
        let (fact, name) =
            if self.each { ("oldest", "oldest_name") } else { ("newest", "newest_name") };
        let Some(written) = time(facts, fact) else { return };
        let expect = self.expect_every;
        let late = now.duration_since(written).as_secs_f64() / expect.as_secs().max(1.0);
        // A quarter of the rhythm more is granted: jobs do not end on the minute.
        if late > 1.25 {
            let severity = if late > 3.0 { Status::Critical } else { Status::Warning };
            let name = facts.text(name, "").unwrap_or("the file");
            let what = format!("{name} was written at {written:.0}, one is due every {expect}");
            found.push(("files_stale", severity, what));
        }
    }

    fn judge_sizes(
        &self,
        facts: &Facts,
        past: &[Evidence],
        found: &mut Vec<(&str, Status, String)>,
    ) {
        let empty = facts.number("empty", "").unwrap_or(0.0);
        let Some(size) = facts.number("newest_size", "") else { return };
        let name = facts.text("newest_name", "").unwrap_or("the newest file");
        if empty > 0.0 {
            let severity = if size == 0.0 { Status::Critical } else { Status::Warning };
            found.push(("files_empty", severity, format!("{empty} files have no content")));
        }
        if size == 0.0 {
            return;
        }
        if size < self.min_size.as_bytes() as f64 {
            let what = format!("{name} has {size} bytes, at least {} are due", self.min_size);
            found.push(("files_too_small", Status::Critical, what));
        }
        if self.each {
            // Different files of one set say nothing about each other's size.
            return;
        }
        match jump(&size_history(facts, past), size) {
            Some(Jump::Collapsed { usual }) => {
                let what = format!("{name} has {size} bytes, {usual:.0} are usual");
                found.push(("files_collapsed", Status::Critical, what));
            }
            Some(Jump::Grown { usual }) => {
                let what = format!("{name} has {size} bytes, {usual:.0} are usual");
                found.push(("files_grown", Status::Warning, what));
            }
            None => {}
        }
    }
}

impl Found {
    fn snapshot(&self) -> SnapshotFact {
        SnapshotFact {
            bytes: self.size,
            complete: self.size != Some(0),
            ..SnapshotFact::new(self.modified)
        }
    }
}

/// Matching files, oldest first, and how many could not be looked at.
fn find(
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
fn matches(pattern: &[u8], name: &[u8]) -> bool {
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

fn time(facts: &Facts, name: &str) -> Option<Timestamp> {
    match facts.get(name, "") {
        Some(Value::Time(time)) => Some(*time),
        _ => None,
    }
}

/// Earlier values of a fact, oldest first.
fn history(past: &[Evidence], name: &str) -> Vec<f64> {
    past.iter()
        .filter_map(|evidence| evidence.observations().iter().find(|fact| fact.name == name))
        .filter_map(|fact| fact.value.number())
        .collect()
}

/// Sizes of the files before the newest; where each overwrites the one before,
/// of the files seen in earlier runs, each counted once.
fn size_history(facts: &Facts, past: &[Evidence]) -> Vec<f64> {
    let kept: Vec<f64> = facts
        .copies
        .iter()
        .flat_map(|copy| &copy.snapshots)
        .filter_map(|snapshot| snapshot.bytes.map(|bytes| bytes as f64))
        .collect();
    if kept.len() > 7 {
        return kept[..kept.len() - 1].to_vec();
    }
    let newest = time(facts, "newest");
    let mut sizes = Vec::new();
    let mut last = None;
    for evidence in past {
        let value = |name: &str| {
            evidence.observations().iter().find(|fact| fact.name == name).map(|fact| &fact.value)
        };
        let (Some(Value::Time(written)), Some(Value::Number(size))) =
            (value("newest"), value("newest_size"))
        else {
            continue;
        };
        if Some(*written) != last && Some(*written) != newest {
            sizes.push(*size);
            last = Some(*written);
        }
    }
    sizes
}

#[cfg(test)]
mod tests {
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
        assert_eq!(judged(DAILY, &[]).await, ["files_none!"]);
        assert_eq!(judged(DAILY, &[("a.gz", 31, 9)]).await, ["files_stale"]);
        assert_eq!(judged(DAILY, &[("a.gz", 80, 9)]).await, ["files_stale!"]);
        assert_eq!(judged(DAILY, &[("a.gz", -1, 9)]).await, ["files_future"]);
        assert_eq!(judged(DAILY, &[("a.gz", 2, 0)]).await, ["files_empty!"]);
        assert_eq!(judged(DAILY, &[("a.gz", 5, 0), ("b.gz", 2, 9)]).await, ["files_empty"]);
        let small = format!("{DAILY}\nmin_size = \"1 kB\"\nmin_count = 2");
        let found = judged(&small, &[("a.gz", 2, 9)]).await;
        assert_eq!(found, ["files_too_few", "files_too_small!"]);
        let each = format!("{DAILY}\neach = true");
        assert_eq!(judged(&each, &[("a.gz", 90, 9), ("b.gz", 2, 9)]).await, ["files_stale!"]);
        let file = "path = \"/dumps/a.gz\"\nexpect_every = \"24h\"";
        assert_eq!(judged(file, &[("a.gz", 90, 9), ("b.gz", 2, 9)]).await, ["files_stale!"]);
    }

    #[tokio::test]
    async fn size_is_held_against_the_files_before() {
        let names: Vec<String> = (0..8).map(|day| format!("{day}.gz")).collect();
        let mut files: Vec<_> =
            names.iter().zip(1..).map(|(name, day)| (name.as_str(), day * 24, 1000)).collect();
        files.push(("new.gz", 1, 400));
        assert_eq!(judged(DAILY, &files).await, ["files_collapsed!"]);
        files[8].2 = 4000;
        assert_eq!(judged(DAILY, &files).await, ["files_grown"]);
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
            facts.push("count", "", Value::Number(count));
            facts.push("newest", "", Value::Time(now - SignedDuration::from_hours(24 * day)));
            facts.push("newest_size", "", Value::Number(size));
            facts
        };
        let past: Vec<Evidence> = (1..=8)
            .rev()
            .map(|day| {
                evidence(&facts(day, 100.0, 9.0), vec![], now - SignedDuration::from_hours(day))
            })
            .collect();
        assert_eq!(ids(&check.judge(&facts(0, 90.0, 9.0), &past, now)), Vec::<String>::new());
        assert_eq!(ids(&check.judge(&facts(0, 10.0, 9.0), &past, now)), ["files_collapsed!"]);
        assert_eq!(ids(&check.judge(&facts(0, 90.0, 2.0), &past, now)), ["files_history_shrank"]);
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
