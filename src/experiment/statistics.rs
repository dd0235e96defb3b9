//! What many trials say together: medians and tails with their confidence, and differences that are more than noise.

use super::measures::{Better, Measure, Reading};
use super::results::FloorInputs;

/// One measure over all trials of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Trials with something to measure: values and censored ones.
    pub n: u32,
    /// How many of them did not reach it within the trial.
    pub censored: u32,
    /// Trials with nothing to measure.
    pub absent: u32,
    /// The mean; `None` if a trial is censored.
    pub mean: Option<f64>,
    /// The median.
    pub median: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The largest value.
    pub max: Option<f64>,
    /// The 95 % interval of the median.
    pub ci95: Interval,
    /// The 95 % interval of the 99th percentile.
    pub ci95_p99: Interval,
    /// The 95 % interval of the mean.
    pub ci95_mean: Interval,
}

/// A confidence interval; `None` is a bound that these trials cannot give.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub low: Option<f64>,
    /// The upper bound.
    pub high: Option<f64>,
}

/// How a cell compares to the baseline, trial by trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// Trials that both have.
    pub pairs: u32,
    /// The mean of the differences, other minus baseline; `None` if a trial is censored.
    pub mean_difference: Option<f64>,
    /// Its 95 % interval.
    pub ci95: Interval,
    /// The mean over the baseline's mean.
    pub ratio: Option<f64>,
    /// What to make of it.
    pub verdict: Verdict,
}

/// What to make of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Better than the baseline.
    Better,
    /// Worse than the baseline.
    Worse,
    /// Chance alone could make such a difference.
    WithinNoise,
    /// Too few trials to tell anything.
    Undecided,
}

/// Sums up one measure of a cell's trials.
pub fn summarise(_measure: &Measure, _readings: &[Reading]) -> Summary {
    todo!()
}

/// Compares pairs of (baseline, other), each pair from the same trial.
pub fn compare(_better: Better, _pairs: &[(Reading, Reading)]) -> Comparison {
    todo!()
}

/// The least mean that a measure can have.
pub fn floor(_measure: &Measure, _inputs: &FloorInputs) -> Option<f64> {
    todo!()
}
