//! The work written by hand, without a simulator: members are an array, and events wait in a queue.
//!
//! What a simulator takes beyond the ring is the price of its generality: detectors of any type, networks, faults,
//! observers and checkers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use swimlab::selectors::rng::{Purpose, Rng, below, stream};

use crate::work::{LATENCY_US, PERIOD_US, SEED, TALLY, Work};

/// An event, in the order of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    at_us: u64,
    member: u32,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Period,
    Ping { from: u32 },
    Ack,
}

/// A queue of events.
pub trait Queue {
    /// Adds an event.
    fn push(&mut self, event: Event);
    /// The earliest event, if there is one before `end_us`.
    fn pop_before(&mut self, end_us: u64) -> Option<Event>;
}

/// A world whose events wait in such a queue.
pub struct World<Q> {
    rng: Rng,
    is_pinged: Vec<bool>,
    queue: Q,
    work: Work,
}

impl<Q: Queue> World<Q> {
    /// The members of this work, at the beginning.
    pub fn new(work: Work, mut queue: Q) -> Self {
        let mut rng = stream(SEED, Purpose::Other(0), 0);
        for member in 0..work.members {
            let at_us = below(&mut rng, PERIOD_US as u32).into();
            queue.push(Event { at_us, member, kind: Kind::Period });
        }
        Self { rng, is_pinged: vec![false; work.members as usize], queue, work }
    }

    /// Does the work.
    pub fn run(mut self) {
        let others = self.work.members - 1;
        while let Some(Event { at_us, member, kind }) = self.queue.pop_before(self.work.end_us()) {
            match kind {
                Kind::Period => {
                    TALLY.period();
                    let other = (member + 1 + below(&mut self.rng, others)) % self.work.members;
                    self.send(at_us, other, Kind::Ping { from: member });
                    self.queue.push(Event { at_us: at_us + PERIOD_US, member, kind: Kind::Period });
                }
                Kind::Ping { from } => {
                    TALLY.ping(at_us, &mut self.is_pinged[member as usize]);
                    self.send(at_us, from, Kind::Ack);
                }
                Kind::Ack => TALLY.ack(),
            }
        }
    }

    fn send(&mut self, now_us: u64, to: u32, kind: Kind) {
        let spread = (LATENCY_US.1 - LATENCY_US.0 + 1) as u32;
        let at_us = now_us + LATENCY_US.0 + u64::from(below(&mut self.rng, spread));
        self.queue.push(Event { at_us, member: to, kind });
    }
}

/// A binary heap.
impl Queue for BinaryHeap<Reverse<Event>> {
    fn push(&mut self, event: Event) {
        BinaryHeap::push(self, Reverse(event));
    }

    fn pop_before(&mut self, end_us: u64) -> Option<Event> {
        self.peek().filter(|Reverse(event)| event.at_us < end_us)?;
        self.pop().map(|Reverse(event)| event)
    }
}

/// A ring of buckets of 1,024 µs, each of which is sorted when its time comes. No event is further ahead than a period,
/// and none falls into the bucket that is being emptied.
pub struct Ring {
    buckets: Vec<Vec<Event>>,
    /// The number of the bucket that is being emptied, and its events in descending order.
    current: u64,
    rest: Vec<Event>,
}

const BUCKET_BITS: u32 = 10;
const BUCKETS: u64 = 1024;

impl Default for Ring {
    fn default() -> Self {
        const { assert!(LATENCY_US.0 >> BUCKET_BITS > 0 && PERIOD_US >> BUCKET_BITS < BUCKETS - 1) };
        Self { buckets: vec![Vec::new(); BUCKETS as usize], current: 0, rest: Vec::new() }
    }
}

impl Queue for Ring {
    fn push(&mut self, event: Event) {
        self.buckets[((event.at_us >> BUCKET_BITS) % BUCKETS) as usize].push(event);
    }

    fn pop_before(&mut self, end_us: u64) -> Option<Event> {
        while self.rest.is_empty() {
            if self.current << BUCKET_BITS >= end_us {
                return None;
            }
            std::mem::swap(&mut self.rest, &mut self.buckets[(self.current % BUCKETS) as usize]);
            self.rest.sort_unstable_by_key(|event| Reverse((event.at_us, event.member)));
            self.current += 1;
        }
        self.rest.pop().filter(|event| event.at_us < end_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_hands_out_events_as_the_heap_does() {
        let mut rng = stream(SEED, Purpose::Other(0), 1);
        let (mut heap, mut ring) = (BinaryHeap::new(), Ring::default());
        let mut push = |heap: &mut BinaryHeap<Reverse<Event>>, ring: &mut Ring, now_us: u64, member| {
            let ahead_us = LATENCY_US.0 + u64::from(below(&mut rng, (PERIOD_US - LATENCY_US.0) as u32));
            let event = Event { at_us: now_us + ahead_us, member, kind: Kind::Period };
            Queue::push(heap, event);
            ring.push(event);
        };
        (0..100).for_each(|member| push(&mut heap, &mut ring, 0, member));
        for member in 100..10_000 {
            let (expected, event) = (heap.pop_before(u64::MAX), ring.pop_before(u64::MAX));
            assert!(expected == event);
            push(&mut heap, &mut ring, expected.expect("a hundred wait").at_us, member);
        }
    }
}
