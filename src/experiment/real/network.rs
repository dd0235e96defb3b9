//! What the members of a world on real sockets share: the network between them, the faults, and whatever watches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use swimlab_selectors::rng::{Purpose, Rng, stream};

use super::lateness::Lateness;
use crate::agent::testing::{Clock, PacketHook, PacketVerdict, ReceivedPacket, SentPacket};
use crate::experiment::measures::Recorder;
use crate::protocol::{Address, Event, Span, Time};
use crate::sim::{
    Checker, Delivery, Effect, FaultEnvironment, FaultEvent, Guarantees, IdIndex, Impairment, LinkPacket, MemberIndex,
    Network, Observer, QueuePolicy, SEEDS, Sent, Setup, Transport,
};
use crate::topology::Placement;

/// A world's state, apart from its agents.
pub(super) struct RealNetwork {
    setup: Setup,
    clock: Clock,
    /// When the fault under way was to strike: whatever follows from it counts from then.
    pub due: Time,
    network: Network,
    pub recorder: Recorder,
    pub checker: Checker,
    hosts: Vec<Host>,
    ids: IdIndex,
    addresses: Vec<Address>,
    /// Members by address; the far ends of their streams, too.
    members: HashMap<Address, MemberIndex>,
    /// What is to be done with the agents.
    pub orders: Vec<Order>,
    pub lateness: Lateness,
    /// Packets that members took.
    pub events: u64,
    is_over: bool,
}

/// What a fault wants done with an agent.
pub(super) enum Order {
    Stop(MemberIndex),
    Leave(MemberIndex),
    Begin { member: MemberIndex, generation: u32, seeds: Vec<Address> },
    Freeze(MemberIndex),
    Thaw(MemberIndex),
}

struct Host {
    state: State,
    generation: u32,
    paused: u32,
    /// The random stream of its packets.
    rng: Rng,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Down,
    Up,
    /// It says goodbye, and hears nothing any more.
    Leaving,
}

/// A scene with those who share it.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<RealNetwork>>);

/// One life of a member, as its agent's network sees it.
pub(super) struct Life {
    pub scene: Shared,
    pub member: MemberIndex,
    pub generation: u32,
}

impl RealNetwork {
    pub fn new(setup: &Setup, clock: Clock, addresses: Vec<Address>, guarantees: Guarantees) -> Self {
        let host = |member: MemberIndex| Host {
            state: if member < setup.members { State::Up } else { State::Down },
            generation: 0,
            paused: 0,
            rng: stream(setup.seed, Purpose::Network, u64::from(member)),
        };
        Self {
            clock,
            due: Time::ZERO,
            network: Network::new(Arc::clone(&setup.placement), setup.loss),
            recorder: Recorder::new(setup),
            checker: Checker::new(setup, guarantees),
            hosts: (0..setup.placement.members()).map(host).collect(),
            ids: IdIndex::new(setup.placement.peers.iter().map(|peer| peer.id)),
            members: addresses.iter().copied().zip(0..).collect(),
            addresses,
            orders: Vec::new(),
            lateness: Lateness::default(),
            events: 0,
            is_over: false,
            setup: setup.clone(),
        }
    }

    /// Addresses of members that are up, for one that joins.
    pub fn seeds(&self, member: MemberIndex) -> Vec<Address> {
        let up = self.up().into_iter().filter(|&other| other != member);
        up.take(SEEDS as usize).map(|other| self.addresses[other as usize]).collect()
    }

    /// The world ends: whatever happens from now on is not seen.
    pub fn end(&mut self) {
        self.is_over = true;
    }

    /// Whether what this life of a member does counts.
    fn is_current(&self, life: &Life, states: &[State]) -> bool {
        let host = &self.hosts[life.member as usize];
        !self.is_over && host.generation == life.generation && states.contains(&host.state)
    }
}

impl Shared {
    pub fn new(scene: RealNetwork) -> Self {
        Self(Arc::new(Mutex::new(scene)))
    }

