//! Replayed packets: a seal accepts none twice, and old updates change no record even if they are accepted again.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{DynSelector, Peer};

use super::samples;
use super::sealing::{at, seal, sealed};
use crate::protocol::{
    Address, Body, Config, Id, Identity, Incarnation, Member, MemberConfig, NodeInfo, Outbox, Packet, PeerAddress,
    PeerView, PingReq, Roster, Span, StateSync, Status, Time, Update, UpdateKind, UserEvent,
};
use crate::wire::replay::{PacketId, ReplayWindow};
use crate::wire::{OpenError, Seal, SealedSizer};

const ME: Id = 1;
const SENDER: Id = 2;
const OTHERS: [Id; 3] = [ME, SENDER, 3];

fn address(id: Id) -> Address {
    Address { ip: [id as u8; 16], port: 7946 }
}

fn node(id: Id) -> Arc<NodeInfo> {
    Arc::new(NodeInfo::new(Peer::new(id), address(id)))
}

/// One of four members, with the seal of its agent.
struct Agent {
    seal: Seal,
    member: Member,
}

impl Agent {
    fn new() -> Self {
        let config = Arc::new(MemberConfig::new(Config::swim(), Arc::new(SealedSizer)).unwrap());
        let roster = Arc::new(Roster::of_members((ME..=4).map(node)));
        let strategy: DynSelector = "shuffle".parse().unwrap();
        let identity = Identity {
            incarnation: Incarnation::default(),
            since_epoch: Span::ZERO,
            strategy_rng: stream(1, Purpose::Selector, 0),
            rng: stream(1, Purpose::Protocol, 0),
        };
        let mut member = Member::new(config, identity, Arc::clone(&roster), &strategy.build_index(roster.peers()), 0);
        member.start(Time::ZERO, Time::ZERO);
        Self { seal: seal(ME), member }
    }

    /// Handles a datagram as an agent does: the member gets only packets that open.
    fn receive(&mut self, bytes: &[u8]) -> Result<Outbox, OpenError> {
        let packet = self.seal.decode(at(0.5), &mut bytes.to_vec())?;
        let mut out = Outbox::default();
        self.member.handle(Time::ZERO + Span::from_millis(500), address(SENDER), &packet, &mut out);
        Ok(out)
    }

    /// Its own incarnation, and its records of the others.
    fn records(&self) -> (Incarnation, Vec<(Id, Status, Incarnation, usize)>) {
        let table = self.member.table();
        let record = |(slot, status, incarnation, node): (_, _, _, &Arc<NodeInfo>)| {
            (node.peer.id, status, incarnation, table.suspicion(slot).map_or(0, |suspicion| suspicion.by.len()))
        };
        (self.member.incarnation(), table.entries().map(record).collect())
    }
}

fn packet(body: Body, updates: Vec<Update>) -> Packet {
    let (incarnation, peer_view) = (Incarnation::default(), PeerView::Member(Incarnation::default()));
    Packet { from: SENDER, incarnation, peer_view, body, updates: updates.into(), coordinate: None }
}

fn incarnation(refutations: u32) -> Incarnation {
    Incarnation { generation: 0, refutations }
}

fn all_messages() -> Vec<Packet> {
    let targets = vec![PeerAddress { id: 3, address: address(3) }];
    let event = UserEvent { seq: 1, name: "deploy".into(), payload: [].into() };
    let updates = vec![
        Update { id: 3, incarnation: incarnation(0), kind: UpdateKind::Suspect { by: SENDER } },
        Update { id: ME, incarnation: incarnation(0), kind: UpdateKind::Suspect { by: SENDER } },
        Update { id: 4, incarnation: incarnation(2), kind: UpdateKind::Left },
        Update { id: SENDER, incarnation: incarnation(0), kind: UpdateKind::User(Arc::new(event)) },
    ];
    vec![
        packet(Body::Ping { seq: 1 }, updates.clone()),
        packet(Body::Ack { seq: 1 }, vec![]),
        packet(Body::PingReq(Box::new(PingReq { seq: 1, nack_after_us: 1000, targets })), vec![]),
        packet(Body::IndirectAck { seq: 1, target: 3 }, vec![]),
        packet(Body::Nack { seq: 1, target: 3 }, vec![]),
        packet(Body::Gossip, updates.clone()),
        packet(Body::Sync(Box::new(StateSync::whole(true, false, updates))), vec![]),
    ]
}

#[test]
fn a_replayed_packet_changes_nothing_and_is_not_answered() {
    let (mut sender, mut agent) = (seal(SENDER), Agent::new());
    let recorded: Vec<_> = all_messages().iter().map(|packet| sealed(&mut sender, at(0.5), packet)).collect();
    for bytes in &recorded {
        agent.receive(bytes).expect("new");
    }
    let (records, gauge) = (agent.records(), agent.member.gauge());
    assert_eq!(records.0, incarnation(1), "it refuted once");
    for bytes in recorded.iter().chain(recorded.iter().rev()) {
        assert_eq!(agent.receive(bytes).unwrap_err(), OpenError::Replayed);
    }
    assert_eq!((agent.records(), agent.member.gauge()), (records, gauge));
}

