//! What an evaluator holds the room against, and how measured times go back into the map.
use std::collections::BTreeSet;

use evenkeel_config::record::{Elapsed, EventKind, Expectation, Explanation};
use evenkeel_config::scenario::Scenario;

use super::people::People;

/// Where the figure of work lost comes from; it is nothing to write back.
pub(super) const FROM_BACKUPS: &str = "follows from the backups";
/// More rows than this are no sheet.
const MOST: usize = 30;

/// Expected times, in order of the night.
pub(super) fn evaluation(
    people: &People<'_>,
    scenario: &Scenario,
    night: &Explanation,
) -> Vec<Expectation> {
    let mut rows: Vec<Expectation> = Vec::new();
    for event in night.timeline.iter().filter(|event| event.concerns) {
        let Some(Elapsed::Ms(until)) = event.until_ms else { continue };
        let expected = Elapsed::Ms(until - event.at_ms);
        let known = |name: &str| {
            let part = night.chain.iter().find(|part| part.step == name);
            part.map(|part| part.provenance)
        };
        let row = |what: String, write_back: String| Expectation {
            what,
            expected,
            promised: None,
            provenance: known(&event.step),
            write_back,
        };
        match event.kind {
            EventKind::Phase => rows.push(row(
                event.step.clone(),
                format!("scenario {}, phase `{}`: takes", scenario.id, event.step),
            )),
            EventKind::Work | EventKind::WaitDelivery | EventKind::Lost => {
                let Some((component, list, step)) = people.step(&event.components, &event.step)
                else {
                    continue;
                };
                let key = match (event.kind, step.each) {
                    (EventKind::WaitDelivery, _) => "lead_time",
                    (EventKind::Lost, _) => "reentry",
                    (_, true) => "effort of one",
                    _ => "effort, pauses taken off",
                };
                rows.push(row(
                    format!("{}: {}", people.title(&component.id), event.step),
                    format!(
                        "{} {}, {list}, step `{}`: {key}",
                        component.kind.key(),
                        component.id,
                        event.step
                    ),
                ));
            }
            _ => {}
        }
    }
    let mut known = BTreeSet::new();
    rows.retain(|row| known.insert((row.what.clone(), row.write_back.clone())));
    rows.truncate(MOST);
    for function in std::iter::once(&night.function).chain(&night.others) {
        if function.capacity.is_empty() {
            continue;
        }
        rows.push(Expectation {
            what: format!("{} is usable again", function.title),
            expected: function.usable,
            promised: function.objectives.rto.map(|rto| Elapsed::Ms(rto.as_ms())),
            provenance: None,
            write_back: "follows from the others".to_owned(),
        });
    }
    rows.push(Expectation {
        what: format!("work lost in {}", night.function.title),
        expected: night.function.data_loss,
        promised: night.function.objectives.rpo.map(|rpo| Elapsed::Ms(rpo.as_ms())),
        provenance: None,
        write_back: FROM_BACKUPS.to_owned(),
    });
    rows
}

/// How times measured in the exercise are written back.
pub(super) fn write_back(night: &Explanation) -> Vec<String> {
    vec![
        "Only what was really done and timed goes back: a restore that ran, a call that was \
         answered. What the room merely said stays in the notes as told."
            .to_owned(),
        "The time of a step: `effort = { samples = [\"50min\", \"62min\"] }` in that step of the \
         map; keep the earlier samples and add the new one. The same form serves lead_time, wait \
         and the takes of a phase."
            .to_owned(),
        "A restore that was really run: bytes divided by seconds is the `speed` of that copy, as \
         in `speed = \"85 MB/s\"`; with an agent on the host, run it as a drill, and the evidence \
         counts by itself."
            .to_owned(),
        format!(
            "Then simulate again with the same seed and look at the same night: `--seed {} \
             --night {}`. What changed is what the exercise taught.",
            night.seed, night.night
        ),
    ]
}
