//! Claims of a source and their comparison with measured values.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{ClaimVerdict, Row};
use crate::experiment::statistics::summarize;
use crate::experiment::{Measure, MeasuredValue, Unit};

/// The maximum tolerance of a claim.
const MOST_TOLERANCE: f64 = 0.15;

/// A published figure.
pub(super) struct Claim {
    reproduction: &'static str,
    figure: &'static str,
    row: String,
    measure: &'static str,
    low: f64,
    high: f64,
    tolerance: f64,
    closed_form: bool,
    source: &'static str,
    cause: Option<String>,
}

impl Claim {
    pub(super) fn new(
        reproduction: &'static str,
        figure: &'static str,
        row: String,
        measure: &'static str,
        paper: f64,
    ) -> Self {
        let (low, high, tolerance, closed_form) = (paper, paper, 0.05, false);
        Self { reproduction, figure, row, measure, low, high, tolerance, closed_form, source: "", cause: None }
    }

    /// Makes it a range, from the value given to [`Self::new`] up to `high`, which may be infinite.
    pub(super) fn up_to(mut self, high: f64) -> Self {
        self.high = high;
        self
    }

    /// Sets the share of the published value by which the measured interval is widened; the default is 5 %.
    pub(super) fn within(mut self, tolerance: f64) -> Self {
        assert!(tolerance <= MOST_TOLERANCE, "a tolerance of {tolerance} is more than {MOST_TOLERANCE}");
        self.tolerance = tolerance;
        self
    }

    /// Marks the published value as that of a formula, whose difference no cause can explain.
    pub(super) fn closed_form(mut self) -> Self {
        self.closed_form = true;
        self
    }

    /// Sets the wording of the source.
    pub(super) fn says(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    /// Sets the measured cause of a difference.
    pub(super) fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Compares with the mean of one value per trial.
    pub(super) fn against_mean(self, values: &[f64]) -> Row {
        let measure = Measure::new("reproduced", Unit::Seconds, "");
        let readings: Vec<MeasuredValue> = values.iter().map(|&value| MeasuredValue::Value(value)).collect();
        let summary = summarize(&measure, &readings);
        let ours = summary.mean.unwrap_or(f64::NAN);
        self.against(ours, [summary.ci95_mean.low, summary.ci95_mean.high])
    }

    /// Compares with the median of one value per trial; `None` is not reached.
    pub(super) fn against_median(self, values: &[Option<f64>]) -> Row {
        let measure = Measure::new("reproduced", Unit::Seconds, "");
        let readings: Vec<MeasuredValue> =
            values.iter().map(|value| value.map_or(MeasuredValue::Censored(0.0), MeasuredValue::Value)).collect();
        let summary = summarize(&measure, &readings);
        self.against(summary.median.unwrap_or(f64::INFINITY), [summary.ci95.low, summary.ci95.high])
    }

    /// Compares with a quantile of the values of all trials; `None` is not reached. The interval is Woodruff's (1952):
    /// the values at which the bounds of the interval of the share below are reached. That interval is Student's over
    /// the trials, as the values of one depend on each other, and never narrower than that of independent values.
    pub(super) fn against_quantile(self, quantile: f64, trials: &[Vec<Option<f64>>]) -> Row {
        let mut all: Vec<f64> = trials.iter().flatten().map(|value| value.unwrap_or(f64::INFINITY)).collect();
        all.sort_unstable_by(f64::total_cmp);
        let count = all.len() as f64;
        let rank = quantile * count;
        let at = |rank: f64| all.get(rank.ceil().max(1.0) as usize - 1).copied();
        let Some(ours) = at(rank) else { return self.against(f64::NAN, [None, None]) };
        // How many values of each trial are below, more than expected.
        let excess = |trial: &Vec<Option<f64>>| {
            let below = trial.iter().flatten().filter(|&&value| value <= ours).count() as f64;
            below - quantile * trial.len() as f64
        };
        let n = trials.len() as f64;
        let squares: f64 = trials.iter().map(excess).map(|excess| excess * excess).sum();
        let by_trials = if n > 1.0 { student_975(n - 1.0) * (n / (n - 1.0) * squares).sqrt() } else { 0.0 };
        let half = by_trials.max(1.96 * (rank * (1.0 - quantile)).sqrt());
        self.against(ours, [at(rank - half), at(rank + half).filter(|high| high.is_finite())])
    }

    /// Compares with the time at which the share `share` of all events has occurred, on average over the trials.
    /// `times` has the events of each trial, `each` of them if none is missing. The interval is Woodruff's: the times
    /// at which the bounds of Student's interval of the share over the trials are reached.
    pub(super) fn against_share(self, share: f64, each: usize, times: &[Vec<f64>]) -> Row {
        let mut all: Vec<f64> = times.iter().flatten().copied().collect();
        all.sort_unstable_by(f64::total_cmp);
        let total = (each * times.len()) as f64;
        let reached = |share: f64| all.get((share * total).ceil().max(1.0) as usize - 1).copied();
        let Some(at) = reached(share) else { return self.against(f64::INFINITY, [None, None]) };
        let by_then = |times: &Vec<f64>| times.iter().filter(|&&time| time <= at).count() as f64 / each as f64;
        let shares: Vec<f64> = times.iter().map(by_then).collect();
        let n = shares.len() as f64;
        let mean = shares.iter().sum::<f64>() / n;
        let spread = shares.iter().map(|share| (share - mean) * (share - mean)).sum::<f64>() / (n - 1.0).max(1.0);
        let half = student_975((n - 1.0).max(1.0)) * (spread / n).sqrt();
        self.against(at, [reached((share - half).max(0.0)), reached((share + half).min(1.0)).or(all.last().copied())])
    }

    /// Compares with the largest of all values, for bounds.
    pub(super) fn against_largest(self, values: &[f64]) -> Row {
        let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.against(largest, [Some(largest), Some(largest)])
    }

    /// Compares with a value and its interval.
    pub(super) fn against(self, ours: f64, ci95: [Option<f64>; 2]) -> Row {
        let paper = ours.clamp(self.low, self.high);
        let slack = self.tolerance * paper.abs();
        let fits = ci95[0].unwrap_or(ours) - slack <= paper && paper <= ci95[1].unwrap_or(ours) + slack;
        let verdict = match &self.cause {
            _ if fits => ClaimVerdict::Match,
            Some(_) if !self.closed_form => ClaimVerdict::Explained,
            _ => ClaimVerdict::Mismatch,
        };
        let cause = self.cause.filter(|_| !fits).map(|cause| format!("; cause: {cause}")).unwrap_or_default();
        let range = if self.high > self.low && self.high.is_finite() {
            format!(", {} to {}", self.low, self.high)
        } else {
            String::new()
        };
        let note = format!("{}{range}; tolerance {} %{cause}", self.source, (100.0 * self.tolerance).round());
        Row {
            reproduction: self.reproduction,
            figure: self.figure,
            row: self.row,
            measure: self.measure,
            paper,
            ours,
            ci95,
            verdict,
            note,
            closed_form: self.closed_form,
        }
    }
}

/// The 97.5 % quantile of Student's t.
pub(super) fn student_975(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).expect("above zero").inverse_cdf(0.975)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(paper: f64) -> Claim {
        Claim::new("r", "f", "row".to_owned(), "m", paper).within(0.1)
    }

