//! The event queue: a ring of fine buckets for what is near, coarse buckets for what is far.
//!
//! A bucket is found by a shift instead of a heap's comparisons, and sorted when its time comes; fine ones are short, and
//! so is the sort. Far events, mostly wake-ups, are appended to a few coarse buckets and dealt out to the ring when they
//! come near: appending to thousands of fine ones would touch as many cold cache lines, and most wake-ups are put off
//! before they come near. Entries are small; what a delivery carries lies in a slab beside.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

use super::observer::MemberIndex;
use crate::protocol::Time;

/// Something that is to happen to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduledEvent {
    key: Key,
    /// Whom it concerns.
    pub target: MemberIndex,
    /// Where a delivery's packet lies; [`ScheduledEvent::WAKE`] for a wake-up.
    pub load: u32,
}

/// The total order of events: the time, then for packets the sender and the sender's count, for wake-ups the member,
/// after all packets of the same microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    at: Time,
    order: u64,
}

/// The queue.
#[derive(Debug)]
pub struct Queue {
    /// Buckets from the current one up to the horizon.
    ring: Box<Ring>,
    /// Which of them hold anything, a bit for each.
    taken: [u64; (BUCKETS / 64) as usize],
    /// Coarse buckets from the horizon on.
    far: Box<[Vec<ScheduledEvent>; COARSE_BUCKETS as usize]>,
    /// Emptied ones of either kind, to be used again while they are in the cache.
    ring_spares: Vec<Vec<ScheduledEvent>>,
    far_spares: Vec<Vec<ScheduledEvent>>,
    /// What lies beyond those, by coarse bucket.
    beyond: BTreeMap<u64, Vec<ScheduledEvent>>,
    /// The bucket that is being emptied, sorted descending: the next is the last.
    current: Vec<ScheduledEvent>,
    /// What was added to the current bucket while it is being emptied.
    late: BinaryHeap<Reverse<ScheduledEvent>>,
    /// The current bucket's number.
    now: u64,
    /// Up to which bucket events are being foretold as coming soon.
    looked_ahead: u64,
    /// What is left to foretell while the current bucket is being emptied.
    soon: Rest,
    next: Rest,
}

/// The buckets of the ring; the remainder of an event's bucket's number says which is its own.
type Ring = [Vec<ScheduledEvent>; BUCKETS as usize];

/// What is left of a bucket of the ring: its events from one on.
#[derive(Clone, Copy, Debug, Default)]
struct Rest {
    place: usize,
    from: usize,
}

/// Who hears ahead of time what comes.
pub trait Lookahead {
    /// Whether it wants to hear of events at all.
    fn is_enabled(&self) -> bool;
    /// An event comes near, in the order of tens of milliseconds: if it is a wake-up, it may soon be put off.
    fn approaching(&mut self, due: &ScheduledEvent);
    /// A wake-up of this member at this time comes near: when should it really come? Then, later, or never
    /// ([`Time::NEVER`]).
    fn reschedule(&mut self, member: MemberIndex, at: Time) -> Time;
    /// An event comes soon: in the order of milliseconds, after some twenty others.
    fn soon(&mut self, due: &ScheduledEvent);
    /// An event comes next: after some few others.
    fn next(&mut self, due: &ScheduledEvent);
}

/// A bucket is 128 microseconds wide.
const BUCKET_SHIFT: u32 = 7;
/// A coarse bucket is as wide as 256 of them, 33 milliseconds: few enough that the ring stays in the cache.
const COARSE_SHIFT: u32 = 8;
/// The ring holds the current coarse bucket and the next.
const BUCKETS: u64 = 2 << COARSE_SHIFT;
/// So many coarse buckets, more than eight seconds, have places of their own.
const COARSE_BUCKETS: u64 = 256;
/// Events of so many buckets beyond the current one are foretold.
const LOOKAHEAD_BUCKETS: u64 = 4;
/// Wake-ups are looked at so many ahead when a coarse bucket is dealt out.
const AHEAD: usize = 16;

