//! Dumps of a real PostgreSQL in every form, whole, cut and hostile.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use evenkeel_agent::checks::Check;
use evenkeel_config::record::FailureKind;
use jiff::{SignedDuration, Timestamp};
use support::cluster::{Cluster, ROWS, dumps};
use support::{build, drilled, ids, judged, observe};

const NOTHING: &[&str] = &[];

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// Sets the last change of a file, or of everything in a folder.
fn age(path: &Path, hours: i64) {
    let time = std::time::SystemTime::from(now() - SignedDuration::from_hours(hours));
    let paths = match std::fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => vec![path.to_owned()],
    };
    for path in paths {
        std::fs::File::open(path).unwrap().set_modified(time).unwrap();
    }
}

/// A folder with a copy of one dump, cut to a share of its length.
fn copy(name: &str, cut: Option<f64>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = dumps().join(name);
    support::run(folder.path(), "cp", &["-r", from.to_str().unwrap(), "."]);
    let to = folder.path().join(name);
    if let Some(share) = cut {
        let file = std::fs::File::options().write(true).open(&to).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len((length as f64 * share) as u64).unwrap();
    }
    age(&to, 2);
    folder
}

fn keys(folder: &Path) -> String {
    format!("path = \"{}/*\"\n", folder.display())
}

async fn findings(folder: &Path) -> Vec<String> {
    let check = build("pg_dump", &keys(folder));
    let facts = observe(check.as_ref(), now()).await.unwrap();
    judged(check.as_ref(), &facts, now())
}

#[tokio::test]
async fn whole_dumps_of_every_form_have_no_finding_and_only_a_last_line_is_proof() {
    for (name, format, whole) in [
        ("erp.sql", "plain", true),
        ("erp.sql.gz", "plain", true),
        ("create.sql", "plain", true),
        ("cluster.sql", "cluster", true),
        ("erp.dump", "custom", false),
        ("erp.tar", "tar", false),
        ("erp.dir", "directory", false),
    ] {
        let folder = copy(name, None);
        let check = build("pg_dump", &keys(folder.path()));
        let facts = observe(check.as_ref(), now()).await.unwrap();
        assert_eq!(judged(check.as_ref(), &facts, now()), NOTHING, "{name}");
        let group = facts.observations.iter().find(|fact| fact.name == "format").unwrap();
        assert_eq!(facts.text("format", &group.subject), Some(format), "{name}");
        assert_eq!(facts.flag("complete", &group.subject), whole, "{name}");
        if name != "cluster.sql" {
            let version = facts.text("server_version", &group.subject).unwrap();
            assert!(version.starts_with("15."), "{name}: {version}");
        }
        let names_it = ["custom", "tar", "directory"].contains(&format) || name == "create.sql";
        let words = facts.text("group", &group.subject).unwrap();
        assert_eq!(words, if names_it { "database erp" } else { "" }, "{name}");
        let again = observe(check.as_ref(), now()).await.unwrap();
        assert_eq!(again, facts, "from memory");
    }
}

#[tokio::test]
async fn a_dump_that_is_cut_anywhere_is_incomplete() {
    for name in ["erp.sql", "erp.sql.gz", "create.sql", "cluster.sql"] {
        for share in [0.0001, 0.01, 0.3, 0.7, 0.99] {
            let folder = copy(name, Some(share));
            let found = findings(folder.path()).await;
            assert_eq!(found, ["backup_incomplete!"], "{name} cut at {share}");
        }
        assert_eq!(findings(copy(name, Some(0.0)).path()).await, ["backup_empty!"], "{name}");
    }
    for name in ["erp.dump", "erp.tar"] {
        assert_eq!(
            findings(copy(name, Some(0.005)).path()).await,
            ["backup_incomplete!"],
            "{name}"
        );
    }
}

