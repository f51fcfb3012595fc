//! What could be drilled or measured, and what a model would look like after each outcome.
use std::collections::{BTreeMap, BTreeSet};

use evenkeel_config::id::Id;
use evenkeel_config::map::Kind;
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{Cause, DrillKind, InputFigure};

use crate::draw::{Sampler, Tables};
use crate::model::{Model, NONE};
use crate::run::Runs;
use crate::summary::cause_number;
use crate::words::{duration, number as digits};

/// Measurements whose part of all hours is smaller are not looked at.
const LEAST_SHARE: f64 = 0.005;
/// Not more measurements than this are looked at.
const MOST: usize = 30;
/// Swanson's rule: the 10, 50 and 90 % quantiles of a continuous figure with
/// weights 0.3, 0.4 and 0.3 (Hurst, Brown and Swanson, "Swanson's 30-40-30
/// rule", AAPG Bulletin 84, 2000), as standard normal numbers.
const SWANSON: [(f64, f64); 3] =
    [(-1.281_551_565_544_6, 0.3), (0.0, 0.4), (1.281_551_565_544_6, 0.3)];

/// A figure of the model that a drill would tell more about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    /// Whether restores from a repository work.
    Works(usize),
    /// How fast they are.
    Speed(usize),
    /// A time, by the slot of its draw: steps that stand for one another share it.
    Time(u32),
    /// Whether a person is away.
    Away(u32),
}

/// One drill or measurement.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    figure: Figure,
    pub(super) kind: DrillKind,
    pub(super) component: Option<Id>,
    pub(super) what: String,
    pub(super) today: String,
    pub(super) provenance: Provenance,
    /// What may come out, and how likely.
    pub(super) outcomes: Vec<(String, f64)>,
}

impl Candidate {
    /// Whether one drill is taken for one drill, not for all that can be known.
    pub(super) fn is_exact(&self) -> bool {
        self.kind == DrillKind::Restore
    }

    /// The model after outcome number `outcome`.
    pub(super) fn after(&self, model: &Model, outcome: usize, tables: &mut Tables) -> Model {
        let mut model = model.clone();
        let z = SWANSON.get(outcome).map_or(0.0, |point| point.0);
        match self.figure {
            Figure::Works(copy) => {
                let copy = &mut model.copies[copy];
                let (good, bad) = copy.weights;
                let (good, bad) = if outcome == 0 { (good + 1.0, bad) } else { (good, bad + 1.0) };
                copy.weights = (good, bad);
                copy.chance = Some(tables.beta(good, bad));
            }
            Figure::Speed(copy) => {
                let chains = model.datasets.iter_mut().flat_map(|data| &mut data.chains);
                let drilled = chains.filter(|chain| chain.copy as usize == copy);
                for times in drilled.filter_map(|chain| chain.measured.as_mut()) {
                    (times.median, times.sigma) = (times.at(z), 0.0);
                }
                let copy = &mut model.copies[copy];
                copy.speed /= copy.slowness(z);
                (copy.sigma, copy.student) = (0.0, None);
            }
            Figure::Time(slot) => {
                let steps = model.steps.iter_mut();
                let times =
                    steps.flat_map(|step| [&mut step.effort, &mut step.wait, &mut step.lead]);
                let responses = model.vendors.iter_mut().map(|vendor| &mut vendor.response);
                for draw in times.chain(responses).flatten().filter(|draw| draw.slot == slot) {
                    draw.sampler = Sampler::Fixed(draw.sampler.at(z));
                }
            }
            Figure::Away(node) => {
                let away = if outcome == 0 { 0.0 } else { 1.0 };
                for person in model.people.iter_mut().filter(|person| person.node == node) {
                    person.away = away;
                }
            }
        }
        model
    }
}

/// What can be drilled or measured on a model, given where its hours go.
pub(super) struct Search<'a> {
    pub(super) model: &'a Model,
    pub(super) runs: &'a Runs,
    pub(super) inputs: &'a [InputFigure],
    /// The functions in question.
    pub(super) functions: &'a [usize],
    pub(super) show_names: bool,
    /// The scenario says itself whether restores work, whatever was drilled.
    pub(super) restores_decided: bool,
}

