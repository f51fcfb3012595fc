//! One disk's report as facts: SATA, SAS and NVMe.
use evenkeel_config::record::Value;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::{Facts, Report};
use crate::checks::smart::judge::hazard_ratio;
use crate::probe::host::Host;
use crate::probe::redact::plain;

/// Temperature above which a disk is called hot if it states no limit itself, celsius.
const ROTATING_LIMIT: f64 = 60.0;
const SOLID_LIMIT: f64 = 75.0;

/// Counters of SATA disks: attribute, fact.
const COUNTERS: [(u64, &str); 6] = [
    (5, "reallocated"),
    (10, "spin_retries"),
    (187, "reported_uncorrectable"),
    (197, "pending"),
    (198, "offline_uncorrectable"),
    (199, "crc_errors"),
];

/// Whether it is a disk that a hypervisor makes up.
pub(super) fn is_virtual(report: &Report) -> bool {
    let Ok(json) = &report.said else { return false };
    let keys = ["/model_name", "/scsi_model_name", "/vendor", "/scsi_vendor"];
    keys.iter().filter_map(|key| json.pointer(key)?.as_str()).any(is_virtual_model)
}

/// Whether a model name is that of a hypervisor.
pub(super) fn is_virtual_model(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    ["qemu", "vbox", "vmware", "virtual"].iter().any(|word| model.contains(word))
}

/// What a disk is known by: its world-wide name, else model and serial number.
pub(super) fn identity(host: &Host, report: &Report) -> Option<String> {
    if let Ok(json) = &report.said
        && let Some(identity) = told_identity(json)
    {
        return Some(identity);
    }
    // The kernel has read it before the disk fell asleep.
    let kernel_name = report.device.strip_prefix("/dev/")?;
    ["device/wwid", "wwid"].iter().find_map(|file| {
        let path = format!("/sys/block/{kernel_name}/{file}");
        let text = host.text(&path, 4096).ok()?;
        let text = text.trim().to_ascii_lowercase();
        (!text.is_empty()).then_some(text)
    })
}

fn told_identity(json: &Json) -> Option<String> {
    if let Some(wwn) = json.get("wwn") {
        let part = |key: &str| wwn.get(key).and_then(Json::as_u64);
        let (naa, oui, id) = (part("naa")?, part("oui")?, part("id")?);
        return Some(format!("naa.{naa:x}{oui:06x}{id:09x}"));
    }
    if let Some(unit) = text(json, "/logical_unit_id") {
        return Some(format!("naa.{}", unit.trim_start_matches("0x").to_ascii_lowercase()));
    }
    let model = text(json, "/model_name").or_else(|| text(json, "/scsi_model_name"))?;
    Some(format!("{model} {}", text(json, "/serial_number")?))
}

/// The name of a disk in labels: no serial number can be read from it.
pub(super) fn name(identity: &str) -> String {
    let digest = Sha256::digest(identity.as_bytes());
    let head: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("disk-{head}")
}

/// Adds what a report tells of a disk.
pub(super) fn facts(report: &Report, name: &str, facts: &mut Facts) {
    let mut push = |fact: &str, value| facts.push(fact, name, value);
    let json = match &report.said {
        Ok(json) => json,
        Err(why) => {
            push("model", Value::Text(report.device.clone()));
            push("readable", Value::Flag(false));
            push("unreadable", Value::Text(plain(why)));
            return;
        }
    };
    push("model", Value::Text(model(report, json)));
    if is_asleep(json) {
        push("asleep", Value::Flag(true));
        return;
    }
    push("asleep", Value::Flag(false));
    if let Some(why) = why_unreadable(json) {
        push("readable", Value::Flag(false));
        push("unreadable", Value::Text(why));
        return;
    }
    push("readable", Value::Flag(true));
    health(json, &mut push);
    counters(json, &mut push);
    endurance(json, &mut push);
    self_test(json, &mut push);
    temperature(json, &mut push);
}

type Push<'a> = dyn FnMut(&str, Value) + 'a;

