//! Confidence intervals at 95 %, and the p-values of tests.

use rand::Rng as _;
use statrs::distribution::{Binomial, ChiSquared, ContinuousCDF, DiscreteCDF, Normal};
use swimlab_selectors::rng::{Purpose, Rng, below, stream};

use super::{FEWEST_TRIALS, Interval, mean};

/// Number of resamples of a bootstrap, and of permutations of a permutation test.
const RESAMPLES: usize = 2000;

/// The least p-value of [`permutation_test`].
pub(super) const LEAST_PERMUTATION_P: f64 = 1.0 / (RESAMPLES as f64 + 1.0);

/// Probability in each tail outside of an interval.
const TAIL: f64 = 0.025;

/// The ranks, from 0, of the two sorted values that bound the q-quantile. Exact for any distribution, by the binomial
/// law of the number of values below it (David and Nagaraja, Order Statistics, 7.1).
pub(super) fn quantile_ranks(n: usize, q: f64) -> (Option<usize>, Option<usize>) {
    let below = Binomial::new(q, n as u64).expect("q is a probability");
    let low = below.inverse_cdf(TAIL) as usize;
    let high = below.inverse_cdf(1.0 - TAIL) as usize;
    (low.checked_sub(1), Some(high).filter(|&high| high < n))
}

/// The interval of a statistic `of` two sorted samples whose values are pairs, by percentiles of the bootstrap (Efron
/// 1979). Unknown if the statistic does not exist for every resample.
pub(super) fn bootstrap_pairs(pairs: &[(f64, f64)], of: impl Fn(&[f64], &[f64]) -> Option<f64>) -> Interval {
    let mut rng = rng();
    let (mut left, mut right) = (vec![0.0; pairs.len()], vec![0.0; pairs.len()]);
    let mut resample = || {
        for (left, right) in left.iter_mut().zip(&mut right) {
            (*left, *right) = pairs[below(&mut rng, pairs.len() as u32) as usize];
        }
        left.sort_unstable_by(f64::total_cmp);
        right.sort_unstable_by(f64::total_cmp);
        of(&left, &right)
    };
    let made: Option<Vec<f64>> = (0..RESAMPLES).map(|_| resample()).collect();
    let Some(mut made) = made else { return Interval::default() };
    made.sort_unstable_by(f64::total_cmp);
    let bound = |tail: f64| Some(made[libm::round(tail * (RESAMPLES as f64 - 1.0)) as usize]);
    Interval { low: bound(TAIL), high: bound(1.0 - TAIL) }
}

/// The interval of the mean, by bias-corrected and accelerated bootstrap (Efron 1987).
pub(super) fn bootstrap_mean(values: &[f64]) -> Interval {
    let n = values.len();
    if n < FEWEST_TRIALS {
        return Interval::default();
    }
    let center = mean(values);
    if values.iter().all(|&value| value == values[0]) {
        return Interval { low: Some(values[0]), high: Some(values[0]) };
    }
    let mut rng = rng();
    let mut means: Vec<f64> = (0..RESAMPLES).map(|_| resampled_mean(values, &mut rng)).collect();
    means.sort_unstable_by(f64::total_cmp);

    let normal = Normal::standard();
    let below = means.partition_point(|&mean| mean < center) as f64;
    let ties = means.partition_point(|&mean| mean <= center) as f64 - below;
    let resamples = RESAMPLES as f64;
    let bias = normal.inverse_cdf(((below + ties / 2.0) / resamples).clamp(1.0 / resamples, 1.0 - 1.0 / resamples));
    let squares: f64 = values.iter().map(|value| (value - center) * (value - center)).sum();
    let cubes: f64 = values.iter().map(|value| (value - center) * (value - center) * (value - center)).sum();
    let acceleration = cubes / (6.0 * squares * libm::sqrt(squares));
    let bound = |tail: f64| {
        let z = bias + normal.inverse_cdf(tail);
        let share = normal.cdf(bias + z / (1.0 - acceleration * z));
        Some(means[libm::round(share * (resamples - 1.0)) as usize])
    };
    Interval { low: bound(TAIL), high: bound(1.0 - TAIL) }
}

/// The interval of a mean number of events: that of the bootstrap, widened to Poisson's exact interval (Garwood 1936),
/// which is not degenerate if no event was seen. Events that occur in clusters, as false alarms do, vary more than by
/// Poisson's law, which the bootstrap accounts for.
pub(super) fn events_mean(counts: &[f64]) -> Interval {
    let Interval { low: Some(low), high: Some(high) } = bootstrap_mean(counts) else { return Interval::default() };
    let (n, total) = (counts.len() as f64, counts.iter().sum::<f64>());
    let chi = |freedom: f64, share: f64| ChiSquared::new(freedom).expect("above zero").inverse_cdf(share);
    let fewest = if total == 0.0 { 0.0 } else { chi(2.0 * total, TAIL) / 2.0 / n };
    let most = chi(2.0 * total + 2.0, 1.0 - TAIL) / 2.0 / n;
    Interval { low: Some(low.min(rounded(fewest))), high: Some(high.max(rounded(most))) }
}

