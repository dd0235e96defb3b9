//! Network coordinates on pings and acks, for selectors that learn distances; those of others say and take nothing.

use swimlab_selectors::{Coordinate, Peer};

use super::*;
use crate::protocol::message::{NeighborHint, WithCoordinate};

impl Member {
    /// Where the member is, as far as its selector knows. Gauges and operators may ask.
    pub fn coordinate(&self) -> Option<Coordinate> {
        self.selector.coordinate()
    }

    /// EventKind a message of this kind says about that; an ack also recommends somebody, if its ping told where it is from.
    pub(super) fn whereabouts(&mut self, kind: MessageKind, to: Id) -> Option<Box<WithCoordinate>> {
        if !self.learns || !matches!(kind, MessageKind::Ping | MessageKind::Ack) {
            return None;
        }
        let at = self.selector.coordinate()?;
        let slot = self.table.slot(to).filter(|_| kind == MessageKind::Ack);
        let has_updates = !self.queue.is_empty();
        let (period, shared_period) = (self.period, self.shared_period);
        let mut ctx = Context { view: &self.table, period, shared_period, has_updates, rng: &mut self.strategy_rng };
        let hint = slot.and_then(|slot| self.selector.neighbor_hint(&mut ctx, slot));
        Some(Box::new(WithCoordinate {
            at,
            hint: hint.map(|near| NeighborHint { id: self.table.id(near.slot), rtt_us: near.rtt_us }),
        }))
    }

    /// Tells everybody where the member has learnt to be, if its selector says so: a card that changes, as any other.
    pub(super) fn take_place(&mut self, now: Time, out: &mut Outbox) {
        let has_updates = !self.queue.is_empty();
        let (period, shared_period) = (self.period, self.shared_period);
        let mut ctx = Context { view: &self.table, period, shared_period, has_updates, rng: &mut self.strategy_rng };
        let Some(place) = self.selector.advertised_location(&mut ctx) else { return };
        let node = NodeInfo::clone(&self.node);
        self.node = Arc::new(NodeInfo { peer: Peer { location: Some(place), ..node.peer }, ..node });
        self.incarnation = self.incarnation.next();
        let (about, incarnation) = (self.id, self.incarnation);
        out.events.push(Event { about, incarnation, kind: EventKind::Updated, source: EventSource::Own });
        self.announce(now, out);
        self.observe(Observation::Moved(self.table.me()));
    }

    /// The sender of a message told where it is.
    pub(super) fn located(&mut self, sender: Id, at: Coordinate) {
        if let Some(slot) = self.table.slot(sender) {
            self.observe(Observation::Coordinate { slot, coordinate: at });
        }
    }

    /// A peer that was pinged recommends somebody. Strangers are not pinged on its word.
    pub(super) fn tipped(&mut self, hint: NeighborHint) {
        if let Some(slot) = self.table.slot(hint.id) {
            self.observe(Observation::NeighborHint { slot, rtt_us: hint.rtt_us });
        }
    }
}
