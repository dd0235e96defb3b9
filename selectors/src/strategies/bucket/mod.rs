//! `bucket`: round robin over buckets of peers by distance, near ones more often.

mod buckets;

use std::sync::Arc;

use super::SelectorRegistry;
use super::round_robin::periods;
use crate::metric::{self, Metric, MetricIndex, MetricRegistry, build_shared_metric};
use crate::peer::{Peer, Slot};
use crate::registry::Param;
use crate::selector::{Bound, DynSelector, Selector};
use crate::view::{Context, Observation};

pub(super) use buckets::Buckets;
pub use buckets::bucket_sizes;

/// go-swim's bucket list: the other members, sorted by distance, fall into K buckets, each about twice as large as the
/// next nearer one. Picks go round the non-empty buckets, and round robin in shuffled order within each, so that a peer
/// is pinged the more often the nearer it is.
#[derive(Clone)]
pub struct Bucket {
    metric: Arc<dyn Metric>,
    count: u32,
}

/// Position of one member in each of its buckets.
#[derive(Debug)]
pub struct BucketState(Buckets);

pub(super) fn register(registry: &mut SelectorRegistry, metrics: &Arc<MetricRegistry>) {
    let metrics = Arc::clone(metrics);
    let about = "Round robin over buckets by distance, near ones more often (go-swim).";
    let params = vec![metric::param(), count_param("number of buckets")];
    registry.register("bucket", about, params, move |params, context| {
        let metric = build_shared_metric(&metrics, params.text("metric")?, context)?;
        Ok(DynSelector::new("bucket", Bucket::new(metric, params.count("buckets")?)))
    });
}

/// Parameter `buckets`, the number of buckets.
pub(super) fn count_param(about: &'static str) -> Param {
    Param::count("buckets", 2, 16, 2, about).unit("buckets")
}

impl Bucket {
    /// Pings over `count` buckets, 2 to 16, by the distances of `metric`.
    ///
    /// # Panics
    /// If `count` is out of its range.
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

    fn observe(
        &self,
        _: &Arc<dyn MetricIndex>,
        state: &mut BucketState,
        _: &mut Context<'_>,
        observation: Observation,
    ) {
        if let Observation::Joined(slot) = observation {
            state.0.joined(slot);
        }
    }

    fn reindexed(&self, _: &Arc<dyn MetricIndex>, state: &mut BucketState) {
        state.0.reindexed();
    }

    /// 2b - 1 rounds of the non-empty buckets, b being the size of the largest.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        Bound::Periods(periods(max_picks_between_pings(n.saturating_sub(1), self.count, 0), n, direct))
    }
}

/// Maximum number of picks from one ping of a peer to the next, with `extra` peers in the nearest bucket beyond its
/// share.
///
/// An epoch has M rounds of the non-empty buckets, the largest of which has M peers, and pings every peer. So from a
/// ping in the first round of one epoch to another in the last round of the next lie 2M - 1 rounds, plus the rest of a
/// round for a peer that moves to a bucket later in the round; that rest counts only if `extra` makes both buckets
/// large.
pub(super) fn max_picks_between_pings(peers: u32, count: u32, extra: u32) -> u64 {
    let extra = extra.min(peers);
    let mut sizes = bucket_sizes(peers - extra, count);
    sizes[0] += extra;
    let non_empty = sizes.iter().filter(|&&size| size > 0).count() as u64;
    let rounds = 2 * u64::from(sizes.into_iter().max().unwrap_or(0));
    (rounds * non_empty).saturating_sub(if extra == 0 { non_empty } else { 1 })
}
