//! Everything that pages are drawn from, as plain values: no store, no clock, no network.
use std::collections::BTreeMap;

use evenkeel_config::id::Id;
use evenkeel_config::map::DependencyMap;
use evenkeel_config::problem::Problems;
use evenkeel_config::record::{
    AnnualSummary, DrillFacts, DrillPlan, Evidence, RecordedMap, Summary,
};
use evenkeel_config::rule_32110::{Known, RuleScore, score};
use jiff::Timestamp;

/// The state of knowledge at one instant. Pages read it and nothing else.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Name of the organisation, for the masthead.
    pub organisation: String,
    /// IANA time zone in which times are shown.
    pub timezone: String,
    /// The moment of the facts.
    pub as_of: Timestamp,
    /// The map: declared, joined with what hosts showed.
    pub map: DependencyMap,
    /// What each host's agent recorded, by host.
    pub recorded: BTreeMap<String, RecordedMap>,
    /// What each host's agent reported, by host.
    pub hosts: BTreeMap<String, HostPicture>,
    /// Every restore drill known, oldest first.
    pub drills: Vec<DrillFacts>,
    /// One result per scenario, in the order of the form; empty when nothing can be simulated.
    pub summaries: Vec<Summary>,
    /// The year as a range.
    pub year: Year,
    /// The most telling drills of each function, by scenario id; absent until worked out.
    pub moves: BTreeMap<String, DrillPlan>,
    /// Why nothing, or not everything, can be simulated; each a full sentence.
    pub cannot: Vec<String>,
    /// Findings about the map itself: recovery loops, single points of failure.
    pub map_findings: Vec<MapFinding>,
    /// Warnings about documents, such as a review date long past.
    pub warnings: Problems,
    /// The previous result of each scenario from an earlier day, if any, by scenario id.
    pub earlier: BTreeMap<String, Summary>,
    /// Version of the product, for the last line of each page.
    pub version: &'static str,
}

/// The year as a range, over everything whose frequency is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Year {
    /// Not simulated yet.
    #[default]
    Pending,
    /// As it would be.
    Known {
        /// With the map as it is.
        today: Box<AnnualSummary>,
        /// With the fixes that save most, which it names.
        fixed: Option<Box<AnnualSummary>>,
    },
    /// Why it cannot be simulated, a sentence fragment.
    Cannot(String),
}

/// What is known of one host.
#[derive(Debug, Clone)]
pub struct HostPicture {
    /// When its agent was last heard from.
    pub last_heard: Timestamp,
    /// Whether it has been silent for longer than three collections.
    pub silent: bool,
    /// Latest evidence of each check, by check name, re-judged for `as_of`.
    pub checks: BTreeMap<String, Evidence>,
}

/// A structural finding about the map.
#[derive(Debug, Clone, PartialEq)]
pub struct MapFinding {
    /// Whether it stops recovery before it starts.
    pub critical: bool,
    /// Components it is about; for a loop in order, the first not repeated.
    pub components: Vec<Id>,
    /// Edges that belong to it, as (from, to).
    pub edges: Vec<(Id, Id)>,
    /// A full sentence without full stop, such as
    /// "to bring hv-1 back you need the vault, and the vault lives on hv-1".
    pub sentence: String,
    /// Two to five words for a table row, such as "loop with the vault".
    pub short: String,
}

/// What the reader asked for, from the query string; unknown values fall back
/// to the first choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Scenario id.
    pub scenario: Option<String>,
    /// Function id.
    pub function: Option<String>,
}

impl Picture {
    /// The rule 3-2-1-1-0 for each data set, by the evidence at hand.
    pub fn rule(&self) -> Vec<RuleScore> {
        let seen = |host: &HostPicture| {
            let (silent, last_heard) = (host.silent, host.last_heard);
            let seen = host.checks.values().cloned();
            // What a silent host said last is no word about now.
            seen.map(move |mut one| {
                if silent {
                    one.stale_after = one.stale_after.min(last_heard);
                }
                one
            })
            .collect::<Vec<_>>()
        };
        let evidence: Vec<Evidence> = self.hosts.values().flat_map(seen).collect();
        let mut known = Known::of(&evidence);
        known.drills.extend(&self.drills);
        score(&self.map, &known, self.as_of)
    }

    /// The result asked for; else the one in which most promises are missed.
    pub fn summary(&self, ask: &Ask) -> Option<&Summary> {
        let asked = ask.scenario.as_deref();
        let named =
            self.summaries.iter().find(|summary| Some(summary.scenario.id.as_str()) == asked);
        named.or_else(|| {
            let missed = |summary: &Summary| {
                let chances = summary.functions.iter().filter_map(|function| function.rto);
                chances.filter(|chance| chance.share < 0.45).count()
            };
            self.summaries.iter().rev().max_by_key(|summary| missed(summary))
        })
    }
}
