//! Runs to a [`Summary`](evenkeel_config::record::Summary): order statistics with their intervals, chances, chains in words.
use crate::kernel::{Reason, Trial, Why};
use crate::model::{Function, Model, NEVER, NONE};
use crate::outcome::outcome;
use crate::run::{FunctionRuns, Runs};
use crate::spread::Spread;
use crate::statistics::{chance, elapsed};
use crate::tally::{Figure, Gathered, Promised};
use evenkeel_config::map::{DependencyMap, Details};
use evenkeel_config::provenance::Provenance;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{
    Cause, DatasetSummary, EvidenceSet, FunctionSummary, HoursShare, NeverReason, Night, Quantile,
    Segment, WorkaroundSummary,
};
use jiff::Timestamp;

/// Everything that summaries are made from.
pub struct Material<'a> {
    /// The map.
    pub map: &'a DependencyMap,
    /// The model.
    pub model: &'a Model,
    /// The results.
    pub results: &'a Gathered,
    /// What is promised, by function of the model.
    pub promised: &'a [Promised],
    /// By function of the model the share of its spread that comes from defaults.
    pub from_defaults: &'a [Option<f64>],
    /// The facts.
    pub evidence: &'a [EvidenceSet],
    /// Their moment.
    pub as_of: Timestamp,
    /// The seed, to run single nights again.
    pub seed: u64,
}

