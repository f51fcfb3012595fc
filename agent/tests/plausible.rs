//! Encryption of a source, seen in real restic repositories: renamed, and in place
//! with unchanged sizes and counts; a quiet week has no finding.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::{Path, PathBuf};

use evenkeel_config::record::Value;
use jiff::Timestamp;
use support::{build, judged, observe, run};
use tempfile::TempDir;

const FILES: usize = 60;

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn restic(folder: &Path, arguments: &[&str]) {
    let fixed = ["--no-cache", "-q", "-r", "repository", "--password-file", "password"];
    run(folder, "restic", &[&fixed, arguments].concat());
}

fn back_up(folder: &Path, time: &str) {
    restic(folder, &["backup", "source", "--time", time, "--host", "srv"]);
}

fn file(folder: &Path, at: usize) -> PathBuf {
    folder.join(format!("source/{at}.txt"))
}

/// Text that compresses, different in each file.
fn text(at: usize, day: usize) -> String {
    format!("invoice {at} of day {day}\n").repeat(400)
}

/// A repository with nine quiet days.
fn nine_days() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("password"), "secret").unwrap();
    std::fs::create_dir(at.join("source")).unwrap();
    for number in 0..FILES {
        std::fs::write(file(at, number), text(number, 0)).unwrap();
    }
    restic(at, &["init"]);
    for day in 12..21 {
        for number in [day, day + 1] {
            std::fs::write(file(at, number), text(number, day)).unwrap();
        }
        back_up(at, &format!("2026-11-{day:02} 03:00:00"));
    }
    folder
}

/// Replaces each file's content by bytes of the same number that compress no more.
fn encrypt(folder: &Path, rename: bool) {
    let mut state = 1_u64;
    for number in 0..FILES {
        let path = file(folder, number);
        let size = std::fs::metadata(&path).unwrap().len();
        let cipher: Vec<u8> = (0..size)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        std::fs::write(&path, cipher).unwrap();
        if rename {
            std::fs::rename(&path, path.with_extension("txt.locked")).unwrap();
        }
    }
}

#[tokio::test]
async fn encryption_is_told_from_a_quiet_week() {
    let folder = nine_days();
    let at = folder.path();
    let keys =
        format!("repository = \"{0}/repository\"\npassword_file = \"{0}/password\"", at.display());
    let check = build("restic", &keys);
    let findings = async |check: &dyn evenkeel_agent::checks::Check| {
        let facts = observe(check, now()).await.unwrap();
        (judged(check, &facts, now()), facts)
    };
    back_up(at, "2026-11-21 02:00:00");
    assert_eq!(findings(check.as_ref()).await.0, Vec::<String>::new(), "nothing happened");
    // The paths of a source are part of its group, so each case starts over in place.
    let saved = tempfile::tempdir().unwrap();
    run(saved.path(), "cp", &["-r", &format!("{}/.", at.display()), "."]);
    for (rename, trace) in [(true, "end in `.locked`"), (false, "as many as ever")] {
        run(at, "rm", &["-r", "source", "repository"]);
        run(at, "cp", &["-r", &format!("{}/.", saved.path().display()), "."]);
        encrypt(at, rename);
        back_up(at, "2026-11-21 03:00:00");
        let check = build("restic", &keys);
        let (found, mut facts) = findings(check.as_ref()).await;
        assert_eq!(found, ["backup_encrypted!"], "renamed: {rename}");
        let what = &check.judge(&facts, &[], now())[0].what;
        assert!(what.contains(trace), "{what}");
        // Somebody looked and says that it is right so.
        let group = facts.copies[0].group.clone();
        let subject = facts.subjects().into_iter().next().unwrap().to_owned();
        assert!(!group.is_empty());
        facts.push("accepted", &subject, Value::Time(now()));
        assert_eq!(judged(check.as_ref(), &facts, now()), Vec::<String>::new());
    }
}
