//! The scratch folder of drills: one at a time, away from what is backed up,
//! within a quota, and empty again afterwards whatever happened.
use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evenkeel_config::quantity::Rate;
use evenkeel_config::record::{Failure, FailureKind};
use rustix::fs::{FlockOperation, Mode, OFlags};

use super::{Room, tree};
use crate::probe::process;

/// Name of the file that keeps a second drill out.
const LOCK: &str = "lock";

/// Folders of single drills begin with this; nothing else is ever removed.
const RUN: &str = "run-";

/// Programs that back up with caches left out pass this folder by.
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// First line of the tag, by the specification of cache folders.
const CACHE_TAG_TEXT: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # Scratch folder of restore drills: emptied after each drill.\n";

/// Room asked for beyond the plan: file systems need some for themselves.
const SPARE: f64 = 1.2;

/// How often free room is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Measuring a tree may take this part of the time.
const MEASURE_SHARE: u32 = 20;

/// The longest pause between two measurements.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a drill may take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Bytes on the disk, cache included.
    pub bytes: u64,
    /// Files and folders, cache included.
    pub files: u64,
    /// Bytes that stay free for everybody else.
    pub keep_free: u64,
}

impl Quota {
    /// What stays free unless told otherwise, in bytes.
    pub const KEEP_FREE: u64 = 512 << 20;

    /// A quota that leaves [`Quota::KEEP_FREE`].
    pub fn new(bytes: u64, files: u64) -> Self {
        Self { bytes, files, keep_free: Self::KEEP_FREE }
    }
}

/// The scratch folder while one drill uses it. Dropped, it is emptied, and every
/// process of the drill is ended.
#[derive(Debug)]
pub struct Sandbox {
    folder: PathBuf,
    opened: File,
    quota: Quota,
    /// Held until everything is gone.
    _lock: File,
}

impl Sandbox {
    /// Makes the scratch folder, takes its lock, sweeps what crashed drills left,
    /// and makes an empty folder for this one.
    ///
    /// # Errors
    /// [`FailureKind::Locked`] while another drill uses it; [`FailureKind::Other`] if it
    /// lies in, or holds, one of the folders in `away_from`; the system refuses.
    pub fn open(base: &Path, away_from: &[PathBuf], quota: Quota) -> Result<Self, Failure> {
        let resolved = resolve(base).map_err(|error| refused(base, &error))?;
        for other in away_from {
            keep_apart(&resolved, other)?;
        }
        let opened = make_base(&resolved)?;
        let lock = lock(&resolved)?;
        sweep(&resolved, &opened)?;
        let name = format!("{RUN}{}", std::process::id());
        let folder = resolved.join(&name);
        let made = (|| {
            for path in [folder.clone(), folder.join("files"), folder.join("cache")] {
                std::fs::DirBuilder::new().mode(0o700).create(path)?;
            }
            open_real_folder(&folder)
        })();
        let opened = made.map_err(|error| refused(&folder, &error))?;
        Ok(Self { folder, opened, quota, _lock: lock })
    }

    /// The folder of this drill, which marks its processes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where restored files go.
    pub fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// Where a tool keeps its cache.
    pub fn cache(&self) -> PathBuf {
        self.folder.join("cache")
    }

    /// The room that a drill gets.
    pub fn room(&self, until: Instant, bandwidth: Option<Rate>) -> Room {
        Room { folder: self.files(), cache: self.cache(), until, bandwidth }
    }

    /// Whether this much fits into the quota and onto the disk, with a fifth to spare.
    ///
    /// # Errors
    /// [`FailureKind::NoSpace`], with what is asked and what there is.
    pub fn fits(&self, bytes: u64, files: u64) -> Result<(), Failure> {
        let wanted = with_spare(bytes);
        if bytes > self.quota.bytes || files > self.quota.files {
            return Err(no_space(format!(
                "a drill of {bytes} bytes in {files} files is more than its quota of {} bytes in {} files",
                self.quota.bytes, self.quota.files
            )));
        }
        let (free, free_files) = self.free()?;
        let usable = free.saturating_sub(self.quota.keep_free);
        if wanted > usable {
            return Err(no_space(format!(
                "a drill of {bytes} bytes needs {wanted} bytes in {}, and {usable} of {free} free bytes may be used",
                self.folder.display()
            )));
        }
        if free_files.is_some_and(|free| with_spare(files) > free) {
            return Err(no_space(format!(
                "a drill of {files} files needs more files than {} has left",
                self.folder.display()
            )));
        }
        Ok(())
    }

