//! Components that fail and are repaired, simulated: any map, any sharing of people.
use rayon::prelude::*;

use evenkeel_config::graph::Running;
use libm::{log1p, sqrt};

use super::Part;
use crate::key::{Luck, Purpose, Purposes};
use evenkeel_config::record::Band;

/// Independent walks; their spread gives the interval.
const WALKS: u32 = 256;
/// The 97.5 % quantile of the standard normal law.
const Z: f64 = 1.959_963_984_540_054;

/// What was seen of one function over all walks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Share of time in which it works.
    pub availability: Band,
    /// Mean number of the components behind it that are down.
    pub failed: Band,
    /// Mean hours from all working to its first failure; absent when no walk saw one.
    pub first_failure: Option<Band>,
}

/// One function: its number on the map, and which parts it hangs on.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Number on the map.
    pub node: usize,
    /// Indices of parts.
    pub parts: Vec<usize>,
}

/// What one walk saw of one function.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    up: f64,
    failed: f64,
    time: f64,
    first: Option<f64>,
    until: f64,
}

/// Walks through failures and repairs. `failures` is how many failures all walks
/// together see, about; the first tenth of each walk is left out of the averages.
pub fn walk(
    running: &Running<'_>,
    parts: &[Part],
    people: usize,
    watched: &[Watched],
    seed: u64,
    failures: f64,
) -> Vec<Seen> {
    let per_hour: f64 = parts.iter().map(|part| 1.0 / (part.mtbf + part.mttr)).sum();
    let slowest = parts.iter().map(|part| part.mttr).fold(0.0, f64::max);
    let hours = (failures / f64::from(WALKS) / per_hour).max(50.0 * slowest);
    let mut purposes = Purposes::default();
    let keys: Vec<(Purpose, Purpose)> = parts
        .iter()
        .map(|part| {
            let id = running.ids()[part.node].as_str();
            (purposes.of(id, "steady", "up"), purposes.of(id, "steady", "repair"))
        })
        .collect();
    let tallies: Vec<Vec<Tally>> = (0..WALKS)
        .into_par_iter()
        .map(|number| {
            Walk::new(running, parts, people, &keys, Luck::new(seed, number)).run(watched, hours)
        })
        .collect();
    (0..watched.len())
        .map(|function| {
            let of: Vec<Tally> = tallies.iter().map(|walk| walk[function]).collect();
            Seen {
                availability: mean(of.iter().map(|tally| tally.up / tally.time)),
                failed: mean(of.iter().map(|tally| tally.failed / tally.time)),
                first_failure: first(&of),
            }
        })
        .collect()
}

/// A mean with its 95 % interval, none of it below 0.
fn mean(values: impl Iterator<Item = f64>) -> Band {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let middle = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - middle) * (value - middle)).sum::<f64>();
    let half = Z * sqrt(squares / (n - 1.0) / n);
    Band { low: (middle - half).max(0.0), middle, high: middle + half }
}

/// Mean time to the first failure: all time watched until then over the walks
/// that saw one, which is right also where some walks end before.
fn first(tallies: &[Tally]) -> Option<Band> {
    let seen = tallies.iter().filter(|tally| tally.first.is_some()).count() as f64;
    if seen == 0.0 {
        return None;
    }
    let time: f64 = tallies.iter().map(|tally| tally.first.unwrap_or(tally.until)).sum();
    let high = time / (seen - Z * sqrt(seen)).max(0.5);
    Some(Band { low: time / (seen + Z * sqrt(seen)), middle: time / seen, high })
}

/// One walk under way; times in hours.
struct Walk<'a> {
    running: &'a Running<'a>,
    parts: &'a [Part],
    keys: &'a [(Purpose, Purpose)],
    luck: Luck,
    /// When each part fails next or is repaired; infinite while it waits.
    next: Vec<f64>,
    /// Failures of each part so far: the attempt of its draws.
    count: Vec<u32>,
    /// Down by itself.
    down: Vec<bool>,
    /// Who repairs each part.
    repairer: Vec<Option<usize>>,
    busy: Vec<bool>,
    /// Parts that wait for somebody, longest first.
    waiting: Vec<usize>,
}

impl<'a> Walk<'a> {
    fn new(
        running: &'a Running<'a>,
        parts: &'a [Part],
        people: usize,
        keys: &'a [(Purpose, Purpose)],
        luck: Luck,
    ) -> Self {
        let mut walk = Self {
            running,
            parts,
            keys,
            luck,
            next: vec![0.0; parts.len()],
            count: vec![0; parts.len()],
            down: vec![false; running.ids().len()],
            repairer: vec![None; parts.len()],
            busy: vec![false; people],
            waiting: Vec::new(),
        };
        for (number, part) in parts.iter().enumerate() {
            walk.next[number] = walk.draw(number, keys[number].0, part.mtbf);
        }
        walk
    }

    fn draw(&self, part: usize, purpose: Purpose, mean: f64) -> f64 {
        -mean * log1p(-self.luck.uniform(purpose, self.count[part]))
    }

    fn run(mut self, watched: &[Watched], hours: f64) -> Vec<Tally> {
        let warm = 0.1 * hours;
        let mut now = 0.0_f64;
        let mut tallies = vec![Tally { until: hours, ..Tally::default() }; watched.len()];
        loop {
            let up = self.running.up(&self.down);
            let soonest =
                (0..self.parts.len()).min_by(|a, b| self.next[*a].total_cmp(&self.next[*b]));
            let then = soonest.map_or(hours, |part| self.next[part].min(hours));
            let counted = (then.max(warm) - now.max(warm)).max(0.0);
            for (function, tally) in watched.iter().zip(&mut tallies) {
                let works = up[function.node];
                let failed =
                    function.parts.iter().filter(|part| self.down[self.parts[**part].node]).count();
                tally.time += counted;
                tally.failed += counted * failed as f64;
                tally.up += if works { counted } else { 0.0 };
                if !works && tally.first.is_none() {
                    tally.first = Some(now);
                }
            }
            now = then;
            match soonest {
                Some(part) if now < hours => self.turn(part, now),
                _ => return tallies,
            }
        }
    }

    /// A part fails or is back.
    fn turn(&mut self, part: usize, now: f64) {
        let node = self.parts[part].node;
        self.down[node] = !self.down[node];
        if self.down[node] {
            self.next[part] = f64::INFINITY;
            self.waiting.push(part);
        } else {
            self.count[part] += 1;
            self.next[part] = now + self.draw(part, self.keys[part].0, self.parts[part].mtbf);
            if let Some(person) = self.repairer[part].take() {
                self.busy[person] = false;
            }
        }
        let waiting = std::mem::take(&mut self.waiting);
        for part in waiting {
            let crew = &self.parts[part].crew;
            let free = crew.iter().copied().find(|person| !self.busy[*person]);
            if free.is_none() && !crew.is_empty() {
                self.waiting.push(part);
                continue;
            }
            if let Some(person) = free {
                self.busy[person] = true;
            }
            self.repairer[part] = free;
            self.next[part] = now + self.draw(part, self.keys[part].1, self.parts[part].mttr);
        }
    }
}
