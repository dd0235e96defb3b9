//! `swimlab replay`.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use swimlab_selectors::{did_you_mean, nearest_names};

use super::timeline::{Filter, Packets, Timeline};
use super::{Failed, quietly_closed};
use crate::experiment::{Cell, CellKey, Experiment, Lab, MOST_TRIALS, trial_seed};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The experiment file; the default experiment without one.
    file: Option<PathBuf>,
    /// The number of the trial, as in trials.csv.
    #[arg(long, value_name = "K")]
    trial: u32,
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
    #[command(flatten)]
    cell: CellFilter,
}

/// The cell to replay: the first one with these values. Each dimension of [`CellKey`] is a flag.
struct CellFilter {
    /// Dimensions or varied keys with the wanted values.
    values: Vec<(&'static str, String)>,
    /// The arguments of `--swept`.
    swept: Vec<String>,
}

impl clap::Args for CellFilter {
    fn augment_args(command: Command) -> Command {
        let heading = "Which cell (the first that fits; a name stands for any label of that kind)";
        let flag =
            |&(name, placeholder): &(&'static str, &'static str)| Arg::new(name).long(name).value_name(placeholder);
        let swept = Arg::new("swept").long("swept").value_name("KEY=VALUE").action(ArgAction::Append);
        let swept = swept.help("A key that the file varies, and its value");
        command.next_help_heading(heading).args(CellKey::FLAGS.iter().map(flag)).arg(swept)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for CellFilter {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let value = |&name: &&'static str| Some((name, matches.get_one::<String>(name)?.clone()));
        let values = CellKey::NAMES.iter().filter_map(value).collect();
        let swept = matches.get_many::<String>("swept").into_iter().flatten().cloned().collect();
        Ok(Self { values, swept })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub(super) fn replay(args: Args, lab: &Lab) -> Result<ExitCode, Failed> {
    let experiment = super::experiment(args.file, args.seed, lab)?;
    let refuse = |message| Err(Failed { code: 2, message });
    let trials = args.trials.unwrap_or(experiment.trials);
    if args.trial >= trials {
        let (trial, last) = (args.trial, trials - 1);
        return refuse(format!("there is no trial {trial}: they count from 0 to {last}, or to what --trials says"));
    }
    let cell = args.cell.choose(&experiment)?;
    let (start, end) = (-cell.warmup.as_secs_f64(), cell.duration.as_secs_f64());
    if !(start..=end).contains(&args.from) {
        return refuse(format!("--from {}: the trial is from {start} to {end} seconds", args.from));
    }
    if let Some(until) = args.until.filter(|until| *until < args.from) {
        return refuse(format!("--until {until}: is before --from {}", args.from));
    }
    let members = cell.key.members;
    let setup = cell.setup(trial_seed(experiment.seed, args.trial));
    if let Some(member) = args.member.filter(|&member| member >= setup.placement.members()) {
        let message = format!("there is no member {member}: they count from 0 to {}", setup.placement.members() - 1);
        return refuse(message);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let head = format!(
        "trial {} (seed {}) of {}\n{members} members on {}\ntimes in seconds after the warm-up of {}\n\n",
        args.trial,
        setup.seed,
        cell.key,
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
    quietly_closed(out.write_all(tail.as_bytes()).and_then(|()| out.flush()))?;
    Ok(ExitCode::SUCCESS)
}

/// Parses a time in seconds.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite());
    seconds.ok_or_else(|| "expected a finite number of seconds".to_owned())
}

impl CellFilter {
    fn choose<'a>(&self, experiment: &'a Experiment) -> Result<&'a Cell, Failed> {
        let mut left: Vec<&Cell> = experiment.cells.iter().collect();
        for (name, wanted) in &self.values {
            left = with_value(left, name, wanted)?;
        }
        for swept in &self.swept {
            let (name, wanted) = swept.split_once('=').ok_or_else(|| Failed {
                code: 2,
                message: format!("--swept {swept}: expected a key that the file varies, and its value: KEY=VALUE"),
            })?;
            left = with_value(left, name, wanted)?;
        }
        Ok(left[0])
    }
}

/// The cells with the value `wanted` of a dimension or varied key, at least one.
fn with_value<'a>(cells: Vec<&'a Cell>, name: &str, wanted: &str) -> Result<Vec<&'a Cell>, Failed> {
    let value = |cell: &Cell| cell.key.value(name).map(|value| value.to_string());
    let of_kind = |value: &str| value.split(':').next() == Some(wanted);
    let matching = |fits: &dyn Fn(&str) -> bool| -> Vec<&'a Cell> {
        cells.iter().copied().filter(|cell| value(cell).is_some_and(|value| fits(&value))).collect()
    };
    // Numbers have several spellings: 0, 0.0, 1e-2.
    let number = |text: &str| text.parse::<f64>().ok();
    let exact = matching(&|value| value == wanted || number(value).is_some_and(|value| number(wanted) == Some(value)));
    let left = if exact.is_empty() { matching(&of_kind) } else { exact };
    if left.is_empty() {
        let mut values: Vec<String> = cells.iter().filter_map(|cell| value(cell)).collect();
        values.sort();
        values.dedup();
        let near = match values.is_empty() {
            true => format!("; the file does not vary {name}"),
            false => match did_you_mean(&nearest_names(wanted, values.iter().map(String::as_str))) {
                near if near.is_empty() => format!("; the cells have {}", values.join(", ")),
                near => near,
            },
        };
        return Err(Failed { code: 2, message: format!("no cell has {name} {wanted}{near}") });
    }
    Ok(left)
}
