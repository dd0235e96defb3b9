//! Runs all trials of all cells on all cores. Results do not depend on the number of threads.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::Experiment;
use super::error::Error;
use super::memory_estimate::threads_or_cores;
use super::results::{CellKey, CellResult, Results, TopologyNote, TrialResult};
use super::seed::trial_seed;
use super::store::Folder;
use super::threads::on_threads;
use crate::sim::{SingleThread, Threads};

/// Options of a run. The default has one thread per core, keeps no results folder and reports no progress; the
/// fields of a default value can be set.
#[derive(Default)]
#[non_exhaustive]
pub struct Options {
    /// Number of threads, 0 for one per core. Each runs a trial of its own, if memory suffices for that many worlds; where
    /// trials are fewer, large worlds run on several ([`Experiment::world_threads`]).
    pub threads: usize,
    /// The results folder, which keeps every finished trial and provides those of earlier runs.
    pub folder: Option<Folder>,
    /// Once this is set, no further trial is started.
    pub stop: Arc<AtomicBool>,
    /// Called with the progress at the start and after every trial.
    pub progress: Option<Box<dyn Fn(Progress) + Send + Sync>>,
}

/// The progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Number of finished trials, those of earlier runs included.
    pub done: usize,
    /// Number of all trials.
    pub all: usize,
}

/// The outcome of a run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finished {
    /// The results of all finished trials.
    pub results: Results,
    /// The trials that panicked, which is a bug of swimlab or of a strategy.
    pub failures: Vec<Failure>,
    /// Whether it was stopped before all trials had run.
    pub interrupted: bool,
}

/// A trial that panicked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// The key of its cell.
    pub key: CellKey,
    /// The number of the trial.
    pub trial: u32,
    /// The seed of the trial.
    pub seed: u64,
    /// The message of the panic.
    pub message: String,
}

/// State that the trials of a run share, in virtual time and on real sockets.
pub(super) struct RunState {
    folder: Option<Folder>,
    earlier: Vec<(usize, TrialResult)>,
    finished: BTreeSet<(usize, u32)>,
    pub(super) stop: Arc<AtomicBool>,
    progress: Option<Box<dyn Fn(Progress) + Send + Sync>>,
    done: AtomicUsize,
    all: usize,
    /// The error by which a finished trial could not be written.
    lost: Mutex<Option<Error>>,
}

/// The index of a trial's cell, and the outcome of the trial.
pub(super) type Attempt = (usize, Result<TrialResult, Box<Failure>>);

impl Experiment {
    /// Runs all trials that no earlier run has finished.
    ///
    /// # Errors
    /// If a world does not fit into memory, threads cannot be started, or the folder cannot keep a finished trial.
    pub fn run(&self, options: Options) -> Result<Finished, Error> {
        let threads = self.threads(options.threads)?;
        let wanted = options.threads;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| Error::Threads { threads, why: error.to_string() })?;
        let run = RunState::new(self, options);
        let world_threads = self.world_threads(wanted, run.all - run.finished.len())?;
        let attempt = |(trial, cell)| run.done((cell, self.attempt(cell, trial, world_threads)));
        let todo = run.todo(self).take_while(|_| !run.stop.load(Ordering::Relaxed));
        let attempts = pool.install(|| todo.par_bridge().map(attempt).collect());
        run.finish(self, attempts)
    }

    /// The number of threads on which each world may run if there are this many trials to run, and at most `wanted`
    /// threads, 0 for one per core: those that have no trial of their own, because there are fewer trials or because
    /// memory does not suffice for as many worlds.
    ///
    /// # Errors
    /// If not even one world fits into memory.
    pub fn world_threads(&self, wanted: usize, trials: usize) -> Result<Threads, Error> {
        let at_once = self.threads(wanted)?.min(trials).max(1);
        Ok(Threads::at_most((threads_or_cores(wanted) / at_once).max(1), on_threads))
    }

    /// Notes about large worlds that run on one thread although they might run on these.
    pub fn thread_notes(&self, threads: Threads) -> Vec<String> {
        let mut notes = Vec::new();
        if threads.most() < 2 {
            return notes;
        }
        for cell in &self.cells {
            let reason = cell.single_thread(threads, self.seed, 0);
            // Small worlds have no use for threads, which is nothing to say a word about.
            let Some(reason) = reason.filter(|reason| !matches!(reason, SingleThread::Small { .. })) else { continue };
            let CellKey { topology, members, .. } = &cell.key;
            let note = format!("{members} members on {topology} run on one thread: {reason}");
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }

    fn attempt(&self, cell: usize, trial: u32, threads: Threads) -> Result<TrialResult, Box<Failure>> {
        catch_unwind(AssertUnwindSafe(|| self.cells[cell].run_on(threads, self.seed, trial)))
            .map_err(|panic| self.failure(cell, trial, panic_message(panic.as_ref())))
    }

    /// The record of a trial that failed.
    pub(super) fn failure(&self, cell: usize, trial: u32, message: String) -> Box<Failure> {
        Box::new(Failure { key: self.cells[cell].key.clone(), trial, seed: trial_seed(self.seed, trial), message })
    }

    /// Collects trials and failures in the order of cells and trials.
    fn gather(&self, earlier: Vec<(usize, TrialResult)>, attempts: Vec<Attempt>) -> Finished {
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
        let failures: Vec<Failure> = failures.into_iter().map(|(_, failure)| *failure).collect();
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
            smallest_effect: self.smallest_effect,
            has_services: self.cells.iter().any(|cell| cell.discovery.is_some()),
            complete: finished == all,
            notices: self.notices.clone(),
            topologies: self.topologies(),
            scenarios: self.scenarios.clone(),
            cells: cells.collect(),
        };
        Finished { results, failures, interrupted }
    }

    /// The descriptions of the topologies in the order of the cells.
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

