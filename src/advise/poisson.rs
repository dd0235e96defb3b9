//! Bounds of the mean of Poisson's law (Garwood: Fiducial Limits for the Poisson Distribution, Biometrika 28, 1936).

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// The 95 % interval after `count` events, one at least.
pub(super) fn interval(count: u64) -> (f64, f64) {
    (quantile(2 * count, 0.025), upper(count, 0.025))
}

/// The upper bound after `count` events, too low with a probability of at most `tail`.
pub(super) fn upper(count: u64, tail: f64) -> f64 {
    quantile(2 * count + 2, 1.0 - tail)
}

/// Half of a quantile of the chi-squared distribution.
fn quantile(freedom: u64, share: f64) -> f64 {
    ChiSquared::new(freedom as f64).expect("above zero").inverse_cdf(share) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_tables() {
        let (low, high) = interval(3);
        assert!((low - 0.619).abs() < 1e-3 && (high - 8.767).abs() < 1e-3, "{low} {high}");
        // The probability of no event is then 2.5 %.
        assert!((upper(0, 0.025) - -libm::log(0.025)).abs() < 1e-6);
    }
}
