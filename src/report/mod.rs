//! The answer: tables for people, CSV and JSON for programs.

mod columns;
pub mod csv;
mod figures;
pub mod json;
mod notes;
pub mod table;

use crate::experiment::results::CellKey;

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
