//! Packets that an experiment's network holds back until it is time for them to leave.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use tokio::sync::oneshot;

use crate::protocol::{Address, Packet, Time};

/// The most packets that are held back; further ones are lost.
const MOST: usize = 100_000;

/// What waits, in the order of departure.
#[derive(Default)]
pub(super) struct DelayQueue {
    waiting: BinaryHeap<Reverse<Delayed>>,
    /// How many have ever waited.
    count: u64,
}

/// A packet in the form in which it leaves.
pub(super) enum Outgoing {
    Datagram(Address, Box<[u8]>),
    /// It begins an exchange over a stream.
    Request(Address, Packet),
    /// It ends one.
    Answer(oneshot::Sender<Packet>, Packet),
}

struct Delayed {
    at: Time,
    order: u64,
    outgoing: Outgoing,
}

impl DelayQueue {
    /// When the next one is due.
    pub fn next(&self) -> Time {
        self.waiting.peek().map_or(Time::NEVER, |Reverse(departure)| departure.at)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Lets a packet wait.
    pub fn add(&mut self, at: Time, outgoing: Outgoing) {
        if self.waiting.len() < MOST {
            self.count += 1;
            self.waiting.push(Reverse(Delayed { at, order: self.count, outgoing }));
        }
    }

    /// Takes out one that is due.
    pub fn pop(&mut self, now: Time) -> Option<Outgoing> {
        if self.next() > now {
            return None;
        }
        self.waiting.pop().map(|Reverse(departure)| departure.outgoing)
    }
}

impl PartialEq for Delayed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Delayed {}

impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Delayed {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_leave_by_their_time_and_then_in_the_order_in_which_they_came() {
        let mut departures = DelayQueue::default();
        let nobody = Address { ip: [0; 16], port: 0 };
        for (us, name) in [(30, 0), (10, 1), (30, 2), (20, 3)] {
            departures.add(Time::from_micros(us), Outgoing::Datagram(nobody, [name].into()));
        }
        assert_eq!(departures.next(), Time::from_micros(10));
        let mut due = |us| {
            let mut names = Vec::new();
            while let Some(Outgoing::Datagram(_, bytes)) = departures.pop(Time::from_micros(us)) {
                names.push(bytes[0]);
            }
            names
        };
        assert_eq!([due(9), due(20), due(29), due(30)], [vec![], vec![1, 3], vec![], vec![0, 2]]);
        assert!(departures.is_empty());
    }
}
