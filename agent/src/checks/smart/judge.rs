//! What a disk's error counts mean for its life.
use evenkeel_config::id::Id;
use evenkeel_config::record::{Evidence, Finding, Status, Value};
use jiff::Timestamp;

use super::{Facts, KIND};
use crate::checks::since;

/// From one count on: so many times more likely to fail than at zero, and the
/// share of such disks that fail within a year.
type Bucket = (f64, f64, f64);

/// Backblaze drive statistics as bucketed by scrutiny's `ata_attribute_metadata`
/// (read 2026-08): observed annual failure rate by raw value, against that of value 0.
const HAZARDS: [(&str, &[Bucket]); 5] = [
    (
        "reallocated",
        &[
            (1.0, 1.1, 0.027),
            (4.0, 3.0, 0.075),
            (16.0, 9.4, 0.24),
            (70.0, 14.0, 0.36),
            (260.0, 23.0, 0.57),
            (1100.0, 60.0, 1.5),
        ],
    ),
    (
        "reported_uncorrectable",
        &[(1.0, 12.0, 0.34), (3.0, 18.0, 0.50), (20.0, 30.0, 0.84), (35.0, 51.0, 1.44)],
    ),
    ("pending", &[(1.0, 13.0, 0.34), (2.0, 27.0, 0.68), (16.0, 37.0, 0.96), (40.0, 65.0, 1.65)]),
    ("offline_uncorrectable", &[(1.0, 28.0, 0.81), (2.0, 39.0, 1.12)]),
    ("spin_retries", &[(1.0, 10.0, 0.56)]),
];

/// A count is worth a finding from this ratio on, and grave from that one.
const WORTH_SAYING: f64 = 2.0;
const GRAVE: f64 = 20.0;

/// Wear from which a replacement belongs in the budget.
const NEARLY_WORN: f64 = 0.9;

/// A disk that was asleep at every look for so long is not known, in seconds.
const ASLEEP_TOO_LONG: f64 = 7.0 * 86_400.0;

/// How many times more often disks with such a count fail than disks without,
/// and their failures per disk and year.
pub(super) fn hazard_ratio(fact: &str, count: f64) -> (f64, f64) {
    let buckets = HAZARDS.iter().find(|(name, _)| *name == fact).map_or(&[][..], |hazard| hazard.1);
    buckets
        .iter()
        .rev()
        .find(|(from, _, _)| count >= *from)
        .map_or((1.0, 0.0), |(_, ratio, rate)| (*ratio, *rate))
}

/// Judges every disk.
pub(super) fn judge(
    component: &Id,
    facts: &Facts,
    past: &[Evidence],
    now: Timestamp,
) -> Vec<Finding> {
    let mut disks = Vec::new();
    for name in facts.subjects() {
        let mut disk = Disk { component, facts, past, now, name, findings: Vec::new() };
        disk.judge();
        disks.append(&mut disk.findings);
    }
    disks
}

struct Disk<'a> {
    component: &'a Id,
    facts: &'a Facts,
    past: &'a [Evidence],
    now: Timestamp,
    name: &'a str,
    findings: Vec<Finding>,
}

