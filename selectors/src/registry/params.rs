//! Declared parameters of a registry's entry, [`Param`], and their values, [`Params`].

use std::collections::BTreeMap;

use super::text::parse_seconds;
use super::value::{Value, ValueRange};

/// Parameter that an entry declares.
#[derive(Clone, Debug)]
pub struct Param {
    /// Name, as users type it.
    pub name: &'static str,
    /// Allowed values.
    pub range: ValueRange,
    /// Value if none is given; `None` if one must be given.
    pub default: Option<Value>,
    /// Unit; empty for a number without one, or a name.
    pub unit: &'static str,
    /// Meaning, in one phrase.
    pub about: &'static str,
}

/// Values of an entry's parameters, checked and complete.
#[derive(Clone, Debug)]
pub struct Params(BTreeMap<&'static str, Value>);

impl Param {
    /// Integer from `from` to `to`.
    pub fn count(name: &'static str, from: u32, to: u32, default: u32, about: &'static str) -> Self {
        let default = Some(Value::Number(f64::from(default)));
        Self { name, range: ValueRange::Count(from, to), default, unit: "", about }
    }

    /// Real number from `from` to `to`.
    pub fn real(name: &'static str, from: f64, to: f64, default: f64, about: &'static str) -> Self {
        Self { name, range: ValueRange::Real(from, to), default: Some(Value::Number(default)), unit: "", about }
    }

    /// Length of time from `from_s` to `to_s` seconds; the default is text with a unit, as users write it.
    pub fn span(name: &'static str, from_s: f64, to_s: f64, default: &'static str, about: &'static str) -> Self {
        let default = parse_seconds(default).map(Value::Number);
        Self { name, range: ValueRange::Span(from_s, to_s), default, unit: "time", about }
    }

    /// True or false.
    pub fn flag(name: &'static str, default: bool, about: &'static str) -> Self {
        Self { name, range: ValueRange::Flag, default: Some(Value::Flag(default)), unit: "", about }
    }

    /// One of the names `of`.
    pub fn choice(name: &'static str, of: &'static [&'static str], default: &'static str, about: &'static str) -> Self {
        Self { name, range: ValueRange::Choice(of), default: Some(Value::Text(default.to_owned())), unit: "", about }
    }

    /// One of the names `of`, or a length of time between two limits in seconds. [`Params::time`] tells which was given.
    pub fn choice_or_span(
        name: &'static str,
        of: &'static [&'static str],
        (from_s, to_s): (f64, f64),
        default: &'static str,
        about: &'static str,
    ) -> Self {
        let range = ValueRange::ChoiceOrSpan(of, from_s, to_s);
        Self { name, range, default: Some(Value::Text(default.to_owned())), unit: "", about }
    }

    /// Text that must be given.
    pub fn text(name: &'static str, about: &'static str) -> Self {
        Self { name, range: ValueRange::Text, default: None, unit: "", about }
    }

    /// Sets the unit.
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Removes the default, so that a value must be given.
    pub fn required(mut self) -> Self {
        self.default = None;
        self
    }
}

impl Params {
    pub(super) fn new(values: BTreeMap<&'static str, Value>) -> Self {
        Self(values)
    }

    /// Integer value of a parameter.
    ///
    /// # Panics
    /// If the entry declares no integer parameter of this name. The names are those of the entry's own code, and not a
    /// user's.
    pub fn count(&self, name: &str) -> u32 {
        self.real(name) as u32
    }

    /// Real value of a parameter; of a length of time, in seconds.
    ///
    /// # Panics
    /// As [`Params::count`].
    pub fn real(&self, name: &str) -> f64 {
        match self.0.get(name) {
            Some(Value::Number(n)) => *n,
            other => wrong_declaration(name, "number", other),
        }
    }

    /// Value of a flag.
    ///
    /// # Panics
    /// As [`Params::count`].
    pub fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Flag(flag)) => *flag,
            other => wrong_declaration(name, "flag", other),
        }
    }

    /// Seconds of a parameter that takes a name or a length of time; `None` if it has a name.
    pub fn time(&self, name: &str) -> Option<f64> {
        match self.0.get(name) {
            Some(Value::Number(seconds)) => Some(*seconds),
            _ => None,
        }
    }

    /// Text value of a parameter, or one of its names.
    ///
    /// # Panics
    /// As [`Params::count`].
    pub fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Value::Text(text)) => text,
            other => wrong_declaration(name, "text", other),
        }
    }
}

fn wrong_declaration(name: &str, expected: &str, found: Option<&Value>) -> ! {
    match found {
        Some(value) => panic!("parameter {name} is read as a {expected}, but declared with the value {value}"),
        None => panic!("parameter {name} is read, but not declared"),
    }
}
