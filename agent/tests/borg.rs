//! The borg check against real repositories in every state, and against misbehaving tools.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use evenkeel_agent::checks::{Check, Facts};
use evenkeel_agent::drill::{Drillable, Listed, PartRead, Restored, Room, Target, Wanted};
use evenkeel_config::record::{Evidence, FailureKind, Outcome, Value};
use jiff::{SignedDuration, Timestamp};
use support::{build, evidence, ids, judged, observe, observe_within, run, until};
use tempfile::TempDir;

const SECRET: &str = "pl4nted-passw0rd";
const NOTHING: &[&str] = &[];

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// A folder of one test with a repository, its source and its passphrase file.
struct Lab {
    folder: TempDir,
}

impl Lab {
    /// A repository with one fresh archive, copied from one that is made once.
    fn new() -> Self {
        static FIRST: OnceLock<TempDir> = OnceLock::new();
        let first = FIRST.get_or_init(|| {
            let lab = Lab { folder: tempfile::tempdir().unwrap() };
            std::fs::write(lab.path("passphrase"), format!("{SECRET}\n")).unwrap();
            std::fs::create_dir(lab.path("source")).unwrap();
            std::fs::write(lab.path("source/ledger"), noise(1, 5000)).unwrap();
            lab.borg(&["init", "--encryption=repokey"]);
            // Small segments, so that each archive's data and lists lie apart.
            let config = std::fs::read_to_string(lab.path("repository/config")).unwrap();
            let config = config.replace("max_segment_size = 524288000", "max_segment_size = 20000");
            std::fs::write(lab.path("repository/config"), config).unwrap();
            lab.back_up("srv-2026-11-21", "2026-11-21T03:00:00");
            lab.folder
        });
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), "cp", &["-r", &format!("{}/.", first.path().display()), "."]);
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("borg");
        command.args(arguments).current_dir(self.folder.path()).env("TZ", "UTC");
        command.env("BORG_REPO", self.path("repository")).env("BORG_PASSPHRASE", SECRET);
        command.env("BORG_BASE_DIR", self.path("base"));
        command.env("BORG_CHECK_I_KNOW_WHAT_I_AM_DOING", "YES");
        command.env("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes");
        command
    }

    fn borg(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("borg is needed for this test");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn back_up(&self, archive: &str, time: &str) {
        self.borg(&["create", "--timestamp", time, &format!("::{archive}"), "source"]);
    }

    fn keys(&self) -> String {
        format!(
            "repository = \"{}\"\npassphrase_file = \"{}\"\n",
            self.path("repository").display(),
            self.path("passphrase").display()
        )
    }

    fn check(&self) -> Box<dyn Check> {
        build("borg", &self.keys())
    }

    async fn facts(&self) -> Facts {
        observe(self.check().as_ref(), now()).await.unwrap()
    }

    /// Finding ids without history; the repository is as before.
    async fn findings(&self) -> Vec<String> {
        let before = content(&self.path("repository"));
        let findings = judged(self.check().as_ref(), &self.facts().await, now());
        assert!(content(&self.path("repository")) == before, "the check changed the repository");
        findings
    }

    async fn failure(&self) -> FailureKind {
        observe(self.check().as_ref(), now()).await.unwrap_err().kind
    }

    /// The segments, by number.
    fn segments(&self) -> BTreeMap<u64, PathBuf> {
        let folder = std::fs::read_dir(self.path("repository/data/0")).unwrap();
        let paths = folder.map(|entry| entry.unwrap().path());
        paths
            .map(|path| (path.file_name().unwrap().to_str().unwrap().parse().unwrap(), path))
            .collect()
    }

    /// The segments without which a command of borg's does not work.
    fn needed_for(&self, arguments: &[&str]) -> Vec<PathBuf> {
        // In a copy, for borg itself rewrites what it finds lacking.
        let is_needed = |path: &PathBuf| {
            let copy = tempfile::tempdir().unwrap();
            run(self.folder.path(), "cp", &["-r", "repository", copy.path().to_str().unwrap()]);
            let place = path.strip_prefix(self.folder.path()).unwrap();
            std::fs::remove_file(copy.path().join(place)).unwrap();
            let mut command = self.command(arguments);
            command.env("BORG_REPO", copy.path().join("repository"));
            command.env("BORG_BASE_DIR", copy.path().join("base"));
            !command.output().unwrap().status.success()
        };
        self.segments().into_values().filter(is_needed).collect()
    }
}

