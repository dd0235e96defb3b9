//! The `foca` crate as a machine: its own state, timers and codec, driven by a world.
//!
//! Messages are bytes, encoded and decoded as foca does; timers wait in a heap of the adapter's. foca has a timer at
//! each probe timeout whether the ping was answered or not, so it counts one event more per member and period.
//!
//! The benches take this file in as well, with settings and identities of their own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use ::foca::{
    Config, Error, Foca, Identity, Member, NoCustomBroadcast, Notification, PostcardCodec, Runtime, State, Timer,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use swimlab_selectors::rng::{Purpose, Rng, stream};

use crate::protocol::{
    Address, Event, EventKind, EventSource, Gauge, Id, Incarnation, MessageKind, Outbox, Span, Time, Transmit,
};
use crate::sim::{DetectorFactory, FailureDetector, Guarantees, MemberIndex, Setup, address_of, index_of};

/// The identity of a member: an address, and what distinguishes the member's generations.
pub(crate) trait Name: Identity<Addr: Send> + Copy + Send + Serialize + DeserializeOwned {
    /// The number of integers in its encoding.
    const NUMBERS: usize;
    /// The identity of a member in this generation.
    fn new(member: MemberIndex, generation: u32) -> Self;
    /// The member's index.
    fn index(self) -> MemberIndex;
    /// Its generation, and the number of renewals in it.
    fn incarnation(self) -> Incarnation;
}

/// Creates foca members: initial members know each other, joiners only themselves.
pub(crate) struct FocaFactory<N> {
    config: Config,
    initial_members: u32,
    /// The ids of all, by index.
    ids: Arc<[Id]>,
    seed: u64,
    names: PhantomData<N>,
}

impl<N: Name> FocaFactory<N> {
    /// The members of this setup.
    pub(crate) fn new(setup: &Setup, config: Config) -> Self {
        let ids = setup.placement.peers.iter().map(|peer| peer.id).collect();
        Self { config, initial_members: setup.members, ids, seed: setup.seed, names: PhantomData }
    }

    fn member(&self, member: MemberIndex, generation: u32, acquaintances: u32) -> FocaMember<N> {
        let life = u64::from(generation) << 32 | u64::from(member);
        let rng = stream(self.seed, Purpose::Protocol, life);
        FocaMember {
            foca: Foca::new(N::new(member, generation), self.config.clone(), rng, PostcardCodec),
            timers: BinaryHeap::new(),
            acquaintances,
            seeds: Vec::new(),
            asked: 0,
            next_ask: Time::NEVER,
            period: Span::from_micros(self.config.probe_period.as_micros() as u64),
            ids: Arc::clone(&self.ids),
        }
    }
}

impl<N: Name> DetectorFactory for FocaFactory<N> {
    type Detector = FocaMember<N>;

    fn initial(&mut self, member: MemberIndex) -> FocaMember<N> {
        self.member(member, 0, self.initial_members)
    }

    fn joiner(&mut self, member: MemberIndex, generation: u32) -> FocaMember<N> {
        self.member(member, generation, 0)
    }

    fn guarantees(&self) -> Guarantees {
        let mut guarantees = Guarantees::bounded(Gauge::default().with_broadcasts(self.ids.len()));
        guarantees.returns_refuted = true;
        guarantees
    }
}

/// A foca member and its timers.
pub(crate) struct FocaMember<N: Name> {
    foca: Inner<N>,
    timers: Timers<N>,
    /// Number of the first members that it knows from the start.
    acquaintances: u32,
    /// Still to be asked, in turn; foca leaves trying again to its user.
    seeds: Vec<N>,
    asked: usize,
    next_ask: Time,
    period: Span,
    ids: Arc<[Id]>,
}

type Inner<N> = Foca<N, PostcardCodec, Rng, NoCustomBroadcast>;
type Timers<N> = BinaryHeap<Reverse<(Time, Timer<N>)>>;

impl<N: Name> FocaMember<N> {
    /// Lets foca do something on behalf of what has come from `source`.
    fn drive(
        &mut self,
        now: Time,
        source: EventSource,
        out: &mut Outbox<Vec<u8>>,
        act: impl FnOnce(&mut Inner<N>, &mut Driver<'_, N>) -> Result<(), Error>,
    ) {
        let mut driver = Driver { now, source, suspected: None, out, timers: &mut self.timers, ids: &self.ids };
        match act(&mut self.foca, &mut driver) {
            // It was asked to reach a former life of its own, and reached itself.
            Ok(()) | Err(Error::DataFromOurselves | Error::IndirectForOurselves) => {}
            Err(error) => panic!("foca among its own kind, in time: {error}"),
        }
        // A member that came back under a new identity meanwhile is not suspected, whatever timer foca sets.
        if let Some(node) = driver.suspected
            && self.foca.iter_membership_state().any(|other| *other.id() == node && other.state() == State::Suspect)
        {
            driver.report(node, EventKind::Suspected);
        }
    }

    /// Asks the next seed, until a member is known.
    fn ask(&mut self, now: Time, out: &mut Outbox<Vec<u8>>) {
        self.next_ask = Time::NEVER;
        if self.foca.num_members() == 0 && !self.seeds.is_empty() {
            let seed = self.seeds[self.asked % self.seeds.len()];
            self.asked += 1;
            self.next_ask = now + self.period;
            self.drive(now, EventSource::Own, out, |foca, driver| foca.announce(seed, driver));
        }
    }
}

impl<N: Name> FailureDetector for FocaMember<N> {
    type Message = Vec<u8>;

