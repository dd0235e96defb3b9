//! Filters of members and instances: `kind=backend,capability=gpu`.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::instance::{CatalogMember, Instance};

/// A filter: conditions that must all hold, with commas in between.
///
/// | condition | holds if |
/// |---|---|
/// | `name=N`, `state=S`, `kind=W`, `service=N` | the member has this name, state or kind, or offers the service |
/// | `zone=eu-west` | its zone path is this one or begins with it |
/// | `capability=W`, `tag=W` | it is among the member's capabilities, or the service's tags |
/// | `health=passing`, `readiness=ready` | the instance's worse health or its readiness has this name |
/// | `meta.KEY=V` | the metadata have this pair |
///
/// `!=` in place of `=` turns a condition around. An empty filter lets everything through.
///
/// ```
/// use swimlab::discovery::Filter;
///
/// let filter: Filter = "kind=backend,capability!=gpu".parse()?;
/// assert!("kind:backend".parse::<Filter>().is_err());
/// # Ok::<(), swimlab::discovery::FilterError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter(Vec<Condition>);

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    key: Key,
    value: Box<str>,
    /// Whether it is to be equal.
    is_equal: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Key {
    Name,
    State,
    Kind,
    Service,
    Zone,
    Capability,
    Tag,
    Health,
    Readiness,
    Meta(Box<str>),
}

impl Filter {
    /// The longest filter, in bytes.
    pub const LIMIT: usize = 1024;

    const KEYS: [(&str, Key); 9] = [
        ("name", Key::Name),
        ("state", Key::State),
        ("kind", Key::Kind),
        ("service", Key::Service),
        ("zone", Key::Zone),
        ("capability", Key::Capability),
        ("tag", Key::Tag),
        ("health", Key::Health),
        ("readiness", Key::Readiness),
    ];

    /// Whether all conditions hold for an instance.
    pub fn allows(&self, instance: &Instance) -> bool {
        self.0.iter().all(|condition| condition.holds(&instance.member, Some(instance)))
    }

    /// Whether all conditions hold for a member. Tags and readiness are those of any of its services.
    pub fn allows_member(&self, member: &CatalogMember) -> bool {
        self.0.iter().all(|condition| condition.holds(member, None))
    }
}

impl Condition {
    fn holds(&self, member: &CatalogMember, instance: Option<&Instance>) -> bool {
        self.is_met(member, instance) == self.is_equal
    }

    fn is_met(&self, member: &CatalogMember, instance: Option<&Instance>) -> bool {
        let (value, description) = (&*self.value, &member.description);
        let mut services = description
            .services
            .values()
            .filter(|service| instance.is_none_or(|instance| service.name == instance.service.name));
        match &self.key {
            Key::Name => *member.node.name == *value,
            Key::State => member.status.to_string() == value,
            Key::Kind => description.kind.as_deref() == Some(value),
            Key::Service => services.any(|service| *service.name == *value),
            Key::Zone => {
                let rest = member.zone.strip_prefix(value);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Key::Capability => description.capabilities.contains(value),
            Key::Tag => services.any(|service| service.tags.contains(value)),
            Key::Health => {
                let own = &description.health;
                let worst = services.map(|service| &service.health).max().map_or(own, |service| service.max(own));
                worst.name() == value
            }
            Key::Readiness => services.any(|service| {
                let readiness = super::Readiness::of(member.status, &description.health, &service.health);
                readiness.is_some_and(|readiness| readiness.name() == value)
            }),
            Key::Meta(key) => member.meta.get(key).map(|found| &**found) == Some(value),
        }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        if text.len() > Self::LIMIT {
            return Err(FilterError::TooLong(text.len()));
        }
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(condition).collect::<Result<_, _>>().map(Self)
    }
}

fn condition(text: &str) -> Result<Condition, FilterError> {
    let form = || FilterError::Form(text.into());
    let (key, value) = text.split_once('=').ok_or_else(form)?;
    let (key, is_equal) = key.strip_suffix('!').map_or((key, true), |key| (key, false));
    let (name, value) = (key.trim(), value.trim());
    if name.is_empty() || value.is_empty() {
        return Err(form());
    }
    let key = match name.strip_prefix("meta.") {
        Some(key) if !key.is_empty() => Key::Meta(key.into()),
        _ => {
            let known = Filter::KEYS.iter().find(|(known, _)| *known == name);
            known.ok_or_else(|| FilterError::Key(name.into()))?.1.clone()
        }
    };
    Ok(Condition { key, value: value.into(), is_equal })
}

/// Reason why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilterError {
    /// This part is not `KEY=VALUE` or `KEY!=VALUE`.
    Form(Box<str>),
    /// There is no such key.
    Key(Box<str>),
    /// It has this number of bytes, more than [`Filter::LIMIT`].
    TooLong(usize),
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(text) => write!(f, "{text:?} is not KEY=VALUE or KEY!=VALUE"),
            Self::Key(name) => {
                let keys: Vec<&str> = Filter::KEYS.iter().map(|(key, _)| *key).collect();
                write!(f, "{name:?} is none of {}, meta.KEY", keys.join(", "))
            }
            Self::TooLong(bytes) => write!(f, "a filter of {bytes} bytes is longer than {}", Filter::LIMIT),
        }
    }
}

impl Error for FilterError {}
