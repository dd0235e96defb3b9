//! Name conflicts: two processes of one name. Ids are made from names, so both claim one id.
//!
//! The later generation keeps the name; of two equal generations, the higher address does. A member that receives a
//! record of itself with another address pings that address. A live process there with the better claim displaces this
//! one, which stops without a message, since any message would be about the other process, too. A record whose process
//! does not answer belongs to an earlier life of this member and is refuted.

use std::sync::Arc;

use super::addressee::Addressee;
use super::cold::NameConflict;
use super::{Member, Outbox};
use crate::protocol::event::{Event, EventKind, EventSource};
use crate::protocol::message::{Address, Body, Incarnation, Packet, PeerView, Update, UpdateKind};
use crate::protocol::time::Time;

/// Pings without an answer, one a period, after which a record with another address is taken for an earlier life's.
const PING_LIMIT: u32 = 3;

impl Member {
    /// Handles a record of this member with another address.
    pub(super) fn handle_name_claim(
        &mut self,
        now: Time,
        incarnation: Incarnation,
        address: Address,
        source: EventSource,
        out: &mut Outbox,
    ) {
        let (theirs, own) = ((incarnation.generation, address), (self.incarnation.generation, self.node.address));
        if theirs < own {
            // An earlier life of this member, or a process that will give way.
            return self.refute(now, incarnation, source, out);
        }
        let cold = self.cold();
        if let Some(conflict) = &mut cold.name_conflict
            && conflict.address == address
        {
            conflict.incarnation = conflict.incarnation.max(incarnation);
            return;
        }
        cold.name_conflict = Some(NameConflict { address, incarnation, source, pings: 0 });
        self.ping_name_claimant(now, out);
    }

    /// Once per period: pings the other claimant again, or refutes its record if it never answered.
    pub(super) fn ping_name_claimant(&mut self, now: Time, out: &mut Outbox) {
        let Some(conflict) = self.cold.as_mut().and_then(|cold| cold.name_conflict.as_mut()) else { return };
        if conflict.pings == PING_LIMIT {
            let (incarnation, source) = (conflict.incarnation, conflict.source);
            self.cold().name_conflict = None;
            return self.refute(now, incarnation, source, out);
        }
        conflict.pings += 1;
        let address = conflict.address;
        self.seq = self.seq.wrapping_add(1);
        self.send(Addressee::unknown(self.id, address), Body::Ping { seq: self.seq }, None, out);
    }

    /// The record of the process that displaces a sender of this incarnation: one of the same id with a later
    /// generation at another address. The sender has to learn of it.
    pub(super) fn displacing_record(&self, sender: &Addressee, incarnation: Incarnation) -> Option<Update> {
        let PeerView::Member(known) = sender.peer_view else { return None };
        if known.generation <= incarnation.generation {
            return None;
        }
        let node = self.table.node(self.table.slot(sender.id)?);
        let record = || Update { id: sender.id, incarnation: known, kind: UpdateKind::Alive(Arc::clone(node)) };
        (node.address != sender.address).then(record)
    }

    /// Handles a packet from a process with this member's own id.
    pub(super) fn handle_own_id(&mut self, from: Address, packet: &Packet, out: &mut Outbox) {
        let (theirs, own) = (packet.incarnation, self.incarnation);
        if theirs == own {
            return; // The member's own packet, come back.
        }
        // The remote address of a stream is not the one that the other process listens at.
        let is_higher = !matches!(packet.body, Body::Sync(_)) && from > self.node.address;
        if theirs.generation > own.generation || (theirs.generation == own.generation && is_higher) {
            let event = Event {
                about: self.id,
                incarnation: theirs,
                kind: EventKind::Displaced,
                source: EventSource::Heard(self.id),
            };
            out.events.push(event);
            return self.stop();
        }
        // It checks whether this member is alive, or joins through it: the answer makes it give way.
        if matches!(packet.body, Body::Ping { .. } | Body::Sync(_)) {
            let record = self.own_record();
            self.send(Addressee::unknown(self.id, from), Body::Gossip, Some(record), out);
        }
    }
}
