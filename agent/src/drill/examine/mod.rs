//! Looks at what a drill brought back: whether it is there, is what was backed up,
//! and opens. In a process of its own, without network and secrets, since what is
//! opened may be hostile.
mod census;
mod child;
mod format;
mod gzip;
mod open;
mod pdf;
mod sqlite;
mod tar;
mod zip;

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use evenkeel_config::record::{Failure, FailureKind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::worker::{internal, own_program};

pub(super) use child::main;
pub(crate) use open::look as look_at_bytes;

/// The hidden first argument of our program that makes it an examiner.
pub const COMMAND: &str = "drill-examine";

/// Faults that are named one by one; the others are counted.
const MOST_NAMED: usize = 50;

/// Endings of names that are counted one by one.
const MOST_EXTENSIONS: usize = 200;

/// An examiner that ends by itself is started again this often.
const MOST_RESTARTS: usize = 20;

/// The longest answer about one file, in bytes.
const LONGEST_ANSWER: u64 = 64 << 10;

/// A file that should have come back, and what is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its path in the snapshot, absolute or not; it stands below the folder.
    pub path: String,
    /// Bytes, if listed.
    #[serde(default)]
    pub size: Option<u64>,
    /// Last change of its content, if listed.
    #[serde(default)]
    pub modified: Option<Timestamp>,
    /// What its content has to come to, as hexadecimal digits.
    #[serde(default)]
    pub sha256: Option<String>,
    /// The file that was backed up: compared with if it still has the size and the
    /// time of the snapshot.
    #[serde(default)]
    pub live: Option<String>,
}

/// What an examiner may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// When it has to have ended.
    pub until: Instant,
    /// Folder of the drill in the sandbox, which marks its process.
    pub run: PathBuf,
    /// Folders in which it may read live files.
    pub live: Vec<PathBuf>,
    /// Memory in bytes.
    pub memory: u64,
    /// Seconds for one file.
    pub seconds_each: u64,
    /// The program to run instead of ourselves.
    pub program: Option<PathBuf>,
}

impl Limits {
    /// A deadline and a folder; 1 GiB and two minutes for each file.
    pub fn new(until: Instant, run: &Path) -> Self {
        Self {
            until,
            run: run.to_owned(),
            live: Vec::new(),
            memory: 1 << 30,
            seconds_each: 120,
            program: None,
        }
    }
}

/// What is wrong with a file that came back, or did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// It is not there.
    Missing,
    /// Something else stands in its place.
    NotAFile,
    /// It has not its size.
    Size,
    /// It has its size and other content.
    Content,
    /// Its format does not open. Nothing says that it ever did.
    Format,
}

/// One file and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Its path in the snapshot.
    pub path: String,
    /// What kind of fault.
    pub kind: DamageKind,
    /// In words.
    pub why: String,
}

/// What an examination came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examined {
    /// Files asked for.
    pub asked: u64,
    /// Regular files that are there.
    pub found: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Compared with what was backed up, equal or not.
    pub compared: u64,
    /// Opened by their format.
    pub opened: u64,
    /// Of no format that can be opened here.
    pub unknown_format: u64,
    /// Of a format that is known, and it cannot be told whether they are whole.
    pub untold: u64,
    /// Why, of the first few.
    pub untold_why: Vec<(String, String)>,
    /// The first few faults.
    pub damaged: Vec<Damage>,
    /// All files with a fault.
    pub damaged_count: u64,
    /// Those of them whose format does not open, and nothing else is wrong.
    pub format_count: u64,
    /// The first few that look encrypted in place.
    pub suspicious: Vec<(String, String)>,
    /// All that look so.
    pub suspicious_count: u64,
    /// Regular files that nobody asked for.
    pub unexpected: u64,
    /// How many files by ending and content.
    pub census: BTreeMap<String, BTreeMap<String, u64>>,
    /// What the examiner was kept from, in words, and from what it could not be kept.
    pub protection: Vec<String>,
}

/// What the examiner is told first.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    root: PathBuf,
    live: Vec<PathBuf>,
    memory: u64,
    seconds: u64,
    seconds_each: u64,
}

/// One line from an examiner.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// Before the first file.
    Protected(Vec<String>),
    /// About one file.
    File(Seen),
    /// After the last: regular files below the folder.
    Files(u64),
}

/// What was seen of one file.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    is_there: bool,
    bytes: u64,
    is_compared: bool,
    fault: Option<(DamageKind, String)>,
    content: String,
    is_opened: bool,
    is_unknown: bool,
    untold: Option<String>,
    suspicion: Option<String>,
}

/// Examines these files below a folder.
///
/// # Errors
/// [`FailureKind::Timeout`]; [`FailureKind::Internal`] if there is no examiner.
pub async fn examine(root: &Path, asked: &[Asked], limits: &Limits) -> Result<Examined, Failure> {
    let mut next = asked.iter().map(|asked| Ok(asked.clone()));
    in_time(root, &mut next, limits).await
}

/// Examines the files of a list, one [`Asked`] as JSON a line, of any length.
///
/// # Errors
/// As [`examine`], or the list cannot be read.
pub async fn examine_list(root: &Path, list: &Path, limits: &Limits) -> Result<Examined, Failure> {
    let unread = |error: std::io::Error| internal(format!("the list of files: {error}"));
    let file = std::fs::File::open(list).map_err(unread)?;
    let mut next = std::io::BufReader::new(file).lines().map(|line| {
        serde_json::from_str(&line.map_err(unread)?).map_err(|error| unread(error.into()))
    });
    in_time(root, &mut next, limits).await
}

