//! Figures in words: one form for each kind of figure, the same on every page.
//!
//! A unit is joined to its number by a no-break space ([`JOIN`]).
use evenkeel_config::record::Elapsed;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Joins a number and its unit: they never stand on two lines.
pub const JOIN: char = '\u{a0}';

/// Stands where a figure does not apply.
pub const MISSING: &str = "–";

const MINUTE: f64 = 60_000.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;
const WEEK: f64 = 7.0 * DAY;

/// The unit that a duration is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
}

impl Unit {
    fn short(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Minutes => "min",
            Self::Hours => "h",
            Self::Days => "d",
            Self::Weeks => "wk",
        }
    }

    fn long(self) -> &'static str {
        match self {
            Self::Seconds => "second",
            Self::Minutes => "minute",
            Self::Hours => "hour",
            Self::Days => "day",
            Self::Weeks => "week",
        }
    }
}

/// A duration in milliseconds: two significant digits, minutes to 59, hours
/// below 48, then days, weeks from 21 days: `5 min`, `26 h`, `3.5 d`, `3 wk`.
pub fn duration(ms: i64) -> String {
    let (number, unit) = told(ms);
    format!("{number}{JOIN}{}", unit.short())
}

/// The same in whole words, for sentences: `2 days`, `1 hour`.
pub fn duration_long(ms: i64) -> String {
    let (number, unit) = told(ms);
    let plural = if number == "1" { "" } else { "s" };
    format!("{number}{JOIN}{}{plural}", unit.long())
}

/// A duration that may be `never`.
pub fn elapsed(elapsed: Elapsed) -> String {
    elapsed.ms().map_or_else(|| "never".to_owned(), duration)
}

/// Time until usable: `not hit` when the function was never down.
pub fn back_after(back: Elapsed) -> String {
    if back == Elapsed::Ms(0) { "not hit".to_owned() } else { elapsed(back) }
}

/// Work lost: `none`, a span of entries, or `all`.
pub fn lost(loss: Elapsed) -> String {
    match loss {
        Elapsed::Ms(0) => "none".to_owned(),
        Elapsed::Ms(ms) => duration(ms),
        Elapsed::Never => "all".to_owned(),
    }
}

/// A range in two words: `3 to 5 h`, or `20 h to 3 d` when the units differ.
pub fn range(low: i64, high: i64) -> String {
    let ((low_number, low_unit), (high_number, high_unit)) = (told(low), told(high));
    if (&low_number, low_unit) == (&high_number, high_unit) {
        duration(low)
    } else if low_unit == high_unit {
        format!("{low_number} to {high_number}{JOIN}{}", high_unit.short())
    } else {
        format!("{} to {}", duration(low), duration(high))
    }
}

/// Two durations in a sentence, the second without its unit when it is the
/// same: `("2 days", "9")`.
pub fn pair_long(first: i64, second: i64) -> (String, String) {
    let ((_, first_unit), (second_number, second_unit)) = (told(first), told(second));
    let second = if first_unit == second_unit { second_number } else { duration_long(second) };
    (duration_long(first), second)
}

/// Rounds to two significant digits first, then picks the unit; what is rounded
/// up to a unit's beginning is told as that beginning (59.6 min is 1 h).
fn told(ms: i64) -> (String, Unit) {
    let ms = ms.max(0) as f64;
    let fits = |length: f64, limit: f64| {
        let rounded = two_digits(ms / length);
        (rounded < limit).then_some(rounded)
    };
    let (number, unit) = if ms == 0.0 {
        (0.0, Unit::Minutes)
    } else if let Some(seconds) = fits(1000.0, 60.0) {
        (seconds.max(1.0), Unit::Seconds)
    } else if let Some(minutes) = fits(MINUTE, 60.0) {
        (minutes.max(1.0), Unit::Minutes)
    } else if let Some(hours) = fits(HOUR, 48.0) {
        (hours.max(1.0), Unit::Hours)
    } else if let Some(days) = fits(DAY, 21.0) {
        (days.max(2.0), Unit::Days)
    } else {
        (two_digits(ms / WEEK).max(3.0), Unit::Weeks)
    };
    (grouped(number), unit)
}

