//! The command line, for `swimlab` itself and for binaries that add their own parts to it.
//!
//! [`main`] is the whole of it: `run`, `replay`, `compare`, `list`, `reproduce` and, with the feature `agent` on Unix,
//! `agent` and the commands that ask a running agent. A selector that is registered in the [`Lab`] can be named in
//! experiment files, listed, replayed and run by an agent like a built-in one (examples/own_command_line.rs):
//!
//! ```no_run
//! use swimlab::experiment::Lab;
//! use swimlab_selectors::{DynSelector, Shuffle};
//!
//! fn main() -> std::process::ExitCode {
//!     let mut lab = Lab::default();
//!     lab.selectors.register("mine", "One sentence for `list`.", vec![], |_, _| Ok(DynSelector::new("mine", Shuffle)));
//!     swimlab::cli::main(lab)
//! }
//! ```

mod advise;
#[cfg(all(feature = "agent", unix))]
mod agent;
#[cfg(all(feature = "agent", unix))]
#[cfg(all(feature = "agent", unix))]
mod client;
mod compare;
mod course;
#[cfg(all(feature = "agent", unix))]
mod environment;
#[cfg(all(feature = "agent", unix))]
mod escape;
#[cfg(test)]
mod limit_table;
mod list;
mod output;
mod page;
mod play;
mod replay;
mod reproduce;
mod run;
#[cfg(all(feature = "agent", unix))]
mod shell;
mod signals;
mod timeline;
#[cfg(all(feature = "agent", unix))]
mod top;

use std::env;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::experiment::{BadInput, Error, Experiment, Lab, TomlSource};
#[cfg(test)]
pub(crate) use limit_table::stated_limits;

/// The experiment that runs if no file is given.
const DEFAULT: &str = include_str!("../../examples/experiments/default.toml");

/// The exit code of a program that was interrupted: 128 and the number of the signal.
#[cfg(all(feature = "agent", unix))]
const INTERRUPTED: u8 = 130;

/// The width of tables in columns if standard output is not a terminal.
const WIDTH: u16 = 120;

const EXAMPLES: &str = "\
Examples:
  swimlab run                                        run the default experiment, in less than a minute
  swimlab run --print-experiment > mine.toml         an experiment file to start from
  swimlab run mine.toml --trials 1000 --out results/mine
  swimlab run mine.toml --trials 1000 --out results/mine --resume
  swimlab run mine.toml --format csv --quiet > trials.csv
  swimlab run mine.toml --real                       the same on real sockets, and a comparison
  swimlab compare results/mine results/mine-2        differences between two runs, and whether they are noise
  swimlab list selectors                             names and parameters for experiment files
  swimlab replay mine.toml --trial 7 --selector shuffle --member 3
  swimlab play                                       see SWIM work, in the browser
  swimlab course new my_selector                     a selector of your own, and challenges for it
  swimlab advise --members 25 --topology lan --declare-within 5s --false-deaths 1/month
                                                     which detector and settings to run there
  swimlab reproduce swim                             the SWIM paper's figures next to measured ones
  swimlab agent --name a --join 127.0.0.1:7947       a member on real sockets; see docs/operations.md

Results go to results/NAME (then NAME-2, NAME-3, ...) unless --out names a folder.
Exit codes: 0 success, 1 a failure on the way, 2 bad input, 3 targets that cannot be met, 130 interrupted.";

