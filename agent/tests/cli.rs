//! The program as people and service managers use it: files, signals, exit codes.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const SETTINGS: &str = "
[agent]
host = \"srv-1\"
listen = \"127.0.0.1:0\"
root = \"ROOT\"

[[check.files]]
component = \"dumps\"
path = \"DUMPS/*.sql\"
";

fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel-agent"));
    command.arg("--data").arg(data).env_clear();
    command
}

fn run(data: &Path, words: &[&str]) -> Output {
    program(data).args(words).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A data folder with settings for one check of a fresh dump.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let dumps = folder.path().join("dumps");
    std::fs::create_dir(&dumps).expect("made");
    std::fs::write(dumps.join("today.sql"), "x".repeat(5_000)).expect("written");
    write_settings(folder.path(), "");
    // Else the dump would be one that nobody ever restored from.
    let drilled = run(folder.path(), &["drill", "files-dumps", "--by-hand", "worked"]);
    assert_eq!(drilled.status.code(), Some(0), "{}", text(&drilled.stderr));
    folder
}

fn write_settings(folder: &Path, more: &str) {
    let settings =
        SETTINGS.replace("ROOT", "/").replace("DUMPS", &folder.join("dumps").display().to_string());
    std::fs::write(folder.join("agent.toml"), settings + more).expect("written");
}

