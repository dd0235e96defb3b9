//! Tests of one member, fed by hand. Worlds of many are tested in `sim`.

mod admissions;
mod coordinates;
mod direct;
mod fold;
mod force_leave;
mod group;
mod insider;
mod inspection;
mod join;
mod laws;
mod limits;
mod lives;
mod probe;
mod state;
mod state_sync;
mod suspect_first;
mod user_events;
mod variants;

use std::sync::Arc;

use swimlab_selectors::rng::{Purpose, mix, stream};
use swimlab_selectors::{DynSelector, Peer, Spec};

use super::Member;
use crate::protocol::{
    Address, Body, BroadcastError, EventKind, EventSource, Gauge, Id, Identity, Incarnation, MemberConfig, MessageKind,
    NodeInfo, Outbox, Packet, PeerAddress, PeerView, PingReq, Roster, Span, StateSync, Status, Time, Update,
    UpdateKind, UserEvent, profiles,
};
use crate::wire::PlainSizer;

const SECOND: Span = Span::from_secs(1);

fn at(seconds: f64) -> Time {
    Time::ZERO + Span::from_secs_f64(seconds)
}

fn id(n: u64) -> Id {
    mix(n)
}

fn address(n: u64) -> Address {
    Address { ip: [n as u8; 16], port: 7946 }
}

fn node(n: u64) -> Arc<NodeInfo> {
    Arc::new(NodeInfo::new(Peer::new(id(n)), address(n)))
}

fn incarnation(refutations: u32) -> Incarnation {
    Incarnation { generation: 0, refutations }
}

/// Member 0 of a group of `n`, begun at time 0; its first period starts at once.
fn member_with(n: u64, spec: Spec) -> Member {
    member_by(n, spec, "shuffle")
}

fn member_by(n: u64, spec: Spec, selector: &str) -> Member {
    let config = profiles().build(&spec, &()).unwrap();
    let config = MemberConfig::new(config, Arc::new(PlainSizer)).unwrap();
    member_of(0..n, config, &selector.parse().unwrap())
}

/// The first of these members, which knows the others, begun at time 0.
fn member_of(group: std::ops::Range<u64>, config: MemberConfig, strategy: &DynSelector) -> Member {
    let config = Arc::new(config);
    let roster = Arc::new(Roster::of_members(group.map(node)));
    let identity = Identity {
        incarnation: Incarnation::default(),
        since_epoch: Span::ZERO,
        strategy_rng: stream(1, Purpose::Selector, 0),
        rng: stream(1, Purpose::Protocol, 0),
    };
    let mut member = Member::new(config, identity, Arc::clone(&roster), &strategy.build_index(roster.peers()), 0);
    member.start(Time::ZERO, Time::ZERO);
    member
}

fn member(n: u64) -> Member {
    member_with(n, Spec::of("swim"))
}

fn packet(from: u64, body: Body, updates: Vec<Update>) -> Packet {
    let (incarnation, peer_view) = (Incarnation::default(), PeerView::Member(Incarnation::default()));
    Packet { from: id(from), incarnation, peer_view, body, updates: updates.into(), coordinate: None }
}

fn update(about: u64, refutations: u32, kind: UpdateKind) -> Update {
    Update { id: id(about), incarnation: incarnation(refutations), kind }
}

fn alive(about: u64, refutations: u32) -> Update {
    update(about, refutations, UpdateKind::Alive(node(about)))
}

fn suspect(about: u64, refutations: u32) -> Update {
    update(about, refutations, UpdateKind::Suspect { by: id(9) })
}

impl Member {
    fn hear(&mut self, now: Time, from: u64, body: Body, updates: Vec<Update>) -> Outbox {
        self.take(now, from, packet(from, body, updates))
    }

    fn take(&mut self, now: Time, from: u64, packet: Packet) -> Outbox {
        let mut out = Outbox::default();
        self.handle(now, address(from), &packet, &mut out);
        out
    }

    fn learns_of(&mut self, update: Update) -> Outbox {
        self.hear(at(0.0), 1, Body::Gossip, vec![update])
    }

    fn due(&mut self, now: Time) -> Outbox {
        let mut out = Outbox::default();
        while self.deadline() <= now {
            let deadline = self.deadline();
            self.wake(deadline, &mut out);
        }
        out
    }

