//! Puts the picture together from what is stored and what was simulated; pure.
use std::collections::BTreeMap;

use evenkeel_config::map::DependencyMap;
use evenkeel_config::problem::Problems;
use evenkeel_config::record::{DrillFacts, DrillPlan, Evidence, Outcome, RecordedMap, Summary};
use jiff::{SignedDuration, Timestamp};

use crate::picture::{HostPicture, MapFinding, Picture, Year};

/// Everything known, as it came from map, store and simulator.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The declared map.
    pub map: DependencyMap,
    /// What was said about the map's documents.
    pub warnings: Problems,
    /// What is wrong with the map itself.
    pub map_findings: Vec<MapFinding>,
    /// Latest evidence of every check, and older evidence that came with drills.
    pub evidence: Vec<Evidence>,
    /// Recorded maps.
    pub recorded: Vec<RecordedMap>,
    /// When each host was last heard from; a host that is absent is judged by
    /// the age of its evidence.
    pub heard: BTreeMap<String, Timestamp>,
    /// Agents that have not answered once since the hub was started, by name, with
    /// that moment.
    pub unheard: BTreeMap<String, Timestamp>,
    /// A host not heard from for longer than this is silent.
    pub silent_after: SignedDuration,
    /// Results, in the order of the form.
    pub summaries: Vec<Summary>,
    /// The year as a range.
    pub year: Year,
    /// The most telling drills of each function, by scenario id.
    pub moves: BTreeMap<String, DrillPlan>,
    /// Why not everything could be simulated.
    pub cannot: Vec<String>,
    /// Results of an earlier day, by scenario.
    pub earlier: BTreeMap<String, Summary>,
    /// The moment of the facts.
    pub as_of: Timestamp,
}

/// Puts the picture together.
pub fn assemble(facts: Facts) -> Picture {
    let drills = drills(&facts.evidence);
    let hosts = hosts(&facts);
    Picture {
        organisation: facts.map.organisation.name.clone(),
        timezone: facts.map.organisation.timezone.clone(),
        as_of: facts.as_of,
        map: facts.map,
        recorded: facts.recorded.into_iter().map(|map| (map.host.clone(), map)).collect(),
        hosts,
        drills,
        summaries: facts.summaries,
        year: facts.year,
        moves: facts.moves,
        cannot: facts.cannot,
        map_findings: facts.map_findings,
        warnings: facts.warnings,
        earlier: facts.earlier,
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn drills(evidence: &[Evidence]) -> Vec<DrillFacts> {
    let mut all: Vec<DrillFacts> = evidence
        .iter()
        .filter_map(|evidence| match &evidence.outcome {
            Outcome::Observed { drills, .. } => Some(drills),
            Outcome::Failed { .. } | Outcome::NotApplicable { .. } => None,
        })
        .flatten()
        .cloned()
        .collect();
    all.sort_by(|a, b| (a.started, &a.dataset, &a.copy).cmp(&(b.started, &b.dataset, &b.copy)));
    all.dedup();
    all
}

fn hosts(facts: &Facts) -> BTreeMap<String, HostPicture> {
    let mut hosts: BTreeMap<String, HostPicture> = BTreeMap::new();
    for evidence in &facts.evidence {
        let host = hosts.entry(evidence.host.clone()).or_insert_with(|| HostPicture {
            last_heard: evidence.started,
            silent: false,
            checks: BTreeMap::new(),
        });
        host.last_heard = host.last_heard.max(evidence.started);
        let known = host.checks.get(&evidence.check);
        if known.is_none_or(|known| known.started <= evidence.started) {
            host.checks.insert(evidence.check.clone(), evidence.clone());
        }
    }
    for (name, since) in &facts.unheard {
        let nothing = HostPicture { last_heard: *since, silent: true, checks: BTreeMap::new() };
        hosts.entry(name.clone()).or_insert(nothing);
    }
    for (name, host) in &mut hosts {
        if host.checks.is_empty() {
            continue;
        }
        host.silent = match facts.heard.get(name) {
            Some(heard) => {
                host.last_heard = *heard;
                facts.as_of.duration_since(*heard) > facts.silent_after
            }
            None => host.checks.values().all(|evidence| evidence.stale_after <= facts.as_of),
        };
        let silent = host.silent;
        for evidence in host.checks.values_mut() {
            let status = evidence.status_at(facts.as_of);
            let critical = evidence.status == evenkeel_config::record::Status::Critical;
            evidence.status = match silent && !critical {
                true => evenkeel_config::record::Status::Unknown,
                false => status,
            };
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages;
    use crate::picture::Ask;
    use evenkeel_config::load::{Source, map_from};

    fn facts(unheard: &[&str]) -> Facts {
        let source = Source::new("map.toml", "[organisation]\nname = \"T\"\n[host.srv]\n");
        let as_of = Timestamp::from_second(1_795_000_000).expect("a time");
        Facts {
            map: map_from(&[source]).expect("a map").value,
            warnings: Problems::default(),
            map_findings: Vec::new(),
            evidence: Vec::new(),
            recorded: Vec::new(),
            heard: BTreeMap::new(),
            unheard: unheard.iter().map(|name| ((*name).to_owned(), as_of)).collect(),
            silent_after: SignedDuration::from_secs(180),
            summaries: Vec::new(),
            year: Year::Pending,
            moves: BTreeMap::new(),
            cannot: Vec::new(),
            earlier: BTreeMap::new(),
            as_of,
        }
    }

    #[test]
    fn an_agent_that_never_answered_is_silent_and_never_left_out() {
        let picture = assemble(facts(&["srv"]));
        assert!(picture.hosts["srv"].silent);
        let page = pages::evidence::page(&picture, &Ask::default()).into_string();
        assert!(page.contains("One server is silent"), "{page}");
        let empty = pages::evidence::page(&assemble(facts(&[])), &Ask::default()).into_string();
        assert!(!empty.contains("Every host has been heard"), "{empty}");
    }
}
