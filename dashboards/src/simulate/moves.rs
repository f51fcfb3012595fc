//! What would move the promises of one scenario: the most telling drills and measurements of each function.
use evenkeel_config::record::{DrillPlan, Summary};
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::Job;
use evenkeel_simulator::drills::drill_next_each;

use super::{Order, digest};
use crate::hub::{HubStore, StoreError};

/// Nights of each outcome of each drill: the differences between the same nights need fewer
/// than the nights themselves, and there are many drills.
const NIGHTS: u64 = 1_000;
/// Rows of each function.
const TOP: usize = 5;

/// Looks at every drill, reusing a kept answer of the same inputs; nothing where the
/// scenario of the result is none of the order's, or cannot be simulated.
///
/// # Errors
/// The history cannot be read or written.
pub(crate) fn run(
    order: &Order<'_>,
    summary: &Summary,
    store: &HubStore,
    progress: &dyn Fn(&str),
) -> Result<Option<DrillPlan>, StoreError> {
    // A modifier's result is called by both ids.
    let (id, with) = match summary.scenario.id.split_once('+') {
        Some((struck, modifier)) => (struck, Some(modifier)),
        None => (summary.scenario.id.as_str(), None),
    };
    let named = |id: &str| order.scenarios.iter().find(|one| one.id == id);
    let Some(scenario) = named(id) else { return Ok(None) };
    let modifiers: Vec<Scenario> = with.and_then(named).into_iter().cloned().collect();
    let key = digest(order, &[serde_json::to_string(scenario), serde_json::to_string(&modifiers)]);
    let name = format!("moves of {}", summary.scenario.id);
    if let Some(kept) = store.cached_answer(&name, &key)? {
        return Ok(Some(kept));
    }
    progress(&format!("looking at what would move: {}", summary.scenario.title));
    let job = Job {
        map: order.map,
        scenario,
        modifiers: &modifiers,
        evidence: order.evidence,
        as_of: Some(order.as_of),
        seed: order.seed,
        trials: order.trials.min(NIGHTS),
        threads: None,
        fixes: false,
    };
    let Ok(plan) = drill_next_each(&job, TOP, &|_, _| {}) else { return Ok(None) };
    store.keep_answer(&name, &key, &plan)?;
    Ok(Some(plan))
}
