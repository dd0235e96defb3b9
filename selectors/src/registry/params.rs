//! Declared parameters of a registry's entry, [`Param`], and their values, [`Params`].

use std::collections::BTreeMap;

use super::text::parse_seconds;
use super::value::{Value, ValueRange};

/// Parameter that an entry declares. A constructor for each type of value, and setters for the rest:
///
/// ```
/// use swimlab_selectors::Param;
///
/// let radius = Param::count("radius", 0, 1000, 8, "size of the neighborhood").unit("members");
/// let metric = Param::text("metric", "metric of the distance").or("ring");
/// assert_eq!((radius.default, metric.default), (Some(8.into()), Some("ring".into())));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
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
        Self { name, range: ValueRange::Count { from, to }, default, unit: "", about }
    }

    /// Real number from `from` to `to`.
    pub fn real(name: &'static str, from: f64, to: f64, default: f64, about: &'static str) -> Self {
        Self { name, range: ValueRange::Real { from, to }, default: Some(Value::Number(default)), unit: "", about }
    }

    /// Length of time from `from_s` to `to_s` seconds; the default is text with a unit, as users write it.
    pub fn span(name: &'static str, from_s: f64, to_s: f64, default: &'static str, about: &'static str) -> Self {
        let default = parse_seconds(default).map(Value::Number);
        Self { name, range: ValueRange::Span { from_s, to_s }, default, unit: "time", about }
    }

    /// True or false.
    pub fn flag(name: &'static str, default: bool, about: &'static str) -> Self {
        Self { name, range: ValueRange::Flag, default: Some(Value::Flag(default)), unit: "", about }
    }

    /// One of these names.
    pub fn choice(
        name: &'static str,
        names: &'static [&'static str],
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self { name, range: ValueRange::Choice { names }, default: Some(default.into()), unit: "", about }
    }

    /// One of these names, or a length of time from `from_s` to `to_s` seconds. [`Params::time`] tells which was given.
    pub fn choice_or_span(
        name: &'static str,
        names: &'static [&'static str],
        from_s: f64,
        to_s: f64,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            range: ValueRange::ChoiceOrSpan { names, from_s, to_s },
            default: Some(default.into()),
            unit: "",
            about,
        }
    }

    /// Text that must be given, unless [`Param::or`] sets a default.
    pub fn text(name: &'static str, about: &'static str) -> Self {
        Self { name, range: ValueRange::Text, default: None, unit: "", about }
    }

    /// Sets the unit.
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Sets the default, in the internal form of [`ValueRange::admit`]: a length of time as a number of seconds.
    pub fn or(mut self, default: impl Into<Value>) -> Self {
        self.default = Some(default.into());
        self
    }

    /// Sets the meaning.
    pub fn about(mut self, about: &'static str) -> Self {
        self.about = about;
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
    /// # Errors
    /// If the entry declares no integer parameter of this name. Like all errors of this type's methods it is a mistake
    /// in the code of the entry and not in a user's input; [`Registry::build`](super::Registry::build) reports it as
    /// [`SpecError::Refused`](super::SpecError::Refused).
    pub fn count(&self, name: &str) -> Result<u32, String> {
        match self.0.get(name) {
            // Integers up to 2^32 are exact as `f64`, so the conversion changes no other value.
            Some(Value::Number(n)) if f64::from(*n as u32) == *n => Ok(*n as u32),
            found => Err(wrong_declaration(name, "an integer", found)),
        }
    }

    /// Real value of a parameter; of a length of time, in seconds.
    ///
    /// # Errors
    /// If the entry declares no number or length of time of this name.
    pub fn real(&self, name: &str) -> Result<f64, String> {
        match self.0.get(name) {
            Some(Value::Number(n)) => Ok(*n),
            found => Err(wrong_declaration(name, "a number", found)),
        }
    }

    /// Value of a flag.
    ///
    /// # Errors
    /// If the entry declares no flag of this name.
    pub fn flag(&self, name: &str) -> Result<bool, String> {
        match self.0.get(name) {
            Some(Value::Flag(flag)) => Ok(*flag),
            found => Err(wrong_declaration(name, "a flag", found)),
        }
    }

    /// Seconds of a parameter that takes a name or a length of time; `None` if it has a name.
    ///
    /// # Errors
    /// If the entry declares no such parameter of this name.
    pub fn time(&self, name: &str) -> Result<Option<f64>, String> {
        match self.0.get(name) {
            Some(Value::Number(seconds)) => Ok(Some(*seconds)),
            Some(Value::Text(_)) => Ok(None),
            found => Err(wrong_declaration(name, "a name or a time", found)),
        }
    }

    /// Text value of a parameter, or one of its names.
    ///
    /// # Errors
    /// If the entry declares no text or choice of this name.
    pub fn text(&self, name: &str) -> Result<&str, String> {
        match self.0.get(name) {
            Some(Value::Text(text)) => Ok(text),
            found => Err(wrong_declaration(name, "a text", found)),
        }
    }
}

fn wrong_declaration(name: &str, expected: &str, found: Option<&Value>) -> String {
    match found {
        Some(value) => format!("its code reads the parameter {name} as {expected}, but the value is {value}"),
        None => format!("its code reads the parameter {name}, which it does not declare"),
    }
}
