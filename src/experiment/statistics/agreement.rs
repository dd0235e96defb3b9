//! Agreement of the same trials in virtual time and on real sockets.

use super::intervals::bootstrap_pairs;
use super::smirnov::{distance, p_value};
use super::{FEWEST_TRIALS, Interval, MeasuredValue, finite, mean, quantile};
use crate::experiment::measures::{Measure, Unit};

/// The maximum difference of two medians that agree, as a share of the simulator's.
pub const MOST_APART: f64 = 0.1;

/// The comparison of one measure of the same trials in the simulator and on real sockets. The medians are compared; for
/// counts of events, whose median is zero if they are rare, the means.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Agreement {
    /// Number of trials in which neither is absent.
    pub pairs: u32,
    /// Median or mean in the simulator; `None` if it falls among censored trials.
    pub simulated: Option<f64>,
    /// Median or mean on real sockets; `None` if it falls among censored trials.
    pub real: Option<f64>,
    /// Real minus simulated.
    pub difference: Option<f64>,
    /// Its 95 % interval, by bootstrap of the pairs.
    pub ci95: Interval,
    /// The difference as a share of the simulated value; `None` if that is zero and the real one is not.
    pub relative: Option<f64>,
    /// Its 95 % interval.
    pub relative_ci95: Interval,
    /// The greatest distance between the two distribution functions, from 0 to 1 (Kolmogorov and Smirnov).
    pub distance: Option<f64>,
    /// The probability of a distance at least as great between two independent samples of one distribution.
    pub p: Option<f64>,
    /// The verdict.
    pub matched: Match,
}

/// The verdict on the agreement of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// They differ by at most [`MOST_APART`], and so do both bounds of the interval.
    Close,
    /// They differ by at most that, but a bound of the interval by more; or one is zero, and the interval of the
    /// difference includes zero.
    Likely,
    /// They differ by more.
    Apart,
    /// Too few trials for a verdict.
    Undecided,
}

impl Match {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Likely => "likely",
            Self::Apart => "apart",
            Self::Undecided => "undecided",
        }
    }
}

/// Compares pairs of (simulated, real), each pair from the same trial. Censored values are more than any other.
///
/// Trials of the same seed share placement, phases, victims and the random streams of the members, so that their values
/// are correlated: the intervals resample pairs. The test of Kolmogorov and Smirnov assumes independent samples; with
/// correlated ones, small distances are more frequent and large ones less frequent than its p-value says.
pub fn agree(measure: &Measure, pairs: &[(MeasuredValue, MeasuredValue)]) -> Agreement {
    let pairs: Vec<_> = pairs.iter().filter_map(|(a, b)| Some((a.order()?, b.order()?))).collect();
    let (mut left, mut right): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    left.sort_unstable_by(f64::total_cmp);
    right.sort_unstable_by(f64::total_cmp);

    let center: fn(&[f64]) -> Option<f64> = match measure.unit {
        Unit::Events => |sorted| Some(mean(sorted)).and_then(finite),
        _ => |sorted| quantile(sorted, 0.5),
    };
    let enough = pairs.len() >= FEWEST_TRIALS;
    let interval = |of: fn(f64, f64) -> Option<f64>| match enough {
        true => bootstrap_pairs(&pairs, |simulated, real| of(center(simulated)?, center(real)?)),
        false => Interval::default(),
    };
    let gap: fn(f64, f64) -> Option<f64> = |from, to| Some(to - from);
    let both = center(&left).zip(center(&right));
    let of_centers = |of: fn(f64, f64) -> Option<f64>| both.and_then(|(from, to)| of(from, to));
    let distance = (!pairs.is_empty()).then(|| distance(&left, &right));
    let agreement = Agreement {
        pairs: pairs.len() as u32,
        simulated: center(&left),
        real: center(&right),
        difference: of_centers(gap),
        ci95: interval(gap),
        relative: of_centers(share),
        relative_ci95: interval(share),
        distance,
        p: distance.filter(|_| enough).map(|distance| p_value(distance, left.len(), right.len())),
        matched: Match::Undecided,
    };
    if enough { Agreement { matched: agreement.verdict(), ..agreement } } else { agreement }
}

impl Agreement {
    fn verdict(&self) -> Match {
        let within = |share: Option<f64>| share.is_some_and(|share| share.abs() <= MOST_APART);
        let Interval { low, high } = self.ci95;
        match self.relative {
            Some(_) if !within(self.relative) => Match::Apart,
            Some(_) if within(self.relative_ci95.low) && within(self.relative_ci95.high) => Match::Close,
            Some(_) => Match::Likely,
            None if low.is_some_and(|low| low <= 0.0) && high.is_some_and(|high| high >= 0.0) => Match::Likely,
            // Both fall among censored trials.
            None if self.simulated.is_none() && self.real.is_none() => Match::Likely,
            None => Match::Apart,
        }
    }
}

/// The relative change from one number to another.
fn share(from: f64, to: f64) -> Option<f64> {
    if from == to { Some(0.0) } else { Some((to - from) / from).filter(|share| share.is_finite()) }
}
