//! A map, a scenario and their figures, compiled to dense indices: what a trial runs on.
//!
//! Components are numbered in the order of their ids, so the order of the map's
//! files does not matter. Strings live in [`Names`], which no trial reads.
mod lean;

use std::sync::Arc;

use evenkeel_config::id::Id;
use evenkeel_config::map::{Kind, OnFailure, Sharing};
use evenkeel_config::provenance::Provenance;
use evenkeel_config::scenario::{Along, Effect, Pick};

use crate::calendar::Calendar;
use crate::draw::{Sampler, Table};
use crate::key::Purpose;

use crate::student::Student;
pub use lean::{Lean, flag, step_flag};

/// Full capacity, in millionths.
pub const ONE: i32 = 1_000_000;
/// No component, no step.
pub const NONE: u32 = u32::MAX;
/// Never, above all times.
pub const NEVER: i64 = i64::MAX;

/// A law and what it is drawn for.
#[derive(Debug, Clone)]
pub struct Draw {
    /// The law.
    pub sampler: Sampler,
    /// Its key.
    pub purpose: Purpose,
    /// Whether the bad-day factor applies: hands-on effort and restore speed only.
    pub bad_day: bool,
    /// Its place in a dense array of draws, below [`Model::draws`].
    pub slot: u32,
}

/// A dependency on a component, numbered over the whole map.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Who needs.
    pub from: u32,
    /// Who is needed.
    pub to: u32,
    /// How long the loss goes unnoticed, in milliseconds.
    pub hold_up: i64,
    /// Capacity that does not hang on it: 1 - share.
    pub floor: i32,
    /// Both ends need each other to run, so a break-glass start ignores it.
    pub in_cycle: bool,
}

impl Edge {
    /// Whether its supplier's capacity counts just as it is now.
    pub fn is_plain(&self) -> bool {
        self.hold_up <= 0 && self.floor == 0 && !self.in_cycle
    }
}

/// What is needed, as a tree over edges.
#[derive(Debug, Clone)]
pub enum Expr {
    /// One edge.
    Edge(u32),
    /// The smallest part counts.
    All(Vec<Expr>),
    /// The largest part counts.
    Any(Vec<Expr>),
    /// The k-th largest part counts.
    AtLeast(usize, Vec<Expr>),
}

/// One component.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its kind.
    pub kind: Kind,
    /// Site, power, and what it runs and is stored on.
    pub foundations: Vec<u32>,
    /// What takes it along when lost: what it runs and is stored on.
    pub stands_on: Vec<u32>,
    /// What it needs to run.
    pub needs: Vec<Expr>,
    /// Who is re-evaluated when it changes.
    pub dependents: Vec<u32>,
    /// Edges to it that notice its loss late.
    pub held_edges: Vec<u32>,
    /// Start-up time.
    pub start: Option<Draw>,
    /// Fail-over.
    pub failover: Option<Failover>,
    /// Steps when lost, when down, when suspect.
    pub recover: Vec<u32>,
    /// Steps when down.
    pub repair: Vec<u32>,
    /// Steps when suspect.
    pub clear: Vec<u32>,
    /// Members and the share at which it is usable, for fleets.
    pub fleet: Option<(u32, f64)>,
    /// Index into [`Model::datasets`].
    pub dataset: Option<u32>,
    /// Index into [`Model::copies`].
    pub copy: Option<u32>,
    /// How long it feeds its load once the mains fail, for power.
    pub runtime: i64,
    /// Who is served first when people are short.
    pub rank: u32,
    /// Whether it is lost together with what it stands on.
    pub falls_along: bool,
    /// Taken away by the scenario, for people and teams.
    pub absent: bool,
    /// Its recovery begins once those of all in any one of these lists are over.
    pub behind: Vec<Vec<u32>>,
}

/// A fail-over.
#[derive(Debug, Clone)]
pub struct Failover {
    /// What takes over.
    pub to: Option<u32>,
    /// The switch, as a step.
    pub step: u32,
    /// Capacity while failed over.
    pub capacity: i32,
    /// Chance that it works.
    pub success: f64,
    /// Key of that chance.
    pub purpose: Purpose,
    /// Recovery goes on beside it.
    pub parallel: bool,
}

/// Who does a step.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Crew {
    /// Candidates, best first: fewest skills, then id.
    pub candidates: Vec<u32>,
    /// Stand-ins, asked only while all candidates are away.
    pub deputies: Vec<u32>,
    /// How many at once.
    pub heads: usize,
    /// Overtime is allowed.
    pub overtime: bool,
    /// Which of the distinct crews it is, an index into [`Model::crews`].
    pub class: u32,
}

