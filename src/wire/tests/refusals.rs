//! Refused inputs, and the reasons.

use std::sync::Arc;

use swimlab_selectors::{Location, Peer};

use super::samples::{self, ALICE, BOB, CAROL};
use super::{encode, encoded};
use crate::protocol::{
    Address, AddressFault, Body, DirectMessage, NodeInfo, Packet, PeerAddress, PingReq, UpdateKind, UserEvent,
};
use crate::wire::{
    DecodeError, FRAME_LIMIT, Invalid, Limited, Part, RECORD_LIMIT, UPDATE_LIMIT, VERSION, decode, encoded_len, frame,
    frame_len,
    layout::{self, DIGEST_VERSION, DIRECT_VERSION},
};

/// Encoding of a gossip message from a member with small numbers: `count` updates, whose bytes are `updates`.
fn gossip(count: u8, updates: &[u8]) -> Vec<u8> {
    [&[VERSION, 5, 0, count, 0x93, 1, 2, 3], updates].concat()
}

fn node(change: impl FnOnce(&mut NodeInfo)) -> Packet {
    let mut update = samples::alive();
    let UpdateKind::Alive(node) = &mut update.kind else { unreachable!("an alive update") };
    change(Arc::make_mut(node));
    Packet { updates: vec![update].into(), ..samples::ping() }
}

fn refusal(packet: &Packet) -> Result<(), Invalid> {
    let mut out = vec![7; 3];
    let result = encode(packet, &mut out);
    if result.is_err() {
        assert_eq!(out, [7; 3], "a refused packet leaves no bytes");
    }
    result
}

fn excess(what: Limited) -> Invalid {
    Invalid::Excess { what, found: what.limit() + 1 }
}

#[test]
fn the_empty_input_ends_inside_the_envelope() {
    assert_eq!(decode(&[]), Err(DecodeError::Truncated(Part::Envelope)));
}

#[test]
fn another_version_is_refused_whatever_follows() {
    for version in (0..=u8::MAX).filter(|version| ![VERSION, DIGEST_VERSION, DIRECT_VERSION].contains(version)) {
        let mut bytes = encoded(&samples::ping());
        bytes[0] = version;
        assert_eq!(decode(&bytes), Err(DecodeError::Version(version)));
    }
}

#[test]
fn each_kind_has_one_version_so_that_members_that_know_only_the_first_read_all_others() {
    for packet in samples::all() {
        let bytes = encoded(&packet);
        let kind = bytes[1] & layout::KIND;
        let versions = [(VERSION, 0..7), (DIGEST_VERSION, 7..9), (DIRECT_VERSION, 9..10)];
        for (version, kinds) in versions {
            let is_its_own = kinds.contains(&kind);
            assert_eq!(bytes[0] == version, is_its_own);
            let mut other = bytes.clone();
            other[0] = version;
            assert!(is_its_own || decode(&other) == Err(DecodeError::MessageKind(kind)), "{version} {kind}");
        }
    }
}

#[test]
fn unknown_kinds_flags_and_updates_are_refused() {
    let mut bytes = encoded(&samples::ping());
    for kind in 7..16 {
        bytes[1] = kind;
        assert_eq!(decode(&bytes), Err(DecodeError::MessageKind(kind)));
    }
    for flags in [0x30, 0x80, 0x90, 0xf0] {
        bytes[1] = flags;
        assert_eq!(decode(&bytes), Err(DecodeError::Flags(flags)));
    }
    assert_eq!(decode(&gossip(1, &[0x94, 5, 1, 1, 1])), Err(DecodeError::UpdateKind(5)));
}

#[test]
fn missing_and_additional_updates_are_refused() {
    let dead = [0x94, 2, 1, 1, 1];
    assert!(decode(&gossip(1, &dead)).is_ok());
    assert_eq!(decode(&gossip(2, &dead)), Err(DecodeError::Truncated(Part::Update)));
    assert_eq!(decode(&gossip(0, &dead)), Err(DecodeError::Trailing(5)));
}

#[test]
fn the_same_value_in_another_form_is_refused() {
    let long_integer = [0x94, 2, 0xcc, 1, 1, 1];
    let signed_integer = [0x94, 2, 0xd0, 1, 1, 1];
    let long_array = [0xdc, 0, 4, 2, 1, 1, 1];
    let map = [&[0x84][..], b"\xa3tag\x02\xa2id\x01\xaageneration\x01\xabrefutations\x01"].concat();
    let bytes_as_array = [0xc4, 4, 2, 1, 1, 1];
    for update in [&long_integer[..], &signed_integer, &long_array, &map, &bytes_as_array] {
        assert_eq!(decode(&gossip(1, update)), Err(DecodeError::NotCanonical), "{update:02x?}");
    }
}

