//! Global states: members, packets in the network and what is left of the budgets; and the steps between them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use swimlab::protocol::{Incarnation, Member, Outbox, Packet, Time};

use crate::fingerprint::{Fingerprint, Hasher128, fingerprint};
use crate::model::{EPOCH, MOST_MEMBERS, Model};
use crate::record::Record;
use crate::step::{Choice, Step};

/// A global state. Copies share what they have in common.
#[derive(Clone)]
pub(crate) struct State {
    /// The global clock.
    pub(crate) now: Time,
    pub(crate) hosts: Vec<Host>,
    /// Packets that arrive in the order in which they were sent. Empty if packets arrive in any order.
    pub(crate) queue: VecDeque<Arc<Flying>>,
    /// Packets that may arrive at any time, sorted by fingerprint.
    pub(crate) held: Vec<Arc<Flying>>,
    pub(crate) left: Budgets,
}

/// Departures from a fault-free run in the order of sending that are still allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budgets {
    pub(crate) losses: u8,
    pub(crate) duplicates: u8,
    pub(crate) crashes: u8,
    pub(crate) leaves: u8,
    pub(crate) delays: u8,
    /// The sum that the others may use up.
    faults: u8,
}

impl Budgets {
    /// The same budgets, none of them above the sum.
    pub(crate) fn within_sum(self) -> Self {
        let Self { losses, duplicates, crashes, leaves, delays, faults } = self;
        let [losses, duplicates, crashes, leaves, delays] =
            [losses, duplicates, crashes, leaves, delays].map(|one| one.min(faults));
        Self { losses, duplicates, crashes, leaves, delays, faults }
    }
}

/// A member, or what it was when it crashed or left.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) version: Arc<Version>,
    pub(crate) is_up: bool,
}

/// A member's state after one of its calls.
pub(crate) struct Version {
    /// Behind a lock because selectors, which are parts of members, may not be shared between threads. It is only held for
    /// copies and hashes of the member.
    member: Mutex<Member>,
    pub(crate) deadline: Time,
    pub(crate) incarnation: Incarnation,
    pub(crate) is_stopped: bool,
    /// Whether it has nothing to tell and pings nobody for others.
    pub(crate) is_quiet: bool,
    /// Its records of all members; `None` for one that is unknown or forgotten.
    pub(crate) records: [Option<Record>; MOST_MEMBERS],
    /// Fingerprint of its state, with times relative to its deadline, once it was needed.
    fingerprint: OnceLock<Fingerprint>,
}

/// A packet in the network.
pub(crate) struct Flying {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) transport: Transport,
    pub(crate) packet: Packet,
    fingerprint: Fingerprint,
}

/// Transport of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Transport {
    Datagram,
    /// A stream, on which one reply can be sent.
    Request,
    /// The reply on a stream.
    Reply,
}

impl State {
    /// The state in which all members have just started.
    pub(crate) fn initial(model: &Model) -> Self {
        let host = |index| Host { version: Arc::new(Version::new(model.member(index))), is_up: true };
        let bounds = &model.bounds;
        Self {
            now: EPOCH,
            hosts: (0..model.members()).map(host).collect(),
            queue: VecDeque::new(),
            held: Vec::new(),
            left: Budgets {
                losses: bounds.losses,
                duplicates: bounds.duplicates,
                crashes: bounds.crashes,
                leaves: bounds.leaves,
                delays: bounds.delays.unwrap_or(0),
                faults: bounds.faults,
            }
            .within_sum(),
        }
    }

    /// The state after a step that is possible in this one, and the member that took part in it.
    pub(crate) fn after(&self, step: Step, model: &Model) -> (Self, usize) {
        let mut state = self.clone();
        let touched = state.take(step, model);
        (state, touched)
    }

