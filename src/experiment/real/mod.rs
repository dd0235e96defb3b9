//! Experiments on real sockets: the system's clock, encoded packets, and one UDP socket per member on loopback.
//! docs/real-time.md describes what is compared with the simulator and what is not.

mod lateness;
mod network;
mod sockets;
mod world;

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

pub use lateness::Lateness;

use super::Experiment;
use super::cell::{Cell, CellDetector};
use super::error::{BadInput, Error};
use super::results::TrialResult;
use super::runner::{Attempt, Failure, Finished, Options, RunState, panic_message};
use crate::protocol::Span;
use crate::sim::joiners_needed;

/// The number of members per core whose timers fire in time, as measured in docs/real-time.md.
const MEMBERS_PER_CORE: u64 = 2000;

/// The outcome of a run on real sockets.
#[derive(Debug)]
#[non_exhaustive]
pub struct RealRun {
    /// The outcome, as of a run in the simulator.
    pub finished: Finished,
    /// Delays of the timers of its trials, without those of earlier runs.
    pub lateness: Lateness,
}

impl Experiment {
    /// Checks whether it can be run on real sockets.
    ///
    /// # Errors
    /// Names the fault or detector that cannot, or says that a world has more members than the system has sockets.
    pub fn check_real(&self) -> Result<(), BadInput> {
        if let Some(why) = self.cells.iter().find_map(refusal) {
            return Err(self.source.whole(why));
        }
        let (members, most) = (self.largest(), sockets::most_members());
        if members > most {
            let why = format!(
                "a world of {members} members in real time needs {} file descriptors, and the system grants them to \
                 {most} members",
                members * sockets::DESCRIPTORS_PER_MEMBER
            );
            return Err(self.source.whole(why));
        }
        Ok(())
    }

    /// The number of worlds that run at once in real time: `wanted`, or if that is 0, as many as the cores can probably
    /// serve in time; in any case no more than there are sockets for.
    pub fn worlds(&self, wanted: usize) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        let fits = |members: u64| usize::try_from(members / self.largest().max(1)).unwrap_or(usize::MAX);
        let wanted = if wanted == 0 { fits(MEMBERS_PER_CORE * cores) } else { wanted };
        wanted.min(fits(sockets::most_members())).clamp(1, (self.cells.len() * self.trials as usize).max(1))
    }

    /// The time that a run of all trials takes with this number of worlds at once.
    pub fn real_time(&self, worlds: usize) -> Duration {
        let all: f64 = self.cells.iter().map(|cell| length(cell).as_secs_f64()).sum::<f64>() * f64::from(self.trials);
        let stagger = self.stagger(worlds).as_secs_f64() * (worlds - 1) as f64;
        Duration::from_secs_f64(all / worlds as f64 + stagger)
    }

    /// Runs all trials on real sockets that no earlier run has finished, `options.threads` worlds at once.
    ///
    /// # Errors
    /// If it cannot be run in real time ([`Experiment::check_real`]), threads cannot be started, or the folder cannot
    /// keep a finished trial.
    pub fn run_real(&self, options: Options) -> Result<RealRun, Error> {
        self.check_real()?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
        let runtime = runtime.map_err(|error| Error::Threads { threads, why: error.to_string() })?;
        let worlds = self.worlds(options.threads);
        let run = RunState::new(self, options);
        let todo = Mutex::new(run.todo(self).collect());
        let queue = Arc::new(WorkQueue { experiment: self.clone(), run, todo });
        let stagger = self.stagger(worlds);
        let (attempts, lateness) = runtime.block_on(async {
            let mut workers = JoinSet::new();
            for worker in 0..worlds as u32 {
                workers.spawn(Arc::clone(&queue).work(stagger * worker));
            }
            let (mut attempts, mut lateness) = (Vec::new(), Lateness::default());
            while let Some(worker) = workers.join_next().await {
                let (done, late) = worker.expect("trials run in tasks of their own");
                attempts.extend(done);
                lateness.merge(&late);
            }
            (attempts, lateness)
        });
        let WorkQueue { run, .. } = Arc::into_inner(queue).expect("all workers have ended");
        Ok(RealRun { finished: run.finish(self, attempts)?, lateness })
    }

    /// The delay between the starts of two worlds: worlds that start together would have their faults, and with them
    /// their load, at the same time.
    fn stagger(&self, worlds: usize) -> Duration {
        let longest = self.cells.iter().map(length).max().unwrap_or(Span::ZERO);
        Duration::from_micros(longest.as_micros()) / worlds.max(1) as u32
    }

    /// The members, joiners included, of the largest world.
    fn largest(&self) -> u64 {
        let world = |cell: &Cell| cell.key.members.saturating_add(joiners_needed(&cell.faults, cell.key.members));
        self.cells.iter().map(world).max().map_or(0, u64::from)
    }
}

/// The state that the workers share, each of which runs one world at a time.
struct WorkQueue {
    experiment: Experiment,
    run: RunState,
    todo: Mutex<VecDeque<(u32, usize)>>,
}

impl WorkQueue {
    /// Runs trials one after the other until none is left.
    async fn work(self: Arc<Self>, after: Duration) -> (Vec<Attempt>, Lateness) {
        tokio::time::sleep(after).await;
        let (mut attempts, mut lateness) = (Vec::new(), Lateness::default());
        while let Some((trial, cell)) = self.next() {
            let result = match Arc::clone(&self).attempt(trial, cell).await {
                Ok((result, late)) => {
                    lateness.merge(&late);
                    Ok(result)
                }
                Err(failure) => Err(failure),
            };
            attempts.push(self.run.done((cell, result)));
        }
        (attempts, lateness)
    }

    fn next(&self) -> Option<(u32, usize)> {
        if self.run.stop.load(Ordering::Relaxed) {
            return None;
        }
        self.todo.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Runs a trial in a task of its own, so that a panic ends only that trial.
    async fn attempt(self: Arc<Self>, trial: u32, cell: usize) -> Result<(TrialResult, Lateness), Box<Failure>> {
        let this = Arc::clone(&self);
        let task =
            tokio::spawn(async move { world::run(&this.experiment.cells[cell], this.experiment.seed, trial).await });
        let done = match task.await {
            Ok(done) => done,
            Err(error) if error.is_panic() => Err(panic_message(error.into_panic().as_ref())),
            Err(error) => Err(error.to_string()),
        };
        done.map_err(|message| self.experiment.failure(cell, trial, message))
    }
}

/// The reason why a cell cannot be run in real time, if there is one.
fn refusal(cell: &Cell) -> Option<String> {
    if let CellDetector::Other(_) = cell.detector {
        return Some(format!("profile {}: only SWIM's variants run on real sockets", cell.key.profile));
    }
    if cell.discovery.is_some() {
        return Some("discovery: clients look services up in the simulator only".to_owned());
    }
    cell.faults.iter().find_map(|fault| fault.kind.simulator_only()).map(str::to_owned)
}

/// The length of a trial.
fn length(cell: &Cell) -> Span {
    cell.warmup + cell.duration
}
