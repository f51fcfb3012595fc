//! What fell, who is away and what came back, in words.
use evenkeel_config::map::Kind;
use evenkeel_config::record::EventKind;
use evenkeel_config::scenario::Effect;

use super::{Draft, Teller};
use crate::kernel::Entry;
use crate::model::{NEVER, ONE};

impl Teller<'_> {
    /// What fell and what came back.
    pub(super) fn state(&mut self, at: i64, entry: &Entry) {
        let names = self.names;
        let strike = |number: u32| {
            names.model.strikes.get(number as usize).map_or("", |strike| names.step(strike.name))
        };
        match *entry {
            Entry::Away { node, until } => {
                let before = if until == NEVER {
                    "away the whole time: ".to_owned()
                } else {
                    format!("away {}: ", names.until(until))
                };
                self.add(Draft::listed(at, EventKind::Absence, node, before));
            }
            Entry::Struck { node, strike: number, effect } => {
                let what = match effect {
                    Effect::Degraded => "works in part",
                    Effect::Down => "down",
                    Effect::Suspect => "not to be used until cleared",
                    Effect::Lost => "lost",
                };
                let before = format!("{}; {what}: ", strike(number));
                self.add(Draft::listed(at, EventKind::Strike, node, before));
            }
            Entry::CopyGone { node, strike: number, spared } => {
                let what = if spared {
                    "copies are deleted, except those that cannot be, in"
                } else {
                    "copies are destroyed in"
                };
                let before = format!("{}; {what}: ", strike(number));
                self.add(Draft::listed(at, EventKind::Strike, node, before));
            }
            Entry::OutageBegan { node, strike: number, until } => {
                let before = format!("{}; out {}: ", strike(number), names.until(until));
                let draft = Draft::listed(at, EventKind::Strike, node, before);
                self.add(draft.until(until));
            }
            Entry::OutageEnded { node } => {
                let before = "the outage is over: ".to_owned();
                self.add(Draft::listed(at, EventKind::Return, node, before));
            }
            Entry::OnBattery { node, until } => {
                let before = format!("on battery {}: ", names.until(until));
                let draft = Draft::listed(at, EventKind::Strike, node, before);
                self.add(draft.until(until));
            }
            Entry::Reinfected { node } => {
                let before = "the intruder is back with what was restored: ".to_owned();
                self.add(Draft::listed(at, EventKind::Strike, node, before));
            }
            Entry::Lapsed { node } => {
                let before = "lapses, since nobody renewed it in time: ".to_owned();
                self.add(Draft::listed(at, EventKind::Strike, node, before));
            }
            Entry::Capacity { node, before, after } => {
                // Stopgaps' pseudo components and absent people are told elsewhere.
                let kind = names.model.nodes[node as usize].kind;
                let pseudo = node as usize >= names.model.names.ids.len();
                if pseudo || matches!(kind, Kind::Person | Kind::Team) {
                    return;
                }
                let (kind, words) = match (before, after) {
                    (_, 0) => (EventKind::Fall, "down: "),
                    (_, ONE) => (EventKind::Return, "works again: "),
                    (before, after) if after < before => (EventKind::Fall, "works in part: "),
                    _ => (EventKind::Return, "works in part again: "),
                };
                self.add(Draft::listed(at, kind, node, words.to_owned()));
            }
            _ => {}
        }
    }
}
