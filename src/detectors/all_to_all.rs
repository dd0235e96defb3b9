//! `all-to-all`: every member sends its heartbeat to every other in each period; a member that is silent for
//! a fixed time is dead. The load grows with the square of the group, which SWIM avoids (DSN 2002, section 2).
//!
//! Without loss it guarantees that every member knows of a crash or departure one timeout and one period later.

use std::sync::Arc;

use swimlab_selectors::Registry;

use super::{Detector, Heartbeats, Reach, Rules};
use crate::protocol::Span;

#[derive(Clone)]
struct AllToAll(Heartbeats);

impl Rules for AllToAll {
    type Pulse = ();

    fn period(&self) -> Span {
        self.0.period
    }

    fn reach(&self) -> Reach {
        Reach::Everyone
    }

    fn patience(&self, (): &(), _: u32) -> Span {
        self.0.timeout
    }

    fn memory(&self, _: u32) -> Span {
        self.0.memory
    }

    fn converges_within(&self, _: u32) -> Option<Span> {
        // Two periods for the delays of the network.
        self.0.converges_within(2)
    }
}

pub(super) fn register(registry: &mut Registry<Arc<dyn Detector>>) {
    registry.register(
        "all-to-all",
        "Detector: all members send heartbeats to each other; a member is dead after a fixed time without one.",
        Heartbeats::params("time without a heartbeat after which a member is dead"),
        |p, ()| Ok(Arc::new(AllToAll(Heartbeats::of(p)?))),
    );
}
