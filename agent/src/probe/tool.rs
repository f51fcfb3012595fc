//! Runs one external command: no shell, cleared environment, deadline, output cap, own group.
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use evenkeel_config::record::{Failure, FailureKind};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::process;
use super::redact::Secrets;

/// Where tools are looked for, in this order.
pub const FOLDERS: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/// What a tool may print on each of its two outputs unless told otherwise, in bytes.
pub const OUTPUT_CAP: usize = 32 << 20;

/// Variables of our own environment that a tool gets to see.
pub(crate) const PASSED_ON: &[&str] =
    &["HOME", "LOGNAME", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "USER"];

/// Whether tools stay in the process group of this program.
static STAYS: AtomicBool = AtomicBool::new(false);

/// From now on tools stay in the process group of this program, and carry its
/// mark: for a worker that is ended as one group. A tool that has to be stopped
/// is then ended with all that descend from it.
pub fn stay_in_group() {
    STAYS.store(true, Ordering::Relaxed);
}

/// Why a command gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// No such program in any of [`FOLDERS`], or not at the configured path.
    #[error("{name} is not installed")]
    Missing {
        /// Name or path asked for.
        name: String,
    },
    /// It exists and could not be started.
    #[error("{name} could not be started: {why}")]
    Start {
        /// Name or path.
        name: String,
        /// The system's words.
        why: String,
    },
    /// It ran into its deadline and was killed with all its children.
    #[error("{name} was stopped after {seconds} s without an end")]
    Timeout {
        /// Name or path.
        name: String,
        /// The deadline in seconds.
        seconds: u64,
    },
    /// It printed more than the cap and was killed.
    #[error("{name} was stopped after printing more than {cap} bytes")]
    OutputTooLong {
        /// Name or path.
        name: String,
        /// The cap in bytes.
        cap: usize,
    },
}

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Self {
        let (kind, advice) = match &error {
            ToolError::Missing { name } if name.starts_with('/') => {
                (FailureKind::ToolMissing, format!("correct `tool`, or install {name}"))
            }
            ToolError::Missing { name } => (
                FailureKind::ToolMissing,
                format!("install {name}, or set `tool` to its absolute path"),
            ),
            ToolError::Start { name, .. } => {
                (FailureKind::PermissionDenied, format!("let the agent's user run {name}"))
            }
            ToolError::Timeout { name, .. } => (
                FailureKind::Timeout,
                format!("see what {name} waits for, or raise the check's `deadline`"),
            ),
            ToolError::OutputTooLong { name, .. } => {
                (FailureKind::OutputTooLong, format!("run {name} by hand and see what it prints"))
            }
        };
        Self { kind, what: error.to_string(), advice }
    }
}

/// A program that was found, with what it is given besides its arguments.
#[derive(Debug, Clone)]
pub struct Tool {
    name: String,
    path: PathBuf,
    environment: Vec<(OsString, OsString)>,
    secrets: Secrets,
    output_cap: usize,
    folder: PathBuf,
}

/// What a command printed, and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Everything on standard output.
    pub stdout: Vec<u8>,
    /// Everything on standard error, not redacted: show [`Output::said`] instead.
    pub stderr: Vec<u8>,
    /// The end of standard error in one line, without secrets.
    pub said: String,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Itself(Output),
    /// It was stopped at its deadline with all its children, and had printed this.
    Stopped(Output),
}

impl Tool {
    /// Finds a program by name in [`FOLDERS`], or takes the configured absolute path.
    ///
    /// # Errors
    /// [`ToolError::Missing`].
    pub fn find(name: &str, configured: Option<&Path>) -> Result<Self, ToolError> {
        let path = match configured {
            Some(path) if path.is_absolute() && path.is_file() => path.to_owned(),
            Some(path) => return Err(ToolError::Missing { name: path.display().to_string() }),
            None => FOLDERS
                .iter()
                .map(|folder| Path::new(folder).join(name))
                .find(|path| path.is_file())
                .ok_or_else(|| ToolError::Missing { name: name.to_owned() })?,
        };
        Ok(Self {
            name: name.to_owned(),
            path,
            environment: Vec::new(),
            secrets: Secrets::default(),
            output_cap: OUTPUT_CAP,
            folder: PathBuf::from("/"),
        })
    }

