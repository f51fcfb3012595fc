//! Caps on what a check hands over, since all of it came from the outside.
use evenkeel_config::record::{Finding, Value};

use crate::checks::Facts;

/// Longest text that is kept, in characters.
const LONGEST_TEXT: usize = 2_000;
/// Longest subject, in characters: it is a label of metrics.
const LONGEST_SUBJECT: usize = 200;
/// Most facts of one run.
const MOST_FACTS: usize = 5_000;

/// A text without control characters and direction marks, cut to length.
pub(super) fn text(text: &str) -> String {
    clean(text, LONGEST_TEXT)
}

/// Makes every text of a finding safe to print.
pub(super) fn finding(finding: &mut Finding) {
    finding.subject = clean(&finding.subject, LONGEST_SUBJECT);
    finding.what = text(&finding.what);
    finding.advice = text(&finding.advice);
}

/// Makes every text of the facts safe to print, and cuts the lists.
pub(super) fn facts(facts: &mut Facts) {
    facts.observations.truncate(MOST_FACTS);
    for seen in &mut facts.observations {
        seen.subject = clean(&seen.subject, LONGEST_SUBJECT);
        if let Value::Text(words) = &mut seen.value {
            *words = text(words);
        }
        for value in seen.labels.values_mut() {
            *value = clean(value, LONGEST_SUBJECT);
        }
    }
    for copy in &mut facts.copies {
        copy.group = clean(&copy.group, LONGEST_SUBJECT);
        let surplus = copy.snapshots.len().saturating_sub(MOST_FACTS);
        copy.snapshots.drain(..surplus);
    }
    for drill in &mut facts.drills {
        drill.why = text(&drill.why);
    }
}

fn clean(text: &str, longest: usize) -> String {
    let plain = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_plain(c) => c,
        _ => '\u{FFFD}',
    };
    let mut cleaned: String = text.chars().take(longest).map(plain).collect();
    if text.chars().nth(longest).is_some() {
        cleaned.push('…');
    }
    cleaned
}

/// Neither a control character nor one that changes the direction of writing.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200E}' | '\u{200F}' | '\u{061C}')
        && !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_inert() {
        assert_eq!(text("a\u{1b}[31mb\u{202e}c\nd"), "a\u{FFFD}[31mb\u{FFFD}c d");
        assert_eq!(text(&"ä".repeat(10_000)).chars().count(), LONGEST_TEXT + 1);
        assert_eq!(text("plain <b>text</b>"), "plain <b>text</b>");
    }
}
