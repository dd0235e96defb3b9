//! The two-sample test of Kolmogorov and Smirnov.

/// The maximum product of the sample sizes for which the p-value is computed exactly, in as many steps. Beyond it, the
/// limit for large samples is right to three digits.
const MOST_STEPS: usize = 4_000_000;

/// The probability that two independent samples from one continuous distribution are as far apart as these, by the test of
/// Kolmogorov and Smirnov. Values may come in any order, censored ones as infinity.
///
/// ```
/// use swimlab::experiment::statistics::smirnov_p;
///
/// assert_eq!(smirnov_p(&[3.0, 1.0, 2.0], &[2.0, 3.0, 1.0]), 1.0);
/// let (early, late): (Vec<f64>, Vec<f64>) = ((0..10).map(f64::from).collect(), (20..30).map(f64::from).collect());
/// assert!(smirnov_p(&early, &late) < 0.0001);
/// ```
pub fn smirnov_p(left: &[f64], right: &[f64]) -> f64 {
    let sorted = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    p_value(distance(&sorted(left), &sorted(right)), left.len(), right.len())
}

/// The greatest distance between the distribution functions of two sorted samples.
pub(super) fn distance(left: &[f64], right: &[f64]) -> f64 {
    let (mut below_left, mut below_right, mut most) = (0, 0, 0.0_f64);
    while below_left < left.len() && below_right < right.len() {
        let value = left[below_left].min(right[below_right]);
        // The functions are compared after all values that are equal.
        below_left += left[below_left..].iter().take_while(|&&other| other <= value).count();
        below_right += right[below_right..].iter().take_while(|&&other| other <= value).count();
        let apart = below_left as f64 / left.len() as f64 - below_right as f64 / right.len() as f64;
        most = most.max(apart.abs());
    }
    most
}

/// The probability that independent samples of these sizes from one continuous distribution have at least this
/// distance. For distributions with ties it is an upper bound.
pub(super) fn p_value(distance: f64, left: usize, right: usize) -> f64 {
    if left.saturating_mul(right) <= MOST_STEPS { exact(distance, left, right) } else { limit(distance, left, right) }
}

/// The exact p-value. All orders of the two samples are equally likely. An order is a path from (0, 0) to (left, right)
/// with one step for each value, and the distance is below the given one if the path stays close to the diagonal
/// (Hodges, Arkiv foer Matematik 3, 1958). `reached[j]` is the probability that a path arrives at (i, j) and was never
/// far from it.
fn exact(distance: f64, left: usize, right: usize) -> f64 {
    // In whole numbers: |i / left - j / right| >= distance. Distances are multiples of 1 / (left right).
    let far = libm::round(distance * left as f64 * right as f64) as u64;
    let is_far = |i: usize, j: usize| (i as u64 * right as u64).abs_diff(j as u64 * left as u64) >= far;
    if far == 0 {
        return 1.0;
    }
    let mut reached = vec![0.0; right + 1];
    for i in 0..=left {
        for j in 0..=right {
            // The next step is distributed as the remaining values are among the samples.
            let across = |j: usize| (right - j) as f64 / (left - i + right - j) as f64;
            let down = |i: usize| (left - i) as f64 / (left - i + right - j) as f64;
            let from_above = if i > 0 { reached[j] * down(i - 1) } else { 0.0 };
            let from_before = if j > 0 { reached[j - 1] * across(j - 1) } else { 0.0 };
            reached[j] = match (i, j) {
                _ if is_far(i, j) => 0.0,
                (0, 0) => 1.0,
                _ => from_above + from_before,
            };
        }
    }
    (1.0 - reached[right]).clamp(0.0, 1.0)
}

