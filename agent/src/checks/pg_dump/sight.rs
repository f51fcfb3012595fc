//! What is there: the dumps of each database, and whether the newest one is whole.
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use evenkeel_config::record::{Failure, FailureKind, Value};
use jiff::{SignedDuration, Timestamp};

use super::PgDump;
use crate::backup::{GroupSight, MOST_GROUPS, Sight, SnapshotSight, subject};
use crate::checks::files::{Found, find};
use crate::checks::{Facts, Look};
use crate::probe::host::{Host, HostError};
use crate::probe::postgres::dump::{self, End, Format, HEAD, Head, Header};
use crate::probe::postgres::newest;
use crate::probe::redact::plain;

/// The headers of so many of the newest files are read.
const MOST_HEADS: usize = 200;

/// A dump that changed so lately may be in the making.
const IN_THE_MAKING: SignedDuration = SignedDuration::from_mins(5);

/// One dump: a file or a folder.
#[derive(Debug, Clone)]
pub(super) struct Dump {
    /// Path within the root.
    pub(super) path: String,
    pub(super) name: String,
    pub(super) modified: Timestamp,
    pub(super) size: u64,
    /// `None` for older ones than are looked at.
    pub(super) head: Option<Head>,
}

impl Dump {
    pub(super) fn header(&self) -> Option<&Header> {
        match &self.head {
            Some(Head::Dump(header)) => Some(header),
            _ => None,
        }
    }

    fn key(&self) -> Key {
        (self.path.clone(), self.modified, self.size)
    }
}

/// A file as it was, so that it is read to its end but once.
type Key = (String, Timestamp, u64);

/// What was found out about dumps that have not changed since.
pub(super) type Memory = BTreeMap<Key, Whole>;

/// Whether a dump is all there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whole {
    /// It ends as it should.
    Yes,
    /// It does not: why.
    No(String),
    /// Its list could be read, which is no proof.
    Listed,
    /// There was no time.
    Late,
    /// It cannot be told: what it is.
    Unknown(String),
}

/// Every dump that the check asks for.
#[derive(Debug, Default)]
pub(super) struct Dumps {
    /// By the name of the database where dumps say it, oldest first.
    pub(super) groups: BTreeMap<String, Vec<Dump>>,
    /// Files that cannot be read.
    pub(super) unreadable: usize,
}

impl PgDump {
    pub(super) async fn look(&self, look: &Look) -> Result<Facts, Failure> {
        let until = Instant::now() + look.deadline.mul_f64(0.8);
        let Some(mut dumps) = self.dumps(&look.root).await? else {
            let mut facts = Facts::default();
            facts.push("folder_exists", "", Value::Flag(false));
            return Ok(facts);
        };
        let mut memory = self.memory.lock().await;
        let mut known = Memory::new();
        let mut groups = Vec::new();
        let mut own = Facts::default();
        for (at, (database, dumps)) in dumps.groups.iter_mut().enumerate() {
            let group = if database.is_empty() {
                String::new()
            } else {
                subject(database, &[database.as_str()])
            };
            let mut whole = None;
            while let Some(newest) = dumps.last().filter(|_| at < MOST_GROUPS) {
                let key = newest.key();
                let told = match memory.get(&key) {
                    Some(told) => told.clone(),
                    None => self.whole(newest, &look.root, until).await?,
                };
                let age = look.now.duration_since(newest.modified);
                let may_grow = age >= SignedDuration::ZERO && age < IN_THE_MAKING;
                if matches!(told, Whole::No(_)) && may_grow {
                    // Somebody is writing it: the one before is the newest.
                    dumps.pop();
                    continue;
                }
                if !may_grow && told != Whole::Late {
                    known.insert(key, told.clone());
                }
                whole = Some(told);
                break;
            }
            let Some(newest) = dumps.last() else { continue };
            own.push("newest_name", &group, Value::Text(plain(&newest.name)));
            if let Some(header) = newest.header() {
                own.push("format", &group, Value::Text(header.format.words().to_owned()));
                if let Some(server) = &header.server {
                    own.push("server_version", &group, Value::Text(server.clone()));
                }
            }
            if let Some(Whole::Unknown(why)) = &whole {
                own.push("unknown_why", &group, Value::Text(why.clone()));
            }
            groups.push(group_sight(group, database, dumps, whole.as_ref()));
        }
        *memory = known;
        let count = groups.iter().map(|group| group.snapshots.len() as u64).sum();
        let dumper = dumps.groups.values().filter_map(|list| list.last()?.header());
        let version = dumper.filter_map(|header| header.dumper.clone()).next();
        let sight = Sight { version, snapshots: Some(count), groups, ..Sight::default() };
        let mut facts = sight.facts(&self.keys);
        facts.push("folder_exists", "", Value::Flag(true));
        facts.push("unreadable", "", Value::Number(dumps.unreadable as f64));
        facts.observations.extend(own.observations);
        Ok(facts)
    }

