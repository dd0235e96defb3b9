//! The quality of service of failure detectors over all trials of a cell: how long they take to detect a crash, and how
//! long they go without a mistake (Chen, Toueg, Aguilera 2002).

use crate::experiment::statistics::{Interval, Summary, summarize};
use crate::experiment::{CellResult, Measure, MeasuredValue};

/// The share of two-sided 95 % intervals on either side.
const TAIL: f64 = 0.025;

/// An estimate, or a bound of what is longer than all that was observed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub value: f64,
    /// Whether the true value is larger by an unknown amount.
    pub is_bound: bool,
    pub ci95: Interval,
}

/// The figures of one cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quality {
    /// T_D, the mean over all pairs of a victim and a survivor, then over the trials, in seconds.
    pub detection: Estimate,
    /// T_MR, the time of all pairs in all trials by the number of mistakes, in seconds.
    pub recurrence: Estimate,
    /// Number of mistakes in all trials.
    pub mistakes: f64,
    /// T_M in seconds, over the trials.
    pub duration: Summary,
    /// 1 - P_A: the share of the time of all pairs in which the one held the other dead.
    pub inaccuracy: f64,
}

impl Quality {
    /// The figures of a cell; `None` without crashes, or without pairs of members.
    pub(super) fn of(cell: &CellResult) -> Option<Self> {
        let counts = cell.readings_of("false_positives");
        let recurrences = cell.readings_of("mistake_recurrence_s");
        let accuracies = cell.readings_of("query_accuracy");
        let (mut pair_s, mut wrong_s, mut mistakes) = (0.0, 0.0, 0.0);
        for ((count, recurrence), accuracy) in counts.iter().zip(&recurrences).zip(&accuracies) {
            let count = count.value()?;
            let observed = match *recurrence {
                MeasuredValue::Value(mean) => mean * count,
                MeasuredValue::Censored(all) => all,
                MeasuredValue::Absent => return None,
            };
            pair_s += observed;
            wrong_s += observed * (1.0 - accuracy.value()?);
            mistakes += count;
        }
        let per_trial = pair_s / cell.trials.len() as f64;
        let rate = summarize(Measure::named("false_positives")?, &counts).ci95_mean;
        let recurrence = match mistakes {
            0.0 => {
                // The largest mean count with which none is seen in one of forty runs like this, by Poisson's law.
                let low = pair_s / -libm::log(TAIL);
                Estimate { value: low, is_bound: true, ci95: Interval { low: Some(low), high: None } }
            }
            _ => {
                let time = |rate: Option<f64>| rate.filter(|rate| *rate > 0.0).map(|rate| per_trial / rate);
                let ci95 = Interval { low: time(rate.high), high: time(rate.low) };
                Estimate { value: pair_s / mistakes, is_bound: false, ci95 }
            }
        };
        let duration = summarize(Measure::named("mistake_duration_s")?, &cell.readings_of("mistake_duration_s"));
        Some(Self { detection: detection(cell)?, recurrence, mistakes, duration, inaccuracy: wrong_s / pair_s })
    }
}

/// The mean detection time; the mean of what was observed if pairs of some trial never detect.
fn detection(cell: &CellResult) -> Option<Estimate> {
    let measure = Measure::named("detection_mean_s")?;
    let readings = cell.readings_of(measure.name);
    let at_least = readings.iter().filter_map(|reading| match *reading {
        MeasuredValue::Value(time) | MeasuredValue::Censored(time) => Some(MeasuredValue::Value(time)),
        MeasuredValue::Absent => None,
    });
    let summary = summarize(measure, &at_least.collect::<Vec<_>>());
    let is_bound = readings.iter().any(|reading| reading.is_censored());
    Some(Estimate { value: summary.mean?, is_bound, ci95: summary.ci95_mean })
}

