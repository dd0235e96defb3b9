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
    /// How many threads; 0: one per core. Fewer run where worlds are too large for so many at once.
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
    /// The panic's message.
    pub message: String,
}

/// State that the trials of a run share, in virtual and in real time.
pub(super) struct Run {
    folder: Option<Folder>,
    earlier: Vec<(usize, TrialResult)>,
    finished: BTreeSet<(usize, u32)>,
    pub(super) stop: Arc<AtomicBool>,
    progress: Option<Box<dyn Fn(Progress) + Send + Sync>>,
    done: AtomicUsize,
    all: usize,
    /// Why a finished trial could not be kept.
    lost: Mutex<Option<Error>>,
}

/// A trial's cell, and how it went.
pub(super) type Attempt = (usize, Result<TrialResult, Box<Failure>>);

impl Experiment {
    /// Runs all trials that no earlier run has finished.
    ///
    /// # Errors
    /// If a world does not fit into memory, the system grants no threads, or the folder cannot keep a finished trial.
    pub fn run(&self, options: Options) -> Result<Finished, Error> {
        let threads = self.threads(options.threads)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| Error::Threads { threads, why: error.to_string() })?;
        let run = Run::begin(self, options);
        let attempt = |(trial, cell)| run.done((cell, self.attempt(cell, trial)));
        let todo = run.todo(self).take_while(|_| !run.stop.load(Ordering::Relaxed));
        let attempts = pool.install(|| todo.par_bridge().map(attempt).collect());
        run.finish(self, attempts)
    }

    fn attempt(&self, cell: usize, trial: u32) -> Result<TrialResult, Box<Failure>> {
        catch_unwind(AssertUnwindSafe(|| self.cells[cell].run(self.seed, trial)))
            .map_err(|panic| self.failure(cell, trial, panic_message(panic.as_ref())))
    }

    /// What went wrong in a trial.
    pub(super) fn failure(&self, cell: usize, trial: u32, message: String) -> Box<Failure> {
        Box::new(Failure { key: self.cells[cell].key.clone(), trial, seed: trial_seed(self.seed, trial), message })
    }

    /// Puts everything into the order of cells and trials.
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

impl Run {
    pub fn begin(experiment: &Experiment, options: Options) -> Self {
        let Options { mut folder, stop, progress, .. } = options;
        let earlier = folder.as_mut().map(|folder| std::mem::take(&mut folder.finished)).unwrap_or_default();
        let finished: BTreeSet<_> = earlier.iter().map(|(cell, result)| (*cell, result.trial)).collect();
        let (done, lost) = (AtomicUsize::new(finished.len()), Mutex::new(None));
        let all = experiment.cells.len() * experiment.trials as usize;
        let run = Self { folder, earlier, finished, stop, progress, done, all, lost };
        run.tell();
        run
    }

    /// The trials that no earlier run has finished. One trial of every cell before the next of any: whenever it stops,
    /// the cells can be compared.
    pub fn todo(&self, experiment: &Experiment) -> impl Iterator<Item = (u32, usize)> + Send {
        let cells = experiment.cells.len();
        let all = (0..experiment.trials).flat_map(move |trial| (0..cells).map(move |cell| (trial, cell)));
        all.filter(|(trial, cell)| !self.finished.contains(&(*cell, *trial)))
    }

    /// Keeps a finished trial.
    pub fn done(&self, (cell, result): Attempt) -> Attempt {
        if let (Ok(result), Some(folder)) = (&result, &self.folder)
            && let Err(error) = folder.keep(cell, result)
        {
            self.lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.stop.store(true, Ordering::Relaxed);
        }
        self.done.fetch_add(1, Ordering::Relaxed);
        self.tell();
        (cell, result)
    }

    pub fn finish(self, experiment: &Experiment, attempts: Vec<Attempt>) -> Result<Finished, Error> {
        match self.lost.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(experiment.gather(self.earlier, attempts)),
        }
    }

    fn tell(&self) {
        if let Some(progress) = &self.progress {
            progress(Progress { done: self.done.load(Ordering::Relaxed), all: self.all });
        }
    }
}

/// A panic's message.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use swimlab_selectors::{Bound, Context, DynSelector, Peer, Selector, Slot};

    use super::*;
    use crate::experiment::{Lab, TomlSource};

    /// A selector with a mistake in it.
    struct Careless;

    impl Selector for Careless {
        type RosterIndex = ();
        type State = ();

        fn build_index(&self, _: &[Peer]) {}

        fn new_state(&self, (): &(), _: &mut Context<'_>) {}

        fn targets(&self, (): &(), (): &mut (), ctx: &mut Context<'_>, _: usize, _: &mut Vec<Slot>) {
            assert!(ctx.period < 2, "no third period was foreseen");
        }

        fn bound(&self, _: u32, _: u32) -> Bound {
            Bound::PerPeriod(0.0)
        }
    }

    fn experiment() -> Experiment {
        let mut lab = Lab::default();
        lab.selectors.register("careless", "", vec![], |_, _| Ok(DynSelector::new("careless", Careless)));
        let file = "topology = 'lan'\nmembers = 5\nselector = ['shuffle', 'careless']\ntrials = 3\nwarmup = '5s'\n\
                    duration = '5s'\nfault = [{ kind = 'crash' }]";
        Experiment::parse(&TomlSource::text("careless.toml", file), &lab).unwrap()
    }

    #[test]
    fn a_trial_that_panics_takes_no_other_with_it() {
        let Finished { results, failures, interrupted } = experiment().run(Options::default()).unwrap();
        let finished: Vec<usize> = results.cells.iter().map(|cell| cell.trials.len()).collect();
        assert_eq!((finished, results.complete, interrupted), (vec![3, 0], false, false));
        let told: Vec<_> = failures.iter().map(|failure| (failure.trial, failure.seed, &*failure.message)).collect();
        let foreseen = |trial| (trial, trial_seed(1, trial), "no third period was foreseen");
        assert_eq!(told, [foreseen(0), foreseen(1), foreseen(2)]);
        assert!(failures.iter().all(|failure| failure.key.selector == "careless"));
    }

    #[test]
    fn all_cells_meet_the_same_seeds() {
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
    fn progress_is_told_from_nothing_to_all() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let told_too = Arc::clone(&told);
        let progress = Box::new(move |Progress { done, all }| told_too.lock().unwrap().push((done, all)));
        experiment().run(Options { threads: 1, progress: Some(progress), ..Options::default() }).unwrap();
        assert_eq!(*told.lock().unwrap(), (0..=6).map(|done| (done, 6)).collect::<Vec<_>>());
    }
}
