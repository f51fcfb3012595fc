//! What changed between two snapshots, as restic compares them: trees alone, no data.
use evenkeel_config::record::Failure;
use serde::Deserialize;

use super::{Repository, classify};
use crate::probe::endings::Endings;

/// Longest line of restic's answer, in bytes.
const LONGEST_LINE: usize = 64 << 10;

/// The difference between a snapshot and the one before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Difference {
    /// Files that came.
    pub added: u64,
    /// Files that went.
    pub removed: u64,
    /// Files of the same name with other content.
    pub modified: u64,
    /// Bytes that came.
    pub added_bytes: u64,
    /// Bytes that went.
    pub removed_bytes: u64,
    /// The ending that most of the files have that came, and how many: asked
    /// for the newest pair alone.
    pub came: Option<(String, u64)>,
    /// How many of the files that went had that ending.
    pub went_alike: u64,
}

#[derive(Deserialize)]
#[serde(tag = "message_type", rename_all = "lowercase")]
enum Line {
    Change {
        path: String,
        modifier: String,
    },
    Statistics {
        changed_files: u64,
        added: Side,
        removed: Side,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Side {
    files: u64,
    bytes: u64,
}

/// Gathers what restic prints, line by line.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    difference: Option<Difference>,
    endings: Endings,
}

impl Gathered {
    /// Takes one line.
    pub(crate) fn line(&mut self, line: &[u8]) {
        match serde_json::from_slice(line) {
            Ok(Line::Change { path, modifier }) if !path.ends_with('/') => {
                match modifier.as_bytes().first() {
                    Some(b'+') => self.endings.add(&path, true),
                    Some(b'-') => self.endings.add(&path, false),
                    _ => {}
                }
            }
            Ok(Line::Statistics { changed_files, added, removed }) => {
                self.difference = Some(Difference {
                    added: added.files,
                    removed: removed.files,
                    modified: changed_files,
                    added_bytes: added.bytes,
                    removed_bytes: removed.bytes,
                    ..Difference::default()
                });
            }
            _ => {}
        }
    }

    /// The difference, if restic came to its end.
    pub(crate) fn end(self) -> Option<Difference> {
        let mut difference = self.difference?;
        if let Some((ending, came, went)) = self.endings.most() {
            difference.came = Some((ending, came));
            difference.went_alike = went;
        }
        Some(difference)
    }
}

impl Repository {
    /// Compares two snapshots; `with_names` also counts endings of names.
    ///
    /// # Errors
    /// As restic says it, typed.
    pub async fn diff(
        &self,
        before: &str,
        after: &str,
        with_names: bool,
    ) -> Result<Option<Difference>, Failure> {
        let mut arguments = vec!["--no-cache", "--no-lock", "diff", "--json", before, after];
        if !with_names {
            arguments.insert(0, "--quiet");
        }
        let mut gathered = Gathered::default();
        let mut each = |line: &[u8]| gathered.line(line);
        let output = self.tool.run_lines(&arguments, self.left(), LONGEST_LINE, &mut each).await?;
        match classify(output.code, &output.stderr) {
            None => Ok(gathered.end()),
            Some(kind) => Err(self.failure(kind, &output)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_counted_and_a_cut_answer_is_none() {
        let statistics = br#"{"message_type":"statistics","changed_files":2,"added":{"files":3,
            "bytes":9},"removed":{"files":2,"bytes":8},"later":1}"#;
        let mut gathered = Gathered::default();
        for line in [
            &br#"{"message_type":"change","path":"/s/a.txt.LOCKED","modifier":"+"}"#[..],
            br#"{"message_type":"change","path":"/s/b.pdf.locked","modifier":"+"}"#,
            br#"{"message_type":"change","path":"/s/c","modifier":"+"}"#,
            br#"{"message_type":"change","path":"/s/a.txt","modifier":"-"}"#,
            br#"{"message_type":"change","path":"/s/d/","modifier":"+"}"#,
            br#"{"message_type":"change","path":"/s/e.doc","modifier":"M"}"#,
            b"\xff{",
        ] {
            gathered.line(line);
        }
        assert_eq!(Gathered::default().end(), None);
        gathered.line(statistics);
        let difference = gathered.end().unwrap();
        assert_eq!((difference.added, difference.removed, difference.modified), (3, 2, 2));
        assert_eq!(difference.came, Some(("locked".to_owned(), 2)));
        assert_eq!(difference.went_alike, 0);
    }
}
