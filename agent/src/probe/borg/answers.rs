//! What borg answers: archives, files and changes, as JSON.
use evenkeel_config::record::{Failure, FailureKind};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::probe::endings::Endings;

/// One archive, as borg lists it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Archive {
    /// Its name, unique in the repository.
    pub name: String,
    /// Full id.
    #[serde(default)]
    pub id: String,
    /// Start of the backup.
    #[serde(deserialize_with = "time")]
    pub start: Timestamp,
    /// Where it was made, if asked for.
    #[serde(default)]
    pub hostname: Option<String>,
    /// End of the backup, if asked for.
    #[serde(default, deserialize_with = "maybe_time")]
    pub end: Option<Timestamp>,
}

/// A regular file of an archive.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Path within the archive, without a slash in front.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Last change of its content, if asked for.
    pub modified: Option<Timestamp>,
    /// Whether none of it was ever replaced by zeroes in a repair.
    pub healthy: bool,
}

/// What an archive holds, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Regular files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files of which a repair replaced parts by zeroes.
    pub zero_filled: u64,
}

impl Contents {
    /// Counts one more file.
    pub fn add(&mut self, file: &File) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(file.size);
        self.zero_filled += u64::from(!file.healthy);
    }
}

/// What changed from one archive to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that are new.
    pub came: u64,
    /// Files that stayed, with other content.
    pub modified: u64,
    /// Files that are gone.
    pub removed: u64,
    /// Files among them whose bytes borg cannot tell, as after other chunker parameters.
    pub unmeasured: u64,
    /// Bytes that came into files that stayed.
    pub rewritten: u64,
    /// Bytes that went out of files that stayed.
    pub replaced: u64,
    /// The ending that most of the new files have, how many have it, and how many of
    /// those that are gone had it.
    pub ending: Option<(String, u64, u64)>,
}

/// What one line about a file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Came,
    /// It is gone.
    Went,
    /// So many bytes came into it, and so many went; nothing where borg cannot tell.
    Modified(Option<[u64; 2]>),
}

/// Gathers changes line by line.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    changes: Changes,
    endings: Endings,
}

impl Gathered {
    /// Takes one line.
    ///
    /// # Errors
    /// The line is no such JSON.
    pub(crate) fn line(&mut self, line: &[u8]) -> serde_json::Result<()> {
        let Some((path, change)) = change(line)? else { return Ok(()) };
        let sum = &mut self.changes;
        match change {
            Change::Came => {
                sum.came += 1;
                self.endings.add(&path, true);
            }
            Change::Went => {
                sum.removed += 1;
                self.endings.add(&path, false);
            }
            Change::Modified(bytes) => {
                sum.modified += 1;
                sum.unmeasured += u64::from(bytes.is_none());
                let [came, went] = bytes.unwrap_or_default();
                sum.rewritten = sum.rewritten.saturating_add(came);
                sum.replaced = sum.replaced.saturating_add(went);
            }
        }
        Ok(())
    }

    /// All of it.
    pub(crate) fn end(self) -> Changes {
        Changes { ending: self.endings.most(), ..self.changes }
    }
}

/// Reads the answer of `list --json`: the archives, oldest first, and the
/// repository's id.
///
/// # Errors
/// [`FailureKind::Unreadable`].
pub fn archives(bytes: &[u8]) -> Result<(Vec<Archive>, String), Failure> {
    #[derive(Deserialize)]
    struct List {
        archives: Vec<Archive>,
        repository: Repository,
    }
    #[derive(Deserialize)]
    struct Repository {
        id: String,
    }
    let mut list: List = serde_json::from_slice(bytes).map_err(|error| Failure {
        kind: FailureKind::Unreadable,
        // The error's own words may quote the text, so only its place is given.
        what: format!(
            "borg's answer is no JSON of the expected form (line {}, column {})",
            error.line(),
            error.column()
        ),
        advice: "run `borg list --json` by hand and see what it prints".to_owned(),
    })?;
    list.archives.sort_by(|a, b| (a.start, &a.name).cmp(&(b.start, &b.name)));
    Ok((list.archives, list.repository.id.chars().take(64).collect()))
}

/// The regular file that a line of `list --json-lines` is about; nothing for
/// folders and links.
///
/// # Errors
/// The line is no such JSON.
pub fn item(line: &[u8]) -> serde_json::Result<Option<File>> {
    #[derive(Deserialize)]
    struct Line {
        #[serde(rename = "type")]
        kind: String,
        path: String,
        #[serde(default)]
        size: u64,
        #[serde(default)]
        mtime: Option<String>,
        #[serde(default = "yes")]
        healthy: bool,
    }
    fn yes() -> bool {
        true
    }
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let line: Line = serde_json::from_slice(line)?;
    if line.kind != "-" {
        return Ok(None);
    }
    let modified = line.mtime.and_then(|text| parse_time(&text).ok());
    Ok(Some(File { path: line.path, size: line.size, modified, healthy: line.healthy }))
}