/// Trap 10: the list of a cut archive reads well.
#[tokio::test]
async fn the_list_of_an_archive_is_no_proof() {
    for share in [0.6, 0.95] {
        let folder = copy("erp.dump", Some(share));
        let check = build("pg_dump", &keys(folder.path()));
        let facts = observe(check.as_ref(), now()).await.unwrap();
        let group = facts.subjects().into_iter().next().unwrap_or_default().to_owned();
        assert_eq!(facts.get("complete", &group), None, "nobody may call it complete");
    }
}

#[tokio::test]
async fn a_stale_database_does_not_hide_and_a_foreign_file_is_unknown() {
    let folder = copy("erp.dump", None);
    let other = folder.path().join("web.sql");
    std::fs::copy(dumps().join("erp.sql"), &other).unwrap();
    age(&other, 100);
    assert_eq!(findings(folder.path()).await, ["backup_stale!"]);
    age(&other, 3);
    assert_eq!(findings(folder.path()).await, NOTHING);
    for (program, ending) in [("zstd", "zst"), ("xz", "xz")] {
        let made = folder.path().join(format!("web.sql.{ending}"));
        support::run(folder.path(), program, &["-q", "-k", "web.sql"]);
        age(&made, 1);
        let keys = format!("path = \"{}\"\n", made.display());
        let check = build("pg_dump", &keys);
        let facts = observe(check.as_ref(), now()).await.unwrap();
        assert_eq!(facts.get("complete", ""), None, "nobody may call it complete");
        let found = check.judge(&facts, &[], now());
        assert_eq!(ids(&found), ["pg_dump_unknown"]);
        let (what, advice) = (&found[0].what, &found[0].advice);
        assert!(what.contains(&format!("compressed by {program}")), "{what}");
        assert!(advice.contains("by gzip"), "{advice}");
        let failure = drilled(check.as_ref(), 60.0).await.unwrap_err();
        assert!(failure.kind.is_unknown() && failure.advice.contains("by gzip"), "{failure:?}");
        std::fs::remove_file(&made).unwrap();
    }
    let check = build("pg_dump", "path = \"/nowhere/*\"");
    let facts = observe(check.as_ref(), now()).await.unwrap();
    assert_eq!(judged(check.as_ref(), &facts, now()), ["pg_dump_folder_missing!"]);
}

#[tokio::test]
async fn a_dump_in_the_making_is_not_the_newest() {
    let folder = copy("erp.sql", None);
    let half = folder.path().join("half.sql");
    let bytes = std::fs::read(dumps().join("erp.sql")).unwrap();
    std::fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    age(&half, 0);
    let check = build("pg_dump", &keys(folder.path()));
    let facts = observe(check.as_ref(), now()).await.unwrap();
    assert_eq!(judged(check.as_ref(), &facts, now()), NOTHING);
    assert_eq!(facts.text("newest_name", ""), Some("erp.sql"));
    let later = now() + SignedDuration::from_mins(6);
    let facts = observe(check.as_ref(), later).await.unwrap();
    assert_eq!(ids(&check.judge(&facts, &[], later)), ["backup_incomplete!"]);
}

/// The check of one copied dump, with what has to be in it.
fn drillable(folder: &Path, more: &str) -> Box<dyn Check> {
    let expected = format!(
        "tables = {{ \"public.invoices\" = {ROWS}, \"books.empty\" = 0 }}\n\
         newest = \"select max(created) from public.invoices\"\n"
    );
    let expected = if more.contains("tables") { String::new() } else { expected };
    build("pg_dump", &format!("{}{expected}{more}", keys(folder)))
}

#[tokio::test]
async fn a_whole_dump_of_every_form_comes_back() {
    for name in ["erp.sql", "erp.sql.gz", "create.sql", "erp.dump", "erp.tar", "erp.dir"] {
        let folder = copy(name, None);
        let opened = drilled(drillable(folder.path(), "").as_ref(), 60.0).await.unwrap();
        assert!(opened.works, "{name}: {}", opened.what);
        assert!(opened.what.contains(&format!("invoices with {ROWS} rows")), "{}", opened.what);
        assert_eq!(opened.data_as_of.unwrap().to_string(), "2026-11-20T12:50:00Z", "{name}");
        assert!(opened.seconds > 0.1);
    }
}

