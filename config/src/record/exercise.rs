//! A tabletop exercise made from one simulated night: situation, event list, questions, evaluation.
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Elapsed, ScenarioName};
use crate::id::Id;
use crate::provenance::Provenance;

/// An exercise. People appear by role unless the map shows names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exercise {
    /// See [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the simulator.
    pub engine_version: String,
    /// Digest of map, scenario and evidence.
    pub inputs_digest: String,
    /// Whose map.
    pub organisation: String,
    /// IANA time zone of all local times.
    pub timezone: String,
    /// The scenario.
    pub scenario: ScenarioName,
    /// The moment of the facts.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Seed.
    pub seed: u64,
    /// Number of nights among which this one was chosen.
    pub trials: u64,
    /// Which night: the number of its trial; with the seed it fixes the exercise.
    pub night: u64,
    /// Why this one: `likely`, `bad` or `number`.
    pub chosen: String,
    /// When it struck, by the organisation's clocks.
    pub strike_local: String,
    /// The function the exercise is about.
    pub function: Id,
    /// Its name on pages.
    pub title: String,
    /// What the players are told at the beginning.
    pub situation: Situation,
    /// What the exercise is to show.
    pub objectives: Vec<ExerciseObjective>,
    /// Who plays, by role.
    pub players: Vec<String>,
    /// The parts of the exercise.
    pub modules: Vec<ExerciseModule>,
    /// The event list, in order of simulated time.
    pub injects: Vec<Inject>,
    /// How many events of the night are not in the list.
    pub left_out: u64,
    /// What an evaluator holds the room's times against.
    pub evaluation: Vec<Expectation>,
    /// How measured times are written back.
    pub write_back: Vec<String>,
    /// What the facilitator must know.
    pub notes: Vec<String>,
}

/// The situation at the beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Situation {
    /// What happens, as the scenario tells it.
    pub story: String,
    /// What is known at time zero, one sentence each.
    pub known: Vec<String>,
    /// What nobody knows yet.
    pub unknown: Vec<String>,
}

/// One objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExerciseObjective {
    /// Its number, from 1.
    pub number: u32,
    /// What is to be shown.
    pub text: String,
    /// The outcome of NIST CSF 2.0 it belongs to.
    pub capability: String,
}

/// One part of the exercise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExerciseModule {
    /// Its number, from 1.
    pub number: u32,
    /// Its name.
    pub title: String,
    /// What it is about.
    pub purpose: String,
}

/// One event that the facilitator brings in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inject {
    /// Its number, from 1.
    pub number: u32,
    /// Simulated time in milliseconds since the strike.
    pub at_ms: i64,
    /// The same by the organisation's clocks.
    pub local: String,
    /// The module.
    pub module: u32,
    /// What the players are told.
    pub text: String,
    /// From whom it comes.
    pub from: String,
    /// To whom it goes.
    pub to: String,
    /// What a good answer does.
    pub expected: String,
    /// The objective it serves.
    pub objective: u32,
    /// For the discussion.
    pub questions: Vec<DiscussionQuestion>,
    /// Components it is about.
    pub components: Vec<Id>,
    /// Whether the function waited for just this in the simulated night.
    pub blocking: bool,
    /// Taken from the simulated night; otherwise a standard one.
    pub simulated: bool,
}

/// One question, with what the map says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiscussionQuestion {
    /// The question.
    pub ask: String,
    /// For the facilitator: the map's answer, or that it has none.
    pub map_says: String,
}

/// A time of the simulated night, to be held against the room's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expectation {
    /// What is timed.
    pub what: String,
    /// How long it took in the simulated night.
    pub expected: Elapsed,
    /// The objective set for it, if any.
    #[serde(default)]
    pub promised: Option<Elapsed>,
    /// How the figure behind it is known, if it is one figure.
    #[serde(default)]
    pub provenance: Option<Provenance>,
    /// Where a measured time is written back.
    pub write_back: String,
}
