//! Quantities with written units: `1.5h`, `420 GB`, `500 Mbit/s`; never bare numbers.
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: {why}")]
pub struct BadQuantity {
    /// The text, shortened for display.
    pub text: String,
    /// What was expected, such as "a time span".
    pub what: &'static str,
    /// The rule it breaks, with an example of a right value.
    pub why: String,
}

/// A time span in whole milliseconds, never negative.
///
/// Written with one unit or several: `90s`, `1.5h`, `2d 4h`. Units: ms, s, min,
/// h, d, wk (also `m`, `w`, `day`, `days`, `hours`, ...). A day is 24 hours, a
/// year (`y`) 8,766 hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

/// The longest span that is accepted: 1,000 years of 8,766 hours.
pub const LONGEST_SPAN: Span = Span(1000 * 8766 * 3_600_000);

const SPAN_UNITS: &[(&str, f64)] = &[
    ("ms", 1.0),
    ("s", 1e3),
    ("sec", 1e3),
    ("second", 1e3),
    ("seconds", 1e3),
    ("m", 6e4),
    ("min", 6e4),
    ("minute", 6e4),
    ("minutes", 6e4),
    ("h", 3.6e6),
    ("hour", 3.6e6),
    ("hours", 3.6e6),
    ("d", 8.64e7),
    ("day", 8.64e7),
    ("days", 8.64e7),
    ("w", 6.048e8),
    ("wk", 6.048e8),
    ("week", 6.048e8),
    ("weeks", 6.048e8),
    ("y", 3.15576e10),
    ("year", 3.15576e10),
    ("years", 3.15576e10),
];

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of whole milliseconds; negative input becomes zero.
    pub const fn from_ms(ms: i64) -> Self {
        Self(if ms < 0 { 0 } else { ms })
    }

    /// A span of whole seconds; negative input becomes zero.
    pub const fn from_secs(seconds: i64) -> Self {
        Self::from_ms(seconds.saturating_mul(1000))
    }

    /// A span of whole hours; negative input becomes zero.
    pub const fn from_hours(hours: i64) -> Self {
        Self::from_ms(hours.saturating_mul(3_600_000))
    }

    /// Whole milliseconds.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// Seconds, with a fraction.
    pub fn as_secs(self) -> f64 {
        self.0 as f64 / 1e3
    }

    /// Hours, with a fraction.
    pub fn as_hours(self) -> f64 {
        self.0 as f64 / 3.6e6
    }
}

impl FromStr for Span {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        let what = "a time span";
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(refuse(text, what, "it is empty; write a number and a unit, as in `8h`"));
        }
        let mut total = 0.0;
        while !rest.is_empty() {
            let (number, unit, after) = split_number(text, rest, what, "8h")?;
            let factor = factor(text, unit, SPAN_UNITS, what, "ms, s, min, h, d or wk", "8h")?;
            total += number * factor;
            rest = after.trim_start();
        }
        if !total.is_finite() || total > LONGEST_SPAN.0 as f64 {
            return Err(refuse(text, what, "it is longer than 1,000 years"));
        }
        Ok(Self(total.round() as i64))
    }
}

impl fmt::Display for Span {
    /// The shortest exact form that parses back: `90min`, `2d 4h`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        if rest == 0 {
            return out.pad("0s");
        }
        let mut parts = Vec::new();
        let units = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)];
        for (unit, length) in units {
            let count = rest / length;
            rest %= length;
            if count > 0 {
                parts.push(format!("{count}{unit}"));
            }
        }
        out.pad(&parts.join(" "))
    }
}

/// An amount of data in bytes. Decimal units (kB, MB, GB, TB, PB) and binary
/// ones (KiB, MiB, GiB, TiB, PiB): TB = 10^12, GiB = 2^30.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

const SIZE_UNITS: &[(&str, f64)] = &[
    ("B", 1.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("PB", 1e15),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("PiB", 1_125_899_906_842_624.0),
];

impl Size {
    /// So many bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Bytes.
    pub const fn as_bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        let what = "an amount of data";
        let (number, unit, rest) = split_number(text, text.trim(), what, "420 GB")?;
        if !rest.trim().is_empty() {
            return Err(refuse(text, what, "write one number and one unit, as in `420 GB`"));
        }
        let units = "B, kB, MB, GB, TB, KiB, MiB, GiB or TiB";
        let bytes = number * factor(text, unit, SIZE_UNITS, what, units, "420 GB")?;
        if !bytes.is_finite() || bytes > 1e18 {
            return Err(refuse(text, what, "it is more than 1,000 PB"));
        }
        Ok(Self(bytes.round() as u64))
    }
}

