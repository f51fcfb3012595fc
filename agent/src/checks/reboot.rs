//! Updates that wait for a restart: proves that the newest installed kernel runs.
//! Fooled by services that still run replaced libraries without a mark of it.
use std::cmp::Ordering;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Failure, Finding, Status, Value};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Check, CheckKind, FactKind, Facts, FindingKind, Look, settings, since};
use crate::probe::host::{Host, HostError};
use crate::probe::redact::plain;

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "reboot",
    about: "Whether an installed update waits for a restart",
    limits: "It compares kernels and reads the distribution's own mark; a service that still \
             runs a replaced library is not seen.",
    example: "# It has no keys of its own.\n",
    every: Span::from_hours(1),
    deadline: Span::from_secs(30),
    stale_after_intervals: 3,
    facts: &[
        FactKind {
            name: "needed",
            metric: "reboot_needed",
            help: "Whether an installed update waits for a restart.",
            subject: "",
            labels: &[],
        },
        FactKind {
            name: "uptime",
            metric: "reboot_uptime_seconds",
            help: "Time since the last start.",
            subject: "",
            labels: &[],
        },
        FactKind {
            name: "running_kernel",
            metric: "",
            help: "Release of the kernel that runs.",
            subject: "",
            labels: &[],
        },
        FactKind {
            name: "newest_kernel",
            metric: "",
            help: "Newest installed kernel of the same flavour.",
            subject: "",
            labels: &[],
        },
        FactKind {
            name: "wanted_by",
            metric: "",
            help: "Packages that asked for a restart.",
            subject: "",
            labels: &[],
        },
    ],
    findings: &[
        FindingKind {
            id: "reboot_needed",
            severity: Status::Warning,
            about: "An update is installed, but not in force until a restart.",
            advice: "Restart in the next quiet hour; it also shows whether the host comes back by itself.",
        },
        FindingKind {
            id: "reboot_kernel_gone",
            severity: Status::Warning,
            about: "The modules of the kernel that runs are not installed any more.",
            advice: "Restart soon: devices attached from now on may not work.",
        },
    ],
    backup: None,
    build,
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let _: Settings = settings(entry, problems)?;
    Some(Box::new(Reboot { component: entry.component.clone() }))
}

struct Reboot {
    component: Id,
}

/// Most bytes of one file.
const LARGEST: usize = 1 << 16;

/// Where distributions say that a restart is needed.
const MARKS: [&str; 2] = ["/run/reboot-required", "/var/run/reboot-required"];

#[async_trait::async_trait]
impl Check for Reboot {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let host = Host::new(&look.root);
        let running = host.text("/proc/sys/kernel/osrelease", LARGEST)?;
        let running = plain(&running);
        let mut facts = Facts::default();
        facts.push("running_kernel", "", Value::Text(running.clone()));
        let marked = MARKS.iter().any(|mark| host.exists(mark));
        let installed = installed(&host)?;
        let newest = newest(&installed, &running);
        let newer =
            newest.as_ref().is_some_and(|newest| compare(newest, &running) == Ordering::Greater);
        facts.push("needed", "", Value::Flag(marked || newer));
        if let Some(newest) = newest {
            facts.push("newest_kernel", "", Value::Text(newest));
        }
        if let Ok(packages) = host.text("/run/reboot-required.pkgs", LARGEST) {
            facts.push("wanted_by", "", Value::Text(list(&packages)));
        }
        if let Some(seconds) = uptime(&host) {
            facts.push("uptime", "", Value::Number(seconds));
        }
        Ok(facts)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let find = |id, what| KIND.finding(id, &self.component, "", what, since(past, id, "", now));
        let running = facts.text("running_kernel", "").unwrap_or("unknown");
        let newest = facts.text("newest_kernel", "");
        let mut findings = Vec::new();
        if facts.flag("needed", "") {
            let why = match (newest, facts.text("wanted_by", "")) {
                (Some(newest), _) if compare(newest, running) == Ordering::Greater => {
                    format!("kernel {newest} is installed, {running} runs")
                }
                (_, Some(packages)) => format!("updates of {packages} wait for a restart"),
                _ => "an update waits for a restart".to_owned(),
            };
            findings.push(find("reboot_needed", why));
        }
        if newest.is_some_and(|newest| compare(newest, running) == Ordering::Less) {
            let what = format!("kernel {running} runs, but is not installed any more");
            findings.push(find("reboot_kernel_gone", what));
        }
        findings
    }
}

