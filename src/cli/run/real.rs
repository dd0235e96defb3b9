//! `swimlab run --real`: the trials once more on real sockets, and the comparison.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use indicatif::{HumanDuration, ProgressBar};

use super::super::terminal;
use super::{Args, Failed, Format, bar, follow, write_file, write_tables};
use crate::experiment::{Experiment, Failure, Finished, Folder, Options};
use crate::report::agreement::{RealComparison, render, write_csv, write_json};

/// Runs what the simulator has run, writes the tables of the real side and prints the comparison. Tells how both sides
/// have ended.
pub(super) fn run(
    args: &Args,
    experiment: &Experiment,
    mut simulated: Finished,
    path: &Path,
    (stop, hidden): (Arc<AtomicBool>, ProgressBar),
) -> Result<Finished, Failed> {
    let folder = path.join("real");
    let folder = match args.resume {
        true => Folder::resume(&folder, experiment)?,
        false => Folder::create(&folder, experiment)?,
    };
    let worlds = experiment.worlds(args.worlds.map_or(0, usize::from));
    if !args.quiet {
        let all = experiment.cells.len() * experiment.trials as usize;
        let left = experiment.real_time(worlds).mul_f64((all - folder.already_finished()) as f64 / all as f64);
        eprintln!("in real time: {worlds} worlds at once, about {}", HumanDuration(left));
    }
    let bar = if args.quiet { hidden } else { bar() };
    let options = Options { threads: worlds, folder: Some(folder), stop, progress: Some(follow(bar.clone())) };
    let run = experiment.run_real(options)?;
    bar.finish_and_clear();

    let sides = RealComparison { simulated: &simulated.results, real: &run.finished.results, lateness: &run.lateness };
    write_tables(&path.join("real"), sides.real)?;
    write_file(&path.join("agreement.csv"), |out| write_csv(&sides, out))?;
    write_file(&path.join("agreement.json"), |out| write_json(&sides, out))?;
    let mut out = io::stdout().lock();
    super::super::quietly_closed(match args.format {
        Format::Table => {
            let (width, color) = terminal();
            write!(out, "{}", render(&sides, width, color))
        }
        Format::Csv => write_csv(&sides, out),
        Format::Json => write_json(&sides, out),
    })?;
    // The replay of such a trial is the simulator's; it shows what should have happened.
    let of_real = |failure: Failure| Failure { message: format!("in real time: {}", failure.message), ..failure };
    simulated.failures.extend(run.finished.failures.into_iter().map(of_real));
    simulated.interrupted |= run.finished.interrupted;
    Ok(simulated)
}
