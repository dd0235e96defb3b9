//! Joining: the seeds that are asked, how often, and the tables that are trusted.

use super::*;
use crate::protocol::Transmit;

#[test]
fn a_joiner_tries_its_seeds_in_turn_until_one_answers_and_believes_its_table() {
    let mut member = member(1);
    let mut out = Outbox::default();
    member.join(at(0.0), vec![address(1), address(2)], &mut out);
    let more = member.due(at(2.0));
    let tried: Vec<_> = out.transmits.iter().chain(&more.transmits).map(|transmit| transmit.to).collect();
    assert_eq!(tried, [address(1), address(2)]);
    assert!(member.is_joining());
    let sync = StateSync::whole(false, false, vec![alive(2, 0), alive(3, 1)]);
    member.hear(at(2.1), 2, Body::Sync(Box::new(sync)), vec![]);
    assert!(!member.is_joining());
    assert_eq!(member.table.members(), 3);
}

#[test]
fn a_joiner_asks_again_while_answers_name_new_members_and_does_not_pass_on_other_joiners() {
    let names = |out: &Outbox, who: u64| {
        let mut updates = out.transmits.iter().flat_map(|transmit| &transmit.message.updates);
        updates.any(|update| update.id == id(who))
    };
    let answer = |member: &mut Member, now: f64, records: Vec<Update>| {
        let sync = StateSync::whole(false, false, records);
        member.hear(at(now), 1, Body::Sync(Box::new(sync)), vec![])
    };
    let mut member = member_with(1, Spec::of("swim").with("join_syncs", 6.0).with("suspicion_mult", 1000.0));
    let mut out = Outbox::default();
    member.join(at(0.0), vec![address(1)], &mut out);
    assert_eq!(streams(&out), 1);
    answer(&mut member, 0.1, vec![alive(1, 0), alive(2, 0)]);
    assert_eq!(streams(&member.due(at(1.5))), 1, "a period after the answer");
    // The answer names a new member, and so does another member: both are admitted, and not passed on.
    answer(&mut member, 1.6, vec![alive(3, 0)]);
    member.hear(at(1.7), 2, Body::Gossip, vec![alive(4, 0)]);
    let out = member.due(at(2.5));
    assert_eq!((streams(&out), member.table.members()), (1, 5));
    assert!(!names(&out, 3) && !names(&out, 4));
    // Without an answer it asks on; an answer without new members ends it.
    assert_eq!(streams(&member.due(at(4.5))), 1);
    answer(&mut member, 4.6, vec![alive(3, 0)]);
    assert_eq!(streams(&member.due(at(60.0))), 0);
    member.hear(at(60.0), 2, Body::Gossip, vec![alive(5, 0)]);
    assert!(names(&member.due(at(61.0)), 5), "now it belongs to the settled");
}

/// A member that has asked its two seeds in turn, and has an answer from the first alone.
fn syncing() -> Member {
    let spec = Spec::of("swim").with("join_syncs", 6.0).with("sync_interval", "30s").with("suspicion_mult", 1000.0);
    let mut member = member_with(1, spec);
    member.join(at(0.0), vec![address(1), address(2)], &mut Outbox::default());
    member.hear(at(0.1), 1, Body::Sync(Box::new(group(1..400))), vec![]);
    assert_eq!(streams(&member.due(at(1.5))), 1, "it asks the second seed");
    member
}

fn group(ids: std::ops::Range<u64>) -> StateSync {
    StateSync::whole(false, false, ids.map(|id| alive(id, 0)).collect())
}

fn streams(out: &Outbox) -> usize {
    out.transmits.iter().filter(|transmit| transmit.stream).count()
}

#[test]
fn a_late_answer_of_another_seed_does_not_complete_a_join() {
    let mut member = syncing();
    member.hear(at(1.6), 1, Body::Sync(Box::new(group(1..400))), vec![]);
    assert_eq!(streams(&member.due(at(2.6))), 1, "the second seed has not answered yet: the first is asked again");
    member.hear(at(2.7), 2, Body::Sync(Box::new(group(1..500))), vec![]);
    assert_eq!(member.table.members(), 500);
}

#[test]
fn a_joiner_syncs_once_more_soon_and_trusts_that_table() {
    let mut member = syncing();
    member.hear(at(1.6), 2, Body::Sync(Box::new(group(1..400))), vec![]);
    assert_eq!(streams(&member.due(at(2.6))), 0, "the join is complete");
    let regular = member.alarms().sync;
    assert!(regular <= at(2.6 + 150.0), "the interval of members in a group of this size");
    assert_eq!(streams(&member.due(at(10.6))), 1 + usize::from(regular <= at(10.6)));
    member.hear(at(10.7), 7, Body::Sync(Box::new(group(1..500))), vec![]);
    assert_eq!(member.table.members(), 500);
    member.hear(at(10.8), 8, Body::Sync(Box::new(group(1..600))), vec![]);
    assert_eq!(member.table.members(), 500, "members known only from a third party are pinged first again");
}

#[test]
fn a_seed_of_joiners_syncs_soon_itself() {
    let spec = Spec::of("swim").with("join_syncs", 6.0).with("sync_interval", "30s").with("suspicion_mult", 1000.0);
    let mut seed = member_with(3, spec);
    let ask = |who| Body::Sync(Box::new(StateSync::whole(true, true, vec![alive(who, 0)])));
    for who in 3..60 {
        seed.hear(at(0.1 * who as f64), who, ask(who), vec![]);
    }
    let digests = |out: &Outbox| -> Vec<_> {
        let is_digest = |transmit: &&Transmit| matches!(transmit.message.body, Body::Digest { .. });
        out.transmits.iter().filter(is_digest).map(|transmit| (transmit.to, transmit.message.body.clone())).collect()
    };
    let sent = digests(&seed.due(at(5.5)));
    let [(to, Body::Digest { digest, .. })] = sent[..] else { panic!("once for all of them: {sent:?}") };
    let asked = (1..60).find(|&n| address(n) == to).unwrap();
    seed.hear(at(5.6), asked, Body::Digest { wants_reply: false, digest }, vec![]);
    let out = seed.due(at(25.0));
    assert_eq!((digests(&out).len(), streams(&out)), (0, 0));
}
