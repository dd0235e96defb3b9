//! All measured values, by detector and size of the group.

use std::collections::BTreeMap;

use super::cpu_meter::{Metered, cpu_ns};
use super::figure::Figure;
use super::power_law::PowerLaw;
use crate::experiment::statistics::FEWEST_TRIALS;
use crate::experiment::{CellResult, Error, Experiment, MeasuredValue, Unit};
use crate::reproduce::Effort;
use crate::reproduce::runner::{Runner, measure};

/// The largest group of short runs.
const LARGEST_SHORT: u32 = 50;

/// The smallest group to which growth is fitted: below it, what does not depend on the size outweighs.
const FITTED_FROM: u32 = 25;

/// Measured values of one detector in a group of one size. Seconds are virtual.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// Messages handled per member and second, while nothing happens.
    pub messages: Figure,
    /// Bytes sent per member and second, while nothing happens.
    pub bytes: Figure,
    /// Bytes that the busiest member sends and receives per second, while nothing happens.
    pub busiest: Figure,
    /// Processor time per member and second, in nanoseconds.
    pub cpu_ns: Figure,
    /// Seconds from a crash to the first declaration, mean.
    pub declared_s: Figure,
    /// Seconds from a crash until all know, mean.
    pub informed_s: Figure,
    /// Declarations of live members on lossy links, per member and hour.
    pub false_deaths: Figure,
    /// Hours of all its members on lossy links, in all trials.
    pub lossy_member_hours: f64,
}

impl Group {
    /// Bytes that a member sends while a crash becomes known to all. Half the period takes half the time and costs twice the
    /// bytes, so it depends on the detector alone.
    pub(super) fn bytes_until_informed(&self) -> Figure {
        self.bytes.times(self.informed_s)
    }
}

/// A detector or a profile of SWIM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contender {
    pub name: String,
    /// The label with its parameters.
    pub label: String,
    pub is_swim: bool,
}

/// The values of all groups.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    /// In the order of the experiment file.
    pub contenders: Vec<Contender>,
    /// By the name of the detector and the size.
    groups: BTreeMap<(String, u32), Group>,
}

impl Groups {
    /// Runs all experiments.
    pub(super) fn measure(runner: &Runner<'_>) -> Result<Self, Error> {
        let mut groups = Self::default();
        let mut metered: Vec<Metered> = Vec::new();
        let mut seed = 0;
        for file in ["classes", "classes-large"] {
            let experiment = experiment(runner, file)?;
            groups.add_contenders(&experiment);
            for cell in measure(&scenario(&experiment, "crash"))? {
                let group = groups.group(&cell);
                group.declared_s = Figure::mean(Unit::Seconds, &cell.readings_of("first_declaration_s"), 1.0);
                group.informed_s = Figure::mean(Unit::Seconds, &cell.readings_of("informed_100_s"), 1.0);
            }
            let mut calm = scenario(&experiment, "calm");
            // Without faults and losses, trials hardly differ.
            calm.trials = calm.trials.min(FEWEST_TRIALS as u32);
            for (cell, result) in calm.cells.iter().zip(measure(&calm)?) {
                let group = groups.group(&result);
                group.add_load(&result);
                let messages = group.messages.estimate().map_or(0.0, |estimate| estimate.value);
                metered.push(Metered { cell: cell.clone(), messages: messages * f64::from(cell.key.members) });
            }
            seed = experiment.seed;
        }
        for file in ["classes-loss-small", "classes-loss", "classes-loss-large"] {
            for cell in measure(&experiment(runner, file)?)? {
                groups.group(&cell).add_false_deaths(&cell);
            }
        }
        // Last, when no other thread runs a trial.
        for (group, runs) in metered.iter().zip(cpu_ns(&metered, seed, runner.effort)) {
            let key = (kind(&group.cell.key.profile).to_owned(), group.cell.key.members);
            groups.groups.entry(key).or_default().cpu_ns = Figure::median(&runs);
        }
        Ok(groups)
    }

    /// The values of a detector at a size; none are measured if it was not run.
    pub(super) fn at(&self, contender: &str, members: u32) -> Group {
        self.groups.get(&(contender.to_owned(), members)).cloned().unwrap_or_default()
    }

    /// All sizes at which any detector was run, in ascending order.
    pub(super) fn sizes(&self) -> Vec<u32> {
        let mut sizes: Vec<u32> = self.groups.keys().map(|(_, members)| *members).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// The growth of a value of a detector, from 25 members on. `None` if it was measured at fewer than two sizes.
    pub(super) fn growth(&self, contender: &str, of: impl Fn(&Group, u32) -> Option<f64>) -> Option<PowerLaw> {
        let sizes = self.sizes().into_iter().filter(|&members| members >= FITTED_FROM);
        let value = |members| Some((members, of(&self.at(contender, members), members)?));
        PowerLaw::fit(&sizes.filter_map(value).collect::<Vec<_>>())
    }

    fn add_contenders(&mut self, experiment: &Experiment) {
        for cell in &experiment.cells {
            let (label, is_swim) = (cell.key.profile.clone(), cell.config().is_some());
            let contender = Contender { name: kind(&label).to_owned(), label, is_swim };
            if !self.contenders.contains(&contender) {
                self.contenders.push(contender);
            }
        }
    }

    fn group(&mut self, cell: &CellResult) -> &mut Group {
        self.groups.entry((kind(&cell.key.profile).to_owned(), cell.key.members)).or_default()
    }
}

impl Group {
    fn add_load(&mut self, cell: &CellResult) {
        let per_member = 1.0 / (f64::from(cell.key.members) * cell.duration_s);
        let bytes = cell.readings_of("bytes_sent");
        self.messages = Figure::mean(Unit::Messages, &cell.readings_of("messages_handled"), per_member);
        self.bytes = Figure::mean(Unit::Bytes, &bytes, per_member);
        // Nothing is lost, so all bytes are received.
        let busiest = |(share, sent): (&MeasuredValue, &MeasuredValue)| match (share, sent) {
            (MeasuredValue::Value(share), MeasuredValue::Value(sent)) => MeasuredValue::Value(share * 2.0 * sent),
            _ => MeasuredValue::Absent,
        };
        let busiest: Vec<_> = cell.readings_of("busiest_member_share").iter().zip(&bytes).map(busiest).collect();
        self.busiest = Figure::mean(Unit::Bytes, &busiest, 1.0 / cell.duration_s);
    }

    fn add_false_deaths(&mut self, cell: &CellResult) {
        let hours = f64::from(cell.key.members) * cell.duration_s / 3600.0;
        self.false_deaths = Figure::mean(Unit::Events, &cell.readings_of("false_positives"), 1.0 / hours);
        self.lossy_member_hours = hours * cell.trials.len() as f64;
    }
}

/// An experiment; of short ones, the groups that take no longer than tests should.
fn experiment(runner: &Runner<'_>, file: &str) -> Result<Experiment, Error> {
    let mut experiment = runner.experiment(file)?;
    if runner.effort == Effort::Short {
        experiment.cells.retain(|cell| cell.key.members <= LARGEST_SHORT);
    }
    Ok(experiment)
}

/// The cells of one scenario.
fn scenario(experiment: &Experiment, name: &str) -> Experiment {
    let mut one = experiment.clone();
    one.cells.retain(|cell| cell.key.scenario == name);
    one
}

/// The name of a detector in its label.
fn kind(label: &str) -> &str {
    label.split(':').next().unwrap_or(label)
}