    fn take(&mut self, step: Step, model: &Model) -> usize {
        match step {
            Step::Deliver(choice) => {
                let flying = self.remove(choice);
                self.deliver(&flying, model);
                flying.to
            }
            Step::Duplicate(choice) => {
                self.use_up(|left| &mut left.duplicates);
                let flying = self.remove(choice);
                self.hold(Arc::clone(&flying));
                self.deliver(&flying, model);
                flying.to
            }
            Step::Drop(choice) => {
                self.use_up(|left| &mut left.losses);
                self.remove(choice).to
            }
            Step::Hold => {
                self.use_up(|left| &mut left.delays);
                let flying = self.remove(Choice::Next);
                self.hold(Arc::clone(&flying));
                flying.to
            }
            Step::Wake(member) => {
                let member = usize::from(member);
                if model.bounds.delays.is_some() && self.next_to_wake() != Some(member) {
                    self.use_up(|left| &mut left.delays);
                }
                self.wake(member, model);
                member
            }
            Step::Crash(member) => {
                self.use_up(|left| &mut left.crashes);
                self.stop(usize::from(member));
                member.into()
            }
            Step::Leave(member) => {
                self.use_up(|left| &mut left.leaves);
                let index = usize::from(member);
                let mut leaving = self.hosts[index].version.fork(model);
                let mut out = Outbox::default();
                leaving.leave(&mut out);
                self.finish_call(index, leaving, None, model, &mut out);
                self.stop(index);
                self.settle_order(model);
                index
            }
        }
    }

    /// Makes a member silent for good; nothing reaches it any more.
    fn stop(&mut self, member: usize) {
        self.hosts[member].is_up = false;
        self.queue.retain(|flying| flying.to != member);
        self.held.retain(|flying| flying.to != member);
    }

    fn use_up(&mut self, budget: impl Fn(&mut Budgets) -> &mut u8) {
        *budget(&mut self.left) -= 1;
        self.left.faults -= 1;
        // States that allow the same are the same.
        self.left = self.left.within_sum();
    }

    /// The member whose timer is due first, of several the one with the lowest index.
    pub(crate) fn next_to_wake(&self) -> Option<usize> {
        let up = self.hosts.iter().enumerate().filter(|(_, host)| host.is_up);
        up.min_by_key(|(_, host)| host.version.deadline).map(|(index, _)| index)
    }

    /// The packet of a choice.
    pub(crate) fn packet(&self, choice: Choice) -> &Arc<Flying> {
        match choice {
            Choice::Next => self.queue.front().expect("a packet is queued"),
            Choice::Held(at) => &self.held[usize::from(at)],
        }
    }

    fn remove(&mut self, choice: Choice) -> Arc<Flying> {
        match choice {
            Choice::Next => self.queue.pop_front().expect("a packet is queued"),
            Choice::Held(at) => self.held.remove(usize::from(at)),
        }
    }

    fn hold(&mut self, flying: Arc<Flying>) {
        let at = self.held.partition_point(|other| other.fingerprint <= flying.fingerprint);
        self.held.insert(at, flying);
    }

    /// Delivers the oldest packet, or, if there is none, fires the first timer: what a fair network and exact timers do.
    /// Packets for which `is_cut` is true are lost. Returns the member that took part, and what it was before.
    pub(crate) fn proceed(
        &mut self,
        model: &Model,
        out: &mut Outbox,
        is_cut: impl Fn(&Flying) -> bool,
    ) -> (usize, Arc<Version>) {
        let next = self.queue.pop_front();
        let member = match &next {
            Some(flying) => flying.to,
            None => self.next_to_wake().expect("a member is up"),
        };
        let before = Arc::clone(&self.hosts[member].version);
        match &next {
            Some(flying) if is_cut(flying) => {}
            Some(flying) => self.deliver_into(flying, model, out),
            None => self.wake_into(member, model, out),
        }
        (member, before)
    }

    /// Makes all packets arrive in the order of their fingerprints, after those that are queued.
    pub(crate) fn release_held(&mut self) {
        self.queue.extend(self.held.drain(..));
    }

    /// Makes all packets arrive in any order.
    pub(crate) fn hold_queue(&mut self) {
        while let Some(flying) = self.queue.pop_front() {
            self.hold(flying);
        }
    }

    fn deliver(&mut self, flying: &Flying, model: &Model) {
        self.deliver_into(flying, model, &mut Outbox::default());
        self.settle_order(model);
    }

