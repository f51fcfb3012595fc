//! The restic check against real repositories in every state, and against misbehaving tools.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use evenkeel_agent::checks::{Check, Facts};
use evenkeel_config::record::FailureKind;
use jiff::Timestamp;
use support::{build, evidence, ids, judged, observe, observe_within, run, until};
use tempfile::TempDir;

const SECRET: &str = "pl4nted-passw0rd";
const NOTHING: &[&str] = &[];

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// A folder of one test with a repository, its source and its password file.
struct Lab {
    folder: TempDir,
}

impl Lab {
    /// A repository with one fresh snapshot, copied from one that is made once.
    fn new() -> Self {
        static FIRST: OnceLock<TempDir> = OnceLock::new();
        let first = FIRST.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let lab = Lab { folder };
            std::fs::write(lab.path("password"), SECRET).unwrap();
            std::fs::create_dir(lab.path("source")).unwrap();
            std::fs::write(lab.path("source/ledger"), "x".repeat(5000)).unwrap();
            lab.restic(&["init"]);
            lab.back_up("source", "2026-11-21 03:00:00", "srv-erp");
            lab.folder
        });
        let folder = tempfile::tempdir().unwrap();
        let from = format!("{}/.", first.path().display());
        run(folder.path(), "cp", &["-r", &from, "."]);
        run(folder.path(), "chmod", &["-R", "u+w", "."]);
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn restic(&self, arguments: &[&str]) -> String {
        let fixed = ["--no-cache", "-q", "-r", "repository", "--password-file", "password"];
        run(self.folder.path(), "restic", &[&fixed, arguments].concat())
    }

    fn back_up(&self, source: &str, time: &str, host: &str) {
        self.restic(&["backup", source, "--time", time, "--host", host]);
    }

    fn keys(&self) -> String {
        format!(
            "repository = \"{}\"\npassword_file = \"{}\"\n",
            self.path("repository").display(),
            self.path("password").display()
        )
    }

    fn check(&self) -> Box<dyn Check> {
        build("restic", &self.keys())
    }

    async fn facts(&self) -> Facts {
        observe(self.check().as_ref(), now()).await.unwrap()
    }

    /// Finding ids without history.
    async fn findings(&self) -> Vec<String> {
        let check = self.check();
        judged(check.as_ref(), &observe(check.as_ref(), now()).await.unwrap(), now())
    }

    async fn failure(&self) -> FailureKind {
        observe(self.check().as_ref(), now()).await.unwrap_err().kind
    }

    /// The only file in a folder of the repository.
    fn only(&self, folder: &str) -> PathBuf {
        let folder = self.path("repository").join(folder);
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        files.remove(0)
    }
}

#[tokio::test]
async fn a_good_repository_has_no_finding() {
    let lab = Lab::new();
    let check = lab.check();
    let facts = observe(check.as_ref(), now()).await.unwrap();
    assert_eq!(judged(check.as_ref(), &facts, now()), NOTHING);
    assert_eq!(facts.copies.len(), 1);
    let snapshot = facts.copies[0].snapshots[0];
    assert_eq!(snapshot.start.to_string(), "2026-11-21T03:00:00Z");
    assert_eq!((snapshot.bytes, snapshot.complete), (Some(5000), true));
    // The second time sizes come from memory, and say the same.
    let again = observe(check.as_ref(), now()).await.unwrap();
    assert_eq!(again.copies, facts.copies);
    assert_eq!(again.number("stored_size", ""), facts.number("stored_size", ""));
}

#[tokio::test]
async fn a_missing_repository_is_not_found() {
    let lab = Lab::new();
    std::fs::rename(lab.path("repository"), lab.path("elsewhere")).unwrap();
    assert_eq!(lab.failure().await, FailureKind::NotFound);
    std::fs::create_dir(lab.path("repository")).unwrap();
    assert_eq!(lab.failure().await, FailureKind::NotFound);
}

#[tokio::test]
async fn a_wrong_password_is_told_from_lost_keys() {
    let lab = Lab::new();
    std::fs::write(lab.path("password"), "another").unwrap();
    assert_eq!(lab.failure().await, FailureKind::AuthFailed);
    std::fs::remove_file(lab.path("password")).unwrap();
    assert_eq!(lab.failure().await, FailureKind::AuthFailed);
    std::fs::write(lab.path("password"), SECRET).unwrap();
    std::fs::remove_file(lab.only("keys")).unwrap();
    assert_eq!(lab.failure().await, FailureKind::KeyMissing);
    std::fs::remove_dir(lab.path("repository/keys")).unwrap();
    assert_eq!(lab.failure().await, FailureKind::KeyMissing);
}