fn model(report: &Report, json: &Json) -> String {
    let model =
        text(json, "/model_name").or_else(|| text(json, "/scsi_model_name")).unwrap_or("a disk");
    let kind = match (number(json, "/rotation_rate"), text(json, "/device/protocol")) {
        (_, Some("NVMe")) => ", NVMe",
        (Some(rate), _) if rate > 0.0 => ", rotating",
        (Some(_), _) => ", solid state",
        (None, _) => "",
    };
    let size =
        number(json, "/user_capacity/bytes").or_else(|| number(json, "/nvme_total_capacity"));
    let size = size.map_or_else(String::new, |bytes| format!(", {:.1} TB", bytes / 1e12));
    plain(&format!("{model}{kind}{size}, {}", report.device))
}

fn messages(json: &Json) -> impl Iterator<Item = &str> {
    let list = json.pointer("/smartctl/messages").and_then(Json::as_array);
    list.into_iter().flatten().filter_map(|message| message.get("string")?.as_str())
}

fn is_asleep(json: &Json) -> bool {
    messages(json).any(|message| {
        ["STANDBY", "SLEEP"].iter().any(|mode| message.contains(&format!("is in {mode} mode")))
    })
}

/// The exit status of smartctl is made of bits: 0 and 1 mean that the disk was
/// not read. Bit 2 (one command failed) is common on healthy disks, so what
/// counts is whether any health data came.
fn why_unreadable(json: &Json) -> Option<String> {
    let status = json.pointer("/smartctl/exit_status").and_then(Json::as_u64).unwrap_or(0);
    let has_data = ["/smart_status", "/ata_smart_attributes", "/nvme_smart_health_information_log"]
        .iter()
        .any(|key| json.pointer(key).is_some());
    if status & 0b11 == 0 && has_data {
        return None;
    }
    let said: Vec<&str> = messages(json).collect();
    let supported = json.pointer("/smart_support/available").and_then(Json::as_bool);
    Some(match (said.is_empty(), supported) {
        (false, _) => plain(&said.join("; ")),
        (true, Some(false)) => "the disk has no SMART".to_owned(),
        (true, _) => format!("smartctl ended with status {status} and no health data"),
    })
}

fn health(json: &Json, push: &mut Push<'_>) {
    if let Some(passed) = json.pointer("/smart_status/passed").and_then(Json::as_bool) {
        push("passed", Value::Flag(passed));
    }
    let hours = number(json, "/power_on_time/hours");
    if let Some(hours) = hours {
        push("power_on", Value::Number(hours * 3600.0));
    }
    let table = json.pointer("/ata_smart_attributes/table").and_then(Json::as_array);
    let failing = table.into_iter().flatten().find(|row| {
        row.get("when_failed").and_then(Json::as_str).is_some_and(|when| when == "now")
    });
    if let Some(name) = failing.and_then(|row| row.get("name")?.as_str()) {
        push("failing_attribute", Value::Text(plain(name)));
    }
}

fn counters(json: &Json, push: &mut Push<'_>) {
    let mut found: Vec<(&str, f64)> = Vec::new();
    let table = json.pointer("/ata_smart_attributes/table").and_then(Json::as_array);
    for row in table.into_iter().flatten() {
        let id = row.get("id").and_then(Json::as_u64);
        let Some((_, fact)) = COUNTERS.iter().find(|(counter, _)| Some(*counter) == id) else {
            continue;
        };
        if let Some(raw) = row.pointer("/raw/value").and_then(Json::as_u64) {
            // Some makers pack further counters into the upper half.
            found.push((fact, (raw & 0xffff_ffff) as f64));
        }
    }
    if let Some(defects) = number(json, "/scsi_grown_defect_list") {
        found.push(("reallocated", defects));
    }
    if let Some(errors) = number(json, "/scsi_error_counter_log/read/total_uncorrected_errors") {
        found.push(("reported_uncorrectable", errors));
    }
    if found.is_empty() {
        return;
    }
    let ratios = found.iter().map(|(fact, value)| hazard_ratio(fact, *value).0);
    // The counters depend on each other, so the largest counts, not the product.
    let worst = ratios.fold(1.0, f64::max);
    for (fact, value) in &found {
        push(fact, Value::Number(*value));
    }
    push("hazard_ratio", Value::Number(worst));
}

