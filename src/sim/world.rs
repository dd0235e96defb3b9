//! A world in virtual time: it owns the clock, the packets and the luck, and drives one machine per member.

use std::mem::offset_of;

use super::checker::{Checker, Guarantees};
use super::detector::FailureDetector;
use super::fault_injector::{FaultInjector, Impairment, QueuePolicy};
use super::host::Host;
use super::in_flight::{PacketHeader, Slab};
use super::network::{Network, Transport, address_of, index_of};
use super::observer::{Delivery, Effect, FaultEvent, MemberIndex, Observer, Sent};
use super::queue::{Lookahead, Queue, ScheduledEvent};
use super::setup::{Setup, Start};
use super::trace::Trace;
use crate::protocol::{Address, Outbox, Time, Transmit};
use swimlab_selectors::prefetch_first;

/// Makes the machines of one kind.
pub trait DetectorFactory {
    /// What it makes.
    type Detector: FailureDetector;
    /// A member that is there from the start and knows all the others.
    fn initial(&mut self, member: MemberIndex) -> Self::Detector;
    /// A member in its `generation`-th life that knows only itself.
    fn joiner(&mut self, member: MemberIndex, generation: u32) -> Self::Detector;
    /// What the checkers may hold the machines to.
    fn guarantees(&self) -> Guarantees;
}

/// What a run leaves behind, besides what its observer saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Deliveries, periods and timers that fired.
    pub events: u64,
    /// A hash of all that happened, in order: equal hashes, equal runs.
    pub trace_hash: u64,
    /// What the checkers object to, as sentences; empty for a sound run.
    pub violations: Vec<String>,
    /// When the world ended: warm-up plus duration.
    pub end: Time,
}

/// How many of the first members serve as seeds for joiners.
pub const SEEDS: u32 = 3;

/// Worlds up to this size fit into the cache.
const CACHED: usize = 4096;

/// A world.
pub struct World<'a, B: DetectorFactory, O: Observer> {
    pub(super) setup: &'a Setup,
    factory: B,
    observer: O,
    faults: FaultInjector,
    begun: bool,
    hosts: Vec<Host<B::Detector>>,
    queue: Queue,
    packets: Slab<Message<B>>,
    pub(super) network: Network,
    outbox: Outbox<Message<B>>,
    /// Who asked what is being answered, and when, if it was over a stream.
    asked: Option<(MemberIndex, Time)>,
    pub(super) checker: Checker,
    trace: Trace,
    events: u64,
    pub(super) now: Time,
}

type Message<B> = <<B as DetectorFactory>::Detector as FailureDetector>::Message;

impl<'a, B: DetectorFactory, O: Observer> World<'a, B, O> {
    /// A world in which nothing has happened yet.
    pub fn new(setup: &'a Setup, factory: B, observer: O) -> Self {
        let members = setup.placement.members();
        assert!(setup.members <= members, "every member has its place");
        Self {
            checker: Checker::new(setup, factory.guarantees()),
            faults: FaultInjector::new(setup),
            begun: false,
            setup,
            factory,
            observer,
            hosts: (0..members).map(|member| Host::new(setup.seed, member)).collect(),
            queue: Queue::default(),
            packets: Slab::default(),
            network: Network::new(setup.placement.clone(), setup.loss),
            outbox: Outbox::default(),
            asked: None,
            trace: Trace::default(),
            events: 0,
            now: Time::ZERO,
        }
    }

    /// Runs warm-up and duration, and tells how it went.
    pub fn run(mut self) -> Outcome {
        let end = Time::ZERO + self.setup.warmup + self.setup.duration;
        self.advance(end);
        self.finish()
    }

    /// Lets everything happen that is due before `until`.
    pub fn advance(&mut self, until: Time) {
        if !self.begun {
            self.begun = true;
            self.begin();
        }
        while let Some(at) = self.faults.next().filter(|&at| at < until) {
            self.run_until(at);
            self.now = at;
            // The agenda and the world change each other.
            let mut faults = std::mem::take(&mut self.faults);
            faults.act(self);
            self.faults = faults;
            self.inspect();
        }
        self.run_until(until);
        self.now = until;
    }

    /// Ends here, and tells how it went.
    pub fn finish(mut self) -> Outcome {
        self.inspect();
        self.inspect_agreement();
        let violations = self.checker.into_violations();
        Outcome { events: self.events, trace_hash: self.trace.value(), violations, end: self.now }
    }