#[test]
fn a_member_description_in_another_form_is_refused() {
    // Address, location, zone, site, name, metadata.
    let update = |address: &[u8], location: &[u8], zone: &[u8]| {
        gossip(1, &[&[0x94, 0, 1, 1, 1, 0x96], address, location, zone, &[0xc0, 0xa0, 0xc4, 0]].concat())
    };
    let address = b"\xc4\x06\x0a\0\0\x01\x1f\x0a";
    let no_zone = &[0x93, 0xc0, 0xc0, 0xc0];
    assert!(decode(&update(address, &[0xc0], no_zone)).is_ok());

    let mapped = b"\xc4\x12\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x01\x1f\x0a";
    assert_eq!(decode(&update(mapped, &[0xc0], no_zone)), Err(DecodeError::NotCanonical), "IPv4 as IPv6");
    let five = b"\xc4\x05\x0a\0\0\x01\x1f";
    assert_eq!(decode(&update(five, &[0xc0], no_zone)), Err(DecodeError::Malformed(Part::Update)), "no address");
    for gap in [&[0x93, 0xc0, 5, 0xc0], &[0x93, 5, 0xc0, 5]] {
        assert_eq!(decode(&update(address, &[0xc0], gap)), Err(DecodeError::NotCanonical), "a zone without its region");
    }
    let four = &[0x94, 1, 2, 3, 4];
    assert_eq!(decode(&update(address, &[0xc0], four)), Err(DecodeError::Malformed(Part::Update)), "four levels");
    let integers = &[0x93, 0xc2, 1, 2];
    assert_eq!(decode(&update(address, integers, no_zone)), Err(DecodeError::NotCanonical), "a location of integers");
    let double = b"\x93\xc2\xcb\0\0\0\0\0\0\0\0\xca\0\0\0\0";
    assert_eq!(
        decode(&update(address, double, no_zone)),
        Err(DecodeError::NotCanonical),
        "a double where a single suffices"
    );
}

#[test]
fn a_name_that_is_not_text_is_refused() {
    let update = b"\x94\x04\x01\x01\x01\x93\x01\xa2\xff\xfe\xc4\0";
    assert_eq!(decode(&gossip(1, update)), Err(DecodeError::Malformed(Part::Update)));
}

#[test]
fn deeply_nested_values_are_refused() {
    for nest in [0x91, 0x81, 0xc1, 0xd4] {
        assert!(decode(&gossip(1, &vec![nest; 1 << 20])).is_err());
        assert!(decode(&[&[VERSION, 0, 0, 0][..], &vec![nest; 1 << 20]].concat()).is_err());
    }
}

#[test]
fn announced_lengths_are_not_trusted() {
    // Two million records, 64 thousand updates, four gigabytes of name, and no bytes of them.
    let records = &[VERSION, 6, 0, 0, 0x93, 1, 2, 3, 0x93, 0xc2, 0xc2, 0xce, 0, 0x20, 0, 0];
    assert_eq!(decode(records), Err(DecodeError::Truncated(Part::Update)));
    let updates = &[VERSION, 5, 0xff, 0xff, 0x93, 1, 2, 3];
    assert_eq!(decode(updates), Err(DecodeError::Truncated(Part::Update)));
    let name = b"\x94\x04\x01\x01\x01\x93\x01\xdb\xff\xff\xff\xff";
    assert_eq!(decode(&gossip(1, name)), Err(DecodeError::Truncated(Part::Update)));
    let array = b"\xdd\xff\xff\xff\xff";
    assert!(decode(&gossip(1, array)).is_err());
}

