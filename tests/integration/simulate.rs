//! The simulator as a program, on the shipped examples.
use crate::support::{SIMULATOR, run_ok};

#[test]
fn ten_thousand_trials_of_each_example_answer_with_intervals() {
    for example in ["city-hall", "small-business", "non-profit"] {
        for scenario in ["ransomware", "site_loss", "host_failure", "isp_outage"] {
            let map = format!("example:{example}");
            let arguments =
                ["run", "--map", &map, "--scenario", scenario, "--no-fixes", "--format", "json"];
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
            "run",
            "--map",
            "example:small-business",
            "--scenario",
            "ransomware",
            "--trials",
            "2000",
            "--threads",
            threads,
            "--format",
            "json",
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
        let arguments = [
            "run",
            "--map",
            "example:non-profit",
            "--scenario",
            "ransomware",
            "--trials",
            "1000",
            "--format",
            "json",
        ];
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
fn a_key_person_away_holds_up_several_functions() {
    let medians = |more: &[&str]| -> Vec<i64> {
        let base = [
            "run",
            "--map",
            "example:city-hall",
            "--scenario",
            "ransomware",
            "--trials",
            "2000",
            "--no-fixes",
            "--format",
            "json",
        ];
        let summary: serde_json::Value =
            serde_json::from_str(&run_ok(SIMULATOR, &[&base[..], more].concat())).unwrap();
        let median = |f: &serde_json::Value| f["usable"][0]["value"].as_i64().unwrap_or(i64::MAX);
        summary["functions"].as_array().unwrap().iter().map(median).collect()
    };
    let (with, without) = (medians(&["--with", "key_person_away"]), medians(&[]));
    let later = with.iter().zip(&without).filter(|(with, without)| with > without).count();
    assert!(later >= 2, "{with:?} {without:?}");
}
