//! What each function hangs on, counted exactly: how often it is down, by which
//! failures, and what each part matters.
//!
//! ```text
//!  map ── system ──> needs over numbered components, events that fail by themselves
//!            | diagram    circles settle from above, one decision diagram
//!            v
//!          bdd ── measures ──> chance to be down, importance of each part
//!            └─── cuts ──────> smallest combinations of failures
//! ```
//!
//! A function is up when its capacity is at least its `minimum`. Every component
//! fails by itself, for the share of time that the map states, and a group with
//! a common cause fails as one, too. Batteries, fail-overs and stopgaps bridge
//! time; they are not counted, which is said.
mod bdd;
mod bits;
mod cuts;
mod diagram;
mod measures;
mod people;
mod system;
mod table;
mod vesely;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use evenkeel_config::graph;
use evenkeel_config::id::Id;
use evenkeel_config::map::{Component, DependencyMap, Details, Function, Kind};
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{
    CutSet, Failing, FunctionStructure, Importance, Named, Part, SCHEMA_VERSION, Structure,
    StructureFigures,
};
use rayon::prelude::*;

use self::bdd::{Bdd, TooLarge};
use self::diagram::{Alone, Drawn, diagram};
use self::measures::Measures;
use self::system::{Order, System};
use crate::compile::{millionths, title};
use crate::model::ONE;

pub(crate) use table::render;

/// Hours in which a year is counted.
pub const HOURS_A_YEAR: f64 = 8766.0;
/// The most failures at one time that are looked at.
pub const MOST_ORDER: u32 = 3;

/// The structure of the functions asked for, of all when none is named, with
/// combinations of up to `order` failures.
///
/// # Errors
/// The map has no such function, or none at all; `order` is not 1 to 3.
pub fn structure(map: &DependencyMap, functions: &[Id], order: u32) -> Result<Structure, Problems> {
    if !(1..=MOST_ORDER).contains(&order) {
        let what = format!("combinations of {order} failures are not looked for");
        return Err(refuse(what, format!("the order is 1 to {MOST_ORDER}, as in `--order 2`")));
    }
    let asked = asked(map, functions)?;
    let names = Names::of(map);
    let answers: Vec<Answer> = asked.par_iter().map(|asked| answer(&names, asked, order)).collect();
    let needed: BTreeSet<&Id> = answers.iter().flat_map(|answer| &answer.needed).collect();
    let components = || needed.iter().filter_map(|id| map.components.get(*id));
    let unstated = components()
        .filter(|one| one.kind != Kind::Function && one.common.unavailability().is_none());
    Ok(Structure {
        schema_version: SCHEMA_VERSION,
        engine_version: env!("CARGO_PKG_VERSION").to_owned(),
        inputs_digest: crate::digest_of_map(map),
        organisation: map.organisation.name.clone(),
        hours_a_year: HOURS_A_YEAR,
        order,
        recovery_cycles: names.rings(&graph::recovery_cycles(map)),
        run_cycles: names.rings(&graph::run_cycles(map)),
        unstated: unstated.map(|component| names.named(&component.id)).collect(),
        notes: notes(&asked, components()),
        functions: answers.into_iter().map(|answer| answer.function).collect(),
    })
}

fn refuse(what: impl Into<String>, hint: impl Into<String>) -> Problems {
    let mut problems = Problems::default();
    problems.error(Place::default(), what, hint);
    problems
}

/// What was too entangled to be counted, in words, function by function.
pub fn refused(structure: &Structure) -> Vec<String> {
    let mut refused = Vec::new();
    for function in &structure.functions {
        let title = &function.title;
        if let Some(why) = &function.cannot {
            refused.push(format!("how often {title} is down {why}"));
        }
        let Some(figures) = &function.figures else { continue };
        if millionths(function.minimum) < ONE && figures.hours_reduced.is_none() {
            refused.push(format!("how long {title} is below full capacity"));
        }
        if figures.fussell_vesely_refused {
            refused.push(format!("the Fussell-Vesely importance of some parts of {title}"));
        }
    }
    refused
}

/// A function asked for.
struct Asked<'a> {
    component: &'a Component,
    details: &'a Function,
}