impl ScheduledEvent {
    /// The load of a wake-up.
    pub const WAKE: u32 = u32::MAX;

    /// A packet's delivery: the `count`-th of its sender.
    pub fn delivery(at: Time, sender: MemberIndex, count: u32, target: MemberIndex, load: u32) -> Self {
        Self { key: key(at, sender, count), target, load }
    }

    /// A wake-up.
    pub fn wake(at: Time, target: MemberIndex) -> Self {
        Self { key: key(at, MemberIndex::MAX, target), target, load: Self::WAKE }
    }

    /// When.
    pub fn at(&self) -> Time {
        self.key.at
    }
}

fn key(at: Time, sender: MemberIndex, count: u32) -> Key {
    Key { at, order: u64::from(sender) << 32 | u64::from(count) }
}

impl Ord for ScheduledEvent {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for ScheduledEvent {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            ring: Box::new([const { Vec::new() }; BUCKETS as usize]),
            far: Box::new([const { Vec::new() }; COARSE_BUCKETS as usize]),
            ring_spares: Vec::new(),
            far_spares: Vec::new(),
            beyond: BTreeMap::new(),
            current: Vec::new(),
            late: BinaryHeap::new(),
            now: 0,
            looked_ahead: 0,
            soon: Rest::default(),
            next: Rest::default(),
            taken: [0; (BUCKETS / 64) as usize],
        }
    }
}

impl Queue {
    /// Adds an event, not earlier than the last that was taken. Tells whether it comes so soon that it will not be
    /// foretold any more.
    #[inline(always)]
    pub fn push(&mut self, due: ScheduledEvent) -> bool {
        let bucket = bucket(due.at());
        let (coarse, now) = (bucket >> COARSE_SHIFT, self.now >> COARSE_SHIFT);
        // Inlined, and taken apart for what is not: in one piece it would be written to memory and read again at once, in
        // larger pieces, for which the processor waits until all of it is written.
        let ScheduledEvent { key, target, load } = due;
        if bucket <= self.now {
            self.push_late(key, target, load);
        } else if coarse <= now + 1 {
            self.put(bucket, due);
        } else if coarse - now < COARSE_BUCKETS {
            put(&mut self.far[(coarse % COARSE_BUCKETS) as usize], &mut self.far_spares, due);
        } else {
            self.push_beyond(coarse, key, target, load);
        }
        bucket < self.looked_ahead
    }

    /// Takes the next event before `limit`.
    pub fn pop_before(&mut self, limit: Time, foresight: &mut impl Lookahead) -> Option<ScheduledEvent> {
        loop {
            // Late ones are rare.
            let late = self.late.peek().map(|Reverse(late)| late);
            match (self.current.last(), late) {
                (Some(next), late) if late.is_none_or(|late| next < late) => {
                    if next.at() >= limit {
                        return None;
                    }
                    if foresight.is_enabled() {
                        self.foretell_one(foresight);
                    }
                    return self.current.pop();
                }
                (_, Some(next)) => {
                    return if next.at() < limit { self.late.pop().map(|Reverse(next)| next) } else { None };
                }
                (_, None) => {
                    if !self.advance(bucket(limit), foresight) {
                        return None;
                    }
                }
            }
        }
    }

    /// Makes the next bucket that holds anything the current one, unless it lies beyond `last`.
    fn advance(&mut self, last: u64, foresight: &mut impl Lookahead) -> bool {
        loop {
            let border = ((self.now >> COARSE_SHIFT) + 1) << COARSE_SHIFT;
            if let Some(next) = self.next_taken(self.now, border) {
                if next > last {
                    return false;
                }
                let is_enabled = foresight.is_enabled();
                if is_enabled {
                    self.foretell_rest(foresight);
                }
                self.begin(next);
                if is_enabled {
                    self.look_ahead(foresight);
                }
                return true;
            }
            // Nothing is left in this coarse bucket: on to the next that matters.
            let next = if self.next_taken(border, border + (1 << COARSE_SHIFT)).is_some() {
                border
            } else {
                let Some(coarse) = self.next_far(border >> COARSE_SHIFT) else { return false };
                border.max((coarse - 1) << COARSE_SHIFT)
            };
            if next > last {
                return false;
            }
            self.cross(next, foresight);
        }
    }

