//! The second page: the curve, where the hours go, fixes, how sure, last proof, signatures.
use evenkeel_config::record::{FunctionSummary, HoursShare, Status, Summary};
use jiff::Span;
use maud::{Markup, html};

use super::head;
use crate::html::chance::chance_of_height;
use crate::html::fix_table::fix_table;
use crate::html::names::Names;
use crate::html::sure::{Origins, doubts, squares};
use crate::html::{causes, copies_rule, headline, layout, marks, moves, words, year};
use crate::pages::evidence::{Restore, last_restores, restore_mark};
use crate::picture::Picture;

/// Fixes in the table.
const FIXES: usize = 5;
/// Rows of where the hours go.
const CAUSES: usize = 5;
/// Rows of the last proof.
const PROOFS: usize = 4;

pub(super) fn sheet(picture: &Picture, summary: &Summary, names: &Names<'_>) -> Markup {
    let focus = headline::focus(summary);
    html! {
        div.sheet {
            (head(
                &html! {
                    b { "Behind the answer" }
                    @if let Some(focus) = focus { " · " (function(focus, names)) " is shown" }
                },
                &words::shortened(&names.text(&summary.scenario.title), 60),
            ))
            @if let Some(focus) = focus {
                div.two {
                    (curve(focus, summary, names))
                    @if year::is_drawn(&picture.year) {
                        (a_year(picture, summary, focus, names))
                    } @else {
                        div { (hours(focus, names)) (a_year(picture, summary, focus, names)) }
                    }
                }
                section aria-labelledby="r6" {
                    h2 #r6 { "Fixes, by time won on a bad night" }
                    (fix_table(summary, focus, names, FIXES))
                }
            }
            div.two {
                (sure(picture, summary, names))
                (proofs(picture, names))
            }
            (signatures(picture))
            p.note { (layout::method(picture)) }
        }
    }
}

fn curve(focus: &FunctionSummary, summary: &Summary, names: &Names<'_>) -> Markup {
    html! {
        section aria-labelledby="r4" {
            h2 #r4 { "Chance that " (function(focus, names)) " is back" }
            @match chance_of_height(marks::LOW, "report", focus, summary, names) {
                Some(drawn) => (drawn),
                None => p.note { "There is no curve: the function is not hit, or could not be simulated." },
            }
        }
    }
}

fn a_year(
    picture: &Picture,
    summary: &Summary,
    focus: &FunctionSummary,
    names: &Names<'_>,
) -> Markup {
    html! {
        section aria-labelledby="r9" {
            h2 #r9 { "What a year could cost" }
            (year::year("year", &picture.year, summary, focus, names))
        }
    }
}

/// The function's name inside a sentence.
fn function(focus: &FunctionSummary, names: &Names<'_>) -> String {
    words::mid_sentence(&headline::title(focus, names))
}

/// Where the hours go over all nights, waiting and work by cause.
fn hours(focus: &FunctionSummary, names: &Names<'_>) -> Markup {
    let shown: Vec<&HoursShare> =
        focus.hours.iter().filter(|one| one.share >= 0.005).take(CAUSES).collect();
    let widest = shown.iter().map(|one| one.share).fold(0.0, f64::max).max(0.01);
    let rest = 1.0 - shown.iter().map(|one| one.share).sum::<f64>();
    let hundredths = |share: f64| format!("{:.0}", (share * 100.0).round());
    html! {
        section aria-labelledby="r5" {
            h2 #r5 { "Where the hours go" }
            @if shown.is_empty() {
                p.note { "No hour is lost: it is not hit." }
            } @else {
                table.tight {
                    caption { "Of every 100 hours until it is usable again, over all nights" }
                    thead { tr {
                        th scope="col" { "Cause" }
                        th scope="col" { span.vh { "Picture" } }
                        th.r scope="col" { "Hours" }
                    } }
                    tbody {
                        @for one in shown {
                            @let (heading, under) = causes::step_words(one.cause,
                                one.component.as_ref(), &one.who, &one.step, names);
                            tr {
                                th scope="row" { (words::shortened(&heading, 44))
                                    @if !under.is_empty() { small { (words::shortened(&under, 44)) } } }
                                td.bar { (bar(one, one.share / widest)) }
                                td.r { (hundredths(one.share)) }
                            }
                        }
                        @if rest >= 0.005 {
                            tr { th scope="row" { "All else" } td.bar {} td.r { (hundredths(rest)) } }
                        }
                    }
                }
                p.note { "Solid: waiting for a person. Green-blue: waiting for anything else. Hollow: work." }
            }
        }
    }
}

