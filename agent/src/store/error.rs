//! What can go wrong with the store, said so that the reader knows what to do.
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the store cannot be used. What was stored before stays in every case.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or file cannot be made.
    #[error(
        "{}: the data folder cannot be used: {why}\n  hint: name a folder this user may write, \
         as in `--data ~/evenkeel`", path.display()
    )]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// The file cannot be written.
    #[error(
        "{}: the store cannot be written: the file or its folder is read-only\n  hint: give this \
         user the right to write there, or name another folder with `--data`", path.display()
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full.
    #[error(
        "{}: the store cannot grow: the disk is full\n  hint: free some space; evidence that could \
         not be stored is kept in memory and stored as soon as there is room", path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error(
        "{}: the store is damaged: {detail}\n  hint: it is left as it is; move it aside (or put a \
         copy made by `evenkeel-agent store backup` in its place) and start again", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// A newer agent wrote it.
    #[error(
        "{}: the store has version {found}, and this agent knows versions up to {known}\n  hint: \
         use the newer agent that wrote it", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The target of a backup exists.
    #[error("{}: exists already\n  hint: name a new file; a backup never overwrites", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else holds it for too long.
    #[error(
        "{}: the store is held by another program\n  hint: see which with `fuser {}`",
        path.display(), path.display()
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Anything else.
    #[error("{}: the store failed: {why}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
}

impl StoreError {
    pub(super) fn from(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::ReadOnly { path }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, detail }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Other { path, why: detail },
        }
    }

    /// Whether trying again later may help.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::ReadOnly { .. } | Self::Busy { .. })
    }
}
