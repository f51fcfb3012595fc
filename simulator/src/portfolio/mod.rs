//! Which fixes together are worth most under a budget: every set simulated as a set, overlap counted once.
pub mod search;
mod worth;

use std::collections::BTreeSet;

use evenkeel_config::id::Id;
use evenkeel_config::map::Fix;
use evenkeel_config::problem::Problems;
use evenkeel_config::record::{
    Contribution, FixWorth, Objective, Per, Portfolio, SCHEMA_VERSION, Search, SearchMethod,
    SetAside, SetWorth, Stability, WeightsFrom, Winner,
};
use libm::rint;

use self::search::{Found, Item, Limits, Set, Terms};
use self::worth::{Bench, RESAMPLES};
use crate::annual::of_scenario;
use crate::compile::{compile, minor};
use crate::draw::Tables;
use crate::sides::{Stage, about, conflict};
use crate::{Job, in_pool, inputs_of, moment, refusal};

/// Years over which a fix is paid unless stated.
pub const DEFAULT_YEARS: f64 = 5.0;
/// Every affordable set is simulated when that takes no more nights than this.
const NIGHTS_FOR_EVERY: u64 = 1_000_000;
/// Sets set aside that are worth telling.
const MOST_ASIDE: usize = 3;

/// What is wished for.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// What is made as large as possible.
    pub objective: Objective,
    /// The most to spend over `years`, in the organisation's currency.
    pub budget: Option<f64>,
    /// The most days that own staff can give.
    pub staff_days: Option<f64>,
    /// A fix costs its one-off sum and so many yearly ones.
    pub years: f64,
    /// Simulate every affordable set, however long it takes.
    pub every: bool,
}

