//! The cell that flags choose among those of an experiment.

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use swimlab_selectors::{did_you_mean, nearest_names};

use super::Failed;
use crate::experiment::{Cell, CellKey, Experiment};

/// The cell to replay: the first one with these values. Each dimension of [`CellKey`] is a flag.
pub(super) struct CellFilter {
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

impl CellFilter {
    /// A flag that was given, if any was.
    pub(super) fn given(&self) -> Option<String> {
        let swept = self.swept.first().map(|_| "--swept".to_owned());
        self.values.first().map(|(name, _)| format!("--{name}")).or(swept)
    }

    /// The number of the first cell that fits, in the order of the file.
    pub(super) fn choose(&self, experiment: &Experiment) -> Result<usize, Failed> {
        let mut left: Vec<(usize, &Cell)> = experiment.cells.iter().enumerate().collect();
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
        Ok(left[0].0)
    }
}

/// The cells with the value `wanted` of a dimension or varied key, at least one.
fn with_value<'a>(cells: Vec<(usize, &'a Cell)>, name: &str, wanted: &str) -> Result<Vec<(usize, &'a Cell)>, Failed> {
    let value = |cell: &Cell| cell.key.value(name).map(|value| value.to_string());
    let of_kind = |value: &str| value.split(':').next() == Some(wanted);
    let matching = |fits: &dyn Fn(&str) -> bool| -> Vec<(usize, &'a Cell)> {
        cells.iter().copied().filter(|(_, cell)| value(cell).is_some_and(|value| fits(&value))).collect()
    };
    // Numbers have several spellings: 0, 0.0, 1e-2.
    let number = |text: &str| text.parse::<f64>().ok();
    let exact = matching(&|value| value == wanted || number(value).is_some_and(|value| number(wanted) == Some(value)));
    let left = if exact.is_empty() { matching(&of_kind) } else { exact };
    if left.is_empty() {
        let mut values: Vec<String> = cells.iter().filter_map(|(_, cell)| value(cell)).collect();
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
