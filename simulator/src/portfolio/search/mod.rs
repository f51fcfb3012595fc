//! The search for the best set of fixes: exact up to fifteen, greedy with swaps beyond.
//!
//! Pure: what a set is worth is asked of a judge, who simulates it. A set is
//! worth what it is judged to be, never a sum of its parts; sums of parts only
//! tell which sets need no judging.
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use evenkeel_config::record::Search;

/// More fixes than this are not searched exactly.
pub const MOST_EXACT: usize = 15;
/// Pairs are judged among so many of the best fixes, where there are more.
const MOST_PAIRED: usize = 30;
/// More sets than this are not judged to make sure.
const MOST_JUDGED: usize = 2000;
/// So many more sets are judged for the frontier alone.
const MOST_FRONTIER: usize = 100;
/// Rounds of swaps after which a set is good enough.
const MOST_ROUNDS: usize = 100;

/// A set of fixes: their numbers, rising.
pub type Set = Vec<usize>;

/// What a fix takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Minor units.
    pub cost: i64,
    /// Thousandths of a day of own staff.
    pub days: i64,
}

/// What there is to take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Minor units; unlimited when absent.
    pub cost: Option<i64>,
    /// Thousandths of a day; unlimited when absent.
    pub days: Option<i64>,
}

/// A judgement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// What the set is worth.
    pub value: f64,
    /// Whether it may be proposed.
    pub allowed: bool,
}

/// The question: fixes, limits, and how much judging is welcome.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The fixes.
    pub items: Vec<Item>,
    /// The limits.
    pub limits: Limits,
    /// Pairs that cannot be had together, lower number first.
    pub barred: BTreeSet<(usize, usize)>,
    /// Every affordable set is judged when they are no more than this.
    pub every_up_to: usize,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The best set within the limits that may be proposed; it may be empty.
    pub best: Set,
    /// How it was found.
    pub search: Search,
    /// Sets within the limits, where they were counted.
    pub affordable: Option<u64>,
    /// Whether no other set can be better, as far as the way of searching tells.
    pub certain: bool,
    /// The same for every point of the frontier.
    pub frontier_certain: bool,
    /// Every set that was judged.
    pub judged: BTreeMap<Set, Judged>,
}

impl Terms {
    /// Cost and days of a set.
    pub fn takes(&self, set: &[usize]) -> Item {
        let mut sum = Item { cost: 0, days: 0 };
        for item in set.iter().map(|number| self.items[*number]) {
            sum.cost = sum.cost.saturating_add(item.cost);
            sum.days = sum.days.saturating_add(item.days);
        }
        sum
    }

    /// Whether a set keeps the limits.
    pub fn affords(&self, set: &[usize]) -> bool {
        let takes = self.takes(set);
        self.limits.cost.is_none_or(|limit| takes.cost <= limit) && self.has_days(set)
    }

    fn has_days(&self, set: &[usize]) -> bool {
        self.limits.days.is_none_or(|limit| self.takes(set).days <= limit)
    }

    fn fits(&self, set: &[usize]) -> bool {
        let pairs =
            set.iter().enumerate().flat_map(|(at, a)| set[..at].iter().map(move |b| (*b, *a)));
        pairs.into_iter().all(|pair| !self.barred.contains(&pair))
    }

    /// Which of two sets is preferred: more value, then cheaper, then fewer days
    /// and fewer fixes, then the earlier ones.
    pub fn prefer(&self, a: (&Set, f64), b: (&Set, f64)) -> Ordering {
        let (one, other) = (self.takes(a.0), self.takes(b.0));
        b.1.total_cmp(&a.1)
            .then(one.cost.cmp(&other.cost))
            .then(one.days.cmp(&other.days))
            .then(a.0.len().cmp(&b.0.len()))
            .then_with(|| a.0.cmp(b.0))
    }
}

/// Searches. `judge` says what a set is worth, or `None` when its fixes cannot
/// be had together.
///
/// # Errors
/// What the judge fails with.
pub fn search<E>(
    terms: Terms,
    judge: impl FnMut(&[usize]) -> Result<Option<Judged>, E>,
) -> Result<Found, E> {
    let exact = terms.items.len() <= MOST_EXACT;
    let last = vec![f64::NEG_INFINITY; terms.items.len()];
    let mut hunt = Hunt { terms, judge, judged: BTreeMap::new(), last };
    hunt.judge(&[])?;
    let singles: Vec<usize> = (0..hunt.terms.items.len()).collect();
    for number in &singles {
        hunt.judge(&[*number])?;
    }
    let paired = hunt.most_valuable(&singles, if exact { MOST_EXACT } else { MOST_PAIRED });
    for (at, b) in paired.iter().enumerate() {
        for a in &paired[..at] {
            if hunt.terms.fits(&[*a, *b]) {
                hunt.judge(&[*a, *b])?;
            }
        }
    }
    if exact { hunt.exact() } else { hunt.greedy() }
}

