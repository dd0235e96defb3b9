//! The state that the members of a world on real sockets share: network, faults, recorder and checker.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use swimlab_selectors::rng::{Purpose, Rng, stream};

use super::lateness::Lateness;
use crate::agent::testing::{Clock, PacketHook, PacketVerdict, ReceivedPacket, SentPacket};
use crate::experiment::recorder::Recorder;
use crate::protocol::{Address, Event, Span, Time};
use crate::sim::{
    AppRequest, Checker, Delivery, Effect, FaultEnvironment, FaultEvent, Guarantees, IdIndex, Impairment, LinkPacket,
    MemberIndex, Network, Observer, QueuePolicy, SEEDS, Sent, Setup, Transport,
};
use crate::topology::Placement;

/// The state of a world without its agents.
pub(super) struct RealNetwork {
    setup: Setup,
    clock: Clock,
    /// The scheduled time of the current fault, from which its consequences are timed.
    pub due: Time,
    network: Network,
    pub recorder: Recorder,
    pub checker: Checker,
    hosts: Vec<Host>,
    ids: IdIndex,
    addresses: Vec<Address>,
    /// Members by address, those of the outgoing ends of their streams included.
    members: HashMap<Address, MemberIndex>,
    /// Commands to the agents that are still to be executed.
    pub commands: Vec<AgentCommand>,
    pub lateness: Lateness,
    /// Number of packets that members received.
    pub events: u64,
    is_over: bool,
}

/// An action of a fault on an agent.
pub(super) enum AgentCommand {
    Stop(MemberIndex),
    Leave(MemberIndex),
    Begin { member: MemberIndex, generation: u32, seeds: Vec<Address> },
    Serve { member: MemberIndex, times: u32, request: AppRequest },
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
    /// It announces its departure and receives nothing more.
    Leaving,
}

/// A handle of the network, of which each agent has one.
#[derive(Clone)]
pub(super) struct SharedNetwork(Arc<Mutex<RealNetwork>>);

/// The processor time that the members of a world have used so far.
#[derive(Clone, Default)]
pub(super) struct CpuMeter(Arc<AtomicU64>);

