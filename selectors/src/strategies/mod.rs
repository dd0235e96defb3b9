//! The built-in selectors, one file or folder each, and the registry that finds them by name.
//!
//! A new selector is one file with a function `register`, and one line in [`selectors_over`].

mod auto;
mod bucket;
mod neighborhood;
mod permutation;
mod round_robin;
mod schedule;
mod shuffle;
mod spatial;
mod uniform;

use std::str::FromStr;
use std::sync::Arc;

use crate::build_context::BuildContext;
use crate::metric::{MetricRegistry, metrics};
use crate::registry::{Registry, Spec, SpecError};
use crate::selector::DynSelector;

pub use bucket::{Bucket, BucketState, bucket_sizes};
pub use neighborhood::{Beyond, Neighborhood, NeighborhoodConfig, NeighborhoodState, Neighborhoods};
pub use permutation::Permutation;
pub use schedule::{RingSchedules, Schedule, ScheduleConfig, ScheduleState};
pub use shuffle::{Shuffle, ShuffleState};
pub use spatial::{Spatial, SpatialConfig, SpatialState};
pub use uniform::Uniform;

pub(crate) type SelectorRegistry = Registry<DynSelector, BuildContext>;

/// Returns the registry of the built-in selectors over the built-in metrics.
///
/// ```
/// use swimlab_selectors::{Bound, BuildContext, Spec, build_selector, selectors};
///
/// let spec = Spec::parse("bucket:buckets=8,metric=ring")?;
/// let selector = build_selector(&selectors(), &spec, &BuildContext::default())?;
/// assert_eq!(selector.label(), "bucket:buckets=8,metric=ring");
/// assert_eq!(selector.bound(128, 1), Bound::Periods(889));
/// # Ok::<(), swimlab_selectors::SpecError>(())
/// ```
pub fn selectors() -> Registry<DynSelector, BuildContext> {
    selectors_over(metrics())
}

/// Returns the registry of the built-in selectors over a registry of metrics, which may contain a user's own.
pub fn selectors_over(metrics: MetricRegistry) -> Registry<DynSelector, BuildContext> {
    let metrics = Arc::new(metrics);
    let mut registry = Registry::new("selector");
    uniform::register(&mut registry, &metrics);
    shuffle::register(&mut registry, &metrics);
    bucket::register(&mut registry, &metrics);
    spatial::register(&mut registry, &metrics);
    neighborhood::register(&mut registry, &metrics);
    schedule::register(&mut registry, &metrics);
    auto::register(&mut registry, &metrics);
    registry
}

/// Builds the selector that a spec describes, with the spec's text as its label.
///
/// [`str::parse`] is shorter where the built-in registry and the default context suffice.
///
/// # Errors
/// Names what is wrong with the spec, with the most similar valid names.
pub fn build_selector(
    registry: &Registry<DynSelector, BuildContext>,
    spec: &Spec,
    context: &BuildContext,
) -> Result<DynSelector, SpecError> {
    registry.build(spec, context).map(|selector| selector.relabel(spec.to_string()))
}

impl FromStr for DynSelector {
    type Err = SpecError;

    /// Builds a built-in selector from its label, without measured round-trip times.
    fn from_str(label: &str) -> Result<Self, SpecError> {
        build_selector(&selectors(), &Spec::parse(label)?, &BuildContext::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_built_from_their_labels_and_keep_them() {
        let labels = [
            "uniform",
            "shuffle",
            "bucket:buckets=4,metric=xor",
            "neighborhood:metric=euclid;width=16;height=16,radius=8",
            "neighborhood:metric=vivaldi",
            "neighborhood:picks=1,radius=16",
            "neighborhood:beyond=bucket,buckets=3,escape=0.1,metric=finger,picks=2,radius=0",
            "spatial:bag=true,exponent=2.5,least=0.001,metric=great-circle",
        ];
        for label in labels {
            assert_eq!(label.parse::<DynSelector>().unwrap().label(), label);
        }
    }

    #[test]
    fn errors_name_the_most_similar_names() {
        let error = |label: &str| label.parse::<DynSelector>().unwrap_err().to_string();
        assert_eq!(error("shufle"), "unknown selector \"shufle\"; did you mean shuffle or schedule?");
        assert_eq!(error("bucket:metric=hierarchie"), "bucket: unknown metric \"hierarchie\"; did you mean hierarchy?");
        assert_eq!(
            error("neighborhood:metric=ring,radios=3"),
            "neighborhood has no parameter \"radios\"; did you mean radius?"
        );
        assert_eq!(
            error("neighborhood:metric=ring,escape=0"),
            "neighborhood: escape must be a number from 0.001 to 0.999, not 0"
        );
        assert!(error("bucket").starts_with("bucket: metric is missing"));
        assert!(error("bucket:metric=rtt").contains("no measured round-trip times"));
        assert!(error("bucket:metric=vivaldi").contains("is learned"));
        assert!(error("spatial:metric=vivaldi").contains("is learned"));
    }
}
