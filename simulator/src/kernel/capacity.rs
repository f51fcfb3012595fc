//! Capacity of every component, kept up to date as things fall and return.
use evenkeel_config::record::Cause;

use super::chain::Label;
use super::{Change, Entry, Event, Grave, Switch, Trial, work};
use crate::model::{Expr, NONE, ONE, flag};

/// A mark of a component: something that it hangs on has changed.
const STALE: u8 = 1;
/// A mark of a component: it is not as it was before the strike.
const TOUCHED: u8 = 2;

impl Trial<'_> {
    /// Looks at a component again, and at all who hang on it.
    #[inline]
    pub(super) fn touch(&mut self, node: u32, why: u32) {
        let mark = &mut self.marks[node as usize];
        if *mark & TOUCHED == 0 {
            self.touched.push(node);
        }
        *mark |= TOUCHED | STALE;
        self.dirty.push((node, why));
    }

    /// Works through all components that may have changed. Each event moves
    /// capacities in one direction only, so falls end in the greatest fixed
    /// point below and rises in the least one above: a run-cycle that went
    /// down as a whole does not lift itself.
    pub(super) fn settle(&mut self) {
        let mut next = 0;
        while let Some((node, why)) = self.dirty.get(next).copied() {
            next += 1;
            // Nothing it hangs on has changed since it was looked at last: one
            // blow touches a component by many ways. (Where a fail-over leads
            // to is not followed by edges, so those are always looked at.)
            let fresh = self.marks[node as usize] & STALE == 0;
            if fresh && self.model.lean.flags[node as usize] & flag::FAILOVER == 0 {
                continue;
            }
            self.marks[node as usize] &= !STALE;
            self.recompute(node, why);
        }
        self.dirty.clear();
    }

    fn own_capacity(&self, node: u32, flags: u8) -> i32 {
        let own = self.own[node as usize];
        if flags & flag::ABSENT != 0 || own.outages > 0 {
            return 0;
        }
        let base = match own.grave {
            Grave::Whole => ONE,
            Grave::Degraded => own.partial,
            Grave::Down | Grave::Suspect | Grave::Lost => {
                if flags & flag::FLEET != 0 {
                    own.partial
                } else {
                    0
                }
            }
        };
        if own.brownouts > 0 { base.min(own.brownout) } else { base }
    }

    fn recompute(&mut self, node: u32, why: u32) {
        let index = node as usize;
        let lean = &self.model.lean;
        let flags = lean.flags[index];
        let own = self.own_capacity(node, flags);
        let (mut ground, mut standing) = (own, own);
        for (below, stands) in lean.below.row(node) {
            let capacity = self.capacity[*below as usize];
            ground = ground.min(if *stands { capacity } else { self.ground[*below as usize] });
            standing = standing.min(capacity);
        }
        if flags & flag::FAILOVER != 0 {
            standing = standing.max(self.failed_over(node));
        }
        let mut raw = self.with_suppliers(node, standing);
        for need in lean.rest.row(node) {
            if raw == 0 {
                break;
            }
            raw = raw.min(self.evaluate(node, need));
        }
        let capacity =
            if flags & flag::START != 0 { self.through_start(node, raw, why) } else { raw };
        if ground == 0 && self.launched && flags & flag::FAILOVER != 0 {
            self.try_failover(node, why);
        }
        let (ground_before, before) = (self.ground[index], self.capacity[index]);
        if ground == ground_before && capacity == before {
            return;
        }
        if capacity > before || ground > ground_before {
            self.why[index] = why;
            self.watch.rose(node);
        }
        self.ground[index] = ground;
        if capacity != before {
            self.note(Entry::Capacity { node, before, after: capacity });
            self.capacity[index] = capacity;
            self.record(node, why);
            if flags & flag::HELD != 0 {
                self.notice_late(node, why);
            }
        }
        self.changed = true;
        if capacity == 0 && before > 0 {
            self.cut_flows(node);
        }
        let above = self.model.lean.above.row(node);
        work::add(above.len() as u64);
        for dependent in above {
            self.touch(*dependent, why);
        }
    }

    /// What is left of a capacity by a component's plain suppliers. The search
    /// goes on where it found one that is down the last time, so that a
    /// component with a thousand suppliers does not look at all of them each
    /// time that one of them rises.
    fn with_suppliers(&mut self, node: u32, mut raw: i32) -> i32 {
        let suppliers = self.model.lean.plain.row(node);
        if raw == 0 || suppliers.is_empty() {
            return raw;
        }
        let from = self.found_down[node as usize] as usize;
        let (before, after) = suppliers.split_at(from);
        for (first, part) in [(from, after), (0, before)] {
            for (place, supplier) in (first..).zip(part) {
                work::add(1);
                let capacity = self.capacity[*supplier as usize];
                if capacity == 0 {
                    self.found_down[node as usize] = place as u32;
                    return 0;
                }
                raw = raw.min(capacity);
            }
        }
        raw
    }

    /// What a component has by its fail-over.
    fn failed_over(&self, node: u32) -> i32 {
        match (self.switch[node as usize], &self.model.nodes[node as usize].failover) {
            (Switch::Active, Some(failover)) => {
                let other = failover.to.map_or(ONE, |to| self.capacity[to as usize]);
                failover.capacity.min(other)
            }
            _ => 0,
        }
    }

    fn record(&mut self, node: u32, why: u32) {
        let slot = self.tracked[node as usize];
        if slot == NONE {
            return;
        }
        let change = Change { at: self.now, capacity: self.capacity[node as usize], why };
        let history = &mut self.history[slot as usize];
        match history.last_mut() {
            Some(last) if last.at == self.now => {
                // Only a rise names its cause; a dip within one instant is none.
                let why = if change.capacity > last.capacity { why } else { last.why };
                *last = Change { why, ..change };
            }
            _ => history.push(change),
        }
    }

    /// Edges with hold-up see a rise at once and a fall later, unless it is
    /// back by then.
    fn notice_late(&mut self, node: u32, why: u32) {
        let model = self.model;
        for edge in &model.nodes[node as usize].held_edges {
            let number = *edge as usize;
            let capacity = self.capacity[node as usize];
            if capacity >= self.seen[number] {
                self.seen[number] = capacity;
                self.edge_generation[number] += 1;
                self.edge_pending[number] = false;
                self.touch(model.edges[number].from, why);
            } else if !self.edge_pending[number] {
                self.edge_pending[number] = true;
                let generation = self.edge_generation[number];
                let at = self.now + model.edges[number].hold_up;
                self.at(at, Event::EdgeFall { edge: *edge, generation });
            }
        }
    }

    pub(super) fn on_edge_fall(&mut self, edge: u32, generation: u32) {
        let number = edge as usize;
        if self.edge_generation[number] != generation || !self.edge_pending[number] {
            return;
        }
        self.edge_pending[number] = false;
        let edge = &self.model.edges[number];
        self.seen[number] = self.capacity[edge.to as usize];
        self.touch(edge.from, self.why[edge.to as usize]);
    }

    /// Holds a component back while it starts up.
    fn through_start(&mut self, node: u32, raw: i32, why: u32) -> i32 {
        let index = node as usize;
        let Some(start) = &self.model.nodes[index].start else { return raw };
        if raw == 0 {
            let state = &mut self.start_up[index];
            state.started = false;
            state.pending = false;
            state.generation += 1;
            return 0;
        }
        if self.start_up[index].started {
            return raw;
        }
        if !self.start_up[index].pending {
            let takes = self.draw(start, self.start_up[index].count);
            let state = &mut self.start_up[index];
            state.pending = true;
            state.count += 1;
            let generation = state.generation;
            self.why[index] = why;
            self.at(self.now + takes, Event::Started { node, generation });
        }
        0
    }

    pub(super) fn on_started(&mut self, node: u32, generation: u32) {
        let index = node as usize;
        if self.start_up[index].generation != generation {
            return;
        }
        self.start_up[index].started = true;
        self.start_up[index].pending = false;
        let label = Label { cause: Cause::Start, component: node, step: NONE, source: NONE };
        let why = self.chain.add(self.now, self.why[index], label);
        self.touch(node, why);
    }

    /// The capacity that a need of `from` gives.
    pub(super) fn evaluate(&self, from: u32, need: &Expr) -> i32 {
        match need {
            Expr::Edge(number) => {
                let edge = &self.model.edges[*number as usize];
                if edge.in_cycle && self.glass_broken[from as usize] {
                    return ONE;
                }
                let supplier = if edge.hold_up > 0 {
                    self.seen[*number as usize]
                } else {
                    self.capacity[edge.to as usize]
                };
                supplier.max(edge.floor)
            }
            Expr::All(parts) => {
                parts.iter().map(|part| self.evaluate(from, part)).min().unwrap_or(ONE)
            }
            Expr::Any(parts) => {
                parts.iter().map(|part| self.evaluate(from, part)).max().unwrap_or(ONE)
            }
            Expr::AtLeast(k, parts) => {
                let mut all: Vec<i32> =
                    parts.iter().map(|part| self.evaluate(from, part)).collect();
                all.sort_unstable_by(|a, b| b.cmp(a));
                all.get(k.saturating_sub(1)).copied().unwrap_or(ONE)
            }
        }
    }

    /// The first component by which a need is not met.
    pub(super) fn blocker(&self, from: u32, need: &Expr) -> Option<u32> {
        if self.evaluate(from, need) > 0 {
            return None;
        }
        match need {
            Expr::Edge(edge) => Some(self.model.edges[*edge as usize].to),
            Expr::All(parts) | Expr::Any(parts) | Expr::AtLeast(_, parts) => {
                parts.iter().find_map(|part| self.blocker(from, part))
            }
        }
    }
}
