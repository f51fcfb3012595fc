//! The hash of a live file, if it is still what the snapshot holds.
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use jiff::{SignedDuration, Timestamp};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use super::Listed;

/// SHA-256 of the live file at the listed path. Nothing if it is not there, may
/// not be read, or may have been changed since: size or time of its content
/// differ, or anything about it was changed after the backup began.
pub(super) fn hash(file: &Listed, backup_began: Timestamp) -> Option<String> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let mut live = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).ok()?)
        .open(&file.path)
        .ok()?;
    let before = Stamp::of(&live)?;
    if !before.is_of(file, backup_began) {
        return None;
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0_u8; 256 << 10];
    let mut left = file.size;
    loop {
        let count = live.read(&mut buffer).ok()?;
        if count == 0 {
            break;
        }
        left = left.checked_sub(count as u64)?;
        hash.update(buffer.get(..count)?);
    }
    let is_same = left == 0 && Stamp::of(&live)? == before;
    is_same.then(|| hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What changes when a file does.
#[derive(Debug, PartialEq)]
struct Stamp {
    size: u64,
    content: Timestamp,
    anything: Timestamp,
}

impl Stamp {
    /// Of a regular file.
    fn of(file: &File) -> Option<Self> {
        let about = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let time = |seconds, nanoseconds: i64| {
            Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok()
        };
        Some(Self {
            size: about.len(),
            content: time(about.mtime(), about.mtime_nsec())?,
            anything: time(about.ctime(), about.ctime_nsec())?,
        })
    }

    fn is_of(&self, file: &Listed, backup_began: Timestamp) -> bool {
        // Some tools list whole seconds, or microseconds.
        let is_close = |modified: Timestamp| {
            let apart = self.content.duration_since(modified).abs();
            apart < SignedDuration::from_micros(1)
                || (modified.subsec_nanosecond() == 0 && apart < SignedDuration::from_secs(1))
        };
        self.size == file.size
            && file.modified.is_some_and(is_close)
            && self.anything < backup_began
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_that_nobody_touched_has_a_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        std::fs::write(&path, "abc").unwrap();
        let stamp = Stamp::of(&File::open(&path).unwrap()).unwrap();
        let path = path.display().to_string();
        let listed = Listed { path: path.clone(), size: 3, modified: Some(stamp.content) };
        let later = Timestamp::now() + SignedDuration::from_secs(60);
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash(&listed, later).as_deref(), Some(known));
        let earlier = stamp.anything - SignedDuration::from_secs(1);
        assert_eq!(hash(&listed, earlier), None, "changed after the backup began");
        assert_eq!(hash(&Listed { size: 4, ..listed.clone() }, later), None);
        let other = Some(stamp.content - SignedDuration::from_secs(5));
        assert_eq!(hash(&Listed { modified: other, ..listed.clone() }, later), None);
        assert_eq!(hash(&Listed { modified: None, ..listed.clone() }, later), None);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let link = Listed { path: link.display().to_string(), ..listed };
        assert_eq!(hash(&link, later), None);
    }
}
