//! What checks last saw of the host's own state: dates that lapse, arrays without a spare disk, what is broken already.
//!
//! It holds for scenarios that start now or tonight; for any other moment the
//! facts of today are no facts.
use std::collections::{BTreeMap, BTreeSet};

use evenkeel_config::id::Id;
use evenkeel_config::record::{Evidence, EvidenceSet, Value};
use evenkeel_config::scenario::{Effect, Pick};
use jiff::Timestamp;

use super::Compiler;
use crate::model::{ONE, Strike, Target};

/// Findings by which a component is down already.
const BROKEN: [&str; 3] = ["certificate_expired", "dns_zone_missing", "raid_inactive"];
/// Findings by which an array cannot bear to lose another disk.
const WEAK: [&str; 2] = ["raid_degraded", "raid_failed_member"];

/// The newest facts about each component.
#[derive(Debug, Default)]
pub(super) struct Tonight<'a> {
    /// When a certificate or a registration ends, as served or as the registry says.
    ends: BTreeMap<&'a Id, Timestamp>,
    /// Arrays without a disk to lose.
    weak: BTreeSet<&'a Id>,
    /// What is down already.
    broken: BTreeSet<&'a Id>,
}

impl<'a> Tonight<'a> {
    /// Gathers what was seen up to an instant; of each check only its newest run counts.
    pub(super) fn gather(evidence: &'a [EvidenceSet], as_of: Timestamp) -> Self {
        let mut newest: BTreeMap<(&str, &str, &Id), &Evidence> = BTreeMap::new();
        for item in evidence.iter().flat_map(|set| &set.evidence) {
            let key = (item.host.as_str(), item.check.as_str(), &item.component);
            let known = newest.get(&key).is_some_and(|known| known.started >= item.started);
            if item.started <= as_of && !known {
                newest.insert(key, item);
            }
        }
        let mut facts = Self::default();
        for item in newest.into_values() {
            let found = |ids: &[&str]| item.findings.iter().any(|one| ids.contains(&&*one.id));
            if found(&WEAK) {
                facts.weak.insert(&item.component);
            }
            if found(&BROKEN) {
                facts.broken.insert(&item.component);
            }
            for one in item.observations() {
                let of_the_leaf = one.labels.get("role").is_none_or(|role| role == "leaf");
                let is_end = one.name == "not_after" && of_the_leaf;
                if let (true, Value::Time(end)) =
                    (is_end || one.name == "registration_expires", &one.value)
                {
                    let known = facts.ends.entry(&item.component).or_insert(*end);
                    *known = (*known).min(*end);
                }
            }
        }
        facts
    }

    /// When a component lapses, if a check saw it.
    pub(super) fn end(&self, id: &Id) -> Option<i64> {
        self.ends.get(id).map(|end| end.as_millisecond())
    }
}

impl Compiler<'_> {
    /// What is broken already when the scenario strikes.
    pub(super) fn already_broken(&mut self) {
        if !self.near_as_of {
            return;
        }
        let broken: Vec<Id> = self.tonight.broken.iter().map(|id| (*id).clone()).collect();
        let nodes: Vec<u32> = broken.iter().filter_map(|id| self.node(id)).collect();
        if nodes.is_empty() {
            return;
        }
        let titles: Vec<&str> =
            nodes.iter().map(|node| self.model.names.titles[*node as usize].as_str()).collect();
        self.notes.push(format!("down already, as the checks say: {}", titles.join(", ")));
        let targets = nodes
            .iter()
            .zip(&broken)
            .map(|(node, id)| Target {
                node: *node,
                hit_key: self.purposes.of(id.as_str(), "broken already", "struck"),
                lasts_key: self.purposes.of(id.as_str(), "broken already", "lasts"),
            })
            .collect();
        let name = self.step_name("broken already");
        self.model.strikes.push(Strike {
            name,
            targets,
            pick: Pick::Each,
            probability: 1.0,
            together: None,
            effect: Effect::Down,
            capacity: ONE,
            lasts: None,
            after: None,
            spares_immutable: false,
            spread: None,
        });
    }

    /// Splits a strike that costs arrays one disk: those that miss one already
    /// lose everything.
    pub(super) fn last_disks(&mut self, made: &mut Strike) -> Option<Strike> {
        if !self.near_as_of || made.effect != Effect::Degraded || made.lasts.is_some() {
            return None;
        }
        let weak: BTreeSet<u32> = self.tonight.weak.iter().filter_map(|id| self.node(id)).collect();
        let (worse, rest): (Vec<Target>, Vec<Target>) =
            made.targets.iter().cloned().partition(|target| weak.contains(&target.node));
        if worse.is_empty() {
            return None;
        }
        for target in &worse {
            let title = &self.model.names.titles[target.node as usize];
            self.notes.push(format!("{title} misses a disk already; one more loses all of it"));
        }
        made.targets = rest;
        Some(Strike { targets: worse, effect: Effect::Lost, ..made.clone() })
    }
}
