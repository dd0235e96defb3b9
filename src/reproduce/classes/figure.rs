//! A measured value with its interval, or the reason why there is none.

use std::fmt;

use crate::experiment::statistics::{Interval, summarize};
use crate::experiment::{Measure, MeasuredValue, Unit};
use crate::reproduce::page::number;

/// A measured value of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Figure {
    /// The group was not run, or the value could not be taken.
    #[default]
    NotRun,
    /// A trial ended before the event.
    NotReached,
    Measured(Estimate),
}

/// A mean or median and the bounds of its 95 % interval, all of them finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub value: f64,
    /// `None` if there are too few trials for an interval.
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl Figure {
    /// The mean of one value per trial, times `scale`. Counts of rare events are [`Unit::Events`].
    pub(super) fn mean(unit: Unit, trials: &[MeasuredValue], scale: f64) -> Self {
        let summary = summarize(&Measure::new("reproduced", unit, ""), trials);
        Self::of(summary.mean, summary.ci95_mean, summary.censored > 0, scale)
    }

    /// The median of one value per trial.
    pub(super) fn median(trials: &[f64]) -> Self {
        let trials: Vec<MeasuredValue> = trials.iter().copied().map(MeasuredValue::Value).collect();
        let summary = summarize(&Measure::new("reproduced", Unit::Seconds, ""), &trials);
        Self::of(summary.median, summary.ci95, false, 1.0)
    }

    fn of(value: Option<f64>, ci95: Interval, is_censored: bool, scale: f64) -> Self {
        let scaled = |value: f64| Some(scale * value).filter(|value| value.is_finite());
        match value.and_then(scaled) {
            _ if is_censored => Self::NotReached,
            Some(value) => {
                let [low, high] = [ci95.low, ci95.high].map(|bound| bound.and_then(scaled));
                Self::Measured(Estimate { value, low, high })
            }
            None => Self::NotRun,
        }
    }

    pub(super) fn estimate(self) -> Option<Estimate> {
        if let Self::Measured(estimate) = self { Some(estimate) } else { None }
    }

    /// The product of two values that are not negative; its interval is wider than one of 95 %.
    pub(super) fn times(self, other: Self) -> Self {
        let (one, other) = match (self, other) {
            (Self::Measured(one), Self::Measured(other)) => (one, other),
            (Self::NotRun, _) | (_, Self::NotRun) => return Self::NotRun,
            _ => return Self::NotReached,
        };
        let product = |one: Option<f64>, other: Option<f64>| Some(one? * other?);
        Self::Measured(Estimate {
            value: one.value * other.value,
            low: product(one.low, other.low),
            high: product(one.high, other.high),
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRun => f.write_str("not run"),
            Self::NotReached => f.write_str("not reached"),
            Self::Measured(estimate) => estimate.fmt(f),
        }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = (self.low.map(number), self.high.map(number));
        f.write_str(&number(self.value))?;
        match bounds {
            // All trials have the same value, but for what is not shown.
            (Some(low), Some(high)) if low == high => Ok(()),
            (Some(low), Some(high)) => write!(f, " ({low} to {high})"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_reached_or_not_run_is_no_number() {
        let values = |last| [vec![MeasuredValue::Value(2.0); 9], vec![last]].concat();
        let mean = |trials: &[MeasuredValue]| Figure::mean(Unit::Seconds, trials, 0.5).to_string();
        assert_eq!(mean(&values(MeasuredValue::Value(2.0))), "1.000");
        assert_eq!(mean(&values(MeasuredValue::Value(12.0))), "1.500 (1.000 to 3.500)");
        assert_eq!(mean(&values(MeasuredValue::Censored(60.0))), "not reached");
        assert_eq!(mean(&[]), "not run");
        assert_eq!(mean(&[MeasuredValue::Absent; 6]), "not run");
        assert_eq!(mean(&[MeasuredValue::Value(f64::NAN); 6]), "not run");
        assert_eq!(Figure::median(&[]).to_string(), "not run");
    }

    #[test]
    fn a_product_has_no_more_than_both_factors() {
        let of = |value, low, high| Figure::Measured(Estimate { value, low: Some(low), high: Some(high) });
        assert_eq!(of(2.0, 1.0, 3.0).times(of(5.0, 4.0, 6.0)), of(10.0, 4.0, 18.0));
        assert_eq!(of(2.0, 1.0, 3.0).times(Figure::NotReached), Figure::NotReached);
        assert_eq!(Figure::NotReached.times(Figure::NotRun), Figure::NotRun);
    }

    #[test]
    fn no_events_still_have_an_upper_bound() {
        let figure = Figure::mean(Unit::Events, &[MeasuredValue::Value(0.0); 10], 1.0);
        let Some(Estimate { value: 0.0, low: Some(0.0), high: Some(high) }) = figure.estimate() else {
            panic!("{figure:?}")
        };
        // -ln 0.025 events in ten trials.
        assert!((high - 0.3689).abs() < 1e-3, "{high}");
    }
}
