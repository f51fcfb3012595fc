//! Timed drills in the answer: a copy that was throttled, and what is worth doing then.
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{
    DrillFacts, DrillLevel, Evidence, EvidenceSet, Outcome, Status, Summary, TimedRestore,
};
use evenkeel_config::restore_time::{Belief, RestoreLaw, rows};
use evenkeel_simulator::{Job, simulate};
use jiff::{SignedDuration, Timestamp};

use crate::answers::{id, job};
use crate::support::{HOUR, as_of, blow, map, scenario};

const DATA: u64 = 360_000_000_000;
const FILES: u64 = 20_000;

/// 360 GB in one copy, then four hours of checking; a faster copy, or faster checks.
const MAP: &str = "[organisation]\nname = \"o\"\nbad_day = 0.0\n\
    [function.f]\nneeds = [\"db\"]\n\
    [dataset.db]\nsize = \"360 GB\"\n\
    backups = [{ copy = \"nas\", every = \"24h\", keep = \"30d\" }]\n\
    recover = [{ step = \"restore\", dataset = \"db\" }, { step = \"check\", effort = \"4h\" }]\n\
    [copy.nas]\nrestore_success = 1\n\
    [fix.copy]\ntitle = \"a faster copy\"\nonce = 1000\nset.copy.nas.speed = \"400 MB/s\"\n\
    [fix.checks]\ntitle = \"faster checks\"\nonce = 1000\n\
    set.dataset.db.recover = [{ step = \"restore\", dataset = \"db\" }, { step = \"check\", effort = \"1h\" }]\n";

/// Weekly drills of many small and a few large files, so many times as slow.
fn drills(slower: f64, newer: f64) -> Vec<DrillFacts> {
    let drill = |week: i64| {
        let started: Timestamp = as_of() - SignedDuration::from_hours(24 + 7 * 24 * week);
        let mut drill = DrillFacts::new(id("nas"), Some(id("db")), started, DrillLevel::Sample);
        let luck = 1.0 + 0.04 * ((week * 5 % 7) as f64 - 3.0);
        let factor = luck * if week < 3 { newer } else { slower };
        drill.restores = [(500, 50_000_000), (4, 3_000_000_000_u64)]
            .map(|(files, bytes)| TimedRestore {
                files,
                bytes,
                seconds: factor * (2.0 + 0.002 * files as f64 + bytes as f64 / 100e6),
            })
            .to_vec();
        (drill.total_files, drill.total_bytes) = (Some(FILES), Some(DATA));
        drill
    };
    (0..8).rev().map(drill).collect()
}

fn evidence(drills: Vec<DrillFacts>) -> EvidenceSet {
    let evidence = Evidence {
        schema_version: 1,
        host: "h".into(),
        check: "c".into(),
        kind: "restic".into(),
        component: id("nas"),
        started: as_of(),
        duration_ms: 1,
        agent_version: "0".into(),
        stale_after: as_of(),
        outcome: Outcome::Observed { observations: vec![], copies: vec![], drills },
        status: Status::Ok,
        findings: vec![],
        states: vec![],
    };
    EvidenceSet { schema_version: 1, as_of: as_of(), evidence: vec![evidence] }
}

fn summary(map_text: &str, sets: &[EvidenceSet]) -> Summary {
    let (map, scenario) = (map(map_text), scenario(&blow("\"db\"", "lost", "")));
    let job = Job { evidence: sets, fixes: true, ..job(&map, &scenario, 1, 4_000) };
    simulate(&job, &|_, _| {}).unwrap_or_else(|p| panic!("{p}"))
}

/// The likely time of the function in hours, how its speed is known, and the better fix.
fn told(summary: &Summary) -> (f64, Provenance, String) {
    let speed = summary.inputs.iter().find(|figure| figure.key == "copy.nas.restore_speed");
    let won = |fix: &evenkeel_config::record::FixSummary| fix.effects[0].won_ms.map(|won| won[0]);
    let best = summary.fixes.iter().max_by_key(|fix| won(fix)).expect("two fixes");
    let likely = summary.fixes[0].effects[0].likely[0].ms().expect("it comes back");
    (likely as f64 / HOUR, speed.expect("a figure").provenance, best.id.to_string())
}

#[test]
fn a_throttled_copy_moves_the_median_the_provenance_and_the_ranking_of_fixes() {
    let (_, unknown, _) = told(&summary(MAP, &[]));
    assert_eq!(unknown, Provenance::Default);
    let usual = told(&summary(MAP, &[evidence(drills(1.0, 1.0))]));
    assert_eq!((usual.1, usual.2.as_str()), (Provenance::Measured, "checks"), "{usual:?}");
    assert!((usual.0 - 5.0).abs() < 0.5, "an hour and four: {usual:?}");
    // All drills ten times as slow, or the last three of eight.
    for slow in [drills(10.0, 10.0), drills(1.0, 10.0)] {
        let slow = told(&summary(MAP, &[evidence(slow)]));
        assert!(slow.0 >= 2.0 * usual.0, "{slow:?} after {usual:?}");
        assert_eq!((slow.1, slow.2.as_str()), (Provenance::Measured, "copy"), "{slow:?}");
    }
}

#[test]
fn restores_without_contention_follow_the_law_of_the_drills() {
    let drills = drills(1.0, 1.0);
    let map = map(MAP);
    let law = RestoreLaw::fit(
        &rows(&drills),
        &Belief::new(&map.calibration, None),
        as_of().as_millisecond(),
    );
    let time = law.time(Some(FILES), DATA);
    let scenario = scenario(&blow("\"db\"", "lost", ""));
    let sets = [evidence(drills)];
    let job = Job { evidence: &sets, ..job(&map, &scenario, 3, 20_000) };
    let nights = evenkeel_simulator::nights(&job, &|_, _| {}).unwrap_or_else(|p| panic!("{p}"));
    let mut hours: Vec<i64> = nights.runs.functions[0].usable.clone();
    hours.sort_unstable();
    for p in [0.1, 0.5, 0.9] {
        let got = hours[(p * hours.len() as f64) as usize] as f64 / 1e3 - 4.0 * 3600.0;
        let exact = time.quantile(p);
        assert!((got / exact).ln().abs() < 0.05, "P{p}: {got} s, the law says {exact} s");
    }
}
