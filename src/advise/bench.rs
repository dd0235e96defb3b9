//! Runs trials of candidates on all cores, within a budget of simulated work.
//!
//! Work is counted in units, about the events of a world. A trial has the same number of them on any machine, so that
//! the budget, and with it the answer, does not depend on how fast the machine is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;

use super::false_deaths::DeathCounter;
use super::files::{CALM, CRASH, duration_s, experiment, warmup_s};
use super::provoked;
use super::sample::{Assessment, Sample};
use super::space::{Placed, Site};
use super::splitting::split;
use crate::experiment::{Cell, Error, Experiment, Recorder, TrialResult, trial_seed};
use crate::sim::Outcome;

/// Units of work that two cores do in a second, about: `--budget 5min` is 300 times as many.
pub const UNITS_PER_SECOND: f64 = 4e6;

/// The units of an event in the smallest group, and the members with which it takes one more: as the CPU time of whole
/// searches among 17, 48, 600 and 5,000 members says.
const SMALLEST_WEIGHT: f64 = 0.9;
const MEMBERS_PER_WEIGHT: f64 = 2_500.0;

/// The units of an event, as a multiple, where many suspicions are provoked: each message carries updates.
const PROVOKED_WEIGHT: f64 = 8.0;

/// The progress of a search.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SearchProgress<'a> {
    /// The units of work done.
    pub done: f64,
    /// The units of work of the whole budget.
    pub all: f64,
    /// The step of the search.
    pub phase: &'a str,
    /// The best candidate so far; empty before the first comparison.
    pub best: &'a str,
}

/// Runs trials and counts their work.
pub(super) struct Bench<'a> {
    pub site: &'a Site<'a>,
    pub stop: &'a AtomicBool,
    progress: &'a (dyn Fn(SearchProgress<'_>) + Sync),
    /// The work of the whole answer.
    pub budget: f64,
    pub spent: f64,
    pub phase: String,
    pub best: String,
}

/// A candidate under trial.
pub(super) struct Arm {
    pub placed: Placed,
    pub sample: Sample,
    /// The experiment of its file, with one cell for each scenario.
    pub experiment: Experiment,
    pub label: String,
    /// The reason why it cannot be tried further.
    pub failed: Option<String>,
    /// The trials of each scenario, if they are kept for a report.
    pub kept: Option<[Vec<TrialResult>; 2]>,
}

/// A trial of one scenario of one arm.
struct Job {
    arm: usize,
    cell: usize,
    trial: u32,
}

struct Done {
    result: TrialResult,
    deaths: u64,
}

impl Arm {
    /// An arm without trials, with the seed of its experiment.
    pub(super) fn new(site: &Site<'_>, placed: Placed, seed: u64) -> Result<Self, String> {
        let experiment = experiment(site, &placed.candidate, "candidate", seed, 1).map_err(|bad| bad.message)?;
        let label = placed.candidate.label();
        Ok(Self { placed, sample: Sample::default(), experiment, label, failed: None, kept: None })
    }

    /// The figures, with verdicts at the level of this many comparisons.
    pub(super) fn assess(&self, site: &Site<'_>, comparisons: u32) -> Assessment {
        let closed_form = self.placed.forecast.and_then(|forecast| forecast.false_deaths);
        self.sample.assess(site.question, closed_form, comparisons)
    }

    /// The units of a pair of trials, one of each scenario: measured, or as the closed form says.
    pub(super) fn cost(&self, site: &Site<'_>) -> f64 {
        if self.sample.trials > 0 {
            return self.sample.units / f64::from(self.sample.trials);
        }
        let period = self.placed.candidate.period_s(site.lab);
        let messages = self.placed.forecast.map_or(4.0 / period, |forecast| forecast.messages);
        let seconds = 2.0 * (duration_s(site.question, period) + warmup_s(period));
        let per_second = 1.5 * messages + 2.0 / period;
        seconds * f64::from(site.question.members) * per_second * self.weight(site)
    }