impl fmt::Display for Size {
    /// Exact and short: the largest decimal unit that divides evenly, else the
    /// largest binary one, else bytes.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimal = [("PB", 15), ("TB", 12), ("GB", 9), ("MB", 6), ("kB", 3)];
        for (unit, power) in decimal {
            let length = 10_u64.pow(power);
            if self.0 >= length && self.0.is_multiple_of(length) {
                return out.pad(&format!("{} {unit}", self.0 / length));
            }
        }
        for (unit, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)] {
            let length = 1_u64 << shift;
            if self.0 >= length && self.0.is_multiple_of(length) {
                return out.pad(&format!("{} {unit}", self.0 / length));
            }
        }
        out.pad(&format!("{} B", self.0))
    }
}

/// A data rate in bytes a second: `100 MB/s`, `500 Mbit/s`, `1 Gbit/s`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

impl Rate {
    /// So many bytes a second.
    pub const fn from_bytes_per_second(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Bytes a second.
    pub const fn as_bytes_per_second(self) -> u64 {
        self.0
    }
}

const RATE_UNITS: &[(&str, f64)] = &[
    ("bit/s", 0.125),
    ("kbit/s", 125.0),
    ("Mbit/s", 125e3),
    ("Gbit/s", 125e6),
    ("B/s", 1.0),
    ("kB/s", 1e3),
    ("MB/s", 1e6),
    ("GB/s", 1e9),
    ("KiB/s", 1024.0),
    ("MiB/s", 1_048_576.0),
    ("GiB/s", 1_073_741_824.0),
];

impl FromStr for Rate {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        let what = "a data rate";
        let (number, unit, rest) = split_number(text, text.trim(), what, "500 Mbit/s")?;
        if !rest.trim().is_empty() {
            return Err(refuse(text, what, "write one number and one unit, as in `500 Mbit/s`"));
        }
        let units = "kbit/s, Mbit/s, Gbit/s, kB/s, MB/s or GB/s";
        let bytes = number * factor(text, unit, RATE_UNITS, what, units, "500 Mbit/s")?;
        if !bytes.is_finite() || bytes > 1e15 {
            return Err(refuse(text, what, "it is more than 1,000 TB a second"));
        }
        if bytes < 1.0 {
            return Err(refuse(
                text,
                what,
                "it must be at least one byte a second, as in `50 MB/s`",
            ));
        }
        Ok(Self(bytes.round() as u64))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, length) in [("GB/s", 1_000_000_000), ("MB/s", 1_000_000), ("kB/s", 1000)] {
            if self.0 >= length && self.0.is_multiple_of(length) {
                return out.pad(&format!("{} {unit}", self.0 / length));
            }
        }
        out.pad(&format!("{} B/s", self.0))
    }
}

/// A share or a probability, 0 to 1. Written as a number (`0.3`) or as `"30 %"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// Nothing, or impossible.
    pub const ZERO: Self = Self(0.0);
    /// All of it, or certain.
    pub const ONE: Self = Self(1.0);

    /// A share, if it lies between 0 and 1.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// The number between 0 and 1.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        let what = "a share";
        let trimmed = text.trim();
        let (number, factor) = match trimmed.strip_suffix('%') {
            Some(number) => (number.trim_end(), 0.01),
            None => (trimmed, 1.0),
        };
        let why = "write a number from 0 to 1, or a percentage, as in `0.3` or `30 %`";
        let number: f64 = plain_number(number).ok_or_else(|| refuse(text, what, why))?;
        Self::new(number * factor).ok_or_else(|| refuse(text, what, why))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Share;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "a number from 0 to 1 or a percentage such as \"30 %\"")
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Share, E> {
                Share::new(value)
                    .ok_or_else(|| E::custom(format!("{value} is not between 0 and 1")))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Share, E> {
                self.visit_f64(value as f64)
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Share, E> {
                self.visit_f64(value as f64)
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Share, E> {
                value.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Share {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A share or probability: a number from 0 to 1, or a percentage such as \"30 %\"",
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": 1 },
                { "type": "string", "format": "share" },
            ],
        })
    }
}

