//! Rings of the strategy `schedule`: the order in which members ping each other, drawn again for every epoch.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use super::partition::Partition;
use crate::peer::{Peer, Slot};
use crate::rng::mix;
use crate::view::View;

/// Number of periods for which a draw of the rings is used.
const EPOCH: u64 = 64;

/// Index that the members of a roster share: its partition into neighborhoods, and the latest draws of the rings.
#[derive(Debug)]
pub struct RingSchedules {
    ids: Vec<u64>,
    partition: Partition,
    /// Number of the neighborhood, by slot.
    neighborhood_of: Vec<u32>,
    classes: u32,
    recent: Mutex<Vec<Arc<RingSchedule>>>,
}

/// A draw: each member's position in two rings, that of its neighborhood and that of its escape class.
///
/// A ring is ordered by hashed ids and not by slots, so that a member that only some know does not shift the others.
#[derive(Debug)]
pub(super) struct RingSchedule {
    epoch: u64,
    near: Rings,
    far: Rings,
}

/// Positions by group, and in each group by key.
#[derive(Debug)]
struct Rings {
    positions: Vec<RingPosition>,
    /// Group i is `positions[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
}

/// Position of a member in a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RingPosition {
    group: u32,
    slot: Slot,
    key: u64,
}

/// Peers that the index does not contain, or not in their slots.
#[derive(Debug, Default)]
pub(super) struct Latecomers {
    /// Ascending.
    slots: Vec<Slot>,
    /// Epoch of the positions; `None` if they have to be computed again.
    epoch: Option<u64>,
    near: Vec<RingPosition>,
    far: Vec<RingPosition>,
}

/// Rings as one member sees them.
pub(super) struct ScheduleView<'a> {
    pub(super) schedules: &'a RingSchedules,
    pub(super) schedule: &'a RingSchedule,
    pub(super) latecomers: &'a Latecomers,
    pub(super) view: &'a dyn View,
}

impl RingSchedules {
    /// Schedules over neighborhoods of at least `least` members, with `classes` escape classes.
    pub(super) fn new<'a>(roster: impl Iterator<Item = &'a Peer> + Clone, least: u32, classes: u32) -> Self {
        let (partition, neighborhood_of) = Partition::divide(roster.clone(), least as usize);
        let ids = roster.map(|peer| peer.id).collect();
        Self { ids, partition, neighborhood_of, classes, recent: Mutex::default() }
    }

    /// Number of slots in the index.
    pub(super) fn len(&self) -> u32 {
        self.ids.len() as u32
    }

    /// Whether there are several neighborhoods.
    pub(super) fn is_divided(&self) -> bool {
        self.partition.len() > 1
    }

    /// Whether the index has this peer in this slot.
    pub(super) fn contains(&self, slot: Slot, peer: &Peer) -> bool {
        self.ids.get(slot as usize) == Some(&peer.id)
    }

    /// Returns the draw for a period.
    pub(super) fn at(&self, shared_period: u64) -> Arc<RingSchedule> {
        let epoch = shared_period / EPOCH;
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schedule) = recent.iter().find(|schedule| schedule.epoch == epoch) {
            return Arc::clone(schedule);
        }
        let schedule = Arc::new(self.draw(epoch));
        // Members cross the border between two epochs at different times, and need both draws meanwhile.
        recent.truncate(1);
        recent.insert(0, Arc::clone(&schedule));
        schedule
    }

    fn draw(&self, epoch: u64) -> RingSchedule {
        let keys = || self.ids.iter().map(|&id| key(id, epoch)).zip(0..);
        let near = keys().map(|(key, slot)| RingPosition { group: self.neighborhood_of[slot as usize], slot, key });
        let far = keys().map(|(key, slot)| self.far(key, slot));
        RingSchedule { epoch, near: Rings::new(near, self.partition.len()), far: Rings::new(far, self.classes) }
    }

    fn class(&self, key: u64) -> u32 {
        // The order in the ring depends mostly on the higher bits.
        key as u32 % self.classes
    }

    fn far(&self, key: u64, slot: Slot) -> RingPosition {
        RingPosition { group: self.class(key), slot, key: mix(key) }
    }
}

impl RingSchedule {
    /// Whether it is the draw for a period.
    pub(super) fn is_at(&self, shared_period: u64) -> bool {
        self.epoch == shared_period / EPOCH
    }
}

impl Rings {
    fn new(positions: impl Iterator<Item = RingPosition>, groups: u32) -> Self {
        let mut positions: Vec<RingPosition> = positions.collect();
        positions.sort_unstable_by_key(RingPosition::order);
        let starts =
            (0..=groups).map(|group| positions.partition_point(|position| position.group < group) as u32).collect();
        Self { positions, starts }
    }

