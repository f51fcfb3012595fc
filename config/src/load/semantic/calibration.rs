//! How facts are to be read: priors above zero, half-lives that are none.
use super::Judge;
use crate::quantity::Span;

pub(super) fn check(judge: &mut Judge<'_>) {
    let settings = &judge.map.calibration;
    for (index, weight) in settings.success_prior.into_iter().enumerate() {
        if !(0.01..=10_000.0).contains(&weight) {
            judge.error(
                &format!("calibration.success_prior[{index}]"),
                format!("a prior of {weight} drills says nothing"),
                "write two weights from 0.01 to 10000, as in `success_prior = [1.4, 0.6]`",
            );
        }
    }
    let lives = [
        ("success_half_life", settings.success_half_life),
        ("speed_half_life", settings.speed_half_life),
    ];
    for (key, span) in lives {
        if span < Span::from_hours(1) {
            judge.error(
                &format!("calibration.{key}"),
                "facts would be worth nothing within the hour",
                format!("write at least an hour, as in `{key} = \"180d\"`"),
            );
        }
    }
}
