//! `xor`: ids as leaves of a binary tree, as in Kademlia.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::ids::SortedIds;
use super::{Metric, MetricIndex, Nearness};
use crate::build_context::BuildContext;
use crate::peer::{Peer, Slot};
use crate::registry::Registry;

/// The exclusive or of both ids, read as a number (Maymounkov and Mazieres, "Kademlia", 2002).
#[derive(Clone, Copy, Debug, Default)]
pub struct Xor;

type Entry = (u64, Slot);

struct XorIndex(SortedIds);

impl Metric for Xor {
    fn unit(&self) -> &'static str {
        "ids"
    }

    fn index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex> {
        Arc::new(XorIndex(SortedIds::new(roster)))
    }
}

impl MetricIndex for XorIndex {
    fn distance(&self, from: &Peer, to: &Peer) -> u64 {
        from.id ^ to.id
    }

    fn visit(&self, from: &Peer, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        walk(self.0.all(), from.id, u64::BITS, visit)
    }

    fn at_rank(&self, from: &Peer, rank: u32) -> Option<Nearness> {
        let others = self.0.others(from.id);
        if rank >= others {
            return None;
        }
        // Oneself, where in the roster, is the first of all.
        let mut rank = (rank as usize) + (self.0.all().len() - others as usize);
        let (mut ids, mut bit) = (self.0.all(), u64::BITS);
        while ids.len() > 1 {
            bit -= 1;
            let (near, far) = halves(ids, from.id, bit);
            if rank < near.len() {
                ids = near;
            } else {
                rank -= near.len();
                ids = far;
            }
        }
        Some(self.nearness(from, &Peer::new(ids[0].0)))
    }
}

/// Visits the ids of one subtree, the half that shares the next bit with `own` first. `bit` counts the bits below the
/// subtree's root.
fn walk(ids: &[Entry], own: u64, bit: u32, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
    match ids {
        [] => ControlFlow::Continue(()),
        [(_, slot)] => visit(*slot),
        _ if bit == 0 => ids.iter().try_for_each(|&(_, slot)| visit(slot)),
        _ => {
            let (near, far) = halves(ids, own, bit - 1);
            walk(near, own, bit - 1, visit)?;
            walk(far, own, bit - 1, visit)
        }
    }
}

/// Splits ids that agree above `bit` into those that share this bit with `own` and the others.
fn halves(ids: &[Entry], own: u64, bit: u32) -> (&[Entry], &[Entry]) {
    let (zeros, ones) = ids.split_at(ids.partition_point(|&(id, _)| id >> bit & 1 == 0));
    if own >> bit & 1 == 0 { (zeros, ones) } else { (ones, zeros) }
}

pub(super) fn register(registry: &mut Registry<Arc<dyn Metric>, BuildContext>) {
    registry.register("xor", "Exclusive or of both ids, as in Kademlia.", vec![], |_, _| Ok(Arc::new(Xor)));
}
