//! Helpers for the tests of checks: build one from its keys, run it, name its findings.
use std::path::Path;
use std::time::Duration;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::record::{Evidence, Failure, Finding, Outcome, SCHEMA_VERSION, Status};
use jiff::{SignedDuration, Timestamp};

use crate::checks::{Check, CheckKind, Facts, Look};

/// A check of the kind for the component `thing`, from its own keys as TOML.
pub(crate) fn build(kind: &CheckKind, keys: &str) -> Result<Box<dyn Check>, Problems> {
    let entry = CheckEntry {
        kind: kind.name.to_owned(),
        name: kind.name.to_owned(),
        component: "thing".parse().unwrap(),
        every: None,
        deadline: None,
        settings: keys.parse().unwrap(),
        place: Place::default(),
        places: Default::default(),
    };
    let mut problems = Problems::default();
    (kind.build)(&entry, &mut problems).ok_or(problems)
}

/// Runs a check on the files below a root.
pub(crate) async fn observe(
    check: &dyn Check,
    root: &Path,
    now: Timestamp,
) -> Result<Facts, Failure> {
    let look = Look::new(root, now, Duration::from_secs(60));
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

/// Facts as evidence of an earlier run.
pub(crate) fn evidence(facts: &Facts, findings: Vec<Finding>, started: Timestamp) -> Evidence {
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
        findings,
        states: Vec::new(),
    }
}
