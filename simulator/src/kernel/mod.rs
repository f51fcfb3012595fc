//! One trial: a small event kernel over the compiled model.
//!
//! Time is in whole milliseconds since the strike. At each instant all events
//! are handled first, then gates that opened, then waiting work is given to
//! people who are free: state changes, finishes, releases, starts.
mod aftermath;
mod alternatives;
mod capacity;
mod chain;
mod crew;
mod dispatch;
#[cfg(test)]
mod drawn;
mod gates;
#[cfg(test)]
mod growth;
mod jobs;
mod lapses;
mod launch;
mod links;
mod log;
mod queue;
mod reinfection;
mod restore;
mod spares;
mod strikes;
mod verdict;
mod watch;
mod work;

pub(crate) use aftermath::Aftermath;
pub use chain::{Chain, Label as ChainLabel, Link as ChainLink, ROOT};
pub use log::{Entry, Noted, Unfit};
pub use verdict::{Reason, Why};

use crate::draw::BadDay;
use crate::key::Luck;
use crate::model::{Draw, Model, NEVER, ONE, Start};
use jobs::{Job, Stage};

/// More events than this at one instant are a deadlock, unless the model is so
/// large that each of its parts could come to an end at that instant.
const MOST_EVENTS_AT_ONCE: usize = 10_000;
/// Events of a step or component, at most, were all to happen at one instant:
/// its pieces, and going on to the next.
const EVENTS_OF_A_PART: usize = 8;
/// More events than this in one trial are no recovery either.
const MOST_EVENTS: u64 = 20_000_000;

/// Something that happens at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A blow reaches a component; spread blows are stopped by containment.
    Strike { strike: u32, target: u32, spread: bool, delayed: bool },
    /// An outage ends by itself.
    OutageEnd { node: u32, degraded: bool },
    /// A loss is noticed across an edge with hold-up.
    EdgeFall { edge: u32, generation: u32 },
    /// A component has started up.
    Started { node: u32, generation: u32 },
    /// The current piece of a job's step is over.
    Piece { job: u32, generation: u32 },
    /// People finish a piece of hands-on work.
    Shift { shift: u32 },
    /// A transfer ends.
    Flow { flow: u32, generation: u32 },
    /// An intruder is back with what was restored.
    Reinfect { node: u32, why: u32 },
    /// An ordered piece comes in.
    Delivery { pool: u32 },
    /// Somebody's hours begin.
    Wake,
}

/// How grave a component's own state is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Grave {
    #[default]
    Whole,
    Degraded,
    Down,
    Suspect,
    Lost,
}

#[derive(Debug, Clone, Copy, Default)]
struct Own {
    grave: Grave,
    /// Capacity while degraded, or the share of a fleet that is ready.
    partial: i32,
    outages: u16,
    brownouts: u16,
    brownout: i32,
}

#[derive(Debug, Clone, Copy, Default)]
struct StartUp {
    started: bool,
    pending: bool,
    generation: u32,
    count: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    Untried,
    Trying,
    Active,
    Failed,
}

#[derive(Debug, Clone, Copy)]
struct Somebody {
    free_since: i64,
    away_until: i64,
    day: i64,
    used: i64,
    last_job: u32,
    last_why: u32,
    /// The hours at work that hold the present or come next, from and to in
    /// milliseconds since the strike: usual ones, and with overtime.
    at_work: [(i64, i64); 2],
}

/// One step of a function's capacity: from when, how much, and because of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Milliseconds since the strike.
    pub at: i64,
    /// Capacity in millionths from then on.
    pub capacity: i32,
    /// The event that released it.
    pub why: u32,
}

