//! A repository on this host that borg may open without touching it: a folder of links.
//!
//! Even when it only lists, borg rewrites an index that is missing or out of
//! date, and may then throw segments away. In a folder that holds links to the
//! repository's files, whatever it writes or removes is ours.
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::Duration;

use evenkeel_config::record::{Failure, FailureKind};
use jiff::Timestamp;
use rustix::fs::{FlockOperation, Mode, OFlags};

use crate::backup::{LockSeen, LocksSeen};
use crate::probe::host::{Host, HostError};

/// More segments are not linked; a terabyte has about 2,000.
const MOST_SEGMENTS: usize = 500_000;

/// A repository's configuration has a key of a few hundred bytes in it.
const LARGEST_CONFIG: usize = 64 << 10;

/// A folder is held at once when it is made, or its process hangs.
const HELD_WITHIN: Duration = Duration::from_secs(60);

/// The list of segments in use takes a few bytes for each.
const LARGEST_HINTS: usize = 64 << 20;

/// What can be read in a repository's folder without borg and without its key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OnDisk {
    /// The repository's id.
    pub id: String,
    /// Whether its own settings refuse to delete.
    pub append_only: bool,
    /// Whether the key lies in it.
    pub has_key: bool,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Segments that its list of segments in use names and that are not there.
    pub missing_segments: u64,
    /// Who holds it.
    pub locks: Option<LocksSeen>,
}

impl OnDisk {
    /// Who works on the repository now, as far as can be told.
    pub fn at_work(&self) -> Option<&LockSeen> {
        self.locks.as_ref()?.worst.as_ref().filter(|lock| !lock.is_dead)
    }
}

/// Links every file of the repository into an empty folder, and tells what the
/// files say by themselves.
///
/// # Errors
/// There is no repository, or it may not be read.
pub(super) fn make(
    repository: &str,
    into: &Path,
    root: &Path,
    now: Timestamp,
) -> Result<OnDisk, Failure> {
    let host = Host::new(Path::new("/"));
    let mut seen = read_config(&host, repository)?;
    let broken = |error: std::io::Error| Failure {
        kind: if error.raw_os_error() == Some(28) {
            FailureKind::NoSpace
        } else {
            FailureKind::Internal
        },
        what: format!("the folder for the look could not be made: {error}"),
        advice: "see whether the agent's own folder can be written and has room".to_owned(),
    };
    let link =
        |name: &str| symlink(Path::new(repository).join(name), into.join(name)).map_err(broken);
    let names = host.list(repository).map_err(Failure::from)?;
    for name in names.iter().filter(|name| is_own_file(name)) {
        link(name)?;
    }
    std::fs::create_dir(into.join("data")).map_err(broken)?;
    let mut segments: BTreeMap<u64, u64> = BTreeMap::new();
    let data = format!("{repository}/data");
    for folder in absent_is_empty(host.list(&data))? {
        if !is_number(&folder) {
            continue;
        }
        std::fs::create_dir(into.join("data").join(&folder)).map_err(broken)?;
        for segment in host.list(&format!("{data}/{folder}")).map_err(Failure::from)? {
            let Ok(number) = segment.parse::<u64>() else { continue };
            link(&format!("data/{folder}/{segment}"))?;
            let about = host.about(&format!("{data}/{folder}/{segment}"));
            segments.insert(number, about.map_or(0, |about| about.size));
            if segments.len() > MOST_SEGMENTS {
                return Err(Failure {
                    kind: FailureKind::OutputTooLong,
                    what: format!("the repository has more than {MOST_SEGMENTS} segments"),
                    advice: "run `borg compact` on it".to_owned(),
                });
            }
        }
    }
    seen.bytes = segments.values().sum();
    seen.missing_segments = missing(&host, repository, &names, &segments);
    seen.locks = Some(locks(&host, repository, root, now));
    Ok(seen)
}

