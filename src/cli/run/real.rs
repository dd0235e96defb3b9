//! `swimlab run --real`: the trials once more on real sockets, and the comparison.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use indicatif::{HumanDuration, ProgressBar};

use clap::ValueEnum;

use super::super::{ComparisonFormat, output, terminal};
use super::{Args, Failed, bar, follow, not_written, report};
use crate::experiment::{Error, Experiment, Failure, Finished, Folder, Options, write_whole};
use crate::report::{ExportOptions, RealComparison, write_files};

/// The format of the comparison.
///
/// # Errors
/// If `--format` names one that only results have.
pub(super) fn format(args: &Args) -> Result<ComparisonFormat, Failed> {
    ComparisonFormat::from_str(args.format.name(), false).map_err(|_| {
        let message = format!("--format {}: with --real it must be table, csv or json", args.format.name());
        Failed { code: 2, message }
    })
}

/// Runs the trials on real sockets, writes their data files and the comparison, and prints the comparison. Returns the
/// outcome of both sides together, and whether the comparison could be printed.
pub(super) fn run(
    args: &Args,
    experiment: &Experiment,
    mut simulated: Finished,
    path: &Path,
    (stop, hidden): (Arc<AtomicBool>, ProgressBar),
) -> Result<(Finished, Result<(), Failed>), Failed> {
    let folder = path.join("real");
    let folder = match args.resume {
        true => Folder::resume(&folder, experiment)?,
        false => Folder::create(&folder, experiment)?,
    };
    let worlds = experiment.worlds(args.worlds.map_or(0, usize::from));
    if !args.quiet {
        let all = experiment.cells.len() * experiment.trials as usize;
        let left = experiment.real_time(worlds).mul_f64((all - folder.already_finished()) as f64 / all as f64);
        report(&format!("in real time: {worlds} worlds at once, about {}", HumanDuration(left)));
    }
    let bar = if args.quiet { hidden } else { bar() };
    let options = Options { threads: worlds, folder: Some(folder), stop, progress: Some(follow(bar.clone())) };
    let not_written = |error| match error {
        Error::Lost { .. } => not_written(error, path),
        error => error.into(),
    };
    let run = experiment.run_real(options).map_err(not_written)?;
    bar.finish_and_clear();

    let comparison = RealComparison::new(&simulated.results, &run.finished.results, &run.lateness);
    write_files(&path.join("real"), comparison.real, &ExportOptions::default(), |exporter| exporter.is_data())
        .and_then(|()| write_whole(&path.join("agreement.csv"), |out| comparison.write_csv(out)))
        .and_then(|()| write_whole(&path.join("agreement.json"), |out| comparison.write_json(out)))
        .map_err(not_written)?;
    output::flush();
    let mut out = io::stdout().lock();
    let printed = super::super::quietly_closed(match format(args)? {
        ComparisonFormat::Table => {
            let (width, color) = terminal();
            write!(out, "{}", comparison.render(width, color))
        }
        ComparisonFormat::Csv => comparison.write_csv(out),
        ComparisonFormat::Json => comparison.write_json(out),
    });
    // A replay of such a trial runs in the simulator, which shows the expected behavior.
    let of_real = |failure: Failure| Failure { message: format!("in real time: {}", failure.message), ..failure };
    simulated.failures.extend(run.finished.failures.into_iter().map(of_real));
    simulated.interrupted |= run.finished.interrupted;
    Ok((simulated, printed))
}
