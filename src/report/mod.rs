//! The answer: tables for people, CSV and JSON for programs.

#[cfg(feature = "agent")]
pub mod agreement;
mod columns;
pub mod comparison;
pub mod csv;
mod figures;
pub mod findings;
pub mod html;
pub mod json;
mod notes;
pub mod picture;
pub mod table;

use crate::experiment::results::{CellKey, CellResult, Results};

#[cfg(test)]
mod tests;

/// The names of a cell's dimensions: those that every cell has, then the swept keys.
fn key_names(results: &Results) -> Vec<&str> {
    CellKey::NAMES.iter().copied().chain(results.swept_keys()).collect()
}

/// A cell's value of a dimension as tables have it; empty where it has none.
fn key_value(cell: &CellResult, key: &str) -> String {
    cell.key.value(key).map(|value| value.to_string()).unwrap_or_default()
}

/// Whether the cells of an experiment differ in a dimension.
fn is_varied(results: &Results, key: &str) -> bool {
    results.cells.windows(2).any(|two| two[0].key.value(key) != two[1].key.value(key))
}
