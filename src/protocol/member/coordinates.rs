//! Network coordinates on pings and acks, for selectors that learn distances. Other selectors send and use none.

use swimlab_selectors::{Context, Coordinate, Observation, Peer, View};

use super::{Member, Outbox};
use crate::protocol::message::{Id, MessageKind, NeighborHint, NodeInfo, WithCoordinate};
use crate::protocol::time::Time;

impl Member {
    /// The member's network coordinate, if its selector learns one.
    pub fn coordinate(&self) -> Option<Coordinate> {
        self.selector.coordinate()
    }

    /// The coordinate that a message of this kind carries. An ack to a known member also recommends a neighbor.
    pub(super) fn coordinate_for(&mut self, kind: MessageKind, to: Id) -> Option<Box<WithCoordinate>> {
        if !self.has_coordinates || !matches!(kind, MessageKind::Ping | MessageKind::Ack) {
            return None;
        }
        let at = self.selector.coordinate()?;
        let slot = self.table.slot(to).filter(|_| kind == MessageKind::Ack);
        let hint = slot.and_then(|slot| self.selector.neighbor_hint(&mut context!(self), slot));
        Some(Box::new(WithCoordinate {
            at,
            hint: hint.map(|near| NeighborHint { id: self.table.id(near.slot), rtt_us: near.rtt_us }),
        }))
    }

    /// Publishes the location that the selector has learned, if it wants it published: an update of the member's own
    /// record, like any other.
    pub(super) fn advertise_location(&mut self, now: Time, out: &mut Outbox) {
        let Some(location) = self.selector.advertised_location(&mut context!(self)) else { return };
        let node = NodeInfo::clone(self.node());
        self.update_node(now, NodeInfo { peer: Peer { location: Some(location), ..node.peer }, ..node }, out);
        self.observe(Observation::Moved(self.table.me()));
    }

    /// Takes the coordinate on a message of this sender.
    pub(super) fn observe_coordinate(&mut self, sender: Id, at: Coordinate) {
        if let Some(slot) = self.table.slot(sender) {
            self.observe(Observation::Coordinate { slot, coordinate: at });
        }
    }

    /// Takes the neighbor that a pinged peer recommends, if it is known: unknown members are not pinged on a peer's
    /// word.
    pub(super) fn observe_neighbor_hint(&mut self, hint: NeighborHint) {
        if let Some(slot) = self.table.slot(hint.id) {
            self.observe(Observation::NeighborHint { slot, rtt_us: hint.rtt_us });
        }
    }
}
