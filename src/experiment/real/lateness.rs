//! Delays of timers, which show whether the machine kept up with real time.

use crate::protocol::Span;

/// Resolution of the delays.
const STEP: Span = Span::from_micros(100);

/// Number of steps; longer delays count as this many.
const STEPS: usize = 10_000;

/// Distribution of the delays with which timers fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lateness {
    /// Number of timers by delay in steps.
    counts: Vec<u64>,
}

impl Default for Lateness {
    fn default() -> Self {
        Self { counts: vec![0; STEPS + 1] }
    }
}

impl Lateness {
    /// Number of timers that fired.
    pub fn timers(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The q-quantile of the delays, with q from 0 to 1, rounded up to a tenth of a millisecond and at most a second.
    /// `None` if no timer fired.
    pub fn quantile(&self, q: f64) -> Option<Span> {
        let timers = self.timers();
        let rank = (libm::ceil(q * timers as f64) as u64).clamp(1, timers.max(1));
        let mut below = 0;
        let step = self.counts.iter().position(|count| {
            below += count;
            below >= rank
        });
        step.map(|step| STEP * step as u64)
    }

    /// Adds a timer that fired with the delay `late`.
    pub fn add(&mut self, late: Span) {
        let step = late.as_micros().div_ceil(STEP.as_micros());
        self.counts[usize::try_from(step).map_or(STEPS, |step| step.min(STEPS))] += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_rounded_up_to_a_step() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.quantile(0.5), None);
        (1..=99).for_each(|ms| lateness.add(Span::from_millis(ms)));
        lateness.add(Span::from_secs(7));
        assert_eq!(lateness.quantile(0.5), Some(Span::from_millis(50)));
        assert_eq!(lateness.quantile(1.0), Some(Span::from_secs(1)));
        let mut both = lateness.clone();
        both.merge(&lateness);
        assert_eq!((both.timers(), both.quantile(0.99)), (200, Some(Span::from_millis(99))));
        let mut fine = Lateness::default();
        fine.add(Span::from_micros(101));
        assert_eq!(fine.quantile(0.5), Some(Span::from_micros(200)));
    }
}