fn bar(one: &HoursShare, width: f64) -> Markup {
    let class = causes::part_kind(one.cause).class();
    html! {
        svg.iv width="100%" aria-hidden="true" {
            svg y="50%" width="100%" height="1" {
                rect class=(class) x="0" y="-6" height="12" width=(format!("{}%", (width * 1000.0).round() / 10.0)) {}
            }
        }
    }
}

fn sure(picture: &Picture, summary: &Summary, names: &Names<'_>) -> Markup {
    let origins = Origins::of(summary);
    let doubt = doubts(picture, Some(summary), names).into_iter().next();
    html! {
        section aria-labelledby="r7" {
            h2 #r7 { "How sure we are" }
            @if origins.all() > 0 { (squares(origins)) }
            @match spread(picture, summary, names) {
                Some(told) => p.note { (words::shortened(&told, 330)) },
                None => @if let Some(doubt) = doubt {
                    p.note { (words::shortened(&doubt, 160)) }
                },
            }
        }
    }
}

/// Where the spread of the shown function comes from, and what would narrow it;
/// nothing while either is not known.
fn spread(picture: &Picture, summary: &Summary, names: &Names<'_>) -> Option<String> {
    let focus = headline::focus(summary)?;
    let share = moves::from_assumptions(focus, summary, names)?;
    let next = moves::in_short(picture.moves.get(&summary.scenario.id)?, focus, names)?;
    Some(format!("{share} {next}"))
}

/// The restores that say most: failed first, then never drilled, then the rest.
pub(super) fn proofs(picture: &Picture, names: &Names<'_>) -> Markup {
    let mut restores = last_restores(picture, names);
    restores.sort_by_key(|restore| match restore.status {
        Status::Critical => 0,
        Status::Unknown => 2,
        Status::Warning => 3,
        _ => 1,
    });
    let rest = restores.len().saturating_sub(PROOFS) as u64;
    html! {
        section aria-labelledby="r8" {
            h2 #r8 { "Last proof" }
            @if restores.is_empty() {
                p.note { "No data set is on the map yet, so no restore is known." }
            } @else {
                table.tight {
                    thead.vh { tr { @for head in ["What", "When", "Result"] { th scope="col" { (head) } } } }
                    tbody { @for restore in restores.iter().take(PROOFS) { (proof(restore)) } }
                }
                @if rest > 0 { p.note { (words::counted(rest, "more data set")) " on the Evidence page." } }
                @if let Some(rule) = copies_rule::in_short(&picture.rule()) { p.note { (rule) } }
            }
        }
    }
}

fn proof(restore: &Restore) -> Markup {
    let name = words::shortened(&words::mid_sentence(&restore.name), 28);
    let day = if restore.day == "never" { "none" } else { &restore.day };
    html! {
        tr {
            th scope="row" { "Restore, " (name) }
            td.q { (day) }
            td { (restore_mark(restore)) }
        }
    }
}

pub(super) fn signatures(picture: &Picture) -> Markup {
    let today = words::zoned(picture.as_of, &picture.timezone).date();
    let next = today.checked_add(Span::new().months(3)).ok();
    html! {
        div.sign {
            div { "Leadership, date" }
            div { "IT lead or deputy, date" }
            @if let Some(next) = next { div { "Next report: " (words::date(next)) } }
        }
    }
}