impl CpuMeter {
    fn add(&self, cpu: Duration) {
        self.0.fetch_add(u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The time so far.
    pub(super) fn total(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// The packet hook of a member's agent, for one generation of the member.
pub(super) struct MemberHook {
    pub cpu: CpuMeter,
    pub network: SharedNetwork,
    pub member: MemberIndex,
    pub generation: u32,
}

impl RealNetwork {
    pub(super) fn new(setup: &Setup, clock: Clock, addresses: Vec<Address>, guarantees: Guarantees) -> Self {
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
            commands: Vec::new(),
            lateness: Lateness::default(),
            events: 0,
            is_over: false,
            setup: setup.clone(),
        }
    }

    /// Addresses of running members through which `member` can join.
    pub(super) fn seeds(&self, member: MemberIndex) -> Vec<Address> {
        let up = self.up().into_iter().filter(|&other| other != member);
        up.take(SEEDS as usize).map(|other| self.addresses[other as usize]).collect()
    }

    /// Ends the world: later events are ignored.
    pub(super) fn end(&mut self) {
        self.is_over = true;
    }

    /// Whether packets and events of this generation of a member count, as the member is in one of these states.
    fn is_current(&self, hook: &MemberHook, states: &[State]) -> bool {
        let host = &self.hosts[hook.member as usize];
        !self.is_over && host.generation == hook.generation && states.contains(&host.state)
    }
}

impl SharedNetwork {
    pub(super) fn new(network: RealNetwork) -> Self {
        Self(Arc::new(Mutex::new(network)))
    }

    /// The network itself, once no other handle to it is left.
    pub(super) fn take(self) -> RealNetwork {
        let network = Arc::into_inner(self.0).expect("all agents have ended");
        network.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, RealNetwork> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PacketHook for MemberHook {
    fn sent(&self, packet: &SentPacket<'_>) -> PacketVerdict {
        let &SentPacket { at, transmit, is_answer, .. } = packet;
        let mut network = self.network.lock();
        let network = &mut *network;
        if !network.is_current(self, &[State::Up, State::Leaving]) {
            return PacketVerdict::Lost;
        }
        let Some(&to) = network.members.get(&transmit.to) else { return PacketVerdict::Lost };
        let rng = &mut network.hosts[self.member as usize].rng;
        let bytes = packet.bytes as u32;
        let transport = match (is_answer, transmit.stream) {
            // The time of the request is not known here; the agents apply the timeout of the exchange themselves.
            (true, _) => Transport::Answer { asked_at: at },
            (false, true) => Transport::Stream,
            (false, false) => Transport::Datagram,
        };
        let delivery = network.network.delivery(&LinkPacket { at, from: self.member, to, transport, bytes }, rng);
        let (kind, direct_ping) = (transmit.message.body.kind(), transmit.direct_ping);
        network.recorder.sent(&Sent { at, from: self.member, to, kind, direct_ping, bytes, delivery });
        match delivery {
            Delivery::Arrives(at) => PacketVerdict::At(at),
            Delivery::Lost | Delivery::Cut => PacketVerdict::Lost,
        }
    }

    fn received(&self, received: &ReceivedPacket<'_>) -> bool {
        let &ReceivedPacket { at, from, packet, .. } = received;
        let mut network = self.network.lock();
        if !network.is_current(self, &[State::Up]) {
            return false;
        }
        // A packet of another world that had this port before.
        let Some(sender) = network.ids.index(packet.from) else { return false };
        // The outgoing end of a stream has a port of its own, to which the answer is sent.
        network.members.insert(from, sender);
        let (delivery, kind, bytes) = (Delivery::Arrives(at), packet.body.kind(), received.bytes as u32);
        let sent = Sent { at, from: sender, to: self.member, kind, direct_ping: false, bytes, delivery };
        network.recorder.delivered(at, &sent);
        network.events += 1;
        true
    }

    fn event(&self, at: Time, event: &Event) {
        let mut network = self.network.lock();
        if network.is_current(self, &[State::Up, State::Leaving]) {
            network.checker.event(at, self.member, event);
            network.recorder.event(at, self.member, event);
        }
    }

    fn woken(&self, late: Span) {
        let mut network = self.network.lock();
        if network.is_current(self, &[State::Up]) {
            network.lateness.add(late);
        }
    }

    fn worked(&self, cpu: Duration) {
        self.cpu.add(cpu);
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
        // The actual time: nothing can be detected before it.
        let fault_event = FaultEvent { at: self.clock.now(), fault, member, effect };
        self.checker.fault(&fault_event);
        self.recorder.fault(&fault_event);
    }

    fn crash(&mut self, member: MemberIndex) {
        let host = &mut self.hosts[member as usize];
        (host.state, host.paused) = (State::Down, 0);
        self.commands.push(AgentCommand::Stop(member));
    }

    fn leave(&mut self, member: MemberIndex) {
        let host = &mut self.hosts[member as usize];
        (host.state, host.paused) = (State::Leaving, 0);
        self.commands.push(AgentCommand::Leave(member));
    }

    fn start(&mut self, member: MemberIndex, generation: u32) {
        let seeds = self.seeds(member);
        let host = &mut self.hosts[member as usize];
        (host.state, host.generation) = (State::Up, generation);
        self.commands.push(AgentCommand::Begin { member, generation, seeds });
    }

    fn serve(&mut self, member: MemberIndex, times: u32, request: AppRequest) {
        self.commands.push(AgentCommand::Serve { member, times, request });
    }

    /// Called for pauses only, as [`super::refusal`] excludes slow members.
    fn impair(&mut self, member: MemberIndex, _: Impairment, _: QueuePolicy) {
        let host = &mut self.hosts[member as usize];
        host.paused += 1;
        if host.paused == 1 {
            self.commands.push(AgentCommand::Freeze(member));
        }
    }

    fn restore(&mut self, member: MemberIndex, _: Impairment) {
        let host = &mut self.hosts[member as usize];
        // A crash in between ended the pause.
        if host.paused > 0 {
            host.paused -= 1;
            if host.paused == 0 {
                self.commands.push(AgentCommand::Thaw(member));
            }
        }
    }
}
