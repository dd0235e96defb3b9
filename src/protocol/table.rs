//! A member's view of the group: a shared roster, and this member's differences from it.
//!
//! State is in proportion to changes, not to the size of the group: without changes, a table is one pointer.

mod sharing;

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use smallvec::SmallVec;
use swimlab_selectors::{Peer, Slot, View, prefetch};

use super::message::{Address, Id, Incarnation, NodeInfo, Status, Update, UpdateKind};
use super::roster::{MemberRecord, Roster, RosterEntry};
use super::sorted_map::SortedMap;
use super::state_hash::StateHash;
use super::time::Time;

/// One member's view of the group.
#[derive(Clone, Debug)]
pub struct MembershipTable {
    me: Slot,
    slots: u32,
    /// The number of alive and suspect members, this one included.
    members: u32,
    roster: Arc<Roster>,
    /// Differences from the roster; none, most of the time.
    overlay: Option<Box<Overlay>>,
}

/// Differences from the roster.
#[derive(Clone, Debug, Default)]
struct Overlay {
    /// Changed records by slot; slots from `roster.len()` on belong to joiners.
    changed: SortedMap<Slot, ChangedRecord>,
    joiners: Option<Box<Joiners>>,
    /// Dead and departed members, in the order of their declaration.
    tombstones: VecDeque<Tombstone>,
    /// The table's digest less the roster's.
    digest: u64,
    /// The numbers of records by status, less the roster's.
    by_status: ByStatus<i32>,
}

/// A number for each [`Status`], in the order of its declaration.
type ByStatus<T> = [T; 4];

/// Occupants of slots that the roster's index does not list.
#[derive(Clone, Debug, Default)]
struct Joiners {
    /// Joiners and returned members, by id.
    added: BTreeMap<Id, Slot>,
    /// Slots of forgotten members, free for joiners.
    free: Vec<Slot>,
}

/// A record that differs from the roster.
#[derive(Clone, Debug)]
struct ChangedRecord {
    entry: RosterEntry,
    suspicion: Option<Box<OngoingSuspicion>>,
}

/// A declaration of death or a departure.
#[derive(Clone, Copy, Debug)]
struct Tombstone {
    since: Time,
    slot: Slot,
    incarnation: Incarnation,
}

/// An ongoing suspicion.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OngoingSuspicion {
    /// The time of the first suspicion.
    pub since: Time,
    /// The time at which the suspect is declared dead.
    pub until: Time,
    /// The members that suspect it, in the order in which this member learned of them.
    pub by: SmallVec<[Id; 1]>,
}

impl MembershipTable {
    /// A table that agrees with its roster, seen by the occupant of slot `me`.
    pub fn new(roster: Arc<Roster>, me: Slot) -> Self {
        let (slots, members) = (roster.len(), roster.members());
        Self { me, slots, members, roster, overlay: None }
    }

    /// The number of alive and suspect members, this one included.
    pub fn members(&self) -> u32 {
        self.members
    }

    /// The numbers of members that are alive, suspected, dead and departed, as [`Status`] lists them; forgotten ones are
    /// not counted.
    pub fn by_status(&self) -> ByStatus<u32> {
        let mut counts = self.roster.by_status();
        if let Some(overlay) = &self.overlay {
            counts.iter_mut().zip(overlay.by_status).for_each(|(count, more)| *count = count.wrapping_add_signed(more));
        }
        counts
    }

    /// The sum of the hashes of all members' ids and incarnations, modulo 2^64: tables with the same members have the
    /// same one. It is kept, not computed, as others may ask for it at any rate.
    pub(super) fn digest(&self) -> u64 {
        self.roster.digest().wrapping_add(self.overlay.as_ref().map_or(0, |overlay| overlay.digest))
    }

    /// The slot of an id, dead or alive; `None` if it is unknown or forgotten.
    pub fn slot(&self, id: Id) -> Option<Slot> {
        let Some(overlay) = &self.overlay else { return self.roster.slot(id) };
        // Nobody has joined, nor been forgotten.
        let Some(joiners) = &overlay.joiners else { return self.roster.slot(id) };
        if let Some(&slot) = joiners.added.get(&id) {
            return Some(slot);
        }
        let slot = self.roster.slot(id)?;
        // The slot may have been forgotten, and given to another.
        match overlay.changed.get(slot) {
            Some(row) if row.entry.status.is_none() || row.entry.node.peer.id != id => None,
            _ => Some(slot),
        }
    }