fn endurance(json: &Json, push: &mut Push<'_>) {
    let log = "/nvme_smart_health_information_log";
    let used = number(json, &format!("{log}/percentage_used"))
        .or_else(|| number(json, "/scsi_percentage_used_endurance_indicator"));
    if let Some(percent) = used {
        push("percentage_used", Value::Number(percent / 100.0));
    }
    for (key, fact) in
        [("available_spare", "spare"), ("available_spare_threshold", "spare_threshold")]
    {
        if let Some(percent) = number(json, &format!("{log}/{key}")) {
            push(fact, Value::Number(percent / 100.0));
        }
    }
    for key in ["critical_warning", "media_errors"] {
        if let Some(value) = number(json, &format!("{log}/{key}")) {
            push(key, Value::Number(value));
        }
    }
}

fn self_test(json: &Json, push: &mut Push<'_>) {
    let Some((passed, hours, words)) = ata_self_test(json).or_else(|| nvme_self_test(json)) else {
        return;
    };
    push("self_test_passed", Value::Flag(passed));
    push("self_test_result", Value::Text(plain(words)));
    if let (Some(at), Some(now)) = (hours, number(json, "/power_on_time/hours")) {
        push("self_test_age", Value::Number((now - at).max(0.0) * 3600.0));
    }
}

/// The last finished test: one that was interrupted says nothing.
fn ata_self_test(json: &Json) -> Option<(bool, Option<f64>, &str)> {
    let tables = ["extended", "standard"]
        .map(|kind| json.pointer(&format!("/ata_smart_self_test_log/{kind}/table")));
    let rows = tables.into_iter().flatten().filter_map(Json::as_array).flatten();
    for row in rows {
        let Some(passed) = row.pointer("/status/passed").and_then(Json::as_bool) else { continue };
        let words = row.pointer("/status/string").and_then(Json::as_str).unwrap_or_default();
        return Some((passed, row.get("lifetime_hours").and_then(Json::as_f64), words));
    }
    None
}

/// Results 5 to 7 of an NVMe self-test are faults, 0 is none, others were stopped.
fn nvme_self_test(json: &Json) -> Option<(bool, Option<f64>, &str)> {
    let rows = json.pointer("/nvme_self_test_log/table").and_then(Json::as_array)?;
    rows.iter().find_map(|row| {
        let passed = match row.pointer("/self_test_result/value").and_then(Json::as_u64)? {
            0 => true,
            5..=7 => false,
            _ => return None,
        };
        let words =
            row.pointer("/self_test_result/string").and_then(Json::as_str).unwrap_or_default();
        Some((passed, row.get("power_on_hours").and_then(Json::as_f64), words))
    })
}

fn temperature(json: &Json, push: &mut Push<'_>) {
    let Some(current) = number(json, "/temperature/current") else { return };
    let told = [
        "/temperature/op_limit_max",
        "/nvme_composite_temperature_threshold/warning",
        "/temperature/drive_trip",
    ]
    .iter()
    .find_map(|key| number(json, key))
    .filter(|limit| *limit > 0.0);
    let rotates = number(json, "/rotation_rate").is_some_and(|rate| rate > 0.0);
    let usual = if rotates { ROTATING_LIMIT } else { SOLID_LIMIT };
    push("temperature", Value::Number(current));
    push("temperature_limit", Value::Number(told.unwrap_or(usual)));
}

fn text<'a>(json: &'a Json, pointer: &str) -> Option<&'a str> {
    json.pointer(pointer)?.as_str()
}

fn number(json: &Json, pointer: &str) -> Option<f64> {
    json.pointer(pointer)?.as_f64()
}
