//! A file of our own in somebody's storage: written there, and attacked as a thief of this
//! login would attack the backups beside it. No other file is ever touched.
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use evenkeel_config::record::{Failure, FailureKind};
use jiff::{SignedDuration, Timestamp};
use rustix::fs::{AtFlags, IFlags, Mode, OFlags, RenameFlags, StatVfsMountFlags};
use rustix::io::Errno;

/// A file of ours is not larger, in bytes.
const LARGEST: u64 = 4096;

/// How our file is told from every other one.
pub struct Mark<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its text at an instant, always of the same length.
    pub text: &'a (dyn Fn(Timestamp) -> String + Sync),
    /// When a text was written; nothing if it is not ours.
    pub written: &'a (dyn Fn(&[u8]) -> Option<Timestamp> + Sync),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attack {
    /// The file is too young: nothing was tried.
    Waits {
        /// When it was written.
        written: Timestamp,
    },
    /// Every way to destroy it was tried.
    Done {
        /// When it was written.
        written: Timestamp,
        /// What was allowed.
        accepted: Vec<&'static str>,
        /// What was refused.
        refused: Vec<&'static str>,
    },
}

/// Writes our file into a folder unless it is there; once it is old enough, tries to
/// overwrite, empty, move and delete it. Blocks.
///
/// # Errors
/// It cannot be told, in words that say why.
pub fn attack(
    folder: &Path,
    mark: &Mark<'_>,
    after: SignedDuration,
    now: Timestamp,
) -> Result<Attack, Failure> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let place = rustix::fs::open(folder, flags, Mode::empty()).map_err(|error| {
        untold(format!("{} cannot be opened: {error}", folder.display()), "correct `folder`")
    })?;
    let target = Target { folder, place: &place, mark };
    let written = match target.find()? {
        Some(written) => written,
        None => {
            target.write(now)?;
            now
        }
    };
    if written.saturating_add(after).unwrap_or(Timestamp::MAX) > now {
        return Ok(Attack::Waits { written });
    }
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    let doubt = target.unprotect(&mut accepted);
    for (what, attempt) in [
        ("overwriting", target.overwrite(now)),
        ("emptying", target.empty(now)),
        ("moving", target.rename()),
        ("deleting", target.delete()),
    ] {
        match attempt {
            Ok(()) => accepted.push(what),
            Err(error) => match target.refusal(what, error) {
                Ok(()) => refused.push(what),
                // What was allowed stands, whatever else came of it.
                Err(_) if !accepted.is_empty() => {}
                Err(failure) => return Err(failure),
            },
        }
    }
    if accepted.is_empty() {
        doubt.map_or(Ok(()), Err)?;
        target.stands(written)?;
    }
    Ok(Attack::Done { written, accepted, refused })
}

struct Target<'a> {
    folder: &'a Path,
    place: &'a OwnedFd,
    mark: &'a Mark<'a>,
}

