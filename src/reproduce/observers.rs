//! Observers for values that the common measures do not include.

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::{Event, EventKind, MessageKind, Span, Time};
use crate::sim::{Effect, FaultEvent, IdIndex, MemberIndex, Observer, Sent, Setup, Start};

/// Number of messages after the warm-up.
pub(super) struct Load {
    from: Time,
    pub sent: u64,
    pub received: u64,
}

impl Load {
    pub(super) fn new(setup: &Setup) -> Self {
        Self { from: Time::ZERO + setup.warmup, sent: 0, received: 0 }
    }
}

impl Observer for Load {
    fn sent(&mut self, sent: &Sent) {
        self.sent += u64::from(sent.at >= self.from);
    }

    fn delivered(&mut self, at: Time, _: &Sent) {
        self.received += u64::from(at >= self.from);
    }
}

/// Number of probes, and of those without any answer, for members that ping one other per period. A probe of a suspect
/// counts as any other, though it is no new suspicion if it fails.
#[derive(Default)]
pub(super) struct Probes {
    /// By member: the target of its probe that is under way, and whether an answer has come.
    under_way: BTreeMap<MemberIndex, (MemberIndex, bool)>,
    pub finished: u64,
    pub unanswered: u64,
}

impl Observer for Probes {
    fn sent(&mut self, sent: &Sent) {
        if sent.direct_ping
            && let Some((_, is_answered)) = self.under_way.insert(sent.from, (sent.to, false))
        {
            self.finished += 1;
            self.unanswered += u64::from(!is_answered);
        }
    }

    fn delivered(&mut self, _: Time, sent: &Sent) {
        let Some((target, is_answered)) = self.under_way.get_mut(&sent.to) else { return };
        *is_answered |= match sent.kind {
            MessageKind::Ack => sent.from == *target,
            // A helper's answer comes long before the next probe.
            MessageKind::IndirectAck => true,
            _ => false,
        };
    }
}

/// The maximum number of pings of a member from one ping of a peer to the next ping of the same peer.
#[derive(Default)]
pub(super) struct Gaps {
    sent: BTreeMap<MemberIndex, u64>,
    last: BTreeMap<(MemberIndex, MemberIndex), u64>,
    pub widest: u64,
}

impl Observer for Gaps {
    fn sent(&mut self, sent: &Sent) {
        if sent.direct_ping {
            let count = self.sent.entry(sent.from).or_default();
            *count += 1;
            if let Some(last) = self.last.insert((sent.from, sent.to), *count) {
                self.widest = self.widest.max(*count - last);
            }
        }
    }
}

/// The group sizes that members see, themselves included.
pub(super) struct Sizes {
    counts: Vec<u32>,
    up: Vec<bool>,
    /// All sizes that any member saw at any time.
    pub seen: BTreeSet<u32>,
}

impl Sizes {
    pub(super) fn new(setup: &Setup) -> Self {
        let hosts = setup.placement.members();
        let is_initial = |member| member < setup.members;
        let count = |member| if is_initial(member) && setup.start == Start::Joined { setup.members } else { 1 };
        let counts: Vec<u32> = (0..hosts).map(count).collect();
        Self { seen: counts.iter().copied().collect(), counts, up: (0..hosts).map(is_initial).collect() }
    }

    /// The mean over the running members.
    pub(super) fn mean(&self) -> f64 {
        let up = || self.up.iter().zip(&self.counts).filter(|(up, _)| **up);
        up().map(|(_, count)| f64::from(*count)).sum::<f64>() / up().count().max(1) as f64
    }
}

impl Observer for Sizes {
    fn event(&mut self, _: Time, member: MemberIndex, event: &Event) {
        let count = &mut self.counts[member as usize];
        match event.kind {
            EventKind::Joined => *count += 1,
            EventKind::Died | EventKind::Left => *count -= 1,
            _ => return,
        }
        self.seen.insert(*count);
    }

    fn fault(&mut self, fault_event: &FaultEvent) {
        let member = fault_event.member as usize;
        match fault_event.effect {
            Effect::Crashed | Effect::Left => self.up[member] = false,
            Effect::Joined | Effect::Restarted => (self.up[member], self.counts[member]) = (true, 1),
            _ => {}
        }
    }
}

/// The times at which initial members learned that the member affected by a fault has joined or died.
pub(super) struct Infection {
    initial_members: u32,
    ids: IdIndex,
    subject: Option<MemberIndex>,
    what: EventKind,
    times: Vec<Time>,
}

impl Infection {
    pub(super) fn new(setup: &Setup, what: EventKind) -> Self {
        let ids = IdIndex::new(setup.placement.peers.iter().map(|peer| peer.id));
        Self { initial_members: setup.members, ids, subject: None, what, times: Vec::new() }
    }

    /// The times in seconds since `count` members were informed; empty if fewer ever were.
    pub(super) fn seconds_from(&self, count: usize) -> Vec<f64> {
        let Some(&from) = self.times.get(count - 1) else { return Vec::new() };
        let seconds = |time: &Time| time.as_secs_f64() - from.as_secs_f64();
        self.times.iter().map(seconds).collect()
    }
}

impl Observer for Infection {
    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        let is_learned = event.kind == self.what && self.ids.index(event.about) == self.subject;
        if is_learned && self.subject.is_some() && member < self.initial_members {
            self.times.push(at);
        }
    }

    fn fault(&mut self, fault_event: &FaultEvent) {
        self.subject.get_or_insert(fault_event.member);
    }
}

