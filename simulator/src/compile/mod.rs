//! Map, scenario and evidence in, [`Model`] out; or everything that stands in the way.
//!
//! What a map means where MODEL's words leave room:
//! - `runs_on`, `stored_on`, `site` and `power` are *foundations*: needed to run,
//!   and they must physically stand before any recovery step starts. `needs` are
//!   to run only; `recover_needs` and a step's `needs` gate steps, and
//!   `break_glass` lifts the former for its step.
//! - A lost machine, disk or guest takes along what runs or is stored on it.
//!   A service without steps of its own is part of what it runs on: it is not
//!   lost separately and comes back with it.
//! - A lost data set comes back through a step that names it, in its own list or
//!   in another component's; else through a plain restore from its backups.
//! - Functions, people, teams, vendors and spares are struck only when a scenario
//!   names them or lists their kind.
//! - An ordinary absence stops recovery work, not a function: the office lives
//!   with absences every week. Only a person whom the scenario takes away is
//!   missing from the functions too, unless a deputy is there.
mod alternatives;
mod data;
mod dispatch;
mod graph;
mod lapses;
mod lean;
mod people;
mod pools;
mod reach;
mod steps;
mod tonight;
mod when;

use std::collections::{BTreeMap, HashMap};

use evenkeel_config::calendar::Hours;
use evenkeel_config::id::Id;
use evenkeel_config::map::{DependencyMap, Details, Kind};
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::provenance::Provenance;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{EvidenceSet, InputFigure};
use evenkeel_config::scenario::Scenario;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::calendar::{Calendar, Frame};
use crate::draw::Tables;
use crate::key::Purposes;
use crate::model::{Draw, Lean, Model, Names, ONE, Start};

pub(crate) use graph::title;

/// What goes into a model.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The map.
    pub map: &'a DependencyMap,
    /// The scenario.
    pub scenario: &'a Scenario,
    /// What changes it.
    pub modifiers: &'a [Scenario],
    /// Observed facts.
    pub evidence: &'a [EvidenceSet],
    /// The moment of the facts.
    pub as_of: Timestamp,
    /// The map that the facts were seen on, where it is not `map` itself: a
    /// fix that changes a backup makes what was seen of that backup void.
    pub seen_on: Option<&'a DependencyMap>,
}

/// A model and what is worth saying about how it came to be.
#[derive(Debug)]
pub struct Compiled {
    /// The model.
    pub model: Model,
    /// Every figure it rests on.
    pub inputs: Vec<InputFigure>,
    /// Warnings in words.
    pub notes: Vec<String>,
}

/// The longest that anything is followed, unless the scenario says otherwise.
const HORIZON: Span = Span::from_hours(365 * 24);
/// The correlation of efforts within one night, unless stated.
const BAD_DAY: f64 = 0.5;

/// Compiles.
///
/// # Errors
/// Everything that makes the question meaningless on this map: a suspect
/// component without a `clear` step, an unknown zone, a modifier used as a
/// scenario.
pub fn compile(inputs: &Inputs<'_>, tables: &mut Tables) -> Result<Compiled, Problems> {
    let mut compiler = Compiler::new(inputs, tables)?;
    compiler.nodes();
    compiler.people();
    compiler.pools();
    compiler.steps();
    compiler.data();
    compiler.functions();
    compiler.alternatives();
    compiler.strikes();
    compiler.phases();
    compiler.ranks();
    compiler.dispatch();
    compiler.lapses();
    compiler.note_cycles();
    compiler.finish()
}

/// The work in progress.
struct Compiler<'a> {
    inputs: &'a Inputs<'a>,
    tables: &'a mut Tables,
    purposes: Purposes,
    index: BTreeMap<&'a Id, u32>,
    frame: Frame,
    model: Model,
    figures: Vec<InputFigure>,
    notes: Vec<String>,
    problems: Problems,
    calendars: BTreeMap<String, u32>,
    /// Numbers of the names of steps.
    step_names: HashMap<String, u32>,
    /// Who has a skill, fewest skills first.
    skilled: HashMap<String, Vec<u32>>,
    absent: Vec<Id>,
    near_as_of: bool,
    tonight: tonight::Tonight<'a>,
    /// How many times as long every lead time takes.
    lead_times: f64,
    /// The scenario's own chance that restores work.
    restores_work: Option<f64>,
}

