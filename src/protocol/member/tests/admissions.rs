//! Invented members: how many are admitted, and when they are gone.

use super::*;

/// A record of a member that does not exist.
fn invented(n: u64) -> Update {
    let address = Address { ip: (u128::from(n) << 8).to_be_bytes(), port: 7 };
    let node = NodeInfo::new(Peer::new(id(n)), address);
    Update { id: id(n), incarnation: incarnation(0), kind: UpdateKind::Alive(Arc::new(node)) }
}

/// Hears of 100,000 invented members within four seconds.
fn flooded(member: &mut Member) {
    for n in 0..2500 {
        let updates = (0..40).map(|k| invented(1000 + 40 * n + k)).collect();
        member.hear(at(n as f64 / 625.0), 1, Body::Gossip, updates);
    }
}

/// A9
#[test]
fn of_100_000_invented_members_a_burst_and_a_few_per_second_are_admitted_and_probing_removes_them() {
    let mut member = member(9);
    flooded(&mut member);
    let members = member.table.members();
    assert!((2048 + 9..=2048 + 9 + 4 * 64).contains(&members), "{members}");
    assert_eq!(u64::from(members - 9) + member.refused_members(), 100_000);
    // Who introduces itself is admitted all the same.
    let newcomer = Packet { from: id(11), ..packet(11, Body::Gossip, vec![alive(11, 0)]) };
    member.take(at(4.0), 11, newcomer);
    assert!(member.belief(11).is_some());
    member.learns_of(Update { kind: UpdateKind::Left, ..alive(11, 0) });

    // Real members answer. This member alone pings each of the others once in as many periods as there are.
    let end = at(4.0 + 2.0 * f64::from(members) + 60.0);
    while member.deadline() <= end {
        let now = member.deadline();
        let mut out = Outbox::default();
        member.wake(now, &mut out);
        for transmit in out.transmits {
            if let Some(n) = (1..9).find(|&n| address(n) == transmit.to)
                && let Body::Ping { seq } = transmit.message.body
            {
                member.hear(now, n, Body::Ack { seq }, vec![]);
            }
        }
    }
    let expected: Vec<Id> = (0..9).map(id).collect();
    let left = member.table.entries().filter(|(_, status, ..)| status.is_member());
    assert_eq!(left.map(|(.., node)| node.peer.id).collect::<Vec<_>>(), expected);
}

#[test]
fn the_table_that_a_joiner_asks_for_is_not_counted_but_limited() {
    for (limit, expected) in [(1_048_576, 5001), (3000, 3000)] {
        let mut member = member_with(1, Spec::of("swim").with("member_limit", f64::from(limit)));
        member.join(at(0.0), vec![address(1)], &mut Outbox::default());
        let records = (0..5000).map(|n| invented(1000 + n)).collect();
        let table = StateSync::whole(false, false, records);
        member.hear(at(0.1), 1, Body::Sync(Box::new(table)), vec![]);
        assert_eq!(member.table.members(), expected);
    }
}
