//! The year as a range: what can happen, how often, what it takes and what it costs.
//!
//! Events come as a compound Poisson process: each kind of event by its own
//! frequency, and each event takes one of that scenario's simulated nights.
//! Chances and means follow from the nights alone (a Poisson process thinned by
//! a share of its events is a Poisson process); only the law of a year's cost
//! needs simulated years. Everything is computed at the low end, the middle and
//! the high end of how often things happen, and printed as a range.
mod functions;
mod money;
mod rate;
mod years;

use std::collections::BTreeSet;

use evenkeel_config::id::Id;
use evenkeel_config::map::DependencyMap;
use evenkeel_config::problem::Problems;
use evenkeel_config::record::{
    AnnualCost, AnnualEvent, AnnualQuantile, AnnualSummary, Band, EvidenceSet, Exceedance, LeftOut,
    MoneyBand, SCHEMA_VERSION,
};
use evenkeel_config::scenario::{Scenario, When};
use jiff::Timestamp;
use libm::{exp, rint, sqrt};

pub use money::Loss;
pub(crate) use rate::of_scenario;
pub use rate::{Rate, band, fails_within_a_year, gamma_poisson};
pub use years::{Happening, LEVELS, Years};

use crate::draw::Tables;
use crate::key::{self, Purposes};
use crate::sides::{conflict, known, patched};
use crate::statistics::{chance, ranks};
use crate::steady::Plant;
use crate::summary::total_costs;
use crate::tally::MOST_KEPT;
use crate::{Job, Nights, digest_of, in_pool, moment, refusal, run_nights};
use functions::Functions;

/// Simulated years unless stated.
pub const DEFAULT_YEARS: u64 = 100_000;

/// A question about the year.
pub struct AnnualJob<'a> {
    /// The map.
    pub map: &'a DependencyMap,
    /// What can happen. One without a frequency is left out, and said to be.
    pub scenarios: &'a [Scenario],
    /// What changes each of them, such as a key person away.
    pub modifiers: &'a [Scenario],
    /// Fixes of the map that the year has already.
    pub fixes: &'a [Id],
    /// Observed facts.
    pub evidence: &'a [EvidenceSet],
    /// The moment of the facts; the newest in evidence or map unless given.
    pub as_of: Option<Timestamp>,
    /// Seed of all luck.
    pub seed: u64,
    /// How many nights of each event.
    pub trials: u64,
    /// How many years.
    pub years: u64,
    /// How many threads; all processors unless given. Changes no result.
    pub threads: Option<usize>,
    /// Whether a scenario that cannot be simulated here refuses the whole,
    /// rather than being left out.
    pub strict: bool,
}

/// Answers. `progress` hears (nights and years done, in all), from any thread.
///
/// # Errors
/// Too many or no nights or years; nothing that could be simulated; with
/// `strict`, whatever [`crate::simulate`] refuses of any scenario.
pub fn annual(
    question: &AnnualJob<'_>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<AnnualSummary, Problems> {
    if question.years == 0 || question.years > MOST_KEPT {
        let what = format!("{} years cannot be simulated", question.years);
        return Err(refusal(what, "choose from 1 to 1,000,000, as in `--years 100000`"));
    }
    known(question.map, question.fixes)?;
    let fixed = patched(question.map, question.fixes)?;
    let map = fixed.as_ref().unwrap_or(question.map);
    let own = AnnualJob { map, ..*question };
    let seen_on = fixed.is_some().then_some(question.map);
    match question.scenarios.first() {
        Some(first) => in_pool(&job(&own, first), || {
            let mut summary = Year::new(&own, seen_on).answer(progress)?;
            summary.inputs_digest = digest(question);
            summary.notes.extend(clashes(question));
            Ok(summary)
        }),
        None => Err(refusal(
            "nothing can happen".to_owned(),
            "name what, as in `--scenario ransomware`",
        )),
    }
}

fn job<'a>(question: &AnnualJob<'a>, scenario: &'a Scenario) -> Job<'a> {
    let AnnualJob { map, modifiers, evidence, as_of, seed, trials, threads, .. } = *question;
    Job { map, scenario, modifiers, evidence, as_of, seed, trials, threads, fixes: false }
}

/// Fixes that write the same key, in words.
fn clashes(question: &AnnualJob<'_>) -> Vec<String> {
    let mut ids: Vec<&Id> = question.fixes.iter().collect();
    ids.sort();
    ids.dedup();
    let mut notes = Vec::new();
    for (index, one) in ids.iter().enumerate() {
        for other in &ids[index + 1..] {
            let fixes = &question.map.fixes;
            if let Some(key) = conflict(&fixes[*one], &fixes[*other]) {
                notes.push(format!("`{one}` and `{other}` both change {key}; the latter wins"));
            }
        }
    }
    notes
}

