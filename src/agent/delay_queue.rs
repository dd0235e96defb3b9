//! Packets that an experiment's network holds back until the time at which they leave.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use tokio::sync::oneshot;

use crate::protocol::{Address, Packet, Time};

/// The most packets in a queue; further ones are lost.
pub(super) const CAPACITY: usize = 100_000;

/// Outgoing packets, ordered by departure.
#[derive(Default)]
pub(super) struct DelayQueue {
    waiting: BinaryHeap<Reverse<Delayed>>,
    /// Number of packets ever added: orders those of one time.
    count: u64,
}

/// A packet in the form in which it leaves.
pub(super) enum Outgoing {
    /// Encoded bytes.
    Datagram(Address, Box<[u8]>),
    /// Begins an exchange over a stream.
    Request(Address, Packet),
    /// Ends an exchange over a stream.
    Answer(oneshot::Sender<Packet>, Packet),
}

struct Delayed {
    at: Time,
    order: u64,
    outgoing: Outgoing,
}

impl DelayQueue {
    /// The time of the next departure; [`Time::NEVER`] if the queue is empty.
    pub(super) fn next(&self) -> Time {
        self.waiting.peek().map_or(Time::NEVER, |Reverse(delayed)| delayed.at)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds a packet. `false`: the queue is full, and the packet is lost.
    pub(super) fn add(&mut self, at: Time, outgoing: Outgoing) -> bool {
        let has_room = self.waiting.len() < CAPACITY;
        if has_room {
            self.count += 1;
            self.waiting.push(Reverse(Delayed { at, order: self.count, outgoing }));
        }
        has_room
    }

    /// Takes out the next packet if it is due.
    pub(super) fn pop_due(&mut self, now: Time) -> Option<Outgoing> {
        if self.next() > now {
            return None;
        }
        self.waiting.pop().map(|Reverse(delayed)| delayed.outgoing)
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
    fn packets_leave_in_the_order_of_their_times_and_then_of_their_arrival() {
        let mut queue = DelayQueue::default();
        let to = Address { ip: [0; 16], port: 0 };
        for (us, name) in [(30, 0), (10, 1), (30, 2), (20, 3)] {
            assert!(queue.add(Time::from_micros(us), Outgoing::Datagram(to, [name].into())));
        }
        assert_eq!(queue.next(), Time::from_micros(10));
        let mut due = |us| {
            let mut names = Vec::new();
            while let Some(Outgoing::Datagram(_, bytes)) = queue.pop_due(Time::from_micros(us)) {
                names.push(bytes[0]);
            }
            names
        };
        assert_eq!([due(9), due(20), due(29), due(30)], [vec![], vec![1, 3], vec![], vec![0, 2]]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_packet_beyond_the_capacity_is_lost() {
        let (mut queue, to) = (DelayQueue::default(), Address { ip: [0; 16], port: 0 });
        let packet = || Outgoing::Datagram(to, Box::default());
        assert!((0..CAPACITY).all(|_| queue.add(Time::ZERO, packet())));
        assert!(!queue.add(Time::ZERO, packet()));
        assert!(queue.pop_due(Time::ZERO).is_some());
        assert!(queue.add(Time::ZERO, packet()));
    }
}
