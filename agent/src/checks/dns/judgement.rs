//! What the answers of the servers mean.
use std::collections::BTreeSet;

use evenkeel_config::id::Id;
use evenkeel_config::record::{Evidence, Finding, Observation, Status, Value};
use hickory_proto::rr::RecordType;
use jiff::Timestamp;

use super::sight::FAILED;
use super::{Dns, Expected, KIND, in_one_line};
use crate::checks::{Facts, since};
use crate::probe::dns::is_before;

const DAY: f64 = 86_400.0;

/// Copies of a zone should outlive its origin by at least so long.
const SHORT_EXPIRE: f64 = 7.0 * DAY;

/// The findings on all servers together.
pub(super) fn judge(check: &Dns, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
    let mut found = Found { component: &check.component, past, now, list: Vec::new() };
    judge_zone(facts, &mut found);
    let servers = subjects(facts, "udp_answers");
    judge_servers(facts, &servers, &mut found);
    judge_serials(facts, &servers, &mut found);
    for expected in &check.expect {
        judge_answers(expected, facts, &servers, &mut found);
    }
    judge_resolvers(facts, &mut found);
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
    fn add(&mut self, id: &str, subject: &str, what: impl Into<String>) -> &mut Finding {
        let since = since(self.past, id, subject, self.now);
        let at = self.list.len();
        self.list.push(KIND.finding(id, self.component, subject, what, since));
        &mut self.list[at]
    }

    fn add_grave(&mut self, grave: bool, id: &str, subject: &str, what: impl Into<String>) {
        let finding = self.add(id, subject, what);
        if grave {
            finding.severity = Status::Critical;
        }
    }
}

fn judge_zone(facts: &Facts, found: &mut Found<'_>) {
    match facts.text("delegation", "") {
        Some("missing") => {
            found.add("dns_zone_missing", "", "the domain has no name servers any more");
        }
        Some("unknown") => {
            found.add("dns_zone_unknown", "", "the domain's name servers could not be looked up");
        }
        _ => {}
    }
    if let Some(count) = facts.number("name_servers", "")
        && count < 2.0
    {
        found.add("dns_ns_single", "", "the zone has one name server only");
    }
    if let Some(Value::Time(end)) = facts.get("registration_expires", "") {
        let left = end.duration_since(found.now).as_secs_f64() / DAY;
        if left < 45.0 {
            let what = if left < 0.0 {
                format!("the registration ended at {end:.0}, as declared")
            } else {
                format!("the registration ends in {left:.0} days, as declared")
            };
            found.add_grave(left < 14.0, "dns_domain_expires", "", what);
        }
    }
}

fn judge_servers(facts: &Facts, servers: &[&str], found: &mut Found<'_>) {
    let answers =
        |server: &str| facts.flag("udp_answers", server) || facts.flag("tcp_answers", server);
    let none_answers = !servers.iter().any(|server| answers(server));
    let none_speaks = !servers.iter().any(|server| facts.flag("authoritative", server));
    for server in servers {
        for (by, fact, reason) in
            [("UDP", "udp_answers", "udp_reason"), ("TCP", "tcp_answers", "tcp_reason")]
        {
            // With both ways closed one finding says it all.
            if facts.flag(fact, server) || (by == "TCP" && !answers(server)) {
                continue;
            }
            let by = if answers(server) { by } else { "UDP and TCP" };
            let reason = facts.text(reason, server).unwrap_or("unknown");
            let what = format!("the name server {server} does not answer by {by} ({reason})");
            found.add_grave(none_answers, "dns_ns_unreachable", server, what);
        }
        if answers(server) && !facts.flag("authoritative", server) {
            let reason = facts.text("lame_reason", server).unwrap_or("it does not say why");
            let what = format!("the name server {server} does not speak for the zone: {reason}");
            found.add_grave(none_speaks, "dns_ns_lame", server, what);
        }
    }
    let expire = servers.iter().filter_map(|server| facts.number("expire", server));
    if let Some(expire) = expire.reduce(f64::min)
        && expire < SHORT_EXPIRE
    {
        let what = format!("copies of the zone die {:.1} days after its origin", expire / DAY);
        found.add("dns_soa_expire_short", "", what);
    }
}

fn judge_serials(facts: &Facts, servers: &[&str], found: &mut Found<'_>) {
    let Some(newest) = newest_serial(&facts.observations) else { return };
    for server in servers {
        let Some(serial) = serial_of(&facts.observations, server) else { continue };
        if !is_before(serial, newest) {
            continue;
        }
        // A transfer takes its time; only a server that stays behind is at fault.
        let was_behind = |evidence: &&Evidence| {
            let facts = evidence.observations();
            match (serial_of(facts, server), newest_serial(facts)) {
                (Some(serial), Some(newest)) => is_before(serial, newest),
                _ => false,
            }
        };
        let first = found.past.iter().rev().take_while(was_behind).last();
        let Some(first) = first.map(|evidence| evidence.started) else { continue };
        let behind = found.now.duration_since(first).as_secs_f64();
        let refresh = facts.number("refresh", server).unwrap_or(0.0);
        let expire = facts.number("expire", server).unwrap_or(f64::INFINITY);
        if behind > refresh {
            let what = format!(
                "the name server {server} has serial {serial}, others {newest}, since {first:.0}"
            );
            found.add_grave(behind > 0.5 * expire, "dns_serial_skew", server, what);
        }
    }
}

