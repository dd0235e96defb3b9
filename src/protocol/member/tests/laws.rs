//! Invariants under any updates in any order.

use proptest::prelude::*;

use super::*;

fn any_update() -> impl Strategy<Value = (u64, u32, u8)> {
    (0u64..6, 0u32..4, 0u8..4)
}

fn update_of((about, refutations, kind): (u64, u32, u8)) -> Update {
    match kind {
        0 => alive(about, refutations),
        1 => suspect(about, refutations),
        2 => update(about, refutations, UpdateKind::Dead),
        _ => update(about, refutations, UpdateKind::Left),
    }
}

proptest! {
    /// The higher incarnation wins, whatever the state; at equal incarnation left > dead > suspect > alive. The order
    /// is not total for suspicions of dead members at a higher incarnation, which wait for the member's own record:
    /// they are left out here.
    #[test]
    fn records_do_not_depend_on_the_order_of_updates(
        kind in proptest::collection::vec((1u64..2, 0u32..4, 0u8..4), 1..8),
        ctx in 0usize..8,
    ) {
        prop_assume!(kind.iter().all(|&(_, _, kind)| kind != 1));
        let believe = |kind: &[(u64, u32, u8)]| {
            let mut member = member(3);
            kind.iter().for_each(|&kind| { member.learns_of(update_of(kind)); });
            member.belief(1)
        };
        let mut turned = kind.clone();
        turned.rotate_left(ctx % kind.len());
        prop_assert_eq!(believe(&kind), believe(&turned));
    }

    #[test]
    fn updates_never_lower_an_incarnation_nor_revive_at_the_same_one(
        kind in proptest::collection::vec(any_update(), 1..40),
    ) {
        let mut member = member(4);
        let mut before = [None; 6];
        for kind in kind {
            member.learns_of(update_of(kind));
            for about in 1..6 {
                let now = member.belief(about);
                if let (Some(before), Some(now)) = (before[about as usize], now) {
                    prop_assert!(now >= before, "member {}: {:?} after {:?}", about, now, before);
                }
                before[about as usize] = now.or(before[about as usize]);
            }
        }
    }

    #[test]
    fn no_packet_makes_a_member_panic_or_outgrow_its_bounds(
        packets in proptest::collection::vec(
            (0u64..9, 0u8..7, any::<u32>(), proptest::collection::vec(any_update(), 0..6), 0u64..400),
            1..60,
        ),
    ) {
        let mut member = member_with(5, Spec::of("swim").with("dead_retention", "3s").with("reconnect_limit", 2.0));
        let mut now = Time::ZERO;
        for (from, kind, seq, updates, wait_ms) in packets {
            now += Span::from_millis(wait_ms);
            member.due(now);
            let updates: Vec<Update> = updates.into_iter().map(update_of).collect();
            let body = match kind {
                0 => Body::Ping { seq },
                1 => Body::Ack { seq: seq % 8 },
                2 => {
                    let targets = vec![PeerAddress { id: id(u64::from(seq % 9)), address: address(1) }];
                    Body::PingReq(Box::new(PingReq { seq, nack_after_us: seq % 2000, targets }))
                }
                3 => Body::IndirectAck { seq: seq % 8, target: id(u64::from(seq % 9)) },
                4 => Body::Nack { seq, target: id(1) },
                5 => Body::Gossip,
                _ => {
                    let records = updates.clone();
                    Body::Sync(Box::new(StateSync::whole(seq % 2 == 0, seq % 3 == 0, records)))
                }
            };
            let out = member.hear(now, from, body, updates);
            prop_assert!(out.transmits.len() < 80);
            let gauge = member.gauge();
            prop_assert!(gauge.broadcasts < 100 && gauge.relays <= Member::RELAY_LIMIT && gauge.forgotten <= 2);
            prop_assert!(member.table.members() >= 1);
            prop_assert!(member.deadline() <= now + SECOND || member.deadline() == Time::NEVER);
        }
    }
}
