//! History on SQLite: evidence, recorded maps and simulation results; nothing is overwritten.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evenkeel_config::record::{Evidence, EvidenceSet, RecordedMap, Summary};
use jiff::Timestamp;

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of the tables; a store of a later version is refused.
const VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS evidence (
  host TEXT NOT NULL, check_name TEXT NOT NULL, started_ms INTEGER NOT NULL, document TEXT NOT NULL,
  PRIMARY KEY (host, check_name, started_ms)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heard (host TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recorded (
  host TEXT PRIMARY KEY, as_of_ms INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS summary (
  scenario TEXT NOT NULL, as_of_ms INTEGER NOT NULL, cache_key TEXT NOT NULL, document TEXT NOT NULL,
  PRIMARY KEY (scenario, as_of_ms, cache_key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answer (
  name TEXT PRIMARY KEY, cache_key TEXT NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
";

/// Why the store did not do what was asked; what was stored before stays.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or file cannot be written.
    #[error(
        "cannot write to the data folder {folder}: {why}\n  hint: choose another with --data DIR, or free space and rights there"
    )]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The file is no database, or a damaged one.
    #[error(
        "the history {file} is damaged: {why}\n  hint: it was left as it is; move it away to start a new one, or put a copy of it back"
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// SQLite's words.
        why: String,
    },
    /// Written by a later version of this program.
    #[error(
        "the history {file} was written by a later version (format {found}, this program knows {VERSION})\n  hint: use that version, or another data folder with --data DIR"
    )]
    TooNew {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: i64,
    },
    /// Anything else that SQLite says.
    #[error(
        "the history {file} cannot be used: {why}\n  hint: it was left as it is; move it away to start a new one, or put a copy of it back"
    )]
    Other {
        /// The file.
        file: PathBuf,
        /// SQLite's words.
        why: String,
    },
}

/// The hub's history.
#[derive(Debug)]
pub struct HubStore {
    connection: Connection,
    file: PathBuf,
}

impl HubStore {
    /// Opens or makes `DATA/hub.sqlite`.
    ///
    /// # Errors
    /// The folder is not writable, the file is damaged or of a later version.
    pub fn open(data: &Path) -> Result<Self, StoreError> {
        let file = data.join("hub.sqlite");
        let connection = Connection::open(&file).map_err(|error| explain(&file, &error))?;
        let store = Self { connection, file };
        store.prepare().map_err(|error| explain(&store.file, &error))?;
        let found = store.version().map_err(|error| explain(&store.file, &error))?;
        if found > VERSION {
            return Err(StoreError::TooNew { file: store.file, found });
        }
        let stamp = format!("PRAGMA user_version = {VERSION}");
        store.connection.execute_batch(&stamp).map_err(|error| explain(&store.file, &error))?;
        Ok(store)
    }

    fn prepare(&self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(Duration::from_secs(5))?;
        self.connection.pragma_update(None, "journal_mode", "wal")?;
        self.connection.pragma_update(None, "synchronous", "full")?;
        let damage: String =
            self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if damage != "ok" {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(rusqlite::Error::SqliteFailure(code, Some(damage)));
        }
        if self.version()? <= VERSION {
            self.connection.execute_batch(TABLES)?;
        }
        Ok(())
    }

    fn version(&self) -> rusqlite::Result<i64> {
        self.connection.query_row("PRAGMA user_version", [], |row| row.get(0))
    }

    /// Adds what one agent reported, all or nothing.
    ///
    /// # Errors
    /// The disk is full or the file is gone; nothing of it is stored then.
    pub fn add(
        &mut self,
        host: &str,
        at: Timestamp,
        set: &EvidenceSet,
        recorded: Option<&RecordedMap>,
    ) -> Result<(), StoreError> {
        self.add_all(host, at, set, recorded).map_err(|error| explain(&self.file, &error))
    }

