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

    /// Looks at all gates again after something changed.
    pub(super) fn open_gates(&mut self) {
        let mut index = 0;
        while index < self.gated.len() {
            let job = self.gated[index];
            let copy_wait = self.jobs[job as usize].stage == Stage::CopyWait;
            let open = if copy_wait { self.copy_is_ready(job) } else { self.gate(job).is_none() };
            if !open {
                index += 1;
                continue;
            }
            self.gated.remove(index);
            match self.releaser(job) {
                Some(why) => self.jobs[job as usize].why = why,
                None => self.catch_up(job),
            }
            if copy_wait {
                self.begin_restore(job);
            } else {
                self.begin(job);
            }
        }
    }

    /// The event at this instant that opened a job's gate: the rise of something
    /// it waited for.
    pub(super) fn releaser(&self, job: u32) -> Option<u32> {
        let step = self.step_of(job)?;
        let mut awaited: Vec<u32> = step.ground.clone();
        for gate in &step.gates {
            self.suppliers(gate, &mut awaited);
        }
        awaited.extend(step.vendor.map(|vendor| self.model.vendors[vendor as usize].node));
        if self.jobs[job as usize].stage == Stage::CopyWait {
            awaited = self.awaited_path(job);
        }
        awaited
            .into_iter()
            .filter(|node| self.capacity[*node as usize] > 0 || self.ground[*node as usize] > 0)
            .map(|node| self.why[node as usize])
            .find(|why| self.chain.at(*why) == self.now && *why != ROOT)
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
