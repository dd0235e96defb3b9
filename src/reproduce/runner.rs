//! Runs the trials of the experiments of a reproduction.

use rayon::prelude::*;

use super::Reproduction;
use super::claim::Claim;
use crate::experiment::{Cell, CellResult, Error, Experiment, Lab, Options, TomlSource, trial_seed};
use crate::protocol::Span;
use crate::sim::{Observer, Outcome, Setup};

/// The number of trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effort {
    /// A tenth of the usual number, none longer than 150 s, for tests.
    Short,
    /// The number of the experiment files, which takes minutes on two cores.
    Usual,
    /// Five times the usual number, for narrower intervals, and the whole grid of a paper if the file has a part of it.
    Full,
}

/// The experiments of one reproduction.
pub(super) struct Runner<'a> {
    reproduction: &'a Reproduction,
    pub effort: Effort,
}

/// The maximum length of a trial of [`Effort::Short`].
const LONGEST: Span = Span::from_secs(150);

/// The minimum number of trials for an interval.
const FEWEST: u32 = 6;

impl<'a> Runner<'a> {
    pub(super) fn new(reproduction: &'a Reproduction, effort: Effort) -> Self {
        Self { reproduction, effort }
    }

    /// A claim of the source of this reproduction.
    pub(super) fn claim(
        &self,
        figure: &'static str,
        row: impl Into<String>,
        measure: &'static str,
        paper: f64,
    ) -> Claim {
        Claim::new(self.reproduction.name, figure, row.into(), measure, paper)
    }

    /// An experiment of this reproduction, with trials as the effort says.
    pub(super) fn experiment(&self, name: &str) -> Result<Experiment, Error> {
        let mut experiment = self.long_experiment(name)?;
        if self.effort == Effort::Short {
            experiment.cells.iter_mut().for_each(|cell| cell.duration = cell.duration.min(LONGEST));
        }
        Ok(experiment)
    }

    /// The same with trials as long as the file says, for experiments whose events come late.
    pub(super) fn long_experiment(&self, name: &str) -> Result<Experiment, Error> {
        let (file, text) =
            self.reproduction.experiments.iter().find(|(file, _)| *file == name).expect("one of its own");
        self.experiment_of(file, text)
    }

    /// An experiment from text that is not one of the files.
    pub(super) fn experiment_of(&self, file: &str, text: &str) -> Result<Experiment, Error> {
        let mut experiment = Experiment::parse(&TomlSource::text(format!("{file}.toml"), text), &Lab::default())?;
        experiment.trials = match self.effort {
            Effort::Short => (experiment.trials / 10).max(FEWEST.min(experiment.trials)),
            Effort::Usual => experiment.trials,
            Effort::Full => experiment.trials * 5,
        };
        Ok(experiment)
    }

    /// Runs an experiment with all measures; returns its cells.
    pub(super) fn measure(&self, name: &str) -> Result<Vec<CellResult>, Error> {
        measure(&self.experiment(name)?)
    }

    /// Runs every trial of an experiment under an observer; returns for each cell the value that `read` takes from the
    /// observer of each trial.
    pub(super) fn watch<O: Observer, T: Send>(
        &self,
        name: &str,
        observer: impl Fn(&Setup) -> O + Sync,
        read: impl Fn(O, &Setup, &Outcome) -> T + Sync,
    ) -> Result<Vec<(Cell, Vec<T>)>, Error> {
        Ok(watch(&self.experiment(name)?, observer, read))
    }
}

/// Runs an experiment with all measures.
pub(super) fn measure(experiment: &Experiment) -> Result<Vec<CellResult>, Error> {
    let finished = experiment.run(Options::default())?;
    assert!(finished.failures.is_empty(), "{}: {:?}", experiment.name, finished.failures);
    Ok(finished.results.cells)
}

/// Runs every trial of every cell under an observer.
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
