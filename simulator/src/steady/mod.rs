//! Steady state: how often functions are down while components fail and are
//! repaired, year in, year out.
//!
//! Components with `mtbf` and `mttr` fail after exponential times of work and
//! are repaired in exponential times; a repair takes one of the people who can
//! do its steps, by skill or by name, and waits while all of them repair
//! something else. `mttr` holds nights and weekends already. Exact where a
//! function hangs on alike components alone; else simulated.
mod exact;
mod walk;

use std::collections::BTreeMap;

use evenkeel_config::graph::{Running, needed_by};
use evenkeel_config::id::Id;
use evenkeel_config::map::{Common, DependencyMap, Details};
use evenkeel_config::record::{Band, SteadyFunction};

pub use exact::Group;
pub use walk::{Seen, Watched, walk};

/// Hours of a year.
const YEAR: f64 = 8766.0;
/// More alike components than this are simulated: their ways to fail are tried one by one.
const MOST_ALIKE: usize = 12;
/// Failures that are simulated for each simulated night asked for.
const FAILURES: f64 = 40.0;

/// A component that fails and is repaired.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Number on the map.
    pub node: usize,
    /// Mean hours of work from a repair to the next failure.
    pub mtbf: f64,
    /// Mean hours of a repair.
    pub mttr: f64,
    /// Who can repair it, by number; empty: nobody in particular is needed.
    pub crew: Vec<usize>,
}

/// Everything on a map that fails and is repaired, and who repairs it.
pub struct Plant<'a> {
    map: &'a DependencyMap,
    running: Running<'a>,
    parts: Vec<Part>,
    people: usize,
}

impl<'a> Plant<'a> {
    /// Reads a map.
    pub fn of(map: &'a DependencyMap) -> Self {
        let running = Running::of(map);
        let mut people: BTreeMap<&Id, Vec<usize>> = BTreeMap::new();
        let mut count = 0;
        for (id, component) in &map.components {
            let heads = match &component.details {
                Details::Person(_) => 1,
                Details::Team(team) => usize::from(team.count),
                _ => continue,
            };
            people.insert(id, (count..count + heads).collect());
            count += heads;
        }
        let parts = map
            .components
            .values()
            .enumerate()
            .filter_map(|(node, component)| {
                let times = component.common.repair_times()?;
                let (mtbf, mttr) = (times.mtbf.as_hours(), times.mttr.as_hours());
                let crew = crew(&component.common, map, &people);
                (mtbf > 0.0 && mttr > 0.0).then_some(Part { node, mtbf, mttr, crew })
            })
            .collect();
        Self { map, running, parts, people: count }
    }

    /// Every function that hangs on something that fails: life safety first.
    /// `trials` says how long is simulated where no exact answer is known.
    pub fn functions(&self, seed: u64, trials: u64) -> Vec<SteadyFunction> {
        let watched: Vec<Watched> =
            self.watched().into_iter().filter(|function| !function.parts.is_empty()).collect();
        let groups: Vec<Option<Group>> = watched.iter().map(|w| self.group(w)).collect();
        let open = watched.iter().zip(&groups).filter(|(_, group)| group.is_none());
        let open: Vec<Watched> = open.map(|(watched, _)| watched.clone()).collect();
        let mut seen = self.walk(&open, seed, trials).into_iter();
        let mut all = Vec::new();
        for (function, group) in watched.iter().zip(groups) {
            let seen = match group {
                Some(group) => exactly(group),
                None => match seen.next() {
                    Some(seen) => seen,
                    None => continue,
                },
            };
            all.extend(self.answer(function, seen, group.is_some()));
        }
        all.sort_by_key(|answer| !answer.life_safety);
        all
    }

    /// What simulating says of every function, by id, also where an exact answer
    /// is known: to hold one against the other.
    pub fn simulated(&self, seed: u64, trials: u64) -> Vec<Seen> {
        self.walk(&self.watched(), seed, trials)
    }

    fn walk(&self, watched: &[Watched], seed: u64, trials: u64) -> Vec<Seen> {
        if watched.is_empty() || self.parts.is_empty() {
            return Vec::new();
        }
        let failures = trials as f64 * FAILURES;
        walk(&self.running, &self.parts, self.people, watched, seed, failures)
    }

