//! Reasons why a write or a merge is refused.

use std::error::Error;
use std::fmt;

use super::limits::LARGEST_LEAD;
use crate::protocol::Span;

/// Reason why a write or a merge is refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeError {
    /// A stamp is this far ahead of the own wall clock, more than [`HybridClock::LARGEST_LEAD`](super::HybridClock::LARGEST_LEAD).
    Ahead(Span),
    /// A text has this many bytes, more than are allowed.
    LongText(usize),
}

impl Error for MergeError {}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ahead(lead) => {
                write!(f, "a stamp is {lead} ahead of this clock, more than {LARGEST_LEAD}: one of the clocks is wrong")
            }
            Self::LongText(len) => write!(f, "a text of {len} bytes is too long"),
        }
    }
}
