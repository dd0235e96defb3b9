//! Statistics over many trials: medians and tails with their confidence, and differences that are more than noise.

mod agreement;
mod intervals;
mod smirnov;

use super::measures::{Measure, MeasuredValue, Unit};
pub use agreement::{Agreement, MOST_APART, Match, agree};
use intervals::{
    bootstrap_difference, bootstrap_mean, events_mean, permutation_test, quantile_ranks, sign_flip_test, sign_test,
};

/// Below this, no 95 % interval of a median exists: six trials on one side are the first surprise at 5 %.
pub const FEWEST_TRIALS: usize = 6;

/// One measure over all trials of a cell. A censored trial counts as more than any value, and `None` as a quantile
/// says that it falls among those.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Trials with something to measure: values and censored ones.
    pub n: u32,
    /// How many of them did not reach it within the trial.
    pub censored: u32,
    /// Trials with nothing to measure.
    pub absent: u32,
    /// The mean; `None` if a trial is censored, as it is unknown then.
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
    /// The 95 % interval of the mean, by bootstrap; for counts of events, never narrower than Poisson's.
    pub ci95_mean: Interval,
}

/// A confidence interval; `None` is a bound that these trials cannot give: they are too few, or it is censored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub low: Option<f64>,
    /// The upper bound.
    pub high: Option<f64>,
}

/// The comparison of a cell with the baseline, trial by trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// Trials in which both have something to measure.
    pub pairs: u32,
    /// In how many of them it was less than the baseline.
    pub less: u32,
    /// In how many of them it was more.
    pub more: u32,
    /// The mean of the differences, other minus baseline; `None` if a trial is censored.
    pub mean_difference: Option<f64>,
    /// Its 95 % interval, by bootstrap.
    pub ci95: Interval,
    /// The mean over the baseline's mean.
    pub ratio: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
}

/// The verdict on a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Less than the baseline: better.
    Better,
    /// More than the baseline: worse.
    Worse,
    /// Chance alone makes such differences in one of twenty comparisons.
    WithinNoise,
    /// Too few trials to tell anything.
    Undecided,
}

impl Verdict {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::WithinNoise => "within noise",
            Self::Undecided => "undecided",
        }
    }
}

/// Sums up one measure of a cell's trials.
pub fn summarize(measure: &Measure, readings: &[MeasuredValue]) -> Summary {
    let count = |reading: MeasuredValue| readings.iter().filter(|&&other| other == reading).count();
    let (censored, absent) = (count(MeasuredValue::Censored), count(MeasuredValue::Absent));
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
/// A difference is called better or worse if two criteria agree at 5 %: the bootstrap interval of the mean difference
/// leaves out zero, and a difference of this size is rare when the signs of the differences are flipped at random. The
/// second keeps a few extreme trials from deciding. With censored trials there is no mean; then the sign test decides,
/// in which censored is more than any value.
pub fn compare(pairs: &[(MeasuredValue, MeasuredValue)]) -> Comparison {
    let pairs: Vec<_> = pairs.iter().filter_map(|(base, other)| Some((base.order()?, other.order()?))).collect();
    let less = pairs.iter().filter(|(base, other)| other < base).count() as u32;
    let more = pairs.iter().filter(|(base, other)| other > base).count() as u32;
    let whole = !pairs.is_empty() && pairs.iter().all(|(base, other)| base.is_finite() && other.is_finite());

    let differences: Vec<f64> = pairs.iter().map(|(base, other)| other - base).collect();
    let ci95 = if whole { bootstrap_mean(&differences) } else { Interval::default() };
    let side = if whole {
        match ci95 {
            Interval { low: Some(low), .. } if low > 0.0 => 1,
            Interval { high: Some(high), .. } if high < 0.0 => -1,
            _ => 0,
        }
    } else {
        (i64::from(more) - i64::from(less)).signum()
    };
    let agreed = || if whole { sign_flip_test(&differences) } else { sign_test(less, more) < 0.05 };
    let verdict = match side {
        _ if pairs.len() < FEWEST_TRIALS => Verdict::Undecided,
        -1 if agreed() => Verdict::Better,
        1 if agreed() => Verdict::Worse,
        _ => Verdict::WithinNoise,
    };
    let sum = |side: fn(&(f64, f64)) -> f64| pairs.iter().map(side).sum::<f64>();
    let (base, other) = (sum(|pair| pair.0), sum(|pair| pair.1));
    Comparison {
        pairs: pairs.len() as u32,
        less,
        more,
        mean_difference: whole.then(|| mean(&differences)),
        ci95,
        ratio: (whole && base > 0.0).then(|| other / base),
        verdict,
    }
}

/// Compares two cells whose trials do not go together: (baseline, other), each with trials of its own.
///
/// As in [`compare`], two criteria must agree at 5 %: the bootstrap interval of the difference of the means leaves out
/// zero, and a difference of this size is rare when the trials are dealt to the two sides at random. With censored trials
/// there are no means; then ranks are dealt, and that test decides alone. `pairs` is the number of trials of the smaller
/// side, `less` and `more` stay 0.
pub fn compare_unpaired(baseline: &[MeasuredValue], other: &[MeasuredValue]) -> Comparison {
    let ordered = |side: &[MeasuredValue]| side.iter().filter_map(|reading| reading.order()).collect::<Vec<f64>>();
    let (mut base, mut other) = (ordered(baseline), ordered(other));
    let pairs = base.len().min(other.len());
    let whole = pairs > 0 && base.iter().chain(&other).all(|value| value.is_finite());
    let means = whole.then(|| (mean(&base), mean(&other)));
    let ci95 = if whole { bootstrap_difference(&base, &other) } else { Interval::default() };
    if !whole {
        (base, other) = ranks(&base, &other);
    }
    let side = match ci95 {
        Interval { low: Some(low), high: Some(high) } => i32::from(low > 0.0) - i32::from(high < 0.0),
        _ if pairs == 0 => 0,
        _ => {
            let apart = mean(&other) - mean(&base);
            i32::from(apart > 0.0) - i32::from(apart < 0.0)
        }
    };
    let verdict = match side {
        _ if pairs < FEWEST_TRIALS => Verdict::Undecided,
        -1 if permutation_test(&base, &other) => Verdict::Better,
        1 if permutation_test(&base, &other) => Verdict::Worse,
        _ => Verdict::WithinNoise,
    };
    Comparison {
        pairs: pairs as u32,
        less: 0,
        more: 0,
        mean_difference: means.map(|(base, other)| other - base),
        ci95,
        ratio: means.filter(|(base, _)| *base > 0.0).map(|(base, other)| other / base),
        verdict,
    }
}

/// The ranks of two samples in both together; what is equal shares a rank.
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

    /// Its place in the order of values; censored ones come last.
    fn order(self) -> Option<f64> {
        if self == Self::Censored { Some(f64::INFINITY) } else { self.value() }
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