macro_rules! written_with_unit {
    ($type:ident, $format:literal, $text:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": $format, "description": $text })
            }
        }
    };
}
written_with_unit!(
    Span,
    "span",
    "A time span with its unit, such as \"90s\", \"1.5h\" or \"2d 4h\""
);
written_with_unit!(
    Size,
    "size",
    "An amount of data with its unit, such as \"420 GB\" or \"1 GiB\""
);
written_with_unit!(
    Rate,
    "rate",
    "A data rate with its unit, such as \"500 Mbit/s\" or \"60 MB/s\""
);

fn refuse(text: &str, what: &'static str, why: impl Into<String>) -> BadQuantity {
    BadQuantity { text: text.chars().take(40).collect(), what, why: why.into() }
}

/// A plain decimal number: digits with at most one point; no sign, no exponent.
fn plain_number(text: &str) -> Option<f64> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let points = text.bytes().filter(|b| *b == b'.').count();
    let plain = digits > 0 && points <= 1 && digits + points == text.len() && text.len() <= 24;
    plain.then(|| text.parse().ok()).flatten()
}

/// Splits `1.5h 30min` into 1.5, `h` and ` 30min`.
fn split_number<'a>(
    whole: &str,
    rest: &'a str,
    what: &'static str,
    example: &str,
) -> Result<(f64, &'a str, &'a str), BadQuantity> {
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    let (number, after) = rest.split_at(end);
    let number = plain_number(number).ok_or_else(|| {
        refuse(
            whole,
            what,
            format!("write a number without sign or exponent and its unit, as in `{example}`"),
        )
    })?;
    let after = after.trim_start();
    let end = after.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(after.len());
    let (unit, after) = after.split_at(end);
    if unit.is_empty() {
        return Err(refuse(whole, what, format!("the unit is missing, as in `{example}`")));
    }
    Ok((number, unit, after))
}

fn factor(
    whole: &str,
    unit: &str,
    units: &[(&str, f64)],
    what: &'static str,
    names: &str,
    example: &str,
) -> Result<f64, BadQuantity> {
    units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor).ok_or_else(|| {
        let unit: String = unit.chars().take(12).collect();
        refuse(
            whole,
            what,
            format!("the unit `{unit}` is not known; use {names}, as in `{example}`"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_sizes_rates_and_shares_read_as_written() {
        let hour = 3_600_000;
        let spans = [
            ("1.5h", 3 * hour / 2),
            ("0.5d", 12 * hour),
            ("90s", 90_000),
            ("5 min", 300_000),
            ("2d 4h", 52 * hour),
            ("1wk", 168 * hour),
            ("1y", 8766 * hour),
            ("250ms", 250),
            ("0s", 0),
        ];
        for (text, ms) in spans {
            assert_eq!(text.parse(), Ok(Span(ms)), "{text}");
        }
        let sizes = [
            ("420 GB", 420_000_000_000),
            ("1 GiB", 1 << 30),
            ("2.1TB", 2_100_000_000_000),
            ("0 B", 0),
        ];
        for (text, bytes) in sizes {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for (text, bytes) in [("100 MB/s", 100_000_000), ("500 Mbit/s", 62_500_000)] {
            assert_eq!(text.parse(), Ok(Rate(bytes)), "{text}");
        }
        for (text, share) in [("0.3", 0.3), ("30 %", 0.3), ("1", 1.0)] {
            assert_eq!(text.parse::<Share>().map(Share::get), Ok(share), "{text}");
        }
    }

    #[test]
    fn wrong_quantities_are_refused_with_an_example() {
        for text in [
            "5",
            "-1h",
            "1e400h",
            "",
            "h",
            "1 fortnight",
            "1.2.3h",
            "NaNh",
            "infh",
            "9999999y",
            "+1h",
        ] {
            let error = text.parse::<Span>().expect_err(text);
            assert!(!error.why.is_empty() && error.what == "a time span", "{error}");
        }
        for text in ["5", "-1 GB", "420 gb", "1 GB 2 MB", "99999999 PB"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        for text in ["0 MB/s", "5 MB", "fast"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        for text in ["1.1", "-0.1", "130 %", "some"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_displayed_parses_back() {
        for ms in [0, 1, 999, 60_000, 90_000, 3_600_000, 187_200_000, 86_400_001] {
            assert_eq!(Span(ms).to_string().parse(), Ok(Span(ms)));
        }
        for bytes in [0, 1, 1023, 1024, 1_000_000, 420_000_000_000, 1 << 40] {
            assert_eq!(Size(bytes).to_string().parse(), Ok(Size(bytes)));
        }
    }
}
