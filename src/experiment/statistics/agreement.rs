//! Whether two ways of running the same trials, in virtual time and on real sockets, come to the same.

use super::intervals::bootstrap_pairs;
use super::smirnov::{distance, p_value};
use super::{FEWEST_TRIALS, Interval, MeasuredValue, finite, mean, quantile};
use crate::experiment::measures::{Measure, Unit};

/// Medians that differ by at most this share of the simulator's agree.
pub const MOST_APART: f64 = 0.1;

/// One measure of the same trials in the simulator and in reality. What is compared is the median, or for counts of
/// events, whose median is zero where they are rare, the mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Trials in which both have something to measure.
    pub pairs: u32,
    /// What the simulator comes to; `None` if it falls among the censored trials.
    pub simulated: Option<f64>,
    /// What reality comes to.
    pub real: Option<f64>,
    /// The real one minus the simulated one.
    pub difference: Option<f64>,
    /// Its 95 % interval, by bootstrap of the pairs.
    pub ci95: Interval,
    /// The difference as a share of the simulated one; `None` if that is zero and the real one is not.
    pub relative: Option<f64>,
    /// Its 95 % interval.
    pub relative_ci95: Interval,
    /// The greatest distance between the two distribution functions, from 0 to 1 (Kolmogorov and Smirnov).
    pub distance: Option<f64>,
    /// How likely a distance as great is between two independent samples of one distribution.
    pub p: Option<f64>,
    /// What to make of it.
    pub matched: Match,
}

/// What to make of the two sides of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// They differ by at most [`MOST_APART`], and so do the ends of the interval.
    Close,
    /// They differ by no more, but the interval reaches further; or one is zero, and chance explains that the other is not.
    Likely,
    /// They differ by more.
    Apart,
    /// Too few trials to tell anything.
    Undecided,
}

impl Match {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Likely => "likely",
            Self::Apart => "apart",
            Self::Undecided => "undecided",
        }
    }
}

/// Compares pairs of (simulated, real), each pair from the same trial. Censored readings are more than any value.
///
/// Trials of the same seed share their placement, phases, victims and the members' random streams, so their readings go
/// together: the intervals resample pairs. The test by Kolmogorov and Smirnov knows nothing of pairs; between samples
/// that go together it finds small distances more often than it should, and great ones less often.
pub fn agree(measure: &Measure, pairs: &[(MeasuredValue, MeasuredValue)]) -> Agreement {
    let pairs: Vec<_> = pairs.iter().filter_map(|(a, b)| Some((a.order()?, b.order()?))).collect();
    let (mut left, mut right): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    left.sort_unstable_by(f64::total_cmp);
    right.sort_unstable_by(f64::total_cmp);

    let middle: fn(&[f64]) -> Option<f64> = match measure.unit {
        Unit::Events => |sorted| Some(mean(sorted)).and_then(finite),
        _ => |sorted| quantile(sorted, 0.5),
    };
    let enough = pairs.len() >= FEWEST_TRIALS;
    let interval = |of: fn(f64, f64) -> Option<f64>| match enough {
        true => bootstrap_pairs(&pairs, |simulated, real| of(middle(simulated)?, middle(real)?)),
        false => Interval::default(),
    };
    let gap: fn(f64, f64) -> Option<f64> = |from, to| Some(to - from);
    let both = middle(&left).zip(middle(&right));
    let made = |of: fn(f64, f64) -> Option<f64>| both.and_then(|(from, to)| of(from, to));
    let distance = (!pairs.is_empty()).then(|| distance(&left, &right));
    let agreement = Agreement {
        pairs: pairs.len() as u32,
        simulated: middle(&left),
        real: middle(&right),
        difference: made(gap),
        ci95: interval(gap),
        relative: made(share),
        relative_ci95: interval(share),
        distance,
        p: distance.filter(|_| enough).map(|distance| p_value(distance, left.len(), right.len())),
        matched: Match::Undecided,
    };
    if enough { Agreement { matched: agreement.judge(), ..agreement } } else { agreement }
}

impl Agreement {
    fn judge(&self) -> Match {
        let within = |share: Option<f64>| share.is_some_and(|share| share.abs() <= MOST_APART);
        let Interval { low, high } = self.ci95;
        match self.relative {
            Some(_) if !within(self.relative) => Match::Apart,
            Some(_) if within(self.relative_ci95.low) && within(self.relative_ci95.high) => Match::Close,
            Some(_) => Match::Likely,
            None if low.is_some_and(|low| low <= 0.0) && high.is_some_and(|high| high >= 0.0) => Match::Likely,
            // Both fall among the censored trials.
            None if self.simulated.is_none() && self.real.is_none() => Match::Likely,
            None => Match::Apart,
        }
    }
}

/// By what share of itself a number has to change to become another.
fn share(from: f64, to: f64) -> Option<f64> {
    if from == to { Some(0.0) } else { Some((to - from) / from).filter(|share| share.is_finite()) }
}
