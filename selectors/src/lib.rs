//! Who a SWIM member pings, who helps, who is gossiped with.

pub mod build_context;
pub mod coordinate;
pub mod helpers;
#[cfg(feature = "laws")]
pub mod laws;
pub mod metric;
pub mod peer;
pub mod power_law;
pub mod prefetch;
pub mod registry;
pub mod rng;
pub mod selector;
pub mod strategies;
pub mod view;

pub use build_context::{BuildContext, RttSource};
pub use coordinate::Coordinate;
pub use helpers::helpers;
pub use metric::{Metric, MetricIndex, Nearness, metrics};
pub use peer::{Location, Peer, Slot, ZonePath};
pub use selector::{Bound, DynSelector, Helpers, IndexedSelector, MemberSelector, Selector, pick_uniform};
pub use strategies::{build_selector, selectors};
pub use view::{Context, Observation, View};

/// The guide's snippets are doctests.
#[cfg(all(doctest, feature = "laws"))]
#[doc = include_str!("../../docs/selectors.md")]
struct Guide;
