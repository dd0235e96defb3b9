//! The event queue: a ring of millisecond buckets for what is near, coarse buckets for what is far.
//!
//! A bucket is found by a shift instead of a heap's comparisons, and sorted when its time comes. Far events, mostly
//! timers, are appended to a few coarse buckets and dealt out to the ring when they come near: appending to two thousand
//! fine ones would touch as many cold cache lines. Entries are small; what a delivery carries lies in a slab beside.

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
    /// Buckets from the current one up to the horizon.
    ring: Vec<Vec<Due>>,
    /// What lies at the horizon or beyond, by coarse bucket.
    far: BTreeMap<u64, Vec<Due>>,
    /// An emptied coarse bucket, to be used again.
    spare: Vec<Due>,
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
/// A coarse bucket is as wide as 128 of them.
const COARSE_SHIFT: u32 = 7;
/// The ring holds the current coarse bucket and the next.
const BUCKETS: u64 = 2 << COARSE_SHIFT;

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
            spare: Vec::new(),
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
        } else if bucket >> COARSE_SHIFT <= (self.now >> COARSE_SHIFT) + 1 {
            self.ring[(bucket % BUCKETS) as usize].push(due);
            self.in_ring += 1;
        } else {
            let spare = &mut self.spare;
            self.far.entry(bucket >> COARSE_SHIFT).or_insert_with(|| std::mem::take(spare)).push(due);
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
        loop {
            let border = ((self.now >> COARSE_SHIFT) + 1) << COARSE_SHIFT;
            let is_taken = |bucket: &u64| !self.ring[(bucket % BUCKETS) as usize].is_empty();
            if self.in_ring > 0
                && let Some(next) = (self.now..border).find(is_taken)
            {
                if next > last {
                    return false;
                }
                self.begin(next);
                return true;
            }
            // Nothing is left in this coarse bucket: on to the next that matters.
            let next = if self.in_ring > 0 {
                border
            } else {
                let Some((&coarse, _)) = self.far.first_key_value() else { return false };
                border.max((coarse - 1) << COARSE_SHIFT)
            };
            if next > last {
                return false;
            }
            self.cross(next);
        }
    }

    /// Moves on to the beginning of a coarse bucket, and deals out the one after it.
    fn cross(&mut self, border: u64) {
        self.now = border;
        let next = (border >> COARSE_SHIFT) + 1;
        while let Some(entry) = self.far.first_entry().filter(|entry| *entry.key() <= next) {
            let mut events = entry.remove();
            self.in_ring += events.len();
            for due in events.drain(..) {
                self.ring[(bucket(due.at()) % BUCKETS) as usize].push(due);
            }
            self.spare = events;
        }
    }

    /// Makes a bucket of the ring the current one.
    fn begin(&mut self, bucket: u64) {
        self.now = bucket;
        let slot = &mut self.ring[(bucket % BUCKETS) as usize];
        self.in_ring -= slot.len();
        std::mem::swap(&mut self.current, slot);
        self.current.sort_unstable_by_key(|due| Reverse(due.key));
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
            pushes in proptest::collection::vec((prop_oneof![0u64..3_000, 0u64..400_000, 0u64..5_000_000], 0u32..4, 0u8..4), 1..300),
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
