//! Laws for all packets and all bytes.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use swimlab_selectors::{Coordinate, Location, Peer, ZonePath};

use super::encoded;
use crate::protocol::{
    Address, Body, DirectMessage, Incarnation, NeighborHint, NodeInfo, Packet, PeerAddress, PeerView, PingReq, Sizer,
    StateSync, Update, UpdateKind, UserEvent, WithCoordinate, first_control,
};
use crate::wire::{PlainSizer, decode, encoded_len};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_was_written_is_read(packet in packets()) {
        prop_assert_eq!(decode(&encoded(&packet)), Ok(packet));
    }

    #[test]
    fn the_size_is_known_to_the_byte(packet in packets()) {
        let sum = PlainSizer.bare(&packet) + packet.updates.iter().map(|update| PlainSizer.update(update)).sum::<u32>();
        prop_assert_eq!(sum as usize, encoded(&packet).len());
        prop_assert_eq!(sum, encoded_len(&packet));
    }

    #[test]
    fn updates_do_not_change_the_bare_size(packet in packets()) {
        let bare = Packet { updates: vec![].into(), ..packet.clone() };
        prop_assert_eq!(PlainSizer.bare(&packet), PlainSizer.bare(&bare));
        prop_assert_eq!(PlainSizer.bare(&bare) as usize, encoded(&bare).len());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn any_bytes_after_a_good_envelope_are_read_or_refused(
        flags in any::<u8>(), count in 0_u8..4, body in vec(messagepack(), 0..40),
    ) {
        let bytes = [vec![1, flags, 0, count], body.concat()].concat();
        if let Ok(packet) = decode(&bytes) {
            prop_assert_eq!(encoded(&packet), bytes);
        }
    }
}

proptest! {
    // Each case tries every byte or bit of a packet.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_truncation_is_refused(packet in short_packets()) {
        let bytes = encoded(&packet);
        for len in 0..bytes.len() {
            prop_assert!(decode(&bytes[..len]).is_err(), "{len} of {} bytes", bytes.len());
        }
    }

    #[test]
    fn every_extension_is_refused(packet in short_packets()) {
        let mut bytes = encoded(&packet);
        for byte in 0..=u8::MAX {
            bytes.push(byte);
            prop_assert!(decode(&bytes).is_err(), "{byte:#04x} after the packet");
            bytes.pop();
        }
    }

    #[test]
    fn a_flipped_bit_is_another_packet_or_none(packet in short_packets()) {
        let mut bytes = encoded(&packet);
        for at in 0..bytes.len() * 8 {
            bytes[at / 8] ^= 1 << (at % 8);
            if let Ok(other) = decode(&bytes) {
                // Not `other != packet`: zero equals minus zero.
                prop_assert_eq!(&encoded(&other), &bytes);
            }
            bytes[at / 8] ^= 1 << (at % 8);
        }
    }
}

fn packets() -> impl Strategy<Value = Packet> {
    let peer_view = prop_oneof![
        Just(PeerView::Unknown),
        incarnations().prop_map(PeerView::Member),
        incarnations().prop_map(PeerView::Dead)
    ];
    (u64s(), incarnations(), peer_view, bodies(), vec(updates(), 0..6), option::of(coordinates())).prop_map(
        |(from, incarnation, peer_view, body, updates, coordinate)| Packet {
            from,
            incarnation,
            peer_view,
            body,
            updates: updates.into(),
            coordinate: coordinate.map(Box::new),
        },
    )
}

fn short_packets() -> impl Strategy<Value = Packet> {
    packets().prop_filter("too long to try every bit", |packet| encoded_len(packet) < 800)
}

fn bodies() -> impl Strategy<Value = Body> {
    let target = (u64s(), addresses()).prop_map(|(id, address)| PeerAddress { id, address });
    let ping_req = (u32s(), u32s(), vec(target, 0..=PingReq::TARGET_LIMIT))
        .prop_map(|(seq, nack_after_us, targets)| PingReq { seq, nack_after_us, targets });
    // More than 127 records take a longer count.
    let records =
        prop_oneof![4 => vec(updates(), 0..5), 1 => (updates(), 100_usize..300).prop_map(|(one, n)| vec![one; n])];
    let sync = (any::<bool>(), any::<bool>(), vec(u32s(), 0..200), records)
        .prop_map(|(wants_reply, joining, parts, records)| StateSync { wants_reply, joining, records, parts });
    prop_oneof![
        u32s().prop_map(|seq| Body::Ping { seq }),
        u32s().prop_map(|seq| Body::Ack { seq }),
        ping_req.prop_map(|request| Body::PingReq(Box::new(request))),
        (u32s(), u64s()).prop_map(|(seq, target)| Body::IndirectAck { seq, target }),
        (u32s(), u64s()).prop_map(|(seq, target)| Body::Nack { seq, target }),
        Just(Body::Gossip),
        sync.prop_map(|sync| Body::Sync(Box::new(sync))),
        (any::<bool>(), u64s()).prop_map(|(wants_reply, digest)| Body::Digest { wants_reply, digest }),
        (any::<u8>(), blobs(DirectMessage::PAYLOAD_LIMIT))
            .prop_map(|(channel, payload)| Body::Direct(Arc::new(DirectMessage { channel, payload }))),
    ]
}

