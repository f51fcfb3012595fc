//! What a set of fixes is worth: simulated as a set, on the same nights, over all scenarios.
use std::collections::BTreeMap;

use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::record::Objective;
use libm::sqrt;
use rayon::prelude::*;

use super::search::{Judged, Set, Terms};
use crate::Job;
use crate::model::NEVER;
use crate::paired::{Z, rows};
use crate::sides::{Nightly, Side, Stage};

/// Nights are kept of so many sets, for resampling.
const MOST_KEPT: usize = 64;
/// Resamples of the nights.
pub(super) const RESAMPLES: u32 = 200;
/// Products that resampling may take.
const MOST_PRODUCTS: usize = 500_000_000;

/// What a set was found to be worth.
#[derive(Debug, Clone)]
pub(super) struct Worth {
    /// Value, lower and upper end of its 95 % interval, in the objective's unit.
    pub(super) value: [f64; 3],
    /// Mean cost saved in one event, in minor units.
    pub(super) saved: f64,
    /// Which life-safety function it makes worse, in words.
    pub(super) harm: Option<String>,
}

/// Simulates sets of fixes.
pub(super) struct Bench<'a> {
    fixes: Vec<Id>,
    objective: Objective,
    /// Weight of each scenario in the value.
    weights: Vec<f64>,
    stages: Vec<Stage<'a>>,
    before: Vec<Side>,
    trials: u64,
    progress: &'a (dyn Fn(u64, u64) + Sync),
    done: u64,
    planned: u64,
    /// Every set that was simulated.
    pub(super) known: BTreeMap<Set, Worth>,
    /// Why a set could not be simulated.
    pub(super) cannot: BTreeMap<Set, String>,
    /// The value of each night by scenario, of the sets worth most.
    nights: BTreeMap<Set, Vec<Vec<i64>>>,
}

