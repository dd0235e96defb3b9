//! `spatial`: Medley's pings, near peers more often by a power of the distance.

use std::sync::Arc;

use super::SelectorRegistry;
use crate::metric::{Metric, MetricIndex, MetricRegistry, build_shared_metric};
use crate::peer::{Peer, Slot};
use crate::power_law::{PowerLaw, draw};
use crate::registry::Param;
use crate::selector::{Bound, DynSelector, Selector};
use crate::view::{Context, Observation, View};

/// Medley (Yang and others, Middleware 2019): a peer at distance d is pinged with a probability proportional to d^-m.
///
/// The plain variant draws from all peers each time. The time-bounded one draws from a bag that holds each peer with
/// its weight: each pick of a peer takes the smallest of all weights from its own, a peer without weight is out of the
/// bag, and an empty bag is refilled. So peers are pinged about as often as in the plain variant, and each within two
/// bags.
///
/// A pick takes O(n) time. The plain variant has no state, the bag one number per peer.
#[derive(Clone)]
pub struct Spatial {
    metric: Arc<dyn Metric>,
    config: SpatialConfig,
}

/// Parameters of [`Spatial`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SpatialConfig {
    /// Weights by distance.
    pub law: PowerLaw,
    /// Whether to draw from a bag that is emptied before it is refilled. False by default.
    pub time_bounded: bool,
}

/// Contents of one member's bag.
#[derive(Debug, Default)]
pub struct SpatialState {
    /// Remaining weight by slot. A joiner in a reused slot inherits the remaining weight of the slot.
    left: Vec<f64>,
    /// Smallest weight that the bag was filled with.
    step: f64,
}

pub(super) fn register(registry: &mut SelectorRegistry, metrics: &Arc<MetricRegistry>) {
    let metrics = Arc::clone(metrics);
    let about = "Near members more often, by a power of the distance (Medley).";
    let mut params = PowerLaw::params("metric of the distance");
    let bag_about = "whether to draw from a bag that is emptied before it is refilled, which bounds the wait";
    params.push(Param::flag("bag", false, bag_about));
    registry.register("spatial", about, params, move |params, context| {
        let metric = build_shared_metric(&metrics, params.text("metric")?, context)?;
        let config = SpatialConfig { law: PowerLaw::from_params(params)?, time_bounded: params.flag("bag")? };
        Ok(DynSelector::new("spatial", Spatial::new(metric, config)))
    });
}

impl Spatial {
    /// Pings by the distances of `metric`.
    ///
    /// # Panics
    /// If a number of the configuration is out of its range.
    pub fn new(metric: Arc<dyn Metric>, config: SpatialConfig) -> Self {
        config.law.assert_valid();
        Self { metric, config }
    }

    fn fill(&self, index: &dyn MetricIndex, view: &dyn View, state: &mut SpatialState) {
        let others = (0..view.slots()).filter(|&slot| slot != view.me());
        state.left = vec![0.0; view.slots() as usize];
        let weights = self.config.law.weights(index, view, others);
        state.step = weights.iter().map(|&(_, weight)| weight).fold(1.0, f64::min);
        weights.into_iter().for_each(|(slot, weight)| state.left[slot as usize] = weight);
    }
}

impl Selector for Spatial {
    type RosterIndex = Arc<dyn MetricIndex>;
    type State = SpatialState;

    fn build_index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex> {
        self.metric.index(roster)
    }

    fn new_state(&self, _: &Arc<dyn MetricIndex>, _: &mut Context<'_>) -> SpatialState {
        SpatialState::default()
    }

    fn targets(
        &self,
        index: &Arc<dyn MetricIndex>,
        state: &mut SpatialState,
        ctx: &mut Context<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    ) {
        let view = ctx.view;
        let first = picks.len();
        let want = want.min(view.pingable_count() as usize);
        if !self.config.time_bounded {
            let pingable = (0..view.slots()).filter(|&slot| view.pingable(slot));
            let mut weights = self.config.law.weights(&**index, view, pingable);
            picks.extend((0..want).filter_map(|_| draw(&mut weights, ctx.rng)));
            return;
        }
        while picks.len() - first < want {
            let taken = &picks[first..];
            let in_bag = |state: &SpatialState| -> Vec<(Slot, f64)> {
                let left = (0..).zip(state.left.iter().copied());
                left.filter(|&(slot, left)| left > 0.0 && view.pingable(slot) && !taken.contains(&slot)).collect()
            };
            let mut weights = in_bag(state);
            if weights.is_empty() {
                self.fill(&**index, view, state);
                weights = in_bag(state);
            }
            let Some(slot) = draw(&mut weights, ctx.rng) else { return };
            let left = &mut state.left[slot as usize];
            // A remainder within the rounding error of one step is 0.
            *left = if *left < state.step * 1.000_001 { 0.0 } else { *left - state.step };
            picks.push(slot);
        }
    }

    fn observe(
        &self,
        index: &Arc<dyn MetricIndex>,
        state: &mut SpatialState,
        ctx: &mut Context<'_>,
        observation: Observation,
    ) {
        let Observation::Joined(slot) = observation else { return };
        let is_new_slot = slot as usize >= state.left.len();
        if self.config.time_bounded && is_new_slot && !state.left.is_empty() {
            let others = (0..ctx.view.slots()).filter(|&slot| slot != ctx.view.me());
            let weights = self.config.law.weights(&**index, ctx.view, others);
            state.left.resize(ctx.view.slots() as usize, 0.0);
            let own = weights.into_iter().find(|&(other, _)| other == slot);
            state.left[slot as usize] = own.map_or(0.0, |(_, weight)| weight);
        }
    }

    /// Plain: no peer weighs less than the least weight, and none more than 1. Time-bounded: two bags, from each of
    /// which a peer is drawn at most 1/least times.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        let SpatialConfig { law, time_bounded } = self.config;
        let others = n.saturating_sub(1);
        if direct >= others {
            return if time_bounded { Bound::Periods(1) } else { Bound::PerPeriod(1.0) };
        }
        if !time_bounded {
            return Bound::PerPeriod(law.least_weight / f64::from(others));
        }
        let draws = u64::from(others) * libm::ceil(1.0 / law.least_weight) as u64;
        Bound::Periods((2 * draws - 1).div_ceil(u64::from(direct.max(1))))
    }
}
