//! `majority`: the scheme of small clusters. Every member publishes its timestamp to all others, and with it the list
//! of those whose timestamps it finds too old; a member is down when more than half of the group lists it.
//!
//! Without loss it guarantees that every member knows of a crash one timeout and two periods later: the silence, and
//! the votes.

use std::sync::Arc;

use swimlab_selectors::Registry;

use super::{Detector, Heartbeats, Reach, Rules};
use crate::protocol::Span;

#[derive(Clone)]
struct Majority(Heartbeats);

impl Rules for Majority {
    type Pulse = ();

    fn period(&self) -> Span {
        self.0.period
    }

    fn reach(&self) -> Reach {
        Reach::Everyone
    }

    fn votes(&self) -> bool {
        true
    }

    fn patience(&self, (): &(), _: u32) -> Span {
        self.0.timeout
    }

    fn memory(&self, _: u32) -> Span {
        self.0.memory
    }

    /// Of two members one is no majority: none is ever declared dead.
    fn converges_within(&self, n: u32) -> Option<Span> {
        self.0.converges_within(3).filter(|_| n > 2)
    }
}

pub(super) fn register(registry: &mut Registry<Arc<dyn Detector>>) {
    registry.register(
        "majority",
        "Detector: all members send timestamps to each other; a member is down if a majority has received none in time.",
        Heartbeats::params("time without a timestamp after which a member votes for down"),
        |p, ()| Ok(Arc::new(Majority(Heartbeats::of(p)?))),
    );
}