/// The state of one trial, reused from trial to trial.
pub struct Trial<'m> {
    model: &'m Model,
    luck: Luck,
    bad_day: BadDay,
    /// The strike, in milliseconds since 1970.
    pub strike_at: i64,
    /// Snapshots later than this are not clean.
    clean_until: i64,
    now: i64,
    queue: queue::Queue,
    capacity: Vec<i32>,
    ground: Vec<i32>,
    why: Vec<u32>,
    own: Vec<Own>,
    seen: Vec<i32>,
    edge_pending: Vec<bool>,
    edge_generation: Vec<u32>,
    /// By component, where in the list of its suppliers one was down.
    found_down: Vec<u32>,
    start_up: Vec<StartUp>,
    switch: Vec<Switch>,
    glass_broken: Vec<bool>,
    dirty: Vec<(u32, u32)>,
    /// By component: whether it is to be looked at, and whether it is not as before.
    marks: Vec<u8>,
    touched: Vec<u32>,
    jobs: Vec<Job<'m>>,
    used_jobs: Vec<u32>,
    tickets: u32,
    /// Struck alternatives that wait for their turn, each with its cause.
    in_line: Vec<(u32, u32)>,
    watch: watch::Watch,
    roster: dispatch::Roster,
    shifts: Vec<crew::Shift>,
    people: Vec<Somebody>,
    pools: Vec<spares::PoolState>,
    copies: Vec<restore::CopyState>,
    /// Per data set: milliseconds of work lost, 0 when not hit.
    pub loss: Vec<i64>,
    /// Per data set: whether it was lost or suspect.
    pub hit: Vec<bool>,
    flows: Vec<links::Flow>,
    /// The transfers under way, in the order of their start.
    open_flows: Vec<u32>,
    flow_generation: u32,
    /// The blocking chain.
    pub chain: Chain,
    tracked: Vec<u32>,
    /// Changes of capacity: of each function, then of each stopgap's needs.
    pub history: Vec<Vec<Change>>,
    launched: bool,
    /// Recoveries are being begun, and not all are yet.
    launching: bool,
    changed: bool,
    dispatch: bool,
    wake_at: i64,
    /// Events so far, and how many are too many.
    events: u64,
    most_events: u64,
    /// How many are too many at one instant.
    most_at_once: usize,
    /// How many of the model's lapses are past.
    lapsed: usize,
    /// Money spent on steps, vendors and overtime, in minor units.
    pub spent: i64,
    deadlock: bool,
    /// What happens, if it is to be kept.
    log: Option<Vec<Noted>>,
    /// Room for a list that is needed for a moment.
    scratch: Vec<u32>,
    /// Emptied lists of people, for the next shifts.
    teams: Vec<Vec<u32>>,
    /// Room for reading outcomes.
    pub(crate) reading: crate::outcome::Reading,
    /// Where the hours of the trials so far went.
    pub hours: crate::hours::Hours,
}

impl<'m> Trial<'m> {
    /// Room for trials of a model.
    pub fn new(model: &'m Model) -> Self {
        let mut tracked = vec![u32::MAX; model.nodes.len()];
        for (slot, function) in (0..).zip(&model.functions) {
            tracked[function.node as usize] = 2 * slot;
            if let Some(workaround) = function.workaround {
                tracked[workaround.node as usize] = 2 * slot + 1;
            }
        }
        let slots = 2 * model.functions.len();
        Self {
            model,
            luck: Luck::new(0, 0),
            bad_day: BadDay::new(0.0, 0.0),
            strike_at: 0,
            clean_until: 0,
            now: 0,
            queue: queue::Queue::default(),
            capacity: Vec::new(),
            ground: Vec::new(),
            why: Vec::new(),
            own: Vec::new(),
            seen: Vec::new(),
            edge_pending: Vec::new(),
            edge_generation: Vec::new(),
            found_down: Vec::new(),
            start_up: Vec::new(),
            switch: Vec::new(),
            glass_broken: Vec::new(),
            dirty: Vec::new(),
            marks: Vec::new(),
            touched: Vec::new(),
            jobs: Vec::new(),
            used_jobs: Vec::new(),
            tickets: 0,
            in_line: Vec::new(),
            watch: watch::Watch::default(),
            roster: dispatch::Roster::new(model),
            scratch: Vec::new(),
            teams: Vec::new(),
            reading: crate::outcome::Reading::default(),
            hours: crate::hours::Hours::default(),
            shifts: Vec::new(),
            people: Vec::new(),
            pools: Vec::new(),
            copies: Vec::new(),
            loss: Vec::new(),
            hit: Vec::new(),
            flows: Vec::new(),
            open_flows: Vec::new(),
            flow_generation: 0,
            chain: Chain::default(),
            tracked,
            history: vec![Vec::new(); slots],
            launched: false,
            launching: false,
            changed: false,
            dispatch: false,
            wake_at: NEVER,
            events: 0,
            most_events: MOST_EVENTS,
            most_at_once: MOST_EVENTS_AT_ONCE
                .max(EVENTS_OF_A_PART * (model.nodes.len() + model.steps.len())),
            lapsed: 0,
            spent: 0,
            deadlock: false,
            log: None,
        }
    }

