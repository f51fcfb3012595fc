//! Whether a promise would be kept: the one rule behind each verdict.
use evenkeel_config::record::{Chance, FunctionSummary, Status, Summary};

use super::words;

/// The judgement of one promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Kept in 4 nights of 10 or fewer.
    NotKept,
    /// Kept in 5 to 8 nights of 10.
    AtRisk,
    /// Kept in 9 nights of 10 or more.
    Kept,
    /// An input the answer hangs on is stale, silent or missing.
    CannotSay,
    /// Nobody promised anything.
    NoObjective,
}

impl Verdict {
    /// The verdict on a function's promised time.
    pub fn of(function: &FunctionSummary) -> Self {
        let unknown = function.cannot.is_some() || !function.stale.is_empty();
        match (function.objectives.rto, function.rto) {
            (None, _) => Self::NoObjective,
            (Some(_), Some(chance)) if !unknown => Self::of_chance(chance),
            (Some(_), _) => Self::CannotSay,
        }
    }

    /// The verdict on a chance alone, judged on the figure that is shown.
    pub fn of_chance(chance: Chance) -> Self {
        match words::tenths(chance.share) {
            9.. => Self::Kept,
            5..=8 => Self::AtRisk,
            _ => Self::NotKept,
        }
    }

    /// The state whose mark it carries; none without an objective.
    pub fn status(self) -> Option<Status> {
        match self {
            Self::Kept => Some(Status::Ok),
            Self::AtRisk => Some(Status::Warning),
            Self::NotKept => Some(Status::Critical),
            Self::CannotSay => Some(Status::Unknown),
            Self::NoObjective => None,
        }
    }

    /// The word beside the mark.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::AtRisk => "at risk",
            Self::NotKept => "not kept",
            Self::CannotSay => "cannot say",
            Self::NoObjective => "no objective set",
        }
    }
}

/// How many functions got which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Kept.
    pub kept: u64,
    /// At risk.
    pub at_risk: u64,
    /// Not kept.
    pub not_kept: u64,
    /// Cannot say.
    pub cannot_say: u64,
    /// Without an objective.
    pub no_objective: u64,
}

impl Tally {
    /// Counts the functions of a result.
    pub fn of(summary: &Summary) -> Self {
        let mut tally = Self::default();
        for function in &summary.functions {
            let count = match Verdict::of(function) {
                Verdict::Kept => &mut tally.kept,
                Verdict::AtRisk => &mut tally.at_risk,
                Verdict::NotKept => &mut tally.not_kept,
                Verdict::NoObjective => &mut tally.no_objective,
                Verdict::CannotSay => &mut tally.cannot_say,
            };
            *count += 1;
        }
        tally
    }

    /// Functions with a promise.
    pub fn promises(self) -> u64 {
        self.kept + self.at_risk + self.not_kept + self.cannot_say
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_follows_the_figure_that_is_shown() {
        let table = [
            (0.0, Verdict::NotKept),
            (0.44, Verdict::NotKept),
            (0.45, Verdict::AtRisk),
            (0.84, Verdict::AtRisk),
            (0.85, Verdict::Kept),
            (1.0, Verdict::Kept),
        ];
        for (share, verdict) in table {
            let chance = Chance { share, low: share, high: share, count: 0, of: 1 };
            assert_eq!(Verdict::of_chance(chance), verdict, "{share}");
        }
    }
}
