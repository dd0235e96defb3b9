//! Network coordinates and neighbor hints.

use swimlab_selectors::{Coordinate, Slot};

use super::*;
use crate::protocol::{NeighborHint, Sizer, WithCoordinate};

fn learner(n: u64) -> Member {
    member_by(n, Spec::of("swim"), "neighborhood:metric=vivaldi,radius=4,escape=0.5")
}

fn somewhere(x: f32) -> Coordinate {
    Coordinate { vector: [x; 8], height: 100.0, adjustment: 0.0, error: 0.1 }
}

fn located(from: u64, body: Body, at: Coordinate, hint: Option<NeighborHint>) -> Packet {
    Packet { coordinate: Some(Box::new(WithCoordinate { at, hint })), ..packet(from, body, vec![]) }
}

/// Lets the pinged member answer from this coordinate after 20 ms, and returns its slot.
fn answered(member: &mut Member, now: f64, at_place: Coordinate, hint: Option<NeighborHint>) -> Slot {
    let out = member.due(at(now));
    let transmit = out.transmits.iter().find(|transmit| transmit.direct_ping).expect("a ping");
    let Body::Ping { seq } = transmit.message.body else { panic!("{transmit:?}") };
    let from = u64::from(transmit.to.ip[0]);
    member.take(at(now + 0.02), from, located(from, Body::Ack { seq }, at_place, hint));
    member.table.slot(id(from)).unwrap()
}

#[test]
fn a_member_without_coordinates_sends_none_and_no_bytes_for_them() {
    let mut member = member(3);
    let sent = member.due(at(0.0)).transmits.remove(0);
    assert_eq!(sent.message.coordinate, None);
    let bare = packet(0, sent.message.body.clone(), vec![]);
    assert_eq!(sent.bytes, PlainSizer.bare(&Packet { from: member.id(), ..bare }));
    let ack = member.take(at(0.1), 1, located(1, Body::Ping { seq: 7 }, somewhere(1e4), None));
    assert_eq!(ack.transmits[0].message.coordinate, None);
    assert_eq!(member.coordinate(), None);
}

#[test]
fn coordinates_ride_on_pings_and_acks_only() {
    let mut member = learner(5);
    let ping = member.due(at(0.0)).transmits.remove(0);
    assert_eq!(ping.message.coordinate.as_ref().map(|located| located.at), member.coordinate());
    assert_eq!(ping.bytes, PlainSizer.bare(&ping.message), "and its bytes count");
    let ack = member.hear(at(0.1), 1, Body::Ping { seq: 7 }, vec![]).transmits.remove(0);
    assert!(ack.message.coordinate.is_some());
    let asked = member.due(at(0.5)).transmits;
    assert!(asked.iter().all(|transmit| transmit.message.body.kind() == MessageKind::PingReq), "{asked:?}");
    assert!(asked.iter().all(|transmit| transmit.message.coordinate.is_none()), "{asked:?}");
}

#[test]
fn answers_move_a_member_and_packets_that_answer_nothing_do_not() {
    let mut member = learner(5);
    let begun = member.coordinate().unwrap();
    member.take(at(0.0), 1, located(1, Body::Ack { seq: 77 }, somewhere(1e4), None));
    member.take(at(0.0), 99, located(99, Body::Ping { seq: 1 }, somewhere(1e4), None));
    assert_eq!(member.coordinate(), Some(begun));
    answered(&mut member, 0.0, somewhere(1e4), None);
    assert_ne!(member.coordinate(), Some(begun));
}

#[test]
fn a_sender_with_a_coordinate_gets_a_near_member_as_hint() {
    let mut member = learner(40);
    // Members answer from two coordinates in turn; later a member at one of them pings.
    let places = [somewhere(0.0), somewhere(2e4)];
    let mut at_place = [vec![], vec![]];
    for period in 0..40 {
        let side = period % 2;
        at_place[side].push(answered(&mut member, period as f64, places[side], None));
    }
    let tips: Vec<NeighborHint> = (0..40)
        .filter_map(|seq| {
            let ack = member.take(at(40.0), 39, located(39, Body::Ping { seq }, places[1], None)).transmits.remove(0);
            ack.message.coordinate.unwrap().hint
        })
        .collect();
    assert!(tips.len() > 30, "{tips:?}");
    let near = |hint: &&NeighborHint| at_place[1].contains(&member.table.slot(hint.id).unwrap());
    assert!(tips.iter().filter(near).count() * 10 > tips.len() * 9, "{tips:?} {at_place:?}");
    assert!(tips.iter().all(|hint| hint.id != id(39)), "never of itself");
}

#[test]
fn a_hint_counts_only_about_a_member_and_only_from_a_pinged_one() {
    let mut member = learner(400);
    let neighbor_hint = |n: u64| Some(NeighborHint { id: id(n), rtt_us: 1 });
    member.take(at(0.0), 1, located(1, Body::Ack { seq: 999 }, somewhere(0.0), neighbor_hint(100)));
    member.take(at(0.0), 1, located(1, Body::Ping { seq: 3 }, somewhere(0.0), neighbor_hint(100)));
    answered(&mut member, 0.0, somewhere(0.0), neighbor_hint(7777));
    answered(&mut member, 1.0, somewhere(0.0), neighbor_hint(200));
    let pings: Vec<Address> = (2..20)
        .flat_map(|second| member.due(at(f64::from(second))).transmits)
        .filter(|transmit| transmit.direct_ping)
        .map(|transmit| transmit.to)
        .collect();
    assert!(pings.contains(&address(200)), "{pings:?}");
    assert_eq!(pings.iter().filter(|&&to| to == address(100)).count(), 0, "{pings:?}");
}
