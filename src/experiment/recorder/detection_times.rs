//! The detection times T_D of all pairs of a victim and a survivor (Chen, Toueg, Aguilera 2002).
//!
//! Kept as a curve, not as a list of pairs: how many more pairs have detected at each millisecond after the crash. A
//! survivor that takes its record back, by a late refutation, counts down. So memory is bounded by the length of a trial.

use std::collections::BTreeMap;

use super::MeasuredValue;
use crate::protocol::Span;

/// The detection times of one trial.
#[derive(Default)]
pub(super) struct DetectionTimes {
    /// By milliseconds after the crash: pairs that have detected, less those that took it back.
    changes: BTreeMap<u64, i64>,
    /// The sum of the times of the pairs that have detected, in microseconds.
    sum_us: i128,
    detected: u64,
    /// By milliseconds after the crash: pairs that had not detected when the victim's case ended.
    undetected: BTreeMap<u64, u64>,
}

impl DetectionTimes {
    /// `pairs` detect at this time after the crash.
    pub(super) fn detect(&mut self, after: Span, pairs: u64) {
        if pairs > 0 {
            *self.changes.entry(millis(after)).or_default() += pairs as i64;
            self.sum_us += i128::from(after.as_micros()) * i128::from(pairs);
            self.detected += pairs;
        }
    }

    /// A pair that has detected takes it back.
    pub(super) fn take_back(&mut self, after: Span) {
        *self.changes.entry(millis(after)).or_default() -= 1;
        self.sum_us -= i128::from(after.as_micros());
        self.detected -= 1;
    }

    /// `pairs` were observed for this time after the crash without detecting.
    pub(super) fn miss(&mut self, observed: Span, pairs: u64) {
        if pairs > 0 {
            *self.undetected.entry(millis(observed)).or_default() += pairs;
        }
    }

    /// The mean; censored if a pair did not detect, and then known to be longer than the mean of what was observed.
    pub(super) fn mean(&self) -> MeasuredValue {
        let missed: u64 = self.undetected.values().sum();
        let missed_ms: u64 = self.undetected.iter().map(|(ms, pairs)| ms * pairs).sum();
        let sum_s = self.sum_us as f64 / 1e6 + missed_ms as f64 / 1e3;
        match (self.detected + missed, missed) {
            (0, _) => MeasuredValue::Absent,
            (pairs, 0) => MeasuredValue::Value(sum_s / pairs as f64),
            (pairs, _) => MeasuredValue::Censored(sum_s / pairs as f64),
        }
    }

    /// The time from which on this share of the pairs has detected, to a millisecond; censored if it never has.
    pub(super) fn quantile(&self, share: f64) -> MeasuredValue {
        let pairs = self.detected + self.undetected.values().sum::<u64>();
        let wanted = libm::ceil(share * pairs as f64) as i64;
        match pairs {
            0 => MeasuredValue::Absent,
            _ if wanted <= self.detected as i64 => MeasuredValue::Value(reached(&self.changes, wanted)),
            _ => {
                // Pairs that were observed for too short a time take at least that.
                let mut least = self.changes.clone();
                for (ms, pairs) in &self.undetected {
                    *least.entry(*ms).or_default() += *pairs as i64;
                }
                MeasuredValue::Censored(reached(&least, wanted))
            }
        }
    }
}

/// The time in seconds from which on the sum of the changes is at least this.
fn reached(changes: &BTreeMap<u64, i64>, wanted: i64) -> f64 {
    let (mut sum, mut since) = (0, 0);
    for (ms, change) in changes {
        if sum < wanted {
            since = *ms;
        }
        sum += change;
    }
    since as f64 / 1e3
}

fn millis(span: Span) -> u64 {
    (span.as_micros() + 500) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Span {
        Span::from_millis(millis)
    }

    #[test]
    fn quantiles_and_mean_are_those_of_all_pairs() {
        let mut times = DetectionTimes::default();
        (1..=100).for_each(|n| times.detect(ms(10 * n), 1));
        assert_eq!(times.mean(), MeasuredValue::Value(0.505));
        assert_eq!(
            (times.quantile(0.5), times.quantile(0.99)),
            (MeasuredValue::Value(0.5), MeasuredValue::Value(0.99))
        );
    }

    #[test]
    fn a_pair_that_takes_it_back_counts_from_the_time_at_which_it_detects_for_good() {
        let mut times = DetectionTimes::default();
        times.detect(ms(100), 2);
        times.take_back(ms(200));
        times.detect(ms(500), 1);
        assert_eq!((times.quantile(0.5), times.quantile(1.0)), (MeasuredValue::Value(0.1), MeasuredValue::Value(0.5)));
        assert_eq!(times.mean(), MeasuredValue::Value(0.25), "one trusted for 0.1 s, the other for 0.1 s and 0.3 s");
    }

    #[test]
    fn pairs_that_did_not_detect_are_censored_at_what_was_observed_of_them() {
        let mut times = DetectionTimes::default();
        times.detect(ms(100), 3);
        times.miss(ms(700), 1);
        assert_eq!(times.quantile(0.75), MeasuredValue::Value(0.1));
        assert_eq!(times.quantile(0.99), MeasuredValue::Censored(0.7));
        assert_eq!(times.mean(), MeasuredValue::Censored(0.25));
        assert_eq!(DetectionTimes::default().mean(), MeasuredValue::Absent);
    }
}