    /// The record of a slot's occupant.
    #[inline]
    pub fn record(&self, slot: Slot) -> MemberRecord {
        match self.changed(slot) {
            Some(ChangedRecord { entry: RosterEntry { node, incarnation, status }, .. }) => {
                MemberRecord { id: node.peer.id, incarnation: *incarnation, address: node.address, status: *status }
            }
            None => self.roster.record(slot),
        }
    }

    /// The state of a slot's occupant.
    pub fn status(&self, slot: Slot) -> Option<Status> {
        self.changed(slot).map_or_else(|| self.roster.status(slot), |row| row.entry.status)
    }

    /// The incarnation of a slot's occupant.
    pub fn incarnation(&self, slot: Slot) -> Incarnation {
        self.record(slot).incarnation
    }

    /// Published description of a slot's occupant.
    pub fn node(&self, slot: Slot) -> &Arc<NodeInfo> {
        self.changed(slot).map_or_else(|| self.roster.node(slot), |row| &row.entry.node)
    }

    /// The id of a slot's occupant.
    pub fn id(&self, slot: Slot) -> Id {
        self.record(slot).id
    }

    /// The ongoing suspicion of a slot's occupant.
    pub fn suspicion(&self, slot: Slot) -> Option<&OngoingSuspicion> {
        self.changed(slot)?.suspicion.as_deref()
    }

    /// The ongoing suspicion of a slot's occupant, mutably.
    pub fn suspicion_mut(&mut self, slot: Slot) -> Option<&mut OngoingSuspicion> {
        self.overlay.as_mut()?.changed.get_mut(slot)?.suspicion.as_deref_mut()
    }

    /// Adds a member that has no slot yet.
    pub fn admit(&mut self, node: Arc<NodeInfo>, incarnation: Incarnation) -> Slot {
        let id = node.peer.id;
        debug_assert!(self.slot(id).is_none(), "admitted twice");
        let overlay = self.overlay.get_or_insert_default();
        let joiners = overlay.joiners.get_or_insert_default();
        let slot = joiners.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        let entry = RosterEntry { node, incarnation, status: Some(Status::Alive) };
        joiners.added.insert(id, slot);
        overlay.digest = overlay.digest.wrapping_add(incarnation.hash_with(id));
        overlay.by_status[Status::Alive as usize] += 1;
        overlay.changed.insert(slot, ChangedRecord { entry, suspicion: None });
        self.members += 1;
        slot
    }

    /// Changes a record. A suspicion comes with [`Status::Suspect`], and with no other state.
    pub fn set(
        &mut self,
        now: Time,
        slot: Slot,
        status: Status,
        incarnation: Incarnation,
        node: Option<Arc<NodeInfo>>,
        suspicion: Option<OngoingSuspicion>,
    ) {
        debug_assert_eq!(suspicion.is_some(), status == Status::Suspect);
        let before = self.record(slot);
        let was_member = before.status.is_some_and(Status::is_member);
        let row = self.changed_mut(slot);
        row.entry.status = Some(status);
        row.entry.incarnation = incarnation;
        row.suspicion = suspicion.map(Box::new);
        if let Some(node) = node {
            row.entry.node = node;
        }
        match (was_member, status.is_member()) {
            (true, false) => self.members -= 1,
            (false, true) => self.members += 1,
            _ => {}
        }
        let after = MemberRecord { incarnation, status: Some(status), ..before };
        let overlay = self.overlay.get_or_insert_default();
        overlay.digest = overlay.digest.wrapping_add(after.digest()).wrapping_sub(before.digest());
        if let Some(before) = before.status {
            overlay.by_status[before as usize] -= 1;
        }
        overlay.by_status[status as usize] += 1;
        if !status.is_member() {
            let tombstones = &mut overlay.tombstones;
            if tombstones.is_empty() {
                tombstones.reserve_exact(1);
            }
            tombstones.push_back(Tombstone { since: now, slot, incarnation });
            if tombstones.len() > self.tombstone_limit() {
                self.drop_outdated_tombstones();
            }
        }
    }

    /// The most tombstones: one for each slot, and as many of members that have returned or died again since.
    fn tombstone_limit(&self) -> usize {
        2 * self.slots as usize + 64
    }

    fn drop_outdated_tombstones(&mut self) {
        let Some(overlay) = &mut self.overlay else { return };
        let mut tombstones = std::mem::take(&mut overlay.tombstones);
        tombstones.retain(|tombstone| self.is_current_tombstone(tombstone));
        self.overlay.get_or_insert_default().tombstones = tombstones;
    }

