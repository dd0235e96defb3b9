//! A world in virtual time: it owns the clock, the packets and the luck, and drives one machine per member.

use super::chaos::Chaos;
use super::checker::{Checker, Promise};
use super::machine::Machine;
use super::network::{Network, address_of, index_of};
use super::observer::{Effect, Fate, Index, Observer, Sent, Strike};
use super::queue::{Due, Queue};
use super::setup::{Setup, Start};
use super::trace::Trace;
use crate::protocol::{Address, Outbox, Time, Transmit};
use swimlab_selectors::rng::{Purpose, Rng, stream};

/// Makes the machines of one kind.
pub trait Breed {
    /// What it makes.
    type Machine: Machine;
    /// A member that is there from the start and knows all the others.
    fn founder(&mut self, member: Index) -> Self::Machine;
    /// A member in its `generation`-th life that knows only itself.
    fn newcomer(&mut self, member: Index, generation: u32) -> Self::Machine;
    /// What the checkers may hold the machines to.
    fn promise(&self) -> Promise;
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
/// How many events ahead memory is read.
const AHEAD: usize = 16;

/// A world.
pub struct World<'a, B: Breed, O: Observer> {
    pub(super) setup: &'a Setup,
    breed: B,
    observer: O,
    chaos: Chaos,
    begun: bool,
    pub(super) actors: Vec<Actor<B::Machine>>,
    desks: Vec<Desk>,
    queue: Queue,
    packets: Slab<Flight<Message<B>>>,
    pub(super) network: Network,
    outbox: Outbox<Message<B>>,
    pub(super) checker: Checker,
    trace: Trace,
    events: u64,
    pub(super) now: Time,
}

type Message<B> = <<B as Breed>::Machine as Machine>::Message;

/// A member's host: the machine on it, and what keeps it from running freely.
pub struct Actor<M: Machine> {
    /// `None` before it joins and while it is down.
    pub(super) machine: Option<M>,
    pub(super) generation: u32,
    hold: Option<Box<Hold<M::Message>>>,
}

/// What the world itself keeps of a member, in a cache line of its own: a wake-up that comes to nothing, as at the probe
/// timeout of an answered ping, touches nothing else.
#[repr(align(64))]
struct Desk {
    /// When the machine asked to be woken.
    deadline: Time,
    /// When its wake-up comes up in the queue.
    scheduled: Time,
    /// How many packets it has sent.
    sent: u32,
    /// The luck of its packets.
    luck: Rng,
}

/// What is held back on a slow or paused host.
struct Hold<T> {
    slow: u32,
    paused: u32,
    limit: usize,
    sends: Vec<Transmit<T>>,
    received: Vec<Flight<T>>,
}

/// A packet on its way.
struct Flight<T> {
    sent: Sent,
    message: T,
}

