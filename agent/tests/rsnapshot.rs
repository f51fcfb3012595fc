//! The rsnapshot check against real generations, made by rsnapshot itself.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::PathBuf;
use std::process::Command;

use evenkeel_agent::checks::Check;
use evenkeel_config::record::FailureKind;
use jiff::{SignedDuration, Timestamp};
use support::{build, judged, observe, run};
use tempfile::TempDir;

const NOTHING: &[&str] = &[];

/// A source, generations of it, and rsnapshot's settings.
struct Lab {
    folder: TempDir,
}

impl Lab {
    fn new() -> Self {
        let lab = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(lab.path("source")).unwrap();
        std::fs::write(lab.path("source/ledger"), "x".repeat(5000)).unwrap();
        lab.configure("");
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self, more: &str) {
        let at = self.folder.path().display();
        let text = format!(
            "config_version\t1.2\nsnapshot_root\t{at}/generations/\ncmd_rsync\t/usr/bin/rsync\n\
             cmd_rm\t/bin/rm\nretain\tdaily\t7\nretain\tweekly\t4\nverbose\t1\nloglevel\t3\n\
             logfile\t{at}/log\nlockfile\t{at}/pid\nbackup\t{at}/source/\tlocalhost/\n{more}"
        );
        std::fs::write(self.path("rsnapshot.conf"), text).unwrap();
    }

    /// Runs rsnapshot; whether it ended well.
    fn rsnapshot(&self) -> bool {
        let config = self.path("rsnapshot.conf");
        let mut command = Command::new("rsnapshot");
        command.arg("-c").arg(config).arg("daily");
        command.output().expect("rsnapshot is needed for this test").status.success()
    }

    fn check(&self) -> Box<dyn Check> {
        build("rsnapshot", &format!("config = \"{}\"", self.path("rsnapshot.conf").display()))
    }

    async fn findings(&self, now: Timestamp) -> Vec<String> {
        let check = self.check();
        judged(check.as_ref(), &observe(check.as_ref(), now).await.unwrap(), now)
    }
}

#[tokio::test]
async fn generations_are_fresh_whole_and_of_their_time() {
    let lab = Lab::new();
    assert!(lab.rsnapshot());
    let now = Timestamp::now();
    let check = lab.check();
    let facts = observe(check.as_ref(), now).await.unwrap();
    assert_eq!(judged(check.as_ref(), &facts, now), NOTHING);
    let snapshot = facts.copies[0].snapshots[0];
    assert_eq!((snapshot.files, snapshot.bytes, snapshot.complete), (Some(1), Some(5000), true));
    let late = now + SignedDuration::from_hours(31);
    assert_eq!(lab.findings(late).await, ["backup_stale"]);
    assert!(lab.rsnapshot());
    let facts = observe(check.as_ref(), Timestamp::now()).await.unwrap();
    assert_eq!(facts.copies[0].snapshots.len(), 2);
}

#[tokio::test]
async fn an_empty_source_and_a_failed_run_are_not_fresh_data() {
    let lab = Lab::new();
    assert!(lab.rsnapshot());
    std::fs::remove_file(lab.path("source/ledger")).unwrap();
    assert!(lab.rsnapshot(), "the tool is content with an empty source");
    assert_eq!(lab.findings(Timestamp::now()).await, ["backup_empty!"]);

    let lab = Lab::new();
    assert!(lab.rsnapshot());
    // One source that is gone aborts the whole run.
    std::fs::remove_dir_all(lab.path("source")).unwrap();
    assert!(!lab.rsnapshot());
    assert_eq!(lab.findings(Timestamp::now()).await, ["rsnapshot_failed!"]);
}

#[tokio::test]
async fn a_missing_root_is_not_found_and_a_dead_lock_is_told() {
    let lab = Lab::new();
    let failure = observe(lab.check().as_ref(), Timestamp::now()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert!(lab.rsnapshot());
    // The number of a process that has just ended.
    let pid = run(lab.folder.path(), "sh", &["-c", "echo $$"]);
    std::fs::write(lab.path("pid"), pid).unwrap();
    assert_eq!(lab.findings(Timestamp::now()).await, ["backup_lock_stale!"]);
    std::fs::write(lab.path("pid"), std::process::id().to_string()).unwrap();
    assert_eq!(lab.findings(Timestamp::now()).await, NOTHING, "the holder is alive");
}