/// The functions asked for: life safety first, then by id.
fn asked<'a>(map: &'a DependencyMap, ids: &[Id]) -> Result<Vec<Asked<'a>>, Problems> {
    let mut all: Vec<Asked<'a>> = map
        .components
        .values()
        .filter_map(|component| match &component.details {
            Details::Function(details) => Some(Asked { component, details }),
            _ => None,
        })
        .collect();
    if all.is_empty() {
        let hint = "say what people outside see work or not work, as in `[function.payroll]`";
        return Err(refuse("the map has no function", hint));
    }
    let mut problems = Problems::default();
    let names: Vec<&str> = all.iter().map(|one| one.component.id.as_str()).collect();
    for id in ids.iter().filter(|id| !names.contains(&id.as_str())) {
        let what = match map.components.get(id) {
            Some(other) => format!("`{id}` is a {}, not a function", other.kind.word()),
            None => format!("the map has no function `{id}`"),
        };
        problems.error(Place::default(), what, format!("name one of {}", names.join(", ")));
    }
    if problems.is_fatal() {
        return Err(problems);
    }
    all.retain(|one| ids.is_empty() || ids.contains(&one.component.id));
    all.sort_by_key(|one| (!one.details.life_safety, &one.component.id));
    Ok(all)
}

struct Answer {
    function: FunctionStructure,
    /// The components it needs.
    needed: Vec<Id>,
}

fn answer(names: &Names<'_>, asked: &Asked<'_>, order: u32) -> Answer {
    let map = names.map;
    let id = &asked.component.id;
    let minimum = asked.details.minimum.map_or(1.0, |share| share.get());
    let capacity = millionths(minimum).max(1);
    let system = System::of(map, id, capacity);
    let stated = system.ids.iter().skip(1).filter(|id| {
        map.components.get(**id).is_some_and(|one| one.common.unavailability().is_some())
    });
    let mut function = FunctionStructure {
        id: id.clone(),
        title: names.title(id),
        life_safety: asked.details.life_safety,
        minimum,
        needs: system.ids.len() - 1,
        stated: stated.count(),
        single_points: Vec::new(),
        single_persons: people::single_persons(names, &system),
        cannot: None,
        figures: None,
    };
    let needed = system.ids.iter().skip(1).map(|id| (*id).clone()).collect();
    match Alone::of(&system) {
        Err(TooLarge) => function.cannot = Some(too_large(&system)),
        Ok(alone) => {
            let parts = alone.of_function().into_iter().map(|event| names.part(&system, event));
            function.single_points = parts.collect();
            match figures(names, system, &alone, order) {
                Err(why) => function.cannot = Some(why),
                Ok(figures) => function.figures = Some(figures),
            }
        }
    }
    if let Some(figures) = function.figures.as_mut().filter(|_| capacity < ONE) {
        figures.hours_reduced = reduced(map, id);
    }
    Answer { function, needed }
}

fn too_large(system: &System<'_>) -> String {
    format!(
        "cannot be counted exactly: its {} components stand in for each other in too many ways; \
         describe alike ones as one component, such as a fleet",
        system.ids.len() - 1
    )
}

/// The diagram of a system, by the first order of tests that keeps it small.
fn drawn<'a>(system: System<'a>, alone: &Alone) -> Result<(System<'a>, Bdd, Drawn), System<'a>> {
    let mut bdd = Bdd::new();
    if let Ok(drawn) = diagram(&system, alone, &mut bdd) {
        return Ok((system, bdd, drawn));
    }
    let system = system.ordered(Order::MostSharedFirst);
    let mut bdd = Bdd::new();
    match Alone::of(&system).and_then(|alone| diagram(&system, &alone, &mut bdd)) {
        Ok(drawn) => Ok((system, bdd, drawn)),
        Err(TooLarge) => Err(system),
    }
}

fn figures(
    names: &Names<'_>,
    system: System<'_>,
    alone: &Alone,
    order: u32,
) -> Result<StructureFigures, String> {
    let (system, mut bdd, drawn) = drawn(system, alone).map_err(|system| too_large(&system))?;
    let function = drawn.function;
    let down: Vec<f64> = system.events.iter().map(|event| event.down).collect();
    let measures = Measures::of(&bdd, function, &down);
    let (unavailability, availability) = measures.down_and_up();
    let all_weights = measures.weights();
    let cuts = cuts::cuts(&bdd, function, order);
    let (shares, whole) = match vesely::shares(&mut bdd, drawn.rest, &down) {
        Ok(shares) => (shares, true),
        Err(shares) => (shares, false),
    };
    // What `rest` does not test stops the function alone: it has a share in
    // every downtime in which it is down.
    let in_rest: BTreeSet<u32> =
        bdd.below(drawn.rest).into_iter().map(|at| bdd.node(at).level).collect();
    let vesely = |event: usize| {
        let alone = !in_rest.contains(&(event as u32));
        let share = if alone { Some(down[event]) } else { shares[event] };
        share.filter(|_| unavailability > 0.0).map(|share| (share / unavailability).min(1.0))
    };
    let mut importance: Vec<Importance> = all_weights
        .into_iter()
        .enumerate()
        .filter_map(|(event, weights)| {
            let weights = weights?;
            Some(Importance {
                part: names.part(&system, event as u32),
                unavailability: down[event],
                birnbaum: weights.birnbaum,
                criticality: weights.criticality,
                raw: weights.raw,
                fussell_vesely: vesely(event),
                rrw: weights.rrw,
            })
        })
        .collect();
    // Alike parts come out alike to all but the last digits: by name then.
    let digits = |value: f64| libm::rint(value * 1e12) as i64;
    importance.sort_by_key(|one| {
        let share = digits(one.criticality.unwrap_or(0.0));
        (Reverse((share, digits(one.birnbaum))), one.part.failing.clone())
    });
    let mut cut_sets: Vec<CutSet> = cuts
        .sets
        .iter()
        .map(|events| {
            let chance = events.iter().map(|event| down[*event as usize]).product();
            let mut parts: Vec<Part> =
                events.iter().map(|event| names.part(&system, *event)).collect();
            parts.sort_by(|a, b| a.failing.cmp(&b.failing));
            CutSet { parts, chance }
        })
        .collect();
    cut_sets.sort_by_cached_key(|set| {
        let failing: Vec<Failing> = set.parts.iter().map(|part| part.failing.clone()).collect();
        (set.parts.len(), Reverse(digits(set.chance)), failing)
    });
    Ok(StructureFigures {
        availability,
        unavailability,
        hours_down: unavailability * HOURS_A_YEAR,
        hours_reduced: None,
        fewest_failures: cuts.fewest,
        cut_sets,
        too_many_of_order: cuts.given_up,
        fussell_vesely_refused: !whole,
        importance,
    })
}

/// Hours in a year below full capacity, if that can be counted.
fn reduced(map: &DependencyMap, function: &Id) -> Option<f64> {
    let system = System::of(map, function, ONE);
    let alone = Alone::of(&system).ok()?;
    let (system, bdd, drawn) = drawn(system, &alone).ok()?;
    let down: Vec<f64> = system.events.iter().map(|event| event.down).collect();
    Some(Measures::of(&bdd, drawn.function, &down).down_and_up().0 * HOURS_A_YEAR)
}

/// What the components of a map are called; two of one name are told apart by
/// their kinds.
struct Names<'a> {
    map: &'a DependencyMap,
    twice: BTreeSet<String>,
}

