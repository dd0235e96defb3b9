//! Name conflicts: two processes of one name. Ids are made from names, so both claim one id.
//!
//! The later generation keeps the name; of two equal generations, the higher address does. Neither a record nor the source
//! of a packet proves that another process lives: both may be this member's own, old or sent back by somebody else. So a
//! member pings the address in question with a random number that only a process of this id at this address can return in
//! an ack. A process that does so and has the better claim displaces this one, which stops without a message, since any
//! message would be about the other process, too. A record whose process does not answer belongs to an earlier life of
//! this member and is refuted.

use std::sync::Arc;

use swimlab_selectors::rng::bits;

use super::addressee::Addressee;
use super::cold::NameConflict;
use super::{Member, Outbox};
use crate::protocol::event::{Event, EventKind, EventSource};
use crate::protocol::message::{Address, Body, Incarnation, Packet, PeerView, Update, UpdateKind};
use crate::protocol::time::Time;

/// Pings without an answer, one a period, after which no other process is assumed at the address.
pub(super) const PING_LIMIT: u32 = 3;

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
        if self.has_better_claim(incarnation, address) {
            self.challenge(now, NameConflict::new(incarnation, address, source), out);
        } else {
            // An earlier life of this member, or a process that will give way.
            self.refute(now, incarnation, source, out);
        }
    }

    /// Handles a packet from a process with this member's own id.
    pub(super) fn handle_own_id(&mut self, now: Time, from: Address, packet: &Packet, out: &mut Outbox) {
        let conflict = self.cold.as_ref().and_then(|cold| cold.name_conflict.as_ref());
        let challenge = conflict.map(|conflict| (conflict.seq, conflict.address));
        let source = EventSource::Heard(self.id);
        match &packet.body {
            &Body::Ack { seq } => {
                if let Some((_, address)) = challenge.filter(|&(number, _)| number == seq) {
                    self.resolve_name_conflict(packet.incarnation, address, out);
                }
            }
            // The challenge itself, come back: the address is one of this member's own.
            &Body::Ping { seq } if challenge.is_some_and(|(number, _)| number == seq) => {
                self.cold().name_conflict = None;
            }
            &Body::Ping { seq } => {
                self.send(Addressee::unknown(self.id, from), Body::Ack { seq }, None, out);
                self.challenge_sender(now, packet.incarnation, from, out);
            }
            // The remote address of a stream is not the one that the other process listens at, but its record has that. A
            // process with the worse claim is challenged, too, and so learns of this one.
            Body::Sync(sync) => {
                if let Some(address) = sync.records.iter().find_map(|record| self.address_of_other_life(record)) {
                    self.challenge(now, NameConflict::new(packet.incarnation, address, source), out);
                }
            }
            _ => self.challenge_sender(now, packet.incarnation, from, out),
        }
    }

    /// Once per period: challenges the other claimant again, or refutes its record if it never answered.
    pub(super) fn ping_name_claimant(&mut self, now: Time, out: &mut Outbox) {
        let Some(conflict) = self.cold.as_mut().and_then(|cold| cold.name_conflict.as_mut()) else { return };
        if conflict.pings == PING_LIMIT {
            let (incarnation, source) = (conflict.incarnation, conflict.source);
            self.cold().name_conflict = None;
            return self.refute(now, incarnation, source, out);
        }
        conflict.pings += 1;
        let (address, seq) = (conflict.address, conflict.seq);
        self.send(Addressee::unknown(self.id, address), Body::Ping { seq }, None, out);
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

    /// Whether a process at this address would keep the name.
    fn has_better_claim(&self, incarnation: Incarnation, address: Address) -> bool {
        (incarnation.generation, address) > (self.incarnation.generation, self.node().address)
    }

    /// Challenges the sender of a packet that may be another process with the better claim.
    fn challenge_sender(&mut self, now: Time, incarnation: Incarnation, from: Address, out: &mut Outbox) {
        // An equal incarnation is most likely this member's own packet, come back.
        if incarnation != self.incarnation && self.has_better_claim(incarnation, from) {
            self.challenge(now, NameConflict::new(incarnation, from, EventSource::Heard(self.id)), out);
        }
    }

    /// Begins a conflict, unless one is under way. A higher incarnation takes precedence, so that packets that are sent back
    /// to this member, whose incarnations are its own at most, cannot keep it from noticing a real conflict.
    fn challenge(&mut self, now: Time, conflict: NameConflict, out: &mut Outbox) {
        if let Some(known) = self.cold().name_conflict.as_mut() {
            if known.address == conflict.address {
                known.incarnation = known.incarnation.max(conflict.incarnation);
                return;
            }
            if conflict.incarnation <= known.incarnation {
                return;
            }
        }
        let seq = bits(&mut self.rng) as u32;
        self.cold().name_conflict = Some(NameConflict { seq, ..conflict });
        self.ping_name_claimant(now, out);
    }

    /// Stops this member if the process that has answered its challenge keeps the name. If not, that process will stop.
    fn resolve_name_conflict(&mut self, incarnation: Incarnation, address: Address, out: &mut Outbox) {
        self.cold().name_conflict = None;
        if self.has_better_claim(incarnation, address) {
            let source = EventSource::Heard(self.id);
            out.events.push(Event { about: self.id, incarnation, kind: EventKind::Displaced, source });
            self.stop();
        }
    }

    /// The address in an alive record of this member, if it is not its own.
    fn address_of_other_life(&self, record: &Update) -> Option<Address> {
        match &record.kind {
            UpdateKind::Alive(node) if record.id == self.id && node.address != self.node().address => {
                Some(node.address)
            }
            _ => None,
        }
    }
}

impl NameConflict {
    fn new(incarnation: Incarnation, address: Address, source: EventSource) -> Self {
        Self { address, incarnation, source, pings: 0, seq: 0 }
    }
}
