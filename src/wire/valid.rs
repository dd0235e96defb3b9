//! Checks of packets' values, the same for encoding and decoding.

use swimlab_selectors::{Coordinate, Location, LocationError};

use super::error::Invalid;
use super::limits::Limited;
use crate::protocol::{Address, Body, Packet, Update, UpdateKind, first_control};

impl Limited {
    /// Refuses a length above the limit.
    pub(super) fn check(self, found: usize) -> Result<(), Invalid> {
        if found <= self.limit() { Ok(()) } else { Err(Invalid::Excess { what: self, found }) }
    }
}

/// Checks a whole packet.
pub(super) fn packet(packet: &Packet) -> Result<(), Invalid> {
    match &packet.body {
        Body::PingReq(request) => {
            Limited::Targets.check(request.targets.len())?;
            request.targets.iter().try_for_each(|target| address(target.address))?;
        }
        Body::Sync(table) => {
            Limited::Records.check(table.records.len())?;
            Limited::Parts.check(table.parts.len())?;
            table.records.iter().try_for_each(update)?;
        }
        Body::Direct(message) => Limited::DirectPayload.check(message.payload.len())?,
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
            address(node.address)?;
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
    no_control(name)?;
    Limited::Meta.check(meta.len())
}

/// Checks the name and payload of an application event.
pub(super) fn event_texts(name: &str, payload: &[u8]) -> Result<(), Invalid> {
    Limited::EventName.check(name.len())?;
    no_control(name)?;
    Limited::Payload.check(payload.len())
}

/// Checks the address of a member.
pub(super) fn address(address: Address) -> Result<(), Invalid> {
    address.fault().map_or(Ok(()), |fault| Err(Invalid::Address(fault)))
}

/// Refuses control characters and line breaks in a name.
fn no_control(name: &str) -> Result<(), Invalid> {
    first_control(name).map_or(Ok(()), |found| Err(Invalid::Control(found)))
}

/// Checks a location.
pub(super) fn location(location: &Location) -> Result<(), Invalid> {
    location.validate().map_err(|error| match error {
        LocationError::OutOfRange { .. } => Invalid::OffTheGlobe,
        _ => Invalid::NotFinite,
    })
}

/// Checks a network coordinate.
pub(super) fn coordinate(at: &Coordinate) -> Result<(), Invalid> {
    let finite = at.vector.iter().chain([&at.height, &at.adjustment, &at.error]).all(|number| number.is_finite());
    if finite { Ok(()) } else { Err(Invalid::NotFinite) }
}
