//! The page for Prometheus: every family on a live one, each clean, small and read by a real server.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use evenkeel_agent::checks::table_markdown;
use evenkeel_agent::metrics::{FAMILIES, PREFIX};

use crate::support::{AGENT, Running, folder, get, root, run, run_ok, said};

const PATIENCE: Duration = Duration::from_secs(60);

/// Recorded hosts, each looked at by an agent of its own.
const HOSTS: [&str; 4] = ["old-server", "quiet-vm", "rebuilding-server", "workgroup-server"];

/// Families that a page has only after something went wrong.
const CONDITIONAL: [(&str, &str); 2] = [
    ("evenkeel_series_dropped", "a family has more series than the page takes"),
    ("evenkeel_target_vanished_last_seen_timestamp_seconds", "a target went between two runs"),
];

/// Restic counts the changes of each run from 0.17 on; before, the size of the
/// whole stands for them. A page has the one or the other.
const EITHER: [&str; 2] =
    ["evenkeel_restic_newest_snapshot_changed_ratio", "evenkeel_restic_stored_bytes"];

/// Scrapes of each page in a row.
const SCRAPES: usize = 30;

/// An agent whose checks have run once, serving what they found.
struct Agent {
    page: String,
    running: Running,
    _data: tempfile::TempDir,
}

impl Agent {
    /// Runs every check of the settings once and stores the evidence, then serves it.
    fn start(settings: &str) -> Self {
        let data = folder();
        let config = data.path().join("agent.toml");
        fs::write(&config, settings).unwrap();
        let (data_path, config_path) = (text(data.path()), text(&config));
        let places = ["--data", &data_path, "--config", &config_path];
        // The exit code tells what was found, and the pages show it; here it counts that all ran.
        let checked = run(AGENT, &[&["check"], &places[..]].concat());
        let figures = said(&checked).matches(";;;0;4").count();
        assert_eq!(figures, settings.matches("[[check.").count(), "{}", said(&checked));
        let mut command = Command::new(AGENT);
        command.arg("run").args(places);
        let mut running = Running::start(command);
        let line = running.line_with("/metrics is served", PATIENCE);
        let page = line.split_whitespace().find(|word| word.starts_with("http")).unwrap();
        Self { page: page.to_owned(), running, _data: data }
    }

    /// One of the recorded hosts, with its own settings.
    fn of_host(host: &str) -> Self {
        let files = root().join("tests/fixtures/hosts").join(host);
        let settings = fs::read_to_string(files.join("agent.toml")).unwrap();
        Self::start(&with_root(&settings, &files))
    }

    fn scrape(&self) -> String {
        let answer = get(&self.page, &[]);
        assert_eq!(answer.status, 200, "{}", self.page);
        assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
        answer.body
    }
}

