//! What became of steps, and who or what they waited for, in words.
use evenkeel_config::map::OnFailure;
use evenkeel_config::record::EventKind;

use super::{Draft, Teller};
use crate::kernel::Entry;
use crate::model::NONE;
use crate::words::duration;

impl Teller<'_> {
    /// What became of steps.
    pub(super) fn step(&mut self, at: i64, entry: &Entry) {
        let names = self.names;
        let owner = |step: u32| {
            let owner = names.model.steps.get(step as usize).map_or(NONE, |step| step.owner);
            if owner == NONE { Vec::new() } else { vec![owner] }
        };
        let phase = |step: u32| owner(step).is_empty();
        let own = |step: u32, kind: EventKind| if phase(step) { EventKind::Phase } else { kind };
        let mut add = |kind: EventKind, step: u32, nodes: Vec<u32>, text: String| {
            self.drafts.push(Draft::new(at, own(step, kind), nodes, text).step(step));
        };
        let with = |step: u32, node: u32| {
            let mut nodes = owner(step);
            nodes.push(node);
            nodes
        };
        match *entry {
            Entry::Skipped { step } => {
                let text = format!("{} is not needed this time", names.step_of(step));
                add(EventKind::Done, step, owner(step), text);
            }
            Entry::Gated { step, by } => {
                let text = format!(
                    "{} cannot start: it needs {} first",
                    names.step_of(step),
                    names.title(by)
                );
                add(EventKind::WaitGate, step, with(step, by), text);
            }
            Entry::Began { step, attempt } => {
                self.begun.insert((step, 0), false);
                if attempt > 0 {
                    let text = format!("{} is tried again", names.step_of(step));
                    add(EventKind::Work, step, owner(step), text);
                }
            }
            Entry::SpareTaken { step, spare } => {
                let text = format!(
                    "{} is taken from stock for {}",
                    names.title(spare),
                    names.step_of(step)
                );
                add(EventKind::Work, step, with(step, spare), text);
            }
            Entry::Ordered { step, until } => {
                let text =
                    format!("{}: asked for, {}", names.step_of(step), names.not_before(until));
                self.drafts.push(
                    Draft::new(at, EventKind::WaitDelivery, owner(step), text)
                        .step(step)
                        .until(until),
                );
            }
            Entry::SpareOrdered { step, spare, until, for_shelf: true } => {
                let text = format!(
                    "another {} is ordered, {}",
                    names.title(spare),
                    names.not_before(until)
                );
                add(EventKind::Work, step, with(step, spare), text);
            }
            Entry::SpareOrdered { step, spare, until, for_shelf: false } => {
                let text = format!(
                    "{} waits for {}: none is in stock; one is ordered, {}",
                    names.step_of(step),
                    names.title(spare),
                    names.not_before(until)
                );
                self.drafts.push(
                    Draft::new(at, EventKind::WaitDelivery, with(step, spare), text)
                        .step(step)
                        .until(until),
                );
            }
            Entry::SpareCame { step: NONE, spare } => {
                let before = "delivered for the shelf: ".to_owned();
                self.add(Draft::listed(at, EventKind::Return, spare, before));
            }
            Entry::SpareCame { step, spare } => {
                let text = format!("{} is here for {}", names.title(spare), names.step_of(step));
                add(EventKind::Work, step, with(step, spare), text);
            }
            Entry::VendorCalled { step, vendor, until } => {
                let text = format!(
                    "{} is called for {} and keeps us waiting {}",
                    names.title(vendor),
                    names.step_of(step),
                    names.until(until)
                );
                self.drafts.push(
                    Draft::new(at, EventKind::WaitVendor, with(step, vendor), text)
                        .step(step)
                        .until(until),
                );
            }
            Entry::Waited { step, person, since, away_until, busy_until } => {
                let each = names.model.steps.get(step as usize).is_some_and(|step| step.each);
                if each && self.begun.contains_key(&(step, person)) {
                    return;
                }
                let text = self.waited(step, person, [since, away_until, busy_until, at]);
                self.drafts.push(
                    Draft::new(since, EventKind::WaitPerson, with(step, person), text)
                        .step(step)
                        .until(at),
                );
            }
            Entry::Works { step, person, until, .. } => {
                self.busy.insert(person, step);
                let each = names.model.steps.get(step as usize).is_some_and(|step| step.each);
                let told = self.begun.insert((step, person), true);
                if each && told.is_some() {
                    return;
                }
                let part = if each { ", one after the other" } else { "" };
                let until_words =
                    if each { String::new() } else { format!(", {}", names.until(until)) };
                let text = format!(
                    "{} works on {}{part}{until_words}",
                    names.title(person),
                    names.step_of(step)
                );
                let kind = own(step, EventKind::Work);
                self.drafts
                    .push(Draft::new(at, kind, with(step, person), text).step(step).until(until));
            }
            Entry::Elapses { step, until } => {
                let text = format!("{} takes its time {}", names.step_of(step), names.until(until));
                let kind = own(step, EventKind::Work);
                self.drafts.push(Draft::new(at, kind, owner(step), text).step(step).until(until));
            }
            Entry::Failed { step, attempt, then } => {
                let then = match then {
                    OnFailure::Retry => "it is tried once more",
                    OnFailure::Restart => "the recovery starts from its first step again",
                    OnFailure::Continue => "the plan goes on without it",
                    OnFailure::GiveUp => "the plan ends there",
                };
                let count =
                    if attempt > 0 { format!(", attempt {}", attempt + 1) } else { String::new() };
                let text = format!("{} does not work{count}; {then}", names.step_of(step));
                add(EventKind::Failed, step, owner(step), text);
            }
            Entry::Done { step } => {
                add(EventKind::Done, step, owner(step), format!("{} is done", names.step_of(step)));
            }
            _ => {}
        }
    }

    /// A wait for somebody, with what it consists of.
    fn waited(&self, step: u32, person: u32, marks: [i64; 4]) -> String {
        let names = self.names;
        let [since, away_until, busy_until, at] = marks;
        let mut parts = Vec::new();
        let mut from = since;
        if away_until > from {
            parts.push(format!("away {}", duration(away_until - from)));
            from = away_until;
        }
        if busy_until > from {
            let with = self.busy.get(&person).filter(|other| **other != step);
            let with =
                with.map_or(String::new(), |other| format!(" with {}", names.step_of(*other)));
            parts.push(format!("busy{with} {}", duration(busy_until - from)));
            from = busy_until;
        }
        if at > from {
            parts.push(format!("off shift {}", duration(at - from)));
        }
        format!(
            "{} is ready and waits for {} {} ({})",
            names.step_of(step),
            names.title(person),
            names.until(at),
            parts.join(", ")
        )
    }
}
