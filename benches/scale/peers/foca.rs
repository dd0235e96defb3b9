//! The crate foca with settings as close to the profile's as possible and the smallest possible identities; its
//! extensions beyond SWIM with suspicion are off.

#[path = "../../../src/detectors/foca/machine.rs"]
mod machine;

use std::num::{NonZeroU8, NonZeroUsize};
use std::time::Duration;

use ::foca::{Config, Identity};
use serde::{Deserialize, Serialize};
use swimlab::protocol::{Incarnation, MemberConfig, Span};
use swimlab::sim::{MemberIndex, Setup};

use machine::{FocaFactory, Name};

/// The members of this setup.
pub(crate) fn factory(setup: &Setup, config: &MemberConfig) -> FocaFactory<Bare> {
    let config = config.protocol();
    let suspicion = config.suspicion.timeout(config.period, setup.members, 0);
    let transmissions = config.dissemination.transmissions(setup.members);
    let config = Config {
        probe_period: duration(config.period),
        probe_rtt: duration(config.probe_timeout),
        num_indirect_probes: NonZeroUsize::new(config.indirect as usize).expect("helpers"),
        max_transmissions: u8::try_from(transmissions).ok().and_then(NonZeroU8::new).expect("a few"),
        suspect_to_down_after: duration(suspicion),
        remove_down_after: Some(duration(config.dead_retention)),
        max_packet_size: NonZeroUsize::new(config.packet_bytes as usize).expect("room"),
        ..Config::simple()
    };
    FocaFactory::new(setup, config)
}

/// A member's identity and address: its index. In these trials each member has one generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bare(MemberIndex);

impl Name for Bare {
    const NUMBERS: usize = 1;

    fn new(member: MemberIndex, _: u32) -> Self {
        Self(member)
    }

    fn index(self) -> MemberIndex {
        self.0
    }

    fn incarnation(self) -> Incarnation {
        Incarnation::default()
    }
}

impl Identity for Bare {
    type Addr = MemberIndex;

    fn renew(&self) -> Option<Self> {
        None
    }

    fn addr(&self) -> MemberIndex {
        self.0
    }

    fn win_addr_conflict(&self, _: &Self) -> bool {
        unreachable!("an address is an identity here")
    }
}

fn duration(span: Span) -> Duration {
    Duration::from_micros(span.as_micros())
}