/// The number of periods in which each member is pinged, with synchronous periods.
pub(super) struct Turns {
    from: Time,
    period: Span,
    last: Vec<u64>,
    hits: Vec<u32>,
    periods: u64,
}

impl Turns {
    pub(super) fn new(setup: &Setup) -> Self {
        let hosts = setup.placement.members() as usize;
        let periods = setup.duration.as_micros() / setup.period.as_micros();
        let from = Time::ZERO + setup.warmup;
        Self { from, period: setup.period, last: vec![u64::MAX; hosts], hits: vec![0; hosts], periods }
    }

    /// The expected number of periods to the next ping of each member, as draws of different periods are independent.
    pub(super) fn expected(&self) -> Vec<f64> {
        self.hits.iter().map(|&hits| self.periods as f64 / f64::from(hits)).collect()
    }
}

impl Observer for Turns {
    fn sent(&mut self, sent: &Sent) {
        if !sent.direct_ping || sent.at < self.from {
            return;
        }
        let period = sent.at.since(self.from).as_micros() / self.period.as_micros();
        let to = sent.to as usize;
        if period < self.periods && self.last[to] != period {
            self.last[to] = period;
            self.hits[to] += 1;
        }
    }
}

/// The times at which healthy members declare those with an anomaly dead.
pub(super) struct Noticed {
    anomalous: Vec<Option<Time>>,
    ids: IdIndex,
    /// For each anomalous member, the times at which healthy members first declared it dead, in seconds since its
    /// anomaly.
    noticed: BTreeMap<MemberIndex, BTreeMap<MemberIndex, f64>>,
}

impl Noticed {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            anomalous: vec![None; setup.placement.members() as usize],
            ids: IdIndex::new(setup.placement.peers.iter().map(|peer| peer.id)),
            noticed: BTreeMap::new(),
        }
    }

    /// For each anomalous member, the times at which the first and the last healthy member declared it dead; `None` if
    /// not reached.
    pub(super) fn delays(&self) -> Vec<[Option<f64>; 2]> {
        let healthy = self.anomalous.iter().filter(|since| since.is_none()).count();
        let anomalous = (0..).zip(&self.anomalous).filter(|(_, since)| since.is_some());
        let delay = |(member, _): (MemberIndex, _)| {
            let times: Vec<f64> = self.noticed.get(&member).into_iter().flat_map(BTreeMap::values).copied().collect();
            let first = times.iter().copied().reduce(f64::min);
            [first, times.iter().copied().reduce(f64::max).filter(|_| times.len() == healthy)]
        };
        anomalous.map(delay).collect()
    }
}

impl Observer for Noticed {
    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        if event.kind != EventKind::Died || self.anomalous[member as usize].is_some() {
            return;
        }
        let Some(about) = self.ids.index(event.about) else { return };
        if let Some(since) = self.anomalous[about as usize] {
            let delay = at.since(since).as_secs_f64();
            self.noticed.entry(about).or_default().entry(member).or_insert(delay);
        }
    }

    fn fault(&mut self, fault_event: &FaultEvent) {
        if fault_event.effect == Effect::Disturbed {
            self.anomalous[fault_event.member as usize].get_or_insert(fault_event.at);
        }
    }
}

/// Declarations of faulty members as dead, and their returns.
pub(super) struct Removals {
    ids: IdIndex,
    faulty: BTreeSet<MemberIndex>,
    members: u32,
    /// By observer and faulty member: whether it is recorded as dead, and the number of its returns.
    records: BTreeMap<(MemberIndex, MemberIndex), (bool, u32)>,
}

impl Removals {
    pub(super) fn new(setup: &Setup) -> Self {
        let ids = IdIndex::new(setup.placement.peers.iter().map(|peer| peer.id));
        Self { ids, faulty: BTreeSet::new(), members: setup.members, records: BTreeMap::new() }
    }

    /// The number of returns of a faulty member in the table of a healthy one, on average over all pairs.
    pub(super) fn returns(&self) -> f64 {
        let all: u32 = self.pairs().map(|(_, returns)| returns).sum();
        f64::from(all) / (f64::from(self.members - self.faulty.len() as u32) * self.faulty.len() as f64)
    }

    /// The share of faulty members that all healthy members have recorded as dead at the end, without a return before.
    pub(super) fn removed(&self) -> f64 {
        let healthy = self.members as usize - self.faulty.len();
        let dead_to = |faulty: MemberIndex| {
            let of_it = self
                .records
                .iter()
                .filter(|((observer, about), _)| *about == faulty && !self.faulty.contains(observer));
            of_it.filter(|(_, (dead, returns))| *dead && *returns == 0).count()
        };
        let removed = self.faulty.iter().filter(|&&faulty| dead_to(faulty) == healthy).count();
        removed as f64 / self.faulty.len() as f64
    }

    fn pairs(&self) -> impl Iterator<Item = (bool, u32)> {
        self.records.iter().filter(|((observer, _), _)| !self.faulty.contains(observer)).map(|(_, &records)| records)
    }
}

impl Observer for Removals {
    fn event(&mut self, _: Time, member: MemberIndex, event: &Event) {
        let Some(about) = self.ids.index(event.about).filter(|about| self.faulty.contains(about)) else { return };
        let (dead, returns) = self.records.entry((member, about)).or_default();
        match event.kind {
            EventKind::Died => *dead = true,
            EventKind::Joined => {
                *returns += u32::from(*dead);
                *dead = false;
            }
            _ => {}
        }
    }

    fn fault(&mut self, fault_event: &FaultEvent) {
        if matches!(fault_event.effect, Effect::Crashed | Effect::Disturbed) {
            self.faulty.insert(fault_event.member);
        }
    }
}
