//! Asks restic about one repository: only reads, never locks, never from a warm cache.
mod diff;
mod own;
mod restore;

pub use restore::{Ended, File};

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evenkeel_config::record::{Failure, FailureKind};
use jiff::Timestamp;
use serde::Deserialize;

use crate::probe::host::Host;
use crate::probe::redact::Secrets;
use crate::probe::tool::{Output, Tool};

pub use diff::Difference;

/// Secrets and settings files are not larger.
const LARGEST_SECRET: usize = 64 << 10;

/// More locks are not read one by one.
const MOST_LOCKS: usize = 5;

/// Where a repository is and what opens it.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// As after `restic -r`; may hold a password, so it never becomes an argument.
    pub repository: String,
    /// File with the password.
    pub password_file: Option<String>,
    /// File with lines `NAME=value` for restic's environment.
    pub environment_file: Option<String>,
    /// The program, if not in the usual folders.
    pub tool: Option<PathBuf>,
}

/// A repository that can be asked until a deadline.
#[derive(Debug)]
pub struct Repository {
    tool: Tool,
    folder: Option<String>,
    until: Instant,
}

/// One snapshot, as restic lists it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Snapshot {
    /// Start of the backup.
    #[serde(deserialize_with = "timestamp")]
    pub time: Timestamp,
    /// Full id.
    #[serde(default)]
    pub id: String,
    /// Where it was taken.
    #[serde(default)]
    pub hostname: String,
    /// What was taken.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Counts; from restic 0.17 on.
    #[serde(default)]
    pub summary: Option<Summary>,
}

/// Counts of one backup run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Files that were not in the parent.
    pub files_new: u64,
    /// Files that differ from the parent.
    pub files_changed: u64,
    /// Bytes that were new to the repository.
    pub data_added: u64,
    /// Files in the snapshot.
    pub total_files_processed: u64,
    /// Bytes in the snapshot.
    pub total_bytes_processed: u64,
    /// When the backup ended.
    #[serde(deserialize_with = "maybe_timestamp")]
    pub backup_end: Option<Timestamp>,
}

/// A lock that somebody holds, or left behind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Lock {
    /// Last renewal; restic renews each lock every five minutes.
    #[serde(deserialize_with = "timestamp")]
    pub time: Timestamp,
    /// Keeps everybody else out.
    #[serde(default)]
    pub exclusive: bool,
    /// Where the holder runs.
    #[serde(default)]
    pub hostname: String,
    /// The holder's process.
    #[serde(default)]
    pub pid: u32,
}

/// The locks of a repository.
#[derive(Debug, Clone, PartialEq)]
pub struct Locks {
    /// How many there are.
    pub count: usize,
    /// The worst: left behind by the dead first, then exclusive, then oldest.
    pub worst: Option<Lock>,
    /// Whether the worst one's holder ran on this host and has ended.
    pub worst_is_dead: bool,
    /// The lock that was renewed last, of those whose holder may be at work.
    pub youngest: Option<Lock>,
}

/// Size of one snapshot or of the whole repository.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Stats {
    /// Bytes.
    pub total_size: u64,
    /// Files and folders; absent for raw data.
    #[serde(default)]
    pub total_file_count: u64,
}

/// Kinds of files in a repository that can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// One per backup.
    Snapshots,
    /// Without them nothing can be restored.
    Index,
    /// Locks.
    Locks,
    /// One per password.
    Keys,
}

