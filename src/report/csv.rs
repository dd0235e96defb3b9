//! One row per trial, one row per victim.

use std::io;

use crate::experiment::results::Results;

/// Writes trials.csv: a row per trial.
pub fn write_trials(_results: &Results, _out: impl io::Write) -> io::Result<()> {
    todo!()
}

/// Writes victims.csv: a row per member that crashed or left.
pub fn write_victims(_results: &Results, _out: impl io::Write) -> io::Result<()> {
    todo!()
}