    #[test]
    fn a_claim_matches_if_the_interval_widened_by_the_tolerance_includes_it() {
        let verdict = |low, high| claim(10.0).against((low + high) / 2.0, [Some(low), Some(high)]).verdict;
        assert_eq!(verdict(9.5, 10.5), ClaimVerdict::Match);
        assert_eq!(verdict(10.9, 12.0), ClaimVerdict::Match);
        assert_eq!(verdict(11.1, 12.0), ClaimVerdict::Mismatch);
        assert_eq!(verdict(8.0, 8.9), ClaimVerdict::Mismatch);
    }

    #[test]
    fn a_cause_explains_a_difference_except_from_a_formula() {
        let far = |claim: Claim| claim.against(20.0, [Some(19.0), Some(21.0)]);
        let row = far(claim(10.0).because("slow clocks"));
        assert_eq!((row.verdict, row.note.contains("slow clocks")), (ClaimVerdict::Explained, true));
        assert_eq!(far(claim(10.0).because("slow clocks").closed_form()).verdict, ClaimVerdict::Mismatch);
        let near = claim(20.0).because("slow clocks").against(20.0, [Some(19.0), Some(21.0)]);
        assert_eq!((near.verdict, near.note.contains("slow clocks")), (ClaimVerdict::Match, false));
    }

    #[test]
    fn the_nearest_value_of_a_range_is_compared() {
        let row = claim(1.0).up_to(3.0).against(2.0, [Some(2.0), Some(2.0)]);
        assert_eq!((row.paper, row.verdict), (2.0, ClaimVerdict::Match));
        let row = claim(1.0).up_to(3.0).against(5.0, [Some(5.0), Some(5.0)]);
        assert_eq!((row.paper, row.verdict), (3.0, ClaimVerdict::Mismatch));
    }

    #[test]
    fn the_interval_of_a_quantile_is_that_of_the_order_statistics() {
        let values: Vec<Vec<Option<f64>>> = (1..=1000).map(|value| vec![Some(f64::from(value))]).collect();
        let row = claim(990.0).against_quantile(0.99, &values);
        // 990 +- 1.96 x sqrt(9.9).
        assert_eq!((row.ours, row.ci95), (990.0, [Some(984.0), Some(997.0)]));
        assert_eq!(claim(999.0).against_quantile(0.999, &values).ci95[1], None);
    }

    /// Issue 16, part 7.
    #[test]
    fn the_interval_of_a_quantile_knows_that_values_of_a_trial_depend_on_each_other() {
        // Ten equal values in each of 100 trials are a hundred independent ones.
        let trials: Vec<Vec<Option<f64>>> = (1..=100).map(|value| vec![Some(f64::from(value)); 10]).collect();
        let row = claim(50.0).against_quantile(0.5, &trials);
        // 50 +- 1.984 x sqrt(100 / 99 x 25).
        assert_eq!((row.ours, row.ci95), (50.0, [Some(41.0), Some(60.0)]));
    }

    #[test]
    fn a_share_is_that_of_all_trials_together() {
        // One event of four is late in every other trial: the mean share at one second is 7 of 8.
        let times = [vec![0.0, 1.0, 1.0, 1.0], vec![0.0, 1.0, 1.0, 9.0]];
        let row = |share| claim(1.0).against_share(share, 4, &times);
        assert_eq!((row(0.875).ours, row(0.876).ours), (1.0, 9.0));
        assert_eq!(claim(1.0).against_share(0.9, 5, &times).ours, f64::INFINITY);
    }

    #[test]
    #[should_panic(expected = "is more than 0.15")]
    fn a_tolerance_of_more_than_fifteen_percent_panics() {
        let _ = claim(1.0).within(0.2);
    }
}
