//! Closures over the needs to run, and the components that cannot be lost.
use std::collections::{BTreeMap, BTreeSet};

use super::dense::Dense;
use super::edges::{GraphEdge, to_run_edges};
use crate::id::Id;
use crate::map::DependencyMap;

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
    let dense = Dense::of(map);
    let Some(function) = dense.index(function) else { return Vec::new() };
    let users = dense.users(|node| vec![&node.run]);
    let candidates = below(&dense, function);
    candidates
        .into_iter()
        .filter(|candidate| falls(&dense, &users, function, *candidate))
        .map(|index| dense.ids[index].clone())
        .collect()
}

/// Everything that a component needs to run, by number and in order; not itself.
fn below(dense: &Dense<'_>, start: usize) -> Vec<usize> {
    let mut seen = vec![false; dense.nodes.len()];
    let mut open = vec![start];
    while let Some(index) = open.pop() {
        dense.nodes[index].run.each(&mut |used| {
            if !seen[used] {
                seen[used] = true;
                open.push(used);
            }
        });
    }
    seen[start] = false;
    (0..seen.len()).filter(|index| seen[*index]).collect()
}

/// Whether the function falls when `lost` does, by letting the loss spread.
fn falls(dense: &Dense<'_>, users: &[Vec<usize>], function: usize, lost: usize) -> bool {
    let mut up = vec![true; dense.nodes.len()];
    up[lost] = false;
    let mut open = vec![lost];
    while let Some(index) = open.pop() {
        for user in &users[index] {
            if up[*user] && !dense.nodes[*user].run.holds(&up) {
                if *user == function {
                    return true;
                }
                up[*user] = false;
                open.push(*user);
            }
        }
    }
    false
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