    /// Sets a variable of the tool's environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Makes these values unshowable in [`Output::said`].
    #[must_use]
    pub fn secrets(mut self, secrets: &Secrets) -> Self {
        self.secrets = secrets.clone();
        self
    }

    /// Sets the cap of each output in bytes.
    #[must_use]
    pub fn output_cap(mut self, bytes: usize) -> Self {
        self.output_cap = bytes;
        self
    }

    /// Runs it in a folder instead of `/`.
    #[must_use]
    pub fn working_in(mut self, folder: &Path) -> Self {
        self.folder = folder.to_owned();
        self
    }

    /// Where the program is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs the program to its end. When the returned future is dropped, the
    /// program and all its children are killed.
    ///
    /// # Errors
    /// When it could not be started, took too long or printed too much. An exit
    /// code other than 0 is no error here.
    pub async fn run<A: AsRef<OsStr>>(
        &self,
        arguments: &[A],
        deadline: Duration,
    ) -> Result<Output, ToolError> {
        match self.run_or_stop(arguments, deadline).await? {
            Ended::Itself(output) => Ok(output),
            Ended::Stopped(_) => Err(self.late(deadline)),
        }
    }

    /// As [`Tool::run`], but what it printed until it was stopped at the deadline
    /// is kept: a tool that tries again and again may long have said why.
    ///
    /// # Errors
    /// As [`Tool::run`], without the deadline.
    pub async fn run_or_stop<A: AsRef<OsStr>>(
        &self,
        arguments: &[A],
        deadline: Duration,
    ) -> Result<Ended, ToolError> {
        let mut running = self.start(arguments)?;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let work = running.finish(self.output_cap, &mut stdout, &mut stderr);
        let ended = tokio::time::timeout(deadline, work).await;
        let output = |code| {
            let said = self.secrets.words(&stderr);
            Output { code, stdout, stderr, said }
        };
        match ended {
            Err(_) => Ok(Ended::Stopped(output(None))),
            Ok(Err(Broken::TooLong)) => {
                Err(ToolError::OutputTooLong { name: self.name.clone(), cap: self.output_cap })
            }
            Ok(Err(Broken::System(why))) => Err(ToolError::Start { name: self.name.clone(), why }),
            Ok(Ok(code)) => Ok(Ended::Itself(output(code))),
        }
    }

