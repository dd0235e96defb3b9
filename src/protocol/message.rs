//! Messages between members. The codec in `wire` encodes these values as bytes; the simulator passes them as they are.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use smallvec::SmallVec;
use swimlab_selectors::rng::mix;
use swimlab_selectors::{Coordinate, Peer};

/// A member's identity: unique, stable over restarts, spread over the whole range.
pub type Id = u64;

/// A member's network address: an IPv6 address (IPv4 as a mapped one) and a port. Only drivers interpret it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The IP address, in network byte order.
    pub ip: [u8; 16],
    /// The port.
    pub port: u16,
}

/// Version of a record about a member: its generation (the number of its life), then its refutations within that life.
///
/// Only the member itself raises it. The higher incarnation wins, whatever state it reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Incarnation {
    /// The number of the life; the driver raises it with each restart.
    pub generation: u32,
    /// The number of refutations and changes in this life.
    pub refutations: u32,
}

/// State of a member in a record. At equal incarnation the later one in this order wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// It answers, or is not suspected yet.
    Alive,
    /// A member got no answer from it; it may refute.
    Suspect,
    /// It was declared dead.
    Dead,
    /// It left of its own accord.
    Left,
}

/// Published description of a member. Immutable; a change comes with a higher incarnation.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeInfo {
    /// Id, location, zone path and site.
    pub peer: Peer,
    /// The address it listens at.
    pub address: Address,
    /// A readable name of at most [`NodeInfo::NAME_LIMIT`] bytes, without control characters. Empty for members of
    /// experiments; agents have names.
    pub name: Box<str>,
    /// Opaque metadata, at most [`NodeInfo::META_LIMIT`] bytes.
    pub meta: Box<[u8]>,
}

/// An update that rides on messages: a record about a member, or an application event.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Update {
    /// The member it is about; for an application event, its sender.
    pub id: Id,
    /// The incarnation of the member that it is about.
    pub incarnation: Incarnation,
    /// The content.
    pub kind: UpdateKind,
}

/// Updates on a packet: nearly always none or one.
pub type Updates = SmallVec<[Update; 1]>;

/// The content of an [`Update`].
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum UpdateKind {
    /// The member is alive. Written by the member itself.
    Alive(Arc<NodeInfo>),
    /// `by` got no answer from it.
    Suspect {
        /// The member that suspects it.
        by: Id,
    },
    /// It was declared dead.
    Dead,
    /// It left of its own accord.
    Left,
    /// An application event: not about membership.
    User(Arc<UserEvent>),
}

/// An application event, spread like any other update.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserEvent {
    /// Counts the events of one sender in one life.
    pub seq: u32,
    /// The kind of event, chosen by the application; at most [`UserEvent::NAME_LIMIT`] bytes, without control
    /// characters.
    pub name: Box<str>,
    /// Opaque, at most [`UserEvent::PAYLOAD_LIMIT`] bytes.
    pub payload: Box<[u8]>,
}

/// A message of one member's application to another's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DirectMessage {
    /// The part of the application that it is for.
    pub channel: u8,
    /// Opaque, at most [`DirectMessage::PAYLOAD_LIMIT`] bytes.
    pub payload: Box<[u8]>,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// The sender.
    pub from: Id,
    /// The sender's own incarnation.
    pub incarnation: Incarnation,
    /// Sender's belief about the receiver: pairwise anti-entropy.
    pub peer_view: PeerView,
    /// The kind-specific part.
    pub body: Body,
    /// Updates that ride on it.
    pub updates: Updates,
    /// Extension: the sender's network coordinate.
    pub coordinate: Option<Box<WithCoordinate>>,
}

/// Sender's belief about the receiver, so that a receiver with a newer incarnation can refute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PeerView {
    /// No record: the receiver should introduce itself.
    #[default]
    Unknown,
    /// It is a member with this incarnation (suspected or not).
    Member(Incarnation),
    /// It was declared dead at this incarnation.
    Dead(Incarnation),
}

