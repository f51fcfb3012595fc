//! Certificates, domains and licences that lapse while recovery goes on.
//!
//! In normal life they are renewed in time; while people are busy bringing
//! systems back, a date that passes takes its component down until its own
//! steps renew it. Dates after the last work is done change nothing.
use evenkeel_config::record::Cause;

use super::chain::{Label, ROOT};
use super::jobs::Stage;
use super::{Entry, Grave, Trial};
use crate::model::NONE;

impl Trial<'_> {
    /// Lets the next date up to an instant pass; false when there is none.
    pub(super) fn lapse_until(&mut self, until: i64) -> bool {
        let model = self.model;
        while let Some(lapse) = model.lapses.get(self.lapsed) {
            let due = (lapse.at - self.strike_at).max(0);
            if due > until {
                return false;
            }
            self.lapsed += 1;
            self.now = self.now.max(due);
            let works = self.own[lapse.node as usize].grave < Grave::Down;
            if !works || !self.is_recovering() {
                continue;
            }
            let (component, step) = (lapse.node, lapse.name);
            let label = Label { cause: Cause::Wait, component, step, source: NONE };
            let why = self.chain.add(self.now, ROOT, label);
            self.note(Entry::Lapsed { node: component });
            self.own[component as usize].grave = Grave::Down;
            self.own[component as usize].partial = 0;
            self.cancel(component);
            self.touch(component, why);
            self.settle();
            if self.launched {
                self.launch(component, why);
                self.settle();
            }
            return true;
        }
        false
    }

    fn is_recovering(&self) -> bool {
        let at_work = |stage| !matches!(stage, Stage::Idle | Stage::Done | Stage::Dead(_));
        let out = |node: &u32| {
            let own = &self.own[*node as usize];
            own.outages > 0 || own.brownouts > 0
        };
        self.used_jobs.iter().any(|job| at_work(self.jobs[*job as usize].stage))
            || self.touched.iter().any(out)
    }
}
