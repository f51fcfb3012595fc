//! Runs every scenario for the pages, and reuses a kept result of the same inputs.
pub(crate) mod moves;
pub(crate) mod year;

use evenkeel_config::load::reaches_anything;
use evenkeel_config::map::DependencyMap;
use evenkeel_config::record::{EvidenceSet, Summary};
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::{Job, simulate};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::hub::{HubStore, StoreError};

/// What is to be simulated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    /// The map.
    pub(crate) map: &'a DependencyMap,
    /// The scenarios, in the order of the form.
    pub(crate) scenarios: &'a [Scenario],
    /// Everything known.
    pub(crate) evidence: &'a [EvidenceSet],
    /// The moment of the facts.
    pub(crate) as_of: Timestamp,
    /// Seed.
    pub(crate) seed: u64,
    /// Trials of each scenario.
    pub(crate) trials: u64,
    /// Whether the priced fixes are simulated too.
    pub(crate) fixes: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Results {
    /// One result per scenario that could be simulated.
    pub(crate) summaries: Vec<Summary>,
    /// Why the others could not, each a full sentence.
    pub(crate) cannot: Vec<String>,
}

/// Simulates every scenario, calling `progress` with words before each. A
/// modifier is laid over the first scenario that strikes something.
///
/// # Errors
/// The history cannot be read or written.
pub(crate) fn run(
    order: &Order<'_>,
    store: &HubStore,
    progress: &dyn Fn(&str),
) -> Result<Results, StoreError> {
    let mut results = Results::default();
    let strikes = |one: &&Scenario| !one.modifier && reaches_anything(one, order.map);
    let base = order.scenarios.iter().find(strikes);
    for scenario in order.scenarios {
        let (struck, modifiers) = match (scenario.modifier, base) {
            (false, _) => (scenario, &[][..]),
            (true, Some(base)) => (base, std::slice::from_ref(scenario)),
            (true, None) => continue,
        };
        let id = if scenario.modifier {
            format!("{}+{}", struck.id, scenario.id)
        } else {
            scenario.id.clone()
        };
        // The library fits any map; what strikes nothing on this one is no question.
        if !scenario.modifier && !reaches_anything(scenario, order.map) {
            continue;
        }
        let key = key(order, struck, modifiers);
        if let Some(kept) = store.cached_summary(&id, &key)? {
            results.summaries.push(kept);
            continue;
        }
        progress(&format!("simulating {} nights: {}", order.trials, scenario.title));
        let job = Job {
            map: order.map,
            scenario: struck,
            modifiers,
            evidence: order.evidence,
            as_of: Some(order.as_of),
            seed: order.seed,
            trials: order.trials,
            threads: None,
            fixes: order.fixes,
        };
        match simulate(&job, &|_, _| {}) {
            Ok(mut summary) => {
                if scenario.modifier {
                    summary.scenario.title = format!("{}, {}", struck.title, scenario.title);
                    summary.scenario.question =
                        format!("{} and {}", struck.question, scenario.title);
                }
                summary.scenario.id = id;
                store.keep_summary(&summary, &key)?;
                results.summaries.push(summary);
            }
            Err(problems) => {
                let first = problems.list.first().map_or(String::new(), |p| p.what.clone());
                results.cannot.push(format!("{} cannot be simulated yet: {first}", scenario.title));
            }
        }
    }
    Ok(results)
}

/// A digest of everything that decides the result.
fn key(order: &Order<'_>, scenario: &Scenario, modifiers: &[Scenario]) -> String {
    let own = [serde_json::to_string(scenario), serde_json::to_string(modifiers)];
    digest(order, &own)
}

/// A digest of everything that an order holds, and of `own` documents.
fn digest(order: &Order<'_>, own: &[serde_json::Result<String>]) -> String {
    let mut digest = Sha256::new();
    let mut add = |text: String| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    };
    add(env!("CARGO_PKG_VERSION").to_owned());
    add(serde_json::to_string(&order.map.document).unwrap_or_default());
    own.iter().for_each(|text| add(text.as_ref().map_or_else(|_| String::new(), String::clone)));
    add(serde_json::to_string(order.evidence).unwrap_or_default());
    add(format!("{} {} {} {}", order.as_of, order.seed, order.trials, order.fixes));
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
