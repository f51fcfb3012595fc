//! One function: why does it take so long, how sure is its return, and what
//! work hangs on it?
use evenkeel_config::map::{Details, Function, Need, PathStep};
use evenkeel_config::record::{Chance, Elapsed, FunctionSummary, Summary};
use maud::{Markup, html};

use super::first;
use crate::html::causes::{main_cause, part_kind, step_words};
use crate::html::chance::chance;
use crate::html::figures::{self, Figures};
use crate::html::fix_table::{self, fixes_for};
use crate::html::headline::{self, Verbs};
use crate::html::layout::{self, Page};
use crate::html::links;
use crate::html::marks;
use crate::html::moves;
use crate::html::names::Names;
use crate::html::verdict::Verdict;
use crate::html::waterfall_table::waterfall_table;
use crate::html::words;
use crate::picture::{Ask, Picture};

/// A cause with a smaller share of the hours is the largest, but not "the" cause.
const ENOUGH_TO_SAY_BECAUSE: f64 = 0.3;

/// Below an hour the hours of all nights say little about this one.
const HOUR: i64 = 3_600_000;

/// Most rows in the table of hours over all nights.
const MOST_SHARES: usize = 12;

/// The page of the function asked for, else of the one that Tonight is about.
pub fn page(picture: &Picture, ask: &Ask) -> Markup {
    let Some(summary) = picture.summary(ask) else { return first::functions_page(picture) };
    let asked = |function: &&FunctionSummary| Some(function.id.as_str()) == ask.function.as_deref();
    let function = summary.functions.iter().find(asked).or_else(|| headline::focus(summary));
    let Some(function) = function else { return first::functions_page(picture) };
    let names = Names::new(&picture.map);
    let title = words::sentence_case(&headline::title(function, &names));
    let body = html! {
        (question(picture, summary, function))
        h1 { (why_this_long(function, &names)) }
        p.lede {
            (lede(function, &names))
            @if let Some(sentence) = missed_deadline(picture, function, summary) { " " (sentence) }
        }
        (answers(function, summary, &names))
        @if function.cannot.is_none() {
            (likely_night(function, summary, &names))
            (chance_and_moves(picture, function, summary, &names))
            @if let Some(hours) = hours(function, &names) { (hours) }
            @if let Some(fixes) = fixes_for(function, summary, &names) {
                section aria-labelledby="h-x" {
                    h2 #h-x { "What would shorten the bad night" }
                    (fixes)
                }
            }
        }
        (objectives(function))
        (path(picture, function, &names))
    };
    layout::page(picture, Page::Function, &format!("{title}: why this long"), body)
}

fn question(picture: &Picture, summary: &Summary, function: &FunctionSummary) -> Markup {
    html! {
        form.ask method="get" action=(Page::Function.path()) {
            label for="fn" { "Function:" }
            (links::function_select(summary, &function.id))
            label for="sc" { "under" }
            (links::scenario_select(picture, summary))
            button type="submit" { "Show" }
        }
    }
}

/// The headline: how long, and the cause.
fn why_this_long(function: &FunctionSummary, names: &Names<'_>) -> String {
    let title = words::sentence_case(&headline::title(function, names));
    let likely = figures::at(&function.usable, 0.5);
    let bad_night = figures::at(&function.usable, 0.9);
    match (likely, main_cause(function, names)) {
        (Some(Elapsed::Ms(likely)), Some(cause)) if likely >= HOUR && function.cannot.is_none() => {
            let share = words::hundredths(cause.share);
            let takes = Verbs::of(&title).takes();
            let long = words::duration_long(likely);
            let phrase = &cause.phrase;
            if cause.share < ENOUGH_TO_SAY_BECAUSE {
                format!("{title} {takes} {long}: {share} {phrase}, the largest part of many.")
            } else {
                format!("{title} {takes} {long} because {share} {phrase}.")
            }
        }
        (Some(Elapsed::Ms(0)), Some(cause)) if bad_night != Some(Elapsed::Ms(0)) => {
            let sentence = headline::back_sentence(function, names);
            format!("{sentence} Then {} {}.", words::hundredths(cause.share), cause.phrase)
        }
        _ => headline::back_sentence(function, names),
    }
}

