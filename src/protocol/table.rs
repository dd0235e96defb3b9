//! A member's table: a shared roster, and what differs from it in this member's eyes.
//!
//! State is in proportion to news, not to the size of the group: with nothing changed, a table is one pointer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use smallvec::SmallVec;
use swimlab_selectors::{Peer, Slot, View, prefetch};

use super::message::{Address, Id, Incarnation, NodeInfo, Status, Update, UpdateKind};
use super::roster::{Record, Roster, RosterEntry};
use super::sorted_map::SortedMap;
use super::time::Time;

/// One member's view of the group.
#[derive(Debug)]
pub struct Table {
    me: Slot,
    slots: u32,
    /// Alive or suspect, oneself included.
    members: u32,
    roster: Arc<Roster>,
    /// EventKind differs from the roster; nothing, most of the time.
    overlay: Option<Box<Overlay>>,
}

/// All that differs from the roster.
#[derive(Debug, Default)]
struct Overlay {
    /// By slot; slots from `roster.len()` on are joiners'.
    rows: SortedMap<Slot, Row>,
    joiners: Option<Box<Joiners>>,
    /// Dead and departed, in the order of their end.
    tombstones: VecDeque<(Time, Slot, Incarnation)>,
}

/// Slots that a roster's index does not know.
#[derive(Debug, Default)]
struct Joiners {
    /// Joiners and returned members, by id.
    added: BTreeMap<Id, Slot>,
    /// Slots whose occupants are forgotten, free for joiners.
    free: Vec<Slot>,
}

/// EventKind differs from the roster.
#[derive(Debug)]
struct Row {
    entry: RosterEntry,
    suspicion: Option<Box<OngoingSuspicion>>,
}

/// An ongoing suspicion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OngoingSuspicion {
    /// When it began.
    pub since: Time,
    /// When the suspect is declared dead.
    pub until: Time,
    /// Who has doubted so far.
    pub by: SmallVec<[Id; 1]>,
}

impl Table {
    /// A table that agrees with its roster, seen by the occupant of slot `me`.
    pub fn new(roster: Arc<Roster>, me: Slot) -> Self {
        let (slots, members) = (roster.len(), roster.members());
        Self { me, slots, members, roster, overlay: None }
    }

    /// Alive or suspect, oneself included.
    pub fn members(&self) -> u32 {
        self.members
    }

    /// The slot of this id, dead or alive, unless it is unknown or forgotten.
    pub fn slot(&self, id: Id) -> Option<Slot> {
        let Some(overlay) = &self.overlay else { return self.roster.slot(id) };
        if let Some(&slot) = overlay.joiners.as_ref().and_then(|joiners| joiners.added.get(&id)) {
            return Some(slot);
        }
        let slot = self.roster.slot(id)?;
        // The slot may have been forgotten, and given to another.
        match overlay.rows.get(slot) {
            Some(row) if row.entry.status.is_none() || row.entry.node.peer.id != id => None,
            _ => Some(slot),
        }
    }

    /// EventKind is believed of a slot's occupant, and what sending to it takes.
    #[inline]
    pub fn record(&self, slot: Slot) -> Record {
        match self.row(slot) {
            Some(Row { entry: RosterEntry { node, incarnation, status }, .. }) => {
                Record { id: node.peer.id, incarnation: *incarnation, address: node.address, status: *status }
            }
            None => *self.roster.record(slot),
        }
    }

    /// The state of a slot's occupant.
    pub fn status(&self, slot: Slot) -> Option<Status> {
        self.row(slot).map_or_else(|| self.roster.record(slot).status, |row| row.entry.status)
    }

    /// How new the record of a slot is.
    pub fn incarnation(&self, slot: Slot) -> Incarnation {
        self.record(slot).incarnation
    }

    /// A slot's occupant.
    pub fn node(&self, slot: Slot) -> &Arc<NodeInfo> {
        self.row(slot).map_or_else(|| self.roster.node(slot), |row| &row.entry.node)
    }

    /// A slot's occupant's id.
    pub fn id(&self, slot: Slot) -> Id {
        self.record(slot).id
    }

    /// The suspicion of a slot's occupant.
    pub fn suspicion(&self, slot: Slot) -> Option<&OngoingSuspicion> {
        self.row(slot)?.suspicion.as_deref()
    }

    /// The suspicion of a slot's occupant, to be changed.
    pub fn suspicion_mut(&mut self, slot: Slot) -> Option<&mut OngoingSuspicion> {
        self.overlay.as_mut()?.rows.get_mut(slot)?.suspicion.as_deref_mut()
    }

