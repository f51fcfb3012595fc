//! Everything that is wrong with a document, at once, each with place, cause and hint.
use std::fmt;

use serde::Serialize;

/// How much a problem weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// The document is refused.
    Error,
    /// The document is used, and this is shown.
    Warning,
}

/// Where in a document a problem sits.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file as the user named it; empty for text that came from no file.
    pub file: String,
    /// One-based line, 0 when the place is the whole file.
    pub line: usize,
    /// One-based column in characters, 0 when the place is the whole line.
    pub column: usize,
    /// Key path such as `host.srv-erp.needs[1]`; empty for the whole document.
    pub key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.is_empty(), self.line) {
            (false, 0) => write!(out, "{}", self.file)?,
            (false, line) => write!(out, "{}:{line}", self.file)?,
            (true, 0) => {}
            (true, line) => write!(out, "line {line}")?,
        }
        if !self.key.is_empty() {
            if !self.file.is_empty() || self.line > 0 {
                write!(out, ": ")?;
            }
            write!(out, "{}", self.key)?;
        }
        Ok(())
    }
}

/// One problem: what is wrong, where, and what a right value looks like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Error or warning.
    pub weight: Weight,
    /// Where it is.
    pub place: Place,
    /// What is wrong, as a lower-case fragment without full stop.
    pub what: String,
    /// What to write instead, with an example; empty when there is nothing to add.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.weight {
            Weight::Error => "error",
            Weight::Warning => "warning",
        };
        let place = self.place.to_string();
        if place.is_empty() {
            write!(out, "{word}: {}", self.what)?;
        } else {
            write!(out, "{word}: {place}: {}", self.what)?;
        }
        if !self.hint.is_empty() {
            write!(out, "\n  hint: {}", self.hint)?;
        }
        Ok(())
    }
}

/// All problems of one document or of several that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Problems {
    /// In the order of the files and lines once [`Problems::sort`] has run.
    pub list: Vec<Problem>,
}

impl Problems {
    /// Adds one error.
    pub fn error(&mut self, place: Place, what: impl Into<String>, hint: impl Into<String>) {
        self.push(Weight::Error, place, what, hint);
    }

    /// Adds one warning.
    pub fn warning(&mut self, place: Place, what: impl Into<String>, hint: impl Into<String>) {
        self.push(Weight::Warning, place, what, hint);
    }

    fn push(
        &mut self,
        weight: Weight,
        place: Place,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let place = Place { file: inert(place.file), key: inert(place.key), ..place };
        self.list.push(Problem {
            weight,
            place,
            what: inert(what.into()),
            hint: inert(hint.into()),
        });
    }

    /// Whether any problem refuses the document.
    pub fn is_fatal(&self) -> bool {
        self.list.iter().any(|problem| problem.weight == Weight::Error)
    }

    /// Orders by file, line and column, and drops exact repeats.
    pub fn sort(&mut self) {
        self.list.sort_by(|a, b| (&a.place, a.weight, &a.what).cmp(&(&b.place, b.weight, &b.what)));
        self.list.dedup();
    }
}

/// Text that cannot move a terminal's cursor nor turn the reading direction:
/// control and formatting characters are shown by their number.
fn inert(text: String) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}')
            || c == '\u{FEFF}'
    };
    if !text.contains(harmful) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if harmful(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            write!(out, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