/// The promise, how often it is kept, and what could be promised.
fn lede(function: &FunctionSummary, names: &Names<'_>) -> String {
    let mut sentences = Vec::new();
    match (function.objectives.rto, function.rto) {
        (Some(rto), Some(kept)) => {
            let promised = words::duration_long(rto.as_ms());
            let kept = words::in_nights(kept.share);
            sentences.push(format!("Promised in {promised}; kept {kept}."));
        }
        (Some(rto), None) => {
            sentences.push(format!("Promised in {}.", words::duration_long(rto.as_ms())));
        }
        (None, _) => {
            sentences
                .push("No objective set: nobody has said how soon it must be back.".to_owned());
        }
    }
    match figures::at(&function.usable, 0.9) {
        Some(Elapsed::Ms(0)) | None => {}
        Some(Elapsed::Ms(ms)) => {
            let long = words::duration_long(ms);
            sentences.push(format!("A promise we could keep 9 times in 10 is {long}."));
        }
        Some(Elapsed::Never) => {
            sentences.push("No promise could be kept 9 times in 10.".to_owned());
        }
    }
    let hit = figures::at(&function.usable, 0.9).is_some_and(|bad| bad != Elapsed::Ms(0));
    if let Some(stopgap) = stopgap(function, names).filter(|_| hit) {
        sentences.push(stopgap);
    }
    if !function.stale.is_empty() {
        let why = headline::cannot_reason(function, names);
        sentences.push(format!("We cannot say whether it would be kept today: {why}."));
    }
    sentences.join(" ")
}

/// A deadline of the map that falls into the likely outage.
fn missed_deadline(
    picture: &Picture,
    function: &FunctionSummary,
    summary: &Summary,
) -> Option<String> {
    let Details::Function(declared) = &picture.map.components.get(&function.id)?.details else {
        return None;
    };
    let deadline = declared.deadline.as_ref()?;
    let night = function.likely_night.as_ref()?;
    let outage = jiff::SignedDuration::from_millis(night.usable.ms()?);
    let start = words::zoned(night.strike, &summary.timezone).datetime();
    let end = words::zoned(night.strike.checked_add(outage).ok()?, &summary.timezone).datetime();
    let days = start.date().series(jiff::Span::new().days(1)).take(400);
    let due = days
        .take_while(|day| *day <= end.date())
        .filter_map(|day| Some(day.to_datetime(deadline.on(day)?)))
        .find(|due| start < *due && *due < end)?;
    let due = due.strftime("%a %-d %b, %H:%M");
    Some(format!("The deadline on {due} falls into the likely outage."))
}

fn stopgap(function: &FunctionSummary, names: &Names<'_>) -> Option<String> {
    let stopgap = function.workaround.as_ref()?;
    let name = words::mid_sentence(&words::shortened(&names.text(&stopgap.name), 60));
    let tenths = words::tenths(stopgap.capacity);
    let after = match stopgap.after.as_ms() {
        0 => "from the first minute".to_owned(),
        ms => format!("from {} on", words::duration(ms)),
    };
    let lasts = words::duration_long(stopgap.lasts.as_ms());
    let then = match headline::gap(function) {
        Some(_) => "; then nothing is arranged until the systems are back",
        None => "",
    };
    Some(format!(
        "Stopgap: {name} {after}, for {lasts}, carries {tenths} of 10 parts of the work{then}."
    ))
}

fn answers(function: &FunctionSummary, summary: &Summary, names: &Names<'_>) -> Markup {
    let figures = Figures::of(function);
    let verdict = Verdict::of(function);
    let recovered = [0.5, 0.9].map(|p| figures::at(&function.recovered, p).map(words::back_after));
    html! {
        dl.answers {
            div {
                dt { "Promise" @if function.objectives.rto.is_some() { " of " (figures.promised) } }
                dd {
                    span.big {
                        @match verdict.status() {
                            Some(status) => (marks::state(status, verdict.word())),
                            None => (verdict.word()),
                        }
                    }
                    (promise_words(function, verdict))
                }
            }
            div {
                dt { "Usable again" }
                dd {
                    span.big { (pair(&figures.likely, &figures.bad_night)) }
                    @if let [Some(likely), Some(bad_night)] = &recovered {
                        "All entries caught up in " (pair(likely, bad_night))
                    }
                }
            }
            div {
                dt { "Entries lost" }
                dd {
                    span.big { (pair(&figures.lost, &figures.lost_bad_night)) }
                    (loss_promise(function))
                }
            }
            (first_fix(function, summary, names))
        }
    }
}

fn promise_words(function: &FunctionSummary, verdict: Verdict) -> String {
    match (verdict, function.rto) {
        (Verdict::NoObjective, _) => "How soon must it be back?".to_owned(),
        (Verdict::CannotSay, Some(kept)) => format!("On old data {}", words::nights(kept.share)),
        (_, Some(kept)) => words::sentence_case(&format!("kept {}", words::in_nights(kept.share))),
        (_, None) => "Not simulated".to_owned(),
    }
}

fn loss_promise(function: &FunctionSummary) -> String {
    match (function.objectives.rpo, function.rpo) {
        (Some(rpo), Some(kept)) => format!(
            "Promised at most {}; kept {}",
            words::duration(rpo.as_ms()),
            words::nights(kept.share)
        ),
        (Some(rpo), None) => format!("Promised at most {}", words::duration(rpo.as_ms())),
        (None, _) => "Nobody has said how much may be lost".to_owned(),
    }
}

