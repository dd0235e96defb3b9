//! World of a trial, and the condition that ends it.

use std::sync::Arc;

use swimlab::experiment::on_threads;
use swimlab::protocol::{Event, EventKind, Id, MemberConfig, Span, Time};
use swimlab::sim::{MemberIndex, Observer, Setup, Threads};

use crate::common;
use crate::options::{Scenario, Trial};

/// Duration of a steady trial.
pub(crate) const STEADY: Span = Span::from_secs(20);
/// Time by which every survivor must know of the crash.
pub(crate) const PATIENCE: Span = Span::from_secs(600);

/// Setup of a trial, the same for every peer.
pub(crate) struct Setting {
    pub setup: Setup,
    pub config: Arc<MemberConfig>,
    /// The member that crashes.
    pub victim: Option<MemberIndex>,
}

impl Setting {
    /// The setup of this trial.
    pub(crate) fn new(trial: Trial) -> Self {
        let victim = (trial.scenario == Scenario::Crash).then(|| common::victim(trial.members));
        let mut setup = common::setup(trial.members, PATIENCE, victim);
        setup.threads = Threads::at_most(trial.threads, on_threads);
        Self { setup, config: common::config(), victim }
    }

    /// An observer that counts the informed members.
    pub(crate) fn witness(&self) -> Witness {
        let id = |victim: MemberIndex| self.setup.placement.peers[victim as usize].id;
        Witness { victim: self.victim.map(id), informed: 0 }
    }
}

/// Counts the survivors that have declared the victim dead or learned of its death.
pub(crate) struct Witness {
    victim: Option<Id>,
    informed: u32,
}

impl Witness {
    /// Their number so far.
    pub(crate) fn informed(&self) -> u32 {
        self.informed
    }
}

impl Observer for Witness {
    fn event(&mut self, _at: Time, _member: MemberIndex, event: &Event) {
        // A member reports a death once, as nothing refutes it; the victim does not.
        if event.kind == EventKind::Died && Some(event.about) == self.victim {
            self.informed += 1;
        }
    }

    fn watches_packets(&self) -> bool {
        false
    }
}
