//! What is kept of the trials: every single result up to a million, counts in histograms above.
use evenkeel_config::map::{DependencyMap, Details};
use rayon::prelude::*;

use crate::histogram::Histogram;
use crate::model::{Model, NEVER};
use crate::run::{FunctionRuns, Numbers, Runs, range};
use crate::spread::Spread;
use crate::summary::total_costs;

/// Up to so many trials every single result is kept.
pub const MOST_KEPT: u64 = 1_000_000;
/// Trials that are run at a time where results are counted: what is held of
/// them for that long is all that is ever held.
const WAVE: u64 = 1 << 16;

/// The figures of a function of which the whole spread is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Usable again.
    Usable,
    /// The system back, without the stopgap.
    SystemBack,
    /// Fully recovered.
    Recovered,
    /// Work lost.
    DataLoss,
    /// Money.
    Cost,
}

impl Figure {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Usable, Self::SystemBack, Self::Recovered, Self::DataLoss, Self::Cost];

    /// Its results in kept runs.
    pub fn of(self, runs: &FunctionRuns) -> &Vec<i64> {
        match self {
            Self::Usable => &runs.usable,
            Self::SystemBack => &runs.system_back,
            Self::Recovered => &runs.recovered,
            Self::DataLoss => &runs.data_loss,
            Self::Cost => &runs.cost,
        }
    }
}

/// What is promised of a function; how often it is kept is counted one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Promised {
    /// RTO, RPO and MTD in milliseconds; `NEVER` when not set.
    pub limits: [i64; 3],
}

impl Promised {
    /// Of every function of a model.
    pub fn on(map: &DependencyMap, model: &Model) -> Vec<Self> {
        let promised = |function: &crate::model::Function| {
            let id = &model.names.ids[function.node as usize];
            match &map.components[id].details {
                Details::Function(details) => {
                    let objectives = details.objectives;
                    let limit = |span: Option<evenkeel_config::quantity::Span>| {
                        span.map_or(NEVER, |span| span.as_ms())
                    };
                    Self { limits: [objectives.rto, objectives.rpo, objectives.mtd].map(limit) }
                }
                _ => Self::default(),
            }
        };
        model.functions.iter().map(promised).collect()
    }

    /// In how many of these trials RTO, RPO and MTD are kept.
    fn kept(&self, runs: &FunctionRuns) -> [u64; 3] {
        let within = |values: &[i64], limit: i64| {
            values.iter().filter(|value| **value <= limit).count() as u64
        };
        let [rto, rpo, mtd] = self.limits;
        [within(&runs.usable, rto), within(&runs.data_loss, rpo), within(&runs.usable, mtd)]
    }
}

/// One function, counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FunctionTally {
    /// By [`Figure`].
    pub figures: [Histogram; 5],
    /// Trials in which RTO, RPO and MTD are kept.
    pub kept: [u64; 3],
}

/// Trials, counted.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// How many.
    pub trials: u64,
    /// By function.
    pub functions: Vec<FunctionTally>,
    /// Loss by data set.
    pub data: Vec<Histogram>,
    /// Cost of all functions and of the recovery itself.
    pub cost: Histogram,
    /// Everything that adds up; its lists by trial stay empty.
    pub sums: Runs,
}

impl Tally {
    /// Of nothing yet.
    pub fn new(model: &Model) -> Self {
        Self {
            trials: 0,
            functions: vec![FunctionTally::default(); model.functions.len()],
            data: vec![Histogram::default(); model.datasets.len()],
            cost: Histogram::default(),
            sums: Runs::new(model),
        }
    }

    /// Counts trials that were kept one by one.
    fn absorb(&mut self, model: &Model, promised: &[Promised], mut runs: Runs, numbers: Numbers) {
        let count = |histogram: &mut Histogram, values: &[i64]| {
            for (value, trial) in values.iter().zip(numbers.all()) {
                histogram.add(*value, trial);
            }
        };
        self.trials += numbers.count;
        count(&mut self.cost, &total_costs(model, &runs));
        self.functions.par_iter_mut().zip(&runs.functions).zip(promised).for_each(
            |((tally, runs), promised)| {
                for (histogram, figure) in tally.figures.iter_mut().zip(Figure::ALL) {
                    count(histogram, figure.of(runs));
                }
                for (sum, kept) in tally.kept.iter_mut().zip(promised.kept(runs)) {
                    *sum += kept;
                }
            },
        );
        for (histogram, values) in self.data.iter_mut().zip(&runs.data) {
            count(histogram, values);
        }
        runs.forget_trials();
        self.sums.append(runs);
    }

