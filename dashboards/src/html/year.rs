//! What a year could cost: the loss-exceedance curve, the same in words, and its figures as a table.
use evenkeel_config::id::Id;
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{
    AnnualCost, AnnualQuantile, AnnualSummary, Band, Exceedance, FunctionSummary, MoneyBand,
    Summary,
};
use maud::{Markup, html};

use super::fix_table::ranked;
use super::headline;
use super::marks::{self, LossExceedance, Points, loss_exceedance};
use super::names::Names;
use super::words;
use crate::picture::Year;

/// Rows of the report's table of fixes, by whose numbers fixes are called.
const NUMBERED: usize = 5;

/// The drawing with its words and its table, or in a sentence why there is none.
pub fn year(
    id: &str,
    year: &Year,
    summary: &Summary,
    focus: &FunctionSummary,
    names: &Names<'_>,
) -> Markup {
    let told = |text: &str| html! { p.note { (text) } };
    let (today, fixed) = match year {
        Year::Pending => {
            return told("The year is being simulated; load this page again in a moment.");
        }
        Year::Cannot(why) => {
            return told(&format!("The year cannot be simulated: {}.", names.text(why)));
        }
        Year::Known { today, fixed } => (&**today, fixed.as_deref()),
    };
    let Some(cost) = today.cost.as_ref() else { return told(why_no_money(today)) };
    html! {
        figure {
            @if let Some(drawn) = drawing(id, today, cost, fixed) { (drawn) }
            figcaption { (words_for(today, cost, fixed, summary, focus, names)) }
        }
        details {
            summary { "Show these figures as a table" }
            (table(today, cost, fixed))
            @if !today.events.is_empty() { (events(today, names)) }
            @if !today.left_out.is_empty() { (left_out(today, names)) }
        }
    }
}

/// Whether there is a curve to be drawn.
pub fn is_drawn(year: &Year) -> bool {
    matches!(year, Year::Known { today, .. } if today.cost.is_some())
}

fn why_no_money(today: &AnnualSummary) -> &'static str {
    if today.events.is_empty() {
        "Nobody says how often any of this happens, so we cannot say what a year could cost. \
         Scenarios say it by their frequency, such as once in 10 to 100 years."
    } else {
        "No function on the map says what an hour without it costs, so a year has no price."
    }
}

fn drawing(
    id: &str,
    today: &AnnualSummary,
    cost: &AnnualCost,
    fixed: Option<&AnnualSummary>,
) -> Option<Markup> {
    let fixed = fixed.and_then(|fixed| fixed.cost.as_ref());
    let curve = |cost: &AnnualCost, end: fn(&Band) -> f64| -> Points {
        cost.exceedance.iter().map(|point| (point.above, end(&point.chance))).collect()
    };
    let marked = told_quantile(cost);
    let of = |cost: &AnnualCost, p: f64| {
        let quantile = cost.quantiles.iter().find(|one| (one.p - p).abs() < 1e-9)?;
        (quantile.value.middle > 0).then(|| (apart(p), quantile.value.middle))
    };
    loss_exceedance(&LossExceedance {
        id,
        title: "How often a year costs more than a given sum".to_owned(),
        description: described(cost, fixed, &today.currency),
        height: marks::LOW,
        currency: &today.currency,
        today: curve(cost, |chance| chance.middle),
        ends: [curve(cost, |chance| chance.low), curve(cost, |chance| chance.high)],
        marked: marked.and_then(|quantile| of(cost, quantile.p)),
        fixed: fixed.map(|cost| curve(cost, |chance| chance.middle)),
        fixed_marked: marked.and_then(|quantile| of(fixed?, quantile.p)),
    })
}

/// So many years apart are those that exceed a quantile.
fn apart(p: f64) -> f64 {
    (1.0 / (1.0 - p)).round()
}

/// The quantile that is told in words: of 10 years the dearest, unless it costs nothing.
fn told_quantile(cost: &AnnualCost) -> Option<&AnnualQuantile> {
    cost.quantiles.iter().find(|quantile| quantile.value.middle > 0)
}

fn described(cost: &AnnualCost, fixed: Option<&AnnualCost>, currency: &str) -> String {
    let sentence = |quantile: &AnnualQuantile| {
        let sum = words::money(quantile.value.middle, currency);
        format!("once in {} years more than {sum}", apart(quantile.p))
    };
    let all = |cost: &AnnualCost| {
        let paid = cost.quantiles.iter().filter(|quantile| quantile.value.middle > 0);
        paid.map(sentence).collect::<Vec<_>>().join(", ")
    };
    let mut text = format!("Today: {}.", all(cost));
    if let Some(fixed) = fixed.map(all).filter(|told| !told.is_empty()) {
        text += &format!(" With the fixes: {fixed}.");
    }
    text
}

