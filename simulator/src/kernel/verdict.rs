//! Why something never came back, found by walking to what holds it.
use std::collections::BTreeSet;

use super::jobs::{Dead, Stage};
use super::{Grave, Trial};
use crate::model::NONE;

/// What kind of reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// No recovery steps are written down.
    NoSteps,
    /// No usable copy of the data is left.
    NoCopy,
    /// A step did not work and the plan gives up there.
    GaveUp,
    /// Nobody who can do a step is there.
    Nobody,
    /// Things wait for each other.
    Circle,
    /// The scenario takes the person away, and nobody stands in.
    Absent,
    /// Not done within the horizon.
    TooLong,
    /// More happened at one instant than can be.
    Deadlock,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::NoSteps,
        Self::NoCopy,
        Self::GaveUp,
        Self::Nobody,
        Self::Circle,
        Self::Absent,
        Self::TooLong,
        Self::Deadlock,
    ];
}

/// A reason: what, which component, which step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason {
    /// What kind.
    pub why: Why,
    /// The component it is about.
    pub node: u32,
    /// The step, as an index into the names.
    pub step: u32,
}

impl Trial<'_> {
    /// Why a component is still not back.
    pub fn reason(&self, node: u32) -> Reason {
        if self.deadlock {
            return Reason { why: Why::Deadlock, node, step: NONE };
        }
        let mut seen = BTreeSet::new();
        self.search(node, &mut seen).unwrap_or(Reason { why: Why::TooLong, node, step: NONE })
    }

    fn search(&self, node: u32, seen: &mut BTreeSet<u32>) -> Option<Reason> {
        if !seen.insert(node) {
            return Some(Reason { why: Why::Circle, node, step: NONE });
        }
        let index = node as usize;
        let compiled = &self.model.nodes[index];
        if compiled.absent {
            return Some(Reason { why: Why::Absent, node, step: NONE });
        }
        if self.own[index].grave != Grave::Whole {
            return Some(self.stuck(node, seen));
        }
        let down = |other: &u32| self.capacity[*other as usize] < self.capacity_wanted();
        let below = compiled.foundations.iter().copied().find(|other| down(other));
        let below = below.or_else(|| {
            compiled
                .needs
                .iter()
                .find_map(|need| self.blocker(node, need).or_else(|| self.weakest(node, need)))
        });
        below.and_then(|other| self.search(other, seen))
    }

    fn capacity_wanted(&self) -> i32 {
        crate::model::ONE
    }

    /// The edge that keeps a need below full.
    fn weakest(&self, from: u32, need: &crate::model::Expr) -> Option<u32> {
        use crate::model::{Expr, ONE};
        if self.evaluate(from, need) == ONE {
            return None;
        }
        match need {
            Expr::Edge(edge) => Some(self.model.edges[*edge as usize].to),
            Expr::All(parts) | Expr::Any(parts) | Expr::AtLeast(_, parts) => {
                parts.iter().find_map(|part| self.weakest(from, part))
            }
        }
    }

    /// What a component's recovery hangs on.
    fn stuck(&self, node: u32, seen: &mut BTreeSet<u32>) -> Reason {
        let mut job = node;
        if let (Stage::Idle, Some(data)) =
            (self.jobs[node as usize].stage, self.model.nodes[node as usize].dataset)
        {
            // Another component's recovery was going to restore it.
            let named = self.model.datasets[data as usize].named_by.first();
            job = named.map_or(node, |step| self.model.steps[*step as usize].owner);
        }
        let step = self.step_of(job);
        let name = step.map_or(NONE, |step| step.name);
        let reason = |why| Reason { why, node: job, step: name };
        match self.jobs[job as usize].stage {
            Stage::Dead(Dead::NoSteps) => reason(Why::NoSteps),
            Stage::Dead(Dead::NoCopy) => {
                let data = step.and_then(|step| step.dataset);
                let about = data.map_or(node, |data| self.model.datasets[data as usize].node);
                Reason { why: Why::NoCopy, node: about, step: name }
            }
            Stage::Dead(Dead::GaveUp) => reason(Why::GaveUp),
            Stage::Waiting => reason(self.nobody(job)),
            Stage::Gated => match self.gate(job) {
                Some(other) => self.search(other, seen).unwrap_or(reason(Why::TooLong)),
                None => reason(Why::TooLong),
            },
            Stage::CopyWait => match self.awaited_copy(job) {
                Some(other) => self.search(other, seen).unwrap_or(reason(Why::TooLong)),
                None => reason(Why::NoCopy),
            },
            _ => reason(Why::TooLong),
        }
    }

    fn nobody(&self, job: u32) -> Why {
        let crew = self.step_of(job).and_then(|step| step.crew.as_ref());
        let able = crew.map_or(0, |crew| {
            let everyone = crew.candidates.iter().chain(&crew.deputies);
            everyone.filter(|p| self.people[**p as usize].away_until <= self.model.horizon).count()
        });
        let heads = crew.map_or(1, |crew| crew.heads);
        if able < heads { Why::Nobody } else { Why::TooLong }
    }
}
