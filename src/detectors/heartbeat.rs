//! The member of all heartbeat detectors: it sends heartbeats, records when those of others arrive, and declares
//! members dead that are silent for too long. Timeout, receivers and voting are up to the [`Rules`].

use std::sync::Arc;

use smallvec::SmallVec;
use swimlab_selectors::rng::{Purpose, Rng, below, stream};

use super::message::{Heartbeat, HeartbeatCount, HeartbeatMessage};
use crate::protocol::{
    Address, Event, EventKind, EventSource, Gauge, Id, Incarnation, MessageKind, Outbox, Span, Time, Transmit,
};
use crate::sim::{DetectorFactory, FailureDetector, Guarantees, MemberIndex, Setup, address_of};

/// The rules that distinguish one heartbeat detector from another.
pub trait Rules: Clone + Send + Sync + 'static {
    /// Statistics of the arrivals of one member's heartbeats.
    type Pulse: Clone + Default + Send;

    /// The time between two rounds of heartbeats.
    fn period(&self) -> Span;
    /// The receivers of a round.
    fn reach(&self) -> Reach;
    /// Whether a message carries all heartbeats in the sender's table, and not only its own.
    fn relays(&self) -> bool {
        false
    }
    /// Whether the receiver replies with newer heartbeats.
    fn pulls(&self) -> bool {
        false
    }
    /// Whether only a majority can call a member dead.
    fn votes(&self) -> bool {
        false
    }
    /// Records a newer heartbeat after a silence of this length.
    fn beat(&self, _pulse: &mut Self::Pulse, _silence: Span) {}
    /// The timeout: the longest silence of a living member, in a group of `n`.
    fn patience(&self, pulse: &Self::Pulse, n: u32) -> Span;
    /// Time for which a dead member is remembered, so that old heartbeats do not revive it.
    fn memory(&self, n: u32) -> Span;
    /// Without loss: the time after the last crash or departure by which all members know of it; `None`: no guarantee.
    fn converges_within(&self, _n: u32) -> Option<Span> {
        None
    }
}

/// The receivers of a round of heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// Every member that is not forgotten, including the dead, so that partitions heal.
    Everyone,
    /// This number of living members at random; and, as likely as any of those, one of the dead.
    Random(u32),
}

/// Creates members with these rules: initial members know each other, joiners only themselves.
pub struct HeartbeatFactory<R: Rules> {
    rules: R,
    initial_members: Vec<Heartbeat>,
    ids: Vec<Id>,
    seed: u64,
}

/// A member of a heartbeat detector.
pub struct HeartbeatDetector<R: Rules> {
    rules: R,
    own: Heartbeat,
    /// All others, by id.
    rows: Vec<Row<R::Pulse>>,
    living: u32,
    rng: Rng,
    next_beat: Time,
    /// No timeout expires before this.
    next_check: Time,
    /// Still to be asked for their tables, in turn; empty once one has answered.
    seeds: Vec<Address>,
    asked: usize,
}

/// The part of a message that depends on its occasion.
struct Content {
    kind: MessageKind,
    beats: Arc<[Heartbeat]>,
    wants_reply: bool,
}

/// One member's record of another.
#[derive(Clone)]
struct Row<P> {
    beat: Heartbeat,
    heard: Time,
    pulse: P,
    /// Since when it is dead or gone.
    out: Option<Time>,
    silent: bool,
    /// The members that it last listed as overdue.
    misses: Arc<[Id]>,
    /// The members that last listed it as overdue.
    missed_by: SmallVec<[Id; 2]>,
}

impl<R: Rules> HeartbeatFactory<R> {
    /// The members of this setup.
    pub fn new(setup: &Setup, rules: R) -> Self {
        let ids: Vec<Id> = setup.placement.peers.iter().map(|peer| peer.id).collect();
        let initial = |member: MemberIndex| first_beat(ids[member as usize], member, 0);
        let mut initial_members: Vec<Heartbeat> = (0..setup.members).map(initial).collect();
        initial_members.sort_unstable_by_key(|beat| beat.id);
        Self { rules, initial_members, ids, seed: setup.seed }
    }

    fn member(&self, member: MemberIndex, generation: u32) -> HeartbeatDetector<R> {
        let life = u64::from(generation) << 32 | u64::from(member);
        HeartbeatDetector {
            rules: self.rules.clone(),
            own: first_beat(self.ids[member as usize], member, generation),
            rows: Vec::new(),
            living: 0,
            rng: stream(self.seed, Purpose::Selector, life),
            next_beat: Time::NEVER,
            next_check: Time::NEVER,
            seeds: Vec::new(),
            asked: 0,
        }
    }
}

