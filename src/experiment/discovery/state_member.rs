//! The SWIM member with the exchange of states beside it, as agents run it: payloads go in direct messages to members that
//! the selector chooses.

use std::sync::Arc;

use swimlab_selectors::rng::{Purpose, below, stream};

use super::DiscoveryConfig;
use super::propagation::SharedPropagation;
use crate::discovery::state::{
    CONTENT_DIGEST_BYTES, DIGEST_BYTES, Exchange, ExchangeConfig, Outgoing, Partners, StateStore,
};
use crate::protocol::{
    Address, DirectMessage, Event, EventKind, Gauge, Id, Member, MessageKind, Outbox, Packet, Sizer, Span, Time,
};
use crate::sim::{AppRequest, DetectorFactory, FailureDetector, Guarantees, IdIndex, MemberIndex, Setup, SwimFactory};
use crate::wire::PlainSizer;

/// The channel of direct messages on which members exchange states.
const CHANNEL: u8 = 1;

/// The key whose changes are followed.
const KEY: &str = "load/requests";

/// Creates SWIM members that exchange states.
pub(in crate::experiment) struct StateFactory {
    swim: SwimFactory,
    config: DiscoveryConfig,
    seed: u64,
    ids: Arc<IdIndex>,
    propagation: SharedPropagation,
}

/// A SWIM member that exchanges states. The member comes first: that is what the world prefetches.
#[repr(C)]
pub(in crate::experiment) struct StateMember {
    member: Member,
    exchange: Exchange,
    config: DiscoveryConfig,
    index: MemberIndex,
    ids: Arc<IdIndex>,
    next_change: Time,
    /// The time from the start to the first change.
    phase: Span,
    outgoing: Outgoing,
    propagation: SharedPropagation,
}

impl StateFactory {
    /// Members that `swim` creates; what they change and learn is recorded in `propagation`.
    pub(in crate::experiment) fn new(
        setup: &Setup,
        swim: SwimFactory,
        config: DiscoveryConfig,
        propagation: SharedPropagation,
    ) -> Self {
        let ids = Arc::new(IdIndex::new(setup.placement.peers.iter().map(|peer| peer.id)));
        Self { swim, config, seed: setup.seed, ids, propagation }
    }

    fn with_state(&self, index: MemberIndex, member: Member) -> StateMember {
        let generation = member.incarnation().generation;
        let mut rng = stream(self.seed, Purpose::State, u64::from(generation) << 32 | u64::from(index));
        let every = u32::try_from(self.config.change_every.as_micros()).unwrap_or(u32::MAX);
        let phase = Span::from_micros(below(&mut rng, every.max(1)).into());
        let config = ExchangeConfig { mtu: member.direct_room(), ..ExchangeConfig::default() };
        let store = StateStore::new(member.id(), generation);
        let exchange = Exchange::new(Time::ZERO, config, store, rng).expect("datagrams that hold the largest entry");
        let mut with_state = StateMember {
            member,
            exchange,
            config: self.config,
            index,
            ids: Arc::clone(&self.ids),
            next_change: Time::NEVER,
            phase,
            outgoing: Outgoing::new(),
            propagation: self.propagation.clone(),
        };
        with_state.admit_all();
        with_state
    }
}

impl DetectorFactory for StateFactory {
    type Detector = StateMember;

    fn initial(&mut self, member: MemberIndex) -> StateMember {
        let initial = self.swim.initial(member);
        self.with_state(member, initial)
    }

    fn joiner(&mut self, member: MemberIndex, generation: u32) -> StateMember {
        let joiner = self.swim.joiner(member, generation);
        self.with_state(member, joiner)
    }

    fn guarantees(&self) -> Guarantees {
        self.swim.guarantees()
    }

    fn detectors_share_state(&self) -> bool {
        true
    }
}

impl FailureDetector for StateMember {
    type Message = Packet;

    fn start(&mut self, now: Time, first_period: Time, _: &mut Outbox) {
        self.member.start(now, first_period);
        self.next_change = now + self.phase;
    }

    fn join(&mut self, now: Time, seeds: Vec<Address>, out: &mut Outbox) {
        self.member.join(now, seeds, out);
    }

    fn leave(&mut self, _: Time, out: &mut Outbox) {
        self.member.leave(out);
    }

    fn handle(&mut self, now: Time, from: Address, packet: &Packet, out: &mut Outbox) {
        self.member.handle(now, from, packet, out);
        self.follow_events(now, out);
    }

    fn wake(&mut self, now: Time, out: &mut Outbox) {
        if self.member.deadline() <= now {
            self.member.wake(now, out);
            self.follow_events(now, out);
        }
        if self.next_change <= now {
            self.next_change = (self.next_change + self.config.change_every).max(now);
            let number = self.propagation.lock().change(now, self.index);
            let ttl = Some(self.config.change_ttl).filter(|&ttl| ttl > Span::ZERO);
            let written = self.exchange.store_mut().set(now, KEY, &number.to_string(), ttl);
            debug_assert_eq!(written, Ok(true));
        }
        if self.exchange.deadline() <= now {
            self.exchange.wake(now, &mut SelectedPartners(&mut self.member), &mut self.outgoing);
            // Of what a member sends by itself, only the digests that begin a comparison are as short as this.
            self.send(now, |payload| [DIGEST_BYTES, CONTENT_DIGEST_BYTES].contains(&payload.len()), out);
        }
    }

