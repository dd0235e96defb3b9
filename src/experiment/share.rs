//! Shares of a whole as texts: `2%`, `0.02`.

/// The smallest effect of interest of an experiment that names none: differences of less than 1 % get no mark.
pub const SMALLEST_EFFECT: f64 = 0.01;

/// Parses a share from 0 to 1: a number, or a percentage such as `2%`.
///
/// # Errors
/// If it is neither, or not from 0 to 1.
pub fn parse_share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.trim().strip_suffix('%') {
        Some(number) => (number.trim_end(), 100.0),
        None => (text.trim(), 1.0),
    };
    let share = number.parse().ok().map(|number: f64| number / unit);
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("must be a percentage from 0% to 100% or a number from 0 to 1, not \"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages_or_numbers() {
        let shares = ["2%", "0.02", " 2 % ", "0", "100%"].map(|text| parse_share(text).unwrap());
        assert_eq!(shares, [0.02, 0.02, 0.02, 0.0, 1.0]);
        for text in ["", "%", "2", "-1%", "101%", "NaN", "1e-3%%", "two"] {
            assert!(parse_share(text).unwrap_err().contains("must be a percentage"), "{text}");
        }
    }
}
