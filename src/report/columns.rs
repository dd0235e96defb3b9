//! The columns of tables: by default the most important measures, some of them per member and second.

use std::sync::LazyLock;

use crate::experiment::statistics::{Comparison, Summary, compare, summarize};
use crate::experiment::{CellResult, Divisor, MEASURES, Measure, MeasuredValue, TableColumn, TrialResult, Unit};

/// A column of a table: a measure with its [`TableColumn`], or with its name as heading if it has none.
pub(super) struct Column {
    /// The measure.
    pub measure: &'static Measure,
    /// Heading and divisor.
    pub shown: TableColumn,
    index: usize,
}

/// A column for each measure: that of the main tables if it has one, else that of [`MEASURED`].
static ALL: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let column = |column: &Column| Column { shown: column.measure.column.unwrap_or(column.shown), ..*column };
    MEASURED.iter().map(column).collect()
});

/// The columns of the main tables, from left to right.
pub(super) static COLUMNS: LazyLock<Vec<&Column>> =
    LazyLock::new(|| ALL.iter().filter(|column| column.measure.column.is_some()).collect());

/// A column for each measure with the values of the trials as they are, under its name.
pub(super) static MEASURED: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let column = |(index, measure): (usize, &'static Measure)| {
        let by_mean = measure.unit == Unit::Events;
        Column { measure, shown: TableColumn { title: measure.name, per: Divisor::One, by_mean, rank: u8::MAX }, index }
    };
    MEASURES.iter().enumerate().map(column).collect()
});

impl Column {
    /// The column of the measure of this name.
    pub(super) fn of(measure: &str) -> Option<&'static Self> {
        ALL.iter().find(|column| column.measure.name == measure)
    }

    /// The unit of the values that it shows.
    pub(super) fn unit(&self) -> Unit {
        if self.shown.per == Divisor::BytesSent { Unit::Share } else { self.measure.unit }
    }

    /// The number that a table shows first: the median, or the mean of rare events.
    pub(super) fn middle(&self, summary: &Summary) -> Option<f64> {
        if self.shown.by_mean { summary.mean } else { summary.median }
    }

    /// The value of one trial.
    pub(super) fn read(&self, cell: &CellResult, trial: &TrialResult) -> MeasuredValue {
        let reading = trial.measured.readings[self.index];
        let divisor = match self.shown.per {
            Divisor::One => return reading,
            Divisor::MemberSecond => f64::from(cell.key.members) * cell.duration_s,
            Divisor::BytesSent => trial.measured.reading("bytes_sent").value().unwrap_or(0.0),
        };
        match reading {
            MeasuredValue::Value(_) if divisor <= 0.0 => MeasuredValue::Absent,
            MeasuredValue::Value(value) => MeasuredValue::Value(value / divisor),
            reading => reading,
        }
    }

    /// The statistics over all trials of a cell.
    pub(super) fn summary(&self, cell: &CellResult) -> Summary {
        summarize(self.measure, &self.readings(cell))
    }

    /// The values of all trials of a cell.
    pub(super) fn readings(&self, cell: &CellResult) -> Vec<MeasuredValue> {
        cell.trials.iter().map(|trial| self.read(cell, trial)).collect()
    }

    /// The comparison of a cell with the baseline.
    pub(super) fn comparison(&self, cell: &CellResult, baseline: &CellResult) -> Comparison {
        compare(&cell.pairs(baseline, |cell, trial| self.read(cell, trial))).of(self.measure)
    }
}
