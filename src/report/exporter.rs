//! The interface of output formats.

use std::io;
use std::path::Path;

use super::EXPORTERS;
use crate::experiment::{Error, Experiment, Measure, PingMap, Results, write_whole};

/// A format in which the results of a run are written.
///
/// A format is one file of this module and one entry of [`EXPORTERS`](super::EXPORTERS).
pub trait Exporter: Sync {
    /// Name on the command line.
    fn name(&self) -> &'static str;

    /// Description in a few words.
    fn about(&self) -> &'static str;

    /// Name of its file in a results folder; `None` if it is only printed.
    fn file_name(&self) -> Option<&'static str>;

    /// Whether it is data for programs, as opposed to a document for people. Data files are written as soon as the
    /// trials have ended, documents after the ping maps have been made.
    fn is_data(&self) -> bool {
        false
    }

    /// Writes the results.
    ///
    /// # Errors
    /// If writing to `out` fails.
    fn export(&self, results: &Results, options: &ExportOptions<'_>, out: &mut dyn io::Write) -> io::Result<()>;
}

/// Input of exporters besides the results. The fields of a default value can be set.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ExportOptions<'a> {
    /// Width of a terminal in columns; 120 by default.
    pub width: u16,
    /// Whether a terminal shows colors; it does not by default.
    pub color: bool,
    /// Measures that are the columns of a terminal's tables, from left to right; empty for the main ones, of which
    /// those that are the same in all rows are left out if the width does not suffice.
    pub columns: &'a [&'static Measure],
    /// Measure by which the rows of a terminal's tables are sorted, the least first; `None` for the order of the cells.
    pub sort: Option<&'static Measure>,
    /// The experiment that the results are of, for the seeds and settings in documents. Without it they are left out.
    pub experiment: Option<&'a Experiment>,
    /// Traffic for the maps in documents, from [`Experiment::ping_maps`]; may be empty.
    pub ping_maps: &'a [PingMap],
}

impl Default for ExportOptions<'_> {
    fn default() -> Self {
        Self { width: 120, color: false, columns: &[], sort: None, experiment: None, ping_maps: &[] }
    }
}

/// Writes the files of a results folder: those of the formats that `wanted` selects and that have a file.
///
/// Each is written beside its place and renamed when it is whole. [`Experiment::run`] keeps the trials in the folder,
/// this adds the tables and documents:
///
/// ```no_run
/// use std::path::Path;
/// use swimlab::experiment::{Experiment, Folder, Lab, Options, TomlSource};
/// use swimlab::report::{ExportOptions, write_files};
///
/// let experiment = Experiment::parse(&TomlSource::read(Path::new("mine.toml"))?, &Lab::default())?;
/// let mut options = Options::default();
/// options.folder = Some(Folder::create(Path::new("results/mine"), &experiment)?);
/// let results = experiment.run(options)?.results;
/// write_files(Path::new("results/mine"), &results, &ExportOptions::default(), |_| true)?;
/// # Ok::<(), swimlab::experiment::Error>(())
/// ```
///
/// # Errors
/// [`Error::Lost`] with the path of the first file that cannot be written.
pub fn write_files(
    folder: &Path,
    results: &Results,
    options: &ExportOptions<'_>,
    wanted: impl Fn(&dyn Exporter) -> bool,
) -> Result<(), Error> {
    let files = EXPORTERS.iter().filter(|exporter| wanted(**exporter));
    for (exporter, name) in files.filter_map(|exporter| Some((exporter, exporter.file_name()?))) {
        write_whole(&folder.join(name), |out| exporter.export(results, options, out))?;
    }
    Ok(())
}
