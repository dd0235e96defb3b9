//! A model of one member's view of its group.

use crate::peer::{Location, Peer, Slot};
use crate::view::View;

/// One member's view, as plain as can be: every slot with its peer and how that peer stands.
#[derive(Clone, Debug)]
pub struct Group {
    me: Slot,
    peers: Vec<Peer>,
    standings: Vec<Standing>,
    indexed: u32,
}

/// How a peer stands in the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Alive, or oneself.
    Alive,
    /// Suspected: still pinged.
    Suspect,
    /// Dead or departed, and remembered.
    Dead,
    /// Dead and forgotten: the next joiner takes the slot.
    Vacant,
}

impl Group {
    /// The view of the member in slot `me`, all of the roster being alive and surveyed.
    ///
    /// # Panics
    /// If the roster has no slot `me`.
    pub fn new(roster: Vec<Peer>, me: Slot) -> Self {
        assert!((me as usize) < roster.len(), "slot {me} of {} members", roster.len());
        let indexed = roster.len() as u32;
        Self { me, standings: vec![Standing::Alive; roster.len()], peers: roster, indexed }
    }

    /// The peers by slot, as they are surveyed.
    pub fn roster(&self) -> &[Peer] {
        &self.peers
    }

    /// How the peer in this slot stands.
    pub fn standing(&self, slot: Slot) -> Standing {
        self.standings[slot as usize]
    }

    /// Slots other than one's own whose peers stand like this.
    pub fn others(&self, fits: impl Fn(Standing) -> bool) -> Vec<Slot> {
        (0..self.slots()).filter(|&slot| slot != self.me && fits(self.standing(slot))).collect()
    }

    /// A peer joins, in the slot of a forgotten one if there is any.
    pub fn join(&mut self, peer: Peer) -> Slot {
        match self.others(|standing| standing == Standing::Vacant).first() {
            Some(&slot) => {
                self.peers[slot as usize] = peer;
                self.standings[slot as usize] = Standing::Alive;
                slot
            }
            None => {
                self.peers.push(peer);
                self.standings.push(Standing::Alive);
                self.slots() - 1
            }
        }
    }

    /// The peer in this slot says that it is here.
    pub fn moves(&mut self, slot: Slot, location: Location) {
        self.peers[slot as usize].location = Some(location);
    }

    /// The peer in this slot is from now on seen like this.
    pub fn mark(&mut self, slot: Slot, standing: Standing) {
        self.standings[slot as usize] = standing;
    }

    /// Sees what another member sees.
    pub fn see(&mut self, other: &Self) {
        *self = Self { me: self.me, ..other.clone() };
    }

    /// The roster is surveyed anew: all slots are.
    pub fn reindex(&mut self) {
        self.indexed = self.slots();
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
        slot != self.me && matches!(self.standing(slot), Standing::Alive | Standing::Suspect)
    }

    fn suspect(&self, slot: Slot) -> bool {
        self.standing(slot) == Standing::Suspect
    }

    fn pingable_count(&self) -> u32 {
        (0..self.slots()).filter(|&slot| self.pingable(slot)).count() as u32
    }
}
