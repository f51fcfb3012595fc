//! The page: what is on it, what is not, and that Prometheus' own linter is content.
use std::io::Write;
use std::process::{Command, Stdio};

use evenkeel_config::record::{FailureKind, Observation, Value};

use super::*;
use crate::checks::Facts;
use crate::scripted::{Script, check, facts, failure};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn state(name: &str, result: Result<Facts, evenkeel_config::record::Failure>) -> CheckState {
    let configured = check(name, Script::Waits);
    let run = judge::Run {
        configured: &configured,
        host: "srv-1",
        started: at(0),
        duration: std::time::Duration::from_millis(1_500),
        past: &[],
        drills: &[],
        proof: None,
        seen: &[],
        is_history_lost: false,
        planned: false,
    };
    let evidence = judge::evidence(&run, result);
    let facts = Some(evidence.clone()).filter(crate::latest::has_facts);
    CheckState {
        configured,
        evidence: Some(evidence),
        facts,
        planned: false,
        vanished: Vec::new(),
        now: at(10),
    }
}

fn page(checks: Vec<CheckState>) -> String {
    render(&State {
        host: "srv-1".parse().unwrap(),
        started: at(-100),
        reload_ok: true,
        store_ok: true,
        store_bytes: 4_096,
        resident_bytes: Some(9_000_000),
        edges: [3, 0],
        checks,
    })
}

fn samples(page: &str) -> Vec<&str> {
    page.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn a_check_with_facts_and_findings_is_on_the_page() {
    let mut facts = facts(&[("disk-1", 0.95), ("disk-2", 0.1)]);
    facts.observations[0].labels.insert("role".to_owned(), "data".to_owned());
    facts.push("model", "disk-1", Value::Text("a \"quoted\" name".to_owned()));
    facts.push("hidden", "disk-1", Value::Number(7.0));
    facts.push("load", "disk-3", Value::Number(f64::NAN));
    let page = page(vec![state("disks", Ok(facts))]);
    assert_eq!(
        samples(&page),
        [
            format!(
                "evenkeel_agent_info{{host=\"srv-1\",version=\"{}\"}} 1",
                env!("CARGO_PKG_VERSION")
            )
            .as_str(),
            "evenkeel_agent_resident_memory_bytes 9000000",
            "evenkeel_agent_start_timestamp_seconds 1799999900",
            "evenkeel_check_duration_seconds{check=\"disks\",component=\"storage\"} 1.5",
            "evenkeel_check_last_facts_timestamp_seconds{check=\"disks\",component=\"storage\"} 1800000000",
            "evenkeel_check_last_run_timestamp_seconds{check=\"disks\",component=\"storage\"} 1800000000",
            "evenkeel_check_status{check=\"disks\",component=\"storage\",kind=\"scripted\"} 2",
            "evenkeel_config_last_reload_successful 1",
            "evenkeel_discovered_dependencies 3",
            "evenkeel_discovered_dependencies_dropped 0",
            "evenkeel_finding{check=\"disks\",component=\"storage\",id=\"load_full\",severity=\"critical\"} 1",
            "evenkeel_finding{check=\"disks\",component=\"storage\",id=\"value_unreadable\",severity=\"unknown\"} 1",
            "evenkeel_scripted_load_ratio{check=\"disks\",component=\"storage\",disk=\"disk-1\",role=\"data\"} 0.95",
            "evenkeel_scripted_load_ratio{check=\"disks\",component=\"storage\",disk=\"disk-2\",role=\"\"} 0.1",
            "evenkeel_scripted_model_info{check=\"disks\",component=\"storage\",disk=\"disk-1\",model=\"a \\\"quoted\\\" name\"} 1",
            "evenkeel_store_last_write_successful 1",
            "evenkeel_store_size_bytes 4096",
        ]
    );
}

#[test]
fn a_check_that_never_ran_is_unknown_and_a_failed_one_says_why() {
    let mut never = state("never", Ok(facts(&[("disk-1", 0.1)])));
    (never.evidence, never.facts) = (None, None);
    let page = page(vec![never, state("failed", Err(failure(FailureKind::Timeout)))]);
    for line in [
        "evenkeel_check_status{check=\"never\",component=\"storage\",kind=\"scripted\"} 3",
        "evenkeel_check_status{check=\"failed\",component=\"storage\",kind=\"scripted\"} 3",
        "evenkeel_check_failure{check=\"failed\",component=\"storage\",reason=\"timeout\"} 1",
    ] {
        assert!(samples(&page).contains(&line), "{line} in {page}");
    }
}

#[test]
fn a_blind_check_keeps_its_series_with_their_time() {
    let mut blind = state("disks", Err(failure(FailureKind::NetworkDown)));
    let mut before = state("disks", Ok(facts(&[("disk-1", 0.95)]))).evidence.expect("evidence");
    before.started = at(-600);
    blind.facts = Some(before);
    let page = page(vec![blind]);
    for line in [
        "evenkeel_check_status{check=\"disks\",component=\"storage\",kind=\"scripted\"} 3",
        "evenkeel_check_last_run_timestamp_seconds{check=\"disks\",component=\"storage\"} 1800000000",
        "evenkeel_check_last_facts_timestamp_seconds{check=\"disks\",component=\"storage\"} 1799999400",
        "evenkeel_scripted_load_ratio{check=\"disks\",component=\"storage\",disk=\"disk-1\",role=\"\"} 0.95",
    ] {
        assert!(samples(&page).contains(&line), "{line} in {page}");
    }
}

#[test]
fn a_vanished_target_keeps_its_series_and_says_when_it_was_seen() {
    let mut state = state("disks", Ok(facts(&[("disk-1", 0.1)])));
    let gone = facts(&[("disk-2", 0.4)]).observations;
    state.vanished =
        vec![SeenSubject { subject: "disk-2".to_owned(), last_seen: at(-60), observations: gone }];
    let page = page(vec![state]);
    for line in [
        "evenkeel_scripted_load_ratio{check=\"disks\",component=\"storage\",disk=\"disk-2\",role=\"\"} 0.4",
        "evenkeel_target_vanished_last_seen_timestamp_seconds{check=\"disks\",component=\"storage\",target=\"disk-2\"} 1799999940",
    ] {
        assert!(samples(&page).contains(&line), "{line} in {page}");
    }
}

#[test]
fn a_family_is_capped_and_says_how_much_was_dropped() {
    let names: Vec<String> = (0..page::MOST_SERIES + 7).map(|n| format!("disk-{n:04}")).collect();
    let loads: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 0.1)).collect();
    let page = page(vec![state("disks", Ok(facts(&loads)))]);
    let count = samples(&page).iter().filter(|line| line.contains("load_ratio{")).count();
    assert_eq!(count, page::MOST_SERIES);
    let dropped = "evenkeel_series_dropped{family=\"evenkeel_scripted_load_ratio\"} 7";
    assert!(samples(&page).contains(&dropped), "{page}");
}