#[tokio::test]
async fn a_lock_of_a_dead_process_is_found() {
    let lab = Lab::new();
    let mut backup = Command::new("restic")
        .args(["--no-cache", "-q", "-r", "repository", "--password-file", "password"])
        .args(["backup", "--stdin"])
        .current_dir(lab.folder.path())
        .stdin(Stdio::piped())
        .spawn()
        .expect("restic is needed for this test");
    let locks = lab.path("repository/locks");
    until("a lock", || std::fs::read_dir(&locks).unwrap().count() == 1);
    assert_eq!(lab.findings().await, NOTHING, "the holder is alive");
    backup.kill().unwrap();
    backup.wait().unwrap();
    assert_eq!(lab.findings().await, ["backup_lock_stale"]);
    assert_eq!(std::fs::read_dir(&locks).unwrap().count(), 1, "the check removed the lock");
}

#[tokio::test]
async fn an_empty_snapshot_is_not_fresh_data() {
    let lab = Lab::new();
    std::fs::remove_file(lab.path("source/ledger")).unwrap();
    lab.back_up("source", "2026-11-21 09:00:00", "srv-erp");
    assert_eq!(lab.findings().await, ["backup_empty!"]);
}

#[tokio::test]
async fn a_damaged_snapshot_file_is_not_silence() {
    let lab = Lab::new();
    lab.back_up("source", "2026-11-21 02:00:00", "srv-old");
    let newest = lab.restic(&["snapshots", "--host", "srv-erp", "--json"]);
    let id = newest.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap();
    let file = lab.path("repository/snapshots").join(id);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(lab.findings().await, ["backup_complained", "backup_unreadable!"]);
}

#[tokio::test]
async fn a_repository_without_index_restores_nothing() {
    let lab = Lab::new();
    std::fs::remove_file(lab.only("index")).unwrap();
    assert_eq!(lab.findings().await, ["backup_unreadable!", "restic_index_missing!"]);
}

#[tokio::test]
async fn a_stale_group_does_not_hide_behind_a_fresh_one() {
    let lab = Lab::new();
    lab.back_up("source", "2026-11-01 03:00:00", "srv-web");
    let check = lab.check();
    let facts = observe(check.as_ref(), now()).await.unwrap();
    let findings = check.judge(&facts, &[], now());
    assert_eq!(ids(&findings), ["backup_stale!"]);
    assert!(findings[0].what.contains("srv-web:"), "{}", findings[0].what);
    let check = build("restic", &format!("{}host = \"srv-erp\"", lab.keys()));
    let facts = observe(check.as_ref(), now()).await.unwrap();
    assert_eq!(judged(check.as_ref(), &facts, now()), NOTHING);
    let check = build("restic", &format!("{}host = \"srv-none\"", lab.keys()));
    let facts = observe(check.as_ref(), now()).await.unwrap();
    assert_eq!(judged(check.as_ref(), &facts, now()), ["backup_none!"]);
}

#[tokio::test]
async fn a_snapshot_from_the_future_is_not_fresh() {
    let lab = Lab::new();
    lab.back_up("source", "2026-11-25 03:00:00", "srv-erp");
    assert_eq!(lab.findings().await, ["backup_future"]);
}

#[tokio::test]
async fn a_lost_snapshot_and_a_new_repository_are_found() {
    let lab = Lab::new();
    lab.back_up("source", "2026-11-21 08:00:00", "srv-erp");
    lab.back_up("source", "2026-11-21 09:00:00", "srv-erp");
    let past = [evidence(&lab.facts().await, now())];
    lab.restic(&["forget", "latest"]);
    let facts = lab.facts().await;
    let findings = lab.check().judge(&facts, &past, now());
    assert_eq!(ids(&findings), ["backup_history_lost!"]);
    std::fs::remove_dir_all(lab.path("repository")).unwrap();
    lab.restic(&["init"]);
    lab.back_up("source", "2026-11-21 10:00:00", "srv-erp");
    let facts = lab.facts().await;
    let findings = lab.check().judge(&facts, &past, now());
    assert_eq!(ids(&findings), ["backup_replaced!"]);
}

