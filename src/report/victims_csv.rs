//! victims.csv: one row per member that crashed or left.

use std::io;

use csv::Writer;

use super::csv_rows::{key_columns, key_values, trials};
use super::exporter::{ExportOptions, Exporter};
use super::overview::Overview;
use crate::experiment::{Results, Victim};

/// The columns of a victim.
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

/// The columns of experiments with services.
const SERVICE_COLUMNS: [&str; 2] = ["stale_answer_s", "requests_to_dead"];

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
        let services = if results.has_services { SERVICE_COLUMNS.len() } else { 0 };
        csv.write_record(key_columns(&overview).chain(COLUMNS).chain(SERVICE_COLUMNS.into_iter().take(services)))?;
        for (cell, trial) in trials(results) {
            for victim in &trial.measured.victims {
                let of_services = service_fields(victim).into_iter().take(services);
                csv.write_record(key_values(&overview, cell, trial).chain(fields(victim)).chain(of_services))?;
            }
        }
        csv.flush()
    }
}

fn fields(victim: &Victim) -> [String; COLUMNS.len()] {
    [
        victim.fault.to_string(),
        victim.kind.name().to_owned(),
        victim.member.to_string(),
        victim.at_s.to_string(),
        text(victim.first_ping_s),
        text(victim.first_suspicion_s),
        text(victim.first_declaration_s),
        text(victim.informed_50_s),
        text(victim.informed_99_s),
        text(victim.informed_100_s),
    ]
}

fn service_fields(victim: &Victim) -> [String; SERVICE_COLUMNS.len()] {
    [text(victim.stale_answer_s), text(victim.requests_to_dead)]
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