impl Repository {
    /// Finds the program and reads the secrets.
    ///
    /// # Errors
    /// [`FailureKind::ToolMissing`], and [`FailureKind::AuthFailed`] when a
    /// secret cannot be read.
    pub fn open(access: &Access, deadline: Duration) -> Result<Self, Failure> {
        let host = Host::new(Path::new("/"));
        let mut secrets = Secrets::default();
        let mut tool = Tool::find("restic", access.tool.as_deref())?
            .env("RESTIC_REPOSITORY", access.repository.as_str())
            .env("RESTIC_PROGRESS_FPS", "0");
        secrets.add(password_of_url(&access.repository).unwrap_or_default());
        if let Some(file) = &access.password_file {
            secrets.add(&secret_file(&host, file)?);
            tool = tool.env("RESTIC_PASSWORD_FILE", file.as_str());
        }
        if let Some(file) = &access.environment_file {
            for (name, value) in environment(&secret_file(&host, file)?) {
                if value.len() >= 6 || name.contains("PASS") || name.contains("KEY") {
                    secrets.add(&value);
                }
                tool = tool.env(name, value);
            }
        }
        let is_local = access.repository.starts_with('/');
        Ok(Self {
            tool: tool.secrets(&secrets),
            folder: is_local.then(|| access.repository.clone()),
            until: Instant::now() + deadline,
        })
    }

    /// The program's version, such as `0.17.3`.
    ///
    /// # Errors
    /// [`FailureKind::ToolVersion`] when it does not say it is restic.
    pub async fn version(&self) -> Result<String, Failure> {
        let output = self.tool.run(&["version"], self.left()).await?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut words = text.split_whitespace();
        match (output.code, words.next(), words.next()) {
            (Some(0), Some("restic"), Some(version)) => Ok(version.chars().take(32).collect()),
            _ => Err(Failure {
                kind: FailureKind::ToolVersion,
                what: format!("{} does not say which restic it is", self.tool.path().display()),
                advice: "set `tool` to the path of restic 0.14 or newer".to_owned(),
            }),
        }
    }

    /// The repository's own id, which changes only when it is made anew.
    ///
    /// # Errors
    /// As restic says it, typed.
    pub async fn id(&self) -> Result<String, Failure> {
        #[derive(Deserialize)]
        struct Config {
            id: String,
        }
        let output = self.ask(&["cat", "config"]).await?;
        parse::<Config>(&output.stdout).map(|config| config.id)
    }

    /// Every snapshot that could be read, oldest first, and what restic said
    /// besides: anything at all means that it stumbled over something.
    ///
    /// # Errors
    /// As restic says it, typed.
    pub async fn snapshots(&self) -> Result<(Vec<Snapshot>, String), Failure> {
        let output = self.ask(&["snapshots", "--json"]).await?;
        Ok((snapshots(&output.stdout)?, output.said))
    }

    /// The ids of stored files of a kind.
    ///
    /// # Errors
    /// As restic says it, typed.
    pub async fn list(&self, stored: Stored) -> Result<Vec<String>, Failure> {
        let name = match stored {
            Stored::Snapshots => "snapshots",
            Stored::Index => "index",
            Stored::Locks => "locks",
            Stored::Keys => "keys",
        };
        let output = self.ask(&["list", name]).await?;
        let text = String::from_utf8_lossy(&output.stdout);
        let is_id = |line: &&str| line.len() == 64 && line.bytes().all(|b| b.is_ascii_hexdigit());
        Ok(text.lines().map(str::trim).filter(is_id).map(str::to_owned).collect())
    }

    /// The locks, with their holders looked up in `/proc` below `root`.
    ///
    /// # Errors
    /// As restic says it, typed.
    pub async fn locks(&self, root: &Path) -> Result<Locks, Failure> {
        let ids = self.list(Stored::Locks).await?;
        let mut locks: Vec<(bool, Lock)> = Vec::new();
        for id in ids.iter().take(MOST_LOCKS) {
            // A lock that was released meanwhile cannot be read, and need not be.
            if let Ok(output) = self.ask(&["cat", "lock", id]).await {
                let lock = parse::<Lock>(&output.stdout)?;
                locks.push((holder_ended(&lock, root), lock));
            }
        }
        locks.sort_by_key(|(dead, lock)| (!dead, !lock.exclusive, lock.time));
        let at_work = locks.iter().filter(|(dead, _)| !dead).map(|(_, lock)| lock);
        let youngest = at_work.max_by_key(|lock| lock.time).cloned();
        let worst = locks.into_iter().next();
        Ok(Locks {
            count: ids.len(),
            worst_is_dead: worst.as_ref().is_some_and(|(dead, _)| *dead),
            worst: worst.map(|(_, lock)| lock),
            youngest,
        })
    }

