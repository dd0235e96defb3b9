//! Copies and hashes of members.

use std::hash::{DefaultHasher, Hasher};

use super::*;

fn hash(member: &Member) -> u64 {
    let mut hasher = DefaultHasher::new();
    member.hash_state(member.deadline(), &mut hasher);
    hasher.finish()
}

#[test]
fn a_copy_goes_on_like_the_original_where_the_selector_keeps_no_state() {
    let selector: DynSelector = "uniform".parse().unwrap();
    let roster = Roster::of_members((0..5).map(node));
    let indexed = selector.build_index(roster.peers());
    let mut original = member_by(5, Spec::of("lifeguard"), "uniform");
    let mut out = Outbox::default();
    for round in 0..40 {
        let mut copy = original.fork(&indexed);
        assert_eq!(hash(&copy), hash(&original), "round {round}");
        let (now, mut copied) = (original.deadline(), Outbox::default());
        original.wake(now, &mut out);
        copy.wake(now, &mut copied);
        assert_eq!((&copied.transmits, &copied.events), (&out.transmits, &out.events), "round {round}");
        assert_eq!(hash(&copy), hash(&original), "round {round}");
        out.transmits.clear();
        out.events.clear();
    }
    assert!(original.table().members() < 5, "silent members were suspected and declared dead meanwhile");
}

#[test]
fn each_call_that_changes_the_state_changes_the_hash() {
    let mut member = member(5);
    let mut hashes = vec![hash(&member)];
    let mut out = Outbox::default();
    member.wake(at(0.0), &mut out);
    hashes.push(hash(&member));
    for updates in [vec![suspect(1, 0)], vec![alive(1, 1)], vec![update(2, 0, UpdateKind::Dead)], vec![suspect(0, 0)]] {
        member.handle(at(0.1), address(3), &packet(3, Body::Gossip, updates), &mut out);
        hashes.push(hash(&member));
    }
    member.set_meta(at(0.1), b"new", &mut out).unwrap();
    hashes.push(hash(&member));
    member.broadcast(at(0.1), "deploy", b"", &mut out).unwrap();
    hashes.push(hash(&member));
    member.stall();
    hashes.push(hash(&member));
    for (at, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..at].contains(hash), "call {at}");
    }
}
