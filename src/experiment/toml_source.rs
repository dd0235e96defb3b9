//! TOML whose values know where they are in the text, so that errors name the line.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use swimlab_selectors::{Spec, SpecError, Value, ValueRange, did_you_mean, nearest_names};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::BadInput;
use super::limits::MOST_CELLS;
use super::manifest::Manifest;
use super::store::{COPY, MANIFEST};
use crate::protocol::Span;

/// The text of an experiment file and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TomlSource {
    /// The name that error messages give it.
    pub name: String,
    /// The TOML.
    pub text: String,
    /// The folder in which relative paths of the text start; empty for the current directory.
    pub dir: PathBuf,
    /// The files that are read in place of those that the text names, relative to `dir`: the copies in a results folder
    /// if the text is the experiment file of one.
    pub copies: BTreeMap<String, PathBuf>,
    /// Contents of files that the text names, which are not read from disk.
    pub contents: BTreeMap<String, Arc<[u8]>>,
}

/// The parameters whose value may be a list of member numbers.
const MEMBER_LISTS: [&str; 2] = ["target", "peers"];

/// The longest experiment file, in bytes; it also bounds what is read from a device.
pub(super) const LONGEST: u64 = 1 << 20;

impl TomlSource {
    /// A source from text in memory; `name` stands for the file name in error messages.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
            dir: PathBuf::new(),
            copies: BTreeMap::new(),
            contents: BTreeMap::new(),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is longer than 1 MiB, or is not UTF-8.
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
        let copies = if path.file_name().is_some_and(|file| file == COPY) { copies(&dir) } else { BTreeMap::new() };
        Ok(Self { name, text, dir, copies, contents: BTreeMap::new() })
    }

    /// The file's name without folder and extension.
    pub(super) fn stem(&self) -> String {
        Path::new(&self.name)
            .file_stem()
            .map_or_else(|| "experiment".to_owned(), |stem| stem.to_string_lossy().into_owned())
    }

    /// Parses the text as a table with these keys and no others.
    pub(super) fn table(&self, keys: &'static [&'static str]) -> Result<TomlTable<'_>, BadInput> {
        let parsed = DeTable::parse(&self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.error(at, error.message().replace('\n', "; "))
        })?;
        TomlTable::new(self, "this file", 0, parsed.into_inner(), keys)
    }

    /// The values of a table with these keys, none of them a list or table, as texts with their lines.
    ///
    /// # Errors
    /// Names the line of a key that is none of these, or of a value that is a list, a table or a date.
    #[cfg(feature = "lab")]
    pub(crate) fn plain_values(&self, keys: &'static [&'static str]) -> Result<Vec<PlainValue>, BadInput> {
        let mut table = self.table(keys)?;
        let given = keys.iter().filter_map(|key| Some((*key, table.take(key)?)));
        given.map(|(key, value)| Ok((key, value.plain()?.to_string(), value.error("").line))).collect()
    }

    /// An error about the file as a whole.
    pub(super) fn whole(&self, message: impl Into<String>) -> BadInput {
        BadInput { file: self.name.clone(), line: None, message: message.into() }
    }

    /// An error about the text at this byte.
    pub(super) fn error(&self, at: usize, message: impl Into<String>) -> BadInput {
        let line = line(&self.text.as_bytes()[..at.min(self.text.len())]);
        BadInput { file: self.name.clone(), line: Some(line), message: message.into() }
    }
}

/// A key, its value as a text, and its line.
#[cfg(feature = "lab")]
pub(crate) type PlainValue = (&'static str, String, Option<u32>);

/// The copies of input files in `dir`, by their original names; none if it is no results folder.
fn copies(dir: &Path) -> BTreeMap<String, PathBuf> {
    let manifest = std::fs::read(dir.join(MANIFEST)).ok();
    let manifest: Option<Manifest> = manifest.and_then(|text| serde_json::from_slice(&text).ok());
    let inputs = manifest.map(|manifest| manifest.inputs).unwrap_or_default();
    inputs.into_iter().map(|(name, record)| (name, record.copy.into())).collect()
}

/// The number, from 1, of the line that follows this text.
fn line(before: &[u8]) -> u32 {
    1 + before.iter().filter(|&&byte| byte == b'\n').count() as u32
}

/// A table whose keys are all known.
pub(super) struct TomlTable<'a> {
    source: &'a TomlSource,
    at: usize,
    entries: DeTable<'a>,
}

