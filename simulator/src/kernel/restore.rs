//! Restores: which snapshot of which copy, whether it works, and what is lost.
use evenkeel_config::map::OnFailure;

use super::jobs::{Dead, Stage};
use super::{Entry, Grave, Trial, Unfit};
use crate::key::Luck;
use crate::model::{Chain, Copy, NEVER, NONE};

/// If so many jobs in a row failed, no older one is looked for.
const MOST_JOBS: u32 = 20_000;

/// What is left of a repository.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CopyState {
    /// All of it is gone.
    pub(super) gone: bool,
    /// What could be deleted is gone.
    pub(super) mutable_gone: bool,
}

/// Whether restores from a repository work tonight: its chance is drawn from
/// what is known of it, then the restore from the chance, each once in a trial.
fn works(copy: &Copy, luck: Luck) -> bool {
    let chance = match &copy.chance {
        Some(table) => table.at(luck.normal(copy.chance_key, 0)),
        None => f64::from(u8::from(copy.weights.0 > 0.0)),
    };
    luck.happens(chance, copy.works_key, 0)
}

/// Whether snapshots from before the intruder came are asked for, or the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clean {
    Yes,
    No,
}

/// One snapshot that could be restored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Snapshot {
    chain: usize,
    copy: u32,
    start: i64,
    near: bool,
    /// Finished before the intruder came.
    clean: bool,
    /// Tells this snapshot from others of its chain, for its luck.
    number: u32,
}

impl<'m> Trial<'m> {
    pub(super) fn data_of(&self, job: u32) -> Option<u32> {
        self.step_of(job)?.dataset
    }

    pub(super) fn begin_restore(&mut self, job: u32) {
        let Some(data) = self.data_of(job) else { return };
        let model = self.model;
        if self.jobs[job as usize].bounds.is_empty() {
            let chains = model.datasets[data as usize].chains.len();
            self.jobs[job as usize].bounds.resize(2 * chains, i64::MAX);
            self.note_copies(data);
        }
        match self.best(job, data, false) {
            None => self.no_copy(job, data),
            Some(snapshot) if self.is_up(snapshot.copy) => self.transfer(job, data, snapshot),
            Some(_) => self.wait_for_copy(job),
        }
    }

    pub(super) fn wait_for_copy(&mut self, job: u32) {
        let held = std::mem::take(&mut self.jobs[job as usize].held);
        self.release(&held);
        self.note_awaited(job);
        self.jobs[job as usize].stage = Stage::CopyWait;
        self.wait_at_gate(job);
        self.changed = true;
    }

    pub(super) fn copy_is_ready(&self, job: u32) -> bool {
        let Some(data) = self.data_of(job) else { return false };
        self.best(job, data, false).is_none_or(|snapshot| self.is_up(snapshot.copy))
    }

    /// The copy that a waiting restore would take, for the reason of a delay.
    pub(super) fn awaited_copy(&self, job: u32) -> Option<u32> {
        let data = self.data_of(job)?;
        let snapshot = self.best(job, data, false)?;
        Some(self.model.copies[snapshot.copy as usize].node)
    }

    /// The repository and the links that a waiting restore would use.
    pub(super) fn awaited_path(&self, job: u32) -> Vec<u32> {
        let snapshot = self.data_of(job).and_then(|data| self.best(job, data, false));
        let Some(snapshot) = snapshot else { return Vec::new() };
        let copy = &self.model.copies[snapshot.copy as usize];
        let links = copy.links.iter().map(|link| self.model.links[*link as usize].node);
        [copy.node].into_iter().chain(links).collect()
    }

    /// When nothing else is going to happen, restores take the best copy that
    /// is up now instead of waiting for a better one in vain.
    pub(super) fn take_second_best(&mut self) -> bool {
        for job in self.waiting_for_copies() {
            let Some(data) = self.data_of(job) else { continue };
            if let Some(snapshot) = self.best(job, data, true) {
                self.leave_gate(job);
                self.catch_up(job);
                self.transfer(job, data, snapshot);
                return true;
            }
        }
        false
    }

    /// What is down on the way to the copy that a waiting restore would take.
    pub(super) fn copy_blocker(&self, job: u32) -> Option<u32> {
        let snapshot = self.best(job, self.data_of(job)?, false)?;
        let copy = &self.model.copies[snapshot.copy as usize];
        let links = copy.links.iter().map(|link| self.model.links[*link as usize].node);
        [copy.node].into_iter().chain(links).find(|node| self.capacity[*node as usize] == 0)
    }

