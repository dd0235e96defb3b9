//! Round robin over a shuffled order that is computed, not stored: what `shuffle` is, and what others build on.

use super::permutation::Permutation;
use crate::peer::Slot;
use crate::rng::{below, bits};
use crate::view::Context;

/// One traversal of slots `0..len` in a shuffled order.
#[derive(Clone, Debug)]
pub(crate) struct Traversal {
    order: Permutation,
    next: u32,
    /// The slot at `next`, computed one step ahead; any number at the end.
    upcoming: Slot,
    /// The period in which it began.
    pub began: u64,
}

impl Traversal {
    pub fn begin(slots: u32, ctx: &mut Context<'_>) -> Self {
        let order = Permutation::new(slots, bits(ctx.rng));
        Self { order, next: 0, upcoming: if slots > 0 { order.at(0) } else { 0 }, began: ctx.period }
    }
}

impl Iterator for Traversal {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let (slot, len) = (self.upcoming, self.order.len());
        if self.next >= len {
            return None;
        }
        self.next += 1;
        if self.next < len {
            self.upcoming = self.order.at(self.next);
        }
        Some(slot)
    }
}

/// Traversal after traversal over all slots, each in a new order; joiners go in at a random place of the current one
/// (SWIM section 4.3).
///
/// Every slot is visited at most once per traversal, and a peer who is pingable throughout exactly once. So between
/// two visits of one peer lie at most 2m - 2 others, m being the most other slots meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct RoundRobin {
    traversal: Traversal,
    /// Slots that came up after the traversal began, by the index that they precede; the first `visited` are done.
    late: Vec<(u32, Slot)>,
    visited: u32,
    /// Above all slots that came up after the traversal began.
    end: Slot,
}

impl RoundRobin {
    pub fn begin(ctx: &mut Context<'_>) -> Self {
        let slots = ctx.view.slots();
        Self { traversal: Traversal::begin(slots, ctx), late: Vec::new(), visited: 0, end: slots }
    }

    /// The next pingable slot that is not among the `taken` and that `skip(slot, began)` does not skip, `began` being
    /// the period in which the current traversal began. Who is passed over counts as visited: the taken are being
    /// pinged in this very period.
    ///
    /// `None` if a whole traversal finds nobody.
    pub fn pick(&mut self, ctx: &mut Context<'_>, taken: &[Slot], skip: impl Fn(Slot, u64) -> bool) -> Option<Slot> {
        let view = ctx.view;
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
                    self.traversal = Traversal::begin(view.slots(), ctx);
                    self.late.clear();
                    (self.visited, self.end) = (0, view.slots());
                }
            }
        }
    }

    /// Whom the traversal comes to next, unless it has ended.
    pub fn upcoming(&self) -> Option<Slot> {
        (self.traversal.next < self.traversal.order.len()).then_some(self.traversal.upcoming)
    }

    /// A peer became pingable. In a slot that the traversal covers it already has a random place; in a new slot it is
    /// given one among all the others, late ones included, and waits for the next traversal if that place is past.
    pub fn joined(&mut self, slot: Slot, ctx: &mut Context<'_>) {
        let len = self.traversal.order.len();
        if slot < len || (slot < self.end && self.late.iter().any(|&(_, late)| late == slot)) {
            return;
        }
        self.end = self.end.max(slot + 1);
        let place = below(ctx.rng, len + self.late.len() as u32 + 1);
        if place >= self.traversal.next + self.visited {
            // The i-th of the late comes after i others of its kind: one binary search over places, whoever stands there.
            let at = partition_point(self.late.len(), |i| self.late[i].0 + (i as u32) < place);
            self.late.insert(at, (place - at as u32, slot));
        }
    }

    fn step(&mut self) -> Option<Slot> {
        match self.late.get(self.visited as usize) {
            Some(&(before, slot)) if before <= self.traversal.next => {
                self.visited += 1;
                Some(slot)
            }
            _ => self.traversal.next(),
        }
    }
}

/// The first number below `len` for which this is false, if it is true for all before it and for none after.
fn partition_point(len: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = (low + high) / 2;
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
