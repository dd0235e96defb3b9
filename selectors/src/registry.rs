//! Registries of named things with parameters: how a strategy is found by name, listed, and labelled.
//!
//! A strategy is one file and one line in a registry. A stranger adds lines of their own to a [`Registry`] value.

use std::collections::BTreeMap;
use std::fmt;

/// Named recipes for values of type `T`, built from parameters and a context `C`.
pub struct Registry<T, C = ()> {
    what: &'static str,
    entries: Vec<Registration<T, C>>,
}

/// One line of a registry.
pub struct Registration<T, C = ()> {
    /// The kind: its name in files, tables and on the command line.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// EventKind can be set.
    pub params: Vec<Param>,
    build: Build<T, C>,
}

type Build<T, C> = Box<dyn Fn(&Params, &C) -> Result<T, String> + Send + Sync>;

/// A parameter of an entry.
#[derive(Clone, Debug)]
pub struct Param {
    /// The key.
    pub name: &'static str,
    /// EventKind values are allowed.
    pub range: ValueRange,
    /// EventKind holds when the key is not given; `None`: the key must be given.
    pub default: Option<Value>,
    /// The unit; empty for a bare number or name.
    pub unit: &'static str,
    /// EventKind it does, in one sentence.
    pub about: &'static str,
}

/// The values that a parameter allows.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueRange {
    /// An integer from .. to, both included.
    Count(u32, u32),
    /// A real number from .. to, both included.
    Real(f64, f64),
    /// A length of time from .. to seconds, both included; written with its unit ("500ms", "20s", "1m 30s").
    Span(f64, f64),
    /// True or false.
    Flag,
    /// One of these names.
    Choice(&'static [&'static str]),
    /// Any text, for example a path.
    Text,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// True or false.
    Flag(bool),
    /// Any number, integers among them.
    Number(f64),
    /// Any text.
    Text(String),
}

/// A kind with the parameters that were given for it: what a label or a table in a file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spec {
    /// The entry's name.
    pub kind: String,
    /// The given parameters, by key.
    pub values: BTreeMap<String, Value>,
}

