//! Round robin over buckets of peers by distance: what `bucket` is, and what `neighborhood` can have beyond its radius.

use std::sync::Arc;

use super::round_robin::Traversal;
use crate::metric::{MetricIndex, Nearness};
use crate::peer::Slot;
use crate::rng::below;
use crate::view::Context;

/// How many of `peers` each of `count` buckets takes, nearest bucket first: each about twice the one before.
///
/// From the farthest bucket on, bucket i takes ceil(l 2^i / (2^(i+1) - 1)) of the l peers that are left.
///
/// ```
/// use swimlab_selectors::strategies::bucket_sizes;
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

/// One member's buckets and its place in each of them.
///
/// Nobody is stored: a peer's bucket follows from its nearness, and each bucket's traversal goes over all slots and
/// passes by those of other buckets. That costs a member a few words instead of a list of everyone, and a pick from
/// the smallest of K buckets about 2^K comparisons.
///
/// Who is in which bucket is settled for an *epoch* of M rounds, M being the size of the largest bucket, in which each
/// bucket is gone through at least once; who joins meanwhile waits for the next one. So buckets only shrink during an
/// epoch, everybody in them is pinged in every epoch, and the bound holds under churn. An epoch's O(n log n) beginning is
/// spread over its more than n/2 picks.
#[derive(Debug)]
pub(crate) struct Buckets {
    count: u32,
    /// This many of the nearest belong to the nearest bucket besides its due size.
    extra: u32,
    epoch: Option<Epoch>,
    /// Whether somebody came up whom the index does not know.
    joined: bool,
}

struct Epoch {
    /// The distances of this epoch, though the roster may be surveyed anew meanwhile.
    index: Arc<dyn MetricIndex>,
    /// The least nearness of each bucket but the first.
    borders: Vec<Nearness>,
    /// Nearest first.
    buckets: Vec<Bucket>,
    /// Turns that are left of the epoch; a bucket has its turn when this, modulo their count, is its number.
    turns: u64,
    slots: u32,
    /// Slots whose peers joined during the epoch, ascending.
    late: Vec<Slot>,
}

#[derive(Debug)]
struct Bucket {
    traversal: Traversal,
    /// As of the epoch's beginning, or 0 since all of them have died.
    size: u32,
}

impl std::fmt::Debug for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Epoch").field("borders", &self.borders).field("buckets", &self.buckets).finish_non_exhaustive()
    }
}

impl Buckets {
    /// `count` buckets, of which the nearest takes `extra` peers more than its due.
    pub fn new(count: u32, extra: u32) -> Self {
        Self { count, extra, epoch: None, joined: false }
    }

    /// The next pingable slot that is not among the `taken` and that `skip(slot, began)` does not skip, `began` being
    /// the period in which the current traversal of its bucket began. `None` if there is none.
    pub fn pick(
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
            // A random phase, so that not all members begin with their farthest.
            first.turns -= u64::from(below(ctx.rng, self.count));
            self.epoch = Some(first);
        }
        // A round in the current epoch finds nobody if they joined since; one in a new epoch finds whoever there is.
        for turns in 1..=2 * self.count {
            let epoch = self.epoch.as_mut()?;
            if epoch.turns == 0 || turns == self.count + 1 {
                self.epoch = Some(self.begin(index, ctx));
            }
            let epoch = self.epoch.as_mut()?;
            epoch.turns -= 1;
            // From the farthest bucket to the nearest: whoever moves to a nearer one meanwhile is early, not late.
            let bucket = (epoch.turns % u64::from(self.count)) as usize;
            if let Some(slot) = epoch.pick(bucket, ctx, taken, &skip) {
                return Some(slot);
            }
        }
        None
    }

    /// A peer became pingable: it is in no bucket before the next epoch.
    pub fn joined(&mut self, slot: Slot) {
        self.joined = true;
        if let Some(epoch) = &mut self.epoch
            && slot < epoch.slots
            && let Err(at) = epoch.late.binary_search(&slot)
        {
            epoch.late.insert(at, slot);
        }
    }

    /// The index knows everybody again.
    pub fn reindexed(&mut self) {
        self.joined = false;
    }

    fn begin(&self, index: &Arc<dyn MetricIndex>, ctx: &mut Context<'_>) -> Epoch {
        let (slots, peers) = (ctx.view.slots(), ctx.view.pingable_count());
        let extra = self.extra.min(peers);
        let mut sizes = bucket_sizes(peers - extra, self.count);
        sizes[0] += extra;
        let turns = u64::from(sizes.iter().copied().max().unwrap_or(0)) * u64::from(self.count);
        let firsts = sizes.iter().scan(0, |first, size| Some(std::mem::replace(first, *first + size)));
        let borders = self.borders(index, ctx, firsts.skip(1));
        let buckets = sizes.iter().map(|&size| Bucket { traversal: Traversal::begin(slots, ctx), size }).collect();
        Epoch { index: Arc::clone(index), borders, buckets, turns, slots, late: Vec::new() }
    }

    /// The nearness of the pingable peers at these ascending ranks; one beyond all for ranks that nobody has.
    fn borders(
        &self,
        index: &Arc<dyn MetricIndex>,
        ctx: &Context<'_>,
        ranks: impl Iterator<Item = u32>,
    ) -> Vec<Nearness> {
        let view = ctx.view;
        let me = view.peer(view.me());
        let beyond = Nearness { distance: u64::MAX, tie: u64::MAX };
        let everybody_lives = view.slots() == view.indexed() && view.pingable_count() + 1 == view.slots();
        if everybody_lives && !self.joined && index.at_rank(me, 0).is_some() {
            return ranks.map(|rank| index.at_rank(me, rank).unwrap_or(beyond)).collect();
        }
        let pingable = (0..view.slots()).filter(|&slot| view.pingable(slot));
        let mut order: Vec<Nearness> = pingable.map(|slot| index.nearness(me, view.peer(slot))).collect();
        order.sort_unstable();
        ranks.map(|rank| order.get(rank as usize).copied().unwrap_or(beyond)).collect()
    }
}

impl Epoch {
    /// The next of a bucket, in a new traversal if need be.
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
        // All of it may be picked already, if the bucket is small and its turn comes twice in a period.
        let taken_of_it = taken.iter().filter(|&&slot| self.holds(ctx, bucket, slot)).count();
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

    /// The next of a bucket's current traversal.
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
            if view.pingable(slot) && self.holds(ctx, bucket, slot) && !taken.contains(&slot) && !skip(slot, began) {
                return Some(slot);
            }
        }
        None
    }

    fn holds(&self, ctx: &Context<'_>, bucket: usize, slot: Slot) -> bool {
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
    fn bucket_sizes_add_up_and_at_least_half_of_each_is_ahead() {
        for peers in 0..500 {
            for count in 2..=16 {
                let sizes = bucket_sizes(peers, count);
                assert_eq!(sizes.iter().sum::<u32>(), peers);
                assert!(sizes.windows(2).all(|pair| pair[0] <= pair[1].div_ceil(2)), "{peers} in {count}: {sizes:?}");
            }
        }
    }
}
