//! The rules that hold for every kind of check, each by itself and all together.
use evenkeel_config::record::{CopyFacts, Observation, SnapshotFact};
use proptest::prelude::*;

use super::*;
use crate::scripted::{Script, check, facts, failure};

const START: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

fn run_with(
    result: Result<Facts, Failure>,
    past: &[Evidence],
    seen: &[SeenSubject],
    started: Timestamp,
) -> Evidence {
    let configured = check("disks", Script::Waits);
    let run = Run {
        configured: &configured,
        host: "srv-1",
        started,
        duration: Duration::from_millis(7),
        past,
        drills: &[],
        proof: None,
        seen,
        is_history_lost: false,
        planned: false,
    };
    evidence(&run, result)
}

/// What a store would remember of a run.
fn seen(evidence: &Evidence) -> Vec<SeenSubject> {
    let remember = |seen: &Observation| SeenSubject {
        subject: seen.subject.clone(),
        last_seen: evidence.started,
        observations: vec![seen.clone()],
    };
    evidence.observations().iter().map(remember).collect()
}

fn ids(evidence: &Evidence) -> Vec<(&str, &str)> {
    evidence.findings.iter().map(|one| (one.id.as_str(), one.subject.as_str())).collect()
}

#[test]
fn the_worst_finding_is_the_status() {
    let sound = run_with(Ok(facts(&[("a", 0.1)])), &[], &[], at(0));
    assert_eq!((sound.status, ids(&sound)), (Status::Ok, vec![]));
    let loaded = run_with(Ok(facts(&[("a", 0.6), ("b", 0.95)])), &[], &[], at(0));
    assert_eq!(loaded.status, Status::Critical);
    assert_eq!(ids(&loaded), [("load_full", "b"), ("load_high", "a")]);
}

#[test]
fn a_failure_is_unknown_or_critical_by_its_kind() {
    for (kind, status) in [
        (FailureKind::Timeout, Status::Unknown),
        (FailureKind::ToolMissing, Status::Unknown),
        (FailureKind::Internal, Status::Unknown),
        (FailureKind::NotFound, Status::Critical),
        (FailureKind::CorruptData, Status::Critical),
    ] {
        let failed = run_with(Err(failure(kind)), &[], &[], at(0));
        assert_eq!((failed.status, ids(&failed)), (status, vec![(kind.name(), "")]));
    }
}

#[test]
fn nothing_seen_and_nothing_to_see_are_never_ok() {
    let empty = run_with(Ok(Facts::default()), &[], &[], at(0));
    assert_eq!((empty.status, ids(&empty)), (Status::Unknown, vec![("nothing_observed", "")]));
    let none = run_with(Ok(Facts::not_applicable("no disks")), &[], &[], at(0));
    assert_eq!((none.status, ids(&none)), (Status::Unknown, vec![("not_applicable", "")]));
}

#[test]
fn a_target_that_is_gone_is_critical_with_its_old_time() {
    let first = run_with(Ok(facts(&[("a", 0.1), ("b", 0.1)])), &[], &[], at(0));
    let past = [first.clone()];
    let second = run_with(Ok(facts(&[("a", 0.1)])), &past, &seen(&first), at(60));
    assert_eq!((second.status, ids(&second)), (Status::Critical, vec![("target_vanished", "b")]));
    assert_eq!(second.findings[0].since, at(0));
    assert!(is_vanished(&second, "b") && !is_vanished(&second, "a"));
    let third = run_with(Ok(Facts::not_applicable("no disks")), &past, &seen(&first), at(60));
    assert_eq!(third.status, Status::Critical);
}

#[test]
fn a_critical_finding_outlives_a_blind_run_and_ends_with_a_seeing_one() {
    let full = run_with(Ok(facts(&[("a", 0.95)])), &[], &[], at(0));
    let blind =
        run_with(Err(failure(FailureKind::Timeout)), std::slice::from_ref(&full), &[], at(60));
    assert_eq!(blind.status, Status::Critical);
    assert_eq!(ids(&blind), [("load_full", "a"), ("timeout", "")]);
    assert_eq!(blind.findings[0].since, at(0));
    let still = run_with(Ok(facts(&[("a", 0.97)])), std::slice::from_ref(&blind), &[], at(120));
    assert_eq!(still.findings[0].since, at(0), "the same finding stands since it began");
    let mended = run_with(Ok(facts(&[("a", 0.2)])), std::slice::from_ref(&still), &[], at(180));
    assert_eq!(mended.status, Status::Ok);
}

#[test]
fn a_snapshot_from_the_future_is_never_ok() {
    let mut facts = facts(&[("a", 0.1)]);
    let snapshot = |seconds| SnapshotFact::new(at(seconds));
    facts.copies.push(CopyFacts {
        copy: "nas".parse().unwrap(),
        dataset: None,
        group: String::new(),
        snapshots: vec![snapshot(-9), snapshot(3_600)],
    });
    let future = run_with(Ok(facts.clone()), &[], &[], at(0));
    assert_eq!((future.status, ids(&future)), (Status::Warning, vec![("time_in_future", "nas")]));
    assert_eq!(run_with(Ok(facts), &[], &[], at(3_600)).status, Status::Ok);
}

#[test]
fn a_clock_that_went_back_is_unknown() {
    let later = run_with(Ok(facts(&[("a", 0.1)])), &[], &[], at(86_400));
    let now = run_with(Ok(facts(&[("a", 0.1)])), &[later], &[], at(0));
    assert_eq!((now.status, ids(&now)), (Status::Unknown, vec![("clock_went_back", "")]));
}

