//! The page for Prometheus: every family on a live one, each clean, small and read by a real server.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use evenkeel_agent::checks::CHECKS;
use evenkeel_agent::metrics::{FAMILIES, PREFIX};

use crate::support::{AGENT, Running, folder, get, root, run_ok, said};

const PATIENCE: Duration = Duration::from_secs(60);

/// Recorded hosts, each looked at by an agent of its own.
const HOSTS: [&str; 4] = ["old-server", "quiet-vm", "rebuilding-server", "workgroup-server"];

/// Families that a page has only after something went wrong, or with other tools.
const CONDITIONAL: [(&str, &str); 5] = [
    ("evenkeel_heartbeat_last_start_timestamp_seconds", "a job has reported"),
    ("evenkeel_heartbeat_last_end_timestamp_seconds", "a job has reported"),
    ("evenkeel_heartbeat_last_exit_code", "a job has reported"),
    ("evenkeel_series_dropped", "a family has more series than the page takes"),
    ("evenkeel_target_vanished_last_seen_timestamp_seconds", "a target went between two runs"),
];

/// Kinds that no page here shows: their own tests see every fact, in agent/tests.
const SEEN_ELSEWHERE: [&str; 5] = ["borg", "borgmatic", "pg_basebackup", "pg_dump", "pgbackrest"];

/// Scrapes of each page in a row.
const SCRAPES: usize = 30;

/// An agent whose checks have run once, serving what they found.
struct Agent {
    page: String,
    running: Running,
    _data: tempfile::TempDir,
}

impl Agent {
    /// Runs every check of the settings once on the files under `root` and stores the
    /// evidence, then serves it on a free port.
    fn start(settings: &str, root: &Path) -> Self {
        let data = folder();
        let config = data.path().join("agent.toml");
        let table = format!("[agent]\nlisten = \"127.0.0.1:0\"\nroot = \"{}\"\n", root.display());
        fs::write(&config, settings.replace("[agent]\n", &table)).unwrap();
        let agent = |verb| {
            let mut command = Command::new(AGENT);
            command.arg(verb).arg("--data").arg(data.path()).arg("--config").arg(&config);
            command
        };
        // The exit code tells what was found; here it counts that all ran.
        let checked = agent("check").output().unwrap();
        let figures = said(&checked).matches(";;;0;4").count();
        assert_eq!(figures, settings.matches("[[check.").count(), "{}", said(&checked));
        let mut running = Running::start(agent("run"));
        let line = running.line_with("/metrics is served", PATIENCE);
        let page = line.split_whitespace().find(|word| word.starts_with("http")).unwrap();
        Self { page: page.to_owned(), running, _data: data }
    }

    /// One of the recorded hosts, with its own settings.
    fn of_host(host: &str) -> Self {
        let files = root().join("tests/fixtures/hosts").join(host);
        let settings = fs::read_to_string(files.join("agent.toml")).unwrap();
        Self::start(&settings, &files)
    }

    fn scrape(&self) -> String {
        let answer = get(&self.page, &[]);
        assert_eq!(answer.status, 200, "{}", self.page);
        assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
        answer.body
    }
}

/// Backups, certificates and names as they are in a small office, all of them real.
struct Office {
    folder: tempfile::TempDir,
    settings: String,
    _own: tempfile::TempDir,
    _peers: [Running; 2],
}