/// Rounds half up to two significant digits.
fn two_digits(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let magnitude = value.log10().floor() - 1.0;
    if magnitude >= 0.0 {
        let scale = 10_f64.powf(magnitude);
        (value / scale + 0.5).floor() * scale
    } else {
        // Dividing by a power of ten keeps 3.5 exact, multiplying by 0.1 does not.
        let scale = 10_f64.powf(-magnitude);
        (value * scale + 0.5).floor() / scale
    }
}

/// A number with its thousands set apart and no trailing zeros: `1,200`, `3.5`.
fn grouped(number: f64) -> String {
    let text = format!("{number}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A count with its thousands set apart: `10,000`.
pub fn count(number: u64) -> String {
    grouped(number as f64)
}

/// A count of a part: `31 of 44`.
pub fn part(some: u64, all: u64) -> String {
    format!("{}{JOIN}of{JOIN}{}", count(some), count(all))
}

/// `1 host`, `2 hosts`.
pub fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{}{JOIN}{thing}{plural}", count(number))
}

/// A small count at the start of a sentence: `Two`, `14`.
pub fn spelled(number: u64) -> String {
    let words = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];
    let word = usize::try_from(number).ok().and_then(|at| words.get(at));
    word.map_or_else(|| count(number), |word| (*word).to_owned())
}

/// How many nights in 10, clamped to 1 to 9 so that neither end claims
/// certainty; the rule for a promise is judged on this figure.
pub fn tenths(share: f64) -> u8 {
    // In 1 to 9 after the clamp, so the conversion loses nothing.
    (share * 10.0).round().clamp(1.0, 9.0) as u8
}

/// A chance as nights in 10: `2 nights in 10`, `nearly every night` above
/// 97 %, `hardly any night` below 3 %.
pub fn nights(share: f64) -> String {
    if share > 0.97 {
        "nearly every night".to_owned()
    } else if share < 0.03 {
        "hardly any night".to_owned()
    } else {
        let tenths = tenths(share);
        let plural = if tenths == 1 { "" } else { "s" };
        format!("{tenths}{JOIN}night{plural} in{JOIN}10")
    }
}

/// The same inside a sentence, after "in" or "kept": `in 2 nights of 10`,
/// `nearly every night`, `on hardly any night`.
pub fn in_nights(share: f64) -> String {
    if share > 0.97 {
        "nearly every night".to_owned()
    } else if share < 0.03 {
        "on hardly any night".to_owned()
    } else {
        let tenths = tenths(share);
        let plural = if tenths == 1 { "" } else { "s" };
        format!("in{JOIN}{tenths}{JOIN}night{plural} of{JOIN}10")
    }
}

/// A share of time: `41 of every 100 hours`, or `all hours`.
pub fn hundredths(share: f64) -> String {
    let hundredths = (share * 100.0).round().clamp(0.0, 100.0);
    if hundredths == 100.0 {
        return "all hours".to_owned();
    }
    format!("{hundredths} of every 100{JOIN}hours")
}

/// Money in minor units, two significant digits, thousands in full: `$260,000`.
pub fn money(minor: i64, currency: &str) -> String {
    signed(minor, &grouped(two_digits(minor.unsigned_abs() as f64 / 100.0)), currency)
}

/// The same as short as on charts: `$260k`, `$1.2M`.
pub fn money_short(minor: i64, currency: &str) -> String {
    let amount = two_digits(minor.unsigned_abs() as f64 / 100.0);
    let (number, unit) = match amount {
        ..1e3 => (amount, ""),
        1e3..1e6 => (amount / 1e3, "k"),
        1e6..1e9 => (amount / 1e6, "M"),
        _ => (amount / 1e9, "B"),
    };
    signed(minor, &format!("{}{unit}", grouped(number)), currency)
}

fn signed(minor: i64, amount: &str, currency: &str) -> String {
    let sign = if minor < 0 { "−" } else { "" };
    match currency {
        "USD" => format!("{sign}${amount}"),
        "EUR" => format!("{sign}€{amount}"),
        "GBP" => format!("{sign}£{amount}"),
        "JPY" => format!("{sign}¥{amount}"),
        code => format!("{sign}{}{JOIN}{amount}", plain(code)),
    }
}

/// A frequency: `once in 40 years`, `once in 4 months`.
pub fn frequency(years: f64) -> String {
    format!("once in {}", years_long(years))
}

