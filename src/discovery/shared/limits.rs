//! Limits of shared values.

use crate::protocol::Span;

/// The members that carry a value, besides its last writer.
pub const KEEPERS: usize = 3;

/// The longest name of a value or a set, in bytes.
pub const NAME_BYTES: usize = 48;

/// The longest item of a set, in bytes.
pub const ITEM_BYTES: usize = 64;

/// The most values and items of sets, with those whose removal is remembered.
pub const ENTRY_LIMIT: usize = 128;

/// The most bytes of them all, as carried in a state.
pub const BYTE_LIMIT: usize = 8 << 10;

/// The factor by which others' writes may exceed [`ENTRY_LIMIT`] and [`BYTE_LIMIT`]: members write at the same time without
/// knowing of each other.
pub(super) const OBSERVED_FACTOR: usize = 2;

/// The time for which a removal is remembered. A member that was apart for longer brings back what was removed meanwhile.
pub const REMOVAL_MEMORY: Span = Span::from_secs(86_400);

/// The least time after which a member carries what it knows, if no keeper does.
pub(super) const PATIENCE: Span = Span::from_secs(8);

/// The time by which that differs from member to member at most.
pub(super) const PATIENCE_SPREAD: Span = Span::from_secs(30);
