//! A cell: one combination of what an experiment varies, and how a trial of it runs.

use std::ops::Range;
use std::sync::Arc;

use swimlab_selectors::{DynSelector, Helpers};

use super::discovery::{DiscoveryConfig, DiscoveryRecorder, SharedPropagation, StateFactory};
use super::environment::Environment;
use super::floors::{FloorContext, FloorInputs};
use super::recorder::Recorder;
use super::results::{CellKey, TrialResult};
use super::seed::trial_seed;
use crate::detectors::Detector;
use crate::protocol::{Config, MemberConfig, Span, Time};
use crate::sim::{
    Fault, Observer, Outcome, Setup, SingleThread, SwimFactory, Threads, World, joiners_needed, run_swim,
};
use crate::topology::Topology;
use crate::wire::PlainSizer;

/// The selector in the key of a cell whose detector has none.
pub(super) const NO_SELECTOR: &str = "-";

/// One combination of what an experiment varies.
#[derive(Clone)]
#[non_exhaustive]
pub struct Cell {
    /// The values that distinguish it from the other cells.
    pub key: CellKey,
    /// Locations of the members and delays of packets.
    pub topology: Topology,
    /// The failure detector that the members run.
    pub detector: CellDetector,
    /// Start and running conditions of the members.
    pub environment: Environment,
    /// Services and the clients that look them up; `None` if nobody does.
    pub discovery: Option<DiscoveryConfig>,
    /// Time before the first fault and before anything is measured.
    pub warmup: Span,
    /// Time that is measured, from the end of the warm-up.
    pub duration: Span,
    /// The faults; their times count from the end of the warm-up.
    pub faults: Vec<Fault>,
}

/// The failure detector of a cell's members.
#[derive(Clone)]
#[non_exhaustive]
pub enum CellDetector {
    /// SWIM or a variant of it.
    Swim {
        /// The selector of the members that are pinged.
        strategy: DynSelector,
        /// The selector of helpers for indirect pings.
        helpers: Arc<dyn Helpers>,
        /// The protocol's configuration.
        config: Config,
    },
    /// A detector that is not SWIM.
    Other(Arc<dyn Detector>),
}

impl Cell {
    /// The values that the floors of its measures depend on; `None` for detectors without pings.
    pub fn floors(&self) -> Option<FloorInputs> {
        let (members, loss, phases) = (self.key.members, self.key.loss, self.environment.phases);
        let context = FloorContext { members, phases, loss, warmup: self.warmup, faults: &self.faults };
        Some(FloorInputs::of(self.config()?, context))
    }

    /// The protocol configuration; `None` if the detector is not SWIM.
    pub fn config(&self) -> Option<&Config> {
        match &self.detector {
            CellDetector::Swim { config, .. } => Some(config),
            CellDetector::Other(_) => None,
        }
    }

    /// The protocol period T, or the period of another detector's heartbeats.
    pub fn period(&self) -> Span {
        match &self.detector {
            CellDetector::Swim { config, .. } => config.period,
            CellDetector::Other(detector) => detector.period(),
        }
    }

