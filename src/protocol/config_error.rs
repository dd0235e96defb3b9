//! Errors of [`Config::validate`](super::Config::validate).

use std::error::Error;
use std::fmt;

use super::time::Span;

/// A value that the protocol cannot run with.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The probe timeout leaves helpers no time within the period.
    ProbeTimeout {
        /// The configured timeout.
        probe_timeout: Span,
        /// The protocol period.
        period: Span,
    },
    /// A value outside its range.
    OutOfRange {
        /// Name of the field or parameter.
        field: &'static str,
        /// The value, as text.
        value: String,
        /// The allowed range, in words: "at least 1".
        allowed: &'static str,
    },
}

impl ConfigError {
    /// Refuses `value` unless it `is_allowed`.
    pub(super) fn check(
        is_allowed: bool,
        field: &'static str,
        value: impl fmt::Display,
        allowed: &'static str,
    ) -> Result<(), Self> {
        if is_allowed { Ok(()) } else { Err(Self::OutOfRange { field, value: value.to_string(), allowed }) }
    }
}

impl Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProbeTimeout { probe_timeout, period } => {
                write!(f, "probe_timeout ({probe_timeout}) must be shorter than period ({period})")
            }
            Self::OutOfRange { field, value, allowed } => write!(f, "{field} must be {allowed}, not {value}"),
        }
    }
}