impl Disk<'_> {
    fn judge(&mut self) {
        if self.facts.flag("asleep", self.name) {
            self.asleep();
            return;
        }
        if !self.facts.flag("readable", self.name) {
            let why = self.facts.text("unreadable", self.name).unwrap_or("no reason was given");
            self.find(
                "disk_unreadable",
                None,
                format!("the health of {} cannot be read: {why}", self.model()),
            );
            return;
        }
        self.own_verdict();
        self.count("disk_reallocated", "reallocated", "sectors were replaced by spare ones");
        self.count("disk_pending", "pending", "sectors cannot be read");
        self.uncorrectable();
        self.count("disk_spin_retry", "spin_retries", "starts needed another try");
        self.crc();
        self.self_test();
        self.endurance();
        self.temperature();
    }

    fn number(&self, fact: &str) -> Option<f64> {
        self.facts.number(fact, self.name)
    }

    fn model(&self) -> String {
        self.facts.text("model", self.name).unwrap_or("a disk").to_owned()
    }

    fn find(&mut self, id: &str, severity: Option<Status>, what: String) {
        let from = since(self.past, id, self.name, self.now);
        let mut finding = KIND.finding(id, self.component, self.name, what, from);
        finding.severity = severity.unwrap_or(finding.severity);
        self.findings.push(finding);
    }

    fn own_verdict(&mut self) {
        let failing = self.facts.text("failing_attribute", self.name).map(str::to_owned);
        let bits = self.number("critical_warning").unwrap_or(0.0);
        let why = match (self.facts.get("passed", self.name), failing) {
            (_, Some(attribute)) => format!("{attribute} is below its maker's limit"),
            (Some(Value::Flag(false)), None) => "its own verdict is `failed`".to_owned(),
            // Bit 0 is the spare and bit 1 the temperature; both have findings of their own.
            _ if bits > 3.0 => format!("its critical warning is {bits}"),
            _ => return,
        };
        self.find("disk_failing_now", None, format!("{} is failing: {why}", self.model()));
    }

    fn count(&mut self, id: &str, fact: &str, words: &str) {
        let Some(count) = self.number(fact) else { return };
        let (ratio, rate) = hazard_ratio(fact, count);
        if ratio < WORTH_SAYING {
            return;
        }
        let severity = if ratio >= GRAVE { Status::Critical } else { Status::Warning };
        let chance = chance_in_a_year(rate);
        let what = format!(
            "{}: {count} {words}; such disks fail {ratio} times as often as others, about {chance} % of them within a year",
            self.model()
        );
        self.find(id, Some(severity), what);
    }

    /// Attributes 187 and 198 say the same of reads in use and in the disk's own scan.
    fn uncorrectable(&mut self) {
        let worse = |fact: &str| self.number(fact).map_or(1.0, |count| hazard_ratio(fact, count).0);
        if worse("offline_uncorrectable") > worse("reported_uncorrectable") {
            self.count(
                "disk_uncorrectable",
                "offline_uncorrectable",
                "sectors were found unreadable",
            );
        } else {
            self.count(
                "disk_uncorrectable",
                "reported_uncorrectable",
                "reads could not be corrected",
            );
        }
    }

    /// The count never falls, so only its growth tells of a bad cable now.
    fn crc(&mut self) {
        let Some(count) = self.number("crc_errors") else { return };
        let earlier = self.past.iter().rev().take(200).filter_map(|evidence| {
            let fact = evidence
                .observations()
                .iter()
                .find(|fact| fact.name == "crc_errors" && fact.subject == self.name)?;
            fact.value.number()
        });
        let least = earlier.fold(count, f64::min);
        if count > least {
            let what = format!(
                "{}: {} transfers were damaged lately, {count} in its life",
                self.model(),
                count - least
            );
            self.find("disk_crc", None, what);
        }
    }

    fn self_test(&mut self) {
        if let Some(Value::Flag(false)) = self.facts.get("self_test_passed", self.name) {
            let words =
                self.facts.text("self_test_result", self.name).unwrap_or_default().to_owned();
            self.find(
                "disk_self_test_failed",
                None,
                format!("{}: the last self-test failed: {words}", self.model()),
            );
        }
    }

    fn endurance(&mut self) {
        if let (Some(spare), Some(threshold)) =
            (self.number("spare"), self.number("spare_threshold"))
            && (spare < threshold || self.number("critical_warning").unwrap_or(0.0) % 2.0 >= 1.0)
        {
            let what = format!(
                "{}: {:.0} % of spare blocks are left, the maker's limit is {:.0} %",
                self.model(),
                spare * 100.0,
                threshold * 100.0
            );
            self.find("disk_spare_low", None, what);
        }
        if let Some(used) = self.number("percentage_used").filter(|used| *used >= NEARLY_WORN) {
            let what = format!("{}: {:.0} % of the rated life is used", self.model(), used * 100.0);
            self.find("disk_worn", None, what);
        }
        if let Some(errors) = self.number("media_errors").filter(|errors| *errors > 0.0) {
            let what = format!("{}: {errors} blocks could not be read back", self.model());
            self.find("disk_media_errors", None, what);
        }
    }

    fn temperature(&mut self) {
        if let (Some(now), Some(limit)) =
            (self.number("temperature"), self.number("temperature_limit"))
            && now >= limit
        {
            let what = format!("{} has {now} °C; its limit is {limit} °C", self.model());
            self.find("disk_hot", None, what);
        }
    }

    fn asleep(&mut self) {
        let awake = self.past.iter().rev().find(|evidence| {
            evidence.observations().iter().any(|fact| {
                fact.name == "readable"
                    && fact.subject == self.name
                    && fact.value == Value::Flag(true)
            })
        });
        let first = self.past.first().map(|evidence| evidence.started);
        let Some(from) = awake.map(|evidence| evidence.started).or(first) else {
            // The very first look: whether it is a matter of days is not known yet.
            let what = format!("{} sleeps and was never read", self.model());
            self.find("disk_not_read", None, what);
            return;
        };
        let seconds = self.now.duration_since(from).as_secs_f64();
        if awake.is_none() || seconds > ASLEEP_TOO_LONG {
            let what = format!(
                "{} sleeps; its last reading is {:.0} days old",
                self.model(),
                seconds / 86_400.0
            );
            let what = if awake.is_none() {
                format!("{} slept at every look so far", self.model())
            } else {
                what
            };
            self.find("disk_not_read", None, what);
        }
    }
}

/// Failures per disk and year as the chance of at least one, in percent.
fn chance_in_a_year(rate: f64) -> f64 {
    (100.0 * -(-rate).exp_m1()).round()
}
