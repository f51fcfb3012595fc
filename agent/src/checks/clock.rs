//! The clock: proves that something sets it and that it runs neither behind our
//! own release nor behind its own past. Fooled by a time server that is wrong itself.
use std::path::Path;
use std::time::Duration;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Failure, Finding, Status, Value};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Check, CheckKind, FactKind, Facts, FindingKind, Look, settings, since};
use crate::probe::host::Host;
use crate::probe::redact::plain;
use crate::probe::tool::Tool;

/// A fact about the host's clock.
const fn about_clock(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "", labels: &[] }
}

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "clock",
    about: "The clock is set by something, and is not absurd",
    limits: "A time server that is wrong itself makes a wrong clock look right; clocks that a \
             hypervisor sets from outside cannot be seen from within.",
    example: "max_offset = \"500ms\"       # how far from its time server the clock may be\n\
              set_from_outside = false   # true: a hypervisor sets it\n",
    every: Span::from_secs(15 * 60),
    deadline: Span::from_secs(30),
    stale_after_intervals: 3,
    facts: &[
        about_clock("source", "", "What sets the clock."),
        about_clock(
            "synchronised",
            "clock_synchronised",
            "Whether the clock is set by a time server.",
        ),
        about_clock("offset", "clock_offset_seconds", "How far the clock is from its time server."),
        about_clock("stratum", "clock_stratum", "Steps from a reference clock."),
        about_clock(
            "last_set",
            "clock_last_set_timestamp_seconds",
            "When the time server was last heard.",
        ),
    ],
    findings: &[
        FindingKind {
            id: "clock_absurd",
            severity: Status::Critical,
            about: "The clock is behind the day this program was made, or behind its own past.",
            advice: "Set the clock, and replace the battery on the board if it lost the time while off.",
        },
        FindingKind {
            id: "clock_not_set",
            severity: Status::Warning,
            about: "The time service runs, but hears no time server.",
            advice: "See whether the firewall lets UDP port 123 out, and whether the servers are named right.",
        },
        FindingKind {
            id: "clock_off",
            severity: Status::Warning,
            about: "The clock is far from its time server.",
            advice: "See why the time service does not correct it; certificates and logins fail from minutes on.",
        },
        FindingKind {
            id: "clock_stale",
            severity: Status::Warning,
            about: "The time server has not been heard for long.",
            advice: "See whether the firewall lets UDP port 123 out, and whether the servers are named right.",
        },
        FindingKind {
            id: "clock_unknown",
            severity: Status::Unknown,
            about: "Nothing was found that sets the clock.",
            advice: "Turn on systemd-timesyncd or chrony, or set `set_from_outside = true` if a hypervisor does it.",
        },
    ],
    backup: None,
    build,
};

/// The check's own keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Largest offset from the time server; 500 ms unless given.
    max_offset: Option<Span>,
    /// Recorded output of `chronyc -c tracking`, below the root, instead of the tool.
    tracking_file: Option<String>,
    /// A hypervisor sets the clock from outside.
    set_from_outside: bool,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let settings: Settings = settings(entry, problems)?;
    Some(Box::new(Clock { component: entry.component.clone(), settings }))
}

struct Clock {
    component: Id,
    settings: Settings,
}

const USUAL_OFFSET: Span = Span::from_ms(500);

/// systemd-timesyncd asks at least every 34 minutes, chrony every 17.
const STALE_AFTER: Span = Span::from_hours(24);

/// Set by systemd-timesyncd each time it hears a server.
const TIMESYNCD: &str = "/run/systemd/timesync/synchronized";

/// The clock was right when this program was released, so it cannot be earlier.
const RELEASED: &str = "2026-11-01T00:00:00Z";

#[async_trait::async_trait]
impl Check for Clock {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let host = Host::new(&look.root);
        if let Some(tracking) = self.tracking(&host, look).await {
            return Ok(chrony(&tracking));
        }
        let mut facts = Facts::default();
        if let Ok(about) = host.about(TIMESYNCD) {
            facts.push("source", "", Value::Text("systemd-timesyncd".to_owned()));
            facts.push("synchronised", "", Value::Flag(true));
            facts.push("last_set", "", Value::Time(about.modified));
        } else if host.exists("/run/systemd/timesync") {
            facts.push("source", "", Value::Text("systemd-timesyncd".to_owned()));
            facts.push("synchronised", "", Value::Flag(false));
        } else if self.settings.set_from_outside {
            facts.push("source", "", Value::Text("the hypervisor".to_owned()));
        } else {
            facts.push("source", "", Value::Text("nothing".to_owned()));
        }
        Ok(facts)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut find = |id: &str, what: String| {
            findings.push(KIND.finding(id, &self.component, "", what, since(past, id, "", now)));
        };
        let released: Timestamp = RELEASED.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let latest = past.iter().map(|evidence| evidence.started).max();
        if now < released {
            find("clock_absurd", format!("the clock says {now}, before this program was made"));
        } else if let Some(latest) = latest.filter(|latest| *latest > now) {
            find("clock_absurd", format!("the clock says {now}, but was at {latest} before"));
        }
        let source = facts.text("source", "").unwrap_or("nothing");
        match facts.get("synchronised", "") {
            Some(Value::Flag(false)) => {
                find("clock_not_set", format!("{source} hears no time server"));
            }
            None if source == "nothing" => {
                find("clock_unknown", "nothing was found that sets the clock".to_owned());
            }
            _ => {}
        }
        let allowed = self.settings.max_offset.unwrap_or(USUAL_OFFSET).as_secs();
        if let Some(offset) = facts.number("offset", "").filter(|offset| offset.abs() > allowed) {
            find(
                "clock_off",
                format!("the clock is {offset:.3} s off by {source}, {allowed} s are allowed"),
            );
        }
        if let Some(Value::Time(last)) = facts.get("last_set", "") {
            let age = now.as_millisecond().saturating_sub(last.as_millisecond());
            if age > STALE_AFTER.as_ms() {
                let hours = age as f64 / 3.6e6;
                find("clock_stale", format!("{source} last heard a time server {hours:.0} h ago"));
            }
        }
        findings
    }
}