    /// As [`Tool::run`], handing standard output to `each` line by line instead
    /// of keeping it; the cap is that of one line.
    ///
    /// # Errors
    /// As [`Tool::run`].
    pub async fn run_lines<A: AsRef<OsStr>>(
        &self,
        arguments: &[A],
        deadline: Duration,
        longest: usize,
        each: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Output, ToolError> {
        let mut running = self.start(arguments)?;
        let work = running.finish_lines(self.output_cap, longest, each);
        match tokio::time::timeout(deadline, work).await {
            Err(_) => Err(self.late(deadline)),
            Ok(Err(Broken::TooLong)) => {
                Err(ToolError::OutputTooLong { name: self.name.clone(), cap: longest })
            }
            Ok(Err(Broken::System(why))) => Err(ToolError::Start { name: self.name.clone(), why }),
            Ok(Ok((code, stderr))) => {
                let said = self.secrets.words(&stderr);
                Ok(Output { code, stdout: Vec::new(), stderr, said })
            }
        }
    }

    /// As [`Tool::run`], feeding its standard input piece by piece until the
    /// sender is dropped.
    ///
    /// # Errors
    /// As [`Tool::run`].
    pub async fn run_fed<A: AsRef<OsStr>>(
        &self,
        arguments: &[A],
        deadline: Duration,
        mut input: tokio::sync::mpsc::Receiver<Vec<u8>>,
    ) -> Result<Output, ToolError> {
        let mut running = self.start_with(arguments, Stdio::piped())?;
        let stdin = running.child.stdin.take();
        let feed = async move {
            let Some(mut stdin) = stdin else { return };
            while let Some(piece) = input.recv().await {
                // A tool that ends early does not read to the end.
                if stdin.write_all(&piece).await.is_err() {
                    return;
                }
            }
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let end = running.finish(self.output_cap, &mut stdout, &mut stderr);
        let work = async { tokio::join!(feed, end).1 };
        match tokio::time::timeout(deadline, work).await {
            Err(_) => Err(self.late(deadline)),
            Ok(Err(Broken::TooLong)) => {
                Err(ToolError::OutputTooLong { name: self.name.clone(), cap: self.output_cap })
            }
            Ok(Err(Broken::System(why))) => Err(ToolError::Start { name: self.name.clone(), why }),
            Ok(Ok(code)) => {
                let said = self.secrets.words(&stderr);
                Ok(Output { code, stdout, stderr, said })
            }
        }
    }

    fn late(&self, deadline: Duration) -> ToolError {
        let seconds = deadline.as_secs_f64().round() as u64;
        ToolError::Timeout { name: self.name.clone(), seconds }
    }

    fn start<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Running, ToolError> {
        self.start_with(arguments, Stdio::null())
    }

    fn start_with<A: AsRef<OsStr>>(
        &self,
        arguments: &[A],
        stdin: Stdio,
    ) -> Result<Running, ToolError> {
        let mut command = Command::new(&self.path);
        command.args(arguments).env_clear();
        command.env("LC_ALL", "C").env("TZ", "UTC").env("PATH", FOLDERS.join(":"));
        for name in PASSED_ON {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.folder).kill_on_drop(true);
        let stays = STAYS.load(Ordering::Relaxed);
        if !stays {
            command.process_group(0);
        } else if let Some(mark) = std::env::var_os(process::MARK) {
            command.env(process::MARK, mark);
        }
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ToolError::Missing { name: self.name.clone() },
            _ => ToolError::Start { name: self.name.clone(), why: error.to_string() },
        })?;
        let first = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Running { first, stays, child })
    }
}

/// A started program, killed with its process group unless it ended.
struct Running {
    first: Option<Pid>,
    /// Whether it is in our own group, which must not be killed for it.
    stays: bool,
    child: Child,
}

enum Broken {
    TooLong,
    System(String),
}

impl Running {
    async fn finish(
        &mut self,
        cap: usize,
        stdout: &mut Vec<u8>,
        stderr: &mut Vec<u8>,
    ) -> Result<Option<i32>, Broken> {
        let (out, err) = (self.child.stdout.take(), self.child.stderr.take());
        tokio::try_join!(read_capped(out, cap, stdout), read_capped(err, cap, stderr))?;
        let status = self.child.wait().await.map_err(|error| Broken::System(error.to_string()))?;
        // Its number may now be given to somebody else, so it must not be killed any more.
        self.first = None;
        Ok(status.code())
    }
}

