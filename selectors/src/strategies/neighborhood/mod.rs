//! `neighborhood`: most pings to the r nearest peers, a fixed share to all peers beyond.

mod learned_neighbors;
mod neighbors;

use std::sync::Arc;

use super::SelectorRegistry;
use super::bucket::{self, Buckets};
use super::round_robin::{RoundRobin, two_traversals};
use crate::coordinate::Coordinate;
use crate::metric::{self, Metric, MetricRegistry, build_metric};
use crate::peer::{Peer, Slot};
use crate::registry::{Param, Params};
use crate::rng::bits;
use crate::selector::{Bound, DynSelector, NearPeer, Selector};
use crate::view::{Context, Observation, View};
use learned_neighbors::LearnedNeighbors;
use neighbors::Neighbors;

pub use neighbors::Neighborhoods;

/// go-swim's priority list with a guaranteed share of distant pings.
///
/// Of the picks of a period, `picks` go to the `radius` nearest peers and the others beyond; a share `escape` of the
/// near picks goes beyond as well. That share is exact and not random: whenever the shares of past near picks add up to
/// another whole one, that pick escapes. So any L near picks in a row have at least floor(L escape) escapes and at
/// least floor(L (1 - escape)) picks that stay, and both bounds follow from this.
///
/// Picks beyond go round robin over all peers, but skip neighbors that were pinged as such since the traversal began.
/// Since a peer is skipped only after such a ping, the bound also holds while peers enter and leave the neighborhood.
#[derive(Clone)]
pub struct Neighborhood {
    metric: Arc<dyn Metric>,
    radius: u32,
    picks: u32,
    escape: Share,
    beyond: Beyond,
}

/// Parameters of [`Neighborhood`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct NeighborhoodConfig {
    /// Number of nearest peers that are the neighborhood. 16 by default; 0: plain round robin over all peers.
    pub radius: u32,
    /// Number of a period's pings that go to the neighborhood. 1 by default; 0: plain round robin over all peers.
    pub picks: u32,
    /// Share of those pings that goes beyond, 0.001 to 0.999. 0.25 by default.
    pub escape: f64,
    /// Order of the pings that go beyond.
    pub beyond: Beyond,
}

/// Order in which peers beyond the radius are pinged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Beyond {
    /// Round robin in shuffled order, as the strategy `shuffle`.
    #[default]
    Shuffle,
    /// Round robin over buckets by distance, as the strategy `bucket`.
    Bucket {
        /// Number of buckets, 2 to 16.
        buckets: u32,
    },
}

/// Neighbors of one member, and its position in the traversal beyond.
#[derive(Debug)]
pub struct NeighborhoodState {
    near: Neighbors,
    far: Far,
    /// Fractional part of the sum of the shares of past near picks.
    escape_sum: u32,
    /// Present if the metric is learned.
    learned: Option<Box<LearnedNeighbors>>,
}

#[derive(Debug)]
enum Far {
    Shuffle(RoundRobin),
    Bucket(Buckets),
}

/// A share between 0 and 1, in units of 2^-32, so that sums are exact.
#[derive(Clone, Copy, Debug)]
struct Share(u32);

impl Share {
    /// Minimum number of escapes among `picks` near picks in a row.
    fn whole(self, picks: u64) -> u64 {
        ((u128::from(picks) * u128::from(self.0)) >> 32) as u64
    }
}

pub(super) fn register(registry: &mut SelectorRegistry, metrics: &Arc<MetricRegistry>) {
    let metrics = Arc::clone(metrics);
    let default = NeighborhoodConfig::default();
    let params = vec![
        // The default metric needs no configuration: a real agent knows nothing of its network.
        metric::param().or("vivaldi"),
        Param::count("radius", 0, u32::MAX, default.radius, "size of the neighborhood; 0: plain round robin")
            .unit("peers"),
        Param::count("picks", 0, u32::MAX, default.picks, "pings to the neighborhood; all others go beyond")
            .unit("pings per period"),
        Param::real("escape", 0.001, 0.999, default.escape, "share of the pings to the neighborhood that go beyond"),
        Param::choice("beyond", &["shuffle", "bucket"], "shuffle", "order of the pings that go beyond"),
        bucket::count_param("number of buckets beyond, with beyond=bucket"),
    ];
    let about = "Most pings to the nearest peers, a fixed share to all peers beyond.";
    registry.register("neighborhood", about, params, move |params, context| {
        let metric = build_metric(&metrics, params.text("metric")?, context)?;
        let config = NeighborhoodConfig::from_params(params)?;
        Ok(DynSelector::new("neighborhood", Neighborhood::new(metric, config)))
    });
}

