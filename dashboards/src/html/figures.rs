//! The figures of one function, each in the one form that all pages show.
use evenkeel_config::record::{Elapsed, FunctionSummary, Quantile};

use super::verdict::Verdict;
use super::words;

/// The value at p of a list of quantiles, if it was simulated.
pub fn at(quantiles: &[Quantile], p: f64) -> Option<Elapsed> {
    quantiles.iter().find(|one| (one.p - p).abs() < 1e-9).map(|one| one.value)
}

/// A function's figures as text; an en dash where one does not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The promised time, or `no objective set`.
    pub promised: String,
    /// How often it is kept.
    pub kept: String,
    /// Usable again on a likely night.
    pub likely: String,
    /// Usable again on a bad night.
    pub bad_night: String,
    /// Work lost on a likely night.
    pub lost: String,
    /// Work lost on a bad night.
    pub lost_bad_night: String,
}

impl Figures {
    /// Puts the figures of a function into words.
    pub fn of(function: &FunctionSummary) -> Self {
        let told = |value: Option<Elapsed>, tell: fn(Elapsed) -> String| {
            value.map_or_else(|| words::MISSING.to_owned(), tell)
        };
        let objective = function.objectives.rto;
        Self {
            promised: objective.map_or_else(
                || Verdict::NoObjective.word().to_owned(),
                |rto| words::duration(rto.as_ms()),
            ),
            kept: function
                .rto
                .map_or_else(|| words::MISSING.to_owned(), |chance| words::nights(chance.share)),
            likely: told(at(&function.usable, 0.5), words::back_after),
            bad_night: told(at(&function.usable, 0.9), words::back_after),
            lost: told(at(&function.data_loss, 0.5), words::lost),
            lost_bad_night: told(at(&function.data_loss, 0.9), words::lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sample;

    #[test]
    fn each_figure_has_one_form() {
        let summary = sample::summary();
        let row = |id: &str| {
            let found = summary.functions.iter().find(|one| one.id.as_str() == id);
            let told = Figures::of(found.expect(id));
            let cells = [told.promised, told.kept, told.likely, told.bad_night, told.lost];
            cells.join("|").replace(words::JOIN, " ")
        };
        assert_eq!(row("payroll"), "24 h|2 nights in 10|2 d|9 d|26 h");
        assert_eq!(row("tax"), "2 d|4 nights in 10|3 d|never|26 h");
        assert_eq!(row("library"), "no objective set|–|5 h|20 h|none");
    }
}
