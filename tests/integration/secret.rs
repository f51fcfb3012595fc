//! A planted secret appears in no store, page, metric, log, report or document.
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::{AGENT, EVENKEEL, Running, address_and_token, folder, get, run, run_ok, said};

const SECRET: &str = "pl4nted-s3cret-5f1e";

/// A restic repository whose password is the secret, with one snapshot.
fn repository(folder: &Path) -> String {
    let password = folder.join("password");
    std::fs::write(&password, SECRET).unwrap();
    let source = folder.join("source");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("a"), "some data").unwrap();
    let repository = folder.join("repository").display().to_string();
    let common =
        ["-r", &repository, "--password-file", &password.display().to_string(), "--no-cache"];
    run_ok("restic", &[&common[..], &["init"]].concat());
    run_ok("restic", &[&common[..], &["backup", &source.display().to_string()]].concat());
    repository
}

#[test]
fn a_secret_stays_where_it_was_put() {
    let place = folder();
    let repository = repository(place.path());
    let data = place.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let settings = format!(
        "[agent]\nhost = \"srv\"\nlisten = \"127.0.0.1:0\"\n\
         [[check.restic]]\ncomponent = \"copy-a\"\nname = \"good\"\nrepository = \"{repository}\"\n\
         password_file = \"{0}/password\"\n\
         [[check.restic]]\ncomponent = \"copy-b\"\nname = \"refused\"\n\
         repository = \"rest:http://user:{SECRET}@127.0.0.1:9/\"\npassword_file = \"{0}/password\"\n",
        place.path().display()
    );
    std::fs::write(data.join("agent.toml"), settings).unwrap();
    let map = "[organisation]\nname = \"T\"\n[host.srv]\n[copy.copy-a]\n[copy.copy-b]\n";
    std::fs::write(data.join("map.toml"), map).unwrap();

    let folder = data.display().to_string();
    let config = data.join("agent.toml").display().to_string();
    let checked = run(AGENT, &["check", "--config", &config, "--data", &folder]);
    assert!(said(&checked).contains("EVENKEEL"), "{}", said(&checked));
    let mut all = vec![("check".to_owned(), said(&checked))];

    let mut command = Command::new(EVENKEEL);
    command.args(["up", "--trials", "1000", "--listen", "127.0.0.1:0", "--data", &folder]);
    let mut running = Running::start(command);
    let (address, token) =
        address_and_token(&running.line_with("open http", Duration::from_secs(120)));
    let bearer = format!("Bearer {token}");
    for path in ["/", "/function", "/map", "/evidence", "/report", "/report.html", "/metrics"] {
        let answer = get(&format!("{address}{path}"), &[("authorization", &bearer)]);
        assert_eq!(answer.status, 200, "{path}");
        all.push((path.to_owned(), answer.body));
    }
    assert!(
        all.iter().any(|(path, body)| path == "/evidence" && body.contains("srv")),
        "evidence shows"
    );
    all.push(("log".to_owned(), running.log()));
    assert!(running.interrupt());
    for (place, text) in &all {
        assert!(!text.contains(SECRET), "{place} shows the secret");
    }
    for entry in walk(&data) {
        let is_settings = entry.ends_with("agent.toml");
        let bytes = std::fs::read(&entry).unwrap();
        let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(is_settings || !found, "{} holds the secret", entry.display());
    }
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { out.extend(walk(&path)) } else { out.push(path) }
    }
    out
}
