//! The power law of distance: how much likelier near peers are drawn than far ones.

use crate::metric::MetricIndex;
use crate::peer::Slot;
use crate::rng::{Rng, unit};
use crate::view::View;

/// Weights that fall with the m-th power of the distance.
///
/// The nearest weighs 1, one at twice its distance 2^-m; nobody weighs less than `least`, however far: a distance in
/// metres spans so many powers of ten that the farthest would never be drawn. Peers whose distance is not known weigh
/// `least`. Distances of 0 count as one unit of the metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerLaw {
    exponent: f64,
    least: f64,
}

impl PowerLaw {
    /// The law with this exponent and least weight.
    ///
    /// # Panics
    /// If the exponent is not from 0 to 20, or the least weight not from 1e-9 to 1.
    pub fn new(exponent: f64, least: f64) -> Self {
        assert!((0.0..=20.0).contains(&exponent), "an exponent of {exponent} is not from 0 to 20");
        assert!((1e-9..=1.0).contains(&least), "a least weight of {least} is not from 1e-9 to 1");
        Self { exponent, least }
    }

    /// The least weight.
    pub fn least(self) -> f64 {
        self.least
    }

    /// The weights of these slots, in their order.
    pub fn weights(
        self,
        index: &dyn MetricIndex,
        view: &dyn View,
        slots: impl Iterator<Item = Slot>,
    ) -> Vec<(Slot, f64)> {
        let me = view.peer(view.me());
        let far: Vec<(Slot, u64)> = slots.map(|slot| (slot, index.distance(me, view.peer(slot)).max(1))).collect();
        let nearest = far.iter().map(|&(_, distance)| distance).min().unwrap_or(1) as f64;
        let weight = |distance: u64| libm::pow(distance as f64 / nearest, -self.exponent).max(self.least);
        far.into_iter().map(|(slot, distance)| (slot, weight(distance))).collect()
    }
}

/// Draws one of these, by its weight, and takes it out; `None` if there is nothing to draw.
pub(crate) fn draw(weights: &mut Vec<(Slot, f64)>, rng: &mut Rng) -> Option<Slot> {
    let mut rest = unit(rng) * weights.iter().map(|&(_, weight)| weight).sum::<f64>();
    let at = weights.iter().position(|&(_, weight)| {
        rest -= weight;
        rest < 0.0
    });
    // Rounding can leave a crumb after the last one.
    let at = at.or(weights.len().checked_sub(1))?;
    Some(weights.remove(at).0)
}