    fn belief(&self, about: u64) -> Option<(Incarnation, Status)> {
        let slot = self.table.slot(id(about))?;
        Some((self.table.incarnation(slot), self.table.status(slot)?))
    }
}

fn target_of(ping: &Outbox) -> u64 {
    (0..16).find(|&n| address(n) == ping.transmits[0].to).unwrap()
}

fn bodies(out: &Outbox) -> Vec<&Body> {
    out.transmits.iter().map(|transmit| &transmit.message.body).collect()
}

#[test]
fn a_suspect_that_does_not_refute_is_declared_dead_after_the_suspicion() {
    let mut member = member(9);
    member.learns_of(suspect(1, 0));
    // 4 x max(1, log10(10)) periods.
    assert_eq!(member.table.suspicion(member.table.slot(id(1)).unwrap()).unwrap().until, at(4.0));
    let out = member.due(at(4.0));
    let died: Vec<_> =
        out.events.iter().filter(|event| event.kind == EventKind::Died).map(|event| event.about).collect();
    assert_eq!(died, [id(1)]);
}

#[test]
fn a_suspect_that_refutes_lives() {
    let mut member = member(9);
    member.learns_of(suspect(1, 0));
    let out = member.learns_of(alive(1, 1));
    assert_eq!(out.events[0].kind, EventKind::Refuted);
    let out = member.due(at(4.5));
    assert!(!out.events.iter().any(|event| event.about == id(1) && event.kind == EventKind::Died));
}

#[test]
fn a_member_suspected_or_declared_dead_refutes_with_a_higher_incarnation() {
    for kind in [UpdateKind::Suspect { by: id(9) }, UpdateKind::Dead] {
        let mut member = member(3);
        let out = member.learns_of(update(0, 0, kind.clone()));
        assert_eq!(member.incarnation(), incarnation(1));
        assert_eq!(out.events[0].kind, EventKind::SelfRefuted);
        // A claim about an older incarnation has no effect.
        member.learns_of(update(0, 0, kind));
        assert_eq!(member.incarnation(), incarnation(1));
        let ack = member.hear(at(0.1), 1, Body::Ping { seq: 1 }, vec![]);
        assert!(ack.transmits[0].message.updates.contains(&alive(0, 1)));
    }
}

#[test]
fn an_answer_to_a_member_recorded_as_dead_lets_it_refute() {
    let mut member = member(3);
    member.learns_of(update(1, 2, UpdateKind::Dead));
    let ack = member.hear(at(0.1), 1, Body::Ping { seq: 1 }, vec![]);
    assert_eq!(ack.transmits[0].message.peer_view, PeerView::Dead(incarnation(2)));

    let mut forgotten = self::member(3);
    let obituary = Packet { peer_view: PeerView::Dead(incarnation(0)), ..packet(1, Body::Ack { seq: 1 }, vec![]) };
    let out = forgotten.take(at(0.1), 1, obituary);
    assert_eq!(forgotten.incarnation(), incarnation(1));
    // It also asks for the sender's table: those that have joined meanwhile are unknown to it.
    let Body::Sync(sync) = &out.transmits[0].message.body else { panic!("no sync") };
    assert!(sync.wants_reply && out.transmits[0].stream);
    assert_eq!(out.transmits[1].message.updates[0], alive(0, 1));
}

#[test]
fn a_member_unknown_to_a_sender_introduces_itself() {
    let mut member = member(3);
    let unknown = |body| Packet { peer_view: PeerView::Unknown, ..packet(1, body, vec![]) };
    let out = member.take(at(0.1), 1, unknown(Body::Ping { seq: 1 }));
    assert_eq!(out.transmits[0].message.updates[..], [alive(0, 0)]);
    let out = member.take(at(0.1), 1, unknown(Body::Ack { seq: 1 }));
    assert_eq!((bodies(&out), &out.transmits[0].message.updates[..]), (vec![&Body::Gossip], &[alive(0, 0)][..]));
}

#[test]
fn an_unknown_member_is_answered_and_admitted_by_its_own_record() {
    let mut member = member(3);
    let out = member.hear(at(0.1), 7, Body::Ping { seq: 1 }, vec![]);
    assert_eq!(out.transmits[0].message.peer_view, PeerView::Unknown);
    assert_eq!(member.belief(7), None);
    let out = member.hear(at(0.2), 7, Body::Gossip, vec![alive(7, 0)]);
    assert_eq!(out.events[0].kind, EventKind::Joined);
    assert_eq!(member.table.members(), 4);
}

