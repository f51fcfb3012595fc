//! The evidence store: one SQLite file that is only ever added to, until retention ends.
mod error;
mod schema;

use std::path::{Path, PathBuf};

use evenkeel_config::record::{DrillFacts, Evidence, Observation, Outcome, RecordedMap};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

pub use error::StoreError;

/// Name of the database within the data folder.
pub const FILE: &str = "evidence.db";

/// How many of the newest runs a check's judgement is shown.
const RECENT: u32 = 16;
/// How many earlier days it is shown, with the last run of each.
const DAYS: u32 = 30;

/// A subject that a check once saw, and what it saw last.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenSubject {
    /// [`Observation::subject`].
    pub subject: String,
    /// When it was seen last.
    pub last_seen: Timestamp,
    /// What was observed about it then.
    pub observations: Vec<Observation>,
}

/// An open evidence store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the store in a data folder; makes both if they are not there, for
    /// their owner's eyes only.
    ///
    /// # Errors
    /// The folder cannot be made or written, the file is damaged or written by
    /// a newer agent. A damaged file is left as it is.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        schema::make_folder(folder)?;
        let path = folder.join(FILE);
        schema::make_file(&path)?;
        let connection =
            Connection::open(&path).map_err(|error| StoreError::from(&path, &error))?;
        schema::prepare(&connection, &path)?;
        Ok(Self { connection, path })
    }

    /// Appends one piece of evidence and notes the subjects it saw.
    /// `settings` tells configurations of a check apart: what one of them saw
    /// is not missed by another.
    ///
    /// # Errors
    /// A full disk, a folder that became read-only, a damaged file. What was
    /// stored before stays.
    pub fn append(&mut self, evidence: &Evidence, settings: &str) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.try_append(evidence, settings).map_err(|error| StoreError::from(&path, &error))
    }

    fn try_append(&mut self, evidence: &Evidence, settings: &str) -> rusqlite::Result<()> {
        let change = self.connection.transaction()?;
        let started = evidence.started.as_millisecond();
        change.prepare_cached(
            "INSERT INTO evidence (check_name, component, started, body) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![evidence.check, evidence.component.as_str(), started, json(evidence)?])?;
        change.execute(
            "DELETE FROM subject WHERE check_name = ?1 AND settings <> ?2",
            params![evidence.check, settings],
        )?;
        let mut subjects: Vec<&str> =
            evidence.observations().iter().map(|seen| seen.subject.as_str()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        for subject in subjects.into_iter().filter(|subject| !subject.is_empty()) {
            let about: Vec<&Observation> =
                evidence.observations().iter().filter(|seen| seen.subject == subject).collect();
            change
                .prepare_cached(
                    "INSERT INTO subject (check_name, subject, settings, last_seen, body) \
                     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (check_name, subject) DO UPDATE \
                     SET settings = excluded.settings, last_seen = excluded.last_seen, \
                     body = excluded.body",
                )?
                .execute(params![evidence.check, subject, settings, started, json(&about)?])?;
        }
        change.commit()
    }

    /// The newest evidence of each check, in order of name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn latest(&self) -> Result<Vec<Evidence>, StoreError> {
        self.evidence(
            "SELECT body FROM evidence WHERE id IN \
             (SELECT max(id) FROM evidence GROUP BY check_name) ORDER BY check_name",
            &[],
        )
    }

    /// The newest evidence of one check.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn newest(&self, check: &str) -> Result<Option<Evidence>, StoreError> {
        let found = self.evidence(
            "SELECT body FROM evidence WHERE check_name = ?1 ORDER BY id DESC LIMIT 1",
            &[&check],
        )?;
        Ok(found.into_iter().next())
    }

    /// The newest evidence of one check that came to facts.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn last_observed(&self, check: &str) -> Result<Option<Evidence>, StoreError> {
        let found = self.evidence(
            "SELECT body FROM evidence WHERE check_name = ?1 \
             AND json_extract(body, '$.outcome.outcome') = 'observed' ORDER BY id DESC LIMIT 1",
            &[&check],
        )?;
        Ok(found.into_iter().next())
    }

    /// Earlier evidence of one check, oldest first: its newest runs, and before
    /// them the last run of each day.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn past(&self, check: &str) -> Result<Vec<Evidence>, StoreError> {
        self.evidence(
            "SELECT body FROM evidence WHERE id IN ( \
               SELECT id FROM (SELECT id FROM evidence WHERE check_name = ?1 \
                 ORDER BY id DESC LIMIT ?2) \
               UNION SELECT id FROM (SELECT max(id) AS id FROM evidence WHERE check_name = ?1 \
                 GROUP BY started / 86400000 ORDER BY 1 DESC LIMIT ?3)) ORDER BY id",
            &[&check, &RECENT, &DAYS],
        )
    }

    /// Evidence that holds restore drills, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn drills(&self) -> Result<Vec<Evidence>, StoreError> {
        self.evidence(
            "SELECT body FROM evidence WHERE json_array_length(body, '$.outcome.drills') > 0 \
             ORDER BY id DESC LIMIT 1000",
            &[],
        )
        .map(|mut newest_first| {
            newest_first.reverse();
            newest_first
        })
    }

    /// The restore drills kept under a name, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn drills_of(&self, name: &str) -> Result<Vec<DrillFacts>, StoreError> {
        let mut found = self.evidence(
            "SELECT body FROM evidence WHERE check_name = ?1 \
             AND json_array_length(body, '$.outcome.drills') > 0 ORDER BY id DESC LIMIT 400",
            &[&name],
        )?;
        found.reverse();
        let drills = |evidence: Evidence| match evidence.outcome {
            Outcome::Observed { drills, .. } => drills,
            Outcome::Failed { .. } | Outcome::NotApplicable { .. } => Vec::new(),
        };
        Ok(found.into_iter().flat_map(drills).collect())
    }

    fn evidence(
        &self,
        query: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<Evidence>, StoreError> {
        let wrap = |error| StoreError::from(&self.path, &error);
        let mut statement = self.connection.prepare_cached(query).map_err(wrap)?;
        let rows = statement.query_map(values, |row| row.get::<_, String>(0)).map_err(wrap)?;
        let mut all = Vec::new();
        for row in rows {
            let text = row.map_err(wrap)?;
            let evidence =
                serde_json::from_str(&text).map_err(|error| self.unreadable("evidence", &error))?;
            all.push(evidence);
        }
        Ok(all)
    }

    /// Subjects that a check saw under these settings, in order of name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn subjects(&self, check: &str, settings: &str) -> Result<Vec<SeenSubject>, StoreError> {
        let wrap = |error| StoreError::from(&self.path, &error);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT subject, last_seen, body FROM subject \
                 WHERE check_name = ?1 AND settings = ?2 ORDER BY subject",
            )
            .map_err(wrap)?;
        let rows = statement
            .query_map([check, settings], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
            })
            .map_err(wrap)?;
        let mut seen = Vec::new();
        for row in rows {
            let (subject, last_seen, body) = row.map_err(wrap)?;
            let last_seen = Timestamp::from_millisecond(last_seen).unwrap_or(Timestamp::UNIX_EPOCH);
            let observations =
                serde_json::from_str(&body).map_err(|error| self.unreadable("subject", &error))?;
            seen.push(SeenSubject { subject, last_seen, observations });
        }
        Ok(seen)
    }

    /// Accepts that a subject is gone for good; `false` if it was not known.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget(&mut self, check: &str, subject: &str) -> Result<bool, StoreError> {
        self.connection
            .execute("DELETE FROM subject WHERE check_name = ?1 AND subject = ?2", [check, subject])
            .map(|removed| removed > 0)
            .map_err(|error| StoreError::from(&self.path, &error))
    }

    /// Removes evidence that started before an instant, except the newest of
    /// each check, the newest of each with facts, and restore drills, which stay for ever.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn retain(&mut self, since: Timestamp) -> Result<usize, StoreError> {
        self.connection
            .execute(
                "DELETE FROM evidence WHERE started < ?1 \
                 AND id NOT IN (SELECT max(id) FROM evidence GROUP BY check_name) \
                 AND id NOT IN (SELECT max(id) FROM evidence \
                   WHERE json_extract(body, '$.outcome.outcome') = 'observed' \
                   GROUP BY check_name) \
                 AND coalesce(json_array_length(body, '$.outcome.drills'), 0) = 0",
                [since.as_millisecond()],
            )
            .map_err(|error| StoreError::from(&self.path, &error))
    }

    /// The recorded map as last stored.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn recorded_map(&self) -> Result<Option<RecordedMap>, StoreError> {
        let body: Option<String> = self
            .connection
            .query_row("SELECT body FROM recorded_map WHERE id = 1", [], |row| row.get(0))
            .optional()
            .map_err(|error| StoreError::from(&self.path, &error))?;
        body.map(|text| {
            serde_json::from_str(&text).map_err(|error| self.unreadable("recorded map", &error))
        })
        .transpose()
    }

    /// Stores the recorded map in place of the earlier one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn keep_map(&mut self, map: &RecordedMap) -> Result<(), StoreError> {
        json(map)
            .and_then(|body| {
                self.connection.execute(
                    "INSERT INTO recorded_map (id, body) VALUES (1, ?1) \
                     ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                    [body],
                )
            })
            .map(|_| ())
            .map_err(|error| StoreError::from(&self.path, &error))
    }

    /// Copies the store to a new file while it is in use.
    ///
    /// # Errors
    /// The file exists already or cannot be written.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        if to.exists() {
            return Err(StoreError::Exists { path: to.to_owned() });
        }
        schema::make_file(to)?;
        self.connection
            .backup(rusqlite::MAIN_DB, to, None::<fn(rusqlite::backup::Progress)>)
            .map_err(|error| StoreError::from(to, &error))
    }

    /// What SQLite finds wrong with the file; empty when it is sound.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        schema::quick_check(&self.connection, &self.path)
    }

    /// Lets the file grow no further, as a full disk would.
    #[cfg(test)]
    pub(crate) fn refuse_to_grow(&self) {
        let pages: i64 =
            self.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).expect("read");
        let cap = format!("PRAGMA max_page_count = {pages}");
        self.connection.query_row(&cap, [], |_| Ok(())).expect("capped");
    }

    /// Takes the cap away again.
    #[cfg(test)]
    pub(crate) fn let_grow(&self) {
        let lift = "PRAGMA max_page_count = 1000000";
        self.connection.query_row(lift, [], |_| Ok(())).expect("lifted");
    }

    fn unreadable(&self, what: &str, error: &serde_json::Error) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), detail: format!("{what}: {error}") }
    }
}

/// Bytes of the database in a data folder and of its write-ahead log.
pub fn size(folder: &Path) -> u64 {
    let path = folder.join(FILE);
    let log = path.with_extension("db-wal");
    [path, log]
        .iter()
        .filter_map(|path| std::fs::metadata(path).ok())
        .map(|about| about.len())
        .sum()
}

fn json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

#[cfg(test)]
mod tests;