impl<'a, B: Breed, O: Observer> World<'a, B, O> {
    /// A world in which nothing has happened yet.
    pub fn new(setup: &'a Setup, breed: B, observer: O) -> Self {
        let hosts = setup.placement.members();
        assert!(setup.members <= hosts, "every member has its place");
        let vacant = |_| Actor { machine: None, generation: 0, hold: None };
        Self {
            checker: Checker::new(setup, breed.promise()),
            chaos: Chaos::new(setup),
            begun: false,
            setup,
            breed,
            observer,
            actors: (0..hosts).map(vacant).collect(),
            desks: (0..hosts).map(|member| Desk::new(setup.seed, member)).collect(),
            queue: Queue::default(),
            packets: Slab::default(),
            network: Network::new(setup.placement.clone(), setup.loss),
            outbox: Outbox::default(),
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
        while let Some(at) = self.chaos.next().filter(|&at| at < until) {
            self.run_until(at);
            self.now = at;
            // The agenda and the world change each other.
            let mut chaos = std::mem::take(&mut self.chaos);
            chaos.act(self);
            self.chaos = chaos;
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
    pub(super) fn is_up(&self, member: Index) -> bool {
        self.actors[member as usize].machine.is_some()
    }

    /// All members that are up.
    pub(super) fn up(&self) -> Vec<Index> {
        (0..self.actors.len() as u32).filter(|&member| self.is_up(member)).collect()
    }

    /// A fault strikes or releases a member: tells those who watch.
    pub(super) fn report(&mut self, fault: u32, member: Index, effect: Effect) {
        let strike = Strike { at: self.now, fault, member, effect };
        self.checker.strike(&strike);
        self.observer.strike(&strike);
    }

    /// Stops a member at once.
    pub(super) fn crash(&mut self, member: Index) {
        let actor = &mut self.actors[member as usize];
        actor.machine = None;
        actor.hold = None;
        self.desks[member as usize].deadline = Time::NEVER;
    }

    /// Lets a member say goodbye, and stops it.
    pub(super) fn leave(&mut self, member: Index) {
        if let Some(machine) = &mut self.actors[member as usize].machine {
            machine.leave(self.now, &mut self.outbox);
            self.flush(member);
        }
        self.crash(member);
    }

    /// Starts a new member, or an old one again, which joins through seeds that are up.
    pub(super) fn arrive(&mut self, member: Index, generation: u32) {
        let seeds = self.seeds(member);
        let mut machine = self.breed.newcomer(member, generation);
        let first = self.now + self.setup.phase(member);
        machine.start(self.now, first, &mut self.outbox);
        machine.join(self.now, seeds, &mut self.outbox);
        let actor = &mut self.actors[member as usize];
        actor.machine = Some(machine);
        actor.generation = generation;
        self.flush(member);
    }

    /// Holds a member back: packets queue up, and its timers stop too if it is paused.
    pub(super) fn hold(&mut self, member: Index, paused: bool, limit: u32) {
        let actor = &mut self.actors[member as usize];
        let hold = actor.hold.get_or_insert_with(|| {
            let (sends, received) = (Vec::new(), Vec::new());
            Box::new(Hold { slow: 0, paused: 0, limit: limit as usize, sends, received })
        });
        hold.limit = hold.limit.max(limit as usize);
        *(if paused { &mut hold.paused } else { &mut hold.slow }) += 1;
    }

    /// Ends such a hold. With the last one, all that was held goes through in order: sends first, then what was
    /// received, and only then the timers that are overdue.
    pub(super) fn release(&mut self, member: Index, paused: bool) {
        let actor = &mut self.actors[member as usize];
        // A crash in between has ended the hold already.
        let Some(hold) = &mut actor.hold else { return };
        *(if paused { &mut hold.paused } else { &mut hold.slow }) -= 1;
        if hold.slow + hold.paused > 0 {
            return;
        }
        let Hold { sends, received, .. } = *actor.hold.take().expect("just seen");
        for transmit in sends {
            self.send(member, transmit);
        }
        for flight in received {
            self.hand_over(member, flight);
        }
        self.schedule(member);
    }

    fn begin(&mut self) {
        for member in 0..self.setup.members {
            let first = Time::ZERO + self.setup.phase(member);
            match self.setup.start {
                Start::Joined => {
                    let mut machine = self.breed.founder(member);
                    machine.start(Time::ZERO, first, &mut self.outbox);
                    self.actors[member as usize].machine = Some(machine);
                    self.flush(member);
                }
                Start::Joining => {
                    let mut machine = self.breed.newcomer(member, 0);
                    machine.start(Time::ZERO, first, &mut self.outbox);
                    let seeds = (0..SEEDS.min(self.setup.members)).filter(|&seed| seed != member);
                    machine.join(Time::ZERO, seeds.map(address_of).collect(), &mut self.outbox);
                    self.actors[member as usize].machine = Some(machine);
                    self.flush(member);
                }
            }
        }
    }

    /// Seeds for a joiner: the first few members, or if they are down, others that are up.
    fn seeds(&self, member: Index) -> Vec<Address> {
        let up = (0..self.actors.len() as u32).filter(|&other| other != member && self.is_up(other));
        up.take(SEEDS as usize).map(address_of).collect()
    }

    fn run_until(&mut self, limit: Time) {
        let is_large = self.actors.len() > CACHED;
        let mut touched = 0;
        while let Some(due) = {
            let desks = &mut self.desks;
            self.queue.pop_before(limit, &mut |member, at| desks[member as usize].put_off(at))
        } {
            if is_large {
                if touched == 0 {
                    touched = self.touch_ahead();
                }
                touched -= 1;
            }
            self.now = due.at();
            if due.load == Due::WAKE {
                self.wake(due.target);
            } else {
                let flight = self.packets.take(due.load);
                self.deliver(due.target, flight);
            }
        }
    }

    /// Reads what the next few events will need. Their members lie scattered over more memory than the cache holds; read
    /// one after the other, as events need them, each would cost a trip to memory, while these reads overlap. At a
    /// hundred thousand members this halves the time.
    /// Tells how many of the events to come it has covered, that just taken included.
    fn touch_ahead(&self) -> usize {
        let mut seen = 0;
        let mut events = 1;
        for due in self.queue.upcoming(AHEAD) {
            events += 1;
            seen ^= self.desks[due.target as usize].deadline.as_micros();
            if let Some(machine) = &self.actors[due.target as usize].machine {
                seen ^= machine.touch();
            }
        }
        for due in self.queue.upcoming(AHEAD) {
            if let Some(machine) = &self.actors[due.target as usize].machine {
                let is_wake = due.load == Due::WAKE;
                let flight = if is_wake { None } else { self.packets.places[due.load as usize].as_ref() };
                seen ^= machine.touch_deep(flight.map(|flight| &flight.message));
            }
        }
        std::hint::black_box(seen);
        events
    }

    fn wake(&mut self, member: Index) {
        let now = self.now;
        let desk = &mut self.desks[member as usize];
        if desk.scheduled != now {
            return; // Overtaken by an earlier one.
        }
        desk.scheduled = Time::NEVER;
        let deadline = desk.deadline;
        if deadline > now {
            return self.set_alarm(member, deadline);
        }
        let actor = &mut self.actors[member as usize];
        if actor.hold.as_ref().is_some_and(|hold| hold.paused > 0) {
            return;
        }
        let Some(machine) = &mut actor.machine else { return };
        self.events += 1;
        machine.wake(now, &mut self.outbox);
        self.flush(member);
    }

    fn deliver(&mut self, member: Index, flight: Flight<Message<B>>) {
        let actor = &mut self.actors[member as usize];
        if actor.machine.is_none() {
            return;
        }
        if let Some(hold) = &mut actor.hold {
            if hold.received.len() < hold.limit {
                hold.received.push(flight);
            }
            return;
        }
        self.hand_over(member, flight);
    }

    fn hand_over(&mut self, member: Index, flight: Flight<Message<B>>) {
        let Flight { sent, message } = flight;
        let Some(machine) = &mut self.actors[member as usize].machine else { return };
        self.events += 1;
        self.trace.delivery(self.now, sent.from, member, sent.kind, sent.bytes);
        self.observer.delivered(self.now, &sent);
        machine.handle(self.now, address_of(sent.from), message, &mut self.outbox);
        self.flush(member);
    }

    /// Takes out what a machine left.
    fn flush(&mut self, member: Index) {
        if !self.outbox.events.is_empty() {
            self.note_events(member);
        }
        if !self.outbox.transmits.is_empty() {
            let mut transmits = std::mem::take(&mut self.outbox.transmits);
            // Nearly always there is one: popping it is cheaper than draining.
            transmits.reverse();
            while let Some(transmit) = transmits.pop() {
                self.send(member, transmit);
            }
            self.outbox.transmits = transmits;
        }
        self.schedule(member);
    }

    fn note_events(&mut self, member: Index) {
        for event in self.outbox.events.drain(..) {
            self.trace.event(self.now, member, &event);
            self.checker.event(self.now, member, &event);
            self.observer.event(self.now, member, &event);
        }
    }

    fn send(&mut self, from: Index, transmit: Transmit<Message<B>>) {
        let members = self.actors.len() as u32;
        let actor = &mut self.actors[from as usize];
        if let Some(hold) = &mut actor.hold {
            if hold.sends.len() < hold.limit {
                hold.sends.push(transmit);
            }
            return;
        }
        let desk = &mut self.desks[from as usize];
        desk.sent = desk.sent.wrapping_add(1);
        let count = desk.sent;
        let Transmit { to, bytes, stream, direct_ping, message } = transmit;
        // A packet to an address where nobody can live is gone without a trace.
        let Some(to) = index_of(to, members) else { return };
        let fate = self.network.fate(self.now, (from, to), stream, &mut desk.luck);
        let kind = B::Machine::kind(&message);
        let sent = Sent { at: self.now, from, to, kind, direct_ping, bytes, fate };
        self.observer.sent(&sent);
        if let Fate::Arrives(at) = fate {
            let load = self.packets.insert(Flight { sent, message });
            self.queue.push(Due::delivery(at, from, count, to, load));
        }
    }

    /// Makes sure that a member is woken in time.
    fn schedule(&mut self, member: Index) {
        if let Some(machine) = &self.actors[member as usize].machine {
            let deadline = machine.deadline();
            self.set_alarm(member, deadline);
        }
    }

    fn set_alarm(&mut self, member: Index, deadline: Time) {
        let desk = &mut self.desks[member as usize];
        desk.deadline = deadline;
        let at = deadline.max(self.now);
        if at < desk.scheduled && deadline != Time::NEVER {
            desk.scheduled = at;
            self.queue.push(Due::wake(at, member));
        }
    }

    /// Lets the checker see whether anything has outgrown its bounds.
    fn inspect(&mut self) {
        for (member, actor) in self.actors.iter().enumerate() {
            if let Some(machine) = &actor.machine {
                self.checker.inspect(self.now, member as u32, machine.gauge());
            }
        }
    }

    /// Lets the checker see whether all that are up count as many members as there are.
    fn inspect_agreement(&mut self) {
        let up = self.up().len() as u32;
        for (member, actor) in self.actors.iter().enumerate() {
            if let Some(machine) = &actor.machine {
                self.checker.inspect_agreement(self.now, member as u32, machine.members(), up);
            }
        }
    }
}

impl Desk {
    fn new(seed: u64, member: Index) -> Self {
        let luck = stream(seed, Purpose::Network, u64::from(member));
        Self { deadline: Time::NEVER, scheduled: Time::NEVER, sent: 0, luck }
    }

    /// The wake-up of this time comes near: when is it really due? The timeout of a ping that was answered is not.
    fn put_off(&mut self, at: Time) -> Time {
        if self.scheduled != at {
            return Time::NEVER; // Overtaken by an earlier one.
        }
        if self.deadline > at {
            self.scheduled = self.deadline;
        }
        self.scheduled
    }
}

/// Packets on their way, in reused places: the most recently freed first, while it is still in the cache.
struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    fn insert(&mut self, value: T) -> u32 {
        if let Some(at) = self.free.pop() {
            self.places[at as usize] = Some(value);
            return at;
        }
        self.places.push(Some(value));
        self.places.len() as u32 - 1
    }

    fn take(&mut self, at: u32) -> T {
        self.free.push(at);
        self.places[at as usize].take().expect("each packet is taken once")
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}
