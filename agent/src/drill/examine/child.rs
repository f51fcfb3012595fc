//! The examiner's side: gives up rights first, then opens one file after the other.
use std::ffi::CString;
use std::fs::File;
use std::io::{BufRead, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::process::Resource;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::census::{self, Content};
use super::format::Trouble;
use super::{Answer, Asked, DamageKind, Order, Seen, open};
use crate::drill::confine::{self, Network};
use crate::drill::tree;

/// The longest question, in bytes.
const LONGEST_QUESTION: u64 = 1 << 20;

/// Open files: the folder, a file and its live twin, and what a database needs.
const OPEN_FILES: u64 = 64;

/// Runs the examiner: an order and questions on the standard input, answers on the output.
pub(in crate::drill) fn main() -> ExitCode {
    match serve() {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

fn serve() -> Option<()> {
    let mut input = std::io::stdin().lock();
    let order: Order = serde_json::from_slice(&line(&mut input)?).ok()?;
    let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(&order.root, folder, Mode::empty()).ok()?;
    say(&Answer::Protected(protect(&order)?))?;
    while let Some(line) = line(&mut input) {
        let asked: Asked = serde_json::from_slice(&line).ok()?;
        let until = Instant::now() + Duration::from_secs(order.seconds_each);
        let look = std::panic::AssertUnwindSafe(|| look(&root, &order.root, &asked, until));
        let seen = std::panic::catch_unwind(look).unwrap_or_else(|_| Seen {
            is_there: true,
            untold: Some("looking at it broke off with an error in the program".to_owned()),
            ..Seen::default()
        });
        say(&Answer::File(seen))?;
    }
    let files = tree::measure(root.as_fd()).ok()?.files;
    say(&Answer::Files(files))
}

/// Gives up what it does not need. Without limits it does not work; what the kernel
/// does not know is said.
fn protect(order: &Order) -> Option<Vec<String>> {
    for (resource, value) in [
        (Resource::Core, 0),
        (Resource::As, order.memory),
        (Resource::Cpu, order.seconds),
        (Resource::Nofile, OPEN_FILES),
    ] {
        confine::limit(resource, value).ok()?;
    }
    let files = confine::leave_files(&order.live, std::slice::from_ref(&order.root));
    let network = confine::leave_network(Network::Nothing);
    let tell = |done: Result<(), String>, what: &str| match done {
        Ok(()) => format!("{what} taken away"),
        Err(why) => format!("{what} not taken away: {why}"),
    };
    Some(vec![
        "memory and processor time limited".to_owned(),
        tell(network, "network and other programs"),
        tell(files, "all other files"),
    ])
}

fn line(input: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    input.take(LONGEST_QUESTION).read_until(b'\n', &mut line).ok()?;
    (!line.is_empty()).then_some(line)
}

fn say(answer: &impl Serialize) -> Option<()> {
    let mut line = serde_json::to_vec(answer).ok()?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line).and_then(|()| out.flush()).ok()
}

fn look(root: &OwnedFd, root_path: &Path, asked: &Asked, until: Instant) -> Seen {
    let mut seen = Seen::default();
    let relative = Path::new(asked.path.trim_start_matches('/'));
    let fault = |kind, why: &str| Some((kind, why.to_owned()));
    let (mut file, stat) = match open_below(root, relative) {
        Ok(Some(opened)) => opened,
        Ok(None) => {
            seen.fault = fault(DamageKind::NotAFile, "something else came back in its place");
            return seen;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            seen.fault = fault(DamageKind::Missing, "it did not come back");
            return seen;
        }
        Err(error) => {
            seen.untold = Some(format!("it cannot be read: {error}"));
            return seen;
        }
    };
    seen.is_there = true;
    seen.bytes = u64::try_from(stat.st_size).unwrap_or(0);
    if let Some(size) = asked.size.filter(|size| *size != seen.bytes) {
        let why = format!("it has {} bytes instead of {size}", seen.bytes);
        seen.fault = Some((DamageKind::Size, why));
    }
    compare(&mut file, asked, &mut seen, until);
    judge(&mut file, &root_path.join(relative), asked, &mut seen, until);
    seen
}

/// Opens a file step by step without following any link; `None` if it is none.
fn open_below(root: &OwnedFd, path: &Path) -> std::io::Result<Option<(File, Stat)>> {
    let mut names = Vec::new();
    for part in path.components() {
        let Component::Normal(name) = part else { return Ok(None) };
        names.push(CString::new(name.as_encoded_bytes())?);
    }
    let Some(last) = names.pop() else { return Ok(None) };
    let mut folder = root.try_clone()?;
    for name in names {
        folder = match tree::open_folder(&folder, &name) {
            // A link, or a file, where a folder should be.
            Err(error) if is_something_else(&error) => return Ok(None),
            other => other?,
        };
    }
    // A pipe must not make us wait.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::openat(&folder, &last, flags, Mode::empty()) {
        Err(error) if is_something_else(&error.into()) => Ok(None),
        opened => regular(opened?),
    }
}

fn is_something_else(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::LOOP, Errno::NOTDIR, Errno::NXIO]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn regular(opened: OwnedFd) -> std::io::Result<Option<(File, Stat)>> {
    let stat = rustix::fs::fstat(&opened)?;
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    Ok(is_file.then(|| (opened.into(), stat)))
}

/// Compares with the sum that was handed over, or with the live file.
fn compare(file: &mut File, asked: &Asked, seen: &mut Seen, until: Instant) {
    let live = match (&asked.sha256, &asked.live) {
        (Some(sum), _) => Some(sum.to_ascii_lowercase()),
        (None, Some(live)) => sum_of_live(live, asked, until),
        (None, None) => None,
    };
    let Some(live) = live else { return };
    let Some(own) = sum_of(file, until) else { return };
    seen.is_compared = true;
    if own != live && seen.fault.is_none() {
        let why = "its content is not what was backed up".to_owned();
        seen.fault = Some((DamageKind::Content, why));
    }
}

fn sum_of(file: &mut File, until: Instant) -> Option<String> {
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    file.seek(SeekFrom::Start(0)).ok()?;
    loop {
        let count = file.read(&mut buffer).ok()?;
        if count == 0 {
            return Some(format!("{:x}", sum.finalize()));
        }
        sum.update(buffer.get(..count)?);
        if Instant::now() >= until {
            return None;
        }
    }
}

/// The sum of the live file, if it is unchanged since the snapshot, before and after.
fn sum_of_live(path: &str, asked: &Asked, until: Instant) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    // Looking must not show as looking; only its owner may ask for that.
    let opened = rustix::fs::open(path, flags | OFlags::NOATIME, Mode::empty())
        .or_else(|_| rustix::fs::open(path, flags, Mode::empty()))
        .ok()?;
    let (mut file, before) = regular(opened).ok()??;
    if !is_as_backed_up(&before, asked) {
        return None;
    }
    let sum = sum_of(&mut file, until)?;
    let after = rustix::fs::fstat(&file).ok()?;
    is_as_backed_up(&after, asked).then_some(sum)
}

