//! Model of one member's view of its group.

use crate::location::Location;
use crate::peer::{Peer, Slot};
use crate::view::View;

/// A member's view of its group in its simplest form: each slot with its peer and the peer's status.
#[derive(Clone, Debug)]
pub struct Group {
    me: Slot,
    peers: Vec<Peer>,
    statuses: Vec<Status>,
    indexed: u32,
}

/// Status of a peer in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Alive, or the member itself.
    Alive,
    /// Suspected, and still pinged.
    Suspect,
    /// Dead or departed, and remembered.
    Dead,
    /// Dead and forgotten: the next joiner takes the slot.
    Vacant,
}

impl Group {
    /// View of the member in slot `me`, with all of the roster alive and indexed.
    ///
    /// # Panics
    /// If the roster has no slot `me`.
    pub fn new(roster: Vec<Peer>, me: Slot) -> Self {
        assert!((me as usize) < roster.len(), "slot {me} of {} members", roster.len());
        let indexed = roster.len() as u32;
        Self { me, statuses: vec![Status::Alive; roster.len()], peers: roster, indexed }
    }

    /// Peers by slot.
    pub fn roster(&self) -> &[Peer] {
        &self.peers
    }

    /// Status of the peer in a slot.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn status(&self, slot: Slot) -> Status {
        self.statuses[slot as usize]
    }

    /// Slots of the other members whose status fits.
    pub fn others(&self, fits: impl Fn(Status) -> bool) -> Vec<Slot> {
        (0..self.slots()).filter(|&slot| slot != self.me && fits(self.status(slot))).collect()
    }

    /// Adds a peer, in the slot of a forgotten one if there is any, and returns its slot.
    pub fn join(&mut self, peer: Peer) -> Slot {
        match self.others(|status| status == Status::Vacant).first() {
            Some(&slot) => {
                self.peers[slot as usize] = peer;
                self.statuses[slot as usize] = Status::Alive;
                slot
            }
            None => {
                self.peers.push(peer);
                self.statuses.push(Status::Alive);
                self.slots() - 1
            }
        }
    }

    /// Sets the location of a peer.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn set_location(&mut self, slot: Slot, location: Location) {
        self.peers[slot as usize].location = Some(location);
    }

    /// Sets the status of a peer.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn set_status(&mut self, slot: Slot, status: Status) {
        self.statuses[slot as usize] = status;
    }

    /// Takes over all that another member's view contains.
    pub fn copy_from(&mut self, other: &Self) {
        *self = Self { me: self.me, ..other.clone() };
    }

    /// Marks all slots as indexed.
    pub fn reindex(&mut self) {
        self.indexed = self.slots();
    }

    pub(super) fn pingable_slots(&self) -> Vec<Slot> {
        self.others(|status| matches!(status, Status::Alive | Status::Suspect))
    }
}

impl View for Group {
    fn me(&self) -> Slot {
        self.me
    }

    fn slots(&self) -> u32 {
        self.peers.len() as u32
    }

    fn indexed(&self) -> u32 {
        self.indexed
    }

    fn peer(&self, slot: Slot) -> &Peer {
        &self.peers[slot as usize]
    }

    fn pingable(&self, slot: Slot) -> bool {
        slot != self.me && matches!(self.status(slot), Status::Alive | Status::Suspect)
    }

    fn suspect(&self, slot: Slot) -> bool {
        self.status(slot) == Status::Suspect
    }

    fn pingable_count(&self) -> u32 {
        (0..self.slots()).filter(|&slot| self.pingable(slot)).count() as u32
    }
}
