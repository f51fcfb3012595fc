//! Questions for the discussion of one inject, each with what the map says.
use evenkeel_config::id::Id;
use evenkeel_config::map::{Details, Kind, Need};
use evenkeel_config::record::{DiscussionQuestion, EventKind, Explanation, TimelineEvent};
use evenkeel_config::scenario::{PhaseKind, Scenario};

use super::people::People;
use crate::words::duration;

/// More than this is no discussion.
const MOST: usize = 3;

fn question(ask: impl Into<String>, map_says: impl Into<String>) -> DiscussionQuestion {
    DiscussionQuestion { ask: ask.into(), map_says: map_says.into() }
}

/// Questions about an event.
pub(super) fn questions(
    people: &People<'_>,
    scenario: &Scenario,
    night: &Explanation,
    event: &TimelineEvent,
) -> Vec<DiscussionQuestion> {
    let mut all = Vec::new();
    if matches!(event.kind, EventKind::WaitPerson | EventKind::Absence) {
        for person in people.named_in(&event.text) {
            let title = people.title(&person.id);
            all.push(question(format!("Who stands in for {title}?"), people.deputy(person)));
        }
    }
    all.extend(phase(people, scenario, event));
    if matches!(event.kind, EventKind::WaitGate | EventKind::Failed | EventKind::CopyUnfit) {
        all.extend(key(people, event));
    }
    if matches!(event.kind, EventKind::CopyUnfit | EventKind::Restored | EventKind::Lost) {
        let ask = "Which other copy is there, and when was it last restored for a test?";
        all.extend(copies(people, &event.components).map(|says| question(ask, says)));
    }
    if matches!(event.kind, EventKind::Stopgap | EventKind::Objective | EventKind::Restored) {
        all.push(question(
            format!("How does {} go on meanwhile, and for how long?", night.function.title),
            stopgap(people, &night.function.id),
        ));
    }
    all.truncate(MOST - 1);
    let subject = event.components.iter().find_map(|id| Some((id, people.owner(id)?)));
    all.push(question(
        "Who decides, and by when?",
        match subject.or_else(|| Some((&night.function.id, people.owner(&night.function.id)?))) {
            Some((id, owner)) => format!("{owner} answers for {}", people.title(id)),
            None => "the map names nobody who answers for it".to_owned(),
        },
    ));
    all
}

/// What each phase before recovery stands or falls by.
fn phase(
    people: &People<'_>,
    scenario: &Scenario,
    event: &TimelineEvent,
) -> Option<DiscussionQuestion> {
    let phase = scenario.phase.iter().find(|phase| phase.name == event.step)?;
    let documents = || {
        let documents = people.map.components.values().filter(|c| c.kind == Kind::Document);
        let titles: Vec<String> = documents.map(|document| people.title(&document.id)).collect();
        match titles.as_slice() {
            [] => "the map names no document: no plan, no call tree, no policy".to_owned(),
            titles => format!("documents on the map: {}", titles.join(", ")),
        }
    };
    let takes = || format!("the scenario takes {} for it", crate::words::law(&phase.takes));
    Some(match phase.phase {
        PhaseKind::Detect => question("Who would notice this at night, and how?", takes()),
        PhaseKind::Notify => {
            question("How do you reach them when mail and desk phones are down?", documents())
        }
        PhaseKind::Assess => {
            question("What do you look at first, and from which machine?", takes())
        }
        PhaseKind::Declare => question(
            "Who may declare, and who if that person is away? Where is the plan?",
            documents(),
        ),
        PhaseKind::Hold => question("Who calls the insurer, and where is the policy?", documents()),
        PhaseKind::Contain => {
            question("What is shut down for this, and does a stopgap hang on it?", takes())
        }
    })
}

/// What has to be at hand before a step, and whether there is a way around it.
fn key(people: &People<'_>, event: &TimelineEvent) -> Option<DiscussionQuestion> {
    let (component, _, step) = people.step(&event.components, &event.step)?;
    let needs: Vec<String> = component
        .common
        .recover_needs
        .iter()
        .chain(&step.needs)
        .flat_map(ids)
        .map(|id| people.title(&id))
        .collect();
    let says = match (step.break_glass, needs.is_empty()) {
        (true, _) => {
            "the step can start without them: a printed key, or one in the safe".to_owned()
        }
        (false, true) => "the map names nothing that has to be at hand".to_owned(),
        (false, false) => {
            format!("at hand first: {}; no way around it is written down", needs.join(", "))
        }
    };
    Some(question("Where is the key, and does it work when everything else is down?", says))
}

fn ids(need: &Need) -> Vec<Id> {
    need.ids().into_iter().cloned().collect()
}

fn copies(people: &People<'_>, components: &[Id]) -> Option<String> {
    let backups =
        components.iter().find_map(|id| match &people.map.components.get(id)?.details {
            Details::Dataset(data) => Some(&data.backups),
            _ => None,
        })?;
    let list: Vec<String> = backups
        .iter()
        .map(|backup| {
            let kept = if backup.immutable { ", cannot be deleted" } else { "" };
            format!(
                "{} (every {}, kept {}{kept})",
                people.title(&backup.copy),
                duration(backup.every.as_ms()),
                duration(backup.keep.as_ms())
            )
        })
        .collect();
    Some(if list.is_empty() { "there is no backup on the map".to_owned() } else { list.join("; ") })
}

/// The stopgap of a function, in words.
pub(super) fn stopgap(people: &People<'_>, function: &Id) -> String {
    match people.map.components.get(function).map(|component| &component.details) {
        Some(Details::Function(details)) => match &details.workaround {
            Some(workaround) => format!(
                "{}: {:.0} of 100 of the work, from {} on, for {}",
                workaround.name,
                workaround.capacity.get() * 100.0,
                duration(workaround.after.as_ms()),
                duration(workaround.lasts.as_ms())
            ),
            None => "the map names no stopgap".to_owned(),
        },
        _ => "the map names no stopgap".to_owned(),
    }
}
