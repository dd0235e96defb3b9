//! `neighborhood`: most pings to the r nearest, a fixed share to everyone beyond.

use std::sync::Arc;

use super::bucket::bucket_picks;
use super::buckets::Buckets;
use super::learned_neighbors::LearnedNeighbors;
use super::neighbors::{Neighborhoods, Neighbors};
use super::round_robin::RoundRobin;
use super::shuffle::two_traversals;
use crate::coordinate::Coordinate;
use crate::metric::Metric;
use crate::rng::bits;
use crate::selector::{Bound, Selector};
use crate::{Context, Observation, Peer, Slot};

/// go-swim's priority list, with a guarantee: of the p picks of a period, `picks` go to the `radius` nearest and the
/// others beyond; of the near ones a share, `escape`, goes beyond all the same.
///
/// The share is kept to the pick, not drawn: whenever the shares of past near picks add up to another whole one, that
/// pick escapes. So L near picks in a row have at least floor(L escape) escapes among them and at least
/// floor(L (1 - escape)) that stay, which is what both guarantees rest on: no luck is needed for the cluster to hold
/// together.
///
/// Who goes beyond meets everyone in round robin, but for the neighbours that were pinged as such since the traversal
/// began. It is this last clause that keeps the bound when peers move in and out of the neighbourhood.
#[derive(Clone)]
pub struct Neighborhood {
    metric: Arc<dyn Metric>,
    radius: u32,
    picks: u32,
    escape: Share,
    beyond: Beyond,
}

/// How everyone beyond the radius is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// Round robin in shuffled order, as `shuffle` does.
    Shuffle,
    /// Round robin over so many buckets by distance, as `bucket` does: 2 to 16.
    Bucket(u32),
}

/// One member's neighbours and its place in the traversal beyond.
#[derive(Debug)]
pub struct NeighborhoodState {
    near: Neighbors,
    far: Far,
    /// The shares of past near picks, without the whole ones.
    owed: u32,
    /// Where the metric is learned.
    learned: Option<Box<LearnedNeighbors>>,
}

#[derive(Debug)]
enum Far {
    Shuffle(RoundRobin),
    Bucket(Buckets),
}

/// A share between 0 and 1 as a fraction of 2^32, so that adding it up is exact.
#[derive(Clone, Copy, Debug)]
struct Share(u32);

impl Share {
    /// The whole shares among `picks` in a row, at least.
    fn whole(self, picks: u64) -> u64 {
        ((u128::from(picks) * u128::from(self.0)) >> 32) as u64
    }
}

impl Neighborhood {
    /// `picks` of a period's pings go to the `radius` nearest by this metric, but for the share `escape` of them.
    ///
    /// A radius or picks of 0 make it plain round robin over everyone, by the rule that holds `beyond`.
    ///
    /// # Panics
    /// If `escape` is not from 0.001 to 0.999, or the buckets are not from 2 to 16.
    pub fn new(metric: Arc<dyn Metric>, radius: u32, picks: u32, escape: f64, beyond: Beyond) -> Self {
        assert!((0.001..=0.999).contains(&escape), "an escape share of {escape} is not from 0.001 to 0.999");
        if let Beyond::Bucket(count) = beyond {
            assert!((2..=16).contains(&count), "{count} buckets are not from 2 to 16");
        }
        let radius = if picks == 0 { 0 } else { radius };
        Self { metric, radius, picks, escape: Share(libm::round(escape * 4_294_967_296.0) as u32), beyond }
    }

