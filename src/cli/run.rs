//! `swimlab run`.

mod progress_bar;
#[cfg(feature = "agent")]
mod real;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use indicatif::ProgressBar;
use swimlab_selectors::{did_you_mean, nearest_names};

pub(super) use self::progress_bar::bar;
use self::progress_bar::follow;
use super::output::report;
use super::{DEFAULT, Failed, output, print, signals, terminal};
use crate::experiment::{
    CellKey, Error, Experiment, Failure, Folder, KeyValue, Lab, MEASURES, MOST_TRIALS, Measure, Options, parse_share,
};
use crate::report::{EXPORTERS, ExportOptions, Exporter, exporter, write_files};

/// The exit code of a program that was interrupted: 128 and the number of the signal.
pub(super) const INTERRUPTED: u8 = 130;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The experiment file; the default experiment without one.
    file: Option<PathBuf>,
    /// Take this seed instead of the file's.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Run N trials of each cell instead of the file's number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_TRIALS)))]
    trials: Option<u32>,
    /// Use N threads [default: one per core]. Each runs a trial of its own; if trials are fewer, large worlds run on
    /// several. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Write results into this folder [default: results/NAME, or results/NAME-2, ... if that exists].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The format of the results on standard output; with --real, that of the comparison: table, csv or json.
    #[arg(long, value_name = "FORMAT", default_value = EXPORTERS[0].name(), value_parser = format_parser())]
    format: &'static dyn Exporter,
    /// The columns of the table: measures, as `swimlab list measures` names them [default: the main ones, without those
    /// that are the same in all rows if the width does not suffice].
    #[arg(long, value_name = "MEASURE,...", value_delimiter = ',', value_parser = measure)]
    columns: Vec<&'static Measure>,
    /// Sort the rows of the table by a measure, the least first [default: the order of the file].
    #[arg(long, value_name = "MEASURE", value_parser = measure)]
    sort: Option<&'static Measure>,
    /// Mark no difference from the baseline that is smaller than this share of its mean, as 2% [default: the file's
    /// smallest_effect, which is 1% without that key].
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    smallest_effect: Option<f64>,
    /// No progress bar and no notes; errors only.
    #[arg(long, short)]
    quiet: bool,
    /// Also run the trials on real sockets and compare: real clock, one UDP socket per member on loopback.
    #[cfg(feature = "agent")]
    #[arg(long)]
    real: bool,
    /// Run N worlds at once in real time [default: as many as the cores can probably serve in time].
    #[cfg(feature = "agent")]
    #[arg(long, value_name = "N", requires = "real", value_parser = clap::value_parser!(u16).range(1..=1024))]
    worlds: Option<u16>,
    /// Continue an interrupted run in the results folder; finished trials are not repeated.
    #[arg(long)]
    resume: bool,
    /// Print the experiment file instead of running it.
    #[arg(long)]
    print_experiment: bool,
}

/// The formats of [`EXPORTERS`], by name.
fn format_parser() -> impl TypedValueParser<Value = &'static dyn Exporter> {
    let value = |exporter: &&dyn Exporter| PossibleValue::new(exporter.name()).help(exporter.about());
    PossibleValuesParser::new(EXPORTERS.iter().map(value))
        .map(|name| exporter(&name).expect("only their names are parsed"))
}

/// The measure of this name.
fn measure(name: &str) -> Result<&'static Measure, String> {
    Measure::named(name).ok_or_else(|| {
        let near = did_you_mean(&nearest_names(name, MEASURES.iter().map(|measure| measure.name)));
        format!("no measure has this name (`swimlab list measures` shows all){near}")
    })
}

impl Args {
    /// Refuses choices about a table that is not printed, and a column that is listed twice.
    fn check_table(&self) -> Result<(), Failed> {
        let bad = |message: String| Err(Failed { code: 2, message });
        let flag = match (&self.columns[..], self.sort) {
            ([], None) => return Ok(()),
            ([], Some(_)) => "--sort",
            _ => "--columns",
        };
        if self.is_real() {
            return bad(format!("{flag}: with --real a comparison is printed, which has all measures as rows"));
        }
        if self.format.name() != EXPORTERS[0].name() {
            let format = self.format.name();
            return bad(format!("{flag}: only --format table has columns and rows to choose, not --format {format}"));
        }
        for (n, measure) in self.columns.iter().enumerate() {
            if self.columns[..n].iter().any(|other| other.name == measure.name) {
                return bad(format!("--columns lists {} twice", measure.name));
            }
        }
        Ok(())
    }

    fn is_real(&self) -> bool {
        #[cfg(feature = "agent")]
        return self.real;
        #[cfg(not(feature = "agent"))]
        false
    }
}

