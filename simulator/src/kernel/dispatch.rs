//! Who takes which waiting work: a greedy list in order of rank, component and step.
//!
//! Work that the same people can do waits in one queue, so that a queue whose
//! people are all busy or at home is passed over as a whole. Nothing is reserved.
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::jobs::Stage;
use super::{Event, Trial, work};
use crate::model::{Crew, Model, NEVER, NONE};

/// A fleet's work is cut into at least so many parts, so that several people
/// share it and it becomes usable bit by bit.
const FLEET_PARTS: u32 = 24;

/// Work that waits, best first: (rank, job), and the ticket by which it is
/// known whether it still waits.
type Waiting = Reverse<((i64, u32), u32)>;

/// Work that waits for people, by crew.
#[derive(Debug)]
pub(super) struct Roster {
    queues: Vec<BinaryHeap<Waiting>>,
    /// The crews for which work waits.
    open: Vec<u32>,
    is_open: Vec<bool>,
    /// By crew: nobody can be there before, unless somebody is released.
    nobody_until: Vec<i64>,
    /// A bit for each place in a crew: whether who holds it has no work.
    free: Vec<u64>,
    /// The same when everybody is free.
    all_free: Vec<u64>,
}

impl Roster {
    pub(super) fn new(model: &Model) -> Self {
        let crews = model.crews.len();
        Self {
            queues: vec![BinaryHeap::new(); crews],
            open: Vec::new(),
            is_open: vec![false; crews],
            nobody_until: vec![0; crews],
            free: Vec::new(),
            all_free: all_free(model),
        }
    }

    pub(super) fn clear(&mut self) {
        for crew in self.open.drain(..) {
            self.queues[crew as usize].clear();
            self.is_open[crew as usize] = false;
        }
        self.nobody_until.fill(0);
        self.free.clone_from(&self.all_free);
    }

    fn put(&mut self, crew: u32, waiting: Waiting) {
        if !std::mem::replace(&mut self.is_open[crew as usize], true) {
            self.open.push(crew);
        }
        self.queues[crew as usize].push(waiting);
    }

    /// Somebody has work; by their crews and places.
    pub(super) fn busy(&mut self, crews: &[(u32, u32)]) {
        for (_, place) in crews {
            self.free[(place / u64::BITS) as usize] &= !(1 << (place % u64::BITS));
        }
    }

    /// Somebody is free again; by their crews and places.
    pub(super) fn free(&mut self, crews: &[(u32, u32)]) {
        for (crew, place) in crews {
            self.nobody_until[*crew as usize] = 0;
            self.free[(place / u64::BITS) as usize] |= 1 << (place % u64::BITS);
        }
    }

    /// The first place from one to another, the latter left out, whose holder
    /// is free.
    fn next_free(&self, from: u32, to: u32) -> Option<u32> {
        if from >= to {
            return None;
        }
        let (mut word, last) = (from / u64::BITS, (to - 1) / u64::BITS);
        let mut bits = self.free[word as usize] & (u64::MAX << (from % u64::BITS));
        while bits == 0 && word < last {
            work::add(1);
            word += 1;
            bits = self.free[word as usize];
        }
        let place = word * u64::BITS + bits.trailing_zeros();
        (bits != 0 && place < to).then_some(place)
    }
}

fn all_free(model: &Model) -> Vec<u64> {
    let places = model.lean.places.last().copied().unwrap_or(0);
    let mut free = vec![0; places.div_ceil(u64::BITS) as usize];
    for (crew, first) in model.crews.iter().zip(&model.lean.places) {
        let members = (crew.candidates.len() + crew.deputies.len()) as u32;
        for place in *first..first + members {
            free[(place / u64::BITS) as usize] |= 1 << (place % u64::BITS);
        }
    }
    free
}

impl<'m> Trial<'m> {
    /// Puts a job's step up for whoever can do it.
    pub(super) fn await_crew(&mut self, job: u32) {
        let Some(step) = self.step_of(job) else { return };
        let Some(crew) = &step.crew else { return };
        let members = match (step.each, step.owner) {
            (true, owner) if owner != NONE => {
                self.model.nodes[owner as usize].fleet.map_or(1, |fleet| fleet.0)
            }
            _ => 1,
        };
        // As many parts for each who can work on it, so that they end together.
        let groups = (crew.candidates.len() / crew.heads.max(1)).max(1) as u32;
        let parts = groups.saturating_mul(FLEET_PARTS.div_ceil(groups));
        let ticket = self.next_ticket();
        let state = &mut self.jobs[job as usize];
        state.stage = Stage::Waiting;
        state.units = (members.min(parts), 0, 0);
        state.ticket = ticket;
        let key = self.order_key(job);
        self.roster.put(crew.class, Reverse((key, ticket)));
        self.dispatch = true;
    }

    fn order_key(&self, job: u32) -> (i64, u32) {
        (self.step_of(job).map_or(0, |step| step.rank), job)
    }

