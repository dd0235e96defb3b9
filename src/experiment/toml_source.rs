//! A TOML file whose every value knows its line, so that every complaint does.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use swimlab_selectors::{Spec, SpecError, Value, ValueRange, did_you_mean, nearest_names};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::BadInput;
use crate::protocol::Span;

/// An experiment's text, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TomlSource {
    /// What complaints call it.
    pub name: String,
    /// The TOML.
    pub text: String,
    /// Where relative paths in it start. Empty: the current directory.
    pub dir: PathBuf,
}

/// No experiment file is as long as this, in bytes. A device that never ends is refused, too.
const LONGEST: u64 = 1 << 20;

impl TomlSource {
    /// A text that is no file.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), dir: PathBuf::new() }
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, BadInput> {
        let name = path.display().to_string();
        let refuse = |line, message| BadInput { file: name.clone(), line, message };
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
            .map_err(|error| refuse(None, format!("cannot be read: {error}")))?;
        if bytes.len() as u64 > LONGEST {
            return Err(refuse(None, format!("is longer than {LONGEST} bytes; that is no experiment file")));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            refuse(Some(line(valid)), "is not text in UTF-8".to_owned())
        })?;
        let dir = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { name, text, dir })
    }

    /// The file's name without folder and ending.
    pub(super) fn stem(&self) -> String {
        Path::new(&self.name)
            .file_stem()
            .map_or_else(|| "experiment".to_owned(), |stem| stem.to_string_lossy().into_owned())
    }

    /// The table that the text spells, with these keys and no others.
    pub(super) fn table(&self, keys: &'static [&'static str]) -> Result<Table<'_>, BadInput> {
        let parsed = DeTable::parse(&self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.complain(at, error.message().replace('\n', "; "))
        })?;
        Table::new(self, "this file", 0, parsed.into_inner(), keys)
    }

    /// A complaint about the file as a whole.
    pub(super) fn whole(&self, message: impl Into<String>) -> BadInput {
        BadInput { file: self.name.clone(), line: None, message: message.into() }
    }

    /// A complaint about what stands at this byte.
    pub(super) fn complain(&self, at: usize, message: impl Into<String>) -> BadInput {
        let line = line(&self.text.as_bytes()[..at.min(self.text.len())]);
        BadInput { file: self.name.clone(), line: Some(line), message: message.into() }
    }
}

/// The line, from 1, after so much text.
fn line(before: &[u8]) -> u32 {
    1 + before.iter().filter(|&&byte| byte == b'\n').count() as u32
}

/// A table whose keys are all known.
pub(super) struct Table<'a> {
    source: &'a TomlSource,
    at: usize,
    entries: DeTable<'a>,
}

/// A value, its key and its place.
pub(super) struct Item<'a> {
    source: &'a TomlSource,
    /// The key under which it stands.
    pub key: String,
    /// The byte at which it stands.
    pub at: usize,
    value: DeValue<'a>,
}

/// A strategy as the file names it, and where.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NamedSpec {
    /// The strategy.
    pub spec: Spec,
    at: usize,
    params: BTreeMap<String, usize>,
}

impl NamedSpec {
    /// A strategy that the file does not mention: a default.
    pub fn unwritten(kind: &str) -> Self {
        Self { spec: Spec::of(kind), at: 0, params: BTreeMap::new() }
    }

    /// The same, by its label.
    ///
    /// # Panics
    /// If that is not one.
    pub fn default_of(label: &str) -> Self {
        Self { spec: Spec::parse(label).expect("a label"), at: 0, params: BTreeMap::new() }
    }

    /// The same strategy with one parameter more, or another value for one.
    pub fn with(mut self, key: &str, value: Value, at: usize) -> Self {
        self.spec = self.spec.with(key, value);
        self.params.insert(key.to_owned(), at);
        self
    }

    /// The same strategy without a parameter, and what that was.
    pub fn without(mut self, key: &str) -> (Self, Option<(Value, usize)>) {
        let at = self.params.remove(key).unwrap_or(self.at);
        let value = self.spec.values.remove(key);
        (self, value.map(|value| (value, at)))
    }

