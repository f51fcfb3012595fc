//! Temperatures of the host's own sensors against the limits that the sensors
//! themselves state. Fooled by sensors that are not connected to anything.
use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Failure, Finding, Status, Value};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Check, CheckKind, FactKind, Facts, FindingKind, Look, place, settings, since};
use crate::probe::host::Host;
use crate::probe::redact::plain;

/// A fact about one sensor.
const fn about_sensor(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "sensor", labels: &[] }
}

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "temperature",
    about: "Temperatures of processor, board and disks against the sensors' own limits",
    limits: "A sensor without a limit of its own is judged by a usual one, and a sensor that is \
             soldered to nothing shows nonsense.",
    example: "limit = 90   # celsius, for sensors that state no limit themselves\n",
    every: Span::from_secs(5 * 60),
    deadline: Span::from_secs(30),
    stale_after_intervals: 3,
    facts: &[
        about_sensor("temperature", "temperature_celsius", "Temperature of a sensor."),
        about_sensor(
            "high",
            "temperature_high_celsius",
            "Temperature from which on the sensor's maker calls it too warm.",
        ),
        about_sensor(
            "critical",
            "temperature_critical_celsius",
            "Temperature from which on damage or an emergency stop is near.",
        ),
        about_sensor("unreadable", "", "Why a sensor cannot be read."),
    ],
    findings: &[
        FindingKind {
            id: "temperature_high",
            severity: Status::Warning,
            about: "A part is warmer than its maker allows for long.",
            advice: "See whether fans turn, filters are clean and the room is cooled.",
        },
        FindingKind {
            id: "temperature_critical",
            severity: Status::Critical,
            about: "A part is so hot that the host may stop itself or be damaged.",
            advice: "Take load off the host or shut it down, then look at the cooling.",
        },
        FindingKind {
            id: "temperature_unreadable",
            severity: Status::Unknown,
            about: "A sensor is there, but gives no temperature.",
            advice: "Read it with `sensors`; if it is connected to nothing, name it in `ignore`.",
        },
    ],
    backup: None,
    build,
};

/// The check's own keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Limit in celsius for sensors that state none.
    limit: Option<f64>,
    /// Sensors that are not looked at.
    ignore: Vec<String>,
}

/// Processors and boards are built for less than this.
const USUAL_LIMIT: f64 = 95.0;

/// What no part of a running computer has: the sensor is connected to nothing.
const SENSIBLE: std::ops::RangeInclusive<f64> = -30.0..=150.0;

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let settings: Settings = settings(entry, problems)?;
    if settings.limit.is_some_and(|limit| !(20.0..=150.0).contains(&limit)) {
        let what = "the limit must lie between 20 and 150 celsius";
        problems.error(place(entry, "limit"), what, "for example `limit = 90`");
        return None;
    }
    Some(Box::new(Temperature { component: entry.component.clone(), settings }))
}

struct Temperature {
    component: Id,
    settings: Settings,
}

/// Most bytes of one file of the kernel's.
const LARGEST: usize = 4096;

#[async_trait::async_trait]
impl Check for Temperature {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let host = Host::new(&look.root);
        let mut facts = Facts::default();
        for chip in host.list("/sys/class/hwmon").unwrap_or_default() {
            self.chip(&host, &format!("/sys/class/hwmon/{chip}"), &mut facts);
        }
        if facts.observations.is_empty() {
            return Ok(Facts::not_applicable("no temperature sensor on this host"));
        }
        Ok(facts)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut findings = Vec::new();
        for sensor in facts.subjects() {
            if let Some((id, what)) = judge_sensor(facts, past, sensor) {
                let from = since(past, id, sensor, now);
                findings.push(KIND.finding(id, &self.component, sensor, what, from));
            }
        }
        findings
    }
}

impl Temperature {
    fn chip(&self, host: &Host, folder: &str, facts: &mut Facts) {
        let read = |file: &str| -> Option<String> {
            let text = host.text(&format!("{folder}/{file}"), LARGEST).ok()?;
            // The kernel ends each value with a line end; without it the value was cut.
            Some(plain(text.strip_suffix('\n')?)).filter(|text| !text.is_empty())
        };
        let celsius = |file: String| read(&file)?.parse::<f64>().ok().map(|milli| milli / 1e3);
        let name = read("name").unwrap_or_else(|| "chip".to_owned());
        for file in host.list(folder).unwrap_or_default() {
            let Some(input) = file.strip_suffix("_input").filter(|input| input.starts_with("temp"))
            else {
                continue;
            };
            let label = read(&format!("{input}_label")).unwrap_or_else(|| input.to_owned());
            let sensor = self.unique(facts, &format!("{name} {label}"));
            if self.settings.ignore.contains(&sensor) {
                continue;
            }
            let Some(now) = celsius(file.clone()).filter(|now| SENSIBLE.contains(now)) else {
                let why = read(&file).unwrap_or_else(|| "nothing".to_owned());
                facts.push("unreadable", &sensor, Value::Text(format!("it shows {why}")));
                continue;
            };
            // A limit of 0 or of thousands means that none is set.
            let limit = |kind: &str| {
                celsius(format!("{input}_{kind}"))
                    .filter(|limit| *limit > 0.0 && SENSIBLE.contains(limit))
            };
            facts.push("temperature", &sensor, Value::Number(now));
            if let Some(high) = limit("max") {
                facts.push("high", &sensor, Value::Number(high));
            }
            let critical = limit("crit").or(limit("emergency")).or(self.settings.limit);
            facts.push("critical", &sensor, Value::Number(critical.unwrap_or(USUAL_LIMIT)));
        }
    }

