//! Plain words for the terminal: tables without boxes, text without control characters.
use comfy_table::{Table, presets};
use evenkeel_config::record::{FunctionSummary, Quantile, Summary};
use evenkeel_config::rule_32110::Digit;

use crate::html::verdict::Verdict;
use crate::html::words;
use crate::picture::Picture;

/// A table with a head and no boxes.
pub(crate) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head.to_vec());
    table
}

/// A few lines on what the picture says, for `up` and `status`.
pub(crate) fn summary(picture: &Picture, shown: Option<&Summary>) -> String {
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
    out.push_str(&rule(picture));
    out
}

/// The rule 3-2-1-1-0, a row for each data set; nothing without data sets.
fn rule(picture: &Picture) -> String {
    let scores = picture.rule();
    if scores.is_empty() {
        return String::new();
    }
    let heads = Digit::ALL.map(|digit| format!("{} {}", digit.wanted(), digit.words()));
    let mut head = vec!["  backups"];
    head.extend(heads.iter().map(String::as_str));
    let mut table = table(&head);
    for score in &scores {
        let met = score.digits.iter().map(|one| one.met.word().to_owned());
        let row = std::iter::once(format!("  {}", words::plain(&score.title))).chain(met);
        table.add_row(row);
    }
    format!("{table}\n")
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
