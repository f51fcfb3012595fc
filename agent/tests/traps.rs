//! Fourteen traps in which a tool says that all is well and the data does not come back,
//! each built for real with its healthy twin: the trap yields its finding, the twin none.
//!
//! [`TRAPS`] is the table. Each row builds both in the same way but for the one thing that
//! is broken, asserts that the tool itself is content where it is, then has the agent drill
//! and check as people do. What a fresh install finds (`never_drilled`) is gone by then, so
//! a twin yields nothing at all.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use support::bench::{Bench, Repository, Tool, damage, noise, said, script, walk};
use support::cluster::{BIN, Cluster, as_nobody, dumps};
use support::rows::{Row, hold};
use support::run;
use tempfile::TempDir;

/// A situation in which a tool is content and should not be.
struct Trap {
    /// What is broken, and what the tool says to it.
    what: &'static str,
    /// Builds it, or its twin, and gives the findings.
    findings: fn(Build) -> Vec<String>,
    /// The findings of the trap; the twin has none.
    expected: &'static [&'static str],
}

/// Which of the two is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Build {
    Trap,
    Twin,
}

impl Build {
    fn is_trap(self) -> bool {
        self == Self::Trap
    }
}

const TRAPS: [Trap; 14] = [
    Trap {
        what: "restic: 64 bytes flipped in a data pack; `check` says that no errors were found",
        findings: flipped_bytes_in_a_pack,
        expected: &["drill_failed!", "drill_part_damaged!"],
    },
    Trap {
        what: "restic: the pack with the folders is damaged; `restore` works from a warm cache",
        findings: damage_behind_a_warm_cache,
        expected: &["backup_unreadable!", "drill_failed!"],
    },
    Trap {
        what: "restic: the file of the newest snapshot is damaged; `snapshots` leaves it out",
        findings: a_damaged_snapshot_file,
        expected: &["backup_complained", "backup_unreadable!"],
    },
    Trap {
        what: "restic: the index is gone; `snapshots` lists fresh ones",
        findings: no_index,
        expected: &["backup_unreadable!", "drill_failed!", "restic_index_missing!"],
    },
    Trap {
        what: "restic: the source is not mounted; `backup` saves nothing and says so with 0",
        findings: an_empty_source,
        expected: &["backup_empty!", "drill_failed!"],
    },
    Trap {
        what: "restic: the source is encrypted and renamed; files and bytes are as many as before",
        findings: an_encrypted_source,
        expected: &["backup_encrypted!"],
    },
    Trap {
        what: "restic: what is asked for matches nothing; `restore` brings 0 files and ends with 0",
        findings: a_restore_of_nothing,
        expected: &["drill_count_mismatch!", "drill_failed!"],
    },
    Trap {
        what: "pgBackRest: a file is damaged; `info` says ok and `verify` ends with 0",
        findings: damage_in_pgbackrest,
        expected: &["drill_count_mismatch!", "drill_failed!", "drill_part_damaged!"],
    },
    Trap {
        what: "a plain SQL dump is cut; `psql -v ON_ERROR_STOP=1 -1` loads and commits it",
        findings: a_cut_sql_dump,
        expected: &["backup_incomplete!", "drill_failed!", "drill_part_damaged!"],
    },
    Trap {
        what: "a custom dump is cut; `pg_restore -l` lists it all",
        findings: a_cut_custom_dump,
        expected: &["drill_failed!", "drill_part_damaged!"],
    },
    Trap {
        what: "a base backup is damaged; `pg_verifybackup -s` says that it is verified",
        findings: damage_in_a_base_backup,
        expected: &["drill_failed!", "drill_part_damaged!"],
    },
    Trap {
        what: "borg: a segment is damaged; `list` and `check --archives-only` are content",
        findings: damage_in_a_segment,
        expected: &["drill_damaged!", "drill_failed!"],
    },
    Trap {
        what: "borgmatic: `check` skips what is not due by its own file, and ends with 0",
        findings: a_skipped_check,
        expected: &["borgmatic_unverified"],
    },
    Trap {
        what: "restic: the folder with the keys is gone; the words are those of a wrong password",
        findings: no_keys,
        expected: &["drill_failed!", "key_missing!"],
    },
];

