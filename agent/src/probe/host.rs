//! Reads files of the host under a root, with caps and typed errors; nothing escapes the root.
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use evenkeel_config::record::{Failure, FailureKind};
use jiff::Timestamp;
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// More entries of one folder are not listed.
const MOST_ENTRIES: usize = 200_000;

/// Why something of the host could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// It is not there.
    #[error("{path} does not exist")]
    NotFound {
        /// The path, below the root.
        path: String,
    },
    /// We may not.
    #[error("{path} may not be read by the agent's user")]
    PermissionDenied {
        /// The path, below the root.
        path: String,
    },
    /// It is larger than the caller's cap, or a folder has too many entries.
    #[error("{path} is larger than {cap}")]
    TooLarge {
        /// The path, below the root.
        path: String,
        /// The cap in bytes, or entries for a folder.
        cap: usize,
    },
    /// A folder, pipe or device where a file is needed, or the other way round.
    #[error("{path} is not a {wanted}")]
    WrongKind {
        /// The path, below the root.
        path: String,
        /// `file` or `folder`.
        wanted: &'static str,
    },
    /// Anything else, such as a broken disk or a dead network mount.
    #[error("{path} could not be read: {why}")]
    Other {
        /// The path, below the root.
        path: String,
        /// The system's words.
        why: String,
    },
}

impl HostError {
    fn from_errno(path: &str, errno: Errno, wanted: &'static str) -> Self {
        let path = path.to_owned();
        match errno {
            Errno::NOENT => Self::NotFound { path },
            Errno::ACCESS | Errno::PERM => Self::PermissionDenied { path },
            Errno::NOTDIR | Errno::ISDIR => Self::WrongKind { path, wanted },
            other => {
                let why = std::io::Error::from(other).to_string();
                Self::Other { path, why }
            }
        }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        let (kind, advice) = match &error {
            HostError::NotFound { path } => {
                (FailureKind::NotFound, format!("see why {path} is gone, or correct its name"))
            }
            HostError::PermissionDenied { path } => (
                FailureKind::PermissionDenied,
                format!("let the agent's user read {path}, by its group for instance"),
            ),
            HostError::TooLarge { path, .. } => {
                (FailureKind::OutputTooLong, format!("see what fills {path}"))
            }
            HostError::WrongKind { path, wanted } => {
                (FailureKind::Unreadable, format!("name a {wanted} instead of {path}"))
            }
            HostError::Other { path, .. } => {
                (FailureKind::Unreadable, format!("try to read {path} by hand"))
            }
        };
        Self { kind, what: error.to_string(), advice }
    }
}

/// The file system below a root; paths are written as on the host itself.
#[derive(Debug, Clone)]
pub struct Host {
    root: PathBuf,
}

/// What is known about a file without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Size in bytes.
    pub size: u64,
    /// Last change of its content.
    pub modified: Timestamp,
    /// A regular file.
    pub is_file: bool,
    /// A folder.
    pub is_folder: bool,
    /// Permission bits.
    pub mode: u32,
}

