//! What one trial means for one function: usable, recovered, lost hours and money.
use evenkeel_config::record::Cause;

use crate::kernel::{Chain, ChainLabel};
use crate::kernel::{Change, ROOT, Reason, Trial};
use crate::model::{Function, Model, NEVER, NONE, ONE};

/// The outcome of a trial for one function, in milliseconds since the strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Usable again, by system or stopgap; 0 when never below its minimum.
    pub usable: i64,
    /// The system alone is back at the minimum.
    pub system_back: i64,
    /// Full capacity and no backlog.
    pub recovered: i64,
    /// Work lost.
    pub data_loss: i64,
    /// Minor units.
    pub cost: i64,
    /// Time below the minimum.
    pub below_minimum: i64,
    /// Missing capacity integrated over time.
    pub lost: i64,
    /// Whether its system was hurt at all.
    pub touched: bool,
    /// Why it never came back.
    pub never: Option<Reason>,
    /// The entry of the chain at which it became usable.
    pub why: u32,
}

/// A stretch of constant capacity.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: i64,
    to: i64,
    system: i32,
    both: i32,
}

/// Reads the outcome of function number `number` from a finished trial.
pub fn outcome(model: &Model, trial: &mut Trial<'_>, number: usize) -> Outcome {
    let function = &model.functions[number];
    let data = function.datasets.iter().map(|data| trial.loss[*data as usize]).max();
    if trial.history[2 * number].is_empty() && trial.history[2 * number + 1].is_empty() {
        return Outcome { data_loss: data.unwrap_or(0), ..UNTOUCHED };
    }
    let mut reading = std::mem::take(&mut trial.reading);
    reading.read(function, &trial.history[2 * number..2 * number + 2], model.horizon);
    let judged = judge(function, &reading.stretches, trial.strike_at, model.horizon);
    trial.reading = reading;
    let never = (judged.usable == NEVER).then(|| trial.reason(function.node));
    let why = match judged.usable {
        0 | NEVER => ROOT,
        usable => release(function, trial, number, usable),
    };
    Outcome { data_loss: data.unwrap_or(0), never, why, ..judged }
}

/// The outcome for a function without a stopgap and without lost data, whose
/// system was away altogether from the strike until `back`, before the horizon;
/// `None`: not at all.
pub fn returned(function: &Function, back: Option<i64>, strike_at: i64, horizon: i64) -> Outcome {
    let back = back.unwrap_or(0);
    let away = Stretch { from: 0, to: back, system: 0, both: 0 };
    let here = Stretch { from: back, to: horizon, system: ONE, both: ONE };
    let stretches = [away, here];
    judge(function, if back > 0 { &stretches } else { &stretches[1..] }, strike_at, horizon)
}

/// What the stretches alone tell: all but lost data and the reasons.
fn judge(function: &Function, stretches: &[Stretch], strike_at: i64, horizon: i64) -> Outcome {
    let minimum = function.minimum;
    Outcome {
        usable: returns(stretches, |s| s.both >= minimum, horizon),
        system_back: returns(stretches, |s| s.system >= minimum, horizon),
        recovered: recovered(function, stretches, horizon),
        data_loss: 0,
        cost: cost(function, stretches, strike_at),
        below_minimum: stretches.iter().filter(|s| s.both < minimum).map(|s| s.to - s.from).sum(),
        lost: lost(stretches),
        touched: stretches.iter().any(|s| s.system < ONE),
        never: None,
        why: ROOT,
    }
}

/// What nothing happened to.
const UNTOUCHED: Outcome = Outcome {
    usable: 0,
    system_back: 0,
    recovered: 0,
    data_loss: 0,
    cost: 0,
    below_minimum: 0,
    lost: 0,
    touched: false,
    never: None,
    why: ROOT,
};

/// Room for reading outcomes, kept from one function to the next.
#[derive(Debug, Default)]
pub struct Reading {
    windows: Vec<(i64, i64)>,
    cuts: Vec<i64>,
    stretches: Vec<Stretch>,
}

