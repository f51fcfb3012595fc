//! When each function is usable again: one row per function, life safety first.
use evenkeel_config::record::{Elapsed, FunctionSummary, Summary};
use maud::{Markup, html};

use super::causes::main_cause;
use super::figures::{self, Figures};
use super::headline;
use super::marks::{self, Axis, Interval};
use super::names::Names;
use super::verdict::Verdict;
use super::words;
use crate::picture::Picture;

/// The functions of a result in the order of the table: life safety first,
/// then what would be missed most often; what cannot be said comes last.
pub fn ordered(summary: &Summary) -> Vec<&FunctionSummary> {
    let mut functions: Vec<&FunctionSummary> = summary.functions.iter().collect();
    functions.sort_by_key(|function| {
        let verdict = match Verdict::of(function) {
            _ if function.cannot.is_some() => 3,
            Verdict::CannotSay => 2,
            Verdict::NoObjective => 1,
            _ => 0,
        };
        let tenths = function.rto.map_or(10, |chance| words::tenths(chance.share));
        // Within life safety the order of the map stays.
        if function.life_safety { (0, 0, 0) } else { (1, verdict, tenths) }
    });
    functions
}

/// The key and the table. `link` gives the address of a function's own page.
pub fn function_table(
    functions: &[&FunctionSummary],
    picture: &Picture,
    names: &Names<'_>,
    link: impl Fn(&FunctionSummary) -> Option<String>,
) -> Markup {
    let stopgaps = functions.iter().any(|one| one.workaround.is_some());
    let old = functions.iter().any(|one| !one.stale.is_empty());
    let (life, business): (Vec<_>, Vec<_>) =
        functions.iter().copied().partition(|one| one.life_safety);
    let groups = [("Life safety", &life), ("Business", &business)];
    html! {
        (marks::interval_key(stopgaps, old))
        table.stack.mid.fn role="table" {
            thead role="rowgroup" { tr role="row" {
                th role="columnheader" scope="col" { "Function" }
                th role="columnheader" scope="col" { "Promise kept?" }
                th.bar role="columnheader" scope="col" { (log_scale("Usable again after")) }
                th.r role="columnheader" scope="col" { "Promised" }
                th.r role="columnheader" scope="col" { "Likely" }
                th.r.q role="columnheader" scope="col" { "Bad night" }
                th.q role="columnheader" scope="col" { "Entries lost" }
                th.why role="columnheader" scope="col" { "What it hangs on" }
            } }
            @for (heading, group) in groups {
                @if !group.is_empty() {
                    tbody role="rowgroup" {
                        @if !life.is_empty() {
                            tr.grp role="row" {
                                th role="rowheader" scope="rowgroup" colspan="8" { (heading) }
                            }
                        }
                        @for function in group {
                            (row(function, picture, names, link(function)))
                        }
                    }
                }
            }
        }
    }
}

/// The head of a column of bars on the stretched axis.
pub fn log_scale(what: &str) -> Markup {
    html! {
        span.vh { (what) }
        svg width="100%" height="16" aria-hidden="true" {
            @for (place, tick) in Axis::Log.ticks().iter().enumerate() {
                @let x = format!("{}%", (tick.at * 1000.0).round() / 10.0);
                text class={ "ax" (if place == 0 { "" } else { " m" }) } x=(x) y="11" {
                    (tick.label)
                }
            }
        }
    }
}

fn row(
    function: &FunctionSummary,
    picture: &Picture,
    names: &Names<'_>,
    link: Option<String>,
) -> Markup {
    let title = words::shortened(&names.text(&function.title), 80);
    let figures = Figures::of(function);
    let stale_since = stale_since(function, picture);
    html! {
        tr role="row" {
            th role="rowheader" scope="row" {
                @match link {
                    Some(href) => a href=(href) { (title) },
                    None => (title),
                }
                @if let Some(words) = &function.summary { small.dk { (names.text(words)) } }
            }
            td.q role="cell" { (marks::nights_verdict(function, stale_since.as_deref())) }
            td.bar role="cell" { (marks::interval(&interval(function, &title, &figures))) }
            td.r.q.i role="cell" data-l="promised" {
                @if function.objectives.rto.is_some() { (figures.promised) }
                @else { (marks::missing()) }
            }
            td.r.q.i role="cell" data-l="likely" { strong { (figures.likely) } }
            td.r.q.i role="cell" data-l="bad night" { strong { (figures.bad_night) } }
            td.lo role="cell" data-l="entries lost:" {
                (figures.lost)
                @if figures.lost != figures.lost_bad_night {
                    small { "bad night " (figures.lost_bad_night) }
                }
            }
            td.why role="cell" { (why(function, names)) }
        }
    }
}

