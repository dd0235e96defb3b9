//! A member: it renews its lease, reads the list, and is a registry if it is among the first.

use std::collections::BTreeMap;
use std::sync::Arc;

use swimlab_selectors::rng::{Purpose, below, stream};

use super::Lease;
use super::message::{LeaseMessage, ListVersion};
use super::registry::LeaseTable;
use crate::detectors::{Heartbeat, HeartbeatCount};
use crate::protocol::{
    Address, Event, EventKind, EventSource, Gauge, Id, Incarnation, MessageKind, Outbox, Span, Time, Transmit,
};
use crate::sim::{DetectorFactory, FailureDetector, Guarantees, MemberIndex, Setup, address_of};

/// The time after which a registry that was asked is taken for dead, at the next reading: the first retransmission timeout
/// of TCP (RFC 6298).
const ANSWER_TIMEOUT: Span = Span::from_secs(1);

/// Creates the members: initial ones know each other and have leases, joiners know the addresses of the registries.
pub(super) struct LeaseFactory {
    config: Lease,
    ids: Vec<Id>,
    members: u32,
    registries: Arc<[Address]>,
    seed: u64,
}

/// A member.
pub(super) struct LeaseMember {
    config: Lease,
    own: Heartbeat,
    registries: Arc<[Address]>,
    /// Its own leases, if it is a registry.
    table: Option<LeaseTable>,
    /// Its knowledge of the others, by the list that it read last.
    view: BTreeMap<Id, Listed>,
    living: u32,
    /// The version of that list.
    known: Option<ListVersion>,
    /// The registry that is asked, by its index.
    asked: usize,
    /// The time of the first question to it that has no answer.
    unanswered_since: Option<Time>,
    next_renewal: Time,
    next_poll: Time,
    /// The time from its start to its first reading.
    poll_phase: Span,
}

/// Knowledge of a member about another one.
struct Listed {
    generation: u32,
    /// Since when it is dead or gone.
    out: Option<Time>,
}

impl LeaseFactory {
    /// The members of this setup.
    pub(super) fn new(setup: &Setup, config: Lease) -> Self {
        let registries = (0..config.registries.min(setup.members)).map(address_of).collect();
        let ids = setup.placement.peers.iter().map(|peer| peer.id).collect();
        Self { config, ids, members: setup.members, registries, seed: setup.seed }
    }

    fn member(&self, member: MemberIndex, generation: u32) -> LeaseMember {
        let mut rng = stream(self.seed, Purpose::Selector, u64::from(generation) << 32 | u64::from(member));
        let poll = u32::try_from(self.config.poll.as_micros()).unwrap_or(u32::MAX);
        let own = self.holder(member, generation);
        let is_registry = (member as usize) < self.registries.len();
        LeaseMember {
            table: is_registry.then(|| LeaseTable::new(own.id, generation, self.config.ttl)),
            config: self.config.clone(),
            own,
            registries: Arc::clone(&self.registries),
            view: BTreeMap::new(),
            living: 0,
            known: None,
            // Readers are spread over the registries.
            asked: below(&mut rng, self.registries.len() as u32) as usize,
            unanswered_since: None,
            next_renewal: Time::NEVER,
            next_poll: Time::NEVER,
            poll_phase: Span::from_micros(below(&mut rng, poll.max(1)).into()),
        }
    }

    fn holder(&self, member: MemberIndex, generation: u32) -> Heartbeat {
        let (id, count) = (self.ids[member as usize], HeartbeatCount { generation, beats: 0 });
        Heartbeat { id, address: address_of(member), count, left: false }
    }
}

impl DetectorFactory for LeaseFactory {
    type Detector = LeaseMember;

    fn initial(&mut self, member: MemberIndex) -> LeaseMember {
        let mut initial = self.member(member, 0);
        let holders: Vec<Heartbeat> = (0..self.members).map(|other| self.holder(other, 0)).collect();
        let others = holders.iter().filter(|holder| holder.id != initial.own.id);
        initial.view = others.map(|holder| (holder.id, Listed { generation: 0, out: None })).collect();
        initial.living = initial.view.len() as u32;
        if let Some(table) = &mut initial.table {
            holders.iter().for_each(|holder| table.renew(Time::ZERO, *holder));
        }
        initial
    }

    fn joiner(&mut self, member: MemberIndex, generation: u32) -> LeaseMember {
        self.member(member, generation)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees::bounded(Gauge { tombstones: self.ids.len(), ..Gauge::default() })
    }
}

impl FailureDetector for LeaseMember {
    type Message = LeaseMessage;

    fn start(&mut self, now: Time, first_period: Time, _: &mut Outbox<LeaseMessage>) {
        self.next_renewal = first_period;
        self.next_poll = now + self.poll_phase;
    }

    fn join(&mut self, now: Time, _: Vec<Address>, out: &mut Outbox<LeaseMessage>) {
        if let Some(table) = self.table.as_mut().filter(|_| self.own.count.generation > 0) {
            table.wait(now);
        }
        self.renew(now, out);
        self.next_poll = now;
    }

