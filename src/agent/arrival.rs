//! Packets on their way from a socket to the protocol.

use tokio::sync::oneshot;

use crate::protocol::{Address, Packet};

/// A packet that arrived, by datagram or over a stream.
pub(super) struct Arrival {
    /// The address of the other end, to which an answer goes.
    pub from: Address,
    pub packet: Packet,
    /// Its size as encoded, with the prefix that it has on a stream.
    pub bytes: usize,
    /// Takes the answer, if the packet came over a stream that waits for one.
    pub reply: Option<oneshot::Sender<Packet>>,
}
