//! Tonight: if this happens, when is each function back, what is lost, what
//! does it cost, what is to be fixed first, and how sure are we?
use evenkeel_config::record::{Elapsed, FunctionSummary, Summary};
use maud::{Markup, html};

use super::first;
use crate::html::causes::main_cause;
use crate::html::chance::chance;
use crate::html::changes;
use crate::html::figures;
use crate::html::fix_table::{self, fix_table};
use crate::html::function_table::{self, function_table, log_scale};
use crate::html::headline::{self, Verbs};
use crate::html::layout::{self, Page};
use crate::html::links;
use crate::html::marks::{self, Interval};
use crate::html::names::Names;
use crate::html::sure::{self, Origins};
use crate::html::words;
use crate::picture::{Ask, Picture};

/// Most fixes that are listed.
const MOST_FIXES: usize = 6;

/// Most sentences on what we do not know.
const MOST_DOUBTS: usize = 8;

/// The page: the answer if anything can be simulated, else what we know so far.
pub fn page(picture: &Picture, ask: &Ask) -> Markup {
    let Some(summary) = picture.summary(ask) else { return first::page(picture, ask) };
    let Some(focus) = headline::focus(summary) else { return first::page(picture, ask) };
    if summary.functions.iter().all(|function| function.cannot.is_some()) {
        return first::page(picture, ask);
    }
    let names = Names::new(&picture.map);
    let (answer, left_over) = headline::answer(summary, &names);
    let body = html! {
        (question(picture, summary))
        h1 { (answer) }
        p.lede {
            @if let Some(sentence) = left_over { (sentence) " " }
            (headline::counts(summary, &names))
        }
        (answers(picture, summary, focus, &names))
        (functions(picture, summary, &names))
        (fixes(summary, focus, &names))
        (range_and_loss(summary, focus, &names))
        (how_sure(picture, summary, &names))
    };
    layout::page(picture, Page::Tonight, &names.text(&summary.scenario.question), body)
}

/// The question as a form.
fn question(picture: &Picture, summary: &Summary) -> Markup {
    html! {
        form.ask method="get" action=(Page::Tonight.path()) {
            label for="sc" { "If this happens tonight:" }
            (links::scenario_select(picture, summary))
            button type="submit" { "Show" }
        }
    }
}

/// The four answers for ten seconds.
fn answers(
    picture: &Picture,
    summary: &Summary,
    focus: &FunctionSummary,
    names: &Names<'_>,
) -> Markup {
    let parts = [
        ("What is likely lost", lost(summary, names)),
        ("What it likely costs", cost(summary)),
        ("What to fix first", fix_first(summary, focus, names)),
        ("How sure we are", certainty(picture, summary, names)),
    ];
    html! {
        dl.answers {
            @for (question, (big, words)) in parts {
                div { dt { (question) } dd { span.big { (big) } (words) } }
            }
        }
    }
}

fn lost(summary: &Summary, names: &Names<'_>) -> (String, String) {
    let losses = |p: f64| {
        let functions = summary.functions.iter().map(move |one| figures::at(&one.data_loss, p));
        functions.flatten().max().unwrap_or(Elapsed::Ms(0))
    };
    let for_good: Vec<String> = summary
        .datasets
        .iter()
        .filter(|data| figures::at(&data.loss, 0.9) == Some(Elapsed::Never))
        .map(|data| words::shortened(&names.text(&data.title), 60))
        .collect();
    let finite = |p: f64| {
        let values = summary.datasets.iter().filter_map(|data| figures::at(&data.loss, p)?.ms());
        values
            .chain(summary.functions.iter().filter_map(|one| figures::at(&one.data_loss, p)?.ms()))
            .max()
            .unwrap_or(0)
    };
    let entries = |ms: i64| format!("{} of entries", words::duration(ms));
    let big = match losses(0.5) {
        Elapsed::Ms(0) => "No entries".to_owned(),
        Elapsed::Ms(ms) => entries(ms),
        Elapsed::Never => "All of some data".to_owned(),
    };
    let bad_night = match (finite(0.9), for_good.is_empty()) {
        (0, true) => "Nor on a bad night.".to_owned(),
        (ms, true) => format!("On a bad night {}.", entries(ms)),
        (0, false) => format!("On a bad night {} for good.", words::list(&for_good, 3)),
        (ms, false) => {
            format!("On a bad night {}, and {} for good.", entries(ms), words::list(&for_good, 3))
        }
    };
    (big, bad_night)
}