#[test]
fn a_packet_is_accepted_only_once_and_only_within_the_tolerance() {
    let (mut alice, mut bob) = (seal(1), seal(2));
    let bytes = sealed(&mut alice, at(100.0), &samples::ping());
    let mut open = |seconds| bob.open(at(seconds), &mut bytes.clone()).map(|_| ());
    let late = |refused| matches!(refused, Err(OpenError::Stale(by)) if by.as_secs() >= 30);
    assert!(matches!(open(69.9), Err(OpenError::Early(by)) if by.as_secs() == 30));
    assert!(late(open(130.1)));
    assert_eq!(open(129.9), Ok(()));
    // Remembered for as long as its stamp is within the tolerance.
    assert_eq!(open(129.9), Err(OpenError::Replayed));
    assert_eq!(open(70.1), Err(OpenError::Replayed));
    assert!(late(open(130.1)));
}

#[test]
fn packets_may_overtake_each_other() {
    let (mut alice, mut bob) = (seal(1), seal(2));
    let packets: Vec<_> = (0..100).map(|_| sealed(&mut alice, at(0.0), &samples::ping())).collect();
    assert!(packets.iter().rev().all(|bytes| bob.open(at(1.0), &mut bytes.clone()).is_ok()));
    assert_eq!(bob.remembered(), 100);
    // A new packet makes it forget those whose stamps are too old.
    let later = sealed(&mut alice, at(60.0), &samples::ping());
    assert!(bob.open(at(60.0), &mut later.clone()).is_ok());
    assert_eq!(bob.remembered(), 1);
}

#[test]
fn members_whose_clocks_are_set_back_still_understand_each_other() {
    let (mut alice, mut bob) = (seal(1), seal(2));
    let mut wrong = sealed(&mut alice, at(3600.0), &samples::ping());
    assert!(bob.open(at(3600.0), &mut wrong.clone()).is_ok());
    // Both clocks are set right.
    let mut right = sealed(&mut alice, at(0.0), &samples::ping());
    assert!(bob.open(at(0.0), &mut right.clone()).is_ok());
    assert_eq!(bob.open(at(0.0), &mut right), Err(OpenError::Replayed));
    // The first time comes a second time: its packet is still refused.
    assert_eq!(bob.open(at(3600.0), &mut wrong), Err(OpenError::Replayed));
}

#[test]
fn a_clock_that_jumps_ahead_and_back_lets_no_packet_be_accepted_twice() {
    let (mut alice, mut bob) = (seal(1), seal(2));
    let mut bytes = sealed(&mut alice, at(0.0), &samples::ping());
    assert!(bob.open(at(0.0), &mut bytes.clone()).is_ok());
    let mut other = sealed(&mut seal(3), at(3600.0), &samples::ping());
    assert!(bob.open(at(3600.0), &mut other).is_ok());
    assert_eq!(bob.remembered(), 1, "the first is forgotten");
    assert!(matches!(bob.open(at(1.0), &mut bytes), Err(OpenError::Stale(_))));
    let mut new = sealed(&mut alice, at(1.0), &samples::ping());
    assert!(bob.open(at(1.0), &mut new).is_ok());
}

// A3
#[test]
fn a_group_whose_clocks_were_ahead_hears_each_other_as_soon_as_they_are_set_right() {
    // A seal takes the next salt when its clock is set back.
    let mut group: Vec<Seal> = [100, 200, 300].into_iter().map(seal).collect();
    let exchange = |group: &mut [Seal], seconds: f64| {
        for from in 0..group.len() {
            let bytes = sealed(&mut group[from], at(seconds), &samples::ping());
            for to in (0..group.len()).filter(|&to| to != from) {
                assert_eq!(group[to].open(at(seconds), &mut bytes.clone()).map(|_| ()), Ok(()), "at {seconds} s");
            }
        }
    };
    // An hour ahead, for longer than packets stay fresh, so that some are forgotten.
    (0..90).for_each(|half| exchange(&mut group, 3600.0 + f64::from(half) / 2.0));
    // Set right: also for a member that has begun only now.
    group.push(seal(400));
    (0..90).for_each(|half| exchange(&mut group, 45.0 + f64::from(half) / 2.0));
    // The same time comes round.
    exchange(&mut group, 3700.0);
}

#[test]
fn sealers_beyond_the_limit_share_a_floor_that_packets_of_the_present_are_above() {
    let mut window = ReplayWindow::default();
    let tolerance = 1000;
    // Each sends one packet, which the next but a thousand makes stale.
    let sealers = 2 * ReplayWindow::SEALER_LIMIT as u64;
    let packets: Vec<_> = (1..=sealers).map(|stamp| PacketId { stamp, salt: stamp }).collect();
    for &packet in &packets {
        assert_eq!(window.check(packet, packet.stamp, tolerance), Ok(()));
        window.insert(packet, packet.stamp, tolerance);
    }
    // The clock is set back: none is accepted again.
    for &packet in &packets {
        assert!(window.check(packet, packet.stamp, tolerance).is_err(), "{packet:?}");
    }
    assert_eq!(window.check(PacketId { stamp: sealers + 1, salt: 1 }, sealers, tolerance), Ok(()));
}