    /// What a registry has against it, at the parameter that is to blame.
    pub fn complain(&self, source: &TomlSource, error: &SpecError) -> BadInput {
        let blamed = match error {
            SpecError::UnknownParam { param, .. } | SpecError::Invalid { param, .. } => self.params.get(param),
            SpecError::Refused { why, .. } => {
                // The one that it mentions first.
                let mentioned = self.params.iter().filter_map(|(param, at)| Some((why.find(param)?, at)));
                mentioned.min().map(|(_, at)| at)
            }
            _ => None,
        };
        source.complain(*blamed.unwrap_or(&self.at), error.to_string())
    }

    /// A complaint about it as a whole.
    pub fn refuse(&self, source: &TomlSource, message: impl Into<String>) -> BadInput {
        source.complain(self.at, message)
    }
}

impl<'a> Table<'a> {
    fn new(
        source: &'a TomlSource,
        what: &str,
        at: usize,
        entries: DeTable<'a>,
        keys: &'static [&'static str],
    ) -> Result<Self, BadInput> {
        // The first in the file, not in the alphabet.
        let unknown = entries.keys().filter(|key| !keys.contains(&key.get_ref().as_ref()));
        if let Some(unknown) = unknown.min_by_key(|key| key.span().start) {
            let near = did_you_mean(&nearest_names(unknown.get_ref(), keys.iter().copied()));
            let message = format!("{what} has no key \"{}\"{near}", unknown.get_ref());
            return Err(source.complain(unknown.span().start, message));
        }
        Ok(Self { source, at, entries })
    }

    /// Whether a key is given.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The value of a key, if it is given.
    pub fn take(&mut self, key: &str) -> Option<Item<'a>> {
        self.entries.remove(key).map(|value| Item::new(self.source, key, value))
    }

    /// The values of a key: a plain value stands for a list of one. An empty list is refused.
    pub fn list(&mut self, key: &str) -> Result<Option<Vec<Item<'a>>>, BadInput> {
        self.take(key).map(Item::list).transpose()
    }

    /// A complaint about the table as a whole.
    pub fn complain(&self, message: impl Into<String>) -> BadInput {
        self.source.complain(self.at, message)
    }

    /// A complaint about what stands at this byte.
    pub fn complain_at(&self, at: usize, message: impl Into<String>) -> BadInput {
        self.source.complain(at, message)
    }
}

impl<'a> Item<'a> {
    fn new(source: &'a TomlSource, key: &str, value: Spanned<DeValue<'a>>) -> Self {
        Self { source, key: key.to_owned(), at: value.span().start, value: value.into_inner() }
    }

    /// A complaint about this value.
    pub fn complain(&self, message: impl Into<String>) -> BadInput {
        self.source.complain(self.at, message)
    }

    /// The values of a list; a plain value stands for a list of one. An empty list is refused.
    pub fn list(self) -> Result<Vec<Self>, BadInput> {
        let DeValue::Array(items) = self.value else { return Ok(vec![self]) };
        if items.is_empty() {
            return Err(self.source.complain(self.at, format!("{} is an empty list", self.key)));
        }
        Ok(items.into_iter().map(|item| Self::new(self.source, &self.key, item)).collect())
    }

    /// A list without values.
    pub fn is_empty_list(&self) -> bool {
        matches!(&self.value, DeValue::Array(items) if items.is_empty())
    }

    /// A plain value within a range; times come in seconds.
    pub fn admit(&self, range: &ValueRange) -> Result<Value, BadInput> {
        let admitted = self.plain().ok().and_then(|value| range.admit(&value).ok());
        admitted.ok_or_else(|| self.complain(format!("{} must be {range}, not {}", self.key, describe(&self.value))))
    }

    /// An integer from .. to.
    pub fn count(&self, from: u32, to: u32) -> Result<u32, BadInput> {
        Ok(self.number(&ValueRange::Count { from, to })? as u32)
    }

    /// A real number from .. to.
    pub fn real(&self, from: f64, to: f64) -> Result<f64, BadInput> {
        self.number(&ValueRange::Real { from, to })
    }

    /// A length of time from `from_s` to `to_s` seconds.
    pub fn span(&self, from_s: f64, to_s: f64) -> Result<Span, BadInput> {
        Ok(Span::from_secs_f64(self.number(&ValueRange::Span { from_s, to_s })?))
    }

    fn number(&self, range: &ValueRange) -> Result<f64, BadInput> {
        match self.admit(range)? {
            Value::Number(n) => Ok(n),
            other => Err(self.complain(format!("{} must be {range}, not {other}", self.key))),
        }
    }

