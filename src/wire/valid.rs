//! Checks of packets' values, the same for encoding and decoding.

use std::error::Error;
use std::fmt;

use swimlab_selectors::{Coordinate, Location};

use crate::protocol::{Body, Id, NodeInfo, Packet, PingReq, Update, UpdateKind, UserEvent};

/// The most updates of one packet. No datagram holds as many; a stream that has more to say sends a sync.
pub const UPDATE_LIMIT: usize = u16::MAX as usize;

/// The most records of one sync: a million members, each of them suspected (which takes a second record).
pub const RECORD_LIMIT: usize = 1 << 21;

/// Reason why a well-formed packet is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalid {
    /// Something is longer than its limit.
    Excess {
        /// The thing that is too long.
        what: Limited,
        /// Its length.
        found: usize,
    },
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
}

/// Things with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limited {
    /// Updates of one packet: [`UPDATE_LIMIT`].
    Updates,
    /// Records of one sync: [`RECORD_LIMIT`].
    Records,
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
    /// A packet on a stream: [`super::FRAME_LIMIT`].
    Frame,
}

impl Limited {
    /// The limit: a number of items for updates, records and targets, of bytes for the rest.
    pub const fn limit(self) -> usize {
        match self {
            Self::Updates => UPDATE_LIMIT,
            Self::Records => RECORD_LIMIT,
            Self::Targets => PingReq::TARGET_LIMIT,
            Self::Name => NodeInfo::NAME_LIMIT,
            Self::Meta => NodeInfo::META_LIMIT,
            Self::EventName => UserEvent::NAME_LIMIT,
            Self::Payload => UserEvent::PAYLOAD_LIMIT,
            Self::Frame => super::FRAME_LIMIT,
        }
    }

    /// Refuses a length above the limit.
    pub(super) fn check(self, found: usize) -> Result<(), Invalid> {
        if found <= self.limit() { Ok(()) } else { Err(Invalid::Excess { what: self, found }) }
    }
}

/// Checks a whole packet.
pub(super) fn packet(packet: &Packet) -> Result<(), Invalid> {
    match &packet.body {
        Body::PingReq(request) => Limited::Targets.check(request.targets.len())?,
        Body::Sync(table) => {
            Limited::Records.check(table.records.len())?;
            table.records.iter().try_for_each(update)?;
        }
        _ => (),
    }
    if let Some(at) = &packet.coordinate {
        coordinate(&at.at)?;
    }
    Limited::Updates.check(packet.updates.len())?;
    packet.updates.iter().try_for_each(update)
}

/// Checks an update.
fn update(update: &Update) -> Result<(), Invalid> {
    match &update.kind {
        UpdateKind::Alive(node) => {
            if node.peer.id != update.id {
                return Err(Invalid::ForeignNode { update: update.id, node: node.peer.id });
            }
            node_texts(&node.name, &node.meta)?;
            node.peer.location.as_ref().map_or(Ok(()), location)
        }
        UpdateKind::User(event) => event_texts(&event.name, &event.payload),
        UpdateKind::Suspect { .. } | UpdateKind::Dead | UpdateKind::Left => Ok(()),
    }
}

/// Checks the name and metadata of a member.
pub(super) fn node_texts(name: &str, meta: &[u8]) -> Result<(), Invalid> {
    Limited::Name.check(name.len())?;
    Limited::Meta.check(meta.len())
}

/// Checks the name and payload of an application event.
pub(super) fn event_texts(name: &str, payload: &[u8]) -> Result<(), Invalid> {
    Limited::EventName.check(name.len())?;
    Limited::Payload.check(payload.len())
}

/// Checks a location.
pub(super) fn location(location: &Location) -> Result<(), Invalid> {
    match *location {
        Location::Plane { x, y } if x.is_finite() && y.is_finite() => Ok(()),
        Location::Learned { .. } => Ok(()),
        Location::Globe { lat, lon } if (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon) => Ok(()),
        Location::Globe { lat, lon } if lat.is_finite() && lon.is_finite() => Err(Invalid::OffTheGlobe),
        _ => Err(Invalid::NotFinite),
    }
}

/// Checks a network coordinate.
pub(super) fn coordinate(at: &Coordinate) -> Result<(), Invalid> {
    let finite = at.vector.iter().chain([&at.height, &at.adjustment, &at.error]).all(|number| number.is_finite());
    if finite { Ok(()) } else { Err(Invalid::NotFinite) }
}

impl Error for Invalid {}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excess { what, found } => write!(f, "{what}: {found} is more than the {} allowed", what.limit()),
            Self::NotFinite => f.write_str("a coordinate is infinite or not a number"),
            Self::OffTheGlobe => f.write_str("a latitude beyond 90 or a longitude beyond 180 degrees"),
            Self::ForeignNode { update, node } => {
                write!(f, "an alive update about {update:016x} describes {node:016x}")
            }
        }
    }
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Updates => "updates of a packet",
            Self::Records => "records of a sync",
            Self::Targets => "targets of a ping request",
            Self::Name => "bytes of a member's name",
            Self::Meta => "bytes of a member's metadata",
            Self::EventName => "bytes of a user event's name",
            Self::Payload => "bytes of a user event's payload",
            Self::Frame => "bytes of a packet on a stream",
        })
    }
}
