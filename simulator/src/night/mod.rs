//! One night told: which one, how it went for each function, and what held it up.
mod events;
mod names;
mod relevant;
mod table;

use std::collections::BTreeMap;

use evenkeel_config::id::Id;
use evenkeel_config::map::{DependencyMap, Details};
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{
    CapacityStep, Elapsed, Explanation, FunctionNight, HoursShare, SCHEMA_VERSION, ScenarioName,
    Segment, StopgapWindow,
};
use jiff::Timestamp;

pub(crate) use names::Local;
pub(crate) use table::{clock, render};

use crate::Nights;
use crate::kernel::Trial;
use crate::model::{Model, NEVER, ONE};
use crate::outcome::{Outcome, outcome, windows};
use crate::statistics::{elapsed, ranks, sorted};
use crate::summary::{cause_number, reason_in_words};
use names::Names;

/// Which night is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The first whose time is the median.
    Likely,
    /// The first whose time is the 90 % quantile.
    Bad,
    /// The trial of this number.
    Number(u32),
}

impl std::str::FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "likely" => Ok(Self::Likely),
            "bad" => Ok(Self::Bad),
            number => number
                .parse()
                .map(Self::Number)
                .map_err(|_| "write likely, bad or the number of a trial, as in 17".to_owned()),
        }
    }
}

/// What a night is told from.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The map.
    pub map: &'a DependencyMap,
    /// The scenario's id, title, question and modifiers.
    pub scenario: &'a ScenarioName,
    /// Digest of the inputs.
    pub digest: &'a str,
    /// The nights among which one is chosen.
    pub nights: &'a Nights,
    /// Their seed.
    pub seed: u64,
}

impl Told<'_> {
    fn model(&self) -> &Model {
        &self.nights.model
    }

    /// The number of a function: the one asked for, or the one whose bad night
    /// is longest (as the table of `run` chooses it).
    ///
    /// # Errors
    /// No such function on the map, or none that can be simulated.
    pub fn function(&self, asked: Option<&str>) -> Result<usize, Problems> {
        let model = self.model();
        let id = |number: usize| &model.names.ids[model.functions[number].node as usize];
        let all = 0..model.functions.len();
        let refused = |what: String, hint: String| {
            let mut problems = Problems::default();
            problems.error(Place { key: "--function".into(), ..Place::default() }, what, hint);
            problems
        };
        let known = || all.clone().map(|n| id(n).to_string()).collect::<Vec<_>>().join(", ");
        let Some(asked) = asked else {
            let mut order: Vec<usize> =
                all.clone().filter(|number| model.functions[*number].cannot.is_none()).collect();
            order.sort_by_key(|number| (!model.functions[*number].life_safety, id(*number)));
            let bad = |number: &usize| {
                let runs = &self.nights.runs.functions[*number];
                (!runs.hours.is_empty(), quantile(&runs.usable, 0.9))
            };
            return order.into_iter().max_by_key(bad).ok_or_else(|| {
                refused(
                    "no function of this map can be simulated".into(),
                    "see what `evenkeel-simulator run` says of each".into(),
                )
            });
        };
        let found = all.clone().find(|number| id(*number).as_str() == asked);
        let number = found.ok_or_else(|| {
            refused(format!("`{asked}` is no function of this map"), format!("one of {}", known()))
        })?;
        match &model.functions[number].cannot {
            None => Ok(number),
            Some(why) => Err(refused(
                format!("`{asked}` cannot be simulated: {why}"),
                "complete the map, or choose another function".into(),
            )),
        }
    }

    /// The trial of a night, for a function.
    pub fn trial(&self, function: usize, which: Which) -> u32 {
        let usable = &self.nights.runs.functions[function].usable;
        let p = match which {
            Which::Number(trial) => return trial,
            Which::Likely => 0.5,
            Which::Bad => 0.9,
        };
        let goal = quantile(usable, p);
        usable.iter().position(|ms| *ms == goal).unwrap_or(0) as u32
    }

    /// Runs one trial again and tells it for a function.
    pub fn explain(&self, function: usize, which: Which) -> Explanation {
        let model = self.model();
        let number = self.trial(function, which);
        let mut trial = Trial::new(model);
        trial.keep_log();
        trial.run(self.seed, number);
        let outcomes: Vec<Outcome> = (0..model.functions.len())
            .map(|function| outcome(model, &mut trial, function))
            .collect();
        let result = outcomes[function];
        let names = Names::new(self.map, model, trial.strike_at);
        let chain = segments(&names, &trial, result.why);
        let mut nights: Vec<FunctionNight> = (0..model.functions.len())
            .map(|number| self.night(&trial, number, outcomes[number]))
            .collect();
        let timeline = events::timeline(&names, &trial, function, &nights[function], &chain);
        let told = nights.remove(function);
        nights.sort_by(|a, b| b.life_safety.cmp(&a.life_safety).then_with(|| a.id.cmp(&b.id)));
        let usable = &self.nights.runs.functions[function].usable;
        let sooner = usable.iter().filter(|ms| **ms < result.usable).count();
        let strike = Timestamp::from_millisecond(trial.strike_at).unwrap_or(self.nights.as_of);
        let organisation = &self.map.organisation;
        Explanation {
            schema_version: SCHEMA_VERSION,
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            inputs_digest: self.digest.to_owned(),
            organisation: organisation.name.clone(),
            timezone: organisation.timezone.clone(),
            currency: organisation.currency.clone(),
            scenario: self.scenario.clone(),
            as_of: self.nights.as_of,
            seed: self.seed,
            trials: usable.len() as u64,
            night: u64::from(number),
            chosen: match which {
                Which::Likely => "likely",
                Which::Bad => "bad",
                Which::Number(_) => "number",
            }
            .to_owned(),
            sooner: sooner as f64 / usable.len().max(1) as f64,
            strike,
            strike_local: names.local.at(0),
            intruder_since_ms: model.dwell.as_ref().map(|_| trial.intruder_since()),
            function: told,
            others: nights,
            never: result.never.map(|reason| reason_in_words(model, &reason)),
            hours: hours(&chain),
            chain,
            timeline,
            notes: self.nights.notes.clone(),
        }
    }

    fn night(&self, trial: &Trial<'_>, number: usize, result: Outcome) -> FunctionNight {
        let model = self.model();
        let function = &model.functions[number];
        let id = &model.names.ids[function.node as usize];
        let component = &self.map.components[id];
        let objectives = match &component.details {
            Details::Function(details) => details.objectives,
            _ => evenkeel_config::map::Objectives::default(),
        };
        let history = &trial.history[2 * number];
        let name = |step: u32| model.names.steps.get(step as usize).cloned().unwrap_or_default();
        let stands = |(from_ms, to_ms)| StopgapWindow {
            name: function.workaround.map(|stopgap| name(stopgap.name)).unwrap_or_default(),
            from_ms,
            to_ms,
        };
        let priced =
            !function.life_safety && (!function.loss.is_empty() || function.deadline_loss > 0);
        FunctionNight {
            id: id.clone(),
            title: component.title(),
            life_safety: function.life_safety,
            objectives,
            usable: elapsed(result.usable),
            system_back: elapsed(result.system_back),
            recovered: elapsed(result.recovered),
            data_loss: elapsed(result.data_loss),
            cost: priced.then_some(result.cost),
            capacity: history
                .iter()
                .map(|change| CapacityStep {
                    at_ms: change.at,
                    capacity: f64::from(change.capacity) / f64::from(ONE),
                })
                .collect(),
            stopgap: windows(function, history, model.horizon).into_iter().map(stands).collect(),
            cannot: function.cannot.clone(),
        }
    }
}

