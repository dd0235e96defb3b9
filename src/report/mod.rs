//! Results written for people and programs.
//!
//! An [`Exporter`] writes the [`Results`](crate::experiment::Results) of a run in one format: [`TerminalTables`],
//! [`TrialsCsv`], [`VictimsCsv`], [`SummaryJson`], [`HtmlReport`] or [`Picture`]. [`EXPORTERS`] lists them all;
//! `swimlab run --format` and the files of a results folder are taken from that list. [`table`] and [`findings`] return
//! the two parts of the terminal's output as text. [`RunComparison`] compares two results folders, `RealComparison`
//! (feature `agent`) the simulator with real sockets.
//!
//! Measures, their columns and the dimensions of cells are not listed in this module: they come from
//! [`MEASURES`](crate::experiment::MEASURES) and [`CellKey`](crate::experiment::CellKey).
//!
//! ```
//! use swimlab::experiment::{Experiment, Lab, Options, TomlSource};
//! use swimlab::report::{ExportOptions, Exporter, TrialsCsv, findings, table};
//!
//! let file = "topology = 'lan'\nmembers = 8\nselector = ['uniform', 'shuffle']\nbaseline = 'shuffle'\ntrials = 6\n\
//!             warmup = '2s'\nduration = '20s'\nfault = [{ kind = 'crash' }]";
//! let experiment = Experiment::parse(&TomlSource::text("small.toml", file), &Lab::default())?;
//! let results = experiment.run(Options::default())?.results;
//! println!("{}{}", table(&results, 80, false), findings(&results, 80));
//! let mut rows = Vec::new();
//! TrialsCsv.export(&results, &ExportOptions::default(), &mut rows).expect("writing to memory succeeds");
//! assert_eq!(rows.iter().filter(|byte| **byte == b'\n').count(), 1 + 2 * 6);
//! # Ok::<(), swimlab::experiment::Error>(())
//! ```

#[cfg(feature = "agent")]
mod agreement;
mod columns;
mod comparison;
mod csv_rows;
mod entry;
mod escape;
mod exporter;
mod figures;
mod findings;
mod html;
mod notes;
mod overview;
mod picture;
mod quality;
mod summary_json;
mod table;
mod terminal;
#[cfg(test)]
mod tests;
mod trials_csv;
mod victims_csv;

use crate::experiment::CellResult;

#[cfg(feature = "agent")]
pub use agreement::RealComparison;
pub use comparison::RunComparison;
pub use exporter::{ExportOptions, Exporter, write_files};
#[cfg(feature = "cli")]
pub(crate) use figures::{digits, figure};
pub use findings::findings;
pub use html::HtmlReport;
pub use picture::Picture;
pub use summary_json::SummaryJson;
pub use table::table;
pub use terminal::TerminalTables;
pub use trials_csv::TrialsCsv;
pub use victims_csv::VictimsCsv;

/// All formats. The first one is the default of `swimlab run --format`.
pub const EXPORTERS: &[&dyn Exporter] =
    &[&TerminalTables, &TrialsCsv, &SummaryJson, &VictimsCsv, &HtmlReport, &Picture];

/// The format of this name.
pub fn exporter(name: &str) -> Option<&'static dyn Exporter> {
    EXPORTERS.iter().copied().find(|exporter| exporter.name() == name)
}

/// A cell's value of a dimension as tables show it; empty if it has none.
fn key_value(cell: &CellResult, key: &str) -> String {
    cell.key.value(key).map(|value| value.to_string()).unwrap_or_default()
}
