//! What the facts about certificates mean at an instant.
use std::collections::BTreeSet;

use evenkeel_config::id::Id;
use evenkeel_config::record::{Evidence, Finding, Observation, Status, Value};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

use super::sight::FILE;
use super::{Certificates, KIND, Renewal};
use crate::checks::{Facts, since};

const DAY: f64 = 86_400.0;

/// Certificates that live no longer are renewed by a program, unless stated.
const LONGEST_AUTOMATED: f64 = 100.0 * DAY;

/// The findings on all that was seen.
pub(super) fn judge(
    check: &Certificates,
    facts: &Facts,
    past: &[Evidence],
    now: Timestamp,
) -> Vec<Finding> {
    let mut found = Found { component: &check.component, past, now, list: Vec::new() };
    let places: BTreeSet<(&str, &str)> = facts
        .observations
        .iter()
        .map(|fact| (fact.subject.as_str(), label(fact, "address")))
        .filter(|(subject, _)| !subject.is_empty())
        .collect();
    let seen: Vec<Seen<'_>> =
        places.into_iter().map(|(subject, address)| Seen { facts, subject, address }).collect();
    for one in &seen {
        judge_one(check, one, &mut found);
    }
    judge_against_each_other(&seen, &mut found);
    found.list
}

/// Findings of one judgement as they come up.
struct Found<'a> {
    component: &'a Id,
    past: &'a [Evidence],
    now: Timestamp,
    list: Vec<Finding>,
}

impl Found<'_> {
    fn add(&mut self, id: &str, seen: &Seen<'_>, what: impl Into<String>) -> &mut Finding {
        let subject = seen.place();
        let since = since(self.past, id, &subject, self.now);
        let at = self.list.len();
        self.list.push(KIND.finding(id, self.component, &subject, what, since));
        &mut self.list[at]
    }
}

/// What was seen at one address, or in the file.
struct Seen<'a> {
    facts: &'a Facts,
    subject: &'a str,
    address: &'a str,
}

impl<'a> Seen<'a> {
    /// In sentences.
    fn name(&self) -> String {
        if self.subject == FILE { "the certificate on disk".to_owned() } else { self.place() }
    }

    /// As a subject of findings.
    fn place(&self) -> String {
        match self.address {
            "" => self.subject.to_owned(),
            address => format!("{} at {address}", self.subject),
        }
    }

    fn get(&self, name: &str, place: &str) -> Option<&'a Value> {
        self.facts
            .observations
            .iter()
            .find(|fact| {
                fact.name == name
                    && fact.subject == self.subject
                    && label(fact, "address") == self.address
                    && label(fact, "place") == place
            })
            .map(|fact| &fact.value)
    }

    fn text(&self, name: &str, place: &str) -> &'a str {
        match self.get(name, place) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    fn flag(&self, name: &str, place: &str) -> Option<bool> {
        match self.get(name, place) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    fn time(&self, name: &str, place: &str) -> Option<Timestamp> {
        match self.get(name, place) {
            Some(Value::Time(time)) => Some(*time),
            _ => None,
        }
    }

    /// Places of the certificates that were seen, the server's own first.
    fn places(&self) -> BTreeSet<&'a str> {
        self.facts
            .observations
            .iter()
            .filter(|fact| fact.subject == self.subject && label(fact, "address") == self.address)
            .map(|fact| label(fact, "place"))
            .filter(|place| !place.is_empty())
            .collect()
    }
}