impl<'a> Bench<'a> {
    /// Simulates the map as it is. `sets`: how many sets are expected to follow.
    ///
    /// # Errors
    /// What makes a question meaningless on the map.
    pub(super) fn new(
        jobs: &'a [Job<'a>],
        weights: Vec<f64>,
        fixes: Vec<Id>,
        objective: Objective,
        sets: u64,
        progress: &'a (dyn Fn(u64, u64) + Sync),
    ) -> Result<Self, Problems> {
        let scenarios = jobs.len() as u64;
        let trials = jobs[0].trials;
        let planned = (sets + 1) * scenarios * trials;
        let (mut stages, mut before) = (Vec::new(), Vec::new());
        let mut done = 0;
        for job in jobs {
            let mut stage = Stage::new(job)?;
            before.push(stage.side(&[], &|trials| progress(done + trials, planned))?);
            done += trials;
            stages.push(stage);
        }
        let known = BTreeMap::new();
        let cannot = BTreeMap::new();
        let nights = BTreeMap::new();
        Ok(Self {
            fixes,
            objective,
            weights,
            stages,
            before,
            trials,
            progress,
            done,
            planned,
            known,
            cannot,
            nights,
        })
    }

    /// The map as it is, by scenario.
    pub(super) fn before(&self) -> &[Side] {
        &self.before
    }

    /// Judges a set for the search; `None` when its fixes cannot be had together.
    ///
    /// # Errors
    /// None today: what a set cannot be simulated for is kept beside it.
    pub(super) fn judge(&mut self, set: &[usize]) -> Result<Option<Judged>, Problems> {
        if self.cannot.contains_key(set) {
            return Ok(None);
        }
        if !self.known.contains_key(set) {
            match self.simulate(set) {
                Ok(worth) => {
                    self.known.insert(set.to_vec(), worth);
                }
                Err(problems) => {
                    let what: Vec<String> = problems.list.into_iter().map(|p| p.what).collect();
                    self.cannot.insert(set.to_vec(), what.join("; "));
                    return Ok(None);
                }
            }
        }
        let worth = &self.known[set];
        Ok(Some(Judged { value: worth.value[0], allowed: worth.harm.is_none() }))
    }

    fn simulate(&mut self, set: &[usize]) -> Result<Worth, Problems> {
        let fixes: Vec<Id> = set.iter().map(|number| self.fixes[*number].clone()).collect();
        let (mut values, mut saved, mut harm) = (Vec::new(), 0.0, None);
        let whole: f64 = self.weights.iter().sum();
        for scenario in 0..self.stages.len() {
            let before = &self.before[scenario];
            let after = if set.is_empty() {
                before
            } else {
                let (start, progress) = (self.done, self.progress);
                let of = self.planned.max(start + self.trials + 1);
                let tell = |trials| progress(start + trials, of);
                self.done += self.trials;
                &self.stages[scenario].side(&fixes, &tell)?
            };
            let money = money(before, after);
            saved += self.weights[scenario] / whole * mean(&money);
            harm = harm.or_else(|| harmed(before, after));
            values.push(match self.objective {
                Objective::Money => money,
                Objective::Hours => hours(before, after),
                Objective::Rto => kept(before, after),
            });
        }
        let value = self.interval(&values);
        self.keep(set, value[0], values);
        Ok(Worth { value, saved, harm })
    }

    /// The weighted mean of the nights and its 95 % interval; nights of the
    /// same number share their luck in all scenarios and are one observation.
    fn interval(&self, values: &[Vec<i64>]) -> [f64; 3] {
        let scale = unit(self.objective);
        let means: Vec<f64> = values.iter().map(|nights| mean(nights)).collect();
        let value: f64 = means.iter().zip(&self.weights).map(|(mean, weight)| mean * weight).sum();
        let n = self.trials as f64;
        let mut squares = 0.0;
        for night in 0..self.trials as usize {
            let mut gap = 0.0;
            for ((nights, mean), weight) in values.iter().zip(&means).zip(&self.weights) {
                gap += weight * (nights[night] as f64 - mean);
            }
            squares += gap * gap;
        }
        let half = Z * sqrt(squares / n / (n - 1.0).max(1.0));
        [value * scale, (value - half) * scale, (value + half) * scale]
    }

    /// Keeps the nights of the sets worth most.
    fn keep(&mut self, set: &[usize], value: f64, nights: Vec<Vec<i64>>) {
        if self.nights.len() >= MOST_KEPT {
            let worth = |set: &Set| self.known.get(set).map_or(value, |worth| worth.value[0]);
            let least = self.nights.keys().min_by(|a, b| worth(a).total_cmp(&worth(b))).cloned();
            match least {
                Some(least) if worth(&least) < value => {
                    self.nights.remove(&least);
                }
                _ => return,
            }
        }
        self.nights.insert(set.to_vec(), nights);
    }

    /// In how many resamples of the nights which set is best within the limits;
    /// among the sets whose nights are kept, most often first.
    pub(super) fn stability(&self, terms: &Terms, seed: u64) -> Vec<(Set, u32)> {
        let n = self.trials as usize;
        let most = (MOST_PRODUCTS / (n * self.weights.len() * RESAMPLES as usize)).max(8);
        let mut sets: Vec<(&Set, f64)> = self
            .nights
            .keys()
            .filter(|set| terms.affords(set) && self.known[*set].harm.is_none())
            .map(|set| (set, self.known[set].value[0]))
            .collect();
        sets.sort_by(|a, b| terms.prefer(*a, *b));
        sets.truncate(most);
        let winners: Vec<Option<&Set>> = (0..RESAMPLES)
            .into_par_iter()
            .map(|round| {
                let mut counts = vec![0_i128; n];
                for row in rows(seed, round, n) {
                    counts[row] += 1;
                }
                let value = |set: &Set| -> f64 {
                    let of = |nights: &Vec<i64>| -> i128 {
                        nights.iter().zip(&counts).map(|(v, count)| i128::from(*v) * count).sum()
                    };
                    let sums = self.nights[set].iter().map(|nights| of(nights) as f64 / n as f64);
                    sums.zip(&self.weights).map(|(mean, weight)| mean * weight).sum()
                };
                let all = sets.iter().map(|(set, _)| (*set, value(set)));
                all.min_by(|a, b| terms.prefer(*a, *b)).map(|(set, _)| set)
            })
            .collect();
        let mut wins: BTreeMap<&Set, u32> = BTreeMap::new();
        for winner in winners.into_iter().flatten() {
            *wins.entry(winner).or_default() += 1;
        }
        let mut wins: Vec<(Set, u32)> =
            wins.into_iter().map(|(set, wins)| (set.clone(), wins)).collect();
        wins.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        wins
    }
}

