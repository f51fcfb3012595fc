//! What the hours go into, in words: the cause before the person, people by role.
use std::collections::BTreeMap;

use evenkeel_config::id::Id;
use evenkeel_config::map::Kind;
use evenkeel_config::record::{Cause, FunctionSummary};

use super::marks::PartKind;
use super::names::Names;
use super::words;

/// The largest part of a function's hours.
#[derive(Debug, Clone, PartialEq)]
pub struct MainCause {
    /// Its share of all hours, 0 to 1.
    pub share: f64,
    /// What these hours do, such as "wait for one person, the IT lead".
    pub phrase: String,
    /// A few words for a table, such as "Waiting for the IT lead".
    pub short: String,
}

/// The largest part of a function's hours, waiting for one person taken
/// together whatever the reason; none when there are no hours.
pub fn main_cause(function: &FunctionSummary, names: &Names<'_>) -> Option<MainCause> {
    let mut groups: BTreeMap<(Cause, Option<&Id>), (f64, &str)> = BTreeMap::new();
    for hours in &function.hours {
        let component = match hours.cause {
            Cause::Effort => None,
            _ => hours.component.as_ref(),
        };
        let group = groups.entry((grouped(hours.cause), component)).or_insert((0.0, &hours.who));
        group.0 += hours.share;
    }
    let largest = groups.into_iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0));
    let ((cause, component), (share, who)) = largest?;
    let who = component.map_or_else(|| names.text(who), |id| names.in_sentence(id));
    let (phrase, short) = told(cause, component.and_then(|id| names.kind(id)), &who);
    Some(MainCause { share, phrase, short })
}

/// Causes that are told as one.
fn grouped(cause: Cause) -> Cause {
    match cause {
        Cause::PersonBusy | Cause::PersonOffShift | Cause::PersonAway => Cause::PersonBusy,
        Cause::Transfer | Cause::LinkContention => Cause::Transfer,
        other => other,
    }
}

fn told(cause: Cause, kind: Option<Kind>, who: &str) -> (String, String) {
    let both = |phrase: String, short: String| (phrase, words::sentence_case(&short));
    let named = |phrase: &str, short: &str| both(phrase.to_owned(), short.to_owned());
    match cause {
        Cause::Detection => named("pass before anyone notices", "time until somebody notices"),
        Cause::Declaration => {
            named("pass after noticing, before recovery starts", "time before recovery starts")
        }
        Cause::Hold => named("pass while the systems are held", "systems held for the insurer"),
        Cause::Effort => named("are hands-on work", "hands-on work"),
        Cause::PersonBusy | Cause::PersonOffShift | Cause::PersonAway => {
            let alone = kind == Some(Kind::Person) && !who.starts_with("one ");
            let one = if alone { "one person, " } else { "" };
            both(format!("wait for {one}{who}"), format!("waiting for {who}"))
        }
        Cause::Transfer | Cause::LinkContention => {
            let what = match kind {
                Some(Kind::Dataset) => format!("restoring {who}"),
                Some(Kind::Copy) => format!("restoring from {who}"),
                Some(Kind::Link) => format!("restoring over {who}"),
                _ => "restoring data".to_owned(),
            };
            both(format!("go into {what}"), what)
        }
        Cause::LeadTime => {
            both(format!("are the lead time of {who}"), format!("lead time of {who}"))
        }
        Cause::Vendor => both(format!("wait for {who}"), format!("waiting for {who}")),
        Cause::Wait => both(format!("pass with waiting: {who}"), format!("waiting: {who}")),
        Cause::Outage => both(format!("pass until {who} is back"), format!("outage of {who}")),
        Cause::Start => both(format!("are the start-up of {who}"), format!("start-up of {who}")),
        Cause::Failover => {
            both(format!("go into switching {who} over"), format!("switching {who} over"))
        }
    }
}

/// A step of a waterfall: heading and the words under it.
pub fn step_words(
    cause: Cause,
    component: Option<&Id>,
    who: &str,
    step: &str,
    names: &Names<'_>,
) -> (String, String) {
    let who = component.map_or_else(|| names.text(who), |id| names.in_sentence(id));
    let step = words::sentence_case(&names.text(step));
    let heading = |fallback: String| if step.is_empty() { fallback } else { step.clone() };
    let under = |reason: &str| {
        let step = words::mid_sentence(&step);
        if step.is_empty() { reason.to_owned() } else { format!("{reason} · {step}") }
    };
    match cause {
        Cause::PersonBusy => (format!("Waiting for {who}"), under("busy elsewhere")),
        Cause::PersonOffShift => (format!("Waiting for {who}"), under("off shift")),
        Cause::PersonAway => (format!("Waiting for {who}"), under("away")),
        Cause::Detection => ("Noticing".to_owned(), words::mid_sentence(&step)),
        Cause::Declaration => (heading("Deciding".to_owned()), "before recovery starts".to_owned()),
        Cause::Hold => (heading("Systems held".to_owned()), "nothing may be touched".to_owned()),
        Cause::Effort => (heading("Hands-on work".to_owned()), format!("hands-on · {who}")),
        Cause::Transfer => (heading("Restoring".to_owned()), format!("restore · {who}")),
        Cause::LinkContention => (format!("Sharing {who}"), under("other restores run, too")),
        Cause::LeadTime => (heading("Delivery".to_owned()), format!("lead time · {who}")),
        Cause::Vendor => (format!("Waiting for {who}"), under("outside party")),
        Cause::Wait => (heading("Waiting".to_owned()), format!("nobody is held · {who}")),
        Cause::Outage => (format!("Outage of {who}"), "ends by itself".to_owned()),
        Cause::Start => (format!("Starting {who}"), "start-up".to_owned()),
        Cause::Failover => (format!("Switching {who} over"), "fail-over".to_owned()),
    }
}

/// The mark of a cause in a waterfall.
pub fn part_kind(cause: Cause) -> PartKind {
    if cause.is_person() {
        PartKind::Person
    } else if cause.is_work() {
        PartKind::Work
    } else {
        PartKind::Waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sample;

    #[test]
    fn waiting_for_one_person_is_one_cause() {
        let picture = sample::picture();
        let names = Names::new(&picture.map);
        let payroll = sample::function(&picture, "payroll");
        let cause = main_cause(payroll, &names).expect("a cause");
        assert_eq!(
            words::hundredths(cause.share).replace(words::JOIN, " "),
            "41 of every 100 hours"
        );
        assert_eq!(cause.phrase, "wait for one person, the IT lead");
        assert_eq!(cause.short, "Waiting for the IT lead");
    }
}
