//! Holding a scenario against a map: what it names is there, and it reaches something.
use std::collections::BTreeSet;

use super::super::nearest::{did_you_mean, list};
use super::MAIN;
use crate::id::Id;
use crate::map::{Common, DependencyMap, Kind};
use crate::problem::{Place, Problems, Weight};
use crate::scenario::{Phase, Reach, Scenario};

/// Holds a scenario against a map: what it names must be there, and it must
/// reach something. Key paths begin with the scenario's id.
///
/// A name that only this scenario could mean (an id, a site, a login, a person)
/// is an error when it is missing; a tag that nothing carries, or a scenario
/// that reaches nothing here, is a warning: the shipped scenarios fit any map.
pub fn check_scenario(scenario: &Scenario, map: &DependencyMap, problems: &mut Problems) {
    let mut check = Check { scenario, map, problems };
    for (index, strike) in scenario.strike.iter().enumerate() {
        check.reach(&strike.reach, &format!("strike[{index}].reach"));
    }
    for (index, phase) in scenario.phase.iter().enumerate() {
        check.phase(phase, &format!("phase[{index}]"));
    }
    for (index, away) in scenario.away.iter().enumerate() {
        check.named("person", away, &[Kind::Person], &format!("away[{index}]"));
    }
    let money_alone = scenario.strike.is_empty() && scenario.loss.is_some();
    if !scenario.modifier && !money_alone && !reaches_anything(scenario, map) {
        let hint = "it changes nothing here; leave it out, or name what it strikes";
        check.problems.warning(check.place(""), "reaches nothing on this map", hint);
    }
    problems.sort();
}

/// Whether any strike of a scenario can reach a component of a map.
pub fn reaches_anything(scenario: &Scenario, map: &DependencyMap) -> bool {
    scenario.strike.iter().any(|strike| reached(&strike.reach, map) > 0)
}

struct Check<'a> {
    scenario: &'a Scenario,
    map: &'a DependencyMap,
    problems: &'a mut Problems,
}

impl<'a> Check<'a> {
    fn place(&self, key: &str) -> Place {
        let id = &self.scenario.id;
        let key = if key.is_empty() { id.clone() } else { format!("{id}.{key}") };
        Place { key, ..Place::default() }
    }

    fn reach(&mut self, reach: &Reach, key: &str) {
        for (index, id) in reach.ids.iter().enumerate() {
            self.named("component", id.as_str(), &[], &format!("{key}.ids[{index}]"));
        }
        for (kind, name) in [(Kind::Site, &reach.site), (Kind::Power, &reach.power)] {
            if let Some(name) = name {
                self.named(kind.key(), name, &[kind], &format!("{key}.{}", kind.key()));
            }
        }
        if let Some(login) = reach.credential_domain.as_deref().filter(|name| *name != MAIN) {
            let known: BTreeSet<&str> = self.all(|common| common.credential_domain.as_slice());
            self.word("login", login, &known, &format!("{key}.credential_domain"), Weight::Error);
        }
        let known: BTreeSet<&str> = self.all(|common| &common.tags);
        for (index, tag) in reach.tags.iter().enumerate() {
            self.word("tag", tag, &known, &format!("{key}.tags[{index}]"), Weight::Warning);
        }
    }

    fn phase(&mut self, phase: &Phase, key: &str) {
        if let Some(who) = &phase.who {
            let kinds = [Kind::Person, Kind::Team, Kind::Vendor];
            self.named("person or team", who.as_str(), &kinds, &format!("{key}.who"));
        }
        if let Some(vendor) = &phase.vendor {
            self.named("vendor", vendor.as_str(), &[Kind::Vendor], &format!("{key}.vendor"));
        }
        if let Some(skill) = &phase.skill {
            let known: BTreeSet<&str> = self.map.skills().into_keys().collect();
            self.word("skill", skill, &known, &format!("{key}.skill"), Weight::Error);
        }
    }

    /// A component by id, of one of the kinds if any are given, or `main`.
    fn named(&mut self, what: &str, id: &str, kinds: &[Kind], key: &str) {
        if id == MAIN && !kinds.is_empty() {
            return;
        }
        let fits = |kind: Kind| kinds.is_empty() || kinds.contains(&kind);
        if self.map.components.get(id).is_some_and(|component| fits(component.kind)) {
            return;
        }
        let known = self.map.components.values().filter(|component| fits(component.kind));
        let hint = hint(id, known.map(|component| component.id.as_str()));
        let place = self.place(key);
        self.problems.error(place, format!("the map has no {what} `{}`", shorten(id)), hint);
    }

    fn word(&mut self, what: &str, word: &str, known: &BTreeSet<&str>, key: &str, weight: Weight) {
        if !known.contains(word) {
            let hint = hint(word, known.iter().copied());
            let what = format!("nothing on the map has the {what} `{}`", shorten(word));
            let place = self.place(key);
            match weight {
                Weight::Error => self.problems.error(place, what, hint),
                Weight::Warning => self.problems.warning(place, what, hint),
            }
        }
    }

    /// Every word that some component carries.
    fn all(&self, words: fn(&Common) -> &[String]) -> BTreeSet<&'a str> {
        let components = self.map.components.values();
        components.flat_map(|component| words(&component.common)).map(String::as_str).collect()
    }
}

fn hint<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match did_you_mean(word, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the map has {}", list(known)),
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}

/// How many components of the map a strike can reach.
fn reached(reach: &Reach, map: &DependencyMap) -> usize {
    let named = |wanted: &Option<String>, actual: Option<&str>| match wanted.as_deref() {
        None => true,
        Some(MAIN) => actual.is_some(),
        Some(wanted) => actual == Some(wanted),
    };
    map.components
        .values()
        .filter(|component| {
            let common = &component.common;
            (reach.ids.is_empty() || reach.ids.contains(&component.id))
                && (reach.kinds.is_empty() || reach.kinds.contains(&component.kind))
                && (reach.tags.is_empty() || reach.tags.iter().any(|tag| common.tags.contains(tag)))
                && named(&reach.site, common.site.as_ref().map(Id::as_str))
                && named(&reach.power, common.power.as_ref().map(Id::as_str))
                && named(&reach.credential_domain, common.credential_domain.as_deref())
        })
        .count()
}
