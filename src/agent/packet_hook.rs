//! The interface between an agent and the network of an experiment.

use std::time::Duration;

use crate::protocol::{Address, Event, Packet, Span, Time, Transmit};

/// Observes an agent, and decides about its packets: an experiment's network between agent and sockets.
pub trait PacketHook: Send + Sync {
    /// Decides about a packet that the agent sends.
    fn sent(&self, packet: &SentPacket<'_>) -> PacketVerdict;
    /// Decides whether the agent handles a packet that arrived. With `false` it is dropped, uncounted.
    fn received(&self, packet: &ReceivedPacket<'_>) -> bool;
    /// Observes an event of the agent's member.
    fn event(&self, at: Time, event: &Event);
    /// Observes that a timer of the agent fired `late` after its time.
    fn woken(&self, late: Span);
    /// Observes that the agent's task has used this much processor time, once for each time that it ran.
    fn worked(&self, cpu: Duration);
}

/// A packet that an agent hands to the network.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SentPacket<'a> {
    /// The time of sending.
    pub at: Time,
    /// The packet and its receiver.
    pub transmit: &'a Transmit,
    /// Its size as encoded.
    pub bytes: usize,
    /// Whether it goes back over the stream of the packet that it answers; [`Transmit::stream`] does not count then.
    pub is_answer: bool,
}

/// A packet that arrived at an agent.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ReceivedPacket<'a> {
    /// The time of arrival.
    pub at: Time,
    /// The address of the other end. On a stream, that end has a port of its own.
    pub from: Address,
    /// The packet.
    pub packet: &'a Packet,
    /// Its size as encoded.
    pub bytes: usize,
}

/// Decision about a packet that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketVerdict {
    /// It leaves at this time.
    At(Time),
    /// It is lost.
    Lost,
}
