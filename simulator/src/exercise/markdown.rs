//! The exercise as one Markdown document: to be printed, with blanks to fill.
use std::fmt::Write as _;

use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{Elapsed, Exercise, Inject};

use super::evaluation::FROM_BACKUPS;
use crate::night::clock;
use crate::table::time;
use crate::words::plain;

/// Text from documents, inert in Markdown: no markup, links, HTML or new lines.
pub(super) fn inert(text: &str) -> String {
    let text = plain(text);
    let mut out = String::with_capacity(text.len() + 8);
    for (index, c) in text.trim().char_indices() {
        let first = index == 0 && matches!(c, '-' | '+' | '.' | '=');
        let always = matches!(
            c,
            '\\' | '`'
                | '*'
                | '_'
                | '{'
                | '}'
                | '['
                | ']'
                | '<'
                | '>'
                | '#'
                | '|'
                | '~'
                | '&'
                | '!'
                | '$'
                | '^'
                | '@'
        );
        // `1.` would begin a list; `//` and `www.` would become links.
        let list =
            matches!(c, '.' | ')') && out.chars().all(|c| c.is_ascii_digit()) && !out.is_empty();
        let link = (c == '/' && out.ends_with(':'))
            || (c == '.' && out.to_ascii_lowercase().ends_with("www"));
        if first || always || list || link {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The whole pack.
pub fn markdown(exercise: &Exercise) -> String {
    let mut out = String::new();
    let organisation = inert(&exercise.organisation);
    let _ = writeln!(out, "# Exercise: {}\n", inert(&exercise.scenario.title));
    let _ = writeln!(
        out,
        "{organisation}. About: {}. Night {} of {} simulated ones (seed {}), {}.\n",
        inert(&exercise.title),
        exercise.night,
        exercise.trials,
        exercise.seed,
        match exercise.chosen.as_str() {
            "likely" => "a likely one: half of all nights are shorter",
            "bad" => "a bad one: 9 of 10 nights are shorter",
            _ => "chosen by its number",
        }
    );
    situation(exercise, &mut out);
    for module in &exercise.modules {
        let injects: Vec<&Inject> =
            exercise.injects.iter().filter(|inject| inject.module == module.number).collect();
        let _ = writeln!(out, "## Module {}: {}\n", module.number, inert(&module.title));
        let _ = writeln!(out, "{}.\n", inert(&module.purpose));
        if injects.is_empty() {
            let _ = writeln!(out, "Nothing in this night.\n");
            continue;
        }
        table(&injects, &mut out);
        for inject in injects {
            questions(inject, &mut out);
        }
    }
    if exercise.left_out > 0 {
        let _ = writeln!(
            out,
            "{} more events of this night are not in the list; `--most` makes room for them.\n",
            exercise.left_out
        );
    }
    evaluation(exercise, &mut out);
    out
}

fn list<'a>(items: impl IntoIterator<Item = &'a String>, out: &mut String) {
    for item in items {
        let _ = writeln!(out, "- {}", inert(item));
    }
    out.push('\n');
}

fn situation(exercise: &Exercise, out: &mut String) {
    let _ = writeln!(out, "## Situation\n\n{}\n", inert(&exercise.situation.story));
    let _ = writeln!(out, "Known at time zero:\n");
    list(&exercise.situation.known, out);
    let _ = writeln!(out, "Not known yet:\n");
    list(&exercise.situation.unknown, out);
    let _ = writeln!(out, "## Objectives\n");
    for objective in &exercise.objectives {
        let _ = writeln!(
            out,
            "{}. {} ({})",
            objective.number,
            inert(&objective.text),
            inert(&objective.capability)
        );
    }
    let _ = writeln!(out, "\nPlayers:\n");
    list(&exercise.players, out);
}

fn table(injects: &[&Inject], out: &mut String) {
    let _ = writeln!(
        out,
        "| No. | Elapsed | Local time | Inject | From | To | Expected action | Objective |\n\
         |--:|--:|---|---|---|---|---|--:|"
    );
    for inject in injects {
        let standard = if inject.simulated { "" } else { " (standard, not from the night)" };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {}{standard} | {} | {} | {} | {} |",
            inject.number,
            clock(inject.at_ms).trim_start_matches('+'),
            inject.local,
            inert(&inject.text),
            inert(&inject.from),
            inert(&inject.to),
            inert(&inject.expected),
            inject.objective
        );
    }
    out.push('\n');
}

fn questions(inject: &Inject, out: &mut String) {
    if inject.questions.is_empty() {
        return;
    }
    let _ = writeln!(out, "Inject {}:\n", inject.number);
    for question in &inject.questions {
        let _ = writeln!(
            out,
            "- {} *The map says: {}.*",
            inert(&question.ask),
            inert(&question.map_says)
        );
    }
    out.push('\n');
}

fn evaluation(exercise: &Exercise, out: &mut String) {
    let _ = writeln!(
        out,
        "## Evaluator's sheet\n\n\
         | What is timed | In the simulated night | Promised | Figure is | Observed | Rating P/S/M/U | Remarks |\n\
         |---|--:|--:|---|---|---|---|"
    );
    for row in &exercise.evaluation {
        let known = match row.provenance {
            Some(Provenance::Measured) => "measured",
            Some(Provenance::Declared) => "told",
            Some(Provenance::Default) => "our assumption",
            None => "",
        };
        let promised = row.promised.map_or(String::new(), time);
        let expected = match row.expected {
            Elapsed::Ms(0) => "none".to_owned(),
            // No copy is left, so no entry of any age is.
            Elapsed::Never if row.write_back == FROM_BACKUPS => "all".to_owned(),
            other => time(other),
        };
        let _ = writeln!(out, "| {} | {expected} | {promised} | {known} | | | |", inert(&row.what));
    }
    let _ = writeln!(
        out,
        "\nP performed without challenges, S with some, M with major challenges, U unable to be \
         performed (HSEEP).\n\n\
         | Strength | Area for improvement | Corrective action | Owner | Start | Due |\n\
         |---|---|---|---|---|---|\n| | | | | | |\n| | | | | | |\n| | | | | | |\n"
    );
    let _ = writeln!(out, "## Writing measured times back\n");
    for line in &exercise.write_back {
        let _ = writeln!(out, "- {line}");
    }
    let _ = writeln!(out, "\n| What | Where it goes |\n|---|---|");
    for row in exercise.evaluation.iter().filter(|row| !row.write_back.starts_with("follows")) {
        let _ = writeln!(out, "| {} | {} |", inert(&row.what), inert(&row.write_back));
    }
    if !exercise.notes.is_empty() {
        let _ = writeln!(out, "\nFor the facilitator:\n");
        list(&exercise.notes, out);
    }
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn markup_links_and_lists_are_text() {
        for (text, safe) in [
            ("<b>x</b>", "\\<b\\>x\\</b\\>"),
            ("[a](javascript:x)", "\\[a\\](javascript:x)"),
            ("http://evil", "http:\\//evil"),
            ("www.evil", "www\\.evil"),
            ("- x", "\\- x"),
            ("1. x", "1\\. x"),
            ("a|b\nc", "a\\|b\u{fffd}c"),
            ("`code` *b*", "\\`code\\` \\*b\\*"),
        ] {
            assert_eq!(inert(text), safe);
        }
    }
}