/// What taking fixes one by one gives, most value for money first and whatever
/// still fits; `judge` is asked whether the set may be proposed.
///
/// # Errors
/// What the judge fails with.
pub fn one_by_one<E>(
    terms: &Terms,
    singles: &[f64],
    mut judge: impl FnMut(&[usize]) -> Result<Option<Judged>, E>,
) -> Result<Set, E> {
    let ratio = |number: usize| {
        let cost = terms.items[number].cost.max(0) as f64;
        if cost > 0.0 { singles[number] / cost } else { f64::INFINITY }
    };
    let mut order: Vec<usize> = (0..singles.len()).filter(|n| singles[*n] > 0.0).collect();
    order.sort_by(|a, b| {
        ratio(*b).total_cmp(&ratio(*a)).then(singles[*b].total_cmp(&singles[*a])).then(a.cmp(b))
    });
    let mut set = Set::new();
    for number in order {
        let with = joined(&set, number);
        if terms.affords(&with)
            && terms.fits(&with)
            && judge(&with)?.is_some_and(|judged| judged.allowed)
        {
            set = with;
        }
    }
    Ok(set)
}

/// The sets with the most value at their cost, cheapest first: each is worth
/// more than everything that costs as much or less.
pub fn frontier(terms: &Terms, judged: &BTreeMap<Set, Judged>) -> Vec<Set> {
    let mut sets: Vec<(&Set, f64)> = judged
        .iter()
        .filter(|(set, judged)| judged.allowed && terms.has_days(set))
        .map(|(set, judged)| (set, judged.value))
        .collect();
    sets.sort_by(|a, b| {
        terms.takes(a.0).cost.cmp(&terms.takes(b.0).cost).then_with(|| terms.prefer(*a, *b))
    });
    let mut best = f64::NEG_INFINITY;
    let mut frontier = Vec::new();
    for (set, value) in sets {
        if value > best {
            best = value;
            frontier.push(set.clone());
        }
    }
    frontier
}

fn joined(set: &[usize], number: usize) -> Set {
    let mut set = set.to_vec();
    set.insert(set.partition_point(|other| *other < number), number);
    set
}

fn without(set: &[usize], number: usize) -> Set {
    set.iter().copied().filter(|other| *other != number).collect()
}

fn unpacked(mask: usize) -> Set {
    (0..usize::BITS as usize).filter(|bit| mask >> bit & 1 == 1).collect()
}

struct Hunt<J> {
    terms: Terms,
    judge: J,
    judged: BTreeMap<Set, Judged>,
    /// What each fix adds to all others, where that was judged.
    last: Vec<f64>,
}

impl<E, J: FnMut(&[usize]) -> Result<Option<Judged>, E>> Hunt<J> {
    fn judge(&mut self, set: &[usize]) -> Result<Judged, E> {
        if let Some(judged) = self.judged.get(set) {
            return Ok(*judged);
        }
        let none = Judged { value: f64::NEG_INFINITY, allowed: false };
        let judged = (self.judge)(set)?;
        if judged.is_none()
            && let [a, b] = set
        {
            self.terms.barred.insert((*a, *b));
        }
        let judged = judged.unwrap_or(none);
        self.judged.insert(set.to_vec(), judged);
        Ok(judged)
    }

    fn value(&self, set: &[usize]) -> Option<f64> {
        self.judged.get(set).map(|judged| judged.value)
    }

    fn most_valuable(&self, numbers: &[usize], most: usize) -> Set {
        let possible = |number: &&usize| self.value(&[**number]).is_some_and(f64::is_finite);
        let mut all: Set = numbers.iter().filter(possible).copied().collect();
        let value = |number: usize| self.value(&[number]).unwrap_or(0.0);
        all.sort_by(|a, b| value(*b).total_cmp(&value(*a)).then(a.cmp(b)));
        all.truncate(most);
        all.sort_unstable();
        all
    }