    /// The network itself, once no other handle to it is left.
    pub fn take(self) -> RealNetwork {
        let scene = Arc::into_inner(self.0).expect("all agents have ended");
        scene.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn lock(&self) -> MutexGuard<'_, RealNetwork> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PacketHook for Life {
    fn sent(&self, packet: &SentPacket<'_>) -> PacketVerdict {
        let &SentPacket { at, transmit, is_answer, .. } = packet;
        let mut scene = self.scene.lock();
        let scene = &mut *scene;
        if !scene.is_current(self, &[State::Up, State::Leaving]) {
            return PacketVerdict::Lost;
        }
        let Some(&to) = scene.members.get(&transmit.to) else { return PacketVerdict::Lost };
        let rng = &mut scene.hosts[self.member as usize].rng;
        let bytes = packet.bytes as u32;
        let transport = match (is_answer, transmit.stream) {
            // When the question was sent is for the agents to know: they give each exchange as long as it may take.
            (true, _) => Transport::Answer { asked_at: at },
            (false, true) => Transport::Stream,
            (false, false) => Transport::Datagram,
        };
        let delivery = scene.network.delivery(&LinkPacket { at, from: self.member, to, transport, bytes }, rng);
        let (kind, direct_ping) = (transmit.message.body.kind(), transmit.direct_ping);
        scene.recorder.sent(&Sent { at, from: self.member, to, kind, direct_ping, bytes, delivery });
        match delivery {
            Delivery::Arrives(at) => PacketVerdict::At(at),
            Delivery::Lost | Delivery::Cut => PacketVerdict::Lost,
        }
    }

    fn received(&self, received: &ReceivedPacket<'_>) -> bool {
        let &ReceivedPacket { at, from, packet, .. } = received;
        let mut scene = self.scene.lock();
        if !scene.is_current(self, &[State::Up]) {
            return false;
        }
        // A packet from another world that had this port before.
        let Some(sender) = scene.ids.index(packet.from) else { return false };
        // The far end of a stream has a port of its own, and the answer goes there.
        scene.members.insert(from, sender);
        let (delivery, kind, bytes) = (Delivery::Arrives(at), packet.body.kind(), received.bytes as u32);
        let sent = Sent { at, from: sender, to: self.member, kind, direct_ping: false, bytes, delivery };
        scene.recorder.delivered(at, &sent);
        scene.events += 1;
        true
    }

    fn event(&self, at: Time, event: &Event) {
        let mut scene = self.scene.lock();
        if scene.is_current(self, &[State::Up, State::Leaving]) {
            scene.checker.event(at, self.member, event);
            scene.recorder.event(at, self.member, event);
        }
    }

    fn woken(&self, late: Span) {
        let mut scene = self.scene.lock();
        if scene.is_current(self, &[State::Up]) {
            scene.lateness.add(late);
        }
    }
}

impl FaultEnvironment for RealNetwork {
    fn placement(&self) -> &Placement {
        &self.setup.placement
    }

    fn now(&self) -> Time {
        self.due
    }

    fn is_up(&self, member: MemberIndex) -> bool {
        self.hosts[member as usize].state == State::Up
    }

    fn generation(&self, member: MemberIndex) -> u32 {
        self.hosts[member as usize].generation
    }

    fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    fn report(&mut self, fault: u32, member: MemberIndex, effect: Effect) {
        // It strikes as late as it does, and that is what the others can notice.
        let fault_event = FaultEvent { at: self.clock.now(), fault, member, effect };
        self.checker.fault(&fault_event);
        self.recorder.fault(&fault_event);
    }

    fn crash(&mut self, member: MemberIndex) {
        let host = &mut self.hosts[member as usize];
        (host.state, host.paused) = (State::Down, 0);
        self.orders.push(Order::Stop(member));
    }

    fn leave(&mut self, member: MemberIndex) {
        let host = &mut self.hosts[member as usize];
        (host.state, host.paused) = (State::Leaving, 0);
        self.orders.push(Order::Leave(member));
    }

    fn start(&mut self, member: MemberIndex, generation: u32) {
        let seeds = self.seeds(member);
        let host = &mut self.hosts[member as usize];
        (host.state, host.generation) = (State::Up, generation);
        self.orders.push(Order::Begin { member, generation, seeds });
    }

    /// Only pauses come here: [`super::refusal`] refuses slow members.
    fn impair(&mut self, member: MemberIndex, _: Impairment, _: QueuePolicy) {
        let host = &mut self.hosts[member as usize];
        host.paused += 1;
        if host.paused == 1 {
            self.orders.push(Order::Freeze(member));
        }
    }

    fn restore(&mut self, member: MemberIndex, _: Impairment) {
        let host = &mut self.hosts[member as usize];
        // A crash in between has ended the pause already.
        if host.paused > 0 {
            host.paused -= 1;
            if host.paused == 0 {
                self.orders.push(Order::Thaw(member));
            }
        }
    }
}