/// Settings that look at the files under `root` and listen on a free port.
fn with_root(settings: &str, root: &Path) -> String {
    let table = format!("[agent]\nlisten = \"127.0.0.1:0\"\nroot = \"{}\"\n", root.display());
    assert_eq!(settings.matches("[agent]\n").count(), 1);
    settings.replace("[agent]\n", &table)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Backups, certificates and names as they are in a small office, all of them real.
struct Office {
    folder: tempfile::TempDir,
    web: (Running, u16),
    names: (Running, u16),
    backup: Child,
}

impl Office {
    fn start() -> Self {
        let folder = folder();
        let path = folder.path();
        fs::create_dir_all(path.join("dumps")).unwrap();
        fs::write(path.join("dumps/erp.sql"), "ledger".repeat(900)).unwrap();
        fs::create_dir_all(path.join("etc")).unwrap();
        fs::write(path.join("etc/resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
        let (web, names, backup) = (web_server(path), name_server(path), running_backup(path));
        Self { folder, web, names, backup }
    }

    fn settings(&self) -> String {
        let path = self.folder.path().display();
        let (web, dns) = (self.web.1, self.names.1);
        let settings = format!(
            r#"[agent]
host = "srv-office"

[[check.restic]]
component = "nas"
repository = "{path}/repository"
password_file = "{path}/password"

[[check.restic]]
component = "nas"
name = "lost repository"
repository = "{path}/nowhere"
password_file = "{path}/password"

[[check.files]]
component = "erp"
path = "/dumps/*.sql"

[[check.certificate]]
component = "web"
endpoint = "www.lab.test:{web}"
addresses = ["127.0.0.1"]
ca_file = "/certificate.pem"

[[check.certificate]]
component = "web"
name = "certificate on disk"
file = "/certificate.pem"
key_file = "/key.pem"

[[check.dns]]
component = "names"
domain = "lab.test"
servers = ["127.0.0.1:{dns}"]
resolvers = true
port = {dns}
registration_expires = "2099-01-01"
"#
        );
        with_root(&settings, self.folder.path())
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = self.backup.kill();
        let _ = self.backup.wait();
    }
}

/// A TLS server with a certificate of its own making, on a port that it chooses.
fn web_server(path: &Path) -> (Running, u16) {
    let (key, certificate) = (text(&path.join("key.pem")), text(&path.join("certificate.pem")));
    let ec = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    let whose = ["-nodes", "-days", "90", "-subj", "/CN=www.lab.test"];
    let name =
        ["-addext", "subjectAltName=DNS:www.lab.test", "-keyout", &key, "-out", &certificate];
    run_ok("openssl", &[&ec[..], &whose, &name].concat());
    let mut command = Command::new("sh");
    // It says on its standard output which port it took.
    command.args([
        "-c",
        "exec openssl s_server -www -accept 127.0.0.1:0 -cert \"$1\" -key \"$2\" >&2",
    ]);
    command.args(["sh", &certificate, &key]);
    let mut running = Running::start(command);
    let line = running.line_with("ACCEPT", PATIENCE);
    let port = line.rsplit(':').next().unwrap().trim().parse().unwrap();
    (running, port)
}

/// A BIND that speaks for the zone `lab.test`.
fn name_server(path: &Path) -> (Running, u16) {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let zone = format!(
        "$TTL 300\n@ SOA ns1 host ( 100 3600 600 1209600 300 )\n@ NS ns1\n@ NS ns2\n\
         ns1 A 127.0.0.1\nns2 A 127.0.0.1\nwww A 127.0.0.1\n"
    );
    fs::write(path.join("zone"), zone).unwrap();
    let settings = format!(
        "options {{ directory \"{}\"; listen-on port {port} {{ 127.0.0.1; }}; \
         listen-on-v6 {{ none; }}; pid-file none; session-keyfile none; recursion no; \
         notify no; dnssec-validation no; }};\ncontrols {{ }};\n\
         zone \"lab.test\" {{ type primary; file \"zone\"; }};\n",
        path.display()
    );
    fs::write(path.join("named.conf"), settings).unwrap();
    let mut command = Command::new("/usr/sbin/named");
    command.args(["-g", "-4", "-n", "1", "-c"]).arg(path.join("named.conf"));
    let mut running = Running::start(command);
    running.line_with("all zones loaded", PATIENCE);
    (running, port)
}

/// A repository with two snapshots, and a backup under way that holds its lock.
fn running_backup(path: &Path) -> Child {
    fs::write(path.join("password"), "correct horse").unwrap();
    let restic = |arguments: &[&str]| {
        let mut command = Command::new("restic");
        command.args(["--no-cache", "-q", "-r", "repository", "--password-file", "password"]);
        command.args(arguments).current_dir(path);
        command
    };
    for arguments in [&["init"][..], &["backup", "dumps"], &["backup", "dumps"]] {
        let output = restic(arguments).output().expect("restic can be started");
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    }
    let mut backup = restic(&["backup", "--stdin"]).stdin(Stdio::piped()).spawn().unwrap();
    // More than a pipe holds: when it is written, restic reads, and so has its lock.
    backup.stdin.as_mut().unwrap().write_all(&[7; 1 << 20]).unwrap();
    backup
}

/// Every agent's name and its pages, scraped in a row; the agents run once for all tests.
fn scraped() -> &'static [(&'static str, Vec<String>)] {
    static ALL: OnceLock<Vec<(&str, Vec<String>)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let scrape = |agent: &Agent| (0..SCRAPES).map(|_| agent.scrape()).collect();
        let office = Office::start();
        let mut all = vec![("office", scrape(&Agent::start(&office.settings())))];
        all.extend(HOSTS.map(|host| (host, scrape(&Agent::of_host(host)))));
        all
    })
}

/// The samples of a page as series and value.
fn samples(page: &str) -> BTreeMap<&str, &str> {
    let lines = page.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap()).collect()
}

/// The samples of one family.
fn family<'a>(page: &'a str, name: &str) -> BTreeMap<&'a str, &'a str> {
    let mut all = samples(page);
    all.retain(|series, _| series.split('{').next() == Some(name));
    all
}

/// Every family that is promised: those of the README's table and the agent's own.
fn promised() -> BTreeSet<String> {
    let mut names: BTreeSet<String> =
        FAMILIES.iter().map(|family| format!("{PREFIX}{}", family.name)).collect();
    let own = names.len();
    let table = table_markdown();
    for row in table.lines().skip(2) {
        let metrics = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        names.extend(metrics.split_whitespace().map(|name| name.trim_matches('`').to_owned()));
    }
    assert!(names.len() > own + 40, "the table names {} families", names.len() - own);
    names
}

