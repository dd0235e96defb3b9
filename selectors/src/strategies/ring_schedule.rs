//! Who follows whom: the rings that a schedule goes round, drawn anew every so often.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use super::partition::Partition;
use crate::peer::{Peer, Slot};
use crate::rng::mix;
use crate::view::View;

/// How many periods a draw lasts.
const EPOCH: u64 = 64;

/// EventKind a roster's members share: who is whose neighbour, and the draws of late.
#[derive(Debug)]
pub struct RingSchedules {
    ids: Vec<u64>,
    partition: Partition,
    /// By slot.
    cell_of: Vec<u32>,
    classes: u32,
    recent: Mutex<Vec<Arc<RingSchedule>>>,
}

/// A draw: everybody in a place of two rings, that of its neighbourhood and that of its class.
///
/// The order in a ring is that of hashed ids, not of slots: who is known to some only stands in nobody else's way.
#[derive(Debug)]
pub(super) struct RingSchedule {
    epoch: u64,
    pub near: Rings,
    pub far: Rings,
}

/// Members by group, and in each group by key.
#[derive(Debug)]
pub(super) struct Rings {
    spots: Vec<RingPosition>,
    /// Group i is `spots[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
}

/// A member's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RingPosition {
    group: u32,
    slot: Slot,
    key: u64,
}

/// Those whom the survey does not know, or not in their slots.
#[derive(Debug, Default)]
pub(super) struct Latecomers {
    /// Ascending.
    slots: Vec<Slot>,
    /// The draw that the rest is of.
    epoch: Option<u64>,
    near: Vec<RingPosition>,
    far: Vec<RingPosition>,
}

/// The rings as one member sees them.
pub(super) struct ScheduleView<'a> {
    pub schedules: &'a RingSchedules,
    pub schedule: &'a RingSchedule,
    pub late: &'a Latecomers,
    pub view: &'a dyn View,
}

impl RingSchedules {
    /// Neighbourhoods of at least so many, and so many classes.
    pub(super) fn new<'a>(roster: impl Iterator<Item = &'a Peer> + Clone, least: u32, classes: u32) -> Self {
        let (partition, cell_of) = Partition::divide(roster.clone(), least as usize);
        Self { ids: roster.map(|peer| peer.id).collect(), partition, cell_of, classes, recent: Mutex::default() }
    }

    /// How many slots it knows.
    pub(super) fn len(&self) -> u32 {
        self.ids.len() as u32
    }

    /// Whether there are several neighbourhoods.
    pub(super) fn divided(&self) -> bool {
        self.partition.len() > 1
    }

    /// Whether this peer is the one that the survey knows by this slot.
    pub(super) fn knows(&self, slot: Slot, peer: &Peer) -> bool {
        self.ids.get(slot as usize) == Some(&peer.id)
    }

    /// The draw of a period.
    pub(super) fn at(&self, shared_period: u64) -> Arc<RingSchedule> {
        let epoch = shared_period / EPOCH;
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schedule) = recent.iter().find(|schedule| schedule.epoch == epoch) {
            return Arc::clone(schedule);
        }
        let schedule = Arc::new(self.draw(epoch));
        // Where one draw ends and the next begins, members need both.
        recent.truncate(1);
        recent.insert(0, Arc::clone(&schedule));
        schedule
    }

    fn draw(&self, epoch: u64) -> RingSchedule {
        let keys = || self.ids.iter().map(|&id| key(id, epoch)).zip(0..);
        let near = keys().map(|(key, slot)| RingPosition { group: self.cell_of[slot as usize], slot, key });
        let far = keys().map(|(key, slot)| self.far(key, slot));
        RingSchedule { epoch, near: Rings::new(near, self.partition.len()), far: Rings::new(far, self.classes) }
    }

    fn class(&self, key: u64) -> u32 {
        // Its place in the ring is of the higher bits.
        key as u32 % self.classes
    }

    fn far(&self, key: u64, slot: Slot) -> RingPosition {
        RingPosition { group: self.class(key), slot, key: mix(key) }
    }
}

impl RingSchedule {
    /// Whether it is that of a period.
    pub fn is_at(&self, shared_period: u64) -> bool {
        self.epoch == shared_period / EPOCH
    }
}

impl Rings {
    fn new(spots: impl Iterator<Item = RingPosition>, groups: u32) -> Self {
        let mut spots: Vec<RingPosition> = spots.collect();
        spots.sort_unstable_by_key(RingPosition::order);
        let starts = (0..=groups).map(|group| spots.partition_point(|spot| spot.group < group) as u32).collect();
        Self { spots, starts }
    }

    fn group(&self, group: u32) -> &[RingPosition] {
        let start = |group| self.starts.get(group as usize).map_or(self.spots.len(), |&start| start as usize);
        &self.spots[start(group)..start(group + 1)]
    }
}

impl RingPosition {
    fn order(&self) -> (u32, u64) {
        (self.group, self.key)
    }
}

impl Latecomers {
    /// Takes in somebody.
    pub fn add(&mut self, slot: Slot) {
        if let Err(at) = self.slots.binary_search(&slot) {
            self.slots.insert(at, slot);
        }
        self.epoch = None;
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.slots.len() as u32
    }

    /// One of them may have moved.
    pub fn moved(&mut self) {
        self.epoch = None;
    }