/// Traps 9 and 10: psql loads a cut dump without a word, and the list of a cut or
/// damaged archive reads well.
#[tokio::test]
async fn a_cut_or_damaged_dump_does_not_come_back() {
    for (name, share) in [
        ("erp.sql", 0.5),
        ("erp.sql", 0.999),
        ("erp.sql.gz", 0.8),
        ("erp.dump", 0.95),
        ("erp.tar", 0.6),
    ] {
        let folder = copy(name, Some(share));
        let opened = drilled(drillable(folder.path(), "").as_ref(), 60.0).await.unwrap();
        assert!(!opened.works, "{name} cut at {share}: {}", opened.what);
    }
    let folder = copy("erp.dump", None);
    let file = folder.path().join("erp.dump");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    age(&file, 2);
    let check = drillable(folder.path(), "");
    assert!(!drilled(check.as_ref(), 60.0).await.unwrap().works);
    let (_folder, room) = support::room(60.0);
    let read = check.drill().unwrap().read_part([1, 1], &room).await.unwrap().unwrap();
    assert!(!read.sound);
    let folder = copy("erp.dump", None);
    let check = drillable(folder.path(), "");
    let read = check.drill().unwrap().read_part([1, 1], &room).await.unwrap().unwrap();
    assert!(read.sound, "{}", read.said);
}

#[tokio::test]
async fn too_few_rows_a_missing_table_and_old_rows_are_found() {
    let folder = copy("erp.dump", None);
    for (more, words) in [
        ("tables = { \"public.invoices\" = 3001 }", "3000 rows, at least 3001"),
        ("tables = { \"public.absent\" = 0 }", "public.absent cannot be counted"),
        ("max_age = \"1s\"", "its newest row is of 2026-11-20"),
    ] {
        let opened = drilled(drillable(folder.path(), more).as_ref(), 60.0).await.unwrap();
        assert!(!opened.works && opened.what.contains(words), "{more}: {}", opened.what);
    }
}

#[tokio::test]
async fn a_hostile_dump_does_nothing_on_the_host() {
    let marker = tempfile::tempdir().unwrap();
    std::fs::set_permissions(marker.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let made = marker.path().join("made");
    let touch = format!("touch {}", made.display());
    let whole = std::fs::read_to_string(dumps().join("erp.sql")).unwrap();
    for (hostile, cannot_tell) in [
        (format!("\\! {touch}"), false),
        (format!("\\copy public.invoices to program '{touch}'"), false),
        (format!("select 1 \\! {touch}"), false),
        (format!("select '\n\\! {touch}\n' \\! {touch}"), false),
        (format!("\\unrestrict x\n\\! {touch}"), false),
        (format!("copy public.invoices to program '{touch}';"), true),
        (format!("copy public.invoices to '{}';", made.display()), true),
    ] {
        let folder = copy("erp.sql", None);
        let file = folder.path().join("erp.sql");
        let text = whole.replacen(
            "--\n-- PostgreSQL database dump complete",
            &format!("{hostile}\n\n--\n-- PostgreSQL database dump complete"),
            1,
        );
        assert_ne!(text, whole);
        std::fs::write(&file, text).unwrap();
        age(&file, 2);
        match drilled(drillable(folder.path(), "").as_ref(), 60.0).await {
            Ok(opened) => assert!(!opened.works && !cannot_tell, "{hostile}: {}", opened.what),
            Err(failure) => assert!(cannot_tell, "{hostile}: {}", failure.what),
        }
        assert!(!made.exists(), "{hostile} was done");
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_not_failed() {
    let folder = copy("erp.sql", None);
    let file = folder.path().join("erp.sql");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("database version 15.", "database version 7.")).unwrap();
    age(&file, 2);
    let failure = drilled(drillable(folder.path(), "").as_ref(), 60.0).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ToolVersion, "{}", failure.what);
    let folder = copy("cluster.sql", None);
    let failure = drilled(drillable(folder.path(), "").as_ref(), 60.0).await.unwrap_err();
    assert!(failure.kind.is_unknown(), "{}", failure.what);
    let folder = copy("erp.dump", None);
    let failure = drilled(drillable(folder.path(), "").as_ref(), 0.9).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout, "{}", failure.what);
}

