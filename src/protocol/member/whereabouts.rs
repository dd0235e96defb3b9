//! Network coordinates on pings and acks, for selectors that learn distances; those of others say and take nothing.

use swimlab_selectors::{Coordinate, Peer};

use super::*;
use crate::protocol::message::{Located, Tip};

impl Member {
    /// Where the member is, as far as its selector knows. Gauges and operators may ask.
    pub fn coordinate(&self) -> Option<Coordinate> {
        self.selector.coordinate()
    }

    /// What a message of this kind says about that; an ack also recommends somebody, if its ping told where it is from.
    pub(super) fn whereabouts(&mut self, kind: Kind, to: Id) -> Option<Box<Located>> {
        if !self.learns || !matches!(kind, Kind::Ping | Kind::Ack) {
            return None;
        }
        let at = self.selector.coordinate()?;
        let slot = self.table.slot(to).filter(|_| kind == Kind::Ack);
        let news = !self.queue.is_empty();
        let (period, shared_period) = (self.period, self.shared_period);
        let mut ctx =
            Context { view: &self.table, period, shared_period, has_updates: news, rng: &mut self.strategy_rng };
        let tip = slot.and_then(|slot| self.selector.neighbor_hint(&mut ctx, slot));
        Some(Box::new(Located { at, tip: tip.map(|(slot, rtt_us)| Tip { id: self.table.id(slot), rtt_us }) }))
    }

    /// Tells everybody where the member has learnt to be, if its selector says so: a card that changes, as any other.
    pub(super) fn take_place(&mut self, now: Time, out: &mut Outbox) {
        let news = !self.queue.is_empty();
        let (period, shared_period) = (self.period, self.shared_period);
        let mut ctx =
            Context { view: &self.table, period, shared_period, has_updates: news, rng: &mut self.strategy_rng };
        let Some(place) = self.selector.advertised_location(&mut ctx) else { return };
        let card = Card::clone(&self.card);
        self.card = Arc::new(Card { peer: Peer { location: Some(place), ..card.peer }, ..card });
        self.incarnation = self.incarnation.next();
        let (about, incarnation) = (self.id, self.incarnation);
        out.events.push(Event { about, incarnation, what: What::Updated, source: Source::Own });
        self.announce(now, out);
        self.observe(Observation::Moved(self.table.me()));
    }

    /// The sender of a message told where it is.
    pub(super) fn located(&mut self, sender: Id, at: Coordinate) {
        if let Some(slot) = self.table.slot(sender) {
            self.observe(Observation::Coordinate(slot, at));
        }
    }

    /// A peer that was pinged recommends somebody. Strangers are not pinged on its word.
    pub(super) fn tipped(&mut self, tip: Tip) {
        if let Some(slot) = self.table.slot(tip.id) {
            self.observe(Observation::NeighborHint(slot, tip.rtt_us));
        }
    }
}
