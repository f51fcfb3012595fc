//! What a restore drill asks of restic: the files of a snapshot, some of them back, a part read.
use std::path::Path;
use std::time::{Duration, Instant};

use evenkeel_config::quantity::Rate;
use evenkeel_config::record::{Failure, FailureKind};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Repository, classify};
use crate::probe::tool::{self, Output};

/// One line of a list is not longer: a path has 4,096 bytes, escaped a few times that.
const LONGEST_LINE: usize = 256 << 10;

/// A regular file of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Path within the snapshot.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Last change of its content.
    pub modified: Option<Timestamp>,
}

/// How a tool that ran to its end took it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Whether it said that all went well.
    pub well: bool,
    /// What it said besides, without secrets.
    pub said: String,
    /// Seconds.
    pub seconds: f64,
}

/// One line of `ls --json`; the first is the snapshot itself.
#[derive(Deserialize)]
struct Line {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    mtime: Option<String>,
}

impl Repository {
    /// Lets restic keep its cache and temporary files in an empty folder.
    #[must_use]
    pub fn working_in(mut self, folder: &Path) -> Self {
        self.tool = self.tool.env("TMPDIR", folder).env("XDG_CACHE_HOME", folder);
        self
    }

    /// Hands every regular file of a snapshot to `each`, one by one.
    ///
    /// # Errors
    /// As restic says it, typed.
    pub async fn files(
        &self,
        snapshot: &str,
        each: &mut (dyn FnMut(File) + Send),
    ) -> Result<(), Failure> {
        let mut unreadable = 0_u64;
        let mut take = |line: &[u8]| match file_of(line) {
            Ok(Some(file)) => each(file),
            Ok(None) => {}
            Err(()) => unreadable += 1,
        };
        let arguments = ["--no-cache", "--no-lock", "--quiet", "ls", "--json", snapshot];
        let output = self.tool.run_lines(&arguments, self.left(), LONGEST_LINE, &mut take).await?;
        if let Some(kind) = classify(output.code, &output.stderr) {
            return Err(self.failure(kind, &output));
        }
        if unreadable > 0 {
            return Err(Failure {
                kind: FailureKind::Unreadable,
                what: format!("{unreadable} lines of restic's list are no JSON of the known form"),
                advice: "run `restic ls --json` by hand and see what it prints".to_owned(),
            });
        }
        Ok(())
    }

    /// Restores files of a snapshot, or all of it, below a folder, with a cache
    /// that was not there before. A pattern that matches nothing is no error of
    /// restic's: whoever asks has to count.
    ///
    /// # Errors
    /// Why it cannot be told whether a restore works, typed. Damage is no error
    /// but an end that is not well.
    pub async fn restore(
        &self,
        snapshot: &str,
        paths: Option<&[&str]>,
        to: &Path,
        cache: &Path,
        bandwidth: Option<Rate>,
    ) -> Result<Ended, Failure> {
        let mut arguments: Vec<String> = vec!["--no-lock".into(), "--quiet".into()];
        arguments.push(format!("--cache-dir={}", cache.display()));
        arguments.extend(limit(bandwidth));
        arguments.extend(["restore".into(), snapshot.to_owned()]);
        arguments.push(format!("--target={}", to.display()));
        arguments.extend(
            paths.unwrap_or_default().iter().map(|path| format!("--include={}", pattern(path))),
        );
        self.to_its_end(&arguments).await
    }

    /// Reads one part of the stored data back and compares it with its names.
    ///
    /// # Errors
    /// Why it cannot be told, typed. Damage is no error.
    pub async fn read_part(
        &self,
        part: [u32; 2],
        bandwidth: Option<Rate>,
    ) -> Result<Ended, Failure> {
        let mut arguments: Vec<String> =
            vec!["--no-cache".into(), "--no-lock".into(), "--quiet".into()];
        arguments.extend(limit(bandwidth));
        arguments.push("check".into());
        arguments.push(format!("--read-data-subset={}/{}", part[0], part[1]));
        self.to_its_end(&arguments).await
    }

    async fn to_its_end(&self, arguments: &[String]) -> Result<Ended, Failure> {
        let began = Instant::now();
        let left = self.left();
        let output = match self.tool.run_or_stop(arguments, left).await? {
            tool::Ended::Itself(output) => output,
            tool::Ended::Stopped(output) => {
                return Err(stopped(&output, left, self.folder.is_some()));
            }
        };
        let seconds = began.elapsed().as_secs_f64();
        match classify(output.code, &output.stderr) {
            Some(kind) if tells_nothing(kind) => Err(self.failure(kind, &output)),
            Some(_) => Ok(Ended { well: false, said: words(&output), seconds }),
            None => Ok(Ended { well: true, said: output.said, seconds }),
        }
    }

    /// A deadline of its own for what follows.
    #[must_use]
    pub fn until(mut self, until: Instant) -> Self {
        self.until = until;
        self
    }
}

/// restic tries for minutes to read what is not there or is damaged. What it said
/// of that until its deadline is the answer; without a word it was just slow.
fn stopped(output: &Output, after: Duration, is_local: bool) -> Failure {
    let seconds = after.as_secs_f64().round();
    let text = String::from_utf8_lossy(&output.stderr);
    match text.lines().find_map(|line| unreadable_data(line, is_local)) {
        Some(what) => Failure {
            kind: FailureKind::CorruptData,
            what: format!(
                "stored data cannot be read ({what}); restic still tried again after {seconds} s \
                 and was stopped"
            ),
            advice: super::advice(FailureKind::CorruptStructure).to_owned(),
        },
        None => Failure {
            kind: FailureKind::Timeout,
            what: format!("restic was stopped after {seconds} s without an end"),
            advice: "raise the drill's deadline, or let it restore less".to_owned(),
        },
    }
}