    /// The first bucket that holds anything, from one up to another or a few more. Both lie in the ring.
    fn next_taken(&self, from: u64, to: u64) -> Option<u64> {
        let mut word = from / 64;
        let mut bits = self.taken[(word % (BUCKETS / 64)) as usize] & (u64::MAX << (from % 64));
        loop {
            if bits != 0 {
                return Some(word * 64 + u64::from(bits.trailing_zeros()));
            }
            word += 1;
            if word * 64 >= to {
                return None;
            }
            bits = self.taken[(word % (BUCKETS / 64)) as usize];
        }
    }

    /// The first coarse bucket beyond this one that holds anything.
    fn next_far(&self, coarse: u64) -> Option<u64> {
        let near =
            (coarse + 1..coarse + COARSE_BUCKETS).find(|at| !self.far[(at % COARSE_BUCKETS) as usize].is_empty());
        near.into_iter().chain(self.beyond.keys().next().copied()).min()
    }

    /// Moves on to the beginning of a coarse bucket, and deals out the one after it.
    fn cross(&mut self, border: u64, foresight: &mut impl Lookahead) {
        self.now = border;
        let next = (border >> COARSE_SHIFT) + 1;
        let mut events = std::mem::take(&mut self.far[(next % COARSE_BUCKETS) as usize]);
        if let Some(mut others) = self.beyond.remove(&next) {
            events.append(&mut others);
        }
        for (n, due) in events.iter().enumerate() {
            if foresight.is_enabled()
                && let Some(later) = events.get(n + AHEAD)
            {
                foresight.approaching(later);
            }
            let at =
                if due.load == ScheduledEvent::WAKE { foresight.reschedule(due.target, due.at()) } else { due.at() };
            if at == due.at() {
                self.put(bucket(at), *due);
            } else if at != Time::NEVER {
                self.push(ScheduledEvent::wake(at, due.target));
            }
        }
        events.clear();
        self.far_spares.push(events);
    }

    #[inline(always)]
    fn put(&mut self, bucket: u64, due: ScheduledEvent) {
        let place = bucket % BUCKETS;
        self.taken[(place / 64) as usize] |= 1 << (place % 64);
        put(&mut self.ring[place as usize], &mut self.ring_spares, due);
    }

    #[cold]
    fn push_late(&mut self, key: Key, target: MemberIndex, load: u32) {
        self.late.push(Reverse(ScheduledEvent { key, target, load }));
    }

    #[cold]
    fn push_beyond(&mut self, coarse: u64, key: Key, target: MemberIndex, load: u32) {
        self.beyond.entry(coarse).or_default().push(ScheduledEvent { key, target, load });
    }

    /// Makes a bucket of the ring the current one.
    fn begin(&mut self, bucket: u64) {
        self.now = bucket;
        let place = bucket % BUCKETS;
        self.taken[(place / 64) as usize] &= !(1 << (place % 64));
        let emptied = std::mem::replace(&mut self.current, std::mem::take(&mut self.ring[place as usize]));
        if emptied.capacity() > 0 {
            self.ring_spares.push(emptied);
        }
        self.current.sort_unstable_by_key(|due| Reverse(due.key));
    }

    /// Sees to it that what comes after the current bucket is foretold while this one is being emptied.
    fn look_ahead(&mut self, foresight: &mut impl Lookahead) {
        let ring_end = ((self.now >> COARSE_SHIFT) + 2) << COARSE_SHIFT;
        self.next = Rest::of(self.next_taken(self.now + 1, ring_end).unwrap_or(self.now));
        let until = (self.now + 1 + LOOKAHEAD_BUCKETS).min(ring_end);
        let mut from = self.looked_ahead.max(self.now + 1);
        while from < until
            && let Some(bucket) = self.next_taken(from, until).filter(|&bucket| bucket < until)
        {
            // One, nearly always.
            self.soon.all(&self.ring).iter().for_each(|due| foresight.soon(due));
            self.soon = Rest::of(bucket);
            from = bucket + 1;
        }
        self.looked_ahead = self.looked_ahead.max(until);
    }

