//! Statistics over many trials: quantiles and means with confidence intervals, comparisons, and corrections for many of
//! them.
//!
//! The functions here need no experiment: they take slices of [`MeasuredValue`]s and can be applied to values from
//! anywhere. That is why the module is public under its own name. docs/measures.md describes the methods.
//!
//! ```
//! use swimlab::experiment::MeasuredValue;
//! use swimlab::experiment::statistics::{Verdict, compare};
//!
//! // Ten trials with a baseline of 2 s, in each of which the other one takes half a second less.
//! let pairs = vec![(MeasuredValue::Value(2.0), MeasuredValue::Value(1.5)); 10];
//! assert_eq!(compare(&pairs).verdict, Verdict::Better);
//! ```

mod agreement;
mod correction;
mod intervals;
mod smirnov;

use super::measures::{Measure, MeasuredValue, Unit};
pub use agreement::{Agreement, MOST_APART, Match, agree};
pub use correction::holm;
use intervals::{
    LEAST_PERMUTATION_P, bootstrap_difference, bootstrap_mean, events_mean, permutation_test, quantile_ranks,
    sign_flip_test, sign_test,
};
pub use smirnov::smirnov_p;

/// The minimum number of trials for intervals and verdicts: with fewer, no 95 % interval of a median exists, and six
/// trials on the same side are the first result of a sign test that is rarer than 5 %.
pub const FEWEST_TRIALS: usize = 6;

/// The level of all tests.
const LEVEL: f64 = 0.05;

/// Statistics of one measure over all trials of a cell. A censored trial counts as more than any value; a quantile is
/// `None` if it falls among censored trials.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// Number of trials that are not absent: values and censored ones.
    pub n: u32,
    /// Number of censored trials.
    pub censored: u32,
    /// Number of absent trials.
    pub absent: u32,
    /// The mean; `None` if a trial is censored.
    pub mean: Option<f64>,
    /// The median.
    pub median: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The largest value.
    pub max: Option<f64>,
    /// The 95 % interval of the median, by order statistics.
    pub ci95: Interval,
    /// The 95 % interval of the 99th percentile, by order statistics.
    pub ci95_p99: Interval,
    /// The 95 % interval of the mean, by bootstrap; for counts of events, never narrower than the one of Poisson's law.
    pub ci95_mean: Interval,
}

/// A confidence interval. A bound is `None` if the trials are too few for it, or if it is censored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub low: Option<f64>,
    /// The upper bound.
    pub high: Option<f64>,
}

/// The comparison of a cell with the baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// Number of trials in which neither is absent.
    pub pairs: u32,
    /// Number of these in which the cell had less than the baseline.
    pub less: u32,
    /// Number of these in which it had more.
    pub more: u32,
    /// The mean of the differences, cell minus baseline, of all times up to [`restricted_to`](Self::restricted_to).
    /// `None` without pairs, or if they differ only in what came later.
    pub mean_difference: Option<f64>,
    /// Its 95 % interval, by bootstrap.
    pub ci95: Interval,
    /// The time up to which every trial was observed, if a trial is censored; what took longer counts as this. The
    /// means here, the difference and the interval are such restricted means. `None` if no trial is censored.
    pub restricted_to: Option<f64>,
    /// The mean of the baseline over these trials; `None` where there is no mean difference.
    pub baseline_mean: Option<f64>,
    /// The mean divided by the baseline's mean.
    pub ratio: Option<f64>,
    /// The correlation of the two values of a pair (Pearson's), from -1 to 1. The variance of the mean difference is
    /// about this share less than without pairs. `None` if a side does not vary, and without pairs.
    pub correlation: Option<f64>,
    /// The p-value of the verdict, as [`holm`] needs it: that of the permutation test, or of the sign test, or an upper
    /// bound of it that is below what the number of permutations can show. It is 1 if
    /// the interval includes zero or the trials are too few, which makes the verdict neither better nor worse.
    pub p: f64,
    /// The least p-value that a test of this number of trials can have, whatever it finds.
    pub least_p: f64,
    /// The verdict: less is better, unless [`Comparison::of`] says otherwise.
    pub verdict: Verdict,
}

