//! Layout of packets in bytes. Each struct is one MessagePack array, its fields in order.
//!
//! These types keep serde out of `protocol`, and the format independent of the types there.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::protocol::{Address, Id, Incarnation, PeerAddress, UserEvent};

/// The version of most packets: their first byte.
pub const VERSION: u8 = 1;

/// The version of the packets that version 1 does not have: digests and requests for parts of a table. All others are
/// written as version 1, so that members that read only that understand them.
pub(super) const DIGEST_VERSION: u8 = 2;

/// The version of direct messages, which earlier versions do not have.
pub(super) const DIRECT_VERSION: u8 = 3;

/// The first byte of every packet of a cluster with a label that sends plain text. No other packet has it.
pub const LABEL_VERSION: u8 = 0x41;

/// The first byte of everything sealed in this format. No version of a plain packet has it.
#[cfg(feature = "seal")]
pub const SEAL_VERSION: u8 = 0x81;

/// Bytes before the first MessagePack value: version, kind and flags, number of updates.
pub(super) const ENVELOPE: usize = 4;

/// The bits of the second byte that hold the kind; the others are flags.
pub(super) const KIND: u8 = 0x0f;
/// Kind of a sync with digests of parts. The kinds below have the number of their
/// [`MessageKind`](crate::protocol::MessageKind).
pub(super) const SYNC_OF_PARTS: u8 = 8;
/// Kind of a direct message.
pub(super) const DIRECT: u8 = 9;
/// Flag: the sender has a record of the receiver as a member.
pub(super) const SEEN_MEMBER: u8 = 0x10;
/// Flag: the sender has a record of the receiver as dead.
pub(super) const SEEN_DEAD: u8 = 0x20;
/// Flag: a coordinate follows the head.
pub(super) const COORDINATE: u8 = 0x40;

/// Flag, with [`COORDINATE`] only: a neighbor hint follows the coordinate.
pub(super) const HINT: u8 = 0x80;

/// Kinds of update, the first element of an update's array.
pub(super) mod tag {
    pub(in crate::wire) const ALIVE: u8 = 0;
    pub(in crate::wire) const SUSPECT: u8 = 1;
    pub(in crate::wire) const DEAD: u8 = 2;
    pub(in crate::wire) const LEFT: u8 = 3;
    pub(in crate::wire) const USER: u8 = 4;
}

/// The sender, without a record of the receiver.
#[derive(Serialize, Deserialize)]
pub(super) struct Head {
    pub from: Id,
    pub generation: u32,
    pub refutations: u32,
}

/// The sender, and the incarnation in its record of the receiver.
#[derive(Serialize, Deserialize)]
pub(super) struct PeerViewHead {
    pub from: Id,
    pub generation: u32,
    pub refutations: u32,
    pub seen_generation: u32,
    pub seen_refutations: u32,
}

/// Vector, height, adjustment, error.
pub(super) type Coordinate = [f32; 11];

/// A member near the receiver.
#[derive(Serialize, Deserialize)]
pub(super) struct NeighborHint {
    pub id: Id,
    pub rtt_us: u32,
}

/// The body of a ping or an ack: a bare integer.
pub(super) type Seq = u32;

/// The body of an indirect ack or a nack.
#[derive(Serialize, Deserialize)]
pub(super) struct ProbeReply {
    pub seq: u32,
    pub target: Id,
}

/// The body of a ping request; `targets` [`PeerAddress`]s follow.
#[derive(Serialize, Deserialize)]
pub(super) struct PingReqHeader {
    pub seq: u32,
    pub nack_after_us: u32,
    pub targets: u32,
}

/// One target of a ping request.
#[derive(Serialize, Deserialize)]
pub(super) struct TargetRecord {
    pub id: Id,
    pub address: SocketBytes,
}

/// The body of a sync; `records` updates follow.
#[derive(Serialize, Deserialize)]
pub(super) struct SyncHeader {
    pub wants_reply: bool,
    pub joining: bool,
    pub records: u32,
}

/// The body of a digest.
#[derive(Serialize, Deserialize)]
pub(super) struct DigestRecord {
    pub wants_reply: bool,
    pub digest: u64,
}

/// The body of a sync of parts; `parts` digests follow, then `records` updates.
#[derive(Serialize, Deserialize)]
pub(super) struct PartialSyncHeader {
    pub wants_reply: bool,
    pub joining: bool,
    pub parts: u32,
    pub records: u32,
}

/// The part that all updates have. After it: alive a [`NodeInfo`], suspect a bare id, user an [`UserEvent`].
#[derive(Serialize, Deserialize)]
pub(super) struct UpdateHeader {
    pub tag: u8,
    pub id: Id,
    pub generation: u32,
    pub refutations: u32,
}

