//! A service that a member offers.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;

use super::health::Health;

/// A service that a member offers at one of its ports.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Service {
    /// The name: a DNS label in lower case.
    pub name: Box<str>,
    /// The TCP or UDP port, not 0.
    pub port: u16,
    /// The share of requests that it wants, relative to other instances; the weight of SRV records (RFC 2782).
    pub weight: u16,
    /// Words to choose by.
    pub tags: BTreeSet<Box<str>>,
    /// The health that the member reports of it.
    pub health: Health,
}

impl Service {
    /// The longest name, in bytes: that of a DNS label.
    pub const NAME_LIMIT: usize = 63;
    /// The longest tag, kind or capability, in bytes.
    pub const WORD_LIMIT: usize = 63;
    /// The most tags of one service.
    pub const TAG_LIMIT: usize = 16;

    /// A service with weight 1, without tags, passing. Capitals in the name become small.
    ///
    /// # Errors
    /// If the name is no DNS label (RFC 1123: letters, digits and hyphens, the first and the last one no hyphen, 63 at
    /// most), or the port is 0.
    pub fn new(name: &str, port: u16) -> Result<Self, ServiceError> {
        if !is_dns_label(name) {
            return Err(ServiceError::Name(name.into()));
        }
        if port == 0 {
            return Err(ServiceError::Port(name.into()));
        }
        let name = name.to_ascii_lowercase().into();
        Ok(Self { name, port, weight: 1, tags: BTreeSet::new(), health: Health::Passing })
    }

    /// Reads `NAME:PORT`, as in `web:8080`.
    ///
    /// # Errors
    /// If there is no colon, the port is no number from 1 to 65,535, or the name is no DNS label.
    pub fn parse(text: &str) -> Result<Self, ServiceError> {
        let (name, port) = text.rsplit_once(':').ok_or_else(|| ServiceError::Form(text.into()))?;
        let port = port.parse().map_err(|_| ServiceError::Port(text.into()))?;
        Self::new(name, port)
    }

    /// Adds a tag.
    ///
    /// # Errors
    /// If it is no word, or there are [`Service::TAG_LIMIT`] already.
    pub fn add_tag(&mut self, tag: &str) -> Result<(), ServiceError> {
        check_word(tag)?;
        if self.tags.len() >= Self::TAG_LIMIT && !self.tags.contains(tag) {
            return Err(ServiceError::TooManyTags(self.name.clone()));
        }
        self.tags.insert(tag.into());
        Ok(())
    }

    /// The value under which a member publishes it, without its health: port, weight and tags, with spaces in between.
    pub(super) fn value(&self) -> String {
        let mut value = format!("{} {}", self.port, self.weight);
        for tag in &self.tags {
            value.push(' ');
            value.push_str(tag);
        }
        value
    }

    /// The service that a member publishes by this value; `None` if it is none.
    pub(super) fn from_value(name: &str, value: &str) -> Option<Self> {
        let mut words = value.split(' ');
        let port = words.next()?.parse().ok()?;
        let weight = words.next()?.parse().ok()?;
        let mut service = Self { weight, ..Self::new(name, port).ok()? };
        words.try_for_each(|tag| service.add_tag(tag)).ok()?;
        (*service.name == *name).then_some(service)
    }
}

/// Whether a text is a DNS label (RFC 1123): letters, digits and hyphens, 63 at most, the first and the last one no hyphen.
pub fn is_dns_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= Service::NAME_LIMIT
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Checks a tag, kind or capability: letters, digits, `-`, `_` and `.`, at most [`Service::WORD_LIMIT`].
///
/// # Errors
/// If it is anything else.
pub fn check_word(word: &str) -> Result<(), ServiceError> {
    let is_word = !word.is_empty()
        && word.len() <= Service::WORD_LIMIT
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_word { Ok(()) } else { Err(ServiceError::Word(word.into())) }
}

/// Reason why a service is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceError {
    /// The text is not `NAME:PORT`.
    Form(Box<str>),
    /// The name is no DNS label.
    Name(Box<str>),
    /// The port of this service is no number from 1 to 65,535.
    Port(Box<str>),
    /// A tag, kind or capability is no word.
    Word(Box<str>),
    /// This service has too many tags.
    TooManyTags(Box<str>),
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(text) => write!(f, "{text:?} is not NAME:PORT, as in web:8080"),
            Self::Name(name) => write!(
                f,
                "{name:?} is no DNS label: 1 to {} letters, digits and hyphens, none of them at either end",
                Service::NAME_LIMIT
            ),
            Self::Port(text) => write!(f, "{text:?}: a port is a number from 1 to 65535"),
            Self::Word(word) => {
                write!(f, "{word:?} is no word: 1 to {} letters, digits, '-', '_' and '.'", Service::WORD_LIMIT)
            }
            Self::TooManyTags(name) => write!(f, "{name} has more than {} tags", Service::TAG_LIMIT),
        }
    }
}

impl Error for ServiceError {}
