//! Reasons why packets are refused.

use std::error::Error;
use std::fmt;
#[cfg(feature = "seal")]
use std::time::Duration;

#[cfg(feature = "seal")]
use super::layout::SEAL_VERSION;
use super::layout::VERSION;
use super::limits::Limited;
use crate::protocol::{AddressFault, Id};

/// Reason why a well-formed packet is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalid {
    /// A part is longer than its limit.
    Excess {
        /// The thing that is too long.
        what: Limited,
        /// Its length.
        found: usize,
    },
    /// The name of a member or of a user event has this control character or line break.
    Control(char),
    /// A coordinate or location with a number that is infinite or not a number.
    NotFinite,
    /// A latitude or a longitude out of range.
    OffTheGlobe,
    /// An alive update with another member's description.
    ForeignNode {
        /// The member that the update is about.
        update: Id,
        /// The member that it describes.
        node: Id,
    },
    /// A member's address at which no member can listen.
    Address(AddressFault),
}

/// Reason why bytes are not a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ends inside this part.
    Truncated(Part),
    /// A version that this build does not read.
    Version(u8),
    /// A packet of a cluster with another label, or with none.
    Label,
    /// An unknown kind of message.
    MessageKind(u8),
    /// Unknown flags, or flags that exclude each other.
    Flags(u8),
    /// An unknown kind of update.
    UpdateKind(u8),
    /// A part that does not follow the layout.
    Malformed(Part),
    /// Values that are not allowed.
    Invalid(Invalid),
    /// The number of bytes that follow the packet.
    Trailing(usize),
    /// Not the canonical encoding of the packet.
    NotCanonical,
}

/// Part of a packet, for [`DecodeError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// Version, kind, flags, number of updates.
    Envelope,
    /// The sender and what it believes about the receiver.
    Head,
    /// The network coordinate.
    Coordinate,
    /// The recommended neighbor.
    NeighborHint,
    /// The kind-specific part.
    Body,
    /// A target of a ping request.
    Target,
    /// An update or a record of a sync.
    Update,
}

/// Reason why sealed bytes are refused. Only [`OpenError::Packet`] proves that the sender has the key.
#[cfg(feature = "seal")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// Too short to be sealed.
    Short(usize),
    /// Not sealed, or in a way that this build does not know: the first byte.
    NotSealed(u8),
    /// Sealed that long ago: a replay, or the clocks disagree.
    Stale(Duration),
    /// Sealed that far in the future: the clocks disagree.
    Early(Duration),
    /// Accepted before.
    Replayed,
    /// Sealed with another key or for another cluster, or altered since.
    Forged,
    /// Authentic, but not a packet.
    Packet(DecodeError),
}

impl Error for Invalid {}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excess { what, found } => write!(f, "{what}: {found} is more than the {} allowed", what.limit()),
            Self::Control(found) => write!(f, "a name has the control character {}", found.escape_unicode()),
            Self::NotFinite => f.write_str("a coordinate is infinite or not a number"),
            Self::OffTheGlobe => f.write_str("a latitude beyond 90 or a longitude beyond 180 degrees"),
            Self::ForeignNode { update, node } => {
                write!(f, "an alive update about {update:016x} describes {node:016x}")
            }
            Self::Address(fault) => write!(f, "no member can have this address: {fault}"),
        }
    }
}

impl From<Invalid> for DecodeError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl Error for DecodeError {}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated(part) => write!(f, "the input ends inside {part}"),
            Self::Version(version) => write!(f, "unsupported version {version} (expected {VERSION})"),
            Self::Label => f.write_str("a packet of a cluster with another label, or with none"),
            Self::MessageKind(kind) => write!(f, "unknown kind of message {kind}"),
            Self::Flags(flags) => write!(f, "unknown or conflicting flags {flags:#04x}"),
            Self::UpdateKind(tag) => write!(f, "unknown kind of update {tag}"),
            Self::Malformed(part) => write!(f, "{part} does not follow the layout"),
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::Trailing(left) => write!(f, "{left} bytes follow the packet"),
            Self::NotCanonical => f.write_str("the packet is not in its canonical, shortest encoding"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Envelope => "the envelope",
            Self::Head => "the head",
            Self::Coordinate => "the coordinate",
            Self::NeighborHint => "the neighbor hint",
            Self::Body => "the body",
            Self::Target => "a target",
            Self::Update => "an update",
        })
    }
}

#[cfg(feature = "seal")]
impl Error for OpenError {}

#[cfg(feature = "seal")]
impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(len) => write!(f, "{len} bytes are too few to be sealed"),
            Self::NotSealed(first) => write!(f, "not sealed: the first byte is {first:#04x}, not {SEAL_VERSION:#04x}"),
            Self::Stale(by) => write!(f, "sealed {by:.1?} ago: a replay, or the clocks disagree"),
            Self::Early(by) => write!(f, "sealed {by:.1?} in the future: the clocks disagree"),
            Self::Replayed => f.write_str("accepted before: a replay"),
            Self::Forged => f.write_str("sealed with another key or label, or altered"),
            Self::Packet(error) => write!(f, "authentic, but not a packet: {error}"),
        }
    }
}
