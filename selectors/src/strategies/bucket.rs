//! `bucket`: round robin over buckets of peers by distance, near ones more often.

use std::sync::Arc;

use super::buckets::{Buckets, bucket_sizes};
use super::shuffle::periods;
use crate::metric::{Metric, MetricIndex};
use crate::selector::{Bound, Selector};
use crate::{Context, Observation, Peer, Slot};

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
    type RosterIndex = Arc<dyn MetricIndex>;
    type State = BucketState;

    fn build_index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex> {
        self.metric.index(roster)
    }

    fn new_state(&self, _: &Arc<dyn MetricIndex>, _: &mut Context<'_>) -> BucketState {
        BucketState(Buckets::new(self.count, 0))
    }

    fn targets(
        &self,
        index: &Arc<dyn MetricIndex>,
        state: &mut BucketState,
        ctx: &mut Context<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    ) {
        let first = picks.len();
        for _ in 0..want {
            match state.0.pick(index, ctx, &picks[first..], |_, _| false) {
                Some(slot) => picks.push(slot),
                None => return,
            }
        }
    }

    fn observe(&self, _: &Arc<dyn MetricIndex>, state: &mut BucketState, _: &mut Context<'_>, what: Observation) {
        if let Observation::Joined(slot) = what {
            state.0.joined(slot);
        }
    }

    fn reindexed(&self, _: &Arc<dyn MetricIndex>, state: &mut BucketState) {
        state.0.reindexed();
    }

    /// 2b - 1 rounds of the non-empty buckets, b being the size of the largest.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        Bound::Periods(periods(bucket_picks(n.saturating_sub(1), self.count, 0), n, direct))
    }
}

/// The most picks from one ping of a peer to its next, `extra` peers being in the nearest bucket besides its due.
///
/// An epoch has M rounds of the non-empty buckets, the largest of which has M peers, and pings everybody. So from a ping
/// in the first round of one epoch to another in the last round of the next lie 2M - 1 rounds; and the rest of a round
/// for a peer that moves to a bucket whose turn is later, which takes that long only if `extra` makes both of them
/// large.
pub(crate) fn bucket_picks(peers: u32, count: u32, extra: u32) -> u64 {
    let extra = extra.min(peers);
    let mut sizes = bucket_sizes(peers - extra, count);
    sizes[0] += extra;
    let non_empty = sizes.iter().filter(|&&size| size > 0).count() as u64;
    let rounds = 2 * u64::from(sizes.into_iter().max().unwrap_or(0));
    (rounds * non_empty).saturating_sub(if extra == 0 { non_empty } else { 1 })
}