/// The kind-specific part of a message.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Body {
    /// Asks for an ack.
    Ping {
        /// Returned by the ack.
        seq: u32,
    },
    /// Answers a ping.
    Ack {
        /// The ping's sequence number.
        seq: u32,
    },
    /// Asks a helper for indirect pings.
    PingReq(Box<PingReq>),
    /// Tells the origin of a ping request that a target answered its helper.
    IndirectAck {
        /// The ping request's sequence number.
        seq: u32,
        /// The target that answered.
        target: Id,
    },
    /// Tells the origin of a ping request that a target did not answer in time (Lifeguard, section IV-A).
    Nack {
        /// The ping request's sequence number.
        seq: u32,
        /// The target that did not answer.
        target: Id,
    },
    /// Carries updates only.
    Gossip,
    /// Carries the sender's whole table, or those parts of it that differ, over a stream.
    Sync(Box<StateSync>),
    /// Carries a digest of the sender's table, so that two members that know the same exchange no table.
    Digest {
        /// Whether the sender wants the receiver's digest in return.
        wants_reply: bool,
        /// The digest.
        digest: u64,
    },
    /// Carries a message of the application, and no updates.
    Direct(Arc<DirectMessage>),
}

/// A request for indirect pings of one or more targets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PingReq {
    /// Returned by [`Body::IndirectAck`] and [`Body::Nack`].
    pub seq: u32,
    /// The time after which the helper sends a nack, in microseconds; 0: it sends none.
    pub nack_after_us: u32,
    /// The members to ping; at most [`PingReq::TARGET_LIMIT`].
    pub targets: Vec<PeerAddress>,
}

/// A member's id and address: all that a helper needs to ping it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddress {
    /// The member's id.
    pub id: Id,
    /// The member's address.
    pub address: Address,
}

/// A whole table of members, for joining and for state sync (memberlist's push-pull).
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct StateSync {
    /// Whether the sender wants the receiver's table in return.
    pub wants_reply: bool,
    /// Whether the sender is joining and knows no other member yet.
    pub joining: bool,
    /// One record per member; a suspect's follows its alive record.
    pub records: Vec<Update>,
    /// Digests of the parts of the sender's table, for a reply with only those parts that differ; none: the whole table.
    /// At most [`StateSync::PART_LIMIT`].
    pub parts: Vec<u32>,
}

impl StateSync {
    /// The most parts of a table.
    pub const PART_LIMIT: usize = 4096;

    /// A whole table.
    pub const fn whole(wants_reply: bool, joining: bool, records: Vec<Update>) -> Self {
        Self { wants_reply, joining, records, parts: Vec::new() }
    }
}

/// The sender's network coordinate, for selectors that learn distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WithCoordinate {
    /// The coordinate.
    pub at: Coordinate,
    /// On acks: a member that may be near the receiver.
    pub hint: Option<NeighborHint>,
}

/// A member that may be near the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighborHint {
    /// The member's id.
    pub id: Id,
    /// The estimated round-trip time from the receiver, in microseconds.
    pub rtt_us: u32,
}

/// The kind of a message, for counters and for rules about which messages carry updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    /// [`Body::Digest`]
    Digest,
    /// [`Body::Direct`]
    Direct,
    /// A kind that SWIM does not have, by the number that a detector of a user's own gives it. Numbers up to 239 are told
    /// apart in trace hashes and draws; no SWIM member sends it, and the wire format has none.
    Other(u8),
}

impl NodeInfo {
    /// The longest name, in bytes.
    pub const NAME_LIMIT: usize = 128;
    /// The most metadata, in bytes (as in memberlist).
    pub const META_LIMIT: usize = 512;

    /// A member without name and metadata.
    pub fn new(peer: Peer, address: Address) -> Self {
        Self { peer, address, name: "".into(), meta: [].into() }
    }
}

/// Leaves out the location: it is made of floating-point numbers, and two descriptions rarely differ in it alone.
impl Hash for NodeInfo {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Self { peer, address, name, meta } = self;
        (peer.id, peer.zone, peer.site, address, name, meta).hash(hasher);
    }
}

