//! Figures in words: durations to two significant digits, laws, plain numbers.
use evenkeel_config::law::Law;
use evenkeel_config::quantity::Span;

/// Two significant digits; minutes to 59, hours below 48, then days, then weeks
/// from 21 days: `5 min`, `26 h`, `3.5 d`, `3 wk`.
pub fn duration(ms: i64) -> String {
    let ms = ms.max(0) as f64;
    let (minutes, hours, days) = (ms / 6e4, ms / 3.6e6, ms / 8.64e7);
    // The unit is chosen by the rounded figure, so that 47.8 h is 2 d.
    if two_digits(days) >= 21.0 {
        format!("{} wk", number(days / 7.0))
    } else if two_digits(hours) >= 48.0 {
        format!("{} d", number(days))
    } else if two_digits(minutes) >= 60.0 {
        // 59.6 minutes are 60 to two digits, and 60 minutes are an hour.
        format!("{} h", number(hours.max(1.0)))
    } else if ms > 0.0 && minutes < 1.0 {
        format!("{} s", number(ms / 1e3))
    } else {
        format!("{} min", number(minutes))
    }
}

/// A duration as [`duration`] gives it, but never less than it is: for promises.
pub fn up(ms: i64) -> String {
    // Below a minute whole seconds will do.
    let ms = if ms < 60_000 { (ms.max(0) + 999) / 1000 * 1000 } else { ms };
    let parts = |text: &str| {
        let (figure, unit) = text.split_once(' ').unwrap_or((text, "min"));
        let unit = match unit {
            "wk" => 7.0 * 8.64e7,
            "d" => 8.64e7,
            "h" => 3.6e6,
            "min" => 6e4,
            _ => 1e3,
        };
        figure.parse::<f64>().unwrap_or(0.0) * unit
    };
    let mut text = duration(ms);
    let mut raised = ms;
    // The next figure in words is at most a tenth more.
    while parts(&text) < ms as f64 - 0.5 && raised < i64::MAX / 2 {
        raised += (raised / 200).max(1);
        text = duration(raised);
    }
    text
}

/// A number to two significant digits, without trailing zeros.
pub fn number(value: f64) -> String {
    let rounded = two_digits(value);
    if rounded >= 10.0 || rounded.fract() == 0.0 {
        format!("{rounded:.0}")
    } else if rounded >= 1.0 {
        format!("{rounded:.1}")
    } else {
        format!("{rounded:.2}")
    }
}

fn two_digits(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 0.0;
    }
    let mut scale = 1.0;
    while value / scale >= 100.0 {
        scale *= 10.0;
    }
    while value / scale < 10.0 && scale > 1e-9 {
        scale /= 10.0;
    }
    libm::rint(value / scale) * scale
}

/// A whole amount of money with its currency, such as `1,200 USD`; below ten to
/// the cent.
pub fn money(minor: i64, currency: &str) -> String {
    let currency = plain(currency);
    if minor.abs() < 1000 && minor % 100 != 0 {
        let sign = if minor < 0 { "-" } else { "" };
        return format!("{sign}{}.{:02} {currency}", minor.abs() / 100, minor.abs() % 100);
    }
    format!("{} {currency}", thousands(libm::rint(minor as f64 / 100.0) as i64))
}

/// A whole number in groups of three digits.
pub fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if value < 0 { format!("-{out}") } else { out }
}

/// The form of a noun that goes with a figure in words.
pub fn plural<'a>(figure: &str, one: &'a str, many: &'a str) -> &'a str {
    if figure == "1" { one } else { many }
}

/// An estimate in words.
pub fn law(law: &Law) -> String {
    let span = |span: &Span| duration(span.as_ms());
    match law {
        Law::Fixed(value) => span(value),
        Law::Uniform { low, high } => format!("{} to {}", span(low), span(high)),
        Law::Triangular { low, likely, high } | Law::Pert { low, likely, high } => {
            format!("{} to {}, likely {}", span(low), span(high), span(likely))
        }
        Law::Exponential { mean } => format!("{} on average, often less", span(mean)),
        Law::Gamma { mean, .. } => format!("{} on average", span(mean)),
        Law::Weibull { scale, .. } => format!("about {}", span(scale)),
        Law::Lognormal { median_ms, sigma } => {
            let bad = median_ms * libm::exp(sigma * 1.281_551_565_544_600_4);
            format!(
                "likely {}, on a bad night {}",
                duration(*median_ms as i64),
                duration(bad as i64)
            )
        }
        Law::Empirical { samples } => {
            let middle = samples.get(samples.len() / 2).map_or(0, |span| span.as_ms());
            format!("{} past cases around {}", samples.len(), duration(middle))
        }
    }
}

/// Text from documents without control or direction-changing characters, so
/// that it stays inert on a terminal.
pub fn plain(text: &str) -> String {
    let inert = |c: char| {
        if c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(inert).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_follow_the_table() {
        let minute = 60_000;
        for (ms, text) in [
            (0, "0 min"),
            (5 * minute, "5 min"),
            (59 * minute, "59 min"),
            (59 * minute + 36_000, "1 h"),
            (90 * minute, "1.5 h"),
            (26 * 60 * minute, "26 h"),
            (47 * 60 * minute + 48 * minute, "2 d"),
            (84 * 60 * minute, "3.5 d"),
            (20 * 1440 * minute, "20 d"),
            (21 * 1440 * minute, "3 wk"),
        ] {
            assert_eq!(duration(ms), text, "{ms}");
        }
        assert_eq!(number(0.234), "0.23");
        assert_eq!([up(26 * 60 * minute), up(26 * 60 * minute + 1)], ["26 h", "27 h"]);
        assert_eq!([up(0), up(59 * minute + 1), up(1)], ["0 min", "1 h", "1 s"]);
        assert_eq!(money(-123_456, "USD"), "-1,235 USD");
        assert_eq!(money(950, "USD"), "9.50 USD");
        assert_eq!(plain("a\u{1b}[31m\u{202e}b"), "a\u{fffd}[31m\u{fffd}b");
    }
}
