//! Trees of folders that somebody else filled: measured and removed without
//! following a link, with bounded memory and few open files.
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// Deeper folders are brought up before they are removed.
const DEEPEST_OPEN: usize = 48;

/// Folders of an honest backup do not nest deeper.
const DEEPEST_MEASURED: usize = 400;

/// What a tree takes up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Bytes on the disk.
    pub(super) bytes: u64,
    /// Files, links and folders.
    pub(super) entries: u64,
    /// Regular files.
    pub(super) files: u64,
}

/// Opens a folder below another; a link in its place is an error.
///
/// # Errors
/// It is not there, no folder, or not for us.
pub(super) fn open_folder(parent: impl AsFd, name: &CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(parent, name, flags, Mode::empty())?)
}

/// Opens a folder even if its mode keeps us out, which is changed then.
fn force_open(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<OwnedFd> {
    let opened = match open_folder(parent, name) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let handle = rustix::fs::openat(parent, name, flags, Mode::empty())?;
            // Through the handle, so that no link put in its place is followed.
            let way = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&handle));
            rustix::fs::chmod(way, Mode::RWXU)?;
            open_folder(parent, name)?
        }
        other => other?,
    };
    let stat = rustix::fs::fstat(&opened)?;
    if stat.st_mode & 0o700 != 0o700 {
        rustix::fs::fchmod(&opened, Mode::RWXU)?;
    }
    Ok(opened)
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

/// Removes everything within a folder, which itself stays. Folders without
/// permissions are opened first; other file systems below are left and are an error.
///
/// # Errors
/// Something could not be removed; as much as possible is gone.
pub(super) fn empty(folder: BorrowedFd<'_>) -> io::Result<()> {
    let device = rustix::fs::fstat(folder)?.st_dev;
    let mut raised = 0_u64;
    let mut failed = None;
    loop {
        let before = raised;
        if let Err(error) = pass(folder, device, &mut raised) {
            failed = Some(error);
        }
        // What was brought up lies in the folder itself now, for the next pass.
        if raised == before {
            break;
        }
        failed = None;
    }
    failed.map_or(Ok(()), Err)
}

struct Level {
    entries: Dir,
    folder: OwnedFd,
    name: CString,
}

impl Level {
    fn new(folder: OwnedFd, name: CString) -> io::Result<Self> {
        Ok(Self { entries: Dir::read_from(&folder)?, folder, name })
    }
}

fn pass(base: BorrowedFd<'_>, device: u64, raised: &mut u64) -> io::Result<()> {
    let mut levels = vec![Level::new(base.try_clone_to_owned()?, CString::default())?];
    let mut failed = Ok(());
    while let Some(level) = levels.last_mut() {
        let Some(entry) = level.entries.read() else {
            let done = levels.pop();
            if let (Some(done), Some(above)) = (done, levels.last()) {
                let removed = rustix::fs::unlinkat(&above.folder, &done.name, AtFlags::REMOVEDIR);
                if let Err(error) = removed
                    && failed.is_ok()
                {
                    failed = Err(error.into());
                }
            }
            continue;
        };
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                failed = Err(error.into());
                levels.pop();
                continue;
            }
        };
        let name = entry.file_name();
        if is_dots(name) {
            continue;
        }
        let depth = levels.len();
        let step = enter(&levels, base, device, name, depth >= DEEPEST_OPEN, raised);
        match step {
            Ok(Some(folder)) => levels.push(Level::new(folder, name.to_owned())?),
            Ok(None) => {}
            Err(error) => failed = Err(error),
        }
    }
    failed
}

/// Removes one entry, or opens it if it is a folder with something in it.
fn enter(
    levels: &[Level],
    base: BorrowedFd<'_>,
    device: u64,
    name: &CStr,
    is_deep: bool,
    raised: &mut u64,
) -> io::Result<Option<OwnedFd>> {
    let Some(level) = levels.last() else { return Ok(None) };
    let parent = level.folder.as_fd();
    let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        rustix::fs::unlinkat(parent, name, AtFlags::empty())?;
        return Ok(None);
    }
    if stat.st_dev != device {
        return Err(io::Error::other("another file system is mounted in there"));
    }
    if rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR).is_ok() {
        return Ok(None);
    }
    let folder = force_open(parent, name)?;
    if !is_deep {
        return Ok(Some(folder));
    }
    loop {
        *raised += 1;
        match rustix::fs::renameat(parent, name, base, format!(".raised-{raised}")) {
            // Somebody else took that name, or the folder is one that was brought up.
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR | Errno::ISDIR) => {}
            done => return Ok(done.map(|()| None)?),
        }
    }
}

/// Adds up a tree. What vanishes meanwhile is not counted, and folders that may
/// not be read count as one entry.
///
/// # Errors
/// Folders nest deeper than any honest backup's.
pub(super) fn measure(folder: BorrowedFd<'_>) -> io::Result<Size> {
    let mut size = Size::default();
    // Open files are few, names are kept for the way down alone.
    let mut levels = vec![Dir::read_from(folder)?];
    while let Some(level) = levels.last_mut() {
        let Some(Ok(entry)) = level.read() else {
            levels.pop();
            continue;
        };
        let name = entry.file_name();
        if is_dots(name) {
            continue;
        }
        let parent = level.fd()?;
        let Ok(stat) = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        size.entries += 1;
        let blocks = u64::try_from(stat.st_blocks).unwrap_or(0);
        size.bytes = size.bytes.saturating_add(blocks.saturating_mul(512));
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => size.files += 1,
            FileType::Directory => {
                let Ok(below) = open_folder(parent, name) else { continue };
                if levels.len() >= DEEPEST_MEASURED {
                    return Err(io::Error::other("its folders nest too deep"));
                }
                levels.push(Dir::new(below)?);
            }
            _ => {}
        }
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn removes_what_is_closed_deep_or_linked_and_nothing_else() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("keep"), "kept").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::os::unix::fs::symlink(outside.path(), at.join("link")).unwrap();
        std::fs::create_dir_all(at.join("closed/inner")).unwrap();
        std::fs::write(at.join("closed/inner/file"), "x").unwrap();
        for closed in ["closed/inner", "closed"] {
            let mode = std::fs::Permissions::from_mode(0o000);
            std::fs::set_permissions(at.join(closed), mode).unwrap();
        }
        // Deeper than a path may be long: made step by step.
        let mut deep = std::fs::File::open(at).unwrap().into();
        for _ in 0..3000 {
            let name = c"a-name-of-some-length";
            rustix::fs::mkdirat(&deep, name, Mode::RWXU).unwrap();
            deep = open_folder(&deep, name).unwrap();
        }
        rustix::fs::symlinkat(outside.path(), &deep, c"link").unwrap();
        drop(deep);
        let opened = std::fs::File::open(at).unwrap();
        assert!(measure(opened.as_fd()).is_err(), "so deep is not measured");
        empty(opened.as_fd()).unwrap();
        assert_eq!(std::fs::read_dir(at).unwrap().count(), 0);
        assert_eq!(std::fs::read_to_string(outside.path().join("keep")).unwrap(), "kept");
    }

    #[test]
    fn measures_without_following() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("big"), vec![1; 4 << 20]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::fs::write(folder.path().join("sub/file"), vec![1; 100_000]).unwrap();
        let opened = std::fs::File::open(folder.path()).unwrap();
        let size = measure(opened.as_fd()).unwrap();
        assert_eq!((size.entries, size.files), (3, 1));
        assert!((100_000..1_000_000).contains(&size.bytes), "{size:?}");
    }
}
