//! News and repair between two members.

use super::network::Network;
use super::{exchange, hand_over, ms, store, values};
use crate::discovery::state::{DIGEST_BYTES, Exchange, ExchangeConfig, ExchangeConfigError, Outgoing};
use crate::protocol::{Id, Span, Time};

fn member(me: Id, others: impl IntoIterator<Item = Id>) -> Exchange {
    exchange(ExchangeConfig::default(), store(me, others))
}

fn wake(member: &mut Exchange, now: Time, partner: Id) -> Outgoing {
    let mut out = Vec::new();
    member.wake(now, &mut |_| vec![partner], &mut out);
    out
}

fn handle(member: &mut Exchange, from: Id, payload: &[u8]) -> Outgoing {
    let mut out = Vec::new();
    member.handle(ms(10_000), from, payload, &mut out).unwrap();
    out
}

/// The sizes of the datagrams of a whole exchange that the first member begins, in order.
pub(super) fn repair(first: &mut Exchange, second: &mut Exchange) -> Vec<usize> {
    repair_at(ms(10_000), first, second)
}

pub(super) fn repair_at(now: Time, first: &mut Exchange, second: &mut Exchange) -> Vec<usize> {
    let ids = [first.store().me(), second.store().me()];
    let mut waiting: std::collections::VecDeque<_> =
        wake(first, now, ids[1]).into_iter().map(|(to, payload)| (ids[0], to, payload)).collect();
    let mut sizes = Vec::new();
    while let Some((from, to, payload)) = waiting.pop_front() {
        sizes.push(payload.len());
        let member = if to == ids[0] { &mut *first } else { &mut *second };
        waiting.extend(handle(member, from, &payload).into_iter().map(|(next, payload)| (to, next, payload)));
    }
    sizes
}

/// Lets a member tell all its news to somebody who does not exist.
pub(super) fn silence(member: &mut Exchange) {
    let mut now = Time::ZERO;
    while member.store().has_news() {
        member.wake(now, &mut |_| vec![99; 3], &mut Vec::new());
        now += Span::from_millis(200);
    }
    assert!(now < ms(5000));
}

#[test]
fn equal_digests_end_a_repair() {
    let (mut first, mut second) = (member(1, [2]), member(2, [1]));
    first.store_mut().set(ms(0), "a", "of first", None).unwrap();
    hand_over(ms(0), first.store(), second.store_mut(), 1);
    silence(&mut first);
    silence(&mut second);
    assert_eq!(repair(&mut first, &mut second), [DIGEST_BYTES]);
}

#[test]
fn where_nobody_has_written_anything_nothing_is_sent() {
    let (mut member, mut out) = (member(1, [2, 3]), Vec::new());
    for _ in 0..20 {
        member.wake(member.deadline(), &mut |_| vec![2], &mut out);
    }
    assert!(out.is_empty());
    member.store_mut().set(ms(100_000), "a", "", None).unwrap();
    member.wake(ms(100_000), &mut |_| vec![2], &mut out);
    assert_eq!(out.len(), 2);
}

#[test]
fn a_repair_moves_what_differs_in_both_directions() {
    let (mut first, mut second) = (member(1, [2, 3]), member(2, [1, 3]));
    first.store_mut().set(ms(0), "a", "of first", None).unwrap();
    second.store_mut().set(ms(0), "a", "of second", None).unwrap();
    let mut third = store(3, []);
    third.set(ms(0), "a", "of third", None).unwrap();
    hand_over(ms(0), &third, second.store_mut(), 3);
    silence(&mut first);
    silence(&mut second);
    let sizes = repair(&mut first, &mut second);
    assert_eq!(first.store().digest(), second.store().digest());
    for (of, value) in [(1, "of first"), (2, "of second"), (3, "of third")] {
        assert_eq!(first.store().get(of, "a"), Some(value));
        assert_eq!(second.store().get(of, "a"), Some(value));
    }
    // Digest, digest, parts, versions, request and deltas, deltas. The digests of parts that follow are the same.
    assert_eq!(sizes[..5], [DIGEST_BYTES, DIGEST_BYTES, 400, 400, 400]);
    assert_eq!(sizes.len(), 8);
}

