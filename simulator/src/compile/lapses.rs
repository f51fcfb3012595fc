//! Dates that lapse while a recovery may still be going on.
use evenkeel_config::map::Kind;

use super::{Compiler, start_range};
use crate::calendar::{local_date, local_instant};
use crate::model::Lapse;

/// A lapse within a month is worth a warning when nobody says how it is renewed.
const SOON_MS: i64 = 31 * 86_400_000;

impl Compiler<'_> {
    /// What lapses after the moment of the facts and before the horizon; what a
    /// check saw counts before what the map says. A date of the map that has
    /// passed is taken to be an old entry, and said.
    pub(super) fn lapses(&mut self) {
        if !self.near_as_of {
            return;
        }
        let as_of = self.inputs.as_of.as_millisecond();
        let (_, last_start) = start_range(&self.model.start);
        for component in self.inputs.map.components.values() {
            let measured = self.tonight.end(&component.id);
            let declared = component.common.expires;
            let Some(date) = measured.map(|at| local_date(&self.frame.zone, at)).or(declared)
            else {
                continue;
            };
            let lasting = matches!(component.kind, Kind::Function | Kind::Person | Kind::Team);
            let Some(node) = self.node(&component.id).filter(|_| !lasting) else { continue };
            let at = measured.unwrap_or_else(|| local_instant(&self.frame.zone, date, 0));
            let title = component.title();
            if at <= as_of && measured.is_some() {
                continue; // The checks call it broken already.
            }
            if at <= as_of {
                self.notes.push(format!(
                    "{title} lapsed on {date} by the map; it is taken to have been renewed"
                ));
                continue;
            }
            if at > last_start.saturating_add(self.model.horizon) {
                continue;
            }
            let target = &self.model.nodes[node as usize];
            let renewable = !target.recover.is_empty() || !target.repair.is_empty();
            if !renewable && at - as_of <= SOON_MS {
                self.notes
                    .push(format!("{title} lapses on {date}, and no steps say how it is renewed"));
            }
            let name = self.step_name(&format!("lapses on {date}"));
            self.model.lapses.push(Lapse { at, node, name });
        }
        self.model.lapses.sort_by_key(|lapse| (lapse.at, lapse.node));
    }
}