/// The span of a frequency alone: `40 years`, `4 months`, `1 year`.
pub fn years_long(years: f64) -> String {
    let (number, unit) = if two_digits(years * 12.0) < 12.0 {
        (two_digits(years * 12.0).round().max(1.0), "month")
    } else if years < 9.5 {
        (years.round().max(1.0), "year")
    } else {
        (two_digits(years.min(1000.0)), "year")
    };
    let plural = if number == 1.0 { "" } else { "s" };
    format!("{}{JOIN}{unit}{plural}", grouped(number))
}

/// A moment of the organisation, with the short name of its zone:
/// `Tue 17 Nov 2026, 08:00 EST`.
pub fn moment(at: Timestamp, timezone: &str) -> String {
    zoned(at, timezone).strftime("%a %-d %b %Y, %H:%M %Z").to_string()
}

/// A moment where year and zone are known from the page: `Tue 17 Nov 18:24`.
pub fn moment_short(at: Timestamp, timezone: &str) -> String {
    zoned(at, timezone).strftime("%a %-d %b %H:%M").to_string()
}

/// A day where the year is known from the page: `Thu 12 Nov`.
pub fn day(at: Timestamp, timezone: &str) -> String {
    zoned(at, timezone).strftime("%a %-d %b").to_string()
}

/// A day of the month alone, for narrow columns: `12 Nov`.
pub fn day_of_month(at: Timestamp, timezone: &str) -> String {
    zoned(at, timezone).strftime("%-d %b").to_string().replace(' ', &JOIN.to_string())
}

/// Time of a weekday: `Tue 18:24`.
pub fn weekday_time(at: Timestamp, timezone: &str) -> String {
    zoned(at, timezone).strftime("%a %H:%M").to_string()
}

/// The date of a moment, for facts that may be years old: `13 Oct 2025`.
pub fn date_at(at: Timestamp, timezone: &str) -> String {
    date(zoned(at, timezone).date())
}

/// A date: `30 Nov 2026`.
pub fn date(date: Date) -> String {
    date.strftime("%-d %b %Y").to_string()
}

/// The zone as the foot of a page names it: `America/New_York (EST)`.
pub fn zone(at: Timestamp, timezone: &str) -> String {
    format!("{} ({})", plain(timezone), zoned(at, timezone).strftime("%Z"))
}

/// An instant in the organisation's zone; UTC when the zone is not known here.
pub fn zoned(at: Timestamp, timezone: &str) -> Zoned {
    at.to_zoned(TimeZone::get(timezone).unwrap_or(TimeZone::UTC))
}

/// Text from a document, made harmless for a page: control characters and
/// those that turn the direction of writing are replaced, at most 240
/// characters are kept. Escaping is the template's.
pub fn plain(text: &str) -> String {
    shortened(text, 240)
}

/// The same, cut to a length in characters, with an ellipsis; between words if
/// that leaves most of it.
pub fn shortened(text: &str, longest: usize) -> String {
    let mut out: String = text.trim().chars().take(longest).map(harmless).collect();
    if text.trim().chars().nth(longest).is_some() {
        out.pop();
        if let Some(at) = out.rfind(' ').filter(|at| 3 * at > 2 * out.len()) {
            out.truncate(at);
        }
        out.truncate(out.trim_end().len());
        out.push('…');
    }
    out
}

