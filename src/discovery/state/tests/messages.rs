//! Messages as bytes.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::delta::{Content, Delta, DeltaEntry, StateVersion};
use super::super::message::{Message, delta_size, truncate_versions};
use crate::discovery::state::{
    CONTENT_DIGEST_BYTES, DIGEST_BYTES, KEY_BYTES, LONGEST_TTL, PART_LIMIT, PayloadError, StateError, VALUE_BYTES,
};
use crate::protocol::Span;

fn entry<'a>(version: u64, key: &'a str, value: Option<&'a str>) -> DeltaEntry<'a> {
    DeltaEntry { version, left: None, key, value }
}

fn news<'a>(entries: Vec<DeltaEntry<'a>>) -> Message<'a> {
    Message::News(vec![Delta { member: 7, generation: 1, from: 2, to: 9, collected: 1, entries }])
}

fn refused(message: &Message<'_>) -> Option<PayloadError> {
    Message::decode(&message.encode(0)).err()
}

/// The format: a change of these bytes needs another version.
#[test]
fn messages_have_these_bytes() {
    let cases = [
        (Message::Digest { is_reply: false, digest: 5 }, "0100cf0000000000000005"),
        (Message::Digest { is_reply: true, digest: 5 }, "0101cf0000000000000005"),
        (Message::Parts(vec![1, 1 << 31]), "01020201ce80000000"),
        (
            Message::Versions(vec![StateVersion { member: 300, generation: 2, version: 5, collected: 0 }]),
            "01030194cd012c020500",
        ),
        (
            Message::Request(vec![StateVersion { member: 300, generation: 2, version: 5, collected: 0 }]),
            "01040194cd012c020500",
        ),
        (news(vec![entry(3, "k", Some("v")), entry(9, "d", None)]), "010501960701020901029403 00a16b a176940900a164c0"),
        (Message::Deltas { is_last: true, deltas: vec![] }, "010700"),
        (Message::ContentDigest { is_reply: false, salt: 7, digest: 5 }, "0108cf0000000000000007cf0000000000000005"),
        (Message::ContentDigest { is_reply: true, salt: 7, digest: 5 }, "0109cf0000000000000007cf0000000000000005"),
        (Message::ContentParts { salt: 7, parts: vec![1, 1 << 31] }, "010acf00000000000000070201ce80000000"),
        (
            Message::Contents {
                salt: 7,
                contents: vec![Content { member: 300, generation: 2, version: 5, hash: 1 << 60 }],
            },
            "010bcf00000000000000070194cd012c0205cf1000000000000000",
        ),
    ];
    for (message, hex) in cases {
        let bytes: String = message.encode(0).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(bytes, hex.replace(' ', ""), "{message:?}");
    }
    assert_eq!(Message::Digest { is_reply: false, digest: 0 }.encode(0).len(), DIGEST_BYTES);
    let longest = Message::ContentDigest { is_reply: false, salt: 0, digest: u64::MAX };
    assert_eq!(longest.encode(0).len(), CONTENT_DIGEST_BYTES);
}

#[test]
fn other_bytes_are_refused_for_a_reason() {
    let digest = Message::Digest { is_reply: false, digest: 5 }.encode(0);
    let cases: [(&[u8], PayloadError); 8] = [
        (&[], PayloadError::Truncated),
        (&[1], PayloadError::Truncated),
        (&[9, 0, 0], PayloadError::Version(9)),
        (&[1, 12, 0], PayloadError::Kind(12)),
        (&digest[..6], PayloadError::Truncated),
        (&[1, 0, 0xa1, b'x'], PayloadError::Malformed),
        // The digest 5 in its short form.
        (&[1, 0, 5], PayloadError::NotCanonical),
        // A list that claims 65,535 versions.
        (&[1, 3, 0xcd, 0xff, 0xff, 0x94], PayloadError::Truncated),
    ];
    for (bytes, error) in cases {
        assert_eq!(Message::decode(bytes), Err(error), "{bytes:?}");
    }
    assert_eq!(Message::decode(&[&digest[..], &[0; 40]].concat()), Message::decode(&digest));
    assert_eq!(Message::decode(&[&digest[..], &[0, 1]].concat()), Err(PayloadError::Trailing));
    assert_eq!(PayloadError::Version(9).to_string(), "unsupported version 9 (expected 1)");
}

