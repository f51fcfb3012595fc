//! Circles: components that wait for each other after everything went down.
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

use super::dense::Dense;
use crate::id::Id;
use crate::map::DependencyMap;

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
    let dense = Dense::of(map);
    let graph = waiting(&dense, &back_after_cold_start(&dense));
    let mut plain: DiGraph<usize, ()> = DiGraph::new();
    let nodes: BTreeMap<usize, _> = graph.keys().map(|at| (*at, plain.add_node(*at))).collect();
    for (from, waits) in &graph {
        for to in waits.keys() {
            plain.add_edge(nodes[from], nodes[to], ());
        }
    }
    let mut knots: Vec<Knot> = kosaraju_scc(&plain)
        .iter()
        .map(|members| members.iter().map(|node| plain[*node]).collect())
        .filter_map(|members| knot(&dense, &graph, &members))
        .collect();
    knots.sort_by(|a, b| a.ring.cmp(&b.ring));
    knots
}

/// Why one component waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Waits {
    ToRun,
    ToRecover,
}

/// Who waits for whom, and why.
type Waiting = BTreeMap<usize, BTreeMap<usize, Waits>>;

/// The components that come back when everything went down: the least set that
/// is closed under "its recovery can start, and it can run".
fn back_after_cold_start(dense: &Dense<'_>) -> Vec<bool> {
    let users = dense.users(|node| vec![&node.run, &node.recover]);
    let mut up = vec![false; dense.nodes.len()];
    let mut open: Vec<usize> = (0..up.len()).collect();
    while let Some(index) = open.pop() {
        if up[index] {
            continue;
        }
        let node = &dense.nodes[index];
        let starts = if node.break_glass {
            node.foundations.holds(&up)
        } else {
            node.run.holds(&up) && node.recover.holds(&up)
        };
        if starts {
            up[index] = true;
            open.extend(&users[index]);
        }
    }
    up
}

/// For whom those wait that never come back.
fn waiting(dense: &Dense<'_>, up: &[bool]) -> Waiting {
    let stuck = (0..up.len()).filter(|index| !up[*index]);
    stuck
        .map(|index| {
            let node = &dense.nodes[index];
            let mut waits = BTreeMap::new();
            let run = if node.break_glass { &node.foundations } else { &node.run };
            run.each(&mut |used| {
                waits.insert(used, Waits::ToRun);
            });
            if !node.break_glass {
                node.recover.each(&mut |used| {
                    waits.insert(used, Waits::ToRecover);
                });
            }
            waits.retain(|used, _| !up[*used]);
            (index, waits)
        })
        .collect()
}

/// The shortest circle of a knot through one of its needs to recover, if it has any.
fn knot(dense: &Dense<'_>, graph: &Waiting, members: &BTreeSet<usize>) -> Option<Knot> {
    let inside = members.iter().flat_map(|from| {
        let waits = graph.get(from).into_iter().flatten();
        waits.filter(|(to, _)| members.contains(to)).map(|(to, why)| (Reverse(*why), *from, *to))
    });
    let (Reverse(why), from, to) = inside.min()?;
    let way = way(graph, members, to, from)?;
    let ring = std::iter::once(from).chain(way).map(|index| dense.ids[index].clone()).collect();
    Some(Knot { through_recovery: why == Waits::ToRecover, ring })
}

/// The shortest way between two members of a knot, without its end.
fn way(graph: &Waiting, members: &BTreeSet<usize>, start: usize, end: usize) -> Option<Vec<usize>> {
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(at) = open.pop_front() {
        if at == end {
            break;
        }
        for next in graph.get(&at)?.keys().copied().filter(|next| members.contains(next)) {
            if next != start && !before.contains_key(&next) {
                before.insert(next, at);
                open.push_back(next);
            }
        }
    }
    let mut way = Vec::new();
    let mut at = end;
    while at != start {
        at = before.get(&at).copied()?;
        way.push(at);
    }
    way.reverse();
    Some(way)
}