    /// Gives waiting work to people who are free and present.
    pub(super) fn give_work(&mut self) {
        let mut wake = NEVER;
        let mut ready = std::mem::take(&mut self.scratch);
        ready.clear();
        let mut place = 0;
        while let Some(class) = self.roster.open.get(place).copied() {
            if self.head(class).is_none() {
                self.roster.open.swap_remove(place);
                self.roster.is_open[class as usize] = false;
                continue;
            }
            place += 1;
            let until = self.roster.nobody_until[class as usize];
            if self.now < until {
                wake = wake.min(until);
            } else {
                ready.push(class);
            }
        }
        // The best work of all queues whose people may be there.
        while let Some((job, class)) = self.best_waiting(&ready) {
            let crew = &self.model.crews[class as usize];
            let Some(step) = self.step_of(job) else { break };
            if let Some(people) = self.pick(crew) {
                self.start_shift(job, step, crew, people);
                let (units, begun, _) = self.jobs[job as usize].units;
                if begun >= units {
                    self.jobs[job as usize].ticket = 0;
                }
                continue;
            }
            // Whoever can do this can do the rest of the queue: nobody is left.
            let until = self.next_presence(crew);
            wake = wake.min(until);
            if self.is_steady(crew) {
                self.roster.nobody_until[class as usize] = until;
            }
            ready.retain(|other| *other != class);
        }
        self.scratch = ready;
        if wake < self.wake_at && wake <= self.model.horizon {
            self.wake_at = wake;
            self.at(wake, Event::Wake);
        }
    }

    /// The best work of a queue that still waits.
    fn head(&mut self, class: u32) -> Option<((i64, u32), u32)> {
        let queue = &mut self.roster.queues[class as usize];
        while let Some(Reverse((key, ticket))) = queue.peek().copied() {
            let job = &self.jobs[key.1 as usize];
            if job.stage == Stage::Waiting && job.ticket == ticket {
                return Some((key, key.1));
            }
            queue.pop();
        }
        None
    }

    /// The best work of some queues, and whose queue it is in.
    fn best_waiting(&mut self, classes: &[u32]) -> Option<(u32, u32)> {
        let mut best: Option<((i64, u32), u32)> = None;
        for class in classes {
            if let Some((key, _)) = self.head(*class)
                && best.is_none_or(|(least, _)| key < least)
            {
                best = Some((key, *class));
            }
        }
        best.map(|((_, job), class)| (job, class))
    }

    /// Whether time alone brings nobody to a crew before its next hours: not so
    /// where a deputy steps in once somebody goes on leave.
    fn is_steady(&self, crew: &Crew) -> bool {
        let on_leave = |person: &u32| !self.model.people[*person as usize].leave.is_empty();
        crew.deputies.is_empty() || !crew.candidates.iter().any(on_leave)
    }

    fn is_away(&self, person: u32) -> bool {
        let absolute = self.strike_at + self.now;
        let leave = &self.model.people[person as usize].leave;
        self.people[person as usize].away_until > self.now
            || leave.iter().any(|(from, to)| (*from..*to).contains(&absolute))
    }

    /// As many people as it takes, all free and present, or nobody.
    fn pick(&mut self, crew: &Crew) -> Option<Vec<u32>> {
        let deputies =
            !crew.deputies.is_empty() && crew.candidates.iter().all(|p| self.is_away(*p));
        let first = self.model.lean.places[crew.class as usize];
        let after = first + crew.candidates.len() as u32;
        let (among, first, end) = if deputies {
            (&crew.deputies, after, after + crew.deputies.len() as u32)
        } else {
            (&crew.candidates, first, after)
        };
        let mut chosen = self.teams.pop().unwrap_or_default();
        chosen.clear();
        let mut next = first;
        while let Some(place) = self.roster.next_free(next, end) {
            work::add(1);
            next = place + 1;
            let person = among[(place - first) as usize];
            if !self.is_away(person) && self.at_work(person, crew.overtime).0 <= self.now {
                chosen.push(person);
                if chosen.len() == crew.heads {
                    return Some(chosen);
                }
            }
        }
        self.teams.push(chosen);
        None
    }

    /// The hours at work that hold the present or come next, from and to in
    /// milliseconds since the strike. Time only goes forward in a trial, so
    /// they are looked up once for each shift of a person: the search was a
    /// tenth of all instructions.
    pub(super) fn at_work(&mut self, person: u32, overtime: bool) -> (i64, i64) {
        let known = self.people[person as usize].at_work[usize::from(overtime)];
        if self.now < known.1 {
            return known;
        }
        let window = self.hours(person, overtime).window(self.strike_at + self.now);
        let since_strike = |at: i64| at.saturating_sub(self.strike_at);
        let hours = window.map_or((NEVER, NEVER), |(from, to)| {
            (since_strike(from), if to == NEVER { NEVER } else { since_strike(to) })
        });
        self.people[person as usize].at_work[usize::from(overtime)] = hours;
        hours
    }

    /// When somebody who is free now next comes to work.
    fn next_presence(&mut self, crew: &Crew) -> i64 {
        let mut earliest = NEVER;
        let first = self.model.lean.places[crew.class as usize];
        let candidates = crew.candidates.len();
        let end = first + (candidates + crew.deputies.len()) as u32;
        let mut next = first;
        while let Some(place) = self.roster.next_free(next, end) {
            work::add(1);
            next = place + 1;
            let place = (place - first) as usize;
            let person = match crew.candidates.get(place) {
                Some(person) => *person,
                None => crew.deputies[place - candidates],
            };
            let away_until = self.people[person as usize].away_until;
            if away_until == NEVER {
                continue;
            }
            let open = if away_until <= self.now {
                self.at_work(person, crew.overtime).0.max(self.now)
            } else {
                let back = self.strike_at + away_until;
                let open = self.hours(person, crew.overtime).next_open(back);
                open.map_or(NEVER, |open| open - self.strike_at)
            };
            // Whoever is here already is awaited for another reason.
            if open > self.now {
                earliest = earliest.min(open);
            }
        }
        earliest
    }
}
