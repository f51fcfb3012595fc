//! `compare`: variants of the map side by side on the same nights.
use std::fmt::Write as _;
use std::path::PathBuf;

use evenkeel_config::id::Id;
use evenkeel_config::load::{lay_patch, read_sources};
use evenkeel_config::problem::Problems;
use evenkeel_config::record::{
    ChanceChange, Change, Comparison, FunctionChange, MeanChange, TimeChange, VariantEffect,
};

use super::documents::Question;
use super::{Failure, Format, bar, json, write};
use crate::sides::Variant;
use crate::table::{bare, time};
use crate::words::{duration, money, number, plain, plural, thousands};
use crate::{compare, refusal};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: evenkeel-simulator compare --map example:city-hall \
                        --scenario ransomware --fix new-server --fix vault-on-paper \
                        --variant both=new-server+vault-on-paper")]
pub(super) struct Compare {
    #[command(flatten)]
    question: Question,
    /// A priced fix of the map; each is a variant of its own.
    #[arg(long, value_name = "ID")]
    fix: Vec<Id>,
    /// A patch to try out: a TOML document in the shape of a fix, with `title`, `set`, `remove`.
    #[arg(long, value_name = "FILE")]
    patch: Vec<PathBuf>,
    /// Lay all fixes and patches over the map together, as one variant.
    #[arg(long)]
    together: bool,
    /// A named combination of fixes, patches or both, such as `both=new-server+vault-on-paper`.
    #[arg(long, value_name = "NAME=FIX+FIX", value_parser = combination)]
    variant: Vec<Variant>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

fn combination(text: &str) -> Result<Variant, String> {
    let wrong = || "write it as NAME=FIX+FIX, as in `both=new-server+vault-on-paper`".to_owned();
    let (name, fixes) = text.split_once('=').ok_or_else(wrong)?;
    if name.trim().is_empty() {
        return Err(wrong());
    }
    let fixes: Result<Vec<Id>, _> = fixes.split('+').map(|id| id.trim().parse()).collect();
    let fixes = fixes.map_err(|error: evenkeel_config::id::BadId| error.to_string())?;
    Ok(Variant { name: name.trim().to_owned(), fixes })
}

pub(super) fn compare(args: &Compare) -> Result<(), Failure> {
    let mut asked = args.question.read()?;
    let (mut patches, mut problems) = (Vec::new(), Problems::default());
    for path in &args.patch {
        for source in read_sources(path)? {
            match lay_patch(&source, &mut asked.map) {
                Ok(laid) => {
                    asked.warnings.extend(laid.warnings.list.into_iter().map(|p| p.what));
                    patches.push(laid.value);
                }
                Err(wrong) => problems.list.extend(wrong.list),
            }
        }
    }
    if problems.is_fatal() {
        return Err(problems.into());
    }
    let variants = variants(args, &patches)?;
    let mut comparison = compare::compare(&asked.job(false), &variants, &bar())?;
    asked.warn(&mut comparison.notes);
    let text = match args.format {
        Format::Human => render(&comparison).into_bytes(),
        Format::Json => json(&comparison)?,
    };
    write(None, &text)
}

/// Fixes and patches alone or together, then the named combinations. A patch
/// that a combination names is not a variant of its own as well.
fn variants(args: &Compare, patches: &[Id]) -> Result<Vec<Variant>, Problems> {
    let named = |id: &Id| args.variant.iter().any(|variant| variant.fixes.contains(id));
    let patches = patches.iter().filter(|id| args.together || !named(id));
    let single: Vec<Id> = args.fix.iter().chain(patches).cloned().collect();
    let mut variants: Vec<Variant> = if args.together && !single.is_empty() {
        vec![Variant { name: "together".to_owned(), fixes: single }]
    } else {
        single.iter().map(Variant::alone).collect()
    };
    variants.extend(args.variant.iter().cloned());
    for (index, variant) in variants.iter().enumerate() {
        if variants[..index].iter().any(|other| other.name == variant.name) {
            let what = format!("two variants are called `{}`", variant.name);
            return Err(refusal(what, "name each fix once, and each variant differently"));
        }
    }
    Ok(variants)
}

fn render(comparison: &Comparison) -> String {
    let mut out = String::new();
    let about = &comparison.about;
    let question = about.scenarios.first().map_or("", |scenario| scenario.question.as_str());
    let _ = writeln!(out, "{}: {}", plain(&about.organisation), plain(question));
    let _ = writeln!(
        out,
        "{} simulated nights, the same for each variant; facts of {}, seed {}",
        about.trials, about.as_of, about.seed
    );
    for effect in &comparison.variants {
        variant(effect, &about.currency, &mut out);
    }
    for note in &comparison.notes {
        let _ = writeln!(out, "\nNote: {}", plain(note));
    }
    out
}

fn variant(effect: &VariantEffect, currency: &str, out: &mut String) {
    let titles: Vec<String> = effect.titles.iter().map(|title| plain(title)).collect();
    let _ = writeln!(out, "\n{}: {}", plain(&effect.name), titles.join("; "));
    let days = number(effect.staff_days);
    let _ = writeln!(
        out,
        "{} once, {} a year, {days} {} of own staff",
        money(effect.once, currency),
        money(effect.yearly, currency),
        plural(&days, "day", "days")
    );
    if let Some(cannot) = &effect.cannot {
        let _ = writeln!(out, "Cannot be simulated: {}", plain(cannot));
        return;
    }
    let _ = writeln!(out, "\n{}", table(effect));
    let total = |what: &str, mean: Option<MeanChange>, word: &dyn Fn(i64) -> String| {
        let Some(MeanChange { before, after, change, .. }) = mean else { return String::new() };
        let Change { value, low, high } = change;
        let (before, after) = (word(before), word(after));
        if low == 0 && high == 0 {
            return format!("{what}: {before}, the same\n");
        }
        let [value, low, high] = [value, low, high].map(|value| signed(value, word));
        format!("{what}: {before} → {after} ({value}, between {low} and {high})\n")
    };
    let hours = |ms: i64| match ms as f64 / 3.6e6 {
        hours if hours < 100.0 => format!("{} h", number(hours)),
        hours => format!("{} h", thousands(libm::rint(hours) as i64)),
    };
    let _ = write!(
        out,
        "\n{}",
        total("An event costs, on average", effect.cost, &|minor| { money(minor, currency) })
    );
    let _ = write!(out, "{}", total("Lost hours, all functions", effect.lost_hours, &hours));
    list("Better", &effect.better, "nothing that these nights can tell", out);
    list("Worse", &effect.worse, "nothing that these nights can tell", out);
    let reversals: Vec<String> = effect.reversals.iter().map(|r| r.words.clone()).collect();
    if let Some(why) = &effect.why_later {
        list("More is slower here", &reversals, "", out);
        let _ = writeln!(out, "  How that comes: {}.", plain(why));
    }
    for note in &effect.notes {
        let _ = writeln!(out, "Note: {}", plain(note));
    }
}

fn list(title: &str, lines: &[String], none: &str, out: &mut String) {
    if lines.is_empty() {
        let _ = writeln!(out, "{title}: {none}");
        return;
    }
    let _ = writeln!(out, "{title}:");
    for line in lines {
        let _ = writeln!(out, "  {}", plain(line));
    }
}

fn table(effect: &VariantEffect) -> comfy_table::Table {
    let mut table = bare(&[]);
    table.set_header(["Function", "Likely", "Bad night", "Change", "RTO kept", "Work lost"]);
    for change in &effect.functions {
        table.add_row([
            plain(&change.title),
            pair(change.likely),
            pair(change.bad_night),
            difference(change.bad_night),
            change.rto.map_or("–".to_owned(), kept),
            lost(change),
        ]);
    }
    table
}

fn pair(change: TimeChange) -> String {
    let (before, after) = (time(change.before), time(change.after));
    if before == after { before } else { format!("{before} → {after}") }
}

fn lost(change: &FunctionChange) -> String {
    pair(change.data_loss).replace("never", "all").replace("at once", "none")
}

/// The change of a bad night with its interval.
fn difference(time: TimeChange) -> String {
    match time.change {
        None if time.before == time.after => "the same".to_owned(),
        None => "–".to_owned(),
        Some(Change { low: 0, high: 0, .. }) => "the same".to_owned(),
        Some(Change { value, low, high }) => {
            let [value, low, high] = [value, low, high].map(|value| signed(value, &duration));
            format!("{value} ({low} to {high})")
        }
    }
}

fn signed(value: i64, word: &dyn Fn(i64) -> String) -> String {
    match value {
        0 => "0".to_owned(),
        value if value < 0 => format!("−{}", word(-value)),
        value => format!("+{}", word(value)),
    }
}

fn kept(chance: ChanceChange) -> String {
    let of_100 = |share: f64| number(share * 100.0);
    let (before, after) = (of_100(chance.before.share), of_100(chance.after.share));
    if before == after {
        format!("{before} of 100")
    } else {
        format!("{before} → {after} of 100")
    }
}