    /// Gives them their places in a draw.
    pub fn draw(&mut self, schedules: &RingSchedules, schedule: &RingSchedule, view: &dyn View) {
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
    /// The class of a member.
    pub fn class(&self, slot: Slot) -> u32 {
        self.schedules.class(self.key(slot))
    }

    /// The n-th living member after this one in its neighbourhood's ring, once around if there are fewer; itself if there
    /// is nobody else alive.
    pub fn near(&self, from: Slot, n: u32) -> Slot {
        nth(from, n, |visit| self.visit_near(from, visit))
    }

    /// The same in its class's ring.
    pub fn far(&self, from: Slot, n: u32) -> Slot {
        nth(from, n, |visit| self.visit_far(from, visit))
    }

    /// The first pingable member from so many places after one's own in the rings of all classes, as the survey knows
    /// them; `None` if there is none near there.
    pub fn across(&self, places: u64) -> Option<Slot> {
        const PLACES: u64 = 8;
        let spots = &self.schedule.far.spots;
        let me = self.schedules.far(self.key(self.view.me()), self.view.me());
        let mine = spots.partition_point(|spot| spot.order() < me.order()) as u64;
        let others = (spots.len() as u64).checked_sub(1).filter(|&others| others > 0)?;
        let spot = |i| spots[((mine + 1 + (places + i) % others) % spots.len() as u64) as usize].slot;
        (0..PLACES).map(spot).find(|&slot| self.view.pingable(slot))
    }

    fn key(&self, slot: Slot) -> u64 {
        key(self.view.peer(slot).id, self.schedule.epoch)
    }

    fn cell(&self, slot: Slot) -> u32 {
        match self.late.slots.binary_search(&slot) {
            Err(_) if slot < self.schedules.len() => self.schedules.cell_of[slot as usize],
            _ => self.schedules.partition.of(self.view.peer(slot)),
        }
    }

    fn alive(&self, slot: Slot) -> bool {
        self.view.pingable(slot) || slot == self.view.me()
    }

    /// All others of a ring, in its order.
    fn visit_near(&self, from: Slot, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        let (cell, key) = (self.cell(from), self.key(from));
        let (before, after) = self.split(&self.schedule.near, &self.late.near, cell, key);
        let mut lonely = true;
        for slot in after {
            lonely = false;
            visit(slot)?;
        }
        lonely &= before.clone().next().is_none();
        let partition = self.schedules.partition.len();
        // Whoever is alone belongs to the next ring that is one.
        let mut next = cell;
        while lonely {
            next = (next + 1) % partition;
            if next == cell {
                return ControlFlow::Continue(());
            }
            lonely = self.is_lonely(next);
            self.members(next).try_for_each(&mut *visit)?;
        }
        let previous = |cell: u32| (cell + partition - 1) % partition;
        let mut first = cell;
        while previous(first) != cell && self.is_lonely(previous(first)) {
            first = previous(first);
        }
        while first != cell {
            self.members(first).try_for_each(&mut *visit)?;
            first = (first + 1) % partition;
        }
        for slot in before {
            visit(slot)?;
        }
        ControlFlow::Continue(())
    }

    fn visit_far(&self, from: Slot, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        let RingPosition { group, key, .. } = self.schedules.far(self.key(from), from);
        let (before, mut after) = self.split(&self.schedule.far, &self.late.far, group, key);
        after.try_for_each(&mut *visit)?;
        for slot in before {
            visit(slot)?;
        }
        ControlFlow::Continue(())
    }

    fn is_lonely(&self, cell: u32) -> bool {
        self.members(cell).nth(1).is_none()
    }

    /// The living of a neighbourhood.
    fn members(&self, cell: u32) -> impl Iterator<Item = Slot> + Clone {
        self.living(self.schedule.near.group(cell), group_of(&self.late.near, cell))
    }

    /// The living of a group with lesser keys, and those with greater ones.
    fn split<'a>(
        &'a self,
        rings: &'a Rings,
        late: &'a [RingPosition],
        group: u32,
        key: u64,
    ) -> (impl Iterator<Item = Slot> + Clone, impl Iterator<Item = Slot> + Clone) {
        let cut = |spots: &'a [RingPosition]| {
            let before = spots.partition_point(|spot| spot.key < key);
            let upto = spots.partition_point(|spot| spot.key <= key);
            (&spots[..before], &spots[upto..])
        };
        let (known, late) = (cut(rings.group(group)), cut(group_of(late, group)));
        (self.living(known.0, late.0), self.living(known.1, late.1))
    }

    /// The living among the known and the late, by key.
    fn living<'a>(&'a self, known: &'a [RingPosition], late: &'a [RingPosition]) -> impl Iterator<Item = Slot> + Clone {
        let gone = |slot| !self.late.slots.is_empty() && self.late.slots.binary_search(&slot).is_ok();
        let known = Merged { known, late }.filter(move |&(slot, is_late)| is_late || !gone(slot));
        known.map(|(slot, _)| slot).filter(|&slot| self.alive(slot))
    }
}

/// Two lists by key as one; tells who is of the second.
#[derive(Clone)]
struct Merged<'a> {
    known: &'a [RingPosition],
    late: &'a [RingPosition],
}

impl Iterator for Merged<'_> {
    type Item = (Slot, bool);

    fn next(&mut self) -> Option<(Slot, bool)> {
        let is_late = match (self.known.first(), self.late.first()) {
            (Some(known), Some(late)) => late.key < known.key,
            (known, _) => known.is_none(),
        };
        let list = if is_late { &mut self.late } else { &mut self.known };
        let (first, rest) = list.split_first()?;
        *list = rest;
        Some((first.slot, is_late))
    }
}

fn group_of(spots: &[RingPosition], group: u32) -> &[RingPosition] {
    let first = spots.partition_point(|spot| spot.group < group);
    &spots[first..first + spots[first..].partition_point(|spot| spot.group == group)]
}

fn key(id: u64, epoch: u64) -> u64 {
    mix(id ^ mix(epoch))
}

/// The n-th of those that are visited, or if there are fewer, whom one comes to by going round; `none` of nobody.
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
