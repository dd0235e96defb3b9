//! A world in virtual time: owns the clock, the packets and the random streams, and drives one detector per member.

mod environment;

use super::checker::{Checker, Guarantees};
use super::detector::FailureDetector;
use super::environment::FaultEnvironment;
use super::fault_injector::FaultInjector;
use super::hosts::{Hosts, Place};
use super::in_flight::{PacketHeader, Slab};
use super::link::{LinkPacket, Transport};
use super::network::{Network, address_of, index_of, packet_rng};
use super::observer::{Delivery, MemberIndex, Observer, Sent};
use super::prefetch::{Lookahead, Prefetcher};
use super::queue::Queue;
use super::scheduled::ScheduledEvent;
use super::setup::{NetworkDraws, Setup, Start};
use super::trace::Trace;
use crate::protocol::{Address, Outbox, Time, Transmit};

/// Creates the detectors of a world's members.
///
/// A closure of a member's index and its generation is one, for detectors that guarantee nothing and whose joiners begin
/// like initial members.
pub trait DetectorFactory {
    /// The detector of one member.
    type Detector: FailureDetector;
    /// A member that is up from the start and knows all others.
    fn initial(&mut self, member: MemberIndex) -> Self::Detector;
    /// A member that knows only itself, in its `generation`-th life, from 0.
    fn joiner(&mut self, member: MemberIndex, generation: u32) -> Self::Detector;
    /// Guarantees to which the checkers hold the detectors; by default none, and no store that could be full.
    fn guarantees(&self) -> Guarantees {
        Guarantees::default()
    }
}

impl<D: FailureDetector, F: FnMut(MemberIndex, u32) -> D> DetectorFactory for F {
    type Detector = D;

    fn initial(&mut self, member: MemberIndex) -> D {
        self(member, 0)
    }

    fn joiner(&mut self, member: MemberIndex, generation: u32) -> D {
        self(member, generation)
    }
}

/// The outcome of a run, besides what its observer saw.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Deliveries, periods and timers that fired.
    pub events: u64,
    /// A hash of all events in order: equal hashes mean equal runs.
    pub trace_hash: u64,
    /// Violations that the checkers found, as sentences; empty for a sound run.
    pub violations: Vec<String>,
    /// Time at which the world ended: warm-up plus duration.
    pub end: Time,
}

/// The number of first members that serve as seeds for joiners.
pub const SEEDS: u32 = 3;

/// A world of detectors that `B` creates, watched by `O`.
///
/// [`World::run`] runs it to its end; [`World::advance`] and [`World::finish`] do so step by step, and in between
/// [`World::detector`] and [`World::detectors`] show what the members know. To look at them at the end, advance to
/// [`Setup::end`] and then finish.
///
/// ```
/// use swimlab::detectors::detectors;
/// use swimlab::protocol::{Event, EventKind, Span, Time};
/// use swimlab::sim::{Crash, Fault, MemberIndex, Observer, Setup};
/// use swimlab::topology::{TopologyContext, topologies};
/// use swimlab_selectors::Spec;
///
/// /// Counts the members that declare a death.
/// #[derive(Default)]
/// struct Deaths(u32);
///
/// impl Observer for Deaths {
///     fn event(&mut self, _at: Time, _member: MemberIndex, event: &Event) {
///         self.0 += u32::from(event.kind == EventKind::Died);
///     }
/// }
///
/// let lan = topologies().build(&Spec::of("lan"), &TopologyContext::default())?;
/// let mut crash = Fault::new(Crash);
/// crash.at = Span::from_secs(10);
/// let setup = Setup::new(&lan, 100, 1, vec![crash]);
///
/// let mut deaths = Deaths::default();
/// let outcome = detectors().build(&Spec::of("all-to-all"), &())?.run(&setup, &mut deaths);
/// assert_eq!(deaths.0, 99);
/// assert!(outcome.violations.is_empty());
/// # Ok::<(), swimlab_selectors::SpecError>(())
/// ```
pub struct World<B: DetectorFactory, O: Observer> {
    setup: Setup,
    factory: B,
    observer: O,
    faults: FaultInjector,
    begun: bool,
    hosts: Hosts<B::Detector, Message<B>>,
    queue: Queue,
    packets: Slab<Message<B>>,
    network: Network,
    outbox: Outbox<Message<B>>,
    /// The stream request that is being handled.
    request: Option<Request>,
    checker: Checker,
    trace: Trace,
    events: u64,
    now: Time,
}

