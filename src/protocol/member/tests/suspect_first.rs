//! Suspicions of which the suspect is told first.

use super::*;
use crate::protocol::Transmit;

/// Member 0 of a group of 9 that tells suspects first and sends messages for the sake of urgent updates.
fn telling(more: &str) -> Member {
    let spec = Spec::parse(&format!("swim:suspect_first=true,dissemination=gossip{more}"));
    member_with(9, spec.unwrap())
}

/// Runs a member until it suspects the first member that it has pinged; returns that member and the packets.
fn first_suspicion(member: &mut Member) -> (u64, Outbox) {
    let target = target_of(&member.due(at(0.0)));
    let out = member.due(at(1.0));
    assert!(out.events.iter().any(|event| event.about == id(target) && event.kind == EventKind::Suspected));
    (target, out)
}

/// The receivers of a suspicion.
fn told_of_suspicion(out: &Outbox, suspect: u64) -> Vec<u64> {
    let is_suspicion = |update: &Update| update.id == id(suspect) && matches!(update.kind, UpdateKind::Suspect { .. });
    let told = out.transmits.iter().filter(|transmit| transmit.message.updates.iter().any(is_suspicion));
    told.map(|transmit: &Transmit| (0..16).find(|&n| address(n) == transmit.to).unwrap()).collect()
}

#[test]
fn a_suspicion_is_sent_to_the_suspect_alone_for_half_a_period_and_then_to_all() {
    let mut member = telling("");
    let (suspect, out) = first_suspicion(&mut member);
    assert_eq!(told_of_suspicion(&out, suspect), [suspect]);
    let again = member.due(at(1.49));
    assert_eq!(told_of_suspicion(&again, suspect), [suspect], "once more after a quarter of a period");
    let later = told_of_suspicion(&member.due(at(2.4)), suspect);
    assert!(later.iter().filter(|&&to| to != suspect).count() >= 3, "{later:?}");
}

#[test]
fn a_suspicion_that_is_refuted_in_time_is_told_to_nobody_else_and_causes_no_message() {
    let mut member = telling(",period=10s");
    let target = target_of(&member.due(at(0.0)));
    member.due(at(10.0));
    assert_eq!(member.belief(target), Some((incarnation(0), Status::Suspect)));
    member.hear(at(10.1), target, Body::Gossip, vec![alive(target, 1)]);
    assert_eq!(member.belief(target), Some((incarnation(1), Status::Alive)));
    // The refutation is queued, but waits for the next ping.
    assert_eq!(member.gauge().broadcasts, 1);
    assert!(!member.queue.has_urgent());
    let until_the_next_ping = member.due(at(10.4));
    assert!(until_the_next_ping.transmits.is_empty(), "{:?}", bodies(&until_the_next_ping));
}

#[test]
fn a_suspicion_is_disclosed_as_soon_as_another_member_discloses_one() {
    let mut member = telling("");
    let (suspect, _) = first_suspicion(&mut member);
    assert!(!member.queue.has_urgent());
    let by = UpdateKind::Suspect { by: id(15) };
    member.hear(at(1.1), (suspect % 8) + 1, Body::Gossip, vec![update(suspect, 0, by)]);
    assert!(member.queue.has_urgent());
    let told = told_of_suspicion(&member.due(at(1.4)), suspect);
    assert!(told.iter().any(|&to| to != suspect), "{told:?}");
}

#[test]
fn a_refutation_is_urgent_where_others_may_know_of_the_suspicion() {
    let by = |accuser| vec![update(0, 0, UpdateKind::Suspect { by: id(accuser) })];
    for (accuser, is_urgent) in [(1, false), (2, true)] {
        let mut member = telling("");
        // From member 1, of its own suspicion or of that of another.
        member.hear(at(0.1), 1, Body::Gossip, by(accuser));
        assert_eq!((member.incarnation(), member.queue.has_urgent()), (incarnation(1), is_urgent));
    }
    // A suspicion that others know of, older than the refutation that they do not know of.
    let mut member = telling("");
    member.hear(at(0.1), 1, Body::Gossip, by(1));
    member.hear(at(0.2), 3, Body::Gossip, by(2));
    assert_eq!((member.incarnation(), member.queue.has_urgent()), (incarnation(1), true));
}

#[test]
fn the_accuser_gets_the_refutation_at_once() {
    let mut member = telling("");
    let out = member.hear(at(0.1), 1, Body::Gossip, vec![update(0, 0, UpdateKind::Suspect { by: id(1) })]);
    let [reply] = &out.transmits[..] else { panic!("{:?}", bodies(&out)) };
    assert_eq!(reply.to, address(1));
    assert!(reply.message.updates.contains(&alive(0, 1)));
}

#[test]
fn suspects_that_cannot_answer_are_not_told_first() {
    let mut member = telling(",anti_entropy=false");
    first_suspicion(&mut member);
    assert!(member.queue.has_urgent());
}
