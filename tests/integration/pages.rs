//! Every page in Chromium: no violation, no sideways scroll, no message, every function shown.
use std::process::Command;
use std::time::Duration;

use crate::support::{EVENKEEL, Running, address_and_token, folder, root, run_ok};

/// Opens pages in all modes and returns one result per page and mode.
fn look(address: &str, token: &str, pages: &[&str]) -> Vec<serde_json::Value> {
    let tools = root().join("tests/.tools");
    assert!(tools.join("node_modules").exists(), "run tests/run, which installs the browser tools");
    let wish = serde_json::json!({ "address": address, "token": token, "pages": pages });
    let script = root().join("tests/browser/check.mjs");
    let printed = run_ok(
        "node",
        &[&script.display().to_string(), &tools.display().to_string(), &wish.to_string()],
    );
    serde_json::from_str(&printed).expect("the script prints JSON")
}

fn hold(results: &[serde_json::Value], pages: usize) {
    assert_eq!(results.len(), pages * 5, "five modes");
    for result in results {
        let at = format!("{} in {}", result["path"], result["mode"]);
        assert_eq!(result["status"], 200, "{at}");
        assert_eq!(result["violations"], serde_json::json!([]), "{at}");
        assert_eq!(result["messages"], serde_json::json!([]), "{at}");
        assert!(
            result["overflow"].as_i64().unwrap() <= 0,
            "{at} scrolls sideways: {}",
            result["overflow"]
        );
        assert!(
            result["passes"].as_u64().unwrap() >= 30,
            "{at}: only {} rules passed",
            result["passes"]
        );
    }
}

fn start(data: &std::path::Path, more: &[&str]) -> Running {
    let mut command = Command::new(EVENKEEL);
    command
        .args(["up", "--trials", "1000", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(more);
    Running::start(command)
}

#[test]
fn the_pages_of_an_example_hold() {
    let data = folder();
    let mut running = start(data.path(), &["--example", "city-hall"]);
    let line = running.line_with("open http", Duration::from_secs(300));
    let (address, token) = address_and_token(&line);
    let pages = [
        "/?scenario=ransomware",
        "/function?function=payroll",
        "/map?function=payroll",
        "/evidence",
        "/report",
    ];
    let results = look(&address, &token, &pages);
    hold(&results, pages.len());
    let evidence = results[3]["text"].as_str().unwrap();
    assert!(evidence.contains("Copies by the rule 3-2-1-1-0"), "{evidence}");
    for word in
        ["not met", "seen in its lists", "Nothing says of any copy that it cannot be deleted."]
    {
        assert!(evidence.contains(word), "{word}: {evidence}");
    }
    let tonight = results[0]["text"].as_str().unwrap();
    let map = evenkeel_config::library::EXAMPLES.iter().find(|e| e.name == "city-hall").unwrap();
    let sources: Vec<_> = map
        .map
        .iter()
        .map(|(file, text)| evenkeel_config::load::Source::new(*file, *text))
        .collect();
    let map = evenkeel_config::load::map_from(&sources).unwrap().value;
    let functions =
        map.components.values().filter(|c| c.kind == evenkeel_config::map::Kind::Function);
    let mut count = 0;
    for function in functions {
        assert!(tonight.contains(&function.title()), "Tonight does not show {}", function.id);
        count += 1;
    }
    assert_eq!(count, 12);
}

#[test]
fn the_pages_of_a_discovered_host_hold() {
    let data = folder();
    let mut running = start(data.path(), &[]);
    let line = running.line_with("open http", Duration::from_secs(120));
    let (address, token) = address_and_token(&line);
    let pages = ["/", "/map", "/evidence"];
    hold(&look(&address, &token, &pages), pages.len());
}

#[test]
fn the_report_is_two_pages_on_paper() {
    let data = folder();
    let report = data.path().join("report.html");
    let folder = data.path().display().to_string();
    run_ok(
        EVENKEEL,
        &[
            "report",
            "--example",
            "city-hall",
            "--trials",
            "1000",
            "--data",
            &folder,
            "--scenario",
            "ransomware",
            "--out",
            &report.display().to_string(),
        ],
    );
    let html = std::fs::read_to_string(&report).unwrap();
    assert!(html.len() <= 300_000, "the report has {} bytes", html.len());
    for fetched in ["src=\"http", "href=\"http", "url(http", "<script", "@import"] {
        assert!(!html.contains(fetched), "the report has {fetched}");
    }
    let pdf = data.path().join("report.pdf");
    let profile = data.path().join("profile");
    run_ok(
        "chromium",
        &[
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", profile.display()),
            "--no-pdf-header-footer",
            &format!("--print-to-pdf={}", pdf.display()),
            &format!("file://{}", report.display()),
        ],
    );
    let about = run_ok("pdfinfo", &[&pdf.display().to_string()]);
    let pages = about.lines().find(|line| line.starts_with("Pages:")).unwrap_or("");
    assert!(pages.ends_with(" 2"), "{about}");
    assert!(about.contains("Tagged:          yes"), "{about}");
    let words = run_ok("pdftotext", &[&pdf.display().to_string(), "-"]);
    assert!(words.contains("Quillhaven"), "{words}");
    assert!(words.contains("What a year could cost"), "{words}");
    assert!(words.contains("a year costs more than $"), "{words}");
}
