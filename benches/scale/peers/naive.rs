//! The same protocol in the obvious implementation, as a baseline of its cost.
//!
//! The same [`Member`]s send the same messages at the same times: trace hashes are equal. But each member has a full
//! table instead of its differences from a shared one, and its shuffled list is stored instead of computed; all events
//! wait in one binary heap, packets are boxed, and timers that have moved are skipped when they are due.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use swimlab::protocol::{
    Address, Identity, Incarnation, Member, MemberConfig, NodeInfo, Outbox, Packet, Roster, Time, Transmit,
};
use swimlab::sim::Trace;
use swimlab::sim::{MemberIndex, Observer, Outcome, Setup, address_of};
use swimlab_selectors::rng::{Purpose, Rng, below, bits, stream};
use swimlab_selectors::{Bound, Context, DynSelector, Peer, Permutation, Selector, Slot};

use crate::common::CRASH_AT;
use crate::measure::Course;
use crate::setting::{Setting, Witness};

/// A world with one heap.
pub(crate) struct Naive<'a> {
    setup: &'a Setup,
    hosts: Vec<Host>,
    heap: BinaryHeap<Reverse<Scheduled>>,
    /// The member that crashes, at [`CRASH_AT`].
    victim: Option<MemberIndex>,
    outbox: Outbox,
    witness: Witness,
    trace: Trace,
    events: u64,
    now: Time,
}

struct Host {
    /// `None` once crashed.
    member: Option<Member>,
    /// The deadline that was put into the heap last.
    alarm: Time,
    sent: u32,
    rng: Rng,
}

/// A scheduled event, ordered as in the world's own queue.
struct Scheduled {
    at: Time,
    order: u64,
    target: MemberIndex,
    packet: Option<Box<InFlight>>,
}

struct InFlight {
    from: MemberIndex,
    bytes: u32,
    packet: Packet,
}

/// Wake-ups come after all packets of the same microsecond.
const WAKE: u64 = u64::MAX;

impl<'a> Naive<'a> {
    /// A world at time zero.
    pub(crate) fn new(setting: &'a Setting) -> Self {
        let setup = &setting.setup;
        let peers = setup.placement.peers.iter().cloned();
        let nodes: Vec<_> = peers.zip(0..).map(|(peer, at)| Arc::new(NodeInfo::new(peer, address_of(at)))).collect();
        let mut naive = Self {
            setup,
            hosts: Vec::new(),
            heap: BinaryHeap::new(),
            victim: setting.victim,
            outbox: Outbox::default(),
            witness: setting.witness(),
            trace: Trace::default(),
            events: 0,
            now: Time::ZERO,
        };
        for index in 0..setup.members {
            let mut member = initial(setup, &setting.config, &nodes, index);
            let phase = below(&mut stream(setup.seed, Purpose::Phases, u64::from(index)), micros(setup));
            member.start(Time::ZERO, Time::from_micros(u64::from(phase)));
            let rng = stream(setup.seed, Purpose::Network, u64::from(index));
            naive.hosts.push(Host { member: Some(member), alarm: Time::NEVER, sent: 0, rng });
            naive.set_alarm(index);
        }
        naive
    }

    fn run_until(&mut self, limit: Time) {
        while let Some(Reverse(due)) = self.heap.peek()
            && due.at < limit
        {
            let Reverse(due) = self.heap.pop().expect("just seen");
            let Some(member) = &mut self.hosts[due.target as usize].member else { continue };
            self.now = due.at;
            match due.packet {
                Some(flight) => {
                    let InFlight { from, bytes, packet } = *flight;
                    self.trace.delivery(self.now, from, due.target, packet.body.kind(), bytes);
                    member.handle(self.now, address_of(from), &packet, &mut self.outbox);
                }
                None if member.deadline() > self.now => continue,
                None => member.wake(self.now, &mut self.outbox),
            }
            self.events += 1;
            self.flush(due.target);
        }
    }

