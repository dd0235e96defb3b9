//! `swimlab replay`.

mod cell_filter;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::page::{Page, PageFlag};
use super::timeline::{Filter, Packets, Timeline};
use super::{Failed, quietly_closed};
use crate::course::scenes;
use crate::experiment::{Cell, Experiment, Lab, LinkedExperiment, LinkedText, MOST_TRIALS, TrialLink, trial_seed};
use crate::sim::Setup;
use cell_filter::CellFilter;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The experiment file, or the link to a trial that `swimlab play` shows; the default experiment without either.
    #[arg(value_name = "FILE|LINK")]
    file: Option<String>,
    /// The number of the trial, as in trials.csv. A link has it already.
    #[arg(long, value_name = "K")]
    trial: Option<u32>,
    /// The number of trials of each cell, if the run had another than the file's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_TRIALS)))]
    trials: Option<u32>,
    /// Take this seed instead of the file's, as the run did.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Show only events of or about this member, and packets from or to it.
    #[arg(long, value_name = "N")]
    member: Option<u32>,
    /// The packets to show.
    #[arg(long, value_enum, default_value = "pings")]
    packets: Packets,
    /// The first time to show, in seconds after the warm-up; negative times are in the warm-up.
    #[arg(long, value_name = "S", default_value_t = 0.0, allow_hyphen_values = true, value_parser = seconds)]
    from: f64,
    /// The time to stop at, in seconds after the warm-up [default: the end].
    #[arg(long, value_name = "S", allow_hyphen_values = true, value_parser = seconds)]
    until: Option<f64>,
    /// Write an HTML page that shows the trial, instead of the timeline. It is one file and needs nothing else.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["member", "packets", "from", "until"])]
    html: Option<PathBuf>,
    #[command(flatten)]
    page: PageFlag,
    #[command(flatten)]
    cell: CellFilter,
}

/// A trial in one or more cells.
struct Trial {
    link: TrialLink,
    number: u32,
    seed: u64,
    cells: Vec<Cell>,
}

pub(super) fn replay(args: Args, lab: &Lab) -> Result<ExitCode, Failed> {
    let trial = match &args.file {
        Some(link) if TrialLink::is_link(link) => linked_trial(link, &args, lab)?,
        file => trial_of_file(file.as_ref().map(PathBuf::from), &args, lab)?,
    };
    if let Some(path) = &args.html {
        let page = Page::find(&args.page)?.opening(&trial.link.to_string());
        fs::write(path, page)
            .map_err(|error| Failed { code: 1, message: format!("--html {}: {error}", path.display()) })?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    for (n, cell) in trial.cells.iter().enumerate() {
        if n > 0 {
            quietly_closed(out.write_all(b"\n"))?;
        }
        print_timeline(&trial, cell, &args, &mut out)?;
    }
    quietly_closed(out.flush())?;
    Ok(ExitCode::SUCCESS)
}

/// The trial of a link, which has all that flags say about files.
fn linked_trial(link: &str, args: &Args, lab: &Lab) -> Result<Trial, Failed> {
    let given =
        [("--trial", args.trial.is_some()), ("--trials", args.trials.is_some()), ("--seed", args.seed.is_some())];
    let given = given.iter().find(|(_, given)| *given).map(|(flag, _)| (*flag).to_owned());
    if let Some(flag) = given.or_else(|| args.cell.given()) {
        return Err(refuse(format!("{flag}: the link already says which trial it is")));
    }
    let link = TrialLink::parse(link)?;
    let linked = link.open(lab, scenes::text)?;
    Ok(Trial { link, number: linked.trial, seed: linked.seed, cells: linked.cells })
}

/// The trial that flags choose in an experiment file.
fn trial_of_file(file: Option<PathBuf>, args: &Args, lab: &Lab) -> Result<Trial, Failed> {
    let experiment = super::experiment(file, args.seed, lab)?;
    let Some(number) = args.trial else {
        return Err(refuse("--trial <K> is missing: the number of the trial, as in trials.csv".to_owned()));
    };
    let trials = args.trials.unwrap_or(experiment.trials);
    if number >= trials {
        let last = trials - 1;
        return Err(refuse(format!(
            "there is no trial {number}: they count from 0 to {last}, or to what --trials says"
        )));
    }
    let cell = args.cell.choose(&experiment)?;
    let link = link_to(&experiment, cell, number);
    Ok(Trial { link, number, seed: trial_seed(experiment.seed, number), cells: vec![experiment.cells[cell].clone()] })
}

/// A link to a trial of an experiment that holds the experiment itself.
fn link_to(experiment: &Experiment, cell: usize, trial: u32) -> TrialLink {
    let mut link = TrialLink::new(LinkedExperiment::Text(LinkedText::of(experiment)));
    link.cells = vec![cell];
    link.trial = trial;
    link.seed = Some(experiment.seed);
    link
}

fn print_timeline(trial: &Trial, cell: &Cell, args: &Args, mut out: impl Write) -> Result<(), Failed> {
    let (start, end) = (-cell.warmup.as_secs_f64(), cell.duration.as_secs_f64());
    if !(start..=end).contains(&args.from) {
        return Err(refuse(format!("--from {}: the trial is from {start} to {end} seconds", args.from)));
    }
    if let Some(until) = args.until.filter(|until| *until < args.from) {
        return Err(refuse(format!("--until {until}: is before --from {}", args.from)));
    }
    let setup: Setup = cell.setup(trial.seed);
    let hosts = setup.placement.members();
    if let Some(member) = args.member.filter(|&member| member >= hosts) {
        return Err(refuse(format!("there is no member {member}: they count from 0 to {}", hosts - 1)));
    }
    let head = format!(
        "trial {} (seed {}) of {}\n{} members on {}\ntimes in seconds after the warm-up of {}\n\n",
        trial.number,
        setup.seed,
        cell.key,
        cell.key.members,
        setup.placement.title(),
        setup.warmup,
    );
    quietly_closed(out.write_all(head.as_bytes()))?;
    let filter = Filter {
        member: args.member,
        packets: args.packets,
        from_s: args.from,
        until_s: args.until.unwrap_or(f64::INFINITY),
    };
    let mut timeline = Timeline::new(&setup, filter, &mut out);
    let outcome = cell.watch(&setup, &mut timeline);
    quietly_closed(timeline.finish())?;
    let mut tail = format!("\n{} events, trace hash {:016x}\n", outcome.events, outcome.trace_hash);
    for violation in &outcome.violations {
        tail += &format!("the checkers object: {violation}\n");
    }
    quietly_closed(out.write_all(tail.as_bytes()))
}

fn refuse(message: String) -> Failed {
    Failed { code: 2, message }
}

/// Parses a time in seconds.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite());
    seconds.ok_or_else(|| "expected a finite number of seconds".to_owned())
}
