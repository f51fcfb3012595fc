//! What the town's hosts reported.
use std::collections::BTreeMap;

use evenkeel_config::record::{
    CopyFacts, Evidence, Finding, Observation, Outcome, SnapshotFact, Status, Value,
};
use jiff::{SignedDuration, Timestamp};

use super::as_of;
use crate::picture::HostPicture;

/// Three hosts that speak and one that is silent.
pub(super) fn hosts() -> BTreeMap<String, HostPicture> {
    let certificate = |name: &str, days| {
        check(name, "certificate", Status::Ok, vec![time("not_after", "portal:443", days)])
    };
    let support =
        |days| check("system", "os_support", Status::Ok, vec![time("standard_until", "", days)]);
    let mut worn = check("disks", "smart", Status::Warning, vec![number("disks", 8.0)]);
    worn.findings.push(finding("worn", Status::Warning, "disk sda is worn"));
    let mut space = check("space", "filesystem", Status::Ok, Vec::new());
    space.status = Status::Critical;
    space.findings.push(finding("full", Status::Critical, "/srv is 99 % full"));
    let dns = check("names", "dns", Status::Ok, Vec::new());
    let mut down = check("array", "mdraid", Status::Unknown, Vec::new());
    down.outcome = Outcome::NotApplicable { reason: "no array".to_owned() };
    BTreeMap::from([
        ("hv-1".to_owned(), host(2, false, vec![backup(11), worn, support(900), down])),
        ("hv-2".to_owned(), host(2, false, vec![backup(9), certificate("portal", 24), space, dns])),
        ("srv-cad".to_owned(), host(1, false, vec![certificate("portal", 301), support(300)])),
        ("gis".to_owned(), host(5 * 1440, true, vec![certificate("gis", 80), support(900)])),
    ])
}

fn host(minutes: i64, silent: bool, checks: Vec<Evidence>) -> HostPicture {
    HostPicture {
        last_heard: ago(minutes * 60),
        silent,
        checks: checks.into_iter().map(|evidence| (evidence.check.clone(), evidence)).collect(),
    }
}

fn check(name: &str, kind: &str, status: Status, observations: Vec<Observation>) -> Evidence {
    Evidence {
        schema_version: 1,
        host: String::new(),
        check: name.to_owned(),
        kind: kind.to_owned(),
        component: "hv-1".parse().expect("an id"),
        started: ago(120),
        duration_ms: 12,
        agent_version: "0.1.0".to_owned(),
        stale_after: ago(-7200),
        outcome: Outcome::Observed { observations, copies: Vec::new(), drills: Vec::new() },
        status,
        findings: Vec::new(),
        states: Vec::new(),
    }
}

fn backup(hours: i64) -> Evidence {
    let mut evidence = check("restic-nightly", "restic", Status::Ok, Vec::new());
    let start = ago(hours * 3600);
    let snapshot = SnapshotFact::new(start);
    let copies = vec![CopyFacts {
        copy: "nightly".parse().expect("an id"),
        dataset: None,
        group: String::new(),
        snapshots: vec![snapshot],
    }];
    evidence.component = "nightly".parse().expect("an id");
    evidence.outcome = Outcome::Observed { observations: Vec::new(), copies, drills: Vec::new() };
    evidence
}

fn finding(id: &str, severity: Status, what: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        severity,
        component: "hv-1".parse().expect("an id"),
        subject: String::new(),
        what: what.to_owned(),
        advice: "look at it".to_owned(),
        since: ago(3600),
    }
}

fn time(name: &str, subject: &str, days: i64) -> Observation {
    let value = Value::Time(ago(-days * 86_400));
    Observation {
        name: name.to_owned(),
        subject: subject.to_owned(),
        value,
        labels: BTreeMap::new(),
    }
}

fn number(name: &str, value: f64) -> Observation {
    let value = Value::Number(value);
    Observation { name: name.to_owned(), subject: String::new(), value, labels: BTreeMap::new() }
}

fn ago(seconds: i64) -> Timestamp {
    as_of() - SignedDuration::from_secs(seconds)
}
