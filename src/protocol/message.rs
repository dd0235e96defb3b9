//! EventKind members tell each other. The codec in `wire` turns these values into bytes; the simulator passes them as they are.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;
use swimlab_selectors::{Coordinate, Peer};

/// A member's identity: unique, stable over restarts, spread over the whole range.
pub type Id = u64;

/// Where a member can be reached: an IPv6 address (IPv4 as a mapped one) and a port. Only drivers look inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Sixteen bytes in network order.
    pub ip: [u8; 16],
    /// The port.
    pub port: u16,
}

/// How new a record about a member is: its generation (which life), then its refutations within that life.
///
/// Only the owner raises it. The higher incarnation wins, whatever the state it reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Incarnation {
    /// Which life: restarts count up. The driver supplies it.
    pub generation: u32,
    /// How often the owner spoke up in this life.
    pub refutations: u32,
}

/// EventKind a record says about a member. At equal incarnation the later one in this order wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// It answers, or has not been doubted.
    Alive,
    /// Somebody got no answer; it may refute.
    Suspect,
    /// It was declared dead.
    Dead,
    /// It said that it leaves.
    Left,
}

/// EventKind there is to know about a member besides its state. Immutable; a change comes with a new incarnation.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeInfo {
    /// Id, place, zone path, site.
    pub peer: Peer,
    /// Where it listens.
    pub address: Address,
    /// Its name for people; may be empty. At most [`NodeInfo::NAME_LIMIT`] bytes.
    pub name: Box<str>,
    /// Opaque metadata, at most [`NodeInfo::META_LIMIT`] bytes.
    pub meta: Box<[u8]>,
}

/// A piece of news that rides on messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Whom it is about; for a user event, who sent it.
    pub id: Id,
    /// How new it is.
    pub incarnation: Incarnation,
    /// EventKind it says.
    pub kind: UpdateKind,
}

/// UpdateKind on a packet: one piece, nearly always, if there is any.
pub type Updates = SmallVec<[Update; 1]>;

/// EventKind an [`Update`] says.
#[derive(Clone, Debug, PartialEq)]
pub enum UpdateKind {
    /// The member is alive and this is its card. Written by the member itself.
    Alive(Arc<NodeInfo>),
    /// `by` got no answer from it.
    Suspect {
        /// Who doubts.
        by: Id,
    },
    /// It was declared dead.
    Dead,
    /// It leaves of its own will.
    Left,
    /// Not about membership: an event for the applications.
    User(Arc<UserEvent>),
}

/// An application's event, spread like any other news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEvent {
    /// Counts the events of one sender in one life.
    pub seq: u32,
    /// EventKind kind of event; at most [`UserEvent::NAME_LIMIT`] bytes.
    pub name: Box<str>,
    /// Opaque, at most [`UserEvent::PAYLOAD_LIMIT`] bytes.
    pub payload: Box<[u8]>,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// The sender.
    pub from: Id,
    /// The sender's own incarnation.
    pub incarnation: Incarnation,
    /// EventKind the sender knows of the receiver: pairwise anti-entropy.
    pub peer_view: PeerView,
    /// EventKind the message is for.
    pub body: Body,
    /// The news that ride on it.
    pub updates: Updates,
    /// Extension: the sender's network coordinate.
    pub coordinate: Option<Box<WithCoordinate>>,
}

/// EventKind a sender knows of the receiver. Who is behind the truth hears so, and can speak up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeerView {
    /// Nothing: the receiver should introduce itself.
    #[default]
    Unknown,
    /// It is a member with this incarnation (suspected or not).
    Member(Incarnation),
    /// It was declared dead at this incarnation.
    Dead(Incarnation),
}

/// EventKind a message is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Answer me.
    Ping {
        /// Returned by the ack.
        seq: u32,
    },
    /// The answer to a ping.
    Ack {
        /// The ping's number.
        seq: u32,
    },
    /// Please ping these for me.
    PingReq(Box<PingReq>),
    /// A target of a ping request answered its helper.
    IndirectAck {
        /// The ping request's number.
        seq: u32,
        /// Who answered.
        target: Id,
    },
    /// A helper got no answer from a target in good time (Lifeguard, section IV-A).
    Nack {
        /// The ping request's number.
        seq: u32,
        /// Who did not answer.
        target: Id,
    },
    /// Nothing but the updates.
    Gossip,
    /// The sender's whole table, over a stream.
    Sync(Box<StateSync>),
}

/// A batched request for indirect pings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingReq {
    /// Returned by [`Body::IndirectAck`] and [`Body::Nack`].
    pub seq: u32,
    /// When the helper should say that it got no answer, in microseconds; 0: it need not.
    pub nack_after_us: u32,
    /// Whom to ping; at most [`PingReq::TARGET_LIMIT`].
    pub targets: Vec<Target>,
}

