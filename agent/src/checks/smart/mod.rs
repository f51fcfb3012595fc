//! Health of disks as they tell it themselves, read by `smartctl`: proves wear,
//! damage and failed self-tests. Fooled by the half of disks that die without a
//! warning, and by controllers and USB bridges that hide their disks.
//!
//! A disk is known by a hash of its world-wide name or serial number, since
//! kernel names change at a restart. A sleeping disk is never woken.
mod disk;
mod judge;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Failure, FailureKind, Finding, Status, Value};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{Check, CheckKind, FactKind, Facts, FindingKind, Look, place, settings};
use crate::probe::host::Host;
use crate::probe::tool::Tool;

/// A fact about one disk.
const fn about_disk(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "disk", labels: &[] }
}

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "smart",
    about: "Disks: own verdict, damage, wear, self-tests and temperature (SMART and NVMe health)",
    limits: "About half of all disks die without any warning in SMART, and disks behind some \
             controllers and USB bridges cannot be read at all.",
    example: r#"tool = "/usr/sbin/smartctl"   # where smartctl is, if not in a usual folder
"#,
    every: Span::from_hours(1),
    deadline: Span::from_secs(300),
    stale_after_intervals: 3,
    facts: &[
        FactKind {
            name: "disks",
            metric: "disks",
            help: "Number of physical disks found.",
            subject: "",
            labels: &[],
        },
        about_disk("model", "", "Model, kind and kernel name."),
        about_disk("unreadable", "", "Why the disk cannot be read."),
        about_disk("readable", "disk_readable", "Whether the disk's own health data can be read."),
        about_disk("asleep", "disk_asleep", "Whether the disk sleeps and so was not read."),
        about_disk("passed", "disk_passed", "The disk's own verdict: 1 while it expects to live."),
        about_disk("failing_attribute", "", "Attribute that is at or below its maker's limit."),
        about_disk(
            "reallocated",
            "disk_reallocated_sectors",
            "Sectors replaced by spare ones (attribute 5, SAS: grown defects).",
        ),
        about_disk(
            "reported_uncorrectable",
            "disk_reported_uncorrectable_errors",
            "Reads that could not be corrected (attribute 187, SAS: read errors).",
        ),
        about_disk(
            "pending",
            "disk_pending_sectors",
            "Sectors that could not be read and wait for a write (attribute 197).",
        ),
        about_disk(
            "offline_uncorrectable",
            "disk_offline_uncorrectable_sectors",
            "Sectors found unreadable in the disk's own scan (attribute 198).",
        ),
        about_disk(
            "spin_retries",
            "disk_spin_retries",
            "Starts that needed another try (attribute 10).",
        ),
        about_disk(
            "crc_errors",
            "disk_interface_crc_errors",
            "Transfers damaged between disk and controller (attribute 199).",
        ),
        about_disk(
            "hazard_ratio",
            "disk_failure_hazard_ratio",
            "How many times more often disks with such error counts fail than disks without.",
        ),
        about_disk(
            "percentage_used",
            "disk_used_ratio",
            "Wear: share of the rated life that is used; may exceed 1.",
        ),
        about_disk("spare", "disk_spare_ratio", "Share of spare blocks left."),
        about_disk(
            "spare_threshold",
            "disk_spare_threshold_ratio",
            "Share of spare blocks below which the maker calls the disk unreliable.",
        ),
        about_disk(
            "critical_warning",
            "disk_critical_warning_flags",
            "Critical warning bits of an NVMe disk; 0 is fine.",
        ),
        about_disk(
            "media_errors",
            "disk_media_errors",
            "Blocks of an NVMe disk that could not be read back.",
        ),
        about_disk(
            "self_test_passed",
            "disk_self_test_passed",
            "Whether the last finished self-test found nothing.",
        ),
        about_disk(
            "self_test_age",
            "disk_self_test_age_seconds",
            "Running time of the disk since its last finished self-test.",
        ),
        about_disk("self_test_result", "", "What the last finished self-test said."),
        about_disk(
            "power_on",
            "disk_power_on_seconds",
            "Time the disk has been running in its life.",
        ),
        about_disk("temperature", "disk_temperature_celsius", "Temperature of the disk."),
        about_disk(
            "temperature_limit",
            "disk_temperature_limit_celsius",
            "Highest temperature the disk is made for, by its own word or the usual for its kind.",
        ),
    ],
    findings: &[
        FindingKind {
            id: "disk_failing_now",
            severity: Status::Critical,
            about: "The disk itself says that it is failing.",
            advice: "Make sure the latest backup can be restored, and replace the disk now.",
        },
        FindingKind {
            id: "disk_reallocated",
            severity: Status::Warning,
            about: "So many sectors were replaced by spare ones that the disk is likelier to fail.",
            advice: "Order a replacement, and watch whether the number grows.",
        },
        FindingKind {
            id: "disk_pending",
            severity: Status::Warning,
            about: "Sectors cannot be read; what was in them may be lost.",
            advice: "Check the backup of this data, run a long self-test, and plan to replace the disk.",
        },
        FindingKind {
            id: "disk_uncorrectable",
            severity: Status::Warning,
            about: "Data was read that could not be corrected.",
            advice: "Check the backup of this data, and plan to replace the disk.",
        },
        FindingKind {
            id: "disk_spin_retry",
            severity: Status::Warning,
            about: "The motor needed more than one try to start.",
            advice: "Check its power supply, and plan to replace the disk before the next restart.",
        },
        FindingKind {
            id: "disk_crc",
            severity: Status::Warning,
            about: "Data is damaged on its way between disk and controller.",
            advice: "Replace the cable first, then the port; the disk itself is the least likely cause.",
        },
        FindingKind {
            id: "disk_self_test_failed",
            severity: Status::Critical,
            about: "The last self-test of the disk found a fault.",
            advice: "Check the backup of this data, and replace the disk.",
        },
        FindingKind {
            id: "disk_spare_low",
            severity: Status::Critical,
            about: "The disk has hardly any spare blocks left.",
            advice: "Replace the disk within days; it may turn read-only at any time.",
        },
        FindingKind {
            id: "disk_worn",
            severity: Status::Warning,
            about: "The disk is near or past the end of its rated life.",
            advice: "Budget for a replacement; disks usually outlive the rating, without a promise.",
        },
        FindingKind {
            id: "disk_media_errors",
            severity: Status::Warning,
            about: "The disk could not read back blocks that were written.",
            advice: "Check the backup of this data, and plan to replace the disk.",
        },
        FindingKind {
            id: "disk_hot",
            severity: Status::Warning,
            about: "The disk is hotter than it is made for.",
            advice: "See whether fans turn, filters are clean and the room is cooled.",
        },
        FindingKind {
            id: "disk_unreadable",
            severity: Status::Unknown,
            about: "The disk is there, but its health cannot be read.",
            advice: "Give the agent the right to run smartctl, or name the disk's `-d` type if a controller hides it.",
        },
        FindingKind {
            id: "disk_not_read",
            severity: Status::Unknown,
            about: "The disk slept at every look for a week or more, so its state is not known.",
            advice: "Wake it once a week, for instance by a long self-test in a quiet hour.",
        },
    ],
    backup: None,
    build,
};