impl Host {
    /// The file system below `root`; `/` for the host itself.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The content of a regular file of at most `cap` bytes. Files that state
    /// no size, as in `/proc`, are read to their end or the cap.
    ///
    /// # Errors
    /// See [`HostError`].
    pub fn read(&self, path: &str, cap: usize) -> Result<Vec<u8>, HostError> {
        use std::io::Read;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = self.open(path, flags, "file")?;
        let about = about(path, &opened)?;
        if !about.is_file {
            return Err(HostError::WrongKind { path: path.to_owned(), wanted: "file" });
        }
        let mut bytes = Vec::new();
        let limit = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
        std::fs::File::from(opened).take(limit).read_to_end(&mut bytes).map_err(|error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
            HostError::from_errno(path, errno, "file")
        })?;
        if bytes.len() > cap {
            return Err(HostError::TooLarge { path: path.to_owned(), cap });
        }
        Ok(bytes)
    }

    /// A regular file, opened for reading in pieces.
    ///
    /// # Errors
    /// See [`HostError`].
    pub fn stream(&self, path: &str) -> Result<std::fs::File, HostError> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = self.open(path, flags, "file")?;
        if !about(path, &opened)?.is_file {
            return Err(HostError::WrongKind { path: path.to_owned(), wanted: "file" });
        }
        Ok(opened.into())
    }

    /// Where the path is outside of the root, for tools that know no root.
    pub fn outside(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// As [`Host::read`], as text; bytes that are no UTF-8 become replacement characters.
    ///
    /// # Errors
    /// See [`HostError`].
    pub fn text(&self, path: &str, cap: usize) -> Result<String, HostError> {
        self.read(path, cap).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The names in a folder, sorted; names that are no UTF-8 are left out.
    ///
    /// # Errors
    /// See [`HostError`].
    pub fn list(&self, path: &str) -> Result<Vec<String>, HostError> {
        let opened = self.open(path, OFlags::RDONLY | OFlags::DIRECTORY, "folder")?;
        let fail = |errno| HostError::from_errno(path, errno, "folder");
        let mut names = Vec::new();
        for entry in Dir::read_from(&opened).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
            if names.len() > MOST_ENTRIES {
                return Err(HostError::TooLarge { path: path.to_owned(), cap: MOST_ENTRIES });
            }
        }
        names.sort();
        Ok(names)
    }

    /// What is known about a file or folder, links followed within the root.
    ///
    /// # Errors
    /// See [`HostError`].
    pub fn about(&self, path: &str) -> Result<About, HostError> {
        about(path, &self.open(path, OFlags::PATH, "file")?)
    }

    /// Whether a process of this host runs; nothing where that cannot be seen.
    pub fn process_runs(&self, pid: u32) -> Option<bool> {
        self.exists("/proc/self").then(|| self.exists(&format!("/proc/{pid}")))
    }

    /// Whether something is there; `false` also when it cannot be told.
    pub fn exists(&self, path: &str) -> bool {
        self.about(path).is_ok()
    }

    fn open(&self, path: &str, flags: OFlags, wanted: &'static str) -> Result<OwnedFd, HostError> {
        let flags = flags | OFlags::CLOEXEC;
        let fail = |errno| HostError::from_errno(path, errno, wanted);
        if self.root == Path::new("/") {
            let path = Path::new("/").join(path);
            return rustix::fs::open(path, flags, Mode::empty()).map_err(fail);
        }
        let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(&self.root, folder, Mode::empty()).map_err(fail)?;
        let relative = path.trim_start_matches('/');
        let relative = if relative.is_empty() { "." } else { relative };
        // The kernel resolves links and `..` as if the root were `/`.
        rustix::fs::openat2(root, relative, flags, Mode::empty(), ResolveFlags::IN_ROOT)
            .map_err(fail)
    }
}

fn about(path: &str, opened: &OwnedFd) -> Result<About, HostError> {
    let stat = rustix::fs::fstat(opened).map_err(|e| HostError::from_errno(path, e, "file"))?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    let nanoseconds = i32::try_from(stat.st_mtime_nsec).unwrap_or(0);
    Ok(About {
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified: Timestamp::new(stat.st_mtime, nanoseconds).unwrap_or(Timestamp::UNIX_EPOCH),
        is_file: kind == FileType::RegularFile,
        is_folder: kind == FileType::Directory,
        mode: stat.st_mode & 0o7777,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_below_the_root_only() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("etc")).unwrap();
        std::fs::write(root.join("etc/release"), "inside").unwrap();
        std::fs::write(folder.path().join("release"), "outside").unwrap();
        std::os::unix::fs::symlink("/etc/release", root.join("absolute")).unwrap();
        std::os::unix::fs::symlink("../../../release", root.join("etc/up")).unwrap();
        let host = Host::new(&root);
        assert_eq!(host.text("/etc/release", 100).unwrap(), "inside");
        assert_eq!(host.text("/absolute", 100).unwrap(), "inside");
        assert!(matches!(host.text("/etc/up", 100), Err(HostError::NotFound { .. })));
        assert!(matches!(host.text("../release", 100), Err(HostError::NotFound { .. })));
        assert_eq!(host.list("/").unwrap(), ["absolute", "etc"]);
        assert_eq!(host.about("/etc/release").unwrap().size, 6);
        assert!(host.exists("/etc") && !host.exists("/nothing"));
    }

    #[test]
    fn caps_and_kinds_are_typed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("five"), "12345").unwrap();
        let host = Host::new(folder.path());
        assert_eq!(host.read("/five", 5).unwrap(), b"12345");
        assert!(matches!(host.read("/five", 4), Err(HostError::TooLarge { cap: 4, .. })));
        assert!(matches!(host.read("/", 4), Err(HostError::WrongKind { wanted: "file", .. })));
        assert!(matches!(host.list("/five"), Err(HostError::WrongKind { wanted: "folder", .. })));
        assert!(!Host::new(Path::new("/")).text("/proc/self/status", 1 << 20).unwrap().is_empty());
    }
}