    fn group(&self, group: u32) -> &[RingPosition] {
        let start = |group| self.starts.get(group as usize).map_or(self.positions.len(), |&start| start as usize);
        &self.positions[start(group)..start(group + 1)]
    }
}

impl RingPosition {
    fn order(&self) -> (u32, u64) {
        (self.group, self.key)
    }
}

impl Latecomers {
    /// Adds a slot.
    pub(super) fn add(&mut self, slot: Slot) {
        if let Err(at) = self.slots.binary_search(&slot) {
            self.slots.insert(at, slot);
        }
        self.epoch = None;
    }

    /// Number of latecomers.
    pub(super) fn len(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Notes that one of them may have moved.
    pub(super) fn moved(&mut self) {
        self.epoch = None;
    }

    /// Whether one of them is of a region for which a partition has no area.
    pub(super) fn has_new_region(&self, schedules: &RingSchedules, view: &dyn View) -> bool {
        self.slots.iter().any(|&slot| schedules.partition.is_new_region(view.peer(slot)))
    }

    /// Number of the neighborhood of a slot, a latecomer's or another.
    pub(super) fn neighborhood(&self, schedules: &RingSchedules, view: &dyn View, slot: Slot) -> u32 {
        match self.slots.binary_search(&slot) {
            Err(_) if slot < schedules.len() => schedules.neighborhood_of[slot as usize],
            _ => schedules.partition.of(view.peer(slot)),
        }
    }

    /// Computes their positions in a draw.
    pub(super) fn draw(&mut self, schedules: &RingSchedules, schedule: &RingSchedule, view: &dyn View) {
        if self.epoch == Some(schedule.epoch) {
            return;
        }
        self.epoch = Some(schedule.epoch);
        let key_of = |slot| key(view.peer(slot).id, schedule.epoch);
        let near =
            |&slot: &Slot| RingPosition { group: schedules.partition.of(view.peer(slot)), slot, key: key_of(slot) };
        self.near = self.slots.iter().map(near).collect();
        self.far = self.slots.iter().map(|&slot| schedules.far(key_of(slot), slot)).collect();
        self.near.sort_unstable_by_key(RingPosition::order);
        self.far.sort_unstable_by_key(RingPosition::order);
    }
}

impl ScheduleView<'_> {
    /// Escape class of a member.
    pub(super) fn class(&self, slot: Slot) -> u32 {
        self.schedules.class(self.key(slot))
    }

    /// Returns the n-th living member after `from` in the ring of its neighborhood, going round if there are fewer;
    /// `from` itself if no other is alive.
    pub(super) fn near(&self, from: Slot, n: u32) -> Slot {
        nth(from, n, |visit| self.visit_near(from, visit))
    }

    /// Returns the n-th living member after `from` in the ring of its escape class, in the same way.
    pub(super) fn far(&self, from: Slot, n: u32) -> Slot {
        nth(from, n, |visit| self.visit_far(from, visit))
    }

    /// Returns the first pingable member at `steps` or a few more positions after the member's own in the concatenated
    /// rings of all classes, without latecomers; `None` if there is none among eight.
    pub(super) fn across(&self, steps: u64) -> Option<Slot> {
        const TRIES: u64 = 8;
        let positions = &self.schedule.far.positions;
        let me = self.schedules.far(self.key(self.view.me()), self.view.me());
        let mine = positions.partition_point(|position| position.order() < me.order()) as u64;
        let others = (positions.len() as u64).checked_sub(1).filter(|&others| others > 0)?;
        let slot = |i| positions[((mine + 1 + (steps + i) % others) % positions.len() as u64) as usize].slot;
        (0..TRIES).map(slot).find(|&slot| self.view.pingable(slot))
    }

    /// Number of members in the ring of a member's neighborhood, dead ones that are not forgotten included.
    pub(super) fn ring_len(&self, slot: Slot) -> usize {
        let neighborhood = self.neighborhood(slot);
        self.schedule.near.group(neighborhood).len() + group_of(&self.latecomers.near, neighborhood).len()
    }

    fn key(&self, slot: Slot) -> u64 {
        key(self.view.peer(slot).id, self.schedule.epoch)
    }

    /// Number of a member's neighborhood.
    pub(super) fn neighborhood(&self, slot: Slot) -> u32 {
        self.latecomers.neighborhood(self.schedules, self.view, slot)
    }

    fn alive(&self, slot: Slot) -> bool {
        self.view.pingable(slot) || slot == self.view.me()
    }

