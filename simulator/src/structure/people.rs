//! People and outside parties without whom something that a function needs stays down.
use std::collections::BTreeMap;

use evenkeel_config::id::Id;
use evenkeel_config::map::{Component, DependencyMap, Details, Kind, RecoveryStep};
use evenkeel_config::record::{SinglePerson, SingleStep};

use super::Names;
use super::system::System;

/// Those without whom a step of a needed component cannot be done: the most
/// steps first.
pub(super) fn single_persons(names: &Names<'_>, system: &System<'_>) -> Vec<SinglePerson> {
    let map = names.map;
    let mut steps: BTreeMap<&Id, Vec<SingleStep>> = BTreeMap::new();
    let mut needed: Vec<&Id> = system.ids.clone();
    needed.sort_unstable();
    for component in needed.iter().filter_map(|id| map.components.get(*id)) {
        for step in component.common.step_lists().into_iter().flat_map(|(_, steps)| steps) {
            for person in alone(map, step) {
                let component = names.named(&component.id);
                let single = SingleStep { component, step: step.step.clone() };
                let known = steps.entry(person).or_default();
                if !known.contains(&single) {
                    known.push(single);
                }
            }
        }
    }
    let mut found: Vec<SinglePerson> = steps
        .into_iter()
        .filter_map(|(id, steps)| {
            let component = map.components.get(id)?;
            let vendor = component.kind == Kind::Vendor;
            Some(SinglePerson { who: names.named(id), vendor, steps })
        })
        .collect();
    found.sort_by_key(|person| (person.vendor, std::cmp::Reverse(person.steps.len())));
    found
}

/// Everybody without whom a step cannot be done.
fn alone<'a>(map: &'a DependencyMap, step: &'a RecoveryStep) -> Vec<&'a Id> {
    let mut found: Vec<&Id> = step.vendor.iter().collect();
    // Who is named does it, or else their deputies; else anybody with the skill.
    let able = match (&step.who, &step.skill) {
        (Some(who), _) => deputies(map, who),
        (None, Some(skill)) => {
            let has = |component: &&Component| skills(component).contains(skill);
            map.components.values().filter(has).collect()
        }
        (None, None) => Vec::new(),
    };
    let all: u32 = able.iter().map(|component| heads(component)).sum();
    let needed = u32::from(step.heads);
    for component in able {
        // A team of several can spare one; it is no single person.
        if heads(component) == 1 && all - 1 < needed && !found.contains(&&component.id) {
            found.push(&component.id);
        }
    }
    found
}

/// Somebody and all who stand in for them.
fn deputies<'a>(map: &'a DependencyMap, who: &Id) -> Vec<&'a Component> {
    let mut all: Vec<&Component> = Vec::new();
    let mut next = map.components.get(who);
    while let Some(component) = next.filter(|one| all.iter().all(|known| known.id != one.id)) {
        all.push(component);
        next = match &component.details {
            Details::Person(person) => person.deputy.as_ref().and_then(|id| map.components.get(id)),
            _ => None,
        };
    }
    all
}

fn skills(component: &Component) -> &[String] {
    match &component.details {
        Details::Person(person) => &person.skills,
        Details::Team(team) => &team.skills,
        _ => &[],
    }
}

fn heads(component: &Component) -> u32 {
    match &component.details {
        Details::Team(team) => u32::from(team.count),
        _ => 1,
    }
}