fn first_beat(id: Id, member: MemberIndex, generation: u32) -> Heartbeat {
    let count = HeartbeatCount { generation, beats: 0 };
    Heartbeat { id, address: address_of(member), count, left: false }
}

impl<R: Rules> DetectorFactory for HeartbeatFactory<R> {
    type Detector = HeartbeatDetector<R>;

    fn initial(&mut self, member: MemberIndex) -> HeartbeatDetector<R> {
        let mut detector = self.member(member, 0);
        let others = self.initial_members.iter().filter(|beat| beat.id != detector.own.id);
        detector.rows = others.map(|&beat| Row::new(beat, Time::ZERO)).collect();
        detector.living = detector.rows.len() as u32;
        detector
    }

    fn joiner(&mut self, member: MemberIndex, generation: u32) -> HeartbeatDetector<R> {
        self.member(member, generation)
    }

    fn guarantees(&self) -> Guarantees {
        let limits = Gauge { tombstones: self.ids.len(), ..Gauge::default() };
        let converges_within = self.rules.converges_within(self.ids.len() as u32);
        // A member that was merely silent comes back with its next heartbeat, without a new incarnation.
        Guarantees { converges_within, needs_majority: self.rules.votes(), ..Guarantees::bounded(limits) }
    }
}

impl<R: Rules> FailureDetector for HeartbeatDetector<R> {
    type Message = HeartbeatMessage;

    fn start(&mut self, now: Time, first_period: Time, _: &mut Outbox<HeartbeatMessage>) {
        self.next_beat = first_period;
        self.rows.iter_mut().for_each(|row| row.heard = first_period.max(now));
        self.plan_check();
    }

    fn join(&mut self, _: Time, seeds: Vec<Address>, out: &mut Outbox<HeartbeatMessage>) {
        self.seeds = seeds;
        self.ask_seed(out);
    }

    fn leave(&mut self, _: Time, out: &mut Outbox<HeartbeatMessage>) {
        self.own.count.beats += 1;
        self.own.left = true;
        let beats: Arc<[Heartbeat]> = [self.own].into();
        for to in self.audience() {
            self.send(to, Content::gossip(Arc::clone(&beats)), out);
        }
        (self.next_beat, self.next_check) = (Time::NEVER, Time::NEVER);
    }

    fn handle(&mut self, now: Time, from: Address, message: &HeartbeatMessage, out: &mut Outbox<HeartbeatMessage>) {
        let source = EventSource::Heard(message.from);
        for &beat in &*message.beats {
            self.hear(now, beat, source, out);
        }
        self.hear_votes(now, message.from, &message.silent, out);
        match (message.kind, message.wants_reply) {
            (MessageKind::Sync, true) => self.send(from, Content::table(self.known()), out),
            (MessageKind::Sync, false) => self.seeds.clear(),
            (_, true) => {
                let better = |beat: &Heartbeat| {
                    let row = &self.rows[self.find(beat.id).ok()?];
                    (row.out.is_none() && row.beat.count > beat.count).then_some(row.beat)
                };
                let beats: Arc<[Heartbeat]> = message.beats.iter().filter_map(better).collect();
                if !beats.is_empty() {
                    self.send(from, Content::gossip(beats), out);
                }
            }
            _ => {}
        }
    }

    fn wake(&mut self, now: Time, out: &mut Outbox<HeartbeatMessage>) {
        if self.next_beat <= now {
            self.beat(now, out);
        }
        if self.next_check <= now {
            self.check(now, out);
        }
    }

    fn deadline(&self) -> Time {
        self.next_beat.min(self.next_check)
    }

    fn kind(message: &HeartbeatMessage) -> MessageKind {
        message.kind
    }

    fn members(&self) -> Option<u32> {
        Some(self.group_size())
    }

    fn gauge(&self) -> Gauge {
        Gauge { tombstones: self.rows.len() - self.living as usize, ..Gauge::default() }
    }
}

impl<R: Rules> HeartbeatDetector<R> {
    /// The number of members that it believes to be alive, itself included.
    fn group_size(&self) -> u32 {
        self.living + 1
    }

