//! A drill in a process of its own: our own program once more, with a cleared
//! environment, fewer rights and a leash. When it ends, or its parent does,
//! everything that it started ends.
use std::ffi::OsStr;
use std::future::Future;
use std::io::{BufRead, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Instant;

use evenkeel_config::record::{Failure, FailureKind};
use rustix::process::{Pid, Resource, Signal, kill_process_group};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::confine::{self, Network};
use crate::probe::redact::Secrets;
use crate::probe::{process, tool};

/// The hidden first argument of our program that makes it a worker.
pub const COMMAND: &str = "drill-worker";

/// Our own program, also while a newer one lies in its place.
pub(super) const OURSELVES: &str = "/proc/self/exe";

/// The longest job, in bytes.
const LONGEST_JOB: u64 = 64 << 20;

/// The longest single message of a worker, in bytes.
const LONGEST_MESSAGE: usize = 4 << 20;

/// The most that all messages of a worker may come to, in bytes.
const MOST_MESSAGES: usize = 256 << 20;

/// How much of a worker's last words is kept, in bytes.
const LAST_WORDS: usize = 16 << 10;

/// Files that a worker, and each tool, may hold open at once.
const OPEN_FILES: u64 = 4096;

/// Processes and threads that a drill may add to those of its user.
const MORE_PROCESSES: u64 = 512;

/// How far a drill steps back behind everything else on the host.
const NICE: i32 = 10;

/// What the worker may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// When it is ended with everything it started.
    pub until: Instant,
    /// Folder of the drill in the sandbox, which marks all its processes.
    pub run: PathBuf,
    /// The largest file that it may write, in bytes.
    pub largest_file: Option<u64>,
    /// Whether it, and all that it starts, is kept from the network.
    pub offline: bool,
    /// The program to run instead of ourselves.
    pub program: Option<PathBuf>,
}

impl Limits {
    /// A deadline and a folder; files of any size, and the network.
    pub fn new(until: Instant, run: &Path) -> Self {
        Self { until, run: run.to_owned(), largest_file: None, offline: false, program: None }
    }
}

/// What a worker is told first.
#[derive(Debug, Serialize, Deserialize)]
struct Order<J> {
    largest_file: Option<u64>,
    offline: bool,
    job: J,
}

/// One line from a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message<E> {
    Event(E),
    Failed(Failure),
    Done,
}

pub(super) fn internal(what: impl Into<String>) -> Failure {
    Failure {
        kind: FailureKind::Internal,
        what: what.into(),
        advice: "run the drill again by hand, and report it if it stays so".to_owned(),
    }
}

/// A command of our own program with nothing of our environment but what tools
/// get to see, and with the mark of the drill.
pub(super) fn own_program(program: Option<&Path>, command: &str, run: &Path) -> Command {
    let mut child = Command::new(program.unwrap_or(Path::new(OURSELVES)));
    child.arg0("evenkeel").arg(command).env_clear().current_dir("/").kill_on_drop(true);
    child.env("LC_ALL", "C").env("TZ", "UTC").env("PATH", tool::FOLDERS.join(":"));
    child.env(process::MARK, run);
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    child
}