#[test]
fn each_trap_yields_its_finding_and_its_healthy_twin_none() {
    let rows: Vec<Row<'_>> = TRAPS
        .iter()
        .flat_map(|trap| {
            [(Build::Trap, trap.expected), (Build::Twin, &[])].map(|(build, expected)| Row {
                what: format!("{}, {build:?}", trap.what),
                expected,
                found: Box::new(move || (trap.findings)(build)),
            })
        })
        .collect();
    hold(&rows);
}

fn flipped_bytes_in_a_pack(build: Build) -> Vec<String> {
    let it = Repository::new(Tool::Restic);
    // A sample of one small file tells nothing of it: the reading has to.
    it.watched("", "parts = 1\nfiles = 1\nbytes = \"1 kB\"");
    if build.is_trap() {
        damage(&it.data_files()[0], 64);
    }
    assert!(it.works(&["check"]).contains("no errors were found"));
    it.bench.findings(&[])
}

fn damage_behind_a_warm_cache(build: Build) -> Vec<String> {
    let it = Repository::new(Tool::Restic);
    let restore = ["restore", "latest", "--target", "restored"];
    it.works(&restore);
    if build.is_trap() {
        damage(it.data_files().last().unwrap(), 64);
        it.works(&restore);
        it.fails(&[&["--no-cache"], &restore[..]].concat());
    }
    it.bench.findings(&[])
}

fn a_damaged_snapshot_file(build: Build) -> Vec<String> {
    let it = Repository::new(Tool::Restic);
    it.back_up();
    if build.is_trap() {
        let list = it.works(&["--no-cache", "snapshots", "--json", "--latest", "1"]);
        let id = list.split("\"id\":\"").last().unwrap().split('"').next().unwrap();
        damage(&it.bench.path("repository/snapshots").join(id), 4);
    }
    // It does say so beside the list that it leaves it out of.
    let output = it.command(&["--no-cache", "snapshots", "--json"]).output().unwrap();
    assert!(output.status.success());
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list.as_array().unwrap().len(), if build.is_trap() { 1 } else { 2 });
    it.bench.findings(&[])
}

fn no_index(build: Build) -> Vec<String> {
    let it = Repository::new(Tool::Restic);
    if build.is_trap() {
        run(&it.bench.path("repository/index"), "find", &[".", "-type", "f", "-delete"]);
    }
    assert!(it.works(&["--no-cache", "snapshots", "--json"]).contains("\"tree\""));
    it.bench.findings(&[])
}

fn an_empty_source(build: Build) -> Vec<String> {
    let it = Repository::empty(Tool::Restic);
    if build.is_trap() {
        std::fs::rename(it.bench.path("source"), it.bench.path("unmounted")).unwrap();
        std::fs::create_dir(it.bench.path("source")).unwrap();
    }
    it.back_up();
    it.bench.findings(&[])
}

fn an_encrypted_source(build: Build) -> Vec<String> {
    let it = Repository::empty(Tool::Restic);
    let file = |number: u32| it.bench.path(&format!("source/{number}.txt"));
    let text = |number: u32, day: i64| format!("invoice {number} of day {day}\n").repeat(300);
    for number in 0..60 {
        std::fs::write(file(number), text(number, 0)).unwrap();
    }
    let source = it.bench.text("source");
    let back_up = |days_ago: i64| {
        let time = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days_ago);
        let time = time.strftime("%Y-%m-%d %H:%M:%S").to_string();
        it.works(&["-q", "backup", &source, "--time", &time]);
    };
    for day in (1..=9).rev() {
        for number in [day, day + 20] {
            std::fs::write(file(u32::try_from(number).unwrap()), text(7, day)).unwrap();
        }
        back_up(day);
    }
    let sizes = || {
        let mut files = Vec::new();
        walk(&it.bench.path("source"), &mut files);
        (files.len(), files.iter().map(|path| path.metadata().unwrap().len()).sum::<u64>())
    };
    let before = sizes();
    for number in (0..60).filter(|_| build.is_trap()) {
        let cipher = noise(u64::from(number), file(number).metadata().unwrap().len() as usize);
        std::fs::write(file(number), cipher).unwrap();
        std::fs::rename(file(number), file(number).with_extension("txt.locked")).unwrap();
    }
    back_up(0);
    assert_eq!(sizes(), before);
    it.bench.findings(&[])
}

