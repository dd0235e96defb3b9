//! The event queue: a ring of fine buckets for near events, coarse buckets for far ones.
//!
//! A bucket is found by a shift instead of a heap's comparisons, and sorted when its time comes; fine ones are short,
//! and so is the sort. Far events, mostly wake-ups, are appended to a few coarse buckets and distributed over the ring
//! when they come near: appending to thousands of fine ones would touch as many cold cache lines, and most wake-ups are
//! rescheduled before they come near.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::hosts::Place;
use super::prefetch::{APPROACH, Announcer, Lookahead};
use super::ring::{BUCKET_SHIFT, COARSE_SHIFT, Ring, put};
use super::scheduled::{EventKey, ScheduledEvent};
use crate::protocol::Time;

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    /// Buckets from the current one up to the horizon.
    ring: Ring,
    /// Coarse buckets from the horizon on.
    far: Box<[Vec<ScheduledEvent>; COARSE_BUCKETS as usize]>,
    /// Emptied coarse buckets, to be reused while they are in the cache.
    far_spares: Vec<Vec<ScheduledEvent>>,
    /// Events beyond those, by coarse bucket.
    beyond: BTreeMap<u64, Vec<ScheduledEvent>>,
    /// The bucket that is being emptied, sorted in descending order: the next event is the last.
    current: Vec<ScheduledEvent>,
    /// Events added to the current bucket while it is being emptied.
    late: BinaryHeap<Reverse<ScheduledEvent>>,
    /// The current bucket's number.
    now: u64,
    announcer: Announcer,
}

/// The number of coarse buckets in `far`: more than eight seconds.
const COARSE_BUCKETS: u64 = 256;

impl Default for Queue {
    fn default() -> Self {
        Self {
            ring: Ring::default(),
            far: Box::new([const { Vec::new() }; COARSE_BUCKETS as usize]),
            far_spares: Vec::new(),
            beyond: BTreeMap::new(),
            current: Vec::new(),
            late: BinaryHeap::new(),
            now: 0,
            announcer: Announcer::default(),
        }
    }
}

impl Queue {
    /// Adds an event, not earlier than the last that was taken. Returns whether it comes so soon that it will not be
    /// announced any more.
    #[inline(always)]
    pub(super) fn push(&mut self, event: ScheduledEvent) -> bool {
        let bucket = bucket(event.at());
        let (coarse, now) = (bucket >> COARSE_SHIFT, self.now >> COARSE_SHIFT);
        // Inlined, and taken apart for the calls that are not: in one piece it would be written to memory and read
        // again at once, in larger pieces, for which the processor waits until all of it is written.
        let ScheduledEvent { key, target, load } = event;
        if bucket <= self.now {
            self.push_late(key, target, load);
        } else if coarse <= now + 1 {
            self.ring.put(bucket, event);
        } else if coarse - now < COARSE_BUCKETS {
            put(&mut self.far[(coarse % COARSE_BUCKETS) as usize], &mut self.far_spares, event);
        } else {
            self.push_beyond(coarse, key, target, load);
        }
        self.announcer.is_past(bucket)
    }

    /// Whether it holds no event.
    pub(super) fn is_empty(&self) -> bool {
        let is_near_empty = self.current.is_empty() && self.late.is_empty() && self.ring.is_empty();
        is_near_empty && self.beyond.is_empty() && self.far.iter().all(Vec::is_empty)
    }

    /// Takes the next event before `limit`. Inlined, although worlds on one and on several threads each call it.
    #[inline(always)]
    pub(super) fn pop_before(&mut self, limit: Time, lookahead: &mut impl Lookahead) -> Option<ScheduledEvent> {
        loop {
            // Late ones are rare.
            let late = self.late.peek().map(|Reverse(late)| late);
            match (self.current.last(), late) {
                (Some(next), late) if late.is_none_or(|late| next < late) => {
                    if next.at() >= limit {
                        return None;
                    }
                    if lookahead.is_enabled() {
                        self.announcer.announce_one(&self.ring, lookahead);
                    }
                    return self.current.pop();
                }
                (_, Some(next)) => {
                    return if next.at() < limit { self.late.pop().map(|Reverse(next)| next) } else { None };
                }
                (_, None) => {
                    // A bucket that begins at the limit stays one to which events can be added.
                    if !self.advance(last_bucket_before(limit), lookahead) {
                        return None;
                    }
                }
            }
        }
    }

    /// Makes the next occupied bucket the current one, unless it lies beyond `last`.
    #[inline(always)]
    fn advance(&mut self, last: u64, lookahead: &mut impl Lookahead) -> bool {
        loop {
            let border = ((self.now >> COARSE_SHIFT) + 1) << COARSE_SHIFT;
            if let Some(next) = self.ring.next_occupied(self.now, border) {
                if next > last {
                    return false;
                }
                let is_enabled = lookahead.is_enabled();
                if is_enabled {
                    self.announcer.announce_rest(&self.ring, lookahead);
                }
                self.begin(next);
                if is_enabled {
                    self.announcer.look_ahead(&self.ring, self.now, lookahead);
                }
                return true;
            }
            // This coarse bucket is empty: on to the next occupied one.
            let next = if self.ring.next_occupied(border, border + (1 << COARSE_SHIFT)).is_some() {
                border
            } else {
                let Some(coarse) = self.next_far(border >> COARSE_SHIFT) else { return false };
                border.max((coarse - 1) << COARSE_SHIFT)
            };
            if next > last {
                return false;
            }
            self.cross(next, lookahead);
        }
    }

