//! Whole microseconds.

/// Half a round trip in whole microseconds, at least 1.
pub(super) fn half_us(rtt_us: f64) -> u32 {
    whole_us(rtt_us / 2.0)
}

/// Whole microseconds, at least 1; at most what fits into a `u32` (71 minutes).
pub(super) fn whole_us(us: f64) -> u32 {
    (us.round() as u32).max(1)
}
