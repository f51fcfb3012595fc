//! Bad input: what, where and what to do; no panic; what was stored before stays.
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::{AGENT, EVENKEEL, SIMULATOR, folder, run, run_ok, said};

const MAP: &str = r#"
[organisation]
name = "Test"
[function.shop]
objectives = { rto = "4h" }
needs = ["srv"]
[host.srv]
recover = [{ step = "install", effort = "2h", skill = "linux" }]
[person.ada]
skills = ["linux"]
"#;

/// Writes a map and validates it with the simulator.
fn validate(map: &str) -> (Option<i32>, String) {
    let folder = folder();
    let file = folder.path().join("map.toml");
    std::fs::write(&file, map).unwrap();
    let output = run(SIMULATOR, &["validate", "--map", &file.display().to_string()]);
    (output.status.code(), said(&output))
}

#[test]
fn a_right_map_passes() {
    let (code, words) = validate(MAP);
    assert_eq!(code, Some(0), "{words}");
}

#[test]
fn every_problem_of_a_map_is_said_at_once_with_line_and_hint() {
    let map = MAP
        .replace("rto = \"4h\"", "rtoo = \"4h\"")
        .replace("needs = [\"srv\"]", "needs = [\"serv\"]")
        .replace("effort = \"2h\"", "effort = \"-2h\"");
    let (code, words) = validate(&map);
    assert_eq!(code, Some(78), "{words}");
    for expected in ["map.toml:5", "rtoo", "`rto`", "map.toml:6", "serv", "map.toml:8", "-2h"] {
        assert!(words.contains(expected), "`{expected}` is missing in:\n{words}");
    }
}

#[test]
fn each_kind_of_wrong_map_is_refused_with_its_reason() {
    let cases = [
        ("", "organisation"),
        ("[organisation]\nname = ", "map.toml:2"),
        ("\u{0}\u{1}\u{2}", "map.toml:1"),
        ("[organisation]\nname = \"x\"\n[host.Big_Name]\n", "Big_Name"),
        ("[organisation]\nname = \"x\"\n[host.a]\n[vm.a]\n", "already"),
        (
            "[organisation]\nname = \"x\"\n[service.a]\nneeds = [{ at_least = 3, of = [\"a\"] }]\n",
            "at_least",
        ),
        ("[organisation]\nname = \"x\"\ntimezone = \"Mars/Olympus\"\n", "Mars/Olympus"),
        ("[organisation]\nname = \"x\"\n[person.a]\nhours = \"Mon 8-5\"\n", "08:30-17:00"),
    ];
    for (map, expected) in cases {
        let (code, words) = validate(map);
        assert_eq!(code, Some(78), "{map:?}: {words}");
        assert!(words.contains(expected), "{map:?} does not say `{expected}`:\n{words}");
        assert!(!words.contains("panicked"), "{words}");
    }
}