#[test]
fn without_its_history_a_check_is_never_ok() {
    let configured = check("disks", Script::Waits);
    let full = run_with(Ok(facts(&[("a", 0.95)])), &[], &[], at(0));
    for (past, status) in [(vec![], Status::Unknown), (vec![full], Status::Critical)] {
        let run = Run {
            configured: &configured,
            host: "srv-1",
            started: at(60),
            duration: Duration::ZERO,
            past: &past,
            drills: &[],
            proof: None,
            seen: &[],
            is_history_lost: true,
            planned: false,
        };
        assert_eq!(evidence(&run, Ok(facts(&[("b", 0.1)]))).status, status);
    }
}

#[test]
fn a_judgement_that_breaks_down_is_a_failure_of_the_check() {
    let configured = check("disks", Script::PanicsInJudgement);
    let run = Run {
        configured: &configured,
        host: "srv-1",
        started: at(0),
        duration: Duration::ZERO,
        past: &[],
        drills: &[],
        proof: None,
        seen: &[],
        is_history_lost: false,
        planned: false,
    };
    let broken = evidence(&run, Ok(facts(&[("a", 0.1)])));
    assert_eq!((broken.status, ids(&broken)), (Status::Unknown, vec![("internal", "")]));
}

#[test]
fn age_and_planned_work_change_the_status_shown() {
    let sound = run_with(Ok(facts(&[("a", 0.1)])), &[], &[], at(0));
    let full = run_with(Ok(facts(&[("a", 0.95)])), &[], &[], at(0));
    let stale = sound.stale_after;
    assert_eq!(status_at(&sound, false, at(60)), Status::Ok);
    assert_eq!(status_at(&sound, false, stale), Status::Unknown);
    assert_eq!(status_at(&full, false, stale), Status::Critical);
    assert_eq!(status_at(&full, true, stale), Status::Maintenance);
    assert_eq!(status_at(&sound, false, at(-3_600)), Status::Unknown, "evidence from the future");
    let planned = Evidence { status: Status::Maintenance, ..full };
    assert_eq!(status_at(&planned, false, at(60)), Status::Critical, "the window has ended");
}

/// How bad a status is when no input got better: not to know is as bad as a
/// warning, since a warning may go unknown when it ages.
fn rank(status: Status) -> u8 {
    match status {
        Status::Ok | Status::Maintenance => 0,
        Status::Unknown | Status::Warning => 1,
        Status::Critical => 2,
    }
}

/// Something that happens to the inputs of a check.
#[derive(Debug, Clone)]
enum Harm {
    Removed(prop::sample::Index),
    AllRemoved,
    Corrupted(prop::sample::Index, f64),
    Failed(FailureKind),
    NotApplicable,
    Aged(i64),
    ClockBack(i64),
}

fn harm() -> impl Strategy<Value = Harm> {
    let bad_number = prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)];
    let failure = prop_oneof![
        Just(FailureKind::NotFound),
        Just(FailureKind::Timeout),
        Just(FailureKind::Unreadable),
        Just(FailureKind::CorruptData),
        Just(FailureKind::PermissionDenied),
    ];
    prop_oneof![
        any::<prop::sample::Index>().prop_map(Harm::Removed),
        Just(Harm::AllRemoved),
        (any::<prop::sample::Index>(), bad_number).prop_map(|(at, by)| Harm::Corrupted(at, by)),
        failure.prop_map(Harm::Failed),
        Just(Harm::NotApplicable),
        (120_i64..100_000_000).prop_map(Harm::Aged),
        (400_i64..100_000_000).prop_map(Harm::ClockBack),
    ]
}

fn harmed(harm: &Harm, sound: &Facts) -> Result<Facts, Failure> {
    let mut facts = sound.clone();
    match harm {
        Harm::Removed(index) => {
            facts.observations.remove(index.index(sound.observations.len()));
        }
        Harm::AllRemoved => facts = Facts::default(),
        Harm::Corrupted(index, by) => {
            facts.observations[index.index(sound.observations.len())].value = Value::Number(*by);
        }
        Harm::Failed(kind) => return Err(failure(*kind)),
        Harm::NotApplicable => facts = Facts::not_applicable("there is none"),
        Harm::Aged(_) | Harm::ClockBack(_) => {}
    }
    Ok(facts)
}

proptest! {
    #[test]
    fn no_verdict_improves_when_an_input_is_harmed(
        loads in prop::collection::btree_map("[a-d]", 0.0..1.0_f64, 1..5),
        harms in prop::collection::vec(harm(), 1..5),
    ) {
        let loads: Vec<(&str, f64)> = loads.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        let facts = facts(&loads);
        let sound = run_with(Ok(facts.clone()), &[], &[], at(0));
        let mut past = vec![sound.clone()];
        let mut known = seen(&sound);
        for (round, harm) in (1..).zip(&harms) {
            let started = match harm {
                Harm::ClockBack(by) => at(-by),
                _ => at(60 * round),
            };
            let after = run_with(harmed(harm, &facts), &past, &known, started);
            let shown = match harm {
                Harm::Aged(by) => status_at(&after, false, at(60 * round + by + 200)),
                _ => after.status,
            };
            prop_assert!(rank(shown) >= rank(sound.status), "{harm:?} gives {shown:?}");
            prop_assert!(shown != Status::Ok, "{harm:?} is ok");
            if !matches!(harm, Harm::ClockBack(_)) {
                known.retain(|one| !after.observations().iter().any(|now| now.subject == one.subject));
                known.extend(seen(&after));
                past.push(after);
            }
        }
    }
}
