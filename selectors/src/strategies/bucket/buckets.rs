//! Round robin over buckets of peers by distance: the strategy `bucket`, and an option of `neighborhood` for the peers
//! beyond its radius.

use std::sync::Arc;

use crate::metric::{MetricIndex, Nearness};
use crate::peer::Slot;
use crate::rng::below;
use crate::strategies::round_robin::Traversal;
use crate::view::Context;

/// Returns how many of `peers` each of `count` buckets takes, nearest bucket first: each about twice the one before.
///
/// From the farthest bucket on, bucket i takes ceil(l 2^i / (2^(i+1) - 1)) of the l peers that are left, as in go-swim.
///
/// ```
/// use swimlab_selectors::bucket_sizes;
/// assert_eq!(bucket_sizes(127, 2), [42, 85]);
/// assert_eq!(bucket_sizes(127, 4), [8, 17, 34, 68]);
/// ```
pub fn bucket_sizes(peers: u32, count: u32) -> Vec<u32> {
    let mut left = u64::from(peers);
    let mut sizes: Vec<u32> = (0..count)
        .rev()
        .map(|i| {
            let size = (left << i).div_ceil((2 << i) - 1);
            left -= size;
            size as u32
        })
        .collect();
    sizes.reverse();
    sizes
}

/// Buckets of one member, with a traversal of each.
///
/// No list of peers is stored: the bucket of a peer follows from its nearness, and the traversal of each bucket goes
/// over all slots and skips those of other buckets. So a member needs a few words, and a pick from the smallest of K
/// buckets takes about 2^K comparisons.
///
/// The borders of the buckets are fixed for an *epoch* of M rounds, M being the size of the largest bucket, in which
/// each bucket is traversed at least once; joiners wait for the next epoch. So buckets only shrink during an epoch,
/// every peer in them is pinged in every epoch, and the bound holds under churn. The O(n log n) time that an epoch
/// takes to begin is spread over its more than n/2 picks.
#[derive(Debug)]
pub(in crate::strategies) struct Buckets {
    count: u32,
    /// Number of peers in the nearest bucket beyond its share.
    extra: u32,
    epoch: Option<Epoch>,
    /// Whether a peer joined that the index does not contain.
    joined: bool,
}

struct Epoch {
    /// Index that the borders are of. The selector's own may be replaced during the epoch.
    index: Arc<dyn MetricIndex>,
    /// Least nearness of each bucket but the first.
    borders: Vec<Nearness>,
    /// Nearest first.
    buckets: Vec<Bucket>,
    /// Remaining picks of the epoch. This number modulo the number of buckets is the bucket of the next pick.
    turns: u64,
    slots: u32,
    /// Slots whose peers joined during the epoch, ascending.
    late: Vec<Slot>,
}

#[derive(Debug)]
struct Bucket {
    traversal: Traversal,
    /// Number of peers at the start of the epoch; 0 as soon as all of them have died.
    size: u32,
}

impl std::fmt::Debug for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Epoch").field("borders", &self.borders).field("buckets", &self.buckets).finish_non_exhaustive()
    }
}

impl Buckets {
    /// `count` buckets, the nearest of which has `extra` peers beyond its share.
    pub(in crate::strategies) fn new(count: u32, extra: u32) -> Self {
        Self { count, extra, epoch: None, joined: false }
    }

    /// Returns the next pingable slot that is not `taken` and for which `skip(slot, began)` is false, `began` being the
    /// period in which the current traversal of its bucket began. `None` if there is none.
    pub(in crate::strategies) fn pick(
        &mut self,
        index: &Arc<dyn MetricIndex>,
        ctx: &mut Context<'_>,
        taken: &[Slot],
        skip: impl Fn(Slot, u64) -> bool,
    ) -> Option<Slot> {
        if ctx.view.pingable_count() as usize <= taken.len() {
            return None;
        }
        if self.epoch.is_none() {
            let mut first = self.begin(index, ctx);
            // A random phase, so that members that start together do not all begin with their farthest bucket.
            first.turns -= u64::from(below(ctx.rng, self.count));
            self.epoch = Some(first);
        }
        // A round of the current epoch finds no peer if all of them joined since; a round of a new epoch then does.
        for turns in 1..=2 * self.count {
            let epoch = self.epoch.as_mut()?;
            if epoch.turns == 0 || turns == self.count + 1 {
                self.epoch = Some(self.begin(index, ctx));
            }
            let epoch = self.epoch.as_mut()?;
            epoch.turns -= 1;
            // From the farthest bucket to the nearest: a peer that moves to a nearer one is then early and not late.
            let bucket = (epoch.turns % u64::from(self.count)) as usize;
            if let Some(slot) = epoch.pick(bucket, ctx, taken, &skip) {
                return Some(slot);
            }
        }
        None
    }

    /// Notes that a peer became pingable. It belongs to no bucket before the next epoch.
    pub(in crate::strategies) fn joined(&mut self, slot: Slot) {
        self.joined = true;
        if let Some(epoch) = &mut self.epoch
            && slot < epoch.slots
            && let Err(at) = epoch.late.binary_search(&slot)
        {
            epoch.late.insert(at, slot);
        }
    }

