//! Histograms of durations.

use crate::protocol::Span;

/// Number of durations in each of some fixed ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Histogram {
    /// Number per range: up to each of [`Histogram::BOUNDS_US`], and above the last of them.
    pub counts: [u64; Histogram::BOUNDS_US.len() + 1],
    /// Sum of all durations, in microseconds.
    pub sum_us: u64,
}

impl Histogram {
    /// Upper ends of the ranges, in microseconds. A duration that equals one is in the range below it.
    pub const BOUNDS_US: [u64; 12] =
        [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];

    pub(super) fn add(&mut self, span: Span) {
        let us = span.as_micros();
        self.counts[Self::BOUNDS_US.partition_point(|&bound| bound < us)] += 1;
        self.sum_us += us;
    }

    /// Number of all durations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_on_a_bound_is_in_the_range_below_it() {
        let mut histogram = Histogram::default();
        [100, 101, 2_000_000].into_iter().for_each(|us| histogram.add(Span::from_micros(us)));
        assert_eq!((histogram.counts[0], histogram.counts[1], histogram.counts[12]), (1, 1, 1));
        assert_eq!((histogram.count(), histogram.sum_us), (3, 2_000_201));
    }
}