/// What a line says of a pack that is not there or damaged: its short name and why.
/// A line about a server that does not answer says nothing of the kind, and a pack
/// that ends early is a short one on a disk alone: a line may break.
fn unreadable_data(line: &str, is_local: bool) -> Option<String> {
    const WORDS: &[&str] = &[
        "no such file or directory",
        "does not exist",
        "not found",
        "ciphertext verification failed",
        "invalid data returned",
        "wrong data returned",
        "file has been truncated",
    ];
    let small = line.to_lowercase();
    let short = is_local.then_some("unexpected eof");
    let word = WORDS.iter().copied().chain(short).find(|word| small.contains(word))?;
    let (_, rest) = line.split_once("<data/")?;
    let name: String = rest.chars().take_while(char::is_ascii_hexdigit).take(16).collect();
    Some(format!("pack {name}: {word}"))
}

/// Whether a failure says nothing about what is stored.
fn tells_nothing(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::Locked
            | FailureKind::NetworkDown
            | FailureKind::ToolVersion
            | FailureKind::NoSpace
            | FailureKind::AuthFailed
            | FailureKind::KeyMissing
    )
}

fn words(output: &Output) -> String {
    let code = output.code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
    match output.said.as_str() {
        "" => format!("restic ended with {code}"),
        said => format!("restic ended with {code} and said: {said}"),
    }
}

/// restic counts in KiB a second, and takes 0 for no limit.
fn limit(bandwidth: Option<Rate>) -> Option<String> {
    let rate = bandwidth?.as_bytes_per_second() / 1024;
    Some(format!("--limit-download={}", rate.max(1)))
}

/// A path as a pattern that matches nothing else.
fn pattern(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len() + 8);
    for letter in path.chars() {
        if matches!(letter, '\\' | '*' | '?' | '[' | ']') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// The file that a line of `ls --json` is about; nothing for folders and links,
/// and for names that are no UTF-8, since no pattern would find them.
fn file_of(line: &[u8]) -> Result<Option<File>, ()> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let line: Line = serde_json::from_slice(line).map_err(|_| ())?;
    if line.kind != "file" || line.path.is_empty() || line.path.contains('\u{fffd}') {
        return Ok(None);
    }
    let modified = line.mtime.and_then(|time| time.parse().ok());
    Ok(Some(File { path: line.path, size: line.size, modified }))
}

/// How long a lock may be left alone by a holder that is at work; restic renews
/// it every five minutes.
const RENEWED_WITHIN: Duration = Duration::from_secs(30 * 60);

impl super::Locks {
    /// The lock of somebody who is at work now, as far as can be told.
    pub fn held_now(&self, now: Timestamp) -> Option<&super::Lock> {
        let limit = jiff::SignedDuration::try_from(RENEWED_WITHIN).ok()?;
        self.youngest.as_ref().filter(|lock| now.duration_since(lock.time) < limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_list() {
        let line = |text: &str| file_of(text.as_bytes());
        let file = r#"{"name":"a\"b","type":"file","path":"/srv/a\"b","size":7,"mode":420,
            "mtime":"2026-11-28T06:42:41.568262243Z","struct_type":"node"}"#;
        let file = line(file).unwrap().unwrap();
        assert_eq!((file.path.as_str(), file.size), ("/srv/a\"b", 7));
        assert_eq!(file.modified.unwrap().to_string(), "2026-11-28T06:42:41.568262243Z");
        for other in [
            "",
            r#"{"time":"2026-11-28T06:42:45Z","struct_type":"snapshot","id":"9ecc"}"#,
            r#"{"type":"dir","path":"/srv"}"#,
            r#"{"type":"file","path":"/srv/\ufffd"}"#,
        ] {
            assert_eq!(line(other), Ok(None), "{other}");
        }
        assert_eq!(line(r#"{"type":"file","pa"#), Err(()));
    }

    #[test]
    fn patterns_match_the_path_alone() {
        assert_eq!(pattern(r"/a/we[ird]*? x\y"), r"/a/we\[ird\]\*\? x\\y");
        assert_eq!(pattern("/plain/päth$HOME"), "/plain/päth$HOME");
    }

    #[test]
    fn what_was_said_before_the_deadline() {
        let words = |line: &str, is_local| unreadable_data(line, is_local);
        let gone = "Load(<data/e986545666>, 3000156, 0) returned error, retrying after 552ms: \
            open r/data/e9/e986: no such file or directory";
        assert_eq!(words(gone, true).unwrap(), "pack e986545666: no such file or directory");
        let remote = "Load(<data/e986545666>, 0, 0) returned error, retrying after 1s: Not Found";
        assert_eq!(words(remote, false).unwrap(), "pack e986545666: not found");
        let short = "Load(<data/e986>, 30, 0) returned error, retrying after 1s: unexpected EOF";
        assert!(words(short, true).is_some() && words(short, false).is_none());
        for other in [
            "Load(<data/e986>, 30, 0) returned error, retrying after 1s: dial tcp: i/o timeout",
            "Load(<index/e986>, 30, 0) returned error, retrying: no such file or directory",
            "restoring <Snapshot> to target",
        ] {
            assert_eq!(words(other, true), None, "{other}");
        }
    }

    #[test]
    fn limits_are_at_least_one() {
        assert_eq!(limit(None), None);
        assert_eq!(limit(Some(Rate::from_bytes_per_second(10))).unwrap(), "--limit-download=1");
        let ten = limit(Some(Rate::from_bytes_per_second(10 << 20))).unwrap();
        assert_eq!(ten, "--limit-download=10240");
    }
}