    /// The dumps; `None` if their folder is not there.
    pub(super) async fn dumps(&self, root: &Path) -> Result<Option<Dumps>, Failure> {
        let host = Host::new(root);
        let (folder, pattern) = (self.folder.clone(), self.pattern.clone());
        // A dead network share blocks the thread, not the other checks.
        let found = tokio::task::spawn_blocking(move || scan(&host, &folder, pattern.as_deref()));
        match found.await.map_err(|error| broke_off(&error))? {
            Ok(dumps) => Ok(Some(dumps)),
            Err(HostError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a dump is all there, as far as reading it tells.
    pub(super) async fn whole(
        &self,
        dump: &Dump,
        root: &Path,
        until: Instant,
    ) -> Result<Whole, Failure> {
        let header = match &dump.head {
            _ if dump.size == 0 => return Ok(Whole::Listed),
            Some(Head::Dump(header)) => header.clone(),
            Some(Head::Short) => return Ok(Whole::No("it breaks off at once".to_owned())),
            Some(Head::Broken(why)) => return Ok(Whole::No((*why).to_owned())),
            Some(Head::Unknown(why)) => return Ok(Whole::Unknown((*why).to_owned())),
            None => return Ok(Whole::Unknown("not looked at".to_owned())),
        };
        let host = Host::new(root);
        if !header.format.is_script() {
            return self.listed(&host.outside(&dump.path), until).await;
        }
        let path = dump.path.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let file = host.stream(&path).map_err(Failure::from)?;
            dump::end(file, &header, until).map_err(|error| Failure {
                kind: FailureKind::Unreadable,
                what: format!("{path} could not be read: {error}"),
                advice: "check the disk for errors".to_owned(),
            })
        });
        Ok(match reading.await.map_err(|error| broke_off(&error))?? {
            End::Whole => Whole::Yes,
            End::Cut(why) => Whole::No(why),
            End::Late => Whole::Late,
        })
    }

    /// The list of an archive: one that cannot be read is broken for sure.
    async fn listed(&self, path: &Path, until: Instant) -> Result<Whole, Failure> {
        let Some(programs) = newest("pg_restore", self.bin.as_deref()) else {
            let why = "an archive, and pg_restore is not installed to read its list";
            return Ok(Whole::Unknown(why.to_owned()));
        };
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let tool = programs.tool("pg_restore")?;
        let mut ignore = |_: &[u8]| {};
        let arguments = ["--list".as_ref(), path.as_os_str()];
        let output = tool.run_lines(&arguments, left, 1 << 20, &mut ignore).await?;
        if output.code == Some(0) {
            return Ok(Whole::Listed);
        }
        if output.said.contains("unsupported version") {
            return Ok(Whole::Unknown("newer than the pg_restore of this host".to_owned()));
        }
        Ok(Whole::No(format!("pg_restore cannot read its list: {}", output.said)))
    }
}

fn broke_off(error: &tokio::task::JoinError) -> Failure {
    Failure {
        kind: FailureKind::Internal,
        what: format!("looking at the dumps broke off: {error}"),
        advice: "report this with the agent's version".to_owned(),
    }
}

fn group_sight(group: String, database: &str, dumps: &[Dump], whole: Option<&Whole>) -> GroupSight {
    let mut snapshots: Vec<SnapshotSight> = dumps
        .iter()
        .map(|dump| SnapshotSight {
            bytes: Some(dump.size),
            files: Some(1),
            ..SnapshotSight::new(dump.modified)
        })
        .collect();
    if let Some(newest) = snapshots.last_mut() {
        newest.complete = match whole {
            Some(Whole::Yes) => Some(Ok(())),
            Some(Whole::No(why)) => Some(Err(why.clone())),
            _ => None,
        };
    }
    let words =
        if database.is_empty() { String::new() } else { format!("database {}", plain(database)) };
    let size_unknown = whole == Some(&Whole::Late);
    GroupSight { subject: group, words, snapshots, size_unknown, ..GroupSight::default() }
}

/// Every dump, by database.
fn scan(host: &Host, folder: &str, pattern: Option<&str>) -> Result<Dumps, HostError> {
    let base = folder.trim_end_matches('/');
    let mut dumps = Dumps::default();
    let mut list = Vec::new();
    let is_toc = |path: &str| host.about(&format!("{path}/toc.dat")).is_ok_and(|one| one.is_file);
    if pattern.is_none() && is_toc(base) {
        let (size, modified) = folder_size(host, base)?;
        let name = base.rsplit('/').next().unwrap_or_default().to_owned();
        list.push(Dump { path: base.to_owned(), name, modified, size, head: None });
    } else {
        let is_file = pattern.is_none() && host.about(base).is_ok_and(|about| about.is_file);
        let (found, unreadable) = find(host, folder, pattern)?;
        dumps.unreadable = unreadable;
        for Found { name, modified, size } in found {
            let path = if is_file { base.to_owned() } else { format!("{base}/{name}") };
            match size {
                Some(size) => list.push(Dump { path, name, modified, size, head: None }),
                None if is_toc(&path) => {
                    let (size, modified) = folder_size(host, &path)?;
                    list.push(Dump { path, name, modified, size, head: None });
                }
                None => {}
            }
        }
    }
    list.sort_by(|a, b| (a.modified, &a.name).cmp(&(b.modified, &b.name)));
    let older = list.len().saturating_sub(MOST_HEADS);
    for mut dump in list.into_iter().skip(older) {
        match read_head(host, &dump.path) {
            Ok(head) => dump.head = Some(head),
            Err(_) => {
                dumps.unreadable += 1;
                continue;
            }
        }
        let database = dump.header().and_then(|header| header.database.clone());
        dumps.groups.entry(database.unwrap_or_default()).or_default().push(dump);
    }
    Ok(dumps)
}

/// Bytes of all files of a folder, and the last change of any.
fn folder_size(host: &Host, folder: &str) -> Result<(u64, Timestamp), HostError> {
    let mut size = 0_u64;
    let mut modified = Timestamp::MIN;
    for name in host.list(folder)? {
        let about = host.about(&format!("{folder}/{name}"))?;
        if about.is_file {
            size = size.saturating_add(about.size);
            modified = modified.max(about.modified);
        }
    }
    Ok((size, modified))
}

fn read_head(host: &Host, path: &str) -> Result<Head, HostError> {
    use std::io::Read;
    let toc = format!("{path}/toc.dat");
    let (file, is_folder) = match host.stream(path) {
        Err(HostError::WrongKind { .. }) => (host.stream(&toc)?, true),
        file => (file?, false),
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(HEAD).unwrap_or(u64::MAX);
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| HostError::Other { path: path.to_owned(), why: error.to_string() })?;
    Ok(match dump::head(&bytes) {
        // The table of contents in a folder calls itself one of a tar file.
        Head::Dump(header) if is_folder => {
            Head::Dump(Header { format: Format::Directory, ..header })
        }
        head => head,
    })
}
