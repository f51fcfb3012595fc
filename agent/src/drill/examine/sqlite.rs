//! SQLite: opened without changing it, and asked to check itself.
use std::fmt::Write;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::format::{Budget, Trouble};

/// Larger ones are checked page by page, without comparing indexes with tables.
const LARGEST_FULL: u64 = 512 << 20;

/// Instructions of its machine between two looks at the clock.
const LOOK_EVERY: i32 = 10_000;

/// The first 100 bytes: whether they are a header that can be, and whether changes
/// may still stand in a file beside.
pub(super) fn header(head: &[u8], length: u64) -> Result<bool, Trouble> {
    let field = |at: usize| head.get(at).copied().unwrap_or(0);
    if head.len() < 100 {
        return Err(Trouble::damaged("its header is cut short"));
    }
    let size = match u16::from_be_bytes([field(16), field(17)]) {
        1 => 65_536,
        size => u64::from(size),
    };
    if !size.is_power_of_two() || size < 512 {
        return Err(Trouble::damaged("the size of its pages cannot be"));
    }
    let word = |at| u32::from_be_bytes([field(at), field(at + 1), field(at + 2), field(at + 3)]);
    let has_log = field(18) == 2 || field(19) == 2;
    // The count of pages holds if it was written together with the last change.
    let pages = u64::from(word(28));
    if word(24) == word(92) && !has_log && length < pages * size {
        return Err(Trouble::damaged("it is shorter than it says"));
    }
    Ok(has_log)
}

/// Opens a database. One with changes in a file beside is opened for writing:
/// it is a copy that will be thrown away, and is whole only with them.
///
/// # Errors
/// It is not whole, or that cannot be told.
pub(super) fn open<R: Read + Seek>(
    source: &mut R,
    path: &Path,
    length: u64,
    budget: &Budget,
) -> Result<(), Trouble> {
    let mut head = Vec::new();
    source.seek(SeekFrom::Start(0))?;
    source.take(100).read_to_end(&mut head)?;
    let has_log = header(&head, length)?;
    let is_beside = ["-wal", "-journal"].iter().any(|end| is_filled(&beside(path, end)));
    let checked = check(path, length, is_beside, budget);
    match checked {
        Err(Trouble::Damaged(why)) if has_log && !is_beside => Err(Trouble::Untold(format!(
            "{why}; but it was in use, and its log was not restored with it"
        ))),
        other => other,
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn is_filled(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|about| about.is_file() && about.len() > 0)
}

fn check(path: &Path, length: u64, is_beside: bool, budget: &Budget) -> Result<(), Trouble> {
    let until = budget.until();
    let run = || -> rusqlite::Result<Option<String>> {
        let mut connection = connect(path, is_beside)?;
        connection.progress_handler(LOOK_EVERY, Some(move || Instant::now() >= until))?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY; \
             PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -16384;",
        )?;
        let asked = if length > LARGEST_FULL {
            "PRAGMA quick_check(1)"
        } else {
            "PRAGMA integrity_check(1)"
        };
        let answer: String = connection.query_row(asked, [], |row| row.get(0))?;
        Ok((answer != "ok").then_some(answer))
    };
    match run() {
        Ok(None) => Ok(()),
        Ok(Some(answer)) => Err(Trouble::Damaged(format!("it says of itself: {answer}"))),
        Err(error) => {
            let is_damage = matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            );
            let why = error.to_string();
            budget.time()?;
            Err(if is_damage { Trouble::Damaged(why) } else { Trouble::Untold(why) })
        }
    }
}

fn connect(path: &Path, is_beside: bool) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    if is_beside {
        return Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_READ_WRITE);
    }
    let mut address = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        // Every byte that means something in an address is written as a number.
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
            address.push(char::from(*byte));
        } else {
            let _ = write!(address, "%{byte:02x}");
        }
    }
    address.push_str("?immutable=1&mode=ro");
    let flags = flags | OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(address, flags)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn make(path: &Path, mode: &str) -> Connection {
        let connection = Connection::open(path).unwrap();
        let text = format!(
            "PRAGMA journal_mode = {mode}; PRAGMA wal_autocheckpoint = 0; \
             CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); CREATE INDEX i ON t (b); \
             WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) \
             INSERT INTO t SELECT x, 'value ' || x FROM n;"
        );
        connection.execute_batch(&text).unwrap();
        connection
    }

    fn opened(path: &Path) -> Result<(), Trouble> {
        let mut file = File::open(path).unwrap();
        let length = file.metadata().unwrap().len();
        let budget = Budget::new(length, Instant::now() + Duration::from_secs(60));
        open(&mut file, path, length, &budget)
    }

    #[test]
    fn a_flipped_page_is_found_and_nothing_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a?b #%41.db");
        drop(make(&path, "DELETE"));
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(opened(&path), Ok(()));
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        for page in [1, whole.len() / 4096 / 2, whole.len() / 4096 - 1] {
            let mut flipped = whole.clone();
            for byte in &mut flipped[page * 4096..page * 4096 + 200] {
                *byte ^= 0xff;
            }
            std::fs::write(&path, flipped).unwrap();
            assert!(matches!(opened(&path), Err(Trouble::Damaged(_))), "page {page}");
        }
        for cut in [50, 100, 5000, whole.len() - 4096] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(matches!(opened(&path), Err(Trouble::Damaged(_))), "cut at {cut}");
        }
    }

    #[test]
    fn a_log_beside_belongs_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.db");
        let connection = make(&path, "WAL");
        let copy = tempfile::tempdir().unwrap();
        let copied = copy.path().join("live.db");
        std::fs::copy(&path, &copied).unwrap();
        std::fs::copy(beside(&path, "-wal"), beside(&copied, "-wal")).unwrap();
        drop(connection);
        assert_eq!(opened(&copied), Ok(()));
        // Without its log a broken one might be as it was in use: no word on it.
        let mut broken = std::fs::read(&path).unwrap();
        let page = broken.len() / 4096 / 2 * 4096;
        broken[page..page + 200].fill(0xff);
        std::fs::write(&path, broken).unwrap();
        assert!(matches!(opened(&path), Err(Trouble::Untold(_))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn nothing_makes_it_panic(
            changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..40),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.db");
            drop(make(&path, "DELETE"));
            let mut bytes = std::fs::read(&path).unwrap();
            for (at, value) in changes {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            std::fs::write(&path, &bytes).unwrap();
            let _ = opened(&path);
        }
    }
}
