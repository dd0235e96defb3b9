//! Reasons why a write is refused.

use std::error::Error;
use std::fmt;

use super::limits::{BYTE_LIMIT, ENTRY_LIMIT, ITEM_BYTES, NAME_BYTES};
use crate::discovery::merge::{MergeError, Register};

/// Reason why a write of a shared value is refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SharedError {
    /// The name is not 1 to [`NAME_BYTES`] letters, digits, `-`, `_` and `.`.
    Name(Box<str>),
    /// The item is empty, longer than [`ITEM_BYTES`], or has control characters.
    Item(Box<str>),
    /// The value has this many bytes, more than [`Register::VALUE_BYTES`].
    LongValue(usize),
    /// There are [`ENTRY_LIMIT`] values and items.
    TooMany,
    /// With this write they would have this many bytes, more than [`BYTE_LIMIT`].
    TooLarge(usize),
    /// The value that is there is from a clock that is too far ahead.
    Clock(MergeError),
}

impl Error for SharedError {}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(
                f,
                "the name {name:?} must have 1 to {NAME_BYTES} letters, digits, hyphens, underscores and dots"
            ),
            Self::Item(item) => {
                write!(f, "the item {item:?} must have 1 to {ITEM_BYTES} bytes and no control characters")
            }
            Self::LongValue(len) => {
                write!(f, "a value of {len} bytes is longer than the {} allowed", Register::VALUE_BYTES)
            }
            Self::TooMany => write!(
                f,
                "the group shares at most {ENTRY_LIMIT} values and items of sets, and those removed within a day count"
            ),
            Self::TooLarge(bytes) => {
                write!(f, "shared values have at most {BYTE_LIMIT} bytes in all, this write would make it {bytes}")
            }
            Self::Clock(error) => error.fmt(f),
        }
    }
}