#[test]
fn counts_beyond_their_limits_are_refused_before_anything_is_read() {
    let targets = &[VERSION, 2, 0, 0, 0x93, 1, 2, 3, 0x93, 1, 0, 17];
    assert_eq!(decode(targets), Err(excess(Limited::Targets).into()));
    let records = &[VERSION, 6, 0, 0, 0x93, 1, 2, 3, 0x93, 0xc2, 0xc2, 0xce, 0, 0x20, 0, 1];
    assert_eq!(decode(records), Err(excess(Limited::Records).into()));
    let parts = &[DIGEST_VERSION, 8, 0, 0, 0x93, 1, 2, 3, 0x94, 0xc2, 0xc2, 0xcd, 0x10, 1, 0];
    assert_eq!(decode(parts), Err(excess(Limited::Parts).into()));
    // As many as the limit are looked for, and are not there.
    let parts = &[DIGEST_VERSION, 8, 0, 0, 0x93, 1, 2, 3, 0x94, 0xc2, 0xc2, 0xcd, 0x10, 0, 0];
    assert!(matches!(decode(parts), Err(DecodeError::Truncated(_))), "{:?}", decode(parts));
    let targets = &[VERSION, 2, 0, 0, 0x93, 1, 2, 3, 0x93, 1, 0, 16];
    assert_ne!(decode(targets), Err(excess(Limited::Targets).into()));
    let records = &[VERSION, 6, 0, 0, 0x93, 1, 2, 3, 0x93, 0xc2, 0xc2, 0xce, 0, 0x20, 0, 0];
    assert!(matches!(decode(records), Err(DecodeError::Truncated(_))), "{:?}", decode(records));
}

#[test]
fn texts_beyond_their_limits_are_neither_written_nor_read() {
    let long = |limit: usize| "x".repeat(limit + 1).into_boxed_str();
    assert_eq!(refusal(&node(|node| node.name = long(NodeInfo::NAME_LIMIT))), Err(excess(Limited::Name)));
    assert_eq!(refusal(&node(|node| node.meta = [0; NodeInfo::META_LIMIT + 1].into())), Err(excess(Limited::Meta)));
    let event = |name, payload| {
        let event = UserEvent { seq: 1, name, payload };
        Packet { updates: vec![samples::update(ALICE, UpdateKind::User(Arc::new(event)))].into(), ..samples::ping() }
    };
    assert_eq!(refusal(&event(long(UserEvent::NAME_LIMIT), [].into())), Err(excess(Limited::EventName)));
    let payload = [0; UserEvent::PAYLOAD_LIMIT + 1].into();
    assert_eq!(refusal(&event("".into(), payload)), Err(excess(Limited::Payload)));
    assert_eq!(refusal(&direct_of(DirectMessage::PAYLOAD_LIMIT + 1)), Err(excess(Limited::DirectPayload)));

    let name = [&b"\x94\x04\x01\x01\x01\x93\x01\xd9\x81"[..], &[b'x'; 129], b"\xc4\0"].concat();
    assert_eq!(decode(&gossip(1, &name)), Err(excess(Limited::EventName).into()));
    let payload = [&b"\x94\x04\x01\x01\x01\x93\x01\xa0\xc5\x02\x01"[..], &[0; 513]].concat();
    assert_eq!(decode(&gossip(1, &payload)), Err(excess(Limited::Payload).into()));
    let direct =
        [&[DIRECT_VERSION, layout::DIRECT, 0, 0, 0x93, 1, 2, 3, 0x92, 1, 0xc5, 4, 0xb1][..], &[0; 1201]].concat();
    assert_eq!(decode(&direct), Err(excess(Limited::DirectPayload).into()));
}

// F11
#[test]
fn control_characters_in_names_are_neither_written_nor_read() {
    for found in ['\n', '\r', '\0', '\x1b', '\x7f', '\u{80}', '\u{9b}', '\u{2028}', '\u{2029}'] {
        let name: Box<str> = format!("web1{found}joined     evil").into();
        assert_eq!(refusal(&node(|node| node.name = name.clone())), Err(Invalid::Control(found)));
        let event = UserEvent { seq: 1, name: name.clone(), payload: [].into() };
        let update = samples::update(ALICE, UpdateKind::User(Arc::new(event)));
        let packet = Packet { updates: vec![update].into(), ..samples::ping() };
        assert_eq!(refusal(&packet), Err(Invalid::Control(found)));
        let head = [&b"\x94\x04\x01\x01\x01\x93\x01"[..], &[0xa0 | name.len() as u8]].concat();
        let bytes = gossip(1, &[&head, name.as_bytes(), b"\xc4\0"].concat());
        assert_eq!(decode(&bytes), Err(Invalid::Control(found).into()));
    }
    // Payloads and metadata are bytes.
    let mut packet = node(|node| node.meta = [b'\n'; 3].into());
    packet.updates.push(samples::update(
        ALICE,
        UpdateKind::User(Arc::new(UserEvent { seq: 1, name: "e".into(), payload: [0; 3].into() })),
    ));
    assert_eq!(decode(&encoded(&packet)), Ok(packet));
}

