//! The rule 3-2-1-1-0 in words: what is there of each digit, how it is known, what is missing.
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{Grade, Status};
use evenkeel_config::rule_32110::{Digit, DigitScore, Met, RuleScore};

use super::names::Names;
use super::words;

/// The state whose shape and letter a digit carries. A digit that nobody can tell
/// is unknown, never ok.
pub fn status(met: Met) -> Status {
    match met {
        Met::Yes => Status::Ok,
        Met::CannotTell => Status::Unknown,
        Met::No => Status::Critical,
    }
}

/// What the rule asks for: `3 copies`.
pub fn asked(digit: Digit) -> String {
    format!("{} {}", digit.wanted(), digit.words())
}

/// What is there: `3`, `1 of 3`, `1 of 3 sure`; of errors `none seen`, `1 known`, `nobody knows`.
pub fn there(score: &DigitScore) -> String {
    match (score.digit, score.met, score.have) {
        (Digit::Errors, Met::Yes, _) => "none seen".to_owned(),
        (Digit::Errors, Met::No, Some(errors)) => format!("{errors}{}known", words::JOIN),
        (_, _, None) | (Digit::Errors, ..) => "nobody knows".to_owned(),
        (_, Met::Yes, Some(have)) => have.to_string(),
        (_, met, Some(have)) => {
            let part = words::part(have.into(), score.wanted.into());
            if met == Met::CannotTell { format!("{part}{}sure", words::JOIN) } else { part }
        }
    }
}

/// How well it is known.
pub fn known(grade: Grade) -> &'static str {
    match grade {
        Grade::Declared => "told to us",
        Grade::Configured => "by its settings",
        Grade::Listed => "seen in its lists",
        Grade::Read => "data was read",
        Grade::Proven => "proven by doing",
    }
}

/// The mark of that: told by somebody, or seen by us.
pub fn provenance(grade: Grade) -> Provenance {
    match grade {
        Grade::Declared => Provenance::Declared,
        _ => Provenance::Measured,
    }
}

/// Something that is missing, of one data set or of several alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Which digits, in their order.
    pub digits: Vec<Digit>,
    /// Not met, or nobody can tell.
    pub met: Met,
    /// Names of the data sets.
    pub of: Vec<String>,
    /// Why, as a sentence.
    pub why: String,
    /// What to do, as a sentence.
    pub advice: String,
}

impl Gap {
    /// What is asked for: `3 copies`, `3 copies and 2 media`, `every digit`.
    pub fn asked(&self) -> String {
        if self.digits.len() == Digit::ALL.len() {
            return "every digit".to_owned();
        }
        let digits: Vec<String> = self.digits.iter().map(|digit| asked(*digit)).collect();
        words::list(&digits, Digit::ALL.len())
    }
}

/// All that is missing: what every digit lacks first, then in the order of the
/// digits; of each what is not met first. What lacks alike is told once.
pub fn gaps(scores: &[RuleScore], names: &Names<'_>) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for score in scores {
        for gap in gaps_of(score, names) {
            let alike = gaps.iter_mut().find(|one| {
                (&one.digits, one.met, &one.why, &one.advice)
                    == (&gap.digits, gap.met, &gap.why, &gap.advice)
            });
            match alike {
                Some(one) => one.of.extend(gap.of),
                None => gaps.push(gap),
            }
        }
    }
    gaps.sort_by_key(|gap| {
        let part = gap.digits.len() < Digit::ALL.len();
        (part, gap.digits.first().copied(), std::cmp::Reverse(gap.met))
    });
    gaps
}

/// What one data set lacks; digits that lack the same are told together.
fn gaps_of(score: &RuleScore, names: &Names<'_>) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for one in score.digits.iter().filter(|one| one.met != Met::Yes) {
        let [why, advice] = [&one.why, &one.advice].map(|text| sentence(&names.text(text)));
        let alike = |gap: &&mut Gap| (gap.met, &gap.why, &gap.advice) == (one.met, &why, &advice);
        match gaps.iter_mut().find(alike) {
            Some(gap) => gap.digits.push(one.digit),
            None => gaps.push(Gap {
                digits: vec![one.digit],
                met: one.met,
                of: vec![name(score, names)],
                why,
                advice,
            }),
        }
    }
    gaps
}

/// The name of a data set at the start of a row.
pub fn name(score: &RuleScore, names: &Names<'_>) -> String {
    words::sentence_case(&names.component(&score.dataset))
}

