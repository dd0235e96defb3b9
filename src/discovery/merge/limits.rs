//! Limits of registers and items.

use crate::protocol::Span;

/// The furthest that an observed stamp may be ahead of the own wall clock.
pub(super) const LARGEST_LEAD: Span = Span::from_secs(30);

/// The most members whose additions of an item are kept.
pub(super) const WRITER_LIMIT: usize = 7;
