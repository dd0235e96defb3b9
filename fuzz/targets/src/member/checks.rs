//! Invariants of a member, checked after each step.

use std::collections::BTreeMap;

use swimlab::protocol::{Config, EventKind, Id, Incarnation, Member, Outbox, Span, Status, Time, USER_EVENT_LIMIT};
use swimlab::wire::{encode, encoded_len};
use swimlab_selectors::View;

/// The most wake-ups at one time until nothing is due any more.
pub(super) const MOST_WAKES: usize = 8;

/// The longest that a running member may sleep: some times the longest period, stretched by local health.
const LONGEST_SLEEP: Span = Span::from_secs(120);

/// The most packets of one step beyond two for each member.
const MOST_PACKETS: usize = 128;

/// Checks of one member, with what must be remembered from step to step.
pub(super) struct Checks {
    packet_bytes: u32,
    reconnect_limit: usize,
    incarnation: Incarnation,
    was_stopped: bool,
    /// The last record of each other member, while there is one.
    records: BTreeMap<Id, (Incarnation, Status)>,
}

impl Checks {
    pub(super) fn new(config: &Config, incarnation: Incarnation) -> Self {
        Self {
            packet_bytes: config.packet_bytes,
            reconnect_limit: config.reconnect_limit as usize,
            incarnation,
            was_stopped: false,
            records: BTreeMap::new(),
        }
    }

    /// Checks a member and what it has put out since the last check.
    pub(super) fn check(&mut self, member: &Member, now: Time, stalled: bool, out: &Outbox) {
        self.own_state(member, out);
        self.records(member);
        self.stores(member);
        self.packets(member, out);
        if member.is_stopped() {
            assert_eq!(member.deadline(), Time::NEVER);
        } else if !stalled {
            let sleep = member.deadline().since(now);
            assert!(sleep <= LONGEST_SLEEP, "at {now} the deadline is {}", member.deadline());
        }
        self.was_stopped = member.is_stopped();
    }

    /// Only the member itself raises its incarnation, and its own record says that it is alive.
    fn own_state(&mut self, member: &Member, out: &Outbox) {
        let incarnation = member.incarnation();
        assert!(incarnation >= self.incarnation, "back from {} to {incarnation}", self.incarnation);
        for event in out.events.iter().filter(|event| event.about == member.id()) {
            match &event.kind {
                EventKind::SelfRefuted => {
                    let is_higher = event.incarnation > self.incarnation;
                    // Above the highest there is none. Agents drop packets that name it.
                    let is_highest = event.incarnation == Incarnation::HIGHEST;
                    assert!(is_higher || is_highest, "refuted {} by {}", self.incarnation, event.incarnation);
                    self.incarnation = event.incarnation;
                }
                EventKind::Displaced => assert!(member.is_stopped()),
                // Its own application events, and a location that its selector has learned.
                EventKind::User(_) | EventKind::Updated => {}
                other => panic!("reports {} of itself", other.name()),
            }
        }
        self.incarnation = incarnation;
        if !member.is_stopped() {
            let table = member.table();
            let me = table.me();
            assert_eq!((table.id(me), table.status(me)), (member.id(), Some(Status::Alive)));
            assert_eq!((table.incarnation(me), table.node(me)), (incarnation, member.node()));
        }
    }

    /// No record of another member goes back while it is kept.
    fn records(&mut self, member: &Member) {
        let mut members = 0;
        let mut records = BTreeMap::new();
        for (slot, status, incarnation, node) in member.table().entries() {
            members += u32::from(status.is_member());
            assert_eq!(member.table().slot(node.peer.id), Some(slot));
            let record = (incarnation, status);
            if let Some(before) = self.records.get(&node.peer.id) {
                assert!(record >= *before, "member {:016x}: {record:?} after {before:?}", node.peer.id);
            }
            assert!(records.insert(node.peer.id, record).is_none(), "two records of {:016x}", node.peer.id);
        }
        assert_eq!(members, member.table().members());
        self.records = records;
    }

    fn stores(&self, member: &Member) {
        let (gauge, slots) = (member.gauge(), member.table().slots() as usize);
        assert!(gauge.broadcasts <= 2 * slots + 64 + USER_EVENT_LIMIT, "{gauge:?}");
        assert!(gauge.relays <= Member::RELAY_LIMIT, "{gauge:?}");
        assert!(gauge.forgotten <= self.reconnect_limit, "{gauge:?}");
        assert!(gauge.tombstones <= 2 * slots + 64, "{gauge:?}");
    }

    /// Packets are valid, have the size that is told, and fit into a datagram unless they go over a stream.
    fn packets(&self, member: &Member, out: &Outbox) {
        assert!(!self.was_stopped || out.transmits.is_empty() && out.events.is_empty(), "a stopped member is silent");
        let slots = member.table().slots() as usize;
        assert!(out.transmits.len() <= 2 * slots + MOST_PACKETS, "{} packets", out.transmits.len());
        let mut bytes = Vec::new();
        for transmit in &out.transmits {
            bytes.clear();
            encode(&transmit.message, &mut bytes).expect("a member sends valid packets");
            assert_eq!((transmit.bytes, encoded_len(&transmit.message)), (bytes.len() as u32, bytes.len() as u32));
            assert!(
                transmit.stream || transmit.bytes <= self.packet_bytes,
                "{} bytes, more than {}: {:?}",
                transmit.bytes,
                self.packet_bytes,
                transmit.message
            );
        }
    }
}
