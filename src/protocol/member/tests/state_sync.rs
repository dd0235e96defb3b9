//! State sync by digests.

use swimlab_selectors::View;
use swimlab_selectors::rng::below;

use super::*;
use crate::protocol::Transmit;

/// Members with state syncs every 30 s, which ping nobody meanwhile.
fn syncing(n: u64, more: &str) -> Member {
    member_with(n, Spec::parse(&format!("swim:sync_interval=30s,period=1h{more}")).unwrap())
}

/// Wakes a member until it begins a state sync; returns the packet.
fn sync_of(member: &mut Member) -> (Time, Transmit) {
    loop {
        let now = member.deadline();
        let mut out = Outbox::default();
        member.wake(now, &mut out);
        let is_sync = |transmit: &Transmit| matches!(transmit.message.body, Body::Digest { .. } | Body::Sync(_));
        if let Some(at) = out.transmits.iter().position(is_sync) {
            return (now, out.transmits.swap_remove(at));
        }
        assert!(now < at(600.0), "no state sync");
    }
}

/// A digest in return, from the member that was asked.
fn answer(to: &Transmit, digest: u64) -> Packet {
    let from = (1..200).find(|&n| address(n) == to.to).expect("a member of the group");
    packet(from, Body::Digest { wants_reply: false, digest }, vec![])
}

fn digest_in(transmit: &Transmit) -> u64 {
    let Body::Digest { digest, .. } = transmit.message.body else { panic!("{:?}", transmit.message) };
    digest
}

#[test]
fn members_with_equal_tables_exchange_two_small_datagrams() {
    let mut asking = syncing(50, "");
    let mut asked = member(50);
    let (now, request) = sync_of(&mut asking);
    assert!(!request.stream && request.bytes < 50, "{} bytes", request.bytes);
    let question = Packet { from: id(7), ..request.message.clone() };
    let mut out = Outbox::default();
    asked.handle(now, address(7), &question, &mut out);
    let [reply] = &out.transmits[..] else { panic!("{:?}", out.transmits) };
    assert!(!reply.stream && reply.bytes < 50);
    assert_eq!(digest_in(reply), digest_in(&request));
    let mut out = Outbox::default();
    asking.handle(now, request.to, &answer(&request, digest_in(reply)), &mut out);
    assert!(out.transmits.is_empty());
}

#[test]
fn a_member_asks_for_the_parts_that_differ_and_gets_no_others() {
    let mut asking = syncing(200, "");
    let mut asked = member(200);
    asked.learns_of(alive(1000, 0));
    asked.learns_of(alive(5, 3));
    let (now, request) = sync_of(&mut asking);
    let mut out = Outbox::default();
    asking.handle(now, request.to, &answer(&request, 1), &mut out);
    let [request] = &out.transmits[..] else { panic!("{:?}", out.transmits) };
    let Body::Sync(sync) = &request.message.body else { panic!() };
    assert!(request.stream && sync.wants_reply);
    assert_eq!(sync.records, [asking.own_record()]);
    assert!(request.bytes < 370, "{} bytes", request.bytes);
    let question = Packet { from: id(7), ..request.message.clone() };
    let mut out = Outbox::default();
    asked.handle(now, address(7), &question, &mut out);
    let Some(Body::Sync(reply)) = out.transmits.first().map(|transmit| &transmit.message.body) else { panic!() };
    assert!(reply.records.len() < 30, "{} records", reply.records.len());
    let has = |n| reply.records.iter().any(|record| record.id == id(n));
    assert!(has(1000) && has(5));
}

#[test]
fn a_member_that_was_asked_for_parts_that_differ_asks_for_those_of_the_other_once_per_interval() {
    let request = |from| {
        let sync = StateSync { parts: vec![7; 16], ..StateSync::whole(true, false, vec![alive(from, 0)]) };
        Body::Sync(Box::new(sync))
    };
    // A member that it does not know introduces itself by its record.
    for (from, parts) in [(3, 105), (1000, 106)] {
        let mut member = syncing(50, "");
        let asked = |out: Outbox| {
            let parts = |transmit: &Transmit| match &transmit.message.body {
                Body::Sync(sync) => sync.parts.len(),
                _ => 0,
            };
            out.transmits.iter().map(parts).collect::<Vec<_>>()
        };
        // sqrt(14 x 50 x 16) or, as it has become known, sqrt(14 x 51 x 16): each of the 16 parts differs.
        assert_eq!(asked(member.hear(at(0.1), from, request(from), vec![])), [0, parts], "{from}");
        assert_eq!(asked(member.hear(at(0.2), from, request(from), vec![])), [0], "{from}");
        assert_eq!(asked(member.hear(at(0.3), 7, request(7), vec![])), [0], "another one, within the interval");
        let (now, _) = sync_of(&mut member);
        assert_eq!(asked(member.hear(now, 7, request(7), vec![])), [0, parts]);
    }
}

