//! summary.json: the statistics of each cell.

use std::io;

use rayon::prelude::*;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use swimlab_selectors::rng::mix;

use super::exporter::{ExportOptions, Exporter};
use super::overview::Overview;
use crate::experiment::statistics::{Comparison, Interval, Summary, compare, summarize};
use crate::experiment::{CellResult, FaultCount, Measure, Results};

/// An array of cells, each with the statistics of all measures over its trials.
#[derive(Clone, Copy, Debug, Default)]
pub struct SummaryJson;

impl Exporter for SummaryJson {
    fn name(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> &'static str {
        "summary.json: the statistics of each cell"
    }

    fn file_name(&self) -> Option<&'static str> {
        Some("summary.json")
    }

    fn is_data(&self) -> bool {
        true
    }

    fn export(&self, results: &Results, _: &ExportOptions<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &Summaries(&Overview::of(results)))?;
        writeln!(out)
    }
}

/// The cells of an experiment.
struct Summaries<'a>(&'a Overview<'a>);

/// The number of cells whose statistics are computed at once, on all cores, and kept until they are written.
const AT_ONCE: usize = 256;

impl Serialize for Summaries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = &self.0.results.cells;
        let mut array = serializer.serialize_seq(Some(cells.len()))?;
        for chunk in cells.chunks(AT_ONCE) {
            let measures: Vec<_> = chunk.par_iter().map(|cell| measures(self.0, cell)).collect();
            for (cell, measures) in chunk.iter().zip(measures) {
                array.serialize_element(&CellSummary { overview: self.0, cell, measures })?;
            }
        }
        array.end()
    }
}

struct CellSummary<'a> {
    overview: &'a Overview<'a>,
    cell: &'a CellResult,
    /// In the order of [`MEASURES`](crate::experiment::MEASURES).
    measures: Vec<(&'static str, MeasureSummary)>,
}

impl Serialize for CellSummary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { overview, cell, measures } = self;
        let key = &cell.key;
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in key.fields() {
            map.serialize_entry(name, &value)?;
        }
        map.serialize_entry("trials", &cell.trials.len())?;
        map.serialize_entry("complete", &(cell.trials.len() == overview.results.trials as usize))?;
        map.serialize_entry("measures", &ByName(measures))?;
        let labels = overview.faults_of(&key.scenario);
        let strikes: Vec<_> =
            cell.strikes().into_iter().enumerate().map(|(index, count)| fault(labels, index, count)).collect();
        map.serialize_entry("strikes", &strikes)?;
        map.serialize_entry("violations", &cell.violations())?;
        map.serialize_entry("events", &cell.trials.iter().map(|trial| trial.events).sum::<u64>())?;
        let hash = cell.trials.iter().fold(0, |hash, trial| mix(hash ^ trial.trace_hash));
        map.serialize_entry("trace_hash", &format!("{hash:016x}"))?;
        map.end()
    }
}

/// The measures of a cell, by name.
struct ByName<'a>(&'a [(&'static str, MeasureSummary)]);

impl Serialize for ByName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, summary)| (name, summary)))
    }
}

fn measures(overview: &Overview<'_>, cell: &CellResult) -> Vec<(&'static str, MeasureSummary)> {
    let baseline = overview.baseline_of(cell);
    let summary = |(column, measure): (usize, &'static Measure)| {
        let Summary { n, censored, mean, median, p99, max, ci95, ci95_p99, ci95_mean, .. } =
            summarize(measure, &cell.readings(column));
        let pairs = |baseline| cell.pairs(baseline, |_, trial| trial.measured.readings[column]);
        let comparison = baseline.map(|baseline| comparison_with(baseline, &compare(&pairs(baseline)).of(measure)));
        let floor = cell.floor(measure);
        let (ci95, ci95_p99, ci95_mean) = (bounds(ci95), bounds(ci95_p99), bounds(ci95_mean));
        let summary =
            MeasureSummary { mean, median, p99, max, ci95, floor, censored, n, ci95_p99, ci95_mean, comparison };
        (measure.name, summary)
    };
    overview.results.measures().map(summary).collect()
}

#[derive(serde::Serialize)]
struct MeasureSummary {
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
    comparison: Option<BaselineComparison>,
}

#[derive(serde::Serialize)]
struct BaselineComparison {
    baseline: String,
    verdict: &'static str,
    mean_difference: Option<f64>,
    ci95: [Option<f64>; 2],
    restricted_to: Option<f64>,
    ratio: Option<f64>,
    correlation: Option<f64>,
    pairs: u32,
    less: u32,
    more: u32,
}

#[derive(serde::Serialize)]
struct FaultSummary {
    fault: String,
    #[serde(flatten)]
    count: FaultCount,
}

fn comparison_with(baseline: &CellResult, comparison: &Comparison) -> BaselineComparison {
    let &Comparison { pairs, less, more, mean_difference, restricted_to, ratio, correlation, .. } = comparison;
    let (baseline, verdict) = (baseline.key.selector.clone(), comparison.verdict.name());
    let ci95 = bounds(comparison.ci95);
    BaselineComparison {
        baseline,
        verdict,
        mean_difference,
        ci95,
        restricted_to,
        ratio,
        correlation,
        pairs,
        less,
        more,
    }
}

fn fault(labels: &[String], index: usize, count: FaultCount) -> FaultSummary {
    let fault = labels.get(index).cloned().unwrap_or_else(|| format!("fault {}", index + 1));
    FaultSummary { fault, count }
}

fn bounds(interval: Interval) -> [Option<f64>; 2] {
    [interval.low, interval.high]
}