    /// Runs `work` and watches what it writes. It is dropped, which ends its
    /// processes, as soon as it passes the quota or the disk gets full.
    ///
    /// # Errors
    /// What `work` says, or [`FailureKind::NoSpace`].
    pub async fn guarded<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            failure = self.overflow() => Err(failure),
            done = work => done,
        }
    }

    /// Empties both folders, for the next part of the drill.
    ///
    /// # Errors
    /// Something could not be removed.
    pub fn clear(&self) -> Result<(), Failure> {
        for folder in [self.files(), self.cache()] {
            clear(&folder).map_err(|error| refused(&folder, &error))?;
        }
        Ok(())
    }

    /// Ends every process of this drill and removes its folder.
    ///
    /// # Errors
    /// Something could not be removed; the next drill tries again.
    pub fn purge(mut self) -> Result<(), Failure> {
        self.remove().map_err(|error| refused(&self.folder, &error))
    }

    fn remove(&mut self) -> io::Result<()> {
        process::end_marked(&self.folder);
        tree::empty(self.opened.as_fd())?;
        match std::fs::remove_dir(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Free bytes, and free files where the file system counts them.
    fn free(&self) -> Result<(u64, Option<u64>), Failure> {
        let stat = rustix::fs::fstatvfs(&self.opened)
            .map_err(|error| refused(&self.folder, &error.into()))?;
        let files = (stat.f_files > 0).then_some(stat.f_favail);
        Ok((stat.f_bavail.saturating_mul(stat.f_frsize), files))
    }

    /// Ends when more is written than may be.
    async fn overflow(&self) -> Failure {
        let mut next = Instant::now();
        loop {
            match self.free() {
                Err(failure) => return failure,
                Ok((free, _)) if free < self.quota.keep_free => {
                    return no_space(format!(
                        "the drill was stopped: {free} bytes are left in {}, and {} have to stay free",
                        self.folder.display(),
                        self.quota.keep_free
                    ));
                }
                Ok(_) => {}
            }
            if Instant::now() >= next {
                let began = Instant::now();
                if let Some(failure) = self.over_quota().await {
                    return failure;
                }
                next = Instant::now() + (began.elapsed() * MEASURE_SHARE).min(LONGEST_PAUSE);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn over_quota(&self) -> Option<Failure> {
        let opened = match self.opened.try_clone() {
            Ok(opened) => opened,
            Err(error) => return Some(refused(&self.folder, &error)),
        };
        let measured = tokio::task::spawn_blocking(move || tree::measure(opened.as_fd())).await;
        let size = match measured {
            Ok(Ok(size)) => size,
            Ok(Err(error)) => return Some(refused(&self.folder, &error)),
            // The program ends.
            Err(_) => return None,
        };
        let over = size.bytes > self.quota.bytes || size.entries > self.quota.files;
        over.then(|| {
            no_space(format!(
                "the drill was stopped: it wrote {} bytes in {} files, and its quota is {} bytes in {} files",
                size.bytes, size.entries, self.quota.bytes, self.quota.files
            ))
        })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // What cannot be removed now is swept before the next drill.
        let _ = self.remove();
    }
}

/// Removes everything within a folder of a drill; the folder stays.
///
/// # Errors
/// Something could not be removed.
pub fn clear(folder: &Path) -> io::Result<()> {
    tree::empty(open_real_folder(folder)?.as_fd())
}

fn with_spare(amount: u64) -> u64 {
    (amount as f64 * SPARE).ceil() as u64
}

fn no_space(what: String) -> Failure {
    Failure {
        kind: FailureKind::NoSpace,
        what,
        advice: "make room, raise the drill's quota, or set `scratch` to a folder on a larger disk"
            .to_owned(),
    }
}

fn refused(at: &Path, error: &io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            FailureKind::PermissionDenied
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FailureKind::NoSpace,
        _ => FailureKind::Other,
    };
    Failure {
        kind,
        what: format!("the scratch folder of drills {} cannot be used: {error}", at.display()),
        advice:
            "set `scratch` to a folder of the agent's user alone, or to one that is not there yet"
                .to_owned(),
    }
}

/// The path without links, also of what is not there yet.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let is_plain = |part| !matches!(part, std::path::Component::ParentDir);
    if !path.is_absolute() || !path.components().all(is_plain) {
        return Err(io::Error::other("it is no absolute path"));
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::other("it is the root"));
    };
    // The last part itself must be no link, so it is not resolved.
    let parent = match parent.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => resolve(parent)?,
        other => other?,
    };
    Ok(parent.join(name))
}