    fn serve(&mut self, now: Time, request: AppRequest, out: &mut Outbox) -> bool {
        FailureDetector::serve(&mut self.member, now, request, out)
    }

    fn stall(&mut self) {
        self.member.stall();
    }

    fn end_stall(&mut self, now: Time) {
        self.member.end_stall(now);
    }

    fn deadline(&self) -> Time {
        self.member.deadline().min(self.exchange.deadline()).min(self.next_change)
    }

    fn kind(packet: &Packet) -> MessageKind {
        packet.body.kind()
    }

    fn members(&self) -> Option<u32> {
        Some(self.member.table().members())
    }

    fn gauge(&self) -> Gauge {
        self.member.gauge()
    }

    const HOT_BYTES: usize = Member::HOT_BYTES;
    const WAKE_BYTES: usize = Member::WAKE_BYTES;

    fn prefetch(&self, message: Option<(MemberIndex, &Packet)>) {
        FailureDetector::prefetch(&self.member, message);
    }
}

impl StateMember {
    /// Keeps the states of those that the member knows at the start.
    fn admit_all(&mut self) {
        let table = self.member.table();
        for (_, status, incarnation, node) in table.entries() {
            if status.is_member() {
                admit(self.exchange.store_mut(), node.peer.id, incarnation.generation);
            }
        }
    }

    /// Takes the messages about states out of the events, and follows what the others say of membership.
    fn follow_events(&mut self, now: Time, out: &mut Outbox) {
        if out.events.is_empty() {
            return;
        }
        let mut messages = Vec::new();
        out.events.retain(|event| match &event.kind {
            EventKind::Direct(message) if message.channel == CHANNEL => {
                messages.push((event.about, Arc::clone(message)));
                false
            }
            _ => true,
        });
        out.events.iter().for_each(|event| self.follow_membership(event));
        for (from, message) in messages {
            let handled = self.exchange.handle(now, from, &message.payload, &mut self.outgoing);
            debug_assert!(handled.is_ok(), "members send valid messages");
        }
        self.send(now, |_| false, out);
        self.note_learned(now);
    }

    fn follow_membership(&mut self, event: &Event) {
        let table = self.member.table();
        let known = table.slot(event.about).map(|slot| (table.status(slot), table.incarnation(slot).generation));
        let store = self.exchange.store_mut();
        match known {
            Some((Some(status), generation)) if status.is_member() => admit(store, event.about, generation),
            _ => {
                store.forget(event.about);
            }
        }
    }

    /// Sends payloads, of which some would be sent if nothing had changed. Updates of membership that ride on them are not
    /// counted.
    fn send(&mut self, now: Time, is_calm: impl Fn(&[u8]) -> bool, out: &mut Outbox) {
        for (to, payload) in self.outgoing.drain(..) {
            let is_calm = is_calm(&payload);
            let message = DirectMessage { channel: CHANNEL, payload: payload.into() };
            // Members that have died meanwhile need no answer.
            if self.member.send_direct(to, message, out).is_ok()
                && let Some(transmit) = out.transmits.last()
            {
                let updates = transmit.message.updates.iter().map(|update| PlainSizer.update(update)).sum::<u32>();
                self.propagation.lock().send(now, transmit.bytes - updates, is_calm);
            }
        }
    }

    /// Records the figures of others that have arrived.
    fn note_learned(&mut self, now: Time) {
        let changes = self.exchange.store_mut().take_changes();
        if changes.list.is_empty() {
            return;
        }
        let store = self.exchange.store();
        let mut propagation = self.propagation.lock();
        let owners = changes.list.iter().filter(|change| change.new.is_some()).map(|change| change.member);
        for id in owners.filter(|&id| id != store.me()) {
            let figure = store.get(id, KEY).and_then(|figure| figure.parse().ok());
            if let (Some(owner), Some(number)) = (self.ids.index(id), figure) {
                propagation.learn(now, self.index, owner, number);
            }
        }
    }
}

/// Members that the selector chooses.
struct SelectedPartners<'a>(&'a mut Member);

impl Partners for SelectedPartners<'_> {
    fn for_news(&mut self, want: usize) -> Vec<Id> {
        self.0.direct_targets(want)
    }

    fn for_repair(&mut self) -> Option<Id> {
        self.0.sync_target()
    }
}

/// Keeps the state of a member. There is room for all members of the largest world with services.
fn admit(store: &mut StateStore, member: Id, generation: u32) {
    let admitted = store.admit(member, generation);
    debug_assert_eq!(admitted, Ok(()));
}