    fn wake(&mut self, member: usize, model: &Model) {
        self.wake_into(member, model, &mut Outbox::default());
        self.settle_order(model);
    }

    fn settle_order(&mut self, model: &Model) {
        if model.bounds.delays.is_none() {
            self.hold_queue();
        }
    }

    fn deliver_into(&mut self, flying: &Flying, model: &Model, out: &mut Outbox) {
        let mut member = self.hosts[flying.to].version.fork(model);
        let packet = (model.intake)(&member, flying.packet.clone());
        member.handle(self.now, model.address(flying.from), &packet, out);
        let asked_by = (flying.transport == Transport::Request).then_some(flying.from);
        self.finish_call(flying.to, member, asked_by, model, out);
    }

    fn wake_into(&mut self, member: usize, model: &Model, out: &mut Outbox) {
        let version = &self.hosts[member].version;
        self.now = self.now.max(version.deadline);
        let mut woken = version.fork(model);
        woken.wake(self.now, out);
        self.finish_call(member, woken, None, model, out);
    }

    /// Stores a member after a call, and queues the packets that it sent. The first one to `asked_by`, whose request on a
    /// stream the call has handled, is the reply.
    fn finish_call(
        &mut self,
        from: usize,
        member: Member,
        mut asked_by: Option<usize>,
        model: &Model,
        out: &mut Outbox,
    ) {
        for transmit in out.transmits.drain(..) {
            let Some(to) = model.index_of(transmit.to).filter(|to| self.hosts[*to].is_up) else { continue };
            let transport = match asked_by.take_if(|asked_by| *asked_by == to) {
                Some(_) => Transport::Reply,
                None if transmit.stream => Transport::Request,
                None => Transport::Datagram,
            };
            self.queue.push_back(Arc::new(Flying::new(from, to, transport, transmit.message)));
        }
        self.hosts[from].version = Arc::new(Version::new(member));
    }

    /// The fingerprint: equal for states with the same futures.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let mut parts = [0; 8];
        for (part, host) in parts.iter_mut().zip(&self.hosts) {
            *part = host.fingerprint(self.now);
        }
        let queue: Vec<Fingerprint> = self.queue.iter().map(|flying| flying.fingerprint).collect();
        let held: Vec<Fingerprint> = self.held.iter().map(|flying| flying.fingerprint).collect();
        fingerprint(&(parts, queue, held, self.left))
    }
}

impl Host {
    fn fingerprint(&self, now: Time) -> Fingerprint {
        let Version { incarnation, deadline, .. } = &*self.version;
        if self.is_up {
            fingerprint(&(self.version.fingerprint(), deadline.as_micros().wrapping_sub(now.as_micros())))
        } else {
            // Of a stopped member only the incarnation matters, which others may not exceed.
            fingerprint(incarnation)
        }
    }
}

impl Version {
    fn new(member: Member) -> Self {
        let deadline = member.deadline();
        let gauge = member.gauge();
        Self {
            deadline,
            incarnation: member.incarnation(),
            is_stopped: member.is_stopped(),
            is_quiet: gauge.broadcasts == 0 && gauge.relays == 0,
            records: std::array::from_fn(|about| Record::of(&member, about)),
            fingerprint: OnceLock::new(),
            member: Mutex::new(member),
        }
    }

    fn fork(&self, model: &Model) -> Member {
        model.fork(&self.lock())
    }

    fn fingerprint(&self) -> Fingerprint {
        *self.fingerprint.get_or_init(|| {
            let mut hasher = Hasher128::default();
            self.lock().hash_state(self.deadline, &mut hasher);
            hasher.fingerprint()
        })
    }

    fn lock(&self) -> MutexGuard<'_, Member> {
        self.member.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flying {
    fn new(from: usize, to: usize, transport: Transport, packet: Packet) -> Self {
        let fingerprint = fingerprint(&(from, to, transport, &packet));
        Self { from, to, transport, packet, fingerprint }
    }

    /// Whether this is the same packet, or a copy of it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}
