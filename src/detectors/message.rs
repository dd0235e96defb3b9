//! What rivals send each other: heartbeats, and who they have not heard of.

use std::sync::Arc;

use crate::protocol::{Address, Id, MessageKind};
use crate::wire::uint32_len;

/// A heartbeat: a member's counter, which only it raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whose.
    pub id: Id,
    /// Where it listens.
    pub address: Address,
    /// Which life, and how many heartbeats it has sent in it.
    pub count: (u32, u32),
    /// Whether it says goodbye with it.
    pub left: bool,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct HeartbeatMessage {
    /// The sender.
    pub from: Id,
    /// Gossip for heartbeats, sync for the table that a joiner asks for.
    pub kind: MessageKind,
    /// Heartbeats, the sender's own among them.
    pub beats: Arc<[Heartbeat]>,
    /// Whom the sender has not heard of for too long (majority).
    pub silent: Arc<[Id]>,
    /// Whether the receiver should answer with what it knows better.
    pub wants_reply: bool,
}

/// The envelope of our own wire format, kind and flags, the sender's id, the lengths of both lists.
const HEAD: u32 = 20;
/// Address, port and flags of a heartbeat: the address is who a member is, there is no other id.
const BEAT: u32 = 9;
const ID: u32 = 9;

impl HeartbeatMessage {
    /// How many heartbeats fit into a datagram of 1400 bytes.
    pub const BEATS: usize = ((1400 - HEAD) / (BEAT + 2 * 5)) as usize;

    /// Its size, numbers being as long as MessagePack writes them.
    pub fn bytes(&self) -> u32 {
        let beat = |beat: &Heartbeat| BEAT + uint32_len(beat.count.0) + uint32_len(beat.count.1);
        HEAD + self.beats.iter().map(beat).sum::<u32>() + ID * self.silent.len() as u32
    }
}