#[test]
fn init_writes_what_validate_and_check_accept_and_overwrites_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("new/data");
    let first = run(&data, &["init"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert!(text(&first.stdout).contains("written: "), "{}", text(&first.stdout));
    let valid = run(&data, &["validate", "--format", "json"]);
    assert_eq!(valid.status.code(), Some(0), "{}", text(&valid.stdout));
    let document: serde_json::Value = serde_json::from_slice(&valid.stdout).expect("JSON");
    assert_eq!((&document["schema_version"], &document["valid"]), (&1.into(), &true.into()));
    let settings = data.join("agent.toml");
    std::fs::write(&settings, "# mine\n").expect("written");
    let second = run(&data, &["init"]);
    assert!(text(&second.stdout).contains("kept as it is: "), "{}", text(&second.stdout));
    assert_eq!(std::fs::read_to_string(&settings).expect("there"), "# mine\n");
}

#[test]
fn check_speaks_as_a_monitoring_plugin_and_remembers() {
    let folder = prepared();
    let sound = run(folder.path(), &["check"]);
    let said = text(&sound.stdout);
    assert_eq!(sound.status.code(), Some(0), "{said}{}", text(&sound.stderr));
    assert!(said.starts_with("EVENKEEL OK - 1 check is ok | 'files-dumps'=0;;;0;4"), "{said}");
    std::fs::remove_dir_all(folder.path().join("dumps")).expect("removed");
    let gone = run(folder.path(), &["check", "files-dumps"]);
    let said = text(&gone.stdout);
    assert_eq!(gone.status.code(), Some(2), "{said}");
    assert!(said.starts_with("EVENKEEL CRITICAL - 1 of 1 check: files-dumps critical |"), "{said}");
    assert!(said.lines().count() > 1, "each finding has a line: {said}");
    let unknown = run(folder.path(), &["check", "no-such-check"]);
    assert_eq!(unknown.status.code(), Some(3));
    assert!(text(&unknown.stdout).contains("the checks are files-dumps"));
    let integrity = run(folder.path(), &["store", "integrity"]);
    assert!(text(&integrity.stdout).ends_with(": sound\n"));
}

#[test]
fn every_wrong_thing_is_said_with_what_to_do() {
    let folder = prepared();
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let config = folder.path().join("agent.toml");
    let config = config.to_str().expect("UTF-8");

    let none = run(&folder.path().join("empty"), &["run"]);
    assert_eq!(none.status.code(), Some(78));
    assert!(text(&none.stderr).contains("evenkeel-agent init"), "{}", text(&none.stderr));

    let no_folder = run(&file.join("data"), &["--config", config, "check"]);
    assert_eq!(no_folder.status.code(), Some(3));
    let said = text(&no_folder.stdout);
    assert!(
        said.starts_with("EVENKEEL UNKNOWN - ") && said.contains("hint: name a folder"),
        "{said}"
    );

    let usage = run(folder.path(), &["--format", "json", "chekc"]);
    assert_eq!(usage.status.code(), Some(64));
    let error: serde_json::Value = serde_json::from_slice(&usage.stdout).expect("JSON");
    assert_eq!((&error["schema_version"], &error["error"]["kind"]), (&1.into(), &"usage".into()));

    write_settings(
        folder.path(),
        "pth = 5\nevery = \"5\"\n[[check.fiels]]\ncomponent = \"dumps\"\n",
    );
    let wrong = run(folder.path(), &["validate"]);
    assert_eq!(wrong.status.code(), Some(78));
    assert!(text(&wrong.stderr).contains("agent.toml:"), "{}", text(&wrong.stderr));

    std::fs::write(folder.path().join("evidence.db"), "no database at all ".repeat(100))
        .expect("written");
    write_settings(folder.path(), "");
    let damaged = run(folder.path(), &["check"]);
    assert_eq!(damaged.status.code(), Some(3));
    assert!(text(&damaged.stdout).contains("is damaged"), "{}", text(&damaged.stdout));
}

/// A running agent and its messages.
struct Running {
    child: Child,
    messages: BufReader<ChildStderr>,
    address: String,
}

impl Running {
    fn start(data: &Path) -> Self {
        let mut child = program(data)
            .arg("run")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut messages = BufReader::new(child.stderr.take().expect("piped"));
        let line = until(&mut messages, "/metrics is served");
        let start = line.find("http://").expect("an address") + "http://".len();
        let end = line.find("/metrics").expect("a path");
        let address = line[start..end].to_owned();
        Self { child, messages, address }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the agent runs");
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(head.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }

    fn end(mut self) {
        self.signal(Signal::TERM);
        let mut rest = String::new();
        self.messages.read_to_string(&mut rest).expect("messages");
        let status = self.child.wait().expect("ended");
        assert_eq!(status.code(), Some(0), "{rest}");
    }
}

/// Reads messages until one holds the words.
fn until(messages: &mut BufReader<ChildStderr>, words: &str) -> String {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        let read = messages.read_line(&mut line).expect("messages");
        assert!(read > 0, "the agent ended before it said `{words}`: {all}");
        if line.contains(words) {
            return line;
        }
        all.push_str(&line);
    }
}

#[test]
fn a_service_reloads_on_a_hangup_keeps_what_works_and_ends_cleanly() {
    let folder = prepared();
    assert_eq!(run(folder.path(), &["check"]).status.code(), Some(0));
    let mut agent = Running::start(folder.path());
    let page = agent.get("/metrics");
    let status =
        "evenkeel_check_status{check=\"files-dumps\",component=\"dumps\",kind=\"files\"} 0";
    assert!(page.contains(status), "history is there from the start: {page}");

    std::fs::write(folder.path().join("agent.toml"), "[agent]\nhots = \"x\"\n").expect("written");
    agent.signal(Signal::HUP);
    until(&mut agent.messages, "the old ones stay");
    let page = agent.get("/metrics");
    assert!(page.contains("evenkeel_config_last_reload_successful 0"), "{page}");
    assert!(page.contains(status), "{page}");

    write_settings(folder.path(), "name = \"renamed\"\n");
    agent.signal(Signal::HUP);
    until(&mut agent.messages, "the settings are reloaded: 1 checks");
    let page = agent.get("/metrics");
    assert!(page.contains("evenkeel_config_last_reload_successful 1"), "{page}");
    assert!(page.contains("check=\"renamed\"") && !page.contains("files-dumps"), "{page}");
    agent.end();
}

#[test]
fn what_was_stored_survives_a_kill() {
    let folder = prepared();
    assert_eq!(run(folder.path(), &["check"]).status.code(), Some(0));
    let mut agent = Running::start(folder.path());
    agent.signal(Signal::KILL);
    agent.child.wait().expect("ended");
    let integrity = run(folder.path(), &["store", "integrity"]);
    assert!(text(&integrity.stdout).ends_with(": sound\n"), "{}", text(&integrity.stderr));
    Running::start(folder.path()).end();
}

#[test]
fn a_taken_port_is_said_and_nothing_hangs() {
    let folder = prepared();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let settings = std::fs::read_to_string(folder.path().join("agent.toml")).expect("there");
    let settings = settings.replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
    std::fs::write(folder.path().join("agent.toml"), settings).expect("written");
    let refused = run(folder.path(), &["run"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains(&format!("port {port}")) && said.contains("ss -ltnp"), "{said}");
}