    /// Every function and the parts behind it.
    fn watched(&self) -> Vec<Watched> {
        let all = self.map.components.iter().enumerate();
        all.filter(|(_, (_, component))| matches!(component.details, Details::Function(_)))
            .map(|(node, (id, _))| {
                let below = needed_by(self.map, id);
                let behind = |part: &usize| {
                    let part = self.parts[*part].node;
                    part == node || below.contains(self.running.ids()[part])
                };
                Watched { node, parts: (0..self.parts.len()).filter(behind).collect() }
            })
            .collect()
    }

    fn answer(&self, function: &Watched, seen: Seen, exact: bool) -> Option<SteadyFunction> {
        let component = self.map.components.get(self.running.ids()[function.node])?;
        let Details::Function(details) = &component.details else { return None };
        let Band { low, middle, high } = seen.availability;
        let high = high.min(1.0);
        Some(SteadyFunction {
            id: component.id.clone(),
            title: component.title(),
            life_safety: details.life_safety,
            components: function.parts.len() as u64,
            exact,
            availability: Band { low, middle, high },
            hours_down: Band {
                low: (1.0 - high) * YEAR,
                middle: (1.0 - middle) * YEAR,
                high: (1.0 - low) * YEAR,
            },
            failed: seen.failed,
            first_failure_hours: seen.first_failure,
        })
    }

    /// The function as so many of alike components, if that is all it hangs on
    /// and nothing else takes their repairers' time.
    fn group(&self, watched: &Watched) -> Option<Group> {
        let first = &self.parts[*watched.parts.first()?];
        let alike = |part: &Part| {
            part.mtbf == first.mtbf && part.mttr == first.mttr && part.crew == first.crew
        };
        let members = watched.parts.len();
        let apart = self.parts.iter().enumerate().all(|(index, part)| {
            watched.parts.contains(&index) || !part.crew.iter().any(|who| first.crew.contains(who))
        });
        let same = watched.parts.iter().all(|part| alike(&self.parts[*part]));
        if members > MOST_ALIKE || !same || !apart {
            return None;
        }
        // Whether it works must hang on how many are down, not on which.
        let mut works: Vec<Option<bool>> = vec![None; members + 1];
        for ways in 0_u32..1 << members {
            let mut down = vec![false; self.running.ids().len()];
            for (bit, part) in watched.parts.iter().enumerate() {
                down[self.parts[*part].node] = ways >> bit & 1 == 1;
            }
            let up = self.running.up(&down)[watched.node];
            let known = &mut works[ways.count_ones() as usize];
            if known.is_some_and(|known| known != up) {
                return None;
            }
            *known = Some(up);
        }
        let bearable = works.iter().take_while(|works| **works == Some(true)).count();
        let needed =
            (members + 1).checked_sub(bearable).filter(|needed| (1..=members).contains(needed))?;
        let crews = if first.crew.is_empty() { members } else { first.crew.len() };
        Some(Group { members, needed, crews, mtbf: first.mtbf, mttr: first.mttr })
    }
}

/// Who can repair a component: the people its first hands-on step names.
fn crew(common: &Common, map: &DependencyMap, people: &BTreeMap<&Id, Vec<usize>>) -> Vec<usize> {
    let steps = if common.repair.is_empty() { &common.recover } else { &common.repair };
    let Some(step) = steps.iter().find(|step| step.who.is_some() || step.skill.is_some()) else {
        return Vec::new();
    };
    if let Some(who) = &step.who {
        return people.get(who).cloned().unwrap_or_default();
    }
    let wanted = step.skill.as_deref().unwrap_or_default();
    let mut crew = Vec::new();
    for (id, heads) in people {
        let skills = match &map.components[*id].details {
            Details::Person(person) => &person.skills,
            Details::Team(team) => &team.skills,
            _ => continue,
        };
        if skills.iter().any(|skill| skill == wanted) {
            crew.extend(heads);
        }
    }
    crew
}

fn exactly(group: Group) -> Seen {
    let one = |value: f64| Band { low: value, middle: value, high: value };
    Seen {
        availability: one(group.availability()),
        failed: one(group.failed()),
        first_failure: Some(one(group.first_failure())),
    }
}