/// Rounds to nine digits, as the last bits of the quantile functions differ between platforms.
fn rounded(value: f64) -> f64 {
    format!("{value:.8e}").parse().expect("a number as printed")
}

/// The p-value of the permutation test of paired differences, by sampling: the probability of a sum at least as far
/// from zero if each difference has either sign with equal probability. If no sample is as far, and Hoeffding's bound of
/// that probability (Journal of the American Statistical Association 58, 1963, theorem 2) is lower than the least p-value
/// that this number of samples can have, the bound.
pub(super) fn sign_flip_test(differences: &[f64]) -> f64 {
    let mut rng = rng();
    // Slightly less, so that sums that differ only by rounding count as equal.
    let seen = differences.iter().sum::<f64>().abs() * (1.0 - 1e-12);
    let as_far = (0..RESAMPLES).filter(|_| flipped_sum(differences, &mut rng).abs() >= seen).count();
    let sampled = (as_far + 1) as f64 / (RESAMPLES + 1) as f64;
    if as_far > 0 {
        return sampled;
    }
    let squares: f64 = differences.iter().map(|difference| difference * difference).sum();
    sampled.min(2.0 * libm::exp(-seen * seen / (2.0 * squares)))
}

/// The interval of the difference of the means of two samples, right minus left, by percentiles of the bootstrap.
pub(super) fn bootstrap_difference(left: &[f64], right: &[f64]) -> Interval {
    if left.len().min(right.len()) < FEWEST_TRIALS {
        return Interval::default();
    }
    let mut rng = rng();
    let difference = |_| resampled_mean(right, &mut rng) - resampled_mean(left, &mut rng);
    let mut differences: Vec<f64> = (0..RESAMPLES).map(difference).collect();
    differences.sort_unstable_by(f64::total_cmp);
    let bound = |tail: f64| Some(differences[libm::round(tail * (RESAMPLES as f64 - 1.0)) as usize]);
    Interval { low: bound(TAIL), high: bound(1.0 - TAIL) }
}

/// The p-value of the permutation test of two samples, by sampling: the probability of a difference of the means at
/// least as large if the values are assigned to the two samples at random.
pub(super) fn permutation_test(left: &[f64], right: &[f64]) -> f64 {
    let mut rng = rng();
    let mut all = [left, right].concat();
    let left_over = |at: usize| (left.len() + right.len() - at) as u32;
    let whole: f64 = all.iter().sum();
    let apart = |sum: f64| ((whole - sum) / right.len() as f64 - sum / left.len() as f64).abs();
    let seen = apart(left.iter().sum()) * (1.0 - 1e-12);
    let mut reassigned = || {
        // The first steps of a shuffle by Fisher and Yates choose the left sample.
        for at in 0..left.len() {
            let from = at + below(&mut rng, left_over(at)) as usize;
            all.swap(at, from);
        }
        apart(all[..left.len()].iter().sum())
    };
    let as_far = (0..RESAMPLES).filter(|_| reassigned() >= seen).count();
    (as_far + 1) as f64 / (RESAMPLES + 1) as f64
}

/// The p-value of the two-sided sign test: the probability of a split at least as uneven if both sides are equally
/// likely.
pub(super) fn sign_test(less: u32, more: u32) -> f64 {
    let fair = Binomial::new(0.5, u64::from(less + more)).expect("a half is a probability");
    (2.0 * fair.cdf(u64::from(less.min(more)))).min(1.0)
}

/// A fixed random stream for each statistic, so that a result does not depend on what else is computed.
fn rng() -> Rng {
    stream(0, Purpose::Statistics, 0)
}

fn resampled_mean(values: &[f64], rng: &mut Rng) -> f64 {
    let n = values.len() as u64;
    let mut sum = 0.0;
    let mut left = values.len();
    while left > 0 {
        // Two draws of 32 bits each from one number, scaled to 0..n; the bias is below n / 2^32.
        let bits = rng.next_u64();
        for half in [bits >> 32, bits & 0xffff_ffff].into_iter().take(left) {
            sum += values[((half * n) >> 32) as usize];
            left -= 1;
        }
    }
    sum / n as f64
}

fn flipped_sum(differences: &[f64], rng: &mut Rng) -> f64 {
    let mut sum = 0.0;
    for chunk in differences.chunks(64) {
        let signs = rng.next_u64();
        for (place, difference) in chunk.iter().enumerate() {
            sum += if signs >> place & 1 == 0 { *difference } else { -difference };
        }
    }
    sum
}
