//! An insider, who has the key and speaks in any name: what it leaves behind, and when that is gone.

use super::group::Group;
use super::*;
use crate::protocol::preset;

const HONEST: u64 = 5;

/// Honest members, with these members as seeds.
fn honest_group(seeds: &[u64]) -> Group {
    let config = profiles().build(&preset("lan").unwrap().under(Spec::of("swim")), &()).unwrap();
    let mut group = Group::new(HONEST, config);
    for member in &mut group.members {
        member.set_seeds(seeds.iter().map(|&seed| address(seed)).collect());
    }
    group
}

impl Group {
    /// Lets a member take a packet that the insider has sent, from an address of its own.
    fn lie(&mut self, now: Time, to: u64, packet: Packet) {
        let mut out = Outbox::default();
        self.members[to as usize].handle(now, address(200), &packet, &mut out);
        self.deliver(now, to, out);
    }

    fn incarnation(&self, n: u64) -> Incarnation {
        self.members[n as usize].incarnation()
    }

    /// Differences between the members' tables and the honest group.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (n, member) in (0..).zip(&self.members) {
            if member.is_stopped() {
                faults.push(format!("{n} has stopped"));
            }
            let ghosts = member.table.entries().filter(|(.., node)| (0..HONEST).all(|k| id(k) != node.peer.id)).count();
            if ghosts > 0 {
                faults.push(format!("{n} has {ghosts} records of others"));
            }
            for of in 0..HONEST {
                let expected = Some((self.incarnation(of), Status::Alive));
                let (belief, slot) = (member.belief(of), member.table.slot(id(of)));
                if belief != expected {
                    faults.push(format!("{n} believes {belief:?} of {of}, not {expected:?}"));
                }
                if slot.is_some_and(|slot| **member.table.node(slot) != **self.members[of as usize].node()) {
                    faults.push(format!("{n} has false data of {of}"));
                }
            }
        }
        faults
    }

    /// Broadcasts an event by each member, and checks that each other one reports it, once.
    fn assert_events_pass(&mut self, now: Time) {
        self.reports.clear();
        for n in 0..HONEST {
            let mut out = Outbox::default();
            self.members[n as usize].broadcast(now, "e", &[], &mut out).unwrap();
            self.deliver(now, n, out);
        }
        self.run_to(now + Span::from_secs(120));
        for (observer, sender) in (0..HONEST).flat_map(|observer| (0..HONEST).map(move |sender| (observer, sender))) {
            let by = self.reports.iter().filter(|((by, of, _), _)| (*by, *of) == (observer, id(sender)));
            assert_eq!(by.map(|(_, times)| times).sum::<u32>(), 1, "{observer} of {sender}");
        }
    }
}

/// A packet in the name of a member, at an incarnation and with an opinion of the receiver.
fn forged(from: Id, incarnation: Incarnation, peer_view: PeerView, body: Body, updates: Vec<Update>) -> Packet {
    Packet { from, incarnation, peer_view, body, updates: updates.into(), coordinate: None }
}

fn gossip(from: u64, updates: Vec<Update>) -> Packet {
    forged(id(from), Incarnation::default(), PeerView::Member(Incarnation::default()), Body::Gossip, updates)
}

/// A record of a member that does not exist.
fn ghost(n: u64) -> Update {
    let address = Address { ip: (u128::from(n) << 8).to_be_bytes(), port: 7 };
    Update {
        id: id(n),
        incarnation: incarnation(0),
        kind: UpdateKind::Alive(Arc::new(NodeInfo::new(Peer::new(id(n)), address))),
    }
}

/// A record of an honest member with false metadata, and perhaps a false address.
fn false_record(of: u64, incarnation: Incarnation, address: Address) -> Update {
    let false_node = NodeInfo { meta: b"role=root".as_slice().into(), address, ..(*node(of)).clone() };
    Update { id: id(of), incarnation, kind: UpdateKind::Alive(Arc::new(false_node)) }
}

fn user_event(of: Id, generation: u32, seq: u32) -> Update {
    let event = UserEvent { seq, name: "lie".into(), payload: Box::default() };
    Update { id: of, incarnation: Incarnation::of_generation(generation), kind: UpdateKind::User(Arc::new(event)) }
}

