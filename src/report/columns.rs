//! What the tables show: the measures that matter most, some of them per member and second.

use crate::experiment::measures::{MEASURES, Measure, MeasuredValue, Unit, index_of};
use crate::experiment::results::{CellResult, TrialResult};
use crate::experiment::statistics::{Comparison, Summary, compare, summarise};

/// A column of a table: a measure, or what is made of it.
pub(super) struct Column {
    /// Its heading.
    pub title: &'static str,
    /// The measure behind it.
    pub measure: &'static str,
    /// What it is divided by.
    pub per: Per,
    /// Whether the mean says more than the median, which is zero for rare events.
    pub by_mean: bool,
    /// Columns of a higher rank go first when there is no room.
    pub rank: u8,
}

/// What a measure is divided by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Per {
    /// Nothing.
    Trial,
    /// Members and seconds.
    MemberSecond,
    /// All bytes sent.
    Bytes,
}

const fn median(title: &'static str, measure: &'static str, per: Per, rank: u8) -> Column {
    Column { title, measure, per, by_mean: false, rank }
}

/// All columns, from left to right.
pub(super) const COLUMNS: &[Column] = &[
    median("first ping", "first_ping_s", Per::Trial, 4),
    median("declared", "first_declaration_s", Per::Trial, 0),
    median("99 % know", "informed_99_s", Per::Trial, 5),
    median("all know", "informed_100_s", Per::Trial, 1),
    Column { title: "false pos.", measure: "false_positives", per: Per::Trial, by_mean: true, rank: 2 },
    median("messages", "messages_sent", Per::MemberSecond, 3),
    median("bytes", "bytes_sent", Per::MemberSecond, 8),
    median("x-zone", "cross_zone_bytes", Per::Bytes, 9),
    median("x-region", "cross_region_bytes", Per::Bytes, 6),
    median("ping RTT", "mean_ping_rtt_s", Per::Trial, 7),
];

impl Column {
    /// The measure behind the column.
    pub fn measure(&self) -> &'static Measure {
        &MEASURES[self.index()]
    }

    /// The unit of what it shows.
    pub fn unit(&self) -> Unit {
        if self.per == Per::Bytes { Unit::Share } else { self.measure().unit }
    }

    /// What one trial says.
    pub fn read(&self, cell: &CellResult, trial: &TrialResult) -> MeasuredValue {
        let reading = trial.measured.readings[self.index()];
        let divisor = match self.per {
            Per::Trial => return reading,
            Per::MemberSecond => f64::from(cell.key.members) * cell.duration_s,
            Per::Bytes => trial.measured.readings[column_of("bytes_sent")].value().unwrap_or(0.0),
        };
        match reading {
            MeasuredValue::Value(_) if divisor <= 0.0 => MeasuredValue::Absent,
            MeasuredValue::Value(value) => MeasuredValue::Value(value / divisor),
            reading => reading,
        }
    }

    /// What all trials of a cell say.
    pub fn summary(&self, cell: &CellResult) -> Summary {
        summarise(self.measure(), &self.readings(cell))
    }

    /// What each trial of a cell says.
    pub fn readings(&self, cell: &CellResult) -> Vec<MeasuredValue> {
        cell.trials.iter().map(|trial| self.read(cell, trial)).collect()
    }

    /// How a cell compares to the baseline.
    pub fn comparison(&self, cell: &CellResult, baseline: &CellResult) -> Comparison {
        compare(&cell.pairs(baseline, |cell, trial| self.read(cell, trial)))
    }

    fn index(&self) -> usize {
        column_of(self.measure)
    }
}

fn column_of(measure: &str) -> usize {
    index_of(measure).expect("columns are made of measures")
}
