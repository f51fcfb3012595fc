//! The organisation's zone and currency, and windows that end before they begin.
use jiff::tz::TimeZone;

use super::{Judge, path};
use crate::map::{Component, Details};
use crate::quantity::Span;

pub(super) fn check(judge: &mut Judge<'_>) {
    organisation(judge);
    let map = judge.map;
    for component in map.components.values() {
        windows(judge, component);
        backups(judge, component);
    }
}

fn organisation(judge: &mut Judge<'_>) {
    let organisation = &judge.map.organisation;
    if TimeZone::get(&organisation.timezone).is_err() {
        let what = format!("the time zone `{}` is not known here", shorten(&organisation.timezone));
        let hint = if TimeZone::get("Europe/Paris").is_err() {
            "this machine has no time zone data: install the package `tzdata`"
        } else {
            "write an IANA name, as in `timezone = \"America/New_York\"`"
        };
        judge.error("organisation.timezone", what, hint);
    }
    let currency = &organisation.currency;
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let what = format!("`{}` is no currency", shorten(currency));
        let hint = "write the three letters of ISO 4217, as in `currency = \"USD\"`";
        judge.error("organisation.currency", what, hint);
    }
}

fn windows(judge: &mut Judge<'_>, component: &Component) {
    let common = &component.common;
    let key = path(component);
    for (index, window) in common.maintenance.iter().enumerate() {
        if window.from >= window.to {
            let what = format!("the window ends at {}, not after {}", window.to, window.from);
            let hint = "`from` comes before `to`, as in `{ from = \"2026-11-30T22:00\", to = \
                        \"2026-12-01T02:00\" }`";
            judge.error(&format!("{key}.maintenance[{index}]"), what, hint);
        }
    }
    for (name, date) in
        [("warranty_until", common.warranty_until), ("support_until", common.support_until)]
    {
        if let (Some(bought), Some(date)) = (common.bought, date)
            && date < bought
        {
            let what = format!("{date} is before the purchase on {bought}");
            judge.error(&format!("{key}.{name}"), what, "check the two dates");
        }
    }
}

fn backups(judge: &mut Judge<'_>, component: &Component) {
    let Details::Dataset(dataset) = &component.details else { return };
    let key = path(component);
    for (index, backup) in dataset.backups.iter().enumerate() {
        let key = format!("{key}.backups[{index}]");
        if backup.every == Span::ZERO {
            let hint = "write the time between two jobs, as in `every = \"24h\"`";
            judge.error(&format!("{key}.every"), "the jobs have no time between them", hint);
        }
        if backup.keep < backup.every {
            let what = format!(
                "kept {}, but made every {}: often there is none",
                backup.keep, backup.every
            );
            judge.warning(
                &format!("{key}.keep"),
                what,
                "keep each at least until the next is made",
            );
        }
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}