fn judge_one(check: &Certificates, seen: &Seen<'_>, found: &mut Found<'_>) {
    if seen.flag("reachable", "") == Some(false) {
        let reason = seen.text("reason", "");
        if seen.subject != FILE {
            let what = format!("{}: no certificate could be taken ({reason})", seen.name());
            found.add("certificate_unreachable", seen, what);
        } else if reason == "missing" {
            found.add("certificate_file_missing", seen, "the file cannot be read");
        } else {
            found.add("certificate_file_unreadable", seen, "the file holds no certificate");
        }
        return;
    }
    if seen.flag("legacy_only", "") == Some(true) {
        let what = format!("{} speaks nothing newer than TLS 1.1", seen.name());
        found.add("certificate_legacy_tls", seen, what);
        return;
    }
    judge_dates(check.renewal, seen, found);
    judge_trust(seen, found);
    judge_lifetime(check.public, seen, found);
    judge_strength(seen, found);
    judge_key(seen, found);
    if seen.flag("name_matches", "") == Some(false) {
        let name = seen.text("name", "");
        let what = format!("the certificate at {} is not made out to {name}", seen.name());
        found.add("certificate_hostname_mismatch", seen, what);
    }
}

fn judge_dates(renewal: Option<Renewal>, seen: &Seen<'_>, found: &mut Found<'_>) {
    let (Some(from), Some(to)) = (seen.time("not_before", "0"), seen.time("not_after", "0")) else {
        return;
    };
    let name = seen.name();
    let life = to.duration_since(from).as_secs_f64();
    let left = to.duration_since(found.now).as_secs_f64();
    if left <= 0.0 {
        found.add("certificate_expired", seen, format!("{name} expired at {to:.0}")).since = to;
    } else if from > found.now {
        let what = format!("{name} is not valid before {from:.0}");
        found.add("certificate_not_yet_valid", seen, what);
    } else {
        let automatic = renewal.map_or(life <= LONGEST_AUTOMATED, |who| who == Renewal::Auto);
        let limits = Limits::of(life, automatic);
        let what = format!("{name} has {} of {} left, until {to:.0}", days(left), days(life));
        if left < limits.critical {
            found.add("certificate_expires_soon", seen, what).severity = Status::Critical;
        } else if left < limits.warning {
            found.add("certificate_expires_soon", seen, what);
        } else if left < limits.overdue {
            found.add("certificate_renewal_overdue", seen, what);
        }
    }
    for place in seen.places().into_iter().filter(|place| *place != "0") {
        if seen.flag("on_way", place) != Some(true) {
            continue;
        }
        let Some(ends) = seen.time("not_after", place) else { continue };
        let subject = seen.text("subject", place);
        if ends <= found.now {
            let what = format!("{name}: {subject} above it expired at {ends:.0}");
            found.add("certificate_intermediate_expired", seen, what).since = ends;
        } else if ends < to {
            let what = format!("{name}: {subject} above it ends at {ends:.0}, before it does");
            found.add("certificate_issuer_ends_first", seen, what);
        }
    }
}

/// Seconds of remaining life below which something is said.
struct Limits {
    overdue: f64,
    warning: f64,
    critical: f64,
}

impl Limits {
    /// By share of life for programs, which renew at a third of it; by days for
    /// people, who need an invoice and an afternoon.
    fn of(life: f64, automatic: bool) -> Self {
        if !automatic {
            let (warning, critical) = ((30.0 * DAY).min(life / 2.0), (14.0 * DAY).min(life / 4.0));
            return Self { overdue: 0.0, warning, critical };
        }
        let critical = if life <= 10.0 * DAY { DAY } else { (0.1 * life).max(DAY) };
        Self { overdue: life / 3.0 - 2.0 * DAY, warning: 0.25 * life, critical }
    }
}

fn judge_trust(seen: &Seen<'_>, found: &mut Found<'_>) {
    let name = seen.name();
    let issuer = seen.text("issuer", "0");
    // On disk the certificate is often kept without its chain.
    let is_alone = seen.subject == FILE && seen.places().len() == 1;
    let (id, what) = match seen.text("trust", "") {
        "incomplete" if is_alone => return,
        "incomplete" => {
            ("certificate_chain_incomplete", format!("{name} does not show its issuer {issuer}"))
        }
        "untrusted" => {
            ("certificate_untrusted_root", format!("{name} leads to an authority not trusted here"))
        }
        "self_signed" => ("certificate_self_signed", format!("{name} signs itself")),
        "wrong_purpose" => ("certificate_eku_missing", format!("{name} is not meant for servers")),
        "name_constraint" => (
            "certificate_chain_broken",
            format!("an authority above {name} may not sign for these names"),
        ),
        "no_authorities" => {
            ("certificate_trust_unknown", format!("no authority is known to hold {name} against"))
        }
        "broken" => ("certificate_chain_broken", format!("the chain of {name} does not hold")),
        _ => return,
    };
    found.add(id, seen, what);
}

