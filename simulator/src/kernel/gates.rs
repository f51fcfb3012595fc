//! Gates: what must stand, be up or be at hand before a step starts, and what opened them.
use evenkeel_config::record::Cause;

use super::chain::ROOT;
use super::jobs::Stage;
use super::{Trial, work};
use crate::model::{Expr, step_flag};

impl Trial<'_> {
    /// What keeps a job's step from starting.
    pub(super) fn gate(&self, job: u32) -> Option<u32> {
        let step = self.step_number(job);
        let flags = self.model.lean.step_flags.get(step as usize).copied()?;
        let closed = self.plain_blocker(step, flags);
        if closed.is_some() || flags & step_flag::MIXED == 0 {
            return closed;
        }
        let step = &self.model.steps[step as usize];
        step.gates.iter().find_map(|gate| self.blocker(step.owner, gate))
    }

    /// A component that is down and by which alone a gate stays closed until
    /// it rises; `None` where no such component can be named.
    pub(super) fn gate_blocker(&self, job: u32) -> Option<u32> {
        let step = self.step_number(job);
        let flags = self.model.lean.step_flags.get(step as usize).copied()?;
        let closed = self.plain_blocker(step, flags);
        if closed.is_some() || flags & step_flag::MIXED == 0 {
            return closed;
        }
        let gates = &self.model.steps[step as usize].gates;
        gates.iter().find_map(|gate| self.firm_blocker(gate))
    }

    /// The first component that is down of what must stand, the vendor and,
    /// where they are all alike, the gates.
    fn plain_blocker(&self, step: u32, flags: u8) -> Option<u32> {
        let lean = &self.model.lean;
        let sunk = |node: &&u32| {
            work::add(1);
            self.ground[**node as usize] == 0
        };
        let stands = lean.ground.row(step).iter().find(sunk);
        let down = |node: &u32| {
            work::add(1);
            self.capacity[*node as usize] == 0
        };
        let vendor = || self.vendor_of(step, flags).filter(down);
        let gates = || lean.gates.row(step).iter().copied().find(down);
        stands.copied().or_else(vendor).or_else(gates)
    }

    fn vendor_of(&self, step: u32, flags: u8) -> Option<u32> {
        if flags & step_flag::VENDOR == 0 {
            return None;
        }
        let vendor = self.model.steps[step as usize].vendor?;
        Some(self.model.vendors[vendor as usize].node)
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
    fn releaser(&self, job: u32) -> Option<u32> {
        let rose = |node: &u32| {
            let node = *node as usize;
            if self.capacity[node] == 0 && self.ground[node] == 0 {
                return None;
            }
            let why = self.why[node];
            (self.chain.at(why) == self.now && why != ROOT).then_some(why)
        };
        if self.jobs[job as usize].stage == Stage::CopyWait {
            return self.awaited_path(job).iter().find_map(rose);
        }
        let lean = &self.model.lean;
        let number = self.step_number(job);
        let flags = lean.step_flags.get(number as usize).copied()?;
        let vendor = || self.vendor_of(number, flags).as_ref().and_then(rose);
        let ground = lean.ground.row(number).iter().find_map(rose);
        if flags & step_flag::MIXED == 0 {
            return ground.or_else(|| lean.gates.row(number).iter().find_map(rose)).or_else(vendor);
        }
        let mut awaited = Vec::new();
        for gate in &self.model.steps[number as usize].gates {
            self.suppliers(gate, &mut awaited);
        }
        ground.or_else(|| awaited.iter().find_map(rose)).or_else(vendor)
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
