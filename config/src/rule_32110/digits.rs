//! The five digits of one data set.
use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::copies::{self, Answer};
use super::stands::{Shared, Stand, largest};
use super::{Digit, DigitScore, Known, Met};
use crate::id::Id;
use crate::map::{Component, Dataset, DependencyMap};
use crate::record::{DrillFacts, Grade, damaged_part};

/// A drill older than this is no proof any more.
const DRILL_TELLS_FOR: SignedDuration = SignedDuration::from_hours(365 * 24);

/// So many copies of one data set are told apart; more would change no digit.
const MOST_COPIES: usize = 12;

/// One data set, with all that its digits are told from.
#[derive(Debug)]
pub(super) struct Case<'a> {
    map: &'a DependencyMap,
    pub(super) live: Stand<'a>,
    pub(super) copies: Vec<Copy<'a>>,
    now: Timestamp,
}

/// One copy of it.
#[derive(Debug)]
pub(super) struct Copy<'a> {
    pub(super) stand: Stand<'a>,
    /// Whether there is a copy to rely on.
    pub(super) counts: Answer,
    /// Whether it can be deleted by whoever holds our logins.
    pub(super) immutable: Answer,
    /// The last drill that restored something of it.
    drill: Option<&'a DrillFacts>,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        map: &'a DependencyMap,
        component: &'a Component,
        data: &'a Dataset,
        known: &Known<'a>,
        now: Timestamp,
    ) -> Self {
        let mut named: BTreeSet<&Id> = BTreeSet::new();
        let backups = data.backups.iter().filter(|backup| named.insert(&backup.copy));
        let copies = backups.take(MOST_COPIES).filter_map(|backup| {
            let copy = map.components.get(&backup.copy)?;
            let of_it = known.drills.iter().copied().filter(|drill| {
                drill.copy == copy.id
                    && drill.dataset.as_ref().is_none_or(|it| *it == component.id)
                    // What claims to come from the future is no proof.
                    && drill.started <= now
            });
            let drill = copies::newest(of_it.clone().filter(|drill| drill.is_restore()));
            let reading = copies::newest(of_it.clone().filter(|drill| !drill.is_restore()));
            // A part that is damaged is not made good by another one that is sound.
            let part = damaged_part(of_it).map(|(_, drill)| drill);
            let last = drill.into_iter().chain(reading).find(|drill| is_bad(drill));
            let counts = match last.or(part) {
                Some(bad) => Answer::No(failed(bad)),
                None => copies::counts(known, backup, &component.id, now),
            };
            let immutable = copies::immutable(known, backup, &component.id, now);
            Some(Copy { stand: Stand::of(map, copy, copy.title()), counts, immutable, drill })
        });
        let copies = copies.collect();
        Self { map, live: Stand::of(map, component, "the live data".to_owned()), copies, now }
    }

    pub(super) fn digit(&self, digit: Digit) -> DigitScore {
        let (have, met, grade, why) = if self.copies.is_empty() {
            self.bare(digit)
        } else {
            match digit {
                Digit::Copies | Digit::Media => self.apart(digit),
                Digit::OffSite => self.any("stands at another site", |copy| {
                    match self.live.same_site(&copy.stand, self.map) {
                        Shared::Yes(why) => Answer::No(why),
                        Shared::Unknown(why) => Answer::CannotTell(why),
                        Shared::No => copy.counts.clone(),
                    }
                }),
                Digit::Immutable if self.copies.iter().all(is_of_no_claim) => {
                    let why = "nothing says of any copy that it cannot be deleted".to_owned();
                    (Some(0), Met::No, None, why)
                }
                Digit::Immutable => self.any("", |copy| match &copy.immutable {
                    Answer::No(why) => Answer::No(format!("{}: {why}", copy.stand.name)),
                    Answer::CannotTell(why) => {
                        Answer::CannotTell(format!("{}: {why}", copy.stand.name))
                    }
                    yes @ Answer::Yes(_) => yes.clone(),
                }),
                Digit::Errors => self.errors(),
            }
        };
        let advice = self.advice(digit, met);
        DigitScore { digit, wanted: digit.wanted(), have, met, grade, why, advice }
    }

    fn bare(&self, digit: Digit) -> (Option<u32>, Met, Option<Grade>, String) {
        let have = match digit {
            Digit::Copies | Digit::Media => Some(1),
            Digit::OffSite | Digit::Immutable => Some(0),
            Digit::Errors => None,
        };
        (have, Met::No, None, "no backup job copies it".to_owned())
    }

    /// What two places share for a digit that counts places apart from each other.
    fn shared(&self, digit: Digit, one: usize, two: usize) -> Shared {
        // The first place is the live data; that a copy stands at its site is the
        // business of the off-site digit.
        let at = |place: usize| match place.checked_sub(1) {
            None => &self.live,
            Some(copy) => &self.copies[copy].stand,
        };
        match digit {
            Digit::Media => at(one).same_medium(at(two), self.map),
            _ => at(one).falls_with(at(two), self.map, one > 0 && two > 0),
        }
    }

    /// The digits that count places of which no two share anything.
    fn apart(&self, digit: Digit) -> (Option<u32>, Met, Option<Grade>, String) {
        let wanted = digit.wanted() as usize;
        let is_sure =
            |place: usize| place == 0 || matches!(self.copies[place - 1].counts, Answer::Yes(_));
        let is_hoped = |place: usize| place == 0 || !self.copies[place - 1].counts.is_no();
        let all = self.copies.len() + 1;
        let sure =
            largest(all, |one, two| !is_sure(two) || self.shared(digit, one, two) != Shared::No);
        let hoped = largest(all, |one, two| {
            !is_hoped(two) || matches!(self.shared(digit, one, two), Shared::Yes(_))
        });
        let met = match (sure.len() >= wanted, hoped.len() >= wanted) {
            (true, _) => Met::Yes,
            (false, true) => Met::CannotTell,
            (false, false) => Met::No,
        };
        let have = u32::try_from(sure.len()).ok();
        if met == Met::Yes {
            let chosen = sure.iter().skip(1).map(|place| &self.copies[place - 1]);
            let mut grades: Vec<Grade> =
                chosen.clone().filter_map(|copy| copy.counts.grade()).collect();
            // As many as are needed, the best known first; the weakest of these tells.
            grades.sort_by_key(|grade| std::cmp::Reverse(*grade));
            let grade = grades.get(wanted.saturating_sub(2)).copied();
            let names: Vec<String> = match digit {
                Digit::Media => std::iter::once(&self.live)
                    .chain(chosen.map(|copy| &copy.stand))
                    .map(|stand| format!("{} {}", stand.name, stand.lies_on(self.map)))
                    .collect(),
                _ => std::iter::once(&self.live)
                    .chain(chosen.map(|copy| &copy.stand))
                    .map(|stand| stand.name.clone())
                    .collect(),
            };
            let why = match digit {
                Digit::Media => listed(&names),
                _ => format!("no single strike takes two of {}", listed(&names)),
            };
            return (have, met, grade, why);
        }
        (have, met, None, self.lacking(digit))
    }

    /// Why there are not enough places: what does not count, what falls together,
    /// what is not known.
    fn lacking(&self, digit: Digit) -> String {
        let mut reasons = Vec::new();
        let mut open = Vec::new();
        for (at, copy) in self.copies.iter().enumerate() {
            match &copy.counts {
                Answer::No(why) => {
                    reasons.push(format!("{} does not count: {why}", copy.stand.name));
                    continue;
                }
                Answer::CannotTell(why) => open.push(format!("{}: {why}", copy.stand.name)),
                Answer::Yes(_) => {}
            }
            for other in 0..=at {
                if other > 0 && self.copies[other - 1].counts.is_no() {
                    continue;
                }
                match self.shared(digit, other, at + 1) {
                    Shared::Yes(why) => {
                        reasons.push(why);
                        break;
                    }
                    Shared::Unknown(why) => open.push(why),
                    Shared::No => {}
                }
            }
        }
        reasons.append(&mut open);
        if reasons.is_empty() {
            let count = self.copies.len() + 1;
            return format!("there are {count} with the live data");
        }
        joined(reasons)
    }

    /// The digits that one copy meets.
    fn any(
        &self,
        holds: &str,
        judge: impl Fn(&Copy<'_>) -> Answer,
    ) -> (Option<u32>, Met, Option<Grade>, String) {
        let (mut yes, mut open, mut no) = (Vec::new(), Vec::new(), Vec::new());
        for copy in &self.copies {
            let name = &copy.stand.name;
            match (judge(copy), &copy.counts) {
                (Answer::No(why), _) => no.push(why),
                (_, Answer::No(why)) => no.push(format!("{name} does not count: {why}")),
                (Answer::Yes(grade), Answer::Yes(_)) => yes.push((grade, name)),
                (_, Answer::CannotTell(why)) => open.push(format!("{name}: {why}")),
                (Answer::CannotTell(why), _) => open.push(why),
            }
        }
        let have = u32::try_from(yes.len()).ok();
        if let Some((grade, name)) = yes.iter().max_by_key(|(grade, _)| *grade) {
            let words = match (holds, grade) {
                ("", Grade::Declared) => "said to be kept from deletion, by word alone",
                ("", Grade::Proven) => "refused to delete what we stored there",
                ("", _) => "kept from deletion, as its settings say",
                (holds, _) => holds,
            };
            let is =
                if words.starts_with("said") || words.starts_with("kept") { " is" } else { "" };
            return (have, Met::Yes, Some(*grade), format!("{name}{is} {words}"));
        }
        let met = if open.is_empty() { Met::No } else { Met::CannotTell };
        open.append(&mut no);
        (have, met, None, joined(open))
    }

    /// No errors: the last drill of no copy failed, nothing is known to be damaged,
    /// and a copy that counts was restored within a year.
    fn errors(&self) -> (Option<u32>, Met, Option<Grade>, String) {
        let bad: Vec<String> = self
            .copies
            .iter()
            .filter_map(|copy| match &copy.counts {
                Answer::No(why) => Some(format!("{}: {why}", copy.stand.name)),
                _ => None,
            })
            .collect();
        let restored: Vec<(&Copy<'_>, &DrillFacts)> = self
            .copies
            .iter()
            .filter_map(|copy| copy.drill.filter(|drill| !is_bad(drill)).map(|it| (copy, it)))
            .collect();
        let never = self.copies.iter().filter(|copy| copy.drill.is_none()).count();
        if !bad.is_empty() {
            let have = u32::try_from(bad.len()).ok();
            return (have, Met::No, None, joined(bad));
        }
        let Some((newest, drill)) = restored.iter().max_by_key(|(_, drill)| drill.started) else {
            let why = "nobody knows: no copy of it was ever restored".to_owned();
            return (None, Met::No, None, why);
        };
        let age = self.now.duration_since(drill.started);
        let when =
            format!("{} was last restored on {}", newest.stand.name, self.day(drill.started));
        if age > DRILL_TELLS_FOR {
            let days = age.as_hours() / 24;
            return (None, Met::No, None, format!("nobody knows: {when}, {days} days ago"));
        }
        let recent = restored
            .iter()
            .filter(|(_, it)| self.now.duration_since(it.started) <= DRILL_TELLS_FOR);
        let mut seen = recent.clone().filter(|(copy, _)| matches!(copy.counts, Answer::Yes(_)));
        if seen.next().is_none() {
            let whys = recent.filter_map(|(copy, _)| {
                copy.counts.why().map(|why| format!("{}: {why}", copy.stand.name))
            });
            let why = std::iter::once(when).chain(whys).collect();
            return (None, Met::CannotTell, None, joined(why));
        }
        // What nobody has looked at may be broken: it is not free of errors.
        let unseen = self.copies.iter().filter(|copy| !matches!(copy.counts, Answer::Yes(_)));
        let unseen: Vec<String> = unseen
            .map(|copy| {
                let why = copy.counts.why().unwrap_or("nothing was seen of it");
                format!("{}: {why}", copy.stand.name)
            })
            .collect();
        if !unseen.is_empty() {
            let why = std::iter::once(when).chain(unseen).collect();
            return (None, Met::CannotTell, None, joined(why));
        }
        let rest = match never {
            0 => String::new(),
            1 => "; one other copy never was".to_owned(),
            more => format!("; {more} other copies never were"),
        };
        (Some(0), Met::Yes, Some(Grade::Proven), format!("{when}{rest}"))
    }

    fn day(&self, at: Timestamp) -> String {
        let zone = TimeZone::get(&self.map.organisation.timezone).unwrap_or(TimeZone::UTC);
        at.to_zoned(zone).strftime("%-d %B %Y").to_string()
    }
}

/// Whether nothing says that a copy cannot be deleted.
fn is_of_no_claim(copy: &Copy<'_>) -> bool {
    copy.immutable.why() == Some(copies::NOTHING_SAYS)
}

/// Whether a drill shows an error.
fn is_bad(drill: &DrillFacts) -> bool {
    !drill.worked || drill.damaged > 0
}

fn failed(drill: &DrillFacts) -> String {
    match (drill.worked, drill.why.as_str()) {
        (false, "") if !drill.is_restore() => "its last reading drill failed".to_owned(),
        (false, why) if !drill.is_restore() => format!("its last reading drill failed: {why}"),
        (true, _) => format!("its last restore drill brought back {} damaged files", drill.damaged),
        (false, "") => "its last restore drill failed".to_owned(),
        (false, why) => format!("its last restore drill failed: {why}"),
    }
}

/// At most three reasons, each once.
fn joined(reasons: Vec<String>) -> String {
    let mut told: Vec<String> = Vec::new();
    for reason in reasons {
        if !told.contains(&reason) {
            told.push(reason);
        }
    }
    let more = told.len().saturating_sub(3);
    told.truncate(3);
    let mut words = told.join("; ");
    if more > 0 {
        words += &format!("; and {more} more");
    }
    words
}

pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// A number of hours, in days from two of them on.
pub(super) fn hours(hours: i64) -> String {
    match hours {
        ..=0 => "less than an hour".to_owned(),
        1 => "an hour".to_owned(),
        2..48 => format!("{hours} hours"),
        more => format!("{} days", more / 24),
    }
}
