//! Rosters: immutable snapshots of a group, shared by all members that start from them.

use std::sync::{Arc, OnceLock};

use swimlab_selectors::{Peer, Slot, prefetch};

use super::id_sequence::IdSequence;
use super::message::{Address, Id, Incarnation, NodeInfo, Status};

/// Snapshot of a group, by slot. A simulated world shares one among all its members; an agent starts with itself alone.
/// Later changes are held by each member's own [`MembershipTable`](super::MembershipTable).
#[derive(Debug)]
pub struct Roster {
    records: Records,
    /// The peers by slot, and perhaps others behind them.
    peers: Arc<[Peer]>,
    /// Made when first asked for: in a simulated world hardly any are.
    nodes: Box<[OnceLock<Arc<NodeInfo>>]>,
    members: u32,
    digest: u64,
}

/// The records by slot, and the slots by id.
#[derive(Debug)]
enum Records {
    /// Those of living members in their first life whose ids and addresses follow from their slots, as in simulated
    /// worlds.
    Sequence { ids: IdSequence, first: Address },
    /// Any others, with an open-addressing table of slots by id that is at most half full.
    Stored { records: Vec<MemberRecord>, index: Vec<IndexBucket> },
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
        let (mut records, mut peers, mut nodes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut members, mut digest) = (0, 0_u64);
        for RosterEntry { node, incarnation, status } in entries {
            let record = MemberRecord { id: node.peer.id, incarnation, address: node.address, status };
            digest = digest.wrapping_add(record.digest());
            records.push(record);
            peers.push(node.peer.clone());
            nodes.push(OnceLock::from(node));
            members += u32::from(status.is_some_and(Status::is_member));
        }
        Self { records: Records::new(records), peers: peers.into(), nodes: nodes.into(), members, digest }
    }

    /// A roster of the first `members` of these peers, alive in their first life, without names and metadata.
    pub fn of_peers(peers: Arc<[Peer]>, members: u32, address: impl Fn(Slot) -> Address) -> Self {
        let founder = |(slot, peer): (Slot, &Peer)| MemberRecord {
            id: peer.id,
            incarnation: Incarnation::default(),
            address: address(slot),
            status: Some(Status::Alive),
        };
        let records: Vec<MemberRecord> = (0..members).zip(&*peers).map(founder).collect();
        let digest = records.iter().fold(0, |sum: u64, record| sum.wrapping_add(record.digest()));
        let nodes = records.iter().map(|_| OnceLock::new()).collect();
        Self { records: Records::new(records), peers, nodes, members, digest }
    }

    /// A roster of living members in their first life.
    pub fn of_members(nodes: impl IntoIterator<Item = Arc<NodeInfo>>) -> Self {
        let alive = |node| RosterEntry { node, incarnation: Incarnation::default(), status: Some(Status::Alive) };
        Self::new(nodes.into_iter().map(alive))
    }

    /// The number of slots, forgotten ones included.
    pub fn len(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// Whether there is no slot at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
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
        self.records.slot(id)
    }

    /// Prefetches the index entry at which [`Roster::slot`] starts.
    pub(super) fn prefetch_index(&self, id: Id) {
        if let Records::Stored { index, .. } = &self.records {
            prefetch(&index[home(id).0 & (index.len() - 1)]);
        }
    }

    /// Prefetches the record of a slot, if there is one.
    pub(super) fn prefetch(&self, slot: Slot) {
        if let Records::Stored { records, .. } = &self.records
            && let Some(record) = records.get(slot as usize)
        {
            prefetch(record);
        }
    }

    /// The peers by slot, for the index of a selector.
    pub fn peers(&self) -> &[Peer] {
        &self.peers[..self.nodes.len()]
    }

    /// The record of a slot's occupant.
    ///
    /// # Panics
    /// May panic if there is no such slot.
    pub fn record(&self, slot: Slot) -> MemberRecord {
        self.records.get(slot)
    }

    /// Published description of a slot's occupant.
    pub fn node(&self, slot: Slot) -> &Arc<NodeInfo> {
        let node = || Arc::new(NodeInfo::new(self.peers[slot as usize].clone(), self.record(slot).address));
        self.nodes[slot as usize].get_or_init(node)
    }
}

impl Records {
    fn new(records: Vec<MemberRecord>) -> Self {
        if let Some(ids) = IdSequence::of(records.iter().map(|record| record.id)) {
            let sequence = Self::Sequence { ids, first: records[0].address };
            if (0..).zip(&records).all(|(slot, record)| sequence.get(slot) == *record) {
                return sequence;
            }
        }
        let index = index_of(&records);
        Self::Stored { records, index }
    }

    #[inline]
    fn get(&self, slot: Slot) -> MemberRecord {
        match self {
            Self::Sequence { ids, first } => MemberRecord {
                id: ids.id(slot),
                incarnation: Incarnation::default(),
                address: first.successor(slot),
                status: Some(Status::Alive),
            },
            Self::Stored { records, .. } => records[slot as usize],
        }
    }

    fn slot(&self, id: Id) -> Option<Slot> {
        let (records, index) = match self {
            Self::Sequence { ids, .. } => return ids.position(id),
            Self::Stored { records, index } => (records, index),
        };
        let mask = index.len() - 1;
        let (mut at, tag) = home(id);
        loop {
            let bucket = index[at & mask];
            if bucket.slot == VACANT {
                return None;
            }
            if bucket.tag == tag && records[bucket.slot as usize].id == id {
                return Some(bucket.slot);
            }
            at += 1;
        }
    }
}

impl Address {
    /// The address that is `n` higher in its last four bytes.
    #[inline]
    fn successor(mut self, n: u32) -> Self {
        let [.., a, b, c, d] = self.ip;
        let last = u32::from_be_bytes([a, b, c, d]).wrapping_add(n);
        self.ip[12..].copy_from_slice(&last.to_be_bytes());
        self
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