#[test]
fn remembered_packets_are_bounded_and_forgotten_ones_are_refused() {
    let mut window = ReplayWindow::default();
    let (now, tolerance) = (1_000_000, 1_000_000);
    let ids: Vec<_> = (1..=ReplayWindow::LIMIT as u64 + 1000).map(|stamp| PacketId { stamp, salt: 7 }).collect();
    for &id in &ids {
        assert_eq!(window.check(id, now, tolerance), Ok(()));
        window.insert(id, now, tolerance);
    }
    assert_eq!(window.len(), ReplayWindow::LIMIT);
    for &id in &ids {
        let refused = window.check(id, now, tolerance).expect_err("accepted before");
        assert_eq!(id.stamp <= 1000, matches!(refused, OpenError::Stale(_)), "{refused:?}");
    }
}

/// Attacks, "insider stamps 29 s ahead": in its own name, in those of many sealers, or in that of the member to be silenced.
#[test]
fn packets_stamped_ahead_silence_nobody_for_more_than_a_second() {
    const TOLERANCE: u64 = 30_000_000;
    let (now, honest) = (1_000_000_000, 7);
    let flood = ReplayWindow::LIMIT as u64 + 2 * ReplayWindow::SEALER_LIMIT as u64;
    let salts: [fn(u64) -> u64; 3] = [|_| 1, |n| 1000 + n, |_| 7];
    for salt in salts {
        for ahead in [29_000_000, 5_000_000, 900_000] {
            let mut window = ReplayWindow::default();
            // Heard for a while before.
            for n in 0..40 {
                window.insert(PacketId { stamp: now - 40_000_000 + n * 1_000_000, salt: honest }, now, TOLERANCE);
            }
            for n in 0..flood {
                let packet = PacketId { stamp: now + ahead + n, salt: salt(n) };
                if window.check(packet, now, TOLERANCE).is_ok() {
                    window.insert(packet, now, TOLERANCE);
                }
            }
            let later = now + 1_100_000;
            // Of the sealer that was heard before, and of one that has begun only now.
            for salt in [honest, 8] {
                let packet = PacketId { stamp: later, salt };
                assert_eq!(window.check(packet, later, TOLERANCE), Ok(()), "{ahead} us ahead");
                window.insert(packet, later, TOLERANCE);
                assert!(window.check(packet, later, TOLERANCE).is_err(), "a replay");
            }
            assert!(window.len() <= ReplayWindow::LIMIT);
        }
    }
}

/// The updates of a group: each about a member is newer than the one before.
fn history() -> impl Strategy<Value = Vec<Update>> {
    vec((0..OTHERS.len(), 0u8..5, any::<bool>()), 1..40).prop_map(|steps| {
        let mut truth = [(0u32, Status::Alive); OTHERS.len()];
        let mut history = Vec::new();
        for (member, kind, is_recorded) in steps {
            let (refutations, status) = &mut truth[member];
            let next = match kind {
                0 | 1 => Status::Suspect,
                2 => Status::Dead,
                _ => Status::Alive,
            };
            if next <= *status {
                *refutations += 1;
            }
            *status = next;
            let kind = match next {
                Status::Suspect => UpdateKind::Suspect { by: 4 },
                Status::Dead => UpdateKind::Dead,
                _ => UpdateKind::Alive(node(OTHERS[member])),
            };
            if is_recorded {
                history.push(Update { id: OTHERS[member], incarnation: incarnation(*refutations), kind });
            }
        }
        history
    })
}

proptest! {
    /// Replays to a member that was restarted and remembers no packets.
    #[test]
    fn old_updates_change_no_record_even_if_their_packets_are_not_remembered(
        history in history(),
        again in vec(any::<prop::sample::Index>(), 1..80),
    ) {
        let (mut sender, mut agent) = (seal(SENDER), Agent::new());
        let gossip = |update: &Update| packet(Body::Gossip, vec![update.clone()]);
        let recorded: Vec<_> = history.iter().map(|update| sealed(&mut sender, at(0.5), &gossip(update))).collect();
        recorded.iter().for_each(|bytes| { agent.receive(bytes).unwrap(); });
        let records = agent.records();
        agent.seal = seal(ME);
        for index in again.iter().filter(|_| !recorded.is_empty()) {
            if let Ok(out) = agent.receive(&recorded[index.index(recorded.len())]) {
                prop_assert!(out.events.is_empty(), "{:?}", out.events);
            }
            prop_assert_eq!(agent.records(), records.clone());
        }
    }
}
