//! The rule 3-2-1-1-0 for each data set: digit by digit, then what is missing and what to do.
use evenkeel_config::rule_32110::{Digit, DigitScore, Met, RuleScore};
use maud::{Markup, html};

use crate::html::copies_rule::{self, Gap};
use crate::html::names::Names;
use crate::html::{marks, words};

/// Data sets that one row of the gaps names.
const MOST_NAMES: usize = 6;

pub(super) fn section(scores: &[RuleScore], names: &Names<'_>) -> Markup {
    let mut scores: Vec<&RuleScore> = scores.iter().collect();
    scores.sort_by_key(|score| (score.met(), copies_rule::name(score, names)));
    html! {
        section aria-labelledby="h-rule" {
            h2 #h-rule { "Copies by the rule 3-2-1-1-0" }
            p.note {
                "Three copies that no single strike takes together, on two media, one at another site, one \
                 that nobody who holds our logins can delete, and no errors after a real restore. What \
                 nobody has seen is “cannot tell”; it is never counted as met."
            }
            @if scores.is_empty() {
                p.note { "No data set is on the map yet." }
            } @else {
                (key(&scores))
                (digits(&scores, names))
            }
        }
    }
}

/// How many digits are in which state, in the order of reading.
fn key(scores: &[&RuleScore]) -> Markup {
    let count = |met: Met| {
        let digits = scores.iter().flat_map(|score| &score.digits);
        digits.filter(|one| one.met == met).count()
    };
    html! {
        ul.key { @for met in [Met::No, Met::CannotTell, Met::Yes] {
            @let count = count(met);
            @if count > 0 {
                li { (marks::state(copies_rule::status(met), &format!("{count} {}", met.word()))) }
            }
        } }
    }
}

fn digits(scores: &[&RuleScore], names: &Names<'_>) -> Markup {
    html! {
        table.stack.r32 role="table" {
            thead role="rowgroup" { tr role="row" {
                th role="columnheader" scope="col" { "Data" }
                @for digit in Digit::ALL {
                    th role="columnheader" scope="col" { (copies_rule::asked(digit)) }
                }
            } }
            tbody role="rowgroup" { @for score in scores { tr role="row" {
                th role="rowheader" scope="row" { (copies_rule::name(score, names)) }
                @for one in &score.digits { (cell(one)) }
            } } }
        }
    }
}

fn cell(one: &DigitScore) -> Markup {
    let label = format!("{}:", copies_rule::asked(one.digit));
    html! {
        td role="cell" data-l=(label) {
            (marks::cell_said(copies_rule::status(one.met), one.met.word(), &copies_rule::there(one)))
            small {
                @match one.grade {
                    Some(grade) => (marks::provenance(copies_rule::provenance(grade), copies_rule::known(grade))),
                    None => span aria-hidden="true" { (one.met.word()) },
                }
            }
        }
    }
}

/// What is missing: under each digit a row for each reason, and what to do about it.
pub(super) fn missing(scores: &[RuleScore], names: &Names<'_>) -> Markup {
    let gaps = copies_rule::gaps(scores, names);
    html! {
        @if !gaps.is_empty() {
            section aria-labelledby="h-lack" {
                h2 #h-lack { "What the copies lack" }
                table.stack.r32g role="table" {
                    thead role="rowgroup" { tr role="row" {
                        @for head in ["Data", "Verdict", "Why", "What to do"] {
                            th role="columnheader" scope="col" { (head) }
                        }
                    } }
                    @for alike in gaps.chunk_by(|one, next| one.digits == next.digits) {
                        tbody role="rowgroup" {
                            tr.grp role="row" {
                                th role="rowheader" scope="rowgroup" colspan="4" {
                                    (words::sentence_case(&alike[0].asked()))
                                }
                            }
                            @for gap in alike { (row(gap)) }
                        }
                    }
                }
            }
        }
    }
}

fn row(gap: &Gap) -> Markup {
    html! {
        tr role="row" {
            th role="rowheader" scope="row" { (words::list(&gap.of, MOST_NAMES)) }
            td role="cell" { (marks::state(copies_rule::status(gap.met), gap.met.word())) }
            td role="cell" data-l="why:" { (quoted(&gap.why)) }
            td role="cell" data-l="what to do:" { (quoted(&gap.advice)) }
        }
    }
}

/// Keys and names that documents set off by backticks, as code.
fn quoted(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
