//! A restore that people did: recorded like a drill, without running anything.
use std::sync::Arc;

use evenkeel_config::record::{Evidence, Failure, FailureKind, Finding};
use jiff::Timestamp;

use super::{KIND, name_of};
use crate::checks::{Check, Facts, Look};
use crate::plan::Configured;

/// What a drill by hand of a check is recorded as.
pub fn by_hand(check: &Configured) -> Configured {
    let beside = check.beside(&KIND, name_of(&check.entry.name), Arc::new(ByHand));
    Configured { every: super::run::UNSCHEDULED, ..beside }
}

struct ByHand;

#[async_trait::async_trait]
impl Check for ByHand {
    async fn observe(&self, _: &Look) -> Result<Facts, Failure> {
        Err(Failure {
            kind: FailureKind::Internal,
            what: "a restore by hand is recorded, not run".to_owned(),
            advice: "record it with `evenkeel-agent drill NAME --by-hand worked`".to_owned(),
        })
    }

    fn judge(&self, facts: &Facts, _: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let failed = facts.drills.iter().filter(|drill| !drill.worked);
        let finding = |drill: &evenkeel_config::record::DrillFacts| {
            let why = if drill.why.is_empty() { "no reason was given" } else { &drill.why };
            let what = format!("a restore by hand did not work: {why}");
            KIND.finding("drill_failed", &drill.copy, "", what, now)
        };
        failed.map(finding).collect()
    }
}
