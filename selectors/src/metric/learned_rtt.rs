//! `vivaldi`: round-trip times that each member learns from its own pings.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::MetricRegistry;
use super::distance::{Metric, MetricIndex, UNKNOWN_DISTANCE};
use super::tied::{Groups, Hashed, visit_tied};
use crate::peer::{Peer, Slot};

/// Round-trip time in microseconds, as each member measures it or estimates it from network coordinates.
///
/// Each member learns for itself, so the shared index has no distances: all peers are equally far, and the tie-break
/// alone orders them. A member starts from this order; a selector that supports [`Metric::learned`] refines it.
#[derive(Clone, Copy, Debug, Default)]
pub struct LearnedRtt;

struct TieBreakOrder {
    everyone: Vec<Hashed>,
}

impl Metric for LearnedRtt {
    fn index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex> {
        let everyone = Groups::new(1, (0..).zip(roster).map(|(slot, peer)| (0, peer.id, slot))).united();
        Arc::new(TieBreakOrder { everyone })
    }

    fn learned(&self) -> bool {
        true
    }
}

impl MetricIndex for TieBreakOrder {
    fn distance(&self, _: &Peer, _: &Peer) -> u64 {
        UNKNOWN_DISTANCE
    }

    fn visit(&self, from: &Peer, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        visit_tied(&[&self.everyone], from, visit)
    }
}

pub(super) fn register(registry: &mut MetricRegistry) {
    let about =
        "Round-trip time that members learn from their own pings, without configuration; for neighborhood only.";
    registry.register("vivaldi", about, vec![], |_, _| Ok(Arc::new(LearnedRtt)));
}
