//! Reading scenarios, and holding them against a map.
mod on_map;
mod sense;

pub use on_map::{check_scenario, reaches_anything};

use super::places::Places;
use super::source::Source;
use super::{Loaded, document};
use crate::problem::Problems;
use crate::scenario::Scenario;

/// The word that stands for the site, login, power or person most hangs on.
const MAIN: &str = "main";

/// Reads a scenario; its id is the source's file stem unless stated.
///
/// # Errors
/// Every problem of the source.
pub fn scenario_from(source: &Source) -> Result<Loaded<Scenario>, Problems> {
    let mut problems = Problems::default();
    let Some((mut value, root)) = document::strict::<Scenario>(source, &mut problems) else {
        return problems.refuse();
    };
    if value.id.is_empty() {
        value.id = source.stem().replace('-', "_");
    }
    let places = Places::new(std::slice::from_ref(source), &root);
    sense::check(&value, places, &mut problems);
    problems.settle(value)
}