    fn is_up(&self, copy: u32) -> bool {
        let copy = &self.model.copies[copy as usize];
        self.capacity[copy.node as usize] > 0
            && copy
                .links
                .iter()
                .all(|link| self.capacity[self.model.links[*link as usize].node as usize] > 0)
    }

    /// The newest clean snapshot that survived, then the nearer, then by id. If
    /// none is left, the newest of the others, where the plan allows it.
    fn best(&self, job: u32, data: u32, only_up: bool) -> Option<Snapshot> {
        let clean = self.best_of(job, data, only_up, Clean::Yes);
        let allowed = self.step_of(job).is_some_and(|step| step.unclean);
        let unclean = allowed && self.carrier(job, data).is_some();
        if clean.is_some() || !unclean || self.clean_until >= self.strike_at {
            return clean;
        }
        self.best_of(job, data, only_up, Clean::No)
    }

    fn best_of(&self, job: u32, data: u32, only_up: bool, clean: Clean) -> Option<Snapshot> {
        let chains = &self.model.datasets[data as usize].chains;
        let first = if clean == Clean::Yes { 0 } else { chains.len() };
        let bounds = &self.jobs[job as usize].bounds;
        chains
            .iter()
            .enumerate()
            .filter(|(_, chain)| !only_up || self.is_up(chain.copy))
            .filter_map(|(number, chain)| {
                let bound = bounds.get(first + number).copied().unwrap_or(i64::MAX);
                let (start, id) = self.newest(chain, bound, clean)?;
                let near = chain.near;
                let clean = clean == Clean::Yes;
                let copy = chain.copy;
                Some(Snapshot { chain: number, copy, start, near, clean, number: id })
            })
            .max_by_key(|snapshot| {
                (snapshot.start, snapshot.near, std::cmp::Reverse(snapshot.copy))
            })
    }

    /// The newest snapshot of a chain that started before `bound`, is clean or
    /// not, exists and survived.
    pub(super) fn newest(&self, chain: &Chain, bound: i64, clean: Clean) -> Option<(i64, u32)> {
        let state = self.copies[chain.copy as usize];
        if state.gone || state.mutable_gone && !chain.immutable || bound == i64::MIN {
            return None;
        }
        let before = self.strike_at.min(bound.saturating_sub(1));
        let kept = self.strike_at - chain.keep;
        // A job that the strike cuts short leaves nothing, and one that was not
        // finished when the intruder came is not clean.
        let clean_until = self.clean_until.min(self.strike_at);
        let (first_end, last_end) = match clean {
            Clean::Yes => (i64::MIN, clean_until),
            Clean::No => (clean_until + 1, self.strike_at),
        };
        let works = |number: u32| self.luck.happens(chain.job_success, chain.job_key, number);
        if chain.times.is_empty() {
            let phase = self.luck.uniform(chain.phase_key, 0) * chain.every as f64;
            let last = self.strike_at - crate::draw::to_ms(phase);
            let latest = before.min(last_end - chain.lasts);
            let oldest = kept.max(first_end.saturating_sub(chain.lasts));
            let skipped = (last - latest).max(0);
            let mut back = (skipped + chain.every - 1) / chain.every;
            let mut tries = 0;
            loop {
                let start = last - back * chain.every;
                if start < oldest {
                    return None;
                }
                let number = u32::try_from(back).unwrap_or(u32::MAX);
                if works(number) {
                    return Some((start, number));
                }
                back += 1;
                tries += 1;
                if tries > MOST_JOBS {
                    return None;
                }
            }
        }
        let mut index = chain.times.partition_point(|start| *start <= before);
        while index > 0 {
            index -= 1;
            let start = chain.times[index];
            if start < kept {
                return None;
            }
            let end = chain.ends.get(index).copied().unwrap_or(start + chain.lasts);
            if !(first_end..=last_end).contains(&end) {
                continue;
            }
            // Jobs are told apart by the minute at which they start.
            let number = (start / 60_000) as u32;
            if index < chain.expected_from || works(number) {
                return Some((start, number));
            }
        }
        None
    }