impl Reading {
    /// The function's time until the horizon, cut wherever anything changes:
    /// its system, or what its stopgap needs.
    fn read(&mut self, function: &Function, history: &[Vec<Change>], horizon: i64) {
        let [system, needs] = history else { return };
        self.windows.clear();
        add_windows(function, system, horizon, &mut self.windows);
        self.cuts.clear();
        self.cuts.extend([0, horizon]);
        self.cuts.extend(system.iter().chain(needs).map(|change| change.at));
        self.cuts.extend(self.windows.iter().flat_map(|(from, to)| [*from, *to]));
        self.cuts.retain(|at| (0..=horizon).contains(at));
        self.cuts.sort_unstable();
        self.cuts.dedup();
        self.stretches.clear();
        let (mut system, mut needs) = (Steps::new(system), Steps::new(needs));
        for pair in self.cuts.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let (system, needs) = (system.at(from), needs.at(from));
            let stands = self.windows.iter().any(|(start, end)| (*start..*end).contains(&from));
            let stopgap = match function.workaround {
                Some(stopgap) if stands => stopgap.capacity.min(needs),
                _ => 0,
            };
            self.stretches.push(Stretch { from, to, system, both: system.max(stopgap) });
        }
    }
}

/// When the stopgap stands: from some time after each fall below full capacity,
/// for as long as it holds.
pub fn windows(function: &Function, system: &[Change], horizon: i64) -> Vec<(i64, i64)> {
    let mut windows = Vec::new();
    add_windows(function, system, horizon, &mut windows);
    windows
}

/// When a function is below its minimum: the spans in which its system is, and
/// those in which its stopgap does not make up for that.
pub(crate) struct Below {
    /// The system alone.
    pub(crate) system: Vec<(i64, i64)>,
    /// With the stopgap.
    pub(crate) both: Vec<(i64, i64)>,
}

impl Below {
    /// Of one function in a finished trial.
    pub(crate) fn of(function: &Function, history: &[Vec<Change>], horizon: i64) -> Self {
        let mut reading = Reading::default();
        reading.read(function, history, horizon);
        let spans = |capacity: fn(&Stretch) -> i32| {
            let low = reading.stretches.iter().filter(|s| capacity(s) < function.minimum);
            let mut spans: Vec<(i64, i64)> = Vec::new();
            for stretch in low {
                match spans.last_mut() {
                    Some(last) if last.1 == stretch.from => last.1 = stretch.to,
                    _ => spans.push((stretch.from, stretch.to)),
                }
            }
            spans
        };
        Self { system: spans(|s| s.system), both: spans(|s| s.both) }
    }
}

fn add_windows(
    function: &Function,
    system: &[Change],
    horizon: i64,
    windows: &mut Vec<(i64, i64)>,
) {
    let Some(stopgap) = function.workaround else { return };
    let mut full = true;
    for change in system {
        if full && change.capacity < ONE {
            let from = change.at.saturating_add(stopgap.after);
            windows.push((from, from.saturating_add(stopgap.lasts).min(horizon)));
        }
        full = change.capacity == ONE;
    }
}

/// A capacity over time, read at rising instants.
struct Steps<'a> {
    changes: std::slice::Iter<'a, Change>,
    now: i32,
}

impl<'a> Steps<'a> {
    fn new(changes: &'a [Change]) -> Self {
        Self { changes: changes.iter(), now: ONE }
    }

    fn at(&mut self, at: i64) -> i32 {
        while let Some(next) = self.changes.as_slice().first().filter(|next| next.at <= at) {
            self.now = next.capacity;
            self.changes.next();
        }
        self.now
    }
}

/// The last instant at which `good` becomes true and stays; 0 when it always
/// was, never when it ends untrue.
fn returns(stretches: &[Stretch], good: impl Fn(&Stretch) -> bool, horizon: i64) -> i64 {
    match stretches.iter().rev().find(|stretch| !good(stretch)) {
        None => 0,
        Some(last) if last.to >= horizon => NEVER,
        Some(last) => last.to,
    }
}

