//! Sending: packets with as many updates as fit, and the choice of receivers of gossip.

use std::sync::Arc;

use swimlab_selectors::{Context, Observation, Slot};

use super::addressee::Addressee;
use super::{Member, Outbox, Transmit};
use crate::protocol::broadcast::FillLimits;
use crate::protocol::message::{
    Address, Body, Id, Incarnation, MessageKind, NeighborHint, NodeInfo, Packet, PeerView, Update, UpdateKind, Updates,
    WithCoordinate,
};

/// Bytes that the length of metadata takes beyond that of none.
const META_LENGTH_BYTES: u32 = 1;

/// Transport and purpose of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendMode {
    Datagram,
    Stream,
    /// A datagram: a ping of the member's own probe round.
    DirectPing,
}

impl Member {
    /// Sends a packet with `first` and as many queued updates as fit; table exchanges go over a stream.
    pub(super) fn send(&mut self, to: Addressee, body: Body, first: Option<Update>, out: &mut Outbox) {
        let mode = if body.kind() == MessageKind::Sync { SendMode::Stream } else { SendMode::Datagram };
        self.send_by(mode, to, body, first, out);
    }

    /// [`Member::send`] with an explicit mode, for pings and acks.
    ///
    /// The hottest function of all, therefore inlined. The packet is written field by field in its final place: built
    /// elsewhere and copied, it would be read in larger pieces than it was just written in, which defeats the
    /// processor's store forwarding.
    #[inline(always)]
    pub(super) fn send_by(
        &mut self,
        mode: SendMode,
        to: Addressee,
        body: Body,
        first: Option<Update>,
        out: &mut Outbox,
    ) {
        let kind = body.kind();
        let coordinate = self.coordinate_for(kind, to.id);
        let config = &*self.config;
        out.transmits.push(Transmit::BLANK);
        let Some(transmit) = out.transmits.last_mut() else { return };
        transmit.to = to.address;
        transmit.stream = mode == SendMode::Stream;
        transmit.direct_ping = mode == SendMode::DirectPing;
        let Transmit { bytes, message: packet, .. } = transmit;
        packet.from = self.id;
        packet.incarnation = self.incarnation;
        packet.peer_view = to.peer_view;
        packet.body = body;
        packet.coordinate = coordinate;
        *bytes = config.sizer.bare(packet);
        let mut most = if config.protocol.max_updates == 0 { usize::MAX } else { config.protocol.max_updates as usize };
        if let Some(update) = first {
            let size = config.sizer.update(&update);
            // Another member's record may be larger than the datagrams of this one.
            if *bytes + size <= config.protocol.packet_bytes {
                *bytes += size;
                packet.updates.push(update);
                most = most.saturating_sub(1);
            }
        }
        // A challenge to another process of this member's id may go to an address where nothing listens any more.
        if !self.queue.is_empty() && to.id != self.id && config.rides_on(kind) {
            let transmissions = config.protocol.dissemination.transmissions(self.table.members());
            let bytes_left = config.protocol.packet_bytes.saturating_sub(*bytes);
            let limits = FillLimits { bytes: bytes_left, updates: most, transmissions };
            let table = &self.table;
            *bytes +=
                self.queue.fill(to.id, limits, |slot, update| table.is_current(slot, update), &mut packet.updates);
        }
    }

    /// The occupant of a slot as a receiver.
    pub(super) fn addressee_of(&self, slot: Slot) -> Addressee {
        Addressee::of(&self.table.record(slot))
    }

    /// A sender as a receiver, at the address that its packet came from.
    pub(super) fn addressee_at(&self, id: Id, address: Address) -> Addressee {
        match self.table.slot(id) {
            Some(slot) => Addressee { address, ..self.addressee_of(slot) },
            None => Addressee::unknown(id, address),
        }
    }

    /// The member's own alive record.
    pub(super) fn own_record(&self) -> Update {
        Update { id: self.id, incarnation: self.incarnation, kind: UpdateKind::Alive(Arc::clone(self.node())) }
    }

    /// The most metadata, in bytes, with which this member's record fits into each of its datagrams that carries it, at any
    /// incarnation; `None` if it does not fit even without.
    pub fn meta_room(&self) -> Option<usize> {
        let highest = Incarnation::HIGHEST;
        let at = self.selector.coordinate();
        let hint = Some(NeighborHint { id: Id::MAX, rtt_us: u32::MAX });
        let ack = Packet {
            from: self.id,
            incarnation: highest,
            peer_view: PeerView::Member(highest),
            body: Body::Ack { seq: u32::MAX },
            updates: Updates::new(),
            coordinate: at.map(|at| Box::new(WithCoordinate { at, hint })),
        };
        let node = NodeInfo { meta: [].into(), ..NodeInfo::clone(self.node()) };
        let record = Update { id: self.id, incarnation: highest, kind: UpdateKind::Alive(Arc::new(node)) };
        let taken = self.config.sizer.bare(&ack) + self.config.sizer.update(&record) + META_LENGTH_BYTES;
        let room = self.config.protocol.packet_bytes.checked_sub(taken)?;
        Some((room as usize).min(NodeInfo::META_LIMIT))
    }

    /// Up to `want` receivers of gossip, chosen by the selector.
    pub(super) fn gossip_targets(&mut self, want: usize) -> Vec<Slot> {
        let mut picks = Vec::new();
        self.selector.gossip(&mut context!(self), want, &mut picks);
        picks
    }

    /// Tells the selector something about a peer.
    pub(super) fn observe(&mut self, observation: Observation) {
        self.selector.observe(&mut context!(self), observation);
    }
}
