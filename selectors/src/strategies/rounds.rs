//! Round robin over a shuffled order that is computed, not stored: what `shuffle` is, and what others build on.

use super::permutation::Permutation;
use crate::peer::Slot;
use crate::rng::{below, bits};
use crate::view::Turn;

/// One traversal of slots `0..len` in a shuffled order.
#[derive(Clone, Debug)]
pub(crate) struct Traversal {
    order: Permutation,
    next: u32,
    /// The period in which it began.
    pub began: u64,
}

impl Traversal {
    pub fn begin(slots: u32, turn: &mut Turn<'_>) -> Self {
        Self { order: Permutation::new(slots, bits(turn.rng)), next: 0, began: turn.period }
    }
}

impl Iterator for Traversal {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let index = self.next;
        (index < self.order.len()).then(|| {
            self.next += 1;
            self.order.at(index)
        })
    }
}

/// Traversal after traversal over all slots, each in a new order; joiners go in at a random place of the current one
/// (SWIM section 4.3).
///
/// Every slot is visited at most once per traversal, and a peer who is pingable throughout exactly once. So between
/// two visits of one peer lie at most 2m - 2 others, m being the most other slots meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Rounds {
    traversal: Traversal,
    /// Slots that came up after the traversal began, by the index that they precede; the first `visited` are done.
    late: Vec<(u32, Slot)>,
    visited: usize,
}

impl Rounds {
    pub fn begin(turn: &mut Turn<'_>) -> Self {
        let slots = turn.view.slots();
        Self { traversal: Traversal::begin(slots, turn), late: Vec::new(), visited: 0 }
    }

    /// The next pingable slot that is not among the `taken` and that `skip(slot, began)` does not skip, `began` being
    /// the period in which the current traversal began. Who is passed over counts as visited: the taken are being
    /// pinged in this very period.
    ///
    /// `None` if a whole traversal finds nobody.
    pub fn pick(&mut self, turn: &mut Turn<'_>, taken: &[Slot], skip: impl Fn(Slot, u64) -> bool) -> Option<Slot> {
        let view = turn.view;
        let mut begun_anew = false;
        loop {
            match self.step() {
                Some(slot) => {
                    if view.pingable(slot) && !taken.contains(&slot) && !skip(slot, self.traversal.began) {
                        return Some(slot);
                    }
                }
                None if begun_anew => return None,
                None => {
                    begun_anew = true;
                    self.traversal = Traversal::begin(view.slots(), turn);
                    self.late.clear();
                    self.visited = 0;
                }
            }
        }
    }

    /// A peer became pingable. In a slot that the traversal covers it already has a random place; in a new slot it is
    /// given one, and waits for the next traversal if that place is past.
    pub fn joined(&mut self, slot: Slot, turn: &mut Turn<'_>) {
        let len = self.traversal.order.len();
        if slot < len || self.late.iter().any(|&(_, late)| late == slot) {
            return;
        }
        let place = below(turn.rng, len + 1);
        if place >= self.traversal.next {
            let at = self.late.partition_point(|&(before, _)| before <= place).max(self.visited);
            self.late.insert(at, (place, slot));
        }
    }

    fn step(&mut self) -> Option<Slot> {
        match self.late.get(self.visited) {
            Some(&(before, slot)) if before <= self.traversal.next => {
                self.visited += 1;
                Some(slot)
            }
            _ => self.traversal.next(),
        }
    }
}