/// A value with its key and position.
pub(super) struct TomlValue<'a> {
    source: &'a TomlSource,
    /// The key that it belongs to.
    pub key: String,
    /// The offset of its first byte.
    pub at: usize,
    value: DeValue<'a>,
}

/// A spec from the file, with the positions of its kind and parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NamedSpec {
    /// The kind and its parameters.
    pub spec: Spec,
    at: usize,
    params: BTreeMap<String, usize>,
}

impl NamedSpec {
    /// A spec without parameters that is not in the file: a default.
    pub(super) fn unwritten(kind: &str) -> Self {
        Self { spec: Spec::of(kind), at: 0, params: BTreeMap::new() }
    }

    /// A spec from its label that is not in the file: a profile's default, or the value of a flag.
    ///
    /// # Errors
    /// If `label` is not valid.
    pub(super) fn of_label(label: &str) -> Result<Self, SpecError> {
        Ok(Self { spec: Spec::parse(label)?, at: 0, params: BTreeMap::new() })
    }

    /// Sets a parameter that was found at the byte `at`.
    pub(super) fn with(mut self, key: &str, value: Value, at: usize) -> Self {
        self.spec = self.spec.with(key, value);
        self.params.insert(key.to_owned(), at);
        self
    }

    /// Removes a parameter; returns its value and position as well, if it was set.
    pub(super) fn without(mut self, key: &str) -> (Self, Option<(Value, usize)>) {
        let at = self.params.remove(key).unwrap_or(self.at);
        let value = self.spec.values.remove(key);
        (self, value.map(|value| (value, at)))
    }

    /// The error for a spec that a registry refused, at the parameter that caused it if that is known.
    pub(super) fn registry_error(&self, source: &TomlSource, error: &SpecError) -> BadInput {
        source.error(self.blamed(error).unwrap_or(self.at), error.to_string())
    }

    /// The position of the parameter in the file that caused this error, if it is one of them.
    pub(super) fn blamed(&self, error: &SpecError) -> Option<usize> {
        match error {
            SpecError::UnknownParam { param, .. } | SpecError::Invalid { param, .. } => self.params.get(param).copied(),
            SpecError::Refused { why, .. } => {
                // The parameter that the message names first.
                let mentioned = self.params.iter().filter_map(|(param, at)| Some((why.find(param)?, *at)));
                mentioned.min().map(|(_, at)| at)
            }
            _ => None,
        }
    }

    /// An error about the spec as a whole.
    pub(super) fn error(&self, source: &TomlSource, message: impl Into<String>) -> BadInput {
        source.error(self.at, message)
    }
}

impl<'a> TomlTable<'a> {
    fn new(
        source: &'a TomlSource,
        what: &str,
        at: usize,
        entries: DeTable<'a>,
        keys: &'static [&'static str],
    ) -> Result<Self, BadInput> {
        // The first one in the file; the table sorts its keys.
        let unknown = entries.keys().filter(|key| !keys.contains(&key.get_ref().as_ref()));
        if let Some(unknown) = unknown.min_by_key(|key| key.span().start) {
            let near = did_you_mean(&nearest_names(unknown.get_ref(), keys.iter().copied()));
            let message = format!("{what} has no key \"{}\"{near}", unknown.get_ref());
            return Err(source.error(unknown.span().start, message));
        }
        Ok(Self { source, at, entries })
    }

    /// Whether a key is given.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The value of a key, if it is given.
    pub(super) fn take(&mut self, key: &str) -> Option<TomlValue<'a>> {
        self.entries.remove(key).map(|value| TomlValue::new(self.source, key, value))
    }

    /// The values of a key, a plain value as a list of one; an empty list is an error.
    pub(super) fn list(&mut self, key: &str) -> Result<Option<Vec<TomlValue<'a>>>, BadInput> {
        self.take(key).map(TomlValue::list).transpose()
    }

    /// An error about the table as a whole.
    pub(super) fn error(&self, message: impl Into<String>) -> BadInput {
        self.source.error(self.at, message)
    }

    /// An error about the text at this byte.
    pub(super) fn error_at(&self, at: usize, message: impl Into<String>) -> BadInput {
        self.source.error(at, message)
    }
}

impl<'a> TomlValue<'a> {
    fn new(source: &'a TomlSource, key: &str, value: Spanned<DeValue<'a>>) -> Self {
        Self { source, key: key.to_owned(), at: value.span().start, value: value.into_inner() }
    }

    /// An error about this value.
    pub(super) fn error(&self, message: impl Into<String>) -> BadInput {
        self.source.error(self.at, message)
    }

