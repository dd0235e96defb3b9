//! Two processes by one name. Ids are made from names, so both claim one id.
//!
//! The rule: the later generation keeps the name; of two equal generations, the higher address. Who hears of a record of
//! itself with another address asks there for a sign of life. A rival that is alive and has the better claim displaces
//! us: we stop without a word, since every word would be about the rival too. Any other record is a former life's, and
//! is outbid.

use super::*;

/// A process that may go by our name.
#[derive(Debug)]
pub(super) struct NameConflict {
    address: Address,
    /// The highest incarnation heard of it.
    incarnation: Incarnation,
    source: EventSource,
    /// How often it was asked for a sign of life.
    asked: u32,
}

/// After so many periods without a sign of life, a rival is taken for a former life of our own.
const PATIENCE: u32 = 3;

impl Member {
    /// Somebody passes on a record of this member with another address.
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
            // An earlier life of ours, or a rival that will give way.
            return self.refute(now, incarnation, source, out);
        }
        let cold = self.cold();
        if let Some(name_conflict) = &mut cold.name_conflict
            && name_conflict.address == address
        {
            name_conflict.incarnation = name_conflict.incarnation.max(incarnation);
            return;
        }
        cold.name_conflict = Some(NameConflict { address, incarnation, source, asked: 0 });
        self.ping_name_claimant(now, out);
    }

    /// Once per period: asks a rival again, or takes back the name from a ghost.
    pub(super) fn ping_name_claimant(&mut self, now: Time, out: &mut Outbox) {
        let Some(name_conflict) = self.cold.as_mut().and_then(|cold| cold.name_conflict.as_mut()) else { return };
        if name_conflict.asked == PATIENCE {
            let (incarnation, source) = (name_conflict.incarnation, name_conflict.source);
            self.cold().name_conflict = None;
            return self.refute(now, incarnation, source, out);
        }
        name_conflict.asked += 1;
        let address = name_conflict.address;
        self.seq = self.seq.wrapping_add(1);
        let to = Addressee { id: self.id, address, peer_view: PeerView::Unknown };
        self.send(to, Body::Ping { seq: self.seq }, None, false, out);
    }

    /// The record of who goes by the name of a sender of this incarnation, if that is somebody later, elsewhere: the
    /// sender has to hear of it.
    pub(super) fn namesake_of(&self, sender: &Addressee, incarnation: Incarnation) -> Option<Update> {
        let PeerView::Member(known) = sender.peer_view else { return None };
        if known.generation <= incarnation.generation {
            return None;
        }
        let node = self.table.node(self.table.slot(sender.id)?);
        let record = || Update { id: sender.id, incarnation: known, kind: UpdateKind::Alive(Arc::clone(node)) };
        (node.address != sender.address).then(record)
    }

    /// A packet from a process of our own name.
    pub(super) fn meet_namesake(&mut self, from: Address, packet: &Packet, out: &mut Outbox) {
        let (theirs, own) = (packet.incarnation, self.incarnation);
        if theirs == own {
            return; // Our own voice.
        }
        // A stream's other end says nothing about where the rival listens.
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
        // It asks whether we are alive, or joins through us: it learns that it must give way.
        if matches!(packet.body, Body::Ping { .. } | Body::Sync(_)) {
            let record = self.own_record();
            let to = Addressee { id: self.id, address: from, peer_view: PeerView::Unknown };
            self.send(to, Body::Gossip, Some(record), false, out);
        }
    }
}