/// Parameters checked against an entry, defaults filled in.
#[derive(Clone, Debug)]
pub struct Params(BTreeMap<&'static str, Value>);

/// EventKind is wrong with a spec.
#[derive(Clone, Debug, PartialEq)]
pub enum SpecError {
    /// No entry has this name.
    UnknownKind {
        /// EventKind the registry holds: "selector", "metric", ...
        what: &'static str,
        /// The name that was given.
        kind: String,
        /// The nearest valid names.
        nearest: Vec<String>,
    },
    /// The entry has no such parameter.
    UnknownParam {
        /// The entry.
        kind: String,
        /// The key that was given.
        param: String,
        /// The nearest valid names.
        nearest: Vec<String>,
    },
    /// A value outside its range or of the wrong type, or a missing or inconsistent one.
    Invalid {
        /// The entry.
        kind: String,
        /// The key.
        param: String,
        /// EventKind is wrong, and what is allowed.
        why: String,
    },
    /// The values are fine one by one, yet nothing can be built from them.
    Refused {
        /// The entry.
        kind: String,
        /// Why.
        why: String,
    },
    /// The text is no label.
    Syntax {
        /// The text.
        text: String,
        /// EventKind was expected.
        why: String,
    },
}

impl<T, C> Registry<T, C> {
    /// An empty registry of `what` ("selector", "metric", ...).
    pub fn new(what: &'static str) -> Self {
        Self { what, entries: Vec::new() }
    }

    /// Adds an entry; one of the same name is replaced.
    pub fn register(
        &mut self,
        name: &'static str,
        about: &'static str,
        params: Vec<Param>,
        build: impl Fn(&Params, &C) -> Result<T, String> + Send + Sync + 'static,
    ) -> &mut Self {
        self.entries.retain(|entry| entry.name != name);
        self.entries.push(Registration { name, about, params, build: Box::new(build) });
        self
    }

    /// The entries, in the order of their registration.
    pub fn entries(&self) -> &[Registration<T, C>] {
        &self.entries
    }

    /// The entry of this name.
    pub fn entry(&self, kind: &str) -> Result<&Registration<T, C>, SpecError> {
        self.entries.iter().find(|entry| entry.name == kind).ok_or_else(|| SpecError::UnknownKind {
            what: self.what,
            kind: kind.to_owned(),
            nearest: nearest(kind, self.entries.iter().map(|entry| entry.name)),
        })
    }

    /// Checks a spec without building anything.
    pub fn check(&self, spec: &Spec) -> Result<Params, SpecError> {
        let entry = self.entry(&spec.kind)?;
        for key in spec.values.keys() {
            if !entry.params.iter().any(|param| param.name == key) {
                return Err(SpecError::UnknownParam {
                    kind: spec.kind.clone(),
                    param: key.clone(),
                    nearest: nearest(key, entry.params.iter().map(|param| param.name)),
                });
            }
        }
        let mut params = BTreeMap::new();
        for param in &entry.params {
            let invalid =
                |why: String| SpecError::Invalid { kind: spec.kind.clone(), param: param.name.to_owned(), why };
            let given = spec.values.get(param.name);
            let value = match (given, &param.default) {
                (Some(value), _) => param.range.admit(value).map_err(invalid)?,
                (None, Some(value)) => value.clone(),
                (None, None) => return Err(invalid(format!("is missing ({})", param.about))),
            };
            params.insert(param.name, value);
        }
        Ok(Params(params))
    }

    /// Builds what a spec describes.
    pub fn build(&self, spec: &Spec, context: &C) -> Result<T, SpecError> {
        let params = self.check(spec)?;
        let entry = self.entry(&spec.kind)?;
        (entry.build)(&params, context).map_err(|why| SpecError::Refused { kind: spec.kind.clone(), why })
    }
}

impl Param {
    /// An integer parameter.
    pub fn count(name: &'static str, from: u32, to: u32, default: u32, about: &'static str) -> Self {
        let default = Some(Value::Number(f64::from(default)));
        Self { name, range: ValueRange::Count(from, to), default, unit: "", about }
    }

    /// A real parameter.
    pub fn real(name: &'static str, from: f64, to: f64, default: f64, about: &'static str) -> Self {
        Self { name, range: ValueRange::Real(from, to), default: Some(Value::Number(default)), unit: "", about }
    }

    /// A length of time; the default is text with its unit, like the values.
    pub fn span(name: &'static str, from_s: f64, to_s: f64, default: &'static str, about: &'static str) -> Self {
        let default = seconds(default).map(Value::Number);
        Self { name, range: ValueRange::Span(from_s, to_s), default, unit: "time", about }
    }

    /// A flag.
    pub fn flag(name: &'static str, default: bool, about: &'static str) -> Self {
        Self { name, range: ValueRange::Flag, default: Some(Value::Flag(default)), unit: "", about }
    }

    /// One of a few names.
    pub fn choice(name: &'static str, of: &'static [&'static str], default: &'static str, about: &'static str) -> Self {
        Self { name, range: ValueRange::Choice(of), default: Some(Value::Text(default.to_owned())), unit: "", about }
    }

    /// A text that must be given.
    pub fn text(name: &'static str, about: &'static str) -> Self {
        Self { name, range: ValueRange::Text, default: None, unit: "", about }
    }

    /// The same parameter with a unit.
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// The same parameter, to be given always.
    pub fn required(mut self) -> Self {
        self.default = None;
        self
    }
}

impl ValueRange {
    /// The value as it is kept (times in seconds), or what is wrong with it and what is allowed.
    pub fn admit(&self, value: &Value) -> Result<Value, String> {
        let refuse = || Err(format!("must be {self}, not {value}"));
        match (self, value) {
            (Self::Count(from, to), Value::Number(n)) => {
                if n.fract() == 0.0 && (f64::from(*from)..=f64::from(*to)).contains(n) {
                    Ok(value.clone())
                } else {
                    refuse()
                }
            }
            (Self::Real(from, to), Value::Number(n)) if (from..=to).contains(&n) => Ok(value.clone()),
            (Self::Span(from, to), Value::Text(text)) => match seconds(text) {
                Some(s) if (*from..=*to).contains(&s) => Ok(Value::Number(s)),
                _ => refuse(),
            },
            (Self::Flag, Value::Flag(_)) | (Self::Text, Value::Text(_)) => Ok(value.clone()),
            (Self::Choice(names), Value::Text(text)) => {
                if names.contains(&text.as_str()) {
                    return Ok(value.clone());
                }
                let near = nearest(text, names.iter().copied());
                Err(format!("must be {self}, not {value}{}", did_you_mean(&near)))
            }
            _ => refuse(),
        }
    }
}

impl fmt::Display for ValueRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(from, u32::MAX) => write!(f, "an integer of at least {from}"),
            Self::Count(from, to) => write!(f, "an integer from {from} to {to}"),
            Self::Real(from, to) if to.is_infinite() => write!(f, "a number of at least {from}"),
            Self::Real(from, to) => write!(f, "a number from {from} to {to}"),
            Self::Span(from, to) if to.is_infinite() => {
                write!(f, "a time of at least {from}s, like \"500ms\" or \"20s\"")
            }
            Self::Span(from, to) => write!(f, "a time from {from}s to {to}s, like \"500ms\" or \"20s\""),
            Self::Flag => f.write_str("true or false"),
            Self::Choice(names) => write!(f, "one of {}", names.join(", ")),
            Self::Text => f.write_str("a text"),
        }
    }
}