impl<'a> Names<'a> {
    fn of(map: &'a DependencyMap) -> Self {
        let show_names = map.organisation.show_names;
        let mut seen = BTreeSet::new();
        let titles = map.components.values().map(|component| title(component, show_names));
        let twice = titles.filter(|title| !seen.insert(title.clone())).collect();
        Self { map, twice }
    }

    fn title(&self, id: &Id) -> String {
        let Some(component) = self.map.components.get(id) else { return id.to_string() };
        let title = title(component, self.map.organisation.show_names);
        if self.twice.contains(&title) {
            format!("{title} ({})", component.kind.word())
        } else {
            title
        }
    }

    fn named(&self, id: &Id) -> Named {
        Named { id: id.clone(), title: self.title(id) }
    }

    fn rings(&self, rings: &[Vec<Id>]) -> Vec<Vec<Named>> {
        rings.iter().map(|ring| ring.iter().map(|id| self.named(id)).collect()).collect()
    }

    fn part(&self, system: &System<'_>, event: u32) -> Part {
        let failing = system.events[event as usize].failing.clone();
        let title = match &failing {
            Failing::Component(id) => self.title(id),
            Failing::CommonCause(group) => format!("common cause of {group}"),
        };
        Part { failing, title }
    }
}

/// What bridges time and is not counted, in words.
fn notes<'a>(asked: &[Asked<'_>], needed: impl Iterator<Item = &'a Component>) -> Vec<String> {
    let (mut batteries, mut switches) = (0, 0);
    let stopgaps = asked.iter().filter(|one| one.details.workaround.is_some()).count();
    for component in needed {
        let mut held =
            matches!(&component.details, Details::Power(power) if power.runtime.is_some());
        for need in &component.common.needs {
            need.edges(&mut |_, hold_up, _| held |= hold_up != Span::ZERO);
        }
        batteries += usize::from(held);
        switches += usize::from(component.common.failover.is_some());
    }
    let mut notes = Vec::new();
    let mut note = |count: usize, one: &str, many: &str, why: &str| match count {
        0 => {}
        1 => notes.push(format!("one {one} is not counted: {why}")),
        _ => notes.push(format!("{count} {many} are not counted: {why}")),
    };
    note(
        batteries,
        "component with a battery, a cache or another hold-up",
        "components with batteries, caches or other hold-ups",
        "what those bridge is taken as down from the first minute",
    );
    let why = "a switch is a way back after a failure, not a second way beside the first";
    note(switches, "fail-over", "fail-overs", why);
    note(stopgaps, "stopgap", "stopgaps", "those carry a function for a time only");
    notes
}
