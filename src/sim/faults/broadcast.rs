//! `broadcast`: members send application events.

use swimlab_selectors::{Param, Registry};

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::params::{build, common_and};
use crate::protocol::UserEvent;

/// Lets each target send application events, all at once. No fault by itself: load for the group, whose delivery the
/// checkers watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broadcast {
    /// Number of events of each target.
    pub events: u32,
    /// Payload of each, in bytes; at most [`UserEvent::PAYLOAD_LIMIT`].
    pub bytes: u32,
}

impl Broadcast {
    /// This number of events of each target, with 16 bytes each.
    pub const fn of(events: u32) -> Self {
        Self { events, bytes: 16 }
    }
}

impl FaultKind for Broadcast {
    fn activate(&self, activation: &mut Activation<'_>) {
        for member in activation.choose_targets() {
            activation.broadcast(member, self.events, self.bytes);
        }
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    let own = [
        Param::count("events", 1, 100_000, 1, "number of events of each target").unit("events"),
        Param::count("bytes", 0, UserEvent::PAYLOAD_LIMIT as u32, 16, "payload of each event").unit("bytes"),
    ];
    registry.register(
        "broadcast",
        "Members send application events at once, as a load; detectors that are not SWIM send none.",
        common_and(&own),
        |p, ()| build(p, Broadcast { events: p.count("events")?, bytes: p.count("bytes")? }),
    );
}
