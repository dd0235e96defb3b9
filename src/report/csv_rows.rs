//! Common parts of the CSV files: the columns that identify a trial.

use super::key_value;
use crate::experiment::{CellKey, CellResult, Results, TrialResult};

/// All trials with their cells, in the order of the cells.
pub(super) fn trials(results: &Results) -> impl Iterator<Item = (&CellResult, &TrialResult)> {
    results.cells.iter().flat_map(|cell| cell.trials.iter().map(move |trial| (cell, trial)))
}

/// The names of the columns that identify a trial.
pub(super) fn key_columns(results: &Results) -> impl Iterator<Item = &str> {
    CellKey::NAMES.iter().copied().chain(["trial", "seed"]).chain(results.swept_keys())
}

/// The values of these columns.
pub(super) fn key_values(results: &Results, cell: &CellResult, trial: &TrialResult) -> impl Iterator<Item = String> {
    let value = |key: &str| key_value(cell, key);
    let fixed = CellKey::NAMES.iter().copied().map(value);
    let swept: Vec<String> = results.swept_keys().into_iter().map(value).collect();
    fixed.chain([trial.trial.to_string(), trial.seed.to_string()]).chain(swept)
}
