//! The event queue: a ring of millisecond buckets, far events apart.
//!
//! Most events lie within a second or two, so a bucket is found by a shift instead of a heap's comparisons; a bucket is
//! sorted when its time comes. Entries are small; what a delivery carries lies in a slab beside the ring.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

use super::observer::Index;
use crate::protocol::Time;

/// Something that is to happen to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    key: Key,
    /// Whom it concerns.
    pub target: Index,
    /// Where a delivery's packet lies; [`Due::WAKE`] for a wake-up.
    pub load: u32,
}

/// The total order of events, in one number because it is compared so often: the time, then for packets the sender and
/// the sender's count, for wake-ups the member, after all packets of the same microsecond.
type Key = u128;

/// The queue.
#[derive(Debug)]
pub struct Queue {
    ring: Vec<Vec<Due>>,
    /// Buckets beyond the ring.
    far: BTreeMap<u64, Vec<Due>>,
    /// The bucket that is being emptied, sorted descending: the next is the last.
    current: Vec<Due>,
    /// What was added to the current bucket while it is being emptied.
    late: BinaryHeap<Reverse<Due>>,
    /// The current bucket's number.
    now: u64,
    /// How many events the ring holds, the current bucket not counted.
    in_ring: usize,
}

/// A bucket is 1,024 microseconds wide.
const BUCKET_SHIFT: u32 = 10;
/// Two seconds ahead: a period and its timeouts, and any sensible delay.
const BUCKETS: u64 = 2048;

impl Due {
    /// The load of a wake-up.
    pub const WAKE: u32 = u32::MAX;

    /// A packet's delivery: the `count`-th of its sender.
    pub fn delivery(at: Time, sender: Index, count: u32, target: Index, load: u32) -> Self {
        Self { key: key(at, sender, count), target, load }
    }

    /// A wake-up.
    pub fn wake(at: Time, target: Index) -> Self {
        Self { key: key(at, Index::MAX, target), target, load: Self::WAKE }
    }

    /// When.
    pub fn at(&self) -> Time {
        Time::from_micros((self.key >> 64) as u64)
    }
}

fn key(at: Time, sender: Index, count: u32) -> Key {
    u128::from(at.as_micros()) << 64 | u128::from(sender) << 32 | u128::from(count)
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Default for Queue {
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

impl Queue {
    /// Adds an event, not earlier than the last that was taken.
    pub fn push(&mut self, due: Due) {
        let bucket = bucket(due.at());
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
    pub fn pop_before(&mut self, limit: Time) -> Option<Due> {
        loop {
            let late = self.late.peek().map(|Reverse(late)| *late);
            let next = match (self.current.last().copied(), late) {
                (Some(sorted), Some(late)) => sorted.min(late),
                (Some(next), None) | (None, Some(next)) => next,
                (None, None) => {
                    if !self.advance(bucket(limit)) {
                        return None;
                    }
                    continue;
                }
            };
            if next.at() >= limit {
                return None;
            }
            if late == Some(next) {
                self.late.pop();
            } else {
                self.current.pop();
            }
            return Some(next);
        }
    }

    /// The next few events of the current bucket, as far as they were known when it began.
    pub fn upcoming(&self, most: usize) -> impl Iterator<Item = &Due> {
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
        self.current.sort_unstable_by_key(|due| Reverse(due.key));
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

    fn due(at: u64, sender: u32) -> Due {
        Due::delivery(Time::from_micros(at), sender, 0, 0, 0)
    }

    proptest! {
        #[test]
        fn events_come_out_in_their_total_order(
            pushes in proptest::collection::vec((0u64..5_000_000, 0u32..4, 0u8..4), 1..300),
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
                    now = got.map_or(now, |due| due.at().as_micros());
                }
            }
            while let Some(Reverse(expected)) = heap.pop() {
                prop_assert_eq!(queue.pop_before(Time::NEVER), Some(expected));
            }
            prop_assert_eq!(queue.pop_before(Time::NEVER), None);
        }
    }

    #[test]
    fn a_wake_up_comes_after_the_packets_of_the_same_microsecond() {
        let mut queue = Queue::default();
        queue.push(Due::wake(Time::from_micros(7), 3));
        queue.push(due(7, 9));
        assert_eq!(queue.pop_before(Time::NEVER).map(|due| due.load), Some(0));
        assert_eq!(queue.pop_before(Time::NEVER).map(|due| due.load), Some(Due::WAKE));
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
