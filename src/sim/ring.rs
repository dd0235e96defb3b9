//! The near part of the event queue: a ring of fine buckets.

use super::scheduled::ScheduledEvent;

/// A bucket is 128 microseconds wide.
pub(super) const BUCKET_SHIFT: u32 = 7;
/// A coarse bucket is as wide as 256 of them, 33 milliseconds: few enough that the ring stays in the cache.
pub(super) const COARSE_SHIFT: u32 = 8;
/// The ring holds the current coarse bucket and the next.
const BUCKETS: u64 = 2 << COARSE_SHIFT;

/// Buckets by number, from the current one up to the horizon. A number's remainder says which place is its own.
#[derive(Debug)]
pub(super) struct Ring {
    buckets: Box<[Vec<ScheduledEvent>; BUCKETS as usize]>,
    /// The occupied buckets, a bit for each.
    occupied: [u64; (BUCKETS / 64) as usize],
    /// Emptied buckets, to be reused while they are in the cache.
    spares: Vec<Vec<ScheduledEvent>>,
}

/// The events of a bucket from one on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rest {
    place: usize,
    from: usize,
}

impl Default for Ring {
    fn default() -> Self {
        let buckets = Box::new([const { Vec::new() }; BUCKETS as usize]);
        Self { buckets, occupied: [0; (BUCKETS / 64) as usize], spares: Vec::new() }
    }
}

impl Ring {
    /// Adds an event to a bucket.
    #[inline(always)]
    pub(super) fn put(&mut self, bucket: u64, event: ScheduledEvent) {
        let place = bucket % BUCKETS;
        self.occupied[(place / 64) as usize] |= 1 << (place % 64);
        put(&mut self.buckets[place as usize], &mut self.spares, event);
    }

    /// Exchanges a bucket for an emptied one.
    pub(super) fn replace(&mut self, bucket: u64, emptied: Vec<ScheduledEvent>) -> Vec<ScheduledEvent> {
        let place = bucket % BUCKETS;
        self.occupied[(place / 64) as usize] &= !(1 << (place % 64));
        if emptied.capacity() > 0 {
            self.spares.push(emptied);
        }
        std::mem::take(&mut self.buckets[place as usize])
    }

    /// Whether no bucket is occupied.
    pub(super) fn is_empty(&self) -> bool {
        self.occupied == [0; (BUCKETS / 64) as usize]
    }

    /// The first occupied bucket, from one up to another or a few more. Both lie in the ring.
    pub(super) fn next_occupied(&self, from: u64, to: u64) -> Option<u64> {
        let mut word = from / 64;
        let mut bits = self.occupied[(word % (BUCKETS / 64)) as usize] & (u64::MAX << (from % 64));
        loop {
            if bits != 0 {
                return Some(word * 64 + u64::from(bits.trailing_zeros()));
            }
            word += 1;
            if word * 64 >= to {
                return None;
            }
            bits = self.occupied[(word % (BUCKETS / 64)) as usize];
        }
    }

    /// Takes the next event of a rest.
    #[inline(always)]
    pub(super) fn one(&self, rest: &mut Rest) -> Option<&ScheduledEvent> {
        let event = self.buckets[rest.place % BUCKETS as usize].get(rest.from)?;
        rest.from += 1;
        Some(event)
    }

    /// Takes all events of a rest.
    pub(super) fn all(&self, rest: &mut Rest) -> &[ScheduledEvent] {
        let left = self.buckets[rest.place].get(rest.from..).unwrap_or_default();
        rest.from += left.len();
        left
    }
}

impl Rest {
    /// The whole bucket.
    pub(super) fn of(bucket: u64) -> Self {
        Self { place: (bucket % BUCKETS) as usize, from: 0 }
    }
}

/// Adds to a bucket; an empty one reuses the memory of a spare, while that is in the cache.
#[inline(always)]
pub(super) fn put(bucket: &mut Vec<ScheduledEvent>, spares: &mut Vec<Vec<ScheduledEvent>>, event: ScheduledEvent) {
    if bucket.capacity() == 0
        && let Some(spare) = spares.pop()
    {
        *bucket = spare;
    }
    bucket.push(event);
}
