//! Writing, deleting, expiring, forgetting.

use super::super::member_state::Applied;
use super::{hand_over, ms, store, values};
use crate::discovery::state::{DELETION_MEMORY, StateChange};
use crate::protocol::{Span, Time};

const TTL: Option<Span> = Some(Span::from_secs(10));

fn change(member: u64, key: &str, old: Option<&str>, new: Option<&str>) -> StateChange {
    StateChange { member, key: key.into(), old: old.map(Into::into), new: new.map(Into::into) }
}

#[test]
fn each_write_raises_the_version_unless_it_changes_nothing() {
    let mut own = store(1, []);
    let version = |store: &super::StateStore| store.version_of(1).unwrap().1;
    assert_eq!(own.set(ms(0), "a", "1", None), Ok(true));
    assert_eq!(own.set(ms(1), "a", "1", None), Ok(false));
    assert_eq!(own.set(ms(2), "a", "2", None), Ok(true));
    assert!(!own.delete(ms(3), "b"));
    assert!(own.delete(ms(3), "a"));
    assert!(!own.delete(ms(3), "a"));
    assert_eq!(version(&own), 3);
    let changes =
        [change(1, "a", None, Some("1")), change(1, "a", Some("1"), Some("2")), change(1, "a", Some("2"), None)];
    assert_eq!(own.take_changes().list, changes);
    assert_eq!(own.take_changes().list, []);
}

#[test]
fn an_unchanged_figure_is_written_again_after_half_its_time_to_live() {
    let mut own = store(1, []);
    assert_eq!(own.set(ms(0), "load", "3", TTL), Ok(true));
    assert_eq!(own.set(ms(4999), "load", "3", TTL), Ok(false));
    assert_eq!(own.set(ms(5000), "load", "3", TTL), Ok(true));
    // Another value, or the same value without an end, is a change at once.
    assert_eq!(own.set(ms(5001), "load", "4", TTL), Ok(true));
    assert_eq!(own.set(ms(5002), "load", "4", None), Ok(true));
    assert_eq!(own.set(ms(5003), "load", "4", TTL), Ok(true));
    assert_eq!(own.take_changes().list.len(), 2);
}

#[test]
fn a_value_disappears_everywhere_when_its_time_to_live_is_over() {
    let (mut owner, mut first, mut second) = (store(1, []), store(2, [1]), store(3, [1]));
    owner.set(ms(0), "load", "3", TTL).unwrap();
    // Each message takes 50 ms. The second gets it late, with what is left of it.
    let known = |store: &super::StateStore| store.known(1).unwrap();
    first.apply(ms(4050), &owner.after(ms(4000), &known(&first), 1000).unwrap().delta, true);
    second.apply(ms(9050), &first.after(ms(9000), &known(&second), 1000).unwrap().delta, true);
    for (store, end) in [(&mut owner, 10_000), (&mut first, 10_050), (&mut second, 10_100)] {
        store.take_changes();
        store.expire(ms(end - 1));
        assert_eq!(store.get(1, "load"), Some("3"));
        assert!(store.next_expiry() <= ms(end));
        store.expire(ms(end));
        assert_eq!(store.get(1, "load"), None);
        assert_eq!(store.take_changes().list, [change(1, "load", Some("3"), None)]);
    }
    assert_eq!(owner.digest(), first.digest());
}

#[test]
fn an_expired_figure_that_is_written_again_is_there_again() {
    let (mut owner, mut copy) = (store(1, []), store(2, [1]));
    owner.set(ms(0), "load", "3", TTL).unwrap();
    hand_over(ms(0), &owner, &mut copy, 1);
    copy.expire(ms(20_000));
    assert_eq!(copy.get(1, "load"), None);
    assert_eq!(owner.set(ms(20_000), "load", "3", TTL), Ok(true));
    assert_eq!(hand_over(ms(20_000), &owner, &mut copy, 1), Some(Applied::Newer));
    assert_eq!(copy.get(1, "load"), Some("3"));
}

#[test]
fn a_deletion_reaches_a_copy_and_an_older_delta_does_not_undo_it() {
    let (mut owner, mut copy) = (store(1, []), store(2, [1]));
    owner.set(ms(0), "a", "1", None).unwrap();
    let older = owner.clone();
    hand_over(ms(0), &owner, &mut copy, 1);
    owner.delete(ms(1), "a");
    hand_over(ms(1), &owner, &mut copy, 1);
    assert_eq!(copy.get(1, "a"), None);
    let cut = older.after(ms(2), &store(3, [1]).known(1).unwrap(), 1000).unwrap();
    assert_eq!(copy.apply(ms(2), &cut.delta, false), Applied::Known);
    assert_eq!(copy.get(1, "a"), None);
    assert_eq!(values(&copy, 1), values(&owner, 1));
}

