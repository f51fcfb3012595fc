//! The rule 3-2-1-1-0 for each data set, digit by digit, from the map and from evidence.
//!
//! Three copies that no one strike takes together, on two media, one off-site,
//! one offline or immutable, no errors after a real restore. What nobody has
//! seen is "cannot tell", never met. Pure: the instant comes in.
mod advice;
mod copies;
mod digits;
mod stands;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use jiff::Timestamp;

use crate::id::Id;
use crate::map::{DependencyMap, Details};
use crate::record::{DrillFacts, Evidence, EvidenceSet, Grade, Outcome};

use self::digits::Case;

/// One digit of the rule, in its order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Digit {
    /// 3: copies in distinct failure domains, the live data being one of them.
    Copies,
    /// 2: distinct media.
    Media,
    /// 1: a copy at another site than the live data.
    OffSite,
    /// 1: a copy that nobody who holds our logins can delete.
    Immutable,
    /// 0: no errors, after a real restore.
    Errors,
}

impl Digit {
    /// Every digit in the order of the rule.
    pub const ALL: [Self; 5] =
        [Self::Copies, Self::Media, Self::OffSite, Self::Immutable, Self::Errors];

    /// The number that the rule asks for.
    pub fn wanted(self) -> u32 {
        match self {
            Self::Copies => 3,
            Self::Media => 2,
            Self::OffSite | Self::Immutable => 1,
            Self::Errors => 0,
        }
    }

    /// The snake-case name, as in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Copies => "copies",
            Self::Media => "media",
            Self::OffSite => "off_site",
            Self::Immutable => "immutable",
            Self::Errors => "errors",
        }
    }

    /// What it asks for, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Copies => "copies",
            Self::Media => "media",
            Self::OffSite => "off-site",
            Self::Immutable => "offline or immutable",
            Self::Errors => "errors after a restore",
        }
    }
}

/// Whether a digit is met.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Met {
    /// What was seen is enough.
    Yes,
    /// It depends on what nobody has seen, or on what the map does not say.
    CannotTell,
    /// Not even if all that is unknown were good.
    No,
}

impl Met {
    /// As in the metric: 1 met, 0 not met, -1 cannot tell.
    pub fn code(self) -> i8 {
        match self {
            Self::Yes => 1,
            Self::No => 0,
            Self::CannotTell => -1,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "met",
            Self::No => "not met",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// One digit of one data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DigitScore {
    /// Which.
    pub digit: Digit,
    /// The number that the rule asks for: at least, of errors at most.
    pub wanted: u32,
    /// The number that is sure: copies, media, or known errors; nothing where
    /// nobody can count, as errors of what was never restored.
    #[serde(default)]
    pub have: Option<u32>,
    /// Whether it is met.
    pub met: Met,
    /// How well what meets it is known: the weakest of what is needed, the best of
    /// what would do; nothing while it is not met.
    #[serde(default)]
    pub grade: Option<Grade>,
    /// Why, in plain words, without full stop.
    pub why: String,
    /// What would meet it, or would let it be told, in plain words, without full
    /// stop; nothing while it is met.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub advice: String,
}

/// The five digits of one data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleScore {
    /// The data set on the map.
    pub dataset: Id,
    /// Its name.
    pub title: String,
    /// Each digit once, in the order of [`Digit::ALL`].
    pub digits: Vec<DigitScore>,
}

impl RuleScore {
    /// How many digits are met.
    pub fn met(&self) -> usize {
        self.digits.iter().filter(|one| one.met == Met::Yes).count()
    }
}

/// What is known beside the map.
#[derive(Debug, Clone, Default)]
pub struct Known<'a> {
    /// Evidence in any order; of each check the newest counts.
    pub evidence: Vec<&'a Evidence>,
    /// Drills in any order; the same one may come twice.
    pub drills: Vec<&'a DrillFacts>,
}

impl<'a> Known<'a> {
    /// Evidence, with the drills that stand in it.
    pub fn of(evidence: impl IntoIterator<Item = &'a Evidence>) -> Self {
        let evidence: Vec<&Evidence> = evidence.into_iter().collect();
        let drills = evidence.iter().flat_map(|one| match &one.outcome {
            Outcome::Observed { drills, .. } => drills.as_slice(),
            Outcome::Failed { .. } | Outcome::NotApplicable { .. } => &[],
        });
        Self { drills: drills.collect(), evidence }
    }

    /// All that sets of evidence hold.
    pub fn of_sets(sets: &'a [EvidenceSet]) -> Self {
        Self::of(sets.iter().flat_map(|set| &set.evidence))
    }
}

/// The rule for each data set of the map, in the order of their ids.
pub fn score(map: &DependencyMap, known: &Known<'_>, now: Timestamp) -> Vec<RuleScore> {
    let datasets = map.components.values().filter_map(|component| match &component.details {
        Details::Dataset(data) => Some((component, data)),
        _ => None,
    });
    datasets
        .map(|(component, data)| {
            let case = Case::new(map, component, data, known, now);
            RuleScore {
                dataset: component.id.clone(),
                title: component.title(),
                digits: Digit::ALL.map(|digit| case.digit(digit)).to_vec(),
            }
        })
        .collect()
}
