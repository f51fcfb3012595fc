//! The log of one night as events in words.
mod restores;
mod state;
mod steps;

use std::collections::BTreeMap;

use evenkeel_config::record::{Elapsed, EventKind, FunctionNight, Segment, TimelineEvent};

use super::ms;
use super::names::Names;
use super::relevant::relevant;
use crate::kernel::{Entry, Trial};
use crate::model::NONE;
use crate::outcome::Below;
use crate::statistics::elapsed;
use crate::words::duration;

/// More names than this are counted instead.
const MOST_NAMES: usize = 12;

/// An event before its names are put together.
struct Draft {
    at: i64,
    kind: EventKind,
    nodes: Vec<u32>,
    words: String,
    /// Whether the names of the components follow the words.
    listed: bool,
    step: u32,
    until: Option<i64>,
}

impl Draft {
    fn new(at: i64, kind: EventKind, nodes: Vec<u32>, words: String) -> Self {
        Self { at, kind, nodes, words, listed: false, step: NONE, until: None }
    }

    /// About one component of several that may share these words.
    fn listed(at: i64, kind: EventKind, node: u32, words: String) -> Self {
        Self { listed: true, ..Self::new(at, kind, vec![node], words) }
    }

    fn step(self, step: u32) -> Self {
        Self { step, ..self }
    }

    fn until(self, until: i64) -> Self {
        Self { until: Some(until), ..self }
    }
}

/// Everything that happened in a recorded trial, in order.
pub(super) fn timeline(
    names: &Names<'_>,
    trial: &Trial<'_>,
    function: usize,
    night: &FunctionNight,
    chain: &[Segment],
) -> Vec<TimelineEvent> {
    let mut teller =
        Teller { names, drafts: Vec::new(), begun: BTreeMap::new(), busy: BTreeMap::new() };
    for (at, entry) in trial.log() {
        teller.entry(*at, entry);
    }
    let history = &trial.history[2 * function..2 * function + 2];
    let below = Below::of(&names.model.functions[function], history, names.model.horizon);
    teller.outcome(function, night, &below, trial.strike_at);
    let mut drafts = teller.drafts;
    drafts.sort_by_key(|draft| draft.at);
    let bears = relevant(names.model, function);
    let told = |draft: Draft| {
        let owner = names.model.steps.get(draft.step as usize).map(|step| step.owner);
        let phase = owner == Some(NONE);
        let near = |node: &u32| bears.get(*node as usize).copied().unwrap_or(false);
        let concerns = phase
            || draft.nodes.is_empty()
            || match owner {
                Some(owner) => near(&owner),
                None => draft.nodes.iter().any(near),
            };
        TimelineEvent {
            at_ms: draft.at,
            local: names.local.at(draft.at),
            kind: draft.kind,
            text: text(names, &draft),
            components: draft.nodes.iter().filter_map(|node| names.id(*node)).collect(),
            step: names
                .model
                .steps
                .get(draft.step as usize)
                .map_or(String::new(), |step| names.step(step.name).to_owned()),
            until_ms: draft.until.map(elapsed),
            blocking: is_blocking(names, &draft, chain),
            concerns,
        }
    };
    drafts.into_iter().map(told).collect()
}

fn text(names: &Names<'_>, draft: &Draft) -> String {
    if !draft.listed {
        return draft.words.clone();
    }
    let mut titles: Vec<&str> = draft.nodes.iter().map(|node| names.title(*node)).collect();
    let more = titles.len().saturating_sub(MOST_NAMES);
    titles.truncate(MOST_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{}{more}", draft.words, titles.join(", "))
}

/// Whether the function waited for just this at that instant.
fn is_blocking(names: &Names<'_>, draft: &Draft, chain: &[Segment]) -> bool {
    let Some(step) = names.model.steps.get(draft.step as usize) else { return false };
    let (name, owner) = (names.step(step.name), names.title(step.owner));
    let until = draft.until.unwrap_or(draft.at);
    chain.iter().any(|part| {
        let named = draft.nodes.iter().any(|node| names.title(*node) == part.who);
        part.step == name
            && (named || part.who == owner)
            && part.from_ms < until.max(draft.at + 1)
            && part.to_ms >= draft.at
    })
}

struct Teller<'a> {
    names: &'a Names<'a>,
    drafts: Vec<Draft>,
    /// Per step and attempt, whether somebody was said to work on it.
    begun: BTreeMap<(u32, u32), bool>,
    /// Per person, the step worked on last.
    busy: BTreeMap<u32, u32>,
}