    /// Ends trials as deadlocks after so many events; for fuzzers.
    pub fn limit_events(&mut self, most: u64) {
        self.most_events = most;
    }

    /// Runs one trial to its end.
    pub fn run(&mut self, seed: u64, trial: u32) {
        self.reset(seed, trial);
        self.settle();
        self.begin_strikes();
        self.settle();
        self.begin_phases();
        self.after_events();
        loop {
            let Some(at) = self.queue.next_at() else {
                if self.take_second_best() || self.jump_the_line() {
                    self.after_events();
                    continue;
                }
                break;
            };
            if at > self.model.horizon || self.deadlock {
                break;
            }
            if self.events > self.most_events {
                self.deadlock = true;
                break;
            }
            if self.lapse_until(at) {
                self.after_events();
                continue;
            }
            self.now = at;
            let mut events = 0;
            while let Some(event) = self.queue.pop_at(at) {
                self.handle(event);
                work::add(1);
                events += 1;
                self.events += 1;
                if events > self.most_at_once {
                    self.deadlock = true;
                    break;
                }
                if self.queue.next_at() != Some(at) {
                    self.after_events();
                }
            }
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Strike { strike, target, spread, delayed } => {
                self.on_strike(strike, target, spread, delayed);
            }
            Event::OutageEnd { node, degraded } => self.on_outage_end(node, degraded),
            Event::EdgeFall { edge, generation } => self.on_edge_fall(edge, generation),
            Event::Started { node, generation } => self.on_started(node, generation),
            Event::Piece { job, generation } => self.on_piece(job, generation),
            Event::Shift { shift } => self.on_shift(shift),
            Event::Flow { flow, generation } => self.on_flow(flow, generation),
            Event::Reinfect { node, why } => self.on_reinfect(node, why),
            Event::Delivery { pool } => self.on_delivery(pool),
            Event::Wake => {
                self.wake_at = NEVER;
                self.dispatch = true;
            }
        }
        self.settle();
    }

    /// Gates that opened, then people, until nothing more starts at this instant.
    fn after_events(&mut self) {
        for _ in 0..self.most_at_once {
            if !self.in_line.is_empty() && self.next_in_line() {
                self.settle();
                continue;
            }
            if self.changed {
                self.changed = false;
                self.open_gates();
                self.settle();
                continue;
            }
            if self.dispatch {
                self.dispatch = false;
                self.give_work();
                self.settle();
                continue;
            }
            return;
        }
        self.deadlock = true;
    }

    fn at(&mut self, at: i64, event: Event) {
        self.queue.push(at.max(self.now), event);
    }

    /// The value of a draw at an attempt.
    fn draw(&self, draw: &Draw, attempt: u32) -> i64 {
        if draw.sampler.is_fixed() {
            return draw.sampler.at(0.0);
        }
        let z = self.luck.normal(draw.purpose, attempt);
        draw.sampler.at(if draw.bad_day { self.bad_day.mix(z) } else { z })
    }

