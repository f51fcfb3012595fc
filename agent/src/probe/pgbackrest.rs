//! What pgBackRest says: its list of backups, the outcome of a verification, a manifest.
use evenkeel_config::record::{Failure, FailureKind};
use serde::Deserialize;

/// One database cluster and its backups, as `info --output=json` lists it.
#[derive(Debug, Clone, Deserialize)]
pub struct Stanza {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// How it is.
    pub status: State,
    /// Its backups, oldest first.
    #[serde(default)]
    pub backup: Vec<Backup>,
    /// Ranges of archived WAL.
    #[serde(default)]
    pub archive: Vec<Archive>,
    /// The clusters that it was made for.
    #[serde(default)]
    pub db: Vec<Database>,
    /// The repositories.
    #[serde(default)]
    pub repo: Vec<Repo>,
}

/// A state with its code: 0 is fine, and the process ends with 0 whatever it is.
#[derive(Debug, Clone, Deserialize)]
pub struct State {
    /// See [`Stanza::failure`].
    pub code: u64,
    /// In words.
    #[serde(default)]
    pub message: String,
    /// Who works on it.
    #[serde(default)]
    pub lock: Locks,
}

/// Locks of a stanza.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Locks {
    /// The lock of a running backup.
    #[serde(default)]
    pub backup: Lock,
}

/// A lock.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Lock {
    /// Whether somebody holds it.
    #[serde(default)]
    pub held: bool,
}

/// One repository.
#[derive(Debug, Clone, Deserialize)]
pub struct Repo {
    /// Its number.
    pub key: u64,
    /// How it is.
    pub status: State,
}

/// One backup.
#[derive(Debug, Clone, Deserialize)]
pub struct Backup {
    /// Its name.
    pub label: String,
    /// Pages with wrong checksums were met; absent in old versions.
    #[serde(default)]
    pub error: Option<bool>,
    /// Start and end.
    pub timestamp: Times,
    /// Sizes.
    pub info: Sizes,
    /// The WAL that it needs.
    pub archive: Needed,
    /// Where it is.
    pub database: Place,
}

/// Seconds since 1970.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Times {
    /// Start.
    pub start: i64,
    /// End.
    pub stop: i64,
}

/// Bytes of a backup.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Sizes {
    /// Restored.
    pub size: u64,
    /// In the repository.
    #[serde(default)]
    pub repository: Stored,
}

/// Bytes in the repository.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Stored {
    /// New with this backup.
    #[serde(default)]
    pub delta: Option<u64>,
}

/// First and last WAL segment of a backup.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Needed {
    /// First.
    #[serde(default)]
    pub start: Option<String>,
    /// Last.
    #[serde(default)]
    pub stop: Option<String>,
}

/// Which cluster, in which repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Place {
    /// Number of the cluster.
    pub id: u64,
    /// Number of the repository.
    #[serde(default, rename = "repo-key")]
    pub repo: u64,
}

/// What is archived.
#[derive(Debug, Clone, Deserialize)]
pub struct Archive {
    /// Of which cluster, and where.
    pub database: Place,
    /// First segment.
    #[serde(default)]
    pub min: Option<String>,
    /// Last segment.
    #[serde(default)]
    pub max: Option<String>,
}

/// A cluster.
#[derive(Debug, Clone, Deserialize)]
pub struct Database {
    /// Its own id, beyond what a floating number can hold.
    #[serde(rename = "system-id")]
    pub system_id: u64,
    /// Version of PostgreSQL.
    #[serde(default)]
    pub version: String,
}

/// Reads `info --output=json`.
///
/// # Errors
/// It is no JSON of the known form.
pub fn info(bytes: &[u8]) -> Result<Vec<Stanza>, Failure> {
    serde_json::from_slice(bytes).map_err(|error| Failure {
        kind: FailureKind::Unreadable,
        what: format!("pgBackRest's list cannot be read: {error}"),
        advice: "run `pgbackrest info --output=json` by hand and see what it prints".to_owned(),
    })
}