/// The verdict on a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Less than the baseline; more, of measures of which more is better.
    Better,
    /// More than the baseline; less, of measures of which more is better.
    Worse,
    /// Differences like this occur in more than 5 % of comparisons between equals.
    WithinNoise,
    /// Too few trials for a verdict, or for one that holds among as many comparisons.
    Undecided,
}

impl Comparison {
    /// The comparison of values of this measure: if more of it is better, the verdict is turned round.
    #[must_use]
    pub fn of(self, measure: &Measure) -> Self {
        let verdict = match self.verdict {
            Verdict::Better if measure.more_is_better => Verdict::Worse,
            Verdict::Worse if measure.more_is_better => Verdict::Better,
            verdict => verdict,
        };
        Self { verdict, ..self }
    }

    /// The mean difference and its interval as shares of the baseline's mean; `None` if there is no mean, or if that of
    /// the baseline is zero.
    pub fn relative(&self) -> Option<(f64, Interval)> {
        let base = self.baseline_mean.filter(|base| *base > 0.0)?;
        let share = |value: f64| value / base;
        let interval = Interval { low: self.ci95.low.map(share), high: self.ci95.high.map(share) };
        Some((share(self.mean_difference?), interval))
    }

    /// Whether the mean difference is smaller than this share of the baseline's mean. A difference without means, or
    /// from a mean of zero, is not.
    pub fn is_below(&self, smallest_effect: f64) -> bool {
        self.relative().is_some_and(|(share, _)| share.abs() < smallest_effect)
    }

    /// Whether the two sides differ in a trial, so that a verdict is possible.
    #[cfg(feature = "lab")]
    pub(crate) fn differs(&self) -> bool {
        self.less > 0 || self.more > 0 || self.mean_difference != Some(0.0)
    }
}

impl Verdict {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::WithinNoise => "within noise",
            Self::Undecided => "undecided",
        }
    }
}

/// The statistics of one measure over the trials of a cell.
pub fn summarize(measure: &Measure, readings: &[MeasuredValue]) -> Summary {
    let count = |is: fn(MeasuredValue) -> bool| readings.iter().filter(|&&reading| is(reading)).count();
    let (censored, absent) = (count(MeasuredValue::is_censored), count(|reading| reading == MeasuredValue::Absent));
    let values: Vec<f64> = readings.iter().filter_map(|reading| reading.value()).collect();
    let mut sorted = values.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.extend(std::iter::repeat_n(f64::INFINITY, censored));

    let n = sorted.len();
    let whole = censored == 0 && n > 0;
    let ci95_mean = match measure.unit {
        _ if !whole => Interval::default(),
        Unit::Events => events_mean(&values),
        _ => bootstrap_mean(&values),
    };
    Summary {
        n: n as u32,
        censored: censored as u32,
        absent: absent as u32,
        mean: whole.then(|| mean(&values)),
        median: quantile(&sorted, 0.5),
        p99: quantile(&sorted, 0.99),
        max: sorted.last().copied().and_then(finite),
        ci95: quantile_interval(&sorted, 0.5),
        ci95_p99: quantile_interval(&sorted, 0.99),
        ci95_mean,
    }
}

