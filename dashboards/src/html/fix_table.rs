//! What each priced fix wins on a bad night, and how rare an event may be for
//! it to pay.
use evenkeel_config::record::{Elapsed, FixEffect, FixSummary, FunctionSummary, Summary};
use maud::{Markup, html};

use super::headline;
use super::marks::{self, Axis};
use super::names::Names;
use super::words;

/// So many labels of a straight axis stand beside each other in a column.
const MOST_LABELS: usize = 5;

/// A fix with the effect that speaks for it.
#[derive(Debug, Clone, Copy)]
pub struct RankedFix<'a> {
    /// The fix.
    pub fix: &'a FixSummary,
    /// Its effect on the function in question, or on the one it helps most.
    pub effect: &'a FixEffect,
    /// The function of that effect.
    pub function: &'a FunctionSummary,
    /// Time won on a bad night: best figure, and where it could lie.
    pub won: Option<[i64; 3]>,
}

impl RankedFix<'_> {
    /// `9 d to 5 d`, or what else gets better.
    pub fn change(&self) -> String {
        let told = |pair: [Elapsed; 2], tell: fn(Elapsed) -> String| {
            let [before, after] = pair.map(tell);
            format!("{before} to {after}")
        };
        match benefit(self.effect) {
            Benefit::EverBack | Benefit::TimeWon(_) => {
                told(self.effect.bad_night, words::back_after)
            }
            Benefit::LikelyWon(_) => {
                format!("likely {}", told(self.effect.likely, words::back_after))
            }
            Benefit::LessLost => format!("loss {}", told(self.effect.data_loss, words::lost)),
            Benefit::None => "no change".to_owned(),
        }
    }

    /// Whether a bad night gets shorter.
    pub fn shortens_bad_night(&self) -> bool {
        benefit(self.effect) >= Benefit::TimeWon(0)
    }

    /// Whether anything gets better.
    pub fn helps(&self) -> bool {
        benefit(self.effect) > Benefit::None
    }
}

/// How much an effect is worth for the order: never to some time comes before
/// any time won on a bad night, that before a likely night, that before less
/// work lost. What reads the same before and after is no benefit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Benefit {
    None,
    LessLost,
    LikelyWon(i64),
    TimeWon(i64),
    EverBack,
}

fn benefit(effect: &FixEffect) -> Benefit {
    let less = |[before, after]: [Elapsed; 2], tell: fn(Elapsed) -> String| {
        after < before && tell(before) != tell(after)
    };
    let won = |[before, after]: [Elapsed; 2]| match (before, after) {
        _ if !less([before, after], words::back_after) => None,
        (Elapsed::Ms(before), Elapsed::Ms(after)) => Some(before - after),
        _ => Some(i64::MAX),
    };
    let certain = effect.won_ms.is_none_or(|[best, low, _]| best > 0 && low >= 0);
    match (won(effect.bad_night), won(effect.likely)) {
        (Some(i64::MAX), _) => Benefit::EverBack,
        (Some(won), _) if certain => Benefit::TimeWon(won),
        (_, Some(won)) => Benefit::LikelyWon(won),
        _ if less(effect.data_loss, words::lost) => Benefit::LessLost,
        _ => Benefit::None,
    }
}

/// The fixes of a result, those that win most for the function in question
/// first; a fix that does nothing for it is shown by what it does elsewhere.
/// Effects on life safety are never ranked here.
pub fn ranked<'a>(summary: &'a Summary, focus: &FunctionSummary) -> Vec<RankedFix<'a>> {
    let function =
        |effect: &FixEffect| summary.functions.iter().find(|one| one.id == effect.function);
    let mut fixes: Vec<RankedFix<'a>> = summary
        .fixes
        .iter()
        .filter(|fix| fix.cannot.is_none())
        .filter_map(|fix| {
            let business =
                fix.effects.iter().filter_map(|effect| Some((effect, function(effect)?)));
            let best = business
                .filter(|(_, function)| !function.life_safety || function.id == focus.id)
                .max_by_key(|(effect, function)| {
                    let helps = benefit(effect);
                    (helps > Benefit::None && function.id == focus.id, helps)
                })?;
            let (effect, function) = best;
            Some(RankedFix { fix, effect, function, won: effect.won_ms })
        })
        .collect();
    fixes.sort_by_key(|ranked| {
        let at_focus = ranked.helps() && ranked.function.id == focus.id;
        std::cmp::Reverse((at_focus, benefit(ranked.effect)))
    });
    fixes
}

/// What the fixes of a result do for one function alone: a table, or sentences
/// without money where lives hang on it. Nothing when no fix helps it.
pub fn fixes_for(
    function: &FunctionSummary,
    summary: &Summary,
    names: &Names<'_>,
) -> Option<Markup> {
    let helping: Vec<_> = ranked(summary, function)
        .into_iter()
        .filter(|fix| fix.function.id == function.id && fix.helps())
        .collect();
    if helping.is_empty() {
        return None;
    }
    if function.life_safety {
        return Some(html! {
            p.note { "Life safety is never weighed in money." }
            ul.plain {
                @for fix in &helping {
                    li {
                        (words::sentence_case(&names.text(&fix.fix.title))) ": bad night "
                        (fix.change())
                    }
                }
            }
        });
    }
    Some(html! {
        p.note {
            "Time won on a bad night: the ring is our best figure, the bar where it could lie. \
             Fixes overlap: two together win less than the sum."
        }
        (table(&helping, function, summary, names))
    })
}

