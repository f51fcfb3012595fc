//! How often a component is down by itself, year in, year out: availability, or the times behind it.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::Common;
use crate::quantity::{Share, Span};

/// What fails members of a group together, beyond what the map shows: the same
/// firmware, the same batch, the same hand that sets them up (a beta factor).
///
/// Of each member's unavailability Q, `beta * Q` is shared by the whole group
/// and `(1 - beta) * Q` is its own, as in SCRAM's `beta-factor` model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommonCause {
    /// The group; its members carry the same word.
    pub group: String,
    /// Share of each member's unavailability that the whole group has in common.
    pub beta: Share,
}

/// Mean times between and to repair of one component, both stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepairTimes {
    /// Mean time it works from one repair to the next failure.
    pub mtbf: Span,
    /// Mean time from a failure until it works again.
    pub mttr: Span,
}

impl Common {
    /// The mean times behind its failures, when the map states both.
    pub fn repair_times(&self) -> Option<RepairTimes> {
        Some(RepairTimes { mtbf: self.mtbf?, mttr: self.mttr? })
    }

    /// Share of time in which it is down by itself: `1 - availability`, or
    /// `mttr / (mtbf + mttr)`. `None` when the map states neither.
    pub fn unavailability(&self) -> Option<f64> {
        if let Some(availability) = self.availability {
            return Some(1.0 - availability.get());
        }
        let times = self.repair_times()?;
        let (up, down) = (times.mtbf.as_ms() as f64, times.mttr.as_ms() as f64);
        (up + down > 0.0).then(|| down / (up + down))
    }
}
