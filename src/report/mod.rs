//! Results written for people and programs.
//!
//! Everything here is a function of [`Results`], which a run returns: [`table`] for
//! a terminal, [`findings`] in three sentences, [`csv`] and [`json`] for programs, [`html`] for a page with plots,
//! [`picture`] for one drawing. [`comparison`] holds two results folders against each other, `agreement` the simulator
//! against real sockets. Measures and their columns come from
//! [`MEASURES`](crate::experiment::measures::MEASURES), the columns of a cell's dimensions from
//! [`CellKey`]: nothing here lists them again.
//!
//! ```
//! use swimlab::experiment::{Experiment, Lab, Options, TomlSource};
//! use swimlab::report::{csv, findings, table};
//!
//! let file = "topology = 'lan'\nmembers = 8\nselector = ['uniform', 'shuffle']\nbaseline = 'shuffle'\ntrials = 6\n\
//!             warmup = '2s'\nduration = '20s'\nfault = [{ kind = 'crash' }]";
//! let experiment = Experiment::parse(&TomlSource::text("small.toml", file), &Lab::default())?;
//! let results = experiment.run(Options::default())?.results;
//! println!("{}{}", table::render(&results, 80, false), findings::render(&results, 80));
//! let mut rows = Vec::new();
//! csv::write_trials(&results, &mut rows).expect("memory takes it all");
//! assert_eq!(rows.iter().filter(|byte| **byte == b'\n').count(), 1 + 2 * 6);
//! # Ok::<(), swimlab::experiment::Error>(())
//! ```

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
