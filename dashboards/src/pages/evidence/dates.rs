//! Dates that run out: names, certificates, support, warranties, contracts, batteries.
use evenkeel_config::map::{Component, Details, Kind};
use evenkeel_config::record::{Evidence, Outcome, Status, Value};
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use maud::{Markup, html};

use super::cells;
use crate::html::names::Names;
use crate::html::{marks, words};
use crate::picture::Picture;

/// Rows that are fine are listed one by one up to this many.
const MOST_FINE: usize = 4;
/// A battery is replaced after so many years.
const BATTERY_YEARS: i16 = 5;

/// One date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunsOut {
    /// What kind of date: `Certificate`, `Domain`.
    pub what: &'static str,
    /// Of which component.
    pub name: String,
    /// The day.
    pub on: Date,
    /// Days from now, negative when it is past.
    pub days: i32,
    /// The judgement.
    pub status: Status,
}

/// Every date of the map and of the evidence, the most pressing first; for one
/// thing known from both, the evidence's.
pub fn runs_out(picture: &Picture, names: &Names<'_>) -> Vec<RunsOut> {
    let today = words::zoned(picture.as_of, &picture.timezone).date();
    let mut all: Vec<RunsOut> = Vec::new();
    let mut add = |what: &'static str, name: String, on: Date| {
        if all.iter().any(|known| known.what == what && known.name == name) {
            return;
        }
        let days = today.until(on).map_or(0, |span| span.get_days());
        all.push(RunsOut { what, name, on, days, status: judge(what, days) });
    };
    for (host, heard) in &picture.hosts {
        for evidence in heard.checks.values() {
            for (what, on) in observed(evidence) {
                let known = picture.map.components.get(&evidence.component);
                let name = match known {
                    Some(component) => names.component(&component.id),
                    None => words::plain(host),
                };
                add(what, name, on);
            }
        }
    }
    for component in picture.map.components.values() {
        for (what, on) in declared(component) {
            add(what, names.component(&component.id), on);
        }
    }
    all.sort_by(|a, b| {
        (a.status == Status::Ok, a.on, a.what, &a.name).cmp(&(
            b.status == Status::Ok,
            b.on,
            b.what,
            &b.name,
        ))
    });
    all
}

/// Dates that a check saw; registries and authorities count them in UTC.
fn observed(evidence: &Evidence) -> Vec<(&'static str, Date)> {
    if !matches!(evidence.outcome, Outcome::Observed { .. }) {
        return Vec::new();
    }
    let first = |name: &str| -> Option<Timestamp> {
        let named = evidence.observations().iter().filter(|one| one.name == name);
        named
            .filter_map(|one| match one.value {
                Value::Time(time) => Some(time),
                _ => None,
            })
            .min()
    };
    let found = match evidence.kind.as_str() {
        "certificate" => first("not_after").map(|end| ("Certificate", end)),
        "dns" => first("registration_expires").map(|end| ("Domain", end)),
        "os_support" => cells::support_end(evidence).map(|end| ("System support", end)),
        _ => None,
    };
    found.map(|(what, end)| (what, words::zoned(end, "UTC").date())).into_iter().collect()
}

