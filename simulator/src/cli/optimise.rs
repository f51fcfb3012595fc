//! `optimise`: which fixes together are worth most under a budget.
use std::fmt::Write as _;

use clap::ValueEnum;
use evenkeel_config::id::Id;
use evenkeel_config::record::{Objective, Per, Portfolio, SetWorth, WeightsFrom};

use super::documents::Questions;
use super::{Failure, Format, bar, json, write};
use crate::portfolio::{self, DEFAULT_YEARS, Wish};
use crate::refusal;
use crate::table::bare;
use crate::words::{money, number, plain, plural, thousands};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A fix costs its one-off sum and so many yearly ones (--years). Weights are \
                        events a year; without any, they are what each scenario states as its \
                        `frequency`, and where one states none, all are equally likely.\n\
                        Example: evenkeel-simulator optimise --map example:city-hall \
                        --scenario ransomware=0.05 --scenario site_loss=0.01 --budget 20000 \
                        --staff-days 10"
)]
pub(super) struct Optimise {
    #[command(flatten)]
    questions: Questions,
    /// The most to spend over the years, in the organisation's currency.
    #[arg(long, value_name = "MONEY")]
    budget: Option<f64>,
    /// The most days that own staff can give.
    #[arg(long, value_name = "DAYS")]
    staff_days: Option<f64>,
    /// Years over which a fix is paid: its one-off cost and so many yearly ones.
    #[arg(long, default_value_t = DEFAULT_YEARS)]
    years: f64,
    /// What is made as large as possible.
    #[arg(long = "for", value_enum, default_value_t = Goal::Money)]
    goal: Goal,
    /// Simulate every affordable set of fixes, however long it takes.
    #[arg(long)]
    every_set: bool,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Goal {
    /// Mean cost saved.
    Money,
    /// Mean lost hours won, over all functions.
    Hours,
    /// Mean number of RTOs kept that were not kept before.
    Rto,
}

pub(super) fn optimise(args: &Optimise) -> Result<(), Failure> {
    let asked = args.questions.read(true)?;
    let weights: Vec<f64> = asked.scenarios.iter().filter_map(|(_, weight)| *weight).collect();
    if !weights.is_empty() && weights.len() < asked.scenarios.len() {
        let hint = "give events a year to each, as in `--scenario ransomware=0.05`, or to none";
        return Err(refusal("some scenarios have a weight and some have none".into(), hint).into());
    }
    let wish = Wish {
        objective: match args.goal {
            Goal::Money => Objective::Money,
            Goal::Hours => Objective::Hours,
            Goal::Rto => Objective::Rto,
        },
        budget: args.budget,
        staff_days: args.staff_days,
        years: args.years,
        every: args.every_set,
    };
    let weights = (!weights.is_empty()).then_some(weights.as_slice());
    let mut portfolio = portfolio::optimise(&asked.jobs(), weights, &wish, &bar())?;
    asked.first.warn(&mut portfolio.notes);
    let text = match args.format {
        Format::Human => render(&portfolio).into_bytes(),
        Format::Json => json(&portfolio)?,
    };
    write(None, &text)
}

fn render(portfolio: &Portfolio) -> String {
    let mut out = String::new();
    let about = &portfolio.about;
    let currency = &about.currency;
    let _ = writeln!(out, "{}: what should be done first?", plain(&about.organisation));
    for (scenario, weight) in about.scenarios.iter().zip(&portfolio.weights) {
        let often = match portfolio.per {
            Per::Year => format!(" ({} a year)", number(*weight)),
            Per::Event => String::new(),
        };
        let _ = writeln!(out, "  {}{often}", plain(&scenario.question));
    }
    let weights = match portfolio.weights_from {
        WeightsFrom::Given => None,
        WeightsFrom::Frequency => Some("How often: the middle of what each scenario states."),
        WeightsFrom::Equal if portfolio.weights.len() > 1 => {
            Some("How often: not all say it; all are taken to be equally likely.")
        }
        WeightsFrom::Equal => None,
    };
    if let Some(weights) = weights {
        let _ = writeln!(out, "{weights} Give your own as in `--scenario ransomware=0.05`.");
    }
    let _ = writeln!(
        out,
        "{} simulated nights of each, the same for every set of fixes; facts of {}, seed {}\n",
        about.trials, about.as_of, about.seed
    );
    best(portfolio, currency, &mut out);
    parts(portfolio, currency, &mut out);
    let _ = writeln!(out, "\nEach fix alone:\n{}", fixes(portfolio, currency));
    for fix in &portfolio.fixes {
        if let Some(cannot) = &fix.cannot {
            let _ = writeln!(out, "{} cannot be simulated: {}", fix.id, plain(cannot));
        }
    }
    let _ = writeln!(out, "\nWhat more money would bring:\n{}", frontier(portfolio, currency));
    stability(portfolio, &mut out);
    for aside in &portfolio.set_aside {
        let set = names(&aside.fixes);
        let worth = worth(portfolio, aside.value, currency);
        let _ = writeln!(out, "Not proposed, though worth {worth}: {set}. {}.", plain(&aside.why));
    }
    let _ = writeln!(out, "How: {}.", portfolio.method.words);
    for note in &portfolio.notes {
        let _ = writeln!(out, "Note: {}", plain(note));
    }
    out
}

fn best(portfolio: &Portfolio, currency: &str, out: &mut String) {
    let best = &portfolio.best;
    let years = number(portfolio.years);
    let limits = [
        portfolio.budget.map(|budget| format!("{} over {years} years", money(budget, currency))),
        portfolio.staff_days.map(staff_days),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    let limits = if limits.is_empty() {
        "without a limit".into()
    } else {
        format!("for {}", limits.join(" and "))
    };
    if best.fixes.is_empty() {
        let _ = writeln!(out, "Best {limits}: nothing. No set of fixes is worth more.");
        return;
    }
    let _ = writeln!(out, "Best {limits}: {}", names(&best.fixes));
    let _ = writeln!(
        out,
        "  {} over {years} years, {}",
        money(best.cost, currency),
        staff_days(best.staff_days)
    );
    let _ = writeln!(out, "  {}", gain(portfolio, best, currency));
    let gap = best.sum_of_singles - best.value[0];
    if gap.abs() > best.value[0].abs() * 0.005 {
        let sum = worth(portfolio, best.sum_of_singles, currency);
        let why = if gap > 0.0 {
            "what they have in common counts once"
        } else {
            "together they do more than each alone"
        };
        let _ = writeln!(out, "  One by one they would add up to {sum}; {why}.");
    }
    if let Some(years) = best.break_even_years {
        let _ = writeln!(out, "  {}", pays(years));
    }
    let greedy = &portfolio.one_by_one;
    if greedy.fixes != best.fixes && greedy.value[0] < best.value[0] {
        let _ = writeln!(
            out,
            "  Taking the best value for money one by one would give only {}: {}.",
            worth(portfolio, greedy.value[0], currency),
            names(&greedy.fixes)
        );
    }
}

fn staff_days(days: f64) -> String {
    let days = number(days);
    format!("{days} staff {}", plural(&days, "day", "days"))
}

fn pays(years: f64) -> String {
    let only = if years < 1.0 { "only " } else { "" };
    format!("Pays for itself {only}if such an event comes more often than {}.", often(years))
}

/// A frequency in words.
fn often(years: f64) -> String {
    if years >= 1.0 {
        format!("once in {} years", number(years))
    } else {
        format!("{} times a year", number(1.0 / years))
    }
}

/// What each fix adds to the others, where there are several.
fn parts(portfolio: &Portfolio, currency: &str, out: &mut String) {
    if portfolio.parts.len() < 2 {
        return;
    }
    let mut table = bare(&[]);
    table.set_header(["Of this", "adds", "pays if more often than"]);
    for part in &portfolio.parts {
        table.add_row([
            part.fix.to_string(),
            worth(portfolio, part.adds, currency),
            part.break_even_years.map_or("–".to_owned(), often),
        ]);
    }
    let _ = writeln!(out, "\n{table}");
}

/// The value of a set with its interval.
fn gain(portfolio: &Portfolio, set: &SetWorth, currency: &str) -> String {
    let [value, low, high] = set.value.map(|value| worth(portfolio, value, currency));
    let what = match portfolio.objective {
        Objective::Money => "Saves",
        Objective::Hours => "Wins",
        Objective::Rto => "Keeps",
    };
    let per = match portfolio.per {
        Per::Event => "an event",
        Per::Year => "a year",
    };
    if low == high {
        format!("{what} {value} {per}.")
    } else {
        format!("{what} {value} {per} (between {low} and {high}).")
    }
}

fn worth(portfolio: &Portfolio, value: f64, currency: &str) -> String {
    match portfolio.objective {
        Objective::Money => money(libm::rint(value) as i64, currency),
        Objective::Hours if value.abs() >= 100.0 => {
            format!("{} hours", thousands(libm::rint(value) as i64))
        }
        Objective::Hours => format!("{} hours", signed(value)),
        Objective::Rto => format!("{} more RTOs", signed(value)),
    }
}

fn signed(value: f64) -> String {
    if value < 0.0 { format!("-{}", number(-value)) } else { number(value) }
}

fn names(fixes: &[Id]) -> String {
    let names: Vec<&str> = fixes.iter().map(Id::as_str).collect();
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn fixes(portfolio: &Portfolio, currency: &str) -> comfy_table::Table {
    let mut table = bare(&[]);
    let over = format!("Over {} years", number(portfolio.years));
    table.set_header(["Fix", "What", &over, "Staff days", "Worth", "Pays if more often than"]);
    for fix in &portfolio.fixes {
        let alone = &fix.alone;
        let chosen = if portfolio.best.fixes.contains(&fix.id) { "* " } else { "  " };
        table.add_row([
            format!("{chosen}{}", fix.id),
            plain(&fix.title),
            money(alone.cost, currency),
            number(alone.staff_days),
            if fix.cannot.is_some() {
                "–".into()
            } else {
                worth(portfolio, alone.value[0], currency)
            },
            alone.break_even_years.map_or("–".to_owned(), often),
        ]);
    }
    table
}

fn frontier(portfolio: &Portfolio, currency: &str) -> comfy_table::Table {
    let mut table = bare(&[]);
    table.set_header(["Cost", "Worth", "Fixes", ""]);
    for step in &portfolio.frontier {
        let within = portfolio.budget.is_none_or(|budget| step.cost <= budget);
        table.add_row([
            money(step.cost, currency),
            worth(portfolio, step.value[0], currency),
            names(&step.fixes),
            if within { String::new() } else { "beyond the budget".to_owned() },
        ]);
    }
    table
}

fn stability(portfolio: &Portfolio, out: &mut String) {
    let stability = &portfolio.stability;
    let of = stability.resamples;
    let wins = |set: &[Id]| {
        stability.winners.iter().find(|winner| winner.fixes == set).map_or(0, |winner| winner.wins)
    };
    let _ = writeln!(
        out,
        "\nHow sure: had other nights of the same kind been drawn, the same set would have won in \
         {} of {of} cases.",
        wins(&portfolio.best.fixes)
    );
    for winner in stability.winners.iter().filter(|w| w.fixes != portfolio.best.fixes).take(3) {
        let _ = writeln!(out, "  in {} cases: {}", winner.wins, names(&winner.fixes));
    }
}
