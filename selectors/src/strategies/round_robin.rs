//! Round robin over a shuffled order that is computed and not stored: the strategy `shuffle`, and a part of others.

use super::permutation::Permutation;
use crate::peer::Slot;
use crate::rng::{below, bits};
use crate::view::Context;

/// One traversal of slots `0..len` in a shuffled order.
#[derive(Clone, Debug)]
pub(super) struct Traversal {
    order: Permutation,
    next: u32,
    /// Slot at position `next`, computed one step ahead; meaningless at the end.
    upcoming: Slot,
    /// Period in which the traversal began.
    pub(super) began: u64,
}

impl Traversal {
    pub(super) fn begin(slots: u32, ctx: &mut Context<'_>) -> Self {
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

/// Successive traversals of all slots, each in a new order; joiners are inserted at a random position of the current
/// one (SWIM, section 4.3).
///
/// Each slot is visited at most once per traversal, and a peer that is pingable throughout exactly once. So between two
/// visits of one peer lie at most 2m - 2 visits of others, m being the largest number of other slots meanwhile.
#[derive(Clone, Debug)]
pub(super) struct RoundRobin {
    traversal: Traversal,
    /// Slots that came up after the traversal began, each with the position in the traversal that it precedes; the
    /// first `visited` of them are done.
    late: Vec<(u32, Slot)>,
    visited: u32,
    /// One more than the largest slot that the traversal or `late` covers.
    end: Slot,
}

impl RoundRobin {
    pub(super) fn begin(ctx: &mut Context<'_>) -> Self {
        let slots = ctx.view.slots();
        Self { traversal: Traversal::begin(slots, ctx), late: Vec::new(), visited: 0, end: slots }
    }

    /// Returns the next pingable slot that is not `taken` and for which `skip(slot, began)` is false, `began` being the
    /// period in which the current traversal began. `None` if a whole traversal finds none.
    ///
    /// A slot that is passed over counts as visited: taken slots are pinged in this very period.
    pub(super) fn pick(
        &mut self,
        ctx: &mut Context<'_>,
        taken: &[Slot],
        skip: impl Fn(Slot, u64) -> bool,
    ) -> Option<Slot> {
        let view = ctx.view;
        let mut restarted = false;
        loop {
            match self.step() {
                Some(slot) => {
                    if view.pingable(slot) && !taken.contains(&slot) && !skip(slot, self.traversal.began) {
                        return Some(slot);
                    }
                }
                None if restarted => return None,
                None => {
                    restarted = true;
                    self.traversal = Traversal::begin(view.slots(), ctx);
                    self.late.clear();
                    (self.visited, self.end) = (0, view.slots());
                }
            }
        }
    }

    /// Slot that the traversal visits next, unless it has ended.
    pub(super) fn upcoming(&self) -> Option<Slot> {
        (self.traversal.next < self.traversal.order.len()).then_some(self.traversal.upcoming)
    }

    /// Inserts a peer that became pingable.
    ///
    /// A slot that the traversal covers already has a random position. A new slot gets one among all others, late ones
    /// included, and waits for the next traversal if that position is past.
    pub(super) fn joined(&mut self, slot: Slot, ctx: &mut Context<'_>) {
        let len = self.traversal.order.len();
        if slot < len || (slot < self.end && self.late.iter().any(|&(_, late)| late == slot)) {
            return;
        }
        self.end = self.end.max(slot + 1);
        let position = below(ctx.rng, len + self.late.len() as u32 + 1);
        if position >= self.traversal.next + self.visited {
            // The i-th late slot comes after i others of `late`, which its own position does not count.
            let at = partition_point(self.late.len(), |i| self.late[i].0 + (i as u32) < position);
            self.late.insert(at, (position - at as u32, slot));
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

/// Maximum number of picks from one ping of a member to the next when every traversal visits each of the `n - 1` others
/// once: first in one traversal, last in the next (SWIM, section 4.3, which counts `2n - 1` with n others).
pub(super) fn two_traversals(n: u32) -> u64 {
    (2 * u64::from(n.saturating_sub(1))).saturating_sub(1)
}

/// Number of periods that `picks` picks take, `direct` per period; 1 if every member is pinged in every period.
pub(super) fn periods(picks: u64, n: u32, direct: u32) -> u64 {
    if direct >= n.saturating_sub(1) { 1 } else { picks.div_ceil(u64::from(direct.max(1))) }
}

/// Returns the smallest index below `len` for which `is_before` is false; it must be true for all indices before.
fn partition_point(len: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = (low + high) / 2;
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