fn declared(component: &Component) -> Vec<(&'static str, Date)> {
    let common = &component.common;
    let lapses = match component.kind {
        Kind::DnsZone => "Domain",
        Kind::Certificate => "Certificate",
        _ => "Validity",
    };
    let mut dates: Vec<(&'static str, Date)> = Vec::new();
    dates.extend(common.expires.map(|on| (lapses, on)));
    dates.extend(common.support_until.map(|on| ("System support", on)));
    dates.extend(common.warranty_until.map(|on| ("Warranty", on)));
    match &component.details {
        Details::Vendor(vendor) => dates.extend(vendor.contract_until.map(|on| ("Contract", on))),
        Details::Power(power) => dates.extend(
            power
                .battery_from
                .and_then(|from| from.checked_add(Span::new().years(BATTERY_YEARS)).ok())
                .map(|on| ("Battery", on)),
        ),
        _ => {}
    }
    dates
}

fn judge(what: &str, days: i32) -> Status {
    let (soon, past) = match what {
        "Certificate" => (30, Status::Critical),
        "Domain" => (60, Status::Critical),
        "System support" => (180, Status::Critical),
        "Validity" => (60, Status::Critical),
        "Contract" => (90, Status::Warning),
        _ => (0, Status::Warning),
    };
    match days {
        ..0 => past,
        0..7 if past == Status::Critical => Status::Critical,
        _ if days < soon => Status::Warning,
        _ => Status::Ok,
    }
}

/// The date that belongs into the page's first sentence.
pub(super) fn in_headline(dates: &[RunsOut]) -> Option<String> {
    let pressing =
        |one: &&RunsOut| one.status != Status::Ok && matches!(one.what, "Domain" | "Certificate");
    let first = dates.iter().filter(pressing).min_by_key(|one| (one.what != "Domain", one.on))?;
    let (noun, verb) = match (first.what, first.days < 0) {
        ("Domain", true) => ("the domain", "lapsed"),
        ("Domain", false) => ("the domain", "lapses"),
        (_, true) => ("a certificate", "ended"),
        (_, false) => ("a certificate", "ends"),
    };
    Some(format!("{noun} {verb} on {}", first.on.strftime(&format!("%-d{}%B", words::JOIN))))
}

pub(super) fn section(dates: &[RunsOut]) -> Markup {
    let (fine, pressing): (Vec<_>, Vec<_>) = dates.iter().partition(|one| one.status == Status::Ok);
    let by_itself = fine.len() <= MOST_FINE;
    html! {
        section aria-labelledby="h-r" {
            h2 #h-r { "Dates that run out" }
            @if dates.is_empty() {
                p.note { "No date is on the map, and no check has seen one." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Dates, table" {
                    table.tight {
                        thead { tr { @for head in ["What", "On", "Verdict"] { th scope="col" { (head) } } } }
                        tbody {
                            @for one in &pressing { (row(&title(one), &words::date(one.on), one)) }
                            @if by_itself {
                                @for one in &fine { (row(&title(one), &words::date(one.on), one)) }
                            } @else {
                                @for (what, first, count) in grouped(&fine) {
                                    @let name = if count == 1 { title(first) }
                                        else if pressing.iter().any(|one| one.what == what) {
                                            format!("{what}, {count}{}others", words::JOIN)
                                        } else { format!("{what}, {count}{}in all", words::JOIN) };
                                    @let on = if count == 1 { words::date(first.on) }
                                        else { format!("from {}", words::date(first.on)) };
                                    (row(&name, &on, first))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The dates that are fine, by kind: the first of each and how many.
fn grouped<'a>(fine: &[&'a RunsOut]) -> Vec<(&'static str, &'a RunsOut, usize)> {
    let mut groups: Vec<(&'static str, &RunsOut, usize)> = Vec::new();
    for one in fine {
        match groups.iter_mut().find(|(what, ..)| *what == one.what) {
            Some(group) => group.2 += 1,
            None => groups.push((one.what, one, 1)),
        }
    }
    groups
}

/// `Domain, town.example`; a name that says what it is stands alone.
fn title(one: &RunsOut) -> String {
    if one.name.to_lowercase().starts_with(&one.what.to_lowercase()) {
        words::sentence_case(&one.name)
    } else {
        format!("{}, {}", one.what, one.name)
    }
}

fn row(name: &str, on: &str, one: &RunsOut) -> Markup {
    let word = match (one.status, one.days) {
        (Status::Ok, _) => "ok".to_owned(),
        (_, ..0) if one.what == "Battery" => "replace".to_owned(),
        (_, ..0) => "past".to_owned(),
        (_, days) => format!("in {days}{}d", words::JOIN),
    };
    html! {
        tr {
            th scope="row" { (name) }
            td.q { (on) }
            td { (marks::state(one.status, &word)) }
        }
    }
}