impl<'a> Compiler<'a> {
    fn new(inputs: &'a Inputs<'a>, tables: &'a mut Tables) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let scenario = inputs.scenario;
        if scenario.modifier {
            problems.error(
                Place { file: format!("{}.toml", scenario.id), ..Place::default() },
                format!(
                    "`{}` strikes nothing by itself; it only changes other scenarios",
                    scenario.id
                ),
                format!(
                    "name what happens and add it with `--scenario ransomware --with {}`",
                    scenario.id
                ),
            );
        }
        if scenario.strike.is_empty() && scenario.loss.is_some() {
            problems.error(
                Place { file: format!("{}.toml", scenario.id), ..Place::default() },
                format!(
                    "`{}` costs money and strikes nothing: there is no night to tell",
                    scenario.id
                ),
                "ask for the year, as in `annual --scenario ..`",
            );
        }
        let organisation = &inputs.map.organisation;
        let zone = TimeZone::get(&organisation.timezone).unwrap_or_else(|_| {
            problems.error(
                Place { key: "organisation.timezone".into(), ..Place::default() },
                format!("`{}` is not a time zone known here", organisation.timezone),
                "write an IANA name, as in `timezone = \"America/New_York\"`",
            );
            TimeZone::UTC
        });
        if problems.is_fatal() {
            return Err(problems);
        }
        let horizon = scenario.horizon.unwrap_or(HORIZON);
        let plan = when::plan(scenario.when, inputs.as_of, &zone, |today| {
            reach::first_expiry(inputs.map, scenario, today)
        });
        let days = i32::try_from(horizon.as_ms() / 86_400_000).unwrap_or(i32::MAX).min(4000) + 60;
        let frame =
            Frame { zone, first: plan.first_day, days, holidays: organisation.holidays.clone() };
        let mut purposes = Purposes::default();
        let mut correlation = organisation.bad_day.map_or(BAD_DAY, |share| share.get());
        for scenario in inputs.modifiers.iter().chain([scenario]).filter_map(|s| s.bad_day) {
            correlation = scenario.get();
        }
        let mut compiler = Self {
            index: inputs.map.components.keys().zip(0..).collect(),
            model: Model {
                nodes: Vec::new(),
                edges: Vec::new(),
                draws: 0,
                steps: Vec::new(),
                phases: Vec::new(),
                crews: Vec::new(),
                people: Vec::new(),
                quorums: Vec::new(),
                vendors: Vec::new(),
                pools: Vec::new(),
                calendars: Vec::new(),
                workday_ends: when::workday_ends(&frame),
                midnights: when::midnights(&frame),
                links: Vec::new(),
                copies: Vec::new(),
                datasets: Vec::new(),
                strikes: Vec::new(),
                functions: Vec::new(),
                start: plan.start,
                start_key: purposes.of("", "strike", "when"),
                dwell: None,
                bad_day: correlation,
                bad_day_key: purposes.of("", "bad-day", ""),
                horizon: horizon.as_ms(),
                overtime_per_hour: minor(organisation.overtime_per_hour.unwrap_or(0.0)),
                lean: Lean::default(),
                lapses: Vec::new(),
                reinfected: 0,
                names: Names::default(),
            },
            inputs,
            tables,
            purposes,
            frame,
            figures: Vec::new(),
            notes: Vec::new(),
            problems,
            calendars: BTreeMap::new(),
            step_names: HashMap::new(),
            skilled: HashMap::new(),
            absent: Vec::new(),
            near_as_of: plan.near_as_of,
            tonight: tonight::Tonight::gather(inputs.evidence, inputs.as_of),
            lead_times: inputs
                .modifiers
                .iter()
                .chain([scenario])
                .filter_map(|scenario| scenario.lead_times)
                .product(),
            restores_work: inputs
                .modifiers
                .iter()
                .chain([scenario])
                .find_map(|scenario| scenario.restore_success)
                .map(|share| share.get()),
        };
        compiler.absent = compiler.absentees();
        compiler.model.dwell = compiler.dwell();
        Ok(compiler)
    }

    fn dwell(&mut self) -> Option<Draw> {
        let scenario = self.inputs.scenario;
        let law = scenario.dwell.as_ref()?;
        self.figures.push(InputFigure {
            key: "scenario.dwell".into(),
            component: None,
            group: "The event".into(),
            value: format!("an intruder was inside for {}", crate::words::law(law)),
            provenance: Provenance::Default,
            source: scenario.source.clone().unwrap_or_else(|| "the scenario".into()),
        });
        Some(self.draw("", "dwell", "dwell", law, false))
    }

    /// What waits for itself is said before any trial: recoveries, and systems
    /// that need each other to run and can all go down.
    fn note_cycles(&mut self) {
        let map = self.inputs.map;
        for cycle in evenkeel_config::graph::recovery_cycles(map) {
            let titles = self.titles(&cycle);
            self.notes.push(format!(
                "the recovery of {titles} waits for itself; a step that can start without it is \
                 marked `break_glass = true`"
            ));
        }
        let falling = self.falling();
        for cycle in evenkeel_config::graph::run_cycles(map) {
            let falls = |id: &Id| self.node(id).is_some_and(|node| falling[node as usize]);
            if cycle.iter().any(falls) {
                let titles = self.titles(&cycle);
                self.notes.push(format!(
                    "{titles} need each other to run, so once they are down none of them starts; a \
                     step that starts one without the others is marked `break_glass = true`"
                ));
            }
        }
    }

    fn titles(&self, ids: &[Id]) -> String {
        let nodes = ids.iter().filter_map(|id| self.node(id));
        let titles: Vec<&str> =
            nodes.map(|node| self.model.names.titles[node as usize].as_str()).collect();
        titles.join(" and ")
    }

