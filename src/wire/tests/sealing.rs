//! Sealing and opening.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::collection::vec;
use proptest::prelude::*;

use super::{encoded, samples};
use crate::protocol::{Packet, Sizer};
use crate::wire::{
    DecodeError, FRAME_LIMIT, FRAME_PREFIX, Invalid, Key, Keyring, Limited, OpenError, SEAL_OVERHEAD, SEAL_VERSION,
    SEALED_PREFIX, Seal, SealedSizer, decode, frame_len,
};

/// A key whose bytes count up from this.
pub(super) fn key(from: u8) -> Key {
    Key::new(&std::array::from_fn(|at| from + at as u8))
}

/// The seal of a member that has a key; members differ by their salt.
pub(super) fn seal(salt: u64) -> Seal {
    Seal::with_salt(Keyring::new(key(0)), "blue", salt)
}

/// Some seconds into 2026.
pub(super) fn at(seconds: f64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600) + Duration::from_secs_f64(seconds)
}

/// A packet that this seal seals.
pub(super) fn sealed(seal: &mut Seal, now: SystemTime, packet: &Packet) -> Vec<u8> {
    let mut bytes = Vec::new();
    seal.encode(now, packet, &mut bytes).expect("a valid packet");
    bytes
}

fn all_samples() -> [Packet; 8] {
    [
        samples::ping(),
        samples::ack(),
        samples::ping_req(),
        samples::indirect_ack(),
        samples::nack(),
        samples::gossip(),
        samples::sync(),
        samples::with_coordinate(),
    ]
}

/// Computed by another implementation, which was checked against the vectors of draft-irtf-cfrg-xchacha-03.
#[test]
fn the_sealed_bytes_are_these() {
    let bytes = sealed(&mut seal(0x0123_4567_89ab_cdef), at(0.0), &samples::ping());
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = [GOLDEN_HEADER, GOLDEN_BODY, GOLDEN_TAG].concat();
    assert_eq!(hex, expected);
    assert_eq!(seal(2).decode(at(0.0), &mut bytes.clone()), Ok(samples::ping()));
}

const GOLDEN_HEADER: &str = "81064748462040000123456789abcdef";
const GOLDEN_BODY: &str = "02120c499a6959fc0aab970ab1b39ce88db682e7c3892655f010da8b0b";
const GOLDEN_TAG: &str = "3cb880f78acd4a588331c5d86808e5fd";

#[test]
fn a_seal_adds_the_documented_bytes_to_every_packet() {
    for packet in all_samples() {
        let bytes = sealed(&mut seal(1), at(0.0), &packet);
        assert_eq!(bytes.len(), encoded(&packet).len() + SEAL_OVERHEAD);
        let updates = packet.updates.iter().map(|update| SealedSizer.update(update)).sum::<u32>();
        assert_eq!(bytes.len() as u32, SealedSizer.bare(&packet) + updates);
    }
    let docs = include_str!("../../../docs/wire.md");
    assert!(docs.contains(&format!("A seal adds {SEAL_OVERHEAD} bytes")));
    assert!(docs.contains(&format!("{SEALED_PREFIX} bytes before each packet on a stream")));
}

#[test]
fn the_key_and_the_label_open_what_was_sealed() {
    let (mut alice, mut bob) = (seal(1), seal(2));
    for packet in all_samples() {
        let mut bytes = sealed(&mut alice, at(0.0), &packet);
        assert_eq!(bob.decode(at(0.1), &mut bytes), Ok(packet));
    }
}

#[test]
fn the_wrong_key_opens_nothing() {
    let mut bytes = sealed(&mut seal(1), at(0.0), &samples::ping());
    let before = bytes.clone();
    let mut outsider = Seal::with_salt(Keyring::new(key(1)), "blue", 2);
    assert_eq!(outsider.decode(at(0.0), &mut bytes), Err(OpenError::Forged));
    assert_eq!((bytes, outsider.remembered()), (before, 0));
}