/// Runs a job in a worker, and hands over its events as they come. Dropped, it
/// ends the worker with everything that it started.
///
/// # Errors
/// What the job itself failed with; [`FailureKind::Timeout`] at its deadline;
/// [`FailureKind::Internal`] if it could not be started, died, or said nonsense.
pub async fn run<J: Serialize + Sync, E: DeserializeOwned>(
    job: &J,
    limits: &Limits,
    on_event: &mut (dyn FnMut(E) + Send),
) -> Result<(), Failure> {
    let order = Order { largest_file: limits.largest_file, offline: limits.offline, job };
    let mut line = serde_json::to_vec(&order)
        .map_err(|error| internal(format!("the drill cannot be written down: {error}")))?;
    line.push(b'\n');
    let mut command = own_program(limits.program.as_deref(), COMMAND, &limits.run);
    for name in tool::PASSED_ON.iter().filter(|name| **name != "TMPDIR") {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("TMPDIR", limits.run.join("cache")).process_group(0);
    let mut leash = Leash::new(&mut command, &limits.run)?;
    let talk = leash.talk(&line, on_event);
    let ended = match tokio::time::timeout_at(limits.until.into(), talk).await {
        Ok(ended) => ended,
        Err(_) => {
            return Err(Failure {
                kind: FailureKind::Timeout,
                what: "the drill was stopped at its deadline".to_owned(),
                advice: "raise the drill's deadline, or let it restore less".to_owned(),
            });
        }
    };
    match ended {
        Some(result) => result,
        None => Err(leash.died().await),
    }
}

/// A running worker. Dropped, it ends with its group and all that carry its mark.
struct Leash {
    child: Child,
    run: PathBuf,
    words: Vec<u8>,
}

impl Leash {
    fn new(command: &mut Command, run: &Path) -> Result<Self, Failure> {
        let child = command
            .spawn()
            .map_err(|error| internal(format!("the drill's process cannot be started: {error}")))?;
        Ok(Self { child, run: run.to_owned(), words: Vec::new() })
    }

    /// Everything until the worker says how it ended; `None` if it does not.
    async fn talk<E: DeserializeOwned>(
        &mut self,
        order: &[u8],
        on_event: &mut (dyn FnMut(E) + Send),
    ) -> Option<Result<(), Failure>> {
        let mut input = self.child.stdin.take()?;
        let output = self.child.stdout.take()?;
        let errors = self.child.stderr.take()?;
        let words = &mut self.words;
        let talk = async {
            let ended = listen(output, on_event);
            let told = async {
                // A worker that ends early does not read to the end.
                let _ = input.write_all(order).await;
                let _ = input.flush().await;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                ended = ended => ended,
                () = told => None,
            }
        };
        tokio::pin!(talk);
        // Its last words are read all the time, so that it never waits for us.
        tokio::select! {
            ended = &mut talk => ended,
            () = keep_end(errors, words) => talk.await,
        }
    }

    async fn died(&mut self) -> Failure {
        self.kill_group();
        let how = match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let words = Secrets::default().words(&self.words);
        let words = if words.is_empty() { words } else { format!(": {words}") };
        internal(format!("the drill's process ended before it had an answer ({how}){words}"))
    }

    /// Works as long as the worker is not waited for: until then its number is its own.
    fn kill_group(&self) {
        let group = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(group) = group {
            // It fails only when all of it is gone.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.kill_group();
        process::end_marked(&self.run);
    }
}

async fn keep_end<R: AsyncRead + Unpin>(mut source: R, words: &mut Vec<u8>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = source.read(&mut buffer).await {
        words.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let extra = words.len().saturating_sub(LAST_WORDS);
        words.drain(..extra);
    }
}

/// Reads messages as from a stranger: cut when too long, an end when not understood.
async fn listen<E: DeserializeOwned, R: AsyncRead + Unpin>(
    source: R,
    on_event: &mut (dyn FnMut(E) + Send),
) -> Option<Result<(), Failure>> {
    let mut lines = BufReader::new(source);
    let mut total = 0_usize;
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = u64::try_from(LONGEST_MESSAGE).unwrap_or(u64::MAX);
        let count = (&mut lines).take(most).read_until(b'\n', &mut line).await.ok()?;
        if count == 0 {
            return None;
        }
        total = total.saturating_add(count);
        if count >= LONGEST_MESSAGE || total > MOST_MESSAGES {
            return Some(Err(internal("the drill's process says too much")));
        }
        match serde_json::from_slice(&line) {
            Ok(Message::Event(event)) => on_event(event),
            Ok(Message::Failed(failure)) => return Some(Err(failure)),
            Ok(Message::Done) => return Some(Ok(())),
            // It was killed in the middle of a line.
            Err(_) if !line.ends_with(b"\n") => return None,
            Err(error) => {
                let what = format!("the drill's process says what cannot be understood: {error}");
                return Some(Err(internal(what)));
            }
        }
    }
}

/// Sends what happens from the worker to its parent.
pub struct Emit<E> {
    out: Arc<std::sync::Mutex<std::io::Stdout>>,
    event: std::marker::PhantomData<fn(E)>,
}

impl<E> Clone for Emit<E> {
    fn clone(&self) -> Self {
        Self { out: Arc::clone(&self.out), event: std::marker::PhantomData }
    }
}

impl<E: Serialize> Emit<E> {
    /// Sends one event. If the parent does not listen any more, everything ends.
    pub fn send(&self, event: &E) {
        self.write(&Message::Event(event));
    }

    fn write<T: Serialize>(&self, message: &Message<T>) {
        let Ok(mut line) = serde_json::to_vec(message) else { return };
        line.push(b'\n');
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if out.write_all(&line).and_then(|()| out.flush()).is_err() {
            end_all();
        }
    }
}

/// The worker's side: reads its job, gives up rights, and runs it. Called before
/// the program has a second thread.
pub fn child<J, E, F>(run: impl FnOnce(J, Emit<E>) -> F) -> ExitCode
where
    J: DeserializeOwned,
    E: Serialize,
    F: Future<Output = Result<(), Failure>>,
{
    let out = Arc::new(std::sync::Mutex::new(std::io::stdout()));
    let emit = Emit::<E> { out, event: std::marker::PhantomData };
    let work = std::panic::AssertUnwindSafe(|| {
        let job = prepare()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| internal(format!("the drill's process cannot start: {error}")))?;
        runtime.block_on(run(job, emit.clone()))
    });
    // The words of a panic go to the standard error, which the parent keeps.
    let ended = std::panic::catch_unwind(work)
        .unwrap_or_else(|_| Err(internal("the drill broke off with an error in the program")));
    emit.write::<E>(&match ended {
        Ok(()) => Message::Done,
        Err(failure) => Message::Failed(failure),
    });
    ExitCode::SUCCESS
}

