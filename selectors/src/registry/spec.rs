//! Text that names an entry of a registry and its parameters: [`Spec`], and what can be wrong with it, [`SpecError`].

use std::collections::BTreeMap;
use std::fmt;

use super::text::did_you_mean;
use super::value::Value;

/// Name of an entry with the given parameters, as a label or a table in a file has them.
///
/// ```
/// use swimlab_selectors::Spec;
///
/// let spec = Spec::of("neighborhood").with("metric", "rtt").with("radius", 16);
/// assert_eq!(spec, Spec::parse("neighborhood:metric=rtt,radius=16")?);
/// # Ok::<(), swimlab_selectors::SpecError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Spec {
    /// Name of the entry.
    pub kind: String,
    /// Given parameters by name.
    pub values: BTreeMap<String, Value>,
}

/// Reason why nothing can be built from a [`Spec`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SpecError {
    /// No entry has this name.
    UnknownKind {
        /// Kind of the registry's entries: "selector", "metric", ...
        what: &'static str,
        /// Given name.
        kind: String,
        /// Most similar valid names.
        nearest: Vec<String>,
    },
    /// The entry has no such parameter.
    UnknownParam {
        /// Name of the entry.
        kind: String,
        /// Given name of the parameter.
        param: String,
        /// Most similar valid names.
        nearest: Vec<String>,
    },
    /// A value is missing, out of its range or of the wrong type.
    Invalid {
        /// Name of the entry.
        kind: String,
        /// Name of the parameter.
        param: String,
        /// Description of the fault and of the allowed values.
        why: String,
    },
    /// Each value is valid, but nothing can be built from them.
    Refused {
        /// Name of the entry.
        kind: String,
        /// The reason.
        why: String,
    },
    /// The text is not a label.
    Syntax {
        /// The text.
        text: String,
        /// Description of the fault and of what was expected.
        why: String,
    },
}

impl Spec {
    /// Names an entry without parameters.
    pub fn of(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), values: BTreeMap::new() }
    }

    /// Adds a parameter.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.values.insert(key.into(), value.into());
        self
    }

    /// Reads a label, `kind` or `kind:key=value,...`. A value may be a list of whole numbers.
    ///
    /// ```
    /// use swimlab_selectors::Spec;
    /// let spec = Spec::parse("neighborhood:metric=rtt,radius=16")?;
    /// assert_eq!(spec.to_string(), "neighborhood:metric=rtt,radius=16");
    /// let spec = Spec::parse("crash:at=5s,target=1,2")?;
    /// assert_eq!(spec.values["target"].to_string(), "1,2");
    /// # Ok::<(), swimlab_selectors::SpecError>(())
    /// ```
    ///
    /// # Errors
    /// [`SpecError::Syntax`].
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let syntax = |why: &str| SpecError::Syntax { text: text.to_owned(), why: why.to_owned() };
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        if kind.trim().is_empty() {
            return Err(syntax("missing name; expected kind or kind:key=value,..."));
        }
        let mut spec = Self::of(kind.trim());
        let mut pairs = rest.into_iter().flat_map(|rest| rest.split(',')).peekable();
        while let Some(pair) = pairs.next() {
            let (key, value) = pair.split_once('=').ok_or_else(|| syntax("expected kind:key=value,..."))?;
            let mut value = value.trim().to_owned();
            let mut is_list = false;
            while is_whole(value.rsplit(',').next().unwrap_or_default())
                && let Some(number) = pairs.next_if(|piece| is_whole(piece.trim()))
            {
                value = value + "," + number.trim();
                is_list = true;
            }
            let value = if is_list { Value::Text(value) } else { Value::parse(&value) };
            if spec.values.insert(key.trim().to_owned(), value).is_some() {
                return Err(syntax(&format!("{} is given twice", key.trim())));
            }
        }
        Ok(spec)
    }
}

fn is_whole(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
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