type Message<B> = <<B as DetectorFactory>::Detector as FailureDetector>::Message;

/// A request over a stream, on which one reply can be sent.
#[derive(Clone, Copy)]
struct Request {
    from: MemberIndex,
    sent_at: Time,
}

impl Outcome {
    /// The outcome of a sound run of another driver than [`World`], which ended at `end` after this number of events.
    pub fn new(end: Time, events: u64, trace_hash: u64) -> Self {
        Self { events, trace_hash, violations: Vec::new(), end }
    }
}

impl<B: DetectorFactory, O: Observer> World<B, O> {
    /// A world at time zero.
    ///
    /// # Panics
    /// If the setup's placement has no room for its members.
    pub fn new(setup: &Setup, factory: B, observer: O) -> Self {
        let members = setup.placement.members();
        assert!(setup.members <= members, "the placement has room for every member");
        Self {
            checker: Checker::new(setup, factory.guarantees()),
            faults: FaultInjector::new(setup),
            begun: false,
            setup: setup.clone(),
            factory,
            observer,
            hosts: Hosts::new(setup),
            queue: Queue::default(),
            packets: Slab::default(),
            network: Network::new(setup.placement.clone(), setup.loss),
            outbox: Outbox::default(),
            request: None,
            trace: Trace::default(),
            events: 0,
            now: Time::ZERO,
        }
    }

    /// Runs warm-up and duration, and returns the outcome.
    pub fn run(mut self) -> Outcome {
        self.advance(self.setup.end());
        self.finish()
    }

    /// Processes all events before `until`.
    pub fn advance(&mut self, until: Time) {
        if !self.begun {
            self.begun = true;
            self.begin();
        }
        while let Some(at) = self.faults.next().filter(|&at| at < until) {
            self.run_until(at);
            self.now = at;
            // Faults and the world change each other.
            let mut faults = std::mem::take(&mut self.faults);
            faults.act(self);
            self.faults = faults;
            self.inspect();
        }
        self.run_until(until);
        self.now = until;
    }

    /// Ends the run here, and returns the outcome.
    pub fn finish(mut self) -> Outcome {
        self.inspect();
        self.inspect_agreement();
        let violations = self.checker.into_violations();
        Outcome { events: self.events, trace_hash: self.trace.value(), violations, end: self.now }
    }

    /// The observer.
    pub fn observer(&self) -> &O {
        &self.observer
    }

    /// The time up to which all events are processed.
    pub fn time(&self) -> Time {
        self.now
    }

    /// A member's detector; `None` while the member is stopped.
    pub fn detector(&self, member: MemberIndex) -> Option<&B::Detector> {
        self.hosts.get(member)?.detector.as_ref()
    }

    /// The detectors of all members that run, in the order of their indices.
    pub fn detectors(&self) -> impl Iterator<Item = (MemberIndex, &B::Detector)> {
        self.hosts.iter().filter_map(|host| Some((host.member, host.detector.as_ref()?)))
    }

    /// Processes the packets queued on a host that is no longer impaired, one after the other.
    fn catch_up(&mut self, place: Place) {
        loop {
            let host = &mut self.hosts[place];
            let Some(stalled) = host.stalled.as_mut().filter(|s| !s.is_impaired() && s.next <= self.now) else {
                return;
            };
            let Some(packet) = stalled.received.pop_front() else {
                host.stalled = None;
                return;
            };
            stalled.next = self.now + stalled.queue_policy.per_packet;
            let load = self.packets.insert(packet.header, packet.message);
            self.hand_over(place, load);
        }
    }

