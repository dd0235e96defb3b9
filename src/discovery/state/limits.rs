//! Limits of states and of what is read about them.

use crate::protocol::Span;

/// The version of the format of messages: their first byte.
pub(super) const VERSION: u8 = 1;

/// The longest key, in bytes.
pub const KEY_BYTES: usize = 128;

/// The longest value, in bytes.
pub const VALUE_BYTES: usize = 512;

/// The most keys in one member's state. Remembered deletions beyond it make way for keys.
pub const KEY_LIMIT: usize = 256;

/// The most bytes of keys and values in one member's state.
pub const STATE_BYTES: usize = 16 << 10;

/// The factor by which a state may outgrow [`KEY_LIMIT`] and [`STATE_BYTES`] at a receiver, which may have keys that the
/// owner has deleted since beside keys that the owner has added since.
pub const RECEIVED_FACTOR: usize = 2;

/// The most members whose states are kept.
pub const MEMBER_LIMIT: usize = 16_384;

/// The most deletions that an owner remembers.
pub const DELETION_LIMIT: usize = 64;

/// The longest time for which an owner remembers a deletion.
pub const DELETION_MEMORY: Span = Span::from_secs(600);

/// The longest time to live of a value. Values with one are no part of the check of contents: those that somebody else
/// than their owner has invented end by themselves.
pub const LONGEST_TTL: Span = Span::from_secs(3600);

/// The most changes that wait for [`StateStore::take_changes`](super::StateStore::take_changes).
pub const CHANGE_LIMIT: usize = 4_096;

/// The most parts whose digests are compared.
pub const PART_LIMIT: usize = 224;

/// The most bytes that are sent in answer to one byte received.
pub const ANSWER_FACTOR: usize = 3;

/// The most times that a member continues a repair, with the partner that it chose, before it waits for the next one.
pub const ROUND_LIMIT: u8 = 64;

/// The number of repairs that a member begins for each check of contents.
pub const CONTENT_CHECK_EVERY: u8 = 15;

/// The most members of which a missed change is remembered, to be asked for in the next gossip interval.
pub const BEHIND_LIMIT: usize = 256;

/// The longest time without progress after which a state that is being received as a whole is given up.
pub const REPLACEMENT_TIMEOUT: Span = Span::from_secs(30);
