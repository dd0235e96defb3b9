//! A roster: an immutable snapshot of a group, shared by all who start from it.

use std::sync::Arc;

use swimlab_selectors::{Peer, Slot, prefetch};

use super::message::{Address, Id, Incarnation, NodeInfo, Status};

/// The members that a table starts from, by slot. A world hands one to all its members; an agent begins with itself
/// alone. EventKind changes later stands in each member's own [`Table`](super::table::Table).
#[derive(Debug)]
pub struct Roster {
    records: Vec<Record>,
    peers: Vec<Peer>,
    nodes: Vec<Arc<NodeInfo>>,
    members: u32,
    /// From id to slot: an open-addressing table, at most half full.
    index: Vec<IndexBucket>,
}

/// A place of the index.
#[derive(Clone, Copy, Debug)]
struct IndexBucket {
    slot: Slot,
    /// Half of the id's hash: others' records, which lie anywhere, need not be looked at.
    tag: u32,
}

/// EventKind sending to a member takes, together in one cache line: at a hundred thousand members every line counts.
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

/// EventKind a roster or table knows about the occupant of a slot.
#[derive(Clone, Debug)]
pub struct RosterEntry {
    /// Who, and where.
    pub node: Arc<NodeInfo>,
    /// How new the record is.
    pub incarnation: Incarnation,
    /// Its state; `None` for a slot whose last occupant is forgotten.
    pub status: Option<Status>,
}

impl Roster {
    /// A roster of these entries; the slot is the position. Ids of occupied slots must differ.
    pub fn new(entries: impl IntoIterator<Item = RosterEntry>) -> Self {
        let mut roster =
            Self { records: Vec::new(), peers: Vec::new(), nodes: Vec::new(), members: 0, index: Vec::new() };
        for RosterEntry { node, incarnation, status } in entries {
            let (id, address) = (node.peer.id, node.address);
            roster.records.push(Record { id, incarnation, address, status });
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
        let (mut at, tag) = home(id);
        loop {
            let place = self.index[at & mask];
            if place.slot == VACANT {
                return None;
            }
            if place.tag == tag && self.records[place.slot as usize].id == id {
                return Some(place.slot);
            }
            at += 1;
        }
    }

    /// Has the place in the index read ahead of time where [`Roster::slot`] begins to look.
    pub(super) fn prefetch_index(&self, id: Id) {
        prefetch(&self.index[home(id).0 & (self.index.len() - 1)]);
    }

    /// Has the record of a slot read ahead of time, if there is one.
    pub(super) fn prefetch(&self, slot: Slot) {
        if let Some(record) = self.records.get(slot as usize) {
            prefetch(record);
        }
    }

    /// The peers by slot, as selectors survey them.
    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// EventKind sending to the occupant of a slot takes.
    pub fn record(&self, slot: Slot) -> &Record {
        &self.records[slot as usize]
    }

    /// The card of a slot's occupant.
    pub fn node(&self, slot: Slot) -> &Arc<NodeInfo> {
        &self.nodes[slot as usize]
    }
}

const VACANT: Slot = Slot::MAX;

fn index_of(records: &[Record]) -> Vec<IndexBucket> {
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

/// Where an id is looked for first, and its tag: Fibonacci hashing, the high half of the product, where it is well mixed,
/// and the low half, which alone tells apart as many ids as there are.
fn home(id: Id) -> (usize, u32) {
    let product = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((product >> 32) as usize, product as u32)
}
