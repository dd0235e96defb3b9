//! Neighborhood of one member: the r nearest pingable peers, kept up to date, pinged in round robin.

use std::sync::Arc;

use super::learned_neighbors::LearnedNeighbors;
use crate::metric::{MetricIndex, Nearness};
use crate::peer::{Peer, Slot};
use crate::rng::{below, shuffle};
use crate::view::Context;

/// Index over a roster, with the ids that it was built from: a slot may hold another peer since.
pub struct Neighborhoods {
    pub(super) metric: Arc<dyn MetricIndex>,
    ids: Vec<u64>,
}

impl Neighborhoods {
    pub(super) fn new(metric: Arc<dyn MetricIndex>, roster: &[Peer]) -> Self {
        Self { metric, ids: roster.iter().map(|peer| peer.id).collect() }
    }

    fn contains(&self, ctx: &Context<'_>, slot: Slot) -> bool {
        self.ids.get(slot as usize) == Some(&ctx.view.peer(slot).id)
    }
}

/// Neighbors of one member: O(r), found at the first pick, replaced when one leaves or a nearer one joins.
#[derive(Debug)]
pub(super) struct Neighbors {
    radius: usize,
    /// By slot.
    near: Vec<Neighbor>,
    /// Slots of `near` in the order of this traversal; the first `next` are done.
    order: Vec<Slot>,
    next: usize,
    /// Whether `near` may lack a peer.
    incomplete: bool,
    /// Whether distances may have changed because the index was replaced.
    outdated: bool,
    /// Slots of the roster whose peer joined after the index was built, in place of a forgotten one; ascending.
    reused: Vec<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Neighbor {
    slot: Slot,
    nearness: Nearness,
    /// Period of the latest ping as a neighbor.
    pinged: Option<u64>,
}

impl Neighbors {
    pub(super) fn new(radius: usize) -> Self {
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

    /// Returns the next neighbor that is not `taken`; `None` if there is none.
    pub(super) fn pick(
        &mut self,
        index: &Neighborhoods,
        learned: Option<&LearnedNeighbors>,
        ctx: &mut Context<'_>,
        taken: &[Slot],
    ) -> Option<Slot> {
        if self.incomplete {
            self.complete(index, learned, ctx);
        }
        // The rest of this traversal, then a whole one.
        for _ in 0..self.order.len() - self.next + self.order.len() {
            if self.next == self.order.len() {
                self.next = 0;
                shuffle(&mut self.order, ctx.rng);
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

    /// Whether a slot was pinged as a neighbor in `period` or later.
    pub(super) fn pinged_since(&self, slot: Slot, period: u64) -> bool {
        self.find(slot).is_ok_and(|at| self.near[at].pinged >= Some(period))
    }

    /// Whether a slot is a neighbor.
    pub(super) fn contains(&self, slot: Slot) -> bool {
        self.find(slot).is_ok()
    }

    /// Takes in a joiner if it is near enough.
    pub(super) fn joined(&mut self, index: &Neighborhoods, ctx: &mut Context<'_>, slot: Slot) {
        if !index.contains(ctx, slot)
            && (slot as usize) < index.ids.len()
            && let Err(at) = self.reused.binary_search(&slot)
        {
            self.reused.insert(at, slot);
        }
        if self.incomplete || self.find(slot).is_ok() {
            return;
        }
        let nearness = index.metric.nearness(ctx.view.peer(ctx.view.me()), ctx.view.peer(slot));
        self.offer(ctx, slot, nearness);
    }

    /// Moves a peer in or out after its learned nearness changed.
    pub(super) fn learned(&mut self, learned: &LearnedNeighbors, ctx: &mut Context<'_>, slot: Slot) {
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

    /// Takes in a peer if there is room, or in place of the farthest neighbor if it is nearer.
    fn offer(&mut self, ctx: &mut Context<'_>, slot: Slot, nearness: Nearness) {
        if self.near.len() == self.radius {
            match self.near.iter().max_by_key(|neighbor| neighbor.nearness) {
                Some(farthest) if nearness < farthest.nearness => self.remove(farthest.slot),
                _ => return,
            };
        }
        self.insert(ctx, Neighbor { slot, nearness, pinged: None });
    }

    pub(super) fn left(&mut self, slot: Slot) {
        if self.remove(slot) {
            self.incomplete = true;
        }
    }

    pub(super) fn reindexed(&mut self) {
        self.reused.clear();
        self.incomplete = true;
        self.outdated = true;
    }

    /// Fills the neighborhood from the peers in the index, those that joined later and those with a learned distance.
    fn complete(&mut self, index: &Neighborhoods, learned: Option<&LearnedNeighbors>, ctx: &mut Context<'_>) {
        let before = if self.outdated { std::mem::take(&mut self.near) } else { Vec::new() };
        let view = ctx.view;
        let me = view.peer(view.me());
        let missing = self.radius - self.near.len();
        let mut found = Vec::new();
        let learned_nearness = |slot| learned.and_then(|learned| learned.nearness(slot));
        let mut accept = |slot| {
            view.pingable(slot)
                && index.contains(ctx, slot)
                && self.find(slot).is_err()
                && learned_nearness(slot).is_none()
        };
        index.metric.nearest(me, missing, &mut accept, &mut found);
        let late = (index.ids.len() as Slot..view.slots()).chain(self.reused.iter().copied());
        let others = late.chain(learned.into_iter().flat_map(LearnedNeighbors::slots));
        found.extend(others.filter(|&slot| view.pingable(slot) && self.find(slot).is_err()));
        let nearness = |slot| learned_nearness(slot).unwrap_or_else(|| index.metric.nearness(me, view.peer(slot)));
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

    /// Adds a neighbor, at a random position of the rest of the traversal.
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
