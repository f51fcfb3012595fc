//! Helpers of the tests against real peers: build a check, run it, name its findings.
#![expect(dead_code, reason = "each test program uses a part of this")]
pub(crate) mod bench;
pub(crate) mod cluster;
pub(crate) mod lab;
pub(crate) mod rest_server;
pub(crate) mod rows;

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use evenkeel_agent::checks::{self, Check, Facts, Look};
use evenkeel_agent::drill::{Opened, Room, Wanted};
use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::record::{Evidence, Failure, Finding, Outcome, SCHEMA_VERSION, Status};
use jiff::{SignedDuration, Timestamp};

/// A check for the component `thing`, from its kind's own keys as TOML.
pub(crate) fn build(kind: &str, keys: &str) -> Box<dyn Check> {
    let entry = CheckEntry {
        kind: kind.to_owned(),
        name: kind.to_owned(),
        component: "thing".parse().unwrap(),
        every: None,
        deadline: None,
        settings: keys.parse().unwrap(),
        place: Place::default(),
        places: Default::default(),
    };
    let mut problems = Problems::default();
    let kind = checks::kind(kind).expect("the kind is registered");
    (kind.build)(&entry, &mut problems).unwrap_or_else(|| panic!("{problems}"))
}

/// Runs a check on this host.
pub(crate) async fn observe(check: &dyn Check, now: Timestamp) -> Result<Facts, Failure> {
    observe_within(check, now, Duration::from_secs(120)).await
}

/// Runs a check on this host with a deadline.
pub(crate) async fn observe_within(
    check: &dyn Check,
    now: Timestamp,
    deadline: Duration,
) -> Result<Facts, Failure> {
    let look = Look::new("/", now, deadline);
    check.observe(&look).await
}

/// The ids of findings, sorted, each with an exclamation mark if critical.
pub(crate) fn ids(findings: &[Finding]) -> Vec<String> {
    let mut ids: Vec<String> = findings
        .iter()
        .map(|finding| match finding.severity {
            Status::Critical => format!("{}!", finding.id),
            _ => finding.id.clone(),
        })
        .collect();
    ids.sort();
    ids
}

/// The findings on facts without any history.
pub(crate) fn judged(check: &dyn Check, facts: &Facts, now: Timestamp) -> Vec<String> {
    ids(&check.judge(facts, &[], now))
}

/// Facts as evidence of an earlier run.
pub(crate) fn evidence(facts: &Facts, started: Timestamp) -> Evidence {
    Evidence {
        schema_version: SCHEMA_VERSION,
        host: "host".to_owned(),
        check: "check".to_owned(),
        kind: "kind".to_owned(),
        component: "thing".parse().unwrap(),
        started,
        duration_ms: 1,
        agent_version: "0".to_owned(),
        stale_after: started + SignedDuration::from_hours(24),
        outcome: Outcome::Observed {
            observations: facts.observations.clone(),
            copies: facts.copies.clone(),
            drills: facts.drills.clone(),
        },
        status: Status::Ok,
        findings: Vec::new(),
        states: Vec::new(),
    }
}

/// Runs a program that the test needs, and gives its standard output.
pub(crate) fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("TZ", "UTC")
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Tries until something holds, for at most 30 seconds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "{what} did not come about");
        std::thread::yield_now();
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port(address: Ipv4Addr) -> u16 {
    TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().port()
}

/// A room for a drill: the folder that holds it, and the room.
pub(crate) fn room(seconds: f64) -> (tempfile::TempDir, Room) {
    let folder = tempfile::tempdir().unwrap();
    let (files, cache) = (folder.path().join("files"), folder.path().join("cache"));
    std::fs::create_dir(&files).unwrap();
    std::fs::create_dir(&cache).unwrap();
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    (folder, Room { folder: files, cache, until, bandwidth: None })
}

/// Restores everything of the only target, and opens it; nothing may be left behind.
pub(crate) async fn drilled(check: &dyn Check, seconds: f64) -> Result<Opened, Failure> {
    let drill = check.drill().expect("it can be drilled");
    let (folder, room) = room(seconds);
    let targets = drill.targets(room.until).await?;
    let [target] = targets.as_slice() else { panic!("{} targets", targets.len()) };
    let restored = drill.restore(target, Wanted::All, &room).await?;
    assert!(restored.worked, "{}", restored.said);
    let opened = drill.open(&room.folder.join(&restored.below), &room).await;
    let left = std::fs::read_dir(&room.cache).unwrap().count();
    assert_eq!(left, 0, "the cluster's folder is left");
    let place = folder.path().to_str().unwrap();
    let still = || processes().into_iter().any(|line| line.contains(place));
    until("the end of all processes", || !still());
    opened.map(|opened| opened.expect("it has an application"))
}

/// The command lines of all processes.
fn processes() -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}
