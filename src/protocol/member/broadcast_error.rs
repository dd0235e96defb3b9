//! Errors of metadata and application events.

use std::error::Error;
use std::fmt;

use super::Member;

/// A text or payload longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooLong {
    /// The length, in bytes.
    pub bytes: usize,
    /// The limit, in bytes.
    pub limit: usize,
}

impl TooLong {
    pub(crate) fn check(bytes: usize, limit: usize) -> Result<(), Self> {
        if bytes <= limit { Ok(()) } else { Err(Self { bytes, limit }) }
    }
}

/// Reason why an application event is not spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BroadcastError {
    /// Its name or payload is too long.
    TooLong(TooLong),
    /// The member has left, or was displaced by another process of its name.
    Stopped,
    /// [`Member::OWN_EVENT_LIMIT`] application events wait to be sent already.
    QueueFull,
}

impl From<TooLong> for BroadcastError {
    fn from(error: TooLong) -> Self {
        Self::TooLong(error)
    }
}

impl fmt::Display for BroadcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(error) => error.fmt(f),
            Self::Stopped => f.write_str("the member has stopped"),
            Self::QueueFull => {
                write!(f, "{} events wait to be sent already: try again later", Member::OWN_EVENT_LIMIT)
            }
        }
    }
}

impl Error for BroadcastError {}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes are more than the {} allowed", self.bytes, self.limit)
    }
}

impl Error for TooLong {}
