//! Numbers as the view shows them.

/// A time in at most six characters: `12s`, `3m12s`, `2h03m`, `5d04h`.
pub(super) fn age(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if days >= 100 => format!("{days}d"),
        () if days > 0 => format!("{days}d{:02}h", hours % 24),
        () if hours > 0 => format!("{hours}h{:02}m", minutes % 60),
        () if minutes > 0 => format!("{minutes}m{:02}s", seconds % 60),
        () => format!("{seconds}s"),
    }
}

/// A round-trip time in milliseconds; with a tilde if it is estimated.
pub(super) fn round_trip(ms: f64, is_estimate: bool) -> String {
    let tilde = if is_estimate { "~" } else { "" };
    match ms {
        0.0..10.0 => format!("{tilde}{ms:.2}ms"),
        10.0..100.0 => format!("{tilde}{ms:.1}ms"),
        _ => format!("{tilde}{ms:.0}ms"),
    }
}

/// A number with commas between thousands.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in a second.
pub(super) fn byte_rate(rate: f64) -> String {
    match rate {
        ..1e3 => format!("{rate:.0} B/s"),
        1e3..1e6 => format!("{:.1} kB/s", rate / 1e3),
        _ => format!("{:.1} MB/s", rate / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_keep_their_meaning() {
        let shown = [0.9, 59.0, 60.0, 3599.0, 3600.0, 86_399.0, 90_000.0, 8.64e6, f64::NAN].map(age);
        assert_eq!(shown, ["0s", "59s", "1m00s", "59m59s", "1h00m", "23h59m", "1d01h", "100d", "0s"]);
        let shown = [(0.25, false), (9.876, true), (12.34, false), (123.4, false), (30_000.0, true)];
        let shown = shown.map(|(ms, is_estimate)| round_trip(ms, is_estimate));
        assert_eq!(shown, ["0.25ms", "~9.88ms", "12.3ms", "123ms", "~30000ms"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.4, 999.0, 1500.0, 2.5e6].map(byte_rate), ["0 B/s", "999 B/s", "1.5 kB/s", "2.5 MB/s"]);
    }
}
