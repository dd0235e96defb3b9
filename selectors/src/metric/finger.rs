//! `finger`: entries of a finger table on the ring of ids first, as in Chord.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::MetricRegistry;
use super::distance::{Metric, MetricIndex, Nearness};
use super::ids::SortedIds;
use crate::peer::{Peer, Slot};

/// Rank of the clockwise successors on the circle of ids: those at positions 1, 2, 4, 8, ... first (the finger table of
/// Chord: Stoica and others, SIGCOMM 2001), then the rest in their order.
///
/// Positions are counted in the indexed roster. A peer outside of it has the rank of the member whose position it would
/// take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Finger;

struct FingerIndex(SortedIds);

impl Metric for Finger {
    fn index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex> {
        Arc::new(FingerIndex(SortedIds::new(roster)))
    }

    fn compares_ids(&self) -> bool {
        true
    }
}

/// Number of powers of two from 1 to `x`.
fn powers(x: u32) -> u32 {
    u32::BITS - x.leading_zeros()
}

/// Returns the rank, from 1, of the successor at `position`, from 1, among `others`.
fn rank(position: u32, others: u32) -> u32 {
    if position.is_power_of_two() { powers(position) } else { powers(others) + position - powers(position) }
}

/// Returns the position at a rank: the inverse of [`rank`] up to `others`.
fn position(rank: u32, others: u32) -> u32 {
    let fingers = powers(others);
    if rank <= fingers {
        return 1 << (rank - 1);
    }
    // The i-th position that is no power of two is i plus the number of powers below it.
    let i = rank - fingers;
    let guess = i + powers(i);
    if guess - powers(guess) < i { guess + 1 } else { guess }
}

impl MetricIndex for FingerIndex {
    fn distance(&self, from: &Peer, to: &Peer) -> u64 {
        if from.id == to.id {
            return 0;
        }
        u64::from(rank(self.0.between(from.id, to.id) + 1, self.0.others(from.id)))
    }

    fn visit(&self, from: &Peer, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        let others = self.0.others(from.id);
        if others < self.0.all().len() as u32 {
            visit(self.0.clockwise(from.id, others).1)?;
        }
        (1..=others).try_for_each(|rank| visit(self.0.clockwise(from.id, position(rank, others) - 1).1))
    }

    fn at_rank(&self, from: &Peer, rank: u32) -> Option<Nearness> {
        let others = self.0.others(from.id);
        (rank < others).then(|| {
            let (id, _) = self.0.clockwise(from.id, position(rank + 1, others) - 1);
            self.nearness(from, &Peer::new(id))
        })
    }
}

pub(super) fn register(registry: &mut MetricRegistry) {
    let about = "Ring successors at positions 1, 2, 4, 8, ... first, then the rest.";
    registry.register("finger", about, vec![], |_, _| Ok(Arc::new(Finger)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingers_rank_before_the_rest() {
        let ranked: Vec<u32> = (1..=10).map(|r| position(r, 10)).collect();
        assert_eq!(ranked, [1, 2, 4, 8, 3, 5, 6, 7, 9, 10]);
    }

    #[test]
    fn rank_and_position_undo_each_other() {
        for others in 1..300 {
            for r in 1..=others {
                assert_eq!(rank(position(r, others), others), r, "{others} others");
            }
        }
    }
}