/// One step of recovery (or a phase before it, or a fail-over).
#[derive(Debug, Clone)]
pub struct Step {
    /// Whose step, for display and order.
    pub owner: u32,
    /// Index into [`Names::steps`].
    pub name: u32,
    /// What the hands-on or elapsed time is called in the chain.
    pub cause: u8,
    /// Hands-on work.
    pub effort: Option<Draw>,
    /// Elapsed time afterwards.
    pub wait: Option<Draw>,
    /// Time until ordered things are at hand.
    pub lead: Option<Draw>,
    /// A spare from stock, as an index into [`Model::pools`].
    pub spare: Option<u32>,
    /// How long the order takes that replaces the spare.
    pub order: Option<Draw>,
    /// Index into [`Model::vendors`].
    pub vendor: Option<u32>,
    /// Who does it; `None`: nobody is needed.
    pub crew: Option<Crew>,
    /// Whose data is restored.
    pub dataset: Option<u32>,
    /// Entering it again when no copy is usable.
    pub reentry: Option<Draw>,
    /// A copy that is not clean will do when no other is left.
    pub unclean: bool,
    /// People stay with the restore.
    pub attended: bool,
    /// What must physically stand.
    pub ground: Vec<u32>,
    /// What must be up or at hand.
    pub gates: Vec<Expr>,
    /// Chance that it works.
    pub success: f64,
    /// Key of that chance.
    pub success_key: Purpose,
    /// Chance that it is needed at all, for phases.
    pub probability: f64,
    /// What follows a failure.
    pub on_failure: OnFailure,
    /// A start without the usual prerequisites.
    pub break_glass: bool,
    /// Done for each member of a fleet.
    pub each: bool,
    /// Money spent, in minor units.
    pub cost: i64,
    /// How its figures are known.
    pub provenance: Provenance,
    /// Smaller is served first when people are short; by the dispatch rule.
    pub rank: i64,
}

/// Somebody who can work: a person, one member of a team, one engineer of a vendor.
#[derive(Debug, Clone)]
pub struct Person {
    /// The component.
    pub node: u32,
    /// Index into [`Model::calendars`].
    pub hours: u32,
    /// Hours when overtime is allowed.
    pub overtime: u32,
    /// Most hands-on milliseconds in a local day.
    pub fatigue: Option<i64>,
    /// Chance to be away, for how long, with their keys.
    pub away: f64,
    /// Key of being away.
    pub away_key: Purpose,
    /// How long, if stated; else 1 to 10 working days.
    pub away_for: Option<Draw>,
    /// Key of the number of working days.
    pub days_key: Purpose,
    /// Away for the whole event, by the scenario.
    pub absent: bool,
    /// Declared days away, from and to in milliseconds since 1970.
    pub leave: Vec<(i64, i64)>,
}

/// An outside party that is waited for.
#[derive(Debug, Clone)]
pub struct Vendor {
    /// The component.
    pub node: u32,
    /// Time until somebody works on it: as observed, else as promised.
    pub response: Option<Draw>,
    /// What the contract promises, in milliseconds.
    pub promised: Option<i64>,
    /// Index into [`Model::calendars`].
    pub hours: u32,
    /// Cost of an hour, in minor units.
    pub per_hour: i64,
}

/// Spare parts in stock; each use orders one (base-stock policy).
#[derive(Debug, Clone)]
pub struct Pool {
    /// The component.
    pub node: u32,
    /// Pieces in stock when no order is open.
    pub stock: u32,
    /// Demand before the strike, if stated.
    pub demand: Option<Demand>,
}

/// Demand for spare parts in normal times.
#[derive(Debug, Clone)]
pub struct Demand {
    /// Time between two uses, counted back from the strike.
    pub gap: Draw,
    /// How long each order takes.
    pub lead: Draw,
    /// Orders older than this have arrived.
    pub longest: i64,
}

/// A link that restores share.
#[derive(Debug, Clone)]
pub struct Link {
    /// The component.
    pub node: u32,
    /// Bytes a millisecond; infinite when not stated.
    pub bandwidth: f64,
    /// How it is shared.
    pub sharing: Sharing,
}

