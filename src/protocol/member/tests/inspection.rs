//! Inspection of a running member, as pages do it.

use super::*;

#[test]
fn the_round_shows_who_was_pinged_and_who_has_answered() {
    let mut member = member(3);
    assert_eq!(member.probed().count(), 0);
    let ping = member.due(at(0.0));
    let Body::Ping { seq } = ping.transmits[0].message.body else { panic!() };
    let target = target_of(&ping);
    assert_eq!(member.probed().collect::<Vec<_>>(), [(id(target), false)]);
    assert_eq!((member.probe_timeout_at(), member.period_ends()), (at(0.5), at(1.0)));
    member.hear(at(0.1), target, Body::Ack { seq }, vec![]);
    assert_eq!(member.probed().collect::<Vec<_>>(), [(id(target), true)]);
}

#[test]
fn the_queue_shows_current_updates_with_their_transmissions() {
    let mut member = member(5);
    member.due(at(0.0));
    member.due(at(0.5));
    member.due(at(1.0));
    let suspect = member.queued_updates().next().map(|(update, sent)| (update.clone(), sent));
    let (update, sent) = suspect.expect("the target that did not answer is suspected");
    assert!(matches!(update.kind, UpdateKind::Suspect { .. }));
    assert!(sent < member.transmission_limit());
    // A refutation makes the suspicion outdated: only one update about the member is left.
    let refuted = Incarnation { refutations: 1, ..Incarnation::default() };
    let node = Arc::clone(member.table().node(member.table().slot(update.id).unwrap()));
    let alive = Update { id: update.id, incarnation: refuted, kind: UpdateKind::Alive(node) };
    member.hear(at(1.1), (0..5).find(|&other| id(other) == update.id).unwrap(), Body::Gossip, vec![alive]);
    let kinds: Vec<bool> = member
        .queued_updates()
        .filter(|(queued, _)| queued.id == update.id)
        .map(|(queued, _)| matches!(queued.kind, UpdateKind::Alive(_)))
        .collect();
    assert_eq!(kinds, [true]);
}