/// The part of an alive update that describes the member.
#[derive(Serialize, Deserialize)]
pub(super) struct NodeInfo<'a> {
    pub address: SocketBytes,
    pub location: Option<Location>,
    pub zone: [Option<u32>; 3],
    pub site: Option<u32>,
    pub name: &'a str,
    #[serde(borrow)]
    pub meta: Bytes<'a>,
}

/// A location: x and y of the plane, or latitude and longitude; or a learned one, as a byte string.
pub(super) enum Location {
    Given { globe: bool, first: Real, second: Real },
    Learned([u8; 6]),
}

/// A user event.
#[derive(Serialize, Deserialize)]
pub(super) struct EventRecord<'a> {
    pub seq: u32,
    pub name: &'a str,
    #[serde(borrow)]
    pub payload: Bytes<'a>,
}

/// The body of a direct message.
#[derive(Serialize, Deserialize)]
pub(super) struct DirectRecord<'a> {
    pub channel: u8,
    #[serde(borrow)]
    pub payload: Bytes<'a>,
}

/// A number that takes single precision where that loses nothing, double where it would.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Real(pub f64);

/// A byte string, borrowed from the input.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Bytes<'a>(#[serde(borrow)] pub &'a [u8]);

/// IP and port as one byte string: 6 bytes for IPv4, 18 for IPv6.
#[derive(Clone, Copy)]
pub(super) struct SocketBytes([u8; 18]);

/// The offset of an IPv4 address in its IPv6-mapped form.
const MAPPED: usize = 12;

impl Real {
    /// Whether single precision represents it exactly.
    pub(super) fn is_single(self) -> bool {
        f64::from(self.0 as f32) == self.0
    }
}

impl SocketBytes {
    /// Whether the address has the short form.
    pub(super) fn is_mapped(address: &Address) -> bool {
        const PREFIX: [u8; MAPPED] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        address.ip[..MAPPED] == PREFIX
    }
}

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_single() { serializer.serialize_f32(self.0 as f32) } else { serializer.serialize_f64(self.0) }
    }
}

impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Given { globe, first, second } => (globe, first, second).serialize(serializer),
            Self::Learned(axes) => serializer.serialize_bytes(axes),
        }
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> de::Visitor<'de> for Either {
            type Value = Location;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of three, or 6 bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Location, E> {
                bytes.try_into().map(Location::Learned).map_err(|_| E::invalid_length(bytes.len(), &self))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, array: A) -> Result<Location, A::Error> {
                let (globe, first, second) = Deserialize::deserialize(de::value::SeqAccessDeserializer::new(array))?;
                Ok(Location::Given { globe, first, second })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl From<[i16; 3]> for Location {
    fn from(at: [i16; 3]) -> Self {
        let mut axes = [0; 6];
        axes.chunks_exact_mut(2).zip(at).for_each(|(axis, number)| axis.copy_from_slice(&number.to_be_bytes()));
        Self::Learned(axes)
    }
}

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for SocketBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let short = Self::is_mapped(&Address::from(*self));
        serializer.serialize_bytes(if short { &self.0[MAPPED..] } else { &self.0 })
    }
}

impl<'de> Deserialize<'de> for SocketBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        let mut socket = Self([0; 18]);
        match bytes.len() {
            6 => socket.0[MAPPED - 2..MAPPED].fill(0xff),
            18 => (),
            len => return Err(de::Error::invalid_length(len, &"6 or 18 bytes")),
        }
        socket.0[18 - bytes.len()..].copy_from_slice(bytes);
        Ok(socket)
    }
}

impl From<&Address> for SocketBytes {
    fn from(address: &Address) -> Self {
        let mut bytes = [0; 18];
        bytes[..16].copy_from_slice(&address.ip);
        bytes[16..].copy_from_slice(&address.port.to_be_bytes());
        Self(bytes)
    }
}

impl From<SocketBytes> for Address {
    fn from(SocketBytes(bytes): SocketBytes) -> Self {
        let [ip @ .., high, low] = bytes;
        Self { ip, port: u16::from_be_bytes([high, low]) }
    }
}

impl From<&PeerAddress> for TargetRecord {
    fn from(target: &PeerAddress) -> Self {
        Self { id: target.id, address: (&target.address).into() }
    }
}

impl UpdateHeader {
    /// The incarnation of the update.
    pub(super) fn incarnation(&self) -> Incarnation {
        Incarnation { generation: self.generation, refutations: self.refutations }
    }
}

impl<'a> From<&'a UserEvent> for EventRecord<'a> {
    fn from(event: &'a UserEvent) -> Self {
        Self { seq: event.seq, name: &event.name, payload: Bytes(&event.payload) }
    }
}
