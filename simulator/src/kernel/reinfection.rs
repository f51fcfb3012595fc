//! Restores from snapshots that are not clean: the intruder comes back with them.
//!
//! A restore takes a clean snapshot whenever one is left, however old. Only when
//! none is, and the plan allows it (`unclean` on the step), it takes the newest
//! of the others. The component that is brought back, or what the data lies on
//! if that has no `clear` steps, is then suspect again after the hop law, and
//! works again once it is cleared.
use evenkeel_config::record::Cause;

use super::chain::Label;
use super::{Entry, Event, Grave, Trial};
use crate::model::NONE;

impl Trial<'_> {
    /// What an intruder comes back to with an unclean snapshot, if it can be
    /// cleared.
    pub(super) fn carrier(&self, job: u32, data: u32) -> Option<u32> {
        let nodes = &self.model.nodes;
        let lies_on = &nodes[self.model.datasets[data as usize].node as usize].stands_on;
        let owner = self.step_of(job)?.owner;
        let mut found = [owner].into_iter().chain(lies_on.iter().copied());
        found.find(|node| !nodes[*node as usize].clear.is_empty())
    }

    /// A job is done; if it restored an unclean snapshot, the intruder is at
    /// work again after one hop.
    pub(super) fn await_intruder(&mut self, job: u32, why: u32) {
        let Some(node) = self.jobs[job as usize].carrier.take() else { return };
        let state = &self.jobs[job as usize];
        let steps = state.steps.iter().map(|step| &self.model.steps[*step as usize]);
        let data = steps.filter_map(|step| step.dataset).next();
        let law = data.and_then(|data| self.model.datasets[data as usize].reinfection.as_ref());
        let hop = law.map_or(0, |law| self.draw(law, state.attempt));
        self.at(self.now.saturating_add(hop), Event::Reinfect { node, why });
    }

    /// The intruder shows: the component may not be used until it is cleared.
    pub(super) fn on_reinfect(&mut self, node: u32, why: u32) {
        if self.own[node as usize].grave >= Grave::Suspect {
            return;
        }
        let step = self.model.reinfected;
        let label = Label { cause: Cause::Wait, component: node, step, source: NONE };
        let why = self.chain.add(self.now, why, label);
        self.note(Entry::Reinfected { node });
        self.own[node as usize].grave = Grave::Suspect;
        self.own[node as usize].partial = 0;
        self.cancel(node);
        self.touch(node, why);
        self.settle();
        self.launch(node, why);
    }
}