/// A copy of the base backup and of the archive behind it.
struct Bases {
    folder: tempfile::TempDir,
}

impl Bases {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["base", "archive"] {
            let from = dumps().join(name);
            support::run(folder.path(), "cp", &["-r", from.to_str().unwrap(), "."]);
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn check(&self, more: &str) -> Box<dyn Check> {
        let keys = format!(
            "path = \"{}\"\narchive = \"{}\"\ndatabase = \"erp\"\n\
             tables = {{ \"public.invoices\" = {ROWS} }}\n\
             newest = \"select max(created) from public.invoices\"\n{more}",
            self.path("base").display(),
            self.path("archive").display()
        );
        build("pg_basebackup", &keys)
    }

    async fn findings(&self, more: &str) -> Vec<String> {
        let check = self.check(more);
        let now = Timestamp::now();
        let facts = observe(check.as_ref(), now).await.unwrap();
        judged(check.as_ref(), &facts, now)
    }

    /// The segments of the archive, in order.
    fn segments(&self) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(self.path("archive")).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_none());
        paths.sort();
        paths
    }

    /// The file of the table's rows, among the largest of its database.
    fn largest(&self) -> std::path::PathBuf {
        let base = std::fs::read_dir(self.path("base/base")).unwrap();
        let files = base.flat_map(|one| std::fs::read_dir(one.unwrap().path()).unwrap());
        let files = files.map(|entry| entry.unwrap().path());
        files.max_by_key(|path| path.metadata().unwrap().len()).unwrap()
    }
}

#[tokio::test]
async fn a_base_backup_comes_back_with_the_last_archived_row() {
    let bases = Bases::new();
    assert_eq!(bases.findings("").await, NOTHING);
    assert_eq!(bases.findings("max_wal_age = \"1h\"").await, NOTHING);
    let opened = drilled(bases.check("").as_ref(), 90.0).await.unwrap();
    assert!(opened.works, "{}", opened.what);
    assert_eq!(opened.data_as_of.unwrap().to_string(), "2026-11-21T10:00:00Z");
}

/// Trap 11: sizes, and a verification without checksums, stay fine.
#[tokio::test]
async fn damage_in_a_base_backup_shows_when_checksums_are_read() {
    let bases = Bases::new();
    let file = bases.largest();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[5000] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(bases.findings("").await, NOTHING);
    let check = bases.check("");
    let (_folder, room) = support::room(60.0);
    let read = check.drill().unwrap().read_part([1, 1], &room).await.unwrap().unwrap();
    assert!(!read.sound && read.said.contains("checksum"), "{}", read.said);
    let opened = drilled(check.as_ref(), 60.0).await.unwrap();
    assert!(!opened.works && opened.what.contains("pg_verifybackup"), "{}", opened.what);
    std::fs::write(&file, &bytes[..4000]).unwrap();
    assert_eq!(bases.findings("").await, ["backup_incomplete!"]);
    std::fs::remove_file(bases.path("base/backup_manifest")).unwrap();
    let later = Timestamp::now() + SignedDuration::from_hours(2);
    let facts = observe(check.as_ref(), later).await.unwrap();
    assert_eq!(judged(check.as_ref(), &facts, later), ["backup_incomplete!"]);
}

