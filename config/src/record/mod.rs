//! Documents that programs write and exchange; readers ignore fields they do not know.
mod about;
mod annual;
mod comparison;
mod copies;
mod drill;
mod drill_plan;
mod evidence;
mod exercise;
mod explanation;
mod finding;
mod portfolio;
mod promises;
mod recorded_map;
mod script_report;
mod structure;
mod summary;

pub use about::About;
pub use annual::{
    AnnualCost, AnnualEvent, AnnualFunction, AnnualQuantile, AnnualSummary, Band, Exceedance,
    LeftOut, MoneyBand, SteadyFunction,
};
pub use comparison::{
    ChanceChange, Change, Comparison, FunctionChange, MeanChange, Reversal, TimeChange,
    VariantEffect,
};
pub use copies::{Aspect, AspectState, CopyFacts, CopyState, Grade, SnapshotFact, Verdict};
pub use drill::{DrillFacts, DrillLevel, RestorePath, TimedRestore, damaged_part};
pub use drill_plan::{DrillEffect, DrillKind, DrillOutcome, DrillPlan, DrillValue};
pub use evidence::{Evidence, EvidenceSet, Failure, FailureKind, Observation, Outcome, Value};
pub use exercise::{
    DiscussionQuestion, Exercise, ExerciseModule, ExerciseObjective, Expectation, Inject, Situation,
};
pub use explanation::{
    CapacityStep, EventKind, Explanation, FunctionNight, StopgapWindow, TimelineEvent,
};
pub use finding::{Finding, Status};
pub use portfolio::{
    Contribution, FixWorth, Objective, Per, Portfolio, Search, SearchMethod, SetAside, SetWorth,
    Stability, WeightsFrom, Winner,
};
pub use promises::{
    FunctionPromise, Promise, Promises, ScenarioPromise, WorstChance, WorstQuantile,
};
pub use recorded_map::{RecordedEdge, RecordedMap, RecordedNode, Relation, Seen};
pub use script_report::{ScriptGroup, ScriptReport, ScriptSnapshot};
pub use structure::{
    CutSet, Failing, FunctionStructure, Importance, Named, Part, SinglePerson, SingleStep,
    Structure, StructureFigures,
};
pub use summary::{
    Cause, Chance, CurvePoint, DatasetSummary, Elapsed, FixEffect, FixSummary, FunctionSummary,
    HoursShare, InputFigure, MoneyQuantile, NeverReason, Night, Precision, Quantile, ScenarioName,
    Segment, Summary, WorkaroundSummary,
};

/// Version of every recorded document; raised when a field changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;
