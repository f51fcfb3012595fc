//! Which job brings a component back, when it begins, and what its end means.
use super::jobs::{Dead, Stage};
use super::{Entry, Grave, Switch, Trial};
use crate::model::{NEVER, flag};

impl<'m> Trial<'m> {
    pub(super) fn phases_job(&self) -> u32 {
        2 * self.model.nodes.len() as u32
    }

    pub(super) fn begin_phases(&mut self) {
        let job = self.phases_job();
        self.use_job(job);
        self.jobs[job as usize].steps = &self.model.phases;
        self.enter(job);
        self.settle();
    }

    /// Notes that a job is begun, so that the next trial clears it.
    fn use_job(&mut self, job: u32) {
        if !std::mem::replace(&mut self.jobs[job as usize].used, true) {
            self.used_jobs.push(job);
        }
    }

    /// Recovery may begin: everything that needs it starts.
    pub(super) fn launch_all(&mut self, why: u32) {
        self.launched = true;
        self.note(Entry::RecoveryBegins);
        // Whatever the blows left alone has nothing to recover from.
        let may_need = |node: &u32| {
            self.own[*node as usize].grave != Grave::Whole
                || self.model.lean.flags[*node as usize] & flag::FAILOVER != 0
        };
        let mut hurt: Vec<u32> = self.touched.iter().copied().filter(may_need).collect();
        hurt.sort_unstable();
        self.launching = true;
        // Data after the rest, so that it is known who restores it.
        for data in [false, true] {
            for node in &hurt {
                if self.model.nodes[*node as usize].dataset.is_some() == data {
                    self.launch(*node, why);
                }
            }
        }
        self.launching = false;
        self.dispatch = true;
    }

    /// Begins what brings a component back: the fail-over first, then its steps.
    pub(super) fn launch(&mut self, node: u32, why: u32) {
        let compiled = &self.model.nodes[node as usize];
        if !compiled.behind.is_empty() && self.stands_in_line(node, why) {
            return;
        }
        self.begin_recovery(node, why);
    }

    /// Begins it, whoever else is at it.
    pub(super) fn begin_recovery(&mut self, node: u32, why: u32) {
        let compiled = &self.model.nodes[node as usize];
        if compiled.failover.is_some() && self.ground[node as usize] == 0 {
            self.try_failover(node, why);
            let beside = compiled.failover.as_ref().is_some_and(|failover| failover.parallel);
            if self.switch[node as usize] == Switch::Trying && !beside {
                return;
            }
        }
        if self.own[node as usize].grave == Grave::Whole {
            return;
        }
        if compiled.dataset.is_some_and(|dataset| self.is_covered(dataset)) {
            return;
        }
        let steps = self.steps_for(node);
        self.use_job(node);
        self.jobs[node as usize].steps = steps;
        self.jobs[node as usize].position = 0;
        self.jobs[node as usize].why = why;
        if steps.is_empty() {
            self.note(Entry::NoSteps { node });
            self.jobs[node as usize].stage = Stage::Dead(Dead::NoSteps);
        } else {
            self.enter(node);
        }
    }

    pub(super) fn steps_for(&self, node: u32) -> &'m [u32] {
        let compiled = &self.model.nodes[node as usize];
        let restored = || match compiled.dataset {
            Some(dataset) => self.model.datasets[dataset as usize].own_steps.as_slice(),
            None => compiled.recover.as_slice(),
        };
        match self.own[node as usize].grave {
            Grave::Whole => &[],
            Grave::Lost => restored(),
            Grave::Suspect if compiled.clear.is_empty() && compiled.dataset.is_some() => restored(),
            Grave::Suspect => &compiled.clear,
            Grave::Degraded | Grave::Down if compiled.repair.is_empty() => &compiled.recover,
            Grave::Degraded | Grave::Down => &compiled.repair,
        }
    }

    /// Whether another component's recovery is going to restore a data set.
    pub(super) fn is_covered(&self, dataset: u32) -> bool {
        self.model.datasets[dataset as usize].named_by.iter().any(|step| {
            let owner = self.model.steps[*step as usize].owner;
            let job = &self.jobs[owner as usize];
            let place = self.steps_for(owner).iter().position(|other| other == step);
            place.is_some_and(|place| !job.is_over() && job.position <= place)
        })
    }

    pub(super) fn try_failover(&mut self, node: u32, why: u32) {
        let model = self.model;
        let Some(failover) = &model.nodes[node as usize].failover else { return };
        let waits = self.in_line.iter().any(|(other, _)| *other == node);
        if self.switch[node as usize] != Switch::Untried || !self.launched || waits {
            return;
        }
        if failover.to.is_some_and(|to| self.capacity[to as usize] == 0) {
            self.note(Entry::FailoverEnded { node, works: false });
            self.switch[node as usize] = Switch::Failed;
            return;
        }
        self.note(Entry::FailoverBegins { node });
        self.switch[node as usize] = Switch::Trying;
        let job = model.nodes.len() as u32 + node;
        self.use_job(job);
        self.jobs[job as usize].steps = std::slice::from_ref(&failover.step);
        self.jobs[job as usize].why = why;
        self.enter(job);
    }

    /// Abandons a component's job, because a graver blow fell.
    pub(super) fn cancel(&mut self, node: u32) {
        let job = &mut self.jobs[node as usize];
        if job.stage == Stage::Idle {
            return;
        }
        job.generation += 1;
        job.stage = Stage::Idle;
        job.carrier = None;
        job.units = (0, 0, 0);
        let held = std::mem::take(&mut job.held);
        self.release(&held);
        self.drop_shifts(node);
        self.flows_of_job_end(node);
        self.leave_queues(node);
        self.jobs[node as usize].ticket = 0;
    }

    pub(super) fn complete(&mut self, job: u32) {
        let nodes = self.model.nodes.len() as u32;
        let why = self.jobs[job as usize].why;
        self.jobs[job as usize].stage = Stage::Done;
        if job == 2 * nodes {
            self.launch_all(why);
        } else if job >= nodes {
            self.switched(job - nodes, why);
        } else {
            let steps = self.jobs[job as usize].steps;
            let glass = steps.iter().any(|step| self.model.steps[*step as usize].break_glass);
            self.glass_broken[job as usize] |= glass;
            let compiled = &self.model.nodes[job as usize];
            if let Some(data) = compiled.dataset.filter(|_| steps == compiled.clear.as_slice()) {
                // Checked and found whole: nothing was lost, unless it had come
                // back from an older copy before.
                let loss = &mut self.loss[data as usize];
                *loss = if *loss == NEVER { 0 } else { *loss };
            }
            self.note(Entry::Whole { node: job });
            self.own[job as usize].grave = Grave::Whole;
            self.await_intruder(job, why);
            self.touch(job, why);
        }
    }

    pub(super) fn switched(&mut self, node: u32, why: u32) {
        let Some(failover) = &self.model.nodes[node as usize].failover else { return };
        let there = failover.to.is_none_or(|to| self.capacity[to as usize] > 0);
        let works = there && self.luck.happens(failover.success, failover.purpose, 0);
        self.note(Entry::FailoverEnded { node, works });
        self.switch[node as usize] = if works { Switch::Active } else { Switch::Failed };
        self.touch(node, why);
        if !failover.parallel && self.own[node as usize].grave != Grave::Whole {
            self.launch(node, why);
        }
    }
}