/// A program in restic's place.
fn fake(folder: &Path, script: &str) -> Box<dyn Check> {
    let path = folder.join("restic");
    let version = "if [ \"$1\" = version ]; then echo restic 0.17.3 compiled; exit 0; fi";
    std::fs::write(&path, format!("#!/bin/sh\n{version}\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(folder.join("password"), SECRET).unwrap();
    let keys = format!(
        "repository = \"rest:http://bob:{SECRET}@127.0.0.1:1/\"\ntool = \"{}\"\n\
         password_file = \"{}\"\n",
        path.display(),
        folder.join("password").display()
    );
    build("restic", &keys)
}

#[tokio::test]
async fn misbehaving_tools_are_typed_and_keep_the_secret() {
    let truncated = "case \"$*\" in *cat*config*) echo '{\"id\":\"1\"}';; \
                     *) echo '[{\"time\":\"2026-11-21T0';; esac";
    let leaking = format!("echo Fatal: cannot use {SECRET} >&2; env >&2; exit 1");
    let modern =
        "echo '{\"message_type\":\"exit_error\",\"code\":11,\"message\":\"x\"}' >&2; exit 11";
    for (script, kind) in [
        ("sleep 1000", FailureKind::Timeout),
        ("head -c 1000000000 /dev/zero", FailureKind::OutputTooLong),
        (truncated, FailureKind::Unreadable),
        ("echo hello", FailureKind::Unreadable),
        (leaking.as_str(), FailureKind::Other),
        (modern, FailureKind::Locked),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let check = fake(folder.path(), script);
        let limit = Duration::from_secs(if kind == FailureKind::Timeout { 2 } else { 60 });
        let failure = observe_within(check.as_ref(), now(), limit).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{script}: {}", failure.what);
        let json = serde_json::to_string(&failure).unwrap();
        assert!(!json.contains(SECRET), "{json}");
    }
}

#[tokio::test]
async fn counts_of_newer_versions_show_an_upheaval() {
    let snapshot = |day: u32, changed: u32| {
        format!(
            "{{\"time\":\"2026-11-{day:02}T03:00:00Z\",\"id\":\"{day}\",\"hostname\":\"h\",\
             \"paths\":[\"/srv\"],\"summary\":{{\"files_new\":0,\"files_changed\":{changed},\
             \"total_files_processed\":200,\"total_bytes_processed\":8070002}}}}"
        )
    };
    let quiet: Vec<String> = (12..=20).map(|day| snapshot(day, 3)).collect();
    for (last, expected) in [(snapshot(21, 4), NOTHING), (snapshot(21, 200), &["backup_churn"])] {
        let folder = tempfile::tempdir().unwrap();
        let list = format!("[{},{last}]", quiet.join(","));
        let ids: String = (0..10).map(|n| format!("{n:064x}\\n")).collect();
        let script = format!(
            "case \"$*\" in *config*) echo '{{\"id\":\"1\"}}';; *locks*) ;; \
             *list*) printf '{ids}';; *) echo '{list}';; esac"
        );
        let check = fake(folder.path(), &script);
        let facts = observe(check.as_ref(), now()).await.unwrap();
        assert_eq!(judged(check.as_ref(), &facts, now()), expected);
        assert_eq!(facts.copies[0].snapshots.len(), 10);
    }
}

#[tokio::test]
async fn a_dead_server_and_a_missing_tool_are_told_apart() {
    let lab = Lab::new();
    let password = lab.path("password").display().to_string();
    let keys = format!(
        "repository = \"rest:http://bob:{SECRET}@127.0.0.1:1/\"\npassword_file = \"{password}\""
    );
    let failure = observe(build("restic", &keys).as_ref(), now()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NetworkDown);
    assert!(!serde_json::to_string(&failure).unwrap().contains(SECRET));
    let keys = format!("{keys}\ntool = \"/nowhere/restic\"");
    let failure = observe(build("restic", &keys).as_ref(), now()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ToolMissing);
}

#[tokio::test]
async fn evidence_holds_no_secret() {
    let lab = Lab::new();
    std::fs::write(lab.path("environment"), format!("RESTIC_PASSWORD='{SECRET}'\n")).unwrap();
    let file = lab.path("environment").display().to_string();
    let repository = lab.path("repository").display().to_string();
    let keys = format!("repository = \"{repository}\"\nenvironment_file = \"{file}\"");
    let check = build("restic", &keys);
    let facts = observe(check.as_ref(), now()).await.unwrap();
    let json = serde_json::to_string(&evidence(&facts, now())).unwrap();
    assert!(json.contains("srv-erp") && !json.contains(SECRET), "{json}");
}
