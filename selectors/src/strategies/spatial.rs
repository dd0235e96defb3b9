//! `spatial`: Medley's pings, near peers more often by a power of the distance.

use std::sync::Arc;

use crate::metric::{Metric, MetricIndex};
use crate::power_law::{PowerLaw, draw};
use crate::selector::{Bound, Selector};
use crate::view::View;
use crate::{Context, Observation, Peer, Slot};

/// Medley (Yang and others, Middleware 2019): a peer at distance d is pinged with a probability proportional to d^-m.
///
/// The plain variant draws anew each time. The time-bounded one draws from a bag that holds each peer with its weight: a
/// pick takes the smallest of all weights away, who has nothing left is out of the bag, and once all are out it is
/// filled again. So all are pinged about as often as in the plain variant, and everyone within two bags.
///
/// A pick looks at everyone. The plain variant remembers nothing, the bag a number per peer.
#[derive(Clone)]
pub struct Spatial {
    metric: Arc<dyn Metric>,
    law: PowerLaw,
    bag: bool,
}

/// EventKind is left in one member's bag.
#[derive(Debug, Default)]
pub struct SpatialState {
    /// By slot. Joiners in a reused slot take what its last occupant left.
    left: Vec<f64>,
    /// The smallest weight that the bag was filled with.
    step: f64,
}

impl Spatial {
    /// Pings by this law over these distances; with a bag, time-bounded.
    pub fn new(metric: Arc<dyn Metric>, law: PowerLaw, bag: bool) -> Self {
        Self { metric, law, bag }
    }

    fn fill(&self, index: &dyn MetricIndex, view: &dyn View, state: &mut SpatialState) {
        let others = (0..view.slots()).filter(|&slot| slot != view.me());
        state.left = vec![0.0; view.slots() as usize];
        let weights = self.law.weights(index, view, others);
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
        if !self.bag {
            let mut weights = self.law.weights(&**index, view, (0..view.slots()).filter(|&slot| view.pingable(slot)));
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
            // EventKind is less than a step's rounding error is nothing.
            *left = if *left < state.step * 1.000_001 { 0.0 } else { *left - state.step };
            picks.push(slot);
        }
    }

    fn observe(
        &self,
        index: &Arc<dyn MetricIndex>,
        state: &mut SpatialState,
        ctx: &mut Context<'_>,
        what: Observation,
    ) {
        let Observation::Joined(slot) = what else { return };
        // A slot that is new to the bag: its weight among all.
        if self.bag && slot as usize >= state.left.len() && !state.left.is_empty() {
            let others = (0..ctx.view.slots()).filter(|&slot| slot != ctx.view.me());
            let weights = self.law.weights(&**index, ctx.view, others);
            state.left.resize(ctx.view.slots() as usize, 0.0);
            let own = weights.into_iter().find(|&(other, _)| other == slot);
            state.left[slot as usize] = own.map_or(0.0, |(_, weight)| weight);
        }
    }

    /// Plain: nobody weighs less than `least`, and the others together no more than one each. With a bag: two bags, from
    /// which nobody is drawn more often than 1/least times.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        let others = n.saturating_sub(1);
        if direct >= others {
            return if self.bag { Bound::Periods(1) } else { Bound::PerPeriod(1.0) };
        }
        if !self.bag {
            return Bound::PerPeriod(self.law.least() / f64::from(others));
        }
        let draws = u64::from(others) * libm::ceil(1.0 / self.law.least()) as u64;
        Bound::Periods((2 * draws - 1).div_ceil(u64::from(direct.max(1))))
    }
}
