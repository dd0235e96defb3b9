//! Packets on their way from a socket to the protocol.

use tokio::sync::oneshot;

use crate::protocol::{Address, Body, Packet, Update, UpdateKind};

/// A packet that arrived, by datagram or over a stream.
pub(super) struct Arrival {
    /// The address of the other end, to which an answer goes.
    pub from: Address,
    pub packet: Packet,
    /// Its size as encoded, with the prefix that it has on a stream.
    pub bytes: usize,
    /// Microseconds by which the sender's clock was ahead of this one, less the time under way; for sealed datagrams.
    pub ahead_us: Option<i64>,
    /// Takes the answer, if the packet came over a stream that waits for one.
    pub reply: Option<oneshot::Sender<Packet>>,
}

/// Whether a packet describes a member without a name. Agents have names; only the members of experiments have none.
pub(super) fn describes_nameless(packet: &Packet) -> bool {
    let is_nameless = |update: &Update| matches!(&update.kind, UpdateKind::Alive(node) if node.name.is_empty());
    let records = match &packet.body {
        Body::Sync(table) => &table.records[..],
        _ => &[],
    };
    packet.updates.iter().chain(records).any(is_nameless)
}