    /// What watches it.
    pub fn observer(&self) -> &O {
        &self.observer
    }

    /// Whether a member is up.
    pub(super) fn is_up(&self, member: MemberIndex) -> bool {
        self.hosts[member as usize].detector.is_some()
    }

    /// Which life a member is in, from 0.
    pub(super) fn generation(&self, member: MemberIndex) -> u32 {
        self.hosts[member as usize].generation
    }

    /// All members that are up.
    pub(super) fn up(&self) -> Vec<MemberIndex> {
        (0..self.hosts.len() as u32).filter(|&member| self.is_up(member)).collect()
    }

    /// A fault strikes or releases a member: tells those who watch.
    pub(super) fn report(&mut self, fault: u32, member: MemberIndex, effect: Effect) {
        let fault_event = FaultEvent { at: self.now, fault, member, effect };
        self.checker.fault(&fault_event);
        self.observer.fault(&fault_event);
    }

    /// Stops a member at once.
    pub(super) fn crash(&mut self, member: MemberIndex) {
        self.hosts[member as usize].detector = None;
        let host = &mut self.hosts[member as usize];
        host.hold = None;
        host.deadline = Time::NEVER;
    }

    /// Lets a member say goodbye, and stops it.
    pub(super) fn leave(&mut self, member: MemberIndex) {
        if let Some(detector) = &mut self.hosts[member as usize].detector {
            detector.leave(self.now, &mut self.outbox);
            self.flush(member);
        }
        self.crash(member);
    }

    /// Starts a new member, or an old one again, which joins through seeds that are up.
    pub(super) fn arrive(&mut self, member: MemberIndex, generation: u32) {
        let seeds = self.seeds(member);
        let mut detector = self.factory.joiner(member, generation);
        let first = self.now + self.setup.phase(member);
        detector.start(self.now, first, &mut self.outbox);
        detector.join(self.now, seeds, &mut self.outbox);
        self.hosts[member as usize].detector = Some(detector);
        self.hosts[member as usize].generation = generation;
        self.flush(member);
    }

    /// Holds a member back: packets queue up.
    pub(super) fn hold(&mut self, member: MemberIndex, how: Impairment, queue_policy: QueuePolicy) {
        self.hosts[member as usize].hold(how, queue_policy);
        self.stall(member, how, true);
    }

    /// Ends such a hold. With the last one, all that was held goes through in order: sends first, then what was
    /// received, and only then the timers that are overdue.
    pub(super) fn release(&mut self, member: MemberIndex, how: Impairment) {
        let host = &mut self.hosts[member as usize];
        // A crash in between has ended the hold already.
        let Some(hold) = &mut host.hold else { return };
        *hold.count(how) -= 1;
        let (is_blocked, is_on) = (hold.blocked > 0, hold.is_on());
        let sends = if is_on { Vec::new() } else { std::mem::take(&mut hold.sends) };
        if !is_blocked {
            self.stall(member, how, false);
        }
        if is_on {
            return;
        }
        self.outbox.transmits.extend(sends);
        self.send_all(member);
        self.catch_up(member);
        self.flush(member);
    }

    /// A host that was let go takes what has waited, one packet after the other.
    fn catch_up(&mut self, member: MemberIndex) {
        loop {
            let host = &mut self.hosts[member as usize];
            let Some(hold) = host.hold.as_mut().filter(|hold| !hold.is_on() && hold.next <= self.now) else { return };
            let Some(flight) = hold.received.pop_front() else {
                host.hold = None;
                return;
            };
            hold.next = self.now + hold.queue_policy.per_packet;
            let load = self.packets.insert(flight.header, flight.message);
            self.hand_over(member, load);
        }
    }

    fn stall(&mut self, member: MemberIndex, how: Impairment, stalled: bool) {
        if how == Impairment::Blocked
            && let Some(detector) = &mut self.hosts[member as usize].detector
        {
            detector.stall(self.now, stalled);
        }
    }

