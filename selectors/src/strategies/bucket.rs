//! `bucket`: round robin over buckets of peers by distance, near ones more often.

use std::sync::Arc;

use super::buckets::{Buckets, bucket_sizes};
use super::shuffle::periods;
use crate::metric::{Index, Metric};
use crate::selector::{Bound, Selector};
use crate::{Observation, Peer, Slot, Turn};

/// go-swim's bucket list: the others, sorted by distance, fall into K buckets, each about twice as large as the next
/// nearer one. Picks go round the non-empty buckets, and within each round robin in shuffled order, so near peers are
/// pinged the more often the nearer they are.
#[derive(Clone)]
pub struct Bucket {
    metric: Arc<dyn Metric>,
    count: u32,
}

/// One member's place in each bucket.
#[derive(Debug)]
pub struct BucketState(Buckets);

impl Bucket {
    /// So many buckets, from 2 to 16, by this metric.
    ///
    /// # Panics
    /// If the count is not from 2 to 16.
    pub fn new(metric: Arc<dyn Metric>, count: u32) -> Self {
        assert!((2..=16).contains(&count), "{count} buckets are not from 2 to 16");
        Self { metric, count }
    }
}

impl Selector for Bucket {
    type Survey = Arc<dyn Index>;
    type State = BucketState;

    fn survey(&self, roster: &[Peer]) -> Arc<dyn Index> {
        self.metric.index(roster)
    }

    fn enroll(&self, _: &Arc<dyn Index>, _: &mut Turn<'_>) -> BucketState {
        BucketState(Buckets::new(self.count, 0))
    }

    fn targets(
        &self,
        index: &Arc<dyn Index>,
        state: &mut BucketState,
        turn: &mut Turn<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    ) {
        let first = picks.len();
        for _ in 0..want {
            match state.0.pick(index, turn, &picks[first..], |_, _| false) {
                Some(slot) => picks.push(slot),
                None => return,
            }
        }
    }

    fn observe(&self, _: &Arc<dyn Index>, state: &mut BucketState, _: &mut Turn<'_>, what: Observation) {
        if let Observation::Joined(slot) = what {
            state.0.joined(slot);
        }
    }

    fn resurveyed(&self, _: &Arc<dyn Index>, state: &mut BucketState) {
        state.0.resurveyed();
    }

    /// (2b - 1) turns of the largest bucket of b, each after a round of the non-empty buckets.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        Bound::Periods(periods(bucket_picks(n.saturating_sub(1), self.count, 0), n, direct))
    }
}

/// The most picks from one ping of a peer to its next, `extra` peers being in the nearest bucket besides its due.
///
/// Within an epoch, two traversals of the largest bucket. Across its end: a peer may be first in a traversal of its
/// bucket, miss the next one, which the end cuts off, and be last in the first traversal of another bucket.
pub(crate) fn bucket_picks(peers: u32, count: u32, extra: u32) -> u64 {
    let extra = extra.min(peers);
    let mut sizes = bucket_sizes(peers - extra, count);
    sizes[0] += extra;
    let (nearest, farthest) = (u64::from(sizes[0]), u64::from(sizes[sizes.len() - 1]));
    let non_empty = sizes.iter().filter(|&&size| size > 0).count() as u64;
    let turns = (2 * farthest.max(1) - 1).max((2 * nearest + nearest.max(farthest)).saturating_sub(2));
    non_empty * turns
}