type Next<'a> = dyn Iterator<Item = Result<Asked, Failure>> + Send + 'a;

async fn in_time(root: &Path, next: &mut Next<'_>, limits: &Limits) -> Result<Examined, Failure> {
    let root = root
        .canonicalize()
        .map_err(|error| internal(format!("what was restored cannot be looked at: {error}")))?;
    tokio::time::timeout_at(limits.until.into(), all(&root, next, limits)).await.unwrap_or_else(
        |_| {
            Err(Failure {
                kind: FailureKind::Timeout,
                what: "looking at what was restored took too long".to_owned(),
                advice: "raise the drill's deadline, or let it restore less".to_owned(),
            })
        },
    )
}

/// One file at a time, so that it is known at which one an examiner ended.
async fn all(root: &Path, next: &mut Next<'_>, limits: &Limits) -> Result<Examined, Failure> {
    let mut sum = Examined::default();
    let mut restarts = 0;
    let mut examiner = Examiner::start(root, limits).await?;
    sum.protection = std::mem::take(&mut examiner.protection);
    for asked in next {
        let asked = asked?;
        let seen = match examiner.ask(&asked).await {
            Some(seen) => seen,
            None => {
                restarts += 1;
                if restarts > MOST_RESTARTS {
                    return Err(internal(
                        "looking at what was restored breaks off again and again",
                    ));
                }
                let how = examiner.end().await;
                examiner = Examiner::start(root, limits).await?;
                let why = format!("looking at it broke off ({how})");
                Seen { is_there: true, untold: Some(why), ..Seen::default() }
            }
        };
        sum.add(&asked, seen);
    }
    let files = examiner.files().await.unwrap_or(sum.found);
    sum.unexpected = files.saturating_sub(sum.found);
    Ok(sum)
}

impl Examined {
    fn add(&mut self, asked: &Asked, seen: Seen) {
        self.asked += 1;
        self.found += u64::from(seen.is_there);
        self.bytes = self.bytes.saturating_add(seen.bytes);
        self.compared += u64::from(seen.is_compared);
        self.opened += u64::from(seen.is_opened);
        self.unknown_format += u64::from(seen.is_unknown);
        let path = crate::probe::redact::plain(&asked.path);
        if seen.is_there && !seen.content.is_empty() {
            let mut extension = census::extension(&path);
            let is_full = self.census.len() >= MOST_EXTENSIONS;
            if is_full && !self.census.contains_key(&extension) {
                "other".clone_into(&mut extension);
            }
            *self.census.entry(extension).or_default().entry(seen.content).or_default() += 1;
        }
        if let Some(why) = seen.untold {
            self.untold += 1;
            if self.untold_why.len() < MOST_NAMED {
                self.untold_why.push((path.clone(), why));
            }
        }
        if let Some(why) = seen.suspicion {
            self.suspicious_count += 1;
            if self.suspicious.len() < MOST_NAMED {
                self.suspicious.push((path.clone(), why));
            }
        }
        if let Some((kind, why)) = seen.fault {
            self.damaged_count += 1;
            self.format_count += u64::from(kind == DamageKind::Format);
            if self.damaged.len() < MOST_NAMED {
                self.damaged.push(Damage { path, kind, why });
            }
        }
    }
}

/// A running examiner. Dropped, it is killed; it can start nothing itself.
struct Examiner {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    protection: Vec<String>,
}

impl Examiner {
    async fn start(root: &Path, limits: &Limits) -> Result<Self, Failure> {
        let failed = |what: &str| internal(format!("the examiner of a drill {what}"));
        let mut command = own_program(limits.program.as_deref(), COMMAND, &limits.run);
        command.stderr(std::process::Stdio::null());
        let mut child =
            command.spawn().map_err(|error| failed(&format!("does not start: {error}")))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("cannot be talked to"));
        };
        let mut examiner =
            Self { child, input, output: BufReader::new(output), protection: Vec::new() };
        let order = Order {
            root: root.to_owned(),
            live: limits.live.clone(),
            memory: limits.memory,
            seconds: limits.until.saturating_duration_since(Instant::now()).as_secs() + 10,
            seconds_each: limits.seconds_each,
        };
        match examiner.talk(&order).await {
            Some(Answer::Protected(protection)) => {
                examiner.protection = protection;
                Ok(examiner)
            }
            _ => Err(failed("does not answer")),
        }
    }

    async fn talk(&mut self, question: &impl Serialize) -> Option<Answer> {
        let mut line = serde_json::to_vec(question).ok()?;
        line.push(b'\n');
        self.input.write_all(&line).await.ok()?;
        self.input.flush().await.ok()?;
        self.answer().await
    }

    async fn answer(&mut self) -> Option<Answer> {
        let mut line = Vec::new();
        (&mut self.output).take(LONGEST_ANSWER).read_until(b'\n', &mut line).await.ok()?;
        serde_json::from_slice(&line).ok()
    }

    async fn ask(&mut self, asked: &Asked) -> Option<Seen> {
        match self.talk(asked).await {
            Some(Answer::File(seen)) => Some(seen),
            _ => None,
        }
    }

    async fn files(mut self) -> Option<u64> {
        drop(self.input);
        let mut line = Vec::new();
        self.output.read_until(b'\n', &mut line).await.ok()?;
        match serde_json::from_slice(&line).ok()? {
            Answer::Files(files) => Some(files),
            _ => None,
        }
    }

    async fn end(mut self) -> String {
        // It has ended already, or says what cannot be understood.
        let _ = self.child.start_kill();
        self.child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string())
    }
}
