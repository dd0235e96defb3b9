//! Who a SWIM member pings, who helps, who is gossiped with.

pub mod peer;
pub mod registry;
pub mod rng;
pub mod selector;
pub mod surroundings;
pub mod view;

pub use peer::{Peer, Place, Slot, ZonePath};
pub use selector::{Bound, Chooser, Helpers, Selector, Strategy, Surveyed, pick_uniform};
pub use surroundings::{RttSource, Surroundings};
pub use view::{Observation, Turn, View};
