//! Reasons why a change or a payload is refused.

use std::error::Error;
use std::fmt;

use super::limits::{KEY_BYTES, KEY_LIMIT, LONGEST_TTL, MEMBER_LIMIT, STATE_BYTES, VALUE_BYTES, VERSION};
use crate::protocol::{Id, first_control};

/// Reason why a change of a state is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// The key is empty.
    EmptyKey,
    /// The key has this many bytes, more than [`KEY_BYTES`].
    LongKey(usize),
    /// The key has this control character or line break.
    Control(char),
    /// The value has this many bytes, more than [`VALUE_BYTES`].
    LongValue(usize),
    /// The time to live is zero or longer than [`LONGEST_TTL`].
    Ttl,
    /// The state has [`KEY_LIMIT`] keys.
    TooManyKeys,
    /// With this change the state would have this many bytes, more than [`STATE_BYTES`].
    TooLarge(usize),
    /// The states of [`MEMBER_LIMIT`] members are kept, and this one is not among them.
    TooManyMembers(Id),
}

/// Reason why a payload is refused. Nothing of it was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadError {
    /// It ends too early.
    Truncated,
    /// A version that this build does not read.
    Version(u8),
    /// An unknown kind of message.
    Kind(u8),
    /// A value of another type than the layout has there.
    Malformed,
    /// A number out of range: of parts, of members or of entries, or of versions that do not increase.
    OutOfRange,
    /// A key or value that no member can have.
    Text(StateError),
    /// Not the form in which such a message is written.
    NotCanonical,
    /// Bytes other than zeros follow the message.
    Trailing,
}

/// Checks a key: 1 to [`KEY_BYTES`] bytes without control characters and line breaks.
pub(super) fn check_key(key: &str) -> Result<(), StateError> {
    match key.len() {
        0 => Err(StateError::EmptyKey),
        1..=KEY_BYTES => first_control(key).map_or(Ok(()), |found| Err(StateError::Control(found))),
        len => Err(StateError::LongKey(len)),
    }
}

/// Checks a value: at most [`VALUE_BYTES`] bytes.
pub(super) fn check_value(value: &str) -> Result<(), StateError> {
    if value.len() > VALUE_BYTES { Err(StateError::LongValue(value.len())) } else { Ok(()) }
}

impl Error for StateError {}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyKey => f.write_str("a key must not be empty"),
            Self::LongKey(len) => write!(f, "a key of {len} bytes is longer than the {KEY_BYTES} allowed"),
            Self::Control(found) => {
                write!(f, "a key must have no control characters, but has {}", found.escape_unicode())
            }
            Self::LongValue(len) => write!(f, "a value of {len} bytes is longer than the {VALUE_BYTES} allowed"),
            Self::Ttl => write!(f, "a time to live must be longer than zero and at most {LONGEST_TTL}"),
            Self::TooManyKeys => write!(f, "a member has at most {KEY_LIMIT} keys: delete one first"),
            Self::TooLarge(bytes) => write!(
                f,
                "keys and values of a member have at most {STATE_BYTES} bytes, this change would make it {bytes}"
            ),
            Self::TooManyMembers(member) => {
                write!(f, "the states of {MEMBER_LIMIT} members are kept: no room for that of {member:016x}")
            }
        }
    }
}

impl Error for PayloadError {}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the message ends too early"),
            Self::Version(version) => write!(f, "unsupported version {version} (expected {VERSION})"),
            Self::Kind(kind) => write!(f, "unknown kind of message {kind}"),
            Self::Malformed => f.write_str("the message does not follow the layout"),
            Self::OutOfRange => f.write_str("a number is out of range"),
            Self::Text(error) => error.fmt(f),
            Self::NotCanonical => f.write_str("the message is not in its canonical, shortest encoding"),
            Self::Trailing => f.write_str("other bytes than padding follow the message"),
        }
    }
}

impl From<StateError> for PayloadError {
    fn from(error: StateError) -> Self {
        Self::Text(error)
    }
}
