//! EventKind `swimlab` does when it is called: parse the command line, call the library, choose the exit code.

#[cfg(all(feature = "agent", unix))]
mod agent;
#[cfg(all(feature = "agent", unix))]
mod client;
mod compare;
mod list;
mod replay;
mod reproduce;
mod run;
mod timeline;

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use swimlab::experiment::{BadInput, Error, Experiment, Lab, TomlSource};

/// The experiment that runs when none is named.
const DEFAULT: &str = include_str!("../../examples/experiments/default.toml");

/// How wide tables are where there is no terminal to ask.
const WIDTH: u16 = 120;

const EXAMPLES: &str = "\
Examples:
  swimlab run                                        run the default experiment, under a minute
  swimlab run --print-experiment > mine.toml         a file of your own to start from
  swimlab run mine.toml --trials 1000 --out results/mine
  swimlab run mine.toml --trials 1000 --out results/mine --resume
  swimlab run mine.toml --format csv --quiet > trials.csv
  swimlab run mine.toml --real                       the same on real sockets, and how far they are apart
  swimlab compare results/mine results/mine-2        what differs between two runs, and whether it is noise
  swimlab list selectors                             what an experiment file can name
  swimlab replay mine.toml --trial 7 --selector shuffle --member 3
  swimlab reproduce swim                             the SWIM paper's figures beside ours
  swimlab agent --name a --join 127.0.0.1:7947       a member on real sockets; see docs/operations.md

Results go to results/NAME (then NAME-2, NAME-3, ...) unless --out names a folder.
Exit codes: 0 all went well, 1 something failed on the way, 2 bad input, 130 interrupted.";

/// A laboratory for the SWIM membership protocol: name strategies and topologies in a file, and get detection time,
/// false positives and traffic of each.
#[derive(Parser)]
#[command(name = "swimlab", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run an experiment file, or the default experiment.
    Run(run::Args),
    /// Compare two results folders: the difference of each measure, its interval, and whether it is more than noise.
    Compare(compare::Args),
    /// List what an experiment file can name: strategies, their parameters, ranges and defaults.
    List(list::Args),
    /// Set published figures beside ours, row by row.
    Reproduce(reproduce::Args),
    /// Print the timeline of one trial: who pinged whom, who suspected, who learnt it from whom.
    Replay(replay::Args),
    /// Run a member on real sockets, until Ctrl-C.
    #[cfg(all(feature = "agent", unix))]
    Agent(Box<agent::Args>),
    /// List the members that a running agent knows.
    #[cfg(all(feature = "agent", unix))]
    Members(client::MembersArgs),
    /// Print how a running agent is doing.
    #[cfg(all(feature = "agent", unix))]
    Info(client::InfoArgs),
    /// Let a running agent leave its cluster.
    #[cfg(all(feature = "agent", unix))]
    Leave(client::Socket),
    /// Spread an event among the applications of all members.
    #[cfg(all(feature = "agent", unix))]
    Event(client::EventArgs),
    /// Make, list, install, use and remove a running agent's keys.
    #[cfg(all(feature = "agent", unix))]
    Keys(client::KeysArgs),
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs, in rows: those of trials.csv, or one for each measure compared.
    Csv,
    /// For programs, in full: what is in summary.json, or each comparison by name.
    Json,
}

/// Why the command failed, and the exit code for it.
struct Failed {
    code: u8,
    message: String,
}

/// Runs the command and says how it ended.
pub fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Run(args) => run::run(args),
        Command::Compare(args) => compare::compare(&args),
        Command::List(args) => list::list(&args),
        Command::Reproduce(args) => reproduce::reproduce(&args),
        Command::Replay(args) => replay::replay(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Agent(args) => agent::agent(*args),
        #[cfg(all(feature = "agent", unix))]
        Command::Members(args) => client::members(&args),
        #[cfg(all(feature = "agent", unix))]
        Command::Info(args) => client::info(&args),
        #[cfg(all(feature = "agent", unix))]
        Command::Leave(socket) => client::leave(&socket),
        #[cfg(all(feature = "agent", unix))]
        Command::Event(args) => client::event(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Keys(args) => client::keys(args),
    };
    done.unwrap_or_else(|Failed { code, message }| {
        eprintln!("error: {message}");
        ExitCode::from(code)
    })
}

/// Reads the experiment in this file, or the default one.
fn experiment(file: Option<PathBuf>, seed: Option<u64>) -> Result<Experiment, Failed> {
    let source = match file {
        Some(path) => TomlSource::read(&path)?,
        None => TomlSource::text("default.toml", DEFAULT),
    };
    let mut experiment = Experiment::parse(&source, &Lab::default())?;
    experiment.seed = seed.unwrap_or(experiment.seed);
    Ok(experiment)
}

/// Writes to standard output. That the reader has gone (`| head`) is no failure.
fn print(text: impl fmt::Display) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    quietly_closed(write!(out, "{text}").and_then(|()| out.flush()))
}

/// How wide a table may be, and whether it may have colours.
fn terminal() -> (u16, bool) {
    let terminal = console::Term::stdout();
    let width = terminal.size_checked().map_or(WIDTH, |(_, columns)| columns);
    (width, terminal.is_term() && console::colors_enabled())
}

fn quietly_closed(written: io::Result<()>) -> Result<(), Failed> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failed { code: 1, message: format!("cannot write to standard output: {error}") })
        }
        _ => Ok(()),
    }
}

impl From<BadInput> for Failed {
    fn from(bad: BadInput) -> Self {
        Self { code: 2, message: bad.to_string() }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let code = if matches!(error, Error::Lost { .. }) { 1 } else { 2 };
        Self { code, message: error.to_string() }
    }
}
