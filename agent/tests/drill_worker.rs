//! A drill's process against what can happen to it. This program is all three: the
//! tests, the worker that they start (by the hidden command), and a parent to be killed.
#![expect(
    clippy::unwrap_used,
    reason = "a panic here is the test failing; the lint knows no main of its own"
)]
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use evenkeel_agent::drill::confine::{self, Network};
use evenkeel_agent::drill::sandbox::{Quota, Sandbox};
use evenkeel_agent::drill::worker::{self, Emit, Limits};
use evenkeel_agent::probe::tool::Tool;
use evenkeel_config::record::{Failure, FailureKind};
use serde::{Deserialize, Serialize};

/// What the worker of these tests can do.
#[derive(Debug, Serialize, Deserialize)]
enum Job {
    /// Says what it is given.
    Look,
    /// A tool with a child in a session of its own, that never end.
    Hang,
    /// A tool that hangs and is given up, then an answer.
    GiveUp,
    /// Writes until it is stopped.
    Fill(PathBuf),
    /// Writes one file of this many bytes.
    Write(PathBuf, usize),
    /// Opens sockets: of the network, and of this host.
    Sockets,
    Panic,
    Fail,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Said(String);

async fn work(job: Job, emit: Emit<Said>) -> Result<(), Failure> {
    let say = |text: String| emit.send(&Said(text));
    let sh = Tool::find("sh", None)?;
    // `$0` says who they are, a line each.
    let hang = "sleep 1000 & setsid -f sleep 1000; echo $$; exec sleep 1000";
    match job {
        Job::Look => {
            let mut names: Vec<_> =
                std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
            names.sort();
            say(names.join(" "));
            let limits = "ulimit -c; ulimit -n; ulimit -f; nice; ps -o pgid= $$ | tr -d ' '";
            let output = sh.run(&["-c", limits], Duration::from_secs(20)).await?;
            say(String::from_utf8_lossy(&output.stdout).replace('\n', " "));
            say(std::process::id().to_string());
        }
        Job::Hang => {
            let mut each = |line: &[u8]| say(String::from_utf8_lossy(line).into_owned());
            sh.run_lines(&["-c", hang], Duration::from_secs(900), 100, &mut each).await?;
        }
        Job::GiveUp => {
            let error = sh.run(&["-c", hang], Duration::from_millis(300)).await.err();
            let own = rustix_pid();
            say(format!(
                "{} {}",
                error.is_some(),
                evenkeel_agent::probe::process::below(own).len()
            ));
        }
        Job::Fill(path) => {
            let script = format!("exec cat /dev/zero > '{}'", path.display());
            sh.run(&["-c", &script], Duration::from_secs(900)).await?;
        }
        Job::Write(path, size) => {
            let script = format!("head -c {size} /dev/zero > '{}'; echo", path.display());
            sh.run(&["-c", &script], Duration::from_secs(60)).await?;
        }
        Job::Sockets => {
            let network = std::net::TcpListener::bind("127.0.0.1:0").is_ok();
            let python = "exec 3<>/dev/tcp/127.0.0.1/9";
            let bash = Tool::find("bash", None)?;
            let output = bash.run(&["-c", python], Duration::from_secs(20)).await?;
            let host = std::os::unix::net::UnixDatagram::unbound().is_ok();
            say(format!("{network} {host} {}", output.said));
        }
        Job::Panic => panic!("on purpose"),
        Job::Fail => {
            return Err(Failure {
                kind: FailureKind::AuthFailed,
                what: "refused".to_owned(),
                advice: "none".to_owned(),
            });
        }
    }
    Ok(())
}

fn rustix_pid() -> rustix::process::Pid {
    rustix::process::getpid()
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    match words.get(1).map(String::as_str) {
        Some(worker::COMMAND) => return worker::child(work),
        Some("confined") => return confined(),
        Some("parent") => return parent(Path::new(&words[2])),
        _ => {}
    }
    let tests: &[(&str, fn())] = &[
        ("the_worker_is_cut_down", the_worker_is_cut_down),
        ("its_failures_come_out_typed", its_failures_come_out_typed),
        ("the_deadline_ends_everything", the_deadline_ends_everything),
        ("a_tool_given_up_leaves_nothing", a_tool_given_up_leaves_nothing),
        ("a_killed_worker_takes_all_along", a_killed_worker_takes_all_along),
        ("a_killed_parent_leaves_nothing", a_killed_parent_leaves_nothing),
        ("a_writer_is_stopped", a_writer_is_stopped),
        ("offline_means_no_network", offline_means_no_network),
        ("nonsense_is_refused", nonsense_is_refused),
        ("an_examiner_reaches_nobody", an_examiner_reaches_nobody),
    ];
    // As the usual harness: names to choose by, `--list` for those who run them one by one.
    let chosen: Vec<&String> = words[1..].iter().filter(|word| !word.starts_with("--")).collect();
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|word| name.contains(*word));
    for (name, test) in tests.iter().filter(|(name, _)| wanted(name)) {
        if words.iter().any(|word| word == "--list") {
            println!("{name}: test");
        } else {
            test();
            println!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn sandbox(data: &Path) -> Sandbox {
    let quota = Quota { bytes: 64 << 20, files: 1000, keep_free: 0 };
    Sandbox::open(&data.join("scratch"), &[], quota).unwrap()
}

fn limits(sandbox: &Sandbox, seconds: u64) -> Limits {
    Limits::new(Instant::now() + Duration::from_secs(seconds), sandbox.folder())
}

/// Runs a job to its end.
fn ran(job: &Job, sandbox: &Sandbox, limits: &Limits) -> (Vec<String>, Result<(), Failure>) {
    let mut said = Vec::new();
    let mut each = |event: Said| said.push(event.0);
    let ended = block_on(sandbox.guarded(worker::run(job, limits, &mut each)));
    (said, ended)
}

/// Every process that carries the mark of this folder and has not ended.
fn alive(folder: &Path) -> Vec<u32> {
    let mark = format!("EVENKEEL_DRILL={}", folder.display());
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|all| String::from_utf8_lossy(&all).contains(&mark))
        })
        .collect()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "{what} did not come about");
        std::thread::yield_now();
    }
}

