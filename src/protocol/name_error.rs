//! Rules for names of members and of application events.

use std::error::Error;
use std::fmt;

use super::member::TooLong;

/// Reason why a text cannot be the name of a member or of an application event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It is empty.
    Empty,
    /// It has this control character or line break: printed, it could forge lines or steer a terminal.
    Control(char),
    /// It is too long.
    TooLong(TooLong),
}

impl NameError {
    /// Checks a name of at most `limit` bytes.
    #[cfg(feature = "agent")]
    pub(crate) fn check(name: &str, limit: usize) -> Result<(), Self> {
        if name.is_empty() {
            return Err(Self::Empty);
        }
        TooLong::check(name.len(), limit).map_err(Self::TooLong)?;
        first_control(name).map_or(Ok(()), |found| Err(Self::Control(found)))
    }
}

/// The first character of a text that names must not have: the control characters of ASCII and Latin-1 (U+0000 to
/// U+001F, U+007F to U+009F), and the line and paragraph separators of Unicode.
pub(crate) fn first_control(text: &str) -> Option<char> {
    text.chars().find(|&character| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}'))
}

impl Error for NameError {}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it must not be empty"),
            Self::Control(found) => write!(f, "it must have no control characters, but has {}", found.escape_unicode()),
            Self::TooLong(error) => error.fmt(f),
        }
    }
}