impl Clock {
    /// What chrony says, if it runs.
    async fn tracking(&self, host: &Host, look: &Look) -> Option<String> {
        if let Some(file) = &self.settings.tracking_file {
            // A recording that was asked for and is gone tells of no server.
            return Some(host.text(file, 4096).unwrap_or_default());
        }
        if look.root != Path::new("/") {
            return None;
        }
        let tool = Tool::find("chronyc", None).ok()?;
        let deadline = look.deadline.min(Duration::from_secs(10));
        let output = tool.output_cap(4096).run(&["-c", "tracking"], deadline).await.ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.code == Some(0) && !text.trim().is_empty()).then_some(text)
    }
}

/// `chronyc -c tracking`: reference, its name, stratum, its time, our offset,
/// eight more figures, leap status.
fn chrony(tracking: &str) -> Facts {
    let fields: Vec<&str> = tracking.lines().next().unwrap_or_default().split(',').collect();
    let mut facts = Facts::default();
    facts.push("source", "", Value::Text("chrony".to_owned()));
    let [_, _, stratum, heard, offset, _, _, _, _, _, _, _, _, leap, ..] = fields.as_slice() else {
        facts.push("synchronised", "", Value::Flag(false));
        return facts;
    };
    let stratum = stratum.parse::<f64>().unwrap_or(0.0);
    let heard = heard.parse::<f64>().ok().filter(|heard| *heard > 0.0);
    let is_set = stratum > 0.0 && heard.is_some() && plain(leap) == "Normal";
    facts.push("synchronised", "", Value::Flag(is_set));
    facts.push("stratum", "", Value::Number(stratum));
    if let Ok(offset) = offset.parse::<f64>() {
        facts.push("offset", "", Value::Number(offset));
    }
    if let Some(time) =
        heard.and_then(|heard| Timestamp::from_millisecond((heard * 1e3) as i64).ok())
    {
        facts.push("last_set", "", Value::Time(time));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, evidence, ids};

    const NOW: &str = "2026-11-21T12:00:00Z";
    const GOOD: &str = "C0000235,192.0.2.53,3,1795262000.5,-0.000012,0.00001,0.00002,1.2,0.0,0.01,0.02,0.001,64.0,Normal\n";

    fn check(tracking: &str, expected: &[&str]) {
        let now: Timestamp = NOW.parse().unwrap();
        let clock = build(&KIND, "").unwrap();
        assert_eq!(ids(&clock.judge(&chrony(tracking), &[], now)), expected, "{tracking}");
    }

    #[test]
    fn what_chrony_says_is_judged() {
        check(GOOD, &[]);
        check(&GOOD.replace("-0.000012", "73.5"), &["clock_off"]);
        check(&GOOD.replace("1795262000.5", "1795002000.5"), &["clock_stale"]);
        check(&GOOD.replace("Normal", "Not synchronised"), &["clock_not_set"]);
        check(
            "7F7F0101,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n",
            &["clock_not_set"],
        );
        check("garbage", &["clock_not_set"]);
    }

    #[test]
    fn a_clock_behind_its_own_past_is_absurd() {
        let now: Timestamp = NOW.parse().unwrap();
        let clock = build(&KIND, "").unwrap();
        let facts = chrony(GOOD);
        let later = evidence(&facts, Vec::new(), "2026-11-22T00:00:00Z".parse().unwrap());
        assert_eq!(ids(&clock.judge(&facts, &[later], now)), ["clock_absurd!"]);
        let early = "2020-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(ids(&clock.judge(&facts, &[], early)), ["clock_absurd!"]);
    }

    #[test]
    fn without_any_source_nothing_is_called_fine() {
        let now: Timestamp = NOW.parse().unwrap();
        let mut facts = Facts::default();
        facts.push("source", "", Value::Text("nothing".to_owned()));
        assert_eq!(ids(&build(&KIND, "").unwrap().judge(&facts, &[], now)), ["clock_unknown"]);
    }

    #[tokio::test]
    async fn timesyncd_is_read_by_its_marks() {
        let folder = tempfile::tempdir().unwrap();
        let marks = folder.path().join("run/systemd/timesync");
        let clock = build(&KIND, "").unwrap();
        std::fs::create_dir_all(&marks).unwrap();
        let seen = crate::testing::observe(clock.as_ref(), folder.path(), Timestamp::now()).await;
        assert_eq!(ids(&clock.judge(&seen.unwrap(), &[], Timestamp::now())), ["clock_not_set"]);
        std::fs::write(marks.join("synchronized"), "").unwrap();
        let seen = crate::testing::observe(clock.as_ref(), folder.path(), Timestamp::now()).await;
        let seen = seen.unwrap();
        assert_eq!(ids(&clock.judge(&seen, &[], Timestamp::now())), [""; 0]);
        let later = Timestamp::now() + jiff::SignedDuration::from_hours(30);
        assert_eq!(ids(&clock.judge(&seen, &[], later)), ["clock_stale"]);
    }
}
