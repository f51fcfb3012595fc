//! How facts become figures: what is believed before any fact, and how fast facts fade.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::Span;

/// The table `[calibration]` of a map. Every key has a default; a person who
/// knows their own house better states another.
///
/// ```toml
/// [calibration]
/// success_prior = [1.4, 0.6]
/// success_half_life = "180d"
/// success_apart = "7d"
/// speed_half_life = "90d"
/// speed_sigma = 0.2
/// speed_weight = 1
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Calibration {
    /// Restores believed to have worked and failed before any drill: a Beta law.
    /// `[1.4, 0.6]` unless stated: mean 0.7, worth two drills (Veeam 2021: 58 %
    /// of recoveries fail; At-Bay 2024: 31 % of ransomware victims could not
    /// recover from backup; loose definitions, hence the low weight).
    #[serde(skip_serializing_if = "is_success_prior")]
    pub success_prior: [f64; 2],
    /// Age at which a drill counts half for the chance that restores work;
    /// `180d` unless stated (our assumption, 2026).
    #[serde(skip_serializing_if = "is_success_half_life")]
    pub success_half_life: Span,
    /// Drills of one repository that are closer together than this count as one
    /// for the chance that restores work, each for its part: same key, same line;
    /// `7d` unless stated (our assumption, 2026).
    #[serde(skip_serializing_if = "is_success_apart")]
    pub success_apart: Span,
    /// Age at which a drill counts half for the speed of restores; `90d` unless
    /// stated (our assumption, 2026: data and lines grow faster than procedures change).
    #[serde(skip_serializing_if = "is_speed_half_life")]
    pub speed_half_life: Span,
    /// Spread of the logarithm of a restore's speed that is believed before any
    /// drill; 0.2 unless stated, so that one restore in ten takes 1.3 times as
    /// long as usual (our recordings of 2026: 0.05 on a quiet machine, 0.35 on one
    /// with twelve waiting for two cores).
    #[serde(skip_serializing_if = "is_speed_sigma")]
    #[schemars(range(min = 0.0, max = 3.0))]
    pub speed_sigma: f64,
    /// How many drills that spread is worth; 1 unless stated, so that a few
    /// drills narrow or widen it to what they show (our assumption, 2026). With
    /// 0 the drills speak alone, and at least two are needed.
    #[serde(skip_serializing_if = "is_speed_weight")]
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub speed_weight: f64,
}

const SUCCESS_PRIOR: [f64; 2] = [1.4, 0.6];
const SUCCESS_HALF_LIFE: Span = Span::from_hours(180 * 24);
const SUCCESS_APART: Span = Span::from_hours(7 * 24);
const SPEED_HALF_LIFE: Span = Span::from_hours(90 * 24);
const SPEED_SIGMA: f64 = 0.2;
const SPEED_WEIGHT: f64 = 1.0;

impl Default for Calibration {
    fn default() -> Self {
        Self {
            success_prior: SUCCESS_PRIOR,
            success_half_life: SUCCESS_HALF_LIFE,
            success_apart: SUCCESS_APART,
            speed_half_life: SPEED_HALF_LIFE,
            speed_sigma: SPEED_SIGMA,
            speed_weight: SPEED_WEIGHT,
        }
    }
}

impl Calibration {
    /// Whether nothing is stated.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

fn is_success_prior(prior: &[f64; 2]) -> bool {
    *prior == SUCCESS_PRIOR
}

fn is_success_half_life(span: &Span) -> bool {
    *span == SUCCESS_HALF_LIFE
}

fn is_success_apart(span: &Span) -> bool {
    *span == SUCCESS_APART
}

fn is_speed_half_life(span: &Span) -> bool {
    *span == SPEED_HALF_LIFE
}

fn is_speed_sigma(sigma: &f64) -> bool {
    *sigma == SPEED_SIGMA
}

fn is_speed_weight(weight: &f64) -> bool {
    *weight == SPEED_WEIGHT
}
