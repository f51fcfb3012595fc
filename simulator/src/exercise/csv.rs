//! The event list as CSV by RFC 4180, with no cell that a spreadsheet would run.
use evenkeel_config::record::Exercise;

use crate::night::clock;
use crate::words::plain;

const HEADER: [&str; 10] = [
    "Number",
    "Elapsed",
    "Local time",
    "Module",
    "Inject",
    "From",
    "To",
    "Expected action",
    "Objective",
    "Source",
];

/// One row an inject; every field quoted, lines ended by CR LF.
pub fn csv(exercise: &Exercise) -> String {
    let mut out = row(&HEADER.map(str::to_owned));
    for inject in &exercise.injects {
        let module = exercise.modules.iter().find(|module| module.number == inject.module);
        let module = module.map_or("", |module| module.title.as_str());
        let source = if inject.simulated { "simulated night" } else { "standard" };
        out += &row(&[
            inject.number.to_string(),
            clock(inject.at_ms).trim_start_matches('+').to_owned(),
            inject.local.clone(),
            format!("{} {module}", inject.module),
            inject.text.clone(),
            inject.from.clone(),
            inject.to.clone(),
            inject.expected.clone(),
            inject.objective.to_string(),
            source.to_owned(),
        ]);
    }
    out
}

fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", inert(cell))).collect();
    cells.join(",") + "\r\n"
}

/// A cell that is text to every spreadsheet: no formula, no control characters
/// (OWASP, "CSV Injection").
fn inert(cell: &str) -> String {
    let text = plain(cell).replace('"', "\"\"");
    // Some programs trim blanks before they look for a formula.
    if text
        .trim_start()
        .starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
    {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn formulas_become_text() {
        for (cell, safe) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-cmd", "'-cmd"),
            ("@x", "'@x"),
            ("  =1", "'  =1"),
            ("a \"b\"", "a \"\"b\"\""),
            ("\t=1", "\u{fffd}=1"),
            ("plain", "plain"),
        ] {
            assert_eq!(inert(cell), safe);
        }
    }
}
