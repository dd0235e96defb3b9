//! The built-in strategies that pick helpers for indirect pings, one file each, and the registry that finds them by
//! name.
//!
//! A new strategy is one file with a function `register`, and one line in [`helpers`].

mod diverse;
mod path;
mod regional;
mod spatial;
mod uniform;

use std::sync::Arc;

use crate::build_context::BuildContext;
use crate::metric::{MetricRegistry, metrics};
use crate::registry::{Registry, Spec, SpecError};
use crate::selector::Helpers;

pub use diverse::DiverseHelpers;
pub use regional::RegionalHelpers;
pub use spatial::SpatialHelpers;
pub use uniform::UniformHelpers;

pub(crate) type HelperRegistry = Registry<Arc<dyn Helpers>, BuildContext>;

/// Returns the registry of the built-in helper strategies over the built-in metrics.
pub fn helpers() -> Registry<Arc<dyn Helpers>, BuildContext> {
    helpers_over(metrics())
}

/// Returns the registry of the built-in helper strategies over a registry of metrics, which may contain a user's own.
pub fn helpers_over(metrics: MetricRegistry) -> Registry<Arc<dyn Helpers>, BuildContext> {
    let metrics = Arc::new(metrics);
    let mut registry = Registry::new("choice of helpers");
    uniform::register(&mut registry, &metrics);
    diverse::register(&mut registry, &metrics);
    regional::register(&mut registry, &metrics);
    spatial::register(&mut registry, &metrics);
    registry
}

/// Builds a built-in helper strategy from its label, without measured round-trip times.
///
/// ```
/// let diverse = swimlab_selectors::helpers_named("diverse")?;
/// let error = swimlab_selectors::helpers_named("divers").err().unwrap();
/// assert_eq!(error.to_string(), "unknown choice of helpers \"divers\"; did you mean diverse?");
/// # Ok::<(), swimlab_selectors::SpecError>(())
/// ```
///
/// # Errors
/// Names what is wrong with the label, with the most similar valid names.
pub fn helpers_named(label: &str) -> Result<Arc<dyn Helpers>, SpecError> {
    helpers().build(&Spec::parse(label)?, &BuildContext::default())
}
