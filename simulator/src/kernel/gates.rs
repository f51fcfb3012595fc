//! Gates: what must stand, be up or be at hand before a step starts, and what opened them.
use evenkeel_config::record::Cause;

use super::Trial;
use super::chain::ROOT;
use super::jobs::Stage;
use crate::model::{Expr, NONE};

impl Trial<'_> {
    /// What keeps a job's step from starting.
    pub(super) fn gate(&self, job: u32) -> Option<u32> {
        let step = self.step_of(job)?;
        let stands = |node: &&u32| self.ground[**node as usize] == 0;
        if let Some(node) = step.ground.iter().find(stands) {
            return Some(*node);
        }
        if let Some(vendor) = step.vendor {
            let node = self.model.vendors[vendor as usize].node;
            if self.capacity[node as usize] == 0 {
                return Some(node);
            }
        }
        if step.owner == NONE {
            return None;
        }
        step.gates.iter().find_map(|gate| self.blocker(step.owner, gate))
    }

    /// A component that is down and by which alone a gate stays closed until
    /// it rises; `None` where no such component can be named.
    pub(super) fn gate_blocker(&self, job: u32) -> Option<u32> {
        let step = self.step_of(job)?;
        let on_the_ground =
            step.ground.iter().copied().find(|node| self.ground[*node as usize] == 0);
        let vendor = || {
            let node = self.model.vendors[step.vendor? as usize].node;
            (self.capacity[node as usize] == 0).then_some(node)
        };
        on_the_ground.or_else(vendor).or_else(|| {
            let gated = step.owner != NONE;
            step.gates.iter().filter(|_| gated).find_map(|gate| self.firm_blocker(gate))
        })
    }

    fn firm_blocker(&self, need: &Expr) -> Option<u32> {
        match need {
            Expr::Edge(number) => {
                let edge = &self.model.edges[*number as usize];
                let down = self.capacity[edge.to as usize] == 0;
                (edge.is_plain() && down).then_some(edge.to)
            }
            Expr::All(parts) => parts.iter().find_map(|part| self.firm_blocker(part)),
            Expr::Any(_) | Expr::AtLeast(..) => None,
        }
    }

    /// Whether what a job waits for is there.
    pub(super) fn may_go_on(&self, job: u32) -> bool {
        if self.jobs[job as usize].stage == Stage::CopyWait {
            self.copy_is_ready(job)
        } else {
            self.gate(job).is_none()
        }
    }

    /// Goes on with a job whose gate has opened.
    pub(super) fn go_on(&mut self, job: u32) {
        match self.releaser(job) {
            Some(why) => self.jobs[job as usize].why = why,
            None => self.catch_up(job),
        }
        if self.jobs[job as usize].stage == Stage::CopyWait {
            self.begin_restore(job);
        } else {
            self.begin(job);
        }
    }

    /// The event at this instant that opened a job's gate: the rise of something
    /// it waited for.
    fn releaser(&mut self, job: u32) -> Option<u32> {
        let step = self.step_of(job)?;
        let mut awaited = std::mem::take(&mut self.scratch);
        awaited.clear();
        awaited.extend(&step.ground);
        for gate in &step.gates {
            self.suppliers(gate, &mut awaited);
        }
        awaited.extend(step.vendor.map(|vendor| self.model.vendors[vendor as usize].node));
        if self.jobs[job as usize].stage == Stage::CopyWait {
            awaited = self.awaited_path(job);
        }
        let found = awaited
            .iter()
            .filter(|node| self.capacity[**node as usize] > 0 || self.ground[**node as usize] > 0)
            .map(|node| self.why[*node as usize])
            .find(|why| self.chain.at(*why) == self.now && *why != ROOT);
        self.scratch = awaited;
        found
    }

    pub(super) fn suppliers(&self, need: &Expr, found: &mut Vec<u32>) {
        match need {
            Expr::Edge(edge) => found.push(self.model.edges[*edge as usize].to),
            Expr::All(parts) | Expr::Any(parts) | Expr::AtLeast(_, parts) => {
                for part in parts {
                    self.suppliers(part, found);
                }
            }
        }
    }

    /// Makes sure that a job's chain reaches the present.
    pub(super) fn catch_up(&mut self, job: u32) {
        let why = self.jobs[job as usize].why;
        let label = self.label(job, Cause::Wait);
        self.jobs[job as usize].why = self.chain.add(self.now, why, label);
    }
}