    /// Adds the trials of another part.
    pub fn join(&mut self, other: Self) {
        let join = |mine: &mut Histogram, theirs: &Histogram| {
            theirs.buckets().for_each(|bucket| mine.join(bucket));
        };
        self.trials += other.trials;
        for (mine, theirs) in self.functions.iter_mut().zip(&other.functions) {
            for (mine, theirs) in mine.figures.iter_mut().zip(&theirs.figures) {
                join(mine, theirs);
            }
            for (mine, theirs) in mine.kept.iter_mut().zip(theirs.kept) {
                *mine += theirs;
            }
        }
        for (mine, theirs) in self.data.iter_mut().zip(&other.data) {
            join(mine, theirs);
        }
        join(&mut self.cost, &other.cost);
        self.sums.append(other.sums);
    }
}

/// All results, in the form that their number asks for.
#[derive(Debug, Clone)]
pub enum Gathered {
    /// Every single one.
    Kept(Runs),
    /// Counted.
    Counted(Box<Tally>),
}

/// What to run: a model, what is promised on it, and the seed of all luck.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The model.
    pub model: &'a Model,
    /// By function.
    pub promised: &'a [Promised],
    /// The seed.
    pub seed: u64,
}

impl Gathered {
    /// Runs trials. `of` is how many there are in all, of which these may be a
    /// part: it alone decides whether they are kept or counted. `done` hears of
    /// finished trials, from any thread.
    pub fn run(ground: Ground<'_>, numbers: Numbers, of: u64, done: &(dyn Fn(u64) + Sync)) -> Self {
        let mut all = Self::nothing(ground.model, of);
        all.extend(ground, numbers, of, done);
        all
    }

    fn nothing(model: &Model, of: u64) -> Self {
        if of <= MOST_KEPT {
            Self::Kept(Runs::new(model))
        } else {
            Self::Counted(Box::new(Tally::new(model)))
        }
    }

    /// Runs further trials, after which there are `of` in all.
    pub fn extend(
        &mut self,
        ground: Ground<'_>,
        numbers: Numbers,
        of: u64,
        done: &(dyn Fn(u64) + Sync),
    ) {
        let Ground { model, promised, seed } = ground;
        if let (Self::Kept(runs), true) = (&mut *self, of > MOST_KEPT) {
            let mut tally = Tally::new(model);
            let earlier = Numbers { first: 0, step: 1, count: numbers.first };
            if !runs.spent.is_empty() {
                tally.absorb(model, promised, std::mem::take(runs), earlier);
            }
            *self = Self::Counted(Box::new(tally));
        }
        match self {
            Self::Kept(runs) => runs.append(range(model, seed, numbers, done)),
            Self::Counted(tally) => {
                let mut before = 0;
                while before < numbers.count {
                    let wave = numbers.part(before, WAVE);
                    let tell = |now: u64| done(before + now);
                    tally.absorb(model, promised, range(model, seed, wave, &tell), wave);
                    before += wave.count;
                }
            }
        }
    }

    /// How many trials.
    pub fn trials(&self) -> u64 {
        match self {
            Self::Kept(runs) => runs.spent.len() as u64,
            Self::Counted(tally) => tally.trials,
        }
    }

    /// Everything that adds up.
    pub fn sums(&self) -> &Runs {
        match self {
            Self::Kept(runs) => runs,
            Self::Counted(tally) => &tally.sums,
        }
    }

    /// Every single result, where they are kept.
    pub fn kept(&self) -> Option<&Runs> {
        match self {
            Self::Kept(runs) => Some(runs),
            Self::Counted(_) => None,
        }
    }

    /// The spread of a figure of a function.
    pub fn spread(&self, function: usize, figure: Figure) -> Spread {
        match self {
            Self::Kept(runs) => Spread::of(figure.of(&runs.functions[function])),
            Self::Counted(tally) => {
                Spread::counted(&tally.functions[function].figures[figure as usize])
            }
        }
    }

    /// The spread of the loss of a data set.
    pub fn losses(&self, data: usize) -> Spread {
        match self {
            Self::Kept(runs) => Spread::of(&runs.data[data]),
            Self::Counted(tally) => Spread::counted(&tally.data[data]),
        }
    }

    /// The spread of the whole cost.
    pub fn costs(&self, model: &Model) -> Spread {
        match self {
            Self::Kept(runs) => Spread::of(&total_costs(model, runs)),
            Self::Counted(tally) => Spread::counted(&tally.cost),
        }
    }

    /// Trials in which a function's RTO, RPO and MTD are kept.
    pub fn promises(&self, function: usize, promised: &Promised) -> [u64; 3] {
        match self {
            Self::Kept(runs) => promised.kept(&runs.functions[function]),
            Self::Counted(tally) => tally.functions[function].kept,
        }
    }

    /// The first trial in which a function was usable after this time, or one of
    /// the same bucket.
    pub fn trial_of(&self, function: usize, usable: i64) -> Option<u64> {
        match self {
            Self::Kept(runs) => {
                let usables = &runs.functions[function].usable;
                usables.iter().position(|ms| *ms == usable).map(|trial| trial as u64)
            }
            Self::Counted(tally) => {
                tally.functions[function].figures[Figure::Usable as usize].first(usable)
            }
        }
    }
}
