//! Planned work: whether a component is in a declared maintenance window.
use std::collections::BTreeSet;

use evenkeel_config::id::Id;
use evenkeel_config::map::{DependencyMap, MaintenanceWindow};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Whether planned work is declared now for a component, or for anything it
/// physically stands on. Windows are local to the organisation; in an unknown
/// time zone none holds, so that a typing error never silences an alarm.
pub fn is_planned(map: &DependencyMap, component: &Id, now: Timestamp) -> bool {
    let Ok(zone) = TimeZone::get(&map.organisation.timezone) else { return false };
    let mut visited = BTreeSet::new();
    let mut open = vec![component];
    while let Some(id) = open.pop() {
        if !visited.insert(id) {
            continue;
        }
        let Some(component) = map.components.get(id) else { continue };
        if component.common.maintenance.iter().any(|window| holds(window, &zone, now)) {
            return true;
        }
        open.extend(component.foundations());
    }
    false
}

fn holds(window: &MaintenanceWindow, zone: &TimeZone, now: Timestamp) -> bool {
    let instant = |local| zone.to_ambiguous_timestamp(local).compatible().ok();
    match (instant(window.from), instant(window.to)) {
        (Some(from), Some(to)) => from <= now && now < to,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_config::load::{Source, map_from};

    use super::*;

    #[test]
    fn a_window_holds_in_local_time_and_for_what_stands_on_it() {
        let text = "
            [organisation]
            name = \"Town\"
            timezone = \"America/New_York\"
            [host.srv-1]
            maintenance = [ { from = \"2026-11-21T22:00\", to = \"2026-11-21T23:00\" } ]
            [host.srv-2]
            [service.erp]
            runs_on = \"srv-1\"
        ";
        let map = map_from(&[Source::new("map.toml", text)]).expect("a map").value;
        let planned = |id: &str, at: &str| {
            is_planned(&map, &id.parse().expect("an id"), at.parse().expect("a time"))
        };
        assert!(planned("srv-1", "2026-11-22T03:00:00Z"));
        assert!(planned("erp", "2026-11-22T03:59:59Z"));
        assert!(!planned("erp", "2026-11-22T04:00:00Z"));
        assert!(!planned("erp", "2026-11-22T02:59:59Z"));
        assert!(!planned("srv-2", "2026-11-22T03:30:00Z"));
        assert!(!planned("not-on-the-map", "2026-11-22T03:30:00Z"));
    }
}