fn updates() -> impl Strategy<Value = Update> {
    let event = (u32s(), texts(UserEvent::NAME_LIMIT), blobs(UserEvent::PAYLOAD_LIMIT))
        .prop_map(|(seq, name, payload)| UserEvent { seq, name, payload });
    let kind = prop_oneof![
        nodes().prop_map(|node| UpdateKind::Alive(Arc::new(node))),
        u64s().prop_map(|by| UpdateKind::Suspect { by }),
        Just(UpdateKind::Dead),
        Just(UpdateKind::Left),
        event.prop_map(|event| UpdateKind::User(Arc::new(event))),
    ];
    (u64s(), incarnations(), kind).prop_map(|(id, incarnation, mut kind)| {
        if let UpdateKind::Alive(node) = &mut kind {
            Arc::make_mut(node).peer.id = id;
        }
        Update { id, incarnation, kind }
    })
}

fn nodes() -> impl Strategy<Value = NodeInfo> {
    let zone = vec(u32s(), 0..=ZonePath::LEVELS).prop_map(|levels| ZonePath::from_levels(&levels));
    let peer = (option::of(places()), zone, option::of(u32s())).prop_map(|(location, zone, site)| Peer {
        id: 0,
        location,
        zone,
        site,
    });
    (peer, addresses(), texts(NodeInfo::NAME_LIMIT), blobs(NodeInfo::META_LIMIT))
        .prop_map(|(peer, address, name, meta)| NodeInfo { peer, address, name, meta })
}

fn places() -> impl Strategy<Value = Location> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    let finite = || POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO;
    let rounded = |number: f64| if number.abs() < 1e38 { f64::from(number as f32) } else { number };
    prop_oneof![
        (finite(), finite()).prop_map(|(x, y)| Location::Plane { x, y }),
        (finite(), finite()).prop_map(move |(x, y)| Location::Plane { x: rounded(x), y: rounded(y) }),
        (-90.0..=90.0, -180.0..=180.0).prop_map(|(lat, lon)| Location::Globe { lat, lon }),
        any::<[i16; 3]>().prop_map(|at| Location::Learned { at }),
    ]
}

fn addresses() -> impl Strategy<Value = Address> {
    let any = (any::<[u8; 16]>(), any::<bool>(), any::<u16>()).prop_map(|(mut ip, mapped, port)| {
        if mapped {
            ip[..10].fill(0);
            ip[10..12].fill(0xff);
        }
        Address { ip, port }
    });
    any.prop_filter("a member can listen there", |address| address.fault().is_none())
}

fn coordinates() -> impl Strategy<Value = WithCoordinate> {
    let finite = || any::<f32>();
    let at = (proptest::array::uniform8(finite()), finite(), finite(), finite())
        .prop_map(|(vector, height, adjustment, error)| Coordinate { vector, height, adjustment, error });
    let hint = (any::<u64>(), u32s()).prop_map(|(id, rtt_us)| NeighborHint { id, rtt_us });
    (at, option::of(hint)).prop_map(|(at, hint)| WithCoordinate { at, hint })
}

fn incarnations() -> impl Strategy<Value = Incarnation> {
    (u32s(), u32s()).prop_map(|(generation, refutations)| Incarnation { generation, refutations })
}

/// Integers of all lengths.
fn u64s() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift)
}

fn u32s() -> impl Strategy<Value = u32> {
    (any::<u32>(), 0..32_u32).prop_map(|(value, shift)| value >> shift)
}

/// Mostly short, sometimes as long as allowed, without control characters.
fn texts(limit: usize) -> impl Strategy<Value = Box<str>> {
    let cut = move |mut text: String| {
        text.retain(|character| first_control(character.encode_utf8(&mut [0; 4])).is_none());
        while text.len() > limit {
            text.pop();
        }
        text.into_boxed_str()
    };
    prop_oneof![4 => ".{0,12}", 1 => ".{0,128}"].prop_map(cut)
}

fn blobs(limit: usize) -> impl Strategy<Value = Box<[u8]>> {
    prop_oneof![4 => vec(any::<u8>(), 0..16), 1 => vec(any::<u8>(), 0..=limit)].prop_map(Vec::into_boxed_slice)
}

/// Pieces that look like MessagePack: arrays, integers, byte strings, texts, floats, nil, and any other marker.
fn messagepack() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0x90_u8..0x9f).prop_map(|array| vec![array]),
        (0_u8..0x20).prop_map(|small| vec![small]),
        u64s().prop_map(|value| rmp_serde::to_vec(&value).expect("an integer")),
        any::<i64>().prop_map(|value| rmp_serde::to_vec(&value).expect("an integer")),
        any::<f32>().prop_map(|value| rmp_serde::to_vec(&value).expect("a float")),
        ".{0,9}".prop_map(|text| rmp_serde::to_vec(&text).expect("a text")),
        vec(any::<u8>(), 6).prop_map(|bytes| [vec![0xc4, 6], bytes].concat()),
        Just(vec![0xc0]),
        any::<u8>().prop_map(|marker| vec![marker]),
    ]
}