/// A backup repository.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The component.
    pub node: u32,
    /// Indices into [`Model::links`].
    pub links: Vec<u32>,
    /// Time before the first byte.
    pub overhead: Option<Draw>,
    /// Bytes a millisecond when alone.
    pub speed: f64,
    /// Milliseconds that each file adds.
    pub per_file: f64,
    /// Scale of the logarithm of the speed.
    pub sigma: f64,
    /// Its law where few drills show it; a normal law without.
    pub student: Option<Arc<Student>>,
    /// What is known of the chance that restores from it work: Beta(a, b).
    pub weights: (f64, f64),
    /// Quantiles of that law; `None` when a weight is 0 and the chance certain.
    pub chance: Option<Arc<Table>>,
    /// Key of the chance, drawn once in each trial.
    pub chance_key: Purpose,
    /// Key of whether they work, given the chance.
    pub works_key: Purpose,
    /// Chance that one snapshot is damaged.
    pub damaged: f64,
}

impl Copy {
    /// How many times as long as usual a restore takes whose luck is `z`, a
    /// standard normal number.
    pub fn slowness(&self, z: f64) -> f64 {
        let luck = self.student.as_ref().map_or(z, |law| law.at(z));
        libm::exp(self.sigma * luck)
    }
}

/// How long restores of one data set from one repository take, as drills show it:
/// the logarithm follows Student's law.
#[derive(Debug, Clone)]
pub struct RestoreTimes {
    /// Median, milliseconds.
    pub median: f64,
    /// Scale of the logarithm.
    pub sigma: f64,
    /// The law.
    pub student: Arc<Student>,
}

impl RestoreTimes {
    /// Milliseconds of a restore whose luck is `z`, a standard normal number.
    pub fn at(&self, z: f64) -> f64 {
        self.median * libm::exp(self.sigma * self.student.at(z))
    }
}

/// Data.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The component.
    pub node: u32,
    /// Bytes to restore.
    pub bytes: f64,
    /// Files to restore; 0 when not stated.
    pub files: f64,
    /// How long after a restore from an unclean snapshot the intruder is at
    /// work again; `None`: at once.
    pub reinfection: Option<Draw>,
    /// Its backup chains.
    pub chains: Vec<Chain>,
    /// The steps that bring it back when no other component's recovery does.
    pub own_steps: Vec<u32>,
    /// Steps of other components that restore it.
    pub named_by: Vec<u32>,
}

/// One chain of snapshots in one repository.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Index into [`Model::copies`].
    pub copy: u32,
    /// Between jobs.
    pub every: i64,
    /// How long a snapshot is kept.
    pub keep: i64,
    /// Cannot be deleted before.
    pub immutable: bool,
    /// Chance that a job works.
    pub job_success: f64,
    /// Key of a job's success.
    pub job_key: Purpose,
    /// Key of the phase, where no times are known.
    pub phase_key: Purpose,
    /// Key of damage to one snapshot.
    pub damage_key: Purpose,
    /// Key of the speed of one restore.
    pub speed_key: Purpose,
    /// How long its restores take, where drills measured it.
    pub measured: Option<RestoreTimes>,
    /// Start times in milliseconds since 1970, rising; empty: unknown phase.
    pub times: Vec<i64>,
    /// The first of `times` that is expected rather than observed.
    pub expected_from: usize,
    /// When the observed ones of `times` were finished.
    pub ends: Vec<i64>,
    /// How long a job takes of which no end was seen.
    pub lasts: i64,
    /// Stands at the same site as the data.
    pub near: bool,
}

/// One component a strike can reach.
#[derive(Debug, Clone)]
pub struct Target {
    /// The component.
    pub node: u32,
    /// Key of being hit.
    pub hit_key: Purpose,
    /// Key of how long it lasts.
    pub lasts_key: Purpose,
}

/// One blow.
#[derive(Debug, Clone)]
pub struct Strike {
    /// Index into [`Names::steps`].
    pub name: u32,
    /// Whom it can reach.
    pub targets: Vec<Target>,
    /// Which of them.
    pub pick: Pick,
    /// Chance.
    pub probability: f64,
    /// Key of the common draw, if one draw decides for all.
    pub together: Option<Purpose>,
    /// What becomes of them.
    pub effect: Effect,
    /// Capacity left when degraded.
    pub capacity: i32,
    /// Ends by itself.
    pub lasts: Option<Sampler>,
    /// Starts later.
    pub after: Option<Draw>,
    /// Spares what cannot be deleted.
    pub spares_immutable: bool,
    /// How it goes on.
    pub spread: Option<Spread>,
}

/// How a strike goes on.
#[derive(Debug, Clone)]
pub struct Spread {
    /// Along which edges; kept for notes.
    pub along: Along,
    /// Chance of one edge.
    pub probability: f64,
    /// Time for one hop.
    pub hop: Sampler,
    /// Edges as (from, to, open key, hop key), sorted by `from`.
    pub edges: Vec<(u32, u32, Purpose, Purpose)>,
}

