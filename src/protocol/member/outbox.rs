//! Output of a member: messages to send and events.

use swimlab_selectors::Slot;

use crate::protocol::event::Event;
use crate::protocol::message::{Address, Body, Incarnation, Packet, PeerView, Updates};

/// Output of one or more calls, for the driver. Reuse it, and drain it after each call.
#[derive(Debug)]
pub struct Outbox<M = Packet> {
    /// Messages to send.
    pub transmits: Vec<Transmit<M>>,
    /// Events to report.
    pub events: Vec<Event>,
    /// Buffer for chosen slots, kept here so that members need none of their own.
    pub(super) scratch: Vec<Slot>,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Transmit<M = Packet> {
    /// The receiver's address.
    pub to: Address,
    /// The encoded size, in bytes.
    pub bytes: u32,
    /// Whether it is sent over a stream instead of as a datagram.
    pub stream: bool,
    /// Whether it is a ping of the sender's own probe round, not one made for another member.
    pub direct_ping: bool,
    /// The message.
    pub message: M,
}

impl<M> Transmit<M> {
    /// A message to this address as a datagram of `bytes` bytes. The public fields say what else a message can be.
    pub const fn datagram(to: Address, bytes: u32, message: M) -> Self {
        Self { to, bytes, stream: false, direct_ping: false, message }
    }

    /// A ping of the sender's own round as a datagram, which the measures of pings count.
    pub const fn ping(to: Address, bytes: u32, message: M) -> Self {
        Self { to, bytes, stream: false, direct_ping: true, message }
    }
}

impl Transmit {
    /// The initial value of an entry that is filled in place.
    pub(super) const BLANK: Self = Self {
        to: Address { ip: [0; 16], port: 0 },
        bytes: 0,
        stream: false,
        direct_ping: false,
        message: Packet {
            from: 0,
            incarnation: Incarnation::of_generation(0),
            peer_view: PeerView::Unknown,
            body: Body::Gossip,
            updates: Updates::new_const(),
            coordinate: None,
        },
    };
}

impl<M> Default for Outbox<M> {
    fn default() -> Self {
        Self { transmits: Vec::new(), events: Vec::new(), scratch: Vec::new() }
    }
}
