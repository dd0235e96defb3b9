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
    let answer = |member: &mut Member, now: f64, from: u64, records: Vec<Update>| {
        let sync = StateSync::whole(false, false, records);
        member.hear(at(now), from, Body::Sync(Box::new(sync)), vec![])
    };
    let mut member = member_with(1, Spec::of("swim").with("join_syncs", 6.0).with("suspicion_mult", 1000.0));
    let mut out = Outbox::default();
    member.join(at(0.0), vec![address(1)], &mut out);
    assert_eq!(streams(&out), 1);
    answer(&mut member, 0.1, 1, vec![alive(1, 0), alive(2, 0)]);
    assert_eq!(streams(&member.due(at(1.5))), 1, "a period after the answer");
    // The answer names a new member, and so does another member: both are admitted, and not passed on.
    answer(&mut member, 1.6, 1, vec![alive(3, 0)]);
    member.hear(at(1.7), 2, Body::Gossip, vec![alive(4, 0)]);
    let out = member.due(at(2.5));
    assert_eq!((streams(&out), member.table.members()), (1, 5));
    assert!(!names(&out, 3) && !names(&out, 4));
    // Without an answer it asks on, a member; an answer without new members ends it.
    let asked: Vec<u64> = asked_by(&member.due(at(4.5))).collect();
    assert!((2..5).any(|other| asked == [other]), "{asked:?}");
    answer(&mut member, 4.6, asked[0], vec![alive(3, 0)]);
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
    asked_by(out).count()
}

/// Numbers of the members that are asked for tables.
fn asked_by(out: &Outbox) -> impl Iterator<Item = u64> {
    let asked = out.transmits.iter().filter(|transmit| transmit.stream);
    asked.map(|transmit| (0..1000).find(|&n| address(n) == transmit.to).expect("a member"))
}

/// The members that get a digest to answer, with it.
fn digests(out: &Outbox) -> Vec<(u64, u64)> {
    let digest = |transmit: &Transmit| match transmit.message.body {
        Body::Digest { digest, .. } => Some(((0..1000).find(|&n| address(n) == transmit.to)?, digest)),
        _ => None,
    };
    out.transmits.iter().filter_map(digest).collect()
}

#[test]
fn a_late_answer_of_another_seed_does_not_complete_a_join() {
    let mut member = syncing();
    member.hear(at(1.6), 1, Body::Sync(Box::new(group(1..400))), vec![]);
    assert_eq!(streams(&member.due(at(2.6))), 1, "the second seed has not answered yet: another one is asked");
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
    let [(partner, digest)] = digests(&member.due(at(7.6)))[..] else { panic!("it compares tables once more") };
    let body = Body::Digest { wants_reply: false, digest: digest + 1 };
    assert_eq!(asked_by(&member.hear(at(7.7), partner, body, vec![])).collect::<Vec<_>>(), [partner]);
    member.hear(at(7.8), partner, Body::Sync(Box::new(group(1..500))), vec![]);
    assert_eq!(member.table.members(), 500);
    member.hear(at(7.9), 8, Body::Sync(Box::new(group(1..600))), vec![]);
    assert_eq!(member.table.members(), 500, "members known only from a third party are pinged first again");
}

#[test]
fn a_join_whose_last_comparison_finds_no_difference_is_over() {
    let mut member = syncing();
    member.hear(at(1.6), 2, Body::Sync(Box::new(group(1..400))), vec![]);
    let [(partner, digest)] = digests(&member.due(at(7.6)))[..] else { panic!("it compares tables once more") };
    assert!(member.is_join_under_way());
    member.hear(at(7.7), partner, Body::Digest { wants_reply: false, digest }, vec![]);
    assert!(!member.is_join_under_way());
}

#[test]
fn later_tables_of_a_join_are_asked_for_in_more_parts_the_more_members_were_unknown() {
    let parts = |out: &Outbox| {
        let parts = |transmit: &Transmit| match &transmit.message.body {
            Body::Sync(sync) => Some((sync.joining, sync.parts.len(), sync.records.len())),
            _ => None,
        };
        out.transmits.iter().find_map(parts).expect("a sync")
    };
    let joining =
        |more: &str| member_with(1, Spec::parse(&format!("swim:join_syncs=6,suspicion_mult=1000{more}")).unwrap());
    let mut member = joining("");
    let mut out = Outbox::default();
    member.join(at(0.0), vec![address(1)], &mut out);
    assert_eq!(parts(&out), (true, 0, 1), "the first is asked for as a whole");
    member.hear(at(0.1), 1, Body::Sync(Box::new(group(1..400))), vec![]);
    // sqrt(14 x 400 x 398): most of the group was unknown.
    assert_eq!(parts(&member.due(at(1.5))), (true, 1492, 1));
    member.hear(at(1.6), 1, Body::Sync(Box::new(group(400..404))), vec![]);
    // sqrt(14 x 404 x 4)
    assert_eq!(parts(&member.due(at(2.7))), (true, 150, 1));
    // A variant without digests.
    let mut member = joining(",sync_digests=false");
    member.join(at(0.0), vec![address(1)], &mut Outbox::default());
    member.hear(at(0.1), 1, Body::Sync(Box::new(group(1..400))), vec![]);
    assert_eq!(parts(&member.due(at(1.5))), (true, 0, 1));
}

#[test]
fn a_seed_of_joiners_syncs_soon_itself() {
    let spec = Spec::of("swim").with("join_syncs", 6.0).with("sync_interval", "30s").with("suspicion_mult", 1000.0);
    let mut seed = member_with(3, spec);
    let ask = |who| Body::Sync(Box::new(StateSync::whole(true, true, vec![alive(who, 0)])));
    for who in 3..60 {
        seed.hear(at(0.1 * who as f64), who, ask(who), vec![]);
    }
    let sent = digests(&seed.due(at(5.5)));
    let [(asked, digest)] = sent[..] else { panic!("once for all of them: {sent:?}") };
    seed.hear(at(5.6), asked, Body::Digest { wants_reply: false, digest }, vec![]);
    let out = seed.due(at(25.0));
    assert_eq!((digests(&out).len(), streams(&out)), (0, 0));
}