fn the_worker_is_cut_down() {
    let data = tempfile::tempdir().unwrap();
    let sandbox = sandbox(data.path());
    let mut limits = limits(&sandbox, 60);
    limits.largest_file = Some(1 << 20);
    let (said, ended) = ran(&Job::Look, &sandbox, &limits);
    assert_eq!(ended, Ok(()));
    for name in said[0].split(' ') {
        let known = ["EVENKEEL_DRILL", "HOME", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER"];
        let ours = known.contains(&name) || name.starts_with("SSL_CERT");
        assert!(ours, "the worker sees {name}");
    }
    // Core files none, open files, 512 or 1024 bytes a block, nice, and the group of the worker.
    let facts: Vec<&str> = said[1].split_whitespace().collect();
    assert_eq!((facts[0], facts[1]), ("0", "4096"));
    assert!(["1024", "2048"].contains(&facts[2]), "{facts:?}");
    assert!(facts[3].parse::<i32>().unwrap() >= 10, "{facts:?}");
    assert_eq!(facts[4], said[2], "a tool left the group of the worker");
    let at = sandbox.files().join("big");
    ran(&Job::Write(at.clone(), 3 << 20), &sandbox, &limits).1.unwrap();
    assert_eq!(std::fs::metadata(at).unwrap().len(), 1 << 20);
}

fn its_failures_come_out_typed() {
    let data = tempfile::tempdir().unwrap();
    let sandbox = sandbox(data.path());
    let failure = ran(&Job::Fail, &sandbox, &limits(&sandbox, 60)).1.unwrap_err();
    assert_eq!((failure.kind, failure.what.as_str()), (FailureKind::AuthFailed, "refused"));
    let failure = ran(&Job::Panic, &sandbox, &limits(&sandbox, 60)).1.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Internal);
    let mut missing = limits(&sandbox, 60);
    missing.program = Some(PathBuf::from("/no/such/program"));
    let failure = ran(&Job::Look, &sandbox, &missing).1.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Internal);
}

fn the_deadline_ends_everything() {
    let data = tempfile::tempdir().unwrap();
    let sandbox = sandbox(data.path());
    let (said, ended) = ran(&Job::Hang, &sandbox, &limits(&sandbox, 3));
    assert_eq!(ended.unwrap_err().kind, FailureKind::Timeout);
    assert_eq!(said.len(), 1, "the tool ran before it was ended");
    until("the end of all processes", || alive(sandbox.folder()).is_empty());
}

fn a_tool_given_up_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let sandbox = sandbox(data.path());
    let (said, ended) = ran(&Job::GiveUp, &sandbox, &limits(&sandbox, 60));
    assert_eq!(ended, Ok(()));
    assert!(said[0].starts_with("true "), "{said:?}");
    until("the end of all processes", || alive(sandbox.folder()).is_empty());
}

