//! From what happened in a night to what the facilitator brings in.
use std::collections::BTreeSet;

use evenkeel_config::record::{DiscussionQuestion, EventKind, Explanation, Inject, TimelineEvent};
use evenkeel_config::scenario::{Effect, PhaseKind, Scenario};

use super::people::People;
use super::questions::{questions, stopgap};

/// A wait shorter than this is nothing to bring in.
const SHORTEST: i64 = 30 * 60_000;
const LEADERS: &str = "those who decide";
const FACILITATOR: &str = "facilitator";

/// An inject and how much it is wanted when there is no room for all: lower first.
struct Wanted {
    rank: (u8, bool, i64),
    /// Before all else of the same instant.
    first: bool,
    inject: Inject,
}

/// What an event of one kind turns into.
struct Turn {
    rank: u8,
    from: String,
    to: String,
    expected: String,
    objective: u32,
    module: Option<u32>,
}

/// The event list in order of time, and how many events found no room.
pub(super) fn injects(
    people: &People<'_>,
    scenario: &Scenario,
    night: &Explanation,
    most: usize,
) -> (Vec<Inject>, u64) {
    let begins = night.timeline.iter().find(|event| event.kind == EventKind::Begin);
    let begins = begins.map_or(i64::MAX, |event| event.at_ms);
    let usable = crate::night::ms(night.function.usable);
    let noticed = noticed(scenario, night);
    let module = |at: i64| {
        if at < begins {
            1
        } else if at < usable {
            2
        } else {
            4
        }
    };
    let mut all = Vec::new();
    for event in &together(night.timeline.iter().filter(|event| event.concerns)) {
        // Blows from before are what the first sign is about.
        if event.kind == EventKind::Strike && event.at_ms <= noticed {
            continue;
        }
        let Some(turn) = turn(people, scenario, night, event) else { continue };
        // Nothing is brought in before anybody has noticed.
        let at = event.at_ms.max(noticed);
        let text = match event.kind {
            EventKind::Phase if is_detection(scenario, event) => first_sign(night, event),
            EventKind::Phase => format!("Next: {}.", event.step),
            EventKind::Begin => format!(
                "{}; {} and everything else that fell can now be brought back. What first?",
                opening(scenario),
                night.function.title
            ),
            _ => sentence(&event.text),
        };
        let lasts =
            event.until_ms.and_then(|until| until.ms()).map_or(0, |until| until - event.at_ms);
        all.push(Wanted {
            rank: (turn.rank, !event.blocking, -lasts),
            first: is_detection(scenario, event),
            inject: Inject {
                number: 0,
                at_ms: at,
                local: local(night, at),
                module: turn.module.unwrap_or_else(|| module(at)),
                text,
                from: turn.from,
                to: turn.to,
                expected: turn.expected,
                objective: turn.objective,
                questions: questions(people, scenario, night, event),
                components: event.components.clone(),
                blocking: event.blocking,
                simulated: true,
            },
        });
    }
    all.extend(enquiry(people, night, noticed));
    let mut known: Vec<&str> = Vec::new();
    let repeated: Vec<bool> = all
        .iter()
        .map(|wanted| {
            let text = wanted.inject.text.as_str();
            known.contains(&text) || {
                known.push(text);
                false
            }
        })
        .collect();
    let mut all: Vec<Wanted> = all
        .into_iter()
        .zip(repeated)
        .filter(|(_, again)| !again)
        .map(|(wanted, _)| wanted)
        .collect();
    all.sort_by_key(|wanted| (wanted.rank, wanted.inject.at_ms));
    let left_out = all.len().saturating_sub(most) as u64;
    all.truncate(most);
    all.sort_by_key(|wanted| (wanted.inject.at_ms, wanted.inject.module, !wanted.first));
    let mut injects: Vec<Inject> = all.into_iter().map(|wanted| wanted.inject).collect();
    ask_once(&mut injects);
    (injects, left_out)
}

/// Within a module, nobody is asked the same twice with the same answer on the map.
fn ask_once(injects: &mut [Inject]) {
    let mut asked = BTreeSet::new();
    for inject in injects {
        let module = inject.module;
        inject.questions.retain(|question| {
            asked.insert((module, question.ask.clone(), question.map_says.clone()))
        });
    }
}

/// The events, with those that wait alike, at one instant and for the same, as one.
fn together<'a>(events: impl Iterator<Item = &'a TimelineEvent>) -> Vec<TimelineEvent> {
    let mut all: Vec<TimelineEvent> = Vec::new();
    for event in events {
        let wait = waits(event);
        let alike = |other: &&mut TimelineEvent| {
            (other.kind, other.at_ms, other.until_ms) == (event.kind, event.at_ms, event.until_ms)
                && wait.is_some()
                && waits(other).map(|p| (p[0], p[2])) == wait.map(|p| (p[0], p[2]))
        };
        match (all.iter_mut().find(alike), wait) {
            (Some(other), Some([_, what, after])) => {
                let end = other.text.len() - after.len();
                other.text.insert_str(end, &format!("; {what}"));
                other.components.extend(event.components.iter().cloned());
                other.blocking |= event.blocking;
            }
            _ => all.push(event.clone()),
        }
    }
    all
}

