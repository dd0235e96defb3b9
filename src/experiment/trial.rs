//! One trial: a cell and a number become a world, and the world becomes measures.

use std::sync::Arc;

use swimlab_selectors::rng::mix;

use super::cells::{Cell, CellDetector};
use super::measures::Recorder;
use super::results::TrialResult;
use crate::protocol::MemberConfig;
use crate::sim::{Observer, Outcome, Setup, joiners_needed, run_swim};
use crate::wire::PlainSizer;

/// The seed of a trial: the same in every cell, so that all have the same placement and faults.
///
/// It has 53 bits: JSON readers and spreadsheets that keep numbers as doubles keep it whole.
pub fn trial_seed(seed: u64, trial: u32) -> u64 {
    mix(mix(seed).wrapping_add(u64::from(trial))) >> 11
}

impl Cell {
    /// The world of a trial with this seed.
    pub fn setup(&self, seed: u64) -> Setup {
        let members = self.key.members;
        Setup {
            placement: Arc::new(self.topology.place(members, joiners_needed(&self.faults, members), seed)),
            members,
            seed,
            start: self.environment.start,
            phases: self.environment.phases,
            clock_skew: self.environment.clock_skew,
            period: self.period(),
            loss: self.key.loss,
            warmup: self.warmup,
            duration: self.duration,
            faults: self.faults.clone(),
        }
    }

    /// Runs the world of a trial with an observer.
    pub fn watch(&self, setup: &Setup, observer: &mut impl Observer) -> Outcome {
        match &self.detector {
            CellDetector::Swim { strategy, helpers, config } => {
                let config = MemberConfig::new(config.clone(), Arc::new(PlainSizer)).expect("cells hold valid values");
                let config = config.with_helpers(Arc::clone(helpers));
                run_swim(setup, &Arc::new(config), strategy, observer)
            }
            CellDetector::Other(detector) => detector.run(setup, observer),
        }
    }

    /// Runs a trial.
    pub fn run(&self, seed: u64, trial: u32) -> TrialResult {
        let seed = trial_seed(seed, trial);
        let setup = self.setup(seed);
        let mut recorder = Recorder::new(&setup);
        let outcome = self.watch(&setup, &mut recorder);
        let measured = recorder.finish(&outcome);
        let Outcome { trace_hash, events, violations, .. } = outcome;
        TrialResult { trial, seed, measured, trace_hash, events, violations }
    }
}
