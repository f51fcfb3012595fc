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

/// A function's row in a plain table: name, promised, kept, likely, bad night,
/// work lost.
pub fn function_row(function: &FunctionSummary) -> [String; 6] {
    let figures = Figures::of(function);
    let verdict = Verdict::of(function);
    let kept = match verdict {
        Verdict::NoObjective => words::MISSING.to_owned(),
        Verdict::CannotSay => verdict.word().to_owned(),
        _ => format!("{}, {}", verdict.word(), figures.kept),
    };
    let title = words::plain(&function.title);
    [title, figures.promised, kept, figures.likely, figures.bad_night, figures.lost]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sample;

    #[test]
    fn a_row_says_what_the_page_says() {
        let summary = sample::summary();
        let row = |id: &str| {
            let found = summary.functions.iter().find(|one| one.id.as_str() == id);
            function_row(found.expect(id)).map(|cell| cell.replace(words::JOIN, " ")).join("|")
        };
        assert_eq!(row("payroll"), "Payroll|24 h|not kept, 2 nights in 10|2 d|9 d|26 h");
        assert_eq!(row("tax"), "Tax and deeds|2 d|not kept, 4 nights in 10|3 d|never|26 h");
        assert_eq!(row("docket"), "Court docket|3 d|cannot say|2 d|8 d|26 h");
        assert_eq!(row("library"), "Library|no objective set|–|5 h|20 h|none");
    }
}
