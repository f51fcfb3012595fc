//! A structure on a terminal: one short section for each function, in plain words.
use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};
use evenkeel_config::record::{
    CutSet, FunctionStructure, Importance, Named, Part, Structure, StructureFigures,
};

use crate::words::{duration, number, plain};

/// Rows of a list or a table; JSON has all.
const MOST_ROWS: usize = 8;
/// Names in one sentence.
const MOST_NAMES: usize = 24;
/// Less than this share of the downtime is not worth a row.
const LEAST_SHARE: f64 = 0.001;

/// The answer in words and tables; safe for a terminal.
pub(crate) fn render(structure: &Structure) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}: what each function hangs on", plain(&structure.organisation));
    for function in &structure.functions {
        section(structure, function, &mut out);
    }
    loops(structure, &mut out);
    sure(structure, &mut out);
    for what in super::refused(structure) {
        let _ = writeln!(out, "Not counted, being too much: {}.", plain(&what));
    }
    out
}

fn section(structure: &Structure, function: &FunctionStructure, out: &mut String) {
    let lives = if function.life_safety { " (lives hang on it)" } else { "" };
    let _ = writeln!(out, "\n{}{lives}", plain(&function.title));
    if function.needs == 0 {
        let _ = writeln!(out, "  The map does not say what it needs.");
        return;
    }
    let _ = writeln!(out, "  {}", downtime(function));
    if function.cannot.is_none() || !function.single_points.is_empty() {
        let _ = writeln!(out, "  {}", single_points(&function.single_points));
    }
    if let Some(figures) = &function.figures {
        combinations(structure, figures, out);
        matters(structure, figures, out);
    }
    persons(function, out);
}

fn downtime(function: &FunctionStructure) -> String {
    let Some(figures) = &function.figures else {
        let why = function.cannot.as_deref().unwrap_or_default();
        return format!("How often it is down {}.", plain(why));
    };
    let (stated, needs) = (function.stated, function.needs);
    let known = match stated {
        0 => format!("none of the {needs} components it needs states how often it fails"),
        1 => format!("1 of the {needs} components it needs states how often it fails"),
        _ if stated == needs => {
            format!("all {needs} components it needs state how often they fail")
        }
        _ => format!("{stated} of the {needs} components it needs state how often they fail"),
    };
    if figures.unavailability == 0.0 {
        return format!("How often it is down cannot be told: {known}.");
    }
    let reduced = match figures.hours_reduced {
        Some(hours) if hours_in_words(hours) != hours_in_words(figures.hours_down) => {
            format!(", below full capacity for {}", hours_in_words(hours))
        }
        _ => String::new(),
    };
    let (least, most) = if stated < needs { ("at least ", "at most ") } else { ("", "") };
    format!(
        "Down for {least}{} in an average year{reduced}; up {most}{} of the time ({known}).",
        hours_in_words(figures.hours_down),
        up(figures.unavailability),
    )
}

fn hours_in_words(hours: f64) -> String {
    if hours * 3600.0 < 1.0 {
        "less than a second".to_owned()
    } else {
        duration((hours * 3.6e6) as i64)
    }
}

/// A share of time near 1, with two digits of what is missing: `99.81 %`.
fn up(down: f64) -> String {
    if down < 1e-9 {
        return "practically all".to_owned();
    }
    let mut decimals = 0;
    let mut missing = down * 100.0;
    while missing < 9.95 {
        missing *= 10.0;
        decimals += 1;
    }
    format!("{:.decimals$} %", (1.0 - down) * 100.0)
}

fn single_points(points: &[Part]) -> String {
    let list = names(points.iter().map(|part| part.title.as_str()));
    match points.len() {
        0 => "No failure stops it alone.".to_owned(),
        1 => format!("One failure stops it alone: that of {list}."),
        count => format!("Any one of {count} failures stops it: that of {list}."),
    }
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = all.map(plain).collect();
    let more = names.len().saturating_sub(MOST_NAMES);
    if more > 0 {
        names.truncate(MOST_NAMES);
        return format!("{} and {more} more", names.join(", "));
    }
    let last = names.pop().unwrap_or_default();
    if names.is_empty() { last } else { format!("{} or {last}", names.join(", ")) }
}

/// Combinations of two and of three failures.
fn combinations(structure: &Structure, figures: &StructureFigures, out: &mut String) {
    for (order, word) in [(2_u32, "Two"), (3, "Three")] {
        if order > structure.order {
            break;
        }
        if figures.too_many_of_order.is_some_and(|first| first <= order) {
            let _ =
                writeln!(out, "  {word} failures at once stop it in more ways than can be listed.");
            break;
        }
        let sets: Vec<&CutSet> =
            figures.cut_sets.iter().filter(|set| set.parts.len() == order as usize).collect();
        if sets.is_empty() {
            continue;
        }
        let likeliest =
            if sets.len() > 1 && sets[0].chance > 0.0 { ", likeliest first" } else { "" };
        let ways =
            if sets.len() == 1 { "one way".to_owned() } else { format!("{} ways", sets.len()) };
        let _ = writeln!(out, "  {word} failures at once stop it in {ways}{likeliest}:");
        for set in sets.iter().take(MOST_ROWS) {
            let parts: Vec<String> = set.parts.iter().map(|part| plain(&part.title)).collect();
            let often = if set.chance > 0.0 {
                format!(" ({} a year)", hours_in_words(set.chance * structure.hours_a_year))
            } else {
                String::new()
            };
            let _ = writeln!(out, "    {}{often}", parts.join(" + "));
        }
        more(sets.len(), out);
    }
    if figures.cut_sets.is_empty() && figures.too_many_of_order.is_none() {
        let _ = match figures.fewest_failures {
            Some(fewest) => {
                writeln!(out, "  It takes at least {fewest} failures at once to stop it.")
            }
            None => writeln!(out, "  Nothing on the map stops it."),
        };
    }
}

