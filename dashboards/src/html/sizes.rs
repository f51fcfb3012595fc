//! Amounts of data and speeds in words.
use super::words::JOIN;

const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];

/// An amount of data in decimal units: `420 GB`, `2.1 TB`.
pub fn bytes(bytes: u64) -> String {
    scaled(bytes as f64, &UNITS)
}

/// A speed of restore: `30 MB/s`.
pub fn speed(bytes_per_second: f64) -> String {
    format!("{}/s", scaled(bytes_per_second, &UNITS))
}

/// What a network link carries: `500 Mbit/s`.
pub fn bandwidth(bytes_per_second: u64) -> String {
    scaled(bytes_per_second as f64 * 8.0, &["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"])
}

/// The largest unit that leaves at least 1, with one digit after the point
/// below 10.
fn scaled(mut value: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(value < 9.95 && (value * 10.0).round() % 10.0 != 0.0);
    format!("{value:.digits$}{JOIN}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_fits_the_figure() {
        let table = [
            (bytes(0), "0 B"),
            (bytes(999), "999 B"),
            (bytes(999_600), "1 MB"),
            (bytes(420_000_000_000), "420 GB"),
            (bytes(2_100_000_000_000), "2.1 TB"),
            (bytes(u64::MAX), "18447 PB"),
            (speed(29.6e6), "30 MB/s"),
            (bandwidth(62_500_000), "500 Mbit/s"),
        ];
        for (shown, expected) in table {
            assert_eq!(shown.replace(JOIN, " "), expected);
        }
    }
}
