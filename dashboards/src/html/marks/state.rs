//! States as shape, letter and word, and where a figure comes from.
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{FunctionSummary, Status};
use maud::{Markup, html};

use crate::html::verdict::Verdict;
use crate::html::words;

fn key(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Maintenance => "maintenance",
        Status::Unknown => "unknown",
        Status::Warning => "warning",
        Status::Critical => "critical",
    }
}

fn shape(status: Status) -> Markup {
    let href = format!("#s-{}", key(status));
    html! { svg.sh viewBox="0 0 24 24" aria-hidden="true" { use href=(href) {} } }
}

/// A state with its shape, letter and the given word.
pub fn state(status: Status, word: &str) -> Markup {
    let class = format!("st st-{}", key(status));
    html! { span class=(class) { (shape(status)) (word) } }
}

/// A state in a matrix: the shape, then the figure behind it in ordinary text;
/// the word is there for those who hear the page.
pub fn cell(status: Status, figure: &str) -> Markup {
    cell_said(status, status.word(), figure)
}

/// The same with a word of its own for the state, such as `not met`.
pub fn cell_said(status: Status, word: &str, figure: &str) -> Markup {
    let class = format!("cell x-{}", key(status));
    html! {
        span class=(class) {
            (shape(status)) span.vh { (word) ": " } b { (figure) }
        }
    }
}

/// The verdict on a function's promise with its nights in 10; twice, for wide
/// screens on two lines and for phones on one.
pub fn nights_verdict(function: &FunctionSummary, stale_since: Option<&str>) -> Markup {
    let verdict = Verdict::of(function);
    let Some(status) = verdict.status() else { return html! { (verdict.word()) } };
    let nights = function.rto.map(|chance| words::nights(chance.share));
    let figure = match (verdict, nights) {
        (Verdict::CannotSay, Some(nights)) => {
            let old = stale_since.map_or("old data".to_owned(), |day| format!("data of {day}"));
            let short = nights.replace(&format!("{}nights in", words::JOIN), " in");
            Some(format!("{short} on {old}"))
        }
        (_, nights) => nights,
    };
    let mark = state(status, verdict.word());
    html! {
        span.dk { (mark) @if let Some(figure) = &figure { small { (figure) } } }
        span.ph { (mark) @if let Some(figure) = &figure { " · " (figure) } }
    }
}

/// How a figure is known: the square and words, at least its word.
pub fn provenance(provenance: Provenance, words: &str) -> Markup {
    let href = match provenance {
        Provenance::Measured => "#p-m",
        Provenance::Declared => "#p-t",
        Provenance::Default => "#p-a",
    };
    html! {
        span.pv { svg viewBox="0 0 11 11" aria-hidden="true" { use href=(href) {} } (words) }
    }
}

/// Stands where a figure does not apply.
pub fn missing() -> Markup {
    html! { span aria-hidden="true" { (words::MISSING) } span.vh { "does not apply" } }
}

/// The shape of a state inside a drawing, with its left upper corner at x, y.
pub fn state_at(status: Status, x: f64, y: f64, size: f64) -> Markup {
    let (class, href) = (format!("x-{}", key(status)), format!("#s-{}", key(status)));
    html! {
        svg class=(class) x=(x) y=(y) width=(size) height=(size) viewBox="0 0 24 24" {
            title { (status.word()) }
            use href=(href) {}
        }
    }
}
