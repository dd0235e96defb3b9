//! One member's neighbourhood: the r nearest pingable peers, kept up to date, in round robin.

use std::sync::Arc;

use super::learned_neighbors::LearnedNeighbors;
use crate::metric::{MetricIndex, Nearness};
use crate::peer::{Peer, Slot};
use crate::rng::below;
use crate::view::Context;

/// The index over a roster, with the ids that it was built from: a slot may have a new peer since.
pub struct Neighborhoods {
    pub(crate) index: Arc<dyn MetricIndex>,
    ids: Vec<u64>,
}

impl Neighborhoods {
    pub(crate) fn new(index: Arc<dyn MetricIndex>, roster: &[Peer]) -> Self {
        Self { index, ids: roster.iter().map(|peer| peer.id).collect() }
    }

    fn knows(&self, ctx: &Context<'_>, slot: Slot) -> bool {
        self.ids.get(slot as usize) == Some(&ctx.view.peer(slot).id)
    }
}

/// The neighbours of one member: O(r), found when first asked for, mended when one leaves or a nearer one joins.
#[derive(Debug)]
pub(crate) struct Neighbors {
    radius: usize,
    /// By slot.
    near: Vec<Neighbor>,
    /// The slots of `near` in the order of this traversal, and how many of them are done.
    order: Vec<Slot>,
    next: usize,
    /// Whether somebody may be missing in `near`.
    incomplete: bool,
    /// Whether distances may have changed, the index being another.
    outdated: bool,
    /// Slots of the roster whose peer the index does not know, since it took the place of a forgotten one.
    reused: Vec<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Neighbor {
    slot: Slot,
    nearness: Nearness,
    /// The period of the latest ping as a neighbour.
    pinged: Option<u64>,
}

impl Neighbors {
    pub fn new(radius: usize) -> Self {
        Self {
            radius,
            near: Vec::new(),
            order: Vec::new(),
            next: 0,
            incomplete: true,
            outdated: false,
            reused: Vec::new(),
        }
    }

    /// The next neighbour who is not among the `taken`; `None` if there is none.
    pub fn pick(
        &mut self,
        around: &Neighborhoods,
        learned: Option<&LearnedNeighbors>,
        ctx: &mut Context<'_>,
        taken: &[Slot],
    ) -> Option<Slot> {
        if self.incomplete {
            self.complete(around, learned, ctx);
        }
        // The rest of this traversal, then a whole one.
        for _ in 0..self.order.len() - self.next + self.order.len() {
            if self.next == self.order.len() {
                self.next = 0;
                shuffle(&mut self.order, ctx);
            }
            let slot = self.order[self.next];
            self.next += 1;
            if ctx.view.pingable(slot) && !taken.contains(&slot) {
                if let Ok(at) = self.find(slot) {
                    self.near[at].pinged = Some(ctx.period);
                }
                return Some(slot);
            }
        }
        None
    }

    /// Whether this slot was pinged as a neighbour in `period` or later.
    pub fn pinged_since(&self, slot: Slot, period: u64) -> bool {
        self.find(slot).is_ok_and(|at| self.near[at].pinged >= Some(period))
    }

    pub fn joined(&mut self, around: &Neighborhoods, ctx: &mut Context<'_>, slot: Slot) {
        if !around.knows(ctx, slot)
            && (slot as usize) < around.ids.len()
            && let Err(at) = self.reused.binary_search(&slot)
        {
            self.reused.insert(at, slot);
        }
        if self.incomplete || self.find(slot).is_ok() {
            return;
        }
        let nearness = around.index.nearness(ctx.view.peer(ctx.view.me()), ctx.view.peer(slot));
        self.offer(ctx, slot, nearness);
    }