#[test]
fn the_second_digest_without_an_answer_is_followed_by_whole_tables_with_the_same_member() {
    let mut member = syncing(20, "");
    let syncs: Vec<_> = (0..4).map(|_| sync_of(&mut member).1).collect();
    let kinds: Vec<MessageKind> = syncs.iter().map(|sync| sync.message.body.kind()).collect();
    assert_eq!(kinds, [MessageKind::Digest, MessageKind::Digest, MessageKind::Sync, MessageKind::Digest]);
    assert_eq!(syncs[1].to, syncs[2].to);
    // An answer in between.
    let mut member = syncing(20, "");
    sync_of(&mut member);
    let (now, second) = sync_of(&mut member);
    member.handle(now, second.to, &answer(&second, digest_in(&second)), &mut Outbox::default());
    let kinds: Vec<MessageKind> = (0..2).map(|_| sync_of(&mut member).1.message.body.kind()).collect();
    assert_eq!(kinds, [MessageKind::Digest, MessageKind::Digest]);
    let mut member = syncing(20, ",sync_digests=false");
    assert!((0..4).all(|_| sync_of(&mut member).1.message.body.kind() == MessageKind::Sync));
}

#[test]
fn members_that_hear_of_a_joiner_compare_digests_within_fifteen_periods() {
    let heard_at = at(0.1);
    let first_sync_after = |news: Update, more: &str| {
        let mut member = member_with(50, Spec::parse(&format!("swim:sync_interval=60s,period=2s{more}")).unwrap());
        member.handle(heard_at, address(3), &packet(3, Body::Gossip, vec![news]), &mut Outbox::default());
        sync_of(&mut member).0.since(heard_at)
    };
    let soon = Span::from_secs(10)..=Span::from_secs(30);
    let waited = first_sync_after(alive(1000, 0), "");
    assert!(soon.contains(&waited), "{waited}");
    // Not after news of members that are known, nor where syncs exchange whole tables.
    for (news, more) in [(alive(3, 1), ""), (alive(1000, 0), ",sync_digests=false")] {
        let waited = first_sync_after(news, more);
        assert!(waited > *soon.end(), "{more} {waited}");
    }
}

#[test]
fn an_answer_in_parts_has_the_record_of_the_member_that_asked() {
    let mut member = syncing(50, "");
    let request = StateSync { parts: member.part_digests(64), ..StateSync::whole(true, false, vec![]) };
    let out = member.hear(at(0.1), 7, Body::Sync(Box::new(request)), vec![]);
    let Some(Body::Sync(reply)) = out.transmits.first().map(|transmit| &transmit.message.body) else { panic!() };
    assert_eq!(reply.records.iter().map(|record| record.id).collect::<Vec<_>>(), [id(7)]);
}

/// A member of a group of 50 that compares tables every two minutes.
fn settled() -> Member {
    member_with(50, Spec::parse("swim:sync_interval=60s,suspicion_mult=1000").unwrap())
}

#[test]
fn a_member_that_is_asked_for_parts_again_within_an_interval_compares_tables_within_three_periods() {
    let mut member = settled();
    let request = |from| StateSync { parts: vec![7; 16], ..StateSync::whole(true, false, vec![alive(from, 0)]) };
    for from in [3, 7] {
        assert!(member.alarms().sync > at(4.0), "{from}");
        member.hear(at(0.1), from, Body::Sync(Box::new(request(from))), vec![]);
    }
    assert!((at(1.1)..=at(3.1)).contains(&member.alarms().sync));
}