impl Params {
    /// An integer.
    ///
    /// # Panics
    /// If the entry has no integer parameter of this name: a mistake in the registry, found by its first use.
    pub fn count(&self, name: &str) -> u32 {
        self.real(name) as u32
    }

    /// A real number, or a length of time in seconds. Panics like [`Params::count`].
    pub fn real(&self, name: &str) -> f64 {
        match &self.0[name] {
            Value::Number(n) => *n,
            other => panic!("parameter {name} is no number but {other}"),
        }
    }

    /// A flag. Panics like [`Params::count`].
    pub fn flag(&self, name: &str) -> bool {
        match &self.0[name] {
            Value::Flag(flag) => *flag,
            other => panic!("parameter {name} is no flag but {other}"),
        }
    }

    /// A name or text. Panics like [`Params::count`].
    pub fn text(&self, name: &str) -> &str {
        match &self.0[name] {
            Value::Text(text) => text,
            other => panic!("parameter {name} is no text but {other}"),
        }
    }
}

impl Spec {
    /// A spec of this kind without parameters.
    pub fn of(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), values: BTreeMap::new() }
    }

    /// The same spec with one parameter more.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.values.insert(key.into(), value.into());
        self
    }

    /// Reads a label: `kind` or `kind:key=value,...`.
    ///
    /// ```
    /// use swimlab_selectors::registry::Spec;
    /// let spec = Spec::parse("neighborhood:metric=rtt,radius=16")?;
    /// assert_eq!(spec.to_string(), "neighborhood:metric=rtt,radius=16");
    /// # Ok::<(), swimlab_selectors::registry::SpecError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let syntax = |why: &str| SpecError::Syntax { text: text.to_owned(), why: why.to_owned() };
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        if kind.trim().is_empty() {
            return Err(syntax("a name is missing; expected kind or kind:key=value,..."));
        }
        let mut spec = Self::of(kind.trim());
        for pair in rest.into_iter().flat_map(|rest| rest.split(',')) {
            let (key, value) = pair.split_once('=').ok_or_else(|| syntax("expected kind:key=value,..."))?;
            if spec.values.insert(key.trim().to_owned(), Value::parse(value.trim())).is_some() {
                return Err(syntax(&format!("{} is given twice", key.trim())));
            }
        }
        Ok(spec)
    }
}