/// A laboratory for the SWIM membership protocol: measures detection time, false positives and traffic of the
/// strategies and topologies that an experiment file names.
#[derive(Parser)]
#[command(name = "swimlab", version = env!("SWIMLAB_VERSION"), after_help = EXAMPLES, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run an experiment file, or the default experiment.
    Run(run::Args),
    /// Compare two results folders: the difference of each measure, its interval, and whether it is more than noise.
    Compare(compare::CompareArgs),
    /// List the names for experiment files: strategies with their parameters, ranges and defaults.
    List(list::ListArgs),
    /// Tell which detector with which settings meets targets of time, false deaths and bytes in your network.
    ///
    /// Candidates are tried in simulated worlds, and the best are confirmed with fresh seeds. Without flags on a terminal, it
    /// asks for them. Exit code 3 if no detector meets the targets. docs/advise.md has examples.
    Advise(Box<advise::AdviseArgs>),
    /// Compare published figures with measured ones, row by row.
    Reproduce(reproduce::ReproduceArgs),
    /// Show worlds on a page in the browser: members, packets and news move, and one breaks things by hand.
    ///
    /// The page runs the same code as this program, to the last bit. `swimlab replay LINK` prints the timeline of what it
    /// shows.
    Play(play::Args),
    /// Write a selector of your own and have it judged: challenges of the course, with bars to beat.
    Course(course::CourseArgs),
    /// Print the timeline of one trial: pings, suspicions, declarations and how they spread.
    Replay(replay::Args),
    /// Run a member on real sockets, until Ctrl-C.
    #[cfg(all(feature = "agent", unix))]
    Agent(Box<agent::Args>),
    /// List the members in a running agent's table.
    #[cfg(all(feature = "agent", unix))]
    Members(client::MembersArgs),
    /// List the instances of services that a running agent knows, the readiest first.
    #[cfg(all(feature = "agent", unix))]
    Services(client::ServicesArgs),
    /// Print a running agent's state and counters.
    #[cfg(all(feature = "agent", unix))]
    Info(client::InfoArgs),
    /// Make a running agent join the cluster of other members.
    ///
    /// All of them are asked for their table, and one that answers is enough. Two clusters become one. Unlike the seeds of
    /// `swimlab agent --join` they are not tried again later.
    #[cfg(all(feature = "agent", unix))]
    Join(client::JoinArgs),
    /// Make a running agent leave its cluster.
    #[cfg(all(feature = "agent", unix))]
    Leave(client::Socket),
    /// Mark a suspected or dead member as departed, at all members.
    ///
    /// It is not tried any more, as a dead member is. One that is alive after all comes back by itself.
    #[cfg(all(feature = "agent", unix))]
    ForceLeave(client::ForceLeaveArgs),
    /// List and change a running agent's metadata, which all members see.
    #[cfg(all(feature = "agent", unix))]
    Meta(client::MetaArgs),
    /// Report the health of a running agent's member, or of one of its services.
    ///
    /// What is not passing is listed after what is, and critical instances get no clients. The report counts until the next
    /// one.
    #[cfg(all(feature = "agent", unix))]
    Health(client::HealthArgs),
    /// Report a figure of a running agent's member that changes all the time, such as requests in flight.
    ///
    /// The others believe it for 30 seconds.
    #[cfg(all(feature = "agent", unix))]
    Load(client::LoadArgs),
    /// List and change the values that the whole cluster shares.
    ///
    /// Any member writes them, and all know them soon. Of two writes at the same time the later one counts; an item that
    /// is added to a set while another member removes it stays. They are lost if all members end.
    #[cfg(all(feature = "agent", unix))]
    Shared(client::SharedArgs),
    /// Send an event to the applications of all members.
    ///
    /// Each member reports it once, this one included: most within a second by gossip, those that gossip has missed with
    /// one of their next state syncs. A member that is cut off for longer than two intervals between syncs misses it.
    #[cfg(all(feature = "agent", unix))]
    Event(client::EventArgs),
    /// Ask all members something, or some of them, and print their answers as they come.
    ///
    /// Event handlers (`swimlab agent --on query:NAME=COMMAND`) and programs answer; each member acknowledges. The summary
    /// on standard error tells how many members were asked, have acknowledged and have answered. Exit code 1 if none has
    /// answered, or fewer than --count; 130 after Ctrl-C, which ends the query.
    #[cfg(all(feature = "agent", unix))]
    Query(client::QueryArgs),
    /// Tell the round-trip time between two members: measured, or by network coordinates.
    #[cfg(all(feature = "agent", unix))]
    Rtt(client::RttArgs),
    /// Ping all members from a running agent, and tell who answers.
    ///
    /// Exit code 1 if one does not. Its silence has no consequences.
    #[cfg(all(feature = "agent", unix))]
    Reachability(client::ReachabilityArgs),
    /// Print the log of a running agent as it is written, at a level of its own.
    ///
    /// Ends with the agent, and on Ctrl-C. A reader that is too slow is told how many lines it has missed.
    #[cfg(all(feature = "agent", unix))]
    Monitor(client::MonitorArgs),
    /// Show a running agent and its members in the terminal, live.
    ///
    /// `?` lists the keys: choose, sort and filter members, look at one, pause, quit.
    #[cfg(all(feature = "agent", unix))]
    Top(top::TopArgs),
    /// Generate keys; list, install, use and remove those of a running agent.
    #[cfg(all(feature = "agent", unix))]
    Keys(client::KeysArgs),
    /// Make a running agent read its keys and event handlers again, as SIGHUP does.
    #[cfg(all(feature = "agent", unix))]
    Reload(client::Socket),
    /// Print a completion script for a shell.
    Completions(shell::CompletionsArgs),
    /// Write manual pages into a folder.
    Man(shell::ManArgs),
}

