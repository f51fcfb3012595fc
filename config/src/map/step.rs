//! One step of bringing a component back.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::need::Need;
use crate::id::Id;
use crate::law::Law;
use crate::quantity::Share;

/// A recovery step. Steps of a component run one after the other. Within a step
/// the order is: lead time or vendor response (nobody is held), hands-on effort
/// (people are held, their hours apply), restore of a data set, then `wait`
/// (elapsed time, people released).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryStep {
    /// What is done, in a few words; unique within the component.
    pub step: String,
    /// Hands-on work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<Law>,
    /// Elapsed time after the effort, with nobody held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Law>,
    /// Time until ordered hardware or a licence is at hand, by the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_time: Option<Law>,
    /// A spare from stock; `lead_time` of the spare applies when none is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spare: Option<Id>,
    /// A vendor whose response time is waited for, by the clock or its hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Id>,
    /// A skill that those who do it must have; anyone present with it will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// A named person or team; the person's deputy only if the person is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Id>,
    /// How many people at once; 1 unless stated.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub heads: u8,
    /// The data set that is restored from its best usable copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<Id>,
    /// How long it takes, by the clock, to enter the data again from paper or to
    /// collect it anew when no copy is usable; the component then comes back
    /// with the work of all that time lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reentry: Option<Law>,
    /// When no copy from before the intruder is left, a later one is restored:
    /// the intruder comes back with it, and the component has to be cleared.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unclean: bool,
    /// Whether people stay with the restore until it ends.
    #[serde(default, skip_serializing_if = "is_false")]
    pub attended: bool,
    /// What must be up or at hand before it starts, beyond the component's own
    /// `recover_needs`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// Chance that it works; 1 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Share>,
    /// What happens when it does not work; repeated until it does unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// Starts without the component's `recover_needs`: a printed password, a
    /// key in the safe. This is what breaks a recovery loop.
    #[serde(default, skip_serializing_if = "is_false")]
    pub break_glass: bool,
    /// Repeated for each of a fleet's members (`count` times the effort).
    #[serde(default, skip_serializing_if = "is_false")]
    pub each: bool,
    /// May be done outside normal hours, within the person's `overtime` window.
    #[serde(default, skip_serializing_if = "is_false")]
    pub overtime: bool,
    /// Money spent when the step is done, in the organisation's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub cost: Option<f64>,
}

/// What follows a step that did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The same step once more, with new luck.
    Retry,
    /// From the component's first step, with new luck.
    Restart,
    /// Go on to the next step without its result.
    Continue,
    /// The component does not come back.
    GiveUp,
}

impl RecoveryStep {
    /// A step with nothing but a name, to be filled in.
    pub fn named(step: impl Into<String>) -> Self {
        Self {
            step: step.into(),
            effort: None,
            wait: None,
            lead_time: None,
            spare: None,
            vendor: None,
            skill: None,
            who: None,
            heads: 1,
            dataset: None,
            reentry: None,
            unclean: false,
            attended: false,
            needs: Vec::new(),
            success: None,
            on_failure: None,
            break_glass: false,
            each: false,
            overtime: false,
            cost: None,
        }
    }
}

fn one() -> u8 {
    1
}

fn is_one(heads: &u8) -> bool {
    *heads == 1
}

fn is_false(flag: &bool) -> bool {
    !flag
}
