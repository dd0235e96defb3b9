//! Replayed packets: a seal accepts none twice, and old updates would change nothing if it did.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{DynSelector, Peer};

use super::samples;
use super::sealing::{at, seal, sealed};
use crate::protocol::{
    Address, Body, Config, Id, Identity, Incarnation, Member, MemberConfig, NodeInfo, Outbox, Packet, PeerView,
    PingReq, Roster, Span, StateSync, Status, Target, Time, Update, UpdateKind, UserEvent,
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

/// A member of four, with the seal of its agent.
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
            node: node(ME),
            incarnation: Incarnation::default(),
            since_epoch: Span::ZERO,
            strategy_rng: stream(1, Purpose::Selector, 0),
            rng: stream(1, Purpose::Protocol, 0),
        };
        let mut member = Member::new(config, identity, Arc::clone(&roster), &strategy.build_index(roster.peers()), 0);
        member.start(Time::ZERO, Time::ZERO);
        Self { seal: seal(ME), member }
    }

    /// Takes a datagram as an agent does: what does not open never reaches the member.
    fn hear(&mut self, bytes: &[u8]) -> Result<Outbox, OpenError> {
        let packet = self.seal.decode(at(0.5), &mut bytes.to_vec())?;
        let mut out = Outbox::default();
        self.member.handle(Time::ZERO + Span::from_millis(500), address(SENDER), &packet, &mut out);
        Ok(out)
    }

    /// All that it believes.
    fn beliefs(&self) -> (Incarnation, Vec<(Id, Status, Incarnation, usize)>) {
        let table = self.member.table();
        let belief = |(slot, status, incarnation, node): (_, _, _, &Arc<NodeInfo>)| {
            (node.peer.id, status, incarnation, table.suspicion(slot).map_or(0, |suspicion| suspicion.by.len()))
        };
        (self.member.incarnation(), table.entries().map(belief).collect())
    }
}

fn packet(body: Body, updates: Vec<Update>) -> Packet {
    let (incarnation, peer_view) = (Incarnation::default(), PeerView::Member(Incarnation::default()));
    Packet { from: SENDER, incarnation, peer_view, body, updates: updates.into(), coordinate: None }
}

fn incarnation(refutations: u32) -> Incarnation {
    Incarnation { generation: 0, refutations }
}

fn every_kind() -> Vec<Packet> {
    let targets = vec![Target { id: 3, address: address(3) }];
    let event = UserEvent { seq: 1, name: "deploy".into(), payload: [].into() };
    let kind = vec![
        Update { id: 3, incarnation: incarnation(0), kind: UpdateKind::Suspect { by: SENDER } },
        Update { id: ME, incarnation: incarnation(0), kind: UpdateKind::Suspect { by: SENDER } },
        Update { id: 4, incarnation: incarnation(2), kind: UpdateKind::Left },
        Update { id: SENDER, incarnation: incarnation(0), kind: UpdateKind::User(Arc::new(event)) },
    ];
    vec![
        packet(Body::Ping { seq: 1 }, kind.clone()),
        packet(Body::Ack { seq: 1 }, vec![]),
        packet(Body::PingReq(Box::new(PingReq { seq: 1, nack_after_us: 1000, targets })), vec![]),
        packet(Body::IndirectAck { seq: 1, target: 3 }, vec![]),
        packet(Body::Nack { seq: 1, target: 3 }, vec![]),
        packet(Body::Gossip, kind.clone()),
        packet(Body::Sync(Box::new(StateSync { wants_reply: true, joining: false, records: kind })), vec![]),
    ]
}

#[test]
fn a_packet_that_is_played_again_changes_nothing_and_is_not_answered() {
    let (mut sender, mut agent) = (seal(SENDER), Agent::new());
    let recorded: Vec<_> = every_kind().iter().map(|packet| sealed(&mut sender, at(0.5), packet)).collect();
    for bytes in &recorded {
        agent.hear(bytes).expect("new");
    }
    let (beliefs, gauge) = (agent.beliefs(), agent.member.gauge());
    assert_eq!(beliefs.0, incarnation(1), "it refuted once");
    for bytes in recorded.iter().chain(recorded.iter().rev()) {
        assert_eq!(agent.hear(bytes).unwrap_err(), OpenError::Replayed);
    }
    assert_eq!((agent.beliefs(), agent.member.gauge()), (beliefs, gauge));
}

