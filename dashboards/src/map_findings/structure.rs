//! Recovery loops, and what stops a life-safety function by itself.
use evenkeel_config::graph;
use evenkeel_config::id::Id;
use evenkeel_config::map::{Component, Details, Kind};

use super::View;
use crate::html::words;
use crate::picture::MapFinding;

/// Loops among things that are needed to bring each other back.
pub(super) fn loops(view: &View<'_>) -> Vec<MapFinding> {
    let rings = graph::recovery_cycles(view.map);
    rings.into_iter().filter(|ring| !ring.is_empty()).map(|ring| word(view, ring)).collect()
}

fn word(view: &View<'_>, mut ring: Vec<Id>) -> MapFinding {
    // The sentence opens with what is asked for to bring something back.
    let pair = |ring: &[Id], at: usize| (ring[at].clone(), ring[(at + 1) % ring.len()].clone());
    let recovery = (0..ring.len()).find(|&at| {
        let (from, to) = pair(&ring, at);
        link(view, &from, &to) == Link::ToRecover
    });
    ring.rotate_left(recovery.unwrap_or(0));
    let edges: Vec<(Id, Id)> = (0..ring.len()).map(|at| pair(&ring, at)).collect();
    let needed = |(_, to): &(Id, Id)| view.the(to);
    let sentence = match edges.as_slice() {
        [first, (from, to)] if link(view, from, to) == Link::StandsOn => {
            let stands = needed(first);
            let lives = if is_plural(&stands) { "live" } else { "lives" };
            format!(
                "to bring {} back you need {stands}, and {stands} {lives} on {}",
                view.the(&first.0),
                view.the(to)
            )
        }
        [first, rest @ ..] => {
            let chain: String =
                rest.iter().map(|edge| format!(", for which you need {}", needed(edge))).collect();
            format!("to bring {} back you need {}{chain}", view.the(&first.0), needed(first))
        }
        [] => String::new(),
    };
    let others = ring.len().saturating_sub(1) as u64;
    let short = if others == 1 {
        "in a loop of two".to_owned()
    } else {
        format!("in a loop of {}", words::count(others + 1))
    };
    MapFinding { critical: true, components: ring, edges, sentence, short }
}

/// Whether a name's main word is a plural: "passwords of the servers".
fn is_plural(name: &str) -> bool {
    let main = name.split(" of ").next().unwrap_or(name);
    let word = main.rsplit(' ').next().unwrap_or(main);
    word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us")
}

#[derive(PartialEq)]
enum Link {
    StandsOn,
    ToRun,
    ToRecover,
}

fn link(view: &View<'_>, from: &Id, to: &Id) -> Link {
    let Some(component) = view.map.components.get(from) else { return Link::ToRun };
    if component.foundations().any(|id| id == to) {
        Link::StandsOn
    } else if needs_to_run(component).any(|id| id == to) {
        Link::ToRun
    } else {
        Link::ToRecover
    }
}

fn needs_to_run(component: &Component) -> impl Iterator<Item = &Id> {
    component.common.needs.iter().flat_map(|need| need.ids())
}

/// Life-safety functions that one failure stops; one finding for each.
pub(super) fn single_points(view: &View<'_>) -> Vec<MapFinding> {
    let functions = view.map.components.values().filter(|component| {
        matches!(&component.details, Details::Function(function) if function.life_safety)
    });
    functions
        .filter_map(|function| {
            let kind = |id: &Id| view.map.components.get(id).map(|component| component.kind);
            let can_fail =
                |id: &Id| !matches!(kind(id), None | Some(Kind::Function | Kind::Service));
            let mut points = graph::single_points(view.map, &function.id);
            points.retain(|id| *id != function.id && can_fail(id));
            let count = points.len() as u64;
            let sentence = match count {
                0 => return None,
                1 => format!(
                    "one failure stops {}: that of {}",
                    view.the(&function.id),
                    view.list(&points)
                ),
                _ => format!(
                    "any one of {} failures stops {}: that of {}",
                    words::count(count),
                    view.the(&function.id),
                    view.list(&points)
                ),
            };
            Some(MapFinding {
                critical: false,
                components: vec![function.id.clone()],
                edges: Vec::new(),
                sentence,
                short: words::counted(count, "single point") + " of failure",
            })
        })
        .collect()
}
