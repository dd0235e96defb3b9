//! Peer selection for SWIM: which members are pinged, which are gossiped with, and which send indirect pings.

mod build_context;
mod coordinate;
mod helpers;
#[cfg(feature = "laws")]
pub mod laws;
mod metric;
mod peer;
mod power_law;
mod prefetch;
mod registry;
pub mod rng;
mod selector;
mod strategies;
mod view;

pub use build_context::{BuildContext, RttSource};
pub use coordinate::{Coordinate, RttFilter, Vivaldi};
pub use helpers::{DiverseHelpers, SpatialHelpers, UniformHelpers, helpers, helpers_named, helpers_over};
pub use metric::{
    Euclid, Finger, GreatCircle, Hierarchy, LearnedRtt, Metric, MetricIndex, Nearness, Ring, Rtt, UNKNOWN_DISTANCE,
    Xor, build_metric, build_shared_metric, metrics, tie_break,
};
pub use peer::{Location, Peer, Slot, ZonePath};
pub use power_law::PowerLaw;
pub use prefetch::{prefetch, prefetch_first};
pub use registry::{
    Param, Params, Registration, Registry, Spec, SpecError, Value, ValueRange, did_you_mean, nearest_names,
};
pub use selector::{Bound, DynSelector, Helpers, IndexedSelector, MemberSelector, NearPeer, Selector, pick_uniform};
pub use strategies::{
    Beyond, Bucket, BucketState, Neighborhood, NeighborhoodConfig, NeighborhoodState, Neighborhoods, Permutation,
    RingSchedules, Schedule, ScheduleConfig, ScheduleState, Shuffle, ShuffleState, Spatial, SpatialConfig,
    SpatialState, Uniform, bucket_sizes, build_selector, selectors, selectors_over,
};
pub use view::{Context, Observation, View};

/// The guide's snippets are doctests.
#[cfg(all(doctest, feature = "laws"))]
#[doc = include_str!("../../docs/selectors.md")]
struct Guide;