/// With segments of 1 MB there are 4096 in a log, and the one after `...FF` is `...100`.
#[tokio::test]
async fn segments_of_another_size_are_no_gap() {
    let bases = Bases { folder: tempfile::tempdir().unwrap() };
    let segment = "0000000100000000000000F4";
    let cluster = Cluster::start_with(&["--wal-segsize=1"], Some(segment));
    let base = bases.path("base").display().to_string();
    cluster.client(&["pg_basebackup", "-c", "fast", "-D", &base]);
    let switch = |id: i64| {
        let row = format!("insert into invoices values ({id}, '2026-11-21 10:00+00', 'x')");
        cluster.sql("erp", &row);
        cluster.sql("erp", "select pg_switch_wal()");
    };
    (-20..=0).for_each(switch);
    let archived = "select count(*) from pg_stat_archiver where last_archived_wal >= \
                    (select pg_walfile_name(pg_current_wal_lsn() - 1))";
    support::until("the archive", || cluster.sql("erp", archived).trim() == "1");
    support::run(bases.folder.path(), "cp", &["-r", &cluster.text("archive"), "."]);
    drop(cluster);
    let names = |wanted: &str| bases.path("archive").join(wanted).exists();
    assert!(names("0000000100000000000000FF") && names("000000010000000000000100"));
    assert_eq!(bases.findings("").await, NOTHING);
    // As many people archive them.
    support::run(&bases.path("archive"), "sh", &["-c", "gzip 0000000100000000000001*"]);
    assert_eq!(bases.findings("").await, NOTHING);
    support::run(&bases.path("archive"), "sh", &["-c", "gunzip *.gz"]);
    let opened = drilled(bases.check("").as_ref(), 90.0).await.unwrap();
    assert!(opened.works, "{}", opened.what);
    std::fs::remove_file(bases.path("archive/000000010000000000000100")).unwrap();
    assert_eq!(bases.findings("").await, ["pg_wal_gap!"]);
}

#[tokio::test]
async fn a_gap_in_the_archive_is_found_and_fails_the_drill() {
    let bases = Bases::new();
    let segments = bases.segments();
    std::fs::remove_file(&segments[segments.len() - 2]).unwrap();
    assert_eq!(bases.findings("").await, ["pg_wal_gap!"]);
    let opened = drilled(bases.check("").as_ref(), 90.0).await.unwrap();
    assert!(!opened.works && opened.what.contains("the archive lacks"), "{}", opened.what);
    let later = Timestamp::now() + SignedDuration::from_hours(2);
    let check = Bases::new().check("max_wal_age = \"1h\"");
    assert!(
        observe(check.as_ref(), later)
            .await
            .is_ok_and(|facts| { !facts.flag("folder_exists", "") }),
        "its folder is gone"
    );
    let bases = Bases::new();
    let check = bases.check("max_wal_age = \"1h\"");
    let facts = observe(check.as_ref(), later).await.unwrap();
    assert_eq!(judged(check.as_ref(), &facts, later), ["pg_wal_old!"]);
}

/// The whole way, through the worker with its limits: loading counts as restoring.
#[test]
fn a_drill_from_the_command_line_loads_the_dump() {
    let folder = copy("erp.dump", None);
    let home = tempfile::tempdir().unwrap();
    let settings = format!(
        "[[check.pg_dump]]\ncomponent = \"erp-dumps\"\n{}\
         tables = {{ \"public.invoices\" = {ROWS} }}\n",
        keys(folder.path())
    );
    std::fs::write(home.path().join("agent.toml"), settings).unwrap();
    let home = home.path().to_str().unwrap();
    let config = format!("{home}/agent.toml");
    let output = support::run(
        folder.path(),
        env!("CARGO_BIN_EXE_evenkeel-agent"),
        &[
            "drill",
            "--config",
            &config,
            "--data",
            home,
            "--level",
            "application",
            "--format",
            "json",
        ],
    );
    let report: serde_json::Value = serde_json::from_str(&output).unwrap();
    let drills = find(&report, "restores");
    assert!(
        drills.iter().any(|one| one[0]["seconds"].as_f64().is_some_and(|it| it > 0.2)),
        "{output}"
    );
}

/// Every value of that name within a document.
fn find<'a>(value: &'a serde_json::Value, name: &str) -> Vec<&'a serde_json::Value> {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let own = map.get(name).into_iter();
            own.chain(map.values().flat_map(|one| find(one, name))).collect()
        }
        Value::Array(list) => list.iter().flat_map(|one| find(one, name)).collect(),
        _ => Vec::new(),
    }
}
