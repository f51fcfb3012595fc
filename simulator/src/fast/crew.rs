//! Identical people contended: a list schedule of up to 1,024 tasks and 32 people, hardly a branch in it.
//!
//! Tasks are numbered by their place in the queue, so the first ready bit is
//! who comes next. How many tasks each one still waits for, less one, is stored
//! in bit planes: subtracting a mask from all counters at once leaves as borrow
//! just the tasks that became ready. People at work are a short sorted list of
//! `end << 10 | task`. Several trials take turns, so that one waits for its
//! memory while another computes.
use super::lanes::LANES;
use super::through::Net;

/// Bits of a task's number in a key.
const BITS: u32 = 10;
/// Planes of a counter: up to 16 tasks waited for.
const PLANES: usize = 4;
/// Trials that take turns.
const TURNS: usize = 8;
/// Nobody.
const IDLE: u64 = u64::MAX;
/// The latest end that a key can hold, in milliseconds.
pub(super) const LATEST: i64 = i64::MAX >> BITS;

/// A schedule's fixed part, of tasks in the order of the queue.
#[derive(Debug, Clone)]
pub(super) struct Schedule<const WORDS: usize> {
    people: usize,
    /// Per task, who waits for it.
    releases: Vec<[u64; WORDS]>,
    /// Per task, its own bit.
    bits: Vec<[u64; WORDS]>,
    planes: [[u64; WORDS]; PLANES],
    ready: [u64; WORDS],
}

impl<const WORDS: usize> Schedule<WORDS> {
    /// A schedule, if its numbers fit: tasks, people, and what each waits for.
    pub(super) fn new(people: usize, net: &Net, tasks: usize) -> Option<Self> {
        if tasks > WORDS * 64 || tasks > 1 << BITS || people == 0 || people > MOST_PEOPLE {
            return None;
        }
        let mut made = Self {
            people,
            releases: vec![[0; WORDS]; tasks],
            bits: vec![[0; WORDS]; tasks],
            planes: [[0; WORDS]; PLANES],
            ready: [0; WORDS],
        };
        for task in 0..tasks {
            let (word, bit) = (task / 64, 1_u64 << (task % 64));
            made.bits[task][word] = bit;
            let before = net.before(task);
            if before.len() > 1 << PLANES {
                return None;
            }
            let Some(counter) = before.len().checked_sub(1) else {
                made.ready[word] |= bit;
                continue;
            };
            for (plane, words) in made.planes.iter_mut().enumerate() {
                if counter >> plane & 1 == 1 {
                    words[word] |= bit;
                }
            }
            for other in before {
                made.releases[*other as usize][word] |= bit;
            }
        }
        Some(made)
    }
}

/// One trial's state.
#[derive(Clone, Copy)]
struct Turn<const WORDS: usize, const SLOTS: usize> {
    planes: [[u64; WORDS]; PLANES],
    ready: [u64; WORDS],
    slots: [u64; SLOTS],
    idle: usize,
}

/// Turns spans into ends, both as rows of lanes in the order of the queue.
#[inline(always)]
pub(super) fn run<const WORDS: usize>(
    schedule: &Schedule<WORDS>,
    spans: &[[i64; LANES]],
    ends: &mut [[i64; LANES]],
) {
    match schedule.people {
        0..=4 => slots::<WORDS, 4>(schedule, spans, ends),
        5..=8 => slots::<WORDS, 8>(schedule, spans, ends),
        _ => slots::<WORDS, 32>(schedule, spans, ends),
    }
}

/// The most people whose work is scheduled here.
const MOST_PEOPLE: usize = 32;

#[inline(always)]
fn slots<const WORDS: usize, const SLOTS: usize>(
    schedule: &Schedule<WORDS>,
    spans: &[[i64; LANES]],
    ends: &mut [[i64; LANES]],
) {
    for first in (0..LANES).step_by(TURNS) {
        let fresh = Turn {
            planes: schedule.planes,
            ready: schedule.ready,
            slots: [IDLE; SLOTS],
            idle: schedule.people,
        };
        let mut turns = [fresh; TURNS];
        for (turn, state) in turns.iter_mut().enumerate() {
            start(schedule, spans, first + turn, state, 0);
        }
        // Every task ends once, so each trial takes as many turns as tasks.
        for _ in 0..spans.len() {
            for (turn, state) in turns.iter_mut().enumerate() {
                step(schedule, spans, ends, first + turn, state);
            }
        }
    }
}

/// The next end: who waited for it becomes ready, and whoever is free begins.
#[inline(always)]
fn step<const WORDS: usize, const SLOTS: usize>(
    schedule: &Schedule<WORDS>,
    spans: &[[i64; LANES]],
    ends: &mut [[i64; LANES]],
    lane: usize,
    state: &mut Turn<WORDS, SLOTS>,
) {
    let key = state.slots[0];
    for slot in 1..SLOTS {
        state.slots[slot - 1] = state.slots[slot];
    }
    state.slots[SLOTS - 1] = IDLE;
    state.idle += 1;
    let now = key >> BITS;
    let task = (key & ((1 << BITS) - 1)) as usize;
    let Some(mask) = schedule.releases.get(task) else { return };
    ends[task][lane] = now as i64;
    let mut borrow = *mask;
    let mut planes = state.planes;
    for plane in &mut planes {
        let old = *plane;
        *plane = each(old, borrow, |old, borrow| old ^ borrow);
        borrow = each(borrow, old, |borrow, old| borrow & !old);
    }
    state.planes = planes;
    state.ready = each(state.ready, borrow, |ready, new| ready | new);
    // All ends of an instant come before its starts.
    if state.slots[0] >> BITS != now {
        start(schedule, spans, lane, state, now);
    }
}

#[inline(always)]
fn start<const WORDS: usize, const SLOTS: usize>(
    schedule: &Schedule<WORDS>,
    spans: &[[i64; LANES]],
    lane: usize,
    state: &mut Turn<WORDS, SLOTS>,
    now: u64,
) {
    while state.idle > 0 {
        let Some(task) = first(&state.ready) else { return };
        let (Some(bit), Some(row)) = (schedule.bits.get(task), spans.get(task)) else { return };
        state.ready = each(state.ready, *bit, |ready, bit| ready & !bit);
        let mut key = (now + row[lane] as u64) << BITS | task as u64;
        for slot in &mut state.slots {
            let (low, high) = if *slot < key { (*slot, key) } else { (key, *slot) };
            *slot = low;
            key = high;
        }
        state.idle -= 1;
    }
}

/// An operation word by word.
#[inline(always)]
fn each<const WORDS: usize>(
    mut one: [u64; WORDS],
    other: [u64; WORDS],
    operation: impl Fn(u64, u64) -> u64,
) -> [u64; WORDS] {
    for (word, other) in one.iter_mut().zip(other) {
        *word = operation(*word, other);
    }
    one
}

/// The first task whose bit is set.
#[inline(always)]
fn first<const WORDS: usize>(bits: &[u64; WORDS]) -> Option<usize> {
    let mut found = None;
    for word in (0..WORDS).rev() {
        let here = word * 64 + bits[word].trailing_zeros() as usize;
        found = if bits[word] != 0 { Some(here) } else { found };
    }
    found
}