impl Search<'_> {
    /// All candidates: restores and people first, then what takes most hours.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let mut all = self.restores();
        all.extend(self.absences());
        let mut timed: Vec<(f64, Candidate)> = self.times();
        timed.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.what.cmp(&b.1.what)));
        let mut seen = BTreeSet::new();
        timed.retain(|(_, candidate)| match candidate.figure {
            Figure::Time(slot) => seen.insert(slot),
            _ => true,
        });
        all.extend(timed.into_iter().take(MOST).map(|(_, candidate)| candidate));
        all
    }

    fn title(&self, node: u32) -> &str {
        self.model.names.titles.get(node as usize).map_or("", String::as_str)
    }

    fn id(&self, node: u32) -> Option<Id> {
        let kind = self.model.nodes.get(node as usize)?.kind;
        let hidden = kind == Kind::Person && !self.show_names;
        if hidden { None } else { self.model.names.ids.get(node as usize).cloned() }
    }

    fn known(&self, key: &str) -> Option<&InputFigure> {
        self.inputs.iter().find(|figure| figure.key == key)
    }

    /// The largest part that hours of these causes and this step or component
    /// have in all hours of one of the functions.
    fn share(&self, of: impl Fn(Cause, u32, u32) -> bool) -> f64 {
        let shares = self.functions.iter().map(|function| {
            let hours = &self.runs.functions[*function].hours;
            let all: u128 = hours.values().sum();
            let part: u128 = hours
                .iter()
                .filter(|((cause, component, step), _)| of(cause_number(*cause), *component, *step))
                .map(|(_, time)| time)
                .sum();
            part as f64 / all.max(1) as f64
        });
        shares.fold(0.0, f64::max)
    }

    /// Does a restore work, and how fast is it?
    fn restores(&self) -> Vec<Candidate> {
        let mut all = Vec::new();
        for (number, copy) in self.model.copies.iter().enumerate() {
            // Only what some night restores.
            let held = self.model.datasets.iter().enumerate().find(|(data, dataset)| {
                self.runs.hit[*data] > 0
                    && dataset.chains.iter().any(|chain| chain.copy as usize == number)
            });
            let Some((_, dataset)) = held else { continue };
            let (data, from) = (self.title(dataset.node), self.title(copy.node));
            let from =
                if from.contains(data) { from.to_owned() } else { format!("{data} from {from}") };
            let id = self.model.names.ids.get(copy.node as usize).cloned();
            let key =
                |what: &str| id.as_ref().and_then(|id| self.known(&format!("copy.{id}.{what}")));
            let (good, bad) = copy.weights;
            if good > 0.0 && bad > 0.0 && !self.restores_decided {
                let works = good / (good + bad);
                let source = key("restore_success").map_or("", |figure| figure.source.as_str());
                all.push(Candidate {
                    figure: Figure::Works(number),
                    kind: DrillKind::Restore,
                    component: id.clone(),
                    what: format!("restore {from} once"),
                    today: format!(
                        "the chance that it works is taken as {} of 100 ({source})",
                        digits(works * 100.0)
                    ),
                    provenance: key("restore_success")
                        .map_or(Provenance::Default, |figure| figure.provenance),
                    outcomes: vec![
                        ("if it works".to_owned(), works),
                        ("if it does not".to_owned(), 1.0 - works),
                    ],
                });
            }
            if copy.sigma > 0.0 {
                let at = |z: f64| copy.speed / copy.slowness(z) / 1e3;
                let outcome = |(z, weight): (f64, f64)| {
                    (format!("if it runs at {} MB a second", digits(at(z))), weight)
                };
                all.push(Candidate {
                    figure: Figure::Speed(number),
                    kind: DrillKind::Speed,
                    component: id.clone(),
                    what: format!("measure how fast {from} comes back"),
                    today: format!(
                        "taken as {} to {} MB a second",
                        digits(at(SWANSON[2].0)),
                        digits(at(SWANSON[0].0))
                    ),
                    provenance: key("restore_speed")
                        .map_or(Provenance::Default, |figure| figure.provenance),
                    outcomes: SWANSON.map(outcome).to_vec(),
                });
            }
        }
        all
    }

    /// Who is there?
    fn absences(&self) -> Vec<Candidate> {
        let mut seen: BTreeMap<u32, f64> = BTreeMap::new();
        for person in &self.model.people {
            let single = self.model.nodes[person.node as usize].kind == Kind::Person;
            if single && person.away > 0.0 && person.away < 1.0 && !person.absent {
                seen.insert(person.node, person.away);
            }
        }
        seen.into_iter()
            .map(|(node, away)| {
                let who = self.title(node);
                Candidate {
                    figure: Figure::Away(node),
                    kind: DrillKind::Absence,
                    component: self.id(node),
                    what: format!("find out when {who} is away, from the leave calendar"),
                    today: format!("away in {} of 100 nights", digits(away * 100.0)),
                    provenance: Provenance::Declared,
                    outcomes: vec![
                        (format!("if {who} is there"), 1.0 - away),
                        (format!("if {who} is away"), away),
                    ],
                }
            })
            .collect()
    }

    /// How long do steps, deliveries and vendors take?
    fn times(&self) -> Vec<(f64, Candidate)> {
        let mut all = Vec::new();
        for step in &self.model.steps {
            let name = self.model.names.steps.get(step.name as usize).map_or("", String::as_str);
            let whose = match self.title(step.owner) {
                owner if step.owner == NONE || owner.is_empty() => String::new(),
                owner => format!(" of {owner}"),
            };
            let mine = |component: u32| component == step.owner || step.owner == NONE;
            let work = self.share(|cause, component, other| {
                let vendor = cause == Cause::Vendor && step.vendor.is_some();
                other == step.name
                    && (mine(component) || vendor)
                    && !cause.is_person()
                    && !matches!(cause, Cause::LeadTime | Cause::Transfer | Cause::LinkContention)
            });
            let lead = self.share(|cause, _, other| other == step.name && cause == Cause::LeadTime);
            for (draw, share, kind, what) in [
                (&step.effort, work, DrillKind::StepTime, "time"),
                (&step.wait, work, DrillKind::StepTime, "time"),
                (&step.lead, lead, DrillKind::LeadTime, "ask for the delivery time of"),
            ] {
                let what = format!("{what} “{name}”{whose}");
                let component = self.id(step.owner);
                all.extend(timed(draw.as_ref(), share, kind, what, component, step.provenance));
            }
        }
        for vendor in &self.model.vendors {
            let share = self
                .share(|cause, component, _| cause == Cause::Vendor && component == vendor.node);
            all.extend(timed(
                vendor.response.as_ref(),
                share,
                DrillKind::Response,
                format!("call {} one evening and time the answer", self.title(vendor.node)),
                self.id(vendor.node),
                Provenance::Declared,
            ));
        }
        all
    }
}

fn timed(
    draw: Option<&crate::model::Draw>,
    share: f64,
    kind: DrillKind,
    what: String,
    component: Option<Id>,
    provenance: Provenance,
) -> Option<(f64, Candidate)> {
    let draw = draw?;
    let sampler = &draw.sampler;
    let [low, _, high] = SWANSON.map(|(z, _)| sampler.at(z));
    if share < LEAST_SHARE || low == high {
        return None;
    }
    let outcome =
        |(z, weight): (f64, f64)| (format!("if it takes {}", duration(sampler.at(z))), weight);
    let candidate = Candidate {
        figure: Figure::Time(draw.slot),
        kind,
        component,
        what,
        today: format!("taken as {} to {}", duration(low), duration(high)),
        provenance,
        outcomes: SWANSON.map(outcome).to_vec(),
    };
    Some((share, candidate))
}