impl RunState {
    pub(super) fn new(experiment: &Experiment, options: Options) -> Self {
        let Options { mut folder, stop, progress, .. } = options;
        let earlier = folder.as_mut().map(|folder| std::mem::take(&mut folder.finished)).unwrap_or_default();
        let finished: BTreeSet<_> = earlier.iter().map(|(cell, result)| (*cell, result.trial)).collect();
        let (done, lost) = (AtomicUsize::new(finished.len()), Mutex::new(None));
        let all = experiment.cells.len() * experiment.trials as usize;
        let run = Self { folder, earlier, finished, stop, progress, done, all, lost };
        run.report_progress();
        run
    }

    /// The trials that no earlier run has finished. Every cell has a trial before any cell has its next one, so that
    /// cells can be compared whenever the run stops.
    pub(super) fn todo(&self, experiment: &Experiment) -> impl Iterator<Item = (u32, usize)> + Send {
        let cells = experiment.cells.len();
        let all = (0..experiment.trials).flat_map(move |trial| (0..cells).map(move |cell| (trial, cell)));
        all.filter(|(trial, cell)| !self.finished.contains(&(*cell, *trial)))
    }

    /// Keeps a finished trial and reports progress.
    pub(super) fn done(&self, (cell, result): Attempt) -> Attempt {
        if let (Ok(result), Some(folder)) = (&result, &self.folder)
            && let Err(error) = folder.append(cell, result)
        {
            self.lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.stop.store(true, Ordering::Relaxed);
        }
        self.done.fetch_add(1, Ordering::Relaxed);
        self.report_progress();
        (cell, result)
    }

    /// Returns the outcome of the run.
    ///
    /// # Errors
    /// If a finished trial could not be written.
    pub(super) fn finish(self, experiment: &Experiment, attempts: Vec<Attempt>) -> Result<Finished, Error> {
        match self.lost.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(experiment.gather(self.earlier, attempts)),
        }
    }

    fn report_progress(&self) {
        if let Some(progress) = &self.progress {
            progress(Progress { done: self.done.load(Ordering::Relaxed), all: self.all });
        }
    }
}

/// The message of a panic.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use swimlab_selectors::{Bound, Context, DynSelector, Peer, Selector, Slot};

    use super::*;
    use crate::experiment::{Lab, TomlSource};

    /// A selector with a bug.
    struct Buggy;

    impl Selector for Buggy {
        type RosterIndex = ();
        type State = ();

        fn build_index(&self, _: &[Peer]) {}

        fn new_state(&self, (): &(), _: &mut Context<'_>) {}

        fn targets(&self, (): &(), (): &mut (), ctx: &mut Context<'_>, _: usize, _: &mut Vec<Slot>) {
            assert!(ctx.period < 2, "a third period");
        }

        fn bound(&self, _: u32, _: u32) -> Bound {
            Bound::PerPeriod(0.0)
        }
    }

    fn experiment() -> Experiment {
        let mut lab = Lab::default();
        lab.selectors.register("buggy", "", vec![], |_, _| Ok(DynSelector::new("buggy", Buggy)));
        let file = "topology = 'lan'\nmembers = 5\nselector = ['shuffle', 'buggy']\ntrials = 3\nwarmup = '5s'\n\
                    duration = '5s'\nfault = [{ kind = 'crash' }]";
        Experiment::parse(&TomlSource::text("buggy.toml", file), &lab).unwrap()
    }

    #[test]
    fn a_trial_that_panics_does_not_affect_other_trials() {
        let Finished { results, failures, interrupted } = experiment().run(Options::default()).unwrap();
        let finished: Vec<usize> = results.cells.iter().map(|cell| cell.trials.len()).collect();
        assert_eq!((finished, results.complete, interrupted), (vec![3, 0], false, false));
        let failed: Vec<_> = failures.iter().map(|failure| (failure.trial, failure.seed, &*failure.message)).collect();
        let expected = |trial| (trial, trial_seed(1, trial), "a third period");
        assert_eq!(failed, [expected(0), expected(1), expected(2)]);
        assert!(failures.iter().all(|failure| failure.key.selector == "buggy"));
    }

    #[test]
    fn all_cells_have_the_same_seeds() {
        let mut experiment = experiment();
        experiment.cells[1] = experiment.cells[0].clone();
        let results = experiment.run(Options { threads: 2, ..Options::default() }).unwrap().results;
        assert_eq!(results.cells[0].trials, results.cells[1].trials);
        assert_ne!(results.cells[0].trials[0].trace_hash, results.cells[0].trials[1].trace_hash);
    }

    #[test]
    fn a_stop_before_the_start_leaves_empty_cells() {
        let stop = Arc::new(AtomicBool::new(true));
        let finished = experiment().run(Options { stop, ..Options::default() }).unwrap();
        assert!(finished.interrupted && !finished.results.complete);
        assert!(finished.results.cells.iter().all(|cell| cell.trials.is_empty()));
    }

    #[test]
    fn progress_is_reported_from_zero_to_all() {
        let reported = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&reported);
        let progress = Box::new(move |Progress { done, all }| record.lock().unwrap().push((done, all)));
        experiment().run(Options { threads: 1, progress: Some(progress), ..Options::default() }).unwrap();
        assert_eq!(*reported.lock().unwrap(), (0..=6).map(|done| (done, 6)).collect::<Vec<_>>());
    }
}
