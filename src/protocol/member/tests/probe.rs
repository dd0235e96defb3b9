//! The protocol period: pings, helpers, and what is done for others.

use super::*;

#[test]
fn a_ping_is_acked_at_the_address_where_it_came_from() {
    let out = member(3).hear(at(0.1), 1, Body::Ping { seq: 7 }, vec![]);
    assert_eq!((out.transmits[0].to, &out.transmits[0].message.body), (address(1), &Body::Ack { seq: 7 }));
    assert_eq!(out.transmits[0].message.peer_view, PeerView::Member(Incarnation::default()));
    assert!(out.events.is_empty());
}

#[test]
fn a_target_is_suspected_only_without_an_answer_in_time() {
    for answers in [true, false] {
        let mut member = member(2);
        let ping = member.due(at(0.0));
        let Body::Ping { seq } = ping.transmits[0].message.body else { panic!("{ping:?}") };
        if answers {
            member.hear(at(0.2), 1, Body::Ack { seq }, vec![]);
        }
        let out = member.due(at(1.0));
        let suspected =
            out.events.iter().any(|event| event.kind == EventKind::Suspected && event.source == EventSource::Own);
        assert_eq!(suspected, !answers);
    }
}

#[test]
fn an_ack_of_another_member_or_to_an_old_ping_does_not_count() {
    let mut member = member(3);
    let ping = member.due(at(0.0));
    let Body::Ping { seq } = ping.transmits[0].message.body else { panic!() };
    let target = if ping.transmits[0].to == address(1) { 1 } else { 2 };
    member.hear(at(0.2), 3 - target, Body::Ack { seq }, vec![]);
    member.hear(at(0.2), target, Body::Ack { seq: seq.wrapping_sub(1) }, vec![]);
    assert!(member.due(at(1.0)).events.iter().any(|event| event.about == id(target)));
}

#[test]
fn at_the_timeout_k_helpers_are_asked_and_an_answer_by_any_of_them_counts() {
    let mut member = member(10);
    let ping = member.due(at(0.0));
    let Body::Ping { seq } = ping.transmits[0].message.body else { panic!() };
    let target = target_of(&ping);
    let out = member.due(at(0.5));
    assert_eq!(out.transmits.len(), 3);
    let helper = target_of(&out);
    for transmit in &out.transmits {
        let Body::PingReq(request) = &transmit.message.body else { panic!() };
        assert_eq!(request.targets, [PeerAddress { id: id(target), address: address(target) }]);
        assert_ne!(transmit.to, address(target));
    }
    member.hear(at(0.7), helper, Body::IndirectAck { seq, target: id(target) }, vec![]);
    assert!(member.due(at(1.0)).events.is_empty());
}

/// Attacks, "relayed answers accepted from anyone with the right number".
#[test]
fn a_relayed_answer_counts_only_from_a_helper_that_was_asked_for_the_target_in_this_round() {
    let mut member = member(10);
    let ping = member.due(at(0.0));
    let (target, seq) = (target_of(&ping), 1);
    member.hear(at(0.2), 9, Body::IndirectAck { seq, target: id(target) }, vec![]);
    let requests = member.due(at(0.5));
    let helpers: Vec<u64> =
        (1..10).filter(|&n| requests.transmits.iter().any(|transmit| transmit.to == address(n))).collect();
    for n in (1..10).filter(|n| !helpers.contains(n)) {
        member.hear(at(0.6), n, Body::IndirectAck { seq, target: id(target) }, vec![]);
    }
    for helper in &helpers {
        member.hear(at(0.6), *helper, Body::IndirectAck { seq, target: id(11) }, vec![]);
        member.hear(at(0.6), *helper, Body::IndirectAck { seq: 7, target: id(target) }, vec![]);
    }
    let out = member.due(at(1.0));
    assert!(out.events.iter().any(|event| event.kind == EventKind::Suspected && event.about == id(target)));
    // In the next round, helpers of the last one are nobody's.
    let ping = out.transmits.iter().find(|transmit| transmit.direct_ping).unwrap();
    let next = (0..16).find(|&n| address(n) == ping.to).unwrap();
    for helper in helpers {
        member.hear(at(1.1), helper, Body::IndirectAck { seq: 2, target: id(next) }, vec![]);
    }
    let out = member.due(at(2.0));
    assert!(out.events.iter().any(|event| event.kind == EventKind::Suspected && event.about == id(next)));
}

