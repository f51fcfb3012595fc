//! Runs trials along the path that their model allows, sixteen at a time.
//!
//! What a path cannot tell for sure it leaves to the general kernel, trial by
//! trial: ends beyond the horizon, and, for where the hours go, two causes at
//! the same millisecond.
use std::collections::BTreeMap;

use super::crew::{self, Schedule};
use super::lanes::{Batch, LANES, Trials};
use super::level::Level;
use super::plan::{Plan, Task};
use super::queue::Queue;
use super::through::Net;
use crate::draw::to_ms;
use crate::kernel::Trial;
use crate::key::Purpose;
use crate::model::{Draw, Model, Start};
use crate::outcome::{Outcome, intervals, outcome, returned};
use crate::run::HoursKey;

/// How a model's trials are run. Made once, used by all threads.
#[derive(Debug, Clone)]
pub struct Path {
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    General,
    Planned(Box<Tasks>),
}

/// A plan laid out for the loops.
#[derive(Debug, Clone)]
struct Tasks {
    phases: usize,
    draws: Vec<Draw>,
    needed: Vec<(usize, f64, Purpose)>,
    labels: Vec<HoursKey>,
    busy: Vec<HoursKey>,
    net: Net,
    /// Per task, what may be named as its cause though it did not wait for it.
    rivals: Vec<Vec<Vec<u32>>>,
    /// Tasks of the crew, waiting for each other alone, without the phases.
    crew: Crew,
    functions: Vec<Vec<u32>>,
    spent: i64,
}

#[derive(Debug, Clone)]
enum Crew {
    None,
    Small(Box<Schedule<4>>),
    Large(Box<Schedule<16>>),
    Any(Box<Queue>),
}

impl Path {
    /// The path that a model allows, by its properties alone.
    pub fn of(model: &Model) -> Self {
        let planned = Plan::of(model).and_then(Tasks::new);
        Self { kind: planned.map_or(Kind::General, |tasks| Kind::Planned(Box::new(tasks))) }
    }

    /// The general kernel, whatever the model allows.
    pub fn general() -> Self {
        Self { kind: Kind::General }
    }

    /// What the path is called.
    pub fn name(&self) -> &'static str {
        match &self.kind {
            Kind::General => "general kernel",
            Kind::Planned(tasks) => match tasks.crew {
                Crew::None => "nothing contended",
                Crew::Small(_) | Crew::Large(_) | Crew::Any(_) => "one crew contended",
            },
        }
    }
}

impl Tasks {
    fn new(plan: Plan) -> Option<Self> {
        let Plan { mut tasks, phases, crew, mut functions, spent } = plan;
        let count = tasks.len() - phases;
        if crew.is_some() {
            queue_order(&mut tasks, phases, &mut functions);
        }
        let net = Net::new(tasks.iter().map(|task| task.after.as_slice()));
        let crew = match crew {
            None => Crew::None,
            Some(people) => {
                // Among the crew's tasks the phases are over.
                let own = |task: &u32| (*task as usize).checked_sub(phases).map(|t| t as u32);
                let lists: Vec<Vec<u32>> = tasks[phases..]
                    .iter()
                    .map(|task| task.after.iter().filter_map(own).collect())
                    .collect();
                let inner = Net::new(lists.iter().map(Vec::as_slice));
                if let Some(schedule) = Schedule::new(people, &inner, count) {
                    Crew::Small(Box::new(schedule))
                } else if let Some(schedule) = Schedule::new(people, &inner, count) {
                    Crew::Large(Box::new(schedule))
                } else {
                    Crew::Any(Box::new(Queue::new(people, &inner, count)?))
                }
            }
        };
        let needed = tasks.iter().enumerate();
        let needed = needed
            .filter_map(|(place, task)| task.needed.map(|(chance, key)| (place, chance, key)))
            .collect();
        let none = (0, 0, 0);
        Some(Self {
            phases,
            needed,
            labels: tasks.iter().map(|task| task.label).collect(),
            busy: tasks.iter().map(|task| task.crew.unwrap_or(none)).collect(),
            rivals: tasks.iter().map(|task| task.rivals.clone()).collect(),
            draws: tasks.into_iter().map(|task| task.takes).collect(),
            net,
            crew,
            functions,
            spent,
        })
    }
}

/// Numbers the crew's tasks by their place in the queue.
fn queue_order(tasks: &mut Vec<Task>, phases: usize, functions: &mut [Vec<u32>]) {
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order[phases..].sort_by_key(|task| tasks[*task].order);
    let mut place = vec![0; tasks.len()];
    for (new, old) in (0..).zip(&order) {
        place[*old] = new;
    }
    *tasks = order.iter().map(|old| tasks[*old].clone()).collect();
    let renumber = |list: &mut Vec<u32>| {
        for task in list.iter_mut() {
            *task = place[*task as usize];
        }
    };
    for task in tasks {
        renumber(&mut task.after);
        task.rivals.iter_mut().for_each(renumber);
    }
    functions.iter_mut().for_each(renumber);
}

