//! `swimlab run`.

#[cfg(feature = "agent")]
mod real;

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use super::{DEFAULT, Failed, Format, print, terminal};
use crate::experiment::results::Results;
use crate::experiment::{Experiment, Failure, Folder, Lab, MOST_TRIALS, Options, PingMap, Progress};
use crate::report::{csv, findings, html, json, picture, table};

/// The exit code of a program that was interrupted: 128 and the number of the signal.
const INTERRUPTED: u8 = 130;

#[derive(clap::Args)]
pub struct Args {
    /// The experiment file; the default experiment without one.
    file: Option<PathBuf>,
    /// Take this seed instead of the file's.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Run N trials of each cell instead of the file's number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_TRIALS)))]
    trials: Option<u32>,
    /// Use N threads [default: one per core]. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Write results into this folder [default: results/NAME, or results/NAME-2, ... if that exists].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The format of the results on standard output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
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

impl Args {
    fn is_real(&self) -> bool {
        #[cfg(feature = "agent")]
        return self.real;
        #[cfg(not(feature = "agent"))]
        false
    }
}

pub fn run(args: Args, lab: &Lab) -> Result<ExitCode, Failed> {
    if args.print_experiment && args.file.is_none() {
        return print(DEFAULT).map(|()| ExitCode::SUCCESS);
    }
    let mut experiment = super::experiment(args.file.clone(), args.seed, lab)?;
    if args.print_experiment {
        return print(&experiment.source.text).map(|()| ExitCode::SUCCESS);
    }
    experiment.trials = args.trials.unwrap_or(experiment.trials);
    let say = |line: &str| {
        if !args.quiet {
            eprintln!("{line}");
        }
    };
    #[cfg(feature = "agent")]
    if args.real {
        experiment.check_real()?;
    }
    let wanted = args.threads.map_or(0, usize::from);
    let threads = experiment.threads(wanted)?;
    let folder = folder(&args, &experiment)?;
    let path = folder.path().to_owned();
    for notice in &experiment.notices {
        say(&format!("note: {notice}"));
    }
    if threads < wanted {
        say(&format!("note: there is memory for {threads} worlds at once, so {threads} threads run"));
    }
    if folder.already_finished() > 0 {
        say(&format!("{}: going on after {} finished trials", path.display(), folder.already_finished()));
    }
    let bar = if args.quiet { ProgressBar::hidden() } else { bar() };
    let stop = stop_on_ctrl_c(bar.clone());
    let finished = experiment.run(Options {
        threads,
        folder: Some(folder),
        stop: Arc::clone(&stop),
        progress: Some(follow(bar.clone())),
    })?;
    bar.finish_and_clear();
    write_tables(&path, &finished.results)?;
    // An interrupted run ends without the time that pictures take.
    let sketches = if finished.interrupted { Vec::new() } else { experiment.sketches(threads)? };
    write_report(&path, &experiment, &finished.results, &sketches)?;
    #[cfg(feature = "agent")]
    let finished = match args.real {
        true => real::run(&args, &experiment, finished, &path, (stop, bar))?,
        false => finished,
    };
    if !args.is_real() {
        print_results(&finished.results, args.format)?;
    }
    say(&format!("results: {}; open {}", path.display(), path.join("report.html").display()));
    for failure in &finished.failures {
        eprintln!("error: {}", describe(failure, &args));
    }
    if finished.interrupted {
        say(&format!("interrupted; the same command with --out {} --resume goes on", path.display()));
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(if finished.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The results folder, before any work is done: that it cannot be written should not come out at the end.
fn folder(args: &Args, experiment: &Experiment) -> Result<Folder, Failed> {
    let beside = || Path::new("results").join(&experiment.name);
    Ok(match (&args.out, args.resume) {
        (Some(path), false) => Folder::create(path, experiment)?,
        (Some(path), true) => Folder::resume(path, experiment)?,
        (None, false) => Folder::create_beside(&beside(), experiment)?,
        (None, true) => Folder::resume_beside(&beside(), experiment)?,
    })
}

/// The first Ctrl-C or SIGTERM lets running trials end; the second ends the program.
fn stop_on_ctrl_c(bar: ProgressBar) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // Without a handler Ctrl-C ends the program at once, and finished trials are safe all the same.
    let _ = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        bar.suspend(|| eprintln!("stopping after the trials that are under way; again to stop at once"));
    });
    stop
}

/// Drawn on standard error, and only if that is a terminal.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} trials{left}").expect("a valid template");
    let style = style.with_key("left", |state: &ProgressState, out: &mut dyn fmt::Write| {
        // Before the first trial is done nothing is known.
        if !state.eta().is_zero() {
            let _ = write!(out, ", {} left", HumanDuration(state.eta()));
        }
    });
    let bar = ProgressBar::no_length().with_style(style);
    // Trials can take minutes; the time left goes on meanwhile.
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

fn follow(bar: ProgressBar) -> Box<dyn Fn(Progress) + Send + Sync> {
    Box::new(move |Progress { done, all }| {
        if bar.length().is_none() {
            // Trials of an earlier run took no time of this one.
            bar.set_length(all as u64);
            bar.set_position(done as u64);
            bar.reset_eta();
        }
        bar.set_position(done as u64);
    })
}

fn write_tables(folder: &Path, results: &Results) -> Result<(), Failed> {
    write_file(&folder.join("trials.csv"), |out| csv::write_trials(results, out))?;
    write_file(&folder.join("victims.csv"), |out| csv::write_victims(results, out))?;
    write_file(&folder.join("summary.json"), |out| json::write_summary(results, out))
}

fn write_report(folder: &Path, experiment: &Experiment, results: &Results, sketches: &[PingMap]) -> Result<(), Failed> {
    write_file(&folder.join("picture.svg"), |out| out.write_all(picture::render(results).as_bytes()))?;
    let manifest = experiment.manifest();
    let report = html::Report { results, manifest: &manifest, file: &experiment.source.text, sketches };
    write_file(&folder.join("report.html"), |out| out.write_all(html::render(&report).as_bytes()))
}

fn write_file(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), Failed> {
    let written = File::create(path).and_then(|file| {
        let mut out = BufWriter::new(file);
        fill(&mut out)?;
        out.flush()
    });
    written.map_err(|error| Failed { code: 1, message: format!("cannot write {}: {error}", path.display()) })
}

fn print_results(results: &Results, format: Format) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    super::quietly_closed(match format {
        Format::Table => {
            let (width, color) = terminal();
            write!(out, "{}{}", table::render(results, width, color), findings::render(results, width))
        }
        Format::Csv => csv::write_trials(results, out),
        Format::Json => json::write_summary(results, out),
    })
}

/// The message of a failed trial, and the command that replays it.
fn describe(failure: &Failure, args: &Args) -> String {
    let key = &failure.key;
    let file = args.file.as_ref().map(|file| format!(" {}", file.display())).unwrap_or_default();
    let seed = args.seed.map(|seed| format!(" --seed {seed}")).unwrap_or_default();
    let swept: String = key.swept.iter().map(|(key, value)| format!(" --swept {key}={value}")).collect();
    format!(
        "trial {} (seed {}) went wrong: {}\n  see it with: {} replay{file} --trial {}{seed} --topology '{}' \
         --selector '{}' --profile '{}' --members {} --loss {} --scenario '{}'{swept}",
        failure.trial,
        failure.seed,
        failure.message,
        super::program(),
        failure.trial,
        key.topology,
        key.selector,
        key.profile,
        key.members,
        key.loss,
        key.scenario,
    )
}
