//! Packets with realistic numbers: random ids, a start time in seconds as generation, a day's worth of pings.

use std::sync::Arc;

use swimlab_selectors::{Coordinate, Location, Peer, ZonePath};

use crate::protocol::{
    Address, Body, DirectMessage, Id, Incarnation, NeighborHint, NodeInfo, Packet, PeerAddress, PeerView, PingReq,
    StateSync, Update, UpdateKind, UserEvent, WithCoordinate,
};

pub(super) const ALICE: Id = 0xa11c_e000_0000_0001;
pub(super) const BOB: Id = 0xb0b0_0000_0000_0002;
pub(super) const CAROL: Id = 0xca20_1000_0000_0003;
pub(super) const SEQ: u32 = 0x1234;

/// A packet from Alice to Bob, who is a member in her table.
pub(super) fn packet(body: Body) -> Packet {
    Packet {
        from: ALICE,
        incarnation: incarnation(2),
        peer_view: PeerView::Member(incarnation(0)),
        body,
        updates: vec![].into(),
        coordinate: None,
    }
}

pub(super) fn ping() -> Packet {
    packet(Body::Ping { seq: SEQ })
}

pub(super) fn ack() -> Packet {
    packet(Body::Ack { seq: SEQ })
}

pub(super) fn ping_req() -> Packet {
    let targets = vec![
        PeerAddress { id: BOB, address: ipv4(2) },
        PeerAddress { id: CAROL, address: Address { ip: [0xfd; 16], port: 7946 } },
    ];
    packet(Body::PingReq(Box::new(PingReq { seq: SEQ, nack_after_us: 400_000, targets })))
}

pub(super) fn indirect_ack() -> Packet {
    packet(Body::IndirectAck { seq: SEQ, target: CAROL })
}

pub(super) fn nack() -> Packet {
    packet(Body::Nack { seq: SEQ, target: CAROL })
}

pub(super) fn gossip() -> Packet {
    Packet { peer_view: PeerView::Dead(incarnation(1)), updates: updates().into(), ..packet(Body::Gossip) }
}

pub(super) fn sync() -> Packet {
    let records = vec![alive(), suspect()];
    let body = Body::Sync(Box::new(StateSync::whole(true, false, records)));
    Packet { peer_view: PeerView::Unknown, ..packet(body) }
}

/// A request for the parts of a table that differ.
pub(super) fn sync_of_parts() -> Packet {
    let sync = StateSync { parts: vec![7, 0xfeed_f00d], ..StateSync::whole(true, false, Vec::new()) };
    packet(Body::Sync(Box::new(sync)))
}

pub(super) fn digest() -> Packet {
    packet(Body::Digest { wants_reply: true, digest: 0x0123_4567_89ab_cdef })
}

pub(super) fn direct() -> Packet {
    packet(Body::Direct(Arc::new(DirectMessage { channel: 1, payload: [0xab, 0xcd].into() })))
}

/// One packet of each kind.
pub(super) fn all() -> Vec<Packet> {
    vec![ping(), ack(), ping_req(), indirect_ack(), nack(), gossip(), sync(), digest(), sync_of_parts(), direct()]
}

pub(super) fn with_coordinate() -> Packet {
    let vector = [1.0, -2.0, 0.5, 0.0, 1e6, -0.25, 3.0, 4.0];
    let at = Coordinate { vector, height: 150.0, adjustment: -3.5, error: 0.125 };
    Packet { coordinate: Some(Box::new(WithCoordinate { at, hint: None })), ..ack() }
}

pub(super) fn with_hint() -> Packet {
    let WithCoordinate { at, .. } = *with_coordinate().coordinate.unwrap();
    let hint = Some(NeighborHint { id: CAROL, rtt_us: 20_000 });
    Packet { coordinate: Some(Box::new(WithCoordinate { at, hint })), ..ack() }
}

/// One update of each kind.
pub(super) fn updates() -> Vec<Update> {
    vec![alive(), suspect(), update(BOB, UpdateKind::Dead), update(BOB, UpdateKind::Left), user()]
}

/// Carol in Amsterdam: IPv4, a location, region and zone, a site, a name, two bytes of metadata.
pub(super) fn alive() -> Update {
    let peer = Peer {
        location: Some(Location::Globe { lat: 52.37, lon: 4.9 }),
        zone: ZonePath::from_levels(&[0xe0e0_e0e0, 0x0e0e_0e0e]),
        site: Some(17),
        ..Peer::new(CAROL)
    };
    let node = NodeInfo { name: "carol-7".into(), meta: [1, 2].into(), ..NodeInfo::new(peer, ipv4(3)) };
    update(CAROL, UpdateKind::Alive(Arc::new(node)))
}

/// The shortest alive update with an IPv4 address.
pub(super) fn alive_bare() -> Update {
    update(CAROL, UpdateKind::Alive(Arc::new(NodeInfo::new(Peer::new(CAROL), ipv4(3)))))
}

/// The same, with a learned location.
pub(super) fn alive_with_learned_location() -> Update {
    let peer = Peer { location: Some(Location::Learned { at: [-3, 200, 1000] }), ..Peer::new(CAROL) };
    update(CAROL, UpdateKind::Alive(Arc::new(NodeInfo::new(peer, ipv4(3)))))
}

pub(super) fn suspect() -> Update {
    update(CAROL, UpdateKind::Suspect { by: ALICE })
}

pub(super) fn dead() -> Update {
    update(CAROL, UpdateKind::Dead)
}

pub(super) fn user() -> Update {
    let event = UserEvent { seq: 5, name: "deploy".into(), payload: [0xca, 0xfe].into() };
    update(ALICE, UpdateKind::User(Arc::new(event)))
}

pub(super) fn update(id: Id, kind: UpdateKind) -> Update {
    Update { id, incarnation: incarnation(1), kind }
}

pub(super) fn incarnation(refutations: u32) -> Incarnation {
    Incarnation { generation: 1_767_225_600, refutations }
}

/// An IPv4 address.
pub(super) fn address() -> Address {
    ipv4(9)
}

fn ipv4(last: u8) -> Address {
    Address { ip: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last], port: 7946 }
}