impl Target<'_> {
    fn path(&self) -> String {
        self.folder.join(self.mark.name).display().to_string()
    }

    fn open(&self, flags: OFlags) -> rustix::io::Result<std::fs::File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::openat(self.place, self.mark.name, flags, Mode::from_raw_mode(0o600))
            .map(Into::into)
    }

    /// When our file was written, if it is there.
    fn find(&self) -> Result<Option<Timestamp>, Failure> {
        let file = match self.open(OFlags::RDONLY) {
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => {
                let what = format!("{} cannot be read: {error}", self.path());
                return Err(untold(what, "let the agent's user read its own file"));
            }
            Ok(file) => file,
        };
        let mut bytes = Vec::new();
        let is_file = file.metadata().is_ok_and(|about| about.is_file() && about.len() <= LARGEST);
        let read = if is_file { file.take(LARGEST).read_to_end(&mut bytes) } else { Ok(0) };
        if let Err(error) = read {
            let what = format!("{} cannot be read: {error}", self.path());
            return Err(untold(what, "see whether its disk or share is well"));
        }
        match (self.mark.written)(&bytes) {
            Some(written) => Ok(Some(written)),
            None => {
                let what =
                    format!("{} is not what the agent wrote, so it is left alone", self.path());
                let advice = "find out who changed it, and remove it: whoever could change it can \
                              change the backups beside it";
                Err(untold(what, advice))
            }
        }
    }

    fn write(&self, now: Timestamp) -> Result<(), Failure> {
        let user = rustix::process::geteuid().as_raw();
        let mut file = self.open(OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL).map_err(|error| {
            let folder = self.folder.display();
            match error {
                Errno::ACCESS | Errno::PERM | Errno::ROFS => untold(
                    format!(
                        "user {user} may write nothing into {folder}: a thief of this login can \
                         delete nothing there, and the login that writes the backups remains \
                         untried"
                    ),
                    "run this as the user that writes the backups, or name a `folder` of the same \
                     storage that this user may write to",
                ),
                _ => untold(
                    format!("no file could be written into {folder}: {error}"),
                    "see whether its disk or share is well and has room",
                ),
            }
        })?;
        let text = (self.mark.text)(now);
        let done = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        done.map_err(|error| {
            // What is half written would be taken for somebody else's next time.
            let _ = self.delete();
            let what = format!("{} could not be written: {error}", self.path());
            untold(what, "see whether its disk or share is well and has room")
        })
    }

    /// Takes protection from our file away, where this user may; or says why a refusal
    /// would prove nothing.
    fn unprotect(&self, accepted: &mut Vec<&'static str>) -> Option<Failure> {
        let mut doubt = None;
        let file = self.open(OFlags::RDONLY).ok()?;
        let protection = IFlags::IMMUTABLE | IFlags::APPEND;
        let flags_of = |flags: rustix::io::Result<IFlags>| flags.unwrap_or(IFlags::empty());
        let flags = flags_of(rustix::fs::ioctl_getflags(&file));
        let is_root = rustix::process::geteuid().is_root();
        if flags.intersects(protection) {
            match rustix::fs::ioctl_setflags(&file, flags - protection) {
                Ok(()) => accepted.push("taking its protection away"),
                Err(_) if is_root => doubt = Some(self.root_may("the file")),
                Err(_) => {}
            }
        }
        let around = flags_of(rustix::fs::ioctl_getflags(self.place));
        if is_root && around.intersects(protection) {
            doubt = Some(self.root_may("the folder"));
        }
        let user = rustix::process::geteuid().as_raw();
        let about = rustix::fs::fstat(self.place).ok();
        let is_own = |about: &rustix::fs::Stat| about.st_uid == user && about.st_mode & 0o200 == 0;
        if !is_root && about.as_ref().is_some_and(is_own) {
            let what = format!(
                "{} refuses its own user, which can allow itself everything",
                self.folder.display()
            );
            doubt = Some(untold(what, "let the folder belong to somebody else"));
        }
        // Our own file is ours to make writable.
        let _ = rustix::fs::fchmod(&file, Mode::from_raw_mode(0o600));
        doubt
    }

    fn root_may(&self, what: &str) -> Failure {
        untold(
            format!(
                "{what} is protected at {}, and root of this host can take the protection away",
                self.folder.display()
            ),
            "run this as the user that writes the backups, if that is not root",
        )
    }

    fn overwrite(&self, now: Timestamp) -> rustix::io::Result<()> {
        let file = self.open(OFlags::WRONLY)?;
        // Still ours afterwards, so that it is known the next time.
        let text = (self.mark.text)(now);
        file.write_all_at(text.as_bytes(), 0)
            .and_then(|()| file.sync_all())
            .map_err(|error| code(&error))
    }

    fn empty(&self, now: Timestamp) -> rustix::io::Result<()> {
        let file = self.open(OFlags::WRONLY)?;
        file.set_len(0).map_err(|error| code(&error))?;
        let text = (self.mark.text)(now);
        // That it was emptied stands, whatever comes of filling it again.
        let _ = file.write_all_at(text.as_bytes(), 0).and_then(|()| file.sync_all());
        Ok(())
    }

    /// Moves it and moves it back.
    fn rename(&self) -> rustix::io::Result<()> {
        let (here, there) = (self.mark.name, format!("{}.moved", self.mark.name));
        let flags = RenameFlags::NOREPLACE;
        let moved = rustix::fs::renameat_with(self.place, here, self.place, &there, flags);
        let moved = match moved {
            // Not every file system knows how not to replace.
            Err(Errno::INVAL | Errno::NOSYS) => {
                let is_free =
                    rustix::fs::statat(self.place, &there, AtFlags::SYMLINK_NOFOLLOW).is_err();
                if !is_free {
                    return Err(Errno::EXIST);
                }
                rustix::fs::renameat(self.place, here, self.place, &there)
            }
            other => other,
        };
        moved?;
        if rustix::fs::renameat(self.place, &there, self.place, here).is_err() {
            let _ = rustix::fs::unlinkat(self.place, &there, AtFlags::empty());
        }
        Ok(())
    }

    fn delete(&self) -> rustix::io::Result<()> {
        rustix::fs::unlinkat(self.place, self.mark.name, AtFlags::empty())
    }

    /// Whether an error means that the storage refused, and not that it is unwell.
    fn refusal(&self, what: &str, error: Errno) -> Result<(), Failure> {
        let is_read_only = || {
            rustix::fs::fstatvfs(self.place)
                .is_ok_and(|about| about.f_flag.contains(StatVfsMountFlags::RDONLY))
        };
        match error {
            Errno::ACCESS | Errno::PERM => Ok(()),
            Errno::ROFS if !is_read_only() => Ok(()),
            Errno::ROFS => Err(untold(
                format!("{} is mounted read-only here, which protects nothing", self.path()),
                "mount it as the host does that writes the backups",
            )),
            _ => Err(untold(
                format!("{what} {} came to no answer: {error}", self.path()),
                "see whether its disk or share is well",
            )),
        }
    }

    /// A file that nobody could destroy is still there as it was.
    fn stands(&self, written: Timestamp) -> Result<(), Failure> {
        if self.find()? == Some(written) {
            return Ok(());
        }
        let what = format!("{} is gone although all was refused", self.path());
        Err(untold(what, "find out who else works in that folder"))
    }
}

