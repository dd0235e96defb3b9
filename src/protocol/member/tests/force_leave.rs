//! Departures on an operator's word.

use super::*;
use crate::protocol::ForceLeaveError;

#[test]
fn only_suspected_and_dead_members_can_be_made_to_leave() {
    let mut member = member(5);
    let mut forced = |about: u64| {
        let mut out = Outbox::default();
        member.force_leave(at(1.0), id(about), &mut out).map(|()| member.belief(about))
    };
    assert_eq!(forced(0), Err(ForceLeaveError::Own));
    assert_eq!(forced(1), Err(ForceLeaveError::Alive));
    assert_eq!(forced(77), Err(ForceLeaveError::Unknown));
    member.learns_of(suspect(2, 0));
    member.learns_of(update(3, 0, UpdateKind::Dead));
    member.learns_of(update(4, 0, UpdateKind::Left));
    let mut out = Outbox::default();
    for (about, expected) in [(2, Ok(())), (3, Ok(())), (4, Err(ForceLeaveError::HasLeft))] {
        assert_eq!(member.force_leave(at(1.0), id(about), &mut out), expected);
        assert_eq!(member.belief(about), Some((incarnation(0), Status::Left)));
    }
    // The death was reported before.
    let events: Vec<_> = out.events.iter().map(|event| (event.about, event.kind.clone())).collect();
    assert_eq!(events, [(id(2), EventKind::Left)]);
}

#[test]
fn others_take_the_departure_of_a_member_that_they_hold_dead() {
    let mut other = member(4);
    other.learns_of(update(3, 2, UpdateKind::Dead));
    other.learns_of(update(3, 1, UpdateKind::Left));
    assert_eq!(other.belief(3), Some((incarnation(2), Status::Dead)), "an earlier incarnation");
    let out = other.learns_of(update(3, 2, UpdateKind::Left));
    assert_eq!(other.belief(3), Some((incarnation(2), Status::Left)));
    assert!(out.events.is_empty());
    assert!(other.learns_of(alive(3, 2)).events.is_empty());
    let returned = other.learns_of(alive(3, 3));
    assert_eq!(returned.events[0].kind, EventKind::Joined);
}

#[test]
fn a_living_member_that_was_made_to_leave_refutes_it_as_its_death() {
    for kind in [UpdateKind::Dead, UpdateKind::Left] {
        let mut member = member(3);
        let out = member.learns_of(update(0, 0, kind));
        assert_eq!((out.events[0].kind.clone(), member.incarnation()), (EventKind::SelfRefuted, incarnation(1)));
        // Updates have not reached it meanwhile.
        assert!(out.transmits.iter().any(|transmit| matches!(transmit.message.body, Body::Sync(_))));
    }
    // The departure of an earlier life.
    let mut member = member(3);
    member.learns_of(update(0, 4, UpdateKind::Dead));
    assert!(member.learns_of(update(0, 3, UpdateKind::Left)).events.is_empty());
}
