//! Certificates, domains and licences that lapse while recovery goes on.
//!
//! In normal life they are renewed in time; while people are busy bringing
//! systems back, a date that passes takes its component down until its own
//! steps renew it. Dates after the last work is done change nothing.
use evenkeel_config::record::Cause;

use super::chain::{Label, ROOT};
use super::jobs::{Job, Stage};
use super::{Entry, Grave, Trial};
use crate::model::{NEVER, NONE};

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

    /// Whether anybody is busy: before recovery is launched, with hands-on work,
    /// with a restore, or while an outage lasts. Waiting for a vendor or for
    /// what never comes keeps nobody from renewing a date.
    fn is_recovering(&self) -> bool {
        let people_come = self.wake_at < NEVER;
        let busy = |job: &Job<'_>| match job.stage {
            Stage::Working | Stage::Transfer | Stage::Reentry | Stage::Between => true,
            Stage::Waiting => people_come || job.units.1 > job.units.2,
            Stage::Idle
            | Stage::Gated
            | Stage::Lead
            | Stage::Spare
            | Stage::Vendor
            | Stage::CopyWait
            | Stage::Pause
            | Stage::Done
            | Stage::Dead(_) => false,
        };
        !self.launched
            || self.jobs.iter().any(busy)
            || self.own.iter().any(|own| own.outages > 0 || own.brownouts > 0)
    }
}
