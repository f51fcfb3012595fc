//! People at work: when they can, how long it then takes, and what it costs.
//!
//! Whoever starts a piece of work keeps it to its end, through nights and weekends.
use evenkeel_config::record::Cause;

use super::chain::{Label, ROOT};
use super::jobs::{cause_of, crew_cost};
use super::{Entry, Event, Somebody, Trial};
use crate::calendar::Calendar;
use crate::model::{Crew, NEVER, NONE, Step};

/// People at work on one part of a step.
#[derive(Debug, Clone)]
pub(super) struct Shift {
    job: u32,
    people: Vec<u32>,
    why: u32,
    open: bool,
}

impl<'m> Trial<'m> {
    pub(super) fn reset_people(&mut self) {
        let model = self.model;
        self.people.clear();
        for person in &model.people {
            let away_until = if person.absent {
                NEVER
            } else if self.luck.happens(person.away, person.away_key, 0) {
                match &person.away_for {
                    Some(law) => self.draw(law, 0),
                    None => {
                        // One to ten working days, today's included.
                        let u = self.luck.uniform(person.days_key, 0);
                        let days = (u * 10.0) as usize;
                        let ends = &model.workday_ends;
                        let today = ends.partition_point(|end| *end <= self.strike_at);
                        ends.get(today + days).map_or(NEVER, |end| end - self.strike_at)
                    }
                }
            } else {
                0
            };
            self.people.push(Somebody {
                free_since: 0,
                away_until,
                day: 0,
                used: 0,
                last_job: NONE,
                last_why: ROOT,
                at_work: [(0, 0); 2],
            });
        }
        self.gather_teams();
        for (number, person) in model.people.iter().enumerate() {
            let until = self.people[number].away_until;
            if until > 0 {
                self.note(Entry::Away { node: person.node, until });
            }
        }
    }

    /// A team with a quorum works from when enough of its members are back.
    fn gather_teams(&mut self) {
        for quorum in &self.model.quorums {
            let (first, end) = quorum.members;
            let members = first as usize..end as usize;
            let mut back: Vec<i64> =
                self.people[members.clone()].iter().map(|one| one.away_until).collect();
            back.sort_unstable();
            let met = back.get(quorum.least.saturating_sub(1) as usize).copied();
            for one in &mut self.people[members] {
                one.away_until = one.away_until.max(met.unwrap_or(NEVER));
            }
        }
    }

