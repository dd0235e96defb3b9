//! Peer selection for SWIM: which members are pinged, which are gossiped with, and which send indirect pings.
//!
//! SWIM (Das, Gupta, Motivala, DSN 2002) detects failures by pinging one member per period. The choice of that member
//! decides how soon a crash is found, how evenly the load is spread and how far pings travel. This crate has that
//! choice as a part of its own, without messages, clocks or sockets; the crate `swimlab` simulates and runs members
//! with it.
//!
//! - [`Selector`] picks the targets of pings and of gossip; [`DynSelector`] is one without its type. Built-in:
//!   [`Uniform`], [`Shuffle`], [`Bucket`], [`Spatial`], [`Neighborhood`], [`Schedule`].
//! - [`Helpers`] picks the members that are asked to ping silent targets.
//! - [`Metric`] measures how near peers are; its [`MetricIndex`] finds the nearest ones.
//! - [`Registry`] finds all of these by name: a label `kind:key=value,...` is the same in code, files and tables.
//! - `laws` (feature `laws`) is the test kit that each strategy must pass, also a user's own.
//!
//! A selector is built from its label, indexes a roster once for all members, and keeps a small state per member:
//!
//! ```
//! use swimlab_selectors::{Bound, DynSelector};
//!
//! let selector: DynSelector = "neighborhood:metric=ring,radius=8,escape=0.5".parse()?;
//! // Within 506 periods each of 128 members has been pinged by each other one.
//! assert_eq!(selector.bound(128, 1), Bound::Periods(506));
//! # Ok::<(), swimlab_selectors::SpecError>(())
//! ```
//!
//! [`Selector`] shows how to write one, [`Registry::register`] adds it to a registry.
//!
//! | feature | default | purpose |
//! |---|---|---|
//! | `kd-tree` | yes | O(log n) queries of the metrics `euclid` and `great-circle` |
//! | `laws` | no | the test kit, with proptest |

mod build_context;
mod coordinate;
mod helpers;
#[cfg(feature = "laws")]
pub mod laws;
mod location;
mod memo;
mod metric;
mod peer;
mod power_law;
mod prefetch;
mod registry;
pub mod rng;
mod selector;
mod shared_indexes;
mod strategies;
mod view;

pub use build_context::{BuildContext, RttSource};
pub use coordinate::{Coordinate, RttFilter, Vivaldi};
pub use helpers::{
    DiverseHelpers, RegionalHelpers, SpatialHelpers, UniformHelpers, helpers, helpers_named, helpers_over,
};
pub use location::{Location, LocationError};
pub use metric::{
    Euclid, Finger, GreatCircle, Hierarchy, LearnedRtt, Metric, MetricIndex, Nearness, Ring, Rtt, UNKNOWN_DISTANCE,
    Xor, build_metric, build_shared_metric, metrics, tie_break,
};
pub use peer::{Peer, Slot, ZonePath};
pub use power_law::PowerLaw;
pub use prefetch::{prefetch, prefetch_first};
pub use registry::{
    Param, Params, Registration, Registry, Spec, SpecError, Value, ValueRange, did_you_mean, nearest_names,
    parse_seconds,
};
pub use selector::{Bound, DynSelector, Helpers, IndexedSelector, MemberSelector, NearPeer, Selector, pick_uniform};
pub use shared_indexes::SharedIndexes;
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
