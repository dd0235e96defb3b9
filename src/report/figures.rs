//! Numbers for people, in three significant digits and a suitable unit, and marks for verdicts.

use crate::experiment::Unit;
use crate::experiment::statistics::{Interval, Verdict};

/// The mark of a verdict, which follows the number that was compared.
pub(super) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "✓",
        Verdict::Worse => "✗",
        Verdict::WithinNoise => "≈",
        Verdict::Undecided => "?",
    }
}

/// A number with its unit.
pub(crate) fn figure(value: f64, unit: Unit) -> String {
    let (scale, name) = suited(value, unit);
    format!("{}{name}", amount(value, scale, unit))
}

/// A number without its unit. Shares close to one keep two digits of what they lack.
fn amount(value: f64, scale: f64, unit: Unit) -> String {
    let percent = 100.0 * value;
    if unit != Unit::Share || !(99.95..100.0).contains(&percent) {
        return digits(value / scale);
    }
    let places = 1 - libm::floor(libm::log10(100.0 - percent)).max(-9.0) as i32;
    format!("{percent:.*}", places as usize).trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An interval in the unit in which [`figure`] writes `beside`; empty if both bounds are unknown.
pub(super) fn range(interval: Interval, beside: Option<f64>, unit: Unit) -> String {
    let Some(any) = beside.or(interval.high).or(interval.low) else { return String::new() };
    let (scale, name) = suited(any, unit);
    let name = if beside.is_some() { "" } else { name };
    let shown = |value: f64| amount(value, scale, unit);
    match (interval.low.map(shown), interval.high.map(shown)) {
        (None, None) => String::new(),
        (Some(low), None) => format!("≥{low}{name}"),
        (None, Some(high)) => format!("≤{high}{name}"),
        (Some(low), Some(high)) if low == high => format!("={low}{name}"),
        (Some(low), Some(high)) => format!("{low}–{high}{name}"),
    }
}

/// A share as a signed change in percent with two significant digits, without the sign %.
pub(super) fn change(share: f64) -> String {
    let percent = 100.0 * share;
    let places = match percent.abs() {
        size if size >= 9.95 => 0,
        size if size >= 0.995 => 1,
        _ => 2,
    };
    let text = format!("{:.places$}", percent.abs());
    let text = if places > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    match text {
        "0" => "0".to_owned(),
        text if percent < 0.0 => format!("−{text}"),
        text => format!("+{text}"),
    }
}

/// The divisor for the unit that suits a value, and the name of that unit.
pub(super) fn suited(value: f64, unit: Unit) -> (f64, &'static str) {
    let size = value.abs();
    match unit {
        Unit::Seconds if size >= 172_800.0 => (86_400.0, " d"),
        // Values that round to 1000 ms are shown as 1 s.
        Unit::Seconds if size >= 0.9995 || size == 0.0 => (1.0, " s"),
        Unit::Seconds if size >= 0.9995e-3 => (1e-3, " ms"),
        Unit::Seconds => (1e-6, " µs"),
        Unit::Bytes if size >= 999.5e6 => (1e9, " GB"),
        Unit::Bytes if size >= 999.5e3 => (1e6, " MB"),
        Unit::Bytes if size >= 999.5 => (1e3, " kB"),
        Unit::Bytes => (1.0, " B"),
        Unit::Share => (0.01, " %"),
        Unit::Events | Unit::Messages | Unit::Members => (1.0, ""),
    }
}

/// Three significant digits without trailing zeros; integers keep all digits.
pub(crate) fn digits(value: f64) -> String {
    let size = value.abs();
    let places = match size {
        _ if size >= 99.95 => 0,
        _ if size >= 9.995 => 1,
        _ if size >= 0.9995 => 2,
        _ if size >= 0.09995 => 3,
        _ => 4,
    };
    let text = format!("{value:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_a_suitable_unit() {
        let seconds = [0.0, 12e-6, 0.0123, 0.99949, 0.9996, 1.0, 12.345, 123.45];
        let shown = seconds.map(|value| figure(value, Unit::Seconds));
        assert_eq!(shown, ["0 s", "12 µs", "12.3 ms", "999 ms", "1 s", "1 s", "12.3 s", "123 s"]);
        assert_eq!([172_799.0, 172_800.0, 1e7].map(|value| figure(value, Unit::Seconds)), ["172799 s", "2 d", "116 d"]);
        let shares = [0.9994, 0.9996, 0.999_987_6, 1.0].map(|share| figure(share, Unit::Share));
        assert_eq!(shares, ["99.9 %", "99.96 %", "99.9988 %", "100 %"]);
        assert_eq!(figure(1234.0, Unit::Bytes), "1.23 kB");
        assert_eq!(figure(12_345_678.0, Unit::Bytes), "12.3 MB");
        assert_eq!(figure(0.1234, Unit::Share), "12.3 %");
        assert_eq!(figure(100_000.0, Unit::Messages), "100000");
        assert_eq!(figure(0.0312, Unit::Events), "0.0312");
    }

    #[test]
    fn changes_have_a_sign_and_two_digits() {
        let shares = [0.0, -0.00001, -0.3, 0.123, 0.0123, 0.01, -0.0012, 1.5, 0.0996];
        let shown = shares.map(change);
        assert_eq!(shown, ["0", "0", "−30", "+12", "+1.2", "+1", "−0.12", "+150", "+10"]);
    }

    #[test]
    fn ranges_take_the_unit_of_the_figure_beside_them() {
        let interval = |low, high| Interval { low, high };
        assert_eq!(range(interval(Some(0.9), Some(1.25)), Some(0.95), Unit::Seconds), "900–1250");
        assert_eq!(range(interval(Some(0.5), None), None, Unit::Seconds), "≥500 ms");
        assert_eq!(range(interval(Some(2.0), Some(2.0)), Some(2.0), Unit::Messages), "=2");
        assert_eq!(range(interval(None, None), Some(1.0), Unit::Seconds), "");
    }
}
