//! Whole microseconds.

/// Half a round trip in whole microseconds, at least 1.
pub(super) fn half_us(rtt_us: f64) -> u32 {
    whole_us(rtt_us / 2.0)
}

/// Whole microseconds, at least 1; at most what fits into a `u32` (71 minutes).
pub(super) fn whole_us(us: f64) -> u32 {
    (round(us) as u32).max(1)
}

/// The nearest whole number, away from zero in the middle between two; of values from 0 to 2^53. A million distances are
/// rounded for a topology, and the standard library's call takes longer than all the rest of one.
pub(super) fn round(value: f64) -> f64 {
    let whole = value as u64 as f64;
    // The difference is exact.
    if value - whole >= 0.5 { whole + 1.0 } else { whole }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::round;

    proptest! {
        #[test]
        fn values_are_rounded_as_the_standard_library_does(value in 0.0..9e15) {
            prop_assert_eq!(round(value), value.round());
        }

        #[test]
        fn values_near_a_half_are_rounded_as_the_standard_library_does(whole in 0_u32.., step in -3_i32..4) {
            let half = f64::from(whole) + 0.5;
            let value = f64::from_bits(half.to_bits().wrapping_add_signed(step.into()));
            prop_assert_eq!(round(value), value.round());
        }
    }
}