/// The check's own keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Absolute path of smartctl.
    tool: Option<String>,
    /// Recorded outputs of `smartctl --json -x`, below the root, instead of the tool.
    json_files: Option<Vec<String>>,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let settings: Settings = settings(entry, problems)?;
    if let Some(tool) = settings.tool.as_ref().filter(|tool| !tool.starts_with('/')) {
        let what = format!("`{tool}` is not an absolute path");
        problems.error(place(entry, "tool"), what, "for example `/usr/sbin/smartctl`");
        return None;
    }
    let component = entry.component.clone();
    Some(Box::new(Smart { component, settings, names: Mutex::default() }))
}

struct Smart {
    component: Id,
    settings: Settings,
    /// Names of disks by device, from the last time each was awake: a sleeping
    /// disk does not tell its own.
    names: Mutex<BTreeMap<String, String>>,
}

/// Largest output of smartctl that is read, in bytes.
const LARGEST_OUTPUT: usize = 4 << 20;

/// Longest wait for one disk.
const ONE_DISK: Duration = Duration::from_secs(60);

#[async_trait::async_trait]
impl Check for Smart {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let host = Host::new(&look.root);
        let reports = match &self.settings.json_files {
            Some(files) => recorded(&host, files),
            None => self.ask(&host, look).await?,
        };
        let Some(reports) = reports else {
            return Ok(Facts::not_applicable("no physical disks: this is a virtual machine"));
        };
        let mut facts = Facts::default();
        facts.push("disks", "", Value::Number(reports.len() as f64));
        for report in &reports {
            let name = self.name(&host, report);
            disk::facts(report, &name, &mut facts);
        }
        Ok(facts)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        judge::judge(&self.component, facts, past, now)
    }
}

/// What smartctl said of one device.
#[derive(Debug)]
struct Report {
    /// Device such as `/dev/sda`, with its type behind a controller.
    device: String,
    /// Its JSON, or why there is none.
    said: Result<Json, String>,
}