    fn best(&self) -> (Set, f64) {
        self.judged
            .iter()
            .filter(|(set, judged)| judged.allowed && self.terms.affords(set))
            .map(|(set, judged)| (set, judged.value))
            .min_by(|a, b| self.terms.prefer(*a, *b))
            .map_or((Set::new(), 0.0), |(set, value)| (set.clone(), value))
    }

    /// The most that a fix can add to a set, by what is known: its value alone,
    /// plus every pair in which the two are worth more than their sum, less the
    /// largest overlap with one of the set; or what it adds to all others, if
    /// that is more. Where fixes overlap, the former is the largest gain; where
    /// they need each other, the latter.
    fn gain(&self, number: usize, set: &[usize]) -> f64 {
        let alone = self.value(&[number]).unwrap_or(0.0);
        let (mut more, mut less) = (0.0, 0.0_f64);
        for other in set {
            let pair = [number.min(*other), number.max(*other)];
            let Some(both) = self.value(&pair) else { continue };
            let extra = both - alone - self.value(&[*other]).unwrap_or(0.0);
            if extra > 0.0 {
                more += extra;
            } else {
                less = less.min(extra);
            }
        }
        (alone + more + less).max(self.last[number])
    }

    /// Judges all fixes together, and all but each one: where several fixes only
    /// help together, no pair shows it.
    fn judge_last(&mut self, possible: &[usize]) -> Result<(), E> {
        let mut whole = Set::new();
        for number in possible {
            let with = joined(&whole, *number);
            if self.terms.fits(&with) {
                whole = with;
            }
        }
        let all = self.judge(&whole)?.value;
        for number in whole.iter().filter(|_| all.is_finite()) {
            let rest = self.judge(&without(&whole, *number))?.value;
            if rest.is_finite() {
                self.last[*number] = all - rest;
            }
        }
        Ok(())
    }

    /// Every set of up to fifteen fixes: judged, or shown to be no better.
    fn exact(mut self) -> Result<Found, E> {
        let possible =
            self.most_valuable(&(0..self.terms.items.len()).collect::<Set>(), MOST_EXACT);
        let of =
            |mask: usize| -> Set { unpacked(mask).into_iter().map(|bit| possible[bit]).collect() };
        let fitting: Vec<Set> = (0..1_usize << possible.len())
            .map(of)
            .map(|set| if self.terms.fits(&set) { set } else { Set::new() })
            .collect();
        let is_set = |mask: usize| mask == 0 || !fitting[mask].is_empty();
        let affordable: Vec<usize> =
            (0..fitting.len()).filter(|m| is_set(*m) && self.terms.affords(&fitting[*m])).collect();
        let count = Some(affordable.len() as u64);
        if affordable.len() <= self.terms.every_up_to {
            for mask in affordable {
                self.judge(&fitting[mask])?;
            }
            let frontier_certain = self.settle(&fitting, Goal::Frontier, MOST_FRONTIER)?;
            return Ok(self.found(Search::Every, count, true, frontier_certain));
        }
        self.judge_last(&possible)?;
        let certain = self.settle(&fitting, Goal::Best, MOST_JUDGED)?;
        let frontier_certain = self.settle(&fitting, Goal::Frontier, MOST_FRONTIER)?;
        self.prune()?;
        Ok(self.found(Search::Bounded, count, certain, frontier_certain))
    }

    /// Judges the best set without each of its fixes, so that none is proposed
    /// that adds nothing.
    fn prune(&mut self) -> Result<(), E> {
        loop {
            let best = self.best().0;
            for number in &best {
                self.judge(&without(&best, *number))?;
            }
            if self.best().0 == best {
                return Ok(());
            }
        }
    }

    /// Judges the most promising set again and again until none can be better;
    /// false when that took too many.
    fn settle(&mut self, sets: &[Set], goal: Goal, most: usize) -> Result<bool, E> {
        for _ in 0..most {
            let bounds = self.bounds(sets);
            let Some(next) = self.promising(sets, &bounds, goal) else { return Ok(true) };
            self.judge(&sets[next])?;
        }
        let bounds = self.bounds(sets);
        Ok(self.promising(sets, &bounds, goal).is_none())
    }

