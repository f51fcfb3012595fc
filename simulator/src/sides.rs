//! Sides of a comparison: the same nights on the map as it is and with fixes laid over it.
use evenkeel_config::id::Id;
use evenkeel_config::map::{DependencyMap, Details, Fix};
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{About, ScenarioName};
use jiff::Timestamp;

use crate::compile::{Compiled, compile, minor};
use crate::draw::Tables;
use crate::summary::total_costs;
use crate::{Job, check, digest, inputs_of, key, moment, run};

/// A named set of fixes that are laid over the map together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// How it is called in the answer.
    pub name: String,
    /// Its fixes.
    pub fixes: Vec<Id>,
}

impl Variant {
    /// A variant of one fix, named after it.
    pub fn alone(fix: &Id) -> Self {
        Self { name: fix.to_string(), fixes: vec![fix.clone()] }
    }
}

/// The nights of one map, function by function.
#[derive(Debug, Clone)]
pub struct Side {
    /// Functions in the order of their ids.
    pub functions: Vec<Nightly>,
    /// Cost of each night: all functions and what recovery itself costs.
    pub costs: Vec<i64>,
    /// Whether the map states any loss.
    pub priced: bool,
    /// Later is never, in milliseconds.
    pub horizon: i64,
    /// Warnings in words.
    pub notes: Vec<String>,
}

/// The nights of one function; times in milliseconds.
#[derive(Debug, Clone)]
pub struct Nightly {
    /// The function.
    pub id: Id,
    /// Its name on pages.
    pub title: String,
    /// Lives hang on it.
    pub life_safety: bool,
    /// RTO.
    pub rto: Option<i64>,
    /// RPO.
    pub rpo: Option<i64>,
    /// MTD.
    pub mtd: Option<i64>,
    /// Whether it states any loss.
    pub priced: bool,
    /// Why it cannot be simulated, if so; then the nights mean nothing.
    pub cannot: Option<String>,
    /// Usable, by night.
    pub usable: Vec<i64>,
    /// Work lost, by night.
    pub data_loss: Vec<i64>,
    /// Cost, by night.
    pub cost: Vec<i64>,
    /// Missing capacity over time, by night.
    pub missing: Vec<i64>,
}

impl Side {
    /// The function of that id.
    pub fn function(&self, id: &Id) -> Option<&Nightly> {
        self.functions.iter().find(|function| function.id == *id)
    }
}

/// Where sides are simulated: a question, its moment, and the tables of its laws.
pub struct Stage<'a> {
    job: &'a Job<'a>,
    as_of: Timestamp,
    assumed: bool,
    tables: Tables,
}

impl<'a> Stage<'a> {
    /// A stage for a question.
    ///
    /// # Errors
    /// Too many or no trials, modifiers that are none.
    pub fn new(job: &'a Job<'a>) -> Result<Self, Problems> {
        check(job)?;
        let (as_of, assumed) = moment(job);
        Ok(Self { job, as_of, assumed, tables: Tables::default() })
    }

    /// The nights with these fixes laid over the map one after the other, in
    /// the order of their ids; without any, those of the map as it is.
    ///
    /// # Errors
    /// What makes the question meaningless on the patched map.
    pub fn side(&mut self, fixes: &[Id], done: &(dyn Fn(u64) + Sync)) -> Result<Side, Problems> {
        let patched = patched(self.job.map, fixes)?;
        let own = self.job.map;
        let inputs = match &patched {
            None => inputs_of(self.job, self.as_of),
            // What was seen of a backup that a fix changes is void on its side.
            Some(map) => crate::compile::Inputs {
                map,
                seen_on: Some(own),
                ..inputs_of(self.job, self.as_of)
            },
        };
        let Compiled { model, mut notes, .. } = compile(&inputs, &mut self.tables)?;
        if self.assumed {
            notes.push(format!("no date is known; the facts are taken to be of {}", self.as_of));
        }
        let runs = run::run(&model, self.job.seed, self.job.trials, done);
        let costs = total_costs(&model, &runs);
        let mut priced = false;
        let functions = model
            .functions
            .iter()
            .zip(runs.functions)
            .map(|(function, runs)| {
                let id = model.names.ids[function.node as usize].clone();
                let states_loss = !function.loss.is_empty() || function.deadline_loss > 0;
                priced |= states_loss && !function.life_safety;
                // The objectives of the map as it is are the yardstick of both sides.
                let objectives = match own.components.get(&id).map(|c| &c.details) {
                    Some(Details::Function(details)) => details.objectives,
                    _ => Default::default(),
                };
                let ms = |span: Option<Span>| span.map(Span::as_ms);
                Nightly {
                    title: inputs.map.components.get(&id).map_or(id.to_string(), |c| c.title()),
                    life_safety: function.life_safety,
                    rto: ms(objectives.rto),
                    rpo: ms(objectives.rpo),
                    mtd: ms(objectives.mtd),
                    priced: states_loss && !function.life_safety,
                    cannot: function.cannot.clone(),
                    usable: runs.usable,
                    data_loss: runs.data_loss,
                    cost: runs.cost,
                    missing: runs.missing,
                    id,
                }
            })
            .collect();
        Ok(Side { functions, costs, priced, horizon: model.horizon, notes })
    }