pub(super) fn run(args: Args, lab: &Lab) -> Result<ExitCode, Failed> {
    if args.print_experiment && args.file.is_none() {
        return print(DEFAULT).map(|()| ExitCode::SUCCESS);
    }
    args.check_table()?;
    let mut experiment = super::experiment(args.file.clone(), args.seed, lab)?;
    if args.print_experiment {
        return print(&experiment.source.text).map(|()| ExitCode::SUCCESS);
    }
    experiment.smallest_effect = args.smallest_effect.unwrap_or(experiment.smallest_effect);
    experiment.trials = args.trials.unwrap_or(experiment.trials);
    let say = |line: &str| {
        if !args.quiet {
            report(line);
        }
    };
    #[cfg(feature = "agent")]
    if args.real {
        real::format(&args)?;
        experiment.check_real()?;
    }
    let wanted = args.threads.map_or(0, usize::from);
    let worlds = experiment.threads(wanted)?;
    let folder = folder(&args, &experiment)?;
    let path = folder.path().to_owned();
    for notice in &experiment.notices {
        say(&format!("note: {notice}"));
    }
    if worlds < wanted {
        say(&format!("note: there is memory for {worlds} worlds at once, so no more trials run at once"));
    }
    let trials = experiment.cells.len() * experiment.trials as usize - folder.already_finished();
    for note in experiment.thread_notes(experiment.world_threads(wanted, trials)?) {
        say(&format!("note: {note}"));
    }
    if folder.already_finished() > 0 {
        say(&format!("{}: going on after {} finished trials", path.display(), folder.already_finished()));
    }
    let bar = if args.quiet { ProgressBar::hidden() } else { bar() };
    let stop = stop_on_signals(bar.clone());
    let finished = experiment.run(Options {
        threads: wanted,
        folder: Some(folder),
        stop: Arc::clone(&stop),
        progress: Some(follow(bar.clone())),
    });
    let not_written = |error| match error {
        Error::Lost { .. } => not_written(error, &path),
        error => error.into(),
    };
    let finished = finished.map_err(not_written)?;
    bar.finish_and_clear();
    let mut export = ExportOptions { experiment: Some(&experiment), ..ExportOptions::default() };
    write_files(&path, &finished.results, &export, |exporter| exporter.is_data()).map_err(not_written)?;
    // An interrupted run ends at once, without the trials for ping maps.
    let ping_maps = if finished.interrupted { Vec::new() } else { experiment.ping_maps(worlds)? };
    export.ping_maps = &ping_maps;
    write_files(&path, &finished.results, &export, |exporter| !exporter.is_data()).map_err(not_written)?;
    let mut printed = Ok(());
    #[cfg(feature = "agent")]
    let finished = match args.real {
        true => {
            let (finished, comparison) = real::run(&args, &experiment, finished, &path, (Arc::clone(&stop), bar))?;
            printed = comparison;
            finished
        }
        false => finished,
    };
    // All is saved: from now on, one signal is enough to end.
    stop.store(true, Ordering::Relaxed);
    if !args.is_real() {
        (export.width, export.color) = terminal();
        (export.columns, export.sort) = (&args.columns, args.sort);
        output::flush();
        let mut out = io::stdout().lock();
        printed = super::quietly_closed(args.format.export(&finished.results, &export, &mut out));
    }
    say(&format!("results: {}; open {}", path.display(), path.join("report.html").display()));
    for failure in &finished.failures {
        report(&format!("error: {}", describe(failure, &args)));
    }
    if finished.interrupted {
        say(&format!("interrupted; the same command with --out {} --resume goes on", path.display()));
        return Ok(ExitCode::from(INTERRUPTED));
    }
    printed?;
    Ok(if finished.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Opens the results folder before any work is done, so that a folder that cannot be written is reported first.
fn folder(args: &Args, experiment: &Experiment) -> Result<Folder, Failed> {
    let beside = || Path::new("results").join(&experiment.name);
    Ok(match (&args.out, args.resume) {
        (Some(path), false) => Folder::create(path, experiment)?,
        (Some(path), true) => Folder::resume(path, experiment)?,
        (None, false) => Folder::create_beside(&beside(), experiment)?,
        (None, true) => Folder::resume_beside(&beside(), experiment)?,
    })
}

/// The first signal that asks for the end stops the run after the trials under way; the second one ends the program.
fn stop_on_signals(bar: ProgressBar) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    signals::on_end(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        bar.suspend(|| report("stopping after the trials that are under way; again to stop at once"));
    });
    stop
}

/// The error of a file that could not be written, and the way to go on.
fn not_written(error: Error, folder: &Path) -> Failed {
    let message = format!(
        "{error}\n  finished trials are kept; the same command with --out {} --resume goes on",
        folder.display()
    );
    Failed { code: 1, message }
}

/// The message of a failed trial, and the command that replays it.
fn describe(failure: &Failure, args: &Args) -> String {
    let key = &failure.key;
    let file = args.file.as_ref().map(|file| format!(" {}", file.display())).unwrap_or_default();
    let seed = args.seed.map(|seed| format!(" --seed {seed}")).unwrap_or_default();
    let trials = args.trials.map(|trials| format!(" --trials {trials}")).unwrap_or_default();
    let fixed = CellKey::NAMES.len();
    let flag = |(n, (name, value)): (usize, (&str, KeyValue<'_>))| match value {
        _ if n >= fixed => format!(" --swept {name}={value}"),
        KeyValue::Text(text) => format!(" --{name} '{text}'"),
        number => format!(" --{name} {number}"),
    };
    let flags: String = key.fields().enumerate().map(flag).collect();
    format!(
        "trial {} (seed {}) went wrong: {}\n  see it with: {} replay{file} --trial {}{trials}{seed}{flags}",
        failure.trial,
        failure.seed,
        failure.message,
        super::program(),
        failure.trial,
    )
}
