//! Records of a log, as they are written in JSON.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Severity of a log record: a reader of one level gets the records of that level and of those before it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is probably wrong.
    Warn,
    /// Changes of members, and what operators ask for.
    Info,
    /// Single failures that the agent deals with.
    Debug,
    /// Single packets that were dropped.
    Trace,
}

/// One record of an agent's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogRecord {
    /// Seconds since 1970.
    pub at: f64,
    /// The severity.
    pub level: LogLevel,
    /// The module that wrote it.
    pub target: String,
    /// The text.
    pub message: String,
    /// Values that belong to it, by name.
    pub fields: LogFields,
}

/// Values by name, in the order in which they were written; an object in JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogFields(pub Vec<(String, Value)>);

/// Line that a monitor gets from an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogLine {
    /// A record of the log.
    Record(LogRecord),
    /// The number of records that are missing here because the reader was too slow.
    Missed(u64),
    /// The agent has ended, in this way: `left`, `displaced`, `stopped` or `panicked`. No line follows.
    Ended(String),
}

impl LogLevel {
    /// All levels, the most severe first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// The level of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

impl From<&tracing::Level> for LogLevel {
    fn from(level: &tracing::Level) -> Self {
        match *level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }
}

impl LogRecord {
    /// A record without fields; `at` is in seconds since 1970.
    pub fn new(at: f64, level: LogLevel, target: impl Into<String>, message: impl Into<String>) -> Self {
        Self { at, level, target: target.into(), message: message.into(), fields: LogFields::default() }
    }
}

impl Serialize for LogFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for LogFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LogFieldsVisitor)
    }
}

/// Reads an object, and keeps the order of its keys.
struct LogFieldsVisitor;

impl<'de> Visitor<'de> for LogFieldsVisitor {
    type Value = LogFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LogFields, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(LogFields(fields))
    }
}
