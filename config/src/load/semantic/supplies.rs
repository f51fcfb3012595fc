//! Spare parts and repositories: demand that is stated in full, and times that can matter.
use super::{Judge, path};
use crate::map::{Details, Spare};
use crate::quantity::Span;

pub(super) fn check(judge: &mut Judge<'_>) {
    let map = judge.map;
    for component in map.components.values() {
        let key = path(component);
        match &component.details {
            Details::Spare(spare) => demand(judge, spare, &key),
            Details::Dataset(data) if data.files.is_none() => {
                for (index, backup) in data.backups.iter().enumerate() {
                    let copy = map.components.get(&backup.copy).map(|copy| &copy.details);
                    let counts = |copy: &crate::map::Copy| {
                        copy.per_file.is_some_and(|time| time > Span::ZERO)
                    };
                    if matches!(copy, Some(Details::Copy(copy)) if counts(copy)) {
                        let what = format!(
                            "a restore from `{}` takes time for each file, but how many there are \
                             stands nowhere",
                            backup.copy
                        );
                        let hint = "add how many, as in `files = 250000`";
                        judge.warning(&format!("{key}.backups[{index}]"), what, hint);
                    }
                }
            }
            _ => {}
        }
    }
}

fn demand(judge: &mut Judge<'_>, spare: &Spare, key: &str) {
    let (units, rate) = (spare.units_in_use, spare.failure_rate);
    if units.is_some() != rate.is_some() {
        let hint = "state both, as in `units_in_use = 20` and `failure_rate = 0.0157` a year";
        judge.error(key, "how often it is needed is only half stated", hint);
    }
    if units.is_some() && spare.lead_time.is_none() {
        let hint = "say how long an order takes, as in `lead_time = \"14d\"`";
        judge.error(&format!("{key}.units_in_use"), "what is used up is never replaced", hint);
    }
    if rate.is_some_and(|rate| !rate.is_finite()) {
        let hint = "write failures of one piece a year, as in `failure_rate = 0.0157`";
        judge.error(&format!("{key}.failure_rate"), "it is not a number", hint);
    }
}