/// When the strike falls.
#[derive(Debug, Clone)]
pub enum Start {
    /// At one instant.
    At(i64),
    /// Uniform between two.
    Between(i64, i64),
}

/// A stopgap.
#[derive(Debug, Clone, Copy)]
pub struct Workaround {
    /// Capacity it gives.
    pub capacity: i32,
    /// From the fall to its start.
    pub after: i64,
    /// How long it holds.
    pub lasts: i64,
    /// The pseudo component that stands for its needs.
    pub node: u32,
    /// Index into [`Names::steps`].
    pub name: u32,
}

/// A business function.
#[derive(Debug, Clone)]
pub struct Function {
    /// The component.
    pub node: u32,
    /// Capacity from which it counts as usable.
    pub minimum: i32,
    /// Speed of clearing the backlog.
    pub catch_up: f64,
    /// The stopgap.
    pub workaround: Option<Workaround>,
    /// (from milliseconds after the strike, minor units an hour, sum at once).
    pub loss: Vec<(i64, f64, i64)>,
    /// Hours in which it is wanted.
    pub demand: Calendar,
    /// Deadlines in milliseconds since 1970, rising.
    pub deadlines: Vec<i64>,
    /// Minor units lost at each missed one.
    pub deadline_loss: i64,
    /// No money.
    pub life_safety: bool,
    /// Recovery time objective in milliseconds.
    pub rto: Option<i64>,
    /// Data sets it needs to run, indices into [`Model::datasets`].
    pub datasets: Vec<u32>,
    /// Everything it needs to run, itself included, sorted.
    pub closure: Vec<u32>,
    /// Why it cannot be simulated.
    pub cannot: Option<String>,
}

/// Strings for display.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Ids of components.
    pub ids: Vec<Id>,
    /// Titles of components; a role for a person.
    pub titles: Vec<String>,
    /// Names of steps, phases, strikes and stopgaps.
    pub steps: Vec<String>,
}

/// Everything a trial needs.
#[derive(Debug, Clone)]
pub struct Model {
    /// Components, then one pseudo component per stopgap.
    pub nodes: Vec<Node>,
    /// Dependencies.
    pub edges: Vec<Edge>,
    /// How many [`Draw`]s there are.
    pub draws: u32,
    /// Steps.
    pub steps: Vec<Step>,
    /// The phases before recovery, in order.
    pub phases: Vec<u32>,
    /// The distinct crews of the steps.
    pub crews: Vec<Crew>,
    /// Who can work.
    pub people: Vec<Person>,
    /// Teams that work only when enough of them are present.
    pub quorums: Vec<Quorum>,
    /// Outside parties.
    pub vendors: Vec<Vendor>,
    /// Spare parts.
    pub pools: Vec<Pool>,
    /// Working hours.
    pub calendars: Vec<Calendar>,
    /// Ends of working days, for absences counted in working days.
    pub workday_ends: Vec<i64>,
    /// Local midnights, for fatigue.
    pub midnights: Vec<i64>,
    /// Shared links.
    pub links: Vec<Link>,
    /// Repositories.
    pub copies: Vec<Copy>,
    /// Data sets.
    pub datasets: Vec<Dataset>,
    /// Blows.
    pub strikes: Vec<Strike>,
    /// Functions, in the order of ids.
    pub functions: Vec<Function>,
    /// When it falls.
    pub start: Start,
    /// Key of that.
    pub start_key: Purpose,
    /// How long an intruder was inside.
    pub dwell: Option<Draw>,
    /// Bad-day correlation and its key.
    pub bad_day: f64,
    /// Key of the night's own luck.
    pub bad_day_key: Purpose,
    /// Later is never.
    pub horizon: i64,
    /// Minor units for one hour of overtime.
    pub overtime_per_hour: i64,
    /// What trials walk over most, packed; follows from the rest.
    pub lean: Lean,
    /// Dates that lapse, rising; only where the facts of the moment hold.
    pub lapses: Vec<Lapse>,
    /// Index into [`Names::steps`] of what comes after an unclean restore.
    pub reinfected: u32,
    /// Strings.
    pub names: Names,
}

/// A component that lapses on a date: a certificate, a domain, a licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lapse {
    /// Milliseconds since 1970.
    pub at: i64,
    /// The component.
    pub node: u32,
    /// Index into [`Names::steps`].
    pub name: u32,
}

/// Members of one team of whom some must be present for any to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum {
    /// Its members, as a range of [`Model::people`].
    pub members: (u32, u32),
    /// How many must be present.
    pub least: u32,
}
