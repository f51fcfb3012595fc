//! The simulator through its public interface: exact cases, properties, program.
#![expect(clippy::disallowed_methods, reason = "exact answers are computed by other means")]

mod alternatives;
mod annual;
mod answers;
mod behaviour;
mod calibration;
mod cases;
mod cases_order;
mod cases_rework;
mod cases_supplies;
mod crews;
mod drilled;
mod drills;
mod drills_value;
mod exercises;
mod many;
mod nights;
mod paths;
mod paths_examples;
mod portfolios;
mod program;
mod properties;
mod refusals;
mod restores;
mod samplers;
mod shards;
mod states;
mod steady;
mod structure;
mod structure_random;
mod support;
