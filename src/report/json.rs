//! summary.json: what each cell says over all its trials.

use std::io;

use serde::ser::{Serialize, SerializeMap, Serializer};
use swimlab_selectors::rng::mix;

use crate::experiment::measures::MEASURES;
use crate::experiment::results::{CellResult, Results, Struck};
use crate::experiment::statistics::{Comparison, Interval, Summary, compare, summarize};

/// Writes summary.json: an array of cells.
pub fn write_summary(results: &Results, mut out: impl io::Write) -> io::Result<()> {
    let cells: Vec<_> = results.cells.iter().map(|cell| Cell { results, cell }).collect();
    serde_json::to_writer_pretty(&mut out, &cells)?;
    writeln!(out)
}

struct Cell<'a> {
    results: &'a Results,
    cell: &'a CellResult,
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { results, cell } = self;
        let key = &cell.key;
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in key.fields() {
            map.serialize_entry(name, &value)?;
        }
        map.serialize_entry("trials", &cell.trials.len())?;
        map.serialize_entry("complete", &(cell.trials.len() == results.trials as usize))?;
        map.serialize_entry("measures", &Measures { cell, baseline: results.baseline_of(cell) })?;
        let labels = results.faults_of(&key.scenario);
        let strikes: Vec<_> =
            cell.strikes().into_iter().enumerate().map(|(n, struck)| fault(labels, n, struck)).collect();
        map.serialize_entry("strikes", &strikes)?;
        map.serialize_entry("violations", &cell.violations())?;
        map.serialize_entry("events", &cell.trials.iter().map(|trial| trial.events).sum::<u64>())?;
        let hash = cell.trials.iter().fold(0, |hash, trial| mix(hash ^ trial.trace_hash));
        map.serialize_entry("trace_hash", &format!("{hash:016x}"))?;
        map.end()
    }
}

/// All measures of a cell, by name, in the order of the columns.
struct Measures<'a> {
    cell: &'a CellResult,
    baseline: Option<&'a CellResult>,
}

impl Serialize for Measures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { cell, baseline } = self;
        serializer.collect_map(MEASURES.iter().enumerate().map(|(column, measure)| {
            let Summary { n, censored, mean, median, p99, max, ci95, ci95_p99, ci95_mean, .. } =
                summarize(measure, &cell.readings(column));
            let pairs = |baseline| cell.pairs(baseline, |_, trial| trial.measured.readings[column]);
            let against = baseline.map(|baseline| against(baseline, &compare(&pairs(baseline))));
            let floor = cell.floor(measure);
            let (ci95, ci95_p99, ci95_mean) = (bounds(ci95), bounds(ci95_p99), bounds(ci95_mean));
            let summary =
                Entry { mean, median, p99, max, ci95, floor, censored, n, ci95_p99, ci95_mean, comparison: against };
            (measure.name, summary)
        }))
    }
}

#[derive(serde::Serialize)]
struct Entry {
    mean: Option<f64>,
    median: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
    ci95: [Option<f64>; 2],
    floor: Option<f64>,
    censored: u32,
    n: u32,
    ci95_p99: [Option<f64>; 2],
    ci95_mean: [Option<f64>; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<Against>,
}

#[derive(serde::Serialize)]
struct Against {
    baseline: String,
    verdict: &'static str,
    mean_difference: Option<f64>,
    ci95: [Option<f64>; 2],
    ratio: Option<f64>,
    pairs: u32,
    less: u32,
    more: u32,
}

#[derive(serde::Serialize)]
struct Fault {
    fault: String,
    #[serde(flatten)]
    struck: Struck,
}

fn against(baseline: &CellResult, comparison: &Comparison) -> Against {
    let &Comparison { pairs, less, more, mean_difference, ci95, ratio, verdict } = comparison;
    let (baseline, ci95) = (baseline.key.selector.clone(), bounds(ci95));
    Against { baseline, verdict: verdict.name(), mean_difference, ci95, ratio, pairs, less, more }
}

fn fault(labels: &[String], number: usize, struck: Struck) -> Fault {
    let fault = labels.get(number).cloned().unwrap_or_else(|| format!("fault {}", number + 1));
    Fault { fault, struck }
}

fn bounds(interval: Interval) -> [Option<f64>; 2] {
    [interval.low, interval.high]
}