fn cost(summary: &Summary) -> (String, String) {
    let at = |p: f64| summary.cost.iter().find(|cost| (cost.p - p).abs() < 1e-9);
    match (at(0.5), at(0.9)) {
        (Some(likely), Some(bad_night)) => {
            let money = |minor| words::money(minor, &summary.currency);
            let bad_night = money(bad_night.value);
            let what = "Lost work, overtime and outside help, before insurance.";
            (money(likely.value), format!("On a bad night {bad_night}. {what}"))
        }
        _ => {
            ("Not priced".to_owned(), "The map says of no function what an hour costs.".to_owned())
        }
    }
}

fn fix_first(summary: &Summary, focus: &FunctionSummary, names: &Names<'_>) -> (String, String) {
    let best = fix_table::ranked(summary, focus).into_iter().find(|fix| fix.helps());
    let Some(best) = best else {
        let words = fix_table::why_none(summary, names);
        return ("No fix to name".to_owned(), words.to_owned());
    };
    let once = words::money(best.fix.once, &summary.currency);
    let big =
        if best.fix.once == 0 { "A free change".to_owned() } else { format!("A {once} change") };
    let title = words::sentence_case(&words::shortened(&names.text(&best.fix.title), 90));
    let function = headline::title(best.function, names);
    let effect = match best.effect.bad_night {
        _ if !best.shortens_bad_night() => format!("{function}, {}", best.change()),
        [Elapsed::Never, Elapsed::Ms(after)] => {
            let comes = Verbs::of(&function).comes();
            let after = words::duration_long(after);
            format!("{function} then {comes} back, on a bad night in {after}")
        }
        [Elapsed::Ms(before), Elapsed::Ms(after)] if after < before => format!(
            "{} bad night falls from {} to {}",
            words::possessive(&function),
            words::duration_long(before),
            if after == 0 { "none".to_owned() } else { words::pair_long(before, after).1 }
        ),
        _ => format!("{function}, {}", best.change()),
    };
    (big, format!("{title}: {effect}."))
}

fn certainty(picture: &Picture, summary: &Summary, names: &Names<'_>) -> (String, String) {
    let origins = Origins::of(summary);
    let never = sure::never_restored_names(picture, names).len();
    let mut words = origins.others();
    match never {
        0 => {}
        1 => words.push_str(" One set of data was never restored as a test."),
        many => {
            let many = words::spelled(many as u64);
            words.push_str(&format!(" {many} sets of data were never restored as a test."));
        }
    }
    (format!("{} measured", words::part(origins.measured, origins.all())), words)
}

fn functions(picture: &Picture, summary: &Summary, names: &Names<'_>) -> Markup {
    let ordered = function_table::ordered(summary);
    let life = summary.functions.iter().any(|function| function.life_safety);
    let earlier = picture.earlier.get(&summary.scenario.id);
    let since = earlier.and_then(|earlier| changes::sentence(summary, earlier, names));
    html! {
        section aria-labelledby="h-f" {
            h2 #h-f { "When each function is usable again" }
            p.note {
                "Hours and days since it happened, on a stretched scale. "
                @if life { "Life safety first, then what would be missed most often." }
                @else { "First what would be missed most often." }
            }
            (function_table(&ordered, picture, names, |function| {
                Some(links::function(&function.id, &summary.scenario.id))
            }))
            @if let Some(sentence) = since {
                p.note { (sentence) " The figures are bad nights." }
            }
        }
    }
}

fn fixes(summary: &Summary, focus: &FunctionSummary, names: &Names<'_>) -> Markup {
    html! {
        section aria-labelledby="h-x" {
            h2 #h-x { "What to fix first" }
            (fix_table(summary, focus, names, MOST_FIXES))
        }
    }
}

