//! Alternatives that are none, and batteries that are empty too soon.
use std::collections::BTreeSet;

use evenkeel_config::id::Id;
use evenkeel_config::map::{Details, Kind, Need};

use super::View;
use crate::html::words;
use crate::picture::MapFinding;

/// Choices whose members all hang on the same thing: two lines through one
/// duct, two servers on one machine.
pub(super) fn one_way_out(view: &View<'_>) -> Vec<MapFinding> {
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    for component in view.map.components.values() {
        let path = match &component.details {
            Details::Function(function) => function.path.as_slice(),
            _ => &[],
        };
        let needs = path.iter().flat_map(|step| &step.needs).chain(&component.common.needs);
        for need in needs.filter(|need| need.is_alternative()) {
            let members: BTreeSet<&Id> = need.ids().into_iter().collect();
            if members.len() > 1 && known.insert(members.clone()) {
                found.extend(word(view, &members));
            }
        }
    }
    found
}

fn word(view: &View<'_>, members: &BTreeSet<&Id>) -> Option<MapFinding> {
    let mut common: Option<BTreeSet<&Id>> = None;
    for member in members {
        let below = firmly_below(view, member);
        common = Some(match common {
            Some(common) => common.intersection(&below).copied().collect(),
            None => below,
        });
    }
    let kind = |id: &Id| view.map.components.get(id).map(|component| component.kind);
    let lines = members.iter().all(|id| kind(id) == Some(Kind::Link));
    let common = common.unwrap_or_default();
    let shared = common.iter().find(|id| !matches!(kind(id), Some(Kind::Site | Kind::Power)));
    let site = || common.iter().find(|id| lines && kind(id) == Some(Kind::Site));
    let shared = *shared.or_else(site)?;
    let both = if members.len() == 2 { "both" } else { "all" };
    let way = if lines { "leave by" } else { "hang on" };
    Some(MapFinding {
        critical: false,
        components: vec![shared.clone()],
        edges: members.iter().map(|id| ((*id).clone(), shared.clone())).collect(),
        sentence: format!(
            "{} stand in for each other, and {both} {way} {}",
            view.list(members.iter().copied()),
            view.the(shared)
        ),
        short: format!("{both} {way} it"),
    })
}

/// What a component cannot run without, at its own level.
fn firmly_below<'a>(view: &View<'a>, id: &Id) -> BTreeSet<&'a Id> {
    let Some(component) = view.map.components.get(id) else { return BTreeSet::new() };
    let firm = component.common.needs.iter().filter_map(|need| match need {
        Need::Id(id) => Some(id),
        Need::Edge(edge) => Some(&edge.id),
        _ => None,
    });
    // A building that several lines end in is no way that they share.
    firm.chain(&component.common.runs_on).chain(&component.common.stored_on).collect()
}

/// Batteries that end before the hosts behind them are shut down.
pub(super) fn short_batteries(view: &View<'_>) -> Vec<MapFinding> {
    let short = |component: &evenkeel_config::map::Component| {
        let Details::Power(power) = &component.details else { return None };
        let (runtime, needs) = (power.runtime?, power.shutdown_needs?);
        let (has, wants) = (words::duration(runtime.as_ms()), words::duration(needs.as_ms()));
        (runtime < needs).then(|| MapFinding {
            critical: false,
            components: vec![component.id.clone()],
            edges: Vec::new(),
            sentence: format!(
                "{} lasts {has} and a clean shutdown takes {wants}",
                view.the(&component.id)
            ),
            short: format!("{has} of {wants}"),
        })
    };
    view.map.components.values().filter_map(short).collect()
}