    /// Starts the initial members.
    fn begin(&mut self) {
        for member in 0..self.setup.members {
            let first_period = Time::ZERO + self.setup.phase(member);
            let detector = match self.setup.start {
                Start::Joined => {
                    let mut detector = self.factory.initial(member);
                    detector.start(Time::ZERO, first_period, &mut self.outbox);
                    detector
                }
                Start::Joining => {
                    let mut detector = self.factory.joiner(member, 0);
                    detector.start(Time::ZERO, first_period, &mut self.outbox);
                    let seeds = (0..SEEDS.min(self.setup.members)).filter(|&seed| seed != member);
                    detector.join(Time::ZERO, seeds.map(address_of).collect(), &mut self.outbox);
                    detector
                }
            };
            let place = self.hosts.place(member);
            self.hosts[place].detector = Some(detector);
            self.flush(place);
        }
    }

    /// Seeds for a joiner: the first members that are up.
    fn seeds(&self, member: MemberIndex) -> Vec<Address> {
        let up = (0..self.hosts.len() as u32).filter(|&other| other != member && self.is_up(other));
        up.take(SEEDS as usize).map(address_of).collect()
    }

    fn run_until(&mut self, limit: Time) {
        while let Some(event) = {
            let (hosts, packets) = (&mut self.hosts, &self.packets);
            self.queue.pop_before(limit, &mut Prefetcher { hosts, packets })
        } {
            self.now = event.at();
            match event.load {
                ScheduledEvent::WAKE => self.wake(event.target),
                load => self.deliver(event.target, load),
            }
        }
    }

    fn wake(&mut self, place: Place) {
        let now = self.now;
        let host = &mut self.hosts[place];
        if host.scheduled != now {
            return; // Superseded by an earlier one.
        }
        host.scheduled = Time::NEVER;
        if host.deadline > now {
            if let Some(at) = host.alarm(now, host.deadline) {
                self.queue.push(ScheduledEvent::wake(at, host.member, place));
            }
            return;
        }
        if host.stalled.as_ref().is_some_and(|stalled| stalled.paused > 0) {
            return;
        }
        if host.stalled.is_some() {
            self.catch_up(place);
        }
        let Some(detector) = &mut self.hosts[place].detector else { return };
        if detector.deadline() <= now {
            self.events += 1;
            detector.wake(now, &mut self.outbox);
        }
        self.flush(place);
    }

    /// A packet has reached a host.
    fn deliver(&mut self, place: Place, load: u32) {
        let host = &mut self.hosts[place];
        if let Some(stalled) = &mut host.stalled
            && host.detector.is_some()
        {
            let packet = self.packets.take(load);
            if stalled.has_room(stalled.received.len()) {
                stalled.received.push_back(packet);
            }
            return;
        }
        self.hand_over(place, load);
    }

    /// Lets a member handle a packet.
    fn hand_over(&mut self, place: Place, load: u32) {
        let host = &mut self.hosts[place];
        let member = host.member;
        if let Some(detector) = &mut host.detector {
            let (&PacketHeader { sent_at, arrives_at, from, bytes, direct_ping, is_request }, message) =
                self.packets.get(load);
            let (kind, delivery) = (B::Detector::kind(message), Delivery::Arrives(arrives_at));
            self.events += 1;
            self.trace.delivery(self.now, from, member, kind, bytes);
            self.observer
                .delivered(self.now, &Sent { at: sent_at, from, to: member, kind, direct_ping, bytes, delivery });
            detector.handle(self.now, address_of(from), message, &mut self.outbox);
            self.packets.clear(load);
            if is_request {
                return self.flush_reply(place, Request { from, sent_at });
            }
            self.flush(place);
        } else {
            self.packets.clear(load);
        }
    }

    /// Takes out the outbox of a member that has handled a request over a stream.
    #[cold]
    fn flush_reply(&mut self, place: Place, request: Request) {
        self.request = Some(request);
        self.flush(place);
        self.request = None;
    }

