//! The messages of heartbeat detectors: heartbeats, and lists of overdue members.

use std::sync::Arc;

use crate::protocol::{Address, Id, MessageKind};
use crate::wire::uint32_len;

/// A heartbeat: a member's counter, which only it raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The member's id.
    pub id: Id,
    /// Its address.
    pub address: Address,
    /// The number of the heartbeat.
    pub count: HeartbeatCount,
    /// Whether it announces its departure.
    pub left: bool,
}

/// Counter of a member's heartbeats. Heartbeats of a later life are newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeartbeatCount {
    /// The number of the member's life.
    pub generation: u32,
    /// The number of heartbeats sent in it.
    pub beats: u32,
}

/// A message between heartbeat detectors.
#[derive(Clone, Debug, PartialEq)]
pub struct HeartbeatMessage {
    /// The sender.
    pub from: Id,
    /// Gossip for heartbeats, sync for the table that a joiner asks for.
    pub kind: MessageKind,
    /// Heartbeats, the sender's own among them.
    pub beats: Arc<[Heartbeat]>,
    /// The members that are overdue at the sender (majority).
    pub silent: Arc<[Id]>,
    /// Whether the receiver should reply with newer heartbeats.
    pub wants_reply: bool,
}

/// The envelope of this crate's wire format, kind and flags, the sender's id, the lengths of both lists.
pub(super) const HEAD: u32 = 20;
/// Address, port and flags of a heartbeat: the address identifies a member, there is no other id.
const BEAT: u32 = 9;
pub(super) const ID: u32 = 9;

impl Heartbeat {
    /// Its size in bytes, with numbers as long as MessagePack encodes them.
    pub(super) fn bytes(&self) -> u32 {
        BEAT + uint32_len(self.count.generation) + uint32_len(self.count.beats)
    }
}

impl HeartbeatMessage {
    /// The number of heartbeats that fit into a datagram of 1400 bytes.
    pub const BEATS: usize = ((1400 - HEAD) / (BEAT + 2 * 5)) as usize;

    /// Its size in bytes.
    pub fn bytes(&self) -> u32 {
        HEAD + self.beats.iter().map(Heartbeat::bytes).sum::<u32>() + ID * self.silent.len() as u32
    }
}
