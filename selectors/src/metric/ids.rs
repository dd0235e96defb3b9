//! Roster in the order of its ids, as the metrics over ids use it.

use crate::peer::{Peer, Slot};

/// Ids of a roster with their slots, ascending.
pub(super) struct SortedIds(Vec<(u64, Slot)>);

impl SortedIds {
    pub(super) fn new(roster: &[Peer]) -> Self {
        let mut ids: Vec<_> = (0..).zip(roster).map(|(slot, peer)| (peer.id, slot)).collect();
        ids.sort_unstable();
        Self(ids)
    }

    pub(super) fn all(&self) -> &[(u64, Slot)] {
        &self.0
    }

    /// Number of peers other than `id`.
    pub(super) fn others(&self, id: u64) -> u32 {
        (self.0.len() - self.0.binary_search_by_key(&id, |entry| entry.0).is_ok() as usize) as u32
    }

    /// Returns the peer `steps` positions clockwise of the successor of `id`; `steps` is below the length.
    pub(super) fn clockwise(&self, id: u64, steps: u32) -> (u64, Slot) {
        let first = self.0.partition_point(|entry| entry.0 <= id);
        let at = first + steps as usize;
        self.0[if at < self.0.len() { at } else { at - self.0.len() }]
    }

    /// Number of peers strictly between two different ids, clockwise.
    pub(super) fn between(&self, from: u64, to: u64) -> u32 {
        let after = self.0.partition_point(|entry| entry.0 <= from);
        let before = self.0.partition_point(|entry| entry.0 < to);
        (if before >= after { before - after } else { before + self.0.len() - after }) as u32
    }
}