/// What a line of `diff --json-lines` tells of which path: content alone counts, not
/// owners and times.
///
/// # Errors
/// The line is no such JSON.
pub fn change(line: &[u8]) -> serde_json::Result<Option<(String, Change)>> {
    #[derive(Deserialize)]
    struct Line {
        #[serde(default)]
        path: String,
        changes: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        #[serde(default, rename = "type")]
        kind: String,
        added: Option<u64>,
        removed: Option<u64>,
    }
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let line: Line = serde_json::from_slice(line)?;
    let told = line.changes.iter().find_map(|one| match one.kind.as_str() {
        "added" => Some(Change::Came),
        "removed" => Some(Change::Went),
        // A second name for a file shows as a change of nothing.
        "modified" if (one.added, one.removed) == (Some(0), Some(0)) => None,
        "modified" => {
            Some(Change::Modified(one.added.zip(one.removed).map(|(came, went)| [came, went])))
        }
        _ => None,
    });
    Ok(told.map(|change| (line.path, change)))
}

/// borg 1 writes times without a zone, in that of its own process: we set it to UTC.
fn parse_time(text: &str) -> Result<Timestamp, jiff::Error> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let civil: DateTime = text.parse()?;
    Ok(civil.to_zoned(TimeZone::UTC)?.timestamp())
}

fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    parse_time(&text).map_err(serde::de::Error::custom)
}

fn maybe_time<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    time(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIST: &str = r#"{"archives": [
        {"archive": "b", "barchive": "b", "id": "31", "name": "b", "hostname": "vm",
         "start": "2026-11-21T03:00:00.000000", "time": "2026-11-21T03:00:00.000000",
         "end": "2026-11-21T03:05:00.000000"},
        {"name": "a", "id": "30", "start": "2026-11-20T03:00:00+01:00"}],
        "encryption": {"mode": "repokey"}, "repository": {"id": "27", "location": "/r"}}"#;

    #[test]
    fn archives_of_both_forms_of_time() {
        let (list, id) = archives(LIST.as_bytes()).unwrap();
        assert_eq!(id, "27");
        let names: Vec<&str> = list.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(list[0].start.to_string(), "2026-11-20T02:00:00Z");
        assert_eq!(list[1].end.unwrap().to_string(), "2026-11-21T03:05:00Z");
        let cut = archives(&LIST.as_bytes()[..80]).unwrap_err();
        assert_eq!(cut.kind, FailureKind::Unreadable);
    }

    #[test]
    fn lines_about_files() {
        let line = br#"{"type": "-", "mode": "-rw-r--r--", "path": "src/f1", "healthy": false,
            "source": "", "mtime": "2026-11-28T06:59:42.501790", "size": 5000}"#;
        let file = item(line).unwrap().unwrap();
        assert_eq!((file.path.as_str(), file.size, file.healthy), ("src/f1", 5000, false));
        assert_eq!(file.modified.unwrap().to_string(), "2026-11-28T06:59:42.50179Z");
        assert_eq!(item(br#"{"type": "d", "path": "src"}"#).unwrap(), None);
        assert_eq!(item(b"").unwrap(), None);
        assert!(item(&line[..30]).is_err());
    }

    #[test]
    fn changes_of_content_alone_count() {
        let of = |changes: &str| {
            let line = format!("{{\"changes\": [{changes}], \"path\": \"x\"}}");
            change(line.as_bytes()).unwrap().map(|(path, change)| {
                assert_eq!(path, "x");
                change
            })
        };
        let modified = |bytes| Some(Change::Modified(bytes));
        assert_eq!(of(r#"{"type": "ctime"}, {"type": "mtime"}"#), None);
        assert_eq!(of(r#"{"added": 0, "removed": 0, "type": "modified"}"#), None);
        assert_eq!(of(r#"{"added": 4, "removed": 2, "type": "modified"}"#), modified(Some([4, 2])));
        assert_eq!(of(r#"{"type": "modified"}"#), modified(None));
        assert_eq!(of(r#"{"size": 20000, "type": "added"}"#), Some(Change::Came));
        assert_eq!(of(r#"{"size": 20000, "type": "removed"}"#), Some(Change::Went));
        assert!(change(b"{").is_err());
        let mut all = Gathered::default();
        for line in [
            &br#"{"path": "a.locked", "changes": [{"type": "added"}]}"#[..],
            br#"{"path": "a.txt", "changes": [{"type": "removed"}]}"#,
            br#"{"path": "b", "changes": [{"added": 4, "removed": 2, "type": "modified"}]}"#,
        ] {
            all.line(line).unwrap();
        }
        let all = all.end();
        assert_eq!((all.came, all.modified, all.removed), (1, 1, 1));
        assert_eq!((all.rewritten, all.replaced), (4, 2));
        assert_eq!(all.ending, Some(("locked".to_owned(), 1, 0)));
    }

    proptest! {
        #[test]
        fn no_answer_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            crate::fuzz::borg_answer(&bytes);
        }

        #[test]
        fn no_damaged_answer_panics(at in 0_usize..500, byte in any::<u8>()) {
            let mut answer = LIST.as_bytes().to_vec();
            let at = at % answer.len();
            answer[at] = byte;
            crate::fuzz::borg_answer(&answer);
        }
    }
}