#[test]
fn a_record_under_another_members_id_is_ignored() {
    let mut member = member(3);
    member.learns_of(Update { id: id(7), incarnation: incarnation(0), kind: UpdateKind::Alive(node(8)) });
    member.learns_of(Update { id: id(1), incarnation: incarnation(5), kind: UpdateKind::Alive(node(8)) });
    assert_eq!((member.belief(7), member.belief(1)), (None, Some((incarnation(0), Status::Alive))));
}

#[test]
fn forgotten_members_return_only_with_a_higher_incarnation() {
    let mut member = member_with(3, Spec::of("swim").with("dead_retention", "5s"));
    member.learns_of(update(1, 2, UpdateKind::Dead));
    let out = member.due(at(7.0));
    assert!(out.events.iter().any(|event| event.kind == EventKind::Forgotten && event.about == id(1)));
    assert_eq!((member.belief(1), member.gauge().forgotten), (None, 1));
    member.hear(at(7.0), 2, Body::Gossip, vec![alive(1, 2)]);
    assert_eq!(member.belief(1), None);
    // Its own record with the old incarnation: it is informed, and does not return.
    let out = member.hear(at(7.0), 1, Body::Gossip, vec![alive(1, 2)]);
    assert!(out.transmits.iter().any(|transmit| transmit.message.peer_view == PeerView::Dead(incarnation(2))));
    member.hear(at(7.0), 2, Body::Gossip, vec![alive(1, 3)]);
    assert_eq!(member.belief(1), Some((incarnation(3), Status::Alive)));
    assert_eq!(member.gauge().forgotten, 0);
}

#[test]
fn the_dead_are_tried_again_and_seeds_of_healing_are_bounded() {
    let spec = Spec::of("swim").with("dead_retention", "5s").with("reconnect_limit", 8.0);
    let mut member = member_with(40, spec);
    for n in 1..40 {
        member.learns_of(update(n, 0, UpdateKind::Dead));
    }
    let out = member.due(at(100.0));
    assert_eq!(member.gauge().forgotten, 8);
    let tries =
        out.transmits.iter().filter(|transmit| transmit.message.peer_view == PeerView::Dead(incarnation(0))).count();
    assert!((9..=10).contains(&tries), "one every ten periods: {tries}");
}

#[test]
fn seeds_have_every_other_turn_however_many_members_are_dead() {
    let mut member = member(100);
    member.set_seeds(vec![address(120)]);
    for n in 1..100 {
        member.learns_of(update(n, 0, UpdateKind::Dead));
    }
    let out = member.due(at(400.0));
    let to_seed = out.transmits.iter().filter(|transmit| transmit.to == address(120)).count();
    let to_dead = out.transmits.iter().filter(|transmit| transmit.message.peer_view == PeerView::Dead(incarnation(0)));
    assert!((19..=21).contains(&to_seed) && (19..=21).contains(&to_dead.count()), "{to_seed}");
}

// A13
#[test]
fn a_member_that_has_declared_all_others_dead_takes_no_record_of_them_from_a_table() {
    let mut member = member_with(3, Spec::of("swim").with("dead_retention", "5s"));
    for n in 1..3 {
        member.learns_of(update(n, 3, UpdateKind::Dead));
    }
    member.due(at(20.0));
    assert_eq!((member.table.members(), member.gauge().forgotten), (1, 2));
    let table = |records| Body::Sync(Box::new(StateSync::whole(false, false, records)));
    for refutations in [0, 3, 4] {
        member.hear(at(20.1), 7, table(vec![alive(7, 0), alive(1, refutations)]), vec![]);
        assert_eq!(member.belief(1), None, "a third party's record");
    }
    member.hear(at(20.2), 1, table(vec![alive(1, 3)]), vec![]);
    assert_eq!(member.belief(1), None, "old news");
    member.hear(at(20.3), 1, table(vec![alive(1, 4)]), vec![]);
    assert!(member.belief(1).is_some());
}