#[test]
fn the_wrong_label_opens_nothing() {
    let mut bytes = sealed(&mut seal(1), at(0.0), &samples::ping());
    for label in ["", "Blue", "blue ", "green"] {
        let mut outsider = Seal::with_salt(Keyring::new(key(0)), label, 2);
        assert_eq!(outsider.decode(at(0.0), &mut bytes), Err(OpenError::Forged), "{label}");
    }
}

#[test]
fn a_truncated_or_extended_packet_is_not_opened() {
    let bytes = sealed(&mut seal(1), at(0.0), &samples::gossip());
    let mut bob = seal(2);
    for len in 0..bytes.len() {
        let expected = if len < SEAL_OVERHEAD { OpenError::Short(len) } else { OpenError::Forged };
        assert_eq!(bob.open(at(0.0), &mut bytes[..len].to_vec()), Err(expected));
    }
    let mut longer = [&bytes[..], &[0]].concat();
    assert_eq!(bob.open(at(0.0), &mut longer), Err(OpenError::Forged));
}

#[test]
fn a_packet_with_any_bit_flipped_is_not_opened_and_stays_as_it_is() {
    let bytes = sealed(&mut seal(1), at(0.0), &samples::gossip());
    let mut bob = seal(2);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let before = flipped.clone();
        let refused = bob.open(at(0.0), &mut flipped).expect_err("altered");
        match bit / 8 {
            0 => assert_eq!(refused, OpenError::NotSealed(before[0])),
            1..8 => assert!(matches!(refused, OpenError::Stale(_) | OpenError::Early(_) | OpenError::Forged)),
            _ => assert_eq!(refused, OpenError::Forged),
        }
        assert_eq!(flipped, before);
    }
    assert!(bob.open(at(0.0), &mut bytes.clone()).is_ok());
}

#[test]
fn with_a_key_plain_packets_are_refused_and_without_one_sealed_ones() {
    let mut plain = [encoded(&samples::gossip()), vec![0; SEAL_OVERHEAD]].concat();
    assert_eq!(seal(1).decode(at(0.0), &mut plain), Err(OpenError::NotSealed(1)));
    let bytes = sealed(&mut seal(1), at(0.0), &samples::ping());
    assert_eq!(decode(&bytes), Err(DecodeError::Version(SEAL_VERSION)));
}

#[test]
fn authentic_bytes_that_are_not_a_packet_are_refused() {
    let mut bytes = Vec::new();
    seal(1).seal(at(0.0), b"\x04hello", &mut bytes);
    assert_eq!(seal(2).decode(at(0.0), &mut bytes), Err(OpenError::Packet(DecodeError::Version(4))));
    let mut bob = seal(2);
    let mut empty = Vec::new();
    seal(1).seal(at(0.0), b"", &mut empty);
    assert_eq!(empty.len(), SEAL_OVERHEAD);
    assert_eq!(bob.open(at(0.0), &mut empty), Ok(&[][..]));
}

#[test]
fn an_invalid_packet_is_not_sealed() {
    let Packet { mut updates, .. } = samples::gossip();
    updates.resize(Limited::Updates.limit() + 1, samples::dead());
    let packet = Packet { updates, ..samples::ping() };
    let mut out = vec![7];
    assert!(matches!(seal(1).encode(at(0.0), &packet, &mut out), Err(Invalid::Excess { .. })));
    assert!(matches!(seal(1).frame(at(0.0), &packet, &mut out), Err(Invalid::Excess { .. })));
    assert_eq!(out, [7]);
}

#[test]
fn a_packet_on_a_stream_follows_its_sealed_length() {
    let (mut alice, mut bob) = (seal(1), seal(2));
    let mut stream = Vec::new();
    for packet in all_samples() {
        alice.frame(at(0.0), &packet, &mut stream).unwrap();
    }
    let mut rest = &mut stream[..];
    for packet in all_samples() {
        let prefix = rest.split_off_mut(..SEALED_PREFIX).unwrap();
        let len = bob.frame_len(at(0.1), prefix.try_into().unwrap()).unwrap();
        assert_eq!(bob.decode(at(0.1), rest.split_off_mut(..len).unwrap()), Ok(packet));
    }
    assert!(rest.is_empty());
}

