//! `spatial`: helpers drawn by a power of their distance.

use std::sync::Arc;

use super::HelperRegistry;
use crate::metric::{Metric, MetricIndex, MetricRegistry, build_shared_metric};
use crate::peer::Slot;
use crate::power_law::{PowerLaw, draw};
use crate::selector::Helpers;
use crate::view::Context;

/// Helpers drawn by a power of their distance from the prober, as Medley draws its targets.
#[derive(Clone)]
pub struct SpatialHelpers {
    index: Arc<dyn MetricIndex>,
    law: PowerLaw,
}

pub(super) fn register(registry: &mut HelperRegistry, metrics: &Arc<MetricRegistry>) {
    let metrics = Arc::clone(metrics);
    let about = "Near members more often, by a power of the distance (Medley).";
    registry.register("spatial", about, PowerLaw::params("metric of the distance"), move |params, context| {
        let metric = build_shared_metric(&metrics, params.text("metric")?, context)?;
        Ok(Arc::new(SpatialHelpers::new(&*metric, PowerLaw::from_params(params)?)))
    });
}

impl SpatialHelpers {
    /// Helpers by the distances of `metric`.
    ///
    /// # Panics
    /// If a number of the law is out of its range.
    pub fn new(metric: &dyn Metric, law: PowerLaw) -> Self {
        law.assert_valid();
        // Distances between peers need no roster.
        Self { index: metric.index(&[]), law }
    }
}

impl Helpers for SpatialHelpers {
    fn helpers(&self, ctx: &mut Context<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        let view = ctx.view;
        let fits = |&slot: &Slot| view.pingable(slot) && !view.suspect(slot) && !targets.contains(&slot);
        let mut weights = self.law.weights(&*self.index, view, (0..view.slots()).filter(fits));
        picks.extend((0..want).map_while(|_| draw(&mut weights, ctx.rng)));
    }
}