#[test]
fn parts_at_their_limits_are_accepted() {
    let mut packet = node(|node| {
        node.name = "x".repeat(NodeInfo::NAME_LIMIT).into();
        node.meta = [7; NodeInfo::META_LIMIT].into();
    });
    let target = PeerAddress { id: BOB, address: samples::address() };
    let targets = vec![target; PingReq::TARGET_LIMIT];
    packet.body = Body::PingReq(Box::new(PingReq { seq: 1, nack_after_us: 0, targets }));
    packet.updates.resize(UPDATE_LIMIT, samples::dead());
    let bytes = encoded(&packet);
    assert_eq!(bytes.len(), encoded_len(&packet) as usize);
    assert_eq!(decode(&bytes), Ok(packet));
    let mut sync = samples::sync_of_parts();
    let Body::Sync(table) = &mut sync.body else { unreachable!("a sync") };
    table.parts = vec![7; Limited::Parts.limit()];
    assert_eq!(decode(&encoded(&sync)), Ok(sync));
    let direct = direct_of(DirectMessage::PAYLOAD_LIMIT);
    assert_eq!(decode(&encoded(&direct)), Ok(direct));
}

fn direct_of(bytes: usize) -> Packet {
    samples::packet(Body::Direct(Arc::new(DirectMessage { channel: 1, payload: vec![7; bytes].into() })))
}

#[test]
fn too_many_updates_targets_or_records_are_not_written() {
    let mut packet = samples::ping();
    packet.updates = vec![samples::dead(); UPDATE_LIMIT + 1].into();
    assert_eq!(refusal(&packet), Err(excess(Limited::Updates)));
    let target = PeerAddress { id: BOB, address: samples::address() };
    let targets = vec![target; PingReq::TARGET_LIMIT + 1];
    let request = PingReq { seq: 1, nack_after_us: 0, targets };
    assert_eq!(refusal(&samples::packet(Body::PingReq(Box::new(request)))), Err(excess(Limited::Targets)));
    let mut sync = samples::sync();
    let Body::Sync(table) = &mut sync.body else { unreachable!("a sync") };
    table.records = vec![samples::dead(); RECORD_LIMIT + 1];
    assert_eq!(refusal(&sync), Err(excess(Limited::Records)));
    let mut sync = samples::sync_of_parts();
    let Body::Sync(table) = &mut sync.body else { unreachable!("a sync") };
    table.parts = vec![7; Limited::Parts.limit() + 1];
    assert_eq!(refusal(&sync), Err(excess(Limited::Parts)));
}

// F5
#[test]
fn addresses_at_which_no_member_can_listen_are_neither_written_nor_read() {
    for (ip, port, fault) in [
        ([0, 0, 0, 0], 7946, AddressFault::Unspecified),
        ([224, 0, 0, 1], 7946, AddressFault::Multicast),
        ([255, 255, 255, 255], 7946, AddressFault::Broadcast),
        ([10, 0, 0, 1], 0, AddressFault::NoPort),
    ] {
        let ipv6 = std::net::Ipv4Addr::from(ip).to_ipv6_mapped().octets();
        let (address, invalid) = (Address { ip: ipv6, port }, Invalid::Address(fault));
        assert_eq!(refusal(&node(|node| node.address = address)), Err(invalid));
        let targets = vec![PeerAddress { id: BOB, address }];
        let request = samples::packet(Body::PingReq(Box::new(PingReq { seq: 1, nack_after_us: 0, targets })));
        assert_eq!(refusal(&request), Err(invalid));
        let mut sync = samples::sync();
        let Body::Sync(table) = &mut sync.body else { unreachable!("a sync") };
        table.records.push(node(|node| node.address = address).updates[0].clone());
        assert_eq!(refusal(&sync), Err(invalid));

        // The same as bytes, in place of an address that is allowed. The whole packet is refused, with its other updates.
        let mut good = node(|node| node.address = Address { ip: [0xfd; 16], port: 7946 });
        good.updates.push(samples::dead());
        let mut bytes = encoded(&good);
        let at = bytes.windows(16).position(|window| window == [0xfd; 16]).unwrap();
        // An IPv4 address is written in 6 bytes, an IPv6 address in 18.
        bytes.splice(at - 1..at + 18, [&[6][..], &ip, &u16::to_be_bytes(port)].concat());
        assert_eq!(decode(&bytes), Err(invalid.into()));
    }
}