#[test]
fn without_the_key_no_length_can_be_announced() {
    let mut bob = seal(2);
    let mut stream = Vec::new();
    seal(1).frame(at(0.0), &samples::sync(), &mut stream).unwrap();
    for byte in 0..SEALED_PREFIX {
        let mut prefix: [u8; SEALED_PREFIX] = *stream.first_chunk().unwrap();
        prefix[byte] ^= 1;
        // With another stamp or salt the header is still well formed, but the tag does not match it.
        assert!(bob.frame_len(at(0.0), &mut prefix).is_err());
    }
    let mut plain = Vec::new();
    crate::wire::frame(&samples::sync(), &mut plain).unwrap();
    plain.resize(SEALED_PREFIX, 0);
    assert_eq!(bob.frame_len(at(0.0), plain.first_chunk_mut().unwrap()), Err(OpenError::NotSealed(0)));
}

#[test]
fn a_length_beyond_the_limit_is_refused_even_if_sealed() {
    let announce = |len: u32| {
        let mut prefix = Vec::new();
        seal(1).seal(at(0.0), &len.to_be_bytes(), &mut prefix);
        seal(2).frame_len(at(0.0), prefix.first_chunk_mut().unwrap())
    };
    assert_eq!(announce(FRAME_LIMIT as u32), Ok(FRAME_LIMIT + SEAL_OVERHEAD));
    let excess = Invalid::Excess { what: Limited::Frame, found: FRAME_LIMIT + 1 };
    assert_eq!(announce(FRAME_LIMIT as u32 + 1), Err(OpenError::Packet(DecodeError::Invalid(excess))));
    // A member without a key refuses a sealed prefix.
    let mut prefix = Vec::new();
    seal(1).seal(at(0.0), &[0; 4], &mut prefix);
    assert!(frame_len(*prefix.first_chunk::<FRAME_PREFIX>().unwrap()).is_err());
}

#[test]
fn a_seal_shows_no_key_and_no_two_of_its_nonces_are_equal() {
    let mut alice = seal(1);
    let shown = format!("{alice:?} {:?} {:?}", alice.keyring(), key(0));
    for secret in ["0, 1, 2, 3", "00010203", "AAECAw"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    // A clock that stands still, goes back a little, and goes back a lot, repeatedly.
    let clock = [0.0, 0.0, 5.0, 1.0, 90.0, 0.0, 0.0, 90.0, 2.0, 90.0, 0.0];
    let mut nonces: Vec<Vec<u8>> =
        clock.iter().map(|&now| sealed(&mut alice, at(now), &samples::ping())[..16].to_vec()).collect();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), clock.len());
}

proptest! {
    #[test]
    fn opening_any_bytes_at_any_time_does_not_panic(
        mut bytes in vec(any::<u8>(), 0..200),
        seconds in 0u64..1 << 40,
        looks_sealed in any::<bool>(),
    ) {
        if looks_sealed && !bytes.is_empty() {
            bytes[0] = SEAL_VERSION;
        }
        let mut bob = seal(2).with_tolerance(Duration::MAX);
        prop_assert!(bob.open(UNIX_EPOCH + Duration::from_secs(seconds), &mut bytes).is_err());
        prop_assert_eq!(bob.remembered(), 0);
    }

    #[test]
    fn sealed_bytes_are_opened_and_altered_ones_are_not(
        plain in vec(any::<u8>(), 0..1500),
        (byte, mask) in (any::<prop::sample::Index>(), 1u8..),
    ) {
        let mut bytes = Vec::new();
        seal(1).seal(at(0.0), &plain, &mut bytes);
        let mut altered = bytes.clone();
        altered[byte.index(bytes.len())] ^= mask;
        let mut bob = seal(2);
        prop_assert!(bob.open(at(0.0), &mut altered).is_err());
        prop_assert_eq!(bob.open(at(0.0), &mut bytes), Ok(&plain[..]));
        // All bytes from a sender with the key are decoded or refused.
        let mut bytes = Vec::new();
        seal(1).seal(at(0.0), &plain, &mut bytes);
        prop_assert!(matches!(seal(2).decode(at(0.0), &mut bytes), Err(OpenError::Packet(_)) | Ok(_)));
    }
}