    /// The hours in which somebody works.
    pub(super) fn hours(&self, person: u32, overtime: bool) -> &'m Calendar {
        let person = &self.model.people[person as usize];
        let number = if overtime { person.overtime } else { person.hours };
        &self.model.calendars[number as usize]
    }

    /// Sends people to a piece of a step.
    pub(super) fn start_shift(&mut self, job: u32, step: &'m Step, crew: &Crew, people: Vec<u32>) {
        let attempt = self.jobs[job as usize].attempt;
        let (units, begun, _) = self.jobs[job as usize].units;
        if begun == 0 {
            // The parts of a fleet's work share one draw.
            self.jobs[job as usize].one =
                step.effort.as_ref().map_or(0, |effort| self.draw(effort, attempt));
        }
        let one = self.jobs[job as usize].one;
        let effort = if step.each {
            let members = i64::from(self.model.nodes[step.owner as usize].fleet.map_or(1, |f| f.0));
            let whole = i128::from(one.saturating_mul(members));
            let until = |part: u32| whole * i128::from(part) / i128::from(units.max(1));
            i64::try_from(until(begun + 1) - until(begun)).unwrap_or(i64::MAX)
        } else {
            one
        };
        self.jobs[job as usize].units.1 += 1;
        let waited = self.waited(job, &people, step);
        let end = self.work_end(crew, &people, effort);
        let why = self.worked(job, step, crew, &people, (waited, end, effort));
        let number = self.step_number(job);
        for person in &people {
            let node = self.model.people[*person as usize].node;
            self.note(Entry::Works { step: number, person: node, until: end, effort });
            let state = &mut self.people[*person as usize];
            state.last_job = job;
            state.last_why = why;
            self.roster.busy(self.model.lean.crews_of.row(*person));
        }
        self.cost_of_shift(step, crew, &people, (effort, end));
        self.shifts.push(Shift { job, people, why, open: true });
        let shift = self.shifts.len() as u32 - 1;
        if end < NEVER {
            self.at(end, Event::Shift { shift });
        }
    }

    /// The chain from the instant the work was ready to its start: away, then
    /// busy, then off shift, of the person who was last to come.
    fn waited(&mut self, job: u32, people: &[u32], step: &Step) -> u32 {
        let ready = self.jobs[job as usize].why;
        let last = people.iter().max_by_key(|p| self.people[**p as usize].free_since);
        let Some(person) = last.copied() else { return ready };
        let state = self.people[person as usize];
        let mut why = ready;
        if state.last_job == job && self.chain.at(state.last_why) > self.chain.at(ready) {
            // The same work, part by part: nobody was waited for.
            why = state.last_why;
        }
        let node = self.model.people[person as usize].node;
        let label = |cause| Label { cause, component: node, step: step.name, source: NONE };
        let now = self.now;
        let since = self.chain.at(why);
        let back = self.back_since(person, since);
        if since < now {
            let (away_until, busy_until) = (back.min(now), state.free_since.min(now));
            let step = self.step_number(job);
            self.note(Entry::Waited { step, person: node, since, away_until, busy_until });
        }
        why = self.chain.add(back.min(now), why, label(Cause::PersonAway));
        why = self.chain.add(state.free_since.min(now), why, label(Cause::PersonBusy));
        self.chain.add(now, why, label(Cause::PersonOffShift))
    }

    /// When somebody came back from the last absence since `from`; 0 if there
    /// was none.
    fn back_since(&self, person: u32, from: i64) -> i64 {
        let strike = self.strike_at;
        let leave = self.model.people[person as usize].leave.iter();
        let days = leave
            .map(|(begin, end)| (begin - strike, end - strike))
            .filter(|(begin, end)| *end > from && *begin < self.now && *end <= self.now)
            .map(|(_, end)| end);
        let drawn = self.people[person as usize].away_until;
        days.chain([drawn]).filter(|until| *until <= self.now).max().unwrap_or(0)
    }

    /// The chain of the work itself: until the first pause, the pauses, the rest.
    fn worked(
        &mut self,
        job: u32,
        step: &Step,
        crew: &Crew,
        people: &[u32],
        (before, end, effort): (u32, i64, i64),
    ) -> u32 {
        let mut label = self.label(job, cause_of(step));
        if let (Some(vendor), true) = (step.vendor, step.owner != NONE) {
            let node = self.model.vendors[vendor as usize].node;
            if people.iter().all(|p| self.model.people[*p as usize].node == node) {
                label = Label { cause: Cause::Vendor, component: node, ..label };
            }
        }
        let end = end.min(self.model.horizon.max(self.now));
        let paused = (end - self.now - effort).max(0);
        if paused == 0 {
            return self.chain.add(end, before, label);
        }
        let until = people
            .iter()
            .filter_map(|p| self.hours(*p, crew.overtime).open_until(self.strike_at + self.now))
            .min()
            .map_or(end, |until| until - self.strike_at);
        let first = until.min(self.now + effort).clamp(self.now, end - paused);
        let off = people.first().map_or(NONE, |p| self.model.people[*p as usize].node);
        let pause = Label { cause: Cause::PersonOffShift, component: off, ..label };
        let why = self.chain.add(first, before, label);
        let why = self.chain.add(first + paused, why, pause);
        self.chain.add(end, why, label)
    }

    /// When an effort that starts now is done: in the hours common to all, and
    /// within each one's daily limit.
    fn work_end(&mut self, crew: &Crew, people: &[u32], effort: i64) -> i64 {
        let start = self.strike_at + self.now;
        let limited = people.iter().any(|p| self.model.people[*p as usize].fatigue.is_some());
        if let ([person], false) = (people, limited) {
            let (from, to) = self.at_work(*person, crew.overtime);
            let end = self.now.saturating_add(effort);
            if from <= self.now && end <= to {
                return end;
            }
        }
        let calendars: Vec<&Calendar> =
            people.iter().map(|p| self.hours(*p, crew.overtime)).collect();
        if let ([calendar], false) = (calendars.as_slice(), limited) {
            let end = calendar.add_work(start, effort);
            return end.map_or(NEVER, |end| end - self.strike_at);
        }
        let (mut at, mut left) = (start, effort);
        while left > 0 {
            let Some(open) = next_common(&calendars, at) else { return NEVER };
            let midnight = self.midnight_after(open);
            let mut until = calendars
                .iter()
                .filter_map(|calendar| calendar.open_until(open))
                .chain([midnight])
                .min()
                .unwrap_or(midnight);
            if let Some(room) = self.room_today(people, midnight) {
                if room == 0 {
                    at = midnight;
                    continue;
                }
                until = until.min(open + room);
            }
            let done = left.min(until - open);
            self.tire(people, midnight, done);
            left -= done;
            at = open + done;
            if at > start + self.model.horizon + 86_400_000 {
                return NEVER;
            }
        }
        at - self.strike_at
    }

    fn midnight_after(&self, at: i64) -> i64 {
        let midnights = &self.model.midnights;
        midnights.get(midnights.partition_point(|m| *m <= at)).copied().unwrap_or(at + 86_400_000)
    }

    fn room_today(&self, people: &[u32], day: i64) -> Option<i64> {
        let rooms = people.iter().filter_map(|person| {
            let limit = self.model.people[*person as usize].fatigue?;
            let state = &self.people[*person as usize];
            let used = if state.day == day { state.used } else { 0 };
            Some((limit - used).max(0))
        });
        rooms.min()
    }

    fn tire(&mut self, people: &[u32], day: i64, work: i64) {
        for person in people {
            let state = &mut self.people[*person as usize];
            state.used = if state.day == day { state.used + work } else { work };
            state.day = day;
        }
    }

    fn cost_of_shift(
        &mut self,
        step: &Step,
        crew: &Crew,
        people: &[u32],
        (effort, end): (i64, i64),
    ) {
        if let Some(vendor) = step.vendor {
            let per_hour = self.model.vendors[vendor as usize].per_hour;
            self.spent += crew_cost(per_hour, effort * people.len() as i64);
        }
        if crew.overtime && end < NEVER && self.model.overtime_per_hour > 0 {
            for person in people {
                let hours = self.hours(*person, false);
                let (from, to) = (self.strike_at + self.now, self.strike_at + end);
                let over = (effort - hours.open_between(from, to)).max(0);
                self.spent += crew_cost(self.model.overtime_per_hour, over);
            }
        }
    }

    pub(super) fn on_shift(&mut self, shift: u32) {
        let Shift { job, why, open, .. } = self.shifts[shift as usize];
        if !open {
            return;
        }
        self.shifts[shift as usize].open = false;
        let people = std::mem::take(&mut self.shifts[shift as usize].people);
        let Some(step) = self.step_of(job) else { return };
        if step.attended && step.dataset.is_some() {
            self.jobs[job as usize].held = people;
        } else {
            self.release(&people);
            self.teams.push(people);
        }
        self.jobs[job as usize].units.2 += 1;
        let (units, _, done) = self.jobs[job as usize].units;
        if step.each {
            self.ready_share(job, step, (done, units), why);
        }
        if done == units {
            self.jobs[job as usize].why = why;
            self.after_work(job);
        }
    }

    /// A fleet whose last step is done for some of its members works in part.
    fn ready_share(&mut self, job: u32, step: &Step, (done, units): (u32, u32), why: u32) {
        let state = &self.jobs[job as usize];
        let last = state.position + 1 == state.steps.len();
        let Some((_, usable_at)) = self.model.nodes[step.owner as usize].fleet else { return };
        if last {
            let share = f64::from(done) / f64::from(units.max(1)) / usable_at.max(1e-6);
            let ready = crate::compile::millionths(share);
            let own = &mut self.own[step.owner as usize];
            own.partial = own.partial.max(ready);
            self.touch(step.owner, why);
        }
    }

    pub(super) fn release(&mut self, people: &[u32]) {
        for person in people {
            self.people[*person as usize].free_since = self.now;
            self.roster.free(self.model.lean.crews_of.row(*person));
        }
        self.dispatch |= !people.is_empty();
    }

    pub(super) fn drop_shifts(&mut self, job: u32) {
        let mut freed: Vec<u32> = Vec::new();
        for shift in self.shifts.iter_mut().filter(|shift| shift.open && shift.job == job) {
            shift.open = false;
            freed.append(&mut shift.people);
        }
        self.release(&freed);
    }
}

/// The first instant at or after `at` at which all calendars are open.
fn next_common(calendars: &[&Calendar], mut at: i64) -> Option<i64> {
    for _ in 0..100_000 {
        let latest = calendars
            .iter()
            .map(|calendar| calendar.next_open(at))
            .try_fold(at, |a, b| b.map(|b| a.max(b)))?;
        if latest == at {
            return Some(at);
        }
        at = latest;
    }
    None
}