fn quantile(values: &[i64], p: f64) -> i64 {
    let values = sorted(values);
    values.get(ranks(values.len(), p).0).copied().unwrap_or(NEVER)
}

/// The blocking chain in words.
fn segments(names: &Names<'_>, trial: &Trial<'_>, end: u32) -> Vec<Segment> {
    let steps = &names.model.steps;
    let segment = |(from, link): (i64, crate::kernel::ChainLink)| Segment {
        from_ms: from,
        to_ms: link.at,
        cause: cause_number(link.cause),
        component: names.id(link.component),
        who: names.title(link.component).to_owned(),
        step: names.step(link.step).to_owned(),
        provenance: steps.get(link.source as usize).map_or(Provenance::Declared, |s| s.provenance),
    };
    trial.chain.walk(end).into_iter().map(segment).collect()
}

/// The parts of one chain summed up, largest first.
fn hours(chain: &[Segment]) -> Vec<HoursShare> {
    type Key<'a> = (evenkeel_config::record::Cause, Option<&'a Id>, &'a str);
    let mut sums: BTreeMap<Key<'_>, (i64, &str, bool)> = BTreeMap::new();
    for part in chain {
        let key = (part.cause, part.component.as_ref(), part.who.as_str());
        let sum = sums.entry(key).or_insert((0, &part.step, true));
        sum.0 += part.to_ms - part.from_ms;
        sum.2 &= sum.1 == part.step;
    }
    let whole: i64 = sums.values().map(|sum| sum.0).sum();
    let mut all: Vec<HoursShare> = sums
        .into_iter()
        .map(|((cause, component, who), (time, step, one))| HoursShare {
            cause,
            component: component.cloned(),
            who: who.to_owned(),
            step: if one { step.to_owned() } else { String::new() },
            total_ms: time.to_string(),
            share: time as f64 / whole.max(1) as f64,
        })
        .collect();
    all.sort_by(|a, b| b.share.total_cmp(&a.share));
    all
}

/// Elapsed as milliseconds, for comparisons with instants.
pub(crate) fn ms(value: Elapsed) -> i64 {
    value.ms().unwrap_or(NEVER)
}
