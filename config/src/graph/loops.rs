//! Circles: components that wait for each other after everything went down.
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

use super::reach::{met, runs};
use crate::id::Id;
use crate::map::{Component, DependencyMap, Need};

/// Circles that pass through a need to recover: after a cold start none of
/// their members comes back, since no step on them is marked `break_glass` and
/// no alternative helps. Each circle is the shortest of its knot, beginning
/// with the component whose recovery waits; sorted.
///
/// An example: the recovery of `hv-1` needs `vault`, and `vault` runs on `hv-1`.
pub fn recovery_cycles(map: &DependencyMap) -> Vec<Vec<Id>> {
    knots(map).into_iter().filter(|knot| knot.through_recovery).map(|knot| knot.ring).collect()
}

/// Circles of needs to run alone: each member starts only after another, so
/// that after a cold start one of them needs a step marked `break_glass`.
pub fn run_cycles(map: &DependencyMap) -> Vec<Vec<Id>> {
    knots(map).into_iter().filter(|knot| !knot.through_recovery).map(|knot| knot.ring).collect()
}

struct Knot {
    through_recovery: bool,
    ring: Vec<Id>,
}

fn knots(map: &DependencyMap) -> Vec<Knot> {
    let stuck = stuck(map);
    let components = stuck.iter().filter_map(|id| map.components.get(*id));
    let graph: Waiting =
        components.map(|component| (&component.id, waits(map, component, &stuck))).collect();
    let mut knots: Vec<Knot> =
        knotted(&graph).iter().filter_map(|members| knot(&graph, members)).collect();
    knots.sort_by(|a, b| a.ring.cmp(&b.ring));
    knots
}

/// Who waits for whom, and why.
type Waiting<'a> = BTreeMap<&'a Id, BTreeMap<&'a Id, Waits>>;

/// Sets of components each of which waits for each other one.
fn knotted<'a>(graph: &Waiting<'a>) -> Vec<BTreeSet<&'a Id>> {
    let mut plain: DiGraph<&Id, ()> = DiGraph::new();
    let nodes: BTreeMap<&Id, _> = graph.keys().map(|id| (*id, plain.add_node(*id))).collect();
    for (from, waits) in graph {
        for to in waits.keys() {
            plain.add_edge(nodes[from], nodes[to], ());
        }
    }
    let members = |nodes: Vec<_>| nodes.into_iter().map(|node| plain[node]).collect();
    kosaraju_scc(&plain).into_iter().map(members).collect()
}

/// Why one component waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Waits {
    ToRun,
    ToRecover,
}

/// Components that never come back when everything went down: the complement
/// of the least set that is closed under "can be recovered and can run".
fn stuck(map: &DependencyMap) -> BTreeSet<&Id> {
    let mut stuck: BTreeSet<&Id> = map.components.keys().collect();
    loop {
        let back: Vec<&Id> = stuck
            .iter()
            .copied()
            .filter(|id| map.components.get(*id).is_some_and(|c| comes_back(map, c, &stuck)))
            .collect();
        if back.is_empty() {
            return stuck;
        }
        for id in back {
            stuck.remove(id);
        }
    }
}

fn comes_back(map: &DependencyMap, component: &Component, stuck: &BTreeSet<&Id>) -> bool {
    let up = |id: &Id| !stuck.contains(id);
    if has_break_glass(component) {
        return component.foundations().all(up);
    }
    runs(map, component, &up) && recovery_needs(component).all(|need| met(need, &up))
}

fn has_break_glass(component: &Component) -> bool {
    component.common.step_lists().iter().flat_map(|(_, steps)| *steps).any(|step| step.break_glass)
}

fn recovery_needs(component: &Component) -> impl Iterator<Item = &Need> {
    let steps = component.common.step_lists().into_iter().flat_map(|(_, steps)| steps);
    component.common.recover_needs.iter().chain(steps.flat_map(|step| &step.needs))
}

/// For which stuck components a stuck one waits.
fn waits<'a>(
    map: &'a DependencyMap,
    component: &'a Component,
    stuck: &BTreeSet<&'a Id>,
) -> BTreeMap<&'a Id, Waits> {
    let mut waits = BTreeMap::new();
    let up = |id: &Id| !stuck.contains(id);
    let mut add = |id: &'a Id, why: Waits| {
        if stuck.contains(id) {
            waits
                .entry(id)
                .and_modify(|before: &mut Waits| *before = why.max(*before))
                .or_insert(why);
        }
    };
    for reference in super::edges::run_targets(map, component) {
        add(reference, Waits::ToRun);
    }
    if !has_break_glass(component) {
        for need in recovery_needs(component).filter(|need| !met(need, &up)) {
            for id in need.ids() {
                add(id, Waits::ToRecover);
            }
        }
    }
    waits
}

fn knot(graph: &Waiting<'_>, members: &BTreeSet<&Id>) -> Option<Knot> {
    let inside = members.iter().flat_map(|from| {
        let waits = graph.get(from).into_iter().flatten();
        waits.filter(|(to, _)| members.contains(*to)).map(|(to, why)| (Reverse(*why), *from, *to))
    });
    let (Reverse(why), from, to) = inside.min()?;
    let mut ring = vec![from.clone()];
    ring.extend(way(graph, members, to, from)?.into_iter().cloned());
    Some(Knot { through_recovery: why == Waits::ToRecover, ring })
}

/// The shortest way between two members of a knot, without its end.
fn way<'a>(
    graph: &Waiting<'a>,
    members: &BTreeSet<&'a Id>,
    start: &'a Id,
    end: &'a Id,
) -> Option<Vec<&'a Id>> {
    let mut before: BTreeMap<&Id, &Id> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(id) = open.pop_front() {
        if id == end {
            break;
        }
        for next in graph.get(id)?.keys().filter(|next| members.contains(*next)) {
            if *next != start && !before.contains_key(next) {
                before.insert(next, id);
                open.push_back(next);
            }
        }
    }
    let mut way = Vec::new();
    let mut at = end;
    while at != start {
        at = before.get(at).copied()?;
        way.push(at);
    }
    way.reverse();
    Some(way)
}
