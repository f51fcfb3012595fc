//! Simulated years: compound Poisson over events, each taking one simulated night.
use rayon::prelude::*;

use super::money::Loss;
use super::rate::poisson;
use crate::key::{Luck, Purpose, Purposes};
use evenkeel_config::record::Band;

/// Years that one task simulates.
const BLOCK: u64 = 1024;
/// Low, middle and high.
pub const LEVELS: usize = 3;

/// One kind of event, as the years need it.
#[derive(Debug, Clone)]
pub struct Happening {
    /// Events a year.
    pub per_year: Band,
    /// Minor units of each simulated night; empty when nothing was simulated.
    pub nights: Vec<i64>,
    /// What it costs besides.
    pub loss: Option<Loss>,
    events: Purpose,
    night: Purpose,
    money: Purpose,
}

impl Happening {
    /// An event by its scenario's id, which keys its luck.
    pub fn new(
        id: &str,
        per_year: Band,
        nights: Vec<i64>,
        loss: Option<Loss>,
        purposes: &mut Purposes,
    ) -> Self {
        let mut key = |law: &str| purposes.of(id, "annual", law);
        let (events, night, money) = (key("events"), key("night"), key("loss"));
        Self { per_year, nights, loss, events, night, money }
    }

    /// How often at each level.
    fn rates(&self) -> [f64; LEVELS] {
        [self.per_year.low, self.per_year.middle, self.per_year.high]
    }

    /// Mean of the n-th power (1 or 2) of one event's cost, over the simulated
    /// nights and the whole law of money.
    pub fn moment(&self, n: u32) -> f64 {
        let of = self.nights.len().max(1) as f64;
        let mean = self.nights.iter().map(|cost| i128::from(*cost)).sum::<i128>() as f64 / of;
        let loss = |n| self.loss.as_ref().map_or(0.0, |loss| loss.moment(n));
        if n == 1 {
            return mean + loss(1.0);
        }
        let square = |cost: &i64| i128::from(*cost) * i128::from(*cost);
        let squares = self.nights.iter().map(square).fold(0_i128, i128::saturating_add) as f64 / of;
        squares + 2.0 * mean * loss(1.0) + loss(2.0)
    }

    /// Share of events that cost nothing.
    pub fn free(&self) -> f64 {
        if self.loss.is_some_and(|loss| loss.moment(1.0) > 0.0) {
            return 0.0;
        }
        let free = self.nights.iter().filter(|cost| **cost == 0).count();
        if self.nights.is_empty() { 1.0 } else { free as f64 / self.nights.len() as f64 }
    }

    /// The cost of the so-manieth event of a year.
    fn cost(&self, luck: Luck, event: u32) -> i64 {
        let mut cost = 0;
        if !self.nights.is_empty() {
            let place = luck.uniform(self.night, event) * self.nights.len() as f64;
            cost = self.nights[(place as usize).min(self.nights.len() - 1)];
        }
        if let Some(loss) = &self.loss {
            cost = cost.saturating_add(loss.at(luck.normal(self.money, event)));
        }
        cost
    }
}

/// The cost of each year at low, middle and high frequency, each sorted.
///
/// The three share their luck: a year of high frequency holds the events of the
/// same year at low frequency, and more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Years {
    /// Minor units, sorted.
    pub costs: [Vec<i64>; LEVELS],
}

impl Years {
    /// Simulates so many years.
    pub fn simulate(events: &[Happening], seed: u64, years: u64) -> Self {
        let blocks: Vec<[Vec<i64>; LEVELS]> = (0..years.div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| {
                let mut costs: [Vec<i64>; LEVELS] = Default::default();
                for year in block * BLOCK..((block + 1) * BLOCK).min(years) {
                    let year = one_year(events, Luck::new(seed, year as u32));
                    for (costs, cost) in costs.iter_mut().zip(year) {
                        costs.push(cost);
                    }
                }
                costs
            })
            .collect();
        let mut costs: [Vec<i64>; LEVELS] = Default::default();
        for block in blocks {
            for (all, mut part) in costs.iter_mut().zip(block) {
                all.append(&mut part);
            }
        }
        for costs in &mut costs {
            costs.sort_unstable();
        }
        Self { costs }
    }

    /// Years of a level that cost more than a sum.
    pub fn above(&self, level: usize, sum: i64) -> u64 {
        let costs = &self.costs[level];
        (costs.len() - costs.partition_point(|cost| *cost <= sum)) as u64
    }
}

fn one_year(events: &[Happening], luck: Luck) -> [i64; LEVELS] {
    let mut total = [0_i64; LEVELS];
    for event in events {
        let counts =
            event.rates().map(|rate| poisson(rate, |chunk| luck.uniform(event.events, chunk)));
        let most = counts.into_iter().max().unwrap_or(0);
        for number in 0..most {
            let cost = event.cost(luck, number);
            for (total, count) in total.iter_mut().zip(counts) {
                if number < count {
                    *total = total.saturating_add(cost);
                }
            }
        }
    }
    total
}
