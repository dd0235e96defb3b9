//! victims.csv: one row per member that crashed or left.

use std::io;

use csv::Writer;

use super::csv_rows::{key_columns, key_values, trials};
use super::exporter::{ExportOptions, Exporter};
use super::overview::Overview;
use crate::experiment::{Results, Victim};

/// The columns of a victim, in the order of the fields of [`Victim`].
const COLUMNS: [&str; 10] = [
    "fault",
    "kind",
    "member",
    "at_s",
    "first_ping_s",
    "first_suspicion_s",
    "first_declaration_s",
    "informed_50_s",
    "informed_99_s",
    "informed_100_s",
];

/// A row per member that crashed or left, with times from its own fault. Times that were not reached are empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct VictimsCsv;

impl Exporter for VictimsCsv {
    fn name(&self) -> &'static str {
        "victims"
    }

    fn about(&self) -> &'static str {
        "victims.csv: a row for each member that crashed or left"
    }

    fn file_name(&self) -> Option<&'static str> {
        Some("victims.csv")
    }

    fn is_data(&self) -> bool {
        true
    }

    fn export(&self, results: &Results, _: &ExportOptions<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        let overview = Overview::of(results);
        let mut csv = Writer::from_writer(out);
        csv.write_record(key_columns(&overview).chain(COLUMNS))?;
        for (cell, trial) in trials(results) {
            for victim in &trial.measured.victims {
                csv.write_record(key_values(&overview, cell, trial).chain(fields(victim)))?;
            }
        }
        csv.flush()
    }
}

fn fields(victim: &Victim) -> [String; COLUMNS.len()] {
    let seconds = |time: Option<f64>| time.map(|time| time.to_string()).unwrap_or_default();
    [
        victim.fault.to_string(),
        victim.kind.name().to_owned(),
        victim.member.to_string(),
        victim.at_s.to_string(),
        seconds(victim.first_ping_s),
        seconds(victim.first_suspicion_s),
        seconds(victim.first_declaration_s),
        seconds(victim.informed_50_s),
        seconds(victim.informed_99_s),
        seconds(victim.informed_100_s),
    ]
}
