//! `promise`: the RTO and RPO that can be kept, next to those that are stated.
use std::fmt::Write as _;

use evenkeel_config::id::Id;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{self, Elapsed, FunctionPromise, Promises, WorstQuantile};

use super::documents::Questions;
use super::{Failure, Format, bar, json, write};
use crate::promise;
use crate::table::{bare, kept};
use crate::words::{duration, plain, up};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: evenkeel-simulator promise --map example:city-hall \
                        --scenario ransomware --scenario site_loss --fix new-server")]
pub(super) struct Promise {
    #[command(flatten)]
    questions: Questions,
    /// Say also what could be promised with this fix of the map; repeated, with all of them.
    #[arg(long, value_name = "ID")]
    fix: Vec<Id>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

pub(super) fn promise(args: &Promise) -> Result<(), Failure> {
    let asked = args.questions.read(false)?;
    let mut promises = promise::promise(&asked.jobs(), &args.fix, &bar())?;
    asked.first.warn(&mut promises.notes);
    let text = match args.format {
        Format::Human => render(&promises).into_bytes(),
        Format::Json => json(&promises)?,
    };
    write(None, &text)
}

fn render(promises: &Promises) -> String {
    let mut out = String::new();
    let about = &promises.about;
    let several = about.scenarios.len() > 1;
    let _ = writeln!(out, "{}: what can be promised?", plain(&about.organisation));
    for scenario in &about.scenarios {
        let _ = writeln!(out, "  {}", plain(&scenario.question));
    }
    let each = if several { " of each; the worst counts" } else { "" };
    let _ = writeln!(
        out,
        "{} simulated nights{each}, facts of {}, seed {}\n",
        about.trials, about.as_of, about.seed
    );
    let _ = writeln!(out, "{}", table(promises, several));
    for function in &promises.functions {
        if let Some(cannot) = &function.cannot {
            let _ = writeln!(out, "{}: {}", plain(&function.title), plain(cannot));
        }
    }
    let _ = writeln!(
        out,
        "\nEach column says which RTO or RPO would be kept in so many nights. Times are rounded up; \
         in brackets stands how exactly so many nights tell them."
    );
    if !promises.fixes.is_empty() {
        let fixes: Vec<&str> = promises.fixes.iter().map(Id::as_str).collect();
        let _ = writeln!(out, "After the arrow: with {}.", fixes.join(" and "));
    }
    for note in &promises.notes {
        let _ = writeln!(out, "Note: {}", plain(note));
    }
    out
}

fn table(promises: &Promises, several: bool) -> comfy_table::Table {
    let mut table = bare(&[]);
    let mut head = vec!["Function", "RTO stated", "Kept", "8 nights in 10"];
    head.extend(["9 in 10", "19 in 20", "RPO stated", "9 in 10"]);
    if several {
        head.push("Worst in");
    }
    table.set_header(head);
    for function in &promises.functions {
        let Some(now) = &function.now else { continue };
        let mut row = vec![
            plain(&function.title),
            function.stated_rto.map_or("no objective set".to_owned(), span),
            both(function, |promise| promise.rto_kept.as_ref().map(|worst| kept(worst.chance))),
        ];
        for index in 0..promise::KEPT.len() {
            row.push(both(function, |promise| promise.rto.get(index).map(usable)));
        }
        row.push(function.stated_rpo.map_or("–".to_owned(), span));
        row.push(both(function, |promise| promise.rpo.get(1).map(lost)));
        if several {
            let hit = now.rto.get(1).filter(|worst| worst.quantile.value != Elapsed::Ms(0));
            row.push(hit.map_or("–".to_owned(), |worst| plain(&worst.scenario)));
        }
        table.add_row(row);
    }
    table
}

/// A cell as things are, and after an arrow as they would be then.
fn both(function: &FunctionPromise, cell: impl Fn(&record::Promise) -> Option<String>) -> String {
    let cells: Vec<Option<String>> =
        [&function.now, &function.then].map(|side| side.as_ref().and_then(&cell)).into();
    match (&cells[0], &cells[1]) {
        (Some(now), Some(then)) if now != then => format!("{now}\n→ {then}"),
        (Some(now), _) => now.clone(),
        (None, _) => "–".to_owned(),
    }
}

fn span(span: Span) -> String {
    duration(span.as_ms())
}

fn usable(worst: &WorstQuantile) -> String {
    interval(worst, "at once", "no promise")
}

fn lost(worst: &WorstQuantile) -> String {
    interval(worst, "none", "all may go")
}

/// The figure rounded up, and its interval below where it has a width.
fn interval(worst: &WorstQuantile, zero: &str, never: &str) -> String {
    let word = |value: Elapsed| match value {
        Elapsed::Never => never.to_owned(),
        Elapsed::Ms(0) => zero.to_owned(),
        Elapsed::Ms(ms) => up(ms),
    };
    let quantile = &worst.quantile;
    let [value, low, high] = [quantile.value, quantile.low, quantile.high].map(word);
    if low == high { value } else { format!("{value}\n({low} to {high})") }
}