    /// Visits all other living members of the ring of `from`, in its order.
    ///
    /// A member that is alone in its neighborhood belongs to the ring of the next neighborhood that has several.
    fn visit_near(&self, from: Slot, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        let (own, key) = (self.neighborhood(from), self.key(from));
        let (before, after) = self.split(&self.schedule.near, &self.latecomers.near, own, key);
        let mut alone = true;
        for slot in after {
            alone = false;
            visit(slot)?;
        }
        alone &= before.clone().next().is_none();
        let count = self.schedules.partition.len();
        let mut next = own;
        while alone {
            next = (next + 1) % count;
            if next == own {
                return ControlFlow::Continue(());
            }
            alone = self.is_lone(next);
            self.members(next).try_for_each(&mut *visit)?;
        }
        let previous = |neighborhood: u32| (neighborhood + count - 1) % count;
        let mut first = own;
        while previous(first) != own && self.is_lone(previous(first)) {
            first = previous(first);
        }
        while first != own {
            self.members(first).try_for_each(&mut *visit)?;
            first = (first + 1) % count;
        }
        for slot in before {
            visit(slot)?;
        }
        ControlFlow::Continue(())
    }

    fn visit_far(&self, from: Slot, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        let RingPosition { group, key, .. } = self.schedules.far(self.key(from), from);
        let (before, mut after) = self.split(&self.schedule.far, &self.latecomers.far, group, key);
        after.try_for_each(&mut *visit)?;
        for slot in before {
            visit(slot)?;
        }
        ControlFlow::Continue(())
    }

    /// Whether a neighborhood has at most one living member.
    fn is_lone(&self, neighborhood: u32) -> bool {
        self.members(neighborhood).nth(1).is_none()
    }

    /// Living members of a neighborhood.
    fn members(&self, neighborhood: u32) -> impl Iterator<Item = Slot> + Clone {
        let indexed = self.schedule.near.group(neighborhood);
        self.living(indexed, group_of(&self.latecomers.near, neighborhood))
    }

    /// Living members of a group with smaller keys, and those with larger ones.
    fn split<'a>(
        &'a self,
        rings: &'a Rings,
        late: &'a [RingPosition],
        group: u32,
        key: u64,
    ) -> (impl Iterator<Item = Slot> + Clone, impl Iterator<Item = Slot> + Clone) {
        let cut = |positions: &'a [RingPosition]| {
            let before = positions.partition_point(|position| position.key < key);
            let after = positions.partition_point(|position| position.key <= key);
            (&positions[..before], &positions[after..])
        };
        let (indexed, late) = (cut(rings.group(group)), cut(group_of(late, group)));
        (self.living(indexed.0, late.0), self.living(indexed.1, late.1))
    }

    /// Living members among those of the index and the latecomers, by key.
    fn living<'a>(
        &'a self,
        indexed: &'a [RingPosition],
        late: &'a [RingPosition],
    ) -> impl Iterator<Item = Slot> + Clone {
        let slots = &self.latecomers.slots;
        let replaced = |slot| !slots.is_empty() && slots.binary_search(&slot).is_ok();
        let merged = Merged { indexed, late }.filter(move |&(slot, is_late)| is_late || !replaced(slot));
        merged.map(|(slot, _)| slot).filter(|&slot| self.alive(slot))
    }
}

/// Merge of two lists by key, with a flag for those of the second.
#[derive(Clone)]
struct Merged<'a> {
    indexed: &'a [RingPosition],
    late: &'a [RingPosition],
}

impl Iterator for Merged<'_> {
    type Item = (Slot, bool);

    fn next(&mut self) -> Option<(Slot, bool)> {
        let is_late = match (self.indexed.first(), self.late.first()) {
            (Some(indexed), Some(late)) => late.key < indexed.key,
            (indexed, _) => indexed.is_none(),
        };
        let list = if is_late { &mut self.late } else { &mut self.indexed };
        let (first, rest) = list.split_first()?;
        *list = rest;
        Some((first.slot, is_late))
    }
}

fn group_of(positions: &[RingPosition], group: u32) -> &[RingPosition] {
    let first = positions.partition_point(|position| position.group < group);
    &positions[first..first + positions[first..].partition_point(|position| position.group == group)]
}

fn key(id: u64, epoch: u64) -> u64 {
    mix(id ^ mix(epoch))
}

/// Returns the n-th visited slot, going round if there are fewer; `none` if no slot is visited.
fn nth(none: Slot, n: u32, visit_all: impl Fn(&mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()>) -> Slot {
    let find = |n: u32| {
        let (mut count, mut found) = (0, none);
        let _ = visit_all(&mut |slot| {
            count += 1;
            found = slot;
            if count == n { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        (count, found)
    };
    match find(n) {
        (0, _) => none,
        (count, found) if count == n => found,
        (count, _) => find((n - 1) % count + 1).1,
    }
}