    /// The setup of the world of a trial with this seed, as [`trial_seed`] makes it.
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
            network_draws: self.environment.network_draws,
            warmup: self.warmup,
            duration: self.duration,
            faults: self.faults.clone(),
            threads: Threads::ONE,
        }
    }

    /// Runs the world of a trial under an observer.
    pub fn watch(&self, setup: &Setup, observer: &mut impl Observer) -> Outcome {
        self.run_world(setup, observer, self.propagation(setup).as_ref())
    }

    /// Runs the world of a trial under an observer, and records changes of states in `propagation`.
    fn run_world(
        &self,
        setup: &Setup,
        observer: &mut impl Observer,
        propagation: Option<&SharedPropagation>,
    ) -> Outcome {
        match &self.detector {
            CellDetector::Swim { strategy, helpers, config } => {
                let config = member_config(config, helpers);
                match (self.discovery, propagation) {
                    (Some(discovery), Some(propagation)) => {
                        let swim = SwimFactory::new(setup, &config, strategy);
                        let factory = StateFactory::new(setup, swim, discovery, propagation.clone());
                        World::new(setup, factory, observer).run()
                    }
                    _ => run_swim(setup, &config, strategy, observer),
                }
            }
            CellDetector::Other(detector) => detector.run(setup, observer),
        }
    }

    /// The world of a trial at time zero, to be run step by step and looked into; `None` if its members are not SWIM members
    /// alone.
    pub fn swim_world<O: Observer>(&self, setup: &Setup, observer: O) -> Option<World<SwimFactory, O>> {
        match &self.detector {
            CellDetector::Swim { strategy, helpers, config } if !self.exchanges_states() => {
                let factory = SwimFactory::new(setup, &member_config(config, helpers), strategy);
                Some(World::new(setup, factory, observer))
            }
            _ => None,
        }
    }

    /// Runs the trial with the number `trial` on one thread; `seed` is the experiment's.
    pub fn run(&self, seed: u64, trial: u32) -> TrialResult {
        self.run_on(Threads::ONE, seed, trial)
    }

    /// Runs the trial with the number `trial`, if its world is large on several threads; `seed` is the experiment's.
    pub fn run_on(&self, threads: Threads, seed: u64, trial: u32) -> TrialResult {
        let seed = trial_seed(seed, trial);
        let setup = Setup { threads, ..self.setup(seed) };
        let mut recorder = Recorder::new(&setup);
        let propagation = self.propagation(&setup);
        if let Some(discovery) = self.discovery {
            let window = window(&setup);
            recorder = recorder.with_discovery(DiscoveryRecorder::new(discovery, &setup, window, propagation.clone()));
        }
        let outcome = self.run_world(&setup, &mut recorder, propagation.as_ref());
        let measured = recorder.finish(&outcome);
        let Outcome { trace_hash, events, violations, .. } = outcome;
        TrialResult { trial, seed, measured, trace_hash, events, violations }
    }

    /// The reason why the world of the trial with the number `trial` runs on one thread although it might run on these;
    /// `None` if it does not.
    pub fn single_thread(&self, threads: Threads, seed: u64, trial: u32) -> Option<SingleThread> {
        let setup = Setup { threads, ..self.setup(trial_seed(seed, trial)) };
        setup
            .single_thread()
            .or_else(|| (threads.most() > 1 && self.exchanges_states()).then_some(SingleThread::SharedState))
    }

    /// Whether members exchange states: SWIM members do, if states change.
    pub(super) fn exchanges_states(&self) -> bool {
        let changes = self.discovery.is_some_and(|discovery| discovery.change_every > Span::ZERO);
        changes && matches!(self.detector, CellDetector::Swim { .. })
    }

    /// The number of changes of its state that a member makes in a trial, about.
    pub(super) fn changes_per_member(&self) -> u64 {
        let every = self.discovery.filter(|_| self.exchanges_states()).map(|discovery| discovery.change_every);
        every.map_or(0, |every| self.duration.as_micros() / every.as_micros() + 1)
    }

    /// The record of changes of states, if members exchange any.
    fn propagation(&self, setup: &Setup) -> Option<SharedPropagation> {
        self.exchanges_states().then(|| SharedPropagation::new(setup, window(setup)))
    }
}

/// The configuration of a world's SWIM members.
fn member_config(config: &Config, helpers: &Arc<dyn Helpers>) -> Arc<MemberConfig> {
    let config = MemberConfig::new(config.clone(), Arc::new(PlainSizer)).expect("cells hold valid values");
    Arc::new(config.with_helpers(Arc::clone(helpers)))
}

/// The interval in which a trial is measured.
fn window(setup: &Setup) -> Range<Time> {
    let from = Time::ZERO + setup.warmup;
    from..from + setup.duration
}