#[test]
fn a_period_that_begins_late_gives_its_target_as_long_as_any_other() {
    for late in [0.6, 1.0, 2.3, 60.0] {
        let mut member = member(3);
        let mut out = Outbox::default();
        member.wake(at(0.0), &mut out);
        let first = target_of(&out);
        member.hear(at(0.1), first, Body::Ack { seq: 1 }, vec![]);
        // Its host was paused, and wakes it for the second period only now.
        let now = at(1.0 + late);
        let mut out = Outbox::default();
        while member.deadline() <= now {
            member.wake(now, &mut out);
        }
        assert_eq!((out.transmits.len(), out.events.len()), (1, 0), "late by {late} s: one ping and no judgment");
        let second = target_of(&out);
        let mut out = Outbox::default();
        while member.deadline() < now + SECOND {
            let deadline = member.deadline();
            member.wake(deadline, &mut out);
        }
        assert!(out.events.is_empty(), "late by {late} s: not judged within a period");
        let out = member.due(now + SECOND);
        assert!(out.events.iter().any(|event| event.kind == EventKind::Suspected && event.about == id(second)));
    }
}

/// Published cases, "a clock set right later, a suspend".
#[test]
fn periods_are_counted_by_the_epoch_from_the_period_after_it_was_set() {
    let mut member = member(3);
    let mut counted = Vec::new();
    for (end, since_epoch) in [(1.5, 0), (3.5, 3600), (5.5, 100)] {
        member.set_since_epoch(Span::from_secs(since_epoch));
        member.due(at(end));
        counted.push(member.shared_period);
    }
    assert_eq!(counted, [1, 3603, 105]);
}

#[test]
fn with_two_silent_targets_a_batch_takes_k_requests_and_the_classic_prober_twice_as_many() {
    for (prober, expected) in [("batched", (3, 2)), ("classic", (6, 1))] {
        let mut member = member_with(20, Spec::of("swim").with("direct", 2.0).with("prober", prober));
        assert_eq!(member.due(at(0.0)).transmits.len(), 2);
        let out = member.due(at(0.5));
        let Body::PingReq(request) = &out.transmits[0].message.body else { panic!() };
        assert_eq!((out.transmits.len(), request.targets.len()), expected, "{prober}");
    }
}

#[test]
fn a_helper_pings_and_relays_the_answer_or_a_nack() {
    let mut member = member(4);
    member.due(at(0.0));
    let targets = vec![PeerAddress { id: id(2), address: address(2) }, PeerAddress { id: id(3), address: address(3) }];
    let request = PingReq { seq: 77, nack_after_us: 400_000, targets };
    let out = member.hear(at(0.1), 1, Body::PingReq(Box::new(request)), vec![]);
    let Body::Ping { seq } = out.transmits[0].message.body else { panic!() };
    assert_eq!((out.transmits[0].to, out.transmits[0].direct_ping), (address(2), false));
    let out = member.hear(at(0.2), 2, Body::Ack { seq }, vec![]);
    assert_eq!(bodies(&out), [&Body::IndirectAck { seq: 77, target: id(2) }]);
    assert_eq!(out.transmits[0].to, address(1));
    let out = member.due(at(0.5));
    assert!(bodies(&out).contains(&&Body::Nack { seq: 77, target: id(3) }));
    assert_eq!(member.gauge().relays, 1);
    member.due(at(1.1));
    assert_eq!(member.gauge().relays, 0);
}

#[test]
fn requests_beyond_the_limit_are_not_taken_on() {
    let mut member = member(4);
    let targets = vec![PeerAddress { id: id(2), address: address(2) }; 100];
    for _ in 0..100 {
        let request = PingReq { seq: 1, nack_after_us: 0, targets: targets.clone() };
        let out = member.hear(at(0.1), 1, Body::PingReq(Box::new(request)), vec![]);
        assert!(out.transmits.len() <= PingReq::TARGET_LIMIT);
    }
    assert_eq!(member.gauge().relays, Member::RELAY_LIMIT);
}
