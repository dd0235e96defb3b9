//! `swimlab replay`.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use swimlab_selectors::{did_you_mean, nearest_names};

use super::timeline::{Filter, Packets, Timeline};
use super::{Failed, quietly_closed};
use crate::experiment::results::CellKey;
use crate::experiment::{Cell, Experiment, Lab, trial_seed};

#[derive(clap::Args)]
pub struct Args {
    /// The experiment file; the default experiment without one.
    file: Option<PathBuf>,
    /// The number of the trial, as in trials.csv.
    #[arg(long, value_name = "K")]
    trial: u32,
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
    #[arg(long, value_name = "S", default_value_t = 0.0, allow_negative_numbers = true)]
    from: f64,
    /// The time to stop at, in seconds after the warm-up.
    #[arg(long, value_name = "S", default_value_t = f64::INFINITY, hide_default_value = true)]
    until: f64,
    #[command(flatten)]
    cell: Which,
}

/// Which cell; the first that fits.
#[derive(clap::Args)]
#[command(next_help_heading = "Which cell (the first that fits; a name stands for any label of that kind)")]
struct Which {
    #[arg(long, value_name = "LABEL")]
    topology: Option<String>,
    #[arg(long, value_name = "LABEL")]
    selector: Option<String>,
    #[arg(long, value_name = "LABEL")]
    profile: Option<String>,
    #[arg(long, value_name = "N")]
    members: Option<String>,
    #[arg(long, value_name = "P")]
    loss: Option<String>,
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// A key that the file varies, and its value.
    #[arg(long, value_name = "KEY=VALUE")]
    swept: Vec<String>,
}

pub fn replay(args: Args, lab: &Lab) -> Result<ExitCode, Failed> {
    let experiment = super::experiment(args.file, args.seed, lab)?;
    let cell = args.cell.choose(&experiment)?;
    let members = cell.key.members;
    let setup = cell.setup(trial_seed(experiment.seed, args.trial));
    if let Some(member) = args.member.filter(|&member| member >= setup.placement.members()) {
        let message = format!("there is no member {member}: they count from 0 to {}", setup.placement.members() - 1);
        return Err(Failed { code: 2, message });
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
    let filter = Filter { member: args.member, packets: args.packets, from_s: args.from, until_s: args.until };
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

/// The value of a cell's dimension, as the command line names it.
fn value(key: &CellKey, name: &str) -> Option<String> {
    key.value(name).map(|value| value.to_string())
}

impl Which {
    fn choose<'a>(&self, experiment: &'a Experiment) -> Result<&'a Cell, Failed> {
        let mut left: Vec<&Cell> = experiment.cells.iter().collect();
        let dimensions = [
            ("topology", &self.topology),
            ("selector", &self.selector),
            ("profile", &self.profile),
            ("members", &self.members),
            ("loss", &self.loss),
            ("scenario", &self.scenario),
        ];
        for (name, wanted) in dimensions {
            if let Some(wanted) = wanted {
                left = keep(left, name, wanted, |key| value(key, name))?;
            }
        }
        for swept in &self.swept {
            let (name, wanted) = swept.split_once('=').ok_or_else(|| Failed {
                code: 2,
                message: format!("--swept {swept}: expected a key that the file varies, and its value: KEY=VALUE"),
            })?;
            left = keep(left, name, wanted, |key| value(key, name))?;
        }
        Ok(left[0])
    }
}

/// The cells with this value, at least one.
fn keep<'a>(
    cells: Vec<&'a Cell>,
    name: &str,
    wanted: &str,
    value: impl Fn(&CellKey) -> Option<String>,
) -> Result<Vec<&'a Cell>, Failed> {
    let of_kind = |value: &str| value.split(':').next() == Some(wanted);
    let with = |fits: &dyn Fn(&str) -> bool| -> Vec<&'a Cell> {
        cells.iter().copied().filter(|cell| value(&cell.key).is_some_and(|value| fits(&value))).collect()
    };
    let exact = with(&|value| value == wanted);
    let left = if exact.is_empty() { with(&of_kind) } else { exact };
    if left.is_empty() {
        let mut values: Vec<String> = cells.iter().filter_map(|cell| value(&cell.key)).collect();
        values.sort();
        values.dedup();
        let near = match values.is_empty() {
            true => format!("; the file does not vary {name}"),
            false => did_you_mean(&nearest_names(wanted, values.iter().map(String::as_str))),
        };
        return Err(Failed { code: 2, message: format!("no cell has {name} {wanted}{near}") });
    }
    Ok(left)
}