/// The text of a wait that several steps can share: before the step, the step, after it.
fn waits(event: &TimelineEvent) -> Option<[&str; 3]> {
    let (from, to) = match event.kind {
        EventKind::WaitVendor => (" is called for ", " and keeps us waiting "),
        EventKind::WaitGate => ("", " cannot start: it needs "),
        _ => return None,
    };
    let begin = event.text.find(from)? + from.len();
    let end = event.text.rfind(to).filter(|end| begin <= *end)?;
    Some([&event.text[..begin], &event.text[begin..end], &event.text[end..]])
}

/// What is over when recovery begins.
fn opening(scenario: &Scenario) -> &'static str {
    let suspect = scenario.strike.iter().any(|strike| strike.effect == Effect::Suspect);
    if suspect || scenario.dwell.is_some() {
        "The intruder is out"
    } else {
        "It is clear what happened and how to go on"
    }
}

/// When the first sign is noticed; the strike itself without such a phase.
fn noticed(scenario: &Scenario, night: &Explanation) -> i64 {
    let first = night.timeline.iter().find(|event| is_detection(scenario, event));
    first.and_then(|event| event.until_ms).and_then(|until| until.ms()).unwrap_or(0)
}

fn phase_of<'a>(
    scenario: &'a Scenario,
    event: &TimelineEvent,
) -> Option<&'a evenkeel_config::scenario::Phase> {
    scenario.phase.iter().find(|phase| phase.name == event.step)
}

fn is_detection(scenario: &Scenario, event: &TimelineEvent) -> bool {
    event.kind == EventKind::Phase
        && event.until_ms.is_some()
        && phase_of(scenario, event).is_some_and(|phase| phase.phase == PhaseKind::Detect)
}

fn first_sign(night: &Explanation, event: &TimelineEvent) -> String {
    let hit: Vec<&str> = std::iter::once(&night.function)
        .chain(&night.others)
        .filter(|function| {
            function
                .capacity
                .first()
                .is_some_and(|step| step.at_ms <= event.at_ms && step.capacity < 1.0)
        })
        .map(|function| function.title.as_str())
        .take(6)
        .collect();
    let hit = if hit.is_empty() {
        String::new()
    } else {
        format!(" These do not work, or only in part: {}.", hit.join(", "))
    };
    format!("The first sign: {}.{hit}", event.step)
}

/// The event as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn local(night: &Explanation, at: i64) -> String {
    crate::night::Local::new(&night.timezone, night.strike.as_millisecond()).at(at)
}