/// Refuses a scratch folder in, or around, a folder that is backed up or a repository.
fn keep_apart(scratch: &Path, other: &Path) -> Result<(), Failure> {
    let resolved = other.canonicalize().unwrap_or_else(|_| other.to_owned());
    let relation = if scratch.starts_with(&resolved) || is_same_above(scratch, &resolved) {
        "lies in"
    } else if resolved.starts_with(scratch) || is_same_above(&resolved, scratch) {
        "holds"
    } else {
        return Ok(());
    };
    Err(Failure {
        kind: FailureKind::Other,
        what: format!(
            "the scratch folder of drills {} {relation} {}, so each drill would end up in the next backup or damage it",
            scratch.display(),
            other.display()
        ),
        advice: "set `scratch` to a folder outside of what is backed up and of the repository"
            .to_owned(),
    })
}

/// Whether one of the folders above a path is this very folder under another name,
/// as with bind mounts.
fn is_same_above(path: &Path, folder: &Path) -> bool {
    let identity = |path: &Path| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.dev(), about.ino()))
    };
    let Some(wanted) = identity(folder) else { return false };
    path.ancestors().any(|above| identity(above) == Some(wanted))
}

fn open_real_folder(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

/// Makes the folder of all drills, or takes the one that is there if it is ours.
fn make_base(base: &Path) -> Result<File, Failure> {
    let made = (|| {
        if let Some(parent) = base.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        match std::fs::DirBuilder::new().mode(0o700).create(base) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let opened = open_real_folder(base)?;
        let about = opened.metadata()?;
        if about.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::Error::other("it belongs to somebody else"));
        }
        // Not changed: it may be a folder of somebody who named the wrong one.
        if about.mode() & 0o077 != 0 {
            return Err(io::Error::other("others may look into it: its mode has to be 700"));
        }
        Ok(opened)
    })();
    made.map_err(|error| refused(base, &error))
}

fn lock(base: &Path) -> Result<File, Failure> {
    let path = base.join(LOCK);
    let opened = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&path)
        .map_err(|error| refused(&path, &error))?;
    match rustix::fs::flock(&opened, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(opened),
        Err(error) if error == rustix::io::Errno::WOULDBLOCK => Err(Failure {
            kind: FailureKind::Locked,
            what: format!("another drill runs in {}", base.display()),
            advice: "wait until it has ended: there is one drill at a time".to_owned(),
        }),
        Err(error) => Err(refused(&path, &error.into())),
    }
}