#[test]
fn every_family_is_on_some_page() {
    let mut shown = BTreeSet::new();
    for (_, pages) in scraped() {
        shown.extend(samples(&pages[0]).keys().map(|series| series.split('{').next().unwrap()));
    }
    let promised = promised();
    let is_conditional = |name: &str| CONDITIONAL.iter().any(|(known, _)| *known == name);
    let missing: Vec<&String> = promised
        .iter()
        .filter(|name| !shown.contains(name.as_str()) && !is_conditional(name))
        .filter(|name| !EITHER.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "on no page: {missing:#?}");
    assert!(EITHER.iter().any(|name| shown.contains(name)), "neither of {EITHER:?}");
    for (name, why) in CONDITIONAL {
        assert!(promised.contains(name), "{name} is gone");
        assert!(!shown.contains(name), "{name} is shown without its cause: {why}");
    }
    let unknown: Vec<&&str> = shown.iter().filter(|name| !promised.contains(**name)).collect();
    assert!(unknown.is_empty(), "shown and not documented: {unknown:?}");
}

#[test]
fn pages_are_small_and_promtool_has_no_complaint() {
    let folder = folder();
    for (agent, pages) in scraped() {
        let series = samples(&pages[0]).len();
        assert!((30..400).contains(&series), "{agent} has {series} series");
        let file = folder.path().join("page");
        fs::write(&file, &pages[0]).unwrap();
        let mut promtool = Command::new("promtool");
        promtool.args(["check", "metrics"]).stdin(fs::File::open(&file).unwrap());
        let output = promtool.output().expect("promtool can be started");
        assert!(output.status.success() && said(&output).is_empty(), "{agent}: {}", said(&output));
    }
}

#[test]
fn a_scrape_runs_no_check() {
    for (agent, pages) in scraped() {
        let mut runs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for page in pages {
            for (check, time) in family(page, "evenkeel_check_last_run_timestamp_seconds") {
                runs.entry(check).or_default().insert(time);
            }
        }
        assert_eq!(runs.len(), family(&pages[0], "evenkeel_check_status").len(), "{agent}");
        for (check, times) in runs {
            // The run before the start, and the one that each start brings once by itself.
            assert!(times.len() <= 2, "{agent}: {SCRAPES} scrapes, {check} ran at {times:?}");
        }
    }
}

/// A Prometheus that scrapes the page each second.
fn prometheus(folder: &Path, page: &str) -> (Running, String) {
    let target = page.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/metrics"));
    let mut settings = String::from("global:\n  scrape_interval: 1s\nscrape_configs:\n");
    writeln!(settings, "  - job_name: evenkeel\n    static_configs:").unwrap();
    writeln!(settings, "      - targets: [\"{}\"]", target.unwrap()).unwrap();
    let config = folder.join("prometheus.yml");
    fs::write(&config, settings).unwrap();
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
    command.arg("--web.listen-address=127.0.0.1:0");
    let mut running = Running::start(command);
    running.line_with("Server is ready to receive web requests", PATIENCE);
    let log = running.log();
    let line =
        log.lines().find(|line| line.contains("Listening on")).unwrap_or_else(|| panic!("{log}"));
    let address = line.rsplit("address=").next().unwrap().split_whitespace().next().unwrap();
    (running, format!("http://{address}"))
}

/// Asks Prometheus until it has an answer: the label `check` of each series, and its value.
fn ask(server: &str, query: &str) -> BTreeMap<String, f64> {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = get(&format!("{server}/api/v1/query?query={query}"), &[]);
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let result = json["data"]["result"].as_array().unwrap();
        if !result.is_empty() {
            let label = |one: &serde_json::Value| {
                one["metric"]["check"].as_str().unwrap_or_default().to_owned()
            };
            let value =
                |one: &serde_json::Value| one["value"][1].as_str().unwrap().parse().unwrap();
            return result.iter().map(|one| (label(one), value(one))).collect();
        }
        assert!(Instant::now() < end, "Prometheus has no answer to `{query}`");
        std::thread::yield_now();
    }
}

#[test]
fn prometheus_reads_a_page() {
    let agent = Agent::of_host("old-server");
    let page = agent.scrape();
    let folder = folder();
    let (prometheus, server) = prometheus(folder.path(), &agent.page);
    assert_eq!(ask(&server, "up"), BTreeMap::from([(String::new(), 1.0)]));
    let read = ask(&server, "evenkeel_check_status");
    let shown: Vec<f64> = family(&page, "evenkeel_check_status")
        .values()
        .map(|value| value.parse().unwrap())
        .collect();
    assert_eq!(read.values().copied().collect::<Vec<f64>>(), shown, "{read:?}");
    let count = ask(&server, "scrape_samples_scraped");
    assert_eq!(count[""], samples(&page).len() as f64, "every series was read");
    assert!(prometheus.interrupt() && agent.running.interrupt());
}