fn range_and_loss(summary: &Summary, focus: &FunctionSummary, names: &Names<'_>) -> Markup {
    let curve = chance("e", focus, summary, names);
    html! {
        div.two {
            @if let Some(curve) = curve {
                section aria-labelledby="h-e" {
                    h2 #h-e { "Why a range: " (headline::title(focus, names)) }
                    p.note { (why_a_range(focus, names)) }
                    (curve)
                }
            }
            (work_lost(summary, names))
        }
    }
}

fn why_a_range(focus: &FunctionSummary, names: &Names<'_>) -> String {
    let cause = main_cause(focus, names).map_or_else(String::new, |cause| {
        format!(" Over all nights {} {}.", words::hundredths(cause.share), cause.phrase)
    });
    let never = focus.never.iter().max_by_key(|never| never.count);
    let never = never.map_or_else(String::new, |never| {
        let reason = names.text(&never.reason);
        format!(" Where it never comes back: {}.", headline::fragment(&reason))
    });
    format!("Each night has its own luck with people, copies and lines.{cause}{never}")
}

fn work_lost(summary: &Summary, names: &Names<'_>) -> Markup {
    let lossy: Vec<_> = summary.datasets.iter().filter(|data| !data.loss.is_empty()).collect();
    html! {
        section aria-labelledby="h-l" {
            h2 #h-l { "What work would be lost" }
            @if lossy.is_empty() {
                p.note { "No data is lost in such a night." }
            } @else {
                p.note { "Time between the last usable copy and the start." }
                table.stack.mid role="table" {
                    thead role="rowgroup" { tr role="row" {
                        th role="columnheader" scope="col" { "Work entered" }
                        th.bar role="columnheader" scope="col" { (log_scale("Work lost")) }
                        th.r role="columnheader" scope="col" { "At most" }
                        th.r role="columnheader" scope="col" { "Likely" }
                        th.r.q role="columnheader" scope="col" { "Bad night" }
                    } }
                    tbody role="rowgroup" { @for data in lossy { (loss_row(data, names)) } }
                }
                p.note { "What is kept on paper during the outage is typed in afterwards." }
            }
        }
    }
}

fn loss_row(data: &evenkeel_config::record::DatasetSummary, names: &Names<'_>) -> Markup {
    let title = words::sentence_case(&words::shortened(&names.text(&data.title), 80));
    let (likely, bad_night) = (figures::at(&data.loss, 0.5), figures::at(&data.loss, 0.9));
    let told = |loss: Option<Elapsed>| loss.map_or_else(|| words::MISSING.to_owned(), words::lost);
    let promised = data.rpo.map(|rpo| rpo.as_ms());
    let at_most = promised.map(words::duration);
    let label = format!(
        "{title}: promised {}, likely {}, bad night {}",
        at_most.as_ref().map_or("nothing".to_owned(), |most| format!("at most {most}")),
        told(likely),
        told(bad_night)
    );
    let bar = Interval { label, promised, likely, bad_night, ..Interval::default() };
    html! {
        tr role="row" {
            th role="rowheader" scope="row" { (title) }
            td.bar role="cell" { (marks::interval(&bar)) }
            td.r.q.i role="cell" data-l="at most" {
                @match &at_most { Some(most) => (most), None => (marks::missing()) }
            }
            td.r.q.i role="cell" data-l="likely" { strong { (told(likely)) } }
            td.r.q.i role="cell" data-l="bad night" { strong { (told(bad_night)) } }
        }
    }
}

fn how_sure(picture: &Picture, summary: &Summary, names: &Names<'_>) -> Markup {
    let doubts = sure::doubts(picture, Some(summary), names);
    let shown = &doubts[..doubts.len().min(MOST_DOUBTS)];
    html! {
        section aria-labelledby="h-s" {
            h2 #h-s { "How sure we are" }
            (sure::squares(Origins::of(summary)))
            ul.plain {
                @for doubt in shown { li { (doubt) } }
                li {
                    @if doubts.len() > shown.len() {
                        (words::counted((doubts.len() - shown.len()) as u64, "more doubt")) ". "
                    }
                    a href=(Page::Evidence.path()) { "See what we know and how old it is" }
                }
            }
        }
    }
}