impl Material<'_> {
    /// All functions, life safety first, then by id.
    pub fn functions(&self) -> Vec<FunctionSummary> {
        let mut all: Vec<FunctionSummary> =
            (0..self.model.functions.len()).map(|number| self.function(number)).collect();
        all.sort_by(|a, b| b.life_safety.cmp(&a.life_safety).then_with(|| a.id.cmp(&b.id)));
        all
    }

    fn function(&self, number: usize) -> FunctionSummary {
        let function = &self.model.functions[number];
        let runs = &self.results.sums().functions[number];
        let id = self.model.names.ids[function.node as usize].clone();
        let component = &self.map.components[&id];
        let Details::Function(details) = &component.details else {
            unreachable!("functions are compiled from functions")
        };
        let trials = self.results.trials();
        let objectives = details.objectives;
        let spread = |figure| self.results.spread(number, figure);
        let usable = spread(Figure::Usable);
        let [rto, rpo, mtd] = self.results.promises(number, &self.promised[number]);
        let within = |span: Option<Span>, kept: u64| span.map(|_| chance(kept, trials));
        let back = spread(Figure::Recovered);
        let recovered = back.at_most(NEVER - 1).max(1) as f64;
        let priced =
            !function.life_safety && (!function.loss.is_empty() || function.deadline_loss > 0);
        let simulated = function.cannot.is_none();
        let list = |values: Vec<Quantile>| if simulated { values } else { Vec::new() };
        FunctionSummary {
            title: component.title(),
            summary: component.common.summary.clone(),
            life_safety: function.life_safety,
            objectives,
            workaround: self.workaround(function, details),
            touched: chance(runs.touched, trials),
            usable: list(usable.quantiles()),
            system_back: list(spread(Figure::SystemBack).quantiles()),
            recovered: list(back.quantiles()),
            rto: within(objectives.rto, rto).filter(|_| simulated),
            rpo: within(objectives.rpo, rpo).filter(|_| simulated),
            mtd: within(objectives.mtd, mtd).filter(|_| simulated),
            data_loss: list(spread(Figure::DataLoss).quantiles()),
            mean_hours_below_minimum: runs.below_minimum as f64 / recovered / 3.6e6,
            mean_lost_hours: runs.lost as f64 / recovered / 3.6e6,
            cost: if priced && simulated { spread(Figure::Cost).money() } else { Vec::new() },
            curve: if simulated { usable.curve() } else { Vec::new() },
            hours: self.hours(runs),
            likely_night: self.night(number, &usable, 0.5).filter(|_| simulated),
            bad_night: self.night(number, &usable, 0.9).filter(|_| simulated),
            never: if simulated { self.never(runs) } else { Vec::new() },
            spread_from_defaults: self.from_defaults[number].filter(|_| simulated),
            stale: self.stale(function),
            cannot: function.cannot.clone(),
            id,
        }
    }

    fn workaround(
        &self,
        function: &Function,
        details: &evenkeel_config::map::Function,
    ) -> Option<WorkaroundSummary> {
        let workaround = details.workaround.as_ref()?;
        Some(WorkaroundSummary {
            name: workaround.name.clone(),
            capacity: workaround.capacity.get(),
            after: workaround.after,
            lasts: workaround.lasts,
            counts_as_usable: function
                .workaround
                .is_some_and(|stopgap| stopgap.capacity >= function.minimum),
        })
    }

    /// Where the hours go, by cause and component; the step only where it is
    /// the one step behind the sum.
    fn hours(&self, runs: &FunctionRuns) -> Vec<HoursShare> {
        let total: u128 = runs.hours.values().sum();
        let mut sums: Vec<((u8, u32), u128, u32)> = Vec::new();
        for ((cause, component, step), time) in &runs.hours {
            match sums.last_mut() {
                Some(last) if last.0 == (*cause, *component) => {
                    last.1 += time;
                    if last.2 != *step {
                        last.2 = NONE;
                    }
                }
                _ => sums.push(((*cause, *component), *time, *step)),
            }
        }
        sums.sort_by_key(|(key, time, _)| (std::cmp::Reverse(*time), *key));
        sums.into_iter()
            .map(|((cause, component), time, step)| HoursShare {
                cause: cause_number(cause),
                component: self.id_of(component),
                who: self.title_of(component),
                step: self.step_name(step),
                total_ms: time.to_string(),
                share: time as f64 / (total.max(1)) as f64,
            })
            .collect()
    }

    fn id_of(&self, node: u32) -> Option<evenkeel_config::id::Id> {
        self.model.names.ids.get(node as usize).cloned()
    }

    fn title_of(&self, node: u32) -> String {
        self.model.names.titles.get(node as usize).cloned().unwrap_or_default()
    }

    fn step_name(&self, step: u32) -> String {
        self.model.names.steps.get(step as usize).cloned().unwrap_or_default()
    }

    /// The first trial whose time is the p-quantile, told again from its chain;
    /// where results are counted, the first of its bucket.
    fn night(&self, number: usize, usable: &Spread, p: f64) -> Option<Night> {
        let [goal, ..] = usable.quantile(p)?;
        if goal == 0 {
            return None;
        }
        let trial = self.results.trial_of(number, goal)?;
        let mut again = Trial::new(self.model);
        again.run(self.seed, trial as u32);
        let result = outcome(self.model, &mut again, number);
        let segments = again
            .chain
            .walk(result.why)
            .into_iter()
            .map(|(from, link)| Segment {
                from_ms: from,
                to_ms: link.at,
                cause: cause_number(link.cause),
                component: self.id_of(link.component),
                who: self.title_of(link.component),
                step: self.step_name(link.step),
                provenance: self
                    .model
                    .steps
                    .get(link.source as usize)
                    .map_or(Provenance::Declared, |step| step.provenance),
            })
            .collect();
        Some(Night {
            trial,
            strike: Timestamp::from_millisecond(again.strike_at).unwrap_or(self.as_of),
            usable: elapsed(result.usable),
            segments,
        })
    }

    fn never(&self, runs: &FunctionRuns) -> Vec<NeverReason> {
        let mut all: Vec<NeverReason> = runs
            .never
            .iter()
            .map(|(reason, count)| NeverReason {
                reason: reason_in_words(self.model, reason),
                component: self.id_of(reason.node),
                count: *count,
            })
            .collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
        all
    }

    fn stale(&self, function: &Function) -> Vec<evenkeel_config::id::Id> {
        let mut stale: Vec<_> = self
            .evidence
            .iter()
            .flat_map(|set| &set.evidence)
            .filter(|item| item.stale_after <= self.as_of)
            .filter(|item| {
                function
                    .closure
                    .iter()
                    .any(|node| self.model.names.ids[*node as usize] == item.component)
            })
            .map(|item| item.component.clone())
            .collect();
        stale.sort();
        stale.dedup();
        stale
    }

    /// Every data set that was hit in any trial.
    pub fn datasets(&self) -> Vec<DatasetSummary> {
        (0..self.model.datasets.len())
            .filter(|data| self.results.sums().hit[*data] > 0)
            .map(|data| {
                let id = self.model.names.ids[self.model.datasets[data].node as usize].clone();
                let losses = self.results.losses(data);
                let all = losses.count() - losses.at_most(NEVER - 1);
                DatasetSummary {
                    title: self.map.components[&id].title(),
                    rpo: self.strictest_rpo(data as u32),
                    loss: losses.quantiles(),
                    all_lost: chance(all, losses.count()),
                    id,
                }
            })
            .collect()
    }

    fn strictest_rpo(&self, data: u32) -> Option<Span> {
        let needing = self.model.functions.iter().filter(|f| f.datasets.contains(&data));
        needing
            .filter_map(|function| {
                let id = &self.model.names.ids[function.node as usize];
                match &self.map.components[id].details {
                    Details::Function(details) => details.objectives.rpo,
                    _ => None,
                }
            })
            .min()
    }

    /// Whether the map states any loss.
    pub fn is_priced(&self) -> bool {
        self.model.functions.iter().any(|function| {
            !function.life_safety && (!function.loss.is_empty() || function.deadline_loss > 0)
        })
    }
}