/// Longest life that public authorities may grant, by the first day of validity
/// (CA/Browser Forum, ballots SC-22 and SC-081v3).
fn longest_public_life(from: Timestamp) -> f64 {
    let day = from.to_zoned(TimeZone::UTC).date();
    let days = match day {
        day if day < date(2020, 9, 1) => 825.0,
        day if day < date(2026, 3, 15) => 398.0,
        day if day < date(2027, 3, 15) => 200.0,
        day if day < date(2029, 3, 15) => 100.0,
        _ => 47.0,
    };
    days * DAY
}

fn judge_lifetime(public: bool, seen: &Seen<'_>, found: &mut Found<'_>) {
    let (Some(from), Some(to)) = (seen.time("not_before", "0"), seen.time("not_after", "0")) else {
        return;
    };
    let life = to.duration_since(from).as_secs_f64();
    let longest = longest_public_life(from);
    if (public || seen.text("trust", "") == "public") && life > longest + 1.0 {
        let what = format!("{} lives {}, {} are allowed", seen.name(), days(life), days(longest));
        found.add("certificate_lifetime_over_policy", seen, what);
    }
}

fn judge_strength(seen: &Seen<'_>, found: &mut Found<'_>) {
    let needed = |place: &&str| seen.flag("on_way", place) == Some(true);
    for place in seen.places().into_iter().filter(needed) {
        let subject = seen.text("subject", place);
        let bits = seen.get("key_bits", place).and_then(Value::number).unwrap_or(0.0);
        let least = if seen.flag("is_rsa", place) == Some(true) { 2048.0 } else { 256.0 };
        if bits > 0.0 && bits < least {
            let what = format!("{}: the key of {subject} has {bits} bits", seen.name());
            found.add("certificate_weak_key", seen, what);
        }
        if seen.flag("weakly_signed", place) == Some(true) {
            let what = format!("{}: {subject} is signed with SHA-1 or MD5", seen.name());
            found.add("certificate_weak_signature", seen, what);
        }
    }
}

fn judge_key(seen: &Seen<'_>, found: &mut Found<'_>) {
    match seen.text("key_state", "") {
        "differs" => {
            let what = "the private key on disk belongs to another certificate";
            found.add("certificate_key_mismatch", seen, what);
        }
        "unreadable" => {
            let what = "the private key on disk could not be compared";
            found.add("certificate_key_unreadable", seen, what);
        }
        _ => {}
    }
    if seen.flag("key_open", "") == Some(true) {
        let what = "everybody on the host may read the private key";
        found.add("certificate_key_exposed", seen, what);
    }
}

fn judge_against_each_other(seen: &[Seen<'_>], found: &mut Found<'_>) {
    let own = |one: &&Seen<'_>| !one.text("fingerprint", "0").is_empty();
    let file = seen.iter().filter(own).find(|one| one.subject == FILE);
    let served: Vec<&Seen<'_>> =
        seen.iter().filter(own).filter(|one| one.subject != FILE).collect();
    for one in &served {
        if let Some(file) = file
            && file.text("fingerprint", "0") != one.text("fingerprint", "0")
        {
            let what = format!("{} shows another certificate than the file", one.name());
            found.add("certificate_served_differs", one, what);
        }
    }
    if let Some((first, rest)) = served.split_first() {
        for one in rest {
            if one.text("fingerprint", "0") != first.text("fingerprint", "0") {
                let what =
                    format!("{} shows another certificate than {}", one.name(), first.name());
                found.add("certificate_backends_differ", one, what);
            }
        }
    }
}

fn label<'a>(fact: &'a Observation, name: &str) -> &'a str {
    fact.labels.get(name).map_or("", String::as_str)
}

