//! Rosters: immutable snapshots of a group, shared by all members that start from them.

use std::sync::{Arc, OnceLock};

use swimlab_selectors::{Peer, SharedIndexes, Slot, prefetch};

use super::id_sequence::IdSequence;
use super::message::{Address, Id, Incarnation, NodeInfo, Status};

/// Snapshot of a group, by slot. A simulated world shares one among all its members; an agent starts with itself alone,
/// and shares a later one with the agents of its process that know the same ([`MemoryPool`](super::MemoryPool)).
/// Later changes are held by each member's own [`MembershipTable`](super::MembershipTable).
#[derive(Debug)]
pub struct Roster {
    records: Records,
    nodes: Nodes,
    slots: u32,
    by_status: [u32; 4],
    digest: u64,
    /// Of the members that share the roster.
    indexes: SharedIndexes,
}

/// Published descriptions by slot.
#[derive(Debug)]
enum Nodes {
    /// Those of peers without names and metadata, made when first asked for: in a simulated world hardly any are. There
    /// may be other peers behind them.
    OfPeers { peers: Arc<[Peer]>, made: Box<[OnceLock<Arc<NodeInfo>>]> },
    /// Any others, and their peers if somebody has asked for all of them.
    Stored { nodes: Box<[Arc<NodeInfo>]>, peers: OnceLock<Box<[Peer]>> },
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
        let entries = entries.into_iter();
        let (mut records, mut nodes) = (Vec::new(), Vec::new());
        records.reserve_exact(entries.size_hint().0);
        nodes.reserve_exact(entries.size_hint().0);
        let (mut by_status, mut digest) = ([0; 4], 0_u64);
        for RosterEntry { node, incarnation, status } in entries {
            let record = MemberRecord { id: node.peer.id, incarnation, address: node.address, status };
            digest = digest.wrapping_add(record.digest());
            records.push(record);
            nodes.push(node);
            if let Some(status) = status {
                by_status[status as usize] += 1;
            }
        }
        let nodes = Nodes::Stored { nodes: nodes.into(), peers: OnceLock::new() };
        Self::of(records, nodes, by_status, digest)
    }

    fn of(records: Vec<MemberRecord>, nodes: Nodes, by_status: [u32; 4], digest: u64) -> Self {
        let slots = records.len() as u32;
        Self { records: Records::new(records), nodes, slots, by_status, digest, indexes: SharedIndexes::default() }
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
        let made = records.iter().map(|_| OnceLock::new()).collect();
        Self::of(records, Nodes::OfPeers { peers, made }, [members, 0, 0, 0], digest)
    }

    /// A roster of living members in their first life.
    pub fn of_members(nodes: impl IntoIterator<Item = Arc<NodeInfo>>) -> Self {
        let alive = |node| RosterEntry { node, incarnation: Incarnation::default(), status: Some(Status::Alive) };
        Self::new(nodes.into_iter().map(alive))
    }

    /// The number of slots, forgotten ones included.
    pub fn len(&self) -> u32 {
        self.slots
    }

    /// Whether there is no slot at all.
    pub fn is_empty(&self) -> bool {
        self.slots == 0
    }

    /// The number of occupants that are alive or suspect.
    pub fn members(&self) -> u32 {
        self.by_status[Status::Alive as usize] + self.by_status[Status::Suspect as usize]
    }

    /// The numbers of occupants by [`Status`].
    pub(super) fn by_status(&self) -> [u32; 4] {
        self.by_status
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
        match &self.nodes {
            Nodes::OfPeers { peers, made } => &peers[..made.len()],
            Nodes::Stored { nodes, peers } => peers.get_or_init(|| copy_peers(nodes)),
        }
    }

    /// The peers by slot, without keeping them.
    pub(super) fn copied_peers(&self) -> Vec<Peer> {
        match &self.nodes {
            Nodes::OfPeers { peers, made } => peers[..made.len()].to_vec(),
            Nodes::Stored { nodes, .. } => copy_peers(nodes),
        }
    }

    /// The peer in a slot.
    #[inline]
    pub fn peer(&self, slot: Slot) -> &Peer {
        match &self.nodes {
            Nodes::OfPeers { peers, .. } => &peers[slot as usize],
            Nodes::Stored { nodes, .. } => &nodes[slot as usize].peer,
        }
    }

    /// Indexes of selectors that the members have in common that share the roster.
    pub(super) fn indexes(&self) -> &SharedIndexes {
        &self.indexes
    }

    /// The record of a slot's occupant.
    ///
    /// # Panics
    /// May panic if there is no such slot.
    pub fn record(&self, slot: Slot) -> MemberRecord {
        self.records.get(slot)
    }

    /// The state of a slot's occupant.
    ///
    /// # Panics
    /// May panic if there is no such slot.
    #[inline]
    pub fn status(&self, slot: Slot) -> Option<Status> {
        match &self.records {
            Records::Sequence { .. } => Some(Status::Alive),
            Records::Stored { records, .. } => records[slot as usize].status,
        }
    }

    /// Published description of a slot's occupant.
    pub fn node(&self, slot: Slot) -> &Arc<NodeInfo> {
        match &self.nodes {
            Nodes::OfPeers { peers, made } => {
                let node = || Arc::new(NodeInfo::new(peers[slot as usize].clone(), self.record(slot).address));
                made[slot as usize].get_or_init(node)
            }
            Nodes::Stored { nodes, .. } => &nodes[slot as usize],
        }
    }
}

fn copy_peers<T: FromIterator<Peer>>(nodes: &[Arc<NodeInfo>]) -> T {
    nodes.iter().map(|node| node.peer.clone()).collect()
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
