//! Rosters: immutable snapshots of a group, shared by all members that start from them.

use std::sync::Arc;

use swimlab_selectors::{Peer, Slot, prefetch};

use super::message::{Address, Id, Incarnation, NodeInfo, Status};

/// Snapshot of a group, by slot. A simulated world shares one among all its members; an agent starts with itself alone.
/// Later changes are held by each member's own [`MembershipTable`](super::MembershipTable).
#[derive(Debug)]
pub struct Roster {
    records: Vec<MemberRecord>,
    peers: Vec<Peer>,
    nodes: Vec<Arc<NodeInfo>>,
    members: u32,
    digest: u64,
    /// Slots by id: an open-addressing table, at most half full.
    index: Vec<IndexBucket>,
}

/// An entry of the index.
#[derive(Clone, Copy, Debug)]
struct IndexBucket {
    slot: Slot,
    /// The low half of the id's hash, so that records of other ids need not be read.
    tag: u32,
}

/// Data needed for sending to a member, in one cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemberRecord {
    /// The member's id.
    pub id: Id,
    /// The incarnation of the record.
    pub incarnation: Incarnation,
    /// The member's address.
    pub address: Address,
    /// The member's state; `None` once it is forgotten.
    pub status: Option<Status>,
}

/// A slot's occupant in a roster.
#[derive(Clone, Debug)]
pub struct RosterEntry {
    /// Published description of the member.
    pub node: Arc<NodeInfo>,
    /// The incarnation of the record.
    pub incarnation: Incarnation,
    /// The member's state; `None` for a slot whose last occupant is forgotten.
    pub status: Option<Status>,
}

impl MemberRecord {
    /// The hash of a member's id and incarnation; 0 for one that is neither alive nor suspect.
    pub(super) fn digest(&self) -> u64 {
        if self.status.is_some_and(Status::is_member) { self.incarnation.hash_with(self.id) } else { 0 }
    }
}

impl Roster {
    /// A roster of these entries; the slot is the position. Ids of occupied slots must differ.
    pub fn new(entries: impl IntoIterator<Item = RosterEntry>) -> Self {
        let mut roster = Self {
            records: Vec::new(),
            peers: Vec::new(),
            nodes: Vec::new(),
            members: 0,
            digest: 0,
            index: Vec::new(),
        };
        for RosterEntry { node, incarnation, status } in entries {
            let record = MemberRecord { id: node.peer.id, incarnation, address: node.address, status };
            roster.digest = roster.digest.wrapping_add(record.digest());
            roster.records.push(record);
            roster.peers.push(node.peer.clone());
            roster.nodes.push(node);
            roster.members += u32::from(status.is_some_and(Status::is_member));
        }
        roster.index = index_of(&roster.records);
        roster
    }

    /// A roster of living members in their first life.
    pub fn of_members(nodes: impl IntoIterator<Item = Arc<NodeInfo>>) -> Self {
        let alive = |node| RosterEntry { node, incarnation: Incarnation::default(), status: Some(Status::Alive) };
        Self::new(nodes.into_iter().map(alive))
    }

    /// The number of slots, forgotten ones included.
    pub fn len(&self) -> u32 {
        self.records.len() as u32
    }

    /// Whether there is no slot at all.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The number of occupants that are alive or suspect.
    pub fn members(&self) -> u32 {
        self.members
    }

    /// The sum of the [digests](MemberRecord::digest) of all records.
    pub(super) fn digest(&self) -> u64 {
        self.digest
    }

    /// The slot of this id.
    pub fn slot(&self, id: Id) -> Option<Slot> {
        let mask = self.index.len() - 1;
        let (mut at, tag) = home(id);
        loop {
            let bucket = self.index[at & mask];
            if bucket.slot == VACANT {
                return None;
            }
            if bucket.tag == tag && self.records[bucket.slot as usize].id == id {
                return Some(bucket.slot);
            }
            at += 1;
        }
    }

    /// Prefetches the index entry at which [`Roster::slot`] starts.
    pub(super) fn prefetch_index(&self, id: Id) {
        prefetch(&self.index[home(id).0 & (self.index.len() - 1)]);
    }

    /// Prefetches the record of a slot, if there is one.
    pub(super) fn prefetch(&self, slot: Slot) {
        if let Some(record) = self.records.get(slot as usize) {
            prefetch(record);
        }
    }

    /// The peers by slot, for the index of a selector.
    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// The record of a slot's occupant.
    pub fn record(&self, slot: Slot) -> &MemberRecord {
        &self.records[slot as usize]
    }

    /// Published description of a slot's occupant.
    pub fn node(&self, slot: Slot) -> &Arc<NodeInfo> {
        &self.nodes[slot as usize]
    }
}

const VACANT: Slot = Slot::MAX;

fn index_of(records: &[MemberRecord]) -> Vec<IndexBucket> {
    let size = (records.len() * 2 + 1).next_power_of_two();
    let mut index = vec![IndexBucket { slot: VACANT, tag: 0 }; size];
    for (slot, record) in (0..).zip(records) {
        if record.status.is_none() {
            continue;
        }
        let (home, tag) = home(record.id);
        let mut at = home & (size - 1);
        while index[at].slot != VACANT {
            debug_assert_ne!(records[index[at].slot as usize].id, record.id, "ids must differ");
            at = (at + 1) & (size - 1);
        }
        index[at] = IndexBucket { slot, tag };
    }
    index
}

/// The first bucket for an id, and its tag: the well-mixed high half of a Fibonacci hash, and its low half.
fn home(id: Id) -> (usize, u32) {
    let product = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((product >> 32) as usize, product as u32)
}
