//! Values of parameters and the ranges that they are checked against.

use std::fmt;

use super::text::{did_you_mean, nearest_names, parse_seconds};

/// Value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// True or false.
    Flag(bool),
    /// Any number, integer or not.
    Number(f64),
    /// Any text.
    Text(String),
}

/// Range of values that a parameter allows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ValueRange {
    /// An integer.
    Count {
        /// The least value.
        from: u32,
        /// The greatest value; `u32::MAX`: no limit.
        to: u32,
    },
    /// A real number.
    Real {
        /// The least value.
        from: f64,
        /// The greatest value; infinite: no limit.
        to: f64,
    },
    /// A length of time, written with a unit ("500ms", "20s", "1m 30s").
    Span {
        /// The shortest time, in seconds.
        from_s: f64,
        /// The longest time, in seconds; infinite: no limit.
        to_s: f64,
    },
    /// True or false.
    Flag,
    /// One of a few names.
    Choice {
        /// The names.
        names: &'static [&'static str],
    },
    /// One of a few names, or a length of time.
    ChoiceOrSpan {
        /// The names.
        names: &'static [&'static str],
        /// The shortest time, in seconds.
        from_s: f64,
        /// The longest time, in seconds.
        to_s: f64,
    },
    /// Any text, for example a path.
    Text,
}

impl ValueRange {
    /// Checks a value and returns it in its internal form, in which times are numbers of seconds.
    ///
    /// # Errors
    /// Names the value and what is allowed.
    pub fn admit(&self, value: &Value) -> Result<Value, String> {
        let refuse = || Err(format!("must be {self}, not {value}"));
        match (self, value) {
            (Self::Count { from, to }, Value::Number(n)) => {
                if n.fract() == 0.0 && (f64::from(*from)..=f64::from(*to)).contains(n) {
                    Ok(value.clone())
                } else {
                    refuse()
                }
            }
            (Self::Real { from, to }, Value::Number(n)) if (from..=to).contains(&n) => Ok(value.clone()),
            (Self::Span { from_s, to_s }, Value::Text(text)) => match parse_seconds(text) {
                Some(s) if (from_s..=to_s).contains(&&s) => Ok(Value::Number(s)),
                _ => refuse(),
            },
            (Self::Flag, Value::Flag(_)) | (Self::Text, Value::Text(_)) => Ok(value.clone()),
            // A text that looks like a number, as the member in `target=3`.
            (Self::Text, Value::Number(_)) => Ok(Value::Text(value.to_string())),
            (Self::ChoiceOrSpan { names, from_s, to_s }, Value::Text(text)) if !names.contains(&text.as_str()) => {
                match parse_seconds(text) {
                    Some(s) if (from_s..=to_s).contains(&&s) => Ok(Value::Number(s)),
                    _ => Err(format!(
                        "must be {self}, not {value}{}",
                        did_you_mean(&nearest_names(text, names.iter().copied()))
                    )),
                }
            }
            (Self::ChoiceOrSpan { .. }, Value::Text(_)) => Ok(value.clone()),
            (Self::Choice { names }, Value::Text(text)) => {
                if names.contains(&text.as_str()) {
                    return Ok(value.clone());
                }
                let near = nearest_names(text, names.iter().copied());
                Err(format!("must be {self}, not {value}{}", did_you_mean(&near)))
            }
            _ => refuse(),
        }
    }
}

impl fmt::Display for ValueRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { from, to: u32::MAX } => write!(f, "an integer of at least {from}"),
            Self::Count { from, to } => write!(f, "an integer from {from} to {to}"),
            Self::Real { from, to } if to.is_infinite() => write!(f, "a number of at least {from}"),
            Self::Real { from, to } => write!(f, "a number from {from} to {to}"),
            Self::Span { from_s, to_s } if to_s.is_infinite() => {
                write!(f, "a time of at least {from_s}s, like \"500ms\" or \"20s\"")
            }
            Self::Span { from_s, to_s } => write!(f, "a time from {from_s}s to {to_s}s, like \"500ms\" or \"20s\""),
            Self::Flag => f.write_str("true or false"),
            Self::ChoiceOrSpan { names, from_s, to_s } => {
                write!(f, "one of {}, or a time from {from_s}s to {to_s}s, like \"5s\"", names.join(", "))
            }
            Self::Choice { names } => write!(f, "one of {}", names.join(", ")),
            Self::Text => f.write_str("a text"),
        }
    }
}

impl Value {
    /// Reads a value: true or false, a finite number, or else a text.
    pub(super) fn parse(text: &str) -> Self {
        match (text, text.parse::<f64>()) {
            ("true", _) => Self::Flag(true),
            ("false", _) => Self::Flag(false),
            (_, Ok(n)) if n.is_finite() => Self::Number(n),
            _ => Self::Text(text.to_owned()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(n) => write!(f, "{n}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<f64> for Value {
    fn from(n: f64) -> Self {
        Self::Number(n)
    }
}

impl From<u32> for Value {
    fn from(n: u32) -> Self {
        Self::Number(f64::from(n))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
