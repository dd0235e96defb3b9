//! Lives of one name: name conflicts, generations, and packets that come back to their sender.

use proptest::prelude::*;

use super::*;

fn of_generation(generation: u32) -> Incarnation {
    Incarnation::of_generation(generation)
}

/// A packet of another process with the id of member 0.
fn namesake(incarnation: Incarnation, body: Body) -> Packet {
    Packet { incarnation, ..packet(0, body, vec![]) }
}

/// The number and receiver of the challenge among these packets.
fn challenge(out: &Outbox) -> Option<(u32, Address)> {
    out.transmits.iter().find_map(|transmit| match transmit.message {
        Packet { from, body: Body::Ping { seq }, .. } if from == id(0) && !transmit.direct_ping => {
            Some((seq, transmit.to))
        }
        _ => None,
    })
}

fn is_displaced(out: &Outbox) -> bool {
    out.events.iter().any(|event| event.kind == EventKind::Displaced)
}

#[test]
fn a_process_with_the_better_claim_displaces_only_once_it_has_answered_a_challenge() {
    let mut member = member(3);
    let out = member.take(at(0.0), 9, namesake(of_generation(1), Body::Gossip));
    let (seq, to) = challenge(&out).expect("a challenge");
    assert_eq!((to, member.is_stopped()), (address(9), false));
    let wrong = member.take(at(0.1), 9, namesake(of_generation(1), Body::Ack { seq: seq.wrapping_add(1) }));
    assert!(!is_displaced(&wrong));
    let right = member.take(at(0.1), 9, namesake(of_generation(1), Body::Ack { seq }));
    assert!(is_displaced(&right) && member.is_stopped());
}

#[test]
fn of_two_equal_generations_the_higher_address_keeps_the_name() {
    // Of the same incarnation, too: both have just begun.
    let record = |port| {
        let node = NodeInfo { address: Address { port, ..address(0) }, ..NodeInfo::clone(&node(0)) };
        Update { id: id(0), incarnation: incarnation(0), kind: UpdateKind::Alive(Arc::new(node)) }
    };
    let mut lower = member(3);
    let (seq, to) = challenge(&lower.learns_of(record(7947))).expect("a challenge");
    assert_eq!(to.port, 7947);
    lower.take(at(0.1), 0, namesake(incarnation(0), Body::Ack { seq }));
    assert!(lower.is_stopped());

    let mut higher = member(3);
    let out = higher.learns_of(record(7945));
    assert_eq!((challenge(&out), higher.incarnation()), (None, incarnation(1)));
}

#[test]
fn a_process_that_is_challenged_answers_and_challenges_a_better_claim() {
    let mut member = member(3);
    let out = member.take(at(0.0), 9, namesake(of_generation(1), Body::Ping { seq: 77 }));
    assert!(bodies(&out).contains(&&Body::Ack { seq: 77 }));
    assert_eq!(challenge(&out).map(|(_, to)| to), Some(address(9)));
}

#[test]
fn a_joiner_by_the_same_name_is_challenged_at_the_address_in_its_record() {
    let mut member = member(3);
    let elsewhere = Arc::new(NodeInfo { address: address(8), ..NodeInfo::clone(&node(0)) });
    let record = Update { id: id(0), incarnation: of_generation(1), kind: UpdateKind::Alive(elsewhere) };
    let sync = StateSync::whole(true, true, vec![record]);
    let out = member.take(at(0.0), 9, namesake(of_generation(1), Body::Sync(Box::new(sync))));
    assert_eq!(challenge(&out).map(|(_, to)| to), Some(address(8)));
}

#[test]
fn an_address_that_does_not_answer_belongs_to_an_earlier_life_whose_record_is_refuted() {
    let mut member = member(3);
    let earlier = Arc::new(NodeInfo { address: address(9), ..NodeInfo::clone(&node(0)) });
    member.learns_of(Update { id: id(0), incarnation: of_generation(7), kind: UpdateKind::Alive(earlier) });
    let out = member.due(at(5.0));
    assert!(!is_displaced(&out));
    assert_eq!(member.incarnation(), of_generation(8));
}

#[test]
fn a_challenge_that_reaches_the_member_itself_ends_the_conflict() {
    let mut member = member(3);
    let out = member.take(at(0.0), 9, namesake(of_generation(1), Body::Gossip));
    let (seq, _) = challenge(&out).unwrap();
    let out = member.take(at(0.1), 8, namesake(incarnation(0), Body::Ping { seq }));
    assert!(out.transmits.is_empty(), "an ack would answer the member's own challenge");
    let out = member.take(at(0.1), 9, namesake(of_generation(1), Body::Ack { seq }));
    assert!(!is_displaced(&out));
}