    fn reset(&mut self, seed: u64, trial: u32) {
        let model = self.model;
        self.luck = Luck::new(seed, trial);
        let night = self.luck.normal(model.bad_day_key, 0);
        self.bad_day = BadDay::new(model.bad_day, night);
        self.strike_at = match model.start {
            Start::At(at) => at,
            Start::Between(from, to) => {
                let u = self.luck.uniform(model.start_key, 0);
                from + crate::draw::to_ms(u * (to - from) as f64)
            }
        };
        let dwell = model.dwell.as_ref().map_or(0, |dwell| self.draw(dwell, 0));
        self.clean_until = self.strike_at - dwell;
        (self.now, self.spent, self.tickets) = (0, 0, 0);
        self.queue.clear();
        self.reset_state();
        self.dirty.clear();
        self.in_line.clear();
        self.launching = false;
        self.watch.clear();
        self.roster.clear();
        self.shifts.clear();
        self.flows.clear();
        self.open_flows.clear();
        self.reset_pools();
        refill(&mut self.loss, model.datasets.len(), 0);
        refill(&mut self.hit, model.datasets.len(), false);
        refill(&mut self.copies, model.copies.len(), restore::CopyState::default());
        self.chain.clear();
        for history in &mut self.history {
            history.clear();
        }
        (self.launched, self.changed, self.dispatch, self.deadlock) = (false, false, false, false);
        (self.wake_at, self.lapsed, self.events) = (NEVER, 0, 0);
        if let Some(log) = &mut self.log {
            log.clear();
        }
        self.reset_people();
        for node in &model.lean.absent {
            self.touch(*node, ROOT);
        }
    }
}

fn refill<T: Clone>(list: &mut Vec<T>, length: usize, value: T) {
    list.clear();
    list.resize(length, value);
}

impl Trial<'_> {
    /// Everything as before the strike: only what the last trial touched is
    /// written, so that a trial costs what it does and not the size of the map.
    fn reset_state(&mut self) {
        let model = self.model;
        let nodes = model.nodes.len();
        if self.marks.len() != nodes {
            refill(&mut self.capacity, nodes, ONE);
            refill(&mut self.ground, nodes, ONE);
            refill(&mut self.why, nodes, ROOT);
            refill(&mut self.own, nodes, Own::default());
            refill(&mut self.seen, model.edges.len(), ONE);
            refill(&mut self.edge_pending, model.edges.len(), false);
            refill(&mut self.edge_generation, model.edges.len(), 0);
            refill(&mut self.found_down, nodes, 0);
            refill(&mut self.start_up, nodes, StartUp::FRESH);
            refill(&mut self.switch, nodes, Switch::Untried);
            refill(&mut self.glass_broken, nodes, false);
            refill(&mut self.marks, nodes, 0);
            refill(&mut self.jobs, 2 * nodes + 1, Job::default());
            self.watch.resize(nodes);
        }
        for node in self.touched.drain(..) {
            let index = node as usize;
            (self.capacity[index], self.ground[index]) = (ONE, ONE);
            self.why[index] = ROOT;
            self.own[index] = Own::default();
            for edge in &model.nodes[index].held_edges {
                let edge = *edge as usize;
                (self.seen[edge], self.edge_pending[edge]) = (ONE, false);
                self.edge_generation[edge] = 0;
            }
            self.start_up[index] = StartUp::FRESH;
            self.switch[index] = Switch::Untried;
            self.glass_broken[index] = false;
            self.marks[index] = 0;
            self.watch.clear_node(node);
        }
        for job in self.used_jobs.drain(..) {
            self.jobs[job as usize].clear();
        }
        debug_assert!(self.is_fresh(), "a trial left something behind");
    }

    /// Whether everything is as before the strike; asked in builds for tests.
    fn is_fresh(&self) -> bool {
        let whole = |own: &Own| own.grave == Grave::Whole && own.outages + own.brownouts == 0;
        self.capacity.iter().chain(&self.ground).chain(&self.seen).all(|value| *value == ONE)
            && self.why.iter().all(|why| *why == ROOT)
            && self.own.iter().all(whole)
            && self.switch.iter().all(|switch| *switch == Switch::Untried)
            && self.start_up.iter().all(|start| start.started && start.generation == 0)
            && !self.glass_broken.contains(&true)
            && self.jobs.iter().all(|job| job.stage == Stage::Idle && job.ticket == 0)
    }
}

impl StartUp {
    const FRESH: Self = Self { started: true, pending: false, generation: 0, count: 0 };
}

impl Job<'_> {
    fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Done | Stage::Dead(_))
    }
}
