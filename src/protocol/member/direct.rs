//! Messages of the application from one member to another, one datagram each. They are neither repeated nor answered here.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use swimlab_selectors::{Context, View};

use super::addressee::Addressee;
use super::broadcast_error::TooLong;
use super::{Lifecycle, Member, Outbox};
use crate::protocol::event::{Event, EventKind, EventSource};
use crate::protocol::message::{Address, Body, DirectMessage, Id, Incarnation, Packet, PeerView, Updates};

impl Member {
    /// Sends a message to the application of another member, which reports it as [`EventKind::Direct`]. It may get lost,
    /// like any datagram.
    ///
    /// # Errors
    /// If `to` is not known as alive or suspected, the payload is longer than [`Member::direct_room`], or this member has
    /// stopped.
    pub fn send_direct(&mut self, to: Id, message: DirectMessage, out: &mut Outbox) -> Result<(), DirectError> {
        TooLong::check(message.payload.len(), self.direct_room()).map_err(DirectError::TooLong)?;
        if self.lifecycle != Lifecycle::Running {
            return Err(DirectError::Stopped);
        }
        let slot = self.table.slot(to).filter(|&slot| self.table.pingable(slot)).ok_or(DirectError::NoMember)?;
        self.send(self.addressee_of(slot), Body::Direct(Arc::new(message)), None, out);
        Ok(())
    }

    /// The largest payload of a direct message, in bytes: [`DirectMessage::PAYLOAD_LIMIT`], or less where datagrams are
    /// smaller.
    pub fn direct_room(&self) -> usize {
        let empty = Packet {
            from: self.id,
            incarnation: Incarnation::HIGHEST,
            peer_view: PeerView::Member(Incarnation::HIGHEST),
            body: Body::Direct(Arc::new(DirectMessage { channel: u8::MAX, payload: [].into() })),
            updates: Updates::new(),
            coordinate: None,
        };
        let taken = self.config.sizer.bare(&empty) + LENGTH_BYTES;
        (self.config.protocol.packet_bytes.saturating_sub(taken) as usize).min(DirectMessage::PAYLOAD_LIMIT)
    }

    /// Up to `want` members to tell something, chosen by the selector like those that get gossip.
    pub fn direct_targets(&mut self, want: usize) -> Vec<Id> {
        self.gossip_targets(want).into_iter().map(|slot| self.table.id(slot)).collect()
    }

    /// The member to compare something with that both know most of, chosen by the selector like a partner of a state sync.
    pub fn sync_target(&mut self) -> Option<Id> {
        self.selector.sync_partner(&mut context!(self)).map(|slot| self.table.id(slot))
    }

    /// Reports a message, if it comes from a member at its own address.
    pub(super) fn report_direct(&mut self, sender: Id, from: Address, message: &Arc<DirectMessage>, out: &mut Outbox) {
        let Some(slot) = self.table.slot(sender).filter(|&slot| self.table.pingable(slot)) else { return };
        if Addressee::of(&self.table.record(slot)).address == from {
            let kind = EventKind::Direct(Arc::clone(message));
            let (incarnation, source) = (self.table.incarnation(slot), EventSource::Heard(sender));
            out.events.push(Event { about: sender, incarnation, kind, source });
        }
    }
}

/// Bytes that the length of a payload takes beyond that of none.
const LENGTH_BYTES: u32 = 1;

/// Reason why a direct message is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirectError {
    /// Its payload is too long.
    TooLong(TooLong),
    /// The receiver is not known as alive or suspected.
    NoMember,
    /// The sender has left, or was displaced by another process of its name.
    Stopped,
}

impl fmt::Display for DirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(error) => error.fmt(f),
            Self::NoMember => f.write_str("the receiver is no member"),
            Self::Stopped => f.write_str("the member has stopped"),
        }
    }
}

impl Error for DirectError {}
