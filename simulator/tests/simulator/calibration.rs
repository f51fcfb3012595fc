//! O19: what facts say, against exact answers.
use evenkeel_config::load::{Source, evidence_from};
use evenkeel_config::map::Calibration;
use evenkeel_config::record::{CopyFacts, EvidenceSet, Outcome, SnapshotFact};
use evenkeel_simulator::calibrate::{Facts, Success};
use evenkeel_simulator::compile::{Inputs, compile};
use evenkeel_simulator::draw::Tables;
use evenkeel_simulator::run::run;
use statrs::distribution::{Beta, ContinuousCDF, StudentsT};

use crate::support::{HOUR, Sample, Trials, as_of, map, scenario, shuffled};

const RESTORE: &str = include_str!("../cases/o19-restore.map.toml");
const SPEEDS: &str = include_str!("../cases/o19-five-speeds.evidence.json");
const DRILLS: &str = include_str!("../cases/o19-ten-drills.evidence.json");
const LUCK: &str = include_str!("../cases/o19-common-luck.map.toml");
const LOST: &str = include_str!("../cases/data-lost.scenario.toml");
const DOWN: &str = include_str!("../cases/services-down.scenario.toml");
const SEEDS: [u64; 3] = [1, 2, 3];

fn evidence(text: &str) -> EvidenceSet {
    evidence_from(&Source::new("evidence.json", text)).unwrap_or_else(|p| panic!("{p}"))
}

fn restores(map_text: &str, evidence: &EvidenceSet, seed: u64, trials: u64) -> Sample {
    let (map, scenario) = (map(map_text), scenario(LOST));
    let inputs = Inputs {
        map: &map,
        scenario: &scenario,
        modifiers: &[],
        evidence: std::slice::from_ref(evidence),
        as_of: as_of(),
        seen_on: None,
    };
    let compiled = compile(&inputs, &mut Tables::default()).unwrap_or_else(|p| panic!("{p}"));
    Sample::new(&run(&compiled.model, seed, trials, &|_| {}).functions[0].usable)
}

/// The first so many drills, with so many of them failed.
fn success(drills: usize, failed: usize, settings: &Calibration) -> Success {
    let mut set = evidence(DRILLS);
    let Outcome::Observed { drills: all, .. } = &mut set.evidence[0].outcome else {
        panic!("the drills were observed")
    };
    all.truncate(drills);
    for (index, drill) in all.iter_mut().enumerate() {
        drill.worked = index >= failed;
    }
    let sets = [set];
    let nas = "nas".parse().expect("an id");
    Facts::gather(&sets, as_of(), settings).success(&nas, None)
}

#[test]
fn o19_nine_of_ten_drills() {
    let settings = map(RESTORE).calibration;
    let near = |got: f64, exact: f64| assert!((got / exact - 1.0).abs() < 1e-6, "{got} {exact}");
    let nine = success(10, 1, &settings);
    near(nine.known.value, 0.863_636_363_6);
    near(nine.quantile(0.05), 0.669_437_0);
    near(nine.quantile(0.95), 0.982_108_0);
    let three = success(3, 0, &settings);
    near(three.known.value, 0.875);
    near(three.quantile(0.05), 0.555_933_0);
    for (drills, failed, prior) in [(10, 4, [1.4, 0.6]), (1, 1, [2.0, 0.1]), (7, 0, [9.0, 3.0])] {
        let settings = Calibration { success_prior: prior, ..settings.clone() };
        let got = success(drills, failed, &settings);
        let worked = (drills - failed) as f64;
        let law = Beta::new(prior[0] + worked, prior[1] + failed as f64).expect("a law");
        for p in [0.01, 0.3, 0.99] {
            assert!((law.cdf(got.quantile(p)) - p).abs() < 1e-6, "{drills} {failed} {p}");
        }
    }
}

#[test]
fn o19_the_next_restore_after_five() {
    let five = evidence(SPEEDS);
    for seed in SEEDS {
        let sample = restores(RESTORE, &five, seed, 200_000);
        sample.quantile(0.5, 3.810_34);
        sample.quantile(0.95, 5.068_11);
        // The band of the speeds: 65.771 to 116.358 MB a second.
        sample.quantile(0.05, 1.2e6 / 116.358 / 3600.0);
        sample.quantile(0.95, 1.2e6 / 65.771 / 3600.0);
    }
    let logs: Vec<f64> = [82.0, 95.0, 74.0, 101.0, 88.0_f64].iter().map(|mb| mb.ln()).collect();
    for kept in [2, 3, 4] {
        let mut some = five.clone();
        let Outcome::Observed { drills, .. } = &mut some.evidence[0].outcome else {
            panic!("the drills were observed")
        };
        drills.truncate(kept);
        let n = kept as f64;
        let mean = logs[..kept].iter().sum::<f64>() / n;
        let variance =
            logs[..kept].iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
        let law = StudentsT::new(0.0, (variance * (1.0 + 1.0 / n)).sqrt(), n - 1.0);
        let law = law.expect("a law");
        let sample = restores(RESTORE, &some, 4, 40_000);
        for p in [0.05, 0.5, 0.9] {
            sample.quantile(p, 1.2e6 / (mean - law.inverse_cdf(p)).exp() / 3600.0);
        }
    }
    let renamed = shuffled(RESTORE, &[("data", "books"), ("nas", "box")]);
    let text = SPEEDS.replace("\"nas\"", "\"box\"").replace("\"data\"", "\"books\"");
    restores(&renamed, &evidence(&text), 1, 200_000).quantile(0.95, 5.068_11);
}