#[test]
fn versions_and_texts_that_no_owner_writes_are_refused() {
    let long_key = "k".repeat(KEY_BYTES + 1);
    let long_value = "v".repeat(VALUE_BYTES + 1);
    let text = |error| Some(PayloadError::Text(error));
    let cases = [
        (entry(2, "k", None), Some(PayloadError::OutOfRange)),
        (entry(10, "k", None), Some(PayloadError::OutOfRange)),
        (entry(3, "", None), text(StateError::EmptyKey)),
        (entry(3, "a\nb", None), text(StateError::Control('\n'))),
        (entry(3, &long_key, None), text(StateError::LongKey(KEY_BYTES + 1))),
        (entry(3, &long_key[1..], None), None),
        (entry(3, "k", Some(&long_value)), text(StateError::LongValue(VALUE_BYTES + 1))),
        (entry(3, "k", Some(&long_value[1..])), None),
        (entry(3, "k", Some("any\ntext \u{1f980}")), None),
    ];
    for (entry, error) in cases {
        assert_eq!(refused(&news(vec![entry])), error, "{entry:?}");
    }
    assert_eq!(refused(&news(vec![entry(4, "a", None), entry(4, "b", None)])), Some(PayloadError::OutOfRange));
    let entries = (0..513).map(|_| entry(3, "k", None)).collect();
    assert_eq!(refused(&news(entries)), Some(PayloadError::OutOfRange));
}

#[test]
fn a_time_to_live_is_read_up_to_the_longest() {
    let with = |left| news(vec![DeltaEntry { left: Some(left), ..entry(3, "k", Some("v")) }]);
    assert_eq!(refused(&with(LONGEST_TTL)), None);
    assert_eq!(refused(&with(LONGEST_TTL + Span::from_millis(1))), Some(PayloadError::OutOfRange));
    // What is left is rounded up, never to nothing.
    let bytes = with(Span::from_micros(1)).encode(0);
    assert_eq!(Message::decode(&bytes), Ok(with(Span::from_millis(1))));
}

#[test]
fn digests_of_parts_are_read_up_to_the_limit() {
    assert_eq!(refused(&Message::Parts(vec![])), Some(PayloadError::OutOfRange));
    assert_eq!(refused(&Message::Parts(vec![0; PART_LIMIT])), None);
    assert_eq!(refused(&Message::Parts(vec![0; PART_LIMIT + 1])), Some(PayloadError::OutOfRange));
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        member in any::<u64>(), generation in any::<u32>(), collected in any::<u64>(),
        entries in vec((1_u64..1 << 40, option::of(1_u64..3_600_000), "[a-z/]{1,128}", option::of(".{0,128}")), 0..20),
        padding in 0_usize..2000,
    ) {
        let mut version = 3;
        let entries: Vec<_> = entries.iter().map(|(step, left, key, value)| {
            version += step;
            DeltaEntry { version, left: left.map(Span::from_millis), key, value: value.as_deref() }
        }).collect();
        let delta = Delta { member, generation, from: 3, to: version + 1, collected, entries };
        let size = delta_size(&delta);
        let message = Message::Deltas { is_last: true, deltas: vec![delta] };
        let bytes = message.encode(padding);
        prop_assert!(bytes.len() >= padding);
        prop_assert_eq!(Message::decode(&bytes), Ok(message.clone()));
        // Version, kind and number of deltas.
        prop_assert_eq!(message.encode(0).len(), 3 + size);
    }

    #[test]
    fn versions_that_fit_do_fit_and_one_more_would_not(mtu in 800_usize..3000, value in any::<u64>()) {
        let row = StateVersion { member: value, generation: value as u32, version: value, collected: value };
        let mut rows = vec![row; 3000];
        truncate_versions(&mut rows, mtu);
        let message = Message::Versions(rows);
        let bytes = message.encode(0);
        prop_assert!(bytes.len() <= mtu && bytes.len() + 40 > mtu);
        prop_assert_eq!(Message::decode(&bytes), Ok(message.clone()));
    }
}
