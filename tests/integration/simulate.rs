//! The simulator as a program, on the shipped examples.
use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{SIMULATOR, folder, run_ok};

type Medians = BTreeMap<String, String>;

/// The median of every function under a scenario.
fn medians(map: &str, scenario: &str, trials: &str) -> Medians {
    let arguments = [
        "run", "--map", map, "--scenario", scenario, "--trials", trials, "--no-fixes", "--format", "json",
    ];
    let printed = run_ok(SIMULATOR, &arguments);
    let summary: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let functions = summary["functions"].as_array().unwrap();
    let median = |function: &serde_json::Value| function["usable"][0]["value"].to_string();
    functions.iter().map(|f| (f["id"].as_str().unwrap().to_owned(), median(f))).collect()
}

fn moved(before: &Medians, after: &Medians) -> usize {
    before.iter().filter(|(id, median)| after.get(*id) != Some(*median)).count()
}

/// Writes an example's map into a folder with one entry changed.
fn changed(folder: &Path, example: &str, change: impl Fn(&mut toml::Table)) -> String {
    let example = evenkeel_config::library::EXAMPLES.iter().find(|e| e.name == example).unwrap();
    let mut table = toml::Table::new();
    for (_, text) in example.map {
        for (key, value) in text.parse::<toml::Table>().unwrap() {
            let below = table.entry(key).or_insert_with(|| toml::Table::new().into());
            below.as_table_mut().unwrap().extend(value.as_table().unwrap().clone());
        }
    }
    change(&mut table);
    let file = folder.join("map.toml");
    std::fs::write(&file, table.to_string()).unwrap();
    file.display().to_string()
}

#[test]
fn one_person_more_or_fewer_moves_at_least_two_functions() {
    // The person that most recovery steps wait for, in each organisation.
    for (example, busiest) in [("city-hall", "dana"), ("small-business", "msp-tech"), ("non-profit", "ada")] {
        let folder = folder();
        let shipped = format!("example:{example}");
        let before = medians(&shipped, "ransomware", "2000");
        let fewer = changed(folder.path(), example, |map| {
            map["person"][busiest]["away"] = 1.0.into();
        });
        let without = medians(&fewer, "ransomware", "2000");
        assert!(moved(&before, &without) >= 2, "{example} without {busiest}: {before:?} {without:?}");
        let more = changed(folder.path(), example, |map| {
            let people = map["person"].as_table_mut().unwrap();
            let mut second = people[busiest].as_table().unwrap().clone();
            for key in ["leave", "deputy", "away"] {
                second.remove(key);
            }
            people.insert("second-pair-of-hands".to_owned(), second.into());
        });
        let with = medians(&more, "ransomware", "2000");
        assert!(moved(&before, &with) >= 2, "{example} with one more: {before:?} {with:?}");
    }
}

#[test]
fn ten_thousand_trials_of_each_example_answer_with_intervals() {
    for example in ["city-hall", "small-business", "non-profit"] {
        for scenario in ["ransomware", "site_loss", "host_failure", "isp_outage"] {
            let map = format!("example:{example}");
            let arguments = ["run", "--map", &map, "--scenario", scenario, "--no-fixes", "--format", "json"];
            let summary: serde_json::Value =
                serde_json::from_str(&run_ok(SIMULATOR, &arguments)).unwrap();
            assert_eq!(summary["trials"], 10_000);
            assert!(!summary["inputs"].as_array().unwrap().is_empty());
            for function in summary["functions"].as_array().unwrap() {
                for quantile in function["usable"].as_array().unwrap() {
                    let ms = |key: &str| quantile[key].as_i64().unwrap_or(i64::MAX);
                    let ordered = ms("low") <= ms("value") && ms("value") <= ms("high");
                    assert!(ordered, "{example} {scenario} {}: {quantile}", function["id"]);
                }
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let run = |threads: &str| {
        let arguments = [
            "run", "--map", "example:small-business", "--scenario", "ransomware", "--trials", "2000",
            "--threads", threads, "--format", "json",
        ];
        run_ok(SIMULATOR, &arguments)
    };
    let one = run("1");
    assert_eq!(one, run("2"));
    assert_eq!(one, run("16"));
}

#[test]
fn the_result_does_not_depend_on_the_processor() {
    let plain = || {
        let arguments = ["run", "--map", "example:non-profit", "--scenario", "ransomware", "--trials", "1000", "--format", "json"];
        let mut command = std::process::Command::new(SIMULATOR);
        command.args(arguments);
        command
    };
    let here = plain().output().unwrap();
    let masked = plain().env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-FMA,-AVX2").output().unwrap();
    assert!(here.status.success());
    assert_eq!(here.stdout, masked.stdout);
}

#[test]
fn a_key_person_away_never_helps_the_worst_function() {
    let run = |more: &[&str]| {
        let base = ["run", "--map", "example:city-hall", "--scenario", "ransomware", "--trials", "2000", "--no-fixes", "--format", "json"];
        let summary: serde_json::Value =
            serde_json::from_str(&run_ok(SIMULATOR, &[&base[..], more].concat())).unwrap();
        let mean = |f: &serde_json::Value| f["mean_lost_hours"].as_f64().unwrap();
        summary["functions"].as_array().unwrap().iter().map(mean).sum::<f64>()
    };
    assert!(run(&["--with", "key_person_away"]) > run(&[]));
}
