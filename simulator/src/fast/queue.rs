//! Identical people contended, for any number of tasks and people: a list schedule with two heaps.
//!
//! Tasks are numbered by their place in the queue. Slower than bits of a few
//! words (see `crew`), which hold small models alone.
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::lanes::LANES;
use super::through::Net;

/// A schedule's fixed part, of tasks in the order of the queue.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    people: usize,
    /// Per task, who waits for it.
    releases: Net,
    /// Per task, how many it waits for.
    waits_for: Vec<u32>,
}

impl Queue {
    /// A schedule of people, at least one, and of what each task waits for.
    pub(super) fn new(people: usize, net: &Net, tasks: usize) -> Option<Self> {
        if people == 0 {
            return None;
        }
        let mut releases = vec![Vec::new(); tasks];
        let mut waits_for = vec![0; tasks];
        for (task, waits) in waits_for.iter_mut().enumerate() {
            for before in net.before(task) {
                *waits += 1;
                releases[*before as usize].push(task as u32);
            }
        }
        let releases = Net::new(releases.iter().map(Vec::as_slice));
        Some(Self { people, releases, waits_for })
    }

    /// Turns spans into ends, both as rows of lanes in the order of the queue.
    pub(super) fn run(&self, spans: &[[i64; LANES]], ends: &mut [[i64; LANES]]) {
        let mut ready = BinaryHeap::new();
        let mut busy: BinaryHeap<Reverse<(i64, u32)>> = BinaryHeap::new();
        let mut waits_for = Vec::with_capacity(self.waits_for.len());
        for lane in 0..LANES {
            waits_for.clone_from(&self.waits_for);
            let free = (0..).zip(&waits_for).filter(|(_, waits)| **waits == 0);
            ready.extend(free.map(|(task, _)| Reverse(task)));
            let mut now = 0;
            loop {
                while busy.len() < self.people {
                    let Some(Reverse(task)) = ready.pop() else { break };
                    busy.push(Reverse((now + spans[task as usize][lane], task)));
                }
                let Some(Reverse((at, _))) = busy.peek().copied() else { break };
                now = at;
                // All ends of an instant come before its starts.
                while let Some(Reverse((_, task))) = busy.peek().filter(|next| next.0.0 == at) {
                    let task = *task as usize;
                    busy.pop();
                    ends[task][lane] = at;
                    for waiting in self.releases.before(task) {
                        let waits = &mut waits_for[*waiting as usize];
                        *waits -= 1;
                        if *waits == 0 {
                            ready.push(Reverse(*waiting));
                        }
                    }
                }
            }
        }
    }
}
