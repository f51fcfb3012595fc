//! Working hours, working days and recurring deadlines in an organisation's time zone.
use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is no calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: {why}")]
pub struct BadCalendar {
    /// The text, shortened for display.
    pub text: String,
    /// What was expected.
    pub what: &'static str,
    /// The rule it breaks, with an example.
    pub why: &'static str,
}

/// Weekly working hours: `"Mon-Fri 08:30-17:00"`, several windows joined by
/// commas or semicolons (`"Mon-Thu 08:00-12:00, 13:00-17:00; Fri 08:00-12:00"`),
/// or `"24x7"`. A window is half open: work done at exactly its end ends then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Open windows of each weekday, Monday first, in milliseconds since local
    /// midnight, sorted and disjoint.
    pub days: [Vec<(i32, i32)>; 7],
}

/// Milliseconds of a civil day of 24 hours.
pub const DAY_MS: i32 = 86_400_000;

const DAY_NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl Hours {
    /// Round the clock.
    pub fn always() -> Self {
        Self { days: std::array::from_fn(|_| vec![(0, DAY_MS)]) }
    }

    /// Whether every instant is inside.
    pub fn is_always(&self) -> bool {
        self.days.iter().all(|day| day == &[(0, DAY_MS)])
    }

    /// Open milliseconds in a week without holidays.
    pub fn weekly_ms(&self) -> i64 {
        self.days.iter().flatten().map(|(from, to)| i64::from(to - from)).sum()
    }

    /// The hours inside both.
    pub fn intersect(&self, other: &Self) -> Self {
        let days = std::array::from_fn(|day| {
            let mut common = Vec::new();
            for (a, b) in &self.days[day] {
                for (c, d) in &other.days[day] {
                    let (from, to) = (*a.max(c), *b.min(d));
                    if from < to {
                        common.push((from, to));
                    }
                }
            }
            common.sort_unstable();
            common
        });
        Self { days }
    }
}

impl FromStr for Hours {
    type Err = BadCalendar;

    fn from_str(text: &str) -> Result<Self, BadCalendar> {
        let refuse =
            |why| BadCalendar { text: text.chars().take(60).collect(), what: "weekly hours", why };
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("24x7") || trimmed.eq_ignore_ascii_case("24/7") {
            return Ok(Self::always());
        }
        let mut days: [Vec<(i32, i32)>; 7] = Default::default();
        for group in trimmed.split(';') {
            let group = group.trim();
            let (names, windows) = group.split_once(' ').ok_or_else(|| {
                refuse("write days and hours, as in `Mon-Fri 08:30-17:00`, or `24x7`")
            })?;
            let (first, last) = day_range(names).ok_or_else(|| {
                refuse("days are Mon, Tue, Wed, Thu, Fri, Sat, Sun or a range such as `Mon-Fri`")
            })?;
            for window in windows.split(',') {
                let (from, to) = time_range(window.trim()).ok_or_else(|| {
                    refuse("hours are written `08:30-17:00`, the second later than the first")
                })?;
                let mut day = first;
                loop {
                    days[day].push((from, to));
                    if day == last {
                        break;
                    }
                    day = (day + 1) % 7;
                }
            }
        }
        for day in &mut days {
            day.sort_unstable();
            if day.windows(2).any(|pair| pair[0].1 > pair[1].0) {
                return Err(refuse("two windows of one day overlap"));
            }
        }
        Ok(Self { days })
    }
}

fn day_range(text: &str) -> Option<(usize, usize)> {
    let index = |name: &str| DAY_NAMES.iter().position(|day| day.eq_ignore_ascii_case(name.trim()));
    match text.split_once('-') {
        Some((first, last)) => Some((index(first)?, index(last)?)),
        None => index(text).map(|day| (day, day)),
    }
}

fn time_range(text: &str) -> Option<(i32, i32)> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (clock(from.trim())?, clock(to.trim())?);
    (from < to).then_some((from, to))
}