/// From the integers of a night to the objective's unit.
fn unit(objective: Objective) -> f64 {
    match objective {
        Objective::Money | Objective::Rto => 1.0,
        Objective::Hours => 1.0 / 3.6e6,
    }
}

fn mean(nights: &[i64]) -> f64 {
    let sum: i128 = nights.iter().map(|value| i128::from(*value)).sum();
    sum as f64 / nights.len().max(1) as f64
}

fn money(before: &Side, after: &Side) -> Vec<i64> {
    before.costs.iter().zip(&after.costs).map(|(before, after)| before - after).collect()
}

/// Functions that were simulated on both sides.
fn pairs<'s>(before: &'s Side, after: &'s Side) -> Vec<(&'s Nightly, &'s Nightly)> {
    let pair = |old: &'s Nightly| Some((old, after.function(&old.id)?));
    let all = before.functions.iter().filter_map(pair);
    all.filter(|(old, new)| old.cannot.is_none() && new.cannot.is_none()).collect()
}

fn summed(
    before: &Side,
    after: &Side,
    each: impl Fn(&Nightly, &Nightly, usize) -> i64,
) -> Vec<i64> {
    let pairs = pairs(before, after);
    (0..before.costs.len())
        .map(|night| pairs.iter().map(|(old, new)| each(old, new, night)).sum())
        .collect()
}

fn hours(before: &Side, after: &Side) -> Vec<i64> {
    summed(before, after, |old, new, night| old.missing[night] - new.missing[night])
}

fn kept(before: &Side, after: &Side) -> Vec<i64> {
    summed(before, after, |old, new, night| {
        let kept = |one: &Nightly| old.rto.is_some_and(|rto| one.usable[night] <= rto);
        i64::from(kept(new)) - i64::from(kept(old))
    })
}

/// The first life-safety function that is worse off: more lost hours on
/// average, or back, within the RTO or within the MTD in fewer nights.
fn harmed(before: &Side, after: &Side) -> Option<String> {
    for old in before.functions.iter().filter(|old| old.life_safety && old.cannot.is_none()) {
        let title = &old.title;
        let Some(new) = after.function(&old.id).filter(|new| new.cannot.is_none()) else {
            return Some(format!("{title} would be taken away, and lives hang on it"));
        };
        let nights =
            |one: &Nightly, limit: i64| one.usable.iter().filter(|ms| **ms <= limit).count();
        let limits =
            [(Some(NEVER - 1), "come back"), (old.rto, "keep its RTO"), (old.mtd, "keep its MTD")];
        for (limit, what) in limits {
            let Some(limit) = limit else { continue };
            let (was, is) = (nights(old, limit), nights(new, limit));
            if is < was {
                let of = old.usable.len();
                return Some(format!(
                    "{title} would {what} in {is} nights of {of} instead of {was}, and lives hang on it"
                ));
            }
        }
        let lost = |one: &Nightly| one.missing.iter().map(|ms| i128::from(*ms)).sum::<i128>();
        let more = lost(new) - lost(old);
        if more > 0 {
            let ms = (more / old.missing.len().max(1) as i128).clamp(1, i128::from(i64::MAX));
            let hours = crate::words::number(ms as f64 / 3.6e6);
            return Some(format!(
                "{title} would lose {hours} h more on average, and lives hang on it"
            ));
        }
    }
    None
}