    fn begin(&mut self) {
        for member in 0..self.setup.members {
            let first = Time::ZERO + self.setup.phase(member);
            match self.setup.start {
                Start::Joined => {
                    let mut detector = self.factory.initial(member);
                    detector.start(Time::ZERO, first, &mut self.outbox);
                    self.hosts[member as usize].detector = Some(detector);
                    self.flush(member);
                }
                Start::Joining => {
                    let mut detector = self.factory.joiner(member, 0);
                    detector.start(Time::ZERO, first, &mut self.outbox);
                    let seeds = (0..SEEDS.min(self.setup.members)).filter(|&seed| seed != member);
                    detector.join(Time::ZERO, seeds.map(address_of).collect(), &mut self.outbox);
                    self.hosts[member as usize].detector = Some(detector);
                    self.flush(member);
                }
            }
        }
    }

    /// Seeds for a joiner: the first few members, or if they are down, others that are up.
    fn seeds(&self, member: MemberIndex) -> Vec<Address> {
        let up = (0..self.hosts.len() as u32).filter(|&other| other != member && self.is_up(other));
        up.take(SEEDS as usize).map(address_of).collect()
    }

    fn run_until(&mut self, limit: Time) {
        while let Some(due) = {
            let (hosts, packets) = (&mut self.hosts[..], &self.packets);
            self.queue.pop_before(limit, &mut Prefetcher { hosts, packets })
        } {
            self.now = due.at();
            match due.load {
                ScheduledEvent::WAKE => self.wake(due.target),
                load => self.deliver(due.target, load),
            }
        }
    }

    fn wake(&mut self, member: MemberIndex) {
        let now = self.now;
        let host = &mut self.hosts[member as usize];
        if host.scheduled != now {
            return; // Overtaken by an earlier one.
        }
        host.scheduled = Time::NEVER;
        if host.deadline > now {
            if let Some(at) = host.alarm(now, host.deadline) {
                self.queue.push(ScheduledEvent::wake(at, member));
            }
            return;
        }
        if host.hold.as_ref().is_some_and(|hold| hold.paused > 0) {
            return;
        }
        if host.hold.is_some() {
            self.catch_up(member);
        }
        let Some(detector) = &mut self.hosts[member as usize].detector else { return };
        if detector.deadline() <= now {
            self.events += 1;
            detector.wake(now, &mut self.outbox);
        }
        self.flush(member);
    }

    fn deliver(&mut self, member: MemberIndex, load: u32) {
        let host = &mut self.hosts[member as usize];
        if let Some(hold) = &mut host.hold
            && host.detector.is_some()
        {
            let flight = self.packets.take(load);
            if hold.has_room(hold.received.len()) {
                hold.received.push_back(flight);
            }
            return;
        }
        self.hand_over(member, load);
    }

    fn hand_over(&mut self, member: MemberIndex, load: u32) {
        if let Some(detector) = &mut self.hosts[member as usize].detector {
            let (&PacketHeader { sent_at, arrives_at, from, bytes, direct_ping, is_question }, message) =
                self.packets.get(load);
            let (kind, delivery) = (B::Detector::kind(message), Delivery::Arrives(arrives_at));
            self.events += 1;
            self.trace.delivery(self.now, from, member, kind, bytes);
            self.observer
                .delivered(self.now, &Sent { at: sent_at, from, to: member, kind, direct_ping, bytes, delivery });
            detector.handle(self.now, address_of(from), message, &mut self.outbox);
            self.packets.clear(load);
            if is_question {
                return self.flush_answer(member, (from, sent_at));
            }
            self.flush(member);
        } else {
            self.packets.clear(load);
        }
    }

    /// Takes out what a machine left that was asked over a stream: by whom, and when.
    #[cold]
    fn flush_answer(&mut self, member: MemberIndex, asked: (MemberIndex, Time)) {
        self.asked = Some(asked);
        self.flush(member);
        self.asked = None;
    }

    /// Takes out what a machine left.
    fn flush(&mut self, member: MemberIndex) {
        if !self.outbox.events.is_empty() {
            self.note_events(member);
        }
        self.send_all(member);
        let host = &mut self.hosts[member as usize];
        if let Some(due) = host.due()
            && let Some(at) = host.alarm(self.now, due)
        {
            self.queue.push(ScheduledEvent::wake(at, member));
        }
    }

    fn note_events(&mut self, member: MemberIndex) {
        for event in self.outbox.events.drain(..) {
            self.trace.event(self.now, member, &event);
            self.checker.event(self.now, member, &event);
            self.observer.event(self.now, member, &event);
        }
    }

