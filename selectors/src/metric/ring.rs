//! `ring`: ids on a circle.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::MetricRegistry;
use super::distance::{Metric, MetricIndex, Nearness};
use super::ids::SortedIds;
use crate::peer::{Peer, Slot};

/// Clockwise difference of the ids on the circle of 64-bit numbers, in ids.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ring;

struct RingIndex(SortedIds);

impl Metric for Ring {
    fn index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex> {
        Arc::new(RingIndex(SortedIds::new(roster)))
    }

    fn compares_ids(&self) -> bool {
        true
    }
}

impl MetricIndex for RingIndex {
    fn distance(&self, from: &Peer, to: &Peer) -> u64 {
        to.id.wrapping_sub(from.id)
    }

    fn visit(&self, from: &Peer, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        let ids = self.0.all();
        let (before, after) = ids.split_at(ids.partition_point(|&(id, _)| id < from.id));
        after.iter().chain(before).try_for_each(|&(_, slot)| visit(slot))
    }

    fn at_rank(&self, from: &Peer, rank: u32) -> Option<Nearness> {
        (rank < self.0.others(from.id)).then(|| self.nearness(from, &Peer::new(self.0.clockwise(from.id, rank).0)))
    }
}

pub(super) fn register(registry: &mut MetricRegistry) {
    registry.register("ring", "Clockwise difference of the ids on a circle.", vec![], |_, _| Ok(Arc::new(Ring)));
}
