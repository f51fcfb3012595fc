//! The year as a range, over everything whose frequency is known; as the map is, and with the fixes that save most.
use evenkeel_config::id::Id;
use evenkeel_config::record::{AnnualSummary, Summary};
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::annual::{AnnualJob, DEFAULT_YEARS, annual};

use super::{Order, digest};
use crate::hub::{HubStore, StoreError};
use crate::picture::Year;

/// So many fixes are laid over the year together.
const FIXES: usize = 2;
/// A fix's one-off cost is taken over so many years, as in `break_even_years`.
const YEARS_OF_A_FIX: f64 = 5.0;

/// Simulates the year, reusing kept answers of the same inputs.
///
/// # Errors
/// The history cannot be read or written.
pub(crate) fn run(
    order: &Order<'_>,
    summaries: &[Summary],
    store: &HubStore,
    progress: &dyn Fn(&str),
) -> Result<Year, StoreError> {
    progress("simulating the year");
    let today = match one(order, &[], store)? {
        Ok(today) => today,
        Err(why) => return Ok(Year::Cannot(why)),
    };
    let fixes = worth_most(&today, summaries);
    let fixed = match &today.cost {
        // An event that cannot be simulated with the fixes is no event that they prevent.
        Some(_) if !fixes.is_empty() => one(order, &fixes, store)?.ok().filter(|fixed| {
            let ids = |year: &AnnualSummary| -> Vec<String> {
                year.events.iter().map(|event| event.id.to_string()).collect()
            };
            ids(fixed) == ids(&today)
        }),
        _ => None,
    };
    Ok(Year::Known { today: Box::new(today), fixed: fixed.map(Box::new) })
}

/// The year with some fixes, or why there is none.
fn one(
    order: &Order<'_>,
    fixes: &[Id],
    store: &HubStore,
) -> Result<Result<AnnualSummary, String>, StoreError> {
    let scenarios: Vec<Scenario> =
        order.scenarios.iter().filter(|scenario| !scenario.modifier).cloned().collect();
    let key = digest(order, &[serde_json::to_string(&scenarios), serde_json::to_string(fixes)]);
    let name = if fixes.is_empty() { "year" } else { "year with fixes" };
    if let Some(kept) = store.cached_answer(name, &key)? {
        return Ok(Ok(kept));
    }
    let job = AnnualJob {
        map: order.map,
        scenarios: &scenarios,
        modifiers: &[],
        fixes,
        evidence: order.evidence,
        as_of: Some(order.as_of),
        seed: order.seed,
        trials: order.trials,
        years: DEFAULT_YEARS,
        threads: None,
        strict: false,
    };
    match annual(&job, &|_, _| {}) {
        Ok(year) => {
            store.keep_answer(name, &key, &year)?;
            Ok(Ok(year))
        }
        Err(problems) => {
            let first = problems.list.first().map_or(String::new(), |problem| problem.what.clone());
            Ok(Err(first))
        }
    }
}

/// The fixes that save most in a year beyond what they cost, by how often events come.
fn worth_most(today: &AnnualSummary, summaries: &[Summary]) -> Vec<Id> {
    let fixes = || summaries.iter().flat_map(|summary| &summary.fixes);
    let worth = |id: &Id| -> Option<f64> {
        let fix = fixes().find(|fix| fix.id == *id)?;
        let saved: f64 = today
            .events
            .iter()
            .filter_map(|event| {
                let summary = summaries.iter().find(|one| one.scenario.id == event.id)?;
                let fix = summary.fixes.iter().find(|fix| fix.id == *id && fix.cannot.is_none())?;
                Some(event.per_year.middle * fix.saved[0] as f64)
            })
            .sum();
        Some(saved - fix.yearly as f64 - fix.once as f64 / YEARS_OF_A_FIX)
    };
    let mut ids: Vec<Id> = fixes().map(|fix| fix.id.clone()).collect();
    ids.sort();
    ids.dedup();
    let mut ranked: Vec<(f64, Id)> =
        ids.into_iter().filter_map(|id| Some((worth(&id)?, id))).collect();
    ranked.retain(|(worth, _)| *worth > 0.0);
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    ranked.into_iter().take(FIXES).map(|(_, id)| id).collect()
}
