//! A tabletop exercise from one simulated night, in the parts that HSEEP and NIST SP 800-84 ask for.
//!
//! Every wait, failed restore and absent person of the night becomes a timed
//! inject; questions and roles come from the organisation's own map.
mod csv;
mod evaluation;
mod injects;
mod markdown;
mod people;
mod questions;

use evenkeel_config::map::{DependencyMap, Details};
use evenkeel_config::record::{
    Elapsed, Exercise, ExerciseModule, ExerciseObjective, Explanation, Inject, Situation,
};
use evenkeel_config::scenario::Scenario;

pub use csv::csv;
pub use markdown::markdown;

use crate::words::duration;
use people::People;

/// The parts, by number from 1: name and purpose.
const MODULES: [(&str, &str); 4] = [
    ("Notice and decide", "from the first sign to the decision to follow the plan"),
    ("Restore", "what is brought back first, by whom, and what is in the way"),
    ("Live without", "how the work goes on meanwhile, and who is told what"),
    ("Back to normal", "what is left to do once it works again"),
];

/// An exercise from one night, with at most `most` injects.
pub fn exercise(
    map: &DependencyMap,
    scenario: &Scenario,
    night: &Explanation,
    most: usize,
) -> Exercise {
    let people = People::new(map);
    let (mut injects, left_out) = injects::injects(&people, scenario, night, most);
    for (number, inject) in (1..).zip(&mut injects) {
        inject.number = number;
    }
    Exercise {
        schema_version: night.schema_version,
        engine_version: night.engine_version.clone(),
        inputs_digest: night.inputs_digest.clone(),
        organisation: night.organisation.clone(),
        timezone: night.timezone.clone(),
        scenario: night.scenario.clone(),
        as_of: night.as_of,
        seed: night.seed,
        trials: night.trials,
        night: night.night,
        chosen: night.chosen.clone(),
        strike_local: night.strike_local.clone(),
        function: night.function.id.clone(),
        title: night.function.title.clone(),
        situation: situation(map, scenario, night),
        objectives: objectives(night),
        players: players(&injects),
        modules: (1..)
            .zip(MODULES)
            .map(|(number, (title, purpose))| ExerciseModule {
                number,
                title: title.to_owned(),
                purpose: purpose.to_owned(),
            })
            .collect(),
        injects,
        left_out,
        evaluation: evaluation::evaluation(&people, scenario, night),
        write_back: evaluation::write_back(night),
        notes: night.notes.clone(),
    }
}

fn situation(map: &DependencyMap, scenario: &Scenario, night: &Explanation) -> Situation {
    let function = &night.function;
    let mut known = vec![format!("It is {} ({}).", night.strike_local, night.timezone)];
    let objective = |name: &str, span: Option<evenkeel_config::quantity::Span>| {
        span.map(|span| format!("{name} {}", duration(span.as_ms())))
    };
    let set: Vec<String> = [
        objective("RTO", function.objectives.rto),
        objective("RPO", function.objectives.rpo),
        objective("MTD", function.objectives.mtd),
    ]
    .into_iter()
    .flatten()
    .collect();
    known.push(if set.is_empty() {
        format!("No objective was ever set for {}.", function.title)
    } else {
        format!("Promised for {}: {}.", function.title, set.join(", "))
    });
    if let Some(Details::Function(details)) =
        map.components.get(&function.id).map(|component| &component.details)
    {
        if let Some(affected) = details.people_affected {
            let who = match affected {
                1 => "One person feels".to_owned(),
                affected => format!("About {affected} people feel"),
            };
            known.push(format!("{who} it when {} stops.", function.title));
        }
        known.push(match &details.workaround {
            Some(workaround) => format!(
                "The stopgap on the map: {}, from {} on, for {}.",
                workaround.name,
                duration(workaround.after.as_ms()),
                duration(workaround.lasts.as_ms())
            ),
            None => format!("The map names no stopgap for {}.", function.title),
        });
    }
    let unknown =
        ["what is hit", "who can be reached", "which copies are clean and can be restored"]
            .map(str::to_owned)
            .to_vec();
    Situation { story: scenario.story.clone(), known, unknown }
}

fn objectives(night: &Explanation) -> Vec<ExerciseObjective> {
    let title = &night.function.title;
    let promised =
        night.function.objectives.rto.map_or(String::new(), |rto| {
            format!(", against the promised {}", duration(rto.as_ms()))
        });
    let usable = match night.function.usable {
        Elapsed::Ms(ms) => format!("back {} after the strike", duration(ms)),
        Elapsed::Never => "never back".to_owned(),
    };
    [
        (
            "Notice, tell the right people and declare, with times and names of roles.".to_owned(),
            "DE.AE, RS.MA",
        ),
        (
            format!(
                "Restore in an order that brings {title} back with the people who are there: in \
                 the simulated night it was {usable}{promised}."
            ),
            "RC.RP",
        ),
        (
            format!("Keep {title} going without its systems, for as long as the stopgap holds."),
            "RC.RP, ID.IM",
        ),
        (
            "Tell those affected, the leadership and the press one and the same thing, in time."
                .to_owned(),
            "RS.CO, RC.CO",
        ),
    ]
    .into_iter()
    .zip(1..)
    .map(|((text, capability), number)| ExerciseObjective {
        number,
        text,
        capability: format!("NIST CSF 2.0 {capability}"),
    })
    .collect()
}

fn players(injects: &[Inject]) -> Vec<String> {
    let mut players: Vec<String> = injects.iter().map(|inject| inject.to.clone()).collect();
    players.sort();
    players.dedup();
    players
}
