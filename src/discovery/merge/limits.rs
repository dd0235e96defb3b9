//! Limits of merged values.

use crate::protocol::Span;

/// The furthest that an observed stamp may be ahead of the own wall clock.
pub(super) const LARGEST_LEAD: Span = Span::from_secs(30);

/// The most items of a set.
pub(super) const ITEM_LIMIT: usize = 256;

/// The most members that add to a set.
pub(super) const WRITER_LIMIT: usize = 1024;