/// Output format of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ComparisonFormat {
    /// For reading.
    #[default]
    Table,
    /// A row for each measure of each cell.
    Csv,
    /// All cells with their measures by name.
    Json,
}

/// Reason of a failed command, and its exit code.
struct Failed {
    code: u8,
    message: String,
}

/// Parses the process's arguments, runs the command that they name, and returns the exit code: 0 for success, 1 for a
/// failure on the way, 2 for bad input, 130 after an interrupt.
///
/// Names in experiment files and arguments are looked up in `lab`. Only `reproduce` uses a default lab, as published
/// figures are compared with the built-in parts.
pub fn main(lab: Lab) -> ExitCode {
    output::report_panics();
    #[cfg(unix)]
    signals::outlive_limit_of_file_sizes();
    let done = match CommandLine::parse().command {
        Command::Run(args) => run::run(args, &lab),
        Command::Compare(args) => compare::compare(&args),
        Command::List(args) => list::list(&args, &lab),
        Command::Advise(args) => advise::advise(&args, &lab),
        Command::Reproduce(args) => reproduce::reproduce(&args),
        Command::Play(args) => play::play(args, &lab),
        Command::Course(args) => course::course(args, &lab),
        Command::Replay(args) => replay::replay(args, &lab),
        #[cfg(all(feature = "agent", unix))]
        Command::Agent(args) => agent::agent(*args, &lab),
        #[cfg(all(feature = "agent", unix))]
        Command::Members(args) => client::members(&args),
        #[cfg(all(feature = "agent", unix))]
        Command::Services(args) => client::services(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Info(args) => client::info(&args),
        #[cfg(all(feature = "agent", unix))]
        Command::Join(args) => client::join(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Leave(socket) => client::leave(&socket),
        #[cfg(all(feature = "agent", unix))]
        Command::ForceLeave(args) => client::force_leave(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Meta(args) => client::meta(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Health(args) => client::health(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Load(args) => client::load(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Shared(args) => client::shared(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Event(args) => client::event(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Query(args) => client::query(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Rtt(args) => client::rtt(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Reachability(args) => client::reachability(&args),
        #[cfg(all(feature = "agent", unix))]
        Command::Monitor(args) => client::monitor(&args),
        #[cfg(all(feature = "agent", unix))]
        Command::Top(args) => top::top(&args),
        #[cfg(all(feature = "agent", unix))]
        Command::Keys(args) => client::keys(args),
        #[cfg(all(feature = "agent", unix))]
        Command::Reload(socket) => client::reload(&socket),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    };
    let code = done.unwrap_or_else(|Failed { code, message }| {
        output::report(&format!("error: {message}"));
        ExitCode::from(code)
    });
    output::flush();
    code
}

/// The name by which this process was started, for commands that messages suggest.
fn program() -> String {
    let path = env::args_os().next().map(PathBuf::from);
    let name = path.as_deref().and_then(Path::file_stem).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "swimlab".to_owned())
}

/// Reads the experiment of a file, or the default one.
fn experiment(file: Option<PathBuf>, seed: Option<u64>, lab: &Lab) -> Result<Experiment, Failed> {
    let source = match file {
        Some(path) => TomlSource::read(&path)?,
        None => TomlSource::text("default.toml", DEFAULT),
    };
    let mut experiment = Experiment::parse(&source, lab)?;
    experiment.seed = seed.unwrap_or(experiment.seed);
    Ok(experiment)
}

/// Writes to standard output. It is not a failure if the reader has closed it, as `head` does.
fn print(text: impl fmt::Display) -> Result<(), Failed> {
    output::flush();
    let mut out = io::stdout().lock();
    quietly_closed(write!(out, "{text}").and_then(|()| out.flush()))
}

/// The width of the output in columns, and whether it shows colors. The width is that of the terminal, else what the
/// environment variable `COLUMNS` says.
fn terminal() -> (u16, bool) {
    let terminal = console::Term::stdout();
    let width = match terminal.size_checked() {
        Some((_, columns)) => columns,
        None => columns(env::var("COLUMNS").ok().as_deref()).unwrap_or(WIDTH),
    };
    (width, terminal.is_term() && console::colors_enabled())
}

/// The value of `COLUMNS`, if it is a usable width.
fn columns(text: Option<&str>) -> Option<u16> {
    text?.trim().parse().ok().filter(|columns| *columns >= 20)
}

/// Ignores the error of an output that its reader has closed.
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