/// A digest of everything that goes in, in whatever order it is named.
fn digest(question: &AnnualJob<'_>) -> String {
    let mut scenarios: Vec<&Scenario> = question.scenarios.iter().collect();
    scenarios.sort_by(|a, b| a.id.cmp(&b.id));
    scenarios.dedup_by(|a, b| a.id == b.id);
    let fixes: BTreeSet<&Id> = question.fixes.iter().collect();
    digest_of(&[
        serde_json::to_vec(&question.map.document),
        serde_json::to_vec(&scenarios),
        serde_json::to_vec(question.modifiers),
        serde_json::to_vec(&fixes),
        serde_json::to_vec(question.evidence),
    ])
}

/// A year being put together.
struct Year<'a> {
    question: &'a AnnualJob<'a>,
    /// The map without its fixes, on which the facts were seen.
    seen_on: Option<&'a DependencyMap>,
    functions: Functions,
    happenings: Vec<Happening>,
    events: Vec<AnnualEvent>,
    left_out: Vec<LeftOut>,
    notes: Vec<String>,
    purposes: Purposes,
}

impl<'a> Year<'a> {
    fn new(question: &'a AnnualJob<'a>, seen_on: Option<&'a DependencyMap>) -> Self {
        Self {
            question,
            seen_on,
            functions: Functions::new(question.map),
            happenings: Vec::new(),
            events: Vec::new(),
            left_out: Vec::new(),
            notes: Vec::new(),
            purposes: Purposes::default(),
        }
    }

