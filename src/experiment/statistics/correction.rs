//! Correction of verdicts for the number of comparisons.

use super::{Comparison, LEVEL, Verdict};

/// Corrects the verdicts of comparisons that are reported together, so that the probability of any better or worse
/// among equals is at most 5 % for all of them (Holm, Scandinavian Journal of Statistics 6, 1979).
///
/// A verdict that does not hold becomes [`Verdict::WithinNoise`]; or [`Verdict::Undecided`] if with this number of
/// trials none could have held among as many comparisons, however large the difference. That is so for more than 100
/// comparisons of [`compare_unpaired`](super::compare_unpaired), whose p-values are at least 1/2001.
pub fn holm(comparisons: &mut [&mut Comparison]) {
    comparisons.sort_by(|one, other| one.p.total_cmp(&other.p));
    let all = comparisons.len();
    let holds = |p: f64, rejected: usize| p * ((all - rejected) as f64) < LEVEL;
    let rejected = (0..).zip(comparisons.iter()).take_while(|(rank, one)| holds(one.p, *rank)).count();
    for comparison in &mut comparisons[rejected..] {
        if matches!(comparison.verdict, Verdict::Better | Verdict::Worse) {
            let may_hold = holds(comparison.least_p, rejected);
            comparison.verdict = if may_hold { Verdict::WithinNoise } else { Verdict::Undecided };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::MeasuredValue;
    use crate::experiment::statistics::compare;
    use rand::RngExt;
    use swimlab_selectors::rng::{Purpose, stream};

    fn with_p(p: f64) -> Comparison {
        let verdict = if p < LEVEL { Verdict::Better } else { Verdict::WithinNoise };
        Comparison { p, verdict, ..compare(&[]) }
    }

    fn better(p: &[f64]) -> Vec<bool> {
        let mut all: Vec<Comparison> = p.iter().map(|&p| with_p(p)).collect();
        holm(&mut all.iter_mut().collect::<Vec<_>>());
        all.iter().map(|comparison| comparison.verdict == Verdict::Better).collect()
    }

    #[test]
    fn each_p_value_is_multiplied_by_the_number_of_those_not_yet_rejected() {
        // The example of Holm's method in the order 0.005, 0.01, 0.03, 0.04: 4 x 0.005, 3 x 0.01 < 0.05 <= 2 x 0.03.
        assert_eq!(better(&[0.01, 0.04, 0.03, 0.005]), [true, false, false, true]);
        // Once one is not rejected, no larger p-value is: 0.04 alone would be.
        assert_eq!(better(&[0.026, 0.04]), [false, false]);
        assert_eq!(better(&[0.049]), [true]);
        assert_eq!(better(&[]), [false; 0]);
    }

    #[test]
    fn a_verdict_that_no_difference_could_keep_among_so_many_comparisons_is_undecided() {
        let apart = |trials: u32| {
            let pair = |trial| (MeasuredValue::Value(97.0 + f64::from(trial)), MeasuredValue::Value(27.0));
            compare(&(0..trials).map(pair).collect::<Vec<_>>())
        };
        for (trials, comparisons, verdict) in [
            (6, 1, Verdict::Better),
            (6, 2, Verdict::Undecided),
            (10, 10, Verdict::Better),
            (10, 30, Verdict::Undecided),
        ] {
            let mut all = vec![apart(trials); comparisons];
            holm(&mut all.iter_mut().collect::<Vec<_>>());
            let all_alike = all.iter().all(|comparison| comparison.verdict == verdict);
            assert!(all_alike, "{trials} trials, {comparisons} comparisons: {:?}", all[0]);
        }
    }

    #[test]
    fn among_equals_at_most_one_family_in_twenty_has_a_verdict() {
        let mut rng = stream(2, Purpose::Statistics, 0);
        let mut family = || {
            let mut pairs = || {
                let mut value = || MeasuredValue::Value(rng.random::<f64>());
                compare(&(0..20).map(|_| (value(), value())).collect::<Vec<_>>())
            };
            let mut all: Vec<Comparison> = (0..10).map(|_| pairs()).collect();
            let before = all.iter().any(|one| one.verdict != Verdict::WithinNoise);
            holm(&mut all.iter_mut().collect::<Vec<_>>());
            (before, all.iter().any(|one| one.verdict != Verdict::WithinNoise))
        };
        let families: Vec<_> = (0..200).map(|_| family()).collect();
        let count = |of: fn(&(bool, bool)) -> bool| families.iter().filter(|one| of(one)).count();
        // Uncorrected, 1 - 0.95^10 = 40 % of them. Three standard deviations above 5 % of 200 are 20.
        assert!(count(|one| one.0) > 50, "{}", count(|one| one.0));
        assert!(count(|one| one.1) < 20, "{}", count(|one| one.1));
    }
}
