//! Ratios of sums over the trials of several scenarios.

use super::claim::student_975;

/// A ratio with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// The mean of a Poisson count that is zero with probability 0.025: -ln 0.025 (Garwood 1936).
const NONE_SEEN: f64 = 3.689;

/// The sum of the first values divided by the sum of the second ones. Each inner list has the trials of one scenario,
/// each of which gives both values; the scenarios are fixed.
///
/// The interval is that of Student's t for the logarithm of the ratio. Its variance is that of trials within their
/// scenario (Cochran, Sampling Techniques, 6.10: a combined ratio of strata), with the degrees of freedom of
/// Satterthwaite (1946): events of one trial may come in clusters, so trials are independent and events are not. It is
/// never narrower than that of two Poisson counts, which alone has something to say if there are no events.
pub(super) fn ratio_of_sums(scenarios: &[Vec<(f64, f64)>]) -> Ratio {
    let trials = || scenarios.iter().flatten();
    let (ours, base) = trials().fold((0.0, 0.0), |(ours, base), trial| (ours + trial.0, base + trial.1));
    if ours == 0.0 {
        return Ratio { value: 0.0, low: 0.0, high: NONE_SEEN / base.max(1.0) };
    }
    let value = ours / base;
    let by_events = 1.96 * (1.0 / ours.max(1.0) + 1.0 / base.max(1.0)).sqrt();
    let half = by_trials(scenarios, ours, value).max(by_events);
    Ratio { value, low: value / libm::exp(half), high: value * libm::exp(half) }
}

/// Half of the interval of the logarithm of a ratio, by the spread of trials around it within their scenario; 0 if no
/// scenario has two trials.
fn by_trials(scenarios: &[Vec<(f64, f64)>], ours: f64, ratio: f64) -> f64 {
    let (mut variance, mut weight) = (0.0, 0.0);
    for trials in scenarios.iter().filter(|trials| trials.len() > 1) {
        let n = trials.len() as f64;
        let residuals: Vec<f64> = trials.iter().map(|(ours, base)| ours - ratio * base).collect();
        let mean = residuals.iter().sum::<f64>() / n;
        let squares: f64 = residuals.iter().map(|residual| (residual - mean) * (residual - mean)).sum();
        let of_sum = n * squares / (n - 1.0);
        variance += of_sum;
        weight += of_sum * of_sum / (n - 1.0);
    }
    if variance == 0.0 {
        return 0.0;
    }
    student_975(variance * variance / weight) * variance.sqrt() / ours
}

#[cfg(test)]
mod tests {
    use swimlab_selectors::rng::{Purpose, Rng, stream, unit};

    use super::*;

    /// A number of clusters by Poisson's law, each of which has 1 to 40 events.
    fn clustered(clusters: f64, rng: &mut Rng) -> f64 {
        let (mut events, mut left) = (0.0, clusters + libm::log(unit(rng).max(1e-12)));
        while left > 0.0 {
            events += (1.0 + 40.0 * unit(rng)).floor();
            left += libm::log(unit(rng).max(1e-12));
        }
        events
    }

    /// Issue 16, part 7: an interval of two Poisson counts covers the truth in less than half of such samples.
    #[test]
    fn the_interval_covers_the_truth_where_events_come_in_clusters() {
        let mut rng = stream(1, Purpose::Statistics, 3);
        let (mut covered, mut covered_by_events) = (0, 0);
        for _ in 0..400 {
            let trial = |at: usize, rng: &mut Rng| {
                let clusters = 2.0 + (at % 5) as f64;
                (clustered(clusters / 2.0, rng), clustered(clusters, rng))
            };
            let scenarios: Vec<Vec<(f64, f64)>> =
                (0..24).map(|at| (0..2).map(|_| trial(at, &mut rng)).collect()).collect();
            let Ratio { value, low, high } = ratio_of_sums(&scenarios);
            covered += u32::from((low..=high).contains(&0.5));
            let sum = |side: fn(&(f64, f64)) -> f64| scenarios.iter().flatten().map(side).sum::<f64>();
            let half = 1.96 * (1.0 / sum(|trial| trial.0) + 1.0 / sum(|trial| trial.1)).sqrt();
            covered_by_events += u32::from((value / libm::exp(half)..=value * libm::exp(half)).contains(&0.5));
        }
        assert!((370..=396).contains(&covered), "{covered} of 400");
        assert!(covered_by_events < 200, "{covered_by_events} of 400");
    }

    #[test]
    fn independent_events_have_the_interval_of_poisson_counts() {
        let Ratio { value, low, high } = ratio_of_sums(&[vec![(50.0, 100.0), (50.0, 100.0)], vec![(10.0, 20.0)]]);
        assert_eq!(value, 0.5);
        let half = 1.96 * (1.0_f64 / 110.0 + 1.0 / 220.0).sqrt();
        assert!((high / value - libm::exp(half)).abs() < 1e-9 && (value / low - libm::exp(half)).abs() < 1e-9);
        assert_eq!(ratio_of_sums(&[vec![(0.0, 100.0)]]), Ratio { value: 0.0, low: 0.0, high: 0.03689 });
    }
}
