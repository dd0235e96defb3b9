//! Units of targets: rates of events and of bytes.

use std::fmt;
use std::str::FromStr;

/// Hours of a month of 30 days, the common unit of rates of false deaths.
pub const HOURS_PER_MONTH: f64 = 720.0;

/// Units of time of rates, with their hours.
const PERIODS: [(&str, f64); 5] =
    [("hour", 1.0), ("day", 24.0), ("week", 168.0), ("month", HOURS_PER_MONTH), ("year", 8_760.0)];

/// Units of rates of bytes, with their bytes.
const BYTES: [(&str, f64); 6] =
    [("GB/s", 1e9), ("MB/s", 1e6), ("kB/s", 1e3), ("MiB/s", 1024.0 * 1024.0), ("KiB/s", 1024.0), ("B/s", 1.0)];

/// A rate of rare events: `1/month`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventRate {
    count: f64,
    period: (&'static str, f64),
}

impl EventRate {
    /// Events in a month of 30 days.
    pub fn per_month(self) -> f64 {
        self.count * HOURS_PER_MONTH / self.period.1
    }
}

impl FromStr for EventRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rate = || {
            let (count, unit) = text.split_once('/')?;
            let count: f64 = count.trim().parse().ok().filter(|count: &f64| count.is_finite() && *count > 0.0)?;
            let period = PERIODS.into_iter().find(|(name, _)| *name == unit.trim())?;
            Some(Self { count, period })
        };
        rate().ok_or_else(|| {
            let units = PERIODS.map(|(name, _)| name).join(", ");
            format!("must be a number above 0 per {units}, like \"1/month\", not \"{text}\"")
        })
    }
}

impl fmt::Display for EventRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.period.0)
    }
}

/// Reads bytes per second: `2kB/s`. A kB has 1,000 bytes.
pub(super) fn byte_rate(text: &str) -> Result<f64, String> {
    let rate = || {
        let (unit, bytes) = BYTES.into_iter().find(|(unit, _)| text.ends_with(unit))?;
        let number: f64 = text[..text.len() - unit.len()].trim().parse().ok()?;
        Some(number * bytes).filter(|rate| rate.is_finite() && *rate > 0.0)
    };
    rate().ok_or_else(|| {
        let units = BYTES.map(|(unit, _)| unit).join(", ");
        format!("must be a number of bytes per second above 0 with a unit of {units}, like \"2kB/s\", not \"{text}\"")
    })
}

/// A share as a percentage without superfluous digits: `0.1%`.
pub(super) fn percent(share: f64) -> String {
    // Nine digits, so that 0.07 is not 7.000000000000001%.
    format!("{}%", libm::round(share * 1e11) / 1e9)
}

/// A rate of bytes for reading: `1.2 kB/s`.
pub(super) fn shown_bytes(rate: f64) -> String {
    match rate {
        rate if rate >= 1e6 => format!("{} MB/s", three_digits(rate / 1e6)),
        rate if rate >= 1e3 => format!("{} kB/s", three_digits(rate / 1e3)),
        rate => format!("{} B/s", three_digits(rate)),
    }
}

/// A number with three significant digits, without an exponent where it is short.
pub(super) fn three_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = libm::floor(libm::log10(value.abs()));
    if !(-4.0..6.0).contains(&magnitude) {
        return format!("{value:.1e}");
    }
    let decimals = (2.0 - magnitude).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_units() {
        let month = |text: &str| text.parse::<EventRate>().unwrap().per_month();
        assert_eq!([month("1/month"), month("1/day"), month("2/hour")], [1.0, 30.0, 1440.0]);
        assert!((month("1/year") - 720.0 / 8760.0).abs() < 1e-12);
        for text in ["1", "1/fortnight", "0/month", "-1/day", "x/day"] {
            assert!(text.parse::<EventRate>().unwrap_err().contains("like \"1/month\""), "{text}");
        }
        assert_eq!(["2kB/s", "500 B/s", "1KiB/s"].map(|text| byte_rate(text).unwrap()), [2000.0, 500.0, 1024.0]);
        for text in ["2", "2kb/s", "0B/s", "kB/s"] {
            assert!(byte_rate(text).unwrap_err().contains("like \"2kB/s\""), "{text}");
        }
    }

    #[test]
    fn numbers_for_reading_have_three_digits() {
        assert_eq!([0.0, 1.2345, 61.96, 1234.5, 0.001_234_5].map(three_digits), ["0", "1.23", "62", "1234", "0.00123"]);
        assert_eq!(three_digits(1.5e-7), "1.5e-7");
        assert_eq!((percent(0.07).as_str(), percent(0.001).as_str()), ("7%", "0.1%"));
        assert_eq!((shown_bytes(1234.0).as_str(), shown_bytes(61.9).as_str()), ("1.23 kB/s", "61.9 B/s"));
    }
}