    /// Takes out a member's outbox, and sets its alarm.
    fn flush(&mut self, place: Place) {
        if !self.outbox.events.is_empty() {
            self.note_events(self.hosts[place].member);
        }
        self.send_all(place);
        let host = &mut self.hosts[place];
        if let Some(detector) = &host.detector
            && let due = host.due(detector.deadline())
            && let Some(at) = host.alarm(self.now, due)
        {
            self.queue.push(ScheduledEvent::wake(at, host.member, place));
        }
    }

    fn note_events(&mut self, member: MemberIndex) {
        for event in self.outbox.events.drain(..) {
            self.trace.event(self.now, member, &event);
            self.checker.event(self.now, member, &event);
            self.observer.event(self.now, member, &event);
        }
    }

    /// Sends the packets in the outbox.
    #[inline(always)]
    fn send_all(&mut self, place: Place) {
        // Nearly always there is one: popping it is cheaper than draining.
        if self.outbox.transmits.len() > 1 {
            self.outbox.transmits.reverse();
        }
        let members = self.hosts.len() as u32;
        while let Some(next) = self.outbox.transmits.last() {
            let host = &mut self.hosts[place];
            let from = host.member;
            if let Some(stalled) = host.stalled.as_mut().filter(|stalled| stalled.is_impaired()) {
                let transmit = self.outbox.transmits.pop().expect("one was there");
                if stalled.has_room(stalled.sends.len()) {
                    stalled.sends.push(transmit);
                }
                continue;
            }
            host.sent = host.sent.wrapping_add(1);
            let (at, count) = (self.now, host.sent);
            let &Transmit { to, bytes, stream, direct_ping, ref message } = next;
            // A packet to an address that belongs to no member is dropped without a trace.
            let Some(to) = index_of(to, members) else {
                self.outbox.transmits.pop();
                continue;
            };
            // The reply to a request goes over the request's stream, whatever it is; there is one reply.
            let transport = match self.request.take_if(|request| request.from == to) {
                Some(request) => Transport::Answer { asked_at: request.sent_at },
                None if stream => Transport::Stream,
                None => Transport::Datagram,
            };
            let kind = B::Detector::kind(message);
            let packet = LinkPacket { at, from, to, transport, bytes };
            let mut own;
            let rng = match self.setup.network_draws {
                NetworkDraws::BySender => &mut host.rng,
                NetworkDraws::ByPacket => {
                    own = packet_rng(self.setup.network_seed(at), &packet, kind);
                    &mut own
                }
            };
            let delivery = self.network.delivery(&packet, rng);
            self.observer.sent(&Sent { at, from, to, kind, direct_ping, bytes, delivery });
            // Packets are large: it is moved once, from where it was made to where it stays.
            let message = self.outbox.transmits.pop().expect("one was there").message;
            if let Delivery::Arrives(arrives_at) = delivery {
                let is_request = transport == Transport::Stream;
                let header = PacketHeader { sent_at: at, arrives_at, from, bytes, direct_ping, is_request };
                let load = self.packets.insert(header, message);
                let event = ScheduledEvent::delivery(arrives_at, from, count, self.hosts.place(to), load);
                if self.queue.push(event) {
                    Prefetcher { hosts: &mut self.hosts, packets: &self.packets }.soon(&event);
                }
            }
        }
    }

    /// Lets the checker see how full the members' bounded stores are.
    fn inspect(&mut self) {
        for host in self.hosts.iter() {
            if let Some(detector) = &host.detector {
                self.checker.inspect(self.now, host.member, detector.gauge());
            }
        }
    }

    /// Lets the checker see whether all members that are up agree on their number.
    fn inspect_agreement(&mut self) {
        let up = self.up().len() as u32;
        for host in self.hosts.iter() {
            if let Some(counts) = host.detector.as_ref().and_then(FailureDetector::members) {
                self.checker.inspect_agreement(self.now, host.member, counts, up);
            }
        }
    }
}