    /// What a restore of one snapshot brings.
    ///
    /// # Errors
    /// As restic says it, typed.
    pub async fn stats(&self, snapshot: &str) -> Result<Stats, Failure> {
        parse(&self.ask(&["stats", "--json", snapshot]).await?.stdout)
    }

    /// What all snapshots take in the repository.
    ///
    /// # Errors
    /// As restic says it, typed.
    pub async fn stored(&self) -> Result<Stats, Failure> {
        parse(&self.ask(&["stats", "--json", "--mode", "raw-data"]).await?.stdout)
    }

    async fn ask(&self, arguments: &[&str]) -> Result<Output, Failure> {
        // A warm cache answers for a damaged repository.
        let fixed = ["--no-cache", "--no-lock", "--quiet"];
        let arguments: Vec<&str> = fixed.iter().chain(arguments).copied().collect();
        let output = self.tool.run(&arguments, self.left()).await?;
        let Some(kind) = classify(output.code, &output.stderr) else { return Ok(output) };
        Err(self.failure(kind, &output))
    }

    fn failure(&self, kind: FailureKind, output: &Output) -> Failure {
        let keys_are_gone = |folder: &String| {
            let keys = Host::new(Path::new("/")).list(&format!("{folder}/keys"));
            matches!(keys, Err(crate::probe::host::HostError::NotFound { .. }))
                || keys.is_ok_and(|names| names.is_empty())
        };
        // restic says "wrong password" in both cases.
        let kind = match kind {
            FailureKind::AuthFailed if self.folder.as_ref().is_some_and(keys_are_gone) => {
                FailureKind::KeyMissing
            }
            other => other,
        };
        let said = if output.said.is_empty() { "nothing" } else { &output.said };
        let code = output.code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
        let what = format!("{}: restic ended with {code} and said: {said}", meaning(kind));
        Failure { kind, what, advice: advice(kind).to_owned() }
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

/// Whether the holder ran on this host and has ended; `false` when it cannot be told.
fn holder_ended(lock: &Lock, root: &Path) -> bool {
    let host = Host::new(root);
    let name = host.text("/proc/sys/kernel/hostname", 1024).unwrap_or_default();
    name.trim() == lock.hostname && host.process_runs(lock.pid) == Some(false)
}

/// Reads the answer of `snapshots --json`, oldest first.
///
/// # Errors
/// [`FailureKind::Unreadable`].
pub fn snapshots(bytes: &[u8]) -> Result<Vec<Snapshot>, Failure> {
    let mut list = parse::<Option<Vec<Snapshot>>>(bytes)?.unwrap_or_default();
    list.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
    Ok(list)
}

/// What an exit code and standard error mean; `None` for success. Codes 10 to
/// 12 came with restic 0.17; older ones say 1 and differ in words only.
pub fn classify(code: Option<i32>, stderr: &[u8]) -> Option<FailureKind> {
    match code {
        Some(0) => return None,
        Some(10) => return Some(FailureKind::NotFound),
        Some(11) => return Some(FailureKind::Locked),
        Some(12) => return Some(FailureKind::AuthFailed),
        _ => {}
    }
    let said = String::from_utf8_lossy(stderr).to_lowercase();
    let found = WORDS.iter().find(|(word, _)| said.contains(word)).map(|(_, kind)| *kind);
    Some(found.unwrap_or(FailureKind::Other))
}

/// Words of restic and what they mean. Order matters: a dead server is also
/// reported as a missing configuration file, and only the inner words differ.
const WORDS: &[(&str, FailureKind)] = &[
    ("wrong password", FailureKind::AuthFailed),
    ("empty password", FailureKind::AuthFailed),
    ("resolving password failed", FailureKind::AuthFailed),
    ("already locked", FailureKind::Locked),
    ("connection refused", FailureKind::NetworkDown),
    ("connection reset", FailureKind::NetworkDown),
    ("no such host", FailureKind::NetworkDown),
    ("could not resolve", FailureKind::NetworkDown),
    ("network is unreachable", FailureKind::NetworkDown),
    ("no route to host", FailureKind::NetworkDown),
    ("i/o timeout", FailureKind::NetworkDown),
    ("dial tcp", FailureKind::NetworkDown),
    ("sftp session", FailureKind::NetworkDown),
    ("access denied", FailureKind::AuthFailed),
    ("unauthorized", FailureKind::AuthFailed),
    ("403 forbidden", FailureKind::AuthFailed),
    ("permission denied", FailureKind::PermissionDenied),
    ("no space left", FailureKind::NoSpace),
    ("unknown flag", FailureKind::ToolVersion),
    ("unknown command", FailureKind::ToolVersion),
    ("ciphertext verification failed", FailureKind::CorruptStructure),
    ("not found in repository", FailureKind::CorruptStructure),
    ("invalid data returned", FailureKind::CorruptStructure),
    ("config is corrupted", FailureKind::CorruptStructure),
    ("is there a repository", FailureKind::NotFound),
    ("does not exist", FailureKind::NotFound),
    ("no such file or directory", FailureKind::NotFound),
];

fn meaning(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::NotFound => "there is no repository",
        FailureKind::Locked => "the repository is locked",
        FailureKind::AuthFailed => "the password or the login is refused",
        FailureKind::KeyMissing => "the key files of the repository are gone",
        FailureKind::NetworkDown => "the repository's server does not answer",
        FailureKind::PermissionDenied => "the repository may not be read",
        FailureKind::CorruptStructure => "the repository is damaged",
        FailureKind::ToolVersion => "this restic does not know a command",
        FailureKind::NoSpace => "there is no room",
        _ => "the repository could not be read",
    }
}

fn advice(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::NotFound => "see whether its disk is mounted, or correct `repository`",
        FailureKind::Locked => "see who holds the lock; remove it only when nobody does",
        FailureKind::AuthFailed => "correct the password file or the credentials",
        FailureKind::KeyMissing => {
            "restore the folder `keys` from another copy: without it no password opens the backups"
        }
        FailureKind::NetworkDown => "see whether the server runs and can be reached from here",
        FailureKind::PermissionDenied => "let the agent's user read the repository",
        FailureKind::CorruptStructure => {
            "copy the repository aside, then follow restic's guide to damaged repositories"
        }
        FailureKind::ToolVersion => "install restic 0.14 or newer",
        _ => "run `restic snapshots` by hand with the same password file",
    }
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| Failure {
        kind: FailureKind::Unreadable,
        // The error's own words may quote the text, so only its place is given.
        what: format!(
            "restic's answer is no JSON of the expected form (line {}, column {})",
            error.line(),
            error.column()
        ),
        advice: "run `restic snapshots --json` by hand and see what it prints".to_owned(),
    })
}

