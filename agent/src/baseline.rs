//! What is usual for a figure, from its own history.

/// With fewer earlier values nothing is called unusual.
const FEWEST: usize = 7;

/// Only so many latest values count, so that slow growth stays usual.
const WINDOW: usize = 30;

/// How a value leaves the usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Jump {
    /// Less than half the median.
    Collapsed {
        /// The median of the history.
        usual: f64,
    },
    /// More than three times the median.
    Grown {
        /// The median of the history.
        usual: f64,
    },
}

/// Compares a value with its history, oldest first. The bounds, half and three
/// times the median of the last 30, are wide on purpose: they catch the missing
/// mount and the doubled tree, not the busy week.
pub(crate) fn jump(history: &[f64], value: f64) -> Option<Jump> {
    let usual = usual(history)?;
    if value < 0.5 * usual {
        Some(Jump::Collapsed { usual })
    } else if value > 3.0 * usual {
        Some(Jump::Grown { usual })
    } else {
        None
    }
}

/// The median of the latest values; `None` with too few of them, or when it is 0.
pub(crate) fn usual(history: &[f64]) -> Option<f64> {
    let mut latest: Vec<f64> =
        history.iter().rev().copied().filter(|value| value.is_finite()).take(WINDOW).collect();
    if latest.len() < FEWEST {
        return None;
    }
    latest.sort_by(f64::total_cmp);
    let middle = latest.len() / 2;
    let median = if latest.len() % 2 == 1 {
        latest[middle]
    } else {
        f64::midpoint(latest[middle - 1], latest[middle])
    };
    (median > 0.0).then_some(median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_seven_values_and_a_large_change() {
        let week = [100.0; 7];
        assert_eq!(jump(&week[..6], 1.0), None);
        assert_eq!(jump(&week, 49.0), Some(Jump::Collapsed { usual: 100.0 }));
        assert_eq!(jump(&week, 51.0), None);
        assert_eq!(jump(&week, 301.0), Some(Jump::Grown { usual: 100.0 }));
        assert_eq!(jump(&[0.0; 9], 5.0), None);
        assert_eq!(jump(&[f64::NAN; 9], 5.0), None);
    }

    #[test]
    fn only_the_latest_thirty_count() {
        let mut history = vec![1000.0; 100];
        history.extend([100.0; 30]);
        assert_eq!(jump(&history, 90.0), None);
    }
}
