//! Recorded reports of smartctl, through one helper.
use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use super::*;
use crate::testing::{build, evidence, ids, observe};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tools/smartctl")
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

async fn look(file: &str) -> Facts {
    let check = build(&KIND, &format!("json_files = [\"/{file}\"]")).unwrap();
    observe(check.as_ref(), &corpus(), now()).await.unwrap()
}

async fn check(file: &str, expected: &[&str]) {
    let facts = look(file).await;
    assert_eq!(ids(&judge::judge(&thing(), &facts, &[], now())), expected, "{file}");
}

fn thing() -> Id {
    "thing".parse().unwrap()
}

const CORPUS: [(&str, &[&str]); 17] = [
    ("asleep.json", &["disk_not_read"]),
    ("no-permission.json", &["disk_unreadable"]),
    ("nvme-fine.json", &[]),
    ("nvme-spare-low.json", &["disk_failing_now!", "disk_self_test_failed!", "disk_spare_low!"]),
    ("nvme-worn.json", &["disk_media_errors", "disk_worn"]),
    ("sas-defects.json", &["disk_reallocated!", "disk_uncorrectable"]),
    ("sas-fine.json", &[]),
    ("sata-crc.json", &[]),
    (
        "sata-failing.json",
        &["disk_failing_now!", "disk_pending!", "disk_reallocated!", "disk_uncorrectable!"],
    ),
    ("sata-fine.json", &[]),
    ("sata-hot.json", &["disk_hot"]),
    ("sata-pending.json", &["disk_pending!", "disk_self_test_failed!", "disk_uncorrectable!"]),
    ("sata-reallocated.json", &["disk_reallocated"]),
    ("sata-spin-retry.json", &["disk_spin_retry"]),
    ("sata-ssd-fine.json", &[]),
    ("truncated.json", &["disk_unreadable"]),
    ("usb-bridge.json", &["disk_unreadable"]),
];

#[tokio::test]
async fn every_recorded_report_comes_to_its_findings() {
    for (file, expected) in CORPUS {
        check(file, expected).await;
    }
    let files = std::fs::read_dir(corpus()).unwrap().count();
    assert_eq!(files, CORPUS.len() + 1, "every report but virtual.json is in the table");
}

#[tokio::test]
async fn disks_that_a_hypervisor_makes_up_are_not_judged() {
    assert!(look("virtual.json").await.not_applicable.is_some());
}

#[tokio::test]
async fn a_name_is_stable_and_shows_no_serial_number() {
    let facts = look("sata-fine.json").await;
    let name = facts.subjects().into_iter().next().unwrap().to_owned();
    assert!(name.starts_with("disk-") && name.len() == 17, "{name}");
    let shown = format!("{facts:?}");
    assert!(!shown.contains("WD-WCC7K0000001"), "{shown}");
    assert_eq!(look("sata-fine.json").await.subjects().into_iter().next(), Some(name.as_str()));
}

#[tokio::test]
async fn a_sleeping_disk_keeps_its_name_and_is_unknown_after_a_week() {
    let folder = tempfile::tempdir().unwrap();
    let mut awake: Json =
        serde_json::from_slice(&std::fs::read(corpus().join("sata-fine.json")).unwrap()).unwrap();
    awake["device"]["name"] = "/dev/sdf".into();
    let report = folder.path().join("report.json");
    std::fs::write(&report, awake.to_string()).unwrap();
    let check = build(&KIND, "json_files = [\"/report.json\"]").unwrap();
    let first = observe(check.as_ref(), folder.path(), now()).await.unwrap();
    std::fs::copy(corpus().join("asleep.json"), &report).unwrap();
    let second = observe(check.as_ref(), folder.path(), now()).await.unwrap();
    assert_eq!(first.subjects(), second.subjects());

    let read_at =
        |days: i64| evidence(&first, Vec::new(), now() - SignedDuration::from_hours(24 * days));
    assert_eq!(ids(&check.judge(&second, &[read_at(2)], now())), [""; 0]);
    assert_eq!(ids(&check.judge(&second, &[read_at(8)], now())), ["disk_not_read"]);
}

#[tokio::test]
async fn a_disk_that_sleeps_since_before_our_start_is_known_by_the_kernel() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(corpus().join("asleep.json"), folder.path().join("report.json")).unwrap();
    let device = folder.path().join("sys/block/sdf/device");
    std::fs::create_dir_all(&device).unwrap();
    // The world-wide name of the disk in sata-fine.json, as the kernel writes it.
    std::fs::write(device.join("wwid"), "naa.50014ee2b9a00001\n").unwrap();
    let check = build(&KIND, "json_files = [\"/report.json\"]").unwrap();
    let asleep = observe(check.as_ref(), folder.path(), now()).await.unwrap();
    assert_eq!(asleep.subjects(), look("sata-fine.json").await.subjects());
}