impl Stanza {
    /// What its state means where it is no list of backups.
    pub fn failure(&self) -> Option<Failure> {
        let kind = match self.status.code {
            0 | 2 | 4 | 5 => return None,
            1 | 3 => FailureKind::NotFound,
            _ => FailureKind::Other,
        };
        // With several repositories the reason stands with one of them.
        let reason = self.repo.iter().find(|repo| repo.status.code == self.status.code);
        let message = reason.map_or(&self.status.message, |repo| &repo.status.message);
        let message = crate::probe::redact::plain(message);
        Some(Failure {
            kind,
            what: format!("pgBackRest says of the stanza {}: {message}", self.name),
            advice: "run `pgbackrest info` by hand; see whether the repository is mounted"
                .to_owned(),
        })
    }

    /// Why the WAL of a backup is not all there, if it is not.
    pub fn wal_missing(&self, backup: &Backup) -> Option<String> {
        let (Some(first), Some(last)) = (&backup.archive.start, &backup.archive.stop) else {
            return Some("it was made without its WAL".to_owned());
        };
        let holds = |archive: &&Archive| archive.database == backup.database;
        let holds_it = self.archive.iter().filter(holds).any(|archive| {
            // Names of segments are of one length, so they sort as they follow each other.
            archive.min.as_ref().is_some_and(|min| min <= first)
                && archive.max.as_ref().is_some_and(|max| last <= max)
        });
        (!holds_it).then(|| format!("its WAL from {first} to {last} is not in the archive"))
    }
}

/// What a verification came to; its exit code is 0 also when files are damaged.
pub fn verify_is_sound(code: Option<i32>, text: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(text);
    let is_bad = |line: &&str| {
        let line = line.to_ascii_lowercase();
        let counts = line.split(',').any(|part| {
            let bad =
                ["missing:", "invalid:", "other:"].iter().find_map(|name| part.split_once(name));
            bad.is_some_and(|(_, count)| !matches!(count.trim(), "" | "0"))
        });
        line.contains("status: error") || line.contains("status: invalid") || counts
    };
    let bad: Vec<&str> = text.lines().map(str::trim).filter(is_bad).collect();
    match (code, bad.is_empty()) {
        (Some(0), true) => Ok(()),
        (code, true) => Err(format!("verify ended with {code:?}")),
        (_, false) => Err(bad.join("; ")),
    }
}

/// One file of a manifest: path and bytes, from a line such as
/// `pg_data/PG_VERSION={"size":3}`.
pub fn manifest_file(line: &[u8]) -> Option<(String, u64)> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        size: Option<u64>,
    }
    let line = std::str::from_utf8(line).ok()?;
    let (path, about) = line.split_once("={")?;
    let file: File = serde_json::from_str(&format!("{{{about}")).ok()?;
    Some((path.to_owned(), file.size.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_beyond_floating_numbers_stay_whole() {
        let text = br#"[{"archive":[],"backup":[],"db":[{"id":1,"system-id":7713126983100152678,
            "version":"15"}],"name":"main","status":{"code":2,"message":"no valid backups"}}]"#;
        let list = info(text).unwrap();
        assert_eq!(list[0].db[0].system_id, 7_713_126_983_100_152_678);
        assert!(list[0].failure().is_none());
        assert!(info(b"[{\"status\":").is_err());
    }

    #[test]
    fn verify_is_read_and_not_believed() {
        let bad = b"stanza: main\nstatus: error\n backup: x, status: invalid, total files \
            checked: 964, total valid files: 963\n   checksum invalid: 1\n";
        assert!(verify_is_sound(Some(0), bad).is_err());
        let good = b"stanza: main\nstatus: ok\n missing: 0, checksum invalid: 0, other: 0\n";
        assert!(verify_is_sound(Some(0), good).is_ok());
        assert!(verify_is_sound(Some(0), b"missing: 0, checksum invalid: 2, other: 0").is_err());
        assert!(verify_is_sound(Some(0), b"").is_ok());
        assert!(verify_is_sound(Some(25), b"").is_err());
    }

    #[test]
    fn manifests_name_their_files() {
        let line = br#"pg_data/base/1/112={"checksum":"ab","size":8192,"timestamp":1}"#;
        assert_eq!(manifest_file(line), Some(("pg_data/base/1/112".to_owned(), 8192)));
        assert_eq!(manifest_file(b"[target:file]"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = info(&bytes);
            let _ = verify_is_sound(Some(0), &bytes);
            let _ = manifest_file(&bytes);
        }
    }
}
