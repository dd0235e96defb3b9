//! Common parts of the CSV files: the columns that identify a trial.

use super::key_value;
use super::overview::Overview;
use crate::experiment::{CellKey, CellResult, Results, TrialResult};

/// All trials with their cells, in the order of the cells.
pub(super) fn trials(results: &Results) -> impl Iterator<Item = (&CellResult, &TrialResult)> {
    results.cells.iter().flat_map(|cell| cell.trials.iter().map(move |trial| (cell, trial)))
}

/// The names of the columns that identify a trial.
pub(super) fn key_columns<'a>(overview: &'a Overview<'_>) -> impl Iterator<Item = &'a str> {
    let (fixed, swept) = overview.key_names.split_at(CellKey::NAMES.len());
    fixed.iter().copied().chain(["trial", "seed"]).chain(swept.iter().copied())
}

/// The values of these columns.
pub(super) fn key_values(
    overview: &Overview<'_>,
    cell: &CellResult,
    trial: &TrialResult,
) -> impl Iterator<Item = String> {
    let (fixed, swept) = overview.key_names.split_at(CellKey::NAMES.len());
    let value = |key: &&str| key_value(cell, key);
    let swept: Vec<String> = swept.iter().map(value).collect();
    fixed.iter().map(value).chain([trial.trial.to_string(), trial.seed.to_string()]).chain(swept)
}
