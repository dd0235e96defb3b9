//! A network in virtual time: members that ask and answer, a delay, and losses.

use std::collections::BTreeMap;

use swimlab_selectors::rng::{Purpose, Rng, stream, unit};

use super::super::answerer::{Answerer, Delivery, Key};
use super::super::asker::{Asker, Question, Report};
use super::super::message::{Message, Outcome};
use super::super::outgoing::Outgoing;
use crate::protocol::{Id, Span, Time};

/// Members with the ids 0, 1, .... Member 0 asks.
pub(super) struct Network {
    pub now: Time,
    pub asker: Asker,
    pub members: Vec<Answerer>,
    pub delay: Span,
    /// The probability with which a datagram is lost.
    pub loss: f64,
    /// The time that an application takes for its answer; `None`: it never answers.
    pub answers_after: fn(Id) -> Option<Span>,
    pub reports: Vec<Report>,
    /// Queries handed to applications.
    pub delivered: Vec<(Id, Delivery)>,
    /// The times at which datagrams arrived at the asker.
    pub arrivals: Vec<Time>,
    pub sent: u64,
    events: BTreeMap<(Time, u64), Event>,
    rng: Rng,
    count: u64,
}

enum Event {
    Arrival { from: Id, to: Id, payload: Vec<u8> },
    Reply { member: Id, key: Key },
}

impl Network {
    pub(super) fn new(seed: u64, n: usize) -> Self {
        Self {
            now: Time::ZERO,
            asker: Asker::default(),
            members: (0..n).map(|_| Answerer::default()).collect(),
            delay: Span::from_millis(5),
            loss: 0.0,
            answers_after: |_| Some(Span::from_millis(1)),
            reports: Vec::new(),
            delivered: Vec::new(),
            arrivals: Vec::new(),
            sent: 0,
            events: BTreeMap::new(),
            rng: stream(seed, Purpose::Network, 0),
            count: 0,
        }
    }

    /// Asks all members.
    pub(super) fn ask(&mut self, number: u64, timeout: Span, count: Option<u32>) {
        let members = (0..self.members.len() as Id).collect();
        let question = Question { number, name: "q".into(), payload: [1].into(), timeout, count, members };
        self.asker.start(self.now, question).unwrap();
    }

    /// Runs until nothing happens any more, or this time.
    pub(super) fn run_until(&mut self, end: Time) {
        loop {
            let event = self.events.keys().next().map_or(Time::NEVER, |(at, _)| *at);
            let wake = self.asker.deadline();
            let next = event.min(wake);
            if next > end || next == Time::NEVER {
                return;
            }
            self.now = self.now.max(next);
            let mut out = Outgoing::new();
            if wake <= event {
                self.asker.wake(self.now, &mut out, &mut self.reports);
                self.send(0, out);
            } else if let Some((_, event)) = self.events.pop_first() {
                self.happen(event);
            }
        }
    }

    fn happen(&mut self, event: Event) {
        let (now, mut out) = (self.now, Outgoing::new());
        match event {
            Event::Reply { member, key } => {
                self.members[member as usize].reply(now, key, Outcome::Answered([member as u8].into()), &mut out);
                self.send(member, out);
            }
            Event::Arrival { from, to, payload } => {
                let message = Message::decode(&payload).unwrap();
                if to == 0 {
                    self.arrivals.push(now);
                    self.asker.handle(now, from, &message, &mut out, &mut self.reports);
                }
                let delivery = self.members[to as usize].handle(now, from, &message, &mut out);
                self.send(to, out);
                if let Some(delivery) = delivery {
                    if let Some(after) = (self.answers_after)(to) {
                        self.schedule(now + after, Event::Reply { member: to, key: delivery.key });
                    }
                    self.delivered.push((to, delivery));
                }
            }
        }
    }

    fn send(&mut self, from: Id, out: Outgoing) {
        for (to, payload) in out {
            self.sent += 1;
            if self.loss == 0.0 || unit(&mut self.rng) >= self.loss {
                self.schedule(self.now + self.delay, Event::Arrival { from, to, payload });
            }
        }
    }

    fn schedule(&mut self, at: Time, event: Event) {
        self.count += 1;
        self.events.insert((at, self.count), event);
    }

    /// The members whose answers have been reported, in the order of the reports.
    pub(super) fn answered(&self) -> Vec<Id> {
        self.reports.iter().filter_map(|report| report.answer.as_ref()).map(|(id, _)| *id).collect()
    }
}