#[test]
fn a_packet_is_taken_while_it_is_fresh_and_only_once() {
    let (mut alice, mut bob) = (seal(1), seal(2));
    let bytes = sealed(&mut alice, at(100.0), &samples::ping());
    let mut open = |seconds| bob.open(at(seconds), &mut bytes.clone()).map(|_| ());
    let late = |refused| matches!(refused, Err(OpenError::Stale(by)) if by.as_secs() >= 30);
    assert!(matches!(open(69.9), Err(OpenError::Early(by)) if by.as_secs() == 30));
    assert!(late(open(130.1)));
    assert_eq!(open(129.9), Ok(()));
    // While it could still pass as fresh, it is remembered; then it no longer can.
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
    // Packets too old to pass are forgotten when a new one comes.
    let later = sealed(&mut alice, at(60.0), &samples::ping());
    assert!(bob.open(at(60.0), &mut later.clone()).is_ok());
    assert_eq!(bob.remembered(), 1);
}

#[test]
fn a_clock_that_is_set_back_neither_deafens_a_member_nor_silences_it() {
    let (mut alice, mut bob) = (seal(1), seal(2));
    let mut wrong = sealed(&mut alice, at(3600.0), &samples::ping());
    assert!(bob.open(at(3600.0), &mut wrong.clone()).is_ok());
    // Both clocks are set right.
    let mut right = sealed(&mut alice, at(0.0), &samples::ping());
    assert!(bob.open(at(0.0), &mut right.clone()).is_ok());
    assert_eq!(bob.open(at(0.0), &mut right), Err(OpenError::Replayed));
    // Time comes round to what it was before: what was played then does not play again.
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

#[test]
fn what_is_remembered_is_bounded_and_what_is_forgotten_is_not_taken_again() {
    let mut heard = ReplayWindow::default();
    let (now, tolerance) = (1_000_000, 1_000_000);
    let marks: Vec<_> = (1..=ReplayWindow::LIMIT as u64 + 1000).map(|stamp| PacketId { stamp, salt: 7 }).collect();
    for &mark in &marks {
        assert_eq!(heard.check(mark, now, tolerance), Ok(()));
        heard.insert(mark, now, tolerance);
    }
    assert_eq!(heard.len(), ReplayWindow::LIMIT);
    for &mark in &marks {
        let refused = heard.check(mark, now, tolerance).expect_err("taken before");
        assert_eq!(mark.stamp <= 1000, matches!(refused, OpenError::Stale(_)), "{refused:?}");
    }
}

/// The updates of a group: each about a member is newer than the one before.
fn history() -> impl Strategy<Value = Vec<Update>> {
    vec((0..OTHERS.len(), 0u8..5, any::<bool>()), 1..40).prop_map(|steps| {
        let mut truth = [(0u32, Status::Alive); OTHERS.len()];
        let mut history = Vec::new();
        for (who, kind, heard) in steps {
            let (refutations, status) = &mut truth[who];
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
                _ => UpdateKind::Alive(node(OTHERS[who])),
            };
            if heard {
                history.push(Update { id: OTHERS[who], incarnation: incarnation(*refutations), kind });
            }
        }
        history
    })
}

proptest! {
    /// Replays to a member that was restarted and remembers no packets.
    #[test]
    fn old_updates_change_no_belief_even_where_their_packet_is_not_remembered(
        history in history(),
        again in vec(any::<prop::sample::Index>(), 1..80),
    ) {
        let (mut sender, mut agent) = (seal(SENDER), Agent::new());
        let gossip = |update: &Update| packet(Body::Gossip, vec![update.clone()]);
        let recorded: Vec<_> = history.iter().map(|kind| sealed(&mut sender, at(0.5), &gossip(kind))).collect();
        recorded.iter().for_each(|bytes| { agent.hear(bytes).unwrap(); });
        let beliefs = agent.beliefs();
        agent.seal = seal(ME);
        for index in again.iter().filter(|_| !recorded.is_empty()) {
            if let Ok(out) = agent.hear(&recorded[index.index(recorded.len())]) {
                prop_assert!(out.events.is_empty(), "{:?}", out.events);
            }
            prop_assert_eq!(agent.beliefs(), beliefs.clone());
        }
    }
}