#[test]
fn the_departed_are_tried_while_as_many_are_gone_as_are_there() {
    for (departed, expected) in [(20..24, 0), (20..39, 0), (20..40, 30)] {
        // Nobody answers, and nobody is declared dead meanwhile.
        let mut member = member_with(40, Spec::of("swim").with("suspicion_mult", 1000.0));
        for n in departed.clone() {
            member.learns_of(update(n, 0, UpdateKind::Left));
        }
        let out = member.due(at(300.0));
        let tries = out.transmits.iter().filter(|transmit| departed.clone().any(|n| transmit.to == address(n)));
        // One every ten periods, at 20 of 40.
        let tries = tries.count() as i32;
        assert!((tries - expected).abs() <= i32::from(expected > 0), "{tries} tries of {departed:?}");
    }
}

#[test]
fn a_death_that_overtakes_the_alive_record_is_remembered() {
    let mut member = member(3);
    member.learns_of(update(7, 1, UpdateKind::Dead));
    member.learns_of(alive(7, 1));
    assert_eq!(member.belief(7), None);
    member.learns_of(alive(7, 2));
    assert!(member.belief(7).is_some());
}

#[test]
fn an_unknown_member_in_a_third_partys_table_is_pinged_before_it_is_admitted() {
    let mut member = member(3);
    let sync = |records| Body::Sync(Box::new(StateSync::whole(true, false, records)));
    let out = member.hear(at(0.1), 1, sync(vec![alive(1, 0), alive(7, 0)]), vec![]);
    assert_eq!(member.belief(7), None);
    assert!(matches!(out.transmits[0].message.body, Body::Ping { .. }));
    assert_eq!(out.transmits[0].to, address(7));
    let Body::Sync(reply) = &out.transmits[1].message.body else { panic!() };
    assert_eq!((reply.records.len(), out.transmits[1].stream), (3, true));
}

#[test]
fn dead_members_of_another_table_are_suspected_first() {
    let mut member = member(3);
    let sync = StateSync::whole(false, false, vec![update(2, 0, UpdateKind::Dead)]);
    member.hear(at(0.1), 1, Body::Sync(Box::new(sync)), vec![]);
    assert_eq!(member.belief(2), Some((incarnation(0), Status::Suspect)));
}

#[test]
fn an_application_event_is_reported_once_and_its_size_is_limited() {
    let event = |seq| {
        let event = UserEvent { seq, name: "deploy".into(), payload: [1, 2].into() };
        update(1, 0, UpdateKind::User(Arc::new(event)))
    };
    let mut member = member(3);
    assert_eq!(member.learns_of(event(1)).events.len(), 1);
    assert_eq!(member.learns_of(event(1)).events.len(), 0);
    assert_eq!(member.learns_of(event(2)).events.len(), 1);
    let mut out = Outbox::default();
    let error = member.broadcast(at(0.0), "big", &[0; 513], &mut out).unwrap_err();
    assert_eq!(error.to_string(), "513 bytes are more than the 512 allowed");
    member.broadcast(at(0.0), "fits", &[0; 512], &mut out).unwrap();
    let ping = member.due(at(0.0));
    let has_event = |update: &Update| matches!(&update.kind, UpdateKind::User(event) if &*event.name == "fits");
    assert!(ping.transmits[0].message.updates.iter().any(has_event));
}

#[test]
fn new_metadata_reaches_the_others_as_an_update() {
    let mut member = member(3);
    member.set_meta(at(0.0), b"load=3", &mut Outbox::default()).unwrap();
    let ping = member.due(at(0.0)).transmits.remove(0);
    let mut other = self::member(3);
    other.id = id(1); // Another member with the same table.
    let out = other.take(at(0.0), 0, ping.message);
    assert_eq!(out.events[0].kind, EventKind::Updated);
    assert_eq!(&*other.table.node(0).meta, b"load=3");
    assert!(member.set_meta(at(0.0), &[0; 513], &mut Outbox::default()).is_err());
}

#[test]
fn a_leaving_member_announces_it_and_falls_silent() {
    let mut member = member(30);
    let mut out = Outbox::default();
    member.leave(&mut out);
    assert_eq!(out.transmits.len(), 8); // 4 x ceil(log10(31))
    for (n, transmissions, expected) in [(5, 1.0, 4), (30, 1.0, 8), (30, 6.0, 12)] {
        let mut out = Outbox::default();
        member_with(n, Spec::of("swim").with("retransmit_mult", transmissions)).leave(&mut out);
        assert_eq!(out.transmits.len(), expected, "{n} members, {transmissions}");
    }
    assert!(out.transmits.iter().all(|transmit| transmit.message.updates[0].kind == UpdateKind::Left));
    assert_eq!(member.deadline(), Time::NEVER);
    assert!(member.hear(at(1.0), 1, Body::Ping { seq: 1 }, vec![]).transmits.is_empty());
}