    fn flush(&mut self, index: MemberIndex) {
        for event in self.outbox.events.drain(..) {
            self.trace.event(self.now, index, &event);
            self.witness.event(self.now, index, &event);
        }
        let host = &mut self.hosts[index as usize];
        for Transmit { to, bytes, message, .. } in self.outbox.transmits.drain(..) {
            host.sent += 1;
            let target = index_of(to);
            let delay = self.setup.placement.delay_us(index, target, &mut host.rng);
            let at = Time::from_micros(self.now.as_micros() + u64::from(delay));
            let order = u64::from(index) << 32 | u64::from(host.sent);
            let packet = Some(Box::new(InFlight { from: index, bytes, packet: message }));
            self.heap.push(Reverse(Scheduled { at, order, target, packet }));
        }
        self.set_alarm(index);
    }

    fn set_alarm(&mut self, index: MemberIndex) {
        let host = &mut self.hosts[index as usize];
        let deadline = host.member.as_ref().map_or(Time::NEVER, Member::deadline);
        if deadline != host.alarm {
            host.alarm = deadline;
            self.heap.push(Reverse(Scheduled { at: deadline, order: WAKE, target: index, packet: None }));
        }
    }
}

impl Course for Naive<'_> {
    fn advance(&mut self, until: Time) {
        let crash = Time::ZERO + CRASH_AT;
        if crash < until
            && let Some(victim) = self.victim.take()
        {
            self.run_until(crash);
            self.hosts[victim as usize].member = None;
        }
        self.run_until(until);
        self.now = until;
    }

    fn informed(&self) -> u32 {
        self.witness.informed()
    }

    fn finish(self) -> Outcome {
        Outcome::new(self.now, self.events, self.trace.value())
    }
}

/// A member with a full table.
fn initial(setup: &Setup, config: &Arc<MemberConfig>, nodes: &[Arc<NodeInfo>], index: MemberIndex) -> Member {
    let roster = Arc::new(Roster::of_members(nodes.iter().cloned()));
    let indexed = DynSelector::new("stored shuffle", StoredShuffle).build_index(roster.peers());
    let identity = Identity {
        incarnation: Incarnation::of_generation(0),
        since_epoch: setup.since_epoch(index),
        strategy_rng: stream(setup.seed, Purpose::Selector, u64::from(index)),
        rng: stream(setup.seed, Purpose::Protocol, u64::from(index)),
    };
    Member::new(Arc::clone(config), identity, roster, &indexed, index)
}

fn micros(setup: &Setup) -> u32 {
    u32::try_from(setup.period.as_micros()).expect("a period of seconds")
}

fn index_of(address: Address) -> MemberIndex {
    u32::from_be_bytes(*address.ip.last_chunk().expect("sixteen bytes"))
}

/// Round robin over a stored list: the orders are those of `shuffle`. No trial here has joiners.
struct StoredShuffle;

/// A shuffled list, and the position in it.
struct List {
    order: Vec<Slot>,
    next: usize,
}

impl List {
    fn shuffled(ctx: &mut Context<'_>) -> Self {
        let slots = ctx.view.slots();
        let permutation = Permutation::new(slots, bits(ctx.rng));
        Self { order: (0..slots).map(|at| permutation.at(at)).collect(), next: 0 }
    }
}

impl Selector for StoredShuffle {
    type RosterIndex = ();
    type State = List;

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, (): &(), ctx: &mut Context<'_>) -> List {
        List::shuffled(ctx)
    }

    fn targets(&self, (): &(), list: &mut List, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        for _ in 0..want.min(ctx.view.pingable_count() as usize) {
            let slot = loop {
                if list.next == list.order.len() {
                    *list = List::shuffled(ctx);
                }
                list.next += 1;
                let slot = list.order[list.next - 1];
                if ctx.view.pingable(slot) && !picks.contains(&slot) {
                    break slot;
                }
            };
            picks.push(slot);
        }
    }

    fn bound(&self, n: u32, direct: u32) -> Bound {
        Bound::Periods(u64::from(2 * n).div_ceil(u64::from(direct)))
    }
}

impl Scheduled {
    fn key(&self) -> (Time, u64, MemberIndex) {
        (self.at, self.order, self.target)
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