fn absent_is_empty(names: Result<Vec<String>, HostError>) -> Result<Vec<String>, Failure> {
    match names {
        Err(HostError::NotFound { .. }) => Ok(Vec::new()),
        other => other.map_err(Failure::from),
    }
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())
}

/// Everything but the data and the locks.
fn is_own_file(name: &str) -> bool {
    let stem =
        name.split_once('.').map_or(name, |(stem, rest)| if is_number(rest) { stem } else { "" });
    matches!(stem, "config" | "README" | "nonce" | "index" | "hints" | "integrity")
}

/// What a repository says of itself in its `config`.
fn read_config(host: &Host, repository: &str) -> Result<OnDisk, Failure> {
    let text = match host.text(&format!("{repository}/config"), LARGEST_CONFIG) {
        Ok(text) => text,
        Err(HostError::NotFound { .. }) => {
            let what = if host.exists(repository) {
                format!("there is no repository in {repository}: it has no `config`")
            } else {
                format!("there is no repository: {repository} does not exist")
            };
            let advice = "see whether its disk is mounted, or correct `repository`".to_owned();
            return Err(Failure { kind: FailureKind::NotFound, what, advice });
        }
        Err(error) => return Err(error.into()),
    };
    Ok(config(&text))
}

/// Reads the lines of a `config`.
pub fn config(text: &str) -> OnDisk {
    let mut seen = OnDisk::default();
    for line in text.lines() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        match name.trim() {
            "id" => seen.id = value.chars().take(64).collect(),
            "append_only" => {
                let value = value.to_ascii_lowercase();
                seen.append_only = matches!(value.as_str(), "1" | "yes" | "true" | "on");
            }
            "key" => seen.has_key = !value.is_empty(),
            _ => {}
        }
    }
    seen
}

/// Segments that borg counts on and that are gone. Gaps in their numbers are
/// usual, so borg's own list of segments in use is compared.
fn missing(host: &Host, repository: &str, names: &[String], there: &BTreeMap<u64, u64>) -> u64 {
    let number = |name: &String| name.strip_prefix("hints.")?.parse::<u64>().ok();
    let Some(newest) = names.iter().filter_map(number).max() else { return 0 };
    let Ok(bytes) = host.read(&format!("{repository}/hints.{newest}"), LARGEST_HINTS) else {
        return 0;
    };
    let used = segments_in_use(&bytes).unwrap_or_default();
    // The segment that ends the last transaction holds nothing, and yet without
    // it borg quietly goes back to the transaction before.
    let needed = used.into_iter().chain([newest]);
    needed.filter(|segment| !there.contains_key(segment)).count() as u64
}

/// The segments in use, from a `hints` file: MessagePack, a map whose entry
/// `segments` maps each segment to the number of things in it.
pub fn segments_in_use(bytes: &[u8]) -> Option<Vec<u64>> {
    let mut reader = Reader { bytes };
    for _ in 0..reader.map()? {
        let key = reader.bytes()?;
        if key != b"segments" {
            reader.number()?;
            continue;
        }
        let mut used = Vec::new();
        for _ in 0..reader.map()? {
            let segment = reader.number()?;
            if reader.number()? > 0 {
                used.push(segment);
            }
        }
        return Some(used);
    }
    None
}

/// As much of MessagePack as comes before and in the list of segments.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn unsigned(&mut self, width: usize) -> Option<u64> {
        Some(self.take(width)?.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn map(&mut self) -> Option<u64> {
        match self.byte()? {
            byte @ 0x80..=0x8f => Some(u64::from(byte & 0x0f)),
            0xde => self.unsigned(2),
            0xdf => self.unsigned(4),
            _ => None,
        }
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = match self.byte()? {
            byte @ 0xa0..=0xbf => u64::from(byte & 0x1f),
            0xc4 | 0xd9 => self.unsigned(1)?,
            0xc5 | 0xda => self.unsigned(2)?,
            _ => return None,
        };
        self.take(usize::try_from(length).ok()?)
    }

    fn number(&mut self) -> Option<u64> {
        match self.byte()? {
            byte @ 0x00..=0x7f => Some(u64::from(byte)),
            0xcc => self.unsigned(1),
            0xcd => self.unsigned(2),
            0xce => self.unsigned(4),
            0xcf => self.unsigned(8),
            _ => None,
        }
    }
}

