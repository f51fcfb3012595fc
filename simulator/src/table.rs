//! A summary on a terminal: one row a function, then where the hours go and how sure we are.
use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{
    Cause, Chance, Elapsed, FixSummary, FunctionSummary, Precision, Summary,
};

use crate::words::{duration, number, plain, thousands};

/// The answer in words and tables; safe for a terminal.
pub(crate) fn render(summary: &Summary) -> String {
    let mut out = String::new();
    let question = plain(&summary.scenario.question);
    let _ = writeln!(out, "{}: {question}", plain(&summary.organisation));
    let with = &summary.scenario.with;
    let changed =
        if with.is_empty() { String::new() } else { format!(", with {}", with.join(" and ")) };
    let _ = writeln!(
        out,
        "{} simulated nights{changed}, facts of {}, seed {}",
        summary.trials, summary.as_of, summary.seed
    );
    if let Some(precision) = &summary.precision {
        let _ = writeln!(out, "{}", stopped(summary, precision));
    }
    let _ = writeln!(out);
    let _ = writeln!(out, "{}", functions(summary));
    for function in &summary.functions {
        if let Some(cannot) = &function.cannot {
            let _ = writeln!(out, "{}: {}", plain(&function.title), plain(cannot));
        }
    }
    if let Some(worst) = worst(summary) {
        let _ = writeln!(out, "\nWhere the hours go, {}:", plain(&worst.title));
        let _ = writeln!(out, "{}", hours(worst));
    }
    never(summary, &mut out);
    if !summary.fixes.is_empty() {
        let _ = writeln!(out, "\nWhat would help:");
        let _ = writeln!(out, "{}", fixes(summary));
    }
    sure(summary, &mut out);
    out
}

/// How a run ended that was to be precise enough.
fn stopped(summary: &Summary, precision: &Precision) -> String {
    let of_100 = |share: f64| format!("{} of 100", number(share * 100.0));
    let asked = of_100(precision.asked);
    if precision.reached {
        return format!("Stopped there: every bad night is known to within {asked}.");
    }
    let title = precision.function.as_ref().and_then(|id| {
        summary.functions.iter().find(|f| f.id == *id).map(|function| plain(&function.title))
    });
    let which = title.map_or(String::new(), |title| format!(" of {title}"));
    match precision.width {
        Some(width) => format!(
            "All nights that were allowed were run: the bad night{which} is known to within {}, \
             not the {asked} asked for.",
            of_100(width)
        ),
        None => format!(
            "All nights that were allowed were run: the bad night{which} may be never, \
             which cannot be narrowed down to {asked}."
        ),
    }
}