#[test]
fn a_comparison_that_has_found_unknown_members_is_followed_by_another_within_three_periods() {
    for (unknown, soon) in [(1000, true), (3, false)] {
        let mut member = settled();
        let (now, request) = sync_of(&mut member);
        member.handle(now, request.to, &answer(&request, 1), &mut Outbox::default());
        let from = (0..50).find(|&n| address(n) == request.to).expect("a member");
        let table = Body::Sync(Box::new(StateSync::whole(false, false, vec![alive(unknown, 0)])));
        member.handle(now, request.to, &packet(from, table, vec![]), &mut Outbox::default());
        let waited = sync_of(&mut member).0.since(now);
        assert_eq!(waited <= Span::from_secs(3), soon, "{waited}");
    }
}

#[test]
fn a_request_for_parts_that_is_not_answered_is_followed_by_two_more_comparisons_soon() {
    let mut member = settled();
    let mut waited = Vec::new();
    for _ in 0..4 {
        let (now, request) = sync_of(&mut member);
        member.handle(now, request.to, &answer(&request, 1), &mut Outbox::default());
        waited.push(member.alarms().sync.since(now) <= Span::from_secs(2));
    }
    assert_eq!(waited, [true, true, false, false]);
}

#[test]
fn a_digest_that_nobody_asked_for_causes_no_exchange_of_tables() {
    let mut member = syncing(20, "");
    let digest = |from| packet(from, Body::Digest { wants_reply: false, digest: 1 }, vec![]);
    let mut out = Outbox::default();
    member.handle(at(0.1), address(3), &digest(3), &mut out);
    let (now, request) = sync_of(&mut member);
    let other = (1..20).find(|&n| address(n) != request.to).unwrap();
    member.handle(now, address(other), &digest(other), &mut out);
    // An answer counts once.
    let mut asked = Outbox::default();
    for _ in 0..3 {
        member.handle(now, request.to, &answer(&request, 1), &mut asked);
    }
    assert!(out.transmits.iter().all(|transmit| transmit.message.body.kind() != MessageKind::Sync));
    assert_eq!(asked.transmits.len(), 1);
}

#[test]
fn tables_differ_by_members_incarnations_and_recent_events_and_not_by_suspicions_and_the_dead() {
    let digest_of = |change: &dyn Fn(&mut Member)| {
        let mut member = syncing(20, "");
        change(&mut member);
        let mut out = Outbox::default();
        let question = packet(3, Body::Digest { wants_reply: true, digest: 0 }, vec![]);
        member.handle(at(0.2), address(3), &question, &mut out);
        digest_in(&out.transmits[0])
    };
    let event = UserEvent { seq: 9, name: "deploy".into(), payload: [].into() };
    let event = update(4, 0, UpdateKind::User(Arc::new(event)));
    let before = digest_of(&|_| {});
    let suspicion = digest_of(&|member| drop(member.learns_of(update(5, 0, UpdateKind::Suspect { by: id(6) }))));
    assert_eq!(suspicion, before);
    let dead = digest_of(&|member| drop(member.learns_of(update(5, 0, UpdateKind::Dead))));
    let with_ghost = digest_of(&|member| {
        member.learns_of(alive(1000, 0));
        member.learns_of(update(1000, 0, UpdateKind::Dead));
    });
    assert_eq!(with_ghost, before);
    let changes = [
        dead,
        digest_of(&|member| drop(member.learns_of(alive(1000, 0)))),
        digest_of(&|member| drop(member.learns_of(alive(5, 1)))),
        digest_of(&|member| drop(member.learns_of(event.clone()))),
    ];
    assert!(changes.iter().all(|digest| *digest != before));
}

#[test]
fn the_digest_that_is_kept_is_that_of_the_table_after_any_changes() {
    // With reconnect_limit = 0 nothing keeps forgotten members from coming back, in slots of others.
    let mut member = member_with(20, Spec::parse("swim:dead_retention=10s,reconnect_limit=0").unwrap());
    let mut rng = stream(7, Purpose::Faults, 0);
    for step in 0..3000 {
        let (n, refutations) = (1 + u64::from(below(&mut rng, 300)), below(&mut rng, 50));
        let kind = match below(&mut rng, 4) {
            0 => UpdateKind::Suspect { by: id(3) },
            1 => UpdateKind::Dead,
            2 => UpdateKind::Left,
            _ => alive(n, 0).kind,
        };
        let now = at(f64::from(step) / 10.0);
        member.due(now);
        member.hear(now, 1, Body::Gossip, vec![update(n, refutations, kind)]);
        // The only part is the whole table.
        assert_eq!(member.part_digests(1), [member.table.digest() as u32], "after {step} changes");
    }
    assert!(member.table.indexed() > 20, "the roster was not replaced");
}