    fn transfer(&mut self, job: u32, data: u32, snapshot: Snapshot) {
        let model = self.model;
        let data = &model.datasets[data as usize];
        let copy = &model.copies[snapshot.copy as usize];
        let attempt = self.jobs[job as usize].attempt;
        let overhead = copy.overhead.as_ref().map_or(0, |law| self.draw(law, attempt));
        let chain = &data.chains[snapshot.chain];
        let luck = || self.bad_day.mix(self.luck.normal(chain.speed_key, attempt));
        let takes = match &chain.measured {
            Some(times) => overhead as f64 + times.at(luck()),
            None => {
                let usual = overhead as f64 + data.files * copy.per_file + data.bytes / copy.speed;
                usual * if copy.sigma > 0.0 { copy.slowness(luck()) } else { 1.0 }
            }
        };
        let takes = crate::draw::to_ms(takes);
        let from = snapshot.start - self.strike_at;
        let number = self.data_of(job).unwrap_or(NONE);
        self.note(Entry::Transfer { data: number, copy: copy.node, snapshot: from, alone: takes });
        self.jobs[job as usize].snapshot = Some(snapshot);
        self.jobs[job as usize].stage = Stage::Transfer;
        self.start_flow(job, snapshot.copy, data.bytes, takes);
    }

    /// All bytes are back: do they work?
    pub(super) fn restored(&mut self, job: u32) {
        let (Some(data), Some(snapshot)) =
            (self.data_of(job), self.jobs[job as usize].snapshot.take())
        else {
            return;
        };
        let model = self.model;
        let chains = &model.datasets[data as usize].chains;
        let copy = &model.copies[snapshot.copy as usize];
        let damage = chains[snapshot.chain].damage_key;
        let works = works(copy, self.luck);
        let from = snapshot.start - self.strike_at;
        if works && !self.luck.happens(copy.damaged, damage, snapshot.number) {
            self.note(Entry::Restored { data, copy: copy.node, snapshot: from });
            self.loss[data as usize] = -from;
            if !snapshot.clean {
                self.jobs[job as usize].carrier = self.carrier(job, data);
            }
            self.bring_back(data, job);
            self.pause(job);
            return;
        }
        let why = if works { Unfit::Damaged } else { Unfit::Broken };
        self.note(Entry::CopyUnfit { data, copy: copy.node, why, snapshot: Some(from) });
        let state = &mut self.jobs[job as usize];
        state.attempt += 1;
        if works {
            let first = if snapshot.clean { 0 } else { chains.len() };
            state.bounds[first + snapshot.chain] = snapshot.start;
        } else {
            for (bound, chain) in state.bounds.iter_mut().zip(chains.iter().chain(chains)) {
                if chain.copy == snapshot.copy {
                    *bound = i64::MIN;
                }
            }
        }
        self.begin_restore(job);
    }

    fn bring_back(&mut self, data: u32, job: u32) {
        let node = self.model.datasets[data as usize].node;
        // Its own job, if this is it, ends through its last step.
        if node != job {
            self.own[node as usize].grave = Grave::Whole;
            let why = self.jobs[job as usize].why;
            self.touch(node, why);
        }
    }

    /// No usable copy is left: all of it is lost. The work goes on with empty
    /// data only where the step says so.
    fn no_copy(&mut self, job: u32, data: u32) {
        self.note(Entry::NoCopy { data });
        self.loss[data as usize] = NEVER;
        let held = std::mem::take(&mut self.jobs[job as usize].held);
        self.release(&held);
        let step = self.step_of(job);
        let then = step.map_or(OnFailure::GiveUp, |step| step.on_failure);
        if let Some(reentry) = step.and_then(|step| step.reentry.as_ref()) {
            let takes = self.draw(reentry, self.jobs[job as usize].attempt);
            let until = self.now.saturating_add(takes);
            self.note(Entry::Reentered { step: self.step_number(job), data, until });
            self.piece(job, Stage::Reentry, until);
        } else if then == OnFailure::Continue {
            self.without_data(job, data);
        } else {
            self.jobs[job as usize].stage = Stage::Dead(Dead::NoCopy);
        }
    }
    /// Goes on with data that is empty, or entered again.
    pub(super) fn without_data(&mut self, job: u32, data: u32) {
        self.bring_back(data, job);
        self.pause(job);
    }
}