/// All kinds of lies, told to all members for ten seconds, at a rate of some thousand packets a second.
fn flood(group: &mut Group) {
    const TICKS: u64 = 200;
    for tick in 0..TICKS {
        let now = at(tick as f64 / 20.0);
        group.run_to(now);
        for to in 0..HONEST {
            let from = (to + 1 + tick % (HONEST - 1)) % HONEST;
            let fresh = 1000 + (tick * HONEST + to) * 200;
            // Members that do not exist: of third parties, by themselves, in a table, dead.
            group.lie(now, to, gossip(from, (0..40).map(|k| ghost(fresh + k)).collect()));
            for k in 40..80 {
                let own = ghost(fresh + k);
                let packet = forged(own.id, own.incarnation, PeerView::Unknown, Body::Ping { seq: 1 }, vec![own]);
                group.lie(now, to, packet);
            }
            let records = (80..120).map(|k| ghost(fresh + k)).collect();
            let table = StateSync::whole(false, false, records);
            group.lie(now, to, Packet { body: Body::Sync(Box::new(table)), ..gossip(from, vec![]) });
            let dead = |k| Update { kind: UpdateKind::Dead, ..ghost(fresh + k) };
            group.lie(now, to, gossip(from, (120..160).map(dead).collect()));
            // Honest ones: dead, suspected, departed, changed, of a later life, at another address.
            for of in 0..HONEST {
                let truth = group.incarnation(of);
                let claimed = [truth, truth.next(), truth.next_life()][(tick % 3) as usize];
                let claim = |kind| Update { id: id(of), incarnation: claimed, kind };
                let lies = vec![
                    claim(UpdateKind::Suspect { by: id(from) }),
                    claim(UpdateKind::Dead),
                    claim(UpdateKind::Left),
                    false_record(of, claimed.next(), address(of)),
                    false_record(of, claimed.next_life(), address(201)),
                ];
                let at_once = lies[(tick % 5) as usize].clone();
                group.lie(now, to, gossip(from, vec![at_once]));
                let view = PeerView::Dead(group.incarnation(to));
                group.lie(now, to, forged(id(of), claimed, view, Body::Gossip, lies));
            }
            // Application events: in the names of honest members, up to the last number, and of many senders.
            let generation = group.incarnation(from).generation + (tick % 2) as u32;
            let far = |k: u32| user_event(id(from), generation, (u32::MAX / 2000) * (tick as u32 * 10 + k));
            group.lie(
                now,
                to,
                gossip(from, (0..10).map(far).chain([user_event(id(from), generation, u32::MAX)]).collect()),
            );
            group.lie(now, to, gossip(from, (160..190).map(|k| user_event(id(fresh + k), 0, 1)).collect()));
        }
    }
}

/// Tells all members that all others are gone, in the ways that these say of each.
fn dissolve(group: &mut Group, now: Time, kinds: [UpdateKind; 2]) {
    for to in 0..HONEST {
        let others = (0..HONEST).filter(|&of| of != to);
        let kind = |of: u64| kinds[(of + to) as usize % 2].clone();
        let gone = |of| Update { id: id(of), incarnation: group.incarnation(of), kind: kind(of) };
        let lies = others.map(gone).collect();
        group.lie(now, to, gossip((to + 1) % HONEST, lies));
    }
}

#[test]
fn a_group_in_which_all_were_told_that_all_others_are_gone_is_whole_within_minutes() {
    let (left, dead) = (UpdateKind::Left, UpdateKind::Dead);
    for seeds in [&[][..], &[0, 1]] {
        for kinds in [[&left, &left], [&dead, &dead], [&left, &dead]] {
            let mut group = honest_group(seeds);
            group.run_to(at(5.0));
            dissolve(&mut group, at(5.0), kinds.map(Clone::clone));
            assert!(group.members.iter().all(|member| member.table.members() == 1), "they believe it");
            group.run_to(at(185.0));
            assert_eq!(group.faults(), [""; 0], "{kinds:?}, seeds {seeds:?}");
        }
    }
}

#[test]
fn a_member_that_others_hold_alive_learns_at_which_incarnation_this_one_was_told_that_it_is_dead() {
    let mut member = member(3);
    member.learns_of(update(7, 4, UpdateKind::Dead));
    let sync = StateSync::whole(false, false, vec![alive(7, 2)]);
    let out = member.hear(at(0.1), 1, Body::Sync(Box::new(sync)), vec![]);
    let ping = &out.transmits[0];
    assert_eq!((ping.to, &ping.message.peer_view), (address(7), &PeerView::Dead(incarnation(4))));
    assert!(matches!(ping.message.body, Body::Ping { .. }));
    assert_eq!(member.belief(7), None);
}

#[test]
fn a_member_takes_a_generation_above_events_in_its_name_that_it_has_not_sent() {
    let mut member = member(3);
    let mut hear = |generation, seq| {
        member.hear(at(1.0), 1, Body::Gossip, vec![user_event(id(0), generation, seq)]);
        member.broadcast(at(1.0), "e", &[], &mut Outbox::default()).unwrap();
        member.incarnation()
    };
    let own = Incarnation::default();
    assert_eq!(hear(0, 0), own, "what it has sent itself");
    assert_eq!(hear(0, 1), own);
    assert_eq!(hear(0, 7), Incarnation::of_generation(1));
    assert_eq!(hear(0, u32::MAX), Incarnation::of_generation(1), "of an earlier life");
    assert_eq!(hear(5, 1), Incarnation::of_generation(6));
    assert_eq!(hear(5, u32::MAX), Incarnation::of_generation(6));
}

/// The law of docs/security.md: within two hours of its last packet nothing is left of an insider that has told
/// everything it can.
#[test]
fn nothing_that_an_insider_said_outlives_it_by_two_hours() {
    let mut group = honest_group(&[0, 1]);
    flood(&mut group);
    dissolve(&mut group, at(10.0), [UpdateKind::Left, UpdateKind::Dead]);
    let most: Vec<u32> = group.members.iter().map(|member| member.table.members()).collect();
    assert!(most.iter().all(|&members| (4096..=5 + 2 * (2048 + 64 * 10)).contains(&members)), "{most:?}");
    group.run_to(at(7200.0));
    assert_eq!(group.faults(), [""; 0]);
    assert!(group.members.iter().all(|member| member.gauge().tombstones == 0));
    group.assert_events_pass(at(7200.0));
}
