//! The one command: look, record, simulate, serve; a second start goes on.
use std::process::Command;
use std::time::Duration;

use crate::support::{EVENKEEL, Running, address_and_token, folder, get, run, said, text};

const PATIENCE: Duration = Duration::from_secs(120);

fn up(data: &std::path::Path, more: &[&str]) -> Command {
    let mut command = Command::new(EVENKEEL);
    command.args(["up", "--trials", "1000", "--data"]).arg(data).args(more);
    command
}

#[test]
fn this_host_is_looked_at_and_shown() {
    let data = folder();
    let mut first = Running::start(up(data.path(), &["--listen", "127.0.0.1:0"]));
    let wrote = first.line_with("draft map", PATIENCE);
    assert!(wrote.contains("map.toml"), "{wrote}");
    let (address, token) = address_and_token(&first.line_with("open http", PATIENCE));
    let cookie = welcome(&address, &token);
    let page = get(&format!("{address}/"), &[("cookie", &cookie)]);
    assert_eq!(page.status, 200);
    for words in ["cannot be simulated yet", "</html>"] {
        assert!(page.body.contains(words), "the first page does not say `{words}`");
    }
    let evidence = get(&format!("{address}/evidence"), &[("cookie", &cookie)]);
    assert!(evidence.body.contains("os_support") || evidence.body.contains("System support"));
    assert!(first.interrupt(), "Ctrl-C must end it cleanly");
    for file in ["agent.toml", "map.toml", "hub.sqlite", "token"] {
        assert!(data.path().join(file).exists(), "{file} is not in the data folder");
    }

    let map = std::fs::read_to_string(data.path().join("map.toml")).unwrap();
    let mut second = Running::start(up(data.path(), &["--listen", "127.0.0.1:0"]));
    let (_, same) = address_and_token(&second.line_with("open http", PATIENCE));
    assert_eq!(same, token, "the token stays");
    assert_eq!(std::fs::read_to_string(data.path().join("map.toml")).unwrap(), map);
    assert!(second.interrupt());
    let stored = run(
        "sqlite3",
        &[
            &data.path().join("hub.sqlite").display().to_string(),
            "SELECT count(*) FROM (SELECT 1 FROM evidence GROUP BY host, check_name HAVING count(*) > 1)",
        ],
    );
    assert_ne!(text(&stored).trim(), "0", "a second start adds to the history");
}

/// Follows the printed address, as a browser does, and returns the cookie.
fn welcome(address: &str, token: &str) -> String {
    let answer = get(&format!("{address}/?token={token}"), &[]);
    assert_eq!(answer.status, 303, "the token becomes a cookie");
    assert_eq!(answer.header("location"), "/", "and leaves the address bar");
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

#[test]
fn a_taken_port_is_said_and_the_next_one_used() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let data = folder();
    let listen = format!("127.0.0.1:{port}");
    let mut running =
        Running::start(up(data.path(), &["--example", "city-hall", "--listen", &listen]));
    running.line_with(&format!("port {port} is taken"), PATIENCE);
    let (address, _) = address_and_token(&running.line_with("open http", PATIENCE));
    assert_ne!(address, format!("http://{listen}"));
    assert!(running.interrupt());
}

#[test]
fn pages_are_closed_to_strangers() {
    let data = folder();
    let mut running =
        Running::start(up(data.path(), &["--example", "non-profit", "--listen", "127.0.0.1:0"]));
    let (address, token) = address_and_token(&running.line_with("open http", PATIENCE));
    let cookie = welcome(&address, &token);
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);
    let cases: [Case<'_>; 8] = [
        ("/", &[], 401),
        ("/?token=0000", &[], 401),
        ("/map", &[("cookie", "evenkeel=guess")], 401),
        ("/evidence", &[("host", "evil.example"), ("cookie", &cookie)], 421),
        ("/healthz", &[], 200),
        ("/metrics", &[], 200),
        ("/report", &[("cookie", &cookie)], 200),
        ("/nothing", &[("cookie", &cookie)], 404),
    ];
    for (path, headers, status) in cases {
        let answer = get(&format!("{address}{path}"), headers);
        assert_eq!(answer.status, status, "{path} {headers:?}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path} has the policy `{policy}`");
    }
    let metrics = get(&format!("{address}/metrics"), &[]).body;
    assert!(metrics.contains("evenkeel_predicted_recovery_seconds{"), "{metrics}");
    assert!(running.interrupt());
}

#[test]
fn every_example_answers_for_every_function() {
    for example in ["city-hall", "small-business", "non-profit"] {
        let data = folder();
        let arguments =
            ["up", "--once", "--trials", "1000", "--format", "json", "--example", example];
        let path = data.path().display().to_string();
        let output = run(EVENKEEL, &[&arguments[..], &["--data", &path]].concat());
        assert!(output.status.success(), "{example}: {}", said(&output));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let summaries = document["summaries"].as_array().unwrap();
        assert!(summaries.len() >= 8, "{example} has {} scenarios", summaries.len());
        for summary in summaries {
            for function in summary["functions"].as_array().unwrap() {
                let known = function["usable"].as_array().is_some_and(|usable| usable.len() == 4);
                assert!(known || function["cannot"].is_string(), "{example}: {function}");
            }
        }
    }
}