/// A member to be pinged for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Who.
    pub id: Id,
    /// Where.
    pub address: Address,
}

/// A table of members: what joiners get, and what state sync exchanges.
#[derive(Clone, Debug, PartialEq)]
pub struct StateSync {
    /// Whether the sender wants the receiver's table in return.
    pub wants_reply: bool,
    /// Whether the sender is joining: knows nobody yet.
    pub joining: bool,
    /// One record per member; a suspect's follows its alive record.
    pub records: Vec<Update>,
}

/// Where a sender is, for those who learn distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WithCoordinate {
    /// Its network coordinate.
    pub at: Coordinate,
    /// On acks: somebody who may be near the receiver.
    pub hint: Option<NeighborHint>,
}

/// A member that may be near somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighborHint {
    /// Who.
    pub id: Id,
    /// How many microseconds away, there and back.
    pub rtt_us: u32,
}

/// The kind of a message, for counting and for rules about what rides on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MessageKind {
    /// [`Body::Ping`]
    Ping,
    /// [`Body::Ack`]
    Ack,
    /// [`Body::PingReq`]
    PingReq,
    /// [`Body::IndirectAck`]
    IndirectAck,
    /// [`Body::Nack`]
    Nack,
    /// [`Body::Gossip`]
    Gossip,
    /// [`Body::Sync`]
    Sync,
}

impl NodeInfo {
    /// The longest name, in bytes.
    pub const NAME_LIMIT: usize = 128;
    /// The most metadata, in bytes (as in memberlist).
    pub const META_LIMIT: usize = 512;

    /// A card without name and metadata.
    pub fn new(peer: Peer, address: Address) -> Self {
        Self { peer, address, name: "".into(), meta: [].into() }
    }
}

impl UserEvent {
    /// The longest name, in bytes.
    pub const NAME_LIMIT: usize = 128;
    /// The largest payload, in bytes: it must fit into one datagram beside the header.
    pub const PAYLOAD_LIMIT: usize = 512;
}

impl PingReq {
    /// The most targets of one request.
    pub const TARGET_LIMIT: usize = 16;
}

impl Incarnation {
    /// The first incarnation of a life.
    pub const fn of_generation(generation: u32) -> Self {
        Self { generation, refutations: 0 }
    }

    /// The next higher one: what an owner takes to outbid a record about itself.
    pub const fn next(self) -> Self {
        match self.refutations.checked_add(1) {
            Some(refutations) => Self { generation: self.generation, refutations },
            None => Self::of_generation(self.generation.saturating_add(1)),
        }
    }
}

impl Status {
    /// Alive or suspect.
    pub const fn is_member(self) -> bool {
        matches!(self, Self::Alive | Self::Suspect)
    }
}

impl UpdateKind {
    /// The state that this news reports; `None` for a user event.
    pub const fn status(&self) -> Option<Status> {
        match self {
            Self::Alive(_) => Some(Status::Alive),
            Self::Suspect { .. } => Some(Status::Suspect),
            Self::Dead => Some(Status::Dead),
            Self::Left => Some(Status::Left),
            Self::User(_) => None,
        }
    }
}

impl Body {
    /// Its kind.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Ping { .. } => MessageKind::Ping,
            Self::Ack { .. } => MessageKind::Ack,
            Self::PingReq(_) => MessageKind::PingReq,
            Self::IndirectAck { .. } => MessageKind::IndirectAck,
            Self::Nack { .. } => MessageKind::Nack,
            Self::Gossip => MessageKind::Gossip,
            Self::Sync(_) => MessageKind::Sync,
        }
    }
}

impl MessageKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::Ping, Self::Ack, Self::PingReq, Self::IndirectAck, Self::Nack, Self::Gossip, Self::Sync];

    /// The name in tables and timelines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Ack => "ack",
            Self::PingReq => "ping-req",
            Self::IndirectAck => "relayed",
            Self::Nack => "nack",
            Self::Gossip => "gossip",
            Self::Sync => "sync",
        }
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.generation, self.refutations)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Dead => "dead",
            Self::Left => "left",
        })
    }
}

/// How many bytes messages take. `wire` knows; the protocol asks, to fill a packet and to count traffic.
pub trait Sizer: Send + Sync {
    /// A packet without its updates, but with room for them: what sealing and framing add included.
    fn bare(&self, packet: &Packet) -> u32;
    /// EventKind one more update adds to a packet.
    fn update(&self, update: &Update) -> u32;
}
