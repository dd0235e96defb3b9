//! The `foca` crate with settings as near to a profile's as it has them; its extensions beyond SWIM with suspicion are off.

#[path = "../../../src/rivals/foca/machine.rs"]
mod machine;

use std::num::{NonZeroU8, NonZeroUsize};
use std::time::Duration;

use ::foca::Config;
use swimlab::protocol::{Kit, Span};
use swimlab::sim::Setup;

pub use machine::FocaBreed;

/// The members of this setup.
pub fn breed(setup: &Setup, kit: &Kit) -> FocaBreed {
    let settings = &kit.settings;
    let suspicion = settings.suspicion.timeout(settings, setup.members, 0);
    let transmissions = settings.dissemination.transmissions(settings, setup.members);
    let config = Config {
        probe_period: duration(settings.period),
        probe_rtt: duration(settings.probe_timeout),
        num_indirect_probes: NonZeroUsize::new(settings.indirect as usize).expect("helpers"),
        max_transmissions: u8::try_from(transmissions).ok().and_then(NonZeroU8::new).expect("a few"),
        suspect_to_down_after: duration(suspicion),
        remove_down_after: Some(duration(settings.dead_retention)),
        max_packet_size: NonZeroUsize::new(settings.packet_bytes as usize).expect("room"),
        ..Config::simple()
    };
    FocaBreed::new(setup, config)
}

fn duration(span: Span) -> Duration {
    Duration::from_micros(span.as_micros())
}
