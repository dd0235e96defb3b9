//! trials.csv: one row per trial.

use std::io;

use csv::Writer;

use super::csv_rows::{key_columns, key_values, trials};
use super::exporter::{ExportOptions, Exporter};
use super::overview::Overview;
use crate::experiment::{MeasuredValue, Results};

/// A row per trial, with the measures of the experiment in the order of
/// [`MEASURES`](crate::experiment::MEASURES). Values that were not reached or do not exist are
/// empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrialsCsv;

impl Exporter for TrialsCsv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn about(&self) -> &'static str {
        "trials.csv: a row for each trial"
    }

    fn file_name(&self) -> Option<&'static str> {
        Some("trials.csv")
    }

    fn is_data(&self) -> bool {
        true
    }

    fn export(&self, results: &Results, _: &ExportOptions<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        let overview = Overview::of(results);
        let mut csv = Writer::from_writer(out);
        csv.write_record(key_columns(&overview).chain(results.measures().map(|(_, measure)| measure.name)))?;
        for (cell, trial) in trials(results) {
            let readings = results.measures().map(|(index, _)| trial.measured.readings[index]);
            let values = readings.map(|reading| match reading {
                MeasuredValue::Value(value) => value.to_string(),
                MeasuredValue::Censored(_) | MeasuredValue::Absent => String::new(),
            });
            csv.write_record(key_values(&overview, cell, trial).chain(values))?;
        }
        csv.flush()
    }
}
