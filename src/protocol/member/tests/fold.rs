//! Rosters that the members of a process share, and what a member does after its peers have other slots.

use swimlab_selectors::View;

use super::*;
use crate::protocol::{Config, MemoryPool};

/// Members 0 to 1 of a process, each of which has been told of all members below `n` in an order of its own.
fn agents(n: u64, selector: &str, pool: &Arc<MemoryPool>) -> [Member; 2] {
    let strategy: DynSelector = selector.parse().unwrap();
    [0, 1].map(|me| {
        let config = MemberConfig::new(Config::lan(), Arc::new(PlainSizer)).unwrap().with_pool(Arc::clone(pool));
        let mut member = member_of(me..me + 1, config, &strategy);
        let mut others: Vec<Update> = (0..n).filter(|&other| other != me).map(|other| alive(other, 0)).collect();
        others.rotate_left(me as usize * 50);
        member.hear(at(0.0), 2, Body::Gossip, others);
        member
    })
}

/// Runs a member up to a time, and answers its pings.
fn run(member: &mut Member, from: u32, to: u32, silent: Option<u64>) -> Vec<Outbox> {
    let mut outs = Vec::new();
    for step in from * 10..to * 10 {
        let now = at(f64::from(step) / 10.0);
        let out = member.due(now);
        for transmit in &out.transmits {
            let (port, Body::Ping { seq }) = (transmit.to, &transmit.message.body) else { continue };
            let to = (0..256).find(|&n| address(n) == port).unwrap();
            if Some(to) != silent {
                member.hear(now, to, Body::Ack { seq: *seq }, vec![]);
            }
        }
        outs.push(out);
    }
    outs
}

#[test]
fn members_of_a_process_that_know_the_same_share_one_roster() {
    for (selector, shares) in [("auto", true), ("uniform", true), ("shuffle", false)] {
        let pool = Arc::new(MemoryPool::default());
        let mut both = agents(200, selector, &pool);
        both.iter_mut().for_each(|member| _ = run(member, 0, 30, None));
        let [one, other] = &both;
        assert_eq!(Arc::ptr_eq(one.table.roster(), other.table.roster()), shares, "{selector}");
        assert!(!shares || one.table.differences() + other.table.differences() == 0);
        assert_eq!((one.table.members(), one.table.id(one.table.me())), (200, one.id));
    }
}

#[test]
fn without_a_pool_a_member_keeps_the_slots_of_its_peers() {
    let mut member = member_by(1, Spec::of("swim"), "auto");
    member.hear(at(0.1), 2, Body::Gossip, (1..200).map(|other| alive(other, 0)).collect());
    let slots = |member: &Member| -> Vec<_> { (0..200).map(|n| member.table.slot(id(n))).collect() };
    let before = slots(&member);
    run(&mut member, 1, 30, None);
    assert_eq!((slots(&member), member.table.roster().len()), (before, 200));
}

#[test]
fn a_suspicion_from_before_a_fold_ends_with_the_death_of_that_member() {
    let pool = Arc::new(MemoryPool::default());
    let [mut member, _] = agents(200, "auto", &pool);
    let roster = Arc::clone(member.table.roster());
    member.hear(at(0.0), 3, Body::Gossip, vec![suspect(77, 0)]);
    let outs = run(&mut member, 0, 60, Some(77));
    assert!(!Arc::ptr_eq(&roster, member.table.roster()), "it was folded meanwhile");
    let died = outs.iter().flat_map(|out| &out.events).filter(|event| event.kind == EventKind::Died);
    assert_eq!(died.map(|event| event.about).collect::<Vec<_>>(), [id(77)]);
    assert_eq!(member.belief(77).map(|(_, status)| status), Some(Status::Dead));
    // It returns, as the one difference from the roster.
    member.hear(at(60.0), 77, Body::Gossip, vec![alive(77, 1)]);
    run(&mut member, 60, 80, None);
    assert_eq!((member.table.members(), member.table.differences()), (200, 1));
}

#[test]
fn updates_from_before_a_fold_are_passed_on_after_it() {
    let pool = Arc::new(MemoryPool::default());
    let [mut member, _] = agents(200, "uniform", &pool);
    // The fold comes with the next period, before most of them have been sent.
    let outs = run(&mut member, 0, 60, None);
    let sent = outs.iter().flat_map(|out| &out.transmits).flat_map(|transmit| &transmit.message.updates);
    let about: std::collections::BTreeSet<Id> = sent.map(|update| update.id).collect();
    assert!((1..200).all(|other| about.contains(&id(other))), "{} of 199", about.len());
}