    /// Whatever a strike can take down, itself or through what it needs.
    fn falling(&self) -> Vec<bool> {
        let nodes = &self.model.nodes;
        let mut falling = vec![false; nodes.len()];
        let targets = self.model.strikes.iter().flat_map(|strike| &strike.targets);
        let mut stack: Vec<u32> = targets.map(|target| target.node).collect();
        while let Some(node) = stack.pop() {
            if !std::mem::replace(&mut falling[node as usize], true) {
                let held = nodes[node as usize].held_edges.iter();
                let held = held.map(|edge| self.model.edges[*edge as usize].from);
                stack.extend(nodes[node as usize].dependents.iter().copied().chain(held));
            }
        }
        falling
    }

    fn finish(mut self) -> Result<Compiled, Problems> {
        if let Some((one, other)) = self.purposes.collision() {
            let what = format!("the random keys of `{one}` and `{other}` are the same by chance");
            self.problems.error(Place::default(), what, "rename one of the two steps");
        }
        if self.problems.is_fatal() {
            self.problems.sort();
            return Err(self.problems);
        }
        self.lean();
        self.notes.sort();
        self.notes.dedup();
        self.figures.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Compiled { model: self.model, inputs: self.figures, notes: self.notes })
    }

    fn node(&self, id: &Id) -> Option<u32> {
        self.index.get(id).copied()
    }

    fn draw(
        &mut self,
        component: &str,
        step: &str,
        law_name: &str,
        law: &evenkeel_config::law::Law,
        bad_day: bool,
    ) -> Draw {
        let purpose = self.purposes.of(component, step, law_name);
        let slot = self.model.draws;
        self.model.draws += 1;
        Draw { sampler: self.tables.sampler(law), purpose, bad_day, slot }
    }

    fn step_name(&mut self, name: &str) -> u32 {
        if let Some(index) = self.step_names.get(name) {
            return *index;
        }
        let index = self.model.names.steps.len() as u32;
        self.model.names.steps.push(name.to_owned());
        self.step_names.insert(name.to_owned(), index);
        index
    }

    /// The number of a calendar, made once for equal hours and absences.
    fn calendar(
        &mut self,
        hours: &[&Hours],
        leave: &[(jiff::civil::Date, jiff::civil::Date)],
    ) -> u32 {
        let name =
            format!("{:?} {leave:?}", hours.iter().map(ToString::to_string).collect::<Vec<_>>());
        if let Some(index) = self.calendars.get(&name) {
            return *index;
        }
        let away = |day| leave.iter().any(|(from, to)| (*from..=*to).contains(&day));
        let calendar = Calendar::new(&self.frame, hours, &away);
        self.model.calendars.push(calendar);
        let index = self.model.calendars.len() as u32 - 1;
        self.calendars.insert(name, index);
        index
    }

    fn figure(
        &mut self,
        key: String,
        component: &Id,
        group: &str,
        value: String,
        provenance: Provenance,
        source: impl Into<String>,
    ) {
        self.figures.push(InputFigure {
            key,
            component: Some(component.clone()),
            group: group.into(),
            value,
            provenance,
            source: source.into(),
        });
    }

    /// The people whom the scenario and its modifiers take away.
    fn absentees(&mut self) -> Vec<Id> {
        let map = self.inputs.map;
        let mut absent = Vec::new();
        for scenario in self.inputs.modifiers.iter().chain([self.inputs.scenario]) {
            for name in &scenario.away {
                let person = if name == "main" {
                    people::main_person(map)
                } else {
                    map.components.keys().find(|id| id.as_str() == name).cloned()
                };
                match person {
                    Some(person) => absent.push(person),
                    None if name == "main" => self.notes.push(
                        "nobody is away: no recovery step on this map hangs on one person".into(),
                    ),
                    None => self.problems.error(
                        Place {
                            file: format!("{}.toml", scenario.id),
                            key: "away".into(),
                            ..Place::default()
                        },
                        format!("`{name}` is nobody on this map"),
                        "write the id of a person or team, or `main`",
                    ),
                }
            }
        }
        absent
    }

    /// Strikes' and functions' shared view of what is a person or a team.
    fn is_human(kind: Kind) -> bool {
        matches!(kind, Kind::Person | Kind::Team)
    }

    fn fleet(details: &Details) -> Option<(u32, f64)> {
        match details {
            Details::Fleet(fleet) => Some((fleet.count.max(1), fleet.usable_at.get())),
            _ => None,
        }
    }
}

/// Money in minor units (cents).
pub(crate) fn minor(amount: f64) -> i64 {
    libm::rint(amount * 100.0) as i64
}

/// A share in millionths.
pub(crate) fn millionths(share: f64) -> i32 {
    libm::rint(share.clamp(0.0, 1.0) * f64::from(ONE)) as i32
}

/// The instants at which a start can fall, first and last.
pub(crate) fn start_range(start: &Start) -> (i64, i64) {
    match start {
        Start::At(at) => (*at, *at),
        Start::Between(from, to) => (*from, *to),
    }
}