#[test]
fn missing_files_and_wrong_usage_have_their_exit_codes() {
    let cases: [(&str, &[&str], i32, &str); 7] = [
        (SIMULATOR, &["validate", "--map", "/nonexistent/map.toml"], 78, "/nonexistent/map.toml"),
        (
            SIMULATOR,
            &["run", "--map", "example:city-hall", "--scenario", "ransomwaer"],
            78,
            "ransomware",
        ),
        (SIMULATOR, &["run"], 64, "--map"),
        (EVENKEEL, &["up", "--example", "town"], 64, "city-hall"),
        (EVENKEEL, &["up", "--listen", "0.0.0.0:8420"], 64, "TLS"),
        (EVENKEEL, &["fly"], 64, "fly"),
        (AGENT, &["check", "--config", "/nonexistent/agent.toml"], 3, "/nonexistent/agent.toml"),
    ];
    for (program, arguments, code, expected) in cases {
        let output = run(program, arguments);
        let words = said(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {words}");
        assert!(words.contains(expected), "{arguments:?} does not say `{expected}`:\n{words}");
    }
}

#[test]
fn two_thousand_components_and_a_cycle_both_work() {
    let mut map = MAP.to_owned();
    for index in 0..2000 {
        let next = (index + 1) % 2000;
        write!(map, "[service.s{index}]\nneeds = [\"s{next}\"]\n").unwrap();
    }
    let folder = folder();
    let file = folder.path().join("map.toml");
    std::fs::write(&file, &map).unwrap();
    let file = file.display().to_string();
    let arguments = [
        "run",
        "--map",
        &file,
        "--scenario",
        "host_failure",
        "--trials",
        "1000",
        "--format",
        "json",
    ];
    let printed = run_ok(SIMULATOR, &arguments);
    let summary: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(summary["functions"][0]["id"], "shop");
}

#[test]
fn a_recovery_loop_is_reported_before_any_trial() {
    let map = format!(
        "{MAP}\n[host.hv]\nrecover_needs = [\"vault\"]\nrecover = [{{ step = \"install\", effort = \"1h\" }}]\n\
         [vm.vault]\nruns_on = \"hv\"\nrecover = [{{ step = \"install\", effort = \"1h\" }}]\n"
    );
    let (_, words) = validate(&map);
    assert!(words.contains("vault") && words.contains("hv"), "{words}");
    let map = map.replace("effort = \"1h\" }]\n[vm", "effort = \"1h\", break_glass = true }]\n[vm");
    let (code, healed) = validate(&map);
    assert_eq!(code, Some(0), "{healed}");
    assert!(!healed.contains("warning"), "{healed}");
}

#[test]
fn hostile_names_stay_inert_in_the_terminal() {
    let hostile = "\\u001b[31mred\\u001b[0m \\u202eright to left <script>alert(1)</script>";
    let map = MAP.replace("[function.shop]", &format!("[function.shop]\nsummary = \"{hostile}\""));
    let folder = folder();
    let file = folder.path().join("map.toml");
    std::fs::write(&file, map).unwrap();
    let file = file.display().to_string();
    let output =
        run(SIMULATOR, &["run", "--map", &file, "--scenario", "host_failure", "--trials", "1000"]);
    let words = said(&output);
    assert!(!words.contains('\u{1b}') && !words.contains('\u{202e}'), "{words:?}");
}

/// What `evenkeel status` says about a data folder.
fn status(data: &Path) -> (Option<i32>, String) {
    let data = data.display().to_string();
    let output =
        run(EVENKEEL, &["status", "--example", "non-profit", "--trials", "1000", "--data", &data]);
    (output.status.code(), said(&output))
}

#[test]
fn a_damaged_history_is_refused_and_stays_as_it_was() {
    let data = folder();
    let (code, words) = status(data.path());
    assert_eq!(code, Some(0), "{words}");
    let file = data.path().join("examples/non-profit/hub.sqlite");
    for extra in ["hub.sqlite-wal", "hub.sqlite-shm"] {
        let _ = std::fs::remove_file(file.with_file_name(extra));
    }
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.truncate(bytes.len() / 2);
    bytes[40..200].fill(0xAA);
    std::fs::write(&file, &bytes).unwrap();
    let (code, words) = status(data.path());
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("hub.sqlite") && words.contains("hint:"), "{words}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes, "the damaged file was changed");
}

#[test]
fn a_folder_that_cannot_be_written_is_said() {
    let data = folder();
    std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write everywhere, so ask as somebody else.
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        EVENKEEL,
        "status",
        "--example",
        "non-profit",
        "--data",
    ]);
    let output = command.arg(data.path().join("sub")).output().unwrap();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("--data DIR"), "{words}");
}

#[test]
fn a_full_disk_is_said_and_what_was_stored_stays() {
    let data = folder();
    let (code, words) = status(data.path());
    assert_eq!(code, Some(0), "{words}");
    let limited = |trials: &str| {
        // A cap on file size is what a full disk looks like to SQLite.
        let mut command = Command::new("bash");
        let script = format!(
            "trap '' XFSZ; ulimit -f 8; exec '{EVENKEEL}' status --example non-profit --trials {trials} --data '{}'",
            data.path().display()
        );
        command.args(["-c", &script]).output().unwrap()
    };
    let output = limited("1500");
    let words = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(!words.contains("panicked"), "{words}");
    let (code, words) = status(data.path());
    assert_eq!(code, Some(0), "{words}");
}