/// The rule over all data sets in one or two sentences; nothing without data sets.
pub fn in_short(scores: &[RuleScore]) -> Option<String> {
    let all = scores.len() as u64;
    let whole = scores.iter().filter(|score| score.met() == Digit::ALL.len()).count() as u64;
    let opening = match (all, whole) {
        (0, _) => return None,
        (1, 0) => "The one data set does not meet the rule 3-2-1-1-0 whole.".to_owned(),
        (1, _) => "The one data set meets the rule 3-2-1-1-0 whole.".to_owned(),
        (_, 0) => format!("None of {all} data sets meets the rule 3-2-1-1-0 whole."),
        (_, whole) if whole == all => format!("All {all} data sets meet the rule 3-2-1-1-0 whole."),
        (_, 1) => format!("1 of {all} data sets meets the rule 3-2-1-1-0 whole."),
        _ => format!("{whole} of {all} data sets meet the rule 3-2-1-1-0 whole."),
    };
    let count = |digit: Digit, met: Met| {
        let digits = scores.iter().flat_map(|score| &score.digits);
        digits.filter(|one| one.digit == digit && one.met == met).count()
    };
    let part = |digit: Digit| {
        let (no, open) = (count(digit, Met::No), count(digit, Met::CannotTell));
        let told = match (no, open) {
            (0, 0) => return None,
            (no, 0) => format!("not met by {no}"),
            (0, open) => format!("cannot tell for {open}"),
            (no, open) => format!("not met by {no}, cannot tell for {open}"),
        };
        Some(format!("{}: {told}", asked(digit)))
    };
    let parts: Vec<String> = Digit::ALL.into_iter().filter_map(part).collect();
    Some(match parts.as_slice() {
        [] => opening,
        parts => format!("{opening} {}.", words::sentence_case(&parts.join("; "))),
    })
}

fn sentence(text: &str) -> String {
    words::sentence_case(text.trim_end_matches('.')) + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit(digit: Digit, met: Met, have: Option<u32>) -> DigitScore {
        let grade = (met == Met::Yes).then_some(Grade::Listed);
        let (why, advice) = (String::new(), String::new());
        DigitScore { digit, wanted: digit.wanted(), have, met, grade, why, advice }
    }

    #[test]
    fn what_is_there_says_what_is_sure() {
        let cases = [
            (Digit::Copies, Met::Yes, Some(4), "4"),
            (Digit::Copies, Met::No, Some(1), "1 of 3"),
            (Digit::Copies, Met::CannotTell, Some(1), "1 of 3 sure"),
            (Digit::OffSite, Met::CannotTell, Some(0), "0 of 1 sure"),
            (Digit::Errors, Met::Yes, Some(0), "none seen"),
            (Digit::Errors, Met::No, Some(2), "2 known"),
            (Digit::Errors, Met::No, None, "nobody knows"),
            (Digit::Errors, Met::CannotTell, None, "nobody knows"),
        ];
        for (which, met, have, expect) in cases {
            let told = there(&digit(which, met, have));
            assert_eq!(told.replace(words::JOIN, " "), expect);
        }
    }

    #[test]
    fn in_short_names_the_digits_that_lack() {
        let score = |mets: [Met; 5]| RuleScore {
            dataset: "data".parse().expect("an id"),
            title: "data".to_owned(),
            digits: Digit::ALL.into_iter().zip(mets).map(|(d, met)| digit(d, met, None)).collect(),
        };
        let (yes, no, open) = (Met::Yes, Met::No, Met::CannotTell);
        let told =
            |scores: &[RuleScore]| in_short(scores).map(|told| told.replace(words::JOIN, " "));
        assert_eq!(told(&[]), None);
        assert_eq!(
            told(&[score([yes; 5])]).as_deref(),
            Some("The one data set meets the rule 3-2-1-1-0 whole.")
        );
        let some =
            [score([yes; 5]), score([no, yes, open, no, no]), score([yes, yes, yes, no, open])];
        assert_eq!(
            told(&some).as_deref(),
            Some(
                "1 of 3 data sets meets the rule 3-2-1-1-0 whole. 3 copies: not met by 1; \
                 1 off-site: cannot tell for 1; 1 offline or immutable: not met by 2; 0 errors \
                 after a restore: not met by 1, cannot tell for 1."
            )
        );
    }
}