fn code(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

fn untold(what: String, advice: &str) -> Failure {
    Failure { kind: FailureKind::Other, what, advice: advice.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-28T12:00:00Z".parse().unwrap()
    }

    fn attacked(folder: &Path, after: i64, now: Timestamp) -> Result<Attack, Failure> {
        let text = |at: Timestamp| format!("ours {at:.0}");
        let written =
            |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.strip_prefix("ours ")?.parse().ok();
        let mark = Mark { name: "own", text: &text, written: &written };
        attack(folder, &mark, SignedDuration::from_hours(after), now)
    }

    #[test]
    fn an_ordinary_folder_allows_everything_and_loses_our_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("theirs"), "data").unwrap();
        let waits = attacked(folder.path(), 1, now()).unwrap();
        assert_eq!(waits, Attack::Waits { written: now() });
        let later = now() + SignedDuration::from_hours(2);
        let Attack::Done { written, accepted, refused } =
            attacked(folder.path(), 1, later).unwrap()
        else {
            panic!("it was old enough")
        };
        assert_eq!((written, refused.len()), (now(), 0));
        assert_eq!(accepted, ["overwriting", "emptying", "moving", "deleting"]);
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        assert_eq!(std::fs::read(folder.path().join("theirs")).unwrap(), b"data");
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own");
        std::fs::write(&file, "somebody's").unwrap();
        assert_eq!(attacked(folder.path(), 0, now()).unwrap_err().kind, FailureKind::Other);
        assert_eq!(std::fs::read(&file).unwrap(), b"somebody's");
        std::fs::remove_file(&file).unwrap();
        let theirs = folder.path().join("theirs");
        std::fs::write(&theirs, format!("ours {:.0}", now())).unwrap();
        std::os::unix::fs::symlink(&theirs, &file).unwrap();
        assert!(attacked(folder.path(), 0, now()).is_err(), "a link is not followed");
        assert!(theirs.exists());
        assert!(attacked(&folder.path().join("none"), 0, now()).is_err());
    }
}
