//! What jobs said through their heartbeat address: kept in a small file for each
//! check, written by the server and read by the check.
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::replace::replace;
use crate::serve::token;

/// So many latest words of each job are kept.
const MOST: usize = 400;
/// A second word of the same kind within so long is not kept.
const SAME_WITHIN_MS: i64 = 1_000;

/// What a job said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// It begins.
    Start,
    /// It ended with this code; 0 is success.
    End(u8),
}

impl Word {
    /// From the last part of the address: nothing or `success`, `start`, `fail`,
    /// or an exit code.
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "" | "success" => Some(Self::End(0)),
            "start" => Some(Self::Start),
            "fail" | "failure" => Some(Self::End(1)),
            code if code.len() <= 3 && code.bytes().all(|b| b.is_ascii_digit()) => {
                code.parse().ok().map(Self::End)
            }
            _ => None,
        }
    }
}

/// What a job said, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// When it came in, by this host's clock.
    pub at: Timestamp,
    /// What.
    pub word: Word,
}

/// The heartbeats of one agent, below its data folder.
#[derive(Debug, Clone)]
pub struct Heartbeats {
    folder: PathBuf,
}

impl Heartbeats {
    /// Those below a data folder.
    pub fn new(data: &Path) -> Self {
        Self { folder: data.join("heartbeats") }
    }

    /// The secret part of a check's address; made on first use.
    ///
    /// # Errors
    /// The folder or the file cannot be used, or holds a token that is too short.
    pub fn token(&self, check: &str) -> Result<String, token::TokenError> {
        let path = self.file(check, "token");
        let wrap = |source| token::TokenError::File { path: path.clone(), source };
        make_folder(&self.folder).map_err(wrap)?;
        token::load_or_make(&self.folder, Some(&path.to_string_lossy()))
    }

    /// Everything that is remembered of a check's job, oldest first.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn of(&self, check: &str) -> std::io::Result<Vec<Ping>> {
        let bytes = match std::fs::read(self.file(check, "json")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            bytes => bytes?,
        };
        serde_json::from_slice(&bytes).map_err(std::io::Error::other)
    }

    /// Remembers what a job said, on disk before the job is answered.
    ///
    /// # Errors
    /// It cannot be written; then the job must not be told that all is well.
    pub fn note(&self, check: &str, word: Word, at: Timestamp) -> std::io::Result<()> {
        make_folder(&self.folder)?;
        // What cannot be read is put aside by writing anew: the job goes on.
        let mut all = self.of(check).unwrap_or_default();
        let is_same = |last: &Ping| {
            last.word == word && at.as_millisecond() - last.at.as_millisecond() < SAME_WITHIN_MS
        };
        if all.last().is_some_and(is_same) {
            return Ok(());
        }
        all.push(Ping { at, word });
        let surplus = all.len().saturating_sub(MOST);
        all.drain(..surplus);
        replace(&self.file(check, "json"), &serde_json::to_vec(&all)?, 0o600)
    }

    /// A check's name may hold anything, so its digest names the file.
    fn file(&self, check: &str, ending: &str) -> PathBuf {
        let hash = Sha256::digest(check.as_bytes());
        let name: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("{name}.{ending}"))
    }
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_kept() {
        for (text, word) in [
            ("", Some(Word::End(0))),
            ("start", Some(Word::Start)),
            ("fail", Some(Word::End(1))),
            ("3", Some(Word::End(3))),
            ("256", None),
            ("0003", None),
            ("../x", None),
        ] {
            assert_eq!(Word::read(text), word, "{text}");
        }
        let folder = tempfile::tempdir().unwrap();
        let beats = Heartbeats::new(folder.path());
        let at = |seconds: i64| Timestamp::from_second(1_700_000_000 + seconds).unwrap();
        assert_eq!(beats.of("a").unwrap(), []);
        beats.note("a", Word::Start, at(0)).unwrap();
        beats.note("a", Word::Start, at(0)).unwrap();
        beats.note("a", Word::End(0), at(9)).unwrap();
        assert_eq!(beats.of("a").unwrap().len(), 2, "a word said twice at once counts once");
        assert_eq!(beats.of("b").unwrap(), []);
        for n in 0..500 {
            beats.note("a", Word::Start, at(100 + 2 * n)).unwrap();
        }
        assert_eq!(beats.of("a").unwrap().len(), MOST);
        let token = beats.token("a").unwrap();
        assert_eq!(beats.token("a").unwrap(), token);
        assert!(token.len() >= 32 && beats.token("b").unwrap() != token);
    }
}