/// The p-value in the limit of large samples (Smirnov, Annals of Mathematical Statistics 19, 1948).
fn limit(distance: f64, left: usize, right: usize) -> f64 {
    let (left, right) = (left as f64, right as f64);
    let scaled = distance * libm::sqrt(left * right / (left + right));
    // The alternating sum converges fast except near zero, where it is one.
    if scaled < 0.2 {
        return 1.0;
    }
    let term = |k: u32| {
        let k = f64::from(k);
        libm::exp(-2.0 * k * k * scaled * scaled)
    };
    let sum: f64 = (1..=100).map(|k| if k % 2 == 1 { term(k) } else { -term(k) }).sum();
    (2.0 * sum).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use swimlab_selectors::rng::{Purpose, stream};

    #[test]
    fn the_distance_is_the_greatest_gap_between_the_distribution_functions() {
        assert_eq!(distance(&[1.0, 2.0, 3.0], &[4.0, 5.0]), 1.0);
        assert_eq!(distance(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert_eq!(distance(&[1.0, 1.0, 2.0, 9.0], &[1.0, 2.0, 2.0, 3.0]), 0.25);
        // Censored values are greater than all others and equal to each other.
        assert_eq!(distance(&[1.0, f64::INFINITY], &[2.0, f64::INFINITY]), 0.5);
    }

    #[test]
    fn equal_sizes_follow_the_closed_form_of_gnedenko_and_korolyuk() {
        // P(D >= k / n) = 2 sum over j >= 1 of (-1)^(j+1) C(2n, n - jk) / C(2n, n) (1951). C(2n, n - i) / C(2n, n) is
        // the product over l = 0..i of (n - l) / (n + l + 1).
        for n in [4_usize, 8, 15, 30, 100] {
            for k in 1..=n {
                let ratio = |i: usize| (0..i).map(|l| (n as f64 - l as f64) / (n + l + 1) as f64).product::<f64>();
                let sum: f64 = (1..=n / k).map(|j| if j % 2 == 1 { ratio(j * k) } else { -ratio(j * k) }).sum();
                let exact = p_value(k as f64 / n as f64, n, n);
                assert!((exact - 2.0 * sum).abs() < 1e-9, "n {n}, k {k}: {exact} and {}", 2.0 * sum);
            }
        }
    }

    #[test]
    fn unequal_sizes_follow_an_enumeration_of_all_orders() {
        let (left, right) = (5, 7);
        let mut distances = Vec::new();
        for order in 0_u32..1 << (left + right) {
            if order.count_ones() == left {
                let of = |bit: bool| {
                    let places = (0..left + right).filter(|&place| (order >> place & 1 == 1) == bit);
                    places.map(f64::from).collect::<Vec<_>>()
                };
                distances.push(distance(&of(true), &of(false)));
            }
        }
        for &seen in &distances[..] {
            let as_far = distances.iter().filter(|&&other| other > seen - 1e-9).count();
            let share = as_far as f64 / distances.len() as f64;
            assert!((p_value(seen, 5, 7) - share).abs() < 1e-9, "{seen}: {} and {share}", p_value(seen, 5, 7));
        }
    }

    #[test]
    fn critical_values_are_those_of_smirnovs_table() {
        // 1.2238, 1.3581, 1.6276 times sqrt((m + n) / mn) at 10, 5 and 1 % (Smirnov 1948).
        for (scaled, level) in [(1.2238, 0.10), (1.3581, 0.05), (1.6276, 0.01)] {
            let size = 10_000;
            let p = p_value(scaled * libm::sqrt(2.0 / size as f64), size, size);
            assert!((p - level).abs() < 1e-4, "{scaled}: {p}");
            // With 1000 values, whose distances are multiples of 1 / 1000, the exact p-value is close.
            let size = 1000;
            let p = p_value(scaled * libm::sqrt(2.0 / size as f64), size, size);
            assert!((p - level).abs() < 0.1 * level, "{scaled}: {p}");
        }
    }

    #[test]
    fn equal_distributions_are_rejected_at_the_nominal_rate_and_different_ones_nearly_always() {
        let mut rng = stream(1, Purpose::Statistics, 1);
        let mut sample = |scale: f64| {
            let mut values: Vec<f64> = (0..100).map(|_| -scale * libm::log(1.0 - rng.random::<f64>())).collect();
            values.sort_unstable_by(f64::total_cmp);
            values
        };
        let mut rejected =
            |scale| (0..2000).filter(|_| p_value(distance(&sample(1.0), &sample(scale)), 100, 100) < 0.05).count();
        // The level of 100 values is 0.0364 = P(D >= 0.20). Three standard deviations are 25.
        let same = rejected(1.0);
        assert!((45..=105).contains(&same), "{same} of 2000");
        assert!(rejected(2.0) > 1900);
    }
}
