//! `annual`: the year as a range, over everything whose frequency is known.
use std::fmt::Write as _;
use std::path::PathBuf;

use evenkeel_config::id::Id;
use evenkeel_config::load::{Loaded, check_scenario};
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::record::{
    AnnualCost, AnnualEvent, AnnualFunction, AnnualSummary, Band, Exceedance,
};
use evenkeel_config::scenario::Scenario;
use jiff::Timestamp;

use super::documents::{load_evidence, load_map, load_scenario, shipped_scenarios};
use super::{Failure, Format, bar, json, write};
use crate::annual::{AnnualJob, DEFAULT_YEARS, annual};
use crate::table::bare;
use crate::words::{number, plain, thousands};
use crate::{DEFAULT_SEED, DEFAULT_TRIALS};

const AFTER: &str = "A scenario says how often it happens, as a range with its source:\n\
                     \x20 frequency = { per_year = [0.01, 0.1], source = \"our insurer, 2026\" }\n\
                     One that does not is left out, and named.";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Annual {
    /// Map: a file, a folder of files, or `example:NAME`.
    #[arg(long)]
    map: String,
    /// Scenario: a file or a name of the library; may be given several times.
    /// Without it: all that an example brings, or all of the library.
    #[arg(long)]
    scenario: Vec<String>,
    /// Modifier laid over every scenario, such as `key_person_away`, or a fix of
    /// the map that the year has already, such as `new-server`.
    #[arg(long, value_name = "SCENARIO|FIX")]
    with: Vec<String>,
    /// Evidence written by an agent; an example brings its own.
    #[arg(long)]
    evidence: Vec<PathBuf>,
    /// How many nights of each event.
    #[arg(long, default_value_t = DEFAULT_TRIALS)]
    trials: u64,
    /// How many years.
    #[arg(long, default_value_t = DEFAULT_YEARS)]
    years: u64,
    /// Seed of all luck.
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,
    /// The moment of the facts, such as 2026-11-17T13:00:00Z.
    #[arg(long)]
    as_of: Option<Timestamp>,
    /// Threads; changes no result.
    #[arg(long)]
    threads: Option<usize>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// Write the answer to a file.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Annual) -> Result<(), Failure> {
    let Loaded { value: map, .. } = load_map(&args.map)?;
    let named = !args.scenario.is_empty();
    let names = if named { args.scenario.clone() } else { shipped_scenarios(&args.map)? };
    let mut problems = Problems::default();
    let mut scenarios: Vec<Scenario> = Vec::new();
    for name in &names {
        let scenario = load_scenario(name, &args.map)?;
        if !scenario.modifier {
            check_scenario(&scenario, &map, &mut problems);
            scenarios.push(scenario);
        } else if named {
            let place = Place { file: format!("{}.toml", scenario.id), ..Place::default() };
            let what = format!("`{}` only changes other scenarios", scenario.id);
            problems.error(place, what, "name what happens, as in `--scenario ransomware`");
        }
    }
    let fix = |name: &str| map.fixes.keys().find(|id| id.as_str() == name);
    let mut fixes: Vec<Id> = args.with.iter().filter_map(|name| fix(name).cloned()).collect();
    fixes.sort();
    fixes.dedup();
    let mut modifiers = Vec::new();
    for name in args.with.iter().filter(|name| fix(name).is_none()) {
        let modifier = load_scenario(name, &args.map)?;
        check_scenario(&modifier, &map, &mut problems);
        modifiers.push(modifier);
    }
    if problems.is_fatal() {
        return Err(problems.into());
    }
    let evidence = load_evidence(&args.evidence, &args.map)?;
    let question = AnnualJob {
        map: &map,
        scenarios: &scenarios,
        modifiers: &modifiers,
        fixes: &fixes,
        evidence: &evidence,
        as_of: args.as_of,
        seed: args.seed,
        trials: args.trials,
        years: args.years,
        threads: args.threads,
        strict: named,
    };
    let summary = annual(&question, &bar())?;
    let text = match args.format {
        Format::Human => render(&summary).into_bytes(),
        Format::Json => json(&summary)?,
    };
    write(args.out.as_deref(), &text)
}

