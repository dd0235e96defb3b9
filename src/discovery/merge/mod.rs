//! Values that several members write: how concurrent writes are merged.
//!
//! A key of [`state`](super::state) has one writer, so it needs no rule for conflicts. For all else there are two types
//! whose merge is associative, commutative and idempotent, so that replicas are equal once they have seen the same
//! writes, in whatever order, however often (Shapiro, Preguica, Baquero, Zawirski: "Conflict-free Replicated Data
//! Types", SSS 2011):
//!
//! - [`Register`], one value: the last write wins. Writes are ordered by a [`HybridClock`], then by writer. A wall clock
//!   alone would lose a write by a member whose clock is behind, although its writer had seen the value that it
//!   replaced.
//! - [`ObservedItem`], an item of a set: a removal removes what its writer had observed, so a concurrent addition wins.
//!
//! ```
//! use swimlab::discovery::merge::{HybridClock, Register};
//! use swimlab::protocol::Time;
//!
//! let at = |seconds: u64| Time::from_micros(seconds * 1_000_000);
//! let (mut ahead, mut behind) = (HybridClock::default(), HybridClock::default());
//! let mut value = Register::default();
//! value.set(&mut ahead, at(105), 1, "first")?;
//!
//! // The clock of member 2 is five seconds behind. It reads the value, and replaces it.
//! behind.observe(at(100), value.stamp())?;
//! let mut later = value.clone();
//! later.set(&mut behind, at(100), 2, "second")?;
//! value.merge(&later);
//! assert_eq!(value.get(), Some("second"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod error;
mod item;
mod limits;
mod register;
#[cfg(test)]
mod tests;

pub use clock::{HybridClock, Stamp};
pub use error::MergeError;
pub use item::{Addition, ObservedItem};
pub use register::Register;
