//! A roster: an immutable snapshot of a group, shared by all who start from it.

use std::sync::Arc;

use swimlab_selectors::prefetch::prefetch;
use swimlab_selectors::{Peer, Slot};

use super::message::{Address, Card, Id, Incarnation, Status};

/// The members that a table starts from, by slot. A world hands one to all its members; an agent begins with itself
/// alone. What changes later stands in each member's own [`Table`](super::table::Table).
#[derive(Debug)]
pub struct Roster {
    records: Vec<Record>,
    peers: Vec<Peer>,
    cards: Vec<Arc<Card>>,
    members: u32,
    index: Vec<Slot>,
}

/// What sending to a member takes, together in one cache line: at a hundred thousand members every line counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    /// Who.
    pub id: Id,
    /// How new the record is.
    pub incarnation: Incarnation,
    /// Where it listens.
    pub address: Address,
    /// Its state; `None` once it is forgotten.
    pub status: Option<Status>,
}

/// What a roster or table knows about the occupant of a slot.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who, and where.
    pub card: Arc<Card>,
    /// How new the record is.
    pub incarnation: Incarnation,
    /// Its state; `None` for a slot whose last occupant is forgotten.
    pub status: Option<Status>,
}

impl Roster {
    /// A roster of these entries; the slot is the position. Ids of occupied slots must differ.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut roster =
            Self { records: Vec::new(), peers: Vec::new(), cards: Vec::new(), members: 0, index: Vec::new() };
        for Entry { card, incarnation, status } in entries {
            let (id, address) = (card.peer.id, card.address);
            roster.records.push(Record { id, incarnation, address, status });
            roster.peers.push(card.peer.clone());
            roster.cards.push(card);
            roster.members += u32::from(status.is_some_and(Status::is_member));
        }
        roster.index = index_of(&roster.records);
        roster
    }

    /// A roster of living members in their first life.
    pub fn of_members(cards: impl IntoIterator<Item = Arc<Card>>) -> Self {
        let alive = |card| Entry { card, incarnation: Incarnation::default(), status: Some(Status::Alive) };
        Self::new(cards.into_iter().map(alive))
    }

    /// Slots, forgotten ones included.
    pub fn len(&self) -> u32 {
        self.records.len() as u32
    }

    /// Whether there is no slot at all.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many occupants are alive or suspect.
    pub fn members(&self) -> u32 {
        self.members
    }

    /// The slot of this id.
    pub fn slot(&self, id: Id) -> Option<Slot> {
        let mask = self.index.len() - 1;
        let mut at = home(id) & mask;
        loop {
            match self.index[at] {
                VACANT => return None,
                slot if self.records[slot as usize].id == id => return Some(slot),
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// Has the record read ahead of time that [`Roster::slot`] will most likely look at.
    pub(super) fn prefetch(&self, id: Id) {
        self.prefetch_record(self.index[home(id) & (self.index.len() - 1)]);
    }

    /// The same for the record of a slot.
    pub(super) fn prefetch_record(&self, slot: Slot) {
        if let Some(record) = self.records.get(slot as usize) {
            prefetch(record);
        }
    }

    /// The peers by slot, as selectors survey them.
    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// What sending to the occupant of a slot takes.
    pub fn record(&self, slot: Slot) -> Record {
        self.records[slot as usize]
    }

    /// The card of a slot's occupant.
    pub fn card(&self, slot: Slot) -> &Arc<Card> {
        &self.cards[slot as usize]
    }
}

const VACANT: u32 = u32::MAX;

/// An open-addressing table from id to slot, at most half full.
fn index_of(records: &[Record]) -> Vec<Slot> {
    let size = (records.len() * 2 + 1).next_power_of_two();
    let mut index = vec![VACANT; size];
    for (slot, record) in (0..).zip(records) {
        if record.status.is_none() {
            continue;
        }
        let mut at = home(record.id) & (size - 1);
        while index[at] != VACANT {
            debug_assert_ne!(records[index[at] as usize].id, record.id, "ids must differ");
            at = (at + 1) & (size - 1);
        }
        index[at] = slot;
    }
    index
}

fn home(id: Id) -> usize {
    // Fibonacci hashing; the high half, where the product is well mixed.
    (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
}