fn days(seconds: f64) -> String {
    if seconds < 2.0 * DAY {
        format!("{:.0} hours", seconds / 3600.0)
    } else {
        format!("{:.0} days", seconds / DAY)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::SignedDuration;

    use super::*;
    use crate::testing::{build, ids};

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    /// Facts of a sound certificate with so many days of life, and days left.
    fn facts(life: i64, left: i64) -> Facts {
        let mut facts = Facts::default();
        let place = BTreeMap::from([
            ("place".to_owned(), "0".to_owned()),
            ("role".to_owned(), "leaf".to_owned()),
        ]);
        let to = now() + SignedDuration::from_hours(24 * left);
        for (name, value, labels) in [
            ("reachable", Value::Flag(true), BTreeMap::new()),
            ("trust", Value::Text("declared".to_owned()), BTreeMap::new()),
            ("name_matches", Value::Flag(true), BTreeMap::new()),
            ("not_before", Value::Time(to - SignedDuration::from_hours(24 * life)), place.clone()),
            ("not_after", Value::Time(to), place.clone()),
            ("key_bits", Value::Number(2048.0), place.clone()),
            ("is_rsa", Value::Flag(true), place.clone()),
            ("on_way", Value::Flag(true), place),
        ] {
            let subject = "www:443".to_owned();
            facts.observations.push(Observation { name: name.to_owned(), subject, value, labels });
        }
        facts
    }

    fn judge_case(keys: &str, facts: &Facts) -> Vec<String> {
        let check = build(&KIND, &format!("endpoint = \"www:443\"\n{keys}")).unwrap();
        ids(&check.judge(facts, &[], now()))
    }

    #[test]
    fn remaining_life_is_judged_by_share_for_programs_and_by_days_for_people() {
        let none: &[&str] = &[];
        let (overdue, soon, gone) = (
            &["certificate_renewal_overdue"],
            &["certificate_expires_soon"],
            &["certificate_expires_soon!"],
        );
        for (keys, life, left, expected) in [
            ("", 90, 30, none),
            ("", 90, 27, overdue),
            ("", 90, 22, soon),
            ("", 90, 8, gone),
            ("", 47, 14, none),
            ("", 47, 11, soon),
            ("", 6, 3, none),
            ("", 6, 1, soon),
            ("", 6, 0, &["certificate_expired!"]),
            ("", 365, 40, none),
            ("", 365, 29, soon),
            ("", 365, 13, gone),
            ("renewal = \"auto\"", 365, 100, overdue),
            ("renewal = \"manual\"", 90, 29, soon),
            ("renewal = \"manual\"", 20, 9, soon),
            ("renewal = \"manual\"", 20, 11, none),
        ] {
            assert_eq!(judge_case(keys, &facts(life, left)), expected, "{keys} {left} of {life}");
        }
    }

    #[test]
    fn public_lives_shrink_by_calendar() {
        for (from, days) in [
            ("2026-03-14T00:00:00Z", 398.0),
            ("2026-03-15T00:00:00Z", 200.0),
            ("2027-03-15T00:00:00Z", 100.0),
            ("2029-03-15T00:00:00Z", 47.0),
        ] {
            assert_eq!(longest_public_life(from.parse().unwrap()), days * DAY, "{from}");
        }
        assert_eq!(judge_case("", &facts(900, 500)), Vec::<String>::new());
        let found = judge_case("public = true", &facts(900, 500));
        assert_eq!(found, ["certificate_lifetime_over_policy"]);
    }

    #[test]
    fn unknown_authorities_are_not_green() {
        let mut facts = facts(90, 60);
        facts.observations[1].value = Value::Text("no_authorities".to_owned());
        let check = build(&KIND, "endpoint = \"www:443\"").unwrap();
        let findings = check.judge(&facts, &[], now());
        assert_eq!(ids(&findings), ["certificate_trust_unknown"]);
        assert_eq!(findings[0].severity, Status::Unknown);
    }
}