    /// A text.
    pub fn text(&self) -> Result<&str, BadInput> {
        match &self.value {
            DeValue::String(text) => Ok(text),
            other => Err(self.complain(format!("{} must be a text, not {}", self.key, describe(other)))),
        }
    }

    /// An integer that needs all its bits.
    pub fn seed(&self) -> Result<u64, BadInput> {
        let seed = match &self.value {
            DeValue::Integer(integer) => u64::from_str_radix(integer.as_str(), integer.radix()).ok(),
            _ => None,
        };
        seed.ok_or_else(|| {
            let why = format!("must be an integer from 0 to {}, not {}", i64::MAX, describe(&self.value));
            self.complain(format!("{} {why}", self.key))
        })
    }

    /// A strategy: its label, or a table with `kind`.
    pub fn named(self) -> Result<NamedSpec, BadInput> {
        let (source, key, at) = (self.source, self.key, self.at);
        let mut entries = match self.value {
            DeValue::String(label) => {
                let spec = Spec::parse(&label).map_err(|error| source.complain(at, format!("{key}: {error}")))?;
                return Ok(NamedSpec { spec, at, params: BTreeMap::new() });
            }
            DeValue::Table(entries) => entries,
            other => {
                let why = format!("must be a name or a table with kind, not {}", describe(&other));
                return Err(source.complain(at, format!("{key} {why}")));
            }
        };
        let kind = entries.remove("kind").map(|kind| Self::new(source, "kind", kind));
        let kind = kind.ok_or_else(|| source.complain(at, format!("{key}: kind is missing")))?;
        let mut named = NamedSpec { spec: Spec::of(kind.text()?), at: kind.at, params: BTreeMap::new() };
        for (name, value) in entries {
            let item = Self::new(source, name.get_ref(), value);
            let at = name.span().start;
            named = named.with(name.get_ref(), item.parameter()?, at);
        }
        Ok(named)
    }

    /// A table with these keys and no others.
    pub fn table(self, keys: &'static [&'static str]) -> Result<Table<'a>, BadInput> {
        match self.value {
            DeValue::Table(entries) => Table::new(self.source, &self.key, self.at, entries, keys),
            ref other => Err(self.complain(format!("{} must be a table, not {}", self.key, describe(other)))),
        }
    }

    /// The values of a table with any keys, in the order of the file.
    pub fn entries(self) -> Result<Vec<Self>, BadInput> {
        let DeValue::Table(entries) = self.value else {
            return Err(self.complain(format!("{} must be a table, not {}", self.key, describe(&self.value))));
        };
        let mut items: Vec<Self> =
            entries.into_iter().map(|(key, value)| Self::new(self.source, key.get_ref(), value)).collect();
        items.sort_by_key(|item| item.at);
        Ok(items)
    }

    /// Neither a list nor a table.
    pub fn plain(&self) -> Result<Value, BadInput> {
        let value = match &self.value {
            DeValue::String(text) => Some(Value::Text(text.as_ref().to_owned())),
            DeValue::Boolean(flag) => Some(Value::Flag(*flag)),
            DeValue::Integer(integer) => {
                i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|n| Value::Number(n as f64))
            }
            DeValue::Float(float) => float.as_str().parse().ok().filter(|n: &f64| n.is_finite()).map(Value::Number),
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
        };
        value.ok_or_else(|| {
            self.complain(format!("{} must be a number, text, true or false, not {}", self.key, describe(&self.value)))
        })
    }

    /// A strategy's parameter: a plain value, a list of member numbers, or a strategy of its own with parameters.
    fn parameter(self) -> Result<Value, BadInput> {
        match self.value {
            DeValue::Array(items) => {
                let member = |item| Self::new(self.source, &self.key, item).count(0, u32::MAX).map(|n| n.to_string());
                let members: Vec<String> = items.into_iter().map(member).collect::<Result<_, _>>()?;
                Ok(Value::Text(members.join(",")))
            }
            // A label within a label has semicolons in place of its colon and commas.
            DeValue::Table(_) => Ok(Value::Text(self.named()?.spec.to_string().replace([':', ','], ";"))),
            _ => self.plain(),
        }
    }
}

/// A value in a complaint.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