#[tokio::test]
async fn a_cable_is_blamed_only_when_its_count_grows() {
    let facts = look("sata-crc.json").await;
    let mut earlier = facts.clone();
    for fact in &mut earlier.observations {
        if fact.name == "crc_errors" {
            fact.value = Value::Number(30.0);
        }
    }
    let same = evidence(&facts, Vec::new(), now());
    let fewer = evidence(&earlier, Vec::new(), now());
    assert_eq!(ids(&judge::judge(&thing(), &facts, &[same], now())), [""; 0]);
    assert_eq!(ids(&judge::judge(&thing(), &facts, &[fewer], now())), ["disk_crc"]);
}

#[test]
fn ratios_are_those_of_the_table_of_failure_rates() {
    for (fact, count, ratio) in [
        ("reallocated", 0.0, 1.0),
        ("reallocated", 3.0, 1.1),
        ("reallocated", 4.0, 3.0),
        ("reallocated", 1544.0, 60.0),
        ("reported_uncorrectable", 1.0, 12.0),
        ("pending", 2.0, 27.0),
        ("offline_uncorrectable", 1.0, 28.0),
        ("spin_retries", 9.0, 10.0),
        ("crc_errors", 9.0, 1.0),
    ] {
        assert_eq!(judge::hazard_ratio(fact, count).0, ratio, "{fact} {count}");
    }
}

#[tokio::test]
async fn a_report_cut_anywhere_is_never_called_fine() {
    let whole = std::fs::read(corpus().join("sata-pending.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let check = build(&KIND, "json_files = [\"/report.json\"]").unwrap();
    for end in (0..whole.len() - 2).step_by(97) {
        std::fs::write(folder.path().join("report.json"), &whole[..end]).unwrap();
        let facts = observe(check.as_ref(), folder.path(), now()).await.unwrap();
        assert!(!check.judge(&facts, &[], now()).is_empty(), "cut at {end}");
    }
}

/// A stand-in for the tool that answers with recorded reports; the process,
/// its arguments and its exit codes are real.
fn tool(folder: &Path, devices: &str, code: u8) -> String {
    use std::os::unix::fs::PermissionsExt;
    let script = folder.join("smartctl");
    let text = format!(
        "#!/bin/sh\necho \"$*\" >> {0}/asked\ncase \"$*\" in\n\
         '--json --scan') echo '{{\"devices\": [{devices}]}}' ;;\n\
         *' -d sat /dev/sda') cat {1}/sata-fine.json ;;\n\
         *' -d sat /dev/sdf') cat {1}/asleep.json ;;\n*) echo nonsense ;;\nesac\nexit {code}\n",
        folder.display(),
        corpus().display(),
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("tool = \"{}\"", script.display())
}

#[tokio::test]
async fn the_tool_is_asked_for_each_disk_and_never_wakes_one() {
    let folder = tempfile::tempdir().unwrap();
    let device = |name: &str| format!("{{\"name\": \"{name}\", \"type\": \"sat\"}}");
    let devices = [device("/dev/sda"), device("/dev/sdf"), device("/dev/sdx"), device("-rf")];
    let keys = tool(folder.path(), &devices.join(", "), 4);
    let check = build(&KIND, &keys).unwrap();
    let facts = observe(check.as_ref(), Path::new("/"), now()).await.unwrap();
    assert_eq!(facts.number("disks", ""), Some(3.0));
    assert_eq!(ids(&check.judge(&facts, &[], now())), ["disk_not_read", "disk_unreadable"]);
    let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
    let asked: Vec<&str> = asked.lines().collect();
    assert_eq!(asked[0], "--json --scan");
    assert_eq!(asked.len(), 4);
    assert!(asked[1..].iter().all(|line| line.starts_with("--json -n standby -x -d sat /dev/sd")));
}

#[tokio::test]
async fn a_tool_that_talks_nonsense_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let keys = tool(folder.path(), "\"", 0);
    let check = build(&KIND, &keys).unwrap();
    let failure = observe(check.as_ref(), Path::new("/"), now()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreadable);
    assert!(build(&KIND, "tool = \"smartctl\"").is_err());
}

#[tokio::test]
async fn disks_that_nobody_can_read_are_a_failure_not_a_silence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("sys/block/sda/device")).unwrap();
    let check = build(&KIND, "").unwrap();
    let failure = observe(check.as_ref(), folder.path(), now()).await.unwrap_err();
    assert!(failure.kind.is_unknown());
    std::fs::write(folder.path().join("sys/block/sda/device/model"), "QEMU HARDDISK\n").unwrap();
    let facts = observe(check.as_ref(), folder.path(), now()).await.unwrap();
    assert!(facts.not_applicable.is_some());
}

proptest::proptest! {
    #[test]
    fn no_report_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let mut facts = Facts::default();
        disk::facts(&Report::parse("/dev/sda", &bytes), "disk-1", &mut facts);
        judge::judge(&thing(), &facts, &[], now());
    }
}