#[test]
fn a_copy_older_than_a_forgotten_deletion_takes_over_the_whole_state() {
    let (mut owner, mut copy) = (store(1, []), store(2, [1]));
    for key in ["a", "b"] {
        owner.set(ms(0), key, "1", None).unwrap();
    }
    hand_over(ms(0), &owner, &mut copy, 1);
    owner.delete(ms(1), "a");
    owner.set(ms(2), "c", "1", None).unwrap();
    owner.expire(ms(1) + DELETION_MEMORY);
    let now = ms(2) + DELETION_MEMORY;
    copy.take_changes();
    // The state begins from version 0: the deletion of a is not in it.
    let cut = owner.after(now, &copy.known(1).unwrap(), 1000).unwrap();
    assert_eq!((cut.delta.from, cut.delta.entries.len()), (0, 2));
    assert_eq!(hand_over(now, &owner, &mut copy, 1), Some(Applied::Newer));
    assert_eq!(values(&copy, 1), values(&owner, 1));
    assert_eq!(copy.take_changes().list, [change(1, "c", None, Some("1")), change(1, "a", Some("1"), None)]);
}

#[test]
fn a_state_that_is_replaced_in_parts_is_shown_as_before_until_it_is_whole() {
    let (mut owner, mut copy, long) = (store(1, []), store(2, [1]), "x".repeat(100));
    for number in 0..8 {
        owner.set(ms(0), &format!("key {number}"), &long, None).unwrap();
    }
    hand_over(ms(0), &owner, &mut copy, 1);
    let before = values(&copy, 1);
    // All keys but one are written again, and the deletion of that one is forgotten.
    for number in 1..8 {
        owner.set(ms(1), &format!("key {number}"), "new", None).unwrap();
    }
    owner.delete(ms(2), "key 0");
    owner.set(ms(3), "key 8", "new", None).unwrap();
    owner.expire(ms(2) + DELETION_MEMORY);
    let (now, mut parts) = (ms(3) + DELETION_MEMORY, 0);
    while copy.version_of(1) != owner.version_of(1) {
        assert_eq!(values(&copy, 1), before);
        let known = copy.known(1).unwrap();
        let cut = owner.after(now, &known, 40).unwrap();
        assert_eq!(copy.apply(now, &cut.delta, false), Applied::Newer);
        parts += 1;
    }
    assert!(parts > 2);
    assert_eq!(values(&copy, 1), values(&owner, 1));
}

/// A replacement whose parts come from members that have forgotten different deletions would revive a key.
#[test]
fn parts_of_a_replacement_come_from_members_that_forgot_the_same_deletions() {
    let (mut owner, mut old, mut copy) = (store(1, []), store(2, [1]), store(3, [1]));
    owner.set(ms(0), "kept", "1", None).unwrap();
    owner.set(ms(0), "deleted", "1", None).unwrap();
    hand_over(ms(0), &owner, &mut old, 1);
    owner.delete(ms(1), "deleted");
    owner.set(ms(2), "new", "1", None).unwrap();
    owner.expire(ms(1) + DELETION_MEMORY);
    let now = ms(2) + DELETION_MEMORY;
    // The first part, from the owner, ends at version 1.
    let cut = owner.after(now, &copy.known(1).unwrap(), 15).unwrap();
    assert_eq!((cut.delta.to, cut.is_complete), (1, false));
    assert_eq!(copy.apply(now, &cut.delta, false), Applied::Newer);
    // The next, from the old copy, would have the deleted key.
    let cut = old.after(now, &copy.known(1).unwrap(), 1000).unwrap();
    assert!(cut.delta.entries.iter().any(|entry| entry.key == "deleted"));
    copy.apply(now, &cut.delta, false);
    hand_over(now, &owner, &mut copy, 1);
    assert_eq!(values(&copy, 1), values(&owner, 1));
}

#[test]
fn a_delta_that_does_not_follow_is_not_applied() {
    let (mut owner, mut copy) = (store(1, []), store(2, [1]));
    owner.set(ms(0), "a", "1", None).unwrap();
    owner.set(ms(0), "b", "1", None).unwrap();
    let mut known = copy.known(1).unwrap();
    known.version = 1;
    let cut = owner.after(ms(0), &known, 1000).unwrap();
    assert_eq!(copy.apply(ms(0), &cut.delta, true), Applied::Behind);
    assert_eq!((values(&copy, 1), copy.digest()), (vec![], 0));
}