impl Office {
    fn start() -> Self {
        let folder = folder();
        // A script is run only from where nobody else can write.
        let own = own_folder();
        let path = folder.path();
        fs::create_dir_all(path.join("dumps")).unwrap();
        fs::write(path.join("dumps/erp.sql"), "ledger".repeat(900)).unwrap();
        fs::create_dir_all(path.join("etc")).unwrap();
        fs::write(path.join("etc/resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
        killed_backup(path);
        generations(path);
        let zfs = program(path, "zfs", "printf 'tank/srv@daily\\t1700000000\\t1\\n'");
        let report =
            "{\"groups\":[{\"name\":\"vm\",\"snapshots\":[{\"start\":\"2026-11-21T02:00:00Z\"}]}]}";
        let script = program(own.path(), "report", &format!("echo '{report}'"));
        let (web_server, web) = web_server(path);
        let (name_server, dns) = name_server(path);
        let settings = format!(
            r#"[agent]
host = "srv-office"

[[check.restic]]
component = "nas"
repository = "{at}/repository"
password_file = "{at}/password"

canary = "/dumps/.canary"

[[check.restic]]
component = "nas"
name = "lost repository"
repository = "{at}/nowhere"
password_file = "{at}/password"

[[check.files]]
component = "erp"
path = "/dumps/*.sql"

[[check.rsnapshot]]
component = "nas"
config = "/rsnapshot.conf"

[[check.zfs]]
component = "nas"
datasets = ["tank/srv"]
tool = "{zfs}"

[[check.command]]
component = "veeam"
command = ["{script}"]

[[check.heartbeat]]
component = "proxmox"

[[check.certificate]]
component = "web"
endpoint = "www.lab.test:{web}"
addresses = ["127.0.0.1"]
ca_file = "/certificate.pem"
file = "/certificate.pem"
key_file = "/key.pem"

[[check.dns]]
component = "names"
domain = "lab.test"
servers = ["127.0.0.1:{dns}"]
resolvers = true
port = {dns}
registration_expires = "2099-01-01"
"#,
            at = path.display(),
            zfs = zfs.display(),
            script = script.display()
        );
        Self { folder, settings, _own: own, _peers: [web_server, name_server] }
    }
}

/// A TLS server with a certificate of its own making, on a port that it chooses.
fn web_server(path: &Path) -> (Running, u16) {
    let [key, certificate] =
        ["key.pem", "certificate.pem"].map(|name| path.join(name).display().to_string());
    let ec = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    let whose = ["-subj", "/CN=www.lab.test", "-addext", "subjectAltName=DNS:www.lab.test"];
    let what = ["-nodes", "-days", "90", "-keyout", &key, "-out", &certificate];
    run_ok("openssl", &[&ec[..], &whose, &what].concat());
    let mut command = Command::new("sh");
    // It says on its standard output which port it took.
    command.args(["-c", "exec openssl s_server \"$@\" >&2", "sh", "-www"]);
    command.args(["-accept", "127.0.0.1:0", "-cert", &certificate, "-key", &key]);
    let mut running = Running::start(command);
    let line = running.line_with("ACCEPT", PATIENCE);
    let port = line.rsplit(':').next().unwrap().trim().parse().unwrap();
    (running, port)
}

/// A BIND that speaks for the zone `lab.test`.
fn name_server(path: &Path) -> (Running, u16) {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let zone = "$TTL 300\n@ SOA ns1 host ( 100 3600 600 1209600 300 )\n@ NS ns1\n@ NS ns2\n\
                ns1 A 127.0.0.1\nns2 A 127.0.0.1\n";
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

/// A folder that nobody but its owner can write to, on the way to it, too.
fn own_folder() -> tempfile::TempDir {
    let home = std::env::var("HOME").unwrap_or_default();
    let places = [env!("CARGO_TARGET_TMPDIR"), &home, "/root", "/var/lib"].map(Path::new);
    let is_closed = |folder: &Path| {
        folder.ancestors().all(|path| {
            fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o022 == 0)
        })
    };
    let make = |base: &&Path| {
        let prefix = tempfile::Builder::new().prefix(".evenkeel-").tempdir_in(base);
        prefix.ok().filter(|_| is_closed(base))
    };
    places.iter().find_map(make).expect("a folder that nobody else can write to")
}

/// A program that a check calls, of one line.
fn program(folder: &Path, name: &str, line: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{line}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// What rsnapshot leaves behind: its settings, a generation, and its log.
fn generations(path: &Path) {
    let settings = "snapshot_root\t/generations/\nretain\tdaily\t7\nlogfile\t/rsnapshot.log\n\
                    backup\t/srv/\tlocalhost/\n";
    fs::write(path.join("rsnapshot.conf"), settings).unwrap();
    fs::create_dir_all(path.join("generations/daily.0/localhost/srv")).unwrap();
    fs::write(path.join("generations/daily.0/localhost/srv/ledger"), "ledger").unwrap();
    let log = "[2026-11-21T03:00:00] rsnapshot daily: completed successfully\n";
    fs::write(path.join("rsnapshot.log"), log).unwrap();
}

/// A repository with two snapshots, and the lock of a backup that was killed.
fn killed_backup(path: &Path) {
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
    let mut backup = restic(&["backup", "--stdin"]);
    let mut backup = backup.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    // More than a pipe holds: when it is written, restic reads, and so has its lock.
    backup.stdin.as_mut().unwrap().write_all(&[7; 1 << 20]).unwrap();
    backup.kill().unwrap();
    backup.wait().unwrap();
}

/// Every agent's name and its pages, scraped in a row; the agents run once for all tests.
fn scraped() -> &'static [(&'static str, Vec<String>)] {
    static ALL: OnceLock<Vec<(&str, Vec<String>)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let scrape = |agent: &Agent| (0..SCRAPES).map(|_| agent.scrape()).collect();
        let office = Office::start();
        let mut all =
            vec![("office", scrape(&Agent::start(&office.settings, office.folder.path())))];
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

/// Every family that is promised: those of the kinds, as the README lists them, and the agent's own.
fn promised() -> BTreeSet<String> {
    let mut names: BTreeSet<String> =
        FAMILIES.iter().map(|family| format!("{PREFIX}{}", family.name)).collect();
    let own = names.len();
    let facts = CHECKS.iter().flat_map(|kind| kind.all_facts());
    let exported = facts.filter(|fact| !fact.metric.is_empty());
    names.extend(exported.map(|fact| format!("{PREFIX}{}", fact.metric)));
    assert!(names.len() > own + 40, "the kinds name {} families", names.len() - own);
    names
}

#[test]
fn every_family_is_on_some_page() {
    let mut shown = BTreeSet::new();
    for (_, pages) in scraped() {
        shown.extend(samples(&pages[0]).keys().map(|series| series.split('{').next().unwrap()));
    }
    let promised = promised();
    let excused: Vec<&str> = CONDITIONAL.iter().map(|(name, _)| *name).collect();
    let mut missing = promised.clone();
    let elsewhere: BTreeSet<String> = CHECKS
        .iter()
        .filter(|kind| SEEN_ELSEWHERE.contains(&kind.name))
        .flat_map(|kind| kind.facts)
        .map(|fact| format!("{PREFIX}{}", fact.metric))
        .collect();
    missing.retain(|name| !elsewhere.contains(name));
    missing.retain(|name| !shown.contains(name.as_str()) && !excused.contains(&name.as_str()));
    assert!(missing.is_empty(), "on no page: {missing:#?}");
    for (name, why) in CONDITIONAL {
        assert!(promised.contains(name), "{name} is gone");
        assert!(!shown.contains(name), "{name} is shown without its cause: {why}");
    }
    let unknown: Vec<&&str> = shown.iter().filter(|name| !promised.contains(**name)).collect();
    assert!(unknown.is_empty(), "shown and not documented: {unknown:?}");
}

#[test]
fn pages_are_small_and_promtool_has_no_complaint() {
    let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    for (agent, pages) in scraped() {
        let series = samples(&pages[0]).len();
        assert!((30..400).contains(&series), "{agent} has {series} series");
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
    let target = page.trim_start_matches("http://").trim_end_matches("/metrics");
    let settings = format!(
        "global: {{ scrape_interval: 1s }}\nscrape_configs:\n  - job_name: evenkeel\n    \
         static_configs: [ {{ targets: [\"{target}\"] }} ]\n"
    );
    let config = folder.join("prometheus.yml");
    fs::write(&config, settings).unwrap();
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
    command.arg("--web.listen-address=127.0.0.1:0");
    let mut running = Running::start(command);
    // The address is said before; the port is the system's choice.
    running.line_with("Server is ready to receive web requests", PATIENCE);
    let log = running.log();
    let line = log.lines().find(|line| line.contains("Listening on"));
    let line = line.unwrap_or_else(|| panic!("no address in\n{log}"));
    (running, format!("http://{}", line.rsplit("address=").next().unwrap().trim()))
}

/// Asks Prometheus until it has an answer: the label `check` of each series, and its value.
fn ask(server: &str, query: &str) -> BTreeMap<String, f64> {
    let series = |one: &serde_json::Value| {
        let check = one["metric"]["check"].as_str().unwrap_or_default();
        (check.to_owned(), one["value"][1].as_str().unwrap().parse().unwrap())
    };
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = get(&format!("{server}/api/v1/query?query={query}"), &[]);
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let result = json["data"]["result"].as_array().unwrap();
        if !result.is_empty() {
            return result.iter().map(series).collect();
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
    assert_eq!(ask(&server, "up==1"), BTreeMap::from([(String::new(), 1.0)]));
    let read = ask(&server, "evenkeel_check_status");
    let shown = family(&page, "evenkeel_check_status");
    assert!(!shown.is_empty() && shown.len() == read.len(), "{shown:?} read as {read:?}");
    for (series, status) in shown {
        let check = series.split("check=\"").nth(1).and_then(|rest| rest.split('"').next());
        assert_eq!(read[check.unwrap()], status.parse::<f64>().unwrap(), "{series}");
    }
    let count = ask(&server, "scrape_samples_scraped");
    assert_eq!(count[""], samples(&page).len() as f64, "every series was read");
    assert!(prometheus.interrupt() && agent.running.interrupt());
}

#[test]
fn alert_rules_fire_as_they_should_and_name_what_exists() {
    let folder = root().join("dashboards/prometheus");
    let tests = ["evenkeel.rules.test.yml", "evenkeel.rules.months.test.yml"];
    let mut promtool = Command::new("promtool");
    let output = promtool.args(["test", "rules"]).args(tests).current_dir(&folder).output();
    let output = output.expect("promtool can be started");
    assert!(output.status.success(), "{}", said(&output));
    let rules = fs::read_to_string(folder.join("evenkeel.rules.yml")).unwrap();
    let tested: String =
        tests.iter().map(|file| fs::read_to_string(folder.join(file)).unwrap()).collect();
    for line in rules.lines() {
        if let Some(alert) = line.trim().strip_prefix("- alert: ") {
            let fires = format!("alertname: {alert}\n        exp_alerts:\n");
            assert!(tested.contains(&fires), "no test shows {alert} firing");
        }
    }
    let promised = promised();
    let names = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let used: BTreeSet<&str> = names.filter(|name| name.starts_with(PREFIX)).collect();
    assert!(used.len() >= 5, "{used:?}");
    for name in used {
        assert!(promised.contains(name), "the alert rules ask for {name}, which no page has");
    }
}
