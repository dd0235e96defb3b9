//! The columns of the tables: the measures that matter most, some of them per member and second.

use std::sync::LazyLock;

use crate::experiment::measures::{self, MEASURES, Measure, MeasuredValue, Unit};

pub(super) use crate::experiment::measures::Per;
use crate::experiment::results::{CellResult, TrialResult};
use crate::experiment::statistics::{Comparison, Summary, compare, summarize};

/// A column of a table: a measure, as its row in [`MEASURES`] says it is shown.
pub(super) struct Column {
    /// The measure.
    pub measure: &'static Measure,
    /// How it is shown.
    pub shown: measures::Column,
    index: usize,
}

/// All columns, from left to right.
pub(super) static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let column = |(index, measure): (usize, &'static Measure)| Some(Column { measure, shown: measure.column?, index });
    MEASURES.iter().enumerate().filter_map(column).collect()
});

impl Column {
    /// The column of the measure of this name.
    pub fn of(measure: &str) -> Option<&'static Self> {
        COLUMNS.iter().find(|column| column.measure.name == measure)
    }

    /// The unit of its figures.
    pub fn unit(&self) -> Unit {
        if self.shown.per == Per::Bytes { Unit::Share } else { self.measure.unit }
    }

    /// What one trial says.
    pub fn read(&self, cell: &CellResult, trial: &TrialResult) -> MeasuredValue {
        let reading = trial.measured.readings[self.index];
        let divisor = match self.shown.per {
            Per::Trial => return reading,
            Per::MemberSecond => f64::from(cell.key.members) * cell.duration_s,
            Per::Bytes => trial.measured.reading("bytes_sent").value().unwrap_or(0.0),
        };
        match reading {
            MeasuredValue::Value(_) if divisor <= 0.0 => MeasuredValue::Absent,
            MeasuredValue::Value(value) => MeasuredValue::Value(value / divisor),
            reading => reading,
        }
    }

    /// What all trials of a cell say.
    pub fn summary(&self, cell: &CellResult) -> Summary {
        summarize(self.measure, &self.readings(cell))
    }

    /// What each trial of a cell says.
    pub fn readings(&self, cell: &CellResult) -> Vec<MeasuredValue> {
        cell.trials.iter().map(|trial| self.read(cell, trial)).collect()
    }

    /// How a cell compares to the baseline.
    pub fn comparison(&self, cell: &CellResult, baseline: &CellResult) -> Comparison {
        compare(&cell.pairs(baseline, |cell, trial| self.read(cell, trial)))
    }
}