fn clock(text: &str) -> Option<i32> {
    let (hours, minutes) = text.split_once(':')?;
    if minutes.len() != 2 || hours.is_empty() || hours.len() > 2 {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let valid =
        (0..24).contains(&hours) && (0..60).contains(&minutes) || (hours, minutes) == (24, 0);
    valid.then_some((hours * 60 + minutes) * 60_000)
}

fn write_clock(out: &mut fmt::Formatter<'_>, ms: i32) -> fmt::Result {
    let minutes = ms / 60_000;
    write!(out, "{:02}:{:02}", minutes / 60, minutes % 60)
}

impl fmt::Display for Hours {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_always() {
            return write!(out, "24x7");
        }
        let mut first = true;
        let mut day = 0;
        while day < 7 {
            let mut last = day;
            while last + 1 < 7 && self.days[last + 1] == self.days[day] {
                last += 1;
            }
            if !self.days[day].is_empty() {
                if !first {
                    write!(out, "; ")?;
                }
                first = false;
                write!(out, "{}", DAY_NAMES[day])?;
                if last > day {
                    write!(out, "-{}", DAY_NAMES[last])?;
                }
                for (index, (from, to)) in self.days[day].iter().enumerate() {
                    write!(out, "{}", if index == 0 { " " } else { ", " })?;
                    write_clock(out, *from)?;
                    write!(out, "-")?;
                    write_clock(out, *to)?;
                }
            }
            day = last + 1;
        }
        Ok(())
    }
}

/// A recurring or dated deadline of a function, in the organisation's zone.
///
/// Written `"2026-11-30 12:00"`, `"every Thursday 12:00"`,
/// `"every second Thursday 12:00 from 2026-11-19"`, `"monthly on day 28 17:00"`
/// or `"every weekday 16:00"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// Once.
    At(Date, Time),
    /// Every `weeks`-th week on a weekday, counted from the given date if any,
    /// else from Monday 2024-01-01.
    Weekly {
        /// Day of the week.
        weekday: Weekday,
        /// Time of day.
        time: Time,
        /// 1 = each week, 2 = each second week.
        weeks: u8,
        /// A date on which it falls; fixes the phase of a two-week rhythm.
        from: Option<Date>,
    },
    /// Monday to Friday.
    Weekdays(Time),
    /// On a day of each month; the last day when the month is shorter.
    Monthly {
        /// Day of the month, 1 to 31.
        day: i8,
        /// Time of day.
        time: Time,
    },
}

impl Deadline {
    /// Whether it falls on this date, and when.
    pub fn on(&self, date: Date) -> Option<Time> {
        match *self {
            Self::At(day, time) => (day == date).then_some(time),
            Self::Weekdays(time) => {
                (!matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)).then_some(time)
            }
            Self::Monthly { day, time } => {
                (date.day() == day.min(date.days_in_month())).then_some(time)
            }
            Self::Weekly { weekday, time, weeks, from } => {
                if date.weekday() != weekday {
                    return None;
                }
                let anchor = from.unwrap_or(Date::constant(2024, 1, 1));
                let monday = |date: Date| {
                    let days =
                        date.since(Date::constant(1970, 1, 5)).map_or(0, |span| span.get_days());
                    days.div_euclid(7)
                };
                let weeks_between = monday(date) - monday(anchor);
                (weeks_between.rem_euclid(i32::from(weeks)) == 0).then_some(time)
            }
        }
    }
}

impl FromStr for Deadline {
    type Err = BadCalendar;

    fn from_str(text: &str) -> Result<Self, BadCalendar> {
        let refuse = || BadCalendar {
            text: text.chars().take(60).collect(),
            what: "a deadline",
            why: "write `2026-11-30 12:00`, `every Thursday 12:00`, `every second Thursday 12:00 from \
                  2026-11-19`, `every weekday 16:00` or `monthly on day 28 17:00`",
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let time = |text: &str| clock(text).and_then(civil_time).ok_or_else(refuse);
        let parsed = match words.as_slice() {
            [date, at] if date.contains('-') => {
                Self::At(date.parse().map_err(|_| refuse())?, time(at)?)
            }
            ["every", "weekday", at] => Self::Weekdays(time(at)?),
            ["monthly", "on", "day", day, at] => {
                let day: i8 = day.parse().map_err(|_| refuse())?;
                if !(1..=31).contains(&day) {
                    return Err(refuse());
                }
                Self::Monthly { day, time: time(at)? }
            }
            ["every", rest @ ..] => {
                let (weeks, rest) = match rest {
                    ["second", rest @ ..] => (2, rest),
                    rest => (1, rest),
                };
                let (day, at, from) = match rest {
                    [day, at] => (*day, *at, None),
                    [day, at, "from", from] => {
                        (*day, *at, Some(from.parse::<Date>().map_err(|_| refuse())?))
                    }
                    _ => return Err(refuse()),
                };
                let weekday = weekday(day).ok_or_else(refuse)?;
                if from.is_some_and(|from| from.weekday() != weekday) {
                    return Err(refuse());
                }
                Self::Weekly { weekday, time: time(at)?, weeks, from }
            }
            _ => return Err(refuse()),
        };
        Ok(parsed)
    }
}

fn civil_time(ms: i32) -> Option<Time> {
    let minutes = ms / 60_000;
    Time::new(i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?, 0, 0).ok()
}

const WEEKDAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "Monday"),
    (Weekday::Tuesday, "Tuesday"),
    (Weekday::Wednesday, "Wednesday"),
    (Weekday::Thursday, "Thursday"),
    (Weekday::Friday, "Friday"),
    (Weekday::Saturday, "Saturday"),
    (Weekday::Sunday, "Sunday"),
];