    /// Whether the member has neither returned nor died again since.
    fn is_current_tombstone(&self, tombstone: &Tombstone) -> bool {
        let MemberRecord { status, incarnation, .. } = self.record(tombstone.slot);
        status.is_some_and(|status| !status.is_member()) && incarnation == tombstone.incarnation
    }

    /// Forgets one member that was declared dead, or left, at `before` or earlier, and returns it.
    pub fn forget(&mut self, before: Time) -> Option<(Slot, RosterEntry)> {
        loop {
            let overlay = self.overlay.as_deref_mut()?;
            let tombstone = *overlay.tombstones.front()?;
            if tombstone.since > before {
                return None;
            }
            overlay.tombstones.pop_front();
            if !self.is_current_tombstone(&tombstone) {
                continue;
            }
            let slot = tombstone.slot;
            let entry = self.changed_mut(slot).entry.clone();
            self.changed_mut(slot).entry.status = None;
            let overlay = self.overlay.as_deref_mut()?;
            if let Some(before) = entry.status {
                overlay.by_status[before as usize] -= 1;
            }
            let joiners = overlay.joiners.get_or_insert_default();
            joiners.added.remove(&entry.node.peer.id);
            joiners.free.push(slot);
            return Some((slot, entry));
        }
    }

    /// The number of declarations of death and departures that are not forgotten, of returned members, too.
    pub fn tombstones(&self) -> usize {
        self.overlay.as_ref().map_or(0, |overlay| overlay.tombstones.len())
    }

    /// The number of tombstones from `since` or later: the last ones.
    pub fn tombstones_since(&self, since: Time) -> usize {
        self.overlay.as_ref().map_or(0, |overlay| {
            overlay.tombstones.len() - overlay.tombstones.partition_point(|tombstone| tombstone.since < since)
        })
    }

    /// The slot of the n-th oldest tombstone, if its member is not back and is dead, or has left if those count.
    pub fn tombstone(&self, n: usize, departed_count: bool) -> Option<Slot> {
        let &Tombstone { slot, incarnation, .. } = self.overlay.as_ref()?.tombstones.get(n)?;
        let status = self.status(slot);
        let counts = status == Some(Status::Dead) || departed_count && status == Some(Status::Left);
        (counts && self.incarnation(slot) == incarnation).then_some(slot)
    }

    /// The time of the oldest tombstone.
    pub fn oldest_tombstone(&self) -> Option<Time> {
        self.overlay.as_ref()?.tombstones.front().map(|tombstone| tombstone.since)
    }

    /// Whether an update about a slot's occupant agrees with its record and is worth passing on.
    pub fn is_current(&self, slot: Slot, update: &Update) -> bool {
        let Some(row) = self.changed(slot) else {
            // The record has been folded into the roster.
            let MemberRecord { id, incarnation, status, .. } = self.roster.record(slot);
            return (id, incarnation, status) == (update.id, update.incarnation, update.kind.status());
        };
        let RosterEntry { node, incarnation, status } = &row.entry;
        let same = (*incarnation, *status) == (update.incarnation, update.kind.status()) && node.peer.id == update.id;
        match update.kind {
            // Of several members that suspect it, the latest is passed on.
            UpdateKind::Suspect { by } => {
                same && row.suspicion.as_ref().is_some_and(|suspicion| suspicion.by.last() == Some(&by))
            }
            _ => same,
        }
    }

    /// Prefetches the index entry of an id.
    pub(super) fn prefetch_index(&self, id: Id) {
        self.roster.prefetch_index(id);
    }

    /// Prefetches the record of a slot and the differences from the roster.
    pub(super) fn prefetch(&self, slot: Slot) {
        self.roster.prefetch(slot);
        if let Some(overlay) = &self.overlay {
            prefetch(&**overlay);
        }
    }

    /// Whether no record has ever differed from the roster.
    pub fn is_pristine(&self) -> bool {
        self.overlay.is_none()
    }

    /// The number of records that differ from the roster.
    pub fn differences(&self) -> usize {
        self.overlay.as_ref().map_or(0, |overlay| overlay.changed.len())
    }

    /// Whether there are enough differences for a roster of this member's own to pay off.
    pub fn wants_rebase(&self) -> bool {
        self.differences() > Self::rebase_threshold(&self.roster)
    }