    /// The first occupied coarse bucket beyond this one.
    fn next_far(&self, coarse: u64) -> Option<u64> {
        let near =
            (coarse + 1..coarse + COARSE_BUCKETS).find(|at| !self.far[(at % COARSE_BUCKETS) as usize].is_empty());
        near.into_iter().chain(self.beyond.keys().next().copied()).min()
    }

    /// Moves on to the beginning of a coarse bucket, and distributes the one after it over the ring.
    fn cross(&mut self, border: u64, lookahead: &mut impl Lookahead) {
        self.now = border;
        let next = (border >> COARSE_SHIFT) + 1;
        let mut events = std::mem::take(&mut self.far[(next % COARSE_BUCKETS) as usize]);
        if let Some(mut others) = self.beyond.remove(&next) {
            events.append(&mut others);
        }
        for (n, event) in events.iter().enumerate() {
            if lookahead.is_enabled()
                && let Some(later) = events.get(n + APPROACH)
            {
                lookahead.approaching(later);
            }
            let at = if event.load == ScheduledEvent::WAKE {
                lookahead.reschedule(event.target, event.at())
            } else {
                event.at()
            };
            if at == event.at() {
                self.ring.put(bucket(at), *event);
            } else if at != Time::NEVER {
                self.push(event.moved_to(at));
            }
        }
        events.clear();
        self.far_spares.push(events);
    }

    #[cold]
    fn push_late(&mut self, key: EventKey, target: Place, load: u32) {
        self.late.push(Reverse(ScheduledEvent { key, target, load }));
    }

    #[cold]
    fn push_beyond(&mut self, coarse: u64, key: EventKey, target: Place, load: u32) {
        self.beyond.entry(coarse).or_default().push(ScheduledEvent { key, target, load });
    }

    /// Makes a bucket of the ring the current one.
    fn begin(&mut self, bucket: u64) {
        self.now = bucket;
        let emptied = std::mem::take(&mut self.current);
        self.current = self.ring.replace(bucket, emptied);
        self.current.sort_unstable_by_key(|event| Reverse(event.key));
    }
}

fn bucket(at: Time) -> u64 {
    at.as_micros() >> BUCKET_SHIFT
}

/// The bucket of the last microsecond before `limit`.
fn last_bucket_before(limit: Time) -> u64 {
    limit.as_micros().saturating_sub(1) >> BUCKET_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn due(at: u64, sender: u32) -> ScheduledEvent {
        ScheduledEvent::delivery(Time::from_micros(at), sender, 0, Place::numbered(0), 0)
    }

    fn pop(queue: &mut Queue, limit: Time) -> Option<ScheduledEvent> {
        queue.pop_before(limit, &mut Reschedule(|_, at| at))
    }

    /// Reschedules by a function.
    struct Reschedule<F>(F);

    impl<F: FnMut(Place, Time) -> Time> Lookahead for Reschedule<F> {
        fn reschedule(&mut self, host: Place, at: Time) -> Time {
            (self.0)(host, at)
        }
        fn is_enabled(&self) -> bool {
            true
        }
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
                    let (got, expected) = (pop(&mut queue, Time::NEVER), heap.pop().map(|Reverse(due)| due));
                    prop_assert_eq!(got, expected);
                    now = got.map_or(now, |due| due.at().as_micros());
                }
            }
            while let Some(Reverse(expected)) = heap.pop() {
                prop_assert_eq!(pop(&mut queue, Time::NEVER), Some(expected));
            }
            prop_assert_eq!(pop(&mut queue, Time::NEVER), None);
        }
    }

    #[test]
    fn a_wake_up_comes_after_the_packets_of_the_same_microsecond() {
        let mut queue = Queue::default();
        queue.push(ScheduledEvent::wake(Time::from_micros(7), 3, Place::numbered(5)));
        queue.push(due(7, 9));
        assert_eq!(pop(&mut queue, Time::NEVER).map(|due| due.load), Some(0));
        assert_eq!(pop(&mut queue, Time::NEVER).map(|due| due.load), Some(ScheduledEvent::WAKE));
    }

    #[test]
    fn nothing_at_or_after_the_limit_is_taken() {
        let mut queue = Queue::default();
        queue.push(due(10_000_000, 0));
        queue.push(due(500, 0));
        assert_eq!(pop(&mut queue, Time::from_micros(500)), None);
        assert_eq!(pop(&mut queue, Time::from_micros(501)), Some(due(500, 0)));
        assert_eq!(pop(&mut queue, Time::from_micros(9_000_000)), None);
        queue.push(due(9_000_000, 0));
        assert_eq!(pop(&mut queue, Time::NEVER), Some(due(9_000_000, 0)));
        assert_eq!(pop(&mut queue, Time::NEVER), Some(due(10_000_000, 0)));
    }

    #[test]
    fn a_wake_up_can_be_rescheduled_or_canceled_before_it_comes_near() {
        let second = Time::from_micros(1_000_000);
        for (answer, comes) in [
            (second, Some(second)),
            (second + second.since(Time::ZERO), Some(Time::from_micros(2_000_000))),
            (Time::NEVER, None),
        ] {
            let mut queue = Queue::default();
            queue.push(ScheduledEvent::wake(second, 3, Place::numbered(5)));
            // Asked again each time it comes near.
            let reschedule = |host, at| {
                assert_eq!(host, Place::numbered(5));
                answer.max(at)
            };
            let came = queue.pop_before(Time::NEVER, &mut Reschedule(reschedule));
            assert_eq!(came.map(|due| due.at()), comes);
        }
    }
}
