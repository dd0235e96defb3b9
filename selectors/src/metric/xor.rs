//! `xor`: ids as leaves of a binary tree, as in Kademlia.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::MetricRegistry;
use super::distance::{Metric, MetricIndex, Nearness};
use super::ids::SortedIds;
use crate::peer::{Peer, Slot};

/// Exclusive or of both ids, read as a number, in ids (Maymounkov, Mazieres, "Kademlia", IPTPS 2002).
#[derive(Clone, Copy, Debug, Default)]
pub struct Xor;

struct XorIndex(SortedIds);

impl Metric for Xor {
    fn index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex> {
        Arc::new(XorIndex(SortedIds::new(roster)))
    }

    fn compares_ids(&self) -> bool {
        true
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
        // A `from` that is in the roster is the first of all.
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

/// Visits the ids of one subtree, the half that shares the next bit with `own` first. `bit` is the number of bits below
/// the root of the subtree.
fn walk(ids: &[(u64, Slot)], own: u64, bit: u32, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
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

/// An id and its slot.
type Item = (u64, Slot);

/// Splits ids that agree above `bit` into those that share this bit with `own` and the others.
fn halves(ids: &[Item], own: u64, bit: u32) -> (&[Item], &[Item]) {
    let (zeros, ones) = ids.split_at(ids.partition_point(|&(id, _)| id >> bit & 1 == 0));
    if own >> bit & 1 == 0 { (zeros, ones) } else { (ones, zeros) }
}

pub(super) fn register(registry: &mut MetricRegistry) {
    registry.register("xor", "Exclusive or of both ids, as in Kademlia.", vec![], |_, _| Ok(Arc::new(Xor)));
}
