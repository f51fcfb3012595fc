//! The answer in one sentence, and the counts under it.
use evenkeel_config::record::{Elapsed, FunctionSummary, Summary};

use super::figures;
use super::names::Names;
use super::verdict::{Tally, Verdict};
use super::words::{self, duration_long, pair_long};

/// Longest title of a function inside a sentence, in characters.
const LONGEST_TITLE: usize = 48;

/// A headline longer than this gives its second sentence up to the lede.
const LONGEST_HEADLINE: usize = 190;

/// A function's title inside a sentence.
pub fn title(function: &FunctionSummary, names: &Names<'_>) -> String {
    words::shortened(&names.text(&function.title), LONGEST_TITLE)
}

/// The function that the page is about: the promise that is missed most
/// expensively, business before life safety, which has sentences of its own.
pub fn focus(summary: &Summary) -> Option<&FunctionSummary> {
    let rank = |function: &&FunctionSummary| {
        let verdict = match Verdict::of(function) {
            _ if function.cannot.is_some() => 4,
            Verdict::NotKept => 0,
            Verdict::AtRisk => 1,
            Verdict::Kept | Verdict::NoObjective => 2,
            Verdict::CannotSay => 3,
        };
        let cost = function.cost.iter().map(|cost| cost.value).max().unwrap_or(0);
        let kept = function.rto.map_or(0, |chance| (chance.share * 1e6) as i64);
        let bad_night = figures::at(&function.usable, 0.9).unwrap_or(Elapsed::Ms(0));
        use std::cmp::Reverse;
        (verdict, Reverse(cost), kept, Reverse(bad_night))
    };
    let business = summary.functions.iter().filter(|function| !function.life_safety);
    business.min_by_key(rank).or_else(|| summary.functions.iter().min_by_key(rank))
}

/// The life-safety function that most needs a word: not kept, or with hours
/// for which nothing is arranged.
pub fn life_safety(summary: &Summary) -> Option<&FunctionSummary> {
    let concerning = |function: &&FunctionSummary| {
        let verdict = Verdict::of(function);
        function.life_safety
            && (gap(function).is_some() || matches!(verdict, Verdict::NotKept | Verdict::AtRisk))
    };
    summary.functions.iter().filter(concerning).min_by_key(|function| {
        let kept = function.rto.map_or(1.0, |chance| chance.share);
        (gap(function).is_none(), (kept * 1e6) as i64)
    })
}

/// The time from the stopgap's end to the likely return, if nothing is
/// arranged in between.
pub fn gap(function: &FunctionSummary) -> Option<(i64, Elapsed)> {
    let stopgap = function.workaround.as_ref()?;
    let end = stopgap.after.as_ms().saturating_add(stopgap.lasts.as_ms());
    let back = figures::at(&function.usable, 0.5)?;
    (back > Elapsed::Ms(end)).then_some((end, back))
}

/// Whether any function is touched on a bad night.
pub fn anything_hit(summary: &Summary) -> bool {
    let hit = |function: &FunctionSummary| {
        figures::at(&function.usable, 0.9).is_some_and(|bad_night| bad_night != Elapsed::Ms(0))
    };
    summary.functions.iter().any(hit)
}

/// The sentence that answers the page's question, and what had no room in it.
pub fn answer(summary: &Summary, names: &Names<'_>) -> (String, Option<String>) {
    let Some(focus) = focus(summary) else {
        return ("No business function is on the map yet.".to_owned(), None);
    };
    if focus.cannot.is_none() && !anything_hit(summary) {
        let judged = summary.functions.iter().filter(|one| one.cannot.is_none()).count() as u64;
        let what = if judged == 1 { "the one function" } else { "every function" };
        let known = summary.functions.iter().all(|one| Verdict::of(one) != Verdict::CannotSay);
        let as_far = if known { "" } else { ", as far as our facts reach" };
        let sentence =
            format!("Nothing stops{as_far}: {what} on the map goes on, also on a bad night.");
        return (sentence, None);
    }
    let first = back_sentence(focus, names);
    let second = life_safety(summary)
        .filter(|other| other.id != focus.id)
        .map(|other| life_sentence(other, names));
    match second {
        Some(second) if first.chars().count() + second.chars().count() < LONGEST_HEADLINE => {
            (format!("{first} {second}"), None)
        }
        second => (first, second),
    }
}