    /// The values of a list, a plain value as a list of one; an empty list is an error.
    pub(super) fn list(self) -> Result<Vec<Self>, BadInput> {
        let DeValue::Array(values) = self.value else { return Ok(vec![self]) };
        if values.is_empty() {
            return Err(self.source.error(self.at, format!("{} is an empty list", self.key)));
        }
        if values.len() > MOST_CELLS {
            let why = format!("{} lists {} values; {MOST_CELLS} are the most", self.key, values.len());
            return Err(self.source.error(self.at, why));
        }
        Ok(values.into_iter().map(|value| Self::new(self.source, &self.key, value)).collect())
    }

    /// Whether it is a list without values.
    pub(super) fn is_empty_list(&self) -> bool {
        matches!(&self.value, DeValue::Array(values) if values.is_empty())
    }

    /// A plain value within a range; lengths of time in seconds.
    pub(super) fn admit(&self, range: &ValueRange) -> Result<Value, BadInput> {
        let admitted = self.plain().ok().and_then(|value| range.admit(&value).ok());
        admitted.ok_or_else(|| self.error(format!("{} must be {range}, not {}", self.key, describe(&self.value))))
    }

    /// An integer within these bounds, both included.
    pub(super) fn count(&self, from: u32, to: u32) -> Result<u32, BadInput> {
        Ok(self.number(&ValueRange::Count { from, to })? as u32)
    }

    /// A real number within these bounds, both included.
    pub(super) fn real(&self, from: f64, to: f64) -> Result<f64, BadInput> {
        self.number(&ValueRange::Real { from, to })
    }

    /// A length of time within these bounds in seconds, both included.
    pub(super) fn span(&self, from_s: f64, to_s: f64) -> Result<Span, BadInput> {
        Ok(Span::from_secs_f64(self.number(&ValueRange::Span { from_s, to_s })?))
    }

    fn number(&self, range: &ValueRange) -> Result<f64, BadInput> {
        match self.admit(range)? {
            Value::Number(n) => Ok(n),
            other => Err(self.error(format!("{} must be {range}, not {other}", self.key))),
        }
    }

    /// A string.
    pub(super) fn text(&self) -> Result<&str, BadInput> {
        match &self.value {
            DeValue::String(text) => Ok(text),
            other => Err(self.error(format!("{} must be a text, not {}", self.key, describe(other)))),
        }
    }

    /// A seed: an integer of up to 63 bits, exact.
    pub(super) fn seed(&self) -> Result<u64, BadInput> {
        let seed = match &self.value {
            DeValue::Integer(integer) => u64::from_str_radix(integer.as_str(), integer.radix()).ok(),
            _ => None,
        };
        seed.ok_or_else(|| {
            let why = format!("must be an integer from 0 to {}, not {}", i64::MAX, describe(&self.value));
            self.error(format!("{} {why}", self.key))
        })
    }

    /// `true` or `false`.
    pub(super) fn flag(&self) -> Result<bool, BadInput> {
        match &self.value {
            DeValue::Boolean(flag) => Ok(*flag),
            other => Err(self.error(format!("{} must be true or false, not {}", self.key, describe(other)))),
        }
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        matches!(self.value, DeValue::Table(_))
    }

    /// A spec: a label, or a table with `kind`.
    pub(super) fn named(self) -> Result<NamedSpec, BadInput> {
        let (source, key, at) = (self.source, self.key, self.at);
        let mut entries = match self.value {
            DeValue::String(label) => {
                let spec = Spec::parse(&label).map_err(|error| source.error(at, format!("{key}: {error}")))?;
                return Ok(NamedSpec { spec, at, params: BTreeMap::new() });
            }
            DeValue::Table(entries) => entries,
            other => {
                let why = format!("must be a name or a table with kind, not {}", describe(&other));
                return Err(source.error(at, format!("{key} {why}")));
            }
        };
        let kind = entries.remove("kind").map(|kind| Self::new(source, "kind", kind));
        let kind = kind.ok_or_else(|| source.error(at, format!("{key}: kind is missing")))?;
        let mut named = NamedSpec { spec: Spec::of(kind.text()?), at: kind.at, params: BTreeMap::new() };
        for (name, value) in entries {
            let value = Self::new(source, name.get_ref(), value);
            let at = name.span().start;
            named = named.with(name.get_ref(), value.parameter()?, at);
        }
        Ok(named)
    }