#[test]
fn news_of_a_key_that_is_written_often_follow_what_others_know() {
    let (mut owner, mut copy) = (store(1, []), store(2, [1]));
    owner.set(ms(0), "service", "80", None).unwrap();
    hand_over(ms(0), &owner, &mut copy, 1);
    owner.note_told(1, 1, 100);
    // The copy misses a hundred values of the figure; the next is told as a change of version 1.
    for number in 0..100 {
        owner.set(ms(number), "load", &number.to_string(), TTL).unwrap();
    }
    let cut = owner.news(ms(100), 1, 1000).unwrap();
    assert_eq!((cut.delta.from, cut.delta.to, cut.delta.entries.len()), (1, 101, 1));
    assert_eq!(copy.apply(ms(100), &cut.delta, true), Applied::Newer);
    assert_eq!(copy.get(1, "load"), Some("99"));
}

#[test]
fn an_earlier_life_never_replaces_a_later_one() {
    let (mut first_life, mut copy) = (store(1, []), store(2, [1]));
    for number in 0..5 {
        first_life.set(ms(0), "a", &number.to_string(), None).unwrap();
    }
    hand_over(ms(0), &first_life, &mut copy, 1);
    let mut second_life = super::StateStore::new(1, 2);
    second_life.set(ms(0), "b", "new", None).unwrap();
    copy.take_changes();
    assert_eq!(hand_over(ms(1), &second_life, &mut copy, 1), Some(Applied::Newer));
    assert_eq!(copy.take_changes().list, [change(1, "a", Some("4"), None), change(1, "b", None, Some("new"))]);
    let cut = first_life.after(ms(2), &store(3, [1]).known(1).unwrap(), 1000).unwrap();
    assert_eq!(copy.apply(ms(2), &cut.delta, true), Applied::Known);
    assert_eq!((copy.version_of(1), copy.get(1, "a")), (Some((2, 1)), None));
    // Nor does membership that is behind.
    copy.admit(1, 1).unwrap();
    assert_eq!(copy.version_of(1), Some((2, 1)));
    copy.admit(1, 3).unwrap();
    assert_eq!((copy.version_of(1), copy.digest()), (Some((3, 0)), 0));
}

#[test]
fn the_state_of_a_forgotten_member_is_not_taken_from_others() {
    let (mut owner, mut copy, mut late) = (store(1, []), store(2, [1]), store(3, [1]));
    owner.set(ms(0), "a", "1", None).unwrap();
    hand_over(ms(0), &owner, &mut copy, 1);
    hand_over(ms(0), &owner, &mut late, 1);
    copy.take_changes();
    assert!(copy.forget(1));
    assert!(!copy.forget(1));
    assert_eq!((copy.digest(), copy.get(1, "a")), (0, None));
    assert_eq!(copy.take_changes().list, [change(1, "a", Some("1"), None)]);
    let cut = late.after(ms(1), &store(4, [1]).known(1).unwrap(), 1000).unwrap();
    assert_eq!(copy.apply(ms(1), &cut.delta, true), Applied::Known);
    assert_eq!(copy.members().collect::<Vec<_>>(), [2]);
    // It has refuted.
    copy.admit(1, 1).unwrap();
    assert_eq!(copy.apply(ms(2), &cut.delta, true), Applied::Newer);
    assert_eq!(copy.digest(), late.digest());
}

#[test]
fn only_the_owner_changes_its_own_state() {
    let (mut owner, mut forger) = (store(1, [2]), super::StateStore::new(1, 9));
    owner.set(ms(0), "a", "1", None).unwrap();
    forger.set(ms(0), "a", "forged", None).unwrap();
    let cut = forger.after(ms(0), &store(3, [1]).known(1).unwrap(), 1000).unwrap();
    assert_eq!(owner.apply(ms(0), &cut.delta, true), Applied::Known);
    assert!(!owner.forget(1));
    owner.admit(1, 7).unwrap();
    assert_eq!((owner.get(1, "a"), owner.version_of(1)), (Some("1"), Some((1, 1))));
}

#[test]
fn the_digest_does_not_depend_on_the_order_of_arrival() {
    let mut owners = [store(1, []), store(2, []), store(3, [])];
    for owner in &mut owners {
        owner.set(Time::ZERO, "a", "1", None).unwrap();
    }
    let (mut first, mut second) = (store(8, [1, 2, 3]), store(9, [1, 2, 3]));
    for of in [1_u64, 2, 3] {
        hand_over(ms(0), &owners[of as usize - 1], &mut first, of);
        hand_over(ms(0), &owners[3 - of as usize], &mut second, 4 - of);
    }
    assert_eq!(first.digest(), second.digest());
    assert_eq!(first.part_digests(16), second.part_digests(16));
    second.forget(2);
    assert_ne!(first.digest(), second.digest());
}
