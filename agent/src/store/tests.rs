//! The store against real files: order, retention, damage, permissions, a full disk.
use std::os::unix::fs::PermissionsExt;

use evenkeel_config::record::{Observation, Outcome, Status, Value};

use super::*;

fn evidence(check: &str, started: i64, subjects: &[&str]) -> Evidence {
    let observations = subjects
        .iter()
        .map(|subject| Observation {
            name: "size_bytes".to_owned(),
            subject: (*subject).to_owned(),
            value: Value::Number(started as f64),
            labels: std::collections::BTreeMap::new(),
        })
        .collect();
    Evidence {
        schema_version: 1,
        host: "srv-1".to_owned(),
        check: check.to_owned(),
        kind: "files".to_owned(),
        component: "dumps".parse().expect("an id"),
        started: Timestamp::from_second(started).expect("a time"),
        duration_ms: 5,
        agent_version: "1".to_owned(),
        stale_after: Timestamp::from_second(started + 100).expect("a time"),
        outcome: Outcome::Observed { observations, copies: Vec::new(), drills: Vec::new() },
        status: Status::Ok,
        findings: Vec::new(),
        states: Vec::new(),
    }
}

fn starts(all: &[Evidence]) -> Vec<i64> {
    all.iter().map(|one| one.started.as_second()).collect()
}

#[test]
fn evidence_comes_back_in_order_after_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(&folder.path().join("data")).expect("opens");
    for second in [10, 20, 30] {
        store.append(&evidence("a", second, &["x"]), "s").expect("stored");
    }
    store.append(&evidence("b", 15, &[]), "s").expect("stored");
    drop(store);
    let store = Store::open(&folder.path().join("data")).expect("opens again");
    assert_eq!(starts(&store.past("a").expect("read")), [10, 20, 30]);
    assert_eq!(starts(&store.latest().expect("read")), [30, 15]);
    assert_eq!(store.latest().expect("read")[0], evidence("a", 30, &["x"]));
}

#[test]
fn the_past_thins_out_to_one_run_a_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("opens");
    for hour in 0..72 {
        store.append(&evidence("a", hour * 3600, &[]), "s").expect("stored");
    }
    let past = starts(&store.past("a").expect("read"));
    let recent: Vec<i64> = (56..72).map(|hour| hour * 3600).collect();
    assert_eq!(past[past.len() - 16..], recent);
    assert_eq!(past[..past.len() - 16], [23 * 3600, 47 * 3600]);
}

#[test]
fn subjects_are_remembered_per_settings_and_can_be_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("opens");
    store.append(&evidence("a", 10, &["disk-1", "disk-2"]), "s").expect("stored");
    store.append(&evidence("a", 20, &["disk-1"]), "s").expect("stored");
    let seen = store.subjects("a", "s").expect("read");
    assert_eq!(
        seen.iter()
            .map(|one| (one.subject.as_str(), one.last_seen.as_second()))
            .collect::<Vec<_>>(),
        [("disk-1", 20), ("disk-2", 10)]
    );
    assert_eq!(seen[1].observations[0].value, Value::Number(10.0));
    assert!(store.forget("a", "disk-2").expect("written"));
    assert!(!store.forget("a", "disk-2").expect("written"));
    store.append(&evidence("a", 30, &["disk-9"]), "other").expect("stored");
    assert!(store.subjects("a", "s").expect("read").is_empty());
}

#[test]
fn retention_keeps_the_newest_of_each_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("opens");
    store.append(&evidence("quiet", 1, &[]), "s").expect("stored");
    store.append(&evidence("busy", 2, &[]), "s").expect("stored");
    store.append(&evidence("busy", 50, &[]), "s").expect("stored");
    let removed = store.retain(Timestamp::from_second(100).expect("a time")).expect("swept");
    assert_eq!(removed, 1);
    assert_eq!(starts(&store.latest().expect("read")), [50, 1]);
}

#[test]
fn folder_and_files_are_for_their_owner_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut store = Store::open(&data).expect("opens");
    store.append(&evidence("a", 10, &[]), "s").expect("stored");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in std::fs::read_dir(&data).expect("listed") {
        assert_eq!(mode(&file.expect("an entry").path()), 0o600);
    }
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(FILE);
    for text in ["this is no database, and never was one: it only has the name of one"; 1] {
        std::fs::write(&path, text.repeat(40)).expect("written");
        let error = Store::open(folder.path()).expect_err("refused").to_string();
        assert!(error.contains("is damaged") && error.contains("move it aside"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), text.repeat(40));
    }
}

#[test]
fn damage_in_the_middle_is_found_at_opening() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("opens");
    for second in 0..400 {
        store.append(&evidence("a", second, &["x"]), "s").expect("stored");
    }
    drop(store);
    let path = folder.path().join(FILE);
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xAA);
    std::fs::write(&path, bytes).expect("written");
    let error = Store::open(folder.path()).expect_err("refused");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_newer_store_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("opens");
    store.connection.execute("INSERT INTO schema_version VALUES (7)", []).expect("written");
    drop(store);
    let error = Store::open(folder.path()).expect_err("refused").to_string();
    assert!(error.contains("version 7"), "{error}");
}

#[test]
fn a_full_disk_is_said_and_what_was_stored_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("opens");
    store.append(&evidence("a", 10, &[]), "s").expect("stored");
    store.refuse_to_grow();
    let long = "x".repeat(1 << 20);
    let error = store.append(&evidence("a", 20, &[&long]), "s").expect_err("no room");
    assert!(matches!(error, StoreError::Full { .. }) && error.is_passing(), "{error}");
    assert_eq!(starts(&store.past("a").expect("read")), [10]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let error = Store::open(&file.join("data")).expect_err("refused").to_string();
    assert!(error.contains("file/data") && error.contains("--data"), "{error}");
}

#[test]
fn a_backup_opens_and_never_overwrites() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("opens");
    store.append(&evidence("a", 10, &["x"]), "s").expect("stored");
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).expect("made");
    store.backup(&copy.join(FILE)).expect("copied");
    assert!(matches!(store.backup(&copy.join(FILE)), Err(StoreError::Exists { .. })));
    let copy = Store::open(&copy).expect("opens");
    assert_eq!(copy.past("a").expect("read"), store.past("a").expect("read"));
    assert_eq!(copy.integrity().expect("checked"), Vec::<String>::new());
}