fn judge_answers(expected: &Expected, facts: &Facts, servers: &[&str], found: &mut Found<'_>) {
    let (name, kind) = (expected.name.to_ascii(), expected.kind.to_string());
    let wanted = in_one_line(&expected.values);
    let is_grave = matches!(expected.kind, RecordType::NS | RecordType::MX);
    for server in servers {
        let answer = facts.observations.iter().find(|fact| {
            fact.name == "answer"
                && fact.subject == **server
                && fact.labels.get("name") == Some(&name)
                && fact.labels.get("type") == Some(&kind)
        });
        // Without an answer the server itself has a finding already.
        let Some(Value::Text(answer)) = answer.map(|fact| &fact.value) else { continue };
        if *answer == wanted {
            continue;
        }
        let is_nothing = answer.is_empty() || answer.starts_with(FAILED);
        let said = if answer.is_empty() { "nothing" } else { answer };
        let what = format!("{server} answers {said} to {name} {kind}, {wanted} is declared");
        found.add_grave(is_grave || is_nothing, "dns_answer_drift", server, what);
    }
}

fn judge_resolvers(facts: &Facts, found: &mut Found<'_>) {
    let resolvers = subjects(facts, "resolver_answers");
    let works = |resolver: &&str| facts.flag("resolver_answers", resolver);
    let none_works = !resolvers.iter().any(works);
    for resolver in resolvers.iter().filter(|resolver| !works(resolver)) {
        let reason = facts.text("resolver_reason", resolver).unwrap_or("unknown");
        let what = format!("the resolver {resolver} does not work ({reason})");
        found.add_grave(none_works, "dns_resolver_down", resolver, what);
    }
}

fn subjects<'a>(facts: &'a Facts, name: &str) -> Vec<&'a str> {
    let subjects: BTreeSet<&str> = facts
        .observations
        .iter()
        .filter(|fact| fact.name == name)
        .map(|fact| fact.subject.as_str())
        .collect();
    subjects.into_iter().collect()
}

fn serials(facts: &[Observation]) -> impl Iterator<Item = (&str, u32)> {
    facts.iter().filter(|fact| fact.name == "serial").filter_map(|fact| {
        // A serial is a 32-bit number, which a float holds exactly.
        fact.value.number().map(|number| (fact.subject.as_str(), number as u32))
    })
}

fn serial_of(facts: &[Observation], server: &str) -> Option<u32> {
    serials(facts).find(|(subject, _)| *subject == server).map(|(_, serial)| serial)
}

fn newest_serial(facts: &[Observation]) -> Option<u32> {
    serials(facts).map(|(_, serial)| serial).reduce(|a, b| if is_before(a, b) { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, evidence, ids};
    use jiff::SignedDuration;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    /// Facts of sound servers `a` and `b` with these serials.
    fn facts(serials: [u32; 2]) -> Facts {
        let mut facts = Facts::default();
        facts.push("name_servers", "", Value::Number(2.0));
        for (server, serial) in ["a", "b"].into_iter().zip(serials) {
            for name in ["udp_answers", "tcp_answers", "authoritative"] {
                facts.push(name, server, Value::Flag(true));
            }
            facts.push("serial", server, Value::Number(f64::from(serial)));
            facts.push("refresh", server, Value::Number(3600.0));
            facts.push("expire", server, Value::Number(1_209_600.0));
        }
        facts
    }

    fn judge_case(facts: &Facts, past: &[Evidence]) -> Vec<String> {
        let check = build(&KIND, "domain = \"example.org\"").unwrap();
        ids(&check.judge(facts, past, now()))
    }

    #[test]
    fn serials_count_round_the_corner_and_only_when_it_lasts() {
        let none: [&str; 0] = [];
        let past = |serials, hours| {
            [evidence(&facts(serials), vec![], now() - SignedDuration::from_hours(hours))]
        };
        assert_eq!(judge_case(&facts([7, 7]), &past([7, 6], 9)), none);
        assert_eq!(judge_case(&facts([7, 6]), &[]), none);
        assert_eq!(judge_case(&facts([7, 6]), &past([6, 6], 9)), none);
        assert_eq!(judge_case(&facts([7, 6]), &past([7, 6], 9)), ["dns_serial_skew"]);
        let wrapped = [1, u32::MAX];
        assert_eq!(judge_case(&facts(wrapped), &past(wrapped, 9)), ["dns_serial_skew"]);
        assert_eq!(judge_case(&facts([7, 6]), &past([7, 6], 200)), ["dns_serial_skew!"]);
    }

    #[test]
    fn one_way_closed_is_said_once_and_names_the_way() {
        let mut facts = facts([7, 7]);
        let tcp = |fact: &&mut Observation| fact.name == "tcp_answers" && fact.subject == "b";
        facts.observations.iter_mut().find(tcp).unwrap().value = Value::Flag(false);
        let check = build(&KIND, "domain = \"example.org\"").unwrap();
        let findings = check.judge(&facts, &[], now());
        assert_eq!(ids(&findings), ["dns_ns_unreachable"]);
        assert!(findings[0].what.contains("by TCP"), "{}", findings[0].what);
    }
}
