//! Application events in a small group: each reported once, whatever their number, and in bounded queues.

use super::group::Group;
use super::*;
use crate::protocol::USER_EVENT_LIMIT;

fn group(n: u64, profile: &str) -> Group {
    Group::new(n, profiles().build(&Spec::of(profile), &()).unwrap())
}

impl Group {
    fn dropped(&self) -> u64 {
        self.members.iter().map(Member::dropped_user_events).sum()
    }

    fn broadcast(&mut self, now: Time, from: usize, payload: &[u8]) -> Result<(), BroadcastError> {
        self.members[from].broadcast(now, "load", payload, &mut Outbox::default())
    }
}

/// Bursts of 16 bytes each at the same moment.
fn after_a_burst(members: usize, events_each: usize, profile: &str) -> Group {
    let mut group = group(members as u64, profile);
    for n in 0..members * events_each {
        group.broadcast(Time::ZERO, n % members, &[0; 16]).unwrap();
    }
    group.run_to(at(900.0));
    assert!(group.reports.values().all(|&times| times == 1), "{profile}: reported more than once");
    assert!(group.longest_queue <= 2 * members + 64 + USER_EVENT_LIMIT, "{profile}: {}", group.longest_queue);
    assert!(group.members.iter().all(|member| member.gauge().broadcasts == 0), "{profile}: still going round");
    group
}

#[test]
fn each_event_of_a_burst_is_reported_once() {
    for profile in ["swim", "memberlist-lan", "lifeguard"] {
        let group = after_a_burst(8, 375, profile);
        assert_eq!(group.dropped(), 0);
        assert!(group.reports.len() * 100 >= 3000 * 7 * 97, "{profile}: {} of 21000 reports", group.reports.len());
    }
}

#[test]
fn a_burst_of_more_events_than_queues_hold_is_cut_counted_and_over_in_finite_time() {
    let group = after_a_burst(12, Member::OWN_EVENT_LIMIT, "swim");
    assert!(group.dropped() > 0);
}

#[test]
fn an_event_more_than_may_wait_is_refused_until_others_have_left() {
    let mut group = group(8, "swim");
    (0..Member::OWN_EVENT_LIMIT).for_each(|_| group.broadcast(Time::ZERO, 0, &[]).unwrap());
    let error = group.broadcast(Time::ZERO, 0, &[]).unwrap_err();
    assert_eq!(error.to_string(), "512 events wait to be sent already: try again later");
    group.run_to(at(60.0));
    group.broadcast(at(60.0), 0, &[]).unwrap();
}

/// As many events as the group can carry, for two minutes: nothing is dropped, and each is reported once.
#[test]
fn a_steady_stream_of_events_reaches_all_members() {
    let mut group = group(8, "memberlist-lan");
    let mut accepted = 0;
    for n in 0..480 {
        let now = at(f64::from(n) / 4.0);
        group.run_to(now);
        accepted += usize::from(group.broadcast(now, (n % 8) as usize, &[0; 200]).is_ok());
    }
    group.run_to(at(180.0));
    assert_eq!(accepted, 480);
    assert!(group.reports.values().all(|&times| times == 1));
    assert_eq!(group.dropped(), 0);
    // Gossip reaches a member with a probability close to one, not with certainty: docs/operations.md.
    assert!(group.reports.len() * 100 >= accepted * 7 * 97, "{} of {}", group.reports.len(), accepted * 7);
}

#[test]
fn events_of_two_lives_are_different_events() {
    let event = |generation, seq| {
        let event = UserEvent { seq, name: "deploy".into(), payload: [].into() };
        let incarnation = Incarnation::of_generation(generation);
        Update { id: id(1), incarnation, kind: UpdateKind::User(Arc::new(event)) }
    };
    let mut member = member(3);
    for generation in [100, 0, 1] {
        assert_eq!(member.learns_of(event(generation, 1)).events.len(), 1, "{generation}");
        assert_eq!(member.learns_of(event(generation, 1)).events.len(), 0, "{generation}");
    }
}

#[test]
fn lives_of_one_generation_share_no_event_if_the_later_one_counts_from_a_higher_number() {
    let seq_of = |out: &Outbox| match &out.transmits[0].message.updates[0].kind {
        UpdateKind::User(event) => event.seq,
        _ => panic!("no event"),
    };
    let mut earlier = member(3);
    let mut later = member(3);
    later.number_events_from(1000);
    let mut seqs = Vec::new();
    for member in [&mut earlier, &mut later] {
        member.broadcast(at(0.0), "e", &[], &mut Outbox::default()).unwrap();
        seqs.push(seq_of(&member.due(at(0.0))));
    }
    assert_eq!(seqs, [1, 1001]);
}

#[test]
fn a_member_that_has_used_up_its_numbers_counts_anew_in_another_generation() {
    let mut member = member(3);
    member.number_events_from(u32::MAX - 1);
    let mut other = self::member(3);
    other.id = id(1); // Some other member with the same table.
    for generation in [0, 1, 1] {
        member.broadcast(at(0.0), "e", &[], &mut Outbox::default()).unwrap();
        assert_eq!(member.incarnation().generation, generation);
    }
    let ping = member.due(at(0.0)).transmits.remove(0);
    let out = other.take(at(0.0), 0, ping.message);
    assert_eq!(out.events.iter().filter(|event| matches!(event.kind, EventKind::User(_))).count(), 3);
}
