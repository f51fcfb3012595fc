//! The first page: the answer, the functions that matter most, changes, decisions.
use evenkeel_config::record::{Elapsed, FixEffect, FixSummary, FunctionSummary, Summary};
use maud::{Markup, html};

use super::head;
use crate::html::figures::{self, Figures};
use crate::html::fix_table::{RankedFix, ranked, why_none};
use crate::html::function_table::{interval, log_scale, ordered};
use crate::html::names::Names;
use crate::html::verdict::Verdict;
use crate::html::{headline, marks, words};
use crate::picture::Picture;

/// Functions in the table.
const FUNCTIONS: usize = 7;
/// Changes since the last report.
const CHANGES: usize = 3;
/// Decisions asked for.
const DECISIONS: usize = 3;
/// The name of the organisation and the question are cut to so many characters.
const LONGEST: usize = 60;

pub(super) fn sheet(picture: &Picture, summary: &Summary, names: &Names<'_>) -> Markup {
    html! {
        div.sheet {
            (title_line(picture))
            h1 { (answer(summary, names)) }
            p.lede { (lede(summary, names)) }
            (functions(picture, summary, names))
            (changes(picture, summary, names))
            (decisions(summary, names))
        }
    }
}

/// Whose report it is, and of which moment the facts are.
pub(super) fn title_line(picture: &Picture) -> Markup {
    let day = words::date(words::zoned(picture.as_of, &picture.timezone).date());
    let left = html! {
        b { (words::shortened(&picture.organisation, LONGEST)) } " · continuity report, " (day)
    };
    head(&left, &format!("facts as of {}", words::moment(picture.as_of, &picture.timezone)))
}

fn answer(summary: &Summary, names: &Names<'_>) -> String {
    let question = words::shortened(&names.text(&summary.scenario.question), LONGEST);
    let question = question.trim_end_matches([',', '?', '.', ' ']);
    let (answer, _) = headline::answer(summary, names);
    if question.is_empty() {
        answer
    } else {
        format!("{}, {}", words::sentence_case(question), words::mid_sentence(&answer))
    }
}

fn lede(summary: &Summary, names: &Names<'_>) -> String {
    let cost = |p: f64| summary.cost.iter().find(|one| (one.p - p).abs() < 1e-9);
    let money = |minor: i64| words::money(minor, &summary.currency);
    let mut parts = Vec::new();
    if let (Some(likely), Some(bad)) = (cost(0.5), cost(0.9)) {
        parts.push(format!(
            "It would likely cost {}, on a bad night {}.",
            money(likely.value),
            money(bad.value)
        ));
    }
    if let Some(focus) = headline::focus(summary)
        && let Some(lost) = figures::at(&focus.data_loss, 0.5)
        && lost != Elapsed::Ms(0)
    {
        let lost = match lost {
            Elapsed::Ms(ms) => format!("{} of entries", words::duration_long(ms)),
            Elapsed::Never => "all entries".to_owned(),
        };
        parts.push(format!(
            "Likely lost for {}: {lost}.",
            words::mid_sentence(&headline::title(focus, names))
        ));
    }
    parts.push(headline::counts(summary, names));
    if summary.functions.len() > FUNCTIONS {
        parts.push("The seven that matter most:".to_owned());
    }
    parts.join(" ")
}

fn functions(picture: &Picture, summary: &Summary, names: &Names<'_>) -> Markup {
    let mut all = ordered(summary);
    // The function of the first sentence is always in the table.
    let focus = headline::focus(summary).map(|focus| &focus.id);
    if let Some(at) =
        all.iter().position(|one| Some(&one.id) == focus).filter(|at| *at >= FUNCTIONS)
    {
        all[FUNCTIONS - 1..=at].rotate_right(1);
    }
    let shown = &all[..all.len().min(FUNCTIONS)];
    let stopgaps = shown.iter().any(|one| one.workaround.is_some());
    let old = shown.iter().any(|one| !one.stale.is_empty());
    html! {
        section aria-labelledby="r1" {
            h2 #r1 { "When each function is usable again" }
            (marks::interval_key(stopgaps, old))
            table.stack.mid.fn role="table" {
                thead role="rowgroup" { tr role="row" {
                    th role="columnheader" scope="col" { "Function" }
                    th role="columnheader" scope="col" { "Promise kept?" }
                    th.bar role="columnheader" scope="col" { (log_scale("Usable again after")) }
                    th.r role="columnheader" scope="col" { "Promised" }
                    th.r role="columnheader" scope="col" { "Likely" }
                    th.r role="columnheader" scope="col" { "Bad night" }
                    th role="columnheader" scope="col" { "Entries lost" }
                } }
                tbody role="rowgroup" { @for function in shown { (row(function, picture, names)) } }
            }
            @if all.len() > FUNCTIONS { p.note { (the_others(&all[FUNCTIONS..], names)) } }
        }
    }
}

