//! Joining: the seeds that are asked, how often, and the tables that are trusted.

use super::*;
use crate::protocol::Transmit;
use crate::protocol::member::join::LONGEST_SYNC_WAIT;

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
    let (to, _) = last_digest(&member.due(at(8.0)));
    let out = member.hear(at(8.1), to, Body::Digest { wants_reply: false, digest: 1 }, vec![]);
    assert_eq!(parts_asked(&out), [(400, false)], "its table differs");
    member.hear(at(8.2), to, Body::Sync(Box::new(group(1..500))), vec![]);
    assert_eq!(member.table.members(), 500);
    member.hear(at(8.3), 8, Body::Sync(Box::new(group(1..600))), vec![]);
    assert_eq!(member.table.members(), 500, "members known only from a third party are pinged first again");
}

#[test]
fn a_join_ends_when_the_last_comparison_shows_no_difference() {
    let mut member = syncing();
    member.hear(at(1.6), 2, Body::Sync(Box::new(group(1..400))), vec![]);
    let (to, digest) = last_digest(&member.due(at(8.0)));
    let out = member.hear(at(8.1), to, Body::Digest { wants_reply: false, digest }, vec![]);
    assert_eq!((streams(&out), member.is_join_under_way()), (0, false));
}

/// The receiver of the last digest that was sent, and the digest.
fn last_digest(out: &Outbox) -> (u64, u64) {
    let digest = |transmit: &Transmit| match transmit.message.body {
        Body::Digest { wants_reply: true, digest } => Some((transmit.to, digest)),
        _ => None,
    };
    let (to, digest) = out.transmits.iter().rev().find_map(digest).expect("a digest was sent");
    ((1..256).find(|&n| address(n) == to).unwrap(), digest)
}

/// The numbers of parts that were asked for, and whether as a joiner.
fn parts_asked(out: &Outbox) -> Vec<(usize, bool)> {
    let parts = |transmit: &Transmit| match &transmit.message.body {
        Body::Sync(sync) => Some((sync.parts.len(), sync.joining)),
        _ => None,
    };
    out.transmits.iter().filter_map(parts).collect()
}

#[test]
fn a_joiner_asks_seeds_again_for_what_differs_and_gets_no_more() {
    let ask = |known: u64, spec: &str| {
        let mut member = member_with(1, Spec::parse(spec).unwrap());
        member.join(at(0.0), vec![address(1)], &mut Outbox::default());
        member.hear(at(0.1), 1, Body::Sync(Box::new(group(1..known))), vec![]);
        member.due(at(1.5))
    };
    let spec = "swim:join_syncs=6,suspicion_mult=1000";
    let out = ask(200, spec);
    assert_eq!(parts_asked(&out), [(200, true)]);
    assert_eq!(parts_asked(&ask(50, spec)), [(0, true)], "a small table is asked for as a whole");
    assert_eq!(parts_asked(&ask(200, &format!("{spec},sync_digests=false"))), [(0, true)]);
    // The seed knows all of these and two more.
    let mut seed = member_with(1, Spec::of("swim"));
    seed.hear(at(0.1), 2, Body::Gossip, (2..202).map(|other| alive(other, 0)).collect());
    let mut question = out.transmits.into_iter().find(|transmit| transmit.stream).unwrap().message;
    question.from = id(210);
    let answers = seed.take(at(0.2), 210, question);
    let records = answers.transmits.iter().find_map(|transmit| match &transmit.message.body {
        Body::Sync(sync) if !sync.wants_reply => Some(&sync.records),
        _ => None,
    });
    let records = records.expect("it answers");
    assert!([200, 201].iter().all(|new| records.iter().any(|record| record.id == id(*new))));
    assert!(records.len() < 20, "{} records", records.len());
}

#[test]
fn questions_to_seeds_that_answer_become_rarer_down_to_one_in_the_longest_pause() {
    let mut member = member_with(1, Spec::parse("swim:join_syncs=16,suspicion_mult=1000").unwrap());
    member.join(at(0.0), vec![address(1)], &mut Outbox::default());
    member.hear(at(0.1), 1, Body::Sync(Box::new(group(1..3))), vec![]);
    let mut asked = Vec::new();
    for step in 1..1000_u32 {
        let now = f64::from(step) / 10.0;
        if !parts_asked(&member.due(at(now))).is_empty() {
            asked.push(step);
            let new = 3 + u64::from(step);
            member.hear(at(now + 0.01), 1, Body::Sync(Box::new(group(new..new + 1))), vec![]);
        }
    }
    let pauses: Vec<u32> = asked.windows(2).map(|pair| (pair[1] - pair[0] + 5) / 10).collect();
    assert_eq!(pauses[..6], [1, 2, 4, 8, 8, 8]);
    assert_eq!((pauses.iter().max(), LONGEST_SYNC_WAIT), (Some(&8), 8));
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