/// Bytes that do not compress, the same for the same seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(next).collect()
}

/// Every file below a folder with its content.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.insert(path.clone(), Vec::new());
            all.extend(content(&path));
        } else {
            all.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    all
}

#[tokio::test]
async fn a_good_repository_has_no_finding_and_shows_no_secret() {
    let lab = Lab::new();
    assert_eq!(lab.findings().await, NOTHING);
    let check = lab.check();
    let facts = observe(check.as_ref(), now()).await.unwrap();
    assert_eq!(facts.copies.len(), 1);
    let snapshot = facts.copies[0].snapshots[0];
    assert_eq!(snapshot.start.to_string(), "2026-11-21T03:00:00Z");
    assert_eq!((snapshot.files, snapshot.bytes, snapshot.complete), (Some(1), Some(5000), true));
    assert_eq!(facts.get("append_only", ""), Some(&Value::Flag(false)));
    assert!(facts.text("version", "").unwrap().starts_with("1."));
    // The second time what is known comes from memory, and says the same.
    let again = observe(check.as_ref(), now()).await.unwrap();
    assert_eq!(again, facts);
    let json = serde_json::to_string(&evidence(&facts, now())).unwrap();
    assert!(json.contains("srv-*") && !json.contains(SECRET), "{json}");
    // As it is when nothing is secret in the files, either.
    std::fs::write(lab.path("env"), format!("BORG_PASSPHRASE='{SECRET}'\n")).unwrap();
    let keys = lab.keys().replace("passphrase_file", "environment_file");
    let keys = keys.replace("/passphrase\"", "/env\"");
    let facts = observe(build("borg", &keys).as_ref(), now()).await.unwrap();
    assert!(!serde_json::to_string(&facts.observations).unwrap().contains(SECRET));
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
async fn a_wrong_passphrase_is_told_from_a_lost_key() {
    let lab = Lab::new();
    std::fs::write(lab.path("passphrase"), "another").unwrap();
    assert_eq!(lab.failure().await, FailureKind::AuthFailed);
    std::fs::remove_file(lab.path("passphrase")).unwrap();
    assert_eq!(lab.failure().await, FailureKind::AuthFailed);
    std::fs::write(lab.path("passphrase"), SECRET).unwrap();
    let config = std::fs::read_to_string(lab.path("repository/config")).unwrap();
    let without = config.split("key =").next().unwrap();
    std::fs::write(lab.path("repository/config"), without).unwrap();
    assert_eq!(lab.failure().await, FailureKind::KeyMissing);
    // A command in place of the passphrase is not run.
    std::fs::write(lab.path("env"), "BORG_PASSCOMMAND=cat /x\n").unwrap();
    let keys = format!("{}environment_file = \"{}\"", lab.keys(), lab.path("env").display());
    let failure = observe(build("borg", &keys).as_ref(), now()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::AuthFailed);
}

#[tokio::test]
async fn a_key_outside_the_repository_has_to_be_named() {
    let lab = Lab::new();
    std::fs::remove_dir_all(lab.path("repository")).unwrap();
    lab.borg(&["init", "--encryption=keyfile"]);
    lab.back_up("srv-2026-11-21", "2026-11-21T03:00:00");
    assert_eq!(lab.failure().await, FailureKind::KeyMissing);
    let key = lab.path("key");
    lab.borg(&["key", "export", "::", key.to_str().unwrap()]);
    let keys = format!("{}key_file = \"{}\"\n", lab.keys(), key.display());
    let facts = observe(build("borg", &keys).as_ref(), now()).await.unwrap();
    assert_eq!(facts.number("snapshots", ""), Some(1.0));
    std::fs::remove_file(&key).unwrap();
    let failure = observe(build("borg", &keys).as_ref(), now()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::KeyMissing);
}

#[tokio::test]
async fn locks_of_the_living_and_of_the_dead() {
    let lab = Lab::new();
    let mut backup = lab
        .command(&["create", "::srv-2026-11-22", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("borg is needed for this test");
    let lock = lab.path("repository/lock.exclusive");
    until("a lock", || std::fs::read_dir(&lock).is_ok_and(|list| list.count() == 1));
    let facts = lab.facts().await;
    assert_eq!(judged(lab.check().as_ref(), &facts, now()), NOTHING, "the holder is alive");
    assert!(facts.flag("lock_exclusive", "") && facts.flag("lock_alive", ""));
    let later = now() + SignedDuration::from_hours(10);
    let findings = judged(lab.check().as_ref(), &facts, later);
    assert_eq!(findings, NOTHING, "a long backup is no lock left behind");
    backup.kill().unwrap();
    backup.wait().unwrap();
    assert_eq!(lab.findings().await, ["backup_lock_stale!"]);
    assert!(lock.exists(), "the check removed the lock");
}

#[tokio::test]
async fn an_index_that_borg_would_make_anew_is_left_alone() {
    let lab = Lab::new();
    for entry in std::fs::read_dir(lab.path("repository")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("index.") {
            std::fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(lab.findings().await, NOTHING);
}

#[tokio::test]
async fn lost_segments_are_found() {
    let lab = Lab::new();
    std::fs::write(lab.path("source/more"), noise(2, 50_000)).unwrap();
    lab.back_up("srv-2026-11-20", "2026-11-20T03:00:00");
    assert_eq!(lab.findings().await, NOTHING);
    let lists = lab.needed_for(&["list", "::srv-2026-11-21"]);
    let describes = lab.needed_for(&["list", "--format={hostname}", "::"]);
    let data = lab.needed_for(&["extract", "--dry-run", "::srv-2026-11-20"]);
    let data = data.iter().find(|path| !lists.contains(path) && !describes.contains(path));
    let lose = |path: &Path| std::fs::rename(path, lab.path("lost")).unwrap();
    let found = |path: &Path| std::fs::rename(lab.path("lost"), path).unwrap();
    let data = data.expect("data lies apart");
    lose(data);
    assert_eq!(lab.findings().await, ["borg_segments_missing!"]);
    found(data);
    let description = describes.iter().find(|path| !lists.contains(path)).expect("lists lie apart");
    lose(description);
    assert_eq!(lab.findings().await, ["backup_unreadable!", "borg_segments_missing!"]);
    found(description);
    // Without the end of the last transaction borg shows the state before it.
    let (_, last) = lab.segments().into_iter().next_back().unwrap();
    lose(&last);
    assert_eq!(lab.findings().await, ["borg_segments_missing!"]);
}

#[tokio::test]
async fn files_that_a_repair_filled_with_zeroes_are_found() {
    let lab = Lab::new();
    std::fs::write(lab.path("source/more"), noise(2, 50_000)).unwrap();
    lab.back_up("srv-2026-11-21T04", "2026-11-21T04:00:00");
    let lists = lab.needed_for(&["list", "::srv-2026-11-21T04"]);
    let data = lab.needed_for(&["extract", "--dry-run", "::srv-2026-11-21T04", "source/more"]);
    let data = data.iter().find(|path| !lists.contains(path)).expect("data lies apart");
    std::fs::remove_file(data).unwrap();
    lab.borg(&["check", "--repair"]);
    let findings = lab.findings().await;
    assert!(findings.contains(&"borg_zero_filled!".to_owned()), "{findings:?}");
}

#[tokio::test]
async fn a_stale_group_does_not_hide_behind_a_fresh_one() {
    let lab = Lab::new();
    lab.back_up("web-2026-11-01", "2026-11-01T03:00:00");
    let check = lab.check();
    let findings = check.judge(&lab.facts().await, &[], now());
    assert_eq!(ids(&findings), ["backup_stale!"]);
    assert!(findings[0].what.contains("web-*"), "{}", findings[0].what);
    for (key, expected) in [
        ("archives = \"srv-*\"", NOTHING),
        ("archives = \"none-*\"", &["backup_none!"]),
        ("host = \"srv-none\"", &["backup_none!"]),
    ] {
        let check = build("borg", &format!("{}{key}", lab.keys()));
        let facts = observe(check.as_ref(), now()).await.unwrap();
        assert_eq!(judged(check.as_ref(), &facts, now()), expected, "{key}");
    }
}

#[tokio::test]
async fn empty_and_future_archives_are_not_fresh_data() {
    let lab = Lab::new();
    std::fs::remove_file(lab.path("source/ledger")).unwrap();
    lab.back_up("srv-2026-11-21T09", "2026-11-21T09:00:00");
    assert_eq!(lab.findings().await, ["backup_empty!"]);
    std::fs::write(lab.path("source/ledger"), "x").unwrap();
    lab.back_up("srv-2026-11-25", "2026-11-25T03:00:00");
    let findings = lab.findings().await;
    assert!(findings.contains(&"backup_future".to_owned()), "{findings:?}");
}

#[tokio::test]
async fn a_lost_archive_and_a_new_repository_are_found() {
    let lab = Lab::new();
    lab.back_up("srv-2026-11-21T09", "2026-11-21T09:00:00");
    let past = [evidence(&lab.facts().await, now())];
    lab.borg(&["delete", "::srv-2026-11-21T09"]);
    let findings = lab.check().judge(&lab.facts().await, &past, now());
    assert_eq!(ids(&findings), ["backup_history_lost!"]);
    std::fs::remove_dir_all(lab.path("repository")).unwrap();
    lab.borg(&["init", "--encryption=repokey"]);
    lab.back_up("srv-2026-11-21T10", "2026-11-21T10:00:00");
    let findings = lab.check().judge(&lab.facts().await, &past, now());
    assert_eq!(ids(&findings), ["backup_replaced!"]);
}

/// Evidence of the nights before, each with a small share of changed files.
fn quiet_nights(facts: &Facts, count: i64) -> Vec<Evidence> {
    let night = |days: i64| {
        let started = now() - SignedDuration::from_hours(24 * days);
        let mut one = evidence(facts, started);
        if let Outcome::Observed { observations, copies, .. } = &mut one.outcome {
            copies.clear();
            for fact in observations {
                match fact.name.as_str() {
                    "newest" => fact.value = Value::Time(started),
                    "changed_share" => fact.value = Value::Number(0.02),
                    _ => {}
                }
            }
        }
        one
    };
    (1..=count).rev().map(night).collect()
}

/// Twenty files of the same sizes, some of them new each night.
fn night(lab: &Lab, seeds: impl Fn(u64) -> u64) {
    for at in 0..20 {
        std::fs::write(lab.path(&format!("source/f{at}.txt")), noise(seeds(at), 700)).unwrap();
    }
}

/// With the evidence of earlier looks, or with nothing but the archives themselves.
#[tokio::test]
async fn a_source_encrypted_in_place_is_told_from_quiet_and_from_busy_nights() {
    let lab = Lab::new();
    lab.borg(&["delete", "::srv-2026-11-21"]);
    for day in 11..21 {
        night(&lab, |at| if at == day % 20 { 1000 + day } else { at });
        lab.back_up(&format!("srv-2026-11-{day}"), &format!("2026-11-{day}T03:00:00"));
    }
    let last = "srv-2026-11-21";
    let encrypted: &[&str] = &["backup_encrypted!"];
    let rename = |lab: &Lab| {
        for at in 0..20 {
            let file = lab.path(&format!("source/f{at}.txt"));
            std::fs::rename(&file, file.with_extension("txt.locked")).unwrap();
        }
    };
    for (seeds, renamed, expected) in
        [(100, false, encrypted), (100, true, encrypted), (0, false, NOTHING)]
    {
        night(&lab, |at| seeds + at);
        if renamed {
            rename(&lab);
        }
        lab.back_up(last, "2026-11-21T03:00:00");
        let facts = lab.facts().await;
        assert_eq!(judged(lab.check().as_ref(), &facts, now()), expected, "{seeds} {renamed}");
        let with_past = lab.check().judge(&facts, &quiet_nights(&facts, 9), now());
        assert_eq!(ids(&with_past), expected, "{seeds} {renamed}");
        lab.borg(&["delete", &format!("::{last}")]);
        run(&lab.path("source"), "sh", &["-c", "rm -f *.locked"]);
    }
    // A source that is written anew each night is not upset when it is once more.
    for day in 11..21 {
        night(&lab, |at| 100 * day + at);
        lab.borg(&["delete", &format!("::srv-2026-11-{day}")]);
        lab.back_up(&format!("srv-2026-11-{day}"), &format!("2026-11-{day}T03:00:00"));
    }
    night(&lab, |at| 5000 + at);
    lab.back_up(last, "2026-11-21T03:00:00");
    assert_eq!(lab.findings().await, NOTHING);
}

/// A program in borg's place.
fn fake(folder: &Path, script: &str) -> Box<dyn Check> {
    let path = folder.join("borg");
    let version = "if [ \"$1\" = --version ]; then echo borg 1.4.1; exit 0; fi";
    std::fs::write(&path, format!("#!/bin/sh\n{version}\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(folder.join("passphrase"), SECRET).unwrap();
    let keys = format!(
        "repository = \"ssh://bob:{SECRET}@127.0.0.1:1/./x\"\ntool = \"{}\"\n\
         passphrase_file = \"{}\"\n",
        path.display(),
        folder.join("passphrase").display()
    );
    build("borg", &keys)
}

#[tokio::test]
async fn misbehaving_tools_and_the_newer_dialect_are_typed_and_keep_the_secret() {
    let leaking = format!("echo cannot use {SECRET} >&2; env >&2; exit 2");
    for (script, kind) in [
        ("sleep 1000", FailureKind::Timeout),
        ("head -c 1000000000 /dev/zero", FailureKind::OutputTooLong),
        ("echo '{\"archives\": [{\"name\"'", FailureKind::Unreadable),
        ("echo hello", FailureKind::Unreadable),
        (leaking.as_str(), FailureKind::Other),
        ("[ \"$BORG_EXIT_CODES\" = modern ] && exit 73", FailureKind::Locked),
        ("exit 52", FailureKind::AuthFailed),
        ("exit 44", FailureKind::KeyMissing),
        ("exit 13", FailureKind::NotFound),
        ("exit 90", FailureKind::CorruptStructure),
        ("kill -9 $$", FailureKind::Other),
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
async fn a_warning_in_the_newer_dialect_is_a_complaint() {
    let list = "{\"archives\": [{\"name\": \"a\", \"id\": \"1\", \"hostname\": \"h\", \
                \"start\": \"2026-11-21T03:00:00\", \"end\": \"2026-11-21T03:01:00\"}], \
                \"repository\": {\"id\": \"27\"}}";
    let warning = "{\"type\": \"log_message\", \"levelname\": \"WARNING\", \"message\": \"odd\"}";
    let script = format!(
        "case \"$*\" in *json-lines*) echo '{{\"type\": \"-\", \"path\": \"x\", \"size\": 7}}';; \
         *format*) echo '{list}';; *) echo '{list}'; echo '{warning}' >&2; exit 100;; esac"
    );
    let folder = tempfile::tempdir().unwrap();
    let check = fake(folder.path(), &script);
    let facts = observe(check.as_ref(), now()).await.unwrap();
    assert_eq!(judged(check.as_ref(), &facts, now()), ["backup_complained"]);
    assert_eq!(facts.copies[0].snapshots[0].bytes, Some(7));
}

#[tokio::test]
async fn a_dead_server_and_a_missing_tool_are_told_apart() {
    let lab = Lab::new();
    for server in ["127.0.0.1:1", "no-such-host.invalid"] {
        let keys = format!("repository = \"ssh://bob@{server}/./x\"");
        let failure = observe(build("borg", &keys).as_ref(), now()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::NetworkDown, "{}", failure.what);
    }
    let keys = format!("{}tool = \"/nowhere/borg\"", lab.keys());
    let failure = observe(build("borg", &keys).as_ref(), now()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ToolMissing);
}

/// A drill's room in a folder of a lab, and what is drilled.
fn room(lab: &Lab, name: &str) -> Room {
    let folder = |part: &str| {
        let folder = lab.path(&format!("scratch-{name}/{part}"));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    };
    let until = Instant::now() + Duration::from_secs(300);
    Room { folder: folder("files"), cache: folder("cache"), until, bandwidth: None }
}

async fn target(drill: &dyn Drillable) -> Target {
    let until = Instant::now() + Duration::from_secs(300);
    let mut targets = drill.targets(until).await.unwrap();
    assert_eq!(targets.len(), 1);
    targets.remove(0)
}

/// Every file of the newest archive by name.
async fn listed(drill: &dyn Drillable, lab: &Lab) -> Vec<Listed> {
    let mut files = Vec::new();
    let target = target(drill).await;
    drill.list(&target, &room(lab, "list"), &mut |file| files.push(file)).await.unwrap();
    files
}

async fn restore(drill: &dyn Drillable, wanted: Wanted<'_>, room: &Room) -> Restored {
    drill.restore(&target(drill).await, wanted, room).await.unwrap()
}

async fn parts(drill: &dyn Drillable, lab: &Lab) -> Vec<PartRead> {
    let mut parts = Vec::new();
    for part in 1..=2 {
        let room = room(lab, "part");
        parts.push(drill.read_part([part, 2], &room).await.unwrap().expect("borg can do it"));
    }
    parts
}

#[tokio::test]
async fn a_drill_brings_files_back_and_leaves_the_repository_alone() {
    let lab = Lab::new();
    for at in 0..12 {
        std::fs::write(lab.path(&format!("source/f[{at}]*")), noise(at, 3000)).unwrap();
    }
    lab.back_up("srv-2026-11-21T04", "2026-11-21T04:00:00");
    let before = content(&lab.path("repository"));
    let check = lab.check();
    let drill = check.drill().unwrap();
    assert_eq!(drill.backup_runs(Instant::now() + Duration::from_secs(60)).await, Ok(None));
    assert!(!drill.needs_network() && drill.own_folders() == [lab.path("repository")]);
    let files = listed(drill, &lab).await;
    assert_eq!(files.len(), 13);
    let some = &files[3..6];
    let room_of_some = room(&lab, "some");
    let restored = restore(drill, Wanted::Files(some), &room_of_some).await;
    assert!(restored.worked, "{}", restored.said);
    for file in some {
        let back = std::fs::read(room_of_some.folder.join(&file.path[1..])).unwrap();
        assert_eq!(back, std::fs::read(lab.path(&file.path[1..])).unwrap());
        assert_eq!(back.len() as u64, file.size);
    }
    let count = |room: &Room| content(&room.folder).keys().filter(|path| path.is_file()).count();
    assert_eq!(count(&room_of_some), 3, "a pattern of borg's took in more");
    let room_of_all = room(&lab, "all");
    assert!(restore(drill, Wanted::All, &room_of_all).await.worked);
    assert_eq!(count(&room_of_all), 13);
    assert!(parts(drill, &lab).await.iter().all(|part| part.sound));
    assert!(content(&lab.path("repository")) == before, "the drill changed the repository");
    let cache = content(&lab.path("scratch-all/cache"));
    assert!(cache.is_empty(), "left behind: {:?}", cache.keys());
}

#[tokio::test]
async fn a_damaged_segment_stays_green_until_a_drill() {
    let lab = Lab::new();
    for at in 0..30 {
        std::fs::write(lab.path(&format!("source/f{at}")), noise(at, 3000)).unwrap();
    }
    lab.back_up("srv-2026-11-21T04", "2026-11-21T04:00:00");
    let lists = lab.needed_for(&["list", "::srv-2026-11-21T04"]);
    let data = lab.needed_for(&["extract", "--dry-run", "::srv-2026-11-21T04"]);
    let data = data.iter().find(|path| !lists.contains(path)).expect("data lies apart");
    let mut bytes = std::fs::read(data).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(data, bytes).unwrap();
    // Trap: borg lists it, and says that the archives are well.
    lab.borg(&["check", "--archives-only"]);
    assert_eq!(lab.findings().await, NOTHING);
    let before = content(&lab.path("repository"));
    let check = lab.check();
    let drill = check.drill().unwrap();
    let restored = restore(drill, Wanted::All, &room(&lab, "all")).await;
    assert!(!restored.worked);
    let came_back: usize = restored.said.split(' ').next().unwrap().parse().unwrap();
    assert!(came_back < 31, "{}", restored.said);
    assert!(restored.said.contains("integrity error"), "{}", restored.said);
    let parts = parts(drill, &lab).await;
    assert!(parts.iter().any(|part| !part.sound), "{parts:?}");
    assert!(content(&lab.path("repository")) == before, "the drill changed the repository");
}
