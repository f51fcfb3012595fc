//! The program from outside: exit codes, JSON for errors too, inert output.
use std::process::{Command, Output};

use serde_json::Value;

fn program(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evenkeel-simulator")).args(args).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
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