/// A table without lines; the columns of these numbers stand to the right.
pub(crate) fn bare(right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    for column in right {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn functions(summary: &Summary) -> Table {
    let mut table = bare(&[]);
    table.set_header([
        "Function",
        "Promised",
        "Kept",
        "Likely",
        "Bad night",
        "Work lost",
        "Hangs on",
    ]);
    for function in summary.functions.iter().filter(|function| function.cannot.is_none()) {
        let promised = function
            .objectives
            .rto
            .map_or("no objective set".to_owned(), |rto| duration(rto.as_ms()));
        let hit = function.touched.count > 0;
        let usable = |p| match function.usable_at(p) {
            _ if !hit => "not hit".to_owned(),
            Some(quantile) => time(quantile.value),
            None => "–".to_owned(),
        };
        let lost = function.data_loss.iter().find(|quantile| quantile.p == 0.9);
        let lost = lost.map_or("–".to_owned(), |quantile| match quantile.value {
            Elapsed::Never => "all".to_owned(),
            Elapsed::Ms(0) => "none".to_owned(),
            Elapsed::Ms(ms) => duration(ms),
        });
        let main = function.hours.first().map_or("–".to_owned(), |share| {
            format!(
                "{}, {} of 100 hours",
                because(share.cause, &share.who),
                number(share.share * 100.0)
            )
        });
        table.add_row([
            plain(&function.title),
            promised,
            function.rto.map_or("–".to_owned(), kept),
            usable(0.5),
            usable(0.9),
            lost,
            main,
        ]);
    }
    for column in [1, 3, 4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

pub(crate) fn time(value: Elapsed) -> String {
    match value {
        Elapsed::Never => "never".to_owned(),
        Elapsed::Ms(0) => "at once".to_owned(),
        Elapsed::Ms(ms) => duration(ms),
    }
}

pub(crate) fn kept(chance: Chance) -> String {
    if chance.share > 0.97 {
        "nearly every night".to_owned()
    } else if chance.share < 0.03 {
        "hardly any night".to_owned()
    } else {
        match libm::rint(chance.share * 10.0).clamp(1.0, 9.0) as u8 {
            1 => "1 night in 10".to_owned(),
            nights => format!("{nights} nights in 10"),
        }
    }
}

/// A cause as the end of "hangs on ...".
pub(crate) fn because(cause: Cause, who: &str) -> String {
    let who = plain(who);
    let text = match cause {
        Cause::Detection => "noticing",
        Cause::Declaration => "telling, assessing and deciding",
        Cause::Hold => "insurer or forensic hold",
        Cause::Effort => "work on",
        Cause::PersonBusy => "waiting for (busy)",
        Cause::PersonOffShift => "waiting for (off shift)",
        Cause::PersonAway => "waiting for (away)",
        Cause::Transfer => "data coming back:",
        Cause::LinkContention => "shared link",
        Cause::LeadTime => "delivery for",
        Cause::Vendor => "the vendor",
        Cause::Wait => "elapsed time of",
        Cause::Outage => "the outage of",
        Cause::Start => "starting",
        Cause::Failover => "switching",
    };
    match (text.split_once(" ("), who.is_empty()) {
        (_, true) => text.trim_end_matches(" of").to_owned(),
        (Some((text, state)), false) => format!("{text} {who} ({state}"),
        (None, false) => format!("{text} {who}"),
    }
}

/// The function whose bad night is longest.
fn worst(summary: &Summary) -> Option<&FunctionSummary> {
    let bad = |function: &FunctionSummary| function.usable_at(0.9).map(|quantile| quantile.value);
    summary.functions.iter().filter(|function| !function.hours.is_empty()).max_by_key(|f| bad(f))
}

fn hours(function: &FunctionSummary) -> Table {
    let mut table = bare(&[0]);
    for share in function.hours.iter().take(8) {
        table.add_row([
            format!("{} of 100", number(share.share * 100.0)),
            because(share.cause, &share.who),
            plain(&share.step),
        ]);
    }
    table
}

fn never(summary: &Summary, out: &mut String) {
    let mut reasons: Vec<(u64, String)> = Vec::new();
    for function in &summary.functions {
        if let Some(main) = function.never.first() {
            let line = format!("{}: {}", plain(&function.title), plain(&main.reason));
            reasons.push((main.count, line));
        }
    }
    if reasons.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nNever, in some nights:");
    for (count, line) in reasons {
        let nights = number(count as f64 * 100.0 / summary.trials as f64);
        let _ = writeln!(out, "  {line} ({nights} nights in 100)");
    }
}

fn fixes(summary: &Summary) -> Table {
    let mut table = bare(&[]);
    table.set_header(["Fix", "Once", "A year", "Bad night, most helped", "Saved an event"]);
    for fix in &summary.fixes {
        let money = |minor: i64| format!("{} {}", thousands(minor / 100), plain(&summary.currency));
        table.add_row([
            plain(&fix.title),
            money(fix.once),
            money(fix.yearly),
            fix.cannot.as_deref().map_or_else(|| most_helped(summary, fix), plain),
            money(fix.saved[0]),
        ]);
    }
    table
}

fn most_helped(summary: &Summary, fix: &FixSummary) -> String {
    let gain = |effect: &&evenkeel_config::record::FixEffect| match effect.bad_night {
        [Elapsed::Never, Elapsed::Ms(_)] => i64::MAX,
        [Elapsed::Ms(before), Elapsed::Ms(after)] => before - after,
        _ => 0,
    };
    match fix.effects.iter().max_by_key(gain) {
        Some(effect) if gain(&effect) > 0 => {
            let title = summary
                .functions
                .iter()
                .find(|function| function.id == effect.function)
                .map_or(effect.function.to_string(), |function| plain(&function.title));
            format!("{title}: {} to {}", time(effect.bad_night[0]), time(effect.bad_night[1]))
        }
        _ => "no change".to_owned(),
    }
}

fn sure(summary: &Summary, out: &mut String) {
    let count = |provenance| summary.inputs.iter().filter(|f| f.provenance == provenance).count();
    let _ = writeln!(
        out,
        "\nHow sure: {} of {} figures are measured, {} were told to us, {} are our assumptions.",
        count(Provenance::Measured),
        summary.inputs.len(),
        count(Provenance::Declared),
        count(Provenance::Default),
    );
    let shares = summary
        .functions
        .iter()
        .filter_map(|function| Some((function.spread_from_defaults?, plain(&function.title))));
    if let Some((share, title)) = shares.max_by(|a, b| a.0.total_cmp(&b.0)) {
        let _ = writeln!(
            out,
            "Of the spread between good and bad nights, about {} of 100 parts at most come from our \
             assumptions ({title}).",
            libm::rint(share * 100.0)
        );
    }
    for note in &summary.notes {
        let _ = writeln!(out, "Note: {}", plain(note));
    }
}
