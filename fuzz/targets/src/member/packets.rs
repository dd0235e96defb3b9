//! Packets from an input: of any kind, with few ids and small numbers, so that they concern each other.

use std::sync::Arc;

use swimlab::protocol::{
    Address, Body, DirectMessage, Id, Incarnation, NeighborHint, NodeInfo, Packet, PeerAddress, PeerView, PingReq,
    StateSync, Update, UpdateKind, UserEvent, WithCoordinate,
};
use swimlab::wire::{decode, encode};
use swimlab_selectors::{Coordinate, Location, Peer, ZonePath};

use super::{IDS, address, id_of};
use crate::bytes::Bytes;

/// A packet that a member of this incarnation may receive; `None` if no decoder would let it through.
pub(super) fn packet(input: &mut Bytes<'_>, receiver: Incarnation) -> Option<Packet> {
    let from = id(input);
    let incarnation = incarnation(input);
    let peer_view = match input.below(4) {
        0 => PeerView::Unknown,
        1 => PeerView::Member(self::incarnation(input)),
        2 => PeerView::Dead(self::incarnation(input)),
        _ => PeerView::Member(receiver),
    };
    let coordinate = (input.below(8) == 0).then(|| Box::new(with_coordinate(input)));
    let body = body(input);
    let updates = (0..input.below(4)).map(|_| update(input)).collect();
    let packet = Packet { from, incarnation, peer_view, body, updates, coordinate };
    let mut bytes = Vec::new();
    encode(&packet, &mut bytes).ok()?;
    let decoded = decode(&bytes).expect("its own encoding");
    assert_eq!(decoded, packet);
    Some(decoded)
}

/// An id, most often that of a member; the first one is the member's own.
pub(super) fn id(input: &mut Bytes<'_>) -> Id {
    match input.u8() {
        0xff => u64::from(input.u32()),
        n => id_of(usize::from(n) % IDS),
    }
}

/// An incarnation, most often a small one, sometimes any.
pub(super) fn incarnation(input: &mut Bytes<'_>) -> Incarnation {
    match input.u8() {
        0xff => Incarnation { generation: input.u32(), refutations: input.u32() },
        0xfe => Incarnation { generation: u32::MAX - u32::from(input.u8() % 3), refutations: u32::MAX },
        n => Incarnation { generation: u32::from(n) / 8 % 4, refutations: u32::from(n) % 8 },
    }
}

fn body(input: &mut Bytes<'_>) -> Body {
    match input.below(9) {
        0 => Body::Ping { seq: seq(input) },
        1 => Body::Ack { seq: seq(input) },
        2 => {
            let (seq, nack_after_us) = (seq(input), u32::from(input.u16()) << input.below(17));
            let targets = (0..input.below(PingReq::TARGET_LIMIT + 1)).map(|_| target(input)).collect();
            Body::PingReq(Box::new(PingReq { seq, nack_after_us, targets }))
        }
        3 => Body::IndirectAck { seq: seq(input), target: id(input) },
        4 => Body::Nack { seq: seq(input), target: id(input) },
        5 => Body::Gossip,
        6 => {
            let (wants_reply, joining) = (input.is_true(), input.is_true());
            let records = (0..input.below(32)).map(|_| update(input)).collect();
            let parts = (0..input.below(20)).map(|_| u32::from(input.u8())).collect();
            Body::Sync(Box::new(StateSync { wants_reply, joining, records, parts }))
        }
        7 => {
            let payload = (0..input.below(8)).map(|_| input.u8()).collect();
            Body::Direct(Arc::new(DirectMessage { channel: input.u8(), payload }))
        }
        _ => Body::Digest { wants_reply: input.is_true(), digest: input.u8().into() },
    }
}

fn seq(input: &mut Bytes<'_>) -> u32 {
    match input.u8() {
        0xff => input.u32(),
        n => n.into(),
    }
}

fn target(input: &mut Bytes<'_>) -> PeerAddress {
    PeerAddress { id: id(input), address: address(input) }
}

fn update(input: &mut Bytes<'_>) -> Update {
    let (id, incarnation) = (id(input), incarnation(input));
    let kind = match input.below(5) {
        0 => UpdateKind::Alive(Arc::new(node(input, id))),
        1 => UpdateKind::Suspect { by: self::id(input) },
        2 => UpdateKind::Dead,
        3 => UpdateKind::Left,
        _ => {
            let (seq, len) = (seq(input), usize::from(input.u16()) % (UserEvent::PAYLOAD_LIMIT + 1));
            UpdateKind::User(Arc::new(UserEvent { seq, name: "e".into(), payload: vec![1; len].into() }))
        }
    };
    Update { id, incarnation, kind }
}

fn node(input: &mut Bytes<'_>, id: Id) -> NodeInfo {
    let mut peer = Peer::new(id);
    let mut address: Address = address(input);
    match input.below(8) {
        0 => peer.location = Some(Location::Globe { lat: f64::from(input.u8()) - 90.0, lon: f64::from(input.u8()) }),
        1 => peer.location = Some(learned(input)),
        2 => peer.zone = ZonePath::from_levels(&[input.u8().into(), input.u8().into()]),
        3 => address.port = input.u16(),
        4 => {
            let meta = vec![2; usize::from(input.u16()) % (NodeInfo::META_LIMIT + 1)];
            return NodeInfo { peer, address, name: "peer".into(), meta: meta.into() };
        }
        _ => {}
    }
    NodeInfo::new(peer, address)
}

fn learned(input: &mut Bytes<'_>) -> Location {
    Location::Learned { at: [0; 3].map(|_: i16| input.u16() as i16) }
}

fn with_coordinate(input: &mut Bytes<'_>) -> WithCoordinate {
    let mut number = || f32::from_bits(input.u32());
    let vector = [number(), number(), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let at = Coordinate { vector, height: number(), adjustment: number(), error: number() };
    let hint = input.is_true().then(|| NeighborHint { id: id(input), rtt_us: input.u32() });
    WithCoordinate { at, hint }
}
