//! The program from outside: exit codes, JSON for errors too, inert output.
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) fn program(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evenkeel-simulator")).args(args).output().expect("it starts")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

const RUN: [&str; 7] =
    ["run", "--map", "example:city-hall", "--trials", "50", "--no-fixes", "--scenario"];

#[test]
fn an_example_runs_in_words_and_in_json() {
    let out = program(&[&RUN[..], &["ransomware"]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let words = text(&out.stdout);
    for expected in ["Payroll", "Where the hours go", "How sure:", "figures are measured"] {
        assert!(words.contains(expected), "{expected} is missing in\n{words}");
    }
    let out = program(&[&RUN[..], &["ransomware", "--format", "json"]].concat());
    let summary: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(summary["schema_version"], 1);
    assert_eq!(summary["trials"], 50);
}

#[test]
fn the_structure_of_an_example_is_told_in_words_and_in_json() {
    let args = ["structure", "--map", "example:city-hall", "--function"];
    let out = program(&[&args[..], &["payroll", "--order", "2"]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let words = text(&out.stdout);
    for expected in ["Payroll", "failures stops it", "directory server 1 + directory server 2"] {
        assert!(words.contains(expected), "{expected} is missing in\n{words}");
    }
    let out = program(&[&args[..], &["payroll", "--format", "json"]].concat());
    let answer: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(answer["schema_version"], 1);
    assert_eq!(answer["functions"][0]["id"], "payroll");
    assert!(answer["functions"][0]["figures"]["availability"].is_number());
    let out = program(&[&args[..], &["hv-1"]].concat());
    assert_eq!(out.status.code(), Some(78));
    assert!(text(&out.stderr).contains("is a host, not a function"), "{}", text(&out.stderr));
    assert_eq!(
        program(&[&args[..], &["payroll", "--order", "4"]].concat()).status.code(),
        Some(64)
    );
}

#[test]
fn a_modifier_alone_is_refused_with_a_hint() {
    let out = program(&[&RUN[..], &["key_person_away"]].concat());
    assert_eq!(out.status.code(), Some(78));
    let message = text(&out.stderr);
    assert!(message.contains("strikes nothing by itself"), "{message}");
    assert!(message.contains("--with key_person_away"), "{message}");
    let out = program(&[&RUN[..], &["host_failure", "--with", "key_person_away"]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
}

#[test]
fn errors_are_json_when_asked_for() {
    let args =
        ["run", "--map", "/nowhere/map.toml", "--scenario", "ransomware", "--format", "json"];
    let out = program(&args);
    assert_eq!(out.status.code(), Some(78));
    let body: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(body["schema_version"], 1);
    assert!(body["error"]["message"].as_str().is_some_and(|m| m.contains("/nowhere/map.toml")));
}

#[test]
fn wrong_usage_is_64() {
    assert_eq!(program(&["run"]).status.code(), Some(64));
    assert_eq!(program(&["frobnicate"]).status.code(), Some(64));
    assert_eq!(program(&["--version"]).status.code(), Some(0));
}

#[test]
fn names_stay_inert_on_a_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let map = folder.path().join("map.toml");
    let name = "\"pay\\u202Eroll <b>\"";
    let body = format!(
        "[organisation]\nname = \"o\"\n[function.f]\nname = {name}\nneeds = [\"s\"]\n\
         [service.s]\nrecover = [{{ step = \"r\", effort = \"1h\" }}]\n"
    );
    std::fs::write(&map, body).expect("written");
    let scenario = folder.path().join("s.toml");
    let strike = "title = \"t\"\nquestion = \"q\"\nstory = \"s\"\n[[strike]]\nname = \"n\"\n\
                  reach = { ids = [\"s\"] }\neffect = \"down\"\n";
    std::fs::write(&scenario, strike).expect("written");
    let (map, scenario) = (map.display().to_string(), scenario.display().to_string());
    let out = program(&["run", "--map", &map, "--scenario", &scenario, "--trials", "10"]);
    let both = text(&out.stdout) + &text(&out.stderr);
    assert!(!both.contains('\u{202e}') && !both.contains('\u{1b}'), "{both}");
}

#[test]
fn an_answer_goes_to_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("answer.json").display().to_string();
    let args = [&RUN[..], &["isp_outage", "--format", "json", "--out", &file]].concat();
    assert!(program(&args).status.success());
    let body = std::fs::read_to_string(&file).expect("written");
    assert!(serde_json::from_str::<Value>(&body).is_ok());
    let args = [&RUN[..], &["isp_outage", "--out", "/nowhere/x"]].concat();
    assert_eq!(program(&args).status.code(), Some(1));
}

const SMALL: &str = "[organisation]\nname = \"Corner shop\"\n\
    [function.till]\nobjectives = { rto = \"4h\", rpo = \"1h\" }\n\
    loss = [{ after = \"0h\", per_hour = 50 }]\nneeds = [\"pos\"]\n\
    [service.pos]\nrepair = [{ step = \"mend\", effort = { mean = \"6h\" } }]\n\
    [fix.spare-till]\ntitle = \"Keep a second till\"\nonce = 400\nstaff_days = 1\n\
    [fix.spare-till.set.service.pos]\n\
    repair = [{ step = \"swap\", effort = { mean = \"1h\" } }]\n\
    [fix.none]\ntitle = \"Repaint\"\nonce = 100\n[fix.none.set.service.pos]\nname = \"till\"\n";

/// A folder with a small map, what strikes it and a patch, and the arguments
/// that name map and scenario.
fn shop() -> (tempfile::TempDir, Vec<String>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let map = write("map.toml", SMALL);
    let strike = "title = \"t\"\nquestion = \"If the till stops\"\nstory = \"s\"\n\
                  [[strike]]\nname = \"n\"\nreach = { ids = [\"pos\"] }\neffect = \"down\"\n";
    let scenario = write("stop.toml", strike);
    let patch = write(
        "by-hand.toml",
        "title = \"Write it down\"\n[set.function.till]\n\
         workaround = { name = \"paper\", capacity = 1.0, after = \"10min\", lasts = \"30d\" }\n\
         minimum = 1.0\n",
    );
    let args = ["--map", &map, "--scenario", &scenario, "--trials", "400"].map(str::to_owned);
    (folder, args.to_vec(), patch)
}

/// The answer of a command on the small map.
fn answer(command: &str, args: &[String], more: &[&str]) -> String {
    let all: Vec<&str> = [command]
        .into_iter()
        .chain(args.iter().map(String::as_str))
        .chain(more.iter().copied())
        .collect();
    let out = program(&all);
    assert!(out.status.success(), "{all:?}: {}", text(&out.stderr));
    assert!(out.stderr.is_empty(), "{}", text(&out.stderr));
    text(&out.stdout)
}

#[test]
fn compare_says_what_gets_better_and_what_worse() {
    let (_folder, args, patch) = shop();
    let more = ["--fix", "spare-till", "--fix", "none", "--patch", &patch];
    let words = answer("compare", &args, &more);
    for expected in [
        "If the till stops",
        "spare-till: Keep a second till",
        "400 USD once",
        "by-hand: Write it down",
        "the RTO is kept in",
        "Worse: nothing that these nights can tell",
        "An event costs, on average",
    ] {
        assert!(words.contains(expected), "{expected} is missing in\n{words}");
    }
    let json: Value = serde_json::from_str(&answer(
        "compare",
        &args,
        &[&more[..], &["--format", "json"]].concat(),
    ))
    .expect("JSON");
    assert_eq!(json["schema_version"], 1);
    let names: Vec<&Value> =
        json["variants"].as_array().expect("a list").iter().map(|v| &v["name"]).collect();
    assert_eq!(names, ["spare-till", "none", "by-hand"]);
    assert_eq!(json["variants"][1]["functions"][0]["bad_night"]["change"]["high"], 0);
    // Together, and as a named combination, the same fixes give the same answer.
    let together = ["--fix", "spare-till", "--patch", &patch, "--together", "--format", "json"];
    let together: Value = serde_json::from_str(&answer("compare", &args, &together)).expect("JSON");
    assert_eq!(together["variants"].as_array().map(Vec::len), Some(1));
    let named = ["--patch", &patch, "--variant", "both=by-hand+spare-till", "--format", "json"];
    let named: Value = serde_json::from_str(&answer("compare", &args, &named)).expect("JSON");
    assert_eq!(named["variants"].as_array().map(Vec::len), Some(1));
    assert_eq!(named["variants"][0]["functions"], together["variants"][0]["functions"]);
    let refused = |more: &[&str]| {
        let all: Vec<&str> = ["compare"]
            .into_iter()
            .chain(args.iter().map(String::as_str))
            .chain(more.iter().copied())
            .collect();
        let out = program(&all);
        (out.status.code(), text(&out.stderr))
    };
    let (code, message) = refused(&[]);
    assert!(code == Some(78) && message.contains("--fix"), "{message}");
    let (code, message) = refused(&["--fix", "spare-tile"]);
    assert!(code == Some(78) && message.contains("spare-till"), "{message}");
    let (code, message) = refused(&["--variant", "spare-till"]);
    assert!(code == Some(64) && message.contains("NAME=FIX+FIX"), "{message}");
}

#[test]
fn promise_is_one_table() {
    let (_folder, args, _) = shop();
    let words = answer("promise", &args, &["--fix", "spare-till"]);
    for expected in ["what can be promised?", "9 in 10", "till", "4 h", "→", "rounded up"] {
        assert!(words.contains(expected), "{expected} is missing in\n{words}");
    }
    let json: Value =
        serde_json::from_str(&answer("promise", &args, &["--format", "json"])).expect("JSON");
    assert_eq!(json["functions"][0]["now"]["rto"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["functions"][0]["stated_rpo"], "1h");
}

#[test]
fn optimise_says_what_to_do_first() {
    let (_folder, args, _) = shop();
    let words = answer("optimise", &args, &["--budget", "450"]);
    for expected in [
        "Best for 450 USD over 5 years: spare-till",
        "Pays for itself if such an event comes more often than once in",
        "What more money would bring",
        "would have won in 200 of 200 cases",
        "every one of the 3 affordable sets was simulated",
    ] {
        assert!(words.contains(expected), "{expected} is missing in\n{words}");
    }
    let json = answer("optimise", &args, &["--for", "rto", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["objective"], &json["per"]), (&"rto".into(), &"event".into()));
    let weighted: Vec<String> = args
        .iter()
        .map(|arg| if arg.ends_with("stop.toml") { format!("{arg}=0.5") } else { arg.clone() })
        .collect();
    let json = answer("optimise", &weighted, &["--format", "json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["weights"][0], &json["per"]), (&0.5.into(), &"year".into()));
    let refused = |more: &[&str]| {
        let all: Vec<&str> = ["optimise"]
            .into_iter()
            .chain(args.iter().map(String::as_str))
            .chain(more.iter().copied())
            .collect();
        let out = program(&all);
        assert_eq!(out.status.code(), Some(78), "{more:?}");
        text(&out.stderr)
    };
    assert!(refused(&["--budget=-5"]).contains("--budget 20000"));
    assert!(refused(&["--years", "0"]).contains("--years 5"));
    assert!(refused(&["--scenario", "ransomware=often"]).contains("ransomware=0.05"));
    assert!(refused(&["--scenario", "isp_outage=0.1"]).contains("some have none"));
}

#[test]
fn answers_are_the_same_bytes_for_any_number_of_threads() {
    for (command, more) in [
        ("compare", &["--fix", "second-directory-person", "--fix", "new-server"][..]),
        ("promise", &["--fix", "new-server"]),
        ("optimise", &["--budget", "20000"]),
    ] {
        let of = |threads: &str| {
            let args = ["--map", "example:city-hall", "--scenario", "host_failure"];
            let rest = ["--trials", "300", "--format", "json", "--threads", threads];
            let out = program(&[&[command][..], &args, &rest, more].concat());
            assert!(out.status.success(), "{}", text(&out.stderr));
            text(&out.stdout)
        };
        let one = of("1");
        assert!(one == of("2") && one == of("16"), "{command}");
    }
}

#[test]
fn a_year_is_told_in_words_and_in_json() {
    let args = ["annual", "--map", "example:city-hall", "--trials", "50", "--years", "500"];
    let out = program(&args);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let words = text(&out.stdout);
    for expected in
        ["the year as a range", "ransomware", "of 100 years at most", "(life safety)", "Left out"]
    {
        assert!(words.contains(expected), "{expected} is missing in\n{words}");
    }
    assert!(words.find("(life safety)") < words.find("of 100 years at most"), "{words}");
    let out = program(&[&args[..], &["--format", "json"]].concat());
    let year: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(year["years"], 500);
    let ransomware = &year["events"].as_array().expect("events")[2];
    assert_eq!(ransomware["id"], "ransomware");
    assert_eq!(ransomware["per_year"]["high"], 0.1);
    let out = program(&[&args[..], &["--scenario", "key_person_away"]].concat());
    assert_eq!(out.status.code(), Some(78), "{}", text(&out.stdout));
}

#[test]
fn what_is_too_entangled_is_said_and_is_no_success() {
    // Each host stands in for three others far away: no order of tests keeps it small.
    let count = 150;
    let pair = |n: usize, m: usize| format!("{{ any = [\"h{n}\", \"h{}\"] }}", m % count);
    let needs: Vec<String> = (0..count)
        .flat_map(|n| [pair(n, n * 7 + 3), pair(n, n * 31 + 11), pair(n, n * 53 + 77)])
        .collect();
    let hosts: String = (0..count).map(|n| format!("[host.h{n}]\navailability = 0.9\n")).collect();
    let map = format!(
        "[organisation]\nname = \"o\"\n[function.f]\nneeds = [\"z\", {}]\n\
         [function.g]\nneeds = [\"z\"]\n[host.z]\navailability = 0.5\n{hosts}",
        needs.join(", ")
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("map.toml");
    std::fs::write(&path, map).expect("written");
    let path = path.to_str().expect("UTF-8");
    let out = program(&["structure", "--map", path, "--format", "json"]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("not all could be answered"), "{}", text(&out.stderr));
    let answer: Value = serde_json::from_slice(&out.stdout).expect("the answer alone");
    let [f, g] = answer["functions"].as_array().expect("functions").as_slice() else {
        panic!("two functions");
    };
    assert!(f["figures"].is_null() && f["cannot"].is_string(), "{f}");
    assert_eq!(f["single_points"][0]["component"], "z");
    assert_eq!(g["figures"]["unavailability"], 0.5);
    let out = program(&["structure", "--map", path, "--function", "g"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(text(&program(&["--help"]).stdout).contains("2 answered in part"));
}