/// Compares pairs of (baseline, other), each pair from the same trial.
///
/// A difference is better or worse if two criteria agree at 5 %: the bootstrap interval of the mean difference excludes
/// zero, and a permutation test that flips the signs of the differences finds it rare. The second criterion prevents
/// that a few extreme trials decide.
///
/// With censored trials the means are restricted means (Royston and Parmar 2013): a time counts as at most the time up
/// to which every trial of both sides was observed, so that all values are known. If no pair differs within that time,
/// the sign test decides alone, in which censored is more than any value.
pub fn compare(pairs: &[(MeasuredValue, MeasuredValue)]) -> Comparison {
    let pairs: Vec<_> = pairs.iter().filter(|(base, other)| base.order().and(other.order()).is_some()).collect();
    let restricted_to = observed(pairs.iter().flat_map(|(base, other)| [*base, *other]));
    let ordered = pairs.iter().filter_map(|(base, other)| base.order()?.partial_cmp(&other.order()?));
    let (mut less, mut more) = (0, 0);
    for order in ordered {
        less += u32::from(order.is_gt());
        more += u32::from(order.is_lt());
    }
    let (base, other): (Vec<f64>, Vec<f64>) =
        pairs.iter().map(|(base, other)| (base.up_to(restricted_to), other.up_to(restricted_to))).unzip();
    let differences: Vec<f64> = base.iter().zip(&other).map(|(base, other)| other - base).collect();
    // Whether means say how the sides differ: there are pairs, and those that differ do so within that time.
    let differs_within = differences.iter().any(|difference| *difference != 0.0);
    let has_means = !pairs.is_empty() && (differs_within || less + more == 0);
    let ci95 = if has_means { bootstrap_mean(&differences) } else { Interval::default() };
    let side = match has_means {
        true => side_of_zero(ci95),
        false => i32::from(more > less) - i32::from(more < less),
    };
    let p = match side {
        _ if pairs.len() < FEWEST_TRIALS => 1.0,
        0 => 1.0,
        _ if has_means => sign_flip_test(&differences),
        _ => sign_test(less, more),
    };
    let sums = has_means.then(|| (base.iter().sum::<f64>(), other.iter().sum::<f64>()));
    Comparison {
        pairs: pairs.len() as u32,
        less,
        more,
        mean_difference: has_means.then(|| mean(&differences)),
        ci95,
        restricted_to,
        baseline_mean: sums.map(|(base, _)| base / pairs.len() as f64),
        ratio: sums.filter(|(base, _)| *base > 0.0).map(|(base, other)| other / base),
        correlation: correlation(&base, &other),
        p,
        // Of all ways to flip the signs of the differences, two are as extreme as those that are all alike.
        least_p: libm::exp2(1.0 - pairs.len() as f64).min(1.0),
        verdict: verdict(pairs.len(), side, p),
    }
}

/// Compares two cells whose trials are not pairs, as they have different seeds.
///
/// As in [`compare`], two criteria must agree at 5 %: the bootstrap interval of the difference of the means excludes
/// zero, and a permutation test that reassigns the trials to the two sides finds it rare. With censored trials the means
/// are restricted as there; if the trials do not differ within that time, the permutation test is applied to ranks and
/// decides alone. `pairs` is the number of trials of the smaller side, `less` and `more` are 0.
pub fn compare_unpaired(baseline: &[MeasuredValue], other: &[MeasuredValue]) -> Comparison {
    let ordered = |side: &[MeasuredValue]| side.iter().filter_map(|reading| reading.order()).collect::<Vec<f64>>();
    let (ordered_base, ordered_other) = (ordered(baseline), ordered(other));
    let pairs = ordered_base.len().min(ordered_other.len());
    let restricted_to = observed(baseline.iter().chain(other).copied());
    let restricted = |side: &[f64]| -> Vec<f64> {
        side.iter().map(|value| value.min(restricted_to.unwrap_or(f64::INFINITY))).collect()
    };
    let (base, other) = (restricted(&ordered_base), restricted(&ordered_other));
    let differs = |base: &[f64], other: &[f64]| base.iter().chain(other).any(|value| *value != base[0]);
    let has_means = pairs > 0 && (differs(&base, &other) || !differs(&ordered_base, &ordered_other));
    let means = has_means.then(|| (mean(&base), mean(&other)));
    let ci95 = if has_means { bootstrap_difference(&base, &other) } else { Interval::default() };
    let (base, other) = if has_means { (base, other) } else { ranks(&ordered_base, &ordered_other) };
    let side = match ci95 {
        Interval { low: Some(_), high: Some(_) } => side_of_zero(ci95),
        _ if pairs == 0 => 0,
        _ => {
            let apart = mean(&other) - mean(&base);
            i32::from(apart > 0.0) - i32::from(apart < 0.0)
        }
    };
    let p = if side == 0 || pairs < FEWEST_TRIALS { 1.0 } else { permutation_test(&base, &other) };
    let verdict = verdict(pairs, side, p);
    Comparison {
        pairs: pairs as u32,
        less: 0,
        more: 0,
        mean_difference: means.map(|(base, other)| other - base),
        ci95,
        restricted_to,
        baseline_mean: means.map(|(base, _)| base),
        ratio: means.filter(|(base, _)| *base > 0.0).map(|(base, other)| other / base),
        correlation: None,
        p,
        least_p: LEAST_PERMUTATION_P,
        verdict,
    }
}

