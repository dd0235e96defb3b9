//! What a source claims, and how it is held against a sample of ours.

use super::{Row, Verdict};
use crate::experiment::measures::{Measure, Reading, Unit};
use crate::experiment::statistics::summarise;

/// The widest tolerance that a claim can state.
const WIDEST: f64 = 0.15;

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
    cause: Option<&'static str>,
}

impl Claim {
    pub fn new(
        reproduction: &'static str,
        figure: &'static str,
        row: String,
        measure: &'static str,
        paper: f64,
    ) -> Self {
        let (low, high, tolerance, closed_form) = (paper, paper, 0.05, false);
        Self { reproduction, figure, row, measure, low, high, tolerance, closed_form, source: "", cause: None }
    }

    /// It is a range, from the value given first to this one; infinity: at least that.
    pub fn up_to(mut self, high: f64) -> Self {
        self.high = high;
        self
    }

    /// Our interval is widened by this share of the published value; without it, by 5 %.
    pub fn within(mut self, tolerance: f64) -> Self {
        assert!(tolerance <= WIDEST, "a tolerance of {tolerance} is more than {WIDEST}");
        self.tolerance = tolerance;
        self
    }

    /// It is a formula's value: no cause excuses a difference.
    pub fn closed_form(mut self) -> Self {
        self.closed_form = true;
        self
    }

    /// Where and how the source says it.
    pub fn says(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    /// Why ours differs, where it does: what was measured to find out.
    pub fn because(mut self, cause: &'static str) -> Self {
        self.cause = Some(cause);
        self
    }

    /// Against the mean of one value per trial.
    pub fn against_mean(self, values: &[f64]) -> Row {
        let measure = Measure { name: "reproduced", unit: Unit::Seconds, about: "" };
        let readings: Vec<Reading> = values.iter().map(|&value| Reading::Value(value)).collect();
        let summary = summarise(&measure, &readings);
        let ours = summary.mean.unwrap_or(f64::NAN);
        self.against(ours, [summary.ci95_mean.low, summary.ci95_mean.high])
    }

    /// Against the median of one value per trial; `None` is not reached.
    pub fn against_median(self, values: &[Option<f64>]) -> Row {
        let measure = Measure { name: "reproduced", unit: Unit::Seconds, about: "" };
        let readings: Vec<Reading> =
            values.iter().map(|value| value.map_or(Reading::Censored, Reading::Value)).collect();
        let summary = summarise(&measure, &readings);
        self.against(summary.median.unwrap_or(f64::INFINITY), [summary.ci95.low, summary.ci95.high])
    }

    /// Against the largest of all values: for bounds.
    pub fn against_largest(self, values: &[f64]) -> Row {
        let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.against(largest, [Some(largest), Some(largest)])
    }

    /// Against a value with its interval.
    pub fn against(self, ours: f64, ci95: [Option<f64>; 2]) -> Row {
        let paper = ours.clamp(self.low, self.high);
        let slack = self.tolerance * paper.abs();
        let fits = ci95[0].unwrap_or(ours) - slack <= paper && paper <= ci95[1].unwrap_or(ours) + slack;
        let verdict = match self.cause {
            _ if fits => Verdict::Match,
            Some(_) if !self.closed_form => Verdict::Explained,
            _ => Verdict::Mismatch,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(paper: f64) -> Claim {
        Claim::new("r", "f", "row".to_owned(), "m", paper).within(0.1)
    }

    #[test]
    fn it_matches_if_the_interval_widened_by_the_tolerance_reaches_it() {
        let verdict = |low, high| claim(10.0).against((low + high) / 2.0, [Some(low), Some(high)]).verdict;
        assert_eq!(verdict(9.5, 10.5), Verdict::Match);
        assert_eq!(verdict(10.9, 12.0), Verdict::Match);
        assert_eq!(verdict(11.1, 12.0), Verdict::Mismatch);
        assert_eq!(verdict(8.0, 8.9), Verdict::Mismatch);
    }

    #[test]
    fn a_cause_explains_a_difference_but_never_from_a_formula() {
        let far = |claim: Claim| claim.against(20.0, [Some(19.0), Some(21.0)]);
        let row = far(claim(10.0).because("slow clocks"));
        assert_eq!((row.verdict, row.note.contains("slow clocks")), (Verdict::Explained, true));
        assert_eq!(far(claim(10.0).because("slow clocks").closed_form()).verdict, Verdict::Mismatch);
        let near = claim(20.0).because("slow clocks").against(20.0, [Some(19.0), Some(21.0)]);
        assert_eq!((near.verdict, near.note.contains("slow clocks")), (Verdict::Match, false));
    }

    #[test]
    fn of_a_range_the_nearest_value_is_compared() {
        let row = claim(1.0).up_to(3.0).against(2.0, [Some(2.0), Some(2.0)]);
        assert_eq!((row.paper, row.verdict), (2.0, Verdict::Match));
        let row = claim(1.0).up_to(3.0).against(5.0, [Some(5.0), Some(5.0)]);
        assert_eq!((row.paper, row.verdict), (3.0, Verdict::Mismatch));
    }

    #[test]
    #[should_panic(expected = "is more than 0.15")]
    fn no_tolerance_is_wider_than_fifteen_percent() {
        let _ = claim(1.0).within(0.2);
    }
}
