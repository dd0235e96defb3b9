//! Limits of one member, each reached and exceeded.

use super::*;
use crate::protocol::member::heal::{MEMBERS_PER_UNKNOWN_PING, UNKNOWN_PING_LIMIT};
use crate::protocol::member::join::LONGEST_JOIN_WAIT;
use crate::protocol::member::name_conflict::PING_LIMIT;
use crate::protocol::member::user_events::UserEvents;

fn pings_to(out: &Outbox, to: impl Fn(Address) -> bool) -> usize {
    let is_ping = |body: &Body| matches!(body, Body::Ping { .. });
    out.transmits.iter().filter(|transmit| is_ping(&transmit.message.body) && to(transmit.to)).count()
}

#[test]
fn unknown_members_of_a_table_beyond_the_limit_are_not_pinged() {
    let limit = u64::from(UNKNOWN_PING_LIMIT);
    for (unknown, pinged) in [(limit, limit), (limit + 1, limit)] {
        let records = (10..10 + unknown).map(|n| alive(n, 0)).collect();
        let sync = StateSync::whole(false, false, records);
        let out = member(3).hear(at(0.1), 1, Body::Sync(Box::new(sync)), vec![]);
        assert_eq!(pings_to(&out, |_| true) as u64, pinged);
    }
}

#[test]
fn a_large_group_pings_one_unknown_member_for_every_eight_that_it_knows() {
    let records = (1000..1400).map(|n| alive(n, 0)).collect();
    let sync = StateSync::whole(false, false, records);
    let out = member(800).hear(at(0.1), 1, Body::Sync(Box::new(sync)), vec![]);
    assert_eq!(pings_to(&out, |_| true) as u32, 800 / MEMBERS_PER_UNKNOWN_PING);
}

#[test]
fn seeds_beyond_the_limit_are_left_out() {
    let seeds = |n: usize| (1..=n as u16).map(|port| Address { port, ..address(1) });
    let limit = Member::SEED_LIMIT;
    let mut member = member(3);
    for kept in [limit, limit + 1] {
        member.set_seeds(seeds(kept).collect());
        assert_eq!(member.cold().seeds, seeds(limit).collect::<Vec<_>>());
    }
    // The member's own address takes no place.
    member.set_seeds([address(0)].into_iter().chain(seeds(limit)).collect());
    assert_eq!(member.cold().seeds, seeds(limit).collect::<Vec<_>>());
}

#[test]
fn another_claimant_of_the_name_is_pinged_as_often_as_the_limit_says() {
    let mut member = member(3);
    let earlier = Arc::new(NodeInfo { address: address(9), ..NodeInfo::clone(&node(0)) });
    let incarnation = Incarnation::of_generation(7);
    let mut pings =
        pings_to(&member.learns_of(Update { id: id(0), incarnation, kind: UpdateKind::Alive(earlier) }), |_| true);
    pings += pings_to(&member.due(at(20.0)), |to| to == address(9));
    assert_eq!(pings, PING_LIMIT as usize);
    assert_eq!(member.incarnation(), Incarnation::of_generation(8), "the record is refuted afterwards");
}

#[test]
fn attempts_to_join_become_rarer_down_to_one_in_the_longest_pause() {
    let mut member = member(1);
    member.join(at(0.0), vec![address(1)], &mut Outbox::default());
    let mut attempts = vec![at(0.0)];
    while member.deadline() <= at(200.0) {
        let (now, mut out) = (member.deadline(), Outbox::default());
        member.wake(now, &mut out);
        if out.transmits.iter().any(|transmit| transmit.stream) {
            attempts.push(now);
        }
    }
    let pauses: Vec<u64> =
        attempts.windows(2).map(|two| two[1].since(two[0]).as_micros() / SECOND.as_micros()).collect();
    assert_eq!(pauses[..5], [1, 2, 4, 8, 16]);
    assert!(pauses.len() > 7 && pauses[5..].iter().all(|&pause| pause == LONGEST_JOIN_WAIT), "{pauses:?}");
}

#[test]
fn state_syncs_carry_an_event_for_no_longer_than_the_limit() {
    let event = UserEvent { seq: 1, name: "deploy".into(), payload: [].into() };
    let event = update(1, 0, UpdateKind::User(event.into()));
    let mut member = member_with(3, Spec::of("swim").with("sync_interval", "3600s"));
    member.learns_of(event.clone());
    let mut is_carried = |now| {
        let request = StateSync::whole(true, false, vec![]);
        let out = member.hear(now, 1, Body::Sync(Box::new(request)), vec![]);
        bodies(&out).iter().any(|body| matches!(body, Body::Sync(sync) if sync.records.contains(&event)))
    };
    let last = at(0.0) + UserEvents::LONGEST_RECENT;
    assert_eq!([last, last + Span::from_micros(1)].map(&mut is_carried), [true, false]);
}
