//! Values that the group shares: any member writes them, and all know them soon.
//!
//! A member's [state](super::state) is written by its owner alone. A shared value is carried there: each write of it is an
//! entry in the writer's state, and a reader [merges](super::merge) the entries of all members. So that a value outlives its
//! writer, it has three *keepers*, the members with the greatest hash of value and member (rendezvous hashing; Thaler,
//! Ravishankar 1998). They carry what they know to be the latest, in their own states. A writer stops carrying it once the
//! keepers do, and if a keeper dies, the next one in the order of hashes takes its place with what it knows. If no keeper
//! carries what a member knows, because its writer has died early or all keepers have at once, that member carries it after
//! 8 to 38 seconds.
//!
//! A value is lost if all members end at about the same time: nothing is written to disk.
//!
//! ```
//! use swimlab::discovery::shared::SharedValues;
//! use swimlab::protocol::Time;
//!
//! let wall = Time::from_micros(1_800_000_000_000_000);
//! let (mut one, mut other) = (SharedValues::new(1), SharedValues::new(2));
//! one.set(wall, "mode", "maintenance")?;
//! one.add(wall, "drained", "rack-7")?;
//!
//! // What member 1 carries in its state arrives at member 2.
//! for (key, value) in one.carry(Time::ZERO, wall, &[1, 2], |_, _| None) {
//!     other.observe(wall, &key, &value);
//! }
//! assert_eq!(other.view().values["mode"], "maintenance".into());
//! assert!(other.view().sets["drained"].contains("rack-7"));
//! # Ok::<(), swimlab::discovery::shared::SharedError>(())
//! ```

mod entry;
mod error;
mod keepers;
mod key;
mod limits;
#[cfg(test)]
mod tests;
mod values;

pub use error::SharedError;
pub use limits::{BYTE_LIMIT, ENTRY_LIMIT, ITEM_BYTES, KEEPERS, NAME_BYTES, REMOVAL_MEMORY};
pub use values::{Observed, SharedValues, SharedView, SharedWrite};