/// The time up to which all of these trials were observed; `None` if none is censored.
fn observed(readings: impl Iterator<Item = MeasuredValue>) -> Option<f64> {
    let censored = readings.filter_map(|reading| match reading {
        MeasuredValue::Censored(observed) => Some(observed),
        MeasuredValue::Value(_) | MeasuredValue::Absent => None,
    });
    censored.reduce(f64::min)
}

/// Pearson's correlation; `None` with fewer than [`FEWEST_TRIALS`] pairs, or if a side does not vary.
fn correlation(left: &[f64], right: &[f64]) -> Option<f64> {
    if left.len() < FEWEST_TRIALS {
        return None;
    }
    let (left_mean, right_mean) = (mean(left), mean(right));
    let products = |pair: fn(f64, f64) -> f64| -> f64 {
        left.iter().zip(right).map(|(left, right)| pair(left - left_mean, right - right_mean)).sum()
    };
    let spread = libm::sqrt(products(|left, _| left * left) * products(|_, right| right * right));
    (spread > 0.0).then(|| (products(|left, right| left * right) / spread).clamp(-1.0, 1.0))
}

/// 1 if the interval is above zero, -1 if it is below, otherwise 0.
fn side_of_zero(interval: Interval) -> i32 {
    let is_above = interval.low.is_some_and(|low| low > 0.0);
    let is_below = interval.high.is_some_and(|high| high < 0.0);
    i32::from(is_above) - i32::from(is_below)
}

/// The verdict on a difference of this sign with this p-value.
fn verdict(pairs: usize, sign: i32, p: f64) -> Verdict {
    match sign {
        _ if pairs < FEWEST_TRIALS => Verdict::Undecided,
        _ if p >= LEVEL => Verdict::WithinNoise,
        -1 => Verdict::Better,
        1 => Verdict::Worse,
        _ => Verdict::WithinNoise,
    }
}

/// The ranks of two samples within both together; equal values share a rank.
fn ranks(left: &[f64], right: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut all = [left, right].concat();
    all.sort_unstable_by(f64::total_cmp);
    let rank = |value: &f64| {
        let (below, up_to) = (all.partition_point(|other| other < value), all.partition_point(|other| other <= value));
        (below + up_to) as f64 / 2.0
    };
    (left.iter().map(rank).collect(), right.iter().map(rank).collect())
}

impl MeasuredValue {
    /// The value, where there is one.
    pub fn value(self) -> Option<f64> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }

    /// The value by which readings are ordered: infinity if censored, `None` if absent.
    fn order(self) -> Option<f64> {
        if self.is_censored() { Some(f64::INFINITY) } else { self.value() }
    }

    /// Whether it is censored.
    pub fn is_censored(self) -> bool {
        matches!(self, Self::Censored(_))
    }

    /// The value, or this time if it is longer or censored. Not for absent readings.
    fn up_to(self, most: Option<f64>) -> f64 {
        self.order().unwrap_or(0.0).min(most.unwrap_or(f64::INFINITY))
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// The q-quantile, interpolated between neighbors (type 7 of Hyndman and Fan, 1996: the default of R and NumPy).
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q * sorted.len().checked_sub(1)? as f64;
    let (below, share) = (libm::floor(at), at - libm::floor(at));
    let low = sorted[below as usize];
    if share == 0.0 {
        return finite(low);
    }
    let high = sorted[below as usize + 1];
    finite(low + share * (high - low))
}

fn quantile_interval(sorted: &[f64], q: f64) -> Interval {
    let (low, high) = quantile_ranks(sorted.len(), q);
    let at = |rank: Option<usize>| rank.and_then(|rank| finite(sorted[rank]));
    Interval { low: at(low), high: at(high) }
}

#[cfg(test)]
mod tests;