/// Who holds the repository, by its lock files; none is taken or removed.
/// borg never renews a lock, so the time is that of its making.
fn locks(host: &Host, repository: &str, root: &Path, now: Timestamp) -> LocksSeen {
    let folder = format!("{repository}/lock.exclusive");
    let exclusive = host.list(&folder).unwrap_or_default();
    let mut seen: Vec<LockSeen> = Vec::new();
    for name in &exclusive {
        if let Some((host_id, process)) = lock_name(name) {
            let made = host.about(&format!("{folder}/{name}")).map_or(now, |about| about.modified);
            seen.push(lock(root, host_id, process, true, made));
        }
    }
    let roster = format!("{repository}/lock.roster");
    if let Ok(text) = host.text(&roster, LARGEST_CONFIG) {
        let made = host.about(&roster).map_or(now, |about| about.modified);
        for (host_id, process, is_exclusive) in in_roster(&text) {
            seen.push(lock(root, &host_id, process, is_exclusive, made));
        }
    }
    // An exclusive holder stands in both.
    seen.sort_by(|a, b| a.holder.cmp(&b.holder).then(b.exclusive.cmp(&a.exclusive)));
    seen.dedup_by(|a, b| a.holder == b.holder);
    seen.sort_by_key(|lock| (!lock.is_dead, !lock.exclusive, lock.renewed));
    LocksSeen { count: seen.len() as u64, worst: seen.into_iter().next() }
}

/// A lock's file is named `host@number.process-thread`.
fn lock_name(name: &str) -> Option<(&str, u32)> {
    let (host_id, process) = name.rsplit_once('.')?;
    let (process, _) = process.split_once('-')?;
    Some((host_id, process.parse().ok()?))
}

/// Entries of a `lock.roster`: host, process, and whether exclusive.
pub fn in_roster(text: &str) -> Vec<(String, u32, bool)> {
    let Ok(roster) = serde_json::from_str::<BTreeMap<String, Vec<(String, u32, u64)>>>(text) else {
        return Vec::new();
    };
    let entries = roster.into_iter().flat_map(|(kind, entries)| {
        let is_exclusive = kind == "exclusive";
        entries.into_iter().map(move |(host, process, _)| (host, process, is_exclusive))
    });
    entries.take(1000).collect()
}

fn lock(root: &Path, host_id: &str, pid: u32, exclusive: bool, made: Timestamp) -> LockSeen {
    let host = Host::new(root);
    let own = host.text("/proc/sys/kernel/hostname", 1024).unwrap_or_default();
    let own = own.trim();
    let named = host_id.split('@').next().unwrap_or_default();
    let is_ours =
        !own.is_empty() && (named == own || named.split('.').next() == own.split('.').next());
    let runs = host.process_runs(pid).filter(|_| is_ours);
    LockSeen {
        renewed: made,
        exclusive,
        holder: format!("process {pid} on {named}"),
        is_dead: runs == Some(false),
        is_alive: runs == Some(true),
    }
}

/// Holds a folder of a look, so that nobody takes it for left behind.
pub(super) fn hold(folder: &Path) -> std::io::Result<File> {
    let opened = open_folder(folder)?;
    rustix::fs::flock(&opened, FlockOperation::NonBlockingLockShared)?;
    Ok(opened)
}

fn open_folder(folder: &Path) -> std::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(folder, flags, Mode::empty())?.into())
}