    /// Sends a round of heartbeats.
    fn beat(&mut self, now: Time, out: &mut Outbox<HeartbeatMessage>) {
        self.next_beat = (self.next_beat + self.rules.period()).max(now);
        self.forget(now, out);
        self.own.count.beats += 1;
        if !self.seeds.is_empty() {
            self.ask_seed(out);
        }
        let wants_reply = self.rules.pulls();
        let beats = if self.rules.relays() { self.known() } else { [self.own].into() };
        let packets: Vec<Arc<[Heartbeat]>> = match beats.len() {
            0..=HeartbeatMessage::BEATS => vec![beats],
            _ => beats.chunks(HeartbeatMessage::BEATS).map(Arc::from).collect(),
        };
        for to in self.audience() {
            for packet in &packets {
                let content = Content { wants_reply, ..Content::gossip(Arc::clone(packet)) };
                self.send(to, content, out);
            }
        }
    }

    /// Declares members overdue that are silent for too long.
    fn check(&mut self, now: Time, out: &mut Outbox<HeartbeatMessage>) {
        let n = self.group_size();
        for at in 0..self.rows.len() {
            let row = &mut self.rows[at];
            if !row.silent && row.out.is_none() && row.heard + self.rules.patience(&row.pulse, n) <= now {
                row.silent = true;
                if self.rules.votes() {
                    let event = row.event(EventKind::Suspected, EventSource::Own);
                    out.events.push(event);
                }
                self.judge(now, at, EventSource::Own, out);
            }
        }
        self.plan_check();
    }

    fn plan_check(&mut self) {
        let n = self.group_size();
        let waiting = self.rows.iter().filter(|row| !row.silent && row.out.is_none());
        let due = waiting.map(|row| row.heard + self.rules.patience(&row.pulse, n));
        self.next_check = due.min().unwrap_or(Time::NEVER);
    }

    /// Records a heartbeat, the sender's own or a relayed one.
    fn hear(&mut self, now: Time, beat: Heartbeat, source: EventSource, out: &mut Outbox<HeartbeatMessage>) {
        if beat.id == self.own.id {
            return;
        }
        let n = self.group_size();
        let at = match self.find(beat.id) {
            Ok(at) => at,
            Err(_) if beat.left => return,
            Err(at) => {
                let row = Row::new(beat, now);
                out.events.push(row.event(EventKind::Joined, source));
                self.next_check = self.next_check.min(now + self.rules.patience(&row.pulse, n));
                self.rows.insert(at, row);
                self.living += 1;
                return;
            }
        };
        let row = &mut self.rows[at];
        if beat.count <= row.beat.count {
            return;
        }
        if beat.count.generation == row.beat.count.generation && row.out.is_none() {
            self.rules.beat(&mut row.pulse, now.since(row.heard));
        } else {
            row.pulse = R::Pulse::default();
        }
        if row.silent && self.rules.votes() && row.out.is_none() {
            out.events.push(row.event(EventKind::Refuted, source));
        }
        (row.beat, row.heard, row.silent) = (beat, now, false);
        self.next_check = self.next_check.min(now + self.rules.patience(&row.pulse, n));
        self.judge(now, at, source, out);
    }

    /// Records a member's list of overdue members.
    fn hear_votes(&mut self, now: Time, by: Id, misses: &Arc<[Id]>, out: &mut Outbox<HeartbeatMessage>) {
        let Ok(at) = self.find(by) else { return };
        if self.rows[at].misses == *misses {
            return;
        }
        let before = std::mem::replace(&mut self.rows[at].misses, Arc::clone(misses));
        for id in before.iter().chain(&**misses) {
            let Ok(at) = self.find(*id) else { continue };
            self.rows[at].missed_by.retain(|other| *other != by);
            if misses.contains(id) {
                self.rows[at].missed_by.push(by);
            }
            self.judge(now, at, EventSource::Heard(by), out);
        }
    }

