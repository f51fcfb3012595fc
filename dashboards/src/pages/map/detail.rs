//! The few words under a mark: the figure that says most about its kind.
use evenkeel_config::map::{Component, Details, Kind};
use evenkeel_config::quantity::Span;
use jiff::civil::Date;

use crate::html::{sizes, words};
use crate::picture::Picture;

/// Longest summary that stands under a mark.
const LONGEST: usize = 26;

/// The words under a component's name.
pub(super) fn of(component: &Component, picture: &Picture) -> String {
    let today = words::zoned(picture.as_of, &picture.timezone).date();
    let own = match &component.details {
        Details::Function(function) => Some(match function.objectives.rto {
            Some(rto) => format!("function, promised {}", words::duration(rto.as_ms())),
            None => "function, nothing promised".to_owned(),
        }),
        Details::Host(_) => age(component, today),
        Details::Fleet(fleet) => Some(format!("{} machines", words::count(fleet.count.into()))),
        Details::Dataset(data) if data.size.as_bytes() > 0 => {
            Some(sizes::bytes(data.size.as_bytes()))
        }
        Details::Link(link) => {
            link.bandwidth.map(|rate| sizes::bandwidth(rate.as_bytes_per_second()))
        }
        Details::Power(power) => runtime(power.runtime, power.shutdown_needs),
        Details::Team(team) => Some(people(team.count.into())),
        Details::Person(person) => {
            let away = person.leave.iter().find(|leave| leave.from <= today && today <= leave.to);
            away.map(|leave| format!("away to {}", short_date(leave.to)))
        }
        Details::Spare(spare) => Some(format!("{} in stock", words::count(spare.stock.into()))),
        _ => component.common.expires.map(|date| format!("until {}", words::date(date))),
    };
    own.unwrap_or_else(|| kind_or_summary(component))
}

/// Whether the host's agent has not been heard from.
pub(super) fn is_silent(component: &Component, picture: &Picture) -> bool {
    let agent = match &component.details {
        Details::Host(hardware) => hardware.agent.as_deref(),
        _ => None,
    };
    let host = picture.hosts.get(agent.unwrap_or(component.id.as_str()));
    host.is_some_and(|host| host.silent)
}

/// Several of a kind.
pub(super) fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Function => "functions",
        Kind::Service => "services",
        Kind::Host => "hosts",
        Kind::Vm => "virtual machines",
        Kind::Fleet => "groups of PCs",
        Kind::Storage => "stores",
        Kind::Dataset => "data sets",
        Kind::Copy => "backup copies",
        Kind::Link => "network links",
        Kind::Voice => "phone systems",
        Kind::Site => "sites",
        Kind::Power => "power supplies",
        Kind::DnsZone => "domains",
        Kind::Certificate => "certificates",
        Kind::Credential => "credentials",
        Kind::Document => "documents",
        Kind::Vendor => "outside parties",
        Kind::Person => "people",
        Kind::Team => "teams",
        Kind::Spare => "spare parts",
    }
}

fn kind_or_summary(component: &Component) -> String {
    let summary = component.common.summary.as_deref().unwrap_or_default();
    if component.kind != Kind::Person && (1..=LONGEST).contains(&summary.chars().count()) {
        words::plain(summary)
    } else {
        component.kind.word().to_owned()
    }
}

fn age(component: &Component, today: Date) -> Option<String> {
    let common = &component.common;
    let years = common.bought.map(|bought| whole_years(bought, today)).filter(|years| *years > 0);
    let past = common.warranty_until.is_some_and(|end| end < today);
    match (years, past) {
        (Some(years), true) => Some(format!("{}, no warranty", words::counted(years, "year"))),
        (Some(years), false) => Some(words::counted(years, "year")),
        (None, true) => Some("no warranty".to_owned()),
        (None, false) => None,
    }
}

/// Whole years between two dates, zero when the second is not later.
pub(super) fn whole_years(from: Date, to: Date) -> u64 {
    let had_it = (to.month(), to.day()) >= (from.month(), from.day());
    let years = i64::from(to.year()) - i64::from(from.year()) - i64::from(!had_it);
    years.max(0).unsigned_abs()
}

fn runtime(runtime: Option<Span>, needs: Option<Span>) -> Option<String> {
    match (runtime, needs) {
        (Some(runtime), Some(needs)) => Some(format!(
            "{} of {} needed",
            words::duration(runtime.as_ms()),
            words::duration(needs.as_ms())
        )),
        (Some(runtime), None) => Some(words::duration(runtime.as_ms())),
        (None, _) => None,
    }
}

fn people(count: u64) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{} people", words::count(count)) }
}

fn short_date(date: Date) -> String {
    date.strftime("%-d %b").to_string()
}
