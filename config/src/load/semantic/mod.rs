//! Judges a map that parsed: what it names exists, and what it says makes sense.
mod calibration;
mod dates;
mod dispatch;
mod fixes;
mod functions;
mod loops;
mod needs;
mod people;
mod references;
mod reliability;
mod steps;
mod supplies;

use super::places::Places;
use crate::map::{Component, DependencyMap};
use crate::problem::{Place, Problems};

/// Every check, in the order of a reader's interest.
const CHECKS: &[fn(&mut Judge<'_>)] = &[
    dates::check,
    calibration::check,
    references::check,
    needs::check,
    functions::check,
    people::check,
    reliability::check,
    dispatch::check,
    steps::check,
    supplies::check,
];

/// Adds every problem of the map. Loops are looked for and fixes are tried out
/// when `whole`: not on a map that a fix is being tried out on.
pub(crate) fn judge(map: &DependencyMap, places: Places<'_>, whole: bool, problems: &mut Problems) {
    let mut judge = Judge { map, places, problems };
    for check in CHECKS {
        check(&mut judge);
    }
    if whole && !judge.problems.is_fatal() {
        loops::check(&mut judge);
        fixes::check(&mut judge);
    }
}

/// A map being judged.
struct Judge<'a> {
    map: &'a DependencyMap,
    places: Places<'a>,
    problems: &'a mut Problems,
}

impl Judge<'_> {
    fn error(&mut self, key: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.problems.error(self.places.of(key), what, hint);
    }

    fn warning(&mut self, key: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.problems.warning(self.places.of(key), what, hint);
    }

    fn place(&self, key: &str) -> Place {
        self.places.of(key)
    }
}

/// The key path of a component, such as `host.srv-erp`.
fn path(component: &Component) -> String {
    format!("{}.{}", component.kind.key(), component.id)
}
