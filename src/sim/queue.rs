//! The event queue: a ring of millisecond buckets, far events apart.
//!
//! Most events lie within a second or two, so a bucket is found by a shift instead of a heap's comparisons; a bucket is
//! sorted when its time comes. Entries are small; what a delivery carries lies in a slab beside the ring.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::observer::Index;
use crate::protocol::Time;

/// Something that is to happen. Ordered by time, then by the sender and the sender's own count; a member's wake-up comes
/// after all packets of the same microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due<T> {
    /// When.
    pub at: Time,
    /// Sender and its count for a delivery, [`Due::WAKE`] for a wake-up.
    pub order: u64,
    /// Whom it concerns.
    pub target: Index,
    /// Where a delivery's packet lies.
    pub load: T,
}

/// The queue.
#[derive(Debug)]
pub struct Queue<T> {
    ring: Vec<Vec<Due<T>>>,
    /// Buckets beyond the ring.
    far: BTreeMap<u64, Vec<Due<T>>>,
    /// The bucket that is being emptied, sorted descending: the next is the last.
    current: Vec<Due<T>>,
    /// What was added to the current bucket while it is being emptied.
    late: BinaryHeap<Reverse<Due<T>>>,
    /// The current bucket's number.
    now: u64,
    /// How many events the ring holds, the current bucket not counted.
    in_ring: usize,
}

/// A bucket is 1,024 microseconds wide.
const BUCKET_SHIFT: u32 = 10;
/// Two seconds ahead: a period and its timeouts, and any sensible delay.
const BUCKETS: u64 = 2048;

impl<T: Copy + Ord> Due<T> {
    /// The order of wake-ups: after all packets.
    pub const WAKE: u64 = u64::MAX;
}

impl<T: Copy + Ord> Default for Queue<T> {
    fn default() -> Self {
        Self {
            ring: (0..BUCKETS).map(|_| Vec::new()).collect(),
            far: BTreeMap::new(),
            current: Vec::new(),
            late: BinaryHeap::new(),
            now: 0,
            in_ring: 0,
        }
    }
}

impl<T: Copy + Ord> Queue<T> {
    /// Adds an event, not earlier than the last that was taken.
    pub fn push(&mut self, due: Due<T>) {
        let bucket = bucket(due.at);
        if bucket <= self.now {
            self.late.push(Reverse(due));
        } else if bucket < self.now + BUCKETS {
            self.ring[(bucket % BUCKETS) as usize].push(due);
            self.in_ring += 1;
        } else {
            self.far.entry(bucket).or_default().push(due);
        }
    }

    /// Takes the next event before `limit`.
    pub fn pop_before(&mut self, limit: Time) -> Option<Due<T>> {
        loop {
            let next = match (self.current.last(), self.late.peek()) {
                (Some(sorted), Some(Reverse(late))) if late < sorted => *late,
                (Some(sorted), _) => *sorted,
                (None, Some(Reverse(late))) => *late,
                (None, None) => {
                    if !self.advance(bucket(limit)) {
                        return None;
                    }
                    continue;
                }
            };
            if next.at >= limit {
                return None;
            }
            if self.current.last() == Some(&next) {
                self.current.pop();
            } else {
                self.late.pop();
            }
            return Some(next);
        }
    }

    /// The next few events of the current bucket, as far as they were known when it began.
    pub fn upcoming(&self, most: usize) -> impl Iterator<Item = &Due<T>> {
        self.current.iter().rev().take(most)
    }

    /// Makes the next bucket that holds anything the current one, unless it lies beyond `last`.
    fn advance(&mut self, last: u64) -> bool {
        let far = self.far.first_key_value().map_or(u64::MAX, |(&bucket, _)| bucket);
        let mut next = self.now + 1;
        if self.in_ring == 0 {
            next = far;
        } else {
            while next < far && self.ring[(next % BUCKETS) as usize].is_empty() {
                next += 1;
            }
        }
        if next > last {
            // Times up to here are over; what lies between stays where it is found again.
            return false;
        }
        self.now = next;
        let slot = &mut self.ring[(next % BUCKETS) as usize];
        // A far bucket may have the same place in the ring as a nearer one that is long over: the ring only ever holds
        // buckets ahead, so this slot's events are those of `next`.
        self.in_ring -= slot.len();
        std::mem::swap(&mut self.current, slot);
        if far == next
            && let Some(mut more) = self.far.remove(&next)
        {
            self.current.append(&mut more);
        }
        self.current.sort_unstable_by(|a, b| b.cmp(a));
        true
    }
}

fn bucket(at: Time) -> u64 {
    at.as_micros() >> BUCKET_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn due(at: u64, order: u64) -> Due<u32> {
        Due { at: Time::from_micros(at), order, target: 0, load: 0 }
    }

    proptest! {
        #[test]
        fn events_come_out_in_their_total_order(
            pushes in proptest::collection::vec((0u64..5_000_000, 0u64..4, 0u8..4), 1..300),
        ) {
            let mut queue = Queue::default();
            let mut heap = BinaryHeap::new();
            let mut now = 0;
            for (ahead, order, pops) in pushes {
                let event = due(now + ahead, order);
                queue.push(event);
                heap.push(Reverse(event));
                for _ in 0..pops {
                    let (got, expected) = (queue.pop_before(Time::NEVER), heap.pop().map(|Reverse(due)| due));
                    prop_assert_eq!(got, expected);
                    now = got.map_or(now, |due| due.at.as_micros());
                }
            }
            while let Some(Reverse(expected)) = heap.pop() {
                prop_assert_eq!(queue.pop_before(Time::NEVER), Some(expected));
            }
            prop_assert_eq!(queue.pop_before(Time::NEVER), None);
        }
    }

    #[test]
    fn nothing_at_or_after_the_limit_is_taken() {
        let mut queue = Queue::default();
        queue.push(due(10_000_000, 0));
        queue.push(due(500, 0));
        assert_eq!(queue.pop_before(Time::from_micros(500)), None);
        assert_eq!(queue.pop_before(Time::from_micros(501)), Some(due(500, 0)));
        assert_eq!(queue.pop_before(Time::from_micros(9_000_000)), None);
        queue.push(due(9_000_000, 0));
        assert_eq!(queue.pop_before(Time::NEVER), Some(due(9_000_000, 0)));
        assert_eq!(queue.pop_before(Time::NEVER), Some(due(10_000_000, 0)));
    }
}