/// The answer in words and tables; safe for a terminal.
fn render(summary: &AnnualSummary) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}: the year as a range", plain(&summary.organisation));
    let _ = writeln!(
        out,
        "{} simulated nights of each event, {} years, facts of {}, seed {}\n",
        summary.trials, summary.years, summary.as_of, summary.seed
    );
    let with: Vec<&str> = summary
        .with
        .iter()
        .map(String::as_str)
        .chain(summary.fixes.iter().map(Id::as_str))
        .collect();
    if !with.is_empty() {
        let _ = writeln!(out, "With {}\n", plain(&with.join(", ")));
    }
    events(summary, &mut out);
    if !summary.functions.is_empty() {
        functions(summary, &mut out);
    }
    if !summary.steady.is_empty() {
        steady(summary, &mut out);
    }
    if let Some(cost) = &summary.cost {
        money(summary, cost, &mut out);
    }
    if !summary.left_out.is_empty() {
        let _ = writeln!(out, "\nLeft out of the year:");
        for left in &summary.left_out {
            let _ = writeln!(out, "  {}: {}", plain(&left.title), plain(&left.why));
        }
    }
    for note in &summary.notes {
        let _ = writeln!(out, "Note: {}", plain(note));
    }
    out
}

fn events(summary: &AnnualSummary, out: &mut String) {
    let mut table = bare(&[]);
    table.set_header(["What can happen", "How often", "One costs on average"]);
    for event in &summary.events {
        let cost = event.mean_cost.map_or("–".to_owned(), |minor| {
            format!("{} {}", thousands(two_digits(minor) / 100), plain(&summary.currency))
        });
        table.add_row([plain(&event.title), how_often(event), cost]);
    }
    let _ = writeln!(out, "{table}\n\nHow often is known from:");
    for event in &summary.events {
        let _ = writeln!(out, "  {}: {}", plain(&event.title), plain(&event.source));
    }
    let _ = writeln!(out, "\nNone of it happens in {}.", years_in_100(summary.quiet));
}

/// A rate in words: `once in 10 to 100 years`, `1.2 to 3 times a year`.
fn how_often(event: &AnnualEvent) -> String {
    let Band { low, high, .. } = event.per_year;
    let times = |rate: f64| number(rate);
    let rounded = (times(low), times(high));
    let every = |rate: f64| number(1.0 / rate);
    match (low, high) {
        (_, high) if high <= 0.0 => "never".to_owned(),
        (low, high) if low <= 0.0 && high < 1.0 => {
            format!("at most once in {} years", every(high))
        }
        (low, high) if low <= 0.0 => format!("at most {} times a year", times(high)),
        (low, high) if high < 1.0 && every(low) == every(high) => {
            format!("once in {} years", every(low))
        }
        (low, high) if high < 1.0 => format!("once in {} to {} years", every(high), every(low)),
        (low, high) if low < 1.0 => {
            format!("once in {} years to {} times a year", every(low), times(high))
        }
        _ if rounded.0 == rounded.1 && rounded.0 == "1" => "once a year".to_owned(),
        _ if rounded.0 == rounded.1 => format!("{} times a year", rounded.0),
        (low, high) => format!("{} to {} times a year", times(low), times(high)),
    }
}

/// Two ends of a figure; one where they round to the same.
fn range(low: &str, high: &str) -> String {
    if low == high { low.to_owned() } else { format!("{low} to {high}") }
}

fn numbers(band: Band) -> String {
    let small = |value: f64| match value {
        value if value > 0.0 && value < 0.01 => "under 0.01".to_owned(),
        value => number(value),
    };
    range(&small(band.low), &small(band.high))
}

/// A chance of a year in words: `3 to 12 years in 100`.
fn years_in_100(band: Band) -> String {
    let in_100 = |share: f64| match share * 100.0 {
        years if years > 0.0 && years < 0.1 => "under 0.1".to_owned(),
        years if years > 99.0 && years < 100.0 => "over 99".to_owned(),
        years => number(years),
    };
    match (in_100(band.low), in_100(band.high)) {
        (low, high) if low == high && low == "0" => "no year".to_owned(),
        (low, high) => format!("{} years in 100", range(&low, &high)),
    }
}

fn functions(summary: &AnnualSummary, out: &mut String) {
    let mut table = bare(&[]);
    table.set_header([
        "Function",
        "Touched a year",
        "Hours lost a year",
        "Below its minimum, hours",
        "Promise missed in",
        "Not back within the horizon in",
    ]);
    for function in &summary.functions {
        let AnnualFunction { title, life_safety, cannot, .. } = function;
        let mark = if *life_safety { " (life safety)" } else { "" };
        let name = format!("{}{mark}", plain(title));
        if let Some(cannot) = cannot {
            table.add_row([name, plain(cannot)]);
            continue;
        }
        table.add_row([
            name,
            numbers(function.touched),
            numbers(function.lost_hours),
            numbers(function.hours_below_minimum),
            function.rto_missed.map_or("no objective set".to_owned(), years_in_100),
            years_in_100(function.never_back),
        ]);
    }
    let _ = writeln!(out, "\n{table}");
}

