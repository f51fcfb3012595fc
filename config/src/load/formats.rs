//! Texts with a form of their own: how each is checked, and an example of a right one.
use jiff::civil::{Date, DateTime};

use crate::calendar::{BadCalendar, Deadline, Hours};
use crate::id::{BadId, Id};
use crate::quantity::{BadQuantity, Rate, Share, Size, Span};
use crate::scenario::When;

/// What is wrong with a text, and what to write instead.
pub(crate) type Fault = (String, String);

/// A `format` of the schemas.
pub(crate) struct Format {
    /// Its name in the schemas.
    pub(crate) name: &'static str,
    /// What it is, with its article.
    pub(crate) what: &'static str,
    /// A right value as it stands in a file.
    pub(crate) example: &'static str,
    check: fn(&str) -> Result<(), Fault>,
}

/// Every format, in order of name.
pub(crate) const FORMATS: &[Format] = &[
    Format {
        name: "date",
        what: "a date",
        example: "\"2026-11-30\"",
        check: |text| text.parse::<Date>().map(drop).map_err(|_| no_date(text, "a date")),
    },
    Format {
        name: "date-time",
        what: "a date and time",
        example: "\"2026-11-30T22:00\"",
        check: |text| {
            text.parse::<DateTime>().map(drop).map_err(|_| no_date(text, "a date and time"))
        },
    },
    Format {
        name: "deadline",
        what: "a deadline",
        example: "\"every second Thursday 12:00\"",
        check: |text| text.parse::<Deadline>().map(drop).map_err(|error| calendar(&error)),
    },
    Format {
        name: "hours",
        what: "weekly hours",
        example: "\"Mon-Fri 08:30-17:00\"",
        check: |text| text.parse::<Hours>().map(drop).map_err(|error| calendar(&error)),
    },
    Format {
        name: "id",
        what: "an id",
        example: "\"srv-erp\"",
        check: |text| text.parse::<Id>().map(drop).map_err(|error| id(&error)),
    },
    Format {
        name: "rate",
        what: "a data rate",
        example: "\"500 Mbit/s\"",
        check: |text| text.parse::<Rate>().map(drop).map_err(quantity),
    },
    Format {
        name: "share",
        what: "a share",
        example: "\"30 %\"",
        check: |text| text.parse::<Share>().map(drop).map_err(quantity),
    },
    Format {
        name: "size",
        what: "an amount of data",
        example: "\"420 GB\"",
        check: |text| text.parse::<Size>().map(drop).map_err(quantity),
    },
    Format {
        name: "span",
        what: "a time span",
        example: "\"8h\"",
        check: |text| text.parse::<Span>().map(drop).map_err(quantity),
    },
    Format {
        name: "when",
        what: "a start",
        example: "\"tonight\"",
        check: |text| text.parse::<When>().map(drop).map_err(|error| halves(&error)),
    },
];

impl Format {
    /// The format of that name, if texts of it are checked.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// Checks one text.
    pub(crate) fn check(&self, text: &str) -> Result<(), Fault> {
        (self.check)(text)
    }
}

/// Checks an id, such as the key of a component's table.
pub(crate) fn id(error: &BadId) -> Fault {
    (format!("`{}` is not an id", error.text), error.why.to_owned())
}

fn quantity(error: BadQuantity) -> Fault {
    (format!("`{}` is not {}", error.text, error.what), error.why)
}

fn calendar(error: &BadCalendar) -> Fault {
    (format!("`{}` is not {}", error.text, error.what), error.why.to_owned())
}

fn no_date(text: &str, what: &str) -> Fault {
    let shown: String = text.chars().take(40).collect();
    (format!("`{shown}` is not {what}"), "write `2026-11-30`, or `2026-11-30T22:00`".to_owned())
}

fn halves(error: &str) -> Fault {
    let (what, hint) = error.split_once("; ").unwrap_or((error, ""));
    (what.to_owned(), hint.to_owned())
}