/// Verbs that agree with a function's name.
#[derive(Debug, Clone, Copy)]
pub struct Verbs {
    plural: bool,
}

impl Verbs {
    /// Verbs for this name.
    pub fn of(title: &str) -> Self {
        Self { plural: words::is_plural(title) }
    }

    /// `is` or `are`.
    pub fn is(self) -> &'static str {
        if self.plural { "are" } else { "is" }
    }

    /// `takes` or `take`.
    pub fn takes(self) -> &'static str {
        if self.plural { "take" } else { "takes" }
    }

    /// `it takes` or `they take`.
    pub fn it_takes(self) -> &'static str {
        if self.plural { "they take" } else { "it takes" }
    }

    /// `comes` or `come`.
    pub fn comes(self) -> &'static str {
        if self.plural { "come" } else { "comes" }
    }

    /// `it never comes back` or `they never come back`.
    pub fn it_never_comes_back(self) -> &'static str {
        if self.plural { "they never come back" } else { "it never comes back" }
    }

    /// `has` or `have`.
    pub fn has(self) -> &'static str {
        if self.plural { "have" } else { "has" }
    }
}

/// When one function is back, in one sentence.
pub fn back_sentence(function: &FunctionSummary, names: &Names<'_>) -> String {
    let title = words::sentence_case(&title(function, names));
    let verbs = Verbs::of(&title);
    let (is, takes, never) = (verbs.is(), verbs.it_takes(), verbs.it_never_comes_back());
    if let Some(why) = &function.cannot {
        let why = fragment(&names.text(why));
        return format!("We cannot say yet when {title} {is} back: {why}.");
    }
    let likely = figures::at(&function.usable, 0.5);
    let bad_night = figures::at(&function.usable, 0.9);
    match (likely, bad_night) {
        (Some(Elapsed::Ms(0)), Some(Elapsed::Ms(0))) => {
            format!("{title} {is} not hit, also on a bad night.")
        }
        (Some(Elapsed::Ms(0)), Some(Elapsed::Ms(bad))) => {
            let bad = duration_long(bad);
            format!("{title} {is} likely not hit; on a bad night {takes} {bad}.")
        }
        (Some(Elapsed::Ms(0)), Some(Elapsed::Never)) => {
            format!("{title} {is} likely not hit; on a bad night {never}.")
        }
        (Some(Elapsed::Ms(likely)), Some(Elapsed::Ms(bad))) => {
            let (likely, bad) = pair_long(likely, bad);
            if likely.split(words::JOIN).next() == Some(bad.as_str()) {
                format!("{title} {is} back in {likely}, likely and on a bad night.")
            } else {
                format!("{title} {is} likely back in {likely}; on a bad night {takes} {bad}.")
            }
        }
        (Some(Elapsed::Ms(likely)), Some(Elapsed::Never)) => format!(
            "{title} {is} likely back in {}; on a bad night {never}{}.",
            duration_long(likely),
            never_reason(function, names)
        ),
        (Some(Elapsed::Never), _) => {
            let comes = verbs.comes();
            format!("{title} likely never {comes} back{}.", never_reason(function, names))
        }
        _ => format!("We cannot say yet when {title} {is} back."),
    }
}

fn never_reason(function: &FunctionSummary, names: &Names<'_>) -> String {
    let most = function.never.iter().max_by_key(|never| never.count);
    most.map_or_else(String::new, |never| format!(": {}", fragment(&names.text(&never.reason))))
}

fn life_sentence(function: &FunctionSummary, names: &Names<'_>) -> String {
    let title = words::sentence_case(&title(function, names));
    if let (Some((end, back)), Some(stopgap)) = (gap(function), &function.workaround) {
        let name =
            words::mid_sentence(&words::shortened(&names.text(&stopgap.name), LONGEST_TITLE));
        let until = match back {
            Elapsed::Ms(ms) => format!(" until {}", ordinal(ms)),
            Elapsed::Never => String::new(),
        };
        let end = duration_long(end);
        let has = Verbs::of(&title).has();
        return format!("{title} {has} {name} for {end}, then nothing is arranged{until}.");
    }
    let promised = function.objectives.rto.map(|rto| duration_long(rto.as_ms()));
    match (figures::at(&function.usable, 0.5), promised) {
        (Some(Elapsed::Ms(0)), _) => back_sentence(function, names),
        (Some(Elapsed::Ms(likely)), Some(promised)) => {
            format!(
                "{title} is promised in {promised} and likely back in {}.",
                duration_long(likely)
            )
        }
        _ => back_sentence(function, names),
    }
}

