//! Jobs: a component's recovery steps (or the phases, or a fail-over), one after the other.
use evenkeel_config::map::OnFailure;
use evenkeel_config::record::Cause;

use super::chain::{Label, ROOT};
use super::restore::Snapshot;
use super::{Event, Grave, Switch, Trial};
use crate::model::{Expr, NONE, Step};

/// A step that did not work this often is given up.
const MOST_ATTEMPTS: u32 = 1000;

/// Where a job stands within its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stage {
    /// Not begun.
    #[default]
    Idle,
    /// Something must be up or at hand first.
    Gated,
    /// Ordered, not yet here.
    Lead,
    /// The vendor has been called.
    Vendor,
    /// For people.
    Waiting,
    /// Hands-on work that nobody in particular does.
    Working,
    /// The best copy is not up.
    CopyWait,
    /// Data is coming back.
    Transfer,
    /// Elapsed time after the work.
    Pause,
    /// All steps are done.
    Done,
    /// It does not come back.
    Dead(Dead),
}

/// Why a job ended without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dead {
    NoSteps,
    NoCopy,
    GaveUp,
}

/// The recovery of one component.
#[derive(Debug, Clone, Default)]
pub(super) struct Job<'m> {
    pub(super) steps: &'m [u32],
    pub(super) position: usize,
    pub(super) attempt: u32,
    pub(super) stage: Stage,
    pub(super) generation: u32,
    /// The event that released the current piece.
    pub(super) why: u32,
    /// Parts of a fleet's step: how many, begun, done.
    pub(super) units: (u32, u32, u32),
    pub(super) held: Vec<u32>,
    /// Per chain, only snapshots older than this are still candidates.
    pub(super) bounds: Vec<i64>,
    pub(super) snapshot: Option<Snapshot>,
}

impl Job<'_> {
    pub(super) fn clear(&mut self) {
        self.steps = &[];
        (self.position, self.attempt, self.why) = (0, 0, ROOT);
        self.stage = Stage::Idle;
        self.generation = 0;
        self.units = (0, 0, 0);
        self.held.clear();
        self.bounds.clear();
        self.snapshot = None;
    }
}