    /// Decides whether a member is dead or gone, and reports a change.
    fn judge(&mut self, now: Time, at: usize, source: EventSource, out: &mut Outbox<HeartbeatMessage>) {
        let n = self.group_size();
        let row = &mut self.rows[at];
        let against = row.missed_by.len() as u32 + u32::from(row.silent);
        let is_out = row.beat.left || if self.rules.votes() { 2 * against > n } else { row.silent };
        match (row.out, is_out) {
            (None, true) => {
                row.out = Some(now);
                let kind = if row.beat.left { EventKind::Left } else { EventKind::Died };
                let event = row.event(kind, source);
                out.events.push(event);
                self.living -= 1;
                // The dead have no vote.
                let (id, misses) = (row.beat.id, std::mem::take(&mut row.misses));
                for missed in &*misses {
                    if let Ok(at) = self.find(*missed) {
                        self.rows[at].missed_by.retain(|other| *other != id);
                    }
                }
            }
            (Some(_), false) => {
                row.out = None;
                let event = row.event(EventKind::Joined, source);
                out.events.push(event);
                self.living += 1;
            }
            _ => {}
        }
    }

    fn forget(&mut self, now: Time, out: &mut Outbox<HeartbeatMessage>) {
        let before = now - self.rules.memory(self.group_size());
        self.rows.retain(|row| {
            let stays = row.out.is_none_or(|since| since > before || before == Time::ZERO);
            if !stays {
                out.events.push(row.event(EventKind::Forgotten, EventSource::Own));
            }
            stays
        });
    }

    fn ask_seed(&mut self, out: &mut Outbox<HeartbeatMessage>) {
        if let Some(&seed) = self.seeds.get(self.asked % self.seeds.len().max(1)) {
            self.asked += 1;
            self.send(seed, Content { wants_reply: true, ..Content::table([self.own].into()) }, out);
        }
    }

    /// The receivers of this round.
    fn audience(&mut self) -> Vec<Address> {
        let addresses = |rows: &[Row<R::Pulse>], fits: fn(&Row<R::Pulse>) -> bool| -> Vec<Address> {
            rows.iter().filter(|row| fits(row)).map(|row| row.beat.address).collect()
        };
        match self.rules.reach() {
            Reach::Everyone => addresses(&self.rows, |row| !row.beat.left),
            Reach::Random(most) => {
                let mut living = addresses(&self.rows, |row| row.out.is_none());
                let picks = (most as usize).min(living.len());
                for at in 0..picks {
                    let other = at + below(&mut self.rng, (living.len() - at) as u32) as usize;
                    living.swap(at, other);
                }
                let total = living.len() as u32;
                living.truncate(picks);
                let dead = addresses(&self.rows, |row| row.out.is_some() && !row.beat.left);
                if !dead.is_empty() && below(&mut self.rng, total + 1) < dead.len() as u32 {
                    living.push(dead[below(&mut self.rng, dead.len() as u32) as usize]);
                }
                living
            }
        }
    }

    /// All heartbeats to relay: of living members, and the last ones of members that left.
    fn known(&self) -> Arc<[Heartbeat]> {
        let worth = self.rows.iter().filter(|row| row.out.is_none() || row.beat.left);
        std::iter::once(self.own).chain(worth.map(|row| row.beat)).collect()
    }

    fn send(&self, to: Address, content: Content, out: &mut Outbox<HeartbeatMessage>) {
        let Content { kind, beats, wants_reply } = content;
        let silent = match self.rules.votes() {
            true => self.rows.iter().filter(|row| row.silent).map(|row| row.beat.id).collect(),
            false => Arc::default(),
        };
        let message = HeartbeatMessage { from: self.own.id, kind, beats, silent, wants_reply };
        let (bytes, stream) = (message.bytes(), kind == MessageKind::Sync);
        out.transmits.push(Transmit { to, bytes, stream, direct_ping: false, message });
    }

    fn find(&self, id: Id) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&id, |row| row.beat.id)
    }
}

impl Content {
    /// Heartbeats that need no reply.
    fn gossip(beats: Arc<[Heartbeat]>) -> Self {
        Self { kind: MessageKind::Gossip, beats, wants_reply: false }
    }

    /// The table for a joiner, or from one.
    fn table(beats: Arc<[Heartbeat]>) -> Self {
        Self { kind: MessageKind::Sync, beats, wants_reply: false }
    }
}

impl<P: Default> Row<P> {
    fn new(beat: Heartbeat, heard: Time) -> Self {
        let (misses, missed_by) = (Arc::default(), SmallVec::new());
        Self { beat, heard, pulse: P::default(), out: None, silent: false, misses, missed_by }
    }
}

impl<P> Row<P> {
    fn event(&self, kind: EventKind, source: EventSource) -> Event {
        let incarnation = Incarnation::of_generation(self.beat.count.generation);
        Event { about: self.beat.id, incarnation, kind, source }
    }
}