impl Default for NeighborhoodConfig {
    fn default() -> Self {
        Self { radius: 16, picks: 1, escape: 0.25, beyond: Beyond::Shuffle }
    }
}

impl NeighborhoodConfig {
    fn from_params(params: &Params) -> Result<Self, String> {
        let beyond = match params.text("beyond")? {
            "bucket" => Beyond::Bucket { buckets: params.count("buckets")? },
            _ => Beyond::Shuffle,
        };
        let (radius, picks) = (params.count("radius")?, params.count("picks")?);
        Ok(Self { radius, picks, escape: params.real("escape")?, beyond })
    }
}

impl Neighborhood {
    /// Pings by the distances of `metric`, which may be learned.
    ///
    /// # Panics
    /// If a number of the configuration is out of its range.
    pub fn new(metric: Arc<dyn Metric>, config: NeighborhoodConfig) -> Self {
        let NeighborhoodConfig { radius, picks, escape, beyond } = config;
        assert!((0.001..=0.999).contains(&escape), "escape share {escape} is not from 0.001 to 0.999");
        if let Beyond::Bucket { buckets } = beyond {
            assert!((2..=16).contains(&buckets), "{buckets} buckets are not from 2 to 16");
        }
        let radius = if picks == 0 { 0 } else { radius };
        Self { metric, radius, picks, escape: Share(libm::round(escape * 4_294_967_296.0) as u32), beyond }
    }

    /// Maximum number of periods between two pings of one neighbor by the same member, while its neighborhood does not
    /// change: two traversals of the neighborhood. `None` without a neighborhood.
    ///
    /// [`Selector::bound`] is the bound for all peers.
    pub fn near_bound(&self, n: u32, direct: u32) -> Option<u64> {
        let near = u64::from(self.radius.min(n.saturating_sub(1)));
        let picks = self.near_picks(direct);
        // Minimum number of near picks that stay: a random phase adds at most one escape.
        let stays = |periods: u64| (periods * picks).saturating_sub(self.escape.whole(periods * picks) + 1);
        (near > 0 && picks > 0).then(|| least(|periods| stays(periods) >= 2 * near - 1))
    }

    fn near_picks(&self, direct: u32) -> u64 {
        u64::from(if self.radius == 0 { 0 } else { self.picks.min(direct) })
    }
}

impl Selector for Neighborhood {
    type RosterIndex = Neighborhoods;
    type State = NeighborhoodState;

    fn build_index(&self, roster: &[Peer]) -> Neighborhoods {
        Neighborhoods::new(self.metric.index(roster), roster)
    }

    fn new_state(&self, _: &Neighborhoods, ctx: &mut Context<'_>) -> NeighborhoodState {
        NeighborhoodState {
            near: Neighbors::new(self.radius as usize),
            far: match self.beyond {
                Beyond::Shuffle => Far::Shuffle(RoundRobin::begin(ctx)),
                Beyond::Bucket { buckets } => Far::Bucket(Buckets::new(buckets, self.radius)),
            },
            // A random phase, so that members that start together do not all escape in the same period.
            escape_sum: bits(ctx.rng) as u32,
            learned: self.metric.learned().then(|| Box::new(LearnedNeighbors::new(learned_limit(self.radius)))),
        }
    }

    fn targets(
        &self,
        index: &Neighborhoods,
        state: &mut NeighborhoodState,
        ctx: &mut Context<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    ) {
        let first = picks.len();
        let near_picks = self.near_picks(want as u32) as usize;
        for i in 0..want.min(ctx.view.pingable_count() as usize) {
            let taken = &picks[first..];
            let near = i < near_picks && state.next_stays(self.escape);
            let pick = if near {
                state.near_pick(index, ctx, taken).or_else(|| state.far_pick(index, ctx, taken))
            } else {
                state.far_pick(index, ctx, taken).or_else(|| state.near_pick(index, ctx, taken))
            };
            match pick {
                Some(slot) => picks.push(slot),
                None => return,
            }
        }
    }

