//! Stopping when the answer is precise enough: judged on fixed numbers of trials, never on time.
use evenkeel_config::record::Precision;

use crate::model::{Model, NEVER};
use crate::run::Numbers;
use crate::tally::{Figure, Gathered, Ground};

/// The first number of trials that is judged; each further one is the double.
const FIRST: u64 = 1_000;

/// Runs until the 95 % interval around each function's bad night (P90) is at most
/// `asked` of it wide, judged after 1,000, 2,000, 4,000 and so on trials, or
/// until `most` trials.
pub(crate) fn until_precise(
    ground: Ground<'_>,
    asked: f64,
    most: u64,
    done: &(dyn Fn(u64) + Sync),
) -> (Gathered, Precision) {
    let mut before = 0;
    let mut goal = FIRST.min(most);
    let mut results = Gathered::Kept(crate::run::Runs::new(ground.model));
    loop {
        let numbers = Numbers { first: before, step: 1, count: goal - before };
        results.extend(ground, numbers, goal, &|now| done(before + now));
        let precision = judge(ground.model, &results, asked);
        if precision.reached || goal == most {
            return (results, Precision { most, ..precision });
        }
        before = goal;
        goal = (2 * goal).min(most);
    }
}

/// The widest interval of all functions.
fn judge(model: &Model, results: &Gathered, asked: f64) -> Precision {
    let simulated = model.functions.iter().enumerate().filter(|(_, f)| f.cannot.is_none());
    let widths = simulated.map(|(number, function)| {
        let width = results.spread(number, Figure::Usable).quantile(0.9).map_or(0.0, width);
        (width, &model.names.ids[function.node as usize])
    });
    // The first of the widest, by id: the order of a map changes nothing.
    let widest = widths.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)));
    let width = widest.map_or(0.0, |(width, _)| width);
    Precision {
        asked,
        most: results.trials(),
        reached: width <= asked,
        function: widest.map(|(_, id)| id.clone()),
        width: width.is_finite().then_some(width),
    }
}

/// The width of an interval as a share of the value; without end where it reaches never.
fn width([value, low, high]: [i64; 3]) -> f64 {
    match high - low {
        _ if high == NEVER => f64::INFINITY,
        0 => 0.0,
        _ if value <= 0 => f64::INFINITY,
        wide => wide as f64 / value as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_shares_of_the_value() {
        assert_eq!(width([100, 95, 105]), 0.1);
        assert_eq!(width([0, 0, 0]), 0.0);
        assert_eq!(width([7, 7, 7]), 0.0);
        assert_eq!(width([0, 0, 5]), f64::INFINITY);
        assert_eq!(width([100, 95, NEVER]), f64::INFINITY);
        assert_eq!(width([NEVER; 3]), f64::INFINITY);
    }
}
