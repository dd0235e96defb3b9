//! A schedule: one world, written as an experiment file.

use std::fmt::{Display, Write};

use swimlab::experiment::{Experiment, Lab, Options, TomlSource};
use swimlab_selectors::Value;

/// A world and its faults. Keys that are `None` or empty have the experiment file's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Seed of the world.
    pub seed: u64,
    /// SWIM's profile, or a detector.
    pub profile: Part,
    /// Named values for `[protocol]`.
    pub preset: Option<&'static str>,
    /// The selector; detectors that are not SWIM have none.
    pub selector: Option<Part>,
    /// The helpers; detectors that are not SWIM have none.
    pub helpers: Option<Part>,
    /// The topology.
    pub topology: Part,
    /// Number of members at the start.
    pub members: u32,
    /// Whether members start by joining.
    pub joining: bool,
    /// Probability that a packet is lost, in percent.
    pub loss_percent: u32,
    /// Length of the trial after the warm-up, in seconds.
    pub duration_s: u32,
    /// The faults.
    pub faults: Vec<Part>,
}

/// An entry of a registry with parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Name of the entry.
    pub kind: &'static str,
    /// Parameters with values other than the defaults.
    pub params: Vec<(&'static str, Value)>,
}

impl Part {
    /// An entry with its defaults.
    pub fn of(kind: &'static str) -> Self {
        Self { kind, params: Vec::new() }
    }

    /// An inline table of TOML.
    fn to_toml(&self) -> String {
        let mut table = format!("{{ kind = \"{}\"", self.kind);
        for (name, value) in &self.params {
            let _ = match value {
                Value::Text(text) => write!(table, ", {name} = \"{text}\""),
                value => write!(table, ", {name} = {value}"),
            };
        }
        table + " }"
    }
}

impl Schedule {
    /// The experiment file that runs this world, with one trial.
    pub fn to_toml(&self) -> String {
        let mut file = format!("seed = {}\ntrials = 1\n", self.seed);
        let mut line = |key: &str, value: String| {
            let _ = writeln!(file, "{key} = {value}");
        };
        line("topology", self.topology.to_toml());
        line("members", self.members.to_string());
        if self.profile != Part::of("swim") {
            line("profile", self.profile.to_toml());
        }
        if let Some(preset) = self.preset {
            line("preset", format!("\"{preset}\""));
        }
        if let Some(selector) = &self.selector {
            line("selector", selector.to_toml());
        }
        if let Some(helpers) = &self.helpers {
            line("helpers", helpers.to_toml());
        }
        if self.joining {
            line("start", "\"joining\"".to_owned());
        }
        if self.loss_percent > 0 {
            line("loss", format!("{}", f64::from(self.loss_percent) / 100.0));
        }
        line("duration", format!("\"{}s\"", self.duration_s));
        if !self.faults.is_empty() {
            let faults: Vec<String> = self.faults.iter().map(Part::to_toml).collect();
            line("fault", format!("[\n    {},\n]", faults.join(",\n    ")));
        }
        file
    }
}

/// Whether a schedule is a valid experiment: its faults find their targets in its group, for one thing.
pub(crate) fn is_valid(schedule: &Schedule, lab: &Lab) -> bool {
    Experiment::parse(&TomlSource::text("campaign.toml", schedule.to_toml()), lab).is_ok()
}

/// Runs a schedule; returns the objections of the checkers, and the message of a panic.
///
/// # Panics
/// If the schedule is no valid experiment. A [`Generator`](crate::Generator) draws none.
pub fn violations(schedule: &Schedule, lab: &Lab) -> Vec<String> {
    let text = schedule.to_toml();
    let refused = |error: &dyn Display| -> ! { panic!("{error}\n{text}") };
    let experiment = Experiment::parse(&TomlSource::text("campaign.toml", &text), lab);
    let experiment = experiment.unwrap_or_else(|error| refused(&error));
    let mut options = Options::default();
    options.threads = 1;
    let finished = experiment.run(options).unwrap_or_else(|error| refused(&error));
    let trials = finished.results.cells.into_iter().flat_map(|cell| cell.trials);
    let mut found: Vec<String> = trials.flat_map(|trial| trial.violations).collect();
    found.extend(finished.failures.into_iter().map(|failure| format!("panic: {}", failure.message)));
    found
}
