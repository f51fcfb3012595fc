//! Struck alternatives in line: each recovers once those before it are done, or cannot be.
use evenkeel_config::record::Cause;

use super::chain::{Label, ROOT};
use super::jobs::Stage;
use super::{Entry, Grave, Switch, Trial};
use crate::model::NONE;

impl Trial<'_> {
    /// Whether a component has to wait for its turn; then it stands in line.
    pub(super) fn stands_in_line(&mut self, node: u32, why: u32) -> bool {
        let Some(behind) = self.first_before(node) else { return false };
        if !self.in_line.iter().any(|(other, _)| *other == node) {
            self.note(Entry::InLine { node, behind });
            self.in_line.push((node, why));
        }
        true
    }

    /// A component whose recovery is not over and goes before this one's, if
    /// by none of the needs for this one all of those before it are over.
    fn first_before(&self, node: u32) -> Option<u32> {
        let mut lists = self.model.nodes[node as usize].behind.iter();
        let mut behind = None;
        let free = lists.any(|list| {
            let open = list.iter().copied().find(|other| self.recovers(*other));
            behind = behind.or(open);
            open.is_none()
        });
        behind.filter(|_| !free && self.own[node as usize].grave != Grave::Whole)
    }

    /// Whether a component's recovery goes on or is still to come.
    fn recovers(&self, node: u32) -> bool {
        let index = node as usize;
        if self.own[index].grave == Grave::Whole {
            return false;
        }
        match self.jobs[index].stage {
            Stage::Done | Stage::Dead(_) => false,
            Stage::Idle => {
                let covered = |data| self.is_covered(data);
                self.launching
                    || self.switch[index] == Switch::Trying
                    || self.in_line.iter().any(|(other, _)| *other == node)
                    || self.model.nodes[index].dataset.is_some_and(covered)
            }
            _ => true,
        }
    }

    /// Begins the recovery of those whose turn it is; whether there were any.
    pub(super) fn next_in_line(&mut self) -> bool {
        let mut any = false;
        let mut place = 0;
        while let Some((node, why)) = self.in_line.get(place).copied() {
            if self.first_before(node).is_some() {
                place += 1;
                continue;
            }
            self.in_line.remove(place);
            self.follow(node, why);
            any = true;
        }
        any
    }

    /// Nothing else can happen: whoever stands first in line does not wait
    /// any longer for a recovery that is stuck.
    pub(super) fn jump_the_line(&mut self) -> bool {
        if self.in_line.is_empty() {
            return false;
        }
        let (node, why) = self.in_line.remove(0);
        self.follow(node, why);
        self.settle();
        true
    }

    /// Begins a recovery after those before it, whose last one is its cause.
    fn follow(&mut self, node: u32, why: u32) {
        let before = self.model.nodes[node as usize].behind.iter().flatten();
        let ends = before.flat_map(|other| {
            let index = *other as usize;
            [(self.jobs[index].why, *other), (self.why[index], *other)]
        });
        let last = ends
            .filter(|(end, _)| *end != ROOT)
            .max_by_key(|(end, other)| (self.chain.at(*end), std::cmp::Reverse(*other)));
        let (mut cause, component) = match last {
            Some((end, other)) if self.chain.at(end) >= self.chain.at(why) => (end, other),
            _ => (why, node),
        };
        if self.chain.at(cause) < self.now {
            let label = Label { cause: Cause::Wait, component, step: NONE, source: NONE };
            cause = self.chain.add(self.now, cause, label);
        }
        self.begin_recovery(node, cause);
        self.dispatch = true;
    }
}
