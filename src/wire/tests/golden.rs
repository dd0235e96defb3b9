//! Bytes and sizes that are pinned.

use super::encoded;
use super::samples::{self, BOB};
use crate::protocol::{Body, Packet, PeerAddress, PingReq, Sizer};
use crate::wire::{Limited, PlainSizer, decode};

/// One packet of each kind and its bytes: envelope, head, body, updates. Other bytes are a new version of the wire.
fn vectors() -> Vec<(Packet, &'static [&'static str])> {
    vec![
        (samples::ping(), &["01 10 0000", HEAD, "cd1234"]),
        (samples::ack(), &["01 11 0000", HEAD, "cd1234"]),
        (
            samples::ping_req(),
            &[
                "01 12 0000",
                HEAD,
                "93 cd1234 ce00061a80 02",
                "92 cfb0b0000000000002 c406 0a000002 1f0a",
                "92 cfca20100000000003 c412 fdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfd 1f0a",
            ],
        ),
        (samples::indirect_ack(), &["01 13 0000", HEAD, "92 cd1234 cfca20100000000003"]),
        (samples::nack(), &["01 14 0000", HEAD, "92 cd1234 cfca20100000000003"]),
        (
            samples::gossip(),
            &[
                "01 25 0005",
                "95 cfa11ce00000000001 ce6955b900 02 ce6955b900 01",
                ALIVE,
                SUSPECT,
                "94 02 cfb0b0000000000002 ce6955b900 01",
                "94 03 cfb0b0000000000002 ce6955b900 01",
                "94 04 cfa11ce00000000001 ce6955b900 01 93 05 a6 6465706c6f79 c402 cafe",
            ],
        ),
        (samples::digest(), &["02 17 0000", HEAD, "92 c3 cf0123456789abcdef"]),
        (samples::direct(), &["03 19 0000", HEAD, "92 01 c402 abcd"]),
        (samples::sync_of_parts(), &["02 18 0000", HEAD, "94 c3 c2 02 00", "07 cefeedf00d"]),
        (samples::sync(), &["01 06 0000", "93 cfa11ce00000000001 ce6955b900 02", "93 c3 c2 02", ALIVE, SUSPECT]),
        (
            samples::with_coordinate(),
            &[
                "01 51 0000",
                HEAD,
                "9b ca3f800000 cac0000000 ca3f000000 ca00000000 ca49742400 cabe800000 ca40400000 ca40800000",
                "ca43160000 cac0600000 ca3e000000",
                "cd1234",
            ],
        ),
        (
            samples::with_hint(),
            &[
                "01 d1 0000",
                HEAD,
                "9b ca3f800000 cac0000000 ca3f000000 ca00000000 ca49742400 cabe800000 ca40400000 ca40800000",
                "ca43160000 cac0600000 ca3e000000",
                "92 cfca20100000000003 cd4e20",
                "cd1234",
            ],
        ),
    ]
}

const HEAD: &str = "95 cfa11ce00000000001 ce6955b900 02 ce6955b900 00";
const ALIVE: &str = "94 00 cfca20100000000003 ce6955b900 01 \
     96 c406 0a000003 1f0a 93 c3 cb404a2f5c28f5c28f cb401399999999999a 93 cee0e0e0e0 ce0e0e0e0e c0 11 \
     a7 6361726f6c2d37 c402 0102";
const SUSPECT: &str = "94 01 cfca20100000000003 ce6955b900 01 cfa11ce00000000001";

#[test]
fn the_bytes_are_these() {
    for (packet, expected) in vectors() {
        let expected: String = expected.concat().split_whitespace().collect();
        let bytes = encoded(&packet);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected, "{}", packet.body.kind().name());
        assert_eq!(decode(&bytes), Ok(packet));
    }
}

#[test]
fn messages_take_the_documented_bytes() {
    let one_target = vec![PeerAddress { id: BOB, address: samples::address() }];
    let ping_req = PingReq { seq: samples::SEQ, nack_after_us: 400_000, targets: one_target };
    let messages = [
        ("bare ping", samples::ping()),
        ("bare ack", samples::ack()),
        ("ping that carries one suspicion", Packet { updates: vec![samples::suspect()].into(), ..samples::ping() }),
        ("ack with a coordinate", samples::with_coordinate()),
        ("ack with a coordinate and a neighbor hint", samples::with_hint()),
        ("ping-req with one IPv4 target", samples::packet(Body::PingReq(Box::new(ping_req)))),
        ("nack", samples::nack()),
        ("digest of a table", samples::digest()),
    ];
    for (message, packet) in messages {
        assert_documented(message, &encoded(&packet).len().to_string());
    }
}

#[test]
fn updates_take_the_documented_bytes() {
    let updates = [
        ("dead, left", samples::dead()),
        ("suspect", samples::suspect()),
        ("alive, with only an IPv4 address", samples::alive_bare()),
        ("alive, with an IPv4 address and a learned location", samples::alive_with_learned_location()),
        ("alive, with location, zone, site, a name of 7 bytes and 2 of metadata", samples::alive()),
    ];
    for (name, update) in updates {
        assert_documented(name, &PlainSizer.update(&update).to_string());
    }
}

#[test]
fn a_bare_ping_is_small_however_long_a_member_lives() {
    let ping = |seq| encoded(&samples::packet(Body::Ping { seq })).len();
    assert_eq!((ping(1), ping(200), ping(40_000), ping(u32::MAX)), (27, 28, 29, 31));
}

#[test]
fn the_limits_are_the_documented_ones() {
    use Limited::*;
    for what in [Updates, Records, Targets] {
        assert_documented_limit(what, "");
    }
    for what in [Name, Meta, EventName, Payload, Frame] {
        assert_documented_limit(what, " bytes");
    }
}

fn assert_documented_limit(what: Limited, unit: &str) {
    let name = what.to_string();
    let name = name.strip_prefix("bytes of ").unwrap_or(&name);
    assert_documented(name, &format!("{}{unit}", with_commas(what.limit())));
}

/// Looks for a table's row in the documentation.
fn assert_documented(name: &str, figure: &str) {
    let row = format!("| {name} | {figure} |");
    assert!(include_str!("../../../docs/wire.md").contains(&row), "docs/wire.md lacks: {row}");
}

fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
    groups.join(",")
}