fn weekday(text: &str) -> Option<Weekday> {
    let matches = |name: &str| {
        name.eq_ignore_ascii_case(text) || text.len() == 3 && name[..3].eq_ignore_ascii_case(text)
    };
    WEEKDAYS.iter().find(|(_, name)| matches(name)).map(|(day, _)| *day)
}

impl fmt::Display for Deadline {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |time: Time| format!("{:02}:{:02}", time.hour(), time.minute());
        match *self {
            Self::At(date, time) => write!(out, "{date} {}", clock(time)),
            Self::Weekdays(time) => write!(out, "every weekday {}", clock(time)),
            Self::Monthly { day, time } => write!(out, "monthly on day {day} {}", clock(time)),
            Self::Weekly { weekday, time, weeks, from } => {
                let name =
                    WEEKDAYS.iter().find(|(day, _)| *day == weekday).map_or("", |(_, name)| name);
                let second = if weeks == 2 { "second " } else { "" };
                write!(out, "every {second}{name} {}", clock(time))?;
                match from {
                    Some(from) => write!(out, " from {from}"),
                    None => Ok(()),
                }
            }
        }
    }
}

macro_rules! written_as_text {
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
written_as_text!(Hours, "hours", "Weekly hours such as \"Mon-Fri 08:30-17:00\" or \"24x7\"");
written_as_text!(
    Deadline,
    "deadline",
    "A deadline such as \"every second Thursday 12:00\" or \"2026-11-30 12:00\""
);

macro_rules! schema_of_text {
    ($(#[$about:meta])* $type:ident, $format:literal, $text:literal) => {
        $(#[$about])*
        pub(crate) struct $type;

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
schema_of_text!(
    /// The schema of a date in a document.
    WrittenDate,
    "date",
    "A date such as 2026-11-30, with or without quotes"
);
schema_of_text!(
    /// The schema of a local date and time in a document.
    WrittenDateTime,
    "date-time",
    "A local date and time such as 2026-11-30T22:00:00, with or without quotes"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_read_and_write_back() {
        for (text, weekly) in [
            ("24x7", 168.0),
            ("Mon-Fri 08:30-17:00", 42.5),
            ("Mon-Thu 08:00-12:00, 13:00-17:00; Fri 08:00-12:00", 36.0),
            ("Sat-Mon 00:00-24:00", 72.0),
        ] {
            let hours: Hours = text.parse().expect(text);
            assert!((hours.weekly_ms() as f64 / 3.6e6 - weekly).abs() < 1e-9, "{text}");
            assert_eq!(hours.to_string().parse::<Hours>().expect("reads back"), hours);
        }
        for text in [
            "",
            "Mon",
            "Mon-Fri 17:00-08:00",
            "Mon 08:00-12:00, 11:00-13:00",
            "Dim 08:00-12:00",
            "Mon 8-12",
        ] {
            assert!(text.parse::<Hours>().is_err(), "{text}");
        }
    }

    #[test]
    fn deadlines_fall_on_their_days() {
        let date = |text: &str| text.parse::<Date>().expect("a date");
        let fortnight: Deadline =
            "every second Thursday 12:00 from 2026-11-19".parse().expect("a deadline");
        assert!(fortnight.on(date("2026-11-19")).is_some());
        assert!(fortnight.on(date("2026-11-26")).is_none());
        assert!(fortnight.on(date("2026-12-03")).is_some());
        let month: Deadline = "monthly on day 31 17:00".parse().expect("a deadline");
        assert!(month.on(date("2027-02-28")).is_some());
        for text in [
            "never",
            "every Thorsday 12:00",
            "every second Thursday 12:00 from 2026-11-20",
            "2026-13-01 12:00",
        ] {
            assert!(text.parse::<Deadline>().is_err(), "{text}");
        }
    }
}