/// Reads the order and gives up rights.
fn prepare<J: DeserializeOwned>() -> Result<J, Failure> {
    let mut line = Vec::new();
    std::io::stdin()
        .lock()
        .take(LONGEST_JOB)
        .read_until(b'\n', &mut line)
        .map_err(|error| internal(format!("the drill's process gets no job: {error}")))?;
    let order: Order<J> = serde_json::from_slice(&line)
        .map_err(|error| internal(format!("the drill's process gets no job: {error}")))?;
    let more = tasks_of_our_user().saturating_add(MORE_PROCESSES);
    for (resource, value) in [
        (Resource::Core, Some(0)),
        (Resource::Nofile, Some(OPEN_FILES)),
        (Resource::Nproc, Some(more)),
        (Resource::Fsize, order.largest_file),
    ] {
        if let Some(value) = value {
            confine::limit(resource, value).map_err(internal)?;
        }
    }
    // Without these a drill still works, and is only less polite.
    let _ = rustix::process::nice(NICE);
    // Who leaves the group and loses its parent becomes our child, to be found.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    tool::stay_in_group();
    if order.offline {
        confine::leave_network(Network::HostOnly).map_err(internal)?;
    }
    std::thread::Builder::new()
        .name("leash".to_owned())
        .spawn(|| {
            // The parent says nothing more: the end of the line is its end.
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            end_all();
        })
        .map_err(|error| internal(format!("the drill's process cannot start: {error}")))?;
    Ok(order.job)
}

/// Ends everything that this worker started, and itself.
fn end_all() -> ! {
    let own = rustix::process::getpid();
    if let Some(folder) = std::env::var_os(process::MARK) {
        process::end_marked(Path::new(OsStr::from_bytes(folder.as_bytes())));
    }
    for pid in process::below(own) {
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
    if rustix::process::getpgrp() == own {
        let _ = kill_process_group(own, Signal::KILL);
    }
    std::process::exit(1)
}

/// Processes and threads of our user, which the limit of processes counts.
fn tasks_of_our_user() -> u64 {
    let own = rustix::process::getuid().as_raw();
    let threads = |pid: &str| -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let value = |key: &str| {
            text.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next())
        };
        (value("Uid:")?.parse() == Ok(own)).then(|| value("Threads:")?.parse().ok()).flatten()
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| threads(entry.file_name().to_str()?)).sum()
}