    /// A table with these keys and no others.
    pub(super) fn table(self, keys: &'static [&'static str]) -> Result<TomlTable<'a>, BadInput> {
        match self.value {
            DeValue::Table(entries) => TomlTable::new(self.source, &self.key, self.at, entries, keys),
            ref other => Err(self.error(format!("{} must be a table, not {}", self.key, describe(other)))),
        }
    }

    /// The values of a table with arbitrary keys, in the order of the file.
    pub(super) fn entries(self) -> Result<Vec<Self>, BadInput> {
        let DeValue::Table(entries) = self.value else {
            return Err(self.error(format!("{} must be a table, not {}", self.key, describe(&self.value))));
        };
        let mut values: Vec<Self> =
            entries.into_iter().map(|(key, value)| Self::new(self.source, key.get_ref(), value)).collect();
        values.sort_by_key(|value| value.at);
        Ok(values)
    }

    /// The value if it is neither a list nor a table.
    pub(super) fn plain(&self) -> Result<Value, BadInput> {
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
            self.error(format!("{} must be a number, text, true or false, not {}", self.key, describe(&self.value)))
        })
    }

    /// The specs that a label or a table with `kind` stands for: one for each combination of the values in the lists of
    /// its parameters, later parameters varying faster.
    pub(super) fn alternatives(self) -> Result<Vec<NamedSpec>, BadInput> {
        let (source, key, at) = (self.source, self.key, self.at);
        let DeValue::Table(mut entries) = self.value else {
            return Ok(vec![Self { source, key, at, value: self.value }.named()?]);
        };
        let kind = entries.remove("kind").map(|kind| Self::new(source, "kind", kind));
        let kind = kind.ok_or_else(|| source.error(at, format!("{key}: kind is missing")))?;
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let mut all = vec![NamedSpec { spec: Spec::of(kind.text()?), at: kind.at, params: BTreeMap::new() }];
        for (name, value) in entries {
            let value = Self::new(source, name.get_ref(), value);
            let at = name.span().start;
            let mut choices = Vec::new();
            for choice in value.list()? {
                match choice.value {
                    DeValue::Table(_) => choices.extend(choice.alternatives()?.iter().map(nested)),
                    _ => choices.push(choice.plain()?),
                }
                let product = all.len() * choices.len();
                if product > MOST_CELLS {
                    let why = format!("the lists of {key} multiply to {product} or more; {MOST_CELLS} are the most");
                    return Err(source.error(at, why));
                }
            }
            let with = |named: &NamedSpec, choice: &Value| named.clone().with(name.get_ref(), choice.clone(), at);
            all = all.iter().flat_map(|named| choices.iter().map(move |choice| with(named, choice))).collect();
        }
        Ok(all)
    }

    /// A parameter's value: a plain value, a list of member numbers, or a spec with parameters of its own.
    fn parameter(self) -> Result<Value, BadInput> {
        match self.value {
            DeValue::Array(values) if MEMBER_LISTS.contains(&self.key.as_str()) => {
                let member = |value| Self::new(self.source, &self.key, value).count(0, u32::MAX).map(|n| n.to_string());
                let members: Vec<String> = values.into_iter().map(member).collect::<Result<_, _>>()?;
                Ok(Value::Text(members.join(",")))
            }
            DeValue::Array(_) => {
                let way = "alternative faults are scenarios: scenario = [{ name = \"...\", fault = [...] }, ...]";
                Err(self.error(format!("{} must be one value here, not a list; {way}", self.key)))
            }
            DeValue::Table(_) => Ok(nested(&self.named()?)),
            _ => self.plain(),
        }
    }
}

/// A spec as the value of a parameter. Within a label, a nested label has semicolons in place of its colon and commas.
fn nested(named: &NamedSpec) -> Value {
    Value::Text(named.spec.to_string().replace([':', ','], ";"))
}

/// Reads the values of a list; equal ones are an error.
pub(super) fn distinct<T: PartialEq>(
    values: Vec<TomlValue<'_>>,
    read: impl Fn(&TomlValue<'_>) -> Result<T, BadInput>,
) -> Result<Vec<T>, BadInput> {
    let mut distinct = Vec::with_capacity(values.len());
    for value in values {
        let parsed = read(&value)?;
        if distinct.contains(&parsed) {
            return Err(value.error(format!("{} lists {} twice", value.key, value.plain()?)));
        }
        distinct.push(parsed);
    }
    Ok(distinct)
}

/// The value as error messages show it.
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