/// Removes what looks that were killed left behind in a folder, which may be one
/// where everybody writes: real folders of our own user that nobody holds any
/// more. No link is followed.
pub(super) fn sweep(folder: &Path, prefix: &str) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(prefix)?.split('-').next()?.parse::<u32>().ok());
        if let Some(process) = process
            && open_folder(&entry.path()).is_ok_and(|opened| is_left(&opened, process))
        {
            // What cannot be removed is in nobody's way.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether the look that made a folder was killed. The first moments before it is
/// held are spared while there is a process of that number.
fn is_left(opened: &File, process: u32) -> bool {
    let Ok(about) = opened.metadata() else { return false };
    let is_ours = about.uid() == rustix::process::geteuid().as_raw();
    let is_young = || {
        let age = about.modified().ok().and_then(|made| made.elapsed().ok());
        age.is_none_or(|age| age < HELD_WITHIN)
    };
    let may_begin = Path::new(&format!("/proc/{process}")).exists() && is_young();
    let take = || rustix::fs::flock(opened, FlockOperation::NonBlockingLockExclusive);
    is_ours && !may_begin && take().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_config_says() {
        let text = "[repository]\nversion = 1\nappend_only = 1\nid = 2708\nkey = hqlh\n\tUiKp\n";
        let seen = config(text);
        assert_eq!((seen.id.as_str(), seen.append_only, seen.has_key), ("2708", true, true));
        let seen = config("append_only = 0\nid = 1");
        assert!(!seen.append_only && !seen.has_key);
    }

    #[test]
    fn segments_of_a_hints_file() {
        let hints =
            b"\x85\xa7version\x02\xa8segments\x83\x02\x05\xcd\x01\x00\xcc\x80\x04\x00\xa7compact";
        assert_eq!(segments_in_use(hints), Some(vec![2, 256]));
        assert_eq!(segments_in_use(&hints[..20]), None);
        let old = b"\x82\xc4\x07version\x02\xc4\x08segments\x81\x07\x01";
        assert_eq!(segments_in_use(old), Some(vec![7]));
    }

    #[test]
    fn what_the_killed_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (dead, own) = (u32::MAX, std::process::id());
        let names = [format!("x-{dead}-a"), format!("x-{dead}-b"), format!("x-{own}-c")];
        for name in names.iter().map(String::as_str).chain(["x-notes", "y-1-a"]) {
            std::fs::create_dir_all(at(name).join("base")).unwrap();
        }
        std::fs::write(other.path().join("kept"), "x").unwrap();
        symlink(other.path(), at(&format!("x-{dead}-link"))).unwrap();
        symlink(other.path(), at(&names[0]).join("link")).unwrap();
        let held = hold(&at(&names[1])).unwrap();
        sweep(folder.path(), "x-");
        assert!(!at(&names[0]).exists(), "nobody holds it");
        assert!(at(&names[1]).exists(), "it is held, whatever its number");
        assert!(at(&names[2]).exists(), "it may be about to be held");
        assert!(at("x-notes").exists() && at("y-1-a").exists(), "they are not ours");
        assert!(other.path().join("kept").exists() && at(&format!("x-{dead}-link")).exists());
        drop(held);
        sweep(folder.path(), "x-");
        assert!(!at(&names[1]).exists());
        let long_ago = std::time::SystemTime::now() - 2 * HELD_WITHIN;
        File::open(at(&names[2])).unwrap().set_modified(long_ago).unwrap();
        sweep(folder.path(), "x-");
        assert!(!at(&names[2]).exists(), "its number belongs to somebody else by now");
    }

    #[test]
    fn holders_of_locks() {
        assert_eq!(lock_name("srv.example.org@2485.4711-0"), Some(("srv.example.org@2485", 4711)));
        assert_eq!(lock_name("nonsense"), None);
        let roster = r#"{"shared": [["a@1", 7, 0]], "exclusive": [["b@2", 8, 0]]}"#;
        let expected = [("b@2".to_owned(), 8, true), ("a@1".to_owned(), 7, false)];
        assert_eq!(in_roster(roster), expected);
        assert_eq!(in_roster("{"), []);
    }

    proptest! {
        #[test]
        fn no_hints_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            crate::fuzz::borg_folder(&bytes);
        }
    }
}
