//! The answer: tables for people, CSV and JSON for programs.

#[cfg(feature = "agent")]
pub mod agreement;
mod columns;
pub mod comparison;
pub mod csv;
mod figures;
pub mod html;
pub mod json;
mod notes;
pub mod table;

use crate::experiment::results::{CellKey, CellResult, Results};

#[cfg(test)]
mod tests;

/// What identifies a cell, in the order of the columns; swept settings come after the trial's own columns.
const KEYS: [&str; 6] = ["topology", "selector", "profile", "members", "loss", "scenario"];

/// A cell's values for [`KEYS`].
fn key_fields(key: &CellKey) -> [String; KEYS.len()] {
    [
        key.topology.clone(),
        key.selector.clone(),
        key.profile.clone(),
        key.members.to_string(),
        key.loss.to_string(),
        key.scenario.clone(),
    ]
}

/// A cell's value for a key, a swept one or one of [`KEYS`].
fn key_value(cell: &CellResult, key: &str) -> String {
    match KEYS.iter().position(|name| *name == key) {
        Some(at) => key_fields(&cell.key)[at].clone(),
        None => cell.key.swept_value(key).unwrap_or_default().to_owned(),
    }
}

/// Whether the cells of an experiment differ in a key.
fn is_varied(results: &Results, key: &str) -> bool {
    results.cells.windows(2).any(|two| key_value(&two[0], key) != key_value(&two[1], key))
}