    /// The units of an event: the larger the group, the less of its memory is at hand. Tables of all counters take longer
    /// to handle than a ping.
    fn weight(&self, site: &Site<'_>) -> f64 {
        let members = f64::from(site.question.members);
        match self.placed.candidate.profile.kind.as_str() {
            "gossip-heartbeat" | "phi-accrual" => 1.0 + members / 20.0,
            _ => SMALLEST_WEIGHT + members / MEMBERS_PER_WEIGHT,
        }
    }
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        site: &'a Site<'a>,
        stop: &'a AtomicBool,
        progress: &'a (dyn Fn(SearchProgress<'_>) + Sync),
    ) -> Self {
        let budget = site.question.budget.as_secs_f64() * UNITS_PER_SECOND;
        Self { site, stop, progress, budget, spent: 0.0, phase: String::new(), best: String::new() }
    }

    /// A bench for a changed question that spends from the same budget.
    pub(super) fn at<'b>(&self, site: &'b Site<'b>, phase: String) -> Bench<'b>
    where
        'a: 'b,
    {
        let (stop, progress, best) = (self.stop, self.progress, self.best.clone());
        let changed = Bench { site, stop, progress, budget: self.budget, spent: self.spent, phase, best };
        changed.report(self.spent);
        changed
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Runs further trials: for each arm as many as it is given, in pairs of both scenarios. All arms have the same
    /// seeds.
    ///
    /// # Errors
    /// If no world of any arm fits into memory.
    pub(super) fn run(&mut self, arms: &mut [Arm], more: &[(usize, u32)]) -> Result<(), Error> {
        let mut threads = usize::MAX;
        for &(arm, _) in more {
            // With fewer threads all fit; one that does not fit alone is an error.
            threads = threads.min(arms[arm].experiment.threads(0)?);
        }
        let jobs: Vec<Job> = more
            .iter()
            .filter(|(arm, _)| arms[*arm].failed.is_none())
            .flat_map(|&(arm, count)| {
                let from = arms[arm].sample.trials;
                (from..from + count).flat_map(move |trial| [CALM, CRASH].map(|cell| Job { arm, cell, trial }))
            })
            .collect();
        if jobs.is_empty() {
            return Ok(());
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| Error::Threads { threads, why: error.to_string() })?;
        let (shared, events) = (&*arms, AtomicU64::new(0));
        let attempt = |job: &Job| {
            if self.is_stopped() {
                return None;
            }
            let arm = &shared[job.arm];
            let done = catch_unwind(AssertUnwindSafe(|| trial(&arm.experiment, job.cell, job.trial)));
            if let Ok(done) = &done {
                let units = (done.result.events as f64 * arm.weight(self.site)) as u64;
                let so_far = events.fetch_add(units, Ordering::Relaxed) + units;
                self.report(self.spent + so_far as f64);
            }
            Some(done.map_err(|_| format!("trial {} panicked", job.trial)))
        };
        let done: Vec<_> = pool.install(|| jobs.par_iter().map(attempt).collect());
        let question = self.site.question;
        for (job, done) in jobs.iter().zip(done) {
            let arm = &mut arms[job.arm];
            let Done { result, deaths } = match done {
                Some(Ok(done)) => done,
                Some(Err(why)) => {
                    arm.failed = Some(why);
                    continue;
                }
                // Stopped.
                None => continue,
            };
            let units = result.events as f64 * arm.weight(self.site);
            let seconds = arm.experiment.cells[job.cell].duration.as_secs_f64();
            let sample = &mut arm.sample;
            match job.cell {
                CALM => sample.add_calm(&result, question.members, seconds, question.loss),
                _ => {
                    sample.add_crashes(&result);
                    sample.first_trace.get_or_insert(result.trace_hash);
                    sample.trials += 1;
                }
            }
            sample.deaths += deaths;
            sample.group_hours += seconds / 3600.0;
            sample.units += units;
            sample.violations += result.violations.len() as u64;
            self.spent += units;
            if let Some(kept) = &mut arm.kept {
                kept[job.cell].push(result);
            }
        }
        Ok(())
    }

    /// As `run`, with the same number of trials for all arms.
    pub(super) fn run_all(&mut self, arms: &mut [Arm], count: u32) -> Result<(), Error> {
        let more: Vec<(usize, u32)> = (0..arms.len()).map(|arm| (arm, count)).collect();
        self.run(arms, &more)
    }

    /// Estimates by splitting the rate of false deaths of an arm that had none or few, with this much work.
    pub(super) fn split(&mut self, arm: &mut Arm, seed: u64, work: f64) {
        let (weight, mut events) = (arm.weight(self.site), 0);
        arm.sample.split = split(&arm.experiment.cells[CALM], seed, (work / weight) as u64, self.stop, &mut events);
        self.spent += events as f64 * weight;
        self.report(self.spent);
    }

    /// Bounds the rate of false deaths of an arm by suspicions that are provoked, with this much work.
    pub(super) fn provoke(&mut self, arm: &mut Arm, seed: u64, work: f64) {
        let target = self.site.question.false_deaths.per_month();
        let weight = PROVOKED_WEIGHT * arm.weight(self.site);
        let seen = (arm.sample.suspicions, arm.sample.calm_hours);
        let (cell, most, mut events) = (&arm.experiment.cells[CALM], (work / weight) as u64, 0);
        arm.sample.provoked = provoked::bound(cell, seed, seen, target, most, self.stop, &mut events);
        self.spent += events as f64 * weight;
        self.report(self.spent);
    }

    /// Reports progress, with this much work done.
    fn report(&self, done: f64) {
        (self.progress)(SearchProgress { done, all: self.budget, phase: &self.phase, best: &self.best });
    }

    /// Begins a phase.
    pub(super) fn begin(&mut self, phase: String) {
        self.phase = phase;
        self.report(self.spent);
    }
}

/// Runs one trial with all measures and a count of its false deaths.
fn trial(experiment: &Experiment, cell: usize, trial: u32) -> Done {
    let cell: &Cell = &experiment.cells[cell];
    let seed = trial_seed(experiment.seed, trial);
    let setup = cell.setup(seed);
    let mut observer = (Recorder::new(&setup), DeathCounter::new(&setup));
    let outcome = cell.watch(&setup, &mut observer);
    let (recorder, counter) = observer;
    let measured = recorder.finish(&outcome);
    let Outcome { trace_hash, events, violations, .. } = outcome;
    Done { result: TrialResult { trial, seed, measured, trace_hash, events, violations }, deaths: counter.deaths }
}