impl Report {
    fn parse(device: &str, bytes: &[u8]) -> Self {
        let said = serde_json::from_slice::<Json>(bytes)
            .map_err(|error| format!("smartctl's answer cannot be read: {error}"));
        let device = said
            .as_ref()
            .ok()
            .and_then(|json| json.pointer("/device/name")?.as_str())
            .unwrap_or(device)
            .to_owned();
        Self { device, said }
    }
}

fn recorded(host: &Host, files: &[String]) -> Option<Vec<Report>> {
    let reports = files.iter().map(|file| match host.read(file, LARGEST_OUTPUT) {
        Ok(bytes) => Report::parse(file, &bytes),
        Err(error) => Report { device: file.clone(), said: Err(error.to_string()) },
    });
    let reports: Vec<Report> = reports.filter(|report| !disk::is_virtual(report)).collect();
    (!reports.is_empty()).then_some(reports)
}

impl Smart {
    /// Asks smartctl which disks there are, and each disk; `None` without disks.
    async fn ask(&self, host: &Host, look: &Look) -> Result<Option<Vec<Report>>, Failure> {
        let expected = physical_disks(host);
        if look.root != std::path::Path::new("/") {
            // The tool would tell of this machine, not of the one that is looked at.
            if expected.is_empty() {
                return Ok(None);
            }
            return Err(missing("smartctl is not run on another root; set `json_files`"));
        }
        let configured = self.settings.tool.as_ref().map(std::path::Path::new);
        let tool = match Tool::find("smartctl", configured) {
            Ok(tool) => tool.output_cap(LARGEST_OUTPUT),
            Err(_) if expected.is_empty() => return Ok(None),
            Err(error) => {
                let mut failure = Failure::from(error);
                failure.advice = "install the package smartmontools".to_owned();
                return Err(failure);
            }
        };
        let listed = tool.run(&["--json", "--scan"], look.deadline).await?;
        let list = Report::parse("the list of disks", &listed.stdout);
        let list = list.said.map_err(|what| unreadable(what, listed.said))?;
        let mut reports = Vec::new();
        for device in list.pointer("/devices").and_then(Json::as_array).into_iter().flatten() {
            let text = |key: &str| device.get(key).and_then(Json::as_str).unwrap_or_default();
            let (name, kind) = (text("name"), text("type"));
            if !name.starts_with("/dev/") || kind.is_empty() {
                continue;
            }
            let arguments = ["--json", "-n", "standby", "-x", "-d", kind, name];
            let mut report = match tool.run(&arguments, look.deadline.min(ONE_DISK)).await {
                Ok(output) => Report::parse(name, &output.stdout),
                Err(error) => Report { device: name.to_owned(), said: Err(error.to_string()) },
            };
            if kind.contains(',') {
                report.device = format!("{name} ({kind})");
            }
            reports.push(report);
        }
        reports.retain(|report| !disk::is_virtual(report));
        match (reports.is_empty(), expected.is_empty()) {
            (true, true) => Ok(None),
            (true, false) => Err(missing(&format!(
                "there are disks ({}), but smartctl lists none",
                expected.join(", ")
            ))),
            (false, _) => Ok(Some(reports)),
        }
    }

    /// The stable name of a disk.
    fn name(&self, host: &Host, report: &Report) -> String {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let told = disk::identity(host, report).map(|identity| disk::name(&identity));
        match told {
            Some(name) => {
                names.insert(report.device.clone(), name.clone());
                name
            }
            None => names.get(&report.device).cloned().unwrap_or_else(|| {
                format!("disk-{}", report.device.rsplit('/').next().unwrap_or("unnamed"))
            }),
        }
    }
}

/// Kernel names of disks that are no file, memory or guest's disk.
fn physical_disks(host: &Host) -> Vec<String> {
    let mut disks = host.list("/sys/block").unwrap_or_default();
    disks.retain(|name| {
        ["sd", "nvme", "hd"].iter().any(|kind| name.starts_with(kind))
            && !disk::is_virtual_model(
                &host.text(&format!("/sys/block/{name}/device/model"), 4096).unwrap_or_default(),
            )
    });
    disks
}

fn missing(what: &str) -> Failure {
    Failure {
        kind: FailureKind::PermissionDenied,
        what: what.to_owned(),
        advice: "run `smartctl --scan` as the agent's user, and give it the rights it lacks"
            .to_owned(),
    }
}

fn unreadable(what: String, said: String) -> Failure {
    let advice =
        if said.is_empty() { "run `smartctl --json --scan` by hand".to_owned() } else { said };
    Failure { kind: FailureKind::Unreadable, what, advice }
}

#[cfg(test)]
mod tests;