/// Runs batches of trials; one for each thread.
pub struct Runner<'m> {
    model: &'m Model,
    path: &'m Path,
    level: Level,
    trial: Trial<'m>,
    spans: Vec<[i64; LANES]>,
    ends: Vec<[i64; LANES]>,
    calm: Vec<i64>,
    untouched: Vec<bool>,
}

impl<'m> Runner<'m> {
    /// Room for trials of a model along a path.
    pub fn new(model: &'m Model, path: &'m Path) -> Self {
        let tasks = match &path.kind {
            Kind::General => 0,
            Kind::Planned(tasks) => tasks.draws.len(),
        };
        Self {
            model,
            path,
            level: Level::best(),
            trial: Trial::new(model),
            spans: vec![[0; LANES]; tasks],
            ends: vec![[0; LANES]; tasks],
            calm: vec![0; model.datasets.len()],
            untouched: vec![false; model.datasets.len()],
        }
    }

    /// Uses other instructions than the best of this processor.
    pub fn at(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Moves a function's hours, as counted, to where results are kept.
    pub fn move_hours(&mut self, function: usize, all: &mut BTreeMap<HoursKey, u128>) {
        self.trial.hours.move_to(function, all);
    }

    /// Runs the first `count` trials of a batch, at most [`LANES`], in order.
    pub fn run(
        &mut self,
        seed: u64,
        trials: Trials,
        count: usize,
        sink: &mut dyn FnMut(Night<'_, 'm>),
    ) {
        let tasks = match &self.path.kind {
            Kind::General => {
                for lane in 0..count {
                    self.trial.run(seed, trials.of(lane));
                    let number = trials.of(lane);
                    sink(Night {
                        model: self.model,
                        trial: &mut self.trial,
                        seed,
                        number,
                        known: None,
                    });
                }
                return;
            }
            Kind::Planned(tasks) => tasks,
        };
        let batch = Batch::new(seed, trials, self.model.bad_day, self.model.bad_day_key);
        let latest = self.ends(tasks, &batch);
        for (lane, latest) in latest.iter().enumerate().take(count) {
            let number = trials.of(lane);
            if *latest >= self.model.horizon.min(crew::LATEST) {
                self.trial.run(seed, number);
                sink(Night {
                    model: self.model,
                    trial: &mut self.trial,
                    seed,
                    number,
                    known: None,
                });
                continue;
            }
            let known = Known {
                tasks,
                spans: &self.spans,
                ends: &self.ends,
                lane,
                calm: &self.calm,
                untouched: &self.untouched,
                strike_at: strike_at(self.model, &batch, lane),
            };
            sink(Night {
                model: self.model,
                trial: &mut self.trial,
                seed,
                number,
                known: Some(known),
            });
        }
    }

    /// Ends of all tasks; returns the last of each lane.
    fn ends(&mut self, tasks: &Tasks, batch: &Batch) -> [i64; LANES] {
        let crewed = !matches!(tasks.crew, Crew::None);
        let rows = if crewed { &mut self.spans } else { &mut self.ends };
        self.level.fill(batch, &tasks.draws, 0, rows);
        for (place, chance, key) in &tasks.needed {
            let shares = self.level.uniform(batch, *key, 0);
            for (span, share) in rows[*place].iter_mut().zip(shares) {
                *span = if *chance > 0.0 && share < *chance { *span } else { 0 };
            }
        }
        if !crewed {
            self.spans.copy_from_slice(&self.ends);
            self.level.pass(&tasks.net, &mut self.ends);
            return latest(&self.ends);
        }
        let phases = tasks.phases;
        let mut launch = [0; LANES];
        for (span, end) in self.spans.iter().zip(&mut self.ends).take(phases) {
            for lane in 0..LANES {
                launch[lane] += span[lane];
            }
            *end = launch;
        }
        let (spans, ends) = (&self.spans[phases..], &mut self.ends[phases..]);
        match &tasks.crew {
            Crew::None => {}
            Crew::Small(schedule) => self.level.schedule(schedule, spans, ends),
            Crew::Large(schedule) => self.level.schedule_large(schedule, spans, ends),
            Crew::Any(queue) => queue.run(spans, ends),
        }
        if phases > 0 {
            for end in ends.iter_mut() {
                for lane in 0..LANES {
                    end[lane] += launch[lane];
                }
            }
        }
        latest(&self.ends)
    }
}

fn latest(ends: &[[i64; LANES]]) -> [i64; LANES] {
    let mut latest = [0; LANES];
    for end in ends {
        for lane in 0..LANES {
            latest[lane] = if end[lane] > latest[lane] { end[lane] } else { latest[lane] };
        }
    }
    latest
}

fn strike_at(model: &Model, batch: &Batch, lane: usize) -> i64 {
    match model.start {
        Start::At(at) => at,
        Start::Between(from, to) => {
            let u = batch.luck(lane).uniform(model.start_key, 0);
            from + to_ms(u * (to - from) as f64)
        }
    }
}

/// One finished trial.
pub struct Night<'a, 'm> {
    model: &'m Model,
    trial: &'a mut Trial<'m>,
    seed: u64,
    number: u32,
    /// `None`: the general kernel ran it.
    known: Option<Known<'a>>,
}

struct Known<'a> {
    tasks: &'a Tasks,
    spans: &'a [[i64; LANES]],
    ends: &'a [[i64; LANES]],
    lane: usize,
    calm: &'a [i64],
    untouched: &'a [bool],
    strike_at: i64,
}

