//! One row per trial, one row per victim.

use std::io;

use csv::Writer;

use super::key_value;
use crate::experiment::measures::{MEASURES, MeasuredValue, Victim};
use crate::experiment::results::{CellKey, CellResult, Results, TrialResult};

/// What trials.csv and victims.csv say of a victim's discovery, in the order of [`Victim`]'s fields.
const VICTIM: [&str; 10] = [
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

/// Writes trials.csv: a row per trial, with the measures in the order of [`MEASURES`]. What was not reached, or does
/// not exist, is empty.
pub fn write_trials(results: &Results, out: impl io::Write) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(key_columns(results).chain(MEASURES.iter().map(|measure| measure.name)))?;
    for (cell, trial) in trials(results) {
        let readings = trial.measured.readings.iter().map(|reading| match reading {
            MeasuredValue::Value(value) => value.to_string(),
            MeasuredValue::Censored | MeasuredValue::Absent => String::new(),
        });
        csv.write_record(key_values(results, cell, trial).chain(readings))?;
    }
    csv.flush()
}

/// Writes victims.csv: a row per member that crashed or left, with times from its own fault. What was not reached is
/// empty.
pub fn write_victims(results: &Results, out: impl io::Write) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(key_columns(results).chain(VICTIM))?;
    for (cell, trial) in trials(results) {
        for victim in &trial.measured.victims {
            csv.write_record(key_values(results, cell, trial).chain(victim_fields(victim)))?;
        }
    }
    csv.flush()
}

fn trials(results: &Results) -> impl Iterator<Item = (&CellResult, &TrialResult)> {
    results.cells.iter().flat_map(|cell| cell.trials.iter().map(move |trial| (cell, trial)))
}

fn key_columns(results: &Results) -> impl Iterator<Item = &str> {
    CellKey::NAMES.iter().copied().chain(["trial", "seed"]).chain(results.swept_keys())
}

fn key_values(results: &Results, cell: &CellResult, trial: &TrialResult) -> impl Iterator<Item = String> {
    let value = |key: &str| key_value(cell, key);
    let fixed = CellKey::NAMES.iter().copied().map(value);
    let swept: Vec<String> = results.swept_keys().into_iter().map(value).collect();
    fixed.chain([trial.trial.to_string(), trial.seed.to_string()]).chain(swept)
}

fn victim_fields(victim: &Victim) -> [String; VICTIM.len()] {
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
