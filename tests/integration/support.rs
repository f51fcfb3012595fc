//! What several tests share: the programs under test, free folders, waiting without sleeping.
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The agent's program.
pub(crate) const AGENT: &str = env!("CARGO_BIN_EXE_agent-under-test");
/// The simulator's program.
pub(crate) const SIMULATOR: &str = env!("CARGO_BIN_EXE_simulator-under-test");
/// The all-in-one program.
pub(crate) const EVENKEEL: &str = env!("CARGO_BIN_EXE_evenkeel-under-test");

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository").to_owned()
}

/// A folder of the test's own, gone when dropped.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("evenkeel-test").tempdir().expect("a folder can be made")
}

/// The standard output as text.
pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Both outputs, for messages.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", text(output), String::from_utf8_lossy(&output.stderr))
}

/// Runs a program to its end; panics with its words if it cannot be started.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap_or_else(|error| {
        panic!("{program} cannot be started ({error}); run tests/run, which installs it")
    })
}

/// Runs a program that must end well and returns what it printed.
pub(crate) fn run_ok(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    assert!(output.status.success(), "{program} {arguments:?} failed:\n{}", said(&output));
    text(&output)
}

/// A program in the background, ended when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    /// Starts a program and listens to its standard error.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line that contains `words`; panics with everything seen after `limit`.
    pub(crate) fn line_with(&mut self, words: &str, limit: Duration) -> String {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(words) {
                        return line;
                    }
                }
                Err(_) => panic!("no line with `{words}`; seen:\n{}", self.seen.join("\n")),
            }
        }
    }

    /// Everything it has said so far.
    pub(crate) fn log(&mut self) -> String {
        self.seen.extend(self.lines.try_iter());
        self.seen.join("\n")
    }

    /// Asks it to end, as Ctrl-C does, and says whether it ended well.
    pub(crate) fn interrupt(mut self) -> bool {
        run("kill", &["-INT", &self.child.id().to_string()]);
        self.child.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP answer.
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// Header lines, lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    /// Body.
    pub(crate) body: String,
}

impl Answer {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// Asks over HTTP with the given headers, following nothing.
pub(crate) fn get(url: &str, headers: &[(&str, &str)]) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(60)))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let mut request = agent.get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer = request.call().unwrap_or_else(|error| panic!("{url}: {error}"));
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let status = answer.status().as_u16();
    let mut body = String::new();
    answer.body_mut().as_reader().read_to_string(&mut body).expect("the body is text");
    Answer { status, headers, body }
}

/// The address and token in a line such as `open http://127.0.0.1:8420/?token=..`.
pub(crate) fn address_and_token(line: &str) -> (String, String) {
    let url = line.split_whitespace().find(|word| word.starts_with("http")).expect("an address");
    let (address, token) = url.split_once("/?token=").expect("a token");
    (address.to_owned(), token.to_owned())
}