#[test]
fn without_suspicion_silent_members_are_dead_at_once_and_all_members_informed() {
    let spec = Spec::of("swim").with("suspicion", "none").with("dissemination", "multicast");
    let mut member = member_with(5, spec);
    member.due(at(0.0));
    let out = member.due(at(1.0));
    assert_eq!(out.events[0].kind, EventKind::Died);
    let obituaries = out.transmits.iter().filter(|t| matches!(t.message.body, Body::Gossip)).count();
    assert_eq!(obituaries, 3);
}

#[test]
fn where_death_is_final_no_incarnation_revives_a_member() {
    let mut member = member_with(5, Spec::of("swim").with("dead_final", true));
    member.learns_of(update(1, 0, UpdateKind::Dead));
    member.learns_of(alive(1, 9));
    assert_eq!(member.belief(1).unwrap().1, Status::Dead);
}

#[test]
fn confirmations_shorten_a_suspicion_and_are_passed_on() {
    let spec = Spec::of("swim").with("suspicion", "confirmed");
    let mut member = member_with(9, spec);
    let until = |member: &Member| member.table.suspicion(1).unwrap().until;
    let slot_of_1 = member.table.slot(id(1));
    assert_eq!(slot_of_1, Some(1));
    let mut ends = Vec::new();
    for by in [2, 3, 3, 4, 5, 6] {
        member.learns_of(update(1, 0, UpdateKind::Suspect { by: id(by) }));
        ends.push(until(&member));
    }
    assert_eq!(ends[0], at(24.0));
    assert!(ends[1] < ends[0] && ends[2] == ends[1] && ends[3] < ends[2]);
    assert_eq!((ends[4], ends[5]), (at(4.0), at(4.0)));
}

#[test]
fn with_the_buddy_system_a_ping_informs_a_suspect_of_the_suspicion() {
    for (dissemination, tells) in [("buddy", true), ("piggyback", false)] {
        let spec = Spec::of("swim").with("dissemination", dissemination).with("retransmit_mult", 1.0);
        let mut member = member_with(2, spec);
        member.learns_of(suspect(1, 0));
        member.queue.prune(|_, _| false);
        let ping = member.due(at(0.0));
        assert_eq!(ping.transmits[0].message.updates.contains(&suspect(1, 0)), tells, "{dissemination}");
    }
}

#[test]
fn between_the_probes_a_gossip_tick_spreads_updates_while_there_are_any() {
    let mut member = member_with(9, Spec::of("swim").with("dissemination", "gossip"));
    member.learns_of(update(1, 0, UpdateKind::Dead));
    let out = member.due(at(0.95));
    let gossip = out.transmits.iter().filter(|transmit| matches!(transmit.message.body, Body::Gossip)).count();
    // Ping and four requests use up some of the 4 transmissions; the ticks at 0.2 s and on take the rest.
    assert_eq!(gossip, 3);
    assert_eq!(member.gauge().broadcasts, 0);
}

#[test]
fn groups_of_one_to_five_run_without_incident() {
    for n in 1..=5 {
        for prober in ["batched", "classic"] {
            let mut member = member_with(n, Spec::of("swim").with("prober", prober).with("direct", 3.0));
            let out = member.due(at(100.0));
            let died = out.events.iter().filter(|event| event.kind == EventKind::Died).count() as u64;
            assert_eq!(died, n - 1, "no member answers, so all are declared dead");
        }
    }
}

#[test]
fn no_datagram_outgrows_the_limit_however_many_updates_there_are() {
    let spec = Spec::of("swim").with("packet_bytes", 300.0);
    let mut member = member_with(200, spec);
    for n in 1..200 {
        member.learns_of(suspect(n, 0));
    }
    let out = member.due(at(3.0));
    let largest = out.transmits.iter().map(|transmit| transmit.bytes).max().unwrap();
    assert!((250..=300).contains(&largest), "{largest}");
    let spec = Spec::of("swim").with("max_updates", 6.0);
    let mut member = member_with(200, spec);
    for n in 1..200 {
        member.learns_of(suspect(n, 0));
    }
    let out = member.due(at(3.0));
    assert_eq!(out.transmits.iter().map(|transmit| transmit.message.updates.len()).max(), Some(6));
}