impl fmt::Display for Spec {
    /// The label, keys in alphabetical order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        for (i, (key, value)) in self.values.iter().enumerate() {
            write!(f, "{}{key}={value}", if i == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

impl Value {
    fn parse(text: &str) -> Self {
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

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKind { what, kind, nearest } => {
                write!(f, "unknown {what} \"{kind}\"{}", did_you_mean(nearest))
            }
            Self::UnknownParam { kind, param, nearest } if nearest.is_empty() => {
                write!(f, "{kind} has no parameter \"{param}\"; it takes none")
            }
            Self::UnknownParam { kind, param, nearest } => {
                write!(f, "{kind} has no parameter \"{param}\"{}", did_you_mean(nearest))
            }
            Self::Invalid { kind, param, why } => write!(f, "{kind}: {param} {why}"),
            Self::Refused { kind, why } => write!(f, "{kind}: {why}"),
            Self::Syntax { text, why } => write!(f, "cannot read \"{text}\": {why}"),
        }
    }
}

impl std::error::Error for SpecError {}

/// Seconds of a time with its unit ("500ms", "20s", "1m 30s"); `None` if it is none.
pub fn seconds(text: &str) -> Option<f64> {
    humantime::parse_duration(text).ok().map(|span| span.as_secs_f64())
}

/// Up to three of `names`, those most like `word` first. All of them if none is like it and they are few.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut scored: Vec<(f64, &str)> = names.map(|name| (strsim::jaro_winkler(word, name), name)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let alike = scored.iter().filter(|(score, _)| *score > 0.7).count().min(3);
    let shown = if alike > 0 { alike } else { scored.len().min(8) };
    scored[..shown].iter().map(|(_, name)| (*name).to_owned()).collect()
}

/// "; did you mean a, b or c?" or nothing.
pub fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        [one] => format!("; did you mean {one}?"),
        [rest @ .., last] => format!("; did you mean {} or {last}?", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn animals() -> Registry<u32> {
        let mut registry = Registry::new("animal");
        registry.register("horse", "Has legs.", vec![Param::count("legs", 0, 4, 4, "how many")], |p, ()| {
            Ok(p.count("legs"))
        });
        registry.register("cat", "Has lives.", vec![], |_, ()| Err("no cats today".into()));
        registry
    }

    #[test]
    fn an_entry_is_built_from_its_label() {
        assert_eq!(animals().build(&Spec::parse("horse:legs=3").unwrap(), &()), Ok(3));
        assert_eq!(animals().build(&Spec::parse("horse").unwrap(), &()), Ok(4));
    }

    #[test]
    fn errors_name_the_nearest_valid_names() {
        let error = |label: &str| animals().build(&Spec::parse(label).unwrap(), &()).unwrap_err().to_string();
        assert_eq!(error("hors"), "unknown animal \"hors\"; did you mean horse?");
        assert_eq!(error("horse:leg=1"), "horse has no parameter \"leg\"; did you mean legs?");
        assert_eq!(error("horse:legs=5"), "horse: legs must be an integer from 0 to 4, not 5");
        assert_eq!(error("horse:legs=1.5"), "horse: legs must be an integer from 0 to 4, not 1.5");
        assert_eq!(error("cat"), "cat: no cats today");
    }

    #[test]
    fn a_label_reads_back_as_itself() {
        for label in ["shuffle", "a:b=1,c=true,d=x", "a:b=0.5"] {
            assert_eq!(Spec::parse(label).unwrap().to_string(), label);
        }
        assert!(Spec::parse(":a=1").is_err());
        assert!(Spec::parse("a:b").is_err());
        assert!(Spec::parse("a:b=1,b=2").is_err());
    }
}
