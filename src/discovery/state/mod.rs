//! Key-value state of each member, beside membership.
//!
//! Membership tells who is there. Metadata in it is for what hardly ever changes, as each change is an update that
//! everybody gets. This module is for what changes while a member lives: services, versions, load figures. It follows
//! scuttlebutt (van Renesse, Dumitriu, Gough, Thomas: "Efficient Reconciliation and Flow Control for Anti-Entropy
//! Protocols", LADIS 2008):
//!
//! - Only its owner writes a state. Each write raises the owner's version, and each key carries the version of its last
//!   write. So a copy is described by one number, and what it lacks is all that is above it. Superseded values are never
//!   sent.
//! - A deletion is an entry without a value. The owner remembers a bounded number for a bounded time. A copy that is
//!   older than the last deletion that was forgotten receives the whole state and then takes it over at once.
//! - A value may have a time to live. It passes with what is left of it, disappears everywhere unless it is written
//!   again, and needs no message for that.
//!
//! [`StateStore`] has the states of all members, [`Exchange`] keeps them equal by two mechanisms. *News* are changes that
//! each member tells a few others per interval, ln(n) + 2 in all, together with the version that they follow; a receiver
//! that does not have this version asks for what is missing. *Repair* compares a digest with one other member every few
//! seconds, which costs 11 bytes if nothing differs, and finds what news have missed. With every fifteenth repair goes a
//! *check of contents*, 20 bytes, by which an owner learns of copies that have values that it has not written.
//!
//! ```
//! use swimlab::discovery::state::{Exchange, ExchangeConfig, StateStore};
//! use swimlab::protocol::{Span, Time};
//! use swimlab_selectors::rng::{Purpose, stream};
//!
//! let start = |me, other| {
//!     let mut store = StateStore::new(me, 1);
//!     store.admit(other, 1)?;
//!     Ok::<_, Box<dyn std::error::Error>>(Exchange::new(
//!         Time::ZERO,
//!         ExchangeConfig::default(),
//!         store,
//!         stream(1, Purpose::Protocol, me),
//!     )?)
//! };
//! let (mut first, mut second) = (start(1, 2)?, start(2, 1)?);
//! first.store_mut().set(Time::ZERO, "queue", "17", Some(Span::from_secs(10)))?;
//!
//! let mut out = Vec::new();
//! first.wake(first.deadline(), &mut |_| vec![2], &mut out);
//! let (to, payload) = out.remove(0);
//! assert_eq!(to, 2);
//! second.handle(Time::ZERO, 1, &payload, &mut out)?;
//! assert_eq!(second.store().get(1, "queue"), Some("17"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod change;
mod content;
mod content_check;
mod delta;
mod error;
mod exchange;
mod limits;
mod member_state;
mod message;
mod news;
mod repair;
mod states;
mod store;
#[cfg(test)]
mod tests;

pub use change::{Changes, StateChange};
pub use error::{PayloadError, StateError};
pub use exchange::{Exchange, ExchangeConfig, ExchangeConfigError, Outgoing, Partners};
pub use limits::{
    ANSWER_FACTOR, BEHIND_LIMIT, CHANGE_LIMIT, CONTENT_CHECK_EVERY, DELETION_LIMIT, DELETION_MEMORY, KEY_BYTES,
    KEY_LIMIT, LONGEST_TTL, MEMBER_LIMIT, PART_LIMIT, RECEIVED_FACTOR, REPLACEMENT_TIMEOUT, ROUND_LIMIT, STATE_BYTES,
    VALUE_BYTES,
};
pub use message::{CONTENT_DIGEST_BYTES, DIGEST_BYTES};
pub use store::StateStore;