/// Ends what is left of crashed drills, and removes their folders and nothing else.
fn sweep(base: &Path, opened: &File) -> Result<(), Failure> {
    let swept = (|| {
        if !base.join(CACHE_TAG).exists() {
            std::fs::write(base.join(CACHE_TAG), CACHE_TAG_TEXT)?;
        }
        process::end_marked(base);
        for entry in std::fs::read_dir(base)? {
            let entry = entry?;
            let is_run = entry.file_name().as_encoded_bytes().starts_with(RUN.as_bytes());
            if !is_run || !entry.file_type()?.is_dir() {
                continue;
            }
            let mode = std::fs::symlink_metadata(entry.path())?.mode();
            if mode & 0o700 != 0o700 {
                std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(0o700))?;
            }
            clear(&entry.path())?;
            std::fs::remove_dir(entry.path())?;
        }
        opened.sync_all()
    })();
    swept.map_err(|error| refused(base, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota() -> Quota {
        Quota { bytes: 4 << 20, files: 100, keep_free: 0 }
    }

    fn kind_of<T>(result: Result<T, Failure>) -> Option<FailureKind> {
        result.err().map(|failure| failure.kind)
    }

    #[test]
    fn one_drill_at_a_time_and_nothing_left() {
        let data = tempfile::tempdir().unwrap();
        let base = data.path().join("state/scratch");
        let first = Sandbox::open(&base, &[], quota()).unwrap();
        assert_eq!(std::fs::metadata(&base).unwrap().mode() & 0o777, 0o700);
        std::fs::write(first.files().join("restored"), "x").unwrap();
        assert_eq!(kind_of(Sandbox::open(&base, &[], quota())), Some(FailureKind::Locked));
        let folder = first.folder().to_owned();
        assert!(folder.join("cache").is_dir());
        first.purge().unwrap();
        assert!(!folder.exists());
        // As after a crash: a folder nobody holds, next to one that is not ours.
        std::fs::create_dir_all(base.join("run-1/files/a")).unwrap();
        std::fs::create_dir(base.join("photos")).unwrap();
        let closed = std::fs::Permissions::from_mode(0o000);
        std::fs::set_permissions(base.join("run-1/files/a"), closed).unwrap();
        let second = Sandbox::open(&base, &[], quota()).unwrap();
        assert!(!base.join("run-1").exists() && base.join("photos").exists());
        drop(second);
        let mut left: Vec<_> =
            std::fs::read_dir(&base).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["CACHEDIR.TAG", "lock", "photos"]);
    }

    #[test]
    fn stays_away_from_sources_and_repositories() {
        let data = tempfile::tempdir().unwrap();
        let source = data.path().join("srv");
        std::fs::create_dir_all(source.join("home")).unwrap();
        std::os::unix::fs::symlink(&source, data.path().join("alias")).unwrap();
        let open = |base: &str, away: &str| {
            let away = [data.path().join(away)];
            Sandbox::open(&data.path().join(base), &away, quota())
        };
        for (base, away) in [
            ("srv/home/scratch", "srv"),
            ("alias/home/new/scratch", "srv"),
            ("srv/scratch", "alias"),
            ("srv", "srv/home"),
            ("srv", "srv"),
        ] {
            assert_eq!(kind_of(open(base, away)), Some(FailureKind::Other), "{base} {away}");
        }
        assert!(!source.join("home/scratch").exists(), "a refusal leaves nothing behind");
        assert!(open("srv-2", "srv").is_ok(), "a like name is no folder within");
        // The last part is no link, and nobody else looks in.
        assert_eq!(kind_of(open("alias", "nothing")), Some(FailureKind::Other));
        let wide = data.path().join("wide");
        std::fs::create_dir(&wide).unwrap();
        std::fs::set_permissions(&wide, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(kind_of(open("wide", "nothing")), Some(FailureKind::Other));
        assert_eq!(std::fs::metadata(&wide).unwrap().mode() & 0o777, 0o755);
        assert!(open("relative/../up", "nothing").is_err());
    }

    #[test]
    fn asks_for_room_before() {
        let data = tempfile::tempdir().unwrap();
        let base = data.path().join("scratch");
        let sandbox = Sandbox::open(&base, &[], quota()).unwrap();
        sandbox.fits(4 << 20, 100).unwrap();
        assert_eq!(kind_of(sandbox.fits((4 << 20) + 1, 1)), Some(FailureKind::NoSpace));
        assert_eq!(kind_of(sandbox.fits(1, 101)), Some(FailureKind::NoSpace));
        drop(sandbox);
        let wide = Quota { bytes: u64::MAX, files: u64::MAX, keep_free: 0 };
        let sandbox = Sandbox::open(&base, &[], wide).unwrap();
        let (free, _) = sandbox.free().unwrap();
        assert_eq!(kind_of(sandbox.fits(free / 10 * 9, 1)), Some(FailureKind::NoSpace));
        drop(sandbox);
        let all_kept = Quota { keep_free: u64::MAX, ..wide };
        let sandbox = Sandbox::open(&base, &[], all_kept).unwrap();
        assert_eq!(kind_of(sandbox.fits(1, 1)), Some(FailureKind::NoSpace));
    }

    #[tokio::test]
    async fn ends_who_writes_too_much() {
        let data = tempfile::tempdir().unwrap();
        let base = data.path().join("scratch");
        let sandbox = Sandbox::open(&base, &[], quota()).unwrap();
        assert_eq!(sandbox.guarded(async { Ok(7) }).await, Ok(7));
        let endless = std::future::pending::<Result<(), Failure>>;
        std::fs::write(sandbox.files().join("big"), vec![7; 5 << 20]).unwrap();
        assert_eq!(kind_of(sandbox.guarded(endless()).await), Some(FailureKind::NoSpace));
        sandbox.clear().unwrap();
        for number in 0..101 {
            std::fs::write(sandbox.files().join(number.to_string()), "").unwrap();
        }
        assert_eq!(kind_of(sandbox.guarded(endless()).await), Some(FailureKind::NoSpace));
        drop(sandbox);
        let floor = Quota { keep_free: u64::MAX, ..quota() };
        let sandbox = Sandbox::open(&base, &[], floor).unwrap();
        assert_eq!(kind_of(sandbox.guarded(endless()).await), Some(FailureKind::NoSpace));
    }
}
