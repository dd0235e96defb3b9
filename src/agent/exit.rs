//! The end of an agent.

use std::error::Error;
use std::fmt;

/// Reason why an agent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitReason {
    /// It left the group: [`Agent::leave`](super::Agent::leave).
    Left,
    /// Another process took its name.
    Displaced,
    /// It was stopped, or all its handles were dropped.
    Stopped,
    /// A task of it panicked, which is a bug of swimlab, of a selector or of helpers. To the group it has crashed.
    Panicked,
}

impl ExitReason {
    /// The name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Displaced => "displaced",
            Self::Stopped => "stopped",
            Self::Panicked => "panicked",
        }
    }
}

/// Error of a call to an agent that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed;

impl Error for Closed {}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the agent has ended")
    }
}