    fn add_all(
        &mut self,
        host: &str,
        at: Timestamp,
        set: &EvidenceSet,
        recorded: Option<&RecordedMap>,
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for evidence in &set.evidence {
            transaction.execute(
                "INSERT OR IGNORE INTO evidence VALUES (?1, ?2, ?3, ?4)",
                params![
                    evidence.host,
                    evidence.check,
                    evidence.started.as_millisecond(),
                    json(evidence)?
                ],
            )?;
        }
        transaction.execute(
            "INSERT INTO heard VALUES (?1, ?2)
             ON CONFLICT (host) DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)",
            params![host, at.as_millisecond()],
        )?;
        if let Some(recorded) = recorded {
            transaction.execute(
                "INSERT OR REPLACE INTO recorded VALUES (?1, ?2, ?3)",
                params![host, recorded.as_of.as_millisecond(), json(recorded)?],
            )?;
        }
        transaction.commit()
    }

    /// Keeps a result under the digest of everything it was made from.
    ///
    /// # Errors
    /// The disk is full or the file is gone.
    pub fn keep_summary(&self, summary: &Summary, key: &str) -> Result<(), StoreError> {
        let put = || {
            self.connection.execute(
                "INSERT OR REPLACE INTO summary VALUES (?1, ?2, ?3, ?4)",
                params![summary.scenario.id, summary.as_of.as_millisecond(), key, json(summary)?],
            )
        };
        put().map(|_| ()).map_err(|error| explain(&self.file, &error))
    }

    /// The kept result of exactly these inputs.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn cached_summary(&self, scenario: &str, key: &str) -> Result<Option<Summary>, StoreError> {
        let found: Option<String> = self
            .connection
            .query_row(
                "SELECT document FROM summary WHERE scenario = ?1 AND cache_key = ?2",
                params![scenario, key],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| explain(&self.file, &error))?;
        Ok(found.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Keeps an answer that has no history, such as the year, in place of the one
    /// before, under the digest of everything it was made from.
    ///
    /// # Errors
    /// The disk is full or the file is gone.
    pub fn keep_answer<T: Serialize>(
        &self,
        name: &str,
        key: &str,
        answer: &T,
    ) -> Result<(), StoreError> {
        let put = || {
            self.connection.execute(
                "INSERT OR REPLACE INTO answer VALUES (?1, ?2, ?3)",
                params![name, key, json(answer)?],
            )
        };
        put().map(|_| ()).map_err(|error| explain(&self.file, &error))
    }

    /// The kept answer of exactly these inputs.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn cached_answer<T: DeserializeOwned>(
        &self,
        name: &str,
        key: &str,
    ) -> Result<Option<T>, StoreError> {
        let found: Option<String> = self
            .connection
            .query_row(
                "SELECT document FROM answer WHERE name = ?1 AND cache_key = ?2",
                params![name, key],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| explain(&self.file, &error))?;
        Ok(found.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// The newest result of a scenario whose facts are older than `before`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn earlier_summary(
        &self,
        scenario: &str,
        before: Timestamp,
    ) -> Result<Option<Summary>, StoreError> {
        let found: Option<String> = self
            .connection
            .query_row(
                "SELECT document FROM summary WHERE scenario = ?1 AND as_of_ms < ?2
                 ORDER BY as_of_ms DESC LIMIT 1",
                params![scenario, before.as_millisecond()],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| explain(&self.file, &error))?;
        Ok(found.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// The latest evidence of every check, by host and check.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn latest(&self) -> Result<Vec<Evidence>, StoreError> {
        self.documents(
            "SELECT document FROM evidence AS e WHERE started_ms = (SELECT max(started_ms)
             FROM evidence WHERE host = e.host AND check_name = e.check_name)
             ORDER BY host, check_name",
        )
    }

    /// Every run that came with restore drills, oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn with_drills(&self) -> Result<Vec<Evidence>, StoreError> {
        self.documents(
            "SELECT document FROM evidence WHERE json_array_length(document, '$.outcome.drills') > 0
             ORDER BY started_ms",
        )
    }

    /// The recorded map of every host.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn recorded(&self) -> Result<Vec<RecordedMap>, StoreError> {
        self.documents("SELECT document FROM recorded ORDER BY host")
    }

    /// When each host was last heard from.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn heard(&self) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        let read = || -> rusqlite::Result<BTreeMap<String, Timestamp>> {
            let mut statement = self.connection.prepare("SELECT host, at_ms FROM heard")?;
            let rows = statement
                .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
            let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let stamp = |ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
            Ok(rows.into_iter().map(|(host, ms)| (host, stamp(ms))).collect())
        };
        read().map_err(|error| explain(&self.file, &error))
    }

    fn documents<T: DeserializeOwned>(&self, query: &str) -> Result<Vec<T>, StoreError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare(query)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect()
        };
        let texts = read().map_err(|error| explain(&self.file, &error))?;
        Ok(texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect())
    }
}

fn json<T: Serialize>(document: &T) -> rusqlite::Result<String> {
    serde_json::to_string(document)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn explain(file: &Path, error: &rusqlite::Error) -> StoreError {
    let why = error.to_string();
    let folder = file.parent().unwrap_or(file).to_owned();
    match error.sqlite_error_code() {
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::DiskFull
            | ErrorCode::PermissionDenied
            | ErrorCode::SystemIoFailure,
        ) => StoreError::Unwritable { folder, why },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { file: file.to_owned(), why }
        }
        _ => StoreError::Other { file: file.to_owned(), why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_config::record::{Outcome, SCHEMA_VERSION, Status};

    fn evidence(host: &str, check: &str, second: i64) -> Evidence {
        let started = Timestamp::from_second(second).expect("a time");
        Evidence {
            schema_version: SCHEMA_VERSION,
            host: host.to_owned(),
            check: check.to_owned(),
            kind: "filesystem".to_owned(),
            component: "srv-a".parse().expect("an id"),
            started,
            duration_ms: 3,
            agent_version: "0".to_owned(),
            stale_after: started,
            outcome: Outcome::NotApplicable { reason: "a test".to_owned() },
            status: Status::Unknown,
            findings: Vec::new(),
            states: Vec::new(),
        }
    }

    #[test]
    fn the_latest_of_each_check_survives_a_second_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = Timestamp::from_second(100).expect("a time");
        for second in [50, 10] {
            let mut store = HubStore::open(folder.path()).expect("opens");
            let evidence = vec![evidence("a", "disk", second), evidence("b", "disk", 5)];
            let set = EvidenceSet { schema_version: SCHEMA_VERSION, as_of: at, evidence };
            store.add("a", at, &set, None).expect("stores");
        }
        let store = HubStore::open(folder.path()).expect("opens again");
        let latest = store.latest().expect("reads");
        let seen: Vec<_> =
            latest.iter().map(|e| (e.host.as_str(), e.started.as_second())).collect();
        assert_eq!(seen, [("a", 50), ("b", 5)]);
        assert_eq!(store.heard().expect("reads").get("a"), Some(&at));
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("hub.sqlite");
        std::fs::write(&file, b"this is no database, and never was one; leave it").expect("writes");
        let error = HubStore::open(folder.path()).expect_err("must refuse");
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(std::fs::read(&file).expect("still there").starts_with(b"this is no"));
    }

    #[test]
    fn a_missing_folder_is_said_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = HubStore::open(&folder.path().join("gone")).expect_err("must refuse");
        assert!(error.to_string().contains("--data DIR"), "{error}");
    }
}
