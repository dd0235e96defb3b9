//! A roster: an immutable snapshot of a group, shared by all who start from it.

use std::sync::Arc;

use swimlab_selectors::rng::mix;
use swimlab_selectors::{Peer, Slot};

use super::message::{Address, Card, Id, Incarnation, Status};

/// The members that a table starts from, by slot. A world hands one to all its members; an agent begins with itself
/// alone. What changes later stands in each member's own [`Table`](super::table::Table).
#[derive(Debug)]
pub struct Roster {
    peers: Vec<Peer>,
    addresses: Vec<Address>,
    incarnations: Vec<Incarnation>,
    states: Vec<Option<Status>>,
    cards: Vec<Arc<Card>>,
    members: u32,
    index: Vec<u32>,
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
        let mut roster = Self {
            peers: Vec::new(),
            addresses: Vec::new(),
            incarnations: Vec::new(),
            states: Vec::new(),
            cards: Vec::new(),
            members: 0,
            index: Vec::new(),
        };
        for entry in entries {
            roster.peers.push(entry.card.peer.clone());
            roster.addresses.push(entry.card.address);
            roster.incarnations.push(entry.incarnation);
            roster.states.push(entry.status);
            roster.cards.push(entry.card);
            roster.members += u32::from(entry.status.is_some_and(Status::is_member));
        }
        roster.index = index_of(&roster.peers, &roster.states);
        roster
    }

    /// A roster of living members in their first life.
    pub fn of_members(cards: impl IntoIterator<Item = Arc<Card>>) -> Self {
        let alive = |card| Entry { card, incarnation: Incarnation::default(), status: Some(Status::Alive) };
        Self::new(cards.into_iter().map(alive))
    }

    /// Slots, forgotten ones included.
    pub fn len(&self) -> u32 {
        self.peers.len() as u32
    }

    /// Whether there is no slot at all.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// How many occupants are alive or suspect.
    pub fn members(&self) -> u32 {
        self.members
    }

    /// The slot of this id.
    pub fn slot(&self, id: Id) -> Option<Slot> {
        let mask = self.index.len() - 1;
        let mut at = mix(id) as usize & mask;
        loop {
            match self.index[at] {
                VACANT => return None,
                slot if self.peers[slot as usize].id == id => return Some(slot),
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// The peers by slot, as selectors survey them.
    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// Where the occupant of a slot listens.
    pub fn address(&self, slot: Slot) -> Address {
        self.addresses[slot as usize]
    }

    /// How new the record of a slot is.
    pub fn incarnation(&self, slot: Slot) -> Incarnation {
        self.incarnations[slot as usize]
    }

    /// The state of a slot's occupant.
    pub fn status(&self, slot: Slot) -> Option<Status> {
        self.states[slot as usize]
    }

    /// The card of a slot's occupant.
    pub fn card(&self, slot: Slot) -> &Arc<Card> {
        &self.cards[slot as usize]
    }
}

const VACANT: u32 = u32::MAX;

/// An open-addressing table from id to slot, at most half full.
fn index_of(peers: &[Peer], states: &[Option<Status>]) -> Vec<u32> {
    let size = (peers.len() * 2 + 1).next_power_of_two();
    let mut index = vec![VACANT; size];
    for (slot, (peer, state)) in peers.iter().zip(states).enumerate() {
        if state.is_none() {
            continue;
        }
        let mut at = mix(peer.id) as usize & (size - 1);
        while index[at] != VACANT {
            debug_assert_ne!(peers[index[at] as usize].id, peer.id, "ids must differ");
            at = (at + 1) & (size - 1);
        }
        index[at] = slot as u32;
    }
    index
}