#[test]
fn packets_sent_back_do_not_hide_a_real_conflict() {
    let mut member = member(3);
    member.learns_of(suspect(0, 0)); // Refuted: packets from before are of another incarnation.
    assert!(challenge(&member.take(at(0.0), 9, namesake(incarnation(0), Body::Gossip))).is_some());
    let out = member.take(at(0.1), 8, namesake(of_generation(1), Body::Gossip));
    assert_eq!(challenge(&out).map(|(_, to)| to), Some(address(8)));
    let out = member.take(at(0.2), 9, namesake(incarnation(0), Body::Gossip));
    assert_eq!(challenge(&out), None);
}

#[test]
fn a_life_that_learns_of_an_earlier_one_begins_a_generation_above_it() {
    let mut member = member(3);
    let earlier = Incarnation { generation: 100, refutations: 3 };
    member.learns_of(Update { id: id(0), incarnation: earlier, kind: UpdateKind::Alive(node(0)) });
    assert_eq!(member.incarnation(), of_generation(101));
    let dead = Packet { peer_view: PeerView::Dead(of_generation(200)), ..packet(1, Body::Gossip, vec![]) };
    member.take(at(0.1), 1, dead);
    assert_eq!(member.incarnation(), of_generation(201));
}

#[test]
fn other_data_of_an_equal_incarnation_belong_to_an_earlier_life_and_are_refuted() {
    let mut member = member(3);
    let with_meta = Arc::new(NodeInfo { meta: b"old".as_slice().into(), ..NodeInfo::clone(&node(0)) });
    let out = member.learns_of(Update { id: id(0), incarnation: incarnation(0), kind: UpdateKind::Alive(with_meta) });
    assert_eq!((member.incarnation(), &out.events[0].kind), (incarnation(1), &EventKind::SelfRefuted));
    let out = member.learns_of(Update { id: id(0), incarnation: incarnation(1), kind: UpdateKind::Alive(node(0)) });
    assert!(out.events.is_empty(), "its own record, come back");
}

/// A9: an insider declares one member dead at one incarnation after the other.
#[test]
fn deaths_of_one_member_at_rising_incarnations_take_bounded_memory() {
    let mut member = member(5);
    for refutations in 0..10_000 {
        member.learns_of(update(1, refutations, UpdateKind::Dead));
    }
    assert!(member.gauge().tombstones <= 2 * 5 + 64, "{}", member.gauge().tombstones);
    assert!(member.gauge().broadcasts <= 2 * 5 + 64, "{}", member.gauge().broadcasts);
    // The last of them counts: it is forgotten in time.
    let out = member.due(at(3600.0 * 25.0));
    assert!(out.events.iter().any(|event| event.about == id(1) && event.kind == EventKind::Forgotten));
}

/// A8: all but the highest incarnation of all can be risen above.
#[test]
fn the_owner_rises_above_incarnations_at_the_end_of_a_generation_and_of_all() {
    const MAX: u32 = u32::MAX;
    for (claimed, raised) in [
        ((0, MAX), (1, 0)),
        ((7, MAX - 1), (8, 0)),
        ((MAX - 1, MAX), (MAX, 0)),
        ((MAX, 0), (MAX, 1)),
        ((MAX, MAX - 1), (MAX, MAX)),
    ] {
        let of = |(generation, refutations)| Incarnation { generation, refutations };
        for kind in [UpdateKind::Dead, UpdateKind::Suspect { by: id(1) }] {
            let mut member = member(3);
            member.learns_of(Update { id: id(0), incarnation: of(claimed), kind });
            assert_eq!(member.incarnation(), of(raised));
        }
        assert!(of(claimed).next() > of(claimed) && of(claimed).next_life() > of(claimed));
    }
}

/// Disturbances of a lone member: time passes, it is suspected, or a packet of its own comes back from somewhere.
#[derive(Clone, Copy, Debug)]
enum Step {
    Wait { tenths: u8 },
    Suspicion,
    Return { packet: prop::sample::Index, from: u8 },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..20).prop_map(|tenths| Step::Wait { tenths }),
        Just(Step::Suspicion),
        (any::<prop::sample::Index>(), 0u8..16).prop_map(|(packet, from)| Step::Return { packet, from }),
    ]
}

proptest! {
    #[test]
    fn no_packet_of_its_own_ever_ends_a_member(steps in proptest::collection::vec(any_step(), 0..60)) {
        let mut member = member(5);
        let (mut now, mut sent) = (0.0, Vec::new());
        let mut out = member.due(at(now));
        for step in steps {
            sent.extend(out.transmits.drain(..).map(|transmit| transmit.message));
            match step {
                Step::Wait { tenths } => {
                    now += f64::from(tenths) / 10.0;
                    out = member.due(at(now));
                }
                Step::Suspicion => {
                    let kind = UpdateKind::Suspect { by: id(1) };
                    out = member.learns_of(Update { id: id(0), incarnation: member.incarnation(), kind });
                }
                Step::Return { packet, from } if !sent.is_empty() => {
                    out = member.take(at(now), from.into(), packet.get(&sent).clone());
                    prop_assert!(out.transmits.len() <= 2, "{:?}", out.transmits);
                }
                Step::Return { .. } => {}
            }
            prop_assert!(!member.is_stopped());
        }
    }
}