    fn rebase_threshold(roster: &Roster) -> usize {
        64 + roster.len() as usize / 2
    }

    /// Folds the differences into a new roster with the same slots, and returns its peers. Ongoing suspicions stay apart
    /// from it.
    pub fn rebase(&mut self) -> Vec<Peer> {
        let entry = |slot| RosterEntry {
            node: Arc::clone(self.node(slot)),
            incarnation: self.incarnation(slot),
            status: self.status(slot),
        };
        self.roster = Arc::new(Roster::new((0..self.slots).map(entry)));
        if let Some(overlay) = &mut self.overlay {
            overlay.changed.retain(|row| row.suspicion.is_some());
            overlay.digest = 0;
            overlay.by_status = ByStatus::default();
            if let Some(joiners) = &mut overlay.joiners {
                joiners.added.clear();
            }
        }
        self.roster.copied_peers()
    }

    /// The roster that the table's differences are from.
    pub fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    /// All records by slot; forgotten members are left out.
    pub fn entries(&self) -> impl Iterator<Item = (Slot, Status, Incarnation, &Arc<NodeInfo>)> {
        // In step with the differences: looking each slot up takes several times as long where most records differ.
        let mut changed = self.overlay.iter().flat_map(|overlay| overlay.changed.iter()).peekable();
        (0..self.slots).filter_map(move |slot| match changed.next_if(|&(at, _)| at == slot) {
            Some((_, ChangedRecord { entry: RosterEntry { node, incarnation, status }, .. })) => {
                Some((slot, (*status)?, *incarnation, node))
            }
            None => {
                let MemberRecord { incarnation, status, .. } = self.roster.record(slot);
                Some((slot, status?, incarnation, self.roster.node(slot)))
            }
        })
    }

    /// Whether an alive or suspect member listens at this address.
    pub fn has_member_at(&self, address: Address) -> bool {
        (0..self.slots).any(|slot| {
            let MemberRecord { address: known, status, .. } = self.record(slot);
            known == address && status.is_some_and(Status::is_member)
        })
    }

    fn changed(&self, slot: Slot) -> Option<&ChangedRecord> {
        self.overlay.as_ref()?.changed.get(slot)
    }

    fn changed_mut(&mut self, slot: Slot) -> &mut ChangedRecord {
        let roster = &self.roster;
        self.overlay.get_or_insert_default().changed.get_or_insert_with(slot, || ChangedRecord {
            entry: RosterEntry {
                node: Arc::clone(roster.node(slot)),
                incarnation: roster.record(slot).incarnation,
                status: roster.record(slot).status,
            },
            suspicion: None,
        })
    }
}

impl StateHash for MembershipTable {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let Self { me, slots, members: _, roster, overlay } = self;
        (me, slots, roster.len()).hash(hasher);
        // Records in effect: it makes no difference which of them are folded into the roster.
        for slot in 0..*slots {
            (self.record(slot), self.node(slot)).hash(hasher);
            self.suspicion(slot).hash_state(reference, hasher);
        }
        let Some(overlay) = overlay else { return };
        let Overlay { changed, joiners, tombstones, digest: _, by_status: _ } = &**overlay;
        changed.len().hash(hasher);
        joiners.as_ref().map(|joiners| &joiners.free).hash(hasher);
        for Tombstone { since, slot, incarnation } in tombstones {
            since.hash_state(reference, hasher);
            (slot, incarnation).hash(hasher);
        }
    }
}

impl StateHash for OngoingSuspicion {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let OngoingSuspicion { since, until, by } = self;
        since.hash_state(reference, hasher);
        until.hash_state(reference, hasher);
        by.hash(hasher);
    }
}

impl View for MembershipTable {
    fn me(&self) -> Slot {
        self.me
    }

    fn slots(&self) -> u32 {
        self.slots
    }

    fn indexed(&self) -> u32 {
        self.roster.len()
    }

    fn peer(&self, slot: Slot) -> &Peer {
        match self.changed(slot) {
            Some(row) => &row.entry.node.peer,
            None => self.roster.peer(slot),
        }
    }

    fn pingable(&self, slot: Slot) -> bool {
        slot != self.me && self.status(slot).is_some_and(Status::is_member)
    }

    fn suspect(&self, slot: Slot) -> bool {
        slot != self.me && self.status(slot) == Some(Status::Suspect)
    }

    fn pingable_count(&self) -> u32 {
        self.members - 1
    }
}
