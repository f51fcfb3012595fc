//! Where the programs of each major version of PostgreSQL are.
use std::path::{Path, PathBuf};

use evenkeel_config::record::{Failure, FailureKind};

use crate::probe::tool::{Tool, ToolError};

/// Where distributions put the programs, by major version in place of `*`.
const FOLDERS: &[(&str, &str)] =
    &[("/usr/lib/postgresql", "bin"), ("/usr", "bin"), ("/usr/local", "bin")];

/// The programs of one major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The major version.
    pub major: u32,
    folder: PathBuf,
}

impl Programs {
    /// Those of a major version; `folder` instead of the usual places if given.
    ///
    /// # Errors
    /// [`FailureKind::ToolVersion`]: it cannot be tested here.
    pub fn of(major: u32, folder: Option<&Path>) -> Result<Self, Failure> {
        if let Some(folder) = folder {
            return Ok(Self { major, folder: folder.to_owned() });
        }
        let found = installed().into_iter().find(|one| one.major == major);
        found.ok_or_else(|| Failure {
            kind: FailureKind::ToolVersion,
            what: format!(
                "the programs of PostgreSQL {major} are not installed, so nobody can tell whether \
                 it opens this backup"
            ),
            advice: format!("install postgresql-{major} on this host, or name its folder in `bin`"),
        })
    }

    /// One of the programs.
    ///
    /// # Errors
    /// [`ToolError::Missing`].
    pub fn tool(&self, name: &str) -> Result<Tool, ToolError> {
        Tool::find(name, Some(&self.path(name)))
    }

    /// Where one of the programs is, or would be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The newest version that has this program, since newer ones read what older ones wrote.
pub fn newest(program: &str, folder: Option<&Path>) -> Option<Programs> {
    if let Some(folder) = folder {
        return Some(Programs { major: 0, folder: folder.to_owned() });
    }
    let mut all = installed();
    all.sort_by_key(|one| std::cmp::Reverse(one.major));
    all.into_iter().find(|one| one.path(program).is_file())
}

/// Every version with a folder of its own.
fn installed() -> Vec<Programs> {
    let mut found = Vec::new();
    for (base, below) in FOLDERS {
        let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let major = name.strip_prefix("pgsql-").unwrap_or(&name).parse().ok();
            let folder = entry.path().join(below);
            if let Some(major) = major.filter(|_| folder.is_dir()) {
                found.push(Programs { major, folder });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_is_not_here_cannot_be_tested() {
        let failure = Programs::of(7, None).unwrap_err();
        assert_eq!(failure.kind, FailureKind::ToolVersion);
        assert!(failure.kind.is_unknown());
        let named = Programs::of(7, Some(Path::new("/opt/pg/bin"))).unwrap();
        assert_eq!(named.path("psql"), Path::new("/opt/pg/bin/psql"));
    }
}