    /// Sends what a machine left.
    #[inline(always)]
    fn send_all(&mut self, from: MemberIndex) {
        // Nearly always there is one: popping it is cheaper than draining.
        if self.outbox.transmits.len() > 1 {
            self.outbox.transmits.reverse();
        }
        let members = self.hosts.len() as u32;
        while let Some(next) = self.outbox.transmits.last() {
            let host = &mut self.hosts[from as usize];
            if let Some(hold) = host.hold.as_mut().filter(|hold| hold.is_on()) {
                let transmit = self.outbox.transmits.pop().expect("one was there");
                if hold.has_room(hold.sends.len()) {
                    hold.sends.push(transmit);
                }
                continue;
            }
            host.sent = host.sent.wrapping_add(1);
            let (at, count) = (self.now, host.sent);
            let &Transmit { to, bytes, stream, direct_ping, ref message } = next;
            // A packet to an address where nobody can live is gone without a trace.
            let Some(to) = index_of(to, members) else {
                self.outbox.transmits.pop();
                continue;
            };
            // What goes back to who asked over a stream goes over the same, whatever it is; there is one answer.
            let transport = match self.asked.take_if(|(by, _)| *by == to) {
                Some((_, asked_at)) => Transport::Answer { asked_at },
                None if stream => Transport::Stream,
                None => Transport::Datagram,
            };
            let kind = B::Detector::kind(message);
            let delivery = self.network.delivery(at, (from, to), (transport, bytes), &mut host.luck);
            self.observer.sent(&Sent { at, from, to, kind, direct_ping, bytes, delivery });
            // Packets are large: it goes from where it was made to where it stays.
            let message = self.outbox.transmits.pop().expect("one was there").message;
            if let Delivery::Arrives(arrives_at) = delivery {
                let is_question = transport == Transport::Stream;
                let header = PacketHeader { sent_at: at, arrives_at, from, bytes, direct_ping, is_question };
                let load = self.packets.insert(header, message);
                let due = ScheduledEvent::delivery(arrives_at, from, count, to, load);
                if self.queue.push(due) {
                    Prefetcher { hosts: &mut self.hosts, packets: &self.packets }.soon(&due);
                }
            }
        }
    }

    /// Lets the checker see whether anything has outgrown its bounds.
    fn inspect(&mut self) {
        for (member, host) in self.hosts.iter().enumerate() {
            if let Some(detector) = &host.detector {
                self.checker.inspect(self.now, member as u32, detector.gauge());
            }
        }
    }

    /// Lets the checker see whether all that are up count as many members as there are.
    fn inspect_agreement(&mut self) {
        let up = self.up().len() as u32;
        for (member, host) in self.hosts.iter().enumerate() {
            if let Some(detector) = &host.detector {
                self.checker.inspect_agreement(self.now, member as u32, detector.members(), up);
            }
        }
    }
}

/// What the queue foretells is asked for in memory. Members lie scattered over more of it than the cache holds; each
/// event would wait for its own several times over.
struct Prefetcher<'a, M: FailureDetector> {
    hosts: &'a mut [Host<M>],
    packets: &'a Slab<M::Message>,
}

impl<M: FailureDetector> Lookahead for Prefetcher<'_, M> {
    fn reschedule(&mut self, member: MemberIndex, at: Time) -> Time {
        self.hosts[member as usize].reschedule(at)
    }

    fn is_enabled(&self) -> bool {
        self.hosts.len() > CACHED
    }

    fn approaching(&mut self, due: &ScheduledEvent) {
        prefetch_first(offset_of!(Host<M>, detector), &self.hosts[due.target as usize]);
    }

    fn soon(&mut self, due: &ScheduledEvent) {
        let host = &self.hosts[due.target as usize];
        if due.load == ScheduledEvent::WAKE {
            prefetch_first(offset_of!(Host<M>, detector) + M::WAKE_BYTES, host);
        } else {
            prefetch_first(offset_of!(Host<M>, detector) + M::HOT_BYTES, host);
            self.packets.prefetch(due.load);
        }
    }

    fn next(&mut self, due: &ScheduledEvent) {
        if let Some(detector) = &self.hosts[due.target as usize].detector {
            let flight = (due.load != ScheduledEvent::WAKE).then(|| self.packets.get(due.load));
            detector.prefetch(flight.map(|(header, message)| (header.from, message)));
        }
    }
}