fn a_restore_of_nothing(build: Build) -> Vec<String> {
    let it = Repository::new(Tool::Restic);
    let nothing = ["restore", "latest", "--target", "none", "--include", "/no/such/file"];
    it.works(&nothing);
    assert!(!it.bench.path("none").exists(), "something came back");
    // restic itself, asked for something else than what the agent asks for.
    let path = if build.is_trap() { "/no/such/" } else { "/" };
    let words = format!(
        "for word; do shift; case $word in --include=/*) word=--include={path}${{word#--include=/}}\n\
         esac; set -- \"$@\" \"$word\"; done; exec restic \"$@\""
    );
    script(&it.bench.path("restic"), &words);
    it.watched("tool = \"AT/restic\"", "parts = 0");
    it.bench.findings(&[])
}

fn a_cut_sql_dump(build: Build) -> Vec<String> {
    let bench = dump("erp.sql", build, 0.6);
    if build.is_trap() {
        let cluster = Cluster::start();
        cluster.sql("postgres", "create database loaded");
        let file = bench.text("dumps/erp.sql");
        let once = ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-1", "-d", "loaded", "-f", &file];
        cluster.client(&once);
        let rows = cluster.sql("loaded", "select count(*) from invoices");
        assert!(rows.trim().parse::<u64>().unwrap() < support::cluster::ROWS, "{rows}");
    }
    bench.findings(&["--level", "application"])
}

fn a_cut_custom_dump(build: Build) -> Vec<String> {
    let bench = dump("erp.dump", build, 0.9);
    let list = run(bench.folder(), &format!("{BIN}/pg_restore"), &["-l", "dumps/erp.dump"]);
    assert!(list.contains("TABLE DATA public invoices"));
    bench.findings(&["--level", "application"])
}

/// A check of a dump that is whole, or cut to a share of its length.
fn dump(name: &str, build: Build, share: f64) -> Bench {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("dumps")).unwrap();
    let to = bench.path("dumps").join(name);
    std::fs::copy(dumps().join(name), &to).unwrap();
    let file = std::fs::File::options().write(true).open(&to).unwrap();
    if build.is_trap() {
        file.set_len((file.metadata().unwrap().len() as f64 * share) as u64).unwrap();
    }
    // Nobody writes to it any more.
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    bench.settings("pg_dump", "path = \"AT/dumps/*\"", "");
    bench
}

fn damage_in_a_base_backup(build: Build) -> Vec<String> {
    let bench = Bench::new();
    for name in ["base", "archive"] {
        run(bench.folder(), "cp", &["-r", dumps().join(name).to_str().unwrap(), "."]);
    }
    let keys = "path = \"AT/base\"\narchive = \"AT/archive\"\ndatabase = \"erp\"";
    bench.settings("pg_basebackup", keys, "parts = 1");
    if build.is_trap() {
        damage(&largest_table(&bench.path("base/base")), 8);
    }
    let verify = format!("{BIN}/pg_verifybackup");
    let verified = run(bench.folder(), &verify, &["-n", "-s", "base"]);
    assert!(verified.contains("successfully verified"), "{verified}");
    bench.findings(&["--level", "application"])
}

/// The largest file of a database below a folder: one of a table.
fn largest_table(folder: &Path) -> PathBuf {
    let mut files = Vec::new();
    walk(folder, &mut files);
    files.retain(|path| path.to_str().unwrap().contains("/base/"));
    files.into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap()
}

fn damage_in_pgbackrest(build: Build) -> Vec<String> {
    static FIRST: OnceLock<TempDir> = OnceLock::new();
    let first = FIRST.get_or_init(a_pgbackrest_repository);
    let bench = Bench::new();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(bench.folder(), open).unwrap();
    run(bench.folder(), "cp", &["-rp", first.path().join("repo").to_str().unwrap(), "."]);
    configure(bench.folder(), "/nowhere/data", "/nowhere");
    if build.is_trap() {
        let table = largest_table(&bench.path("repo/backup/main"));
        damage(&table, 8);
    }
    assert!(pgbackrest(bench.folder(), &["info"]).contains("status: ok"));
    pgbackrest(bench.folder(), &["verify"]);
    let keys = "stanza = \"main\"\nconfig = \"AT/conf\"\ndatabase = \"erp\"";
    bench.settings("pgbackrest", keys, "parts = 1");
    bench.findings(&["--level", "application"])
}

