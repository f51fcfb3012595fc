//! Axes: where a figure stands, in shares of the chart's width.

/// A labelled place on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Place, 0 to 1.
    pub at: f64,
    /// Its label.
    pub label: String,
}

const MINUTE: f64 = 60_000.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;
const WEEK: f64 = 7.0 * DAY;

/// How times are laid out on a chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Axis {
    /// From 1 min to 30 d, stretched by the logarithm.
    Log,
    /// From 0 to so many milliseconds.
    Linear(f64),
}

impl Axis {
    /// A linear axis from 0 to the first even end at or above `ms`: minutes up to
    /// 120, hours up to 48, days up to 56, then weeks.
    pub fn reaching(ms: f64) -> Self {
        let (unit, steps) = linear_steps(ms);
        Self::Linear((ms / (unit * steps)).ceil().max(1.0) * unit * steps)
    }

    /// The place of a time, 0 to 1.
    pub fn place(self, ms: f64) -> f64 {
        match self {
            Self::Log if ms <= MINUTE => 0.0,
            Self::Log => ((ms / MINUTE).log10() / 43_200_f64.log10()).min(1.0),
            Self::Linear(end) if end > 0.0 => (ms / end).clamp(0.0, 1.0),
            Self::Linear(_) => 0.0,
        }
    }

    /// Labelled places, the first at the start. The first and the last of a
    /// linear axis carry the unit.
    pub fn ticks(self) -> Vec<Tick> {
        let Self::Linear(end) = self else {
            let named = [(MINUTE, "1 min"), (HOUR, "1 h"), (DAY, "1 d"), (7.0 * DAY, "1 wk")];
            return named
                .iter()
                .map(|(ms, label)| Tick { at: self.place(*ms), label: (*label).to_owned() })
                .collect();
        };
        let (unit, step) = linear_steps(end);
        let name = match unit {
            MINUTE => "min",
            HOUR => "h",
            DAY => "d",
            _ => "wk",
        };
        let count = (end / (unit * step)).round() as u32;
        (0..=count)
            .map(|at| {
                let figure = f64::from(at) * step;
                let with_unit = at == 0 || at == count;
                let label = if with_unit { format!("{figure} {name}") } else { figure.to_string() };
                Tick { at: f64::from(at) / f64::from(count.max(1)), label }
            })
            .collect()
    }

    /// Places of the lines that run through all rows.
    pub fn lines(self) -> Vec<f64> {
        match self {
            Self::Log => [10.0 * MINUTE, HOUR, DAY, 7.0 * DAY].map(|ms| self.place(ms)).to_vec(),
            Self::Linear(_) => self.ticks().iter().map(|tick| tick.at).collect(),
        }
    }
}

/// Unit and step in that unit, for at most eight steps up to `ms`.
fn linear_steps(ms: f64) -> (f64, f64) {
    let (unit, steps): (f64, &[f64]) = match ms {
        ..=0.0 => (HOUR, &[1.0]),
        ms if ms <= 120.0 * MINUTE => (MINUTE, &[1.0, 2.0, 5.0, 10.0, 15.0]),
        ms if ms <= 48.0 * HOUR => (HOUR, &[1.0, 2.0, 4.0, 6.0]),
        ms if ms <= 56.0 * DAY => (DAY, &[1.0, 2.0, 4.0, 7.0]),
        _ => (WEEK, &[1.0, 2.0, 4.0, 8.0]),
    };
    let fitting = steps.iter().copied().find(|step| ms <= 8.0 * step * unit);
    (unit, fitting.unwrap_or(16.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stretched_axis_runs_from_a_minute_to_a_month() {
        let place = |ms: f64| (Axis::Log.place(ms) * 1000.0).round() / 10.0;
        assert_eq!(place(0.0), 0.0);
        assert_eq!(place(MINUTE), 0.0);
        assert_eq!(place(HOUR), 38.4);
        assert_eq!(place(DAY), 68.1);
        assert_eq!(place(9.0 * DAY), 88.7);
        assert_eq!(place(30.0 * DAY), 100.0);
        assert_eq!(place(300.0 * DAY), 100.0);
    }

    #[test]
    fn a_straight_axis_ends_on_an_even_step() {
        let labels = |ms: f64| {
            let ticks = Axis::reaching(ms).ticks();
            ticks.into_iter().map(|tick| tick.label).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(12.5 * DAY), "0 d 2 4 6 8 10 12 14 d");
        assert_eq!(labels(84.0 * DAY), "0 wk 2 4 6 8 10 12 wk");
        assert_eq!(labels(4.9 * HOUR), "0 h 1 2 3 4 5 h");
        assert_eq!(labels(40.0 * HOUR), "0 h 6 12 18 24 30 36 42 h");
        assert_eq!(labels(3.5 * MINUTE), "0 min 1 2 3 4 min");
        assert_eq!(labels(110.0 * MINUTE), "0 min 15 30 45 60 75 90 105 120 min");
        assert_eq!(labels(0.0), "0 min 10 20 30 40 50 60 min");
    }
}