/// `$50,000 (nothing to $130,000)`.
fn ranged(band: MoneyBand, currency: &str) -> String {
    let money = |minor: i64| match minor {
        0 => "nothing".to_owned(),
        minor => words::money(minor, currency),
    };
    format!("{} ({} to {})", money(band.middle), money(band.low), money(band.high))
}

fn words_for(
    today: &AnnualSummary,
    cost: &AnnualCost,
    fixed: Option<&AnnualSummary>,
    summary: &Summary,
    focus: &FunctionSummary,
    names: &Names<'_>,
) -> String {
    let mut parts = Vec::new();
    if let Some(quantile) = told_quantile(cost) {
        let sum = ranged(quantile.value, &today.currency);
        parts.push(format!("Once in {} years a year costs more than {sum}.", apart(quantile.p)));
    }
    parts.push(format!("The mean year: {}.", ranged(cost.mean, &today.currency)));
    parts.extend(promise(today, focus, names));
    parts.push(how_often_is_known(today));
    if let Some(fixed) = fixed.filter(|fixed| fixed.cost.is_some()) {
        parts.push(format!(
            "Dashed: with {}, which save most.",
            fixes(fixed, summary, focus, names)
        ));
    }
    parts.join(" ")
}

/// The fixes of a year, by their place in the table of fixes where they stand there.
fn fixes(
    fixed: &AnnualSummary,
    summary: &Summary,
    focus: &FunctionSummary,
    names: &Names<'_>,
) -> String {
    let ranked = ranked(summary, focus);
    let place = |id: &Id| {
        ranked.iter().filter(|fix| fix.helps()).take(NUMBERED).position(|fix| fix.fix.id == *id)
    };
    let told = fixed.fixes.iter().map(|id| match place(id) {
        Some(at) => format!("fix{}{}", words::JOIN, at + 1),
        None => format!("“{}”", words::shortened(&names.fix(id), 60)),
    });
    words::list(&told.collect::<Vec<_>>(), 3)
}

/// How often the promise of the function in question is missed in a year.
fn promise(today: &AnnualSummary, focus: &FunctionSummary, names: &Names<'_>) -> Option<String> {
    let function = today.functions.iter().find(|function| function.id == focus.id)?;
    let missed = function.rto_missed?;
    let title = words::possessive(&words::mid_sentence(&headline::title(focus, names)));
    let years = years_between(missed)?;
    Some(format!("{} promise is missed {years}.", words::sentence_case(&title)))
}

/// `once in 10 years (5 to 40)`; nothing where it hardly ever happens.
fn years_between(chance: Band) -> Option<String> {
    let years = |chance: f64| words::years_long(1.0 / chance);
    if chance.middle < 1e-3 {
        return None;
    }
    let ends = if chance.low < 1e-3 {
        format!("at most once in {}", years(chance.high))
    } else {
        format!("{} to {}", years(chance.high), years(chance.low))
    };
    Some(format!("once in {} ({ends})", years(chance.middle)))
}

/// Whose word it is how often things happen.
fn how_often_is_known(today: &AnnualSummary) -> String {
    let count =
        |provenance| today.events.iter().filter(|event| event.provenance == provenance).count();
    let parts: Vec<String> = [
        (count(Provenance::Measured), "counted"),
        (count(Provenance::Declared), "told to us"),
        (count(Provenance::Default), "assumed"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, words)| format!("{count} {words}"))
    .collect();
    let rest = match today.left_out.len() {
        0 => String::new(),
        left => format!("; {left} left out"),
    };
    let kinds = words::counted(today.events.len() as u64, "kind");
    format!("How often events come ({kinds}): {}{rest}.", words::list(&parts, 3))
}

/// A chance as a frequency: `once in 40 years`.
fn once_in(chance: f64) -> String {
    if chance <= 1.0 / 2_000.0 { "hardly ever".to_owned() } else { words::frequency(1.0 / chance) }
}