    fn observe(
        &self,
        index: &Neighborhoods,
        state: &mut NeighborhoodState,
        ctx: &mut Context<'_>,
        observation: Observation,
    ) {
        match observation {
            Observation::Joined(slot) => {
                match &mut state.far {
                    Far::Shuffle(round_robin) => round_robin.joined(slot, ctx),
                    Far::Bucket(buckets) => buckets.joined(slot),
                }
                state.near.joined(index, ctx, slot);
            }
            Observation::Left(slot) => {
                state.near.left(slot);
                if let Some(learned) = &mut state.learned {
                    learned.forget(slot);
                }
            }
            Observation::Moved(_) | Observation::Pinged(_) => {}
            Observation::Rtt { slot, rtt_us } => {
                state.learn(ctx, slot, |learned, ctx| learned.measured(ctx.view, slot, rtt_us, ctx.rng));
            }
            Observation::Coordinate { slot, coordinate } => {
                state.learn(ctx, slot, |learned, ctx| learned.received(ctx.view, slot, coordinate));
            }
            Observation::NeighborHint { slot, rtt_us } => {
                state.learn(ctx, slot, |learned, ctx| learned.hinted(ctx.view, slot, rtt_us));
            }
        }
    }

    fn coordinate(&self, state: &NeighborhoodState) -> Option<Coordinate> {
        state.learned.as_ref().map(|learned| learned.coordinate())
    }

    fn neighbor_hint(&self, state: &NeighborhoodState, ctx: &mut Context<'_>, to: Slot) -> Option<NearPeer> {
        state.learned.as_ref()?.neighbor_hint(ctx, to)
    }

    fn is_near(&self, _: &Neighborhoods, state: &NeighborhoodState, _: &dyn View, slot: Slot) -> Option<bool> {
        (self.radius > 0).then(|| state.near.contains(slot))
    }

    fn reindexed(&self, _: &Neighborhoods, state: &mut NeighborhoodState) {
        state.near.reindexed();
        if let Far::Bucket(buckets) = &mut state.far {
            buckets.reindexed();
        }
    }

    /// Periods that the guaranteed picks beyond take for two traversals of all peers.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        let direct = direct.max(1);
        if direct >= n.saturating_sub(1) {
            return Bound::Periods(1);
        }
        let needed = match self.beyond {
            Beyond::Shuffle => two_traversals(n),
            Beyond::Bucket { buckets } => bucket::max_picks_between_pings(n - 1, buckets, self.radius),
        };
        let near = self.near_picks(direct);
        let always_beyond = u64::from(direct) - near;
        Bound::Periods(least(|periods| periods * always_beyond + self.escape.whole(periods * near) >= needed))
    }
}

impl NeighborhoodState {
    /// Whether the next near pick stays in the neighborhood; counts it.
    fn next_stays(&mut self, escape: Share) -> bool {
        let (sum, escapes) = self.escape_sum.overflowing_add(escape.0);
        self.escape_sum = sum;
        !escapes
    }

    fn near_pick(&mut self, index: &Neighborhoods, ctx: &mut Context<'_>, taken: &[Slot]) -> Option<Slot> {
        self.near.pick(index, self.learned.as_deref(), ctx, taken)
    }

    fn far_pick(&mut self, index: &Neighborhoods, ctx: &mut Context<'_>, taken: &[Slot]) -> Option<Slot> {
        let near = &self.near;
        let skip = |slot, began| near.pinged_since(slot, began);
        match &mut self.far {
            Far::Shuffle(round_robin) => round_robin.pick(ctx, taken, skip),
            Far::Bucket(buckets) => buckets.pick(&index.metric, ctx, taken, skip),
        }
    }

    /// Updates what was learned about a pingable peer, and with it the neighborhood.
    fn learn(
        &mut self,
        ctx: &mut Context<'_>,
        slot: Slot,
        update: impl FnOnce(&mut LearnedNeighbors, &mut Context<'_>),
    ) {
        if let Some(learned) = &mut self.learned
            && ctx.view.pingable(slot)
        {
            update(learned, ctx);
            self.near.learned(learned, ctx, slot);
        }
    }
}

/// Maximum number of peers whose distance a member keeps: its neighbors, and as many candidates.
fn learned_limit(radius: u32) -> usize {
    (2 * radius as usize).max(16)
}

/// Returns the least number from 1 for which `enough` is true; it must be true for all larger ones.
fn least(enough: impl Fn(u64) -> bool) -> u64 {
    let (mut too_few, mut plenty) = (0, 1);
    while !enough(plenty) {
        (too_few, plenty) = (plenty, plenty * 2);
    }
    while plenty - too_few > 1 {
        let middle = too_few + (plenty - too_few) / 2;
        if enough(middle) { plenty = middle } else { too_few = middle }
    }
    plenty
}