#[test]
fn states_of_many_datagrams_are_repaired_in_several_bounded_steps() {
    let (mut first, mut second) = (member(1, [2]), member(2, [1]));
    for number in 0..30 {
        second.store_mut().set(ms(0), &format!("key {number}"), &"x".repeat(500), None).unwrap();
    }
    first.store_mut().set(ms(0), "a", "of first", None).unwrap();
    silence(&mut first);
    silence(&mut second);
    let sizes = repair(&mut first, &mut second);
    assert!(values(first.store(), 2) == values(second.store(), 2));
    assert!(sizes.iter().all(|size| *size <= 1200));
    // 15 KB, two entries a datagram.
    assert!(sizes.len() > 30);
}

#[test]
fn the_most_outdated_state_is_repaired_first() {
    let (mut second, mut out) = (member(2, [1, 3, 4]), Vec::new());
    for (of, keys) in [(3, 1), (4, 6)] {
        let mut owner = store(of, []);
        for key in 0..keys {
            owner.set(ms(0), &format!("key {key}"), &"x".repeat(100), None).unwrap();
        }
        hand_over(ms(0), &owner, second.store_mut(), of);
    }
    let known = [3, 4].map(|of| store(1, [3, 4]).known(of).unwrap());
    second.answer_versions(ms(0), 1, known.to_vec(), 240, &mut out);
    let mut first = member(1, [2, 3, 4]);
    assert_eq!(out.len(), 1);
    assert!(out[0].1.len() <= 720);
    handle(&mut first, 2, &out[0].1);
    assert_eq!((first.store().version_of(3), first.store().version_of(4)), (Some((1, 0)), Some((1, 6))));
}

#[test]
fn a_digest_that_nobody_asked_for_is_not_answered_with_more() {
    let mut first = member(1, [2, 3]);
    first.store_mut().set(ms(0), "a", "1", None).unwrap();
    silence(&mut first);
    wake(&mut first, ms(10_000), 2);
    let reply = [&[1, 1, 0xcf][..], &[7; 8]].concat();
    assert_eq!(handle(&mut first, 3, &reply), []);
    // The partner's reply is, and only once.
    let answers = (0..40).map(|_| handle(&mut first, 2, &reply).len()).sum::<usize>();
    assert_eq!(answers, 1);
}

#[test]
fn a_member_that_missed_a_change_asks_the_one_that_told_the_next() {
    let (mut first, mut second) = (member(1, [2]), member(2, [1]));
    first.store_mut().set(ms(0), "a", "1", None).unwrap();
    // Lost.
    silence(&mut first);
    first.store_mut().set(ms(1), "b", "1", None).unwrap();
    let news = wake(&mut first, ms(5000), 2).remove(0).1;
    assert_eq!(handle(&mut second, 1, &news), []);
    assert_eq!(values(second.store(), 1), []);
    let request = wake(&mut second, ms(10_000), 1).remove(0);
    assert_eq!((request.0, request.1.len()), (1, 400));
    let answer = handle(&mut first, 2, &request.1).remove(0).1;
    handle(&mut second, 1, &answer);
    assert_eq!(values(second.store(), 1), values(first.store(), 1));
}

#[test]
fn news_are_told_a_logarithmic_number_of_times_and_then_no_more() {
    let config = ExchangeConfig { repair_every: Span::from_secs(3600), ..ExchangeConfig::default() };
    let mut first = exchange(config, store(1, 2..=500));
    first.store_mut().set(ms(0), "a", "1", None).unwrap();
    let (mut tellings, mut now) = (0, ms(0));
    while first.store().has_news() {
        assert_eq!(first.deadline(), now);
        let mut out = Vec::new();
        first.wake(now, &mut |count| (2..2 + count as u64).collect(), &mut out);
        tellings += out.len();
        now += Span::from_millis(200);
    }
    // ceil(ln 500) + 2, three at a time.
    assert_eq!(tellings, 9);
    assert!(first.deadline() > now);
}