fn is_as_backed_up(stat: &Stat, asked: &Asked) -> bool {
    let (Some(size), Some(modified)) = (asked.size, asked.modified) else { return false };
    let nanoseconds = i32::try_from(stat.st_mtime_nsec).unwrap_or(0);
    let Ok(now) = Timestamp::new(stat.st_mtime, nanoseconds) else { return false };
    // Some tools list whole seconds alone.
    let is_same_time = if modified.subsec_nanosecond() == 0 {
        now.as_second() == modified.as_second()
    } else {
        now == modified
    };
    u64::try_from(stat.st_size) == Ok(size) && is_same_time
}

/// What the file is, and whether it opens.
fn judge(file: &mut File, path: &Path, asked: &Asked, seen: &mut Seen, until: Instant) {
    let mut prefix = Vec::new();
    let most = u64::try_from(census::PREFIX).unwrap_or(0);
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(most).read_to_end(&mut prefix));
    if let Err(error) = read {
        seen.untold = Some(format!("it cannot be read: {error}"));
        return;
    }
    let content = Content::of(&prefix);
    content.name().clone_into(&mut seen.content);
    let extension = census::extension(&asked.path);
    seen.suspicion = census::suspicion(&extension, content, &prefix);
    if seen.fault.is_some() {
        return;
    }
    match open::open(content, file, path, seen.bytes, until) {
        None => seen.is_unknown = true,
        Some(Ok(())) => seen.is_opened = true,
        Some(Err(Trouble::Untold(why))) => seen.untold = Some(why),
        // Byte for byte what was backed up, so the backup is not to blame.
        Some(Err(Trouble::Damaged(why))) if seen.is_compared => {
            seen.untold = Some(format!("it is as it was backed up, and {why}"));
        }
        Some(Err(Trouble::Damaged(why))) => {
            seen.fault = Some((DamageKind::Format, format!("as {}: {why}", content.name())));
        }
    }
}