impl Running {
    async fn finish_lines(
        &mut self,
        cap: usize,
        longest: usize,
        each: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<(Option<i32>, Vec<u8>), Broken> {
        let (stdout, errors) = (self.child.stdout.take(), self.child.stderr.take());
        let mut stderr = Vec::new();
        let errors = read_capped(errors, cap, &mut stderr);
        tokio::try_join!(read_lines(stdout, longest, each), errors)?;
        let status = self.child.wait().await.map_err(|error| Broken::System(error.to_string()))?;
        self.first = None;
        Ok((status.code(), stderr))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(first) = self.first else { return };
        if !self.stays {
            // It fails only when the whole group is gone already.
            let _ = kill_process_group(first, Signal::KILL);
            return;
        }
        for pid in process::below(first) {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = kill_process(first, Signal::KILL);
    }
}

async fn read_capped<R: AsyncRead + Unpin>(
    source: Option<R>,
    cap: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), Broken> {
    let Some(source) = source else { return Ok(()) };
    let limit = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    source
        .take(limit)
        .read_to_end(bytes)
        .await
        .map_err(|error| Broken::System(error.to_string()))?;
    if bytes.len() > cap { Err(Broken::TooLong) } else { Ok(()) }
}

async fn read_lines<R: AsyncRead + Unpin>(
    source: Option<R>,
    longest: usize,
    each: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<(), Broken> {
    let Some(source) = source else { return Ok(()) };
    let mut source = tokio::io::BufReader::new(source);
    let limit = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
    let mut line = Vec::new();
    loop {
        line.clear();
        (&mut source)
            .take(limit)
            .read_until(b'\n', &mut line)
            .await
            .map_err(|error| Broken::System(error.to_string()))?;
        if line.is_empty() {
            return Ok(());
        }
        if line.len() > longest {
            return Err(Broken::TooLong);
        }
        each(line.strip_suffix(b"\n").unwrap_or(&line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    fn sh() -> Tool {
        Tool::find("sh", None).unwrap()
    }

    #[tokio::test]
    async fn gives_code_outputs_and_a_clean_environment() {
        let mut secrets = Secrets::default();
        secrets.add("s3cret");
        let tool = sh().env("GIVEN", "yes").secrets(&secrets);
        let script = "echo $GIVEN $LC_ALL $TZ $CARGO_MANIFEST_DIR; echo key s3cret >&2; exit 7";
        let output = tool.run(&["-c", script], SOON).await.unwrap();
        assert_eq!(output.code, Some(7));
        assert_eq!(output.stdout, b"yes C UTC\n");
        assert_eq!(output.said, "key ***");
    }

    #[tokio::test]
    async fn a_missing_tool_is_named() {
        let error = Tool::find("no-such-tool", None).unwrap_err();
        assert_eq!(error, ToolError::Missing { name: "no-such-tool".to_owned() });
        let failure: Failure =
            Tool::find("restic", Some(Path::new("bin/restic"))).unwrap_err().into();
        assert_eq!(failure.kind, FailureKind::ToolMissing);
    }

    #[tokio::test]
    async fn a_hung_tool_dies_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pids");
        let script = format!("sleep 1000 & echo $! > {0}; echo $$ >> {0}; wait", file.display());
        let error = sh().run(&["-c", &script], Duration::from_millis(700)).await.unwrap_err();
        assert!(matches!(error, ToolError::Timeout { .. }), "{error}");
        let pids = std::fs::read_to_string(&file).unwrap();
        assert_eq!(pids.lines().count(), 2);
        for pid in pids.lines() {
            let until = std::time::Instant::now() + SOON;
            while is_running(pid) {
                assert!(std::time::Instant::now() < until, "process {pid} lives on");
                tokio::task::yield_now().await;
            }
        }
    }

    /// Dead but not yet collected counts as dead.
    fn is_running(pid: &str) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
    }

    #[tokio::test]
    async fn endless_output_is_cut() {
        let tool = sh().output_cap(10_000);
        for script in ["while :; do echo xxxxxxxxx; done", "while :; do echo x >&2; done"] {
            let error = tool.run(&["-c", script], SOON).await.unwrap_err();
            assert!(matches!(error, ToolError::OutputTooLong { cap: 10_000, .. }), "{error}");
        }
        let output = tool.run(&["-c", "head -c 10000 /dev/zero"], SOON).await.unwrap();
        assert_eq!(output.stdout.len(), 10_000);
    }

    #[tokio::test]
    async fn lines_come_one_by_one_and_endless_ones_are_cut() {
        let mut lines = Vec::new();
        let mut each = |line: &[u8]| lines.push(line.to_vec());
        let script = ["-c", "echo one; echo; printf two; echo oops >&2; exit 3"];
        let output = sh().run_lines(&script, SOON, 100, &mut each).await.unwrap();
        assert_eq!((output.code, output.said.as_str()), (Some(3), "oops"));
        assert_eq!(lines, [b"one".to_vec(), Vec::new(), b"two".to_vec()]);
        let endless = ["-c", "head -c 1000000 /dev/zero; sleep 1000"];
        let error = sh().run_lines(&endless, SOON, 1000, &mut |_| {}).await.unwrap_err();
        assert!(matches!(error, ToolError::OutputTooLong { cap: 1000, .. }), "{error}");
        let hangs = ["-c", "echo one; sleep 1000"];
        let soon = Duration::from_millis(300);
        let error = sh().run_lines(&hangs, soon, 1000, &mut |_| {}).await.unwrap_err();
        assert!(matches!(error, ToolError::Timeout { .. }), "{error}");
    }
}