#[test]
fn families_are_sorted_unique_and_well_named() {
    assert!(FAMILIES.is_sorted_by(|a, b| a.name < b.name));
    for family in FAMILIES {
        assert!(family.help.ends_with('.'), "{}: help is a sentence", family.name);
    }
}

/// Every kind of check, and drills.
fn documented() -> impl Iterator<Item = &'static crate::checks::CheckKind> {
    crate::checks::CHECKS.iter().copied().chain([&crate::drill::KIND, &crate::proof::KIND])
}

/// One fact of each exported kind, so that every family has a sample.
fn every_fact() -> Vec<CheckState> {
    let mut states = Vec::new();
    for kind in documented() {
        let mut state = state(kind.name, Ok(facts(&[("x", 0.0)])));
        let mut facts = Facts::default();
        for fact in kind.all_facts() {
            let value = if fact.metric.ends_with("_info") {
                Value::Text("words".to_owned())
            } else {
                Value::Number(1.0)
            };
            facts.observations.push(Observation {
                name: fact.name.to_owned(),
                subject: "x".to_owned(),
                value,
                labels: std::collections::BTreeMap::new(),
            });
        }
        let shared = Arc::get_mut(&mut state.configured).expect("nobody else holds it");
        shared.kind = kind;
        kind.name.clone_into(&mut shared.entry.kind);
        if let Some(evidence) = &mut state.facts {
            evidence.outcome = Outcome::Observed {
                observations: facts.observations,
                copies: Vec::new(),
                drills: Vec::new(),
            };
        }
        states.push(state);
    }
    states
}

#[test]
fn every_exported_fact_has_a_series_and_a_typical_host_stays_small() {
    let page = page(every_fact());
    for fact in documented().flat_map(|kind| kind.all_facts()) {
        if !fact.metric.is_empty() {
            let name = format!("{PREFIX}{}{{", fact.metric);
            assert!(page.contains(&name), "{} has no sample", fact.metric);
        }
    }
    assert!(samples(&page).len() < 400);
}

/// Needs `promtool`, from Debian's package `prometheus`.
#[test]
fn promtool_has_nothing_to_say() {
    let page = page(
        every_fact().into_iter().chain([state("f", Err(failure(FailureKind::Locked)))]).collect(),
    );
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed: apt-get install prometheus");
    promtool.stdin.take().expect("piped").write_all(page.as_bytes()).expect("promtool reads");
    let said = promtool.wait_with_output().expect("promtool ends");
    let words = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() && words.is_empty(), "{words}");
}
