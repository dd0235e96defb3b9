//! The schedule of a trial's faults: activates each when it is due, and runs the steps that follow from it.

use std::collections::BTreeMap;

use swimlab_selectors::rng::{Purpose, Rng, stream};

use super::environment::FaultEnvironment;
use super::faults::{Activation, Fault, FollowUp};
use super::observer::MemberIndex;
use super::setup::Setup;
use crate::protocol::Time;

/// Activates the faults of a setup, in any [`FaultEnvironment`].
#[derive(Default)]
pub struct FaultInjector {
    faults: Vec<Fault>,
    /// A random stream for each fault.
    rngs: Vec<Rng>,
    /// By time, then in the order of scheduling.
    schedule: BTreeMap<(Time, u64), FaultAction>,
    scheduled: u64,
    members: u32,
    next_joiner: MemberIndex,
}

/// Something to be done for the fault of this number.
struct FaultAction {
    fault: u32,
    step: Step,
}

enum Step {
    /// An activation, counted from 0.
    Activate { round: u32 },
    /// A later step of an activation.
    Continue(FollowUp),
}

impl FaultInjector {
    /// The faults of a setup, each scheduled for its first activation.
    pub fn new(setup: &Setup) -> Self {
        let mut injector = Self {
            faults: setup.faults.clone(),
            rngs: (0..setup.faults.len() as u64).map(|fault| stream(setup.seed, Purpose::Faults, fault)).collect(),
            schedule: BTreeMap::new(),
            scheduled: 0,
            members: setup.members,
            next_joiner: setup.members,
        };
        for (fault, plan) in (0..).zip(&setup.faults) {
            let first = Time::ZERO + setup.warmup + plan.at;
            injector.schedule(first, FaultAction { fault, step: Step::Activate { round: 0 } });
        }
        injector
    }

    /// Time of the next step.
    pub fn next(&self) -> Option<Time> {
        self.schedule.first_key_value().map(|(&(at, _), _)| at)
    }

    /// Does the next step.
    pub fn act(&mut self, world: &mut dyn FaultEnvironment) {
        let Some((_, FaultAction { fault, step })) = self.schedule.pop_first() else { return };
        let plan = self.faults[fault as usize].clone();
        if let Step::Activate { round } = step
            && round + 1 < plan.times
        {
            let step = Step::Activate { round: round + 1 };
            self.schedule(world.now() + plan.every, FaultAction { fault, step });
        }
        let mut activation = Activation {
            world,
            fault,
            target: &plan.target,
            members: self.members,
            rng: &mut self.rngs[fault as usize],
            next_joiner: &mut self.next_joiner,
            follow_ups: Vec::new(),
        };
        match step {
            Step::Activate { .. } => plan.kind.activate(&mut activation),
            Step::Continue(step) => step(&mut activation),
        }
        for (at, step) in activation.follow_ups {
            self.schedule(at, FaultAction { fault, step: Step::Continue(step) });
        }
    }

    fn schedule(&mut self, at: Time, action: FaultAction) {
        self.scheduled += 1;
        self.schedule.insert((at, self.scheduled), action);
    }
}