#[test]
fn metadata_that_would_outgrow_a_datagram_are_refused() {
    let mut member = member_with(3, Spec::of("swim").with("packet_bytes", 256.0));
    let room = member.meta_room().unwrap();
    assert!(room < NodeInfo::META_LIMIT);
    let mut out = Outbox::default();
    assert_eq!(member.set_meta(at(0.0), &vec![0; room + 1], &mut out).unwrap_err().limit, room);
    member.set_meta(at(0.0), &vec![0; room], &mut out).unwrap();
    // A sender that knows nothing of this member gets its whole record.
    let ping = Packet { peer_view: PeerView::Unknown, ..packet(1, Body::Ping { seq: u32::MAX }, vec![]) };
    let ack = &member.take(at(0.0), 1, ping).transmits[0];
    assert!(ack.bytes <= 256 && ack.message.updates.len() == 1, "{ack:?}");
    assert_eq!(member_with(3, Spec::of("swim")).meta_room(), Some(NodeInfo::META_LIMIT));
}

#[test]
fn another_members_record_that_would_outgrow_a_datagram_is_left_out() {
    let mut member = member_with(3, Spec::of("swim").with("packet_bytes", 256.0));
    let large = NodeInfo { meta: vec![0; NodeInfo::META_LIMIT].into(), ..NodeInfo::clone(&node(1)) };
    let later = Incarnation::of_generation(1);
    member.learns_of(Update { id: id(1), incarnation: later, kind: UpdateKind::Alive(Arc::new(large)) });
    // Another process of member 1, which that one has displaced.
    let mut out = Outbox::default();
    member.handle(at(0.0), address(7), &packet(1, Body::Ping { seq: 1 }, vec![]), &mut out);
    assert!(out.transmits[0].bytes <= 256 && out.transmits[0].message.updates.is_empty(), "{out:?}");
}

#[test]
fn a_request_for_many_targets_is_split_into_datagrams() {
    let spec = Spec::of("swim").with("packet_bytes", 256.0).with("prober", "batched").with("direct", 16.0);
    let mut member = member_with(40, spec.with("indirect", 1.0));
    let mut out = member.due(at(0.0));
    out.transmits.clear();
    let out = member.due(at(0.9));
    let requests = out.transmits.iter().filter_map(|transmit| match &transmit.message.body {
        Body::PingReq(request) => Some((transmit.bytes, request.targets.len())),
        _ => None,
    });
    let requests: Vec<_> = requests.collect();
    assert!(requests.len() > 1 && requests.iter().all(|(bytes, _)| *bytes <= 256), "{requests:?}");
    assert_eq!(requests.iter().map(|(_, targets)| targets).sum::<usize>(), 16);
}

#[test]
fn an_incarnation_never_goes_back_not_even_from_the_highest() {
    let mut member = member(3);
    for claimed in [Incarnation { generation: u32::MAX, refutations: 5 }, Incarnation::HIGHEST, Incarnation::HIGHEST] {
        member.learns_of(Update { id: id(0), incarnation: claimed, kind: UpdateKind::Dead });
        assert!(member.incarnation() >= claimed, "{}", member.incarnation());
    }
}

#[test]
fn a_stopped_member_does_nothing_on_any_command() {
    let mut member = member(3);
    let mut out = Outbox::default();
    member.leave(&mut out);
    let mut out = Outbox::default();
    member.stall();
    member.end_stall(at(1.0));
    member.set_meta(at(1.0), b"x", &mut out).unwrap();
    assert_eq!(member.broadcast(at(1.0), "e", b"", &mut out), Err(BroadcastError::Stopped));
    member.set_seeds(vec![address(1)]);
    member.await_seeds();
    member.join(at(1.0), vec![address(1)], &mut out);
    member.ask_to_join(address(1), &mut out);
    member.ping_address(address(1), &mut out);
    member.remember(id(9), address(9));
    assert!(out.transmits.is_empty() && out.events.is_empty() && member.deadline() == Time::NEVER);
    assert_eq!((member.gauge(), member.incarnation()), (Gauge::default(), Incarnation::default()));
}