fn table(today: &AnnualSummary, cost: &AnnualCost, fixed: Option<&AnnualSummary>) -> Markup {
    let fixed = fixed.and_then(|fixed| fixed.cost.as_ref());
    let shown: Vec<&Exceedance> =
        cost.exceedance.iter().filter(|point| point.chance.middle > 1.0 / 2_000.0).collect();
    let with_fixes = |above: i64| {
        // Each curve begins below its own cheapest year, so sums need not be the same.
        let point = fixed?.exceedance.iter().find(|point| point.above >= above);
        Some(point.map_or_else(|| "hardly ever".to_owned(), |point| once_in(point.chance.middle)))
    };
    html! {
        table.tight {
            thead { tr {
                th scope="col" { "A year costs more than" }
                th.r scope="col" { "Today" }
                th.r scope="col" { "If things come rarely" }
                th.r scope="col" { "If they come often" }
                @if fixed.is_some() { th.r scope="col" { "With the fixes" } }
            } }
            tbody { @for point in shown { tr {
                th scope="row" { (words::money(point.above, &today.currency)) }
                td.r { (once_in(point.chance.middle)) }
                td.r { (once_in(point.chance.low)) }
                td.r { (once_in(point.chance.high)) }
                @if let Some(told) = with_fixes(point.above) { td.r { (told) } }
            } } }
        }
    }
}

/// What can happen, how often, and who says so.
fn events(today: &AnnualSummary, names: &Names<'_>) -> Markup {
    let often = |rate: f64| match rate {
        rate if rate <= 1.0 / 2_000.0 => "hardly ever".to_owned(),
        rate if rate < 1.0 => words::frequency(1.0 / rate),
        rate => format!("{rate:.1} times a year"),
    };
    html! {
        table.tight {
            caption { "What can happen" }
            thead { tr {
                th scope="col" { "What" }
                th scope="col" { "How often" }
                th scope="col" { "How we know" }
            } }
            tbody { @for event in &today.events { tr {
                th scope="row" { (words::sentence_case(&names.text(&event.title))) }
                td { (often(event.per_year.low)) " to " (often(event.per_year.high)) }
                td { (marks::provenance(event.provenance, &words::shortened(&names.text(&event.source), 120))) }
            } } }
        }
    }
}

fn left_out(today: &AnnualSummary, names: &Names<'_>) -> Markup {
    html! {
        table.tight {
            caption { "Left out of the year" }
            thead { tr { th scope="col" { "What" } th scope="col" { "Why" } } }
            tbody { @for left in &today.left_out { tr {
                th scope="row" { (words::sentence_case(&names.text(&left.title))) }
                td { (words::sentence_case(&names.text(&left.why))) }
            } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::{sample, sample_year};

    fn shown(year: &Year) -> String {
        let picture = sample::picture();
        let names = Names::new(&picture.map);
        let focus = sample::function(&picture, "payroll");
        let page = super::year("y", year, &picture.summaries[0], focus, &names).into_string();
        page.replace(words::JOIN, " ")
    }

    fn today(change: impl Fn(&mut AnnualSummary)) -> Year {
        let mut year = sample_year::year();
        if let Year::Known { today, fixed } = &mut year {
            change(today);
            *fixed = None;
        }
        year
    }

    #[test]
    fn the_year_is_told_in_words_with_its_range() {
        let page = shown(&sample_year::year());
        for words in [
            "Once in 10 years a year costs more than $50,000 (nothing to $130,000).",
            "The mean year: $9,000 ($4,000 to $18,000).",
            "Payroll’s promise is missed once in 13 years (6 years to 25 years).",
            "How often events come (1 kind): 1 assumed; 1 left out.",
            "Dashed: with fix 1 and fix 2, which save most.",
            "$50k: 10 y",
            "class=\"cv2\"",
            "once in 31 years",
        ] {
            assert!(page.contains(words), "{words} in {page}");
        }
    }

    #[test]
    fn without_frequencies_it_says_so() {
        let page = shown(&today(|year| {
            year.events.clear();
            year.cost = None;
        }));
        assert!(
            page.contains("Nobody says how often any of this happens") && !page.contains("<svg")
        );
        let page = shown(&today(|year| year.cost = None));
        assert!(page.contains("so a year has no price"), "{page}");
        assert!(shown(&Year::Pending).contains("is being simulated"));
        assert!(shown(&Year::Cannot("no people".to_owned())).contains("no people."));
    }

    #[test]
    fn a_year_that_mostly_costs_nothing_is_told_by_a_rarer_one() {
        let page = shown(&today(|year| {
            if let Some(cost) = &mut year.cost {
                cost.quantiles[0].value = MoneyBand::default();
            }
        }));
        assert!(page.contains("Once in 20 years a year costs more than $130,000"), "{page}");
    }
}
