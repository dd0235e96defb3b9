//! All trials of all cells on all cores. Results do not depend on the number of threads.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::Experiment;
use super::error::Error;
use super::results::{CellKey, CellResult, Results, TopologyNote, TrialResult};
use super::store::Folder;
use super::trial::trial_seed;

/// How to run an experiment.
#[derive(Default)]
pub struct Options {
    /// How many threads; 0: one per core.
    pub threads: usize,
    /// Where finished trials are kept, and taken from if an earlier run left some.
    pub folder: Option<Folder>,
    /// Once this is set, no further trial begins.
    pub stop: Arc<AtomicBool>,
    /// Is told how far the work is: at the start and after every trial.
    pub progress: Option<Box<dyn Fn(Progress) + Send + Sync>>,
}

/// How far the work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Trials that are done, those of earlier runs included.
    pub done: usize,
    /// All trials.
    pub all: usize,
}

/// How a run ended.
#[derive(Debug)]
pub struct Finished {
    /// What was measured.
    pub results: Results,
    /// Trials that went wrong: a mistake in swimlab or in a strategy.
    pub failures: Vec<Failure>,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
}

/// A trial that panicked.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Its cell.
    pub key: CellKey,
    /// Its number.
    pub trial: u32,
    /// Its seed.
    pub seed: u64,
    /// What it said.
    pub message: String,
}

impl Experiment {
    /// Runs all trials that no earlier run has finished.
    ///
    /// # Errors
    /// If the folder cannot keep a finished trial.
    pub fn run(&self, options: Options) -> Result<Finished, Error> {
        let Options { threads, mut folder, stop, progress } = options;
        let earlier = folder.as_mut().map(|folder| std::mem::take(&mut folder.finished)).unwrap_or_default();
        let finished: BTreeSet<(usize, u32)> = earlier.iter().map(|(cell, result)| (*cell, result.trial)).collect();
        let all = self.cells.len() * self.trials as usize;
        let done = AtomicUsize::new(finished.len());
        let tell = || {
            if let Some(progress) = &progress {
                progress(Progress { done: done.load(Ordering::Relaxed), all });
            }
        };
        let lost = Mutex::new(None);
        let attempt = |(trial, cell): (u32, usize)| {
            let result = self.attempt(cell, trial);
            if let (Ok(result), Some(folder)) = (&result, &folder)
                && let Err(error) = folder.keep(cell, result)
            {
                lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                stop.store(true, Ordering::Relaxed);
            }
            done.fetch_add(1, Ordering::Relaxed);
            tell();
            (cell, result)
        };
        // One trial of every cell before the next of any: whenever it stops, the cells can be compared.
        let todo = (0..self.trials)
            .flat_map(|trial| (0..self.cells.len()).map(move |cell| (trial, cell)))
            .filter(|(trial, cell)| !finished.contains(&(*cell, *trial)))
            .take_while(|_| !stop.load(Ordering::Relaxed));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.expect("threads can be started");
        tell();
        let attempts: Vec<_> = pool.install(|| todo.par_bridge().map(attempt).collect());
        match lost.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(self.gather(earlier, attempts)),
        }
    }

    fn attempt(&self, cell: usize, trial: u32) -> Result<TrialResult, Failure> {
        let cell = &self.cells[cell];
        catch_unwind(AssertUnwindSafe(|| cell.run(self.seed, trial))).map_err(|panic| Failure {
            key: cell.key.clone(),
            trial,
            seed: trial_seed(self.seed, trial),
            message: said(panic.as_ref()),
        })
    }

    /// Puts everything into the order of cells and trials.
    fn gather(
        &self,
        earlier: Vec<(usize, TrialResult)>,
        attempts: Vec<(usize, Result<TrialResult, Failure>)>,
    ) -> Finished {
        let mut trials: Vec<Vec<TrialResult>> = vec![Vec::new(); self.cells.len()];
        let mut failures = Vec::new();
        for (cell, result) in earlier {
            trials[cell].push(result);
        }
        for (cell, result) in attempts {
            match result {
                Ok(result) => trials[cell].push(result),
                Err(failure) => failures.push((cell, failure)),
            }
        }
        failures.sort_by_key(|(cell, failure)| (*cell, failure.trial));
        let failures: Vec<Failure> = failures.into_iter().map(|(_, failure)| failure).collect();
        let finished: usize = trials.iter().map(Vec::len).sum();
        let all = self.cells.len() * self.trials as usize;
        let interrupted = finished + failures.len() < all;
        let cells = self.cells.iter().zip(trials).map(|(cell, mut trials)| {
            trials.sort_by_key(|result| result.trial);
            let duration_s = cell.duration.as_secs_f64();
            CellResult { key: cell.key.clone(), floors: cell.floors(), duration_s, trials }
        });
        let results = Results {
            name: self.name.clone(),
            seed: self.seed,
            trials: self.trials,
            baseline: self.baseline.clone(),
            complete: finished == all,
            notices: self.notices.clone(),
            topologies: self.topologies(),
            scenarios: self.scenarios.clone(),
            cells: cells.collect(),
        };
        Finished { results, failures, interrupted }
    }

    /// What is behind the topologies' labels, in the order of the cells.
    fn topologies(&self) -> Vec<TopologyNote> {
        let mut notes: Vec<TopologyNote> = Vec::new();
        for cell in &self.cells {
            if notes.last().is_none_or(|note| note.label != cell.key.topology) {
                notes.push(TopologyNote {
                    label: cell.key.topology.clone(),
                    title: cell.topology.title().to_owned(),
                    attribution: cell.topology.attribution().map(str::to_owned),
                });
            }
        }
        notes
    }
}

/// A panic's message.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}
