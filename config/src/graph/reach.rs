//! Closures over the needs to run, and the components that cannot be lost.
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::edges::{GraphEdge, to_run_edges};
use crate::id::Id;
use crate::map::{AllOf, AnyOf, AtLeast, Component, DependencyMap, Details, Need};

/// Everything that a component needs to run, directly or through others,
/// alternatives included; not the component itself unless it needs itself.
pub fn needed_by(map: &DependencyMap, component: &Id) -> BTreeSet<Id> {
    let edges = to_run_edges(map);
    closure(component, &neighbours(&edges, |edge| (&edge.from, &edge.to)))
}

/// Everything that needs a component to run, directly or through others.
pub fn dependents(map: &DependencyMap, component: &Id) -> BTreeSet<Id> {
    let edges = to_run_edges(map);
    closure(component, &neighbours(&edges, |edge| (&edge.to, &edge.from)))
}

/// Components whose loss alone takes the function down, people and teams
/// included. An edge with a share below 1 degrades and does not count; a person
/// with a deputy is no single point.
pub fn single_points(map: &DependencyMap, function: &Id) -> Vec<Id> {
    let edges = to_run_edges(map);
    let above = neighbours(&edges, |edge| (&edge.to, &edge.from));
    let candidates = closure(function, &neighbours(&edges, |edge| (&edge.from, &edge.to)));
    candidates
        .into_iter()
        .filter(|candidate| candidate != function && falls(map, function, candidate, &above))
        .collect()
}

/// Who is next to whom.
type Neighbours<'a> = BTreeMap<&'a Id, Vec<&'a Id>>;

fn neighbours<'a>(
    edges: &'a [GraphEdge],
    ends: impl Fn(&'a GraphEdge) -> (&'a Id, &'a Id),
) -> Neighbours<'a> {
    let mut next = Neighbours::new();
    for edge in edges {
        let (from, to) = ends(edge);
        next.entry(from).or_default().push(to);
    }
    next
}

fn closure(start: &Id, next: &Neighbours<'_>) -> BTreeSet<Id> {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        for near in next.get(id).into_iter().flatten() {
            if seen.insert((*near).clone()) {
                open.push(near);
            }
        }
    }
    seen
}

/// Whether the function falls when `lost` does, by letting the loss spread.
fn falls(map: &DependencyMap, function: &Id, lost: &Id, above: &Neighbours<'_>) -> bool {
    let mut down = BTreeSet::from([lost]);
    let mut open = VecDeque::from([lost]);
    while let Some(id) = open.pop_front() {
        for near in above.get(id).into_iter().flatten().copied() {
            if down.contains(near) {
                continue;
            }
            let stands = map
                .components
                .get(near)
                .is_none_or(|component| runs(map, component, &|id| !down.contains(id)));
            if !stands {
                if near == function {
                    return true;
                }
                down.insert(near);
                open.push_back(near);
            }
        }
    }
    false
}

/// Whether everything a component needs to run is there.
pub(super) fn runs(map: &DependencyMap, component: &Component, up: &dyn Fn(&Id) -> bool) -> bool {
    let path = match &component.details {
        Details::Function(function) => function.path.as_slice(),
        _ => &[],
    };
    component.foundations().all(up)
        && component.common.needs.iter().all(|need| met(need, up))
        && path.iter().all(|step| {
            step.who.as_ref().is_none_or(|who| present(map, who, up))
                && step.needs.iter().all(|need| met(need, up))
        })
}

/// Whether a person or the deputy is there.
fn present(map: &DependencyMap, who: &Id, up: &dyn Fn(&Id) -> bool) -> bool {
    let deputy = map.components.get(who).and_then(|who| match &who.details {
        Details::Person(person) => person.deputy.as_ref(),
        _ => None,
    });
    up(who) || deputy.is_some_and(up)
}

/// Whether a need is met, counting a partial share as met.
pub(super) fn met(need: &Need, up: &dyn Fn(&Id) -> bool) -> bool {
    match need {
        Need::Id(id) => up(id),
        Need::Edge(edge) => edge.share.get() < 1.0 || up(&edge.id),
        Need::Any(AnyOf { any }) => any.iter().any(|part| met(part, up)),
        Need::All(AllOf { all }) => all.iter().all(|part| met(part, up)),
        Need::AtLeast(AtLeast { at_least, of }) => {
            of.iter().filter(|part| met(part, up)).count() >= *at_least
        }
    }
}