impl UserEvent {
    /// The longest name, in bytes.
    pub const NAME_LIMIT: usize = 128;
    /// The largest payload, in bytes: it must fit into one datagram beside the header.
    pub const PAYLOAD_LIMIT: usize = 512;
}

impl DirectMessage {
    /// The largest payload, in bytes: datagrams of this size reach every host on common networks.
    pub const PAYLOAD_LIMIT: usize = 1200;
}

impl PingReq {
    /// The most targets of one request.
    pub const TARGET_LIMIT: usize = 16;
}

/// Leaves out the coordinate, which is made of floating-point numbers.
impl Hash for Packet {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Self { from, incarnation, peer_view, body, updates, coordinate: _ } = self;
        (from, incarnation, peer_view, body, updates).hash(hasher);
    }
}

impl Incarnation {
    /// A hash of this incarnation of a member, for digests of tables.
    pub(super) fn hash_with(self, id: Id) -> u64 {
        mix(id ^ mix(u64::from(self.generation) << 32 | u64::from(self.refutations)))
    }

    /// The highest incarnation.
    pub const HIGHEST: Self = Self { generation: u32::MAX, refutations: u32::MAX };

    /// The first incarnation of a life.
    pub const fn of_generation(generation: u32) -> Self {
        Self { generation, refutations: 0 }
    }

    /// The next higher incarnation, for a refutation or a change. Only the highest one of all has none and stays as it
    /// is; drivers keep packets that come near it from a member, since nothing can override them.
    pub const fn next(self) -> Self {
        match self.refutations.checked_add(1) {
            Some(refutations) => Self { generation: self.generation, refutations },
            None => self.next_life(),
        }
    }

    /// The first incarnation of the next generation; in the last generation, the next refutation.
    pub const fn next_life(self) -> Self {
        match self.generation.checked_add(1) {
            Some(generation) => Self::of_generation(generation),
            None => Self { generation: self.generation, refutations: self.refutations.saturating_add(1) },
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
    /// The state that the update reports; `None` for an application event.
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
    /// The kind of message.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Ping { .. } => MessageKind::Ping,
            Self::Ack { .. } => MessageKind::Ack,
            Self::PingReq(_) => MessageKind::PingReq,
            Self::IndirectAck { .. } => MessageKind::IndirectAck,
            Self::Nack { .. } => MessageKind::Nack,
            Self::Gossip => MessageKind::Gossip,
            Self::Sync(_) => MessageKind::Sync,
            Self::Digest { .. } => MessageKind::Digest,
            Self::Direct(_) => MessageKind::Direct,
        }
    }
}

impl MessageKind {
    /// All kinds of SWIM's messages, by their codes. The first eight have their code as number on the wire.
    pub const ALL: [Self; 9] = [
        Self::Ping,
        Self::Ack,
        Self::PingReq,
        Self::IndirectAck,
        Self::Nack,
        Self::Gossip,
        Self::Sync,
        Self::Digest,
        Self::Direct,
    ];

    /// The number in trace hashes, in draws and in counters. It never changes.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ping => 0,
            Self::Ack => 1,
            Self::PingReq => 2,
            Self::IndirectAck => 3,
            Self::Nack => 4,
            Self::Gossip => 5,
            Self::Sync => 6,
            Self::Digest => 7,
            Self::Direct => 8,
            // The numbers between are for more of SWIM's.
            Self::Other(number) => 16_u8.saturating_add(number),
        }
    }

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
            Self::Digest => "digest",
            Self::Direct => "direct",
            Self::Other(_) => "other",
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

/// Sizes of encoded messages, implemented in `wire`. The protocol needs them to fill packets and to count traffic.
pub trait Sizer: Send + Sync {
    /// The size of a packet without its updates, in bytes, including what sealing adds.
    fn bare(&self, packet: &Packet) -> u32;
    /// The bytes that an update adds to a packet.
    fn update(&self, update: &Update) -> u32;
}