    /// Two chips of one name are told apart by number.
    fn unique(&self, facts: &Facts, sensor: &str) -> String {
        let taken = facts.subjects();
        let numbered = (2..1000).map(|number| format!("{sensor} {number}"));
        std::iter::once(sensor.to_owned())
            .chain(numbered)
            .find(|name| !taken.contains(name.as_str()))
            .unwrap_or_else(|| sensor.to_owned())
    }
}

fn judge_sensor(facts: &Facts, past: &[Evidence], sensor: &str) -> Option<(&'static str, String)> {
    if let Some(why) = facts.text("unreadable", sensor) {
        return Some(("temperature_unreadable", format!("{sensor} gives no temperature: {why}")));
    }
    let now = facts.number("temperature", sensor)?;
    if let Some(limit) = limit(facts, past, sensor, "critical").filter(|limit| now >= *limit) {
        let what = format!("{sensor} has {now} °C; its limit is {limit} °C");
        return Some(("temperature_critical", what));
    }
    let limit = limit(facts, past, sensor, "high").filter(|limit| now >= *limit)?;
    Some(("temperature_high", format!("{sensor} has {now} °C; it should stay below {limit} °C")))
}

/// The lower of the limits stated now and at the last look: one that is gone
/// does not make a part more robust.
fn limit(facts: &Facts, past: &[Evidence], sensor: &str, kind: &str) -> Option<f64> {
    let before = past.last().and_then(|evidence| {
        let mut observations = evidence.observations().iter();
        observations.find(|fact| fact.name == kind && fact.subject == sensor)?.value.number()
    });
    let now = facts.number(kind, sensor);
    now.into_iter().chain(before).reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{build, evidence, ids, observe};

    async fn check(files: &[(&str, &str)], expected: &[&str]) -> Facts {
        let folder = tempfile::tempdir().unwrap();
        let chip = folder.path().join("sys/class/hwmon/hwmon0");
        fs::create_dir_all(&chip).unwrap();
        for (file, text) in files {
            fs::write(chip.join(file), text).unwrap();
        }
        let check = build(&KIND, "ignore = [\"board fan\"]").unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let facts = observe(check.as_ref(), folder.path(), now).await.unwrap();
        assert_eq!(ids(&check.judge(&facts, &[], now)), expected, "{files:?}");
        facts
    }

    #[tokio::test]
    async fn sensors_are_held_to_their_own_limits() {
        let name = ("name", "board\n");
        let limits = [("temp1_max", "84000\n"), ("temp1_crit", "100000\n")];
        for (now, expected) in [
            ("46000\n", &[][..]),
            ("84000\n", &["temperature_high"]),
            ("100000\n", &["temperature_critical!"]),
            ("255000\n", &["temperature_unreadable"]),
            ("460", &["temperature_unreadable"]),
            ("", &["temperature_unreadable"]),
        ] {
            check(&[name, ("temp1_input", now), limits[0], limits[1]], expected).await;
        }
        check(&[name, ("temp1_input", "94000\n"), ("temp1_crit", "0\n")], &[]).await;
        check(&[name, ("temp1_input", "96000\n")], &["temperature_critical!"]).await;
        let ignored = [name, ("temp1_input", "127000\n"), ("temp1_label", "fan\n")];
        assert!(check(&ignored, &[]).await.not_applicable.is_some());
    }

    #[tokio::test]
    async fn a_limit_that_is_gone_still_holds() {
        let name = ("name", "board\n");
        let hot = ("temp1_input", "90000\n");
        let with_limit =
            check(&[name, hot, ("temp1_crit", "85000\n")], &["temperature_critical!"]).await;
        let without = check(&[name, hot], &[]).await;
        let past = [evidence(&with_limit, Vec::new(), Timestamp::UNIX_EPOCH)];
        let kind = build(&KIND, "").unwrap();
        let findings = kind.judge(&without, &past, Timestamp::UNIX_EPOCH);
        assert_eq!(ids(&findings), ["temperature_critical!"]);
    }
}