/// The table of fixes that help, and sentences on the others and on life safety.
pub fn fix_table(
    summary: &Summary,
    focus: &FunctionSummary,
    names: &Names<'_>,
    most: usize,
) -> Markup {
    let all = ranked(summary, focus);
    let (helping, idle): (Vec<_>, Vec<_>) = all.into_iter().partition(RankedFix::helps);
    let shown = &helping[..helping.len().min(most)];
    let title = headline::title(focus, names);
    html! {
        @if shown.is_empty() {
            p.note { (why_none(summary, names)) }
        } @else {
            p.note {
                "Time won on a bad night for " (title) ", unless the row names another function; \
                 the ring is our best figure, the bar where it could lie. \
                 Fixes overlap: two together win less than the sum."
            }
            (table(shown, focus, summary, names))
        }
        @if !idle.is_empty() && !shown.is_empty() {
            p.note { (words::spelled(idle.len() as u64)) " more would change little here." }
        }
        @for sentence in life_safety(summary, names) { p.note { (sentence) } }
    }
}

fn table(
    shown: &[RankedFix<'_>],
    focus: &FunctionSummary,
    summary: &Summary,
    names: &Names<'_>,
) -> Markup {
    let widest = shown.iter().filter_map(|fix| fix.won).map(|[_, _, high]| high).max();
    let axis = Axis::reaching(widest.unwrap_or(0).max(1) as f64);
    html! {
        table.stack.mid.fx role="table" {
            thead role="rowgroup" { tr role="row" {
                th role="columnheader" scope="col" { "Fix" }
                th.bar role="columnheader" scope="col" {
                    span.vh { "Time won on a bad night" }
                    (straight_scale(axis))
                }
                th role="columnheader" scope="col" { "Bad night" }
                th.r role="columnheader" scope="col" { "Once" }
                th.r role="columnheader" scope="col" { "A year" }
                th.r role="columnheader" scope="col" {
                    "Worth it if more" br; "often than once in"
                }
            } }
            tbody role="rowgroup" {
                @for (at, fix) in shown.iter().enumerate() {
                    (row(at + 1, fix, focus, summary, names, axis))
                }
            }
        }
    }
}

/// Labels of a straight axis in a column head.
pub fn straight_scale(axis: Axis) -> Markup {
    let ticks = axis.ticks();
    let last = ticks.len().saturating_sub(1);
    // Many labels take turns, and none stands too close to the last.
    let shown = |place: &usize| {
        last < MOST_LABELS || *place == last || place.is_multiple_of(2) && place + 1 < last
    };
    html! {
        svg width="100%" height="16" aria-hidden="true" {
            @for (place, tick) in ticks.iter().enumerate().filter(|(place, _)| shown(place)) {
                @let x = format!("{}%", (tick.at * 1000.0).round() / 10.0);
                @let class = match place {
                    0 => "ax",
                    _ if place + 1 == ticks.len() => "ax e",
                    _ => "ax m",
                };
                text class=(class) x=(x) y="11" { (tick.label) }
            }
        }
    }
}

fn row(
    number: usize,
    ranked: &RankedFix<'_>,
    focus: &FunctionSummary,
    summary: &Summary,
    names: &Names<'_>,
    axis: Axis,
) -> Markup {
    let title = names.text(&ranked.fix.title);
    let change = ranked.change();
    let money = |minor| words::money(minor, &summary.currency);
    let elsewhere = ranked.function.id != focus.id;
    let life = ranked.function.life_safety;
    html! {
        tr role="row" {
            th role="rowheader" scope="row" { (number) ". " (title) }
            td.bar role="cell" {
                @let won = ranked.won.filter(|_| ranked.shortens_bad_night());
                @if let Some([best, low, high]) = won {
                    @let label = format!("{title}: wins {}, between {}", words::duration(best),
                        words::range(low, high).replace(" to ", " and "));
                    (marks::effect_bar(&label, best, low.max(0), high, axis))
                } @else { (marks::missing()) }
            }
            td.q role="cell" data-l="bad night" {
                (change)
                @if elsewhere { small { (headline::title(ranked.function, names)) } }
            }
            td.r.q.i role="cell" data-l="once" { (money(ranked.fix.once)) }
            td.r.q.i role="cell" data-l="a year" { (money(ranked.fix.yearly)) }
            td.r.q.i role="cell" data-l="worth it if more often than once in" {
                @match ranked.fix.break_even_years.filter(|_| !life) {
                    Some(years) => (words::years_long(years)),
                    None => (marks::missing()),
                }
            }
        }
    }
}

/// Why no fix can be named: none is written down, none is simulated yet, or none helps.
pub fn why_none(summary: &Summary, names: &Names<'_>) -> &'static str {
    match (summary.fixes.is_empty(), names.fixes_on_map()) {
        (true, 0) => {
            "No fix is on the map yet. Write down what could be done and what it costs, and it is \
             simulated against the same nights."
        }
        (true, _) => {
            "The fixes on the map are being simulated against the same nights; load this page \
             again in a minute."
        }
        (false, _) => "None of the fixes on the map changes a bad night of this kind.",
    }
}

/// What fixes do for life safety, outside of money's weighing.
fn life_safety(summary: &Summary, names: &Names<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    for function in summary.functions.iter().filter(|one| one.life_safety) {
        let helping = summary.fixes.iter().filter_map(|fix| {
            let effect = fix.effects.iter().find(|effect| effect.function == function.id)?;
            let helps = benefit(effect);
            (helps >= Benefit::TimeWon(0)).then_some((helps, fix, effect))
        });
        let Some((_, fix, effect)) = helping.max_by_key(|(helps, ..)| *helps) else { continue };
        let [before, after] = effect.bad_night.map(words::back_after);
        let whose = words::possessive(&headline::title(function, names));
        let what = headline::fragment(&names.text(&fix.title));
        sentences.push(format!(
            "To bring {whose} bad night from {before} to {after}: {what}. Life safety is never \
             weighed in money."
        ));
    }
    sentences.truncate(3);
    sentences
}
