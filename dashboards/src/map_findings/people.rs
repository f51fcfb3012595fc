//! Steps that one person alone can do.
use std::collections::{BTreeMap, BTreeSet};

use evenkeel_config::id::Id;
use evenkeel_config::map::{Details, RecoveryStep};

use super::View;
use crate::html::words;
use crate::picture::MapFinding;

/// People without a deputy whom a recovery step cannot do without. One finding
/// for each person; those who are away today come first.
pub(super) fn alone(view: &View<'_>) -> Vec<MapFinding> {
    let holders = holders(view);
    let mut steps: BTreeMap<&Id, Vec<(&Id, &RecoveryStep)>> = BTreeMap::new();
    for component in view.map.components.values() {
        for step in &component.common.recover {
            if let Some(person) = needed(view, step, &holders) {
                steps.entry(person).or_default().push((&component.id, step));
            }
        }
    }
    let mut found: Vec<(bool, MapFinding)> =
        steps.into_iter().map(|(person, steps)| word(view, person, &steps)).collect();
    found.sort_by_key(|(away, _)| !away);
    found.into_iter().map(|(_, finding)| finding).collect()
}

/// The one person without a deputy who must do a step.
fn needed<'a>(
    view: &'a View<'_>,
    step: &'a RecoveryStep,
    holders: &BTreeMap<&str, BTreeSet<Option<&'a Id>>>,
) -> Option<&'a Id> {
    let skilled = || {
        let who = holders.get(step.skill.as_deref()?)?;
        who.first().copied().flatten().filter(|_| who.len() == 1)
    };
    let person = step.who.as_ref().or_else(skilled)?;
    match &view.map.components.get(person)?.details {
        Details::Person(details) if details.deputy.is_none() => Some(person),
        _ => None,
    }
}

/// Who has each skill; `None` stands for a team of several.
fn holders<'a>(view: &'a View<'_>) -> BTreeMap<&'a str, BTreeSet<Option<&'a Id>>> {
    let mut holders: BTreeMap<&str, BTreeSet<Option<&Id>>> = BTreeMap::new();
    for component in view.map.components.values() {
        let (skills, who) = match &component.details {
            Details::Person(person) => (&person.skills, Some(&component.id)),
            Details::Team(team) => (&team.skills, None),
            _ => continue,
        };
        for skill in skills {
            holders.entry(skill).or_default().insert(who);
        }
    }
    holders
}

fn word(view: &View<'_>, person: &Id, steps: &[(&Id, &RecoveryStep)]) -> (bool, MapFinding) {
    let mut what: Vec<String> = Vec::new();
    for (component, step) in steps {
        let text = view.names.text(&step.step);
        let about = format!("{} ({})", words::mid_sentence(&text), view.names.component(component));
        if !what.contains(&about) {
            what.push(about);
        }
    }
    let leave = match &view.map.components[person].details {
        Details::Person(details) => {
            let today = view.today;
            details.leave.iter().find(|leave| leave.from <= today && today <= leave.to)
        }
        _ => None,
    };
    let who = view.names.in_sentence(person);
    let steps_word = if what.len() == 1 { "this step" } else { "these steps" };
    let list = words::list(&what, 2);
    let sentence = match leave {
        Some(leave) => format!(
            "{who} is away to {} and has no deputy for {steps_word}: {list}",
            words::date(leave.to)
        ),
        None => format!("{who} alone can do {steps_word}, with no deputy: {list}"),
    };
    let short = if leave.is_some() { "away, no deputy" } else { "no deputy" };
    let finding = MapFinding {
        critical: false,
        components: vec![person.clone()],
        edges: Vec::new(),
        sentence,
        short: short.to_owned(),
    };
    (leave.is_some(), finding)
}
