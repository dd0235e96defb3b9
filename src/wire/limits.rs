//! Limits of packets and their parts, the same for encoding and decoding.

use std::fmt;

use crate::protocol::{DirectMessage, NodeInfo, PingReq, StateSync, UserEvent};

/// The most updates of one packet. No datagram holds as many; a stream that has more to say sends a sync.
pub const UPDATE_LIMIT: usize = u16::MAX as usize;

/// The most records of one sync: a million members, each of them suspected (which takes a second record).
pub const RECORD_LIMIT: usize = 1 << 21;

/// Bytes before each packet on a stream.
pub const FRAME_PREFIX: usize = 4;

/// The longest packet on a stream, in bytes: room for the table of a million members.
pub const FRAME_LIMIT: usize = 1 << 27;

/// Part of a packet that has a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limited {
    /// Updates of one packet: [`UPDATE_LIMIT`].
    Updates,
    /// Records of one sync: [`RECORD_LIMIT`].
    Records,
    /// Digests of one sync: [`StateSync::PART_LIMIT`].
    Parts,
    /// Targets of one ping request: [`PingReq::TARGET_LIMIT`].
    Targets,
    /// A member's name: [`NodeInfo::NAME_LIMIT`].
    Name,
    /// A member's metadata: [`NodeInfo::META_LIMIT`].
    Meta,
    /// A user event's name: [`UserEvent::NAME_LIMIT`].
    EventName,
    /// A user event's payload: [`UserEvent::PAYLOAD_LIMIT`].
    Payload,
    /// A direct message's payload: [`DirectMessage::PAYLOAD_LIMIT`].
    DirectPayload,
    /// A packet on a stream: [`FRAME_LIMIT`].
    Frame,
}

impl Limited {
    /// The limit: a number of items for updates, records, digests and targets, of bytes for the rest.
    pub const fn limit(self) -> usize {
        match self {
            Self::Updates => UPDATE_LIMIT,
            Self::Records => RECORD_LIMIT,
            Self::Parts => StateSync::PART_LIMIT,
            Self::Targets => PingReq::TARGET_LIMIT,
            Self::Name => NodeInfo::NAME_LIMIT,
            Self::Meta => NodeInfo::META_LIMIT,
            Self::EventName => UserEvent::NAME_LIMIT,
            Self::Payload => UserEvent::PAYLOAD_LIMIT,
            Self::DirectPayload => DirectMessage::PAYLOAD_LIMIT,
            Self::Frame => FRAME_LIMIT,
        }
    }
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Updates => "updates of a packet",
            Self::Records => "records of a sync",
            Self::Parts => "digests of a sync",
            Self::Targets => "targets of a ping request",
            Self::Name => "bytes of a member's name",
            Self::Meta => "bytes of a member's metadata",
            Self::EventName => "bytes of a user event's name",
            Self::Payload => "bytes of a user event's payload",
            Self::DirectPayload => "bytes of a direct message's payload",
            Self::Frame => "bytes of a packet on a stream",
        })
    }
}
