//! Things that lapse soon, and support that has ended.
use evenkeel_config::map::{Component, Details, Kind};
use jiff::civil::Date;

use super::View;
use crate::html::words;
use crate::picture::MapFinding;

/// A lapse is a finding from so many days before on.
const SOON: i32 = 60;

/// Names, certificates, licences and contracts that lapse within 60 days, and
/// makers' support that has ended; by date.
pub(super) fn running_out(view: &View<'_>) -> Vec<MapFinding> {
    let mut found: Vec<(Date, MapFinding)> = Vec::new();
    for component in view.map.components.values() {
        found.extend(dates(component).into_iter().filter_map(|(what, on)| {
            let days = view.today.until(on).map_or(0, |span| span.get_days());
            (days <= SOON).then(|| (on, word(view, component, what, on, days)))
        }));
    }
    found.sort_by_key(|(on, _)| *on);
    found.into_iter().map(|(_, finding)| finding).collect()
}

/// The end of a warranty alone is no finding.
#[derive(Clone, Copy)]
enum What {
    Lapse,
    Support,
    Contract,
}

fn dates(component: &Component) -> Vec<(What, Date)> {
    let common = &component.common;
    let contract = match &component.details {
        Details::Vendor(vendor) => vendor.contract_until,
        _ => None,
    };
    let lapse = common.expires.map(|on| (What::Lapse, on));
    let support = common.support_until.map(|on| (What::Support, on));
    lapse.into_iter().chain(support).chain(contract.map(|on| (What::Contract, on))).collect()
}

fn word(view: &View<'_>, component: &Component, what: What, on: Date, days: i32) -> MapFinding {
    let name = view.the(&component.id);
    let date = words::date(on);
    let days_left = words::counted(u64::from(days.unsigned_abs()), "day");
    let past = days < 0;
    let sentence = match (what, past) {
        (What::Support, true) => format!("{name} has been out of its maker's support since {date}"),
        (What::Support, false) => format!("{name} falls out of its maker's support on {date}"),
        (What::Contract, true) => format!("the contract with {name} ended on {date}"),
        (What::Contract, false) => {
            format!("the contract with {name} ends on {date}, in {days_left}")
        }
        (What::Lapse, true) => format!("{name} lapsed on {date}"),
        (What::Lapse, false) if component.kind == Kind::DnsZone => {
            format!("the domain {name} lapses on {date}, in {days_left}")
        }
        (What::Lapse, false) => format!("{name} lapses on {date}, in {days_left}"),
    };
    let short = if past { format!("ended {date}") } else { format!("ends in {days_left}") };
    MapFinding {
        critical: false,
        components: vec![component.id.clone()],
        edges: Vec::new(),
        sentence,
        short,
    }
}