fn recovered(function: &Function, stretches: &[Stretch], horizon: i64) -> i64 {
    let mut backlog = 0.0;
    let mut done = 0;
    for stretch in stretches {
        let length = (stretch.to - stretch.from) as f64;
        if stretch.system < ONE {
            backlog += length * f64::from(ONE - stretch.both) / f64::from(ONE);
            done = NEVER;
        } else {
            let takes = backlog / function.catch_up;
            if done == NEVER {
                done =
                    if takes <= length { stretch.from + crate::draw::to_ms(takes) } else { NEVER };
            }
            backlog = (backlog - length * function.catch_up).max(0.0);
        }
    }
    if done > horizon { NEVER } else { done }
}

fn lost(stretches: &[Stretch]) -> i64 {
    let area: i128 =
        stretches.iter().map(|s| i128::from(s.to - s.from) * i128::from(ONE - s.both)).sum();
    i64::try_from(area / i128::from(ONE)).unwrap_or(i64::MAX)
}

/// Loss over the demand hours times missing capacity, plus sums due at once
/// and missed deadlines.
fn cost(function: &Function, stretches: &[Stretch], strike_at: i64) -> i64 {
    if function.life_safety {
        return 0;
    }
    let mut total = 0_i64;
    let mut place = 0;
    for stretch in stretches.iter().filter(|s| s.both < ONE) {
        let missing = f64::from(ONE - stretch.both) / f64::from(ONE);
        for (index, (after, per_hour, sum)) in function.loss.iter().enumerate() {
            let until = function.loss.get(index + 1).map_or(i64::MAX, |next| next.0);
            let (from, to) = (stretch.from.max(*after), stretch.to.min(until));
            if from < to && *per_hour > 0.0 {
                let open =
                    function.demand.open_between_near(strike_at + from, strike_at + to, &mut place);
                total += libm::rint(per_hour * (open as f64 / 3.6e6) * missing) as i64;
            }
            let due = (stretch.from..stretch.to).contains(after);
            if due && stretch.both < function.minimum {
                total += sum;
            }
        }
        if function.deadline_loss > 0 && stretch.both < function.minimum {
            let (from, to) = (strike_at + stretch.from, strike_at + stretch.to);
            let missed = function.deadlines.partition_point(|at| *at < to)
                - function.deadlines.partition_point(|at| *at < from);
            total += function.deadline_loss * missed as i64;
        }
    }
    total
}

/// The entry of the chain that made the function usable.
fn release(function: &Function, trial: &mut Trial<'_>, number: usize, usable: i64) -> u32 {
    let at = |changes: &[Change]| {
        changes.iter().find(|c| c.at == usable && c.capacity >= function.minimum.min(ONE)).copied()
    };
    let system = at(&trial.history[2 * number]);
    let needs = trial.history[2 * number + 1].iter().find(|change| change.at == usable).copied();
    let chain = &mut trial.chain;
    let wait = ChainLabel::new(Cause::Wait, function.node, NONE);
    if let Some(change) = system.or(needs.filter(|change| change.capacity > 0)) {
        return chain.add(usable, change.why, wait);
    }
    let Some(stopgap) = function.workaround else { return chain.add(usable, ROOT, wait) };
    let fell = chain.add(usable.saturating_sub(stopgap.after), ROOT, wait);
    chain.add(usable, fell, ChainLabel::new(Cause::Start, function.node, stopgap.name))
}

/// The intervals from the strike to an entry, for sums: (cause, component, step, milliseconds).
pub fn intervals(chain: &Chain, why: u32) -> impl Iterator<Item = ((u8, u32, u32), i64)> {
    chain.back(why).map(|(from, link)| ((link.cause, link.component, link.step), link.at - from))
}
