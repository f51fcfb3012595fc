//! Many trials: in parallel over fixed blocks, gathered in order, so that the
//! number of threads changes nothing.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::fast::{LANES, Night, Path, Runner, Trials};
use crate::kernel::Reason;
use crate::model::Model;

/// Trials that one task runs.
const BLOCK: u64 = 128;

/// What an interval of the chain went into: cause, component, step.
pub type HoursKey = (u8, u32, u32);

/// All results of one function, trial by trial where order statistics need it.
#[derive(Debug, Clone, Default)]
pub struct FunctionRuns {
    /// Usable, by trial.
    pub usable: Vec<i64>,
    /// System back, by trial.
    pub system_back: Vec<i64>,
    /// Recovered, by trial.
    pub recovered: Vec<i64>,
    /// Data loss, by trial.
    pub data_loss: Vec<i64>,
    /// Cost, by trial.
    pub cost: Vec<i64>,
    /// Missing capacity integrated over time until the horizon, by trial; a
    /// night without an end counts up to there.
    pub missing: Vec<i64>,
    /// Trials in which it was touched.
    pub touched: u64,
    /// Sum of time below the minimum, of trials that recovered.
    pub below_minimum: i128,
    /// Sum of lost capacity, of trials that recovered.
    pub lost: i128,
    /// Where the hours go, of trials that became usable.
    pub hours: BTreeMap<HoursKey, u128>,
    /// Why it never came back.
    pub never: BTreeMap<Reason, u64>,
}

/// All results of all trials.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// By function.
    pub functions: Vec<FunctionRuns>,
    /// Loss by data set and trial.
    pub data: Vec<Vec<i64>>,
    /// Trials in which a data set was hit.
    pub hit: Vec<u64>,
    /// Money spent on recovery, by trial.
    pub spent: Vec<i64>,
}

impl Runs {
    /// Of nothing yet.
    pub fn new(model: &Model) -> Self {
        Self {
            functions: vec![FunctionRuns::default(); model.functions.len()],
            data: vec![Vec::new(); model.datasets.len()],
            hit: vec![0; model.datasets.len()],
            spent: Vec::new(),
        }
    }

    /// Adds the trials that come after these.
    pub fn append(&mut self, mut other: Self) {
        for (mine, theirs) in self.functions.iter_mut().zip(&mut other.functions) {
            mine.usable.append(&mut theirs.usable);
            mine.system_back.append(&mut theirs.system_back);
            mine.recovered.append(&mut theirs.recovered);
            mine.data_loss.append(&mut theirs.data_loss);
            mine.cost.append(&mut theirs.cost);
            mine.missing.append(&mut theirs.missing);
            mine.touched += theirs.touched;
            mine.below_minimum += theirs.below_minimum;
            mine.lost += theirs.lost;
            for (key, total) in std::mem::take(&mut theirs.hours) {
                *mine.hours.entry(key).or_default() += total;
            }
            for (reason, count) in std::mem::take(&mut theirs.never) {
                *mine.never.entry(reason).or_default() += count;
            }
        }
        for (mine, theirs) in self.data.iter_mut().zip(&mut other.data) {
            mine.append(theirs);
        }
        for (mine, theirs) in self.hit.iter_mut().zip(&other.hit) {
            *mine += theirs;
        }
        self.spent.append(&mut other.spent);
    }

    /// Forgets the results of single trials and keeps what adds up.
    pub fn forget_trials(&mut self) {
        for runs in &mut self.functions {
            for list in [
                &mut runs.usable,
                &mut runs.system_back,
                &mut runs.recovered,
                &mut runs.data_loss,
                &mut runs.cost,
                &mut runs.missing,
            ] {
                *list = Vec::new();
            }
        }
        self.data.iter_mut().for_each(|list| *list = Vec::new());
        self.spent = Vec::new();
    }

    fn add(&mut self, model: &Model, night: &mut Night<'_, '_>) {
        for number in 0..model.functions.len() {
            let result = night.outcome(number);
            let runs = &mut self.functions[number];
            runs.usable.push(result.usable);
            runs.system_back.push(result.system_back);
            runs.recovered.push(result.recovered);
            runs.data_loss.push(result.data_loss);
            runs.cost.push(result.cost);
            runs.missing.push(result.lost);
            runs.touched += u64::from(result.touched);
            if result.recovered < crate::model::NEVER {
                runs.below_minimum += i128::from(result.below_minimum);
                runs.lost += i128::from(result.lost);
            }
            night.count_hours(number, &result);
            if let Some(reason) = result.never {
                *runs.never.entry(reason).or_default() += 1;
            }
        }
        for (data, (loss, hit)) in night.loss().iter().zip(night.hit()).enumerate() {
            self.data[data].push(*loss);
            self.hit[data] += u64::from(*hit);
        }
        self.spent.push(night.spent());
    }
}

/// Numbers of trials: `first`, `first + step` and so on, `count` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// The first.
    pub first: u64,
    /// From one to the next: 1, or the number of shards.
    pub step: u64,
    /// How many.
    pub count: u64,
}

impl Numbers {
    /// One after the other.
    pub fn all(self) -> impl Iterator<Item = u64> {
        (0..self.count).map(move |k| self.first + k * self.step)
    }

    /// At most `most` of them, after the first `skipped`.
    pub fn part(self, skipped: u64, most: u64) -> Self {
        let count = self.count.saturating_sub(skipped).min(most);
        Self { first: self.first + skipped * self.step, count, ..self }
    }
}

/// Runs trials 0 to `trials` of a model. `done` hears of finished trials, from
/// any thread.
pub fn run(model: &Model, seed: u64, trials: u64, done: &(dyn Fn(u64) + Sync)) -> Runs {
    range(model, seed, Numbers { first: 0, step: 1, count: trials }, done)
}

/// Runs some trials of a model, and keeps every result in their order. `done`
/// hears how many are finished, from any thread.
pub fn range(model: &Model, seed: u64, numbers: Numbers, done: &(dyn Fn(u64) + Sync)) -> Runs {
    let finished = AtomicU64::new(0);
    let path = Path::of(model);
    let blocks: Vec<Runs> = (0..numbers.count.div_ceil(BLOCK))
        .into_par_iter()
        .map_init(
            || Runner::new(model, &path),
            |runner, block| {
                let mut runs = Runs::new(model);
                let block = numbers.part(block * BLOCK, BLOCK);
                let mut skipped = 0;
                while skipped < block.count {
                    let part = block.part(skipped, LANES as u64);
                    let trials = Trials { first: part.first as u32, step: part.step as u32 };
                    let count = part.count as usize;
                    runner.run(seed, trials, count, &mut |mut night| runs.add(model, &mut night));
                    skipped += part.count;
                }
                for (number, function) in runs.functions.iter_mut().enumerate() {
                    runner.move_hours(number, &mut function.hours);
                }
                done(finished.fetch_add(block.count, Ordering::Relaxed) + block.count);
                runs
            },
        )
        .collect();
    let mut all = Runs::new(model);
    for block in blocks {
        all.append(block);
    }
    all
}
