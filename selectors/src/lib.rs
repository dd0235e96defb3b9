//! Who a SWIM member pings, who helps, who is gossiped with.

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
pub mod surroundings;
pub mod view;

pub use coordinate::Coordinate;
pub use helpers::helpers;
pub use metric::{Index, Metric, Nearness, metrics};
pub use peer::{Peer, Place, Slot, ZonePath};
pub use selector::{Bound, Chooser, Helpers, Selector, Strategy, Surveyed, pick_uniform};
pub use strategies::{build_selector, selectors};
pub use surroundings::{RttSource, Surroundings};
pub use view::{Observation, Turn, View};

/// The guide's snippets are doctests.
#[cfg(all(doctest, feature = "laws"))]
#[doc = include_str!("../../docs/selectors.md")]
struct Guide;
