//! The store's tables, their version, and how the file is made and tested.
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::StoreError;

/// Version of the tables; raised with a step in [`prepare`] when they change.
const VERSION: i64 = 1;

/// Larger files are not tested at each opening, since that would take seconds;
/// `store integrity` does it when asked.
const LARGEST_TESTED: u64 = 64 << 20;

const TABLES: &str = "
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version VALUES (1);
CREATE TABLE evidence (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    check_name TEXT NOT NULL,
    component  TEXT NOT NULL,
    started    INTEGER NOT NULL, -- milliseconds since 1970
    body       TEXT NOT NULL     -- the document as JSON
);
CREATE INDEX evidence_by_check ON evidence (check_name, id);
CREATE INDEX evidence_by_start ON evidence (started);
CREATE TABLE subject (
    check_name TEXT NOT NULL,
    subject    TEXT NOT NULL,
    settings   TEXT NOT NULL,    -- digest of the settings that saw it
    last_seen  INTEGER NOT NULL,
    body       TEXT NOT NULL,    -- its observations then
    PRIMARY KEY (check_name, subject)
) WITHOUT ROWID;
CREATE TABLE recorded_map (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL);
";

pub(super) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| StoreError::Folder { path: folder.to_owned(), why: error.to_string() })
}

/// Makes an empty file for its owner's eyes only; SQLite gives its log and
/// index files the same mode.
pub(super) fn make_file(path: &Path) -> Result<(), StoreError> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            Err(StoreError::Full { path: path.to_owned() })
        }
        Err(error) => Err(StoreError::Folder { path: path.to_owned(), why: error.to_string() }),
    }
}

/// Sets the connection up, and makes the tables of an empty file.
pub(super) fn prepare(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let wrap = |error| StoreError::from(path, &error);
    connection.busy_timeout(Duration::from_secs(5)).map_err(wrap)?;
    // Evidence is acknowledged to others, so a commit must survive a power cut.
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -512; \
             PRAGMA journal_size_limit = 4194304;",
        )
        .map_err(wrap)?;
    let is_small = std::fs::metadata(path).is_ok_and(|about| about.len() <= LARGEST_TESTED);
    if is_small && let Some(first) = quick_check(connection, path)?.into_iter().next() {
        return Err(StoreError::Damaged { path: path.to_owned(), detail: first });
    }
    match version(connection).map_err(wrap)? {
        None => connection.execute_batch(&format!("BEGIN;{TABLES}COMMIT;")).map_err(wrap),
        Some(VERSION) => Ok(()),
        Some(found) => Err(StoreError::Newer { path: path.to_owned(), found, known: VERSION }),
    }
}

fn version(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let table: Option<String> = connection
        .query_row("SELECT name FROM sqlite_schema WHERE name = 'schema_version'", [], |row| {
            row.get(0)
        })
        .optional()?;
    match table {
        None => Ok(None),
        Some(_) => connection
            .query_row("SELECT max(version) FROM schema_version", [], |row| row.get(0))
            .map(Some),
    }
}

pub(super) fn quick_check(connection: &Connection, path: &Path) -> Result<Vec<String>, StoreError> {
    let wrap = |error| StoreError::from(path, &error);
    let mut statement = connection.prepare("PRAGMA quick_check(20)").map_err(wrap)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).map_err(wrap)?;
    let mut problems = Vec::new();
    for row in rows {
        let line = row.map_err(wrap)?;
        if line != "ok" {
            problems.push(line);
        }
    }
    Ok(problems)
}