fn timestamp<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

fn maybe_timestamp<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    timestamp(deserializer).map(Some)
}

pub(in crate::probe) fn secret_file(host: &Host, file: &str) -> Result<String, Failure> {
    host.text(file, LARGEST_SECRET).map_err(|error| Failure {
        kind: FailureKind::AuthFailed,
        what: format!("the secret cannot be read: {error}"),
        advice: format!("make {file} readable for the agent's user alone, or correct its name"),
    })
}

/// Lines `NAME=value`, as systemd and shells write them.
pub(in crate::probe) fn environment(text: &str) -> Vec<(String, String)> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("export ").unwrap_or(line).split_once('='))
        .filter(|(name, _)| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
        .map(|(name, value)| {
            let value = value.trim();
            let bare = ['"', '\''].iter().find_map(|quote| {
                value.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote))
            });
            (name.to_owned(), bare.unwrap_or(value).replace('\0', ""))
        })
        .collect()
}

fn password_of_url(repository: &str) -> Option<&str> {
    let (_, rest) = repository.split_once("://")?;
    let host = rest.split('/').next()?;
    let (login, _) = host.rsplit_once('@')?;
    login.split_once(':').map(|(_, password)| password)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_and_words_of_both_dialects() {
        use FailureKind as K;
        let refused = "Fatal: unable to open config file: client.Head: Head \
            \"http://127.0.0.1:1/config\": dial tcp 127.0.0.1:1: connect: connection refused\n\
            Is there a repository at the following location?\nrest:http://127.0.0.1:1/";
        let missing = "Fatal: unable to open config file: stat r/config: no such file or \
            directory\nIs there a repository at the following location?\nr";
        let locked = "unable to create lock in backend: repository is already locked exclusively \
            by PID 4711 on srv by root (UID 0, GID 0)";
        let json = r#"{"message_type":"exit_error","code":12,"message":"Fatal: wrong password"}"#;
        for (code, stderr, kind) in [
            (Some(0), "warning", None),
            (Some(1), refused, Some(K::NetworkDown)),
            (Some(1), missing, Some(K::NotFound)),
            (Some(1), locked, Some(K::Locked)),
            (Some(1), "Fatal: wrong password or no key found", Some(K::AuthFailed)),
            (Some(1), "subprocess ssh: Could not resolve hostname nas", Some(K::NetworkDown)),
            (Some(1), "unable to start the sftp session, error: EOF", Some(K::NetworkDown)),
            (Some(1), "Fatal: an empty password is not a password", Some(K::AuthFailed)),
            (Some(1), json, Some(K::AuthFailed)),
            (Some(10), "", Some(K::NotFound)),
            (Some(11), "", Some(K::Locked)),
            (Some(12), "", Some(K::AuthFailed)),
            (Some(1), "Fatal: something new", Some(K::Other)),
            (Some(2), "panic: runtime error", Some(K::Other)),
            (None, "", Some(K::Other)),
        ] {
            assert_eq!(classify(code, stderr.as_bytes()), kind, "{code:?} {stderr}");
        }
    }

    #[test]
    fn reads_what_old_and_new_versions_list() {
        let old = br#"[{"time":"2026-11-21T23:09:05.44Z","tree":"6e","paths":["/srv"],
            "hostname":"vm","username":"root","id":"25","short_id":"25"},
            {"time":"2026-11-20T01:00:00+02:00","paths":["/srv"],"hostname":"vm","tags":["a"],
            "id":"24","summary":{"files_new":1,"total_bytes_processed":9,"later_field":[]}}]"#;
        let list = snapshots(old).unwrap();
        assert_eq!(list.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["24", "25"]);
        assert_eq!(list[0].summary.unwrap().total_bytes_processed, 9);
        assert_eq!(list[0].time.to_string(), "2026-11-19T23:00:00Z");
        assert_eq!(snapshots(b"null").unwrap(), []);
        assert_eq!(snapshots(&old[..60]).unwrap_err().kind, FailureKind::Unreadable);
    }

    #[test]
    fn environment_files() {
        let text = "# cloud\nexport AWS_ID=\"abc d\"\nB2=x=y\nbad name=1\n=2\nQ='q'\n";
        let expected = [("AWS_ID", "abc d"), ("B2", "x=y"), ("Q", "q")];
        let pairs = environment(text);
        assert_eq!(pairs.len(), 3);
        for ((name, value), expected) in pairs.iter().zip(expected) {
            assert_eq!((name.as_str(), value.as_str()), expected);
        }
        assert_eq!(password_of_url("rest:https://bob:p:w@nas/x"), Some("p:w"));
        assert_eq!(password_of_url("s3:s3.amazonaws.com/bucket"), None);
    }

    proptest! {
        #[test]
        fn no_answer_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            crate::fuzz::restic_snapshots(&bytes);
        }

        #[test]
        fn no_damaged_answer_panics(at in 0_usize..200, byte in any::<u8>()) {
            let mut answer = br#"[{"time":"2026-11-21T23:09:05.44Z","paths":["/srv"],
                "hostname":"vm","id":"25","summary":{"total_bytes_processed":9}}]"#.to_vec();
            let at = at % answer.len();
            answer[at] = byte;
            crate::fuzz::restic_snapshots(&answer);
        }
    }
}