    /// Foretells one event at each distance: as many as are taken. Memory that is asked for all at once keeps the
    /// processor waiting, and then lies idle while that works.
    #[inline(always)]
    fn foretell_one(&mut self, foresight: &mut impl Lookahead) {
        if let Some(due) = self.soon.one(&self.ring) {
            foresight.soon(due);
        }
        if let Some(due) = self.next.one(&self.ring) {
            foresight.next(due);
        }
    }

    /// Foretells what is left.
    fn foretell_rest(&mut self, foresight: &mut impl Lookahead) {
        self.soon.all(&self.ring).iter().for_each(|due| foresight.soon(due));
        self.next.all(&self.ring).iter().for_each(|due| foresight.next(due));
    }
}

impl Rest {
    fn of(bucket: u64) -> Self {
        Self { place: (bucket % BUCKETS) as usize, from: 0 }
    }

    #[inline(always)]
    fn one<'a>(&mut self, ring: &'a Ring) -> Option<&'a ScheduledEvent> {
        let due = ring[self.place % BUCKETS as usize].get(self.from)?;
        self.from += 1;
        Some(due)
    }

    fn all<'a>(&mut self, ring: &'a Ring) -> &'a [ScheduledEvent] {
        let left = ring[self.place].get(self.from..).unwrap_or_default();
        self.from += left.len();
        left
    }
}

/// Adds to a bucket; an empty one takes up memory that another has left, while that is in the cache.
#[inline(always)]
fn put(bucket: &mut Vec<ScheduledEvent>, spares: &mut Vec<Vec<ScheduledEvent>>, due: ScheduledEvent) {
    if bucket.capacity() == 0
        && let Some(spare) = spares.pop()
    {
        *bucket = spare;
    }
    bucket.push(due);
}

fn bucket(at: Time) -> u64 {
    at.as_micros() >> BUCKET_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn due(at: u64, sender: u32) -> ScheduledEvent {
        ScheduledEvent::delivery(Time::from_micros(at), sender, 0, 0, 0)
    }

    fn pop(queue: &mut Queue, limit: Time) -> Option<ScheduledEvent> {
        queue.pop_before(limit, &mut Told(|_, at| at))
    }

    /// Puts off as it is told.
    struct Told<F>(F);

    impl<F: FnMut(MemberIndex, Time) -> Time> Lookahead for Told<F> {
        fn reschedule(&mut self, member: MemberIndex, at: Time) -> Time {
            (self.0)(member, at)
        }
        fn is_enabled(&self) -> bool {
            true
        }
        fn approaching(&mut self, _: &ScheduledEvent) {}
        fn soon(&mut self, _: &ScheduledEvent) {}
        fn next(&mut self, _: &ScheduledEvent) {}
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
        queue.push(ScheduledEvent::wake(Time::from_micros(7), 3));
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
    fn a_wake_up_can_be_put_off_or_called_off_before_it_comes_near() {
        let second = Time::from_micros(1_000_000);
        for (answer, comes) in [
            (second, Some(second)),
            (second + second.since(Time::ZERO), Some(Time::from_micros(2_000_000))),
            (Time::NEVER, None),
        ] {
            let mut queue = Queue::default();
            queue.push(ScheduledEvent::wake(second, 3));
            // Asked again each time it comes near.
            let reschedule = |member, at| {
                assert_eq!(member, 3);
                answer.max(at)
            };
            let came = queue.pop_before(Time::NEVER, &mut Told(reschedule));
            assert_eq!(came.map(|due| due.at()), comes);
        }
    }
}
