//! Two processes by one name. Ids are made from names, so both claim one id.
//!
//! The rule: the later generation keeps the name; of two equal generations, the higher address. Who hears of a record of
//! itself with another address asks there for a sign of life. A rival that is alive and has the better claim displaces
//! us: we stop without a word, since every word would be about the rival too. Any other record is a former life's, and
//! is outbid.

use super::*;

/// A process that may go by our name.
#[derive(Debug)]
pub(super) struct Rival {
    address: Address,
    /// The highest incarnation heard of it.
    incarnation: Incarnation,
    source: Source,
    /// How often it was asked for a sign of life.
    asked: u32,
}

/// After so many periods without a sign of life, a rival is taken for a former life of our own.
const PATIENCE: u32 = 3;

impl Member {
    /// Somebody passes on a record of this member with another address.
    pub(super) fn hear_of_rival(
        &mut self,
        now: Time,
        incarnation: Incarnation,
        address: Address,
        source: Source,
        out: &mut Outbox,
    ) {
        let (theirs, own) = ((incarnation.generation, address), (self.incarnation.generation, self.card.address));
        if theirs < own {
            // An earlier life of ours, or a rival that will give way.
            return self.refute(now, incarnation, source, out);
        }
        let rare = self.rare();
        if let Some(rival) = &mut rare.rival
            && rival.address == address
        {
            rival.incarnation = rival.incarnation.max(incarnation);
            return;
        }
        rare.rival = Some(Rival { address, incarnation, source, asked: 0 });
        self.ask_rival(now, out);
    }

    /// Once per period: asks a rival again, or takes back the name from a ghost.
    pub(super) fn ask_rival(&mut self, now: Time, out: &mut Outbox) {
        let Some(rival) = self.rare.as_mut().and_then(|rare| rare.rival.as_mut()) else { return };
        if rival.asked == PATIENCE {
            let (incarnation, source) = (rival.incarnation, rival.source);
            self.rare().rival = None;
            return self.refute(now, incarnation, source, out);
        }
        rival.asked += 1;
        let address = rival.address;
        self.seq = self.seq.wrapping_add(1);
        let to = Addressee { id: self.id, address, seen: Seen::Unknown };
        self.send(to, Body::Ping { seq: self.seq }, None, false, out);
    }

    /// The record of who goes by the name of a sender of this incarnation, if that is somebody later, elsewhere: the
    /// sender has to hear of it.
    pub(super) fn namesake_of(&self, sender: &Addressee, incarnation: Incarnation) -> Option<Update> {
        let Seen::Member(known) = sender.seen else { return None };
        if known.generation <= incarnation.generation {
            return None;
        }
        let card = self.table.card(self.table.slot(sender.id)?);
        let record = || Update { id: sender.id, incarnation: known, news: News::Alive(Arc::clone(card)) };
        (card.address != sender.address).then(record)
    }

    /// A packet from a process of our own name.
    pub(super) fn meet_namesake(&mut self, from: Address, packet: &Packet, out: &mut Outbox) {
        let (theirs, own) = (packet.incarnation, self.incarnation);
        if theirs == own {
            return; // Our own voice.
        }
        // A stream's other end says nothing about where the rival listens.
        let is_higher = !matches!(packet.body, Body::Sync(_)) && from > self.card.address;
        if theirs.generation > own.generation || (theirs.generation == own.generation && is_higher) {
            let event =
                Event { about: self.id, incarnation: theirs, what: What::Displaced, source: Source::Heard(self.id) };
            out.events.push(event);
            return self.stop();
        }
        // It asks whether we are alive, or joins through us: it learns that it must give way.
        if matches!(packet.body, Body::Ping { .. } | Body::Sync(_)) {
            let record = self.own_record();
            let to = Addressee { id: self.id, address: from, seen: Seen::Unknown };
            self.send(to, Body::Gossip, Some(record), false, out);
        }
    }
}