/// The indices of those that no other one beats in both figures, by ascending detection time. A bound counts as it is.
pub(super) fn front(all: &[Quality]) -> Vec<usize> {
    let position = |index: &usize| (all[*index].detection.value, all[*index].recurrence.value);
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|one, other| {
        let (one, other) = (position(one), position(other));
        one.0.total_cmp(&other.0).then(other.1.total_cmp(&one.1))
    });
    let mut front: Vec<usize> = Vec::new();
    for index in order {
        if front.last().is_none_or(|last| position(&index).1 > position(last).1 || position(&index) == position(last)) {
            front.push(index);
        }
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{CellKey, MEASURES, Measured, TrialResult};

    /// A cell whose trials have these detection times and counts of mistakes, in 1000 s of all pairs.
    fn cell(trials: &[(MeasuredValue, f64)]) -> CellResult {
        let trial = |(number, &(detection, mistakes)): (usize, &(MeasuredValue, f64))| {
            let mut readings = vec![MeasuredValue::Absent; MEASURES.len()];
            let mut set = |name: &str, value| readings[Measure::index_of(name).unwrap()] = value;
            set("detection_mean_s", detection);
            set("false_positives", MeasuredValue::Value(mistakes));
            set("query_accuracy", MeasuredValue::Value(1.0 - mistakes * 2.0 / 1000.0));
            set(
                "mistake_recurrence_s",
                match mistakes {
                    0.0 => MeasuredValue::Censored(1000.0),
                    _ => MeasuredValue::Value(1000.0 / mistakes),
                },
            );
            let json = serde_json::json!({ "readings": readings, "victims": [], "strikes": [] });
            let measured: Measured = serde_json::from_value(json).unwrap();
            let (trial, seed, violations) = (number as u32, 1, Vec::new());
            TrialResult { trial, seed, measured, trace_hash: 0, events: 0, violations }
        };
        let trials = trials.iter().enumerate().map(trial).collect();
        CellResult { key: CellKey::default(), floors: None, duration_s: 1.0, trials }
    }

    fn quality(trials: &[(MeasuredValue, f64)]) -> Quality {
        Quality::of(&cell(trials)).unwrap()
    }

    #[test]
    fn the_recurrence_time_is_that_of_all_trials_together() {
        let value = MeasuredValue::Value;
        let quality = quality(&[(value(2.0), 0.0), (value(4.0), 3.0), (value(3.0), 1.0)].repeat(4));
        assert_eq!((quality.detection.value, quality.mistakes), (3.0, 16.0));
        assert_eq!((quality.recurrence.value, quality.recurrence.is_bound), (750.0, false));
        let Interval { low: Some(low), high: Some(high) } = quality.recurrence.ci95 else { panic!("an interval") };
        assert!(low < 600.0 && 900.0 < high, "{low} {high}");
        assert!((quality.inaccuracy - 32.0 / 12_000.0).abs() < 1e-12);
    }

    #[test]
    fn without_a_mistake_the_recurrence_time_is_a_bound_and_not_dropped() {
        let quality = quality(&[(MeasuredValue::Value(2.0), 0.0); 3]);
        assert!(quality.recurrence.is_bound);
        assert!((quality.recurrence.value - 3000.0 / 3.6889).abs() < 0.1, "{:?}", quality.recurrence);
    }

    #[test]
    fn without_all_detections_the_detection_time_is_a_bound() {
        let quality = quality(&[(MeasuredValue::Value(2.0), 1.0), (MeasuredValue::Censored(8.0), 1.0)]);
        assert_eq!((quality.detection.value, quality.detection.is_bound), (5.0, true));
        assert!(Quality::of(&cell(&[(MeasuredValue::Absent, 1.0)])).is_none(), "no crash");
    }

    #[test]
    fn the_front_has_whoever_is_faster_or_makes_rarer_mistakes() {
        let at = |detection: f64, mistakes: f64| quality(&[(MeasuredValue::Value(detection), mistakes)]);
        let all = [at(5.0, 1.0), at(1.0, 8.0), at(3.0, 9.0), at(4.0, 2.0), at(6.0, 2.0)];
        assert_eq!(front(&all), [1, 3, 0]);
    }
}