/// What kind of inject an event is; nothing for what needs no answer.
fn turn(
    people: &People<'_>,
    scenario: &Scenario,
    night: &Explanation,
    event: &TimelineEvent,
) -> Option<Turn> {
    let lasts =
        event.until_ms.map_or(0, |until| crate::night::ms(until).saturating_sub(event.at_ms));
    let step = people.step(&event.components, &event.step);
    let doers = || {
        step.and_then(|(_, _, step)| people.doers(step))
            .unwrap_or_else(|| "the recovery team".to_owned())
    };
    let turn = |rank: u8, from: &str, to: String, expected: String, objective: u32| {
        Some(Turn { rank, from: from.to_owned(), to, expected, objective, module: None })
    };
    let living = |rank: u8, from: &str, expected: String| {
        let to = LEADERS.to_owned();
        Some(Turn { rank, from: from.to_owned(), to, expected, objective: 3, module: Some(3) })
    };
    match event.kind {
        EventKind::Phase => {
            let phase = phase_of(scenario, event)?;
            event.until_ms?;
            if phase.phase == PhaseKind::Detect {
                let expected =
                    "report it to the right place, note the time, touch nothing else".to_owned();
                return turn(0, "staff", "whoever is asked first".to_owned(), expected, 1);
            }
            let to = match (&phase.who, &phase.skill) {
                (Some(who), _) => people.title(who),
                (None, Some(skill)) => people.skilled(skill),
                (None, None) => LEADERS.to_owned(),
            };
            let done = local(night, event.until_ms.map_or(event.at_ms, crate::night::ms));
            let expected = format!("do it, and say when it is done; simulated: by {done}");
            turn(0, FACILITATOR, to, expected, 1)
        }
        EventKind::Begin => turn(0, FACILITATOR, LEADERS.to_owned(), order(night), 2),
        EventKind::Absence => {
            let expected = "call the deputy, or decide who does their work and with whose keys";
            turn(1, "voice mail", LEADERS.to_owned(), expected.to_owned(), 1)
        }
        EventKind::WaitPerson if lasts >= SHORTEST => {
            let expected = "decide: wait, call somebody in, ask the deputy, or do other work first";
            turn(3, "the recovery team", LEADERS.to_owned(), expected.to_owned(), 2)
        }
        EventKind::WaitGate => {
            let expected = "bring up first what it waits for, or use the way that does without it";
            // Several steps that wait for the same are nobody's alone.
            let several = event.components.len() > 2;
            let to = if several { "the recovery team".to_owned() } else { doers() };
            turn(4, "the recovery team", to, expected.to_owned(), 2)
        }
        EventKind::Strike => {
            let expected =
                "stop what is under way there, warn those who use it, say which promises move";
            turn(1, "the recovery team", LEADERS.to_owned(), expected.to_owned(), 2)
        }
        EventKind::WaitDelivery | EventKind::WaitVendor if lasts >= SHORTEST => {
            let expected = "press for a date, look for a loan or a spare, say what it costs";
            let from = if event.kind == EventKind::WaitVendor {
                "the vendor"
            } else {
                "those who were asked"
            };
            turn(3, from, LEADERS.to_owned(), expected.to_owned(), 2)
        }
        EventKind::Failed => {
            let expected = "say so at once, and decide between another try and another way";
            turn(1, "the recovery team", doers(), expected.to_owned(), 2)
        }
        EventKind::CopyUnfit => {
            let expected = "name the next copy, and what is lost by taking an older one";
            turn(1, "the recovery team", doers(), expected.to_owned(), 2)
        }
        EventKind::Contention => {
            let expected = "decide which restore goes first over the shared line";
            turn(3, "the recovery team", doers(), expected.to_owned(), 2)
        }
        EventKind::Restored => {
            let expected = "have it checked before use; decide how the missing entries are made up";
            turn(1, "the recovery team", LEADERS.to_owned(), expected.to_owned(), 2)
        }
        EventKind::Lost if event.until_ms.is_some() => {
            let expected = "say who enters it, from which papers, and what comes first";
            living(1, "those who do the daily work", expected.to_owned())
        }
        EventKind::Lost => {
            let expected =
                "decide to go on without it or to build it anew, and tell those affected";
            turn(2, "the recovery team", LEADERS.to_owned(), expected.to_owned(), 2)
        }
        EventKind::Failover => {
            let expected = "make sure that work really goes on there, and note when it switched";
            turn(2, "the recovery team", doers(), expected.to_owned(), 2)
        }
        EventKind::Stopgap => {
            let expected = "start or replace the stopgap, and say who carries it and how long";
            living(0, "those who do the daily work", expected.to_owned())
        }
        EventKind::Objective => {
            let expected = "say that the promise is broken, to whom, and what happens now";
            living(0, "the clock", expected.to_owned())
        }
        EventKind::Usable if event.at_ms > crate::night::ms(night.function.usable) => {
            let expected = "tell those who were told, thank them, set the day of the review";
            turn(0, "those who do the daily work", LEADERS.to_owned(), expected.to_owned(), 4)
        }
        EventKind::Usable => {
            let expected = "check with those who use it, end the stopgap, note the time";
            turn(0, "the recovery team", LEADERS.to_owned(), expected.to_owned(), 2)
        }
        _ => None,
    }
}

/// The order in which the promises ask for the functions that were hit.
fn order(night: &Explanation) -> String {
    let mut hit: Vec<_> = std::iter::once(&night.function)
        .chain(&night.others)
        .filter(|function| !function.capacity.is_empty())
        .collect();
    hit.sort_by_key(|function| {
        (
            !function.life_safety,
            function.objectives.rto.is_none(),
            function.objectives.rto,
            &function.id,
        )
    });
    let names: Vec<&str> = hit.iter().map(|function| function.title.as_str()).take(8).collect();
    format!("an order and who does what; by lives and promises it would be: {}", names.join(", "))
}

/// A question from outside, which no simulation asks: always part of the list.
fn enquiry(people: &People<'_>, night: &Explanation, noticed: i64) -> Option<Wanted> {
    let hit = !night.function.capacity.is_empty();
    let at = noticed.checked_add(2 * 3_600_000)?;
    let title = &night.function.title;
    hit.then(|| Wanted {
        rank: (0, true, 0),
        first: false,
        inject: Inject {
            number: 0,
            at_ms: at,
            local: local(night, at),
            module: 3,
            text: format!("Somebody from the local news calls: what happened, and when does {title} work again?"),
            from: "a reporter".to_owned(),
            to: LEADERS.to_owned(),
            expected: "one voice, no guess about times, a next statement at a stated hour".to_owned(),
            objective: 4,
            questions: vec![DiscussionQuestion {
                ask: "What do we tell people to do meanwhile?".to_owned(),
                map_says: stopgap(people, &night.function.id),
            }],
            components: vec![night.function.id.clone()],
            blocking: false,
            simulated: false,
        },
    })
}