fn a_killed_worker_takes_all_along() {
    let data = tempfile::tempdir().unwrap();
    let sandbox = sandbox(data.path());
    let limits = limits(&sandbox, 60);
    let mut each = |event: Said| {
        // The tool says its own number; its parent is the worker.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", event.0)).unwrap();
        let parent = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap();
        let status = Command::new("kill").args(["-9", parent]).status().unwrap();
        assert!(status.success());
    };
    let ended = block_on(worker::run(&Job::Hang, &limits, &mut each));
    let failure = ended.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Internal);
    assert!(failure.what.contains("signal: 9"), "{}", failure.what);
    until("the end of all processes", || alive(sandbox.folder()).is_empty());
}

/// Runs a drill that hangs, and says when it does.
fn parent(data: &Path) -> ExitCode {
    let sandbox = sandbox(data);
    std::fs::write(sandbox.files().join("restored"), "x").unwrap();
    println!("{}", sandbox.folder().display());
    let mut each = |event: Said| println!("{}", event.0);
    let _ = block_on(worker::run(&Job::Hang, &limits(&sandbox, 900), &mut each));
    ExitCode::FAILURE
}

fn a_killed_parent_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .arg("parent")
        .arg(data.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let folder = PathBuf::from(lines.next().unwrap().unwrap());
    lines.next().unwrap().unwrap();
    until("a worker and three of its tool", || alive(&folder).len() >= 4);
    let busy = Sandbox::open(&data.path().join("scratch"), &[], Quota::new(1, 1)).unwrap_err();
    assert_eq!(busy.kind, FailureKind::Locked);
    parent.kill().unwrap();
    parent.wait().unwrap();
    // Nobody helps: the worker notices by itself.
    until("the end of all processes", || alive(&folder).is_empty());
    assert!(folder.join("files/restored").exists(), "a killed parent sweeps nothing");
    let next = sandbox(data.path());
    assert!(!next.files().join("restored").exists());
    assert_eq!(std::fs::read_dir(data.path().join("scratch")).unwrap().count(), 3);
}

fn a_writer_is_stopped() {
    let data = tempfile::tempdir().unwrap();
    let sandbox = sandbox(data.path());
    let job = Job::Fill(sandbox.files().join("endless"));
    let failure = ran(&job, &sandbox, &limits(&sandbox, 60)).1.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NoSpace);
    until("the end of all processes", || alive(sandbox.folder()).is_empty());
    let folder = sandbox.folder().to_owned();
    sandbox.purge().unwrap();
    assert!(!folder.exists());
}

fn offline_means_no_network() {
    let data = tempfile::tempdir().unwrap();
    let sandbox = sandbox(data.path());
    let mut limits = limits(&sandbox, 60);
    let (said, _) = ran(&Job::Sockets, &sandbox, &limits);
    assert!(said[0].starts_with("true true"), "{said:?}");
    assert!(said[0].contains("refused"), "{said:?}");
    limits.offline = true;
    let (said, _) = ran(&Job::Sockets, &sandbox, &limits);
    assert!(said[0].starts_with("false true"), "{said:?}");
    assert!(said[0].contains("not permitted"), "{said:?}");
}

fn nonsense_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let sandbox = sandbox(data.path());
    let script = data.path().join("worker");
    for (text, kind) in [
        ("echo hello", FailureKind::Internal),
        ("echo '{\"event\":5}'", FailureKind::Internal),
        ("head -c 100000000 /dev/zero", FailureKind::Internal),
        ("while :; do echo '{\"event\":\"x\"}'; done", FailureKind::Internal),
        ("while :; do echo words >&2; done & sleep 1000", FailureKind::Timeout),
        ("exec >&-; sleep 1000", FailureKind::Internal),
        ("exit 0", FailureKind::Internal),
    ] {
        std::fs::write(&script, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .unwrap();
        let mut limits = limits(&sandbox, if kind == FailureKind::Timeout { 2 } else { 60 });
        limits.program = Some(script.clone());
        assert_eq!(ran(&Job::Look, &sandbox, &limits).1.unwrap_err().kind, kind, "{text}");
        until("the end of all processes", || alive(sandbox.folder()).is_empty());
    }
}

/// Gives up what an examiner gives up, and says what still works.
fn confined() -> ExitCode {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let attempts = || {
        [
            std::net::TcpStream::connect(address).is_ok(),
            std::net::UdpSocket::bind("127.0.0.1:0").is_ok(),
            std::os::unix::net::UnixDatagram::unbound().is_ok(),
            Command::new("/bin/true").status().is_ok(),
        ]
    };
    println!("{:?}", attempts());
    confine::leave_network(Network::Nothing).unwrap();
    println!("{:?}", attempts());
    ExitCode::SUCCESS
}

fn an_examiner_reaches_nobody() {
    let output = Command::new(std::env::current_exe().unwrap()).arg("confined").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "[true, true, true, true]\n[false, false, false, false]\n");
}