/// `2 d, bad night 9 d`, or one figure when they are the same.
fn pair(likely: &str, bad_night: &str) -> String {
    if likely == bad_night { likely.to_owned() } else { format!("{likely}, bad night {bad_night}") }
}

fn first_fix(function: &FunctionSummary, summary: &Summary, names: &Names<'_>) -> Markup {
    let best = fix_table::ranked(summary, function)
        .into_iter()
        .find(|fix| fix.helps() && fix.function.id == function.id);
    html! {
        div {
            dt { "First fix" }
            @match best {
                Some(best) => dd {
                    span.big { (best.change()) }
                    (words::sentence_case(&words::shortened(&names.text(&best.fix.title), 90)))
                    @if !function.life_safety {
                        ", " (words::money(best.fix.once, &summary.currency)) " once, "
                        (words::money(best.fix.yearly, &summary.currency)) " a year"
                    }
                },
                None => dd {
                    span.big { "None known" }
                    (fix_table::why_none(summary, names))
                },
            }
        }
    }
}

fn likely_night(function: &FunctionSummary, summary: &Summary, names: &Names<'_>) -> Markup {
    let table = waterfall_table(function, &summary.timezone, names);
    let (Some(table), Some(night)) = (table, &function.likely_night) else { return html! {} };
    let strike = words::moment_short(night.strike, &summary.timezone);
    let usable = night
        .usable
        .ms()
        .and_then(|ms| night.strike.checked_add(jiff::SignedDuration::from_millis(ms)).ok());
    html! {
        section aria-labelledby="h-w" {
            h2 #h-w { "Where the hours go" }
            p.note {
                "The night nearest the middle of " (words::count(summary.trials)) ": it starts "
                (strike)
                @if let Some(usable) = usable {
                    ", usable again " (words::moment_short(usable, &summary.timezone))
                }
                ". The bad-night column is a night of its own. The parts add up to the whole."
            }
            (table)
        }
    }
}

/// The curve, and beside it what would move it.
fn chance_and_moves(
    picture: &Picture,
    function: &FunctionSummary,
    summary: &Summary,
    names: &Names<'_>,
) -> Markup {
    let Some(curve) = chance("e", function, summary, names) else { return html! {} };
    let plan = picture.moves.get(&summary.scenario.id);
    html! {
        div.two {
            section aria-labelledby="h-e" {
                h2 #h-e { "Chance of being back" }
                p.note {
                    (words::count(summary.trials))
                    " nights of this kind, each with its own luck."
                }
                (curve)
            }
            section aria-labelledby="h-v" {
                h2 #h-v { "What would move the bad night" }
                @if let Some(share) = moves::from_assumptions(function, summary, names) {
                    p.note { (share) }
                }
                @match plan.map(|plan| (plan.considered, moves::table(plan, function, names))) {
                    Some((_, Some(table))) => (table),
                    Some((0, None)) => p.note { "There is nothing here to drill or to measure." },
                    Some((considered, None)) => p.note {
                        "In a short look at " (considered) " drills and measurements, none moved it."
                    },
                    None => p.note {
                        "What drill or measurement would narrow it most is being worked out; load \
                         this page again in a moment."
                    },
                }
            }
        }
    }
}

/// Where the hours go over all nights, as a table.
fn hours(function: &FunctionSummary, names: &Names<'_>) -> Option<Markup> {
    if function.hours.is_empty() {
        return None;
    }
    let shown = &function.hours[..function.hours.len().min(MOST_SHARES)];
    let rest: f64 = function.hours[shown.len()..].iter().map(|hours| hours.share).sum();
    let of_100 = |share: f64| match (share * 100.0).round() {
        0.0 => "under 1".to_owned(),
        whole => format!("{whole}"),
    };
    Some(html! {
        section aria-labelledby="h-h" {
            h2 #h-h { "The hours of all nights" }
            p.note { "Of every 100 hours until it is usable, over all nights together." }
            table.stack role="table" {
                thead role="rowgroup" { tr role="row" {
                    th role="columnheader" scope="col" { "What they go into" }
                    th role="columnheader" scope="col" { "Kind" }
                    th.r.q role="columnheader" scope="col" { "Of 100 hours" }
                } }
                tbody role="rowgroup" {
                    @for hours in shown {
                        @let (heading, under) = step_words(
                            hours.cause, hours.component.as_ref(), &hours.who, &hours.step, names);
                        tr role="row" {
                            th role="rowheader" scope="row" { (heading) small { (under) } }
                            td role="cell" { (part_kind(hours.cause).words()) }
                            td.r.q.i role="cell" data-l="of 100 hours" { (of_100(hours.share)) }
                        }
                    }
                    @if rest > 0.0 {
                        tr role="row" {
                            th role="rowheader" scope="row" { "Everything else" }
                            td role="cell" {}
                            td.r.q.i role="cell" data-l="of 100 hours" { (of_100(rest)) }
                        }
                    }
                }
            }
        }
    })
}