    fn start(&mut self, _: Time, first_period: Time, out: &mut Outbox<Vec<u8>>) {
        let me = self.foca.identity().index();
        let others = (0..self.acquaintances).filter(|&other| other != me);
        let alive = others.map(|other| Member::alive(N::new(other, 0)));
        self.drive(first_period, EventSource::Own, out, |foca, driver| foca.apply_many(alive, false, driver));
        out.events.clear(); // Initial members know each other: none has joined.
        // foca waits for a whole period before its first probe; here all begin with their first.
        let first = |Reverse((due, timer))| match timer {
            Timer::ProbeRandomMember(_) => Reverse((first_period, timer)),
            _ => Reverse((due, timer)),
        };
        self.timers = self.timers.drain().map(first).collect();
    }

    fn join(&mut self, now: Time, seeds: Vec<Address>, out: &mut Outbox<Vec<u8>>) {
        let members = self.ids.len() as u32;
        self.seeds = seeds.into_iter().filter_map(|seed| index_of(seed, members)).map(|seed| N::new(seed, 0)).collect();
        self.ask(now, out);
    }

    fn leave(&mut self, now: Time, out: &mut Outbox<Vec<u8>>) {
        self.drive(now, EventSource::Own, out, |foca, driver| foca.leave_cluster(driver));
    }

    fn handle(&mut self, now: Time, from: Address, message: &Vec<u8>, out: &mut Outbox<Vec<u8>>) {
        let from = index_of(from, self.ids.len() as u32).expect("a member's address");
        let source = EventSource::Heard(self.ids[from as usize]);
        self.drive(now, source, out, |foca, driver| foca.handle_data(message, driver));
    }

    fn wake(&mut self, now: Time, out: &mut Outbox<Vec<u8>>) {
        if self.next_ask <= now {
            self.ask(now, out);
        }
        while let Some(Reverse((due, _))) = self.timers.peek()
            && *due <= now
        {
            let Reverse((_, timer)) = self.timers.pop().expect("just seen");
            self.drive(now, EventSource::Own, out, |foca, driver| foca.handle_timer(timer, driver));
        }
    }

    fn deadline(&self) -> Time {
        self.timers.peek().map_or(self.next_ask, |Reverse((due, _))| self.next_ask.min(*due))
    }

    fn kind(message: &Vec<u8>) -> MessageKind {
        match tag::<N>(message) {
            PING | 3 => MessageKind::Ping,
            1 | 4 => MessageKind::Ack,
            2 => MessageKind::PingReq,
            5 => MessageKind::IndirectAck,
            6 | 7 => MessageKind::Sync,
            _ => MessageKind::Gossip,
        }
    }

    fn members(&self) -> Option<u32> {
        Some(self.foca.num_members() as u32 + 1)
    }

    fn gauge(&self) -> Gauge {
        Gauge::default().with_broadcasts(self.foca.updates_backlog())
    }
}

/// A direct ping's [`tag`].
const PING: u8 = 0;

/// Purpose of a message: the number of `foca::Message`'s variant. Before it stand sender, incarnation and receiver, in
/// numbers of groups of seven bits.
fn tag<N: Name>(message: &[u8]) -> u8 {
    let mut bytes = message.iter();
    (0..2 * N::NUMBERS + 1).for_each(|_| assert!(bytes.any(|byte| byte & 0x80 == 0), "a whole header"));
    *bytes.next().expect("a whole header")
}

/// Foca's requests to its driver.
struct Driver<'a, N> {
    now: Time,
    /// Source of what it learns.
    source: EventSource,
    /// The member that it may have begun to suspect.
    suspected: Option<N>,
    out: &'a mut Outbox<Vec<u8>>,
    timers: &'a mut Timers<N>,
    ids: &'a [Id],
}

impl<N: Name> Driver<'_, N> {
    fn report(&mut self, node: N, kind: EventKind) {
        let about = self.ids[node.index() as usize];
        self.out.events.push(Event::new(about, node.incarnation(), kind, self.source));
    }
}

impl<N: Name> Runtime<N> for Driver<'_, N> {
    fn notify(&mut self, notification: Notification<'_, N>) {
        match notification {
            Notification::MemberUp(node) => self.report(*node, EventKind::Joined),
            // Departures look like deaths to foca.
            Notification::MemberDown(node) => self.report(*node, EventKind::Died),
            Notification::Rejoin(own) => self.report(*own, EventKind::SelfRefuted),
            _ => {}
        }
    }

    fn send_to(&mut self, to: N, data: &[u8]) {
        let mut transmit = Transmit::datagram(address_of(to.index()), data.len() as u32, data.to_vec());
        transmit.direct_ping = tag::<N>(data) == PING;
        self.out.transmits.push(transmit);
    }

    fn submit_after(&mut self, timer: Timer<N>, after: Duration) {
        // foca does not report suspicions, but it sets a timer for each; another one if a second ping fails too.
        if let Timer::ChangeSuspectToDown { member_id, .. } = timer
            && !self.timers.iter().any(|Reverse((_, other))| *other == timer)
        {
            self.suspected = Some(member_id);
        }
        let after = Span::from_micros(u64::try_from(after.as_micros()).expect("less than ages"));
        self.timers.push(Reverse((self.now + after, timer)));
    }
}