fn row(function: &FunctionSummary, picture: &Picture, names: &Names<'_>) -> Markup {
    let title = names.text(&function.title);
    let figures = Figures::of(function);
    let silent = function.stale.iter().filter_map(|id| picture.hosts.get(id.as_str()));
    let since = silent.map(|host| host.last_heard).min();
    let since = since.map(|at| words::day(at, &picture.timezone));
    html! {
        tr role="row" {
            th role="rowheader" scope="row" { (title) }
            td.q role="cell" { (marks::nights_verdict(function, since.as_deref())) }
            td.bar role="cell" { (marks::interval(&interval(function, &title, &figures))) }
            td.r.q.i role="cell" data-l="promised" {
                @if function.objectives.rto.is_some() { (figures.promised) } @else { (marks::missing()) }
            }
            td.r.q.i role="cell" data-l="likely" { strong { (figures.likely) } }
            td.r.q.i role="cell" data-l="bad night" { strong { (figures.bad_night) } }
            td.lo role="cell" data-l="entries lost:" {
                (figures.lost)
                @if figures.lost != figures.lost_bad_night { small { "bad night " (figures.lost_bad_night) } }
            }
        }
    }
}

/// The functions that are not in the table, in one sentence.
fn the_others(others: &[&FunctionSummary], names: &Names<'_>) -> String {
    let told = [
        (Verdict::NotKept, "not kept"),
        (Verdict::AtRisk, "at risk"),
        (Verdict::Kept, "kept"),
        (Verdict::NoObjective, "no objective set"),
        (Verdict::CannotSay, "cannot say"),
    ];
    let parts = told.iter().filter_map(|(verdict, word)| {
        let of_it = others.iter().filter(|one| Verdict::of(one) == *verdict);
        let titles: Vec<String> =
            of_it.map(|one| words::mid_sentence(&headline::title(one, names))).collect();
        (!titles.is_empty()).then(|| format!("{} ({word})", words::list(&titles, 4)))
    });
    let parts: Vec<String> = parts.collect();
    format!("Not in the table: {}.", parts.join("; "))
}

fn changes(picture: &Picture, summary: &Summary, names: &Names<'_>) -> Markup {
    let earlier = picture.earlier.get(&summary.scenario.id);
    let since = earlier.map(|one| words::date(words::zoned(one.as_of, &picture.timezone).date()));
    let heading = match &since {
        Some(day) => format!("Since {day}"),
        None => "What has changed".to_owned(),
    };
    let mut list = earlier.map(|earlier| moved(earlier, summary, names)).unwrap_or_default();
    list.truncate(CHANGES - 1);
    list.extend(less_known(picture));
    html! {
        section aria-labelledby="r2" {
            h2 #r2 { (heading) }
            ul.plain {
                @if earlier.is_none() {
                    li { strong { "First report." } " There is no earlier result to compare with yet." }
                } @else if list.is_empty() {
                    li { strong { "No change." } " Every bad night is what it was." }
                }
                @for (word, text) in list { li { strong { (word) } " " (text) } }
            }
        }
    }
}

/// Functions whose bad night moved, the largest moves first.
fn moved(earlier: &Summary, now: &Summary, names: &Names<'_>) -> Vec<(String, String)> {
    let mut moves = Vec::new();
    for function in &now.functions {
        let before = earlier.functions.iter().find(|one| one.id == function.id);
        let bad = |function: &FunctionSummary| figures::at(&function.usable, 0.9);
        let (Some(was), Some(is)) = (before.and_then(bad), bad(function)) else { continue };
        let (told_was, told_is) = (words::back_after(was), words::back_after(is));
        if told_was == told_is {
            continue;
        }
        let size = was.ms().unwrap_or(i64::MAX / 2).abs_diff(is.ms().unwrap_or(i64::MAX / 2));
        let (word, verb) = if is < was { ("Better", "fell") } else { ("Worse", "rose") };
        let title = words::mid_sentence(&headline::title(function, names));
        let text = format!("The bad night {verb} from {told_was} to {told_is}.");
        moves.push((size, (format!("{word}, {title}."), text)));
    }
    moves.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    moves.into_iter().map(|(_, told)| told).collect()
}

fn less_known(picture: &Picture) -> Option<(String, String)> {
    let silent: Vec<_> = picture.hosts.iter().filter(|(_, host)| host.silent).collect();
    let since = silent.iter().map(|(_, host)| host.last_heard).min()?;
    let hosts: Vec<String> = silent.iter().map(|(name, _)| words::shortened(name, 30)).collect();
    let (noun, have) = if hosts.len() == 1 { ("The host", "has") } else { ("The hosts", "have") };
    let text = format!(
        "{noun} {} {have} been silent since {}.",
        words::list(&hosts, 3),
        words::day(since, &picture.timezone)
    );
    Some(("Less known.".to_owned(), text))
}