    /// The most that each set can be worth: judged, or the best part of it plus
    /// the gain of the last fix, whichever order bounds it most.
    fn bounds(&self, sets: &[Set]) -> Vec<f64> {
        let mut bounds = vec![f64::NEG_INFINITY; sets.len()];
        for mask in 0..sets.len() {
            let set = &sets[mask];
            if mask != 0 && set.is_empty() {
                continue;
            }
            bounds[mask] = match self.value(set) {
                Some(value) if value.is_finite() => value,
                Some(_) => continue,
                None => {
                    let bits = (0..sets.len().ilog2() as usize).filter(|bit| mask >> bit & 1 == 1);
                    let mut least = f64::INFINITY;
                    for (number, bit) in set.iter().zip(bits) {
                        let part = bounds[mask & !(1 << bit)];
                        if part.is_finite() {
                            least = least.min(part + self.gain(*number, &without(set, *number)));
                        }
                    }
                    least
                }
            };
        }
        bounds
    }

    fn promising(&self, sets: &[Set], bounds: &[f64], goal: Goal) -> Option<usize> {
        let best = self.best().1;
        let steps: Vec<(i64, f64)> = frontier(&self.terms, &self.judged)
            .iter()
            .map(|set| (self.terms.takes(set).cost, self.value(set).unwrap_or(0.0)))
            .collect();
        let excess = |mask: usize| -> f64 {
            let set = &sets[mask];
            match goal {
                Goal::Best if self.terms.affords(set) => bounds[mask] - best,
                Goal::Frontier if self.terms.has_days(set) => {
                    let cost = self.terms.takes(set).cost;
                    let known = steps.partition_point(|step| step.0 <= cost);
                    bounds[mask] - known.checked_sub(1).map_or(0.0, |at| steps[at].1)
                }
                _ => f64::NEG_INFINITY,
            }
        };
        // A gain of less than a millionth of the best is none: sums of parts
        // are rounded.
        let slack = best.abs() * 1e-6;
        (1..sets.len())
            .filter(|mask| !sets[*mask].is_empty() && !self.judged.contains_key(&sets[*mask]))
            .map(|mask| (mask, excess(mask)))
            .filter(|(_, excess)| *excess > slack)
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
            .map(|(mask, _)| mask)
    }

    /// Adds and swaps from the best single or pair and from what one by one gives.
    fn greedy(mut self) -> Result<Found, E> {
        let singles: Vec<f64> = (0..self.terms.items.len())
            .map(|number| self.value(&[number]).unwrap_or(f64::NEG_INFINITY))
            .collect();
        let terms = self.terms.clone();
        let start = one_by_one(&terms, &singles, |set| self.judge(set).map(Some))?;
        for start in [start, self.best().0] {
            let mut set = start;
            for _ in 0..MOST_ROUNDS {
                match self.improved(&set)? {
                    Some(better) => set = better,
                    None => break,
                }
            }
        }
        Ok(self.found(Search::Greedy, None, false, false))
    }

    /// A better set one addition, removal or swap away, the most promising
    /// tried first.
    fn improved(&mut self, set: &Set) -> Result<Option<Set>, E> {
        let mut candidates: Vec<(Set, f64)> = Vec::new();
        let mut parts = vec![set.clone()];
        parts.extend(set.iter().map(|number| without(set, *number)));
        for part in parts {
            let value = self.judge(&part)?.value;
            if part != *set {
                candidates.push((part.clone(), value));
            }
            for number in (0..self.terms.items.len()).filter(|number| !set.contains(number)) {
                let with = joined(&part, number);
                if self.terms.affords(&with) && self.terms.fits(&with) {
                    let bound = value + self.gain(number, &part);
                    candidates.push((with, bound));
                }
            }
        }
        candidates.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let now = (set.clone(), self.judge(set)?.value);
        let mut best = now.clone();
        for (with, bound) in candidates {
            if bound < best.1 {
                break;
            }
            let judged = self.judge(&with)?;
            let this = (&with, judged.value);
            if judged.allowed && self.terms.prefer(this, (&best.0, best.1)).is_lt() {
                best = (with, judged.value);
            }
        }
        Ok((best.0 != now.0).then_some(best.0))
    }

    fn found(
        self,
        search: Search,
        affordable: Option<u64>,
        certain: bool,
        frontier_certain: bool,
    ) -> Found {
        let best = self.best().0;
        Found { best, search, affordable, certain, frontier_certain, judged: self.judged }
    }
}

/// What is to be made sure of.
#[derive(Debug, Clone, Copy)]
enum Goal {
    /// That no affordable set is better than the best.
    Best,
    /// That no set is better than what is known at its cost.
    Frontier,
}

#[cfg(test)]
mod tests;
