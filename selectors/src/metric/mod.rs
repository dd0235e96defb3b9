//! Metrics, one file each: distances between peers, indexes that find the nearest, and the registry that finds metrics
//! by name.
//!
//! A new metric is one file with a function `register`, and one line in [`metrics`].

mod distance;
mod euclid;
mod finger;
mod great_circle;
mod hierarchy;
mod ids;
mod learned_rtt;
mod locations;
mod ring;
mod rtt;
mod tied;
mod tree;
mod xor;

use std::sync::Arc;

use crate::build_context::BuildContext;
use crate::registry::{Param, Registry, Spec};

pub use distance::{Metric, MetricIndex, Nearness, UNKNOWN_DISTANCE, tie_break};
pub use euclid::Euclid;
pub use finger::Finger;
pub use great_circle::GreatCircle;
pub use hierarchy::Hierarchy;
pub use learned_rtt::LearnedRtt;
pub use ring::Ring;
pub use rtt::Rtt;
pub use xor::Xor;

pub(crate) type MetricRegistry = Registry<Arc<dyn Metric>, BuildContext>;

/// Returns the registry of the built-in metrics.
///
/// ```
/// use swimlab_selectors::{BuildContext, build_metric, metrics};
///
/// let torus = build_metric(&metrics(), "euclid;width=16;height=16", &BuildContext::default())?;
/// assert!(!torus.learned());
/// # Ok::<(), String>(())
/// ```
pub fn metrics() -> Registry<Arc<dyn Metric>, BuildContext> {
    let mut registry = Registry::new("metric");
    ring::register(&mut registry);
    xor::register(&mut registry);
    finger::register(&mut registry);
    euclid::register(&mut registry);
    great_circle::register(&mut registry);
    rtt::register(&mut registry);
    hierarchy::register(&mut registry);
    learned_rtt::register(&mut registry);
    registry
}

/// Parameter `metric` of a selector or helper strategy.
pub(crate) fn param() -> Param {
    Param::text("metric", "metric of the distance, with parameters as in euclid;width=16;height=16")
}

/// Builds the metric that a selector's parameter names: `ring`, or with parameters `euclid;width=16`.
///
/// Inside another label, a metric's label has `;` in place of `:` and `,`.
///
/// # Errors
/// Names what is wrong, with the most similar valid names.
pub fn build_metric(
    registry: &Registry<Arc<dyn Metric>, BuildContext>,
    label: &str,
    context: &BuildContext,
) -> Result<Arc<dyn Metric>, String> {
    let label = label.replacen(';', ":", 1).replace(';', ",");
    Spec::parse(&label).and_then(|spec| registry.build(&spec, context)).map_err(|error| error.to_string())
}

/// Builds a metric for a strategy that needs the distances of all peers, which no member can learn.
///
/// # Errors
/// As [`build_metric`], and if the metric is learned.
pub fn build_shared_metric(
    registry: &Registry<Arc<dyn Metric>, BuildContext>,
    label: &str,
    context: &BuildContext,
) -> Result<Arc<dyn Metric>, String> {
    let metric = build_metric(registry, label, context)?;
    if metric.learned() {
        return Err(format!("{label} is learned: a member knows the distances to a few peers only; use neighborhood"));
    }
    Ok(metric)
}

#[cfg(test)]
mod tests;