/// A folder with a repository of a cluster that is no more.
fn a_pgbackrest_repository() -> TempDir {
    let cluster = Cluster::start();
    let folder = tempfile::tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let at = folder.path();
    configure(at, &cluster.text("data"), &cluster.text("socket"));
    pgbackrest(at, &["stanza-create"]);
    let push =
        format!("/usr/bin/pgbackrest --config={}/conf --stanza=main archive-push %p", at.display());
    cluster.sql("postgres", &format!("alter system set archive_command = '{push}'"));
    cluster.sql("postgres", "select pg_reload_conf()");
    pgbackrest(at, &["--type=full", "backup"]);
    folder
}

fn configure(at: &Path, data: &str, socket: &str) {
    let folder = at.display();
    let text = format!(
        "[global]\nrepo1-path={folder}/repo\nlock-path={folder}/lock\nlog-level-file=off\n\
         log-level-console=off\nlog-level-stderr=error\nstart-fast=y\nrepo1-retention-full=2\n\
         [main]\npg1-path={data}\npg1-socket-path={socket}\npg1-user=postgres\n"
    );
    std::fs::write(at.join("conf"), text).unwrap();
}

fn pgbackrest(at: &Path, what: &[&str]) -> String {
    let config = format!("--config={}/conf", at.display());
    let fixed = ["/usr/bin/pgbackrest", &config, "--stanza=main"];
    as_nobody(at, &[&fixed, what].concat())
}

fn damage_in_a_segment(build: Build) -> Vec<String> {
    let it = Repository::new(Tool::Borg);
    if build.is_trap() {
        damage(&it.data_files()[0], 64);
    }
    it.works(&["list"]);
    it.works(&["check", "--archives-only"]);
    it.bench.findings(&["--level", "full"])
}

fn a_skipped_check(build: Build) -> Vec<String> {
    let bench = Bench::new();
    for name in ["home", "source"] {
        std::fs::create_dir(bench.path(name)).unwrap();
    }
    std::fs::write(bench.path("source/ledger"), noise(5, 5000)).unwrap();
    let text = format!(
        "location:\n  source_directories: [AT/source]\n  repositories:\n    - AT/repository\n\
         storage:\n  encryption_passphrase: {}\nconsistency:\n  checks:\n    - name: repository\n      \
         frequency: 1 month\n",
        support::bench::SECRET
    );
    std::fs::write(bench.path("config.yaml"), text.replace("AT", &bench.text(""))).unwrap();
    let borgmatic = |arguments: &[&str]| {
        let mut command = Command::new("borgmatic");
        command.args(["--config", "config.yaml", "--verbosity", "1"]).args(arguments);
        command.current_dir(bench.folder()).env("HOME", bench.path("home"));
        let output = command.output().expect("borgmatic is needed for this test");
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        said(&output)
    };
    borgmatic(&["init", "--encryption", "repokey"]);
    borgmatic(&["create"]);
    borgmatic(&["check"]);
    bench.settings("borgmatic", "configuration = \"AT/config.yaml\"\nhome = \"AT/home\"", "");
    let verified = |evidence: evenkeel_config::record::Evidence| {
        let facts = evidence.observations().to_vec();
        facts.into_iter().find(|fact| fact.name == "verified").unwrap().value
    };
    let before = verified(bench.check());
    let skipped = borgmatic(&["check"]);
    assert!(skipped.contains("Skipping repository check"), "{skipped}");
    assert_eq!(verified(bench.check()), before, "what was skipped counts as verified");
    if build.is_trap() {
        // As after two months of such nights.
        let mut marks = Vec::new();
        walk(&bench.path("home/.borgmatic/checks"), &mut marks);
        for mark in marks {
            let long_ago = SystemTime::now() - Duration::from_secs(62 * 86_400);
            std::fs::File::open(mark).unwrap().set_modified(long_ago).unwrap();
        }
    }
    bench.findings(&[])
}

fn no_keys(build: Build) -> Vec<String> {
    let it = Repository::new(Tool::Restic);
    if build.is_trap() {
        std::fs::remove_dir_all(it.bench.path("repository/keys")).unwrap();
        let lost = it.fails(&["--no-cache", "snapshots"]);
        let wrong = Repository::new(Tool::Restic);
        std::fs::write(wrong.bench.path("secret"), "another").unwrap();
        let refused = wrong.fails(&["--no-cache", "snapshots"]);
        assert_eq!(lost.trim(), refused.trim(), "the words tell them apart");
    }
    it.bench.findings(&[])
}