/// Every objective with its chance, the never-set ones included.
fn objectives(function: &FunctionSummary) -> Markup {
    let set = &function.objectives;
    let rows = [
        ("Usable again within", "promised (RTO)", set.rto, function.rto),
        ("Entries lost at most", "promised (RPO)", set.rpo, function.rpo),
        ("At the very latest", "what can be borne (MTD)", set.mtd, function.mtd),
    ];
    let unknown = function.cannot.is_some() || !function.stale.is_empty();
    let judged = |chance: Option<Chance>| match chance {
        Some(chance) if !unknown => Verdict::of_chance(chance),
        _ => Verdict::CannotSay,
    };
    html! {
        section aria-labelledby="h-o" {
            h2 #h-o { "What was promised" }
            table.stack.narrow role="table" {
                thead role="rowgroup" { tr role="row" {
                    th role="columnheader" scope="col" { "Objective" }
                    th.r role="columnheader" scope="col" { "Promised" }
                    th role="columnheader" scope="col" { "Promise kept?" }
                } }
                tbody role="rowgroup" {
                    @for (what, name, promised, chance) in rows {
                        @let verdict = judged(chance);
                        tr role="row" {
                            th role="rowheader" scope="row" { (what) small { (name) } }
                            @match promised {
                                Some(promised) => {
                                    td.r.q.i role="cell" data-l="promised" {
                                        (words::duration(promised.as_ms()))
                                    }
                                    td role="cell" {
                                        @if let Some(status) = verdict.status() {
                                            (marks::state(status, verdict.word()))
                                        }
                                        @if let Some(chance) = chance {
                                            small { (words::nights(chance.share)) }
                                        }
                                    }
                                }
                                None => {
                                    td.r.q.i role="cell" data-l="promised" { (marks::missing()) }
                                    td role="cell" { "no objective set" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The work, step by step, as the map has it.
fn path(picture: &Picture, function: &FunctionSummary, names: &Names<'_>) -> Markup {
    let details = picture.map.components.get(&function.id).map(|one| &one.details);
    let steps: &[PathStep] = match details {
        Some(Details::Function(Function { path, .. })) => path,
        _ => &[],
    };
    html! {
        section aria-labelledby="h-p" {
            h2 #h-p { "The path of the work" }
            @if steps.is_empty() {
                p.note { "Nobody has told us yet how this work is done, step by step." }
            } @else {
                table.stack role="table" {
                    thead role="rowgroup" { tr role="row" {
                        th role="columnheader" scope="col" { "Step" }
                        th role="columnheader" scope="col" { "Who" }
                        th role="columnheader" scope="col" { "Needs" }
                        th role="columnheader" scope="col" { "Meanwhile" }
                    } }
                    tbody role="rowgroup" { @for step in steps { (path_row(step, names)) } }
                }
            }
            p.note {
                a href=(links::map(&function.id)) {
                    "See everything " (headline::title(function, names)) " hangs on"
                }
            }
        }
    }
}

fn path_row(step: &PathStep, names: &Names<'_>) -> Markup {
    let needs: Vec<String> = step.needs.iter().map(|need| need_words(need, names)).collect();
    let cell = |text: Option<String>, label: &str| {
        html! {
            td role="cell" data-l=(label) {
                @match text { Some(text) => (text), None => (marks::missing()) }
            }
        }
    };
    html! {
        tr role="row" {
            th role="rowheader" scope="row" {
                (words::sentence_case(&names.text(&step.step)))
                @if let Some(to) = &step.hands_to { small { "handed to " (names.text(to)) } }
            }
            (cell(step.who.as_ref().map(|id| names.component(id)), "who:"))
            (cell((!needs.is_empty()).then(|| needs.join(", ")), "needs:"))
            (cell(step.meanwhile.as_ref().map(|text| names.text(text)), "meanwhile:"))
        }
    }
}

/// A need in words: `erp`, `fibre or mobile`, `2 of a, b, c`.
fn need_words(need: &Need, names: &Names<'_>) -> String {
    let parts = |needs: &[Need]| -> Vec<String> {
        needs.iter().map(|need| need_words(need, names)).collect()
    };
    match need {
        Need::Id(id) => names.component(id),
        Need::Edge(edge) => names.component(&edge.id),
        Need::Any(any) => parts(&any.any).join(" or "),
        Need::All(all) => words::list(&parts(&all.all), 8),
        Need::AtLeast(some) => format!("{} of {}", some.at_least, parts(&some.of).join(", ")),
    }
}
