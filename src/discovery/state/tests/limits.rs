//! Each limit, reached and exceeded.

use super::super::delta::{Delta, DeltaEntry};
use super::super::member_state::Applied;
use super::{exchange, hand_over, ms, store, values};
use crate::discovery::state::{
    BEHIND_LIMIT, CHANGE_LIMIT, DELETION_LIMIT, DELETION_MEMORY, ExchangeConfig, KEY_BYTES, KEY_LIMIT, LONGEST_TTL,
    MEMBER_LIMIT, REPLACEMENT_TIMEOUT, STATE_BYTES, StateError, StateStore, VALUE_BYTES,
};
use crate::protocol::{Id, Span};

#[test]
fn keys_and_values_have_longest_lengths() {
    let mut own = store(1, []);
    let (key, value) = ("k".repeat(KEY_BYTES), "v".repeat(VALUE_BYTES));
    assert_eq!(own.set(ms(0), &key, &value, None), Ok(true));
    assert_eq!(own.set(ms(0), &format!("{key}k"), "", None), Err(StateError::LongKey(KEY_BYTES + 1)));
    assert_eq!(own.set(ms(0), "k", &format!("{value}v"), None), Err(StateError::LongValue(VALUE_BYTES + 1)));
    assert_eq!(own.set(ms(0), "", "", None), Err(StateError::EmptyKey));
    for control in ["a\nb", "a\u{1b}b", "\u{2028}", "\u{85}"] {
        assert!(matches!(own.set(ms(0), control, "", None), Err(StateError::Control(_))));
    }
    assert_eq!(own.version_of(1), Some((1, 1)));
    assert_eq!(StateError::LongKey(129).to_string(), "a key of 129 bytes is longer than the 128 allowed");
}

#[test]
fn times_to_live_have_a_longest_and_are_not_zero() {
    let mut own = store(1, []);
    assert_eq!(own.set(ms(0), "k", "", Some(LONGEST_TTL)), Ok(true));
    assert_eq!(own.set(ms(0), "k", "", Some(LONGEST_TTL + Span::from_micros(1))), Err(StateError::Ttl));
    assert_eq!(own.set(ms(0), "k", "", Some(Span::ZERO)), Err(StateError::Ttl));
}

#[test]
fn a_state_has_a_largest_number_of_keys() {
    let mut own = store(1, []);
    for number in 0..KEY_LIMIT {
        assert_eq!(own.set(ms(0), &number.to_string(), "", None), Ok(true));
    }
    assert_eq!(own.set(ms(0), "one more", "", None), Err(StateError::TooManyKeys));
    assert_eq!(own.set(ms(0), "0", "changed", None), Ok(true));
    // The deletion makes way for the new key.
    assert!(own.delete(ms(0), "1"));
    assert_eq!(own.set(ms(0), "one more", "", None), Ok(true));
    let mut copy = store(2, [1]);
    hand_over(ms(0), &own, &mut copy, 1);
    assert_eq!(values(&copy, 1), values(&own, 1));
}

#[test]
fn a_state_has_a_largest_number_of_bytes() {
    let (mut own, value) = (store(1, []), "v".repeat(508));
    for number in 0..STATE_BYTES / 512 {
        assert_eq!(own.set(ms(0), &format!("{number:04}"), &value, None), Ok(true));
    }
    assert_eq!(own.set(ms(0), "k", "", None), Err(StateError::TooLarge(STATE_BYTES + 1)));
    assert_eq!(own.set(ms(0), "0000", &"v".repeat(507), None), Ok(true));
    assert_eq!(own.set(ms(0), "k", "", None), Ok(true));
}

#[test]
fn deletions_are_remembered_up_to_the_limit() {
    let mut own = store(1, []);
    let key = |number: usize| number.to_string();
    for number in 0..=DELETION_LIMIT {
        own.set(ms(0), &key(number), "", None).unwrap();
    }
    let mut copy = store(2, [1]);
    hand_over(ms(0), &own, &mut copy, 1);
    for number in 0..DELETION_LIMIT {
        own.delete(ms(1), &key(number));
    }
    let start = |own: &StateStore| own.after(ms(1), &copy.known(1).unwrap(), 1 << 20).unwrap().delta.from;
    assert_eq!(start(&own), DELETION_LIMIT as u64 + 1);
    own.delete(ms(1), &key(DELETION_LIMIT));
    // The copy misses the oldest deletion, which is forgotten, and gets the whole state.
    assert_eq!(start(&own), 0);
}

#[test]
fn a_deletion_is_remembered_for_a_time() {
    let (mut own, mut copy) = (store(1, []), store(2, [1]));
    own.set(ms(0), "a", "", None).unwrap();
    hand_over(ms(0), &own, &mut copy, 1);
    own.delete(ms(0), "a");
    let start = |own: &StateStore| own.after(ms(1), &copy.known(1).unwrap(), 1000).unwrap().delta.from;
    assert_eq!(own.next_expiry(), ms(0) + DELETION_MEMORY);
    own.expire(ms(0) + DELETION_MEMORY - Span::from_micros(1));
    assert_eq!(start(&own), 1);
    own.expire(ms(0) + DELETION_MEMORY);
    assert_eq!(start(&own), 0);
}

