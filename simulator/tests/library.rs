//! The shipped scenarios on the shipped organisations: each runs, dates strike on their day,
//! and modifiers change what they say they change.
use evenkeel_config::library::{EXAMPLES, Example, SCENARIOS};
use evenkeel_config::load::{Source, evidence_from, map_from, reaches_anything, scenario_from};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::record::{Elapsed, EvidenceSet, Finding, Outcome, Status, Summary, Value};
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::{DEFAULT_SEED, Job, simulate};

fn map(example: &Example) -> DependencyMap {
    let sources: Vec<Source> =
        example.map.iter().map(|(file, text)| Source::new(*file, *text)).collect();
    map_from(&sources).expect("the example loads").value
}

fn evidence(example: &Example) -> EvidenceSet {
    evidence_from(&Source::new("evidence.json", example.evidence)).expect("the evidence loads")
}

fn shipped(id: &str) -> Scenario {
    let (_, text) = SCENARIOS.iter().find(|(known, _)| *known == id).expect("it ships");
    scenario_from(&Source::new(format!("{id}.toml"), *text)).expect("it loads").value
}

fn run(example: &Example, scenario: &Scenario, modifiers: &[Scenario], trials: u64) -> Summary {
    let job = Job {
        map: &map(example),
        scenario,
        modifiers,
        evidence: &[evidence(example)],
        as_of: None,
        seed: DEFAULT_SEED,
        trials,
        threads: None,
        fixes: false,
    };
    simulate(&job, &|_, _| ()).unwrap_or_else(|error| panic!("{}: {error}", scenario.id))
}

fn example(name: &str) -> &'static Example {
    Example::named(name).expect("it ships")
}

/// Hours until a function is likely back; infinite for never.
fn likely(summary: &Summary, function: &str) -> f64 {
    let one = summary.functions.iter().find(|one| one.id.as_str() == function);
    let quantile = one.and_then(|one| one.usable_at(0.5)).expect("it is simulated");
    match quantile.value {
        Elapsed::Ms(ms) => ms as f64 / 3.6e6,
        Elapsed::Never => f64::INFINITY,
    }
}

#[test]
fn every_shipped_scenario_runs_on_every_shipped_organisation() {
    for example in EXAMPLES {
        let map = map(example);
        for (id, _) in SCENARIOS {
            let scenario = shipped(id);
            let (base, modifiers) = match scenario.modifier {
                true => (shipped("host_failure"), vec![scenario]),
                false => (scenario, Vec::new()),
            };
            let summary = run(example, &base, &modifiers, 50);
            let hit = summary.functions.iter().any(|function| function.touched.count > 0);
            assert!(!hit || reaches_anything(&base, &map), "{id} on {}", example.name);
            if example.name == "city-hall" {
                assert!(hit, "{id} touches nothing in the town");
            }
        }
    }
}

#[test]
fn what_lapses_strikes_at_midnight_of_its_day() {
    let summary = run(example("city-hall"), &shipped("domain_lapse"), &[], 50);
    let night = summary.functions.iter().find_map(|function| function.likely_night.as_ref());
    // Midnight in New York on 28 December, the domain's `expires`.
    assert_eq!(night.expect("a function is hit").strike.to_string(), "2026-12-28T05:00:00Z");
    let summary = run(example("small-business"), &shipped("expired_certificate"), &[], 50);
    let hit: Vec<&str> = summary
        .functions
        .iter()
        .filter(|function| function.touched.count > 0)
        .map(|function| function.id.as_str())
        .collect();
    assert!(!hit.is_empty() && hit.len() < summary.functions.len(), "{hit:?}");
}

#[test]
fn late_hardware_and_bad_backups_make_it_worse() {
    let firm = example("small-business");
    let plain = run(firm, &shipped("host_failure"), &[], 400);
    let late = run(firm, &shipped("host_failure"), &[shipped("slow_supply")], 400);
    assert!(likely(&late, "order-to-ship") > 1.2 * likely(&plain, "order-to-ship"));
    let town = example("city-hall");
    let plain = run(town, &shipped("ransomware"), &[], 400);
    let unusable = run(town, &shipped("ransomware"), &[shipped("backup_unusable")], 400);
    let lost = |summary: &Summary| -> u64 {
        summary.datasets.iter().map(|data| data.all_lost.count).sum()
    };
    assert!(lost(&unusable) > lost(&plain), "{} {}", lost(&unusable), lost(&plain));
}

/// The town's facts, with the findings and the end of one component changed.
fn changed(component: &str, find: &str, ends: Option<&str>) -> EvidenceSet {
    let mut set = evidence(example("city-hall"));
    let mut item = set
        .evidence
        .iter()
        .find(|item| item.component.as_str() == component)
        .unwrap_or(&set.evidence[0])
        .clone();
    item.component = component.parse().expect("an id");
    item.check = "changed".into();
    if let Some(ends) = ends {
        set.evidence.retain(|other| other.component != item.component);
        let Outcome::Observed { observations, .. } = &mut item.outcome else { panic!("facts") };
        for one in observations.iter_mut().filter(|one| one.name == "not_after") {
            one.value = Value::Time(ends.parse().expect("an instant"));
        }
    }
    item.findings = Vec::new();
    if !find.is_empty() {
        item.findings.push(Finding {
            id: find.into(),
            severity: Status::Critical,
            component: item.component.clone(),
            subject: String::new(),
            what: String::new(),
            advice: String::new(),
            since: item.started,
        });
    }
    set.evidence.push(item);
    set
}

fn tonight(scenario: &str, evidence: EvidenceSet) -> Summary {
    let job = Job {
        map: &map(example("city-hall")),
        scenario: &shipped(scenario),
        modifiers: &[],
        evidence: &[evidence],
        as_of: None,
        seed: DEFAULT_SEED,
        trials: 300,
        threads: None,
        fixes: false,
    };
    simulate(&job, &|_, _| ()).expect("it runs")
}

#[test]
fn tonight_uses_what_the_checks_saw_today() {
    let touched = |summary: &Summary| -> u64 {
        summary.functions.iter().map(|function| function.touched.count).sum()
    };
    let lost = |summary: &Summary| summary.datasets.len();
    let whole = tonight("disk_failure", evidence(example("city-hall")));
    let weak = tonight("disk_failure", changed("nas-1", "raid_degraded", None));
    assert!(lost(&weak) > lost(&whole), "one more disk takes the array along");
    assert!(weak.notes.iter().any(|note| note.contains("misses a disk already")));

    let fine = tonight("account_loss", evidence(example("city-hall")));
    let expired = tonight("account_loss", changed("cert-calls", "certificate_expired", None));
    assert!(touched(&expired) > touched(&fine), "what is broken already is part of the night");

    // A certificate that ends tonight, by the check and against the map.
    let ends = tonight("ransomware", changed("cert-calls", "", Some("2026-11-18T20:00:00Z")));
    let before = tonight("ransomware", evidence(example("city-hall")));
    let hours = |summary: &Summary| -> f64 {
        let calls = summary.functions.iter().find(|one| one.id.as_str() == "emergency-calls");
        calls.expect("it is simulated").mean_lost_hours
    };
    assert!(hours(&ends) > hours(&before), "{} {}", hours(&ends), hours(&before));
}