#[test]
fn o19_variants_share_their_luck() {
    const TRIALS: u64 = 50_000;
    let variance = |a: &[i64], b: &[i64]| {
        let gaps: Vec<f64> = a.iter().zip(b).map(|(a, b)| (a - b) as f64 / HOUR).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / gaps.len() as f64
    };
    let hours = |map: &str, seed| Trials::of(map, DOWN, seed, TRIALS).function("f").usable.clone();
    for (shared, changed, factor) in
        [(12.0, 8.0, 0.5), (3.0, 20.0, 0.25), (40.0, 4.0, 2.0), (1.0, 1.0, 0.0_f64)]
    {
        let text = LUCK.replace("\"12h\"", &format!("\"{shared}h\""));
        let before = text.replace("\"8h\"", &format!("\"{changed}h\""));
        let after = text.replace("\"8h\"", &format!("\"{}h\"", changed * factor));
        // Var(B - cB) against Var(A + B) + Var(A' + cB').
        let paired = (1.0 - factor) * (1.0 - factor) * changed * changed;
        let apart = 2.0 * shared * shared + changed * changed * (1.0 + factor * factor);
        if shared == 12.0 {
            assert!((paired, apart) == (16.0, 368.0));
        }
        for seed in SEEDS {
            let (one, other) = (hours(&before, seed), hours(&after, seed));
            let got = variance(&one, &other) / paired;
            assert!((got - 1.0).abs() < 0.05, "{got}");
            let got = variance(&one, &hours(&after, seed + 100)) / apart;
            assert!((got - 1.0).abs() < 0.05, "{got}");
        }
    }
}

/// A data set of which two snapshots were seen: one of the day before, and one
/// that was being made when the intruder came, a day before the facts.
const BOOKS: &str = "[organisation]\nname = \"o\"\nbad_day = 0\n[function.f]\nneeds = [\"books\"]\n\
    [dataset.books]\nsize = \"360 GB\"\nbackups = [{ copy = \"nas\", every = \"24h\", keep = \"10d\" }]\n\
    [copy.nas]\nspeed = \"100 MB/s\"\nrestore_success = 1\n";

#[test]
fn a_snapshot_is_clean_if_it_was_finished_before_the_intruder_came() {
    let scenario = scenario(
        "title = \"t\"\nquestion = \"q\"\nstory = \"s\"\nwhen = \"now\"\ndwell = \"24h\"\n\
         [[strike]]\nname = \"blow\"\nreach = { ids = [\"books\"] }\neffect = \"lost\"\n",
    );
    let map = map(BOOKS);
    let lost = |first_end: &str, last_end: Option<&str>| {
        let at = |text: &str| text.parse().expect("an instant");
        let mut set = evidence(DRILLS);
        let Outcome::Observed { copies, drills, .. } = &mut set.evidence[0].outcome else {
            panic!("the drills were observed")
        };
        drills.clear();
        let snapshot = |start: &str, end: Option<&str>| SnapshotFact {
            end: end.map(at),
            ..SnapshotFact::new(at(start))
        };
        let snapshots = vec![
            snapshot("2026-11-15T11:00:00Z", Some(first_end)),
            snapshot("2026-11-16T11:30:00Z", last_end),
        ];
        copies.push(CopyFacts {
            copy: "nas".parse().expect("an id"),
            dataset: Some("books".parse().expect("an id")),
            group: String::new(),
            snapshots,
        });
        let inputs = Inputs {
            map: &map,
            scenario: &scenario,
            modifiers: &[],
            evidence: &[set],
            as_of: as_of(),
            seen_on: None,
        };
        let compiled = compile(&inputs, &mut Tables::default()).unwrap_or_else(|p| panic!("{p}"));
        run(&compiled.model, 1, 1, &|_| {}).functions[0].data_loss[0] as f64 / HOUR
    };
    // The intruder came at one in the afternoon of the 16th.
    let noon = "2026-11-15T12:00:00Z";
    assert_eq!(lost(noon, Some("2026-11-16T12:59:00Z")), 25.5);
    assert_eq!(lost(noon, Some("2026-11-16T13:01:00Z")), 50.0);
    // One whose end nobody saw took as long as the newest of which it is known.
    assert_eq!(lost(noon, None), 25.5);
    assert_eq!(lost("2026-11-15T14:00:00Z", None), 50.0);
}