/// Finds the best portfolio of the map's fixes, over one job for each scenario,
/// all on the same map. `weights`: events a year of each scenario, or none: then
/// they come from each scenario's `frequency`, or where any states none, all are
/// equally likely. `progress` hears (trials done, trials in
/// all, which grows while sets turn up that need simulating), from any thread.
///
/// # Errors
/// What makes a question meaningless on the map; a map without fixes; wishes
/// that are no amounts.
pub fn optimise(
    jobs: &[Job<'_>],
    weights: Option<&[f64]>,
    wish: &Wish,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Portfolio, Problems> {
    let Some(first) = jobs.first() else {
        let hint = "name what happens, as in `--scenario ransomware`";
        return Err(refusal("there is no scenario".to_owned(), hint));
    };
    if first.map.fixes.is_empty() {
        let hint = "write what could be done as `[fix.ID]` with `title`, `once` and `set`";
        return Err(refusal("the map has no fixes to choose from".to_owned(), hint));
    }
    let amount = |value: Option<f64>| value.is_none_or(|v| v.is_finite() && v >= 0.0);
    if !amount(wish.budget) || !amount(wish.staff_days) {
        let hint = "as in `--budget 20000 --staff-days 10`";
        return Err(refusal("budget and staff days must be amounts from 0 up".to_owned(), hint));
    }
    if !(wish.years.is_finite() && wish.years > 0.0 && wish.years <= 100.0) {
        let what = format!("a fix cannot be paid over {} years", wish.years);
        return Err(refusal(what, "choose from above 0 to 100, as in `--years 5`"));
    }
    in_pool(first, || Choice::new(jobs, weights, wish, progress)?.answer())
}

/// Events a year of every scenario, as each states them: the middle of its
/// range. `None` where any says nothing that holds on this map.
fn frequencies(jobs: &[Job<'_>]) -> Result<Option<Vec<f64>>, Problems> {
    let mut weights = Vec::new();
    let mut tables = Tables::default();
    for job in jobs {
        if job.scenario.frequency.is_none() {
            return Ok(None);
        }
        let (as_of, _) = moment(job);
        let model = compile(&inputs_of(job, as_of), &mut tables)?.model;
        let rate = of_scenario(job.scenario, job.map, Some(&model), as_of);
        match rate.map(|rate| rate.per_year.middle) {
            Some(middle) if middle > 0.0 => weights.push(middle),
            _ => return Ok(None),
        }
    }
    Ok(Some(weights))
}

/// A portfolio being chosen.
struct Choice<'a> {
    jobs: &'a [Job<'a>],
    wish: &'a Wish,
    ids: Vec<Id>,
    fixes: Vec<&'a Fix>,
    terms: Terms,
    weights: Vec<f64>,
    weights_from: WeightsFrom,
    per: Per,
    notes: Vec<String>,
    bench: Bench<'a>,
    progress: &'a (dyn Fn(u64, u64) + Sync),
}

impl<'a> Choice<'a> {
    fn new(
        jobs: &'a [Job<'a>],
        weights: Option<&[f64]>,
        wish: &'a Wish,
        progress: &'a (dyn Fn(u64, u64) + Sync),
    ) -> Result<Self, Problems> {
        let map = jobs[0].map;
        let ids: Vec<Id> = map.fixes.keys().cloned().collect();
        let fixes: Vec<&Fix> = map.fixes.values().collect();
        let days = |days: f64| rint(days * 1000.0) as i64;
        let items: Vec<Item> = fixes
            .iter()
            .map(|fix| Item { cost: cost(fix, wish.years), days: days(fix.staff_days) })
            .collect();
        let (mut barred, mut notes) = (BTreeSet::new(), Vec::new());
        for (b, fix) in fixes.iter().enumerate() {
            for (a, other) in fixes[..b].iter().enumerate() {
                if let Some(key) = conflict(other, fix) {
                    barred.insert((a, b));
                    notes.push(format!(
                        "`{}` and `{}` both change {key}: only one of them can be chosen",
                        ids[a], ids[b]
                    ));
                }
            }
        }
        let nights = jobs[0].trials * jobs.len() as u64;
        let every_up_to =
            if wish.every { usize::MAX } else { (NIGHTS_FOR_EVERY / nights.max(1)) as usize };
        let limits = Limits { cost: wish.budget.map(minor), days: wish.staff_days.map(days) };
        let terms = Terms { items, limits, barred, every_up_to };
        let (weights, weights_from) = match weights {
            Some(weights) => (weights.to_vec(), WeightsFrom::Given),
            None => match frequencies(jobs)? {
                Some(weights) => (weights, WeightsFrom::Frequency),
                None => (vec![1.0 / jobs.len() as f64; jobs.len()], WeightsFrom::Equal),
            },
        };
        let per = if weights_from == WeightsFrom::Equal { Per::Event } else { Per::Year };
        let n = ids.len() as u64;
        let sets = n + n * n.saturating_sub(1) / 2;
        let bench = Bench::new(jobs, weights.clone(), ids.clone(), wish.objective, sets, progress)?;
        Ok(Self {
            jobs,
            wish,
            ids,
            fixes,
            terms,
            weights,
            weights_from,
            per,
            notes,
            bench,
            progress,
        })
    }

    fn answer(mut self) -> Result<Portfolio, Problems> {
        let found = search::search(self.terms.clone(), |set| self.bench.judge(set))?;
        let singles: Vec<f64> = (0..self.ids.len())
            .map(|number| self.bench.known.get(&vec![number]).map_or(0.0, |w| w.value[0]))
            .collect();
        let ratio = search::one_by_one(&self.terms, &singles, |set| self.bench.judge(set))?;
        let parts = self.parts(&found.best)?;
        let winners = self.bench.stability(&self.terms, self.jobs[0].seed);
        let done = self.bench.known.len() as u64 * self.jobs[0].trials * self.jobs.len() as u64;
        (self.progress)(done, done);
        let frontier = search::frontier(&self.terms, &found.judged);
        for side in self.bench.before() {
            for note in &side.notes {
                if !self.notes.contains(note) {
                    self.notes.push(note.clone());
                }
            }
        }
        let before = self.bench.before();
        if self.wish.objective == Objective::Money && !before.iter().any(|side| side.priced) {
            self.notes.push(
                "the map states no loss, so that no fix saves money; \
                 write `loss` for its functions, or choose by hours or RTOs"
                    .to_owned(),
            );
        }
        let horizon = before.iter().map(|side| side.horizon).max().unwrap_or(0);
        let as_of = Stage::new(&self.jobs[0])?.as_of();
        Ok(Portfolio {
            schema_version: SCHEMA_VERSION,
            about: about(self.jobs, as_of, horizon),
            weights: self.weights.clone(),
            weights_from: self.weights_from,
            objective: self.wish.objective,
            per: self.per,
            years: self.wish.years,
            budget: self.terms.limits.cost,
            staff_days: self.wish.staff_days,
            method: self.method(&found),
            fixes: self.alone(),
            best: self.worth(&found.best),
            parts,
            one_by_one: self.worth(&ratio),
            frontier: frontier.iter().map(|set| self.worth(set)).collect(),
            stability: Stability {
                resamples: RESAMPLES,
                winners: winners
                    .into_iter()
                    .map(|(set, wins)| Winner { fixes: self.named(&set), wins })
                    .collect(),
            },
            set_aside: self.aside(&found),
            notes: self.notes,
        })
    }

    fn named(&self, set: &Set) -> Vec<Id> {
        set.iter().map(|number| self.ids[*number].clone()).collect()
    }

    fn worth(&self, set: &Set) -> SetWorth {
        let takes = self.terms.takes(set);
        let known = self.bench.known.get(set);
        let saved = known.map_or(0.0, |worth| worth.saved);
        let a_year = takes.cost as f64 / self.wish.years;
        let single = |number: &usize| self.bench.known.get(&vec![*number]).map(|w| w.value[0]);
        SetWorth {
            fixes: self.named(set),
            cost: takes.cost,
            staff_days: takes.days as f64 / 1000.0,
            value: known.map_or([0.0; 3], |worth| worth.value),
            sum_of_singles: set.iter().filter_map(single).sum(),
            saved,
            break_even_years: (saved > 0.0 && a_year > 0.0).then(|| saved / a_year),
        }
    }

    /// What the best set would be without each of its fixes.
    fn parts(&mut self, best: &Set) -> Result<Vec<Contribution>, Problems> {
        let whole = self.worth(best);
        let mut parts = Vec::new();
        for number in best {
            let rest: Set = best.iter().copied().filter(|other| other != number).collect();
            self.bench.judge(&rest)?;
            let rest = self.worth(&rest);
            let saved = whole.saved - rest.saved;
            let a_year = self.terms.items[*number].cost as f64 / self.wish.years;
            parts.push(Contribution {
                fix: self.ids[*number].clone(),
                adds: whole.value[0] - rest.value[0],
                break_even_years: (saved > 0.0 && a_year > 0.0).then(|| saved / a_year),
            });
        }
        parts.sort_by(|a, b| b.adds.total_cmp(&a.adds).then_with(|| a.fix.cmp(&b.fix)));
        Ok(parts)
    }

    /// Each fix alone, most valuable first.
    fn alone(&self) -> Vec<FixWorth> {
        let mut all: Vec<FixWorth> = (0..self.ids.len())
            .map(|number| FixWorth {
                id: self.ids[number].clone(),
                title: self.fixes[number].title.clone(),
                once: minor(self.fixes[number].once),
                yearly: minor(self.fixes[number].yearly),
                alone: self.worth(&vec![number]),
                cannot: self.bench.cannot.get(&vec![number]).cloned(),
            })
            .collect();
        all.sort_by(|a, b| {
            let (one, other) = (a.alone.value[0], b.alone.value[0]);
            other.total_cmp(&one).then(a.alone.cost.cmp(&b.alone.cost)).then(a.id.cmp(&b.id))
        });
        all
    }

    /// Affordable sets that would be worth more, were it not for lives.
    fn aside(&self, found: &Found) -> Vec<SetAside> {
        let best = self.worth(&found.best).value[0];
        let mut aside: Vec<SetAside> = self
            .bench
            .known
            .iter()
            .filter(|(set, worth)| worth.value[0] > best && self.terms.affords(set))
            .filter_map(|(set, worth)| {
                let why = worth.harm.clone()?;
                Some(SetAside { fixes: self.named(set), value: worth.value[0], why })
            })
            .collect();
        aside.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.fixes.cmp(&b.fixes)));
        aside.truncate(MOST_ASIDE);
        aside
    }

    fn method(&self, found: &Found) -> SearchMethod {
        let simulated = self.bench.known.len() as u64;
        let affordable = found.affordable.unwrap_or(0);
        let mut words = match found.search {
            Search::Every => format!(
                "every one of the {affordable} affordable sets was simulated as a set, so that \
                 what fixes have in common counts once"
            ),
            Search::Bounded => format!(
                "all fixes alone and in pairs and the most promising larger sets were simulated, \
                 {simulated} sets in all; of the {affordable} affordable ones the others cannot \
                 be worth more, as long as a fix adds most alone, beside one other or beside all \
                 others (`--every-set` simulates them all)"
            ),
            Search::Greedy => format!(
                "more than {} fixes are not searched exactly: fixes were added, taken away and \
                 swapped as long as that helped, {simulated} sets simulated in all; another set \
                 may be a little better",
                search::MOST_EXACT
            ),
        };
        if found.search != Search::Greedy && !found.certain {
            words.push_str("; the search ended before that was certain");
        }
        if found.search != Search::Greedy && !found.frontier_certain {
            words.push_str("; the steps beyond may be a little better than shown");
        }
        SearchMethod { search: found.search, simulated, affordable: found.affordable, words }
    }
}

/// What a fix costs over the years, in minor units.
fn cost(fix: &Fix, years: f64) -> i64 {
    minor(fix.once + years * fix.yearly)
}