/// The bar of a function.
pub fn interval(function: &FunctionSummary, title: &str, figures: &Figures) -> Interval {
    let stopgap = function.workaround.as_ref().map(|stopgap| {
        let start = stopgap.after.as_ms();
        (start, start.saturating_add(stopgap.lasts.as_ms()))
    });
    let touched = figures::at(&function.usable, 0.9).is_some_and(|bad| bad != Elapsed::Ms(0));
    let mut label = format!(
        "{title}: promised {}, likely {}, bad night {}",
        figures.promised, figures.likely, figures.bad_night
    );
    if function.objectives.rto.is_none() {
        label = label.replacen("promised ", "", 1);
    }
    if headline::gap(function).is_some() {
        label.push_str(", stopgap ends before the system is back");
    }
    Interval {
        label,
        promised: function.objectives.rto.map(|rto| rto.as_ms()),
        likely: figures::at(&function.usable, 0.5),
        bad_night: figures::at(&function.usable, 0.9),
        stopgap: stopgap.filter(|_| touched),
        old: !function.stale.is_empty(),
    }
}

/// The day of the oldest fact that makes a function's answer stale, as far as
/// a silent host tells it.
fn stale_since(function: &FunctionSummary, picture: &Picture) -> Option<String> {
    let heard = |id: &evenkeel_config::id::Id| {
        picture.hosts.get(id.as_str()).filter(|host| host.silent).map(|host| host.last_heard)
    };
    let oldest = function.stale.iter().filter_map(heard).min()?;
    Some(words::day_of_month(oldest, &picture.timezone))
}

/// What a function hangs on, in a few words.
pub fn why(function: &FunctionSummary, names: &Names<'_>) -> String {
    if function.cannot.is_some() || !function.stale.is_empty() {
        return words::sentence_case(&headline::cannot_reason(function, names));
    }
    if let (Some((end, _)), Some(stopgap)) = (headline::gap(function), &function.workaround) {
        let name = words::sentence_case(&names.text(&stopgap.name));
        return format!("{name}, until {}; then nothing is arranged", words::duration(end));
    }
    let likely = figures::at(&function.usable, 0.5);
    let bad_night = figures::at(&function.usable, 0.9);
    if bad_night == Some(Elapsed::Never)
        && let Some(never) = function.never.iter().max_by_key(|never| never.count)
    {
        return words::sentence_case(&names.text(&never.reason));
    }
    if bad_night == Some(Elapsed::Ms(0)) {
        return "Goes on".to_owned();
    }
    if let Some(stopgap) = function.workaround.as_ref().filter(|one| one.counts_as_usable)
        && likely > Some(Elapsed::Ms(0))
        && likely <= Some(Elapsed::Ms(stopgap.after.as_ms()))
    {
        let name = words::sentence_case(&names.text(&stopgap.name));
        let after = words::duration(stopgap.after.as_ms());
        return format!("{name}, from {after} on, for {}", words::duration(stopgap.lasts.as_ms()));
    }
    let cause = main_cause(function, names);
    if likely == Some(Elapsed::Ms(0)) {
        let hit = format!("Hit {}", words::in_nights(function.touched.share));
        return cause.map_or_else(
            || hit.clone(),
            |cause| format!("{hit}; then: {}", words::mid_sentence(&cause.short)),
        );
    }
    cause.map_or_else(
        || words::MISSING.to_owned(),
        |cause| {
            let percent = (cause.share * 100.0).round();
            format!("{}, {percent} of 100{}hours", cause.short, words::JOIN)
        },
    )
}
