//! Jobs: a component's recovery steps (or the phases, or a fail-over), one after the other.
use evenkeel_config::map::OnFailure;
use evenkeel_config::record::Cause;

use super::chain::{Label, ROOT};
use super::restore::Snapshot;
use super::{Entry, Event, Grave, Trial};
use crate::model::{NONE, Step};

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
    /// For the next spare part.
    Spare,
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
    /// Data is entered again, because no copy is left.
    Reentry,
    /// Elapsed time after the work.
    Pause,
    /// Between two steps, or before another attempt.
    Between,
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
    /// The effort of the current step, as drawn.
    pub(super) one: i64,
    pub(super) held: Vec<u32>,
    /// Per chain, only snapshots older than this are still candidates: first
    /// for clean snapshots, then for those that are not.
    pub(super) bounds: Vec<i64>,
    /// What is suspect again some time after this job, since an unclean
    /// snapshot was restored.
    pub(super) carrier: Option<u32>,
    pub(super) snapshot: Option<Snapshot>,
    /// Its ticket while it waits at a gate or in a crew's queue, else 0.
    pub(super) ticket: u32,
    /// Whether it was begun in this trial.
    pub(super) used: bool,
}

impl Job<'_> {
    pub(super) fn clear(&mut self) {
        self.steps = &[];
        (self.position, self.attempt, self.why) = (0, 0, ROOT);
        self.stage = Stage::Idle;
        self.generation = 0;
        self.units = (0, 0, 0);
        self.one = 0;
        self.held.clear();
        self.bounds.clear();
        self.snapshot = None;
        self.ticket = 0;
        self.used = false;
        self.carrier = None;
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
            self.note(Entry::Skipped { step: self.step_number(job) });
            self.jobs[job as usize].position += 1;
        }
        let state = &mut self.jobs[job as usize];
        state.units = (0, 0, 0);
        state.bounds.clear();
        state.stage = Stage::Gated;
        match self.gate(job) {
            None => self.begin(job),
            Some(by) => {
                self.note(Entry::Gated { step: self.step_number(job), by });
                self.wait_at_gate(job);
            }
        }
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
    pub(super) fn stretch(&mut self, job: u32, label: Label) {
        let why = self.jobs[job as usize].why;
        self.jobs[job as usize].why = self.chain.add(self.now, why, label);
    }

    pub(super) fn begin(&mut self, job: u32) {
        let Some(step) = self.step_of(job) else { return };
        let attempt = self.jobs[job as usize].attempt;
        let number = self.step_number(job);
        self.note(Entry::Began { step: number, attempt });
        let mut lead = step.lead.as_ref();
        if let Some(spare) = step.spare {
            match self.take_spare(job, spare) {
                Some(true) => lead = None,
                Some(false) => return,
                None => {}
            }
        }
        match lead {
            Some(lead) => {
                let takes = self.draw(lead, attempt);
                self.note(Entry::Ordered { step: number, until: self.now + takes });
                self.piece(job, Stage::Lead, self.now + takes);
            }
            None => self.call_vendor(job),
        }
    }

    pub(super) fn piece(&mut self, job: u32, stage: Stage, until: i64) {
        let state = &mut self.jobs[job as usize];
        state.stage = stage;
        let generation = state.generation;
        self.at(until, Event::Piece { job, generation });
    }

    pub(super) fn call_vendor(&mut self, job: u32) {
        let Some(step) = self.step_of(job) else { return };
        let response = step.vendor.and_then(|vendor| {
            let vendor = &self.model.vendors[vendor as usize];
            let takes = self.draw(vendor.response.as_ref()?, self.jobs[job as usize].attempt);
            let calendar = &self.model.calendars[vendor.hours as usize];
            let end = calendar.add_work(self.strike_at + self.now, takes);
            Some(end.map_or(i64::MAX, |end| end - self.strike_at))
        });
        match response {
            Some(until) => {
                let vendor = step.vendor.map_or(NONE, |v| self.model.vendors[v as usize].node);
                self.note(Entry::VendorCalled { step: self.step_number(job), vendor, until });
                self.piece(job, Stage::Vendor, until);
            }
            None => self.begin_work(job),
        }
    }

    pub(super) fn begin_work(&mut self, job: u32) {
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
        self.note(Entry::Elapses { step: self.step_number(job), until });
        self.piece(job, Stage::Working, until);
    }

    pub(super) fn on_piece(&mut self, job: u32, generation: u32) {
        if self.jobs[job as usize].generation != generation {
            return;
        }
        if self.jobs[job as usize].stage == Stage::Between {
            self.enter(job);
            return;
        }
        let Some(step) = self.step_of(job) else { return };
        match self.jobs[job as usize].stage {
            Stage::Lead => {
                let label = self.label(job, Cause::LeadTime);
                self.stretch(job, label);
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
            Stage::Reentry => {
                let data = step.dataset.unwrap_or(NONE);
                let node = self.model.datasets.get(data as usize).map_or(NONE, |data| data.node);
                let label = self.label(job, Cause::Wait);
                self.stretch(job, Label { component: node, ..label });
                self.without_data(job, data);
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
                let until = self.now.saturating_add(takes);
                self.note(Entry::Elapses { step: self.step_number(job), until });
                self.piece(job, Stage::Pause, until);
            }
            None => self.finish(job),
        }
    }

    pub(super) fn finish(&mut self, job: u32) {
        let Some(step) = self.step_of(job) else { return };
        self.spent += step.cost;
        let attempt = self.jobs[job as usize].attempt;
        // A phase's probability is whether it happens, not whether it works.
        let worked =
            step.owner == NONE || self.luck.happens(step.success, step.success_key, attempt);
        if worked {
            self.note(Entry::Done { step: self.step_number(job) });
            self.next(job);
        } else {
            self.failed(job, step.on_failure, Dead::GaveUp);
        }
    }

    /// Goes on to the next step, by way of the queue: a long list of steps that
    /// take no time must not pile up calls.
    pub(super) fn next(&mut self, job: u32) {
        self.jobs[job as usize].position += 1;
        self.piece(job, Stage::Between, self.now);
    }

    pub(super) fn failed(&mut self, job: u32, then: OnFailure, dead: Dead) {
        let (step, attempt) = (self.step_number(job), self.jobs[job as usize].attempt);
        self.note(Entry::Failed { step, attempt, then });
        let state = &mut self.jobs[job as usize];
        state.attempt += 1;
        if state.attempt > MOST_ATTEMPTS || then == OnFailure::GiveUp {
            state.stage = Stage::Dead(dead);
            return;
        }
        match then {
            OnFailure::Retry | OnFailure::GiveUp => self.piece(job, Stage::Between, self.now),
            OnFailure::Restart => {
                state.position = 0;
                self.piece(job, Stage::Between, self.now);
            }
            OnFailure::Continue => self.next(job),
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