/// Cost of each trial.
pub fn total_costs(model: &Model, runs: &Runs) -> Vec<i64> {
    let mut costs = runs.spent.clone();
    for (function, runs) in model.functions.iter().zip(&runs.functions) {
        if function.cannot.is_none() {
            for (total, cost) in costs.iter_mut().zip(&runs.cost) {
                *total = total.saturating_add(*cost);
            }
        }
    }
    costs
}

/// Why something never came back, as a sentence fragment.
pub(crate) fn reason_in_words(model: &Model, reason: &Reason) -> String {
    let name = |list: &[String], at: u32| list.get(at as usize).cloned().unwrap_or_default();
    let what = name(&model.names.titles, reason.node);
    let step = name(&model.names.steps, reason.step);
    match reason.why {
        Why::NoSteps => format!("no recovery steps are written down for {what}"),
        Why::NoCopy => format!("no usable copy of {what} is left"),
        Why::GaveUp => format!("`{step}` of {what} does not work, and the plan ends there"),
        Why::Nobody if step.is_empty() => format!("nobody is there to recover {what}"),
        Why::Nobody => format!("nobody who can do `{step}` of {what} is there"),
        Why::Circle => format!("the recovery of {what} waits for itself"),
        Why::Absent => format!("{what} is away, and nobody stands in"),
        Why::TooLong if step.is_empty() => format!("{what} is not back within the horizon"),
        Why::TooLong => format!("`{step}` of {what} is not done within the horizon"),
        Why::Deadlock => "too much happens at one instant; the map may be contradictory".into(),
    }
}

pub(crate) fn cause_number(number: u8) -> Cause {
    const ALL: [Cause; 15] = [
        Cause::Detection,
        Cause::Declaration,
        Cause::Hold,
        Cause::Effort,
        Cause::PersonBusy,
        Cause::PersonOffShift,
        Cause::PersonAway,
        Cause::Transfer,
        Cause::LinkContention,
        Cause::LeadTime,
        Cause::Vendor,
        Cause::Wait,
        Cause::Outage,
        Cause::Start,
        Cause::Failover,
    ];
    ALL.into_iter().find(|cause| *cause as u8 == number).unwrap_or(Cause::Wait)
}