    fn leave(&mut self, now: Time, out: &mut Outbox<LeaseMessage>) {
        self.own.left = true;
        self.renew(now, out);
        (self.next_renewal, self.next_poll) = (Time::NEVER, Time::NEVER);
    }

    fn handle(&mut self, now: Time, from: Address, message: &LeaseMessage, out: &mut Outbox<LeaseMessage>) {
        match message {
            LeaseMessage::Renew(holder) => {
                if let Some(table) = &mut self.table {
                    table.renew(now, *holder);
                }
            }
            LeaseMessage::Ask(known) => {
                if let Some((version, list)) = self.table.as_mut().and_then(|table| table.list(now)) {
                    let holders = (*known != Some(version)).then(|| Arc::clone(list));
                    send(from, LeaseMessage::List { version, holders }, out);
                }
            }
            LeaseMessage::List { version, holders } => {
                if from == self.registries[self.asked] {
                    self.unanswered_since = None;
                }
                if let Some(holders) = holders {
                    self.known = Some(*version);
                    self.read(now, holders, EventSource::Heard(version.registry), out);
                }
            }
        }
    }

    fn wake(&mut self, now: Time, out: &mut Outbox<LeaseMessage>) {
        if self.next_renewal <= now {
            self.next_renewal = (self.next_renewal + self.config.period).max(now);
            self.renew(now, out);
        }
        if self.next_poll <= now {
            self.next_poll = (self.next_poll + self.config.poll).max(now);
            self.poll(now, out);
        }
    }

    fn deadline(&self) -> Time {
        self.next_renewal.min(self.next_poll)
    }

    fn kind(message: &LeaseMessage) -> MessageKind {
        message.kind()
    }

    fn members(&self) -> Option<u32> {
        Some(self.living + 1)
    }

    fn gauge(&self) -> Gauge {
        Gauge { tombstones: self.view.len() - self.living as usize, ..Gauge::default() }
    }
}

impl LeaseMember {
    /// Renews its lease with all registries, itself included.
    fn renew(&mut self, now: Time, out: &mut Outbox<LeaseMessage>) {
        self.own.count.beats += 1;
        if let Some(table) = &mut self.table {
            table.renew(now, self.own);
        }
        for &registry in self.registries.iter().filter(|&&registry| registry != self.own.address) {
            send(registry, LeaseMessage::Renew(self.own), out);
        }
    }

    /// Reads its own list, or asks a registry for one: the next one if the last has not answered for too long.
    fn poll(&mut self, now: Time, out: &mut Outbox<LeaseMessage>) {
        if let Some((version, list)) = self.table.as_mut().and_then(|table| table.list(now)) {
            if self.known != Some(version) {
                let list = Arc::clone(list);
                self.known = Some(version);
                self.read(now, &list, EventSource::Own, out);
            }
            return;
        }
        let count = self.registries.len();
        if self.unanswered_since.is_some_and(|since| now.since(since) >= ANSWER_TIMEOUT) {
            self.asked = (self.asked + 1) % count;
            self.unanswered_since = None;
        }
        if self.registries[self.asked] == self.own.address {
            self.asked = (self.asked + 1) % count;
        }
        if self.registries[self.asked] != self.own.address {
            self.unanswered_since.get_or_insert(now);
            send(self.registries[self.asked], LeaseMessage::Ask(self.known), out);
        }
    }

    /// Takes over a list, and reports what has changed.
    fn read(&mut self, now: Time, list: &[Heartbeat], source: EventSource, out: &mut Outbox<LeaseMessage>) {
        let mut report = |about, generation, kind| {
            let incarnation = Incarnation::of_generation(generation);
            out.events.push(Event { about, incarnation, kind, source });
        };
        for holder in list.iter().filter(|holder| holder.id != self.own.id) {
            let generation = holder.count.generation;
            let listed = self.view.entry(holder.id).or_insert(Listed { generation, out: Some(Time::ZERO) });
            // A registry that its renewals do not reach may list an earlier life.
            if generation < listed.generation {
                continue;
            }
            listed.generation = generation;
            match (listed.out, holder.left) {
                (Some(_), false) => {
                    listed.out = None;
                    self.living += 1;
                    report(holder.id, generation, EventKind::Joined);
                }
                (None, true) => {
                    listed.out = Some(now);
                    self.living -= 1;
                    report(holder.id, generation, EventKind::Left);
                }
                _ => {}
            }
        }
        let forget_before = now - self.config.ttl * 2;
        // Both are in the order of ids.
        let mut ids = list.iter().map(|holder| holder.id).peekable();
        self.view.retain(|id, listed| {
            while ids.next_if(|known| known < id).is_some() {}
            let is_listed = ids.peek() == Some(id);
            match listed.out {
                None if !is_listed => {
                    listed.out = Some(now);
                    self.living -= 1;
                    report(*id, listed.generation, EventKind::Died);
                    true
                }
                Some(since) if !is_listed && since < forget_before => {
                    report(*id, listed.generation, EventKind::Forgotten);
                    false
                }
                _ => true,
            }
        });
    }
}

fn send(to: Address, message: LeaseMessage, out: &mut Outbox<LeaseMessage>) {
    let bytes = message.bytes();
    out.transmits.push(Transmit { to, bytes, stream: true, direct_ping: false, message });
}
