//! Loops: components that wait for each other and would never come back.
use super::{Judge, path};
use crate::graph;
use crate::id::Id;

pub(super) fn check(judge: &mut Judge<'_>) {
    let map = judge.map;
    for ring in graph::recovery_cycles(map) {
        let Some(first) = ring.first().and_then(|id| map.components.get(id)) else { continue };
        let what = format!("to be brought back they need each other: {}", shown(&ring));
        let hint = "mark a step with `break_glass = true` that works without the others, such as a \
                    printed password or a copy of the key elsewhere";
        judge.warning(&format!("{}.recover_needs", path(first)), what, hint);
    }
}

/// `a -> b -> a`.
fn shown(ring: &[Id]) -> String {
    let around = ring.iter().chain(ring.first());
    around.map(Id::as_str).collect::<Vec<_>>().join(" -> ")
}