fn decisions(summary: &Summary, names: &Names<'_>) -> Markup {
    let focus = headline::focus(summary);
    let life = for_life(summary);
    let business: Vec<RankedFix<'_>> = focus
        .map(|focus| ranked(summary, focus))
        .unwrap_or_default()
        .into_iter()
        .filter(|fix| fix.helps() && life.is_none_or(|(other, ..)| other.id != fix.fix.id))
        // Nobody is asked to pay for what only several such nights a year would repay.
        .filter(|fix| fix.function.life_safety || fix.fix.break_even_years.is_none_or(|y| y >= 1.0))
        .collect();
    let room = DECISIONS - usize::from(life.is_some());
    html! {
        section aria-labelledby="r3" {
            h2 #r3 { "Decisions asked for" }
            @if life.is_none() && business.is_empty() {
                p.note {
                    "None. " (why_none(summary, names))
                }
            } @else {
                ol.dec {
                    @if let Some((fix, effect, function)) = life {
                        li { strong { (title(fix, names)) "." } " " (price(fix, summary)) " "
                            (life_effect(effect, function, names)) }
                    }
                    @for fix in business.iter().take(room) {
                        li { strong { (title(fix.fix, names)) "." } " " (price(fix.fix, summary)) " "
                            (effect(fix, names)) }
                    }
                }
                @if let Some(next) = business.get(room) {
                    p.note { "Not asked now: " (words::mid_sentence(&title(next.fix, names))) ", "
                        (words::mid_sentence(&price(next.fix, summary))) }
                }
            }
        }
    }
}

fn title(fix: &FixSummary, names: &Names<'_>) -> String {
    words::sentence_case(names.text(&fix.title).trim_end_matches('.'))
}

/// `$600 once, $650 a year.`
fn price(fix: &FixSummary, summary: &Summary) -> String {
    let money = |minor| words::money(minor, &summary.currency);
    match (fix.once, fix.yearly) {
        (0, 0) => "No cost.".to_owned(),
        (once, 0) => format!("{} once.", money(once)),
        (0, yearly) => format!("{} a year.", money(yearly)),
        (once, yearly) => format!("{} once, {} a year.", money(once), money(yearly)),
    }
}

fn effect(fix: &RankedFix<'_>, names: &Names<'_>) -> String {
    let function = words::sentence_case(&headline::title(fix.function, names));
    let [before, after] = fix.effect.bad_night.map(words::back_after);
    let [lost, still_lost] = fix.effect.data_loss.map(words::lost);
    let mut text = if before != after {
        format!("{function}: the bad night falls from {before} to {after}.")
    } else if lost != still_lost {
        format!("{function}: entries lost on a bad night fall from {lost} to {still_lost}.")
    } else {
        format!("{function}: {}.", fix.change())
    };
    if let Some(years) = fix.fix.break_even_years.filter(|_| !fix.function.life_safety) {
        text += &format!(
            " Pays for itself if such a night comes more often than {}.",
            words::frequency(years)
        );
    }
    text
}

/// The fix that does most for a life-safety promise that is not kept.
fn for_life(summary: &Summary) -> Option<(&FixSummary, &FixEffect, &FunctionSummary)> {
    let function = headline::life_safety(summary)?;
    let effects = summary.fixes.iter().filter(|fix| fix.cannot.is_none()).filter_map(|fix| {
        let effect = fix.effects.iter().find(|effect| effect.function == function.id)?;
        let [before, after] = effect.bad_night;
        let gain = effect.rto.map_or(0, |[before, after]| ((after - before) * 1e6) as i64);
        (after < before || gain > 50_000).then_some((gain, fix, effect))
    });
    let (_, fix, effect) =
        effects.max_by_key(|(gain, _, effect)| (*gain, std::cmp::Reverse(effect.bad_night[1])))?;
    Some((fix, effect, function))
}

fn life_effect(effect: &FixEffect, function: &FunctionSummary, names: &Names<'_>) -> String {
    let title = words::sentence_case(&headline::title(function, names));
    let kept = effect.rto.map(|kept| kept.map(words::nights));
    let [before, after] = effect.bad_night.map(words::back_after);
    let text = match kept {
        Some([was, is]) if was != is => {
            format!("{title}: the promise is then kept {is}, not {was}.")
        }
        _ => format!("{title}: the bad night falls from {before} to {after}."),
    };
    format!("{text} Life safety: not weighed in money.")
}
