//! Marks: states, provenance, and the charts that stand in table rows.
mod curve;
mod exceedance;
mod interval;
mod scale;
mod squares;
mod state;
mod swing;
mod waterfall;

pub use curve::{Curve, LOW, Second, TALL, curve};
pub use exceedance::{LossExceedance, Points, loss_exceedance};
pub use interval::{Interval, effect_bar, interval, interval_key};
pub use scale::{Axis, Tick};
pub use squares::squares;
pub use state::{cell, cell_said, missing, nights_verdict, provenance, state, state_at};
pub use swing::swing;
pub use waterfall::{Part, PartKind, part_row};

/// A position or width in percent of the chart, as short as can be: `38.4%`.
fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round() / 10.0;
    format!("{tenths}%")
}
