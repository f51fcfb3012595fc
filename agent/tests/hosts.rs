//! Recorded hosts, looked at as a whole: what each comes to, and that no harm
//! to any of their files makes a verdict better.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evenkeel_agent::checks::{CHECKS, Look};
use evenkeel_agent::judge::{self, Run};
use evenkeel_agent::plan;
use evenkeel_agent::store::SeenSubject;
use evenkeel_config::load::{self, Source};
use evenkeel_config::record::{Evidence, Status};
use jiff::Timestamp;

const HOSTS: [&str; 4] = ["old-server", "quiet-vm", "rebuilding-server", "workgroup-server"];
const NOW: &str = "2026-11-21T12:00:00Z";
const LATER: &str = "2026-11-21T13:00:00Z";

fn hosts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/hosts")
}

/// Runs every check of a host's own `agent.toml` on its files.
async fn look(root: &Path, at: &str, past: &[Evidence]) -> Vec<Evidence> {
    let started: Timestamp = at.parse().unwrap();
    let text = fs::read_to_string(root.join("agent.toml")).unwrap();
    let settings = load::agent_from(&Source::new("agent.toml", text)).unwrap().value;
    let mut all = Vec::new();
    for configured in plan::plan(&settings).unwrap() {
        let deadline = Duration::from_secs(30);
        let result = configured.check.observe(&Look::new(root, started, deadline)).await;
        let past: Vec<Evidence> =
            past.iter().filter(|earlier| earlier.check == configured.entry.name).cloned().collect();
        let seen = past.last().map(seen).unwrap_or_default();
        let run = Run {
            configured: &configured,
            host: "host",
            started,
            duration: Duration::ZERO,
            past: &past,
            drills: &[],
            proof: None,
            seen: &seen,
            planned: false,
            is_history_lost: false,
        };
        all.push(judge::evidence(&run, result));
    }
    all
}

/// What a store would remember of a run.
fn seen(evidence: &Evidence) -> Vec<SeenSubject> {
    let mut subjects: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for fact in evidence.observations() {
        subjects.entry(&fact.subject).or_default().push(fact.clone());
    }
    subjects
        .into_iter()
        .map(|(subject, observations)| SeenSubject {
            subject: subject.to_owned(),
            last_seen: evidence.started,
            observations,
        })
        .collect()
}

async fn check(host: &str, expected: &[&str]) {
    let evidence = look(&hosts().join(host), NOW, &[]).await;
    let mut found: Vec<String> = evidence
        .iter()
        .flat_map(|one| &one.findings)
        .map(|finding| match finding.severity {
            Status::Critical => format!("{}!", finding.id),
            _ => finding.id.clone(),
        })
        .collect();
    found.sort();
    assert_eq!(found, expected, "{host}");
}

#[tokio::test]
async fn a_healthy_server_has_no_finding() {
    check("workgroup-server", &[]).await;
}

#[tokio::test]
async fn an_old_server_has_exactly_its_findings() {
    check(
        "old-server",
        &[
            "disk_failing_now!",
            "disk_pending!",
            "disk_reallocated!",
            "disk_uncorrectable!",
            "filesystem_full!",
            "raid_degraded!",
            "raid_failed_member!",
            "reboot_needed",
            "support_paid_only!",
            "temperature_high",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_virtual_machine_without_hardware_is_neither_red_nor_green() {
    check("quiet-vm", &["clock_unknown", "not_applicable", "not_applicable", "not_applicable"])
        .await;
}

#[tokio::test]
async fn a_rebuild_a_worn_disk_and_a_sleeping_one_are_told() {
    check(
        "rebuilding-server",
        &["disk_media_errors", "disk_not_read", "disk_worn", "raid_degraded!", "raid_rebuilding"],
    )
    .await;
}

/// Backups, certificates and names are shown by tests of their own.
const SHOWN_ELSEWHERE: [&str; 2] = ["certificate", "dns"];

#[tokio::test]
async fn every_exported_fact_is_seen_on_some_host() {
    let mut seen = BTreeSet::new();
    for host in HOSTS {
        for evidence in look(&hosts().join(host), NOW, &[]).await {
            let names = evidence.observations().iter().map(|fact| fact.name.clone());
            seen.extend(names.map(|name| format!("{} {name}", evidence.kind)));
        }
    }
    let missing: Vec<String> = CHECKS
        .iter()
        .filter(|kind| kind.backup.is_none() && !SHOWN_ELSEWHERE.contains(&kind.name))
        .flat_map(|kind| kind.all_facts().map(move |fact| (kind.name, fact)))
        .filter(|(_, fact)| !fact.metric.is_empty())
        .map(|(kind, fact)| format!("{kind} {}", fact.name))
        .filter(|fact| !seen.contains(fact))
        .collect();
    assert!(missing.is_empty(), "no recorded host shows {missing:?}");
}

/// Whether a verdict became better: only what was fine may be fine. Blindness
/// may turn a warning into unknown, never a critical finding.
fn is_better(before: Status, after: Status) -> bool {
    match before {
        Status::Critical => after != Status::Critical,
        Status::Warning | Status::Unknown => after == Status::Ok,
        Status::Ok | Status::Maintenance => false,
    }
}

#[tokio::test]
async fn no_harm_to_any_file_improves_a_verdict() {
    for host in HOSTS {
        let folder = tempfile::tempdir().unwrap();
        copy(&hosts().join(host), folder.path());
        let before = look(folder.path(), NOW, &[]).await;
        let mut harmed = 0;
        let mut better = Vec::new();
        for file in files(folder.path()) {
            // Settings are what people write; the rest is what the host shows.
            if file.ends_with("agent.toml") {
                continue;
            }
            let whole = fs::read(&file).unwrap();
            let half = whole.get(..whole.len() / 2).unwrap_or_default();
            for harm in [None, Some(&[][..]), Some(half), Some(&b"\xff\x00\x1b[31m"[..])] {
                match harm {
                    None => fs::remove_file(&file).unwrap(),
                    Some(bytes) => fs::write(&file, bytes).unwrap(),
                }
                let after = look(folder.path(), LATER, &before).await;
                for (before, after) in before.iter().zip(&after) {
                    if is_better(before.status, after.status) {
                        let file = file.strip_prefix(folder.path()).unwrap().display();
                        let (from, to) = (before.status, after.status);
                        better.push(format!(
                            "{host}: {}: {from:?} to {to:?} by {file} = {harm:?}",
                            before.check
                        ));
                    }
                }
                harmed += 1;
                fs::write(&file, &whole).unwrap();
            }
        }
        assert!(better.is_empty(), "{better:#?}");
        assert!(harmed > 20, "{host} has too few files to prove anything");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, &target).unwrap();
    }
}
