//! A network in virtual time for tests: members that exchange states with random others, a delay, and losses.

use std::collections::{BTreeMap, BTreeSet};

use swimlab_selectors::rng::{Purpose, Rng, below, stream, unit};

use super::{exchange, store};
use crate::discovery::state::{Exchange, ExchangeConfig, Outgoing};
use crate::protocol::{Id, Span, Time};

/// Members with the ids 0, 1, ..., each of which knows all.
pub(super) struct Network {
    pub now: Time,
    pub members: Vec<Exchange>,
    pub delay: Span,
    /// The probability with which a datagram is lost.
    pub loss: f64,
    pub bytes_sent: u64,
    pub datagrams_sent: u64,
    in_flight: BTreeMap<(Time, u64), (Id, Id, Vec<u8>)>,
    wakes: BTreeSet<(Time, Id)>,
    rng: Rng,
}

impl Network {
    pub(super) fn new(seed: u64, n: Id, config: ExchangeConfig) -> Self {
        let members = (0..n).map(|me| {
            let rng = stream(seed, Purpose::Protocol, me);
            Exchange::new(Time::ZERO, config, store(me, (0..n).filter(|id| *id != me)), rng).unwrap()
        });
        let members: Vec<Exchange> = members.collect();
        let wakes = members.iter().zip(0..).map(|(member, id)| (member.deadline(), id)).collect();
        Self {
            now: Time::ZERO,
            members,
            delay: Span::from_millis(50),
            loss: 0.0,
            bytes_sent: 0,
            datagrams_sent: 0,
            in_flight: BTreeMap::new(),
            wakes,
            rng: stream(seed, Purpose::Network, 0),
        }
    }

    /// Replaces a member by one that knows nothing, in a next life.
    pub(super) fn restart(&mut self, id: Id, generation: u32) {
        let mut fresh = super::StateStore::new(id, generation);
        self.members.iter().map(|member| member.store().me()).for_each(|other| fresh.admit(other, 1).unwrap());
        self.change(id, |member| *member = exchange(ExchangeConfig::default(), fresh));
    }

    /// Calls a function with a member, whose deadline it may change.
    pub(super) fn change<T>(&mut self, id: Id, change: impl FnOnce(&mut Exchange) -> T) -> T {
        let member = &mut self.members[id as usize];
        self.wakes.remove(&(member.deadline(), id));
        let result = change(member);
        self.wakes.insert((member.deadline(), id));
        result
    }

    /// Runs all members until a time.
    pub(super) fn run_until(&mut self, end: Time) {
        loop {
            let wake = self.wakes.first().copied().unwrap_or((Time::NEVER, 0));
            let arrival = self.in_flight.keys().next().map_or(Time::NEVER, |(at, _)| *at);
            if wake.0.min(arrival) > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(wake.0.min(arrival));
            if arrival <= wake.0 {
                self.deliver();
            } else {
                self.wake(wake.1);
            }
        }
    }

    fn deliver(&mut self) {
        let Some((_, (from, to, payload))) = self.in_flight.pop_first() else { return };
        let (now, mut out) = (self.now, Vec::new());
        self.change(to, |member| member.handle(now, from, &payload, &mut out)).unwrap();
        self.send(to, out);
    }

    fn wake(&mut self, id: Id) {
        let (now, n, mut out) = (self.now, self.members.len() as u32, Vec::new());
        let mut rng = self.rng.clone();
        let mut partners = |count: usize| {
            let mut picks = BTreeSet::new();
            while picks.len() < count.min(n as usize - 1) {
                picks.extend(Some(Id::from(below(&mut rng, n))).filter(|pick| *pick != id));
            }
            picks.into_iter().collect()
        };
        self.change(id, |member| member.wake(now, &mut partners, &mut out));
        self.rng = rng;
        self.send(id, out);
    }

    fn send(&mut self, from: Id, out: Outgoing) {
        for (to, payload) in out {
            self.datagrams_sent += 1;
            self.bytes_sent += payload.len() as u64;
            if self.loss == 0.0 || unit(&mut self.rng) >= self.loss {
                self.in_flight.insert((self.now + self.delay, self.datagrams_sent), (from, to, payload));
            }
        }
    }
}