    /// The most periods between two pings of one neighbour by the same member, as long as neighbours stay the same:
    /// two traversals of the radius. [`Selector::bound`] is about everyone.
    pub fn near_bound(&self, n: u32, direct: u32) -> Option<u64> {
        let near = u64::from(self.radius.min(n.saturating_sub(1)));
        let picks = self.near_picks(direct);
        // At least so many near picks stay: all but the escapes, of which there are at most one more than whole.
        let stays = |periods: u64| (periods * picks).saturating_sub(self.escape.whole(periods * picks) + 1);
        (near > 0 && picks > 0).then(|| fewest(|periods| stays(periods) >= 2 * near - 1))
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
                Beyond::Bucket(count) => Far::Bucket(Buckets::new(count, self.radius)),
            },
            // A random phase, so that not all members escape in the same period.
            owed: bits(ctx.rng) as u32,
            learned: self.metric.learned().then(|| Box::new(LearnedNeighbors::new(acquaintances(self.radius)))),
        }
    }

    fn targets(
        &self,
        around: &Neighborhoods,
        state: &mut NeighborhoodState,
        ctx: &mut Context<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    ) {
        let first = picks.len();
        let near_picks = self.near_picks(want as u32) as usize;
        for i in 0..want.min(ctx.view.pingable_count() as usize) {
            let taken = &picks[first..];
            let near = i < near_picks && state.stays(self.escape);
            let pick = if near {
                state.near_pick(around, ctx, taken).or_else(|| state.far_pick(around, ctx, taken))
            } else {
                state.far_pick(around, ctx, taken).or_else(|| state.near_pick(around, ctx, taken))
            };
            match pick {
                Some(slot) => picks.push(slot),
                None => return,
            }
        }
    }

    fn observe(&self, around: &Neighborhoods, state: &mut NeighborhoodState, ctx: &mut Context<'_>, what: Observation) {
        match what {
            Observation::Joined(slot) => {
                match &mut state.far {
                    Far::Shuffle(rounds) => rounds.joined(slot, ctx),
                    Far::Bucket(buckets) => buckets.joined(slot),
                }
                state.near.joined(around, ctx, slot);
            }
            Observation::Left(slot) => {
                state.near.left(slot);
                if let Some(learned) = &mut state.learned {
                    learned.forget(slot);
                }
            }
            Observation::Moved(_) => {}
            Observation::Rtt(slot, _) | Observation::Coordinate(slot, _) | Observation::NeighborHint(slot, _) => {
                let Some(learned) = &mut state.learned else { return };
                if !ctx.view.pingable(slot) {
                    return;
                }
                match what {
                    Observation::Rtt(_, us) => learned.measured(ctx.view, slot, us, ctx.rng),
                    Observation::Coordinate(_, at) => learned.told(ctx.view, slot, at),
                    Observation::NeighborHint(_, us) => learned.hinted(ctx.view, slot, us),
                    Observation::Joined(_) | Observation::Left(_) | Observation::Moved(_) => {}
                }
                state.near.learnt(learned, ctx, slot);
            }
        }
    }

    fn coordinate(&self, state: &NeighborhoodState) -> Option<Coordinate> {
        state.learned.as_ref().map(|learned| learned.coordinate())
    }

    fn neighbor_hint(&self, state: &NeighborhoodState, ctx: &mut Context<'_>, to: Slot) -> Option<(Slot, u32)> {
        state.learned.as_ref()?.neighbor_hint(ctx, to)
    }

    fn reindexed(&self, _: &Neighborhoods, state: &mut NeighborhoodState) {
        state.near.reindexed();
        if let Far::Bucket(buckets) = &mut state.far {
            buckets.reindexed();
        }
    }

    /// As many periods as the picks that go beyond in any case take for two traversals of everyone.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        let direct = direct.max(1);
        if direct >= n.saturating_sub(1) {
            return Bound::Periods(1);
        }
        let needed = match self.beyond {
            Beyond::Shuffle => two_traversals(n),
            Beyond::Bucket(count) => bucket_picks(n - 1, count, self.radius),
        };
        let near = self.near_picks(direct);
        let always = u64::from(direct) - near;
        Bound::Periods(fewest(|periods| periods * always + self.escape.whole(periods * near) >= needed))
    }
}

impl NeighborhoodState {
    /// Whether the next near pick stays near; counts it.
    fn stays(&mut self, escape: Share) -> bool {
        let (owed, whole) = self.owed.overflowing_add(escape.0);
        self.owed = owed;
        !whole
    }

    fn near_pick(&mut self, around: &Neighborhoods, ctx: &mut Context<'_>, taken: &[Slot]) -> Option<Slot> {
        self.near.pick(around, self.learned.as_deref(), ctx, taken)
    }

    fn far_pick(&mut self, around: &Neighborhoods, ctx: &mut Context<'_>, taken: &[Slot]) -> Option<Slot> {
        let near = &self.near;
        let skip = |slot, began| near.pinged_since(slot, began);
        match &mut self.far {
            Far::Shuffle(rounds) => rounds.pick(ctx, taken, skip),
            Far::Bucket(buckets) => buckets.pick(&around.index, ctx, taken, skip),
        }
    }
}

/// How many peers a member remembers to have learnt about: its neighbours, and as many that can take their places.
fn acquaintances(radius: u32) -> usize {
    (2 * radius as usize).max(16)
}

/// The least number from 1 that is `enough`, more being enough too.
fn fewest(enough: impl Fn(u64) -> bool) -> u64 {
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
