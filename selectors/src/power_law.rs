//! Power law of distance: the probability of a draw falls with a power of the distance, as in Medley.

use crate::memo::Memo;
use crate::metric::{self, MetricIndex};
use crate::peer::Slot;
use crate::registry::{Param, Params};
use crate::rng::{Rng, unit};
use crate::view::View;

/// Weights that fall with a power of the distance: the nearest peer weighs 1, one at twice its distance `2^-exponent`.
///
/// A distance of 0 counts as one unit of the metric. A peer of unknown distance has the least weight.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PowerLaw {
    /// The exponent m, 0 to 20; 0 gives all peers the same weight. 3 by default.
    pub exponent: f64,
    /// Lower limit of a weight, 1e-9 to 1, so that peers many powers of ten farther than the nearest are still drawn.
    /// 1e-6 by default.
    pub least_weight: f64,
}

impl Default for PowerLaw {
    fn default() -> Self {
        Self { exponent: 3.0, least_weight: 1e-6 }
    }
}

impl PowerLaw {
    /// Parameters of a strategy that draws by this law over a metric.
    pub(crate) fn params(metric_about: &'static str) -> Vec<Param> {
        let default = Self::default();
        vec![
            metric::param().about(metric_about),
            Param::real("exponent", 0.0, 20.0, default.exponent, "m: weights fall as distance^-m; 0: equal weights"),
            Param::real("least", 1e-9, 1.0, default.least_weight, "lower limit of a weight; the nearest peer weighs 1"),
        ]
    }

    /// Reads the parameters that [`PowerLaw::params`] declares.
    pub(crate) fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self { exponent: params.real("exponent")?, least_weight: params.real("least")? })
    }

    /// Panics if a field is out of its range.
    pub(crate) fn assert_valid(self) {
        let Self { exponent, least_weight } = self;
        assert!((0.0..=20.0).contains(&exponent), "exponent {exponent} is not from 0 to 20");
        assert!((1e-9..=1.0).contains(&least_weight), "least weight {least_weight} is not from 1e-9 to 1");
    }

    /// Returns these slots with their weights, in the same order.
    pub(crate) fn weights(
        self,
        index: &dyn MetricIndex,
        view: &dyn View,
        slots: impl Iterator<Item = Slot>,
    ) -> Vec<(Slot, f64)> {
        let me = view.peer(view.me());
        let distances: Vec<(Slot, u64)> =
            slots.map(|slot| (slot, index.distance(me, view.peer(slot)).max(1))).collect();
        let nearest = distances.iter().map(|&(_, distance)| distance).min().unwrap_or(1) as f64;
        let computed = |distance: u64| libm::pow(distance as f64 / nearest, -self.exponent).max(self.least_weight);
        // Peers of one site are at one distance, and a power takes longer than a look at it.
        let mut known = Memo::new();
        let mut weight = |distance| known.get_or(distance, || computed(distance));
        distances.into_iter().map(|(slot, distance)| (slot, weight(distance))).collect()
    }
}

/// Draws a slot by weight and removes it; `None` if there is none.
pub(crate) fn draw(weights: &mut Vec<(Slot, f64)>, rng: &mut Rng) -> Option<Slot> {
    let mut rest = unit(rng) * weights.iter().map(|&(_, weight)| weight).sum::<f64>();
    let position = weights.iter().position(|&(_, weight)| {
        rest -= weight;
        rest < 0.0
    });
    // Rounding can leave a remainder after the last weight.
    let position = position.or(weights.len().checked_sub(1))?;
    Some(weights.remove(position).0)
}