#[test]
fn states_of_members_are_kept_up_to_the_limit() {
    let mut own = store(0, 1..MEMBER_LIMIT as Id);
    let next = MEMBER_LIMIT as Id;
    assert_eq!(own.admit(next, 1), Err(StateError::TooManyMembers(next)));
    assert_eq!(own.admit(1, 2), Ok(()));
    own.forget(1);
    assert_eq!(own.admit(next, 1), Ok(()));
}

#[test]
fn changes_wait_up_to_the_limit_and_the_reader_is_told_of_more() {
    let mut own = store(1, []);
    for number in 0..CHANGE_LIMIT + 3 {
        own.set(ms(0), "k", &number.to_string(), None).unwrap();
    }
    let changes = own.take_changes();
    assert_eq!((changes.list.len(), changes.missed), (CHANGE_LIMIT, 3));
    assert_eq!(changes.list[0].new.as_deref(), Some("3"));
    assert_eq!(own.take_changes().missed, 0);
}

/// A delta of new keys that no honest owner has all at once.
fn flood(copy: &mut StateStore, from: u64, keys: u64) -> Applied {
    let keys: Vec<String> = (0..keys).map(|key| format!("{}", from + key)).collect();
    let entries = (from + 1..).zip(&keys);
    let entries: Vec<_> =
        entries.map(|(version, key)| DeltaEntry { version, left: None, key, value: Some("") }).collect();
    let to = from + entries.len() as u64;
    copy.apply(ms(0), &Delta { member: 1, generation: 1, from, to, collected: 0, entries }, true)
}

#[test]
fn a_copy_outgrows_a_state_by_the_factor_and_is_then_received_as_a_whole() {
    let mut copy = store(2, [1]);
    assert_eq!(flood(&mut copy, 0, 512), Applied::Newer);
    assert_eq!(copy.keys_of(1).count(), 512);
    assert_eq!(flood(&mut copy, 512, 1), Applied::Behind);
    assert_eq!((copy.keys_of(1).count(), copy.known(1).unwrap().version), (512, 0));
    // The state of the owner, which has deleted nearly all.
    let mut own = store(1, []);
    for number in 0..600 {
        own.set(ms(0), "only", &number.to_string(), None).unwrap();
    }
    assert_eq!(hand_over(ms(0), &own, &mut copy, 1), Some(Applied::Newer));
    assert_eq!(values(&copy, 1), values(&own, 1));
}

#[test]
fn a_replacement_that_does_not_grow_is_given_up() {
    let mut copy = store(2, [1]);
    flood(&mut copy, 0, 5);
    let entries = vec![DeltaEntry { version: 3, left: None, key: "a", value: Some("") }];
    // A deletion that was forgotten later than all of the copy, and a part of the state only.
    let part = Delta { member: 1, generation: 1, from: 0, to: 3, collected: 100, entries };
    assert_eq!(copy.apply(ms(0), &part, true), Applied::Newer);
    assert_eq!(copy.known(1).unwrap().version, 3);
    copy.expire(ms(0) + REPLACEMENT_TIMEOUT - Span::from_micros(1));
    assert_eq!(copy.known(1).unwrap().version, 3);
    copy.expire(ms(0) + REPLACEMENT_TIMEOUT);
    assert_eq!((copy.known(1).unwrap().version, copy.keys_of(1).count()), (5, 5));
}

#[test]
fn missed_changes_are_remembered_of_as_many_members_as_the_limit_says() {
    let others = BEHIND_LIMIT as Id + 10;
    let mut member = exchange(ExchangeConfig::default(), store(0, 1..=others));
    for of in 1..=others {
        let delta = Delta { member: of, generation: 1, from: 5, to: 6, collected: 0, entries: vec![] };
        member.handle_news(ms(0), 1, &[delta]);
    }
    assert_eq!(member.behind.len(), BEHIND_LIMIT);
    // They are asked for in as many datagrams as they need, one per interval.
    let mut out = Vec::new();
    member.wake(ms(0), &mut |_| vec![], &mut out);
    assert_eq!(out.len(), 1);
    assert!(out[0].1.len() <= 1200 && member.behind.len() < BEHIND_LIMIT - 100);
}

#[test]
fn an_answer_is_at_most_three_times_as_long_as_the_request() {
    let mut member = exchange(ExchangeConfig::default(), store(0, 1..=200));
    for of in 1..=200 {
        let mut owner = store(of, []);
        owner.set(ms(0), "k", &"v".repeat(40), None).unwrap();
        hand_over(ms(0), &owner, member.store_mut(), of);
    }
    let rows: Vec<_> = (1..=200).map(|of| store(999, [of]).known(of).unwrap()).collect();
    for received in [1, 50, 133, 200, 400, 1200] {
        let mut out = Vec::new();
        member.answer_versions(ms(0), 7, rows.clone(), received, &mut out);
        let sent: usize = out.iter().map(|(_, payload)| payload.len()).sum();
        assert!(sent <= 3 * received, "{sent} for {received}");
        assert!(received < 133 || sent > received, "{sent} for {received}");
        let mut out = Vec::new();
        member.answer_parts(7, &[1; 50], received, &mut out);
        assert!(out.iter().map(|(_, payload)| payload.len()).sum::<usize>() <= 3 * received);
    }
}