    /// Notes that the selector's index contains all peers again.
    pub(in crate::strategies) fn reindexed(&mut self) {
        self.joined = false;
    }

    fn begin(&self, index: &Arc<dyn MetricIndex>, ctx: &mut Context<'_>) -> Epoch {
        let (slots, peers) = (ctx.view.slots(), ctx.view.pingable_count());
        let extra = self.extra.min(peers);
        let mut sizes = bucket_sizes(peers - extra, self.count);
        sizes[0] += extra;
        let turns = u64::from(sizes.iter().copied().max().unwrap_or(0)) * u64::from(self.count);
        let first_ranks = sizes.iter().scan(0, |first, size| Some(std::mem::replace(first, *first + size)));
        let borders = self.borders(index, ctx, first_ranks.skip(1));
        let buckets = sizes.iter().map(|&size| Bucket { traversal: Traversal::begin(slots, ctx), size }).collect();
        Epoch { index: Arc::clone(index), borders, buckets, turns, slots, late: Vec::new() }
    }

    /// Returns the nearness of the pingable peers at these ascending ranks; the maximum for a rank beyond the last
    /// peer.
    fn borders(
        &self,
        index: &Arc<dyn MetricIndex>,
        ctx: &Context<'_>,
        ranks: impl Iterator<Item = u32>,
    ) -> Vec<Nearness> {
        let view = ctx.view;
        let me = view.peer(view.me());
        let beyond = Nearness { distance: u64::MAX, tie_break: u64::MAX };
        let all_alive = view.slots() == view.indexed() && view.pingable_count() + 1 == view.slots();
        if all_alive && !self.joined && index.at_rank(me, 0).is_some() {
            return ranks.map(|rank| index.at_rank(me, rank).unwrap_or(beyond)).collect();
        }
        let pingable = (0..view.slots()).filter(|&slot| view.pingable(slot));
        let mut order: Vec<Nearness> = pingable.map(|slot| index.nearness(me, view.peer(slot))).collect();
        order.sort_unstable();
        ranks.map(|rank| order.get(rank as usize).copied().unwrap_or(beyond)).collect()
    }
}

impl Epoch {
    /// Returns the next slot of a bucket, in a new traversal if the current one has ended.
    fn pick(
        &mut self,
        bucket: usize,
        ctx: &mut Context<'_>,
        taken: &[Slot],
        skip: impl Fn(Slot, u64) -> bool,
    ) -> Option<Slot> {
        let size = self.buckets[bucket].size;
        if size == 0 {
            return None;
        }
        // A small bucket that comes up twice in a period may be taken whole.
        let taken_of_it = taken.iter().filter(|&&slot| self.contains(ctx, bucket, slot)).count();
        if taken_of_it >= size as usize {
            return None;
        }
        if let Some(slot) = self.advance(bucket, ctx, taken, &skip) {
            return Some(slot);
        }
        self.buckets[bucket].traversal = Traversal::begin(self.slots, ctx);
        let found = self.advance(bucket, ctx, taken, &skip);
        if found.is_none() && taken_of_it == 0 {
            self.buckets[bucket].size = 0;
        }
        found
    }

    /// Returns the next slot of the current traversal of a bucket.
    fn advance(
        &mut self,
        bucket: usize,
        ctx: &Context<'_>,
        taken: &[Slot],
        skip: impl Fn(Slot, u64) -> bool,
    ) -> Option<Slot> {
        let view = ctx.view;
        let began = self.buckets[bucket].traversal.began;
        while let Some(slot) = self.buckets[bucket].traversal.next() {
            if view.pingable(slot) && self.contains(ctx, bucket, slot) && !taken.contains(&slot) && !skip(slot, began) {
                return Some(slot);
            }
        }
        None
    }

    fn contains(&self, ctx: &Context<'_>, bucket: usize, slot: Slot) -> bool {
        if slot >= self.slots || self.late.binary_search(&slot).is_ok() {
            return false;
        }
        let nearness = self.index.nearness(ctx.view.peer(ctx.view.me()), ctx.view.peer(slot));
        bucket == self.borders.partition_point(|&border| border <= nearness)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_sizes_are_those_of_go_swim() {
        assert_eq!(bucket_sizes(127, 2), [42, 85]);
        assert_eq!(bucket_sizes(127, 4), [8, 17, 34, 68]);
        assert_eq!(bucket_sizes(127, 8), [0, 1, 2, 4, 8, 16, 32, 64]);
        assert_eq!(bucket_sizes(1, 3), [0, 0, 1]);
        assert_eq!(bucket_sizes(0, 2), [0, 0]);
    }

    #[test]
    fn bucket_sizes_add_up_and_each_is_at_most_half_of_the_next() {
        for peers in 0..500 {
            for count in 2..=16 {
                let sizes = bucket_sizes(peers, count);
                assert_eq!(sizes.iter().sum::<u32>(), peers);
                assert!(sizes.windows(2).all(|pair| pair[0] <= pair[1].div_ceil(2)), "{peers} in {count}: {sizes:?}");
            }
        }
    }
}