    /// Something was learnt about how near this peer is: it, or one that was near enough for a while, may move in or out.
    pub fn learnt(&mut self, learned: &LearnedNeighbors, ctx: &mut Context<'_>, slot: Slot) {
        let Some(nearness) = learned.nearness(slot) else { return };
        match self.find(slot) {
            Ok(at) => {
                let farther = self.near[at].nearness < nearness;
                self.near[at].nearness = nearness;
                if farther && !self.incomplete {
                    let others = learned.slots().filter(|&slot| ctx.view.pingable(slot) && self.find(slot).is_err());
                    let best = others.filter_map(|slot| Some((learned.nearness(slot)?, slot))).min();
                    best.into_iter().for_each(|(nearness, slot)| self.offer(ctx, slot, nearness));
                }
            }
            Err(_) if self.incomplete => {}
            Err(_) => self.offer(ctx, slot, nearness),
        }
    }

    /// Takes a peer in if there is room, or in place of the farthest if it is nearer.
    fn offer(&mut self, ctx: &mut Context<'_>, slot: Slot, nearness: Nearness) {
        if self.near.len() == self.radius {
            match self.near.iter().max_by_key(|neighbor| neighbor.nearness) {
                Some(farthest) if nearness < farthest.nearness => self.remove(farthest.slot),
                _ => return,
            };
        }
        self.insert(ctx, Neighbor { slot, nearness, pinged: None });
    }

    pub fn left(&mut self, slot: Slot) {
        if self.remove(slot) {
            self.incomplete = true;
        }
    }

    pub fn reindexed(&mut self) {
        self.reused.clear();
        self.incomplete = true;
        self.outdated = true;
    }

    /// Finds who is missing among those that the index knows, those that came later, and those that were learnt about.
    fn complete(&mut self, around: &Neighborhoods, learned: Option<&LearnedNeighbors>, ctx: &mut Context<'_>) {
        let before = if self.outdated { std::mem::take(&mut self.near) } else { Vec::new() };
        let view = ctx.view;
        let me = view.peer(view.me());
        let missing = self.radius - self.near.len();
        let mut found = Vec::new();
        let learnt = |slot| learned.and_then(|learned| learned.nearness(slot));
        let mut fits =
            |slot| view.pingable(slot) && around.knows(ctx, slot) && self.find(slot).is_err() && learnt(slot).is_none();
        around.index.nearest(me, missing, &mut fits, &mut found);
        let late = (around.ids.len() as Slot..view.slots()).chain(self.reused.iter().copied());
        let late = late.chain(learned.into_iter().flat_map(LearnedNeighbors::slots));
        found.extend(late.filter(|&slot| view.pingable(slot) && self.find(slot).is_err()));
        let nearness = |slot| learnt(slot).unwrap_or_else(|| around.index.nearness(me, view.peer(slot)));
        let mut found: Vec<_> = found.into_iter().map(|slot| (nearness(slot), slot)).collect();
        found.sort_unstable();
        found.dedup();
        if self.outdated {
            self.order.clear();
            self.next = 0;
        }
        for &(nearness, slot) in found.iter().take(missing) {
            let pinged = before.iter().find(|neighbor| neighbor.slot == slot).and_then(|neighbor| neighbor.pinged);
            self.insert(ctx, Neighbor { slot, nearness, pinged });
        }
        self.incomplete = false;
        self.outdated = false;
    }

    fn find(&self, slot: Slot) -> Result<usize, usize> {
        self.near.binary_search_by_key(&slot, |neighbor| neighbor.slot)
    }

    /// Adds a neighbour at a random place of the rest of the traversal.
    fn insert(&mut self, ctx: &mut Context<'_>, neighbor: Neighbor) {
        if let Err(at) = self.find(neighbor.slot) {
            self.near.insert(at, neighbor);
            let rest = self.order.len() - self.next;
            self.order.insert(self.next + below(ctx.rng, rest as u32 + 1) as usize, neighbor.slot);
        }
    }

    fn remove(&mut self, slot: Slot) -> bool {
        let Ok(at) = self.find(slot) else { return false };
        self.near.remove(at);
        if let Some(at) = self.order.iter().position(|&other| other == slot) {
            self.order.remove(at);
            self.next -= usize::from(at < self.next);
        }
        true
    }
}

fn shuffle(order: &mut [Slot], ctx: &mut Context<'_>) {
    for i in (1..order.len()).rev() {
        order.swap(i, below(ctx.rng, i as u32 + 1) as usize);
    }
}