fn steady(summary: &AnnualSummary, out: &mut String) {
    let mut table = bare(&[]);
    table.set_header([
        "Function",
        "Hours down a year",
        "Works, of 100 hours",
        "First failure after",
        "",
    ]);
    for function in &summary.steady {
        let Band { low, high, .. } = function.availability;
        let share = |share: f64| format!("{:.4}", share * 100.0);
        let first = function.first_failure_hours.map_or("not seen".to_owned(), |hours| {
            let years = |hours: f64| number(hours / 8766.0);
            format!("{} years", range(&years(hours.low), &years(hours.high)))
        });
        table.add_row([
            plain(&function.title),
            numbers(function.hours_down),
            range(&share(low), &share(high)),
            first,
            if function.exact { "exact" } else { "simulated" }.to_owned(),
        ]);
    }
    let _ = writeln!(
        out,
        "\nWith single failures and repairs going on, by `mtbf` and `mttr`:\n{table}"
    );
}

fn money(summary: &AnnualSummary, cost: &AnnualCost, out: &mut String) {
    let currency = plain(&summary.currency);
    let sum = |minor: i64| thousands(two_digits(minor) / 100);
    let safety = if summary.functions.iter().any(|function| function.life_safety) {
        ", without what lives hang on"
    } else {
        ""
    };
    let _ = writeln!(out, "\nMoney{safety}:");
    for quantile in &cost.quantiles {
        let years = number(quantile.p * 100.0);
        let (low, high) = (sum(quantile.value.low), sum(quantile.value.high));
        let _ =
            writeln!(out, "  in {years} of 100 years at most {} {currency}", range(&low, &high));
    }
    for point in shown(&cost.exceedance) {
        let above = thousands(point.above / 100);
        let _ = writeln!(out, "  more than {above} {currency} in {}", years_in_100(point.chance));
    }
    let _ = writeln!(out, "  nothing at all in {}", years_in_100(cost.nothing));
    let mean = range(&sum(cost.mean.low), &sum(cost.mean.high));
    let _ = writeln!(
        out,
        "  on average {mean} {currency} a year; no year is like the average: plan for the bad ones"
    );
}

/// The powers of ten on the curve that say something: not the sums that every
/// costly year exceeds, nor those that hardly any does.
fn shown(curve: &[Exceedance]) -> Vec<Exceedance> {
    let tells = |point: &&Exceedance| {
        let digits = point.above.to_string();
        digits.trim_end_matches('0') == "1" && point.chance.high > 0.0005
    };
    let all: Vec<Exceedance> = curve.iter().filter(tells).copied().collect();
    all[all.len().saturating_sub(4)..].to_vec()
}

/// Two significant digits, for money that nobody knows to the cent.
fn two_digits(minor: i64) -> i64 {
    let mut scale = 1;
    while minor / scale >= 100 {
        scale *= 10;
    }
    (minor + scale / 2) / scale * scale
}

#[cfg(test)]
mod tests {
    use evenkeel_config::provenance::Provenance;

    use super::*;

    fn event(low: f64, high: f64) -> AnnualEvent {
        AnnualEvent {
            id: "e".into(),
            title: "e".into(),
            per_year: Band { low, middle: low, high },
            happens: Band::default(),
            provenance: Provenance::Declared,
            source: String::new(),
            mean_cost: None,
        }
    }

    #[test]
    fn rates_and_chances_read_as_people_say_them() {
        for (low, high, words) in [
            (0.01, 0.1, "once in 10 to 100 years"),
            (0.25, 0.25, "once in 4 years"),
            (0.5, 3.0, "once in 2 years to 3 times a year"),
            (1.0, 3.3, "1 to 3.3 times a year"),
            (2.0, 2.0, "2 times a year"),
            (1.0, 1.0, "once a year"),
            (0.0, 0.5, "at most once in 2 years"),
        ] {
            assert_eq!(how_often(&event(low, high)), words);
        }
        let chance = |low, high| years_in_100(Band { low, middle: low, high });
        assert_eq!(chance(0.01, 0.1), "1 to 10 years in 100");
        assert_eq!(chance(0.0, 0.0), "no year");
        assert_eq!(chance(0.0001, 0.995), "under 0.1 to over 99 years in 100");
        assert_eq!(two_digits(123_456), 120_000);
    }
}
