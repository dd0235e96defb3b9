//! Whether two ways of running the same trials, in virtual time and on real sockets, come to the same.

use super::intervals::bootstrap_pairs;
use super::smirnov::{distance, p_value};
use super::{FEWEST_TRIALS, Interval, Reading, Summary, quantile, summarise};
use crate::experiment::measures::Measure;

/// Medians that differ by at most this share of the simulator's agree.
pub const MOST_APART: f64 = 0.1;

/// One measure of the same trials in the simulator and in reality.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Trials in which both have something to measure.
    pub pairs: u32,
    /// What the simulator says of them.
    pub simulated: Summary,
    /// What reality says.
    pub real: Summary,
    /// The real median minus the simulated one; `None` if either is censored.
    pub difference: Option<f64>,
    /// Its 95 % interval, by bootstrap of the pairs.
    pub ci95: Interval,
    /// The difference as a share of the simulated median; `None` if that is zero and the real one is not.
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

/// What to make of a measure's two medians.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// They differ by at most [`MOST_APART`], and so do the ends of the interval.
    Close,
    /// They differ by no more, but the interval reaches further.
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
/// Trials of the same seed share their placement, phases, victims and the members' own luck, so their readings go
/// together: the intervals resample pairs. The test by Kolmogorov and Smirnov knows nothing of pairs; between samples
/// that go together it finds small distances more often than it should, and great ones less often.
pub fn agree(measure: &Measure, pairs: &[(Reading, Reading)]) -> Agreement {
    let pairs: Vec<_> = pairs.iter().copied().filter(|(a, b)| a.order().is_some() && b.order().is_some()).collect();
    let (simulated, real): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    let (simulated, real) = (summarise(measure, &simulated), summarise(measure, &real));
    let orders: Vec<_> = pairs.iter().filter_map(|(a, b)| Some((a.order()?, b.order()?))).collect();
    let (mut left, mut right): (Vec<f64>, Vec<f64>) = orders.iter().copied().unzip();
    left.sort_unstable_by(f64::total_cmp);
    right.sort_unstable_by(f64::total_cmp);

    let enough = pairs.len() >= FEWEST_TRIALS;
    let relative = simulated.median.zip(real.median).and_then(|(from, to)| share(from, to));
    let intervals = |of: fn(f64, f64) -> Option<f64>| match enough {
        true => bootstrap_pairs(&orders, &|simulated, real| of(quantile(simulated, 0.5)?, quantile(real, 0.5)?)),
        false => Interval::default(),
    };
    let relative_ci95 = intervals(share);
    let distance = (!pairs.is_empty()).then(|| distance(&left, &right));
    let within = |share: Option<f64>| share.is_some_and(|share| share.abs() <= MOST_APART);
    Agreement {
        pairs: pairs.len() as u32,
        difference: simulated.median.zip(real.median).map(|(from, to)| to - from),
        ci95: intervals(|from, to| Some(to - from)),
        relative,
        relative_ci95,
        p: distance.filter(|_| enough).map(|distance| p_value(distance, left.len(), right.len())),
        distance,
        matched: match relative {
            _ if !enough => Match::Undecided,
            // Neither reaches a median, or only one of them does.
            None if simulated.median.is_none() && real.median.is_none() => Match::Likely,
            None => Match::Apart,
            Some(_) if !within(relative) => Match::Apart,
            Some(_) if within(relative_ci95.low) && within(relative_ci95.high) => Match::Close,
            Some(_) => Match::Likely,
        },
        simulated,
        real,
    }
}

/// By what share of itself a number has to change to become another.
fn share(from: f64, to: f64) -> Option<f64> {
    if from == to { Some(0.0) } else { Some((to - from) / from).filter(|share| share.is_finite()) }
}
