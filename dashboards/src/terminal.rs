//! Plain words for the terminal: tables without boxes, text without control characters.
use std::io::IsTerminal as _;

use comfy_table::{ContentArrangement, Table, presets};
use evenkeel_config::record::{FunctionSummary, Quantile, Summary};
use evenkeel_config::rule_32110::{Digit, DigitScore, Met, RuleScore};

use crate::html::names::Names;
use crate::html::verdict::Verdict;
use crate::html::{copies_rule, words};
use crate::picture::Picture;

/// A table with a head and no boxes.
pub(crate) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head.to_vec());
    table
}

/// Columns of what is not a terminal and says no width.
const USUAL_WIDTH: u16 = 100;
/// Columns at which a table can still be read; a narrower terminal wraps its lines itself.
const LEAST_WIDTH: u16 = 60;

/// How wide the output is: as wide as the terminal, else as `COLUMNS` says.
pub(crate) fn width() -> u16 {
    let terminal = || {
        let size = std::io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
        size.map(|(terminal_size::Width(width), _)| width)
    };
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    terminal().or_else(told).unwrap_or(USUAL_WIDTH).max(LEAST_WIDTH)
}

/// A few lines on what the picture says, for `up` and `status`.
pub(crate) fn summary(picture: &Picture, shown: Option<&Summary>, width: u16) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(&words::plain(text));
        out.push('\n');
    };
    let checks = picture.hosts.values().flat_map(|host| host.checks.values());
    let mut findings: Vec<_> = checks.flat_map(|evidence| evidence.findings.iter()).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let count = picture.hosts.values().map(|host| host.checks.len()).sum::<usize>();
    line(&format!("{}: {count} checks, {} findings", picture.organisation, findings.len()));
    for finding in findings.iter().take(8) {
        line(&format!("  {:<8} {}: {}", finding.severity.word(), finding.component, finding.what));
    }
    for sentence in &picture.cannot {
        line(sentence);
    }
    if let Some(summary) = shown {
        line(&format!("{}, {} simulated nights:", summary.scenario.question, summary.trials));
        let head = ["  function", "promised", "likely", "bad night", "work lost", ""];
        let mut table = table(&head);
        for function in &summary.functions {
            table.add_row(row(function).map(|cell| words::plain(&cell)));
        }
        out.push_str(&table.to_string());
        out.push('\n');
    }
    out.push_str(&rule(&picture.rule(), &Names::new(&picture.map), width));
    out
}

/// The same, and what the copies lack, each with its reason and what to do.
pub(crate) fn whole(picture: &Picture, shown: Option<&Summary>, width: u16) -> String {
    let lacking = lacking(&picture.rule(), &Names::new(&picture.map), width);
    summary(picture, shown, width) + &lacking
}

/// The rule 3-2-1-1-0, a row for each data set: of each digit the verdict, what is there
/// and how that is known; nothing without data sets.
fn rule(scores: &[RuleScore], names: &Names<'_>, width: u16) -> String {
    let Some(short) = copies_rule::in_short(scores) else { return String::new() };
    let heads = Digit::ALL.map(copies_rule::asked);
    let mut head = vec!["backups"];
    head.extend(heads.iter().map(String::as_str));
    let mut table = table(&head);
    for score in scores {
        let digits = score.digits.iter().map(digit);
        table.add_row(std::iter::once(copies_rule::name(score, names)).chain(digits));
    }
    let mut sentence = Table::new();
    sentence.load_style(presets::NOTHING).add_row([short]);
    format!("\n{}{}", fitted(table, width), fitted(sentence, width))
}

/// One digit: `not met: 1 of 3`, or `met: 3` and below it how that is known.
fn digit(one: &DigitScore) -> String {
    let verdict = format!("{}: {}", one.met.word(), copies_rule::there(one));
    match (one.met, one.grade) {
        (Met::Yes, Some(grade)) => format!("{verdict}\n({})", copies_rule::known(grade)),
        _ => verdict,
    }
}

/// Why digits are not met or cannot be told, and what to do; nothing when all are met.
fn lacking(scores: &[RuleScore], names: &Names<'_>, width: u16) -> String {
    let gaps = copies_rule::gaps(scores, names);
    if gaps.is_empty() {
        return String::new();
    }
    let mut table = table(&["digit", "of", "why", "what to do"]);
    for gap in gaps {
        let digit = format!("{}:\n{}", gap.asked(), gap.met.word());
        table.add_row([digit, words::list(&gap.of, gap.of.len()), gap.why, gap.advice]);
    }
    format!("\n{}", fitted(table, width))
}

/// A table in so many columns, without blanks at the ends of its lines.
fn fitted(mut table: Table, width: u16) -> String {
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    let text = table.to_string();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// One function: name, promise, verdict, likely, bad night, work lost.
fn row(function: &FunctionSummary) -> [String; 6] {
    let quantile =
        |all: &[Quantile], p: f64, shown: fn(evenkeel_config::record::Elapsed) -> String| {
            let found = all.iter().find(|quantile| (quantile.p - p).abs() < 1e-9);
            found.map_or_else(|| "-".to_owned(), |quantile| shown(quantile.value))
        };
    let kept = match function.rto {
        Some(chance) => {
            format!("{}, {}", Verdict::of(function).word(), words::nights(chance.share))
        }
        None => Verdict::of(function).word().to_owned(),
    };
    let promised = function.objectives.rto.map_or_else(
        || "no objective set".to_owned(),
        |rto| format!("{} ({kept})", words::duration(rto.as_ms())),
    );
    [
        format!("  {}", function.title),
        promised,
        quantile(&function.usable, 0.5, words::back_after),
        quantile(&function.usable, 0.9, words::back_after),
        quantile(&function.data_loss, 0.5, words::lost),
        function.cannot.clone().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sample;

    /// Text in one line, as it reads across the lines of a column.
    fn flat(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_rule_says_what_is_there_why_and_what_to_do() {
        let picture = sample::picture();
        let told = whole(&picture, None, 400);
        let row = |start: &str| {
            let line = told.lines().find(|line| line.trim_start().starts_with(start));
            flat(line.expect(start))
        };
        let payroll = row("Payroll and accounts").replace(words::JOIN, " ");
        assert!(payroll.contains("not met: 1 of 3 cannot tell: 1 of 2 sure"), "{payroll}");
        let bare = row("every digit");
        assert!(bare.contains("Map files No backup job copies it. Start a backup"), "{bare}");
        assert!(flat(&told).contains("None of 3 data sets meets the rule"), "{told}");
        assert!(!summary(&picture, None, 400).contains("No backup job copies it."));
    }

    #[test]
    fn tables_keep_to_the_width() {
        let picture = sample::picture();
        for width in [60, 80, 132] {
            let (scores, names) = (picture.rule(), Names::new(&picture.map));
            let told = rule(&scores, &names, width) + &lacking(&scores, &names, width);
            let longest = told.lines().map(|line| line.chars().count()).max();
            assert!(longest.is_some_and(|longest| longest <= width.into()), "{told}");
        }
    }
}
