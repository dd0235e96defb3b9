//! Where all trials take place: the same network, protocol settings and luck for every peer.

use std::sync::Arc;

use swimlab::protocol::{Event, Id, Kit, Settings, Span, Time, What};
use swimlab::sim::fault::Fault;
use swimlab::sim::{FaultKind, Index, Observer, Phases, Setup, Start, Target};
use swimlab::topology::{Base, topologies};
use swimlab::wire::Compact;
use swimlab_selectors::helpers::UniformHelpers;
use swimlab_selectors::registry::Spec;
use swimlab_selectors::rng::{Purpose, below, stream};

use crate::options::{Scenario, Trial};

/// How long a steady trial lasts.
pub const STEADY: Span = Span::from_secs(20);
/// When the victim crashes: by then every member has begun its first period.
pub const CRASH_AT: Span = Span::from_secs(1);
/// A crash that has not got around by now never will.
pub const PATIENCE: Span = Span::from_secs(600);

const SEED: u64 = 1;
/// One way 10 to 50 ms, uniformly, drawn anew for each packet.
const NETWORK: &str = "lan:delay_ms=30,jitter=uniform,spread_ms=20";

/// One trial's surroundings.
pub struct Setting {
    pub setup: Setup,
    pub kit: Arc<Kit>,
    /// Who crashes.
    pub victim: Option<Index>,
}

impl Setting {
    /// The surroundings of this trial.
    pub fn new(trial: Trial) -> Self {
        let network = Spec::parse(NETWORK).expect("a network's label");
        let topology = topologies().build(&network, &Base::default()).expect("a network");
        let settings = Settings::of("swim");
        let victim =
            (trial.scenario == Scenario::Crash).then(|| below(&mut stream(SEED, Purpose::Faults, 0), trial.members));
        let crash = |victim| Fault {
            kind: FaultKind::Crash,
            at: CRASH_AT,
            target: Target::Members(vec![victim]),
            times: 1,
            every: Span::ZERO,
        };
        let setup = Setup {
            placement: Arc::new(topology.place(trial.members, 0, SEED)),
            members: trial.members,
            seed: SEED,
            start: Start::Joined,
            phases: Phases::Random,
            period: settings.period,
            loss: 0.0,
            warmup: Span::ZERO,
            duration: PATIENCE,
            faults: victim.into_iter().map(crash).collect(),
        };
        let kit = Arc::new(Kit { settings, helpers: Arc::new(UniformHelpers), sizer: Arc::new(Compact) });
        Self { setup, kit, victim }
    }

    /// Who counts the informed.
    pub fn witness(&self) -> Witness {
        let id = |victim: Index| self.setup.placement.peers[victim as usize].id;
        Witness { victim: self.victim.map(id), informed: 0 }
    }
}

/// Counts the survivors that hold the victim dead: that declared it, or learnt it.
pub struct Witness {
    victim: Option<Id>,
    informed: u32,
}

impl Witness {
    /// How many they are by now.
    pub fn informed(&self) -> u32 {
        self.informed
    }
}

impl Observer for Witness {
    fn event(&mut self, _at: Time, _member: Index, event: &Event) {
        // A member reports a death once, as long as nobody speaks up for the dead; the victim does not.
        if event.what == What::Died && Some(event.about) == self.victim {
            self.informed += 1;
        }
    }
}