#[test]
fn news_wait_for_partners() {
    let mut first = member(1, [2]);
    first.store_mut().set(ms(0), "a", "1", None).unwrap();
    first.wake(ms(0), &mut |_| vec![], &mut Vec::new());
    assert!(first.store().has_news());
    assert_eq!(first.deadline(), ms(200));
}

#[test]
fn superseded_values_are_not_told() {
    let mut first = member(1, [2]);
    for value in ["first", "second", "third"] {
        first.store_mut().set(ms(0), "a", value, None).unwrap();
    }
    let news = wake(&mut first, ms(0), 2).remove(0).1;
    let text = String::from_utf8_lossy(&news);
    assert!(text.contains("third") && !text.contains("first") && !text.contains("second"));
}

#[test]
fn the_latest_news_are_told_first_and_the_others_in_the_next_intervals() {
    let mut network = Network::new(1, 2, ExchangeConfig { mtu: 800, ..ExchangeConfig::default() });
    for key in 0..5 {
        let value = "x".repeat(500);
        network.change(0, |member| member.store_mut().set(ms(0), &format!("key {key}"), &value, None)).unwrap();
    }
    network.run_until(ms(300));
    assert!(network.members[1].store().keys_of(0).count() < 5);
    network.run_until(ms(5000));
    assert_eq!(network.members[1].store().keys_of(0).count(), 5);
}

#[test]
fn a_member_that_knows_nothing_of_another_life_gets_all_of_it() {
    let mut network = Network::new(1, 3, ExchangeConfig::default());
    network.change(0, |member| member.store_mut().set(ms(0), "a", "1", None)).unwrap();
    network.run_until(ms(6000));
    network.restart(0, 2);
    network.change(0, |member| member.store_mut().set(ms(6000), "b", "2", None)).unwrap();
    network.run_until(ms(16_000));
    for member in &network.members {
        assert_eq!(values(member.store(), 0), [("b".to_owned(), "2".to_owned())]);
    }
}

#[test]
fn parameters_out_of_range_are_refused_by_their_names() {
    let good = ExchangeConfig::default();
    let cases = [
        (ExchangeConfig { mtu: 800, ..good }, Ok(())),
        (ExchangeConfig { mtu: 799, ..good }, Err(ExchangeConfigError::Mtu(799))),
        (ExchangeConfig { mtu: 65_000, ..good }, Ok(())),
        (ExchangeConfig { mtu: 65_001, ..good }, Err(ExchangeConfigError::Mtu(65_001))),
        (ExchangeConfig { interval: Span::ZERO, ..good }, Err(ExchangeConfigError::Interval)),
        (ExchangeConfig { fanout: 0, ..good }, Err(ExchangeConfigError::Fanout)),
        (ExchangeConfig { repair_every: Span::from_millis(199), ..good }, Err(ExchangeConfigError::RepairEvery)),
    ];
    for (config, result) in cases {
        assert_eq!(config.check(), result);
    }
    assert_eq!(ExchangeConfigError::Mtu(9).to_string(), "mtu: 9 bytes, must be 800 to 65000");
}

#[test]
fn a_round_goes_on_as_often_as_the_limit_says() {
    let mut first = member(1, [2]);
    first.store_mut().set(ms(0), "a", "of first", None).unwrap();
    silence(&mut first);
    wake(&mut first, ms(10_000), 2);
    assert_eq!(handle(&mut first, 2, &[&[1, 1, 0xcf][..], &[7; 8]].concat()).len(), 1);
    // A partner whose state never ends.
    let (mut second, mut answers) = (store(2, []), 1);
    for number in 0..2 * u64::from(crate::discovery::state::ROUND_LIMIT) {
        second.set(ms(0), "a", &number.to_string(), None).unwrap();
        let cut = second.after(ms(0), &first.store().known(2).unwrap(), 1000).unwrap();
        let deltas = super::super::message::Message::Deltas { is_last: true, deltas: vec![cut.delta] };
        answers += handle(&mut first, 2, &deltas.encode(0)).len();
    }
    assert_eq!(answers, usize::from(crate::discovery::state::ROUND_LIMIT));
}