impl Teller<'_> {
    /// Adds an event, or its names to an equal one of the same instant.
    fn add(&mut self, draft: Draft) {
        let same = |other: &&mut Draft| {
            draft.listed
                && other.listed
                && other.at == draft.at
                && other.kind == draft.kind
                && other.words == draft.words
        };
        match self.drafts.iter_mut().rev().take(40).find(same) {
            Some(other) if !other.nodes.contains(&draft.nodes[0]) => {
                other.nodes.push(draft.nodes[0]);
            }
            Some(_) => {}
            None => self.drafts.push(draft),
        }
    }

    fn entry(&mut self, at: i64, entry: &Entry) {
        match *entry {
            Entry::Away { .. }
            | Entry::Struck { .. }
            | Entry::CopyGone { .. }
            | Entry::OutageBegan { .. }
            | Entry::OutageEnded { .. }
            | Entry::OnBattery { .. }
            | Entry::Reinfected { .. }
            | Entry::Lapsed { .. }
            | Entry::Capacity { .. } => self.state(at, entry),
            Entry::Skipped { .. }
            | Entry::Gated { .. }
            | Entry::Began { .. }
            | Entry::SpareTaken { .. }
            | Entry::Ordered { .. }
            | Entry::SpareOrdered { .. }
            | Entry::SpareCame { .. }
            | Entry::VendorCalled { .. }
            | Entry::Waited { .. }
            | Entry::Works { .. }
            | Entry::Elapses { .. }
            | Entry::Failed { .. }
            | Entry::Done { .. } => self.step(at, entry),
            Entry::CopyUnfit { .. }
            | Entry::CopyAwaited { .. }
            | Entry::Transfer { .. }
            | Entry::TransferCut { .. }
            | Entry::TransferEnded { .. }
            | Entry::Restored { .. }
            | Entry::NoCopy { .. }
            | Entry::Reentered { .. } => self.restore(at, entry),
            Entry::NoSteps { .. }
            | Entry::InLine { .. }
            | Entry::RecoveryBegins
            | Entry::FailoverBegins { .. }
            | Entry::FailoverEnded { .. }
            | Entry::Whole { .. } => self.recovery(at, entry),
        }
    }

    /// What became of components as a whole.
    fn recovery(&mut self, at: i64, entry: &Entry) {
        let names = self.names;
        match *entry {
            Entry::NoSteps { node } => {
                let before = "nobody wrote down how to bring back: ".to_owned();
                self.add(Draft::listed(at, EventKind::Lost, node, before));
            }
            Entry::InLine { node, behind } => {
                let text = format!(
                    "{} is an alternative and waits for its turn: {} comes first",
                    names.title(node),
                    names.title(behind)
                );
                let both = vec![node, behind];
                self.drafts.push(Draft::new(at, EventKind::WaitGate, both, text));
            }
            Entry::RecoveryBegins => {
                let text = "recovery begins".to_owned();
                self.drafts.push(Draft::new(at, EventKind::Begin, Vec::new(), text));
            }
            Entry::FailoverBegins { node } => {
                let text = format!("{} is switched over", names.title(node));
                self.drafts.push(Draft::new(at, EventKind::Failover, vec![node], text));
            }
            Entry::FailoverEnded { node, works } => {
                let what = if works { "works" } else { "does not work" };
                let text = format!("the switch-over of {} {what}", names.title(node));
                self.drafts.push(Draft::new(at, EventKind::Failover, vec![node], text));
            }
            _ => {}
        }
    }

    /// What the night meant for the function.
    fn outcome(&mut self, number: usize, night: &FunctionNight, below: &Below, strike_at: i64) {
        let names = self.names;
        let function = &names.model.functions[number];
        let title = names.title(function.node);
        let touched = !night.capacity.is_empty();
        let mut add = |at: i64, kind: EventKind, text: String| {
            self.drafts.push(Draft::new(at, kind, vec![function.node], text));
        };
        for window in &night.stopgap {
            add(
                window.from_ms,
                EventKind::Stopgap,
                format!("the stopgap of {title} stands: {}", window.name),
            );
            if window.to_ms < ms(night.system_back) {
                let text =
                    format!("the stopgap of {title} cannot be kept up any longer: {}", window.name);
                add(window.to_ms, EventKind::Stopgap, text);
            }
        }
        for (name, span) in [("RTO", night.objectives.rto), ("MTD", night.objectives.mtd)] {
            let Some(span) = span else { continue };
            // Judged on the last instant at which it is usable again, which may
            // follow a fall that came only later.
            let missed = below.both.iter().find(|(_, to)| *to > span.as_ms());
            let Some((from, _)) = missed.filter(|_| ms(night.usable) > span.as_ms()) else {
                continue;
            };
            let limit = duration(span.as_ms());
            let text = if *from <= span.as_ms() {
                format!("the {name} of {title} passes unmet ({limit})")
            } else {
                format!("{title} falls after its {name} ({limit}), which is not kept thereby")
            };
            add(span.as_ms().max(*from), EventKind::Objective, text);
        }
        for deadline in &function.deadlines {
            let at = deadline - strike_at;
            if below.system.iter().any(|(from, to)| (*from..*to).contains(&at)) {
                let text = format!("a deadline of {title} falls due while its system is down");
                add(at, EventKind::Objective, text);
            }
        }
        if touched {
            if let Elapsed::Ms(at @ 1..) = night.usable {
                add(at, EventKind::Usable, format!("{title} is usable again"));
            }
            if let Elapsed::Ms(at @ 1..) = night.recovered {
                add(
                    at,
                    EventKind::Usable,
                    format!("{title} is fully recovered, its backlog cleared"),
                );
            }
        }
    }
}