impl Night<'_, '_> {
    /// The outcome for a function.
    pub fn outcome(&mut self, number: usize) -> Outcome {
        match &self.known {
            None => outcome(self.model, self.trial, number),
            Some(known) => {
                let function = &self.model.functions[number];
                returned(function, known.back(number), known.strike_at, self.model.horizon)
            }
        }
    }

    /// Where a function's hours went, for an outcome of this night.
    pub fn hours(&mut self, number: usize, outcome: &Outcome, sink: &mut dyn FnMut(HoursKey, i64)) {
        if let Some(known) = &self.known {
            if known.walk(number, sink) {
                return;
            }
            // Two causes at one millisecond: the kernel knows which came first.
            self.trial.run(self.seed, self.number);
            let outcome = crate::outcome::outcome(self.model, self.trial, number);
            for (key, time) in intervals(&self.trial.chain, outcome.why) {
                sink(key, time);
            }
            return;
        }
        for (key, time) in intervals(&self.trial.chain, outcome.why) {
            sink(key, time);
        }
    }

    /// Adds a function's hours to the sums that [`Runner::move_hours`] gives.
    pub fn count_hours(&mut self, number: usize, outcome: &Outcome) {
        let mut sums = std::mem::take(&mut self.trial.hours);
        self.hours(number, outcome, &mut |key, time| sums.add(number, [(key, time)].into_iter()));
        self.trial.hours = sums;
    }

    /// Work lost, by data set.
    pub fn loss(&self) -> &[i64] {
        self.known.as_ref().map_or(&self.trial.loss, |known| known.calm)
    }

    /// Whether each data set was hit.
    pub fn hit(&self) -> &[bool] {
        self.known.as_ref().map_or(&self.trial.hit, |known| known.untouched)
    }

    /// Money spent on recovery.
    pub fn spent(&self) -> i64 {
        self.known.as_ref().map_or(self.trial.spent, |known| known.tasks.spent)
    }
}

impl Known<'_> {
    fn end(&self, task: u32) -> i64 {
        self.ends[task as usize][self.lane]
    }

    /// When a function's system is back; `None` if it was never away.
    fn back(&self, function: usize) -> Option<i64> {
        self.tasks.functions[function].iter().map(|task| self.end(*task)).max()
    }

    /// The last of some tasks, and whether it alone was.
    fn last(&self, tasks: &[u32]) -> Option<(u32, bool)> {
        let mut found = *tasks.first()?;
        let mut alone = true;
        for task in &tasks[1..] {
            let (end, latest) = (self.end(*task), self.end(found));
            if end > latest {
                (found, alone) = (*task, true);
            } else if end == latest {
                alone = false;
            }
        }
        Some((found, alone))
    }

    /// Walks back from the instant at which a function is back. False, and
    /// nothing said, if two causes fell together.
    fn walk(&self, function: usize, sink: &mut dyn FnMut(HoursKey, i64)) -> bool {
        const MOST: usize = 256;
        let mut parts = [((0, 0, 0), 0_i64); MOST];
        let mut count = 0;
        let mut more = Vec::new();
        let mut next = self.last(&self.tasks.functions[function]);
        while let Some((task, alone)) = next {
            if !alone {
                return false;
            }
            let index = task as usize;
            let (end, span) = (self.end(task), self.spans[index][self.lane]);
            next = self.last(self.tasks.net.before(index));
            let ready = next.map_or(0, |(before, _)| self.end(before));
            let rival = |list: &Vec<u32>| {
                let last = self.last(list);
                last.is_some_and(|last| self.end(last.0) == ready && Some(last) != next)
            };
            if self.tasks.rivals[index].iter().any(rival) {
                return false;
            }
            if count + 2 > MOST {
                more.extend_from_slice(&parts[..count]);
                count = 0;
            }
            parts[count] = (self.tasks.labels[index], span);
            parts[count + 1] = (self.tasks.busy[index], end - span - ready);
            count += 2;
        }
        for (key, time) in more.iter().chain(&parts[..count]) {
            if *time > 0 {
                sink(*key, *time);
            }
        }
        true
    }
}
