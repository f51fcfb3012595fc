//! The chance of being back by a time: the curve, and the same figures as a table.
use evenkeel_config::record::{CurvePoint, Elapsed, FunctionSummary, Summary};
use maud::{Markup, html};

use super::figures;
use super::fix_table::{RankedFix, ranked};
use super::headline;
use super::marks::{self, Axis, Curve, Second, curve};
use super::names::Names;
use super::words;

/// The curve with its table; nothing when the function was never touched or
/// not simulated.
pub fn chance(
    id: &str,
    function: &FunctionSummary,
    summary: &Summary,
    names: &Names<'_>,
) -> Option<Markup> {
    chance_of_height(marks::TALL, id, function, summary, names)
}

/// The same, so many pixels high.
pub fn chance_of_height(
    height: f64,
    id: &str,
    function: &FunctionSummary,
    summary: &Summary,
    names: &Names<'_>,
) -> Option<Markup> {
    let likely = figures::at(&function.usable, 0.5)?;
    let bad_night = figures::at(&function.usable, 0.9)?;
    if function.curve.is_empty() || bad_night == Elapsed::Ms(0) {
        return None;
    }
    let title = headline::title(function, names);
    let fix = ranked(summary, function)
        .into_iter()
        .find(|fix| fix.function.id == function.id && fix.helps() && !fix.effect.curve.is_empty());
    let drawn = Curve {
        id,
        title: format!("Chance that {title} is usable again, by time since the start"),
        description: describe(function, likely, bad_night, fix.as_ref(), names),
        height,
        height_words: format!("nights in 10 that {} is back", words::shortened(&title, 26)),
        points: &function.curve,
        likely,
        bad_night,
        promised: promised(function),
        second: fix.as_ref().map(|fix| Second {
            points: &fix.effect.curve,
            bad_night: fix.effect.bad_night[1],
            words: "with fix 1".to_owned(),
        }),
    };
    let axis = drawn.axis();
    let table = table(function, axis, fix.as_ref());
    Some(html! {
        figure {
            (curve(&drawn))
            figcaption {
                "Pale band: where the curve could lie given what we have measured."
                @if let Some(fix) = &fix {
                    " Dashed: the same nights with fix 1, "
                    (headline::fragment(&names.text(&fix.fix.title))) "."
                }
            }
        }
        details { summary { "Show these figures as a table" } (table) }
    })
}

fn promised(function: &FunctionSummary) -> Option<(i64, String)> {
    let rto = function.objectives.rto?;
    let chance = function.rto?;
    Some((rto.as_ms(), format!("kept {}", words::nights(chance.share))))
}

fn describe(
    function: &FunctionSummary,
    likely: Elapsed,
    bad_night: Elapsed,
    fix: Option<&RankedFix<'_>>,
    names: &Names<'_>,
) -> String {
    let mut parts = Vec::new();
    if let (Some(rto), Some(chance)) = (function.objectives.rto, function.rto) {
        let nights = words::nights(chance.share);
        parts.push(format!("{nights} within the promised {}", words::duration(rto.as_ms())));
    }
    let within = |elapsed: Elapsed| match elapsed {
        Elapsed::Ms(0) => "not hit".to_owned(),
        Elapsed::Ms(ms) => format!("within {}", words::duration_long(ms)),
        Elapsed::Never => "never".to_owned(),
    };
    parts.push(format!("half {}", within(likely)));
    parts.push(format!("9 in 10 {}", within(bad_night)));
    let mut description = format!("Today: {}.", parts.join(", "));
    if let Some(fix) = fix {
        let title = headline::fragment(&names.text(&fix.fix.title));
        let after = within(fix.effect.bad_night[1]);
        description.push_str(&format!(" With the fix to {title}: 9 in 10 {after}."));
    }
    description
}

/// The figures of the curve: at the promise, likely, bad night and the ticks.
fn table(function: &FunctionSummary, axis: Axis, fix: Option<&RankedFix<'_>>) -> Markup {
    let Axis::Linear(end) = axis else { return html! {} };
    let promise = function.objectives.rto.map(|rto| rto.as_ms());
    let figures = [0.5, 0.9].map(|p| figures::at(&function.usable, p).and_then(Elapsed::ms));
    let ticks = axis.ticks().into_iter().skip(1).map(|tick| (tick.at * end) as i64);
    let mut times: Vec<i64> =
        promise.into_iter().chain(figures.into_iter().flatten()).chain(ticks).collect();
    times.retain(|ms| *ms > 0);
    times.sort_unstable();
    times.dedup_by_key(|ms| words::duration(*ms));
    let share = |points: &[CurvePoint], ms: i64| {
        if points == function.curve && Some(ms) == promise {
            return function.rto.map_or(0.0, |chance| chance.share);
        }
        Curve::share_by(points, ms)
    };
    html! {
        table.tight.narrow {
            thead { tr {
                th scope="col" { "Back within" }
                th.r scope="col" { "Today" }
                @if fix.is_some() { th.r scope="col" { "With fix 1" } }
            } }
            tbody {
                @for ms in times {
                    tr {
                        th scope="row" {
                            (words::duration(ms))
                            @if Some(ms) == promise { " (promised)" }
                        }
                        td.r { (words::nights(share(&function.curve, ms))) }
                        @if let Some(fix) = fix {
                            td.r { (words::nights(Curve::share_by(&fix.effect.curve, ms))) }
                        }
                    }
                }
            }
        }
    }
}