    fn answer(mut self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<AnnualSummary, Problems> {
        let question = self.question;
        let mut scenarios: Vec<&Scenario> = question.scenarios.iter().collect();
        scenarios.sort_by(|a, b| a.id.cmp(&b.id));
        scenarios.dedup_by(|a, b| a.id == b.id);
        let of = scenarios.len() as u64 * question.trials + question.years;
        let mut tables = Tables::default();
        for (before, scenario) in (0..).map(|n: u64| n * question.trials).zip(&scenarios) {
            self.add(scenario, &mut tables, &|done| progress(before + done, of))?;
        }
        if let Some((one, other)) = self.purposes.collision() {
            let what = format!("the random keys of `{one}` and `{other}` are the same by chance");
            return Err(refusal(what, "rename one of the two scenarios"));
        }
        let cost = self.is_priced().then(|| {
            let years = Years::simulate(&self.happenings, question.seed, question.years);
            cost(&self.happenings, &years)
        });
        progress(of, of);
        let (as_of, _) = moment(&job(question, scenarios[0]));
        self.notes.sort();
        self.notes.dedup();
        let expected = total(&self.happenings, |_| 1.0);
        Ok(AnnualSummary {
            schema_version: SCHEMA_VERSION,
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            key_hash: key::HASH.to_owned(),
            generator: key::GENERATOR.to_owned(),
            organisation: question.map.organisation.name.clone(),
            currency: question.map.organisation.currency.clone(),
            as_of,
            seed: question.seed,
            trials: question.trials,
            years: question.years,
            inputs_digest: String::new(),
            with: question.modifiers.iter().map(|modifier| modifier.id.clone()).collect(),
            fixes: question.fixes.to_vec(),
            events: self.events,
            left_out: self.left_out,
            functions: self.functions.finish(question.map),
            quiet: none_of(expected),
            cost,
            steady: Plant::of(question.map).functions(question.seed, question.trials),
            notes: self.notes,
        })
    }

    /// Adds one kind of event, or says why the year is without it.
    fn add(
        &mut self,
        scenario: &Scenario,
        tables: &mut Tables,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Problems> {
        let question = self.question;
        if scenario.frequency.is_none() {
            let why = match scenario.when {
                When::Expiry => "it falls on a date, not by chance: `run` says what happens then",
                _ => "nobody says how often: add `frequency = { per_year = [0.01, 0.1] }` to it",
            };
            self.leave_out(scenario, why.to_owned());
            return Ok(());
        }
        let job = job(question, scenario);
        let nights = if scenario.strike.is_empty() {
            None
        } else {
            match run_nights(&job, self.seen_on, tables, progress) {
                Ok(nights) => Some(nights),
                Err(problems) if question.strict => return Err(problems),
                Err(problems) => {
                    let first = problems.list.first().map_or("", |problem| problem.what.as_str());
                    self.leave_out(scenario, format!("it cannot be simulated here: {first}"));
                    return Ok(());
                }
            }
        };
        if nights.as_ref().is_some_and(|n| n.model.strikes.iter().all(|s| s.targets.is_empty())) {
            self.leave_out(scenario, "it strikes nothing on this map".to_owned());
            return Ok(());
        }
        let model = nights.as_ref().map(|nights| &nights.model);
        let (as_of, _) = moment(&job);
        let Some(rate) = of_scenario(scenario, question.map, model, as_of) else {
            let why = "no component that it strikes says how often it fails: add `fails` or `mtbf` \
                       there, or `per_year` here";
            self.leave_out(scenario, why.to_owned());
            return Ok(());
        };
        self.take_in(scenario, rate, nights.as_ref());
        Ok(())
    }

    fn take_in(&mut self, scenario: &Scenario, rate: Rate, nights: Option<&Nights>) {
        let mut costs = Vec::new();
        if let Some(nights) = nights {
            costs = total_costs(&nights.model, &nights.runs);
            self.functions.add(rate.per_year, nights);
            self.notes.extend(nights.notes.iter().cloned());
        }
        let loss = scenario.loss.as_ref().map(Loss::new);
        let happening =
            Happening::new(&scenario.id, rate.per_year, costs, loss, &mut self.purposes);
        let mean = happening.moment(1);
        let Band { low, middle, high } = rate.per_year;
        self.events.push(AnnualEvent {
            id: scenario.id.clone(),
            title: scenario.title.clone(),
            per_year: rate.per_year,
            happens: Band {
                low: rate::at_least_one(low),
                middle: rate::at_least_one(middle),
                high: rate::at_least_one(high),
            },
            provenance: rate.provenance,
            source: rate.source,
            mean_cost: (mean > 0.0).then(|| rint(mean) as i64),
        });
        self.happenings.push(happening);
    }

    fn leave_out(&mut self, scenario: &Scenario, why: String) {
        self.left_out.push(LeftOut { id: scenario.id.clone(), title: scenario.title.clone(), why });
    }

    fn is_priced(&self) -> bool {
        self.happenings.iter().any(|happening| happening.moment(1) > 0.0)
    }
}

/// Sums over all events, weighted by how often they happen.
fn total(happenings: &[Happening], of_each: impl Fn(&Happening) -> f64) -> Band {
    let mut total = Band::default();
    for happening in happenings {
        let value = of_each(happening);
        total.low += happening.per_year.low * value;
        total.middle += happening.per_year.middle * value;
        total.high += happening.per_year.high * value;
    }
    total
}

/// Chance of none, when so many are to be expected: the more, the smaller.
fn none_of(expected: Band) -> Band {
    let Band { low, middle, high } = expected;
    Band { low: exp(-high), middle: exp(-middle), high: exp(-low) }
}

fn money(band: Band) -> MoneyBand {
    let whole = |value: f64| rint(value.min(9e18)) as i64;
    MoneyBand { low: whole(band.low), middle: whole(band.middle), high: whole(band.high) }
}

/// The cost of a year: mean and deviation from the events' own (of a compound
/// Poisson law: rate times mean, rate times mean square), quantiles and curve
/// from simulated years.
fn cost(happenings: &[Happening], years: &Years) -> AnnualCost {
    let variance = total(happenings, |happening| happening.moment(2));
    let deviation =
        Band { low: sqrt(variance.low), middle: sqrt(variance.middle), high: sqrt(variance.high) };
    AnnualCost {
        mean: money(total(happenings, |happening| happening.moment(1))),
        deviation: money(deviation),
        nothing: none_of(total(happenings, |happening| 1.0 - happening.free())),
        quantiles: [0.9, 0.95, 0.99].map(|p| quantile(years, p)).to_vec(),
        exceedance: exceedance(years),
    }
}

/// The quantile, with the lower end of its interval in years of low frequency
/// and the upper end in years of high frequency.
fn quantile(years: &Years, p: f64) -> AnnualQuantile {
    let [low, middle, high] = &years.costs;
    let (value, from, to) = ranks(middle.len(), p);
    let value = MoneyBand { low: low[from], middle: middle[value], high: high[to] };
    AnnualQuantile { p, value }
}

/// The curve at sums of 1, 2 and 5 times each power of ten, from below the
/// cheapest year to above the dearest.
fn exceedance(years: &Years) -> Vec<Exceedance> {
    const MOST_POINTS: usize = 60;
    let of = years.costs[0].len() as u64;
    let share = |level: usize, sum: i64| chance(years.above(level, sum), of);
    let dearest = &years.costs[LEVELS - 1];
    let cheapest = dearest.get(dearest.partition_point(|cost| *cost <= 0)).copied().unwrap_or(0);
    let sums = (0..17).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_i64.pow(power) * 100));
    let mut points = Vec::new();
    let sums: Vec<i64> = sums.take_while(|sum| *sum < i64::MAX / 10).collect();
    for (index, above) in sums.iter().copied().enumerate() {
        let next = sums.get(index + 1).copied().unwrap_or(i64::MAX);
        if next <= cheapest {
            continue;
        }
        let chance = Band {
            low: share(0, above).low,
            middle: share(1, above).share,
            high: share(2, above).high,
        };
        points.push(Exceedance { above, chance });
        if years.above(LEVELS - 1, above) == 0 || points.len() == MOST_POINTS {
            break;
        }
    }
    points
}