/// `day 3`, or `hour 40` below two days.
fn ordinal(ms: i64) -> String {
    let hours = ms as f64 / 3.6e6;
    if hours < 48.0 {
        format!("hour{}{:.0}", words::JOIN, hours.max(1.0))
    } else {
        format!("day{}{:.0}", words::JOIN, hours / 24.0)
    }
}

/// A sentence fragment: without its full stop, opening in lower case.
pub fn fragment(text: &str) -> String {
    words::mid_sentence(text.trim_end_matches(['.', ' ']))
}

/// How many promises are kept, at risk, not kept, and which cannot be judged.
pub fn counts(summary: &Summary, names: &Names<'_>) -> String {
    let tally = Tally::of(summary);
    let mut sentences = vec![promises(tally)];
    let unknown: Vec<&FunctionSummary> =
        summary.functions.iter().filter(|one| Verdict::of(one) == Verdict::CannotSay).collect();
    if let [one] = unknown[..] {
        let why = cannot_reason(one, names);
        sentences.push(format!("For {} we cannot say: {why}.", title(one, names)));
    } else if !unknown.is_empty() {
        let titles: Vec<String> = unknown.iter().map(|one| title(one, names)).collect();
        sentences.push(format!("For {} we cannot say.", words::list(&titles, 3)));
    }
    if anything_hit(summary) {
        sentences.extend(untouched(summary));
    }
    if tally.no_objective > 0 && tally.promises() > 0 {
        let functions = words::counted(tally.no_objective, "function");
        sentences.push(format!("{functions} have no objective set.").replace(
            &format!("1{}function have", words::JOIN),
            &format!("1{}function has", words::JOIN),
        ));
    }
    sentences.join(" ")
}

/// `8 of 12 functions are not hit.`
fn untouched(summary: &Summary) -> Option<String> {
    let spared = |one: &&FunctionSummary| {
        one.stale.is_empty() && figures::at(&one.usable, 0.9) == Some(Elapsed::Ms(0))
    };
    let spared = summary.functions.iter().filter(spared).count() as u64;
    let (part, is) = (
        words::part(spared, summary.functions.len() as u64),
        if spared == 1 { "is" } else { "are" },
    );
    (spared > 0).then(|| format!("{part} functions {is} not hit."))
}

/// Why a function cannot be judged, as a fragment.
pub fn cannot_reason(function: &FunctionSummary, names: &Names<'_>) -> String {
    if let Some(why) = &function.cannot {
        return fragment(&names.text(why));
    }
    let stale: Vec<String> = function.stale.iter().map(|id| names.in_sentence(id)).collect();
    if stale.is_empty() {
        "its chance was not simulated".to_owned()
    } else {
        format!("our facts about {} are too old", words::list(&stale, 2))
    }
}

fn promises(tally: Tally) -> String {
    let all = tally.promises();
    if all == 0 {
        return "No promise is set, so nothing can be called kept or missed.".to_owned();
    }
    if tally.kept == all {
        return match all {
            1 => "The one promise would be kept.".to_owned(),
            2 => "Both promises would be kept.".to_owned(),
            _ => format!("All {} promises would be kept.", words::count(all)),
        };
    }
    let mut parts = Vec::new();
    if tally.kept > 0 {
        parts.push(format!("{} would be kept", tally.kept));
    }
    if tally.at_risk > 0 {
        let verb = if tally.at_risk == 1 { "is" } else { "are" };
        parts.push(format!("{} {verb} at risk", tally.at_risk));
    }
    if tally.not_kept > 0 {
        parts.push(format!("{} would more often be missed than kept", tally.not_kept));
    }
    if parts.is_empty() {
        return match all {
            1 => "There is one promise, and it cannot be judged.".to_owned(),
            _ => format!("None of {} promises can be judged.", words::count(all)),
        };
    }
    format!("Of {}, {}.", words::counted(all, "promise"), words::list(&parts, 3))
}
