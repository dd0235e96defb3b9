//! Runs the trials of a reproduction's experiments.

use rayon::prelude::*;

use super::Reproduction;
use super::claim::Claim;
use crate::experiment::{Cell, CellResult, Error, Experiment, Lab, Options, TomlSource, trial_seed};
use crate::protocol::Span;
use crate::sim::{Observer, Outcome, Setup};

/// How many trials are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// A tenth, and none longer than some minutes: for tests.
    Short,
    /// As the experiment files say: minutes on two cores.
    Usual,
    /// Five times as many, for narrower intervals, and where a paper has a grid of which the file is a part, all of it.
    Full,
}

/// The experiments of one reproduction.
pub(super) struct Runner<'a> {
    reproduction: &'a Reproduction,
    pub effort: Effort,
}

/// The longest trial of a test.
const LONGEST: Span = Span::from_secs(150);

/// Below this there is no interval.
const FEWEST: u32 = 6;

impl<'a> Runner<'a> {
    pub fn new(reproduction: &'a Reproduction, effort: Effort) -> Self {
        Self { reproduction, effort }
    }

    /// A claim of this reproduction's source.
    pub fn claim(&self, figure: &'static str, row: impl Into<String>, measure: &'static str, paper: f64) -> Claim {
        Claim::new(self.reproduction.name, figure, row.into(), measure, paper)
    }

    /// An experiment of this reproduction, with as many trials as the effort allows.
    pub fn experiment(&self, name: &str) -> Result<Experiment, Error> {
        let mut experiment = self.long_experiment(name)?;
        if self.effort == Effort::Short {
            experiment.cells.iter_mut().for_each(|cell| cell.duration = cell.duration.min(LONGEST));
        }
        Ok(experiment)
    }

    /// The same, its trials as long as the file says: in some nothing happens for long.
    pub fn long_experiment(&self, name: &str) -> Result<Experiment, Error> {
        let (file, text) =
            self.reproduction.experiments.iter().find(|(file, _)| *file == name).expect("one of its own");
        self.experiment_of(file, text)
    }

    /// An experiment that is not in a file.
    pub fn experiment_of(&self, file: &str, text: &str) -> Result<Experiment, Error> {
        let mut experiment = Experiment::parse(&TomlSource::text(format!("{file}.toml"), text), &Lab::default())?;
        experiment.trials = match self.effort {
            Effort::Short => (experiment.trials / 10).max(FEWEST.min(experiment.trials)),
            Effort::Usual => experiment.trials,
            Effort::Full => experiment.trials * 5,
        };
        Ok(experiment)
    }

    /// Takes all measures of an experiment: its cells with their trials.
    pub fn measure(&self, name: &str) -> Result<Vec<CellResult>, Error> {
        measure(&self.experiment(name)?)
    }

    /// Lets an observer of one's own watch every trial of an experiment, and reads off it what is wanted: for each cell,
    /// one value per trial.
    pub fn watch<O: Observer, T: Send>(
        &self,
        name: &str,
        observer: impl Fn(&Setup) -> O + Sync,
        read: impl Fn(O, &Setup, &Outcome) -> T + Sync,
    ) -> Result<Vec<(Cell, Vec<T>)>, Error> {
        Ok(watch(&self.experiment(name)?, observer, read))
    }
}

/// Takes all measures of an experiment.
pub(super) fn measure(experiment: &Experiment) -> Result<Vec<CellResult>, Error> {
    let finished = experiment.run(Options::default())?;
    assert!(finished.failures.is_empty(), "{}: {:?}", experiment.name, finished.failures);
    Ok(finished.results.cells)
}

/// Lets an observer of one's own watch every trial of every cell.
pub(super) fn watch<O: Observer, T: Send>(
    experiment: &Experiment,
    observer: impl Fn(&Setup) -> O + Sync,
    read: impl Fn(O, &Setup, &Outcome) -> T + Sync,
) -> Vec<(Cell, Vec<T>)> {
    let trial = |(cell, trial): (&Cell, u32)| {
        let setup = cell.setup(trial_seed(experiment.seed, trial));
        let mut watching = observer(&setup);
        let outcome = cell.watch(&setup, &mut watching);
        read(watching, &setup, &outcome)
    };
    let pairs: Vec<(&Cell, u32)> =
        experiment.cells.iter().flat_map(|cell| (0..experiment.trials).map(move |trial| (cell, trial))).collect();
    let mut values = pairs.into_par_iter().map(trial).collect::<Vec<T>>().into_iter();
    let of_cell = |cell: &Cell| (cell.clone(), values.by_ref().take(experiment.trials as usize).collect());
    experiment.cells.iter().map(of_cell).collect()
}