    /// Admits a member that has no slot yet.
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
        overlay.rows.insert(slot, Row { entry, suspicion: None });
        self.members += 1;
        slot
    }

    /// Changes a record. A doubt must come with [`Status::Suspect`] and with no other state.
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
        let was_member = self.status(slot).is_some_and(Status::is_member);
        let row = self.row_mut(slot);
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
        if !status.is_member() {
            let tombstones = &mut self.overlay.get_or_insert_default().tombstones;
            if tombstones.is_empty() {
                tombstones.reserve_exact(1);
            }
            tombstones.push_back((now, slot, incarnation));
        }
    }

    /// Forgets one dead or departed member whose record is from `before` or earlier, and tells who it was.
    pub fn forget(&mut self, before: Time) -> Option<(Slot, RosterEntry)> {
        loop {
            let overlay = self.overlay.as_deref_mut()?;
            let &(since, slot, incarnation) = overlay.tombstones.front()?;
            if since > before {
                return None;
            }
            overlay.tombstones.pop_front();
            // It may have come back, or have died again since.
            let gone = self.status(slot).is_some_and(|status| !status.is_member());
            if !gone || self.incarnation(slot) != incarnation {
                continue;
            }
            let entry = self.row_mut(slot).entry.clone();
            self.row_mut(slot).entry.status = None;
            let overlay = self.overlay.as_deref_mut()?;
            let joiners = overlay.joiners.get_or_insert_default();
            joiners.added.remove(&entry.node.peer.id);
            joiners.free.push(slot);
            return Some((slot, entry));
        }
    }

    /// The dead and departed that are not forgotten: a bound for how long [`Table::forget`] can go on.
    pub fn tombstones(&self) -> usize {
        self.overlay.as_ref().map_or(0, |overlay| overlay.tombstones.len())
    }

    /// How many graves were dug at this time or later: the last ones.
    pub fn graves_since(&self, since: Time) -> usize {
        self.overlay.as_ref().map_or(0, |overlay| {
            overlay.tombstones.len() - overlay.tombstones.partition_point(|&(dug, ..)| dug < since)
        })
    }

    /// The n-th of the graves, if its occupant is dead (not departed, not back).
    pub fn grave(&self, n: usize) -> Option<Slot> {
        let &(_, slot, incarnation) = self.overlay.as_ref()?.tombstones.get(n)?;
        (self.status(slot) == Some(Status::Dead) && self.incarnation(slot) == incarnation).then_some(slot)
    }

    /// When the oldest grave was dug.
    pub fn oldest_grave(&self) -> Option<Time> {
        self.overlay.as_ref()?.tombstones.front().map(|&(since, _, _)| since)
    }

    /// Whether a piece of news about a slot's occupant is still what is believed, and worth passing on.
    pub fn is_current(&self, slot: Slot, update: &Update) -> bool {
        let Some(row) = self.row(slot) else {
            // It has become part of the roster.
            let &Record { id, incarnation, status, .. } = self.roster.record(slot);
            return (id, incarnation, status) == (update.id, update.incarnation, update.kind.status());
        };
        let RosterEntry { node, incarnation, status } = &row.entry;
        let same = (*incarnation, *status) == (update.incarnation, update.kind.status()) && node.peer.id == update.id;
        match update.kind {
            // Of several who doubt, the latest is passed on.
            UpdateKind::Suspect { by } => {
                same && row.suspicion.as_ref().is_some_and(|suspicion| suspicion.by.last() == Some(&by))
            }
            _ => same,
        }
    }

    /// Has memory read ahead of time by which an id is found.
    pub(super) fn prefetch_index(&self, id: Id) {
        self.roster.prefetch_index(id);
    }

    /// Has the record of a slot read ahead of time, and what differs from the roster.
    pub(super) fn prefetch(&self, slot: Slot) {
        self.roster.prefetch(slot);
        if let Some(overlay) = &self.overlay {
            prefetch(&**overlay);
        }
    }

    /// Whether nothing has ever differed from the roster.
    pub fn is_pristine(&self) -> bool {
        self.overlay.is_none()
    }

    /// How many records differ from the roster.
    pub fn differences(&self) -> usize {
        self.overlay.as_ref().map_or(0, |overlay| overlay.rows.len())
    }

    /// Whether the differences have grown enough that a roster of one's own pays.
    pub fn wants_rebase(&self) -> bool {
        self.differences() > 64 + self.roster.len() as usize / 2
    }

    /// Folds the differences into a new roster with the same slots. Ongoing suspicions stay apart from it.
    pub fn rebase(&mut self) -> &[Peer] {
        let entry = |slot| RosterEntry {
            node: Arc::clone(self.node(slot)),
            incarnation: self.incarnation(slot),
            status: self.status(slot),
        };
        self.roster = Arc::new(Roster::new((0..self.slots).map(entry)));
        if let Some(overlay) = &mut self.overlay {
            overlay.rows.retain(|row| row.suspicion.is_some());
            if let Some(joiners) = &mut overlay.joiners {
                joiners.added.clear();
            }
        }
        self.roster.peers()
    }

    /// All that is known, by slot; forgotten slots are left out.
    pub fn entries(&self) -> impl Iterator<Item = (Slot, Status, Incarnation, &Arc<NodeInfo>)> {
        (0..self.slots).filter_map(|slot| match self.row(slot) {
            Some(Row { entry: RosterEntry { node, incarnation, status }, .. }) => {
                Some((slot, (*status)?, *incarnation, node))
            }
            None => {
                let &Record { incarnation, status, .. } = self.roster.record(slot);
                Some((slot, status?, incarnation, self.roster.node(slot)))
            }
        })
    }

    /// Whether a member listens at this address.
    pub fn lives_at(&self, address: Address) -> bool {
        (0..self.slots).any(|slot| {
            let Record { address: known, status, .. } = self.record(slot);
            known == address && status.is_some_and(Status::is_member)
        })
    }

    fn row(&self, slot: Slot) -> Option<&Row> {
        self.overlay.as_ref()?.rows.get(slot)
    }

    fn row_mut(&mut self, slot: Slot) -> &mut Row {
        let roster = &self.roster;
        self.overlay.get_or_insert_default().rows.get_or_insert_with(slot, || Row {
            entry: RosterEntry {
                node: Arc::clone(roster.node(slot)),
                incarnation: roster.record(slot).incarnation,
                status: roster.record(slot).status,
            },
            suspicion: None,
        })
    }
}

impl View for Table {
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
        match self.row(slot) {
            Some(row) => &row.entry.node.peer,
            None => &self.roster.peers()[slot as usize],
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