impl<'m> Trial<'m> {
    pub(super) fn step_of(&self, job: u32) -> Option<&'m Step> {
        let job = &self.jobs[job as usize];
        job.steps.get(job.position).map(|step| &self.model.steps[*step as usize])
    }

    pub(super) fn step_number(&self, job: u32) -> u32 {
        let job = &self.jobs[job as usize];
        job.steps.get(job.position).copied().unwrap_or(NONE)
    }

    fn phases_job(&self) -> u32 {
        2 * self.model.nodes.len() as u32
    }

    pub(super) fn begin_phases(&mut self) {
        let job = self.phases_job();
        self.jobs[job as usize].steps = &self.model.phases;
        self.enter(job);
        self.settle();
    }

    /// Recovery may begin: everything that needs it starts.
    fn launch_all(&mut self, why: u32) {
        self.launched = true;
        let nodes = self.model.nodes.len() as u32;
        let is_data = |this: &Self, node: u32| this.model.nodes[node as usize].dataset.is_some();
        // Data after the rest, so that it is known who restores it.
        for data in [false, true] {
            for node in 0..nodes {
                if is_data(self, node) == data {
                    self.launch(node, why);
                }
            }
        }
        self.dispatch = true;
    }

    /// Begins what brings a component back: the fail-over first, then its steps.
    pub(super) fn launch(&mut self, node: u32, why: u32) {
        let compiled = &self.model.nodes[node as usize];
        if compiled.failover.is_some() && self.ground[node as usize] == 0 {
            self.try_failover(node, why);
            if self.switch[node as usize] == Switch::Trying {
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
        self.jobs[node as usize].steps = steps;
        self.jobs[node as usize].position = 0;
        self.jobs[node as usize].why = why;
        if steps.is_empty() {
            self.jobs[node as usize].stage = Stage::Dead(Dead::NoSteps);
        } else {
            self.enter(node);
        }
    }

    fn steps_for(&self, node: u32) -> &'m [u32] {
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
    fn is_covered(&self, dataset: u32) -> bool {
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
        if self.switch[node as usize] != Switch::Untried || !self.launched {
            return;
        }
        if failover.to.is_some_and(|to| self.capacity[to as usize] == 0) {
            self.switch[node as usize] = Switch::Failed;
            return;
        }
        self.switch[node as usize] = Switch::Trying;
        let job = model.nodes.len() as u32 + node;
        self.jobs[job as usize].steps = std::slice::from_ref(&failover.step);
        self.jobs[job as usize].why = why;
        self.enter(job);
    }

    /// Abandons a component's job, because a graver blow fell.
    pub(super) fn cancel(&mut self, node: u32) {
        let job = &mut self.jobs[node as usize];
        job.generation += 1;
        job.stage = Stage::Idle;
        job.units = (0, 0, 0);
        let held = std::mem::take(&mut job.held);
        self.release(&held);
        self.drop_shifts(node);
        self.flows_of_job_end(node);
        self.gated.retain(|other| *other != node);
        self.waiting.retain(|other| *other != node);
    }

    /// Begins the step at the job's position.
    pub(super) fn enter(&mut self, job: u32) {
        loop {
            let Some(step) = self.step_of(job) else {
                self.complete(job);
                return;
            };
            let needless = step.dataset.is_some_and(|dataset| {
                let node = self.model.datasets[dataset as usize].node;
                self.own[node as usize].grave < Grave::Suspect
            });
            let attempt = self.jobs[job as usize].attempt;
            let happens = self.luck.happens(step.probability, step.success_key, attempt);
            if !needless && happens {
                break;
            }
            self.jobs[job as usize].position += 1;
        }
        let state = &mut self.jobs[job as usize];
        state.units = (0, 0, 0);
        state.bounds.clear();
        state.stage = Stage::Gated;
        if self.gate(job).is_none() {
            self.begin(job);
        } else {
            self.gated.push(job);
        }
    }

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
    fn releaser(&self, job: u32) -> Option<u32> {
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

    fn suppliers(&self, need: &Expr, found: &mut Vec<u32>) {
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

    pub(super) fn label(&self, job: u32, cause: Cause) -> Label {
        let source = self.step_number(job);
        let step = self.step_of(job);
        Label {
            cause,
            component: step.map_or(NONE, |step| step.owner),
            step: step.map_or(NONE, |step| step.name),
            source,
        }
    }

    /// Adds a stretch up to now to a job's chain.
    fn stretch(&mut self, job: u32, label: Label) {
        let why = self.jobs[job as usize].why;
        self.jobs[job as usize].why = self.chain.add(self.now, why, label);
    }

    fn begin(&mut self, job: u32) {
        let Some(step) = self.step_of(job) else { return };
        let attempt = self.jobs[job as usize].attempt;
        let mut lead = step.lead.as_ref();
        if let Some(spare) = step.spare {
            if self.stock[spare as usize] > 0 {
                self.stock[spare as usize] -= 1;
                lead = None;
            } else if let Some((_, Some(own))) = &self.model.nodes[spare as usize].spare {
                lead = Some(own);
            }
        }
        match lead {
            Some(lead) => {
                let takes = self.draw(lead, attempt);
                self.piece(job, Stage::Lead, self.now + takes);
            }
            None => self.call_vendor(job),
        }
    }

    fn piece(&mut self, job: u32, stage: Stage, until: i64) {
        let state = &mut self.jobs[job as usize];
        state.stage = stage;
        let generation = state.generation;
        self.at(until, Event::Piece { job, generation });
    }

    fn call_vendor(&mut self, job: u32) {
        let Some(step) = self.step_of(job) else { return };
        let response = step.vendor.and_then(|vendor| {
            let vendor = &self.model.vendors[vendor as usize];
            let takes = self.draw(vendor.response.as_ref()?, self.jobs[job as usize].attempt);
            let calendar = &self.model.calendars[vendor.hours as usize];
            let end = calendar.add_work(self.strike_at + self.now, takes);
            Some(end.map_or(i64::MAX, |end| end - self.strike_at))
        });
        match response {
            Some(until) => self.piece(job, Stage::Vendor, until),
            None => self.begin_work(job),
        }
    }

    fn begin_work(&mut self, job: u32) {
        let Some(step) = self.step_of(job) else { return };
        if step.crew.is_some() {
            self.await_crew(job);
            return;
        }
        let Some(effort) = &step.effort else {
            self.after_work(job);
            return;
        };
        let mut takes = self.draw(effort, self.jobs[job as usize].attempt);
        if step.each {
            let fleet = self.model.nodes[step.owner as usize].fleet;
            takes = takes.saturating_mul(i64::from(fleet.map_or(1, |fleet| fleet.0)));
        }
        let until = match step.vendor {
            Some(vendor) => {
                let vendor = &self.model.vendors[vendor as usize];
                self.spent += crew_cost(vendor.per_hour, takes);
                let calendar = &self.model.calendars[vendor.hours as usize];
                let end = calendar.add_work(self.strike_at + self.now, takes);
                end.map_or(i64::MAX, |end| end - self.strike_at)
            }
            None => self.now.saturating_add(takes),
        };
        self.piece(job, Stage::Working, until);
    }

    pub(super) fn on_piece(&mut self, job: u32, generation: u32) {
        if self.jobs[job as usize].generation != generation {
            return;
        }
        let Some(step) = self.step_of(job) else { return };
        match self.jobs[job as usize].stage {
            Stage::Lead => {
                let label = self.label(job, Cause::LeadTime);
                self.stretch(job, Label { component: step.spare.unwrap_or(step.owner), ..label });
                self.call_vendor(job);
            }
            Stage::Vendor => {
                let label = self.label(job, Cause::Vendor);
                let vendor = step.vendor.map_or(NONE, |v| self.model.vendors[v as usize].node);
                self.stretch(job, Label { component: vendor, ..label });
                self.begin_work(job);
            }
            Stage::Working => {
                let cause = if step.vendor.is_some() { Cause::Vendor } else { cause_of(step) };
                let vendor = step.vendor.map(|v| self.model.vendors[v as usize].node);
                let label = self.label(job, cause);
                self.stretch(job, Label { component: vendor.unwrap_or(step.owner), ..label });
                self.after_work(job);
            }
            Stage::Pause => {
                let cause = if step.owner == NONE { cause_of(step) } else { Cause::Wait };
                let label = self.label(job, cause);
                self.stretch(job, label);
                self.finish(job);
            }
            _ => {}
        }
    }

    /// After the hands-on work: the restore, if there is one.
    pub(super) fn after_work(&mut self, job: u32) {
        let restores = self.step_of(job).is_some_and(|step| step.dataset.is_some());
        if restores {
            self.begin_restore(job);
        } else {
            self.pause(job);
        }
    }

    pub(super) fn pause(&mut self, job: u32) {
        let Some(step) = self.step_of(job) else { return };
        match &step.wait {
            Some(wait) => {
                let takes = self.draw(wait, self.jobs[job as usize].attempt);
                self.piece(job, Stage::Pause, self.now.saturating_add(takes));
            }
            None => self.finish(job),
        }
    }

    fn finish(&mut self, job: u32) {
        let Some(step) = self.step_of(job) else { return };
        self.spent += step.cost;
        let attempt = self.jobs[job as usize].attempt;
        // A phase's probability is whether it happens, not whether it works.
        let worked =
            step.owner == NONE || self.luck.happens(step.success, step.success_key, attempt);
        if worked {
            self.next(job);
        } else {
            self.failed(job, step.on_failure, Dead::GaveUp);
        }
    }

    fn next(&mut self, job: u32) {
        let state = &mut self.jobs[job as usize];
        state.position += 1;
        self.enter(job);
    }

    pub(super) fn failed(&mut self, job: u32, then: OnFailure, dead: Dead) {
        let state = &mut self.jobs[job as usize];
        state.attempt += 1;
        if state.attempt > MOST_ATTEMPTS || then == OnFailure::GiveUp {
            state.stage = Stage::Dead(dead);
            return;
        }
        match then {
            OnFailure::Retry | OnFailure::GiveUp => self.enter(job),
            OnFailure::Restart => {
                state.position = 0;
                self.enter(job);
            }
            OnFailure::Continue => self.next(job),
        }
    }

    fn complete(&mut self, job: u32) {
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
                // Checked and found whole: nothing was lost.
                self.loss[data as usize] = 0;
            }
            self.own[job as usize].grave = Grave::Whole;
            self.touch(job, why);
        }
    }

    fn switched(&mut self, node: u32, why: u32) {
        let Some(failover) = &self.model.nodes[node as usize].failover else { return };
        let there = failover.to.is_none_or(|to| self.capacity[to as usize] > 0);
        let works = there && self.luck.happens(failover.success, failover.purpose, 0);
        self.switch[node as usize] = if works { Switch::Active } else { Switch::Failed };
        self.touch(node, why);
        if self.own[node as usize].grave != Grave::Whole {
            self.launch(node, why);
        }
    }
}

/// What a step's own time is called.
pub(super) fn cause_of(step: &Step) -> Cause {
    const CAUSES: [Cause; 5] =
        [Cause::Detection, Cause::Declaration, Cause::Hold, Cause::Effort, Cause::Failover];
    CAUSES.into_iter().find(|cause| *cause as u8 == step.cause).unwrap_or(Cause::Effort)
}

/// Money for so much work at so much an hour.
pub(super) fn crew_cost(per_hour: i64, work: i64) -> i64 {
    let cost = i128::from(per_hour) * i128::from(work) / 3_600_000;
    i64::try_from(cost).unwrap_or(i64::MAX)
}