    /// The moment of the facts.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }
}

/// The map with the fixes laid over it in the order of their ids; `None` when
/// there are none.
///
/// # Errors
/// A fix that is not on the map, and what is wrong with the map that comes of it.
pub fn patched(map: &DependencyMap, fixes: &[Id]) -> Result<Option<DependencyMap>, Problems> {
    let mut sorted: Vec<&Id> = fixes.iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut patched: Option<DependencyMap> = None;
    for id in sorted {
        patched = Some(patched.as_ref().unwrap_or(map).with_fix(id)?);
    }
    Ok(patched)
}

/// The fixes of these ids on a map.
///
/// # Errors
/// Every id that names no fix, with those that exist.
pub fn known<'m>(map: &'m DependencyMap, ids: &[Id]) -> Result<Vec<&'m Fix>, Problems> {
    let mut problems = Problems::default();
    for id in ids.iter().filter(|id| !map.fixes.contains_key(*id)) {
        let known: Vec<&str> = map.fixes.keys().map(Id::as_str).collect();
        let hint = if known.is_empty() {
            "the map has none yet; write one as `[fix.ID]`, or try a document with `--patch FILE`"
                .to_owned()
        } else {
            format!("choose from {}", known.join(", "))
        };
        problems.error(Place::default(), format!("the map has no fix `{id}`"), hint);
    }
    if problems.is_fatal() {
        return Err(problems);
    }
    Ok(ids.iter().map(|id| &map.fixes[id]).collect())
}

/// What a set of fixes costs: once and a year in minor units, and days of own staff.
pub fn price<'m>(fixes: impl IntoIterator<Item = &'m Fix>) -> (i64, i64, f64) {
    fixes.into_iter().fold((0, 0, 0.0), |(once, yearly, days), fix| {
        (once + minor(fix.once), yearly + minor(fix.yearly), days + fix.staff_days)
    })
}

/// The first key that two fixes both write, and write differently, or that one
/// writes on a component the other takes away: together only one can be had.
pub fn conflict(one: &Fix, other: &Fix) -> Option<String> {
    for (kind, components) in &one.set {
        for (id, keys) in components.as_table().into_iter().flatten() {
            if other.remove.iter().any(|gone| gone.as_str() == id) {
                return Some(format!("{kind}.{id}"));
            }
            let theirs = other.set.get(kind).and_then(|kind| kind.get(id));
            let (Some(keys), Some(theirs)) = (keys.as_table(), theirs) else { continue };
            for (key, value) in keys {
                if theirs.get(key).is_some_and(|theirs| theirs != value) {
                    return Some(format!("{kind}.{id}.{key}"));
                }
            }
        }
    }
    let taken = |id: &str| one.remove.iter().any(|gone| gone.as_str() == id);
    other.set.iter().find_map(|(kind, components)| {
        let ids = components.as_table()?.keys();
        ids.into_iter().find(|id| taken(id)).map(|id| format!("{kind}.{id}"))
    })
}

/// What an answer to these questions, all about one map, is about.
pub fn about(jobs: &[Job<'_>], as_of: Timestamp, horizon: i64) -> About {
    let first = &jobs[0];
    let organisation = &first.map.organisation;
    About {
        engine_version: env!("CARGO_PKG_VERSION").to_owned(),
        key_hash: key::HASH.to_owned(),
        generator: key::GENERATOR.to_owned(),
        inputs_digest: jobs.iter().map(digest).collect::<Vec<_>>().join("+"),
        organisation: organisation.name.clone(),
        timezone: organisation.timezone.clone(),
        currency: organisation.currency.clone(),
        scenarios: jobs
            .iter()
            .map(|job| ScenarioName {
                id: job.scenario.id.clone(),
                title: job.scenario.title.clone(),
                question: job.scenario.question.clone(),
                with: job.modifiers.iter().map(|modifier| modifier.id.clone()).collect(),
            })
            .collect(),
        as_of,
        seed: first.seed,
        trials: first.trials,
        horizon: Span::from_ms(horizon),
    }
}
