//! Work that waits for something to be up: it waits at what blocks it.
//!
//! Looking at every gate after every change would cost the square of a map's
//! size. A job whose gate is blocked by one component therefore waits in a list
//! at that component and is looked at again when the component rises. Only
//! where the blocker may change without a rise (alternatives, hold-ups, cycles)
//! is a job looked at after every change. Jobs that may go on do so in the
//! order in which they began to wait, as if all had been looked at.
use super::jobs::Stage;
use super::{Trial, work};
use crate::model::NONE;

/// One job that waits, in the list of its blocker. It is void once the job
/// has gone on or was abandoned: then the ticket is no longer its own.
#[derive(Debug, Clone, Copy)]
struct Waiter {
    ticket: u32,
    job: u32,
    next: u32,
}

/// Everybody who waits at a gate.
#[derive(Debug, Default)]
pub(super) struct Watch {
    waiters: Vec<Waiter>,
    /// By component, the first of its list.
    first: Vec<u32>,
    /// Who is to be looked at after the next change, as (ticket, job).
    due: Vec<(u32, u32)>,
    /// Who is looked at after every change.
    always: Vec<(u32, u32)>,
}

impl Watch {
    /// Room for so many components.
    pub(super) fn resize(&mut self, nodes: usize) {
        self.first.resize(nodes, NONE);
    }

    pub(super) fn clear(&mut self) {
        self.waiters.clear();
        self.due.clear();
        self.always.clear();
    }

    /// Forgets who waits at a component.
    pub(super) fn clear_node(&mut self, node: u32) {
        self.first[node as usize] = NONE;
    }

    /// A component rose: whoever waits at it is due.
    pub(super) fn rose(&mut self, node: u32) {
        let mut next = std::mem::replace(&mut self.first[node as usize], NONE);
        while let Some(waiter) = self.waiters.get(next as usize) {
            self.due.push((waiter.ticket, waiter.job));
            next = waiter.next;
        }
    }

    fn put(&mut self, ticket: u32, job: u32, at: Option<u32>) {
        match at {
            Some(node) => {
                let first = &mut self.first[node as usize];
                self.waiters.push(Waiter { ticket, job, next: *first });
                *first = self.waiters.len() as u32 - 1;
            }
            None => self.always.push((ticket, job)),
        }
    }
}

impl Trial<'_> {
    /// A number that tells one wait of a job from its others; rising.
    pub(super) fn next_ticket(&mut self) -> u32 {
        self.tickets += 1;
        self.tickets
    }

    /// Lets a job wait until its gate opens or its copy is up.
    pub(super) fn wait_at_gate(&mut self, job: u32) {
        let ticket = self.next_ticket();
        self.jobs[job as usize].ticket = ticket;
        let at = self.waits_at(job);
        self.watch.put(ticket, job, at);
    }

    /// The component whose rise alone can let a waiting job go on.
    fn waits_at(&self, job: u32) -> Option<u32> {
        if self.jobs[job as usize].stage == Stage::CopyWait {
            self.copy_blocker(job)
        } else {
            self.gate_blocker(job)
        }
    }

    fn waits(&self, (ticket, job): (u32, u32)) -> bool {
        self.jobs[job as usize].ticket == ticket
    }

    /// Takes a job out of the wait.
    pub(super) fn leave_gate(&mut self, job: u32) {
        self.jobs[job as usize].ticket = 0;
    }

    /// A repository is gone: restores may have to take another.
    pub(super) fn look_at_all_gates(&mut self) {
        let all = self.watch.waiters.iter().map(|waiter| (waiter.ticket, waiter.job));
        self.watch.due.extend(all);
        self.changed = true;
    }

    /// Looks again at the gates that may have opened after something changed.
    pub(super) fn open_gates(&mut self) {
        if self.watch.due.is_empty() && self.watch.always.is_empty() {
            return;
        }
        let mut due = std::mem::take(&mut self.watch.due);
        due.append(&mut self.watch.always);
        due.sort_unstable();
        due.dedup();
        work::add(due.len() as u64);
        for waiter in due.drain(..) {
            if !self.waits(waiter) {
                continue;
            }
            let (ticket, job) = waiter;
            if !self.may_go_on(job) {
                let at = self.waits_at(job);
                self.watch.put(ticket, job, at);
                continue;
            }
            self.leave_gate(job);
            self.go_on(job);
        }
        if self.watch.due.is_empty() {
            self.watch.due = due;
        }
    }

    /// Jobs that wait for a repository, in the order in which they began to.
    pub(super) fn waiting_for_copies(&self) -> Vec<u32> {
        let listed = self.watch.waiters.iter().map(|waiter| (waiter.ticket, waiter.job));
        let all = listed.chain(self.watch.always.iter().copied());
        let mut waiting: Vec<(u32, u32)> = all
            .filter(|waiter| self.waits(*waiter))
            .filter(|(_, job)| self.jobs[*job as usize].stage == Stage::CopyWait)
            .collect();
        waiting.sort_unstable();
        waiting.dedup();
        waiting.into_iter().map(|(_, job)| job).collect()
    }
}