/// Releases of installed kernels, by their modules and images. In a container
/// there are none; a host whose folders cannot be read is not called fine.
fn installed(host: &Host) -> Result<Vec<String>, Failure> {
    let mut releases = Vec::new();
    for folder in ["/lib/modules", "/usr/lib/modules", "/boot"] {
        match host.list(folder) {
            Ok(names) if folder == "/boot" => {
                let images = names.iter().filter_map(|name| name.strip_prefix("vmlinuz-"));
                releases.extend(images.map(str::to_owned));
            }
            Ok(names) => releases.extend(names),
            Err(HostError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    releases.retain(|release| release.starts_with(|first: char| first.is_ascii_digit()));
    Ok(releases)
}

/// The newest installed kernel of the flavour that runs (`amd64`, `generic`, ...).
fn newest(installed: &[String], running: &str) -> Option<String> {
    let flavour = flavour(running);
    let alike = installed.iter().filter(|release| self::flavour(release) == flavour);
    alike.max_by(|a, b| compare(a, b)).map(|release| plain(release))
}

/// The words of a release: `cloud-amd64` of `6.1.0-40-cloud-amd64`, without the
/// distribution's own mark such as `el9_4`.
fn flavour(release: &str) -> String {
    let words = release.split(['-', '.', '+']).filter(|word| {
        let is_word = word.starts_with(|first: char| first.is_ascii_alphabetic());
        is_word
            && !["el", "fc", "rc", "amzn", "deb", "pve"].iter().any(|mark| word.starts_with(mark))
    });
    words.collect::<Vec<_>>().join("-")
}

/// Compares releases number by number.
fn compare(a: &str, b: &str) -> Ordering {
    let numbers = |release: &str| -> Vec<u64> {
        release
            .split(|c: char| !c.is_ascii_digit())
            .filter(|digits| !digits.is_empty())
            .map(|digits| digits.parse().unwrap_or(u64::MAX))
            .collect()
    };
    numbers(a).cmp(&numbers(b))
}

fn list(packages: &str) -> String {
    let mut names: Vec<&str> =
        packages.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(8);
    plain(&names.join(", "))
}

fn uptime(host: &Host) -> Option<f64> {
    let text = host.text("/proc/uptime", LARGEST).ok()?;
    text.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_compared_by_number_within_their_flavour() {
        let cases: [(&str, &[&str], Option<&str>); 6] = [
            ("6.1.0-9-amd64", &["6.1.0-9-amd64", "6.1.0-40-amd64"], Some("6.1.0-40-amd64")),
            ("6.1.0-40-amd64", &["6.1.0-40-amd64", "6.1.0-9-amd64"], Some("6.1.0-40-amd64")),
            (
                "5.15.0-91-generic",
                &["5.15.0-91-generic", "6.8.0-1-lowlatency"],
                Some("5.15.0-91-generic"),
            ),
            (
                "5.14.0-427.el9.x86_64",
                &["5.14.0-503.el9_4.x86_64"],
                Some("5.14.0-503.el9_4.x86_64"),
            ),
            ("6.18.0", &[], None),
            ("4.19.0-20-amd64", &["4.19.0-27-amd64", "extra"], Some("4.19.0-27-amd64")),
        ];
        for (running, installed, expected) in cases {
            let installed: Vec<String> = installed.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(newest(&installed, running).as_deref(), expected, "{running}");
        }
        assert_eq!(compare("6.1.0-40-amd64", "6.1.0-9-amd64"), Ordering::Greater);
    }

    async fn check(running: &str, files: &[&str], expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("proc/sys/kernel/osrelease", running);
        for file in files {
            write(file, "libc6\n");
        }
        let check = crate::testing::build(&KIND, "").unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let facts = crate::testing::observe(check.as_ref(), folder.path(), now).await.unwrap();
        let found = crate::testing::ids(&check.judge(&facts, &[], now));
        assert_eq!(found, expected, "{running} {files:?}");
    }

    #[tokio::test]
    async fn marks_and_kernels_are_both_looked_at() {
        check("6.1.0-9-amd64\n", &["boot/vmlinuz-6.1.0-9-amd64"], &[]).await;
        check("6.1.0-9-amd64\n", &["boot/vmlinuz-6.1.0-10-amd64"], &["reboot_needed"]).await;
        check("6.1.0-9-amd64\n", &["run/reboot-required"], &["reboot_needed"]).await;
        check("6.1.0-9-amd64\n", &["lib/modules/6.1.0-8-amd64/x"], &["reboot_kernel_gone"]).await;
        check("6.18.0\n", &[], &[]).await;
    }
}