fn more(count: usize, out: &mut String) {
    if count > MOST_ROWS {
        let _ = writeln!(out, "    and {} more, listed by `--format json`", count - MOST_ROWS);
    }
}

/// What each part matters, as hours of downtime first.
fn matters(structure: &Structure, figures: &StructureFigures, out: &mut String) {
    let share = |one: &Importance| one.criticality.unwrap_or(0.0);
    let rows: Vec<&Importance> =
        figures.importance.iter().filter(|one| share(one) >= LEAST_SHARE).collect();
    if rows.is_empty() {
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "   What matters most",
        "Down by itself",
        "Keeps it down\n(criticality)",
        "Has a part in it\n(Fussell-Vesely)",
        "If it never failed\n(RRW)",
        "If it never worked\n(RAW)",
        "It decides\n(Birnbaum)",
    ]);
    let down = figures.hours_down;
    for one in rows.iter().take(MOST_ROWS) {
        table.add_row([
            format!("   {}", plain(&one.part.title)),
            hours_in_words(one.unavailability * structure.hours_a_year),
            format!("{} of 100 h", number(share(one) * 100.0)),
            one.fussell_vesely
                .map_or("–".to_owned(), |share| format!("{} of 100 h", number(share * 100.0))),
            one.rrw.map_or("never down".to_owned(), |rrw| {
                format!("{} (÷ {})", hours_in_words(down / rrw), factor(rrw))
            }),
            one.raw.map_or("–".to_owned(), |raw| {
                format!("{} (× {})", hours_in_words(down * raw), factor(raw))
            }),
            format!("{} %", number(one.birnbaum * 100.0)),
        ]);
    }
    for column in 1..7 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let _ = writeln!(out, "{}", table.trim_fmt());
    more(rows.len(), out);
}

/// A factor to three digits: `1.12`, `2.11`, `527`.
fn factor(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

fn persons(function: &FunctionStructure, out: &mut String) {
    if function.single_persons.is_empty() {
        return;
    }
    let _ = writeln!(out, "  Without them something it needs cannot be brought back:");
    for person in function.single_persons.iter().take(MOST_ROWS) {
        let mut steps: Vec<String> = person
            .steps
            .iter()
            .take(3)
            .map(|single| format!("{} ({})", plain(&single.step), plain(&single.component.title)))
            .collect();
        if person.steps.len() > steps.len() {
            steps.push(format!("{} more", person.steps.len() - steps.len()));
        }
        let who = plain(&person.who.title);
        let outside = if person.vendor && !who.contains("outside") { " (outside)" } else { "" };
        let _ = writeln!(out, "    {who}{outside}: {}", steps.join(", "));
    }
    more(function.single_persons.len(), out);
}

fn loops(structure: &Structure, out: &mut String) {
    if structure.recovery_cycles.is_empty() && structure.run_cycles.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nLoops:");
    for ring in &structure.recovery_cycles {
        let _ = writeln!(out, "  to bring {} back you need {}", first(ring), others(ring));
    }
    for ring in &structure.run_cycles {
        let _ = writeln!(
            out,
            "  to run, {} needs {}: after everything went down none of them starts first",
            first(ring),
            others(ring)
        );
    }
}

fn first(ring: &[Named]) -> String {
    ring.first().map_or(String::new(), |one| plain(&one.title))
}

/// "the vault, for which you need hv-1": the way around, back to the first.
fn others(ring: &[Named]) -> String {
    let around = ring.iter().skip(1).chain(ring.first());
    let names: Vec<String> = around.map(|one| plain(&one.title)).collect();
    names.join(", for which you need ")
}

fn sure(structure: &Structure, out: &mut String) {
    let _ = writeln!(out);
    let unstated = &structure.unstated;
    let count = unstated.len();
    if count > 0 {
        let mut list: Vec<String> =
            unstated.iter().take(MOST_ROWS).map(|one| plain(&one.title)).collect();
        if count > list.len() {
            list.push(format!("{} more", count - list.len()));
        }
        let state = if count == 1 { "component states" } else { "components state" };
        let counts = if count == 1 { "counts" } else { "count" };
        let _ = writeln!(
            out,
            "How sure: {count} {state} no availability and {counts} as always up: {}.",
            list.join(", ")
        );
        let _ = writeln!(
            out,
            "  Add `availability = 0.999`, or `mtbf = \"3y\"` and `mttr = \"8h\"`, where you know it."
        );
    }
    for note in &structure.notes {
        let _ = writeln!(out, "Note: {}", plain(note));
    }
}
