//! Network, configuration and seed that all benches of whole worlds share.

use std::sync::Arc;

use swimlab::protocol::{Config, MemberConfig, Span};
use swimlab::sim::{Crash, Fault, MemberIndex, Setup, Target};
use swimlab::topology::{TopologyContext, topologies};
use swimlab::wire::PlainSizer;
use swimlab_selectors::Spec;
use swimlab_selectors::rng::{Purpose, below, stream};

/// The seed of all trials.
pub(crate) const SEED: u64 = 1;
/// Time of the crash: by then every member has begun its first period.
pub(crate) const CRASH_AT: Span = Span::from_secs(1);
/// One-way delays from 10 to 50 ms, drawn uniformly for each packet.
const NETWORK: &str = "lan:delay_ms=30,jitter=uniform,spread_ms=20";

/// Config of the profile `swim`, uniform helpers, sizes as on the wire.
pub(crate) fn config() -> Arc<MemberConfig> {
    Arc::new(MemberConfig::new(Config::swim(), Arc::new(PlainSizer)).expect("a valid profile"))
}

/// Members that all know each other, with random phases, in a network without loss.
pub(crate) fn setup(members: u32, duration: Span, victim: Option<MemberIndex>) -> Setup {
    let network = Spec::parse(NETWORK).expect("a network's label");
    let topology = topologies().build(&network, &TopologyContext::default()).expect("a network");
    let faults = victim.into_iter().map(crash).collect();
    let mut setup = Setup::new(&topology, members, SEED, faults);
    (setup.period, setup.duration) = (Config::swim().period, duration);
    setup
}

/// The member that crashes in crash scenarios.
pub(crate) fn victim(members: u32) -> MemberIndex {
    below(&mut stream(SEED, Purpose::Faults, 0), members)
}

fn crash(victim: MemberIndex) -> Fault {
    let mut crash = Fault::new(Crash);
    (crash.at, crash.target) = (CRASH_AT, Target::Members(vec![victim]));
    crash
}