fn harmless(character: char) -> char {
    let turns = matches!(character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    match character {
        '\n' | '\r' | '\t' => ' ',
        _ if turns || character.is_control() => '\u{fffd}',
        _ => character,
    }
}

/// The text with its first letter in upper case, to open a sentence.
pub fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The text with its first letter in lower case, unless it opens with an
/// abbreviation such as `IT`.
pub fn mid_sentence(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    if letters.clone().next().is_some_and(|second| !second.is_lowercase() && second != ' ') {
        return text.to_owned();
    }
    first.to_lowercase().chain(letters).collect()
}

/// Whether a name asks for a plural verb: `Permits`, `Mail and phones`,
/// `Accounts payable`. A guess from the spelling, good for most names.
pub fn is_plural(name: &str) -> bool {
    let words: Vec<&str> = name.split(' ').collect();
    let plural = |word: &str, shortest: usize| {
        word.len() >= shortest
            && word.ends_with('s')
            && !["ss", "us", "is"].iter().any(|ending| word.ends_with(ending))
    };
    let joined = words.iter().any(|word| ["and", "&"].contains(word));
    let head = words.iter().position(|word| ["of", "for", "by", "to", "in", "at"].contains(word));
    let head = &words[..head.unwrap_or(words.len())];
    joined
        || head.last().is_some_and(|last| plural(last, 3))
        || head.first().is_some_and(|first| plural(first, 5))
}

/// The possessive of a name: `Payroll’s`, `Permits’`.
pub fn possessive(name: &str) -> String {
    if name.ends_with('s') { format!("{name}’") } else { format!("{name}’s") }
}

/// `a`, `a and b`, `a, b and c`, `a, b and 3 more`.
pub fn list(items: &[String], most: usize) -> String {
    let shown = if items.len() > most { &items[..most] } else { items };
    let rest = items.len() - shown.len();
    if rest > 0 {
        return format!("{} and {rest} more", shown.join(", "));
    }
    match shown {
        [] => String::new(),
        [one] => one.clone(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: i64 = 3_600_000;

    /// Compares with the joins written as spaces.
    fn check(told: &str, expect: &str) {
        assert_eq!(told.replace(JOIN, " "), expect);
    }

    #[test]
    fn durations_follow_the_table() {
        let table = [
            (0, "0 min", "0 minutes"),
            (400, "1 s", "1 second"),
            (30_000, "30 s", "30 seconds"),
            (59_700, "1 min", "1 minute"),
            (2 * 60_000, "2 min", "2 minutes"),
            (5 * 60_000, "5 min", "5 minutes"),
            (330_000, "5.5 min", "5.5 minutes"),
            (59 * 60_000, "59 min", "59 minutes"),
            (59 * 60_000 + 40_000, "1 h", "1 hour"),
            (H, "1 h", "1 hour"),
            (H * 5 / 2, "2.5 h", "2.5 hours"),
            (20 * H, "20 h", "20 hours"),
            (24 * H, "24 h", "24 hours"),
            (26 * H, "26 h", "26 hours"),
            (47 * H, "47 h", "47 hours"),
            (47 * H + H * 8 / 10, "2 d", "2 days"),
            (52 * H, "2.2 d", "2.2 days"),
            (84 * H, "3.5 d", "3.5 days"),
            (9 * 24 * H, "9 d", "9 days"),
            (14 * 24 * H, "14 d", "14 days"),
            (20 * 24 * H + 15 * H, "3 wk", "3 weeks"),
            (21 * 24 * H, "3 wk", "3 weeks"),
            (365 * 24 * H, "52 wk", "52 weeks"),
            (1000 * 8766 * H, "52,000 wk", "52,000 weeks"),
        ];
        for (ms, short, long) in table {
            check(&duration(ms), short);
            check(&duration_long(ms), long);
        }
    }

    #[test]
    fn a_unit_never_leaves_its_number() {
        assert_eq!(duration(26 * H), "26\u{a0}h");
        assert!(!nights(0.2).contains("2 "));
        assert!(!money(12_345_600, "CHF").contains(' '));
    }

    #[test]
    fn ranges_share_their_unit() {
        check(&range(3 * H, 5 * H), "3 to 5 h");
        check(&range(20 * H, 72 * H), "20 h to 3 d");
        check(&range(3 * H, 3 * H + 1000), "3 h");
        let told = |(first, second): (String, String)| format!("{first}, {second}");
        check(&told(pair_long(48 * H, 216 * H)), "2 days, 9");
        check(&told(pair_long(5 * H, 216 * H)), "5 hours, 9 days");
    }

    #[test]
    fn states_beyond_a_figure_have_words() {
        check(&back_after(Elapsed::Ms(0)), "not hit");
        check(&back_after(Elapsed::Ms(H)), "1 h");
        check(&back_after(Elapsed::Never), "never");
        check(&lost(Elapsed::Ms(0)), "none");
        check(&lost(Elapsed::Ms(26 * H)), "26 h");
        check(&lost(Elapsed::Never), "all");
    }

    #[test]
    fn chances_are_nights_in_ten() {
        let table = [
            (0.0, "hardly any night", "on hardly any night"),
            (0.029, "hardly any night", "on hardly any night"),
            (0.03, "1 night in 10", "in 1 night of 10"),
            (0.149, "1 night in 10", "in 1 night of 10"),
            (0.2, "2 nights in 10", "in 2 nights of 10"),
            (0.449, "4 nights in 10", "in 4 nights of 10"),
            (0.45, "5 nights in 10", "in 5 nights of 10"),
            (0.9, "9 nights in 10", "in 9 nights of 10"),
            (0.97, "9 nights in 10", "in 9 nights of 10"),
            (0.971, "nearly every night", "nearly every night"),
            (1.0, "nearly every night", "nearly every night"),
        ];
        for (share, chance, sentence) in table {
            check(&nights(share), chance);
            check(&in_nights(share), sentence);
        }
    }

    #[test]
    fn money_has_two_digits_and_full_thousands() {
        let table = [
            (0, "USD", "$0"),
            (60_000, "USD", "$600"),
            (120_000, "USD", "$1,200"),
            (25_984_000, "USD", "$260,000"),
            (9_000_000, "EUR", "€90,000"),
            (123_456_700, "GBP", "£1,200,000"),
            (-550_000, "USD", "−$5,500"),
            (2_400_000, "CHF", "CHF 24,000"),
        ];
        for (minor, currency, told) in table {
            check(&money(minor, currency), told);
        }
    }

    #[test]
    fn frequencies_need_no_percent() {
        let table = [
            (40.0, "once in 40 years"),
            (112.0, "once in 110 years"),
            (2.2, "once in 2 years"),
            (1.0, "once in 1 year"),
            (0.34, "once in 4 months"),
            (0.01, "once in 1 month"),
            (1e9, "once in 1,000 years"),
        ];
        for (years, told) in table {
            check(&frequency(years), told);
        }
    }

    #[test]
    fn dates_are_told_in_the_organisation_s_zone() {
        let at: Timestamp = "2026-11-17T13:00:00Z".parse().expect("instant");
        check(&moment(at, "America/New_York"), "Tue 17 Nov 2026, 08:00 EST");
        check(&moment(at, "No/Such_Zone"), "Tue 17 Nov 2026, 13:00 UTC");
        check(&day(at, "America/New_York"), "Tue 17 Nov");
        check(&zone(at, "America/New_York"), "America/New_York (EST)");
        check(&date(Date::constant(2026, 11, 30)), "30 Nov 2026");
    }

    #[test]
    fn parts_and_counts() {
        check(&part(31, 44), "31 of 44");
        check(&count(10_000), "10,000");
        check(&counted(1, "host"), "1 host");
        check(&counted(0, "host"), "0 hosts");
        check(&spelled(2), "Two");
        check(&spelled(14), "14");
        check(&hundredths(0.414), "41 of every 100 hours");
        check(&hundredths(0.996), "all hours");
    }

    #[test]
    fn text_from_documents_is_harmless() {
        assert_eq!(plain("pay\u{202e}roll\u{7}\u{200b}"), "pay\u{fffd}roll\u{fffd}\u{fffd}");
        assert_eq!(plain(" two\nlines\t"), "two lines");
        assert_eq!(plain(&"x".repeat(10_000)).chars().count(), 240);
        assert_eq!(shortened("payroll", 7), "payroll");
        assert_eq!(shortened("pay roll and more", 5), "pay…");
        assert_eq!(shortened("payroll and more", 15), "payroll and…");
        assert_eq!(shortened("pay withoutanyspaces", 15), "pay withoutany…");
        assert_eq!(plain("Bürgerbüro 市役所"), "Bürgerbüro 市役所");
    }

    #[test]
    fn sentences_join_their_parts() {
        let items = ["a", "b", "c", "d"].map(str::to_owned);
        assert_eq!(list(&items[..0], 3), "");
        assert_eq!(list(&items[..1], 3), "a");
        assert_eq!(list(&items[..3], 3), "a, b and c");
        assert_eq!(list(&items, 2), "a, b and 2 more");
        for name in ["Permits", "Mail and phones", "Accounts payable", "Copies of deeds"] {
            assert!(is_plural(name), "{name}");
        }
        for name in ["Payroll", "Business licence", "Payment of invoices", "Gas supply", "Status"] {
            assert!(!is_plural(name), "{name}");
        }
        assert_eq!(possessive("Permits"), "Permits’");
        assert_eq!(mid_sentence("Payroll"), "payroll");
        assert_eq!(mid_sentence("IT desk"), "IT desk");
        assert_eq!(sentence_case("payroll"), "Payroll");
    }
}