#[test]
fn locations_out_of_range_and_infinite_numbers_are_neither_written_nor_read() {
    let at = |location| node(|node| node.peer.location = Some(location));
    for (lat, lon) in [(90.5, 0.0), (-91.0, 0.0), (0.0, 180.5), (0.0, -181.0)] {
        assert_eq!(refusal(&at(Location::Globe { lat, lon })), Err(Invalid::OffTheGlobe));
    }
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(refusal(&at(Location::Globe { lat: odd, lon: 0.0 })), Err(Invalid::NotFinite));
        assert_eq!(refusal(&at(Location::Globe { lat: 0.0, lon: odd })), Err(Invalid::NotFinite));
        assert_eq!(refusal(&at(Location::Plane { x: odd, y: 0.0 })), Err(Invalid::NotFinite));
        assert_eq!(refusal(&at(Location::Plane { x: 0.0, y: odd })), Err(Invalid::NotFinite));
    }
    let sample = samples::with_coordinate();
    for nth in 0..11 {
        let mut packet = sample.clone();
        let coordinate = &mut packet.coordinate.as_mut().expect("a coordinate").at;
        match nth {
            8 => coordinate.height = f32::NAN,
            9 => coordinate.adjustment = f32::INFINITY,
            10 => coordinate.error = f32::NEG_INFINITY,
            _ => coordinate.vector[nth] = f32::NAN,
        }
        assert_eq!(refusal(&packet), Err(Invalid::NotFinite));
    }

    // The same as bytes. The last five bytes of the coordinate are its error.
    let mut bytes = encoded(&Packet { body: Body::Gossip, ..sample });
    let len = bytes.len();
    bytes[len - 4..].copy_from_slice(&f32::NAN.to_be_bytes());
    assert_eq!(decode(&bytes), Err(Invalid::NotFinite.into()));
    let location = |lat: f32| {
        let head = b"\x94\x00\x01\x01\x01\x96\xc4\x06\x0a\0\0\x01\x1f\x0a\x93\xc3\xca";
        gossip(1, &[&head[..], &lat.to_be_bytes(), b"\xca\0\0\0\0\x93\xc0\xc0\xc0\xc0\xa0\xc4\0"].concat())
    };
    assert!(decode(&location(90.0)).is_ok());
    assert_eq!(decode(&location(90.5)), Err(Invalid::OffTheGlobe.into()));
    assert_eq!(decode(&location(f32::INFINITY)), Err(Invalid::NotFinite.into()));
}

#[test]
fn an_alive_update_about_another_member_is_refused() {
    let packet = node(|node| node.peer = Peer::new(BOB));
    assert_eq!(refusal(&packet), Err(Invalid::ForeignNode { update: CAROL, node: BOB }));
}

#[test]
fn a_frame_is_a_length_and_a_packet() {
    let packet = samples::sync();
    let mut out = vec![7];
    frame(&packet, &mut out).expect("a valid packet");
    let (prefix, body) = out[1..].split_first_chunk().expect("a prefix");
    assert_eq!(frame_len(*prefix), Ok(body.len()));
    assert_eq!(decode(body), Ok(packet));
}

#[test]
fn a_frame_beyond_the_limit_is_refused_by_its_prefix() {
    let prefix = |len: usize| u32::try_from(len).expect("a length").to_be_bytes();
    assert_eq!(frame_len(prefix(FRAME_LIMIT)), Ok(FRAME_LIMIT));
    assert_eq!(frame_len(prefix(FRAME_LIMIT + 1)), Err(excess(Limited::Frame).into()));
}

#[test]
fn a_packet_too_long_for_a_frame_is_not_written() {
    let mut sync = samples::sync();
    let Body::Sync(table) = &mut sync.body else { unreachable!("a sync") };
    let long = node(|node| node.meta = [7; NodeInfo::META_LIMIT].into()).updates.remove(0);
    table.records = vec![long; FRAME_LIMIT / NodeInfo::META_LIMIT];
    let found = encoded_len(&sync) as usize;
    assert_eq!(frame(&sync, &mut vec![]), Err(Invalid::Excess { what: Limited::Frame, found }));
}

#[test]
fn a_refused_frame_leaves_no_bytes() {
    let mut out = vec![7];
    assert!(frame(&node(|node| node.peer = Peer::new(BOB)), &mut out).is_err());
    assert_eq!(out, [7]);
}

#[test]
fn refusals_are_sentences() {
    assert_eq!(
        DecodeError::from(excess(Limited::Name)).to_string(),
        "bytes of a member's name: 129 is more than the 128 allowed"
    );
    assert_eq!(DecodeError::Truncated(Part::Update).to_string(), "the input ends inside an update");
    assert_eq!(DecodeError::Version(9).to_string(), "unsupported version 9 (expected 1)");
}
